"""Modals that open at once and are filled as soon as what they show is known."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.blocks import modals
from bot.errors import Refused, UpstreamError
from bot.flows import failures, rights
from bot.flows.services import Services
from bot.model import Posted

View = Mapping[str, Any]
_TOO_LATE = frozenset({"expired_trigger_id", "trigger_expired"})


@dataclass(frozen=True, slots=True)
class Press:
    """The button behind which a form opens, and ``who`` pressed it. ``message``: what it stands in, None when that is
    private. ``opened`` is called once the form is on the person's screen."""

    who: str
    channel: str
    trigger_id: str = field(repr=False)
    message: Posted | None
    opened: Callable[[], Awaitable[None]]


async def show(services: Services, press: Press, waiting: View, build: Callable[[], Awaitable[View]]) -> None:
    """Opens ``waiting`` (a trigger lives three seconds), then shows what ``build`` makes, or why it made nothing.

    Raises Refused when the trigger has expired, and UpstreamError(SLACK).
    """
    view_id = await _opened(services, press, waiting)
    await fill(services, view_id, press.who, build, title=waiting["title"]["text"])


async def _opened(services: Services, press: Press, view: View) -> str:
    """The id of the view. Raises Refused when the trigger has expired, and UpstreamError(SLACK)."""
    try:
        view_id = await services.messenger.open_view(press.trigger_id, view)
    except UpstreamError as error:
        if error.code not in _TOO_LATE:
            raise
        late = "Slack opens a form only within three seconds of the press, and this took longer."
        raise Refused(f"{late} Please press the button once more; nothing was done.") from None
    await press.opened()
    return view_id


async def fill(
    services: Services, view_id: str, who: str, build: Callable[[], Awaitable[View]], *, title: str = modals.TITLE
) -> None:
    """Shows what ``build`` makes in an open modal, to those only who may use the bot; whatever goes wrong is told
    there. Raises UpstreamError(SLACK)."""
    try:
        await rights.demand_command(services, who)  # however long it takes: what comes next names the clients' devices
        view = await build()
    except Exception as error:  # noqa: BLE001 a modal that says "one moment" for ever is no answer
        view = modals.failed(failures.told(services, error).text, title)
    try:
        await services.messenger.update_view(view_id, view)
    except UpstreamError as error:
        if error.code != "not_found":  # the person has closed it, which is no error
            raise
