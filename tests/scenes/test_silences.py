"""``/patches silence``, ``silences``, ``unsilence``, and the Silence… button: who keeps what out of digests."""

import asyncio
import contextlib
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.blocks import text
from bot.demo.slack.model import Shown
from bot.flows import digest
from tests.scenes.filling import digest_of
from tests.scenes.playing import pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged
from tests.scenes.test_failures import full_disk

NEWS = "C0PATCHNEWS"
DAY = timedelta(days=1)
GROUP: dict[str, Any] = {
    "developer": "Google LLC",
    "application": "Google Chrome",
    "to_version": "134.0.6998.89",
    "subjects": [1, 2],
    "reasons": ["FAILED_TERMINATION_REQUIRED", "FAILED_DOWNLOAD_ERROR"],
    "clients": ["Contoso Ltd"],
}


async def told(stage: Stage, who: str, typed: str) -> str:
    return (await stage.asks(who, f"/patches {typed}")).plain


async def offered(stage: Stage, group: dict[str, Any] | None = None) -> Shown:
    """A message with the button that a digest has beside a group."""
    services = stage.bot.services
    token = await services.store.remember(digest.GROUP, group or GROUP, services.now())
    button = text.section("Google Chrome fails.", text.button("Silence…", "digest.silence.0", token))
    await services.messenger.post(NEWS, text.message("Google Chrome fails.", [button]))
    return stage.posted(NEWS)[-1]


async def on(stage: Stage) -> list[str]:
    return [silence.application for silence in await stage.bot.services.store.silences_on(stage.world.clock.now())]


# ---------------------------------------------------------------- typed


async def test_a_silence_is_made_listed_and_ended_by_command(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        made = await told(stage, "bob", 'silence "Zoom Workplace" 7d client:Contoso* new installer on Friday')
        assert "Zoom Workplace (only at Contoso*) stays out of digests until" in made
        assert "This is silence #1." in made
        listed = await told(stage, "ann", "silences")
        assert all(said in listed for said in ("1 silence", "#1 Zoom Workplace", "by @bob", "new installer on Friday"))
        assert "Silence #1 is over" in await told(stage, "ann", "unsilence 1")
        assert "Nothing is kept out of digests" in await told(stage, "ann", "silences")
        assert "Silence #1 was ended by @ann" in await told(stage, "bob", "unsilence 1")
        assert "There is no silence #2" in await told(stage, "bob", "unsilence 2")
        trail = [(row.actor, row.action, row.subject) for row in await stage.trail()]
        assert trail == [("U0BOB", "silence.make", "silence:1"), ("U0ANN", "silence.end", "silence:1")]
        facts = json.loads((await stage.trail())[0].data)
        assert (facts["application"], facts["client"]) == ("Zoom Workplace", "Contoso*")
        assert facts["why"] == "new installer on Friday"
        assert nothing_left(stage) == []


async def test_it_comes_to_its_end_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "silence Zoom* 1d")
        await stage.later(DAY)
        assert "Nothing is kept out of digests" in await told(stage, "bob", "silences")
        assert "Silence #1 came to its end" in await told(stage, "bob", "unsilence 1")
        assert nothing_left(stage) == []


async def test_one_about_the_same_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "silence Zoom* 1d")
        assert "Silence #2 takes the place of #1" in await told(stage, "ann", "silence ZOOM* 7d")
        await stage.later(2 * DAY)
        assert await on(stage) == ["ZOOM*"]
        assert nothing_left(stage) == []


async def test_a_mistyped_name_is_answered_with_the_nearest_and_silences_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "digest now daily")  # so that ESET's attempts are known
        assert "Did you mean Google Chrome?" in await told(stage, "bob", 'silence "Gogle Chrome" 7d')
        assert "No client is called Contosso Ltd" in await told(
            stage, "bob", 'silence "Google Chrome" 7d client:"Contosso Ltd"'
        )
        assert await on(stage) == []
        assert "⚠️" not in await told(stage, "bob", 'silence "google chrome" 7d client:contoso*')
        assert "No application that is known so far is called Zyx" in await told(stage, "bob", "silence Zyx* 7d")
        assert nothing_left(stage) == []


async def test_a_status_or_version_that_was_never_seen_is_doubted(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "digest now daily")  # so that ESET's attempts are known
        doubted = await told(stage, "bob", "silence 7-Zip 7d version:99.9 status:FAILED_BY_MAGIC")
        assert "⚠️ As far as is known it never failed with FAILED_BY_MAGIC or on its way to version 99.9" in doubted
        assert "is not a failure that ESET tells" in await told(stage, "bob", "silence 7-Zip 7d status:FAILED_*")
        [known] = [one for one in await stage.bot.services.store.applications() if one == "7-Zip"]
        [status, version] = min(await stage.bot.services.store.failed_with([known]))
        assert "⚠️" not in await told(stage, "bob", f"silence 7-Zip 7d version:{version} status:{status}")
        assert nothing_left(stage) == []


async def test_the_list_is_paged_and_its_buttons_end_silences(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for number in range(1, 13):
            await told(stage, "bob", f"silence App{number} 7d")
        shown = await stage.asks("ann", "/patches silences")
        assert "12 silences, newest first: 1 to 10" in shown.plain
        await stage.clicks("ann", "Older ▶", shown)
        assert "11 to 12" in shown.plain
        assert "#2 App2" in shown.plain
        await stage.clicks("ann", "End now", shown)
        assert "Silence #1 is over" in shown.plain
        assert "11 silences, newest first: 1 to 10" in shown.plain
        await stage.world.slack.clicks("ann", "End now", shown, nth=0)
        await stage.bot.settle()
        assert "Silence #12 is over" in shown.plain
        assert len(await on(stage)) == 10
        assert nothing_left(stage) == []


async def test_who_is_not_listed_neither_makes_nor_ends_one_and_sees_them_all_the_same(tmp_path: Path) -> None:
    config = CONFIG + '\n[access]\ncommands = ["S0HELPDESK"]\nsilence = ["U0ANN"]\n'
    async with staged(tmp_path, config=config) as stage:
        refused = "You are not among the people who may keep applications out of digests here. Nothing was done."
        assert refused in await told(stage, "bob", "silence Zoom* 7d")
        assert "This is silence #1." in await told(stage, "ann", "silence Zoom* 7d")
        assert refused in await told(stage, "bob", "unsilence 1")
        shown = await stage.asks("bob", "/patches silences")
        assert refused in await pressed(stage, "bob", "End now", shown)
        assert refused in await pressed(stage, "bob", "Silence…", await offered(stage))
        assert "Only full members" in await told(stage, "gina", "silence Zoom* 7d")
        assert await stage.actions() == ["silence.make"]
        assert nothing_left(stage) == []


async def test_when_slack_cannot_tell_who_may_nothing_is_silenced(tmp_path: Path) -> None:
    config = CONFIG + '\n[access]\nsilence = ["S0PATCHTEAM"]\n'
    async with staged(tmp_path, config=config) as stage:
        stage.world.slack.faults.add("usergroups.users.list", "http_500", times=None)
        assert "not known whether you may" in await told(stage, "ann", "silence Zoom* 7d")
        assert await stage.actions() == []


async def test_a_trail_that_cannot_be_written_refuses_a_silence_and_still_lists_them(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for number in range(1, 12):
            await told(stage, "bob", f"silence App{number} 7d")
        with full_disk(tmp_path):
            assert "The bot's database cannot be written" in await told(stage, "bob", "silence Zoom* 7d")
            listed = await told(stage, "bob", "silences")
            assert "11 silences" in listed
            assert "this list has no buttons" in listed
        with contextlib.closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as insider:
            insider.execute("CREATE TRIGGER deaf BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'no'); END")
            assert "The bot's database cannot be written" in await told(stage, "bob", "unsilence 1")
            insider.execute("DROP TRIGGER deaf")
        assert len(await on(stage)) == 11
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- from a digest


async def test_from_a_digest_a_form_makes_it_and_the_thread_hears_of_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await offered(stage)
        view = await stage.opens("bob", "Silence…", shown)
        assert "Google Chrome (Google LLC) is told in no digest" in view.plain
        chosen = {"length": "14d", "reason": "Only: Download failed", "client": "Contoso Ltd", "why": "they know"}
        assert await stage.submits("bob", chosen) == {}
        narrowed = "(only Download failed FAILED_DOWNLOAD_ERROR, only at Contoso Ltd)"
        assert f"Google Chrome {narrowed} stays out of digests" in stage.told("bob")
        assert stage.world.slack.last["bob"].answers[-1].channel == NEWS
        await stage.bot.tick()
        [reply] = [one for one in stage.world.slack.messages if one.thread_ts == shown.ts]
        assert f"@bob keeps Google Chrome {narrowed} out of digests" in reply.plain
        assert "they know" in reply.plain
        [silence] = await stage.bot.services.store.silences_on(stage.world.clock.now())
        assert (silence.reason, silence.client, silence.version) == ("FAILED_DOWNLOAD_ERROR", "Contoso Ltd", "")
        assert silence.until - silence.made_at == 14 * DAY
        assert await stage.actions() == ["silence.make"]
        assert nothing_left(stage) == []


async def test_a_form_sent_as_it_opens_silences_the_application_for_a_week(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.opens("bob", "Silence…", await offered(stage))
        assert await stage.submits("bob") == {}
        [silence] = await stage.bot.services.store.silences_on(stage.world.clock.now())
        assert (silence.application, silence.reason, silence.client) == ("Google Chrome", "", "")
        assert silence.until - silence.made_at == 7 * DAY
        exchange = stage.world.slack.last["bob"]
        await stage.world.slack.redeliver(exchange)
        await stage.bot.settle()
        assert await stage.actions() == ["silence.make"]
        assert nothing_left(stage) == []


async def test_a_guest_never_sees_what_the_form_names_however_slow_slack_is(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await offered(stage)
        answers = asyncio.Event()
        stage.world.slack.faults.add("users.info", "slow", until=answers, times=None)
        await stage.world.slack.clicks("gina", "Silence…", shown)
        view = await stage.world.slack.view_of("gina", saying="Looking whether you may")
        assert "Contoso" not in json.dumps(view.source)
        answers.set()
        view = await stage.world.slack.view_of("gina", saying="Only full members")
        assert "Contoso" not in json.dumps(view.source)
        assert view.source["title"]["text"] == "Silence"
        await stage.bot.settle()
        assert nothing_left(stage) == []


async def test_an_application_that_is_called_an_asterisk_silences_itself_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.opens("bob", "Silence…", await offered(stage, {**GROUP, "application": "*"}), saying="7 days")
        assert await stage.submits("bob") == {}
        assert r"\* stays out of digests" in stage.told("bob")
        assert "Google Chrome" in (await digest_of(stage)).plain
        assert nothing_left(stage) == []


async def test_from_a_digest_for_one_client_the_form_opens_with_that_client(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        added = await stage.says("bob", '/patches digest add mine "0 9 * * 1-5" by:client', NEWS)
        await added.answer()
        await stage.asks("bob", "/patches digest now mine")
        shown = stage.posted(NEWS)[-1]
        view = await stage.opens("bob", "Silence…", shown, saying="of this digest")
        [client] = view.chosen("client")
        assert client != "any"
        assert await stage.submits("bob") == {}
        [silence] = await stage.bot.services.store.silences_on(stage.world.clock.now())
        assert silence.client in {client.name for client in await stage.bot.services.store.clients()}
        assert nothing_left(stage) == []


async def test_a_digest_too_old_for_its_button_says_what_to_type(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await offered(stage)
        await stage.opens("bob", "Silence…", shown)
        await stage.later(timedelta(days=91))
        await stage.bot.services.store.purge(stage.world.clock.now())
        assert await stage.submits("bob") == {}
        assert "This form is too old" in stage.told("bob")
        assert "This digest is too old for its button" in await pressed(stage, "bob", "Silence…", shown)
        assert await on(stage) == []
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what it does to digests


async def test_what_is_silenced_is_counted_and_not_told_until_the_silence_is_over(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        loud = await digest_of(stage)
        assert "Google Chrome" in loud.plain
        view = await stage.opens("bob", "Silence…", loud)  # of the last group that has a button
        assert "is told in no digest" in view.plain
        await stage.world.slack.closes("bob")
        await told(stage, "bob", 'silence "Google Chrome" 7d')
        quiet = await digest_of(stage)
        above, _, left_out = quiet.plain.partition("🔕")
        assert "Google Chrome" not in above
        assert "silenced failures (new: Google Chrome by @bob; /patches silences)" in left_out
        await told(stage, "bob", "unsilence 1")
        assert "Google Chrome" in (await digest_of(stage)).plain
        assert nothing_left(stage) == []
