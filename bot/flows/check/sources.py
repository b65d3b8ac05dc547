"""ESET and N-sight examined: can the bot log in, and does it see what it needs."""

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.clients.eset import Eset, MissingRight
from bot.clients.nsight import Nsight
from bot.config import Config
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
_NO_CLIENTS = "The key sees the clients of the Agent Key user's client group: give that user the clients to be patched."


async def eset(config: Config) -> list[Finding]:
    """Logs in, then asks for the list; that may take ESET some minutes."""
    source = config.eset
    user = (source.username, source.password.reveal())
    client = Eset(source.auth_url, source.patch_url, *user, device_url=source.device_url)
    try:
        login = await _login(client, source.username)
        if not login.ok:
            return [login, note(ATTEMPTS, "not asked for without a login")]
        return [login, await _attempts(client), await _devices(client)]
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


async def _attempts(client: Eset) -> Finding:
    try:
        listing = await client.recent()
    except UpstreamError as error:
        if error.kind is Kind.FORBIDDEN:
            return bad(ATTEMPTS, "the API user may log in, but not read patching attempts (403)", _NO_ACCESS)
        return bad(ATTEMPTS, told(error), advice(error))
    listed = f"{plural(len(listing.attempts), 'attempt')} listed"
    if listing.unreadable:
        return note(ATTEMPTS, f"{listed}; {plural(listing.unreadable, 'row')} could not be read and are left out")
    return good(ATTEMPTS, listed)


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


async def nsight(config: Config) -> list[Finding]:
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
    return [seen, *_strangers(config, [client.name for client in clients])]


def _strangers(config: Config, clients: list[str]) -> Iterator[Finding]:
    """A name of a client that fits none: what was meant to be strict for it is not."""
    named = [(f"approvals.rules[{at}].client", rule.client) for at, rule in enumerate(config.approvals.rules)]
    named += [(f"windows[{at}].client", window.client) for at, window in enumerate(config.windows)]
    for key, glob in named:
        if not any(like(client, glob) for client in clients):
            nearest = difflib.get_close_matches(glob, clients, n=1)
            hint = f"Did you mean {nearest[0]}?" if nearest else "Compare it with the clients' names in N-sight."
            yield bad(key, f"no client that the key sees fits {glob}", hint)
