"""ESET and N-sight examined: can the bot log in, and does it see what it needs."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.clients.eset import Eset, MissingRight
from bot.clients.nsight import Nsight
from bot.config import Config
from bot.digests import DigestPlan
from bot.errors import Kind, UpstreamError
from bot.flows.check.findings import Finding, advice, bad, good, note, told
from bot.markup import plural
from bot.terms import like

LOGIN, ATTEMPTS, DEVICES, NSIGHT = "ESET login", "ESET attempts", "ESET devices", "N-sight"
LOOKED_BACK = timedelta(days=1)
_NO_ACCESS = (
    "Give the API user a permission set with at least Read for patch management, and see that the licence includes "
    "Vulnerability & Patch Management."
)
_COMPARE = "Compare it with the clients' names in N-sight."
_KNOWN = {"clients": "client that the key sees", "applications": "application that ESET lists at present"}
_NO_CLIENTS = "The key sees the clients of the Agent Key user's client group: give that user the clients to be patched."


async def eset(config: Config, plans: Sequence[DigestPlan] = ()) -> list[Finding]:
    """Logs in, then asks for the list; that may take ESET some minutes."""
    source = config.eset
    user = (source.username, source.password.reveal())
    client = Eset(source.auth_url, source.patch_url, *user, device_url=source.device_url)
    try:
        login = await _login(client, source.username)
        if not login.ok:
            return [login, note(ATTEMPTS, "not asked for without a login")]
        found, applications = await _attempts(client)
        return [login, found, await _devices(client), *_odd("applications", plans, applications)]
    finally:
        await client.close()


async def _login(client: Eset, username: str) -> Finding:
    try:
        await client.login()
    except UpstreamError as error:
        if error.kind is Kind.FORBIDDEN:
            return bad(LOGIN, "ESET answers the login itself with 403, whatever the password", advice(error))
        return bad(LOGIN, told(error), advice(error))
    return good(LOGIN, f"works for {username}")


async def _attempts(client: Eset) -> tuple[Finding, list[str]]:
    """And the names of the applications that were tried."""
    try:
        listing = await client.recent()
    except UpstreamError as error:
        if error.kind is Kind.FORBIDDEN:
            return bad(ATTEMPTS, "the API user may log in, but not read patching attempts (403)", _NO_ACCESS), []
        return bad(ATTEMPTS, told(error), advice(error)), []
    names = sorted({attempt.display_name for attempt in listing.attempts if attempt.display_name})
    listed = f"{plural(len(listing.attempts), 'attempt')} listed"
    if listing.unreadable:
        lost = f"{listed}; {plural(listing.unreadable, 'row')} could not be read and are left out"
        return note(ATTEMPTS, lost), names
    return good(ATTEMPTS, listed), names


async def _devices(client: Eset) -> Finding:
    """Optional: without them the bot works, but cannot tell on which devices something failed."""
    until = datetime.now(UTC)
    try:
        listing = await client.per_device(until - LOOKED_BACK, until)
        names = await client.device_names({row.device_uuid for row in listing.attempts[:1]})
    except MissingRight as error:
        return note(DEVICES, error.short.rstrip("."), "Not needed, but then people name the devices themselves.")
    except UpstreamError as error:
        return note(DEVICES, f"{told(error)}; people then name the devices themselves", advice(error))
    if listing.attempts and not names:
        return note(DEVICES, "attempts name devices that ESET does not list (any more)")
    return good(DEVICES, f"{plural(len(listing.attempts), 'attempt')} of the last day listed with devices")


async def nsight(config: Config, plans: Sequence[DigestPlan] = ()) -> list[Finding]:
    """Lists the clients: the one call that proves key, territory and firewall at once."""
    source = config.nsight
    client = Nsight(source.url, source.api_key.reveal(), source.user_agent)
    try:
        clients = await client.clients()
    except UpstreamError as error:
        return [bad(NSIGHT, told(error), advice(error))]
    finally:
        await client.close()
    if not clients:
        return [bad(NSIGHT, "the key is good, but sees no client at all", _NO_CLIENTS)]
    devices = sum(one.servers + one.workstations for one in clients)
    seen = good(NSIGHT, f"the key sees {plural(len(clients), 'client')} with {plural(devices, 'device')}")
    names = [client.name for client in clients]
    return [seen, *_strangers(config, names), *_odd("clients", plans, names)]


def _strangers(config: Config, clients: list[str]) -> Iterator[Finding]:
    """A name of a client that fits none: what was meant to be strict for it is not."""
    named = [(f"approvals.rules[{at}].client", rule.client) for at, rule in enumerate(config.approvals.rules)]
    named += [(f"windows[{at}].client", window.client) for at, window in enumerate(config.windows)]
    for key, glob in named:
        if not any(like(client, glob) for client in clients):
            yield bad(key, f"no client that the key sees fits {glob}", _hint(glob, clients) or _COMPARE)


def _odd(what: Literal["clients", "applications"], plans: Iterable[DigestPlan], known: list[str]) -> Iterator[Finding]:
    """A digest that asks for what nobody knows tells nothing, for ever. Nothing known says nothing of anything."""
    for plan in plans if known else ():
        for glob in getattr(plan, what):
            if not any(like(name, glob) for name in known):
                sentence = f"no {_KNOWN[what]} fits {glob}"
                yield note(f"digests.{plan.name}.{what}", sentence, _hint(glob, known))


def _hint(glob: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(glob, known, n=1)
    return f"Did you mean {nearest[0]}?" if nearest else ""
