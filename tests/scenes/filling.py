"""How people in scenes go through the two steps from a list of failures to a request."""

from bot.demo.slack import words
from bot.demo.slack.model import Shown, View
from tests.scenes.stage import Stage

NEWS = "C0PATCHNEWS"


async def digest_of(stage: Stage) -> Shown:
    """A digest posted by hand, just now."""
    await stage.asks("bob", "/patches digest now daily")
    return stage.posted(NEWS)[-1]


async def first_step(stage: Stage, who: str, shown: Shown, application: str = "", *, place: int = 0) -> View:
    """Presses a Retry… of a message: of the ``place``-th section that names the application."""
    buttons = [button for button in words.buttons(shown.blocks) if words.button_text(button) == "Retry…"]
    named = [block["block_id"] for block in shown.blocks if application in str(block.get("text", {}).get("text"))]
    wanted = [number for number, button in enumerate(buttons) if button["block_id"] in named]
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
