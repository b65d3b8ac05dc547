"""The bot's own examples, typed in the demo's fleet one after the other: whoever tries what help says sees it work."""

from bot.commands import FORMS
from bot.demo import setting

REFUSALS = ("Nothing was done", "no device", "fits 2", "No application", "no silence", "no digest")


async def test_every_example_that_help_gives_works_in_the_demo() -> None:
    async with setting.opened(cron="0 9 * * *", every="15m", tick=0) as scene:
        for form in FORMS.values():
            exchange = await scene.world.slack.says("bob", form.example)
            said = (await exchange.answer()).plain
            await scene.bot.settle()
            answers = "\n".join(shown.plain for shown in exchange.answers)
            assert exchange.failure == ""
            assert [words for words in REFUSALS if words in said + answers] == [], f"{form.example}: {answers}"
            assert "0 failed · 0 ok" not in answers
        assert scene.world.violations == []
