"""What `check` says of digests and subscriptions: when they come next, and what keeps them from it."""

from dataclasses import replace
from pathlib import Path

from bot.demo.slack.model import BOT_USER, Channel
from bot.demo.world import World
from bot.digests import DigestPlan
from bot.flows.check import Finding
from bot.store import Entry, Store
from tests.checked import FRIDAY, WHOLE, examined, loaded, looked

# ---------------------------------------------------------------- when


async def test_the_next_digest_is_told_in_its_own_zone_and_in_utc(world: World, tmp_path: Path) -> None:
    findings = await examined(loaded(world, tmp_path), lambda: FRIDAY)
    # Between that Friday and the Monday after it Berlin leaves daylight saving time.
    assert "next at Mon 2026-10-26 09:00 Europe/Berlin (Mon 08:00 UTC)" in findings["digests.daily"].sentence


async def test_a_quiet_time_is_reckoned_with(world: World, tmp_path: Path) -> None:
    quiet = loaded(world, tmp_path, WHOLE + 'quiet = ["2026-10-26"]\n')
    findings = await examined(quiet, lambda: FRIDAY)
    assert "next at Tue 2026-10-27 09:00 Europe/Berlin" in findings["digests.daily"].sentence


# ---------------------------------------------------------------- subscriptions


async def subscribed(world: World, folder: Path, *plans: DigestPlan, toml: str = WHOLE) -> dict[str, Finding]:
    store = await Store.open(loaded(world, folder, toml).database.url.reveal())
    for plan in plans:
        await store.subscribe(plan, Entry(FRIDAY, "U0BOB", "digest.subscribe", "", {}))
    await store.close()
    return await looked(world, folder, toml)


async def test_what_people_subscribed_to_is_looked_at_too(world: World, tmp_path: Path) -> None:
    mine = DigestPlan("mine", "C0HELPDESK", "0 9 * * *", made_by="U0BOB")
    paused = replace(mine, name="late", channel="C0NOWHERE", paused=True)
    findings = await subscribed(world, tmp_path, mine, paused, replace(mine, name="Daily"))
    assert "in #helpdesk (C0HELPDESK); next at" in findings["digests.mine"].sentence
    assert (findings["digests.late"].ok, "; paused" in findings["digests.late"].sentence) == (False, True)
    assert "the file's digest wins" in findings["digests.Daily"].sentence
    assert findings["digests.daily"].ok is True


async def test_without_digests_in_the_file_subscriptions_are_all_there_is(world: World, tmp_path: Path) -> None:
    findings = await subscribed(world, tmp_path, DigestPlan("mine", "C0HELPDESK", "0 9 * * *"), toml="")
    assert "digests" not in findings
    assert findings["digests.mine"].ok is True


# ---------------------------------------------------------------- what has no effect


async def test_a_digest_that_cannot_be_edited_for_want_of_a_scope_is_noted(world: World, tmp_path: Path) -> None:
    updating = WHOLE + "update = true\n"
    noted = (await looked(world, tmp_path, updating))["digests.update"]
    assert (noted.ok, "channels:history" in noted.mend) == (None, True)
    world.slack.tokens.scopes.add("channels:history")
    assert "digests.update" not in await looked(world, tmp_path, updating)


async def test_the_scope_that_a_digest_lacks_is_the_one_that_its_kind_of_channel_needs(
    world: World, tmp_path: Path
) -> None:
    world.slack.tokens.scopes.add("channels:history")
    world.slack.add(Channel("G0PRIVATE", "private", members={BOT_USER}, private=True))
    own = '[[digests]]\nname = "own"\nchannel = "G0PRIVATE"\ncron = "0 9 * * *"\nupdate = true\n'
    noted = (await looked(world, tmp_path, WHOLE + "update = true\n" + own))["digests.update"]
    assert noted.sentence.startswith("own: has no effect")
    assert noted.mend.startswith("Add groups:history under")


async def test_what_a_digest_asks_for_and_nobody_knows_is_noted(world: World, tmp_path: Path) -> None:
    asked = WHOLE + 'clients = ["Contosso Ltd", "Contoso*"]\napplications = ["*Googel*", "*Chrome*"]\n'
    findings = await looked(world, tmp_path, asked)
    client, application = findings["digests.daily.clients"], findings["digests.daily.applications"]
    assert (client.ok, client.sentence, client.mend) == (
        None,
        "no client that the key sees fits Contosso Ltd",
        "Did you mean Contoso Ltd?",
    )
    assert (application.ok, application.sentence) == (None, "no application that ESET lists at present fits *Googel*")
    mine = replace(DigestPlan("mine", "C0HELPDESK", "0 9 * * *", made_by="U0BOB"), clients=("Nobody",))
    found = await subscribed(world, tmp_path, mine)
    assert found["digests.mine.clients"].sentence.endswith("fits Nobody")


async def test_a_digest_by_severity_is_noted_while_nothing_reads_severities(world: World, tmp_path: Path) -> None:
    by_severity = WHOLE + 'group_by = "severity"\n'
    noted = (await looked(world, tmp_path, by_severity))["digests.daily.group_by"]
    assert (noted.ok, "sweep" in noted.mend) == (None, True)
    assert "digests.daily.group_by" not in await looked(world, tmp_path, by_severity + '[nsight]\nsweep = "24h"\n')
