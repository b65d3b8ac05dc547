"""Which device an attempt happened on, and what the device is called: lists in pages, and names in batches.

Both are optional: an API user may lack the right to either. Source: ESET's OpenAPI of patch management
(``/v1/patching-process-details``) and of device management (``/v1/devices:batchGet``).
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from urllib.parse import quote

import structlog

from bot.clients.eset_json import DevicePage
from bot.errors import Kind, UpstreamError
from bot.model import DeviceAttempt, DeviceListing, EsetDevice

DETAILS_PATH = "/v1/patching-process-details"
DEVICES_PATH = "/v1/devices:batchGet"
PAGE_SIZE = 1000  # ESET gives no more
MOST_PAGES = 200
BATCH = 100
BATCH_LENGTH = 6000  # of the uuids in the address: many servers stop reading at 8 KB
MOST_HALVINGS = 100
UNKNOWN_AMONG_THEM = frozenset({400, 404})

log = structlog.get_logger()


class MissingRight(UpstreamError):
    """ESET answers 403 to a call that the rest of the bot can do without. ``right``: the permission that brings it,
    by its name in ESET's console; ``gain``: what it brings, as in "Which device an attempt happened on"."""

    def __init__(self, error: UpstreamError, right: str, gain: str) -> None:
        super().__init__(
            error.service, Kind.FORBIDDEN, reference=error.reference, sent=True, code=error.code, words=error.words
        )
        self.right, self.gain = right, gain

    @property
    def short(self) -> str:
        return (
            f"{self.gain} is kept from the bot's account: the permission “{self.right}” in its ESET permission set "
            "brings it. If it has that, ESET has another reason for this 403."
        )

    @property
    def sentence(self) -> str:
        return f"{self.short.removesuffix('.')} (reference `{self.reference}`)."


# ---------------------------------------------------------------- pages


async def read_pages(fetch: Callable[[str], Awaitable[DevicePage]], patient: Callable[[], bool]) -> DeviceListing:
    """All pages, from the one with the token "" on; none is asked for once ``patient()`` is false.

    A page that fails is the failure of all: the next try may well succeed. What would come again at the next try
    (tokens that go round in a circle, pages without end) ends the list instead, and ``partial`` says so.
    """
    attempts: list[DeviceAttempt] = []
    seen, token, unreadable = {""}, "", 0
    while True:
        page = await fetch(token)
        attempts += page.attempts
        unreadable += page.unreadable
        token = page.next_token
        partial = token and _why_no_further(token in seen, len(seen))
        if not token or partial:
            return DeviceListing(attempts, unreadable, partial)
        if not patient():
            partial = f"ESET took too long over its list, which was left at page {len(seen)}"
            return DeviceListing(attempts, unreadable, partial, hurried=True)
        seen.add(token)


def _why_no_further(circle: bool, pages: int) -> str:
    if circle:
        return f"ESET's list went round in a circle after page {pages}"
    return f"ESET's list has more than the {MOST_PAGES} pages that the bot reads" if pages >= MOST_PAGES else ""


# ---------------------------------------------------------------- batches


async def read_batches(
    fetch: Callable[[Sequence[str]], Awaitable[Iterable[EsetDevice] | None]], uuids: Iterable[str]
) -> dict[str, EsetDevice]:
    """The devices that ESET knows, by uuid. ``fetch`` is atomic: None when a uuid of the batch is unknown.

    Such a batch is halved, breadth first, so that most names are there when ``MOST_HALVINGS`` are used up; who is
    left then stays without a name, until asked for again.
    """
    devices: dict[str, EsetDevice] = {}
    batches, halvings, unknown = deque(_batches(uuids)), 0, 0
    while batches:
        batch = batches.popleft()
        found = await fetch(batch)
        if found is not None:
            devices |= {device.uuid: device for device in found}
        elif len(batch) > 1 and halvings < MOST_HALVINGS:
            halvings += 1
            middle = len(batch) // 2
            batches += (batch[:middle], batch[middle:])
        else:
            unknown += len(batch)
    if unknown:
        log.info("eset.devices_unknown", devices=unknown, halvings=halvings)
    return devices


def _batches(uuids: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for uuid in dict.fromkeys(uuids):
        cost = len(f"devicesUuids={quote(uuid)}&")
        if batch and (len(batch) == BATCH or length + cost > BATCH_LENGTH):
            yield batch
            batch, length = [], 0
        if uuid:
            batch.append(uuid)
            length += cost
    if batch:
        yield batch
