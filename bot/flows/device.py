"""``/patches device``: what N-sight lists for one device, and the form that asks for a retry."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from bot.blocks import device as words
from bot.blocks import modals
from bot.errors import Refused, TrailUnwritableError, UpstreamError
from bot.flows import inventory
from bot.flows.ask import Wish
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Message, RequestedPatch

KIND = "form"
TITLE = "Request a retry"


async def show(services: Services, named: str, channel: str, progress: Progress) -> Message:
    """The device's patches, asked now. Raises Refused and UpstreamError(NSIGHT)."""
    device = await inventory.find(services, named, progress)
    await progress(words.asking(device.name).text)
    patches = await services.nsight.patches(device.id)
    token = ""
    if any(patch.failed for patch in patches):
        with contextlib.suppress(TrailUnwritableError):  # the list is a read; the button would only be refused
            token = await services.store.remember(KIND, {"device": device.id, "channel": channel}, services.now())
    return words.page(device, patches, token=token)


async def open_retry(services: Services, token: str, trigger_id: str, opened: Callable[[], Awaitable[None]]) -> None:
    """Opens the form at once (a trigger lives three seconds) and fills it when N-sight has answered."""
    view_id = await services.messenger.open_view(trigger_id, modals.loading(TITLE))
    await opened()
    try:
        view = await _form(services, token)
    except (Refused, UpstreamError) as no:
        view = modals.failed(TITLE, no.sentence)
    try:
        await services.messenger.update_view(view_id, view)
    except UpstreamError as error:
        if error.code != "not_found":  # the person has closed it
            raise


async def _form(services: Services, token: str) -> dict[str, object]:
    kept = await services.store.recall(KIND, token)
    device = await services.store.device(int(kept["device"])) if kept else None
    if device is None:
        raise Refused("This button is too old. Type `/patches device NAME` to get a new one.")
    failed = [patch for patch in await services.nsight.patches(device.id) if patch.failed]
    if not failed:
        raise Refused("No patch of this device is failed any more.")
    severities = {str(patch.id): patch.severity for patch in failed}
    await services.store.replace(KIND, token, {**kept, "severities": severities})
    required = services.policy_on(device).terms.reason_required
    return modals.retry_device(device, failed, token, required=required)


async def reason_required(services: Services, token: str, ids: Sequence[int]) -> bool:
    """Whether these patches of the form's device need a reason; from the database alone."""
    kept = await services.store.recall(KIND, token)
    device = await services.store.device(int(kept["device"])) if kept else None
    if device is None:
        return False  # the submission itself is refused as too old
    severities = kept.get("severities", {})
    chosen = [RequestedPatch(one, "", "", "", severity=str(severities.get(str(one), ""))) for one in ids]
    return services.policy_on(device, chosen).terms.reason_required


async def wish(services: Services, token: str, who: str, ids: tuple[int, ...], reason: str) -> Wish:
    """What the submitted form asks for."""
    kept = await services.store.recall(KIND, token)
    if kept is None or not ids:
        raise Refused("This form is too old. Type `/patches device NAME` to get a new one. Nothing was done.")
    return Wish(who, str(kept["channel"]), str(kept["device"]), ids, reason)
