"""How people in scenes go through the two steps from a list of failures to a request."""

from bot.demo.slack import words
from bot.demo.slack.model import Shown, View
from tests.scenes.stage import Stage

NEWS = "C0PATCHNEWS"


async def digest_of(stage: Stage, application: str = "") -> Shown:
    """A digest posted by hand, just now. ``application``: of that alone, since a message has room for few groups."""
    plan = application.lower().replace(" ", "-") or "daily"
    if application:
        added = await stage.says("bob", f'/patches digest add {plan} "0 9 * * 1-5" app:"{application}"', NEWS)
        await added.answer()
    await stage.asks("bob", f"/patches digest now {plan}")
    return stage.posted(NEWS)[-1]


async def first_step(stage: Stage, who: str, shown: Shown, application: str = "", *, place: int = 0) -> View:
    """Presses a Retry… of a message: of the ``place``-th section that names the application."""
    above, wanted, number = "", [], 0
    for block in shown.blocks:
        above = str((block.get("text") or {}).get("text") or above)
        for button in words.buttons([block]):
            if words.button_text(button) == "Retry…":
                wanted += [number] if application in above else []
                number += 1
    await stage.world.slack.clicks(who, "Retry…", shown, nth=wanted[place])
    await stage.bot.settle()
    return await stage.world.slack.view_of(who)


async def second_step(stage: Stage, who: str, devices: list[str] | None = None, **others: str | list[str]) -> View:
    """Submits the first step with these devices (None: those that are ticked) and what else is chosen, by block_id."""
    chosen = {"devices": devices} if devices is not None else {}
    errors = await stage.submits(who, {**chosen, **{name.replace("_", "."): what for name, what in others.items()}})
    assert errors == {}, errors
    return await stage.world.slack.view_of(who)


def ticked(view: View, block: str) -> list[str]:
    """Values of the options that are chosen in a block."""
    return view.chosen(block)


def offered(view: View, block: str) -> list[str]:
    """Values of the options of a block."""
    [found] = [each for each in view.blocks if each["block_id"] == block]
    return [option["value"] for option in found["element"]["options"]]


def fields(view: View) -> list[str]:
    """Block ids of the inputs, in order."""
    return [block["block_id"] for block in view.blocks if block["type"] == "input"]
