"""Tokens of ESET Connect over real sockets: who logs in, when, how often, and what a refusal says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.errors import Kind, UpstreamError
from tests.eset_script import PASSWORD, QUICK, USER, Reply, Scene, failing, failing_login, later, playing


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with playing() as scene:
        yield scene


# ---------------------------------------------------------------- tokens


async def test_the_first_question_logs_in_and_lists_the_attempts(scene: Scene) -> None:
    assert (scene.eset.asked, scene.eset.last_error) == (False, None)
    (attempt,) = (await scene.eset.recent()).attempts
    assert attempt.application == "Firefox"
    assert (scene.script.grants, scene.script.asked[0].token) == (["password"], "access-1")
    assert scene.eset.asked


async def test_the_password_arrives_whole_whatever_is_in_it(scene: Scene) -> None:
    await scene.eset.login()
    (login,) = scene.script.logins
    assert login.form == {"grant_type": "password", "username": USER, "password": PASSWORD}
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_twenty_concurrent_askers_share_one_login_and_one_question(scene: Scene) -> None:
    listings = await asyncio.gather(*(scene.eset.recent() for _ in range(20)))
    assert all(listing is listings[0] for listing in listings)
    assert (len(scene.script.logins), len(scene.script.asked)) == (1, 1)


async def test_twenty_concurrent_needs_of_a_token_cause_one_login(scene: Scene) -> None:
    tokens = await asyncio.gather(*(scene.eset._tokens.current() for _ in range(20)))
    assert set(tokens) == {"access-1"}
    assert scene.script.grants == ["password"]


async def test_a_failed_login_is_shared_too(scene: Scene) -> None:
    scene.script.tokens = [Reply(401)]
    results = await asyncio.gather(*(scene.eset._tokens.current() for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {UpstreamError}
    assert len(scene.script.logins) == 1


async def test_a_token_is_used_until_shortly_before_it_expires_and_then_refreshed(scene: Scene) -> None:
    scene.script.expires_in = 1799
    await scene.eset.recent()
    scene.clock.now += 1799 - QUICK.renew_ahead - 1
    await scene.eset.recent()
    assert scene.script.grants == ["password"]
    scene.clock.now += 1
    await scene.eset.recent()
    assert scene.script.grants == ["password", "refresh_token"]
    assert scene.script.logins[1].form == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert scene.script.asked[-1].token == "access-2"


async def test_the_newest_refresh_token_is_the_one_used(scene: Scene) -> None:
    for _ in range(3):
        await scene.eset.recent()
        scene.clock.now += 3600
    assert [seen.form.get("refresh_token") for seen in scene.script.logins] == [None, "refresh-1", "refresh-2"]


async def test_a_token_that_lives_shorter_than_the_margin_is_still_used_for_half_its_life(scene: Scene) -> None:
    scene.script.expires_in = 60
    for _ in range(3):
        await scene.eset.recent()
        scene.clock.now += 14
    assert len(scene.script.logins) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"error": "invalid_grant"}),
        Reply(401),
        Reply(403),
        Reply(500),
        Reply(503),
        Reply(429),
        Reply(200, b"<html>"),
    ],
    ids=lambda reply: str(reply.status),
)
async def test_any_failed_refresh_leads_to_exactly_one_password_login(scene: Scene, reply: Reply) -> None:
    await scene.eset.recent()
    scene.clock.now += 3600
    scene.script.tokens = [reply]
    await scene.eset.recent()
    assert scene.script.grants == ["password", "refresh_token", "password"]
    scene.clock.now += 3600
    await scene.eset.recent()
    assert scene.script.logins[-1].form["refresh_token"] == "refresh-3"


async def test_a_failed_refresh_and_a_failed_login_end_there(scene: Scene) -> None:
    await scene.eset.recent()
    scene.clock.now += 3600
    scene.script.tokens = [Reply(400), Reply(400)]
    assert (await failing(scene.eset)).kind is Kind.CREDENTIALS
    assert scene.script.grants == ["password", "refresh_token", "password"]
    scene.clock.now += QUICK.refused_for
    await scene.eset.recent()
    assert scene.script.grants[3:] == ["password"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400, {"error": "invalid_grant"}), Kind.CREDENTIALS),
        (Reply(400), Kind.CREDENTIALS),
        (Reply(400, {"error": "unsupported_grant_type"}), Kind.REFUSED),
        (Reply(401), Kind.CREDENTIALS),
        (Reply(403), Kind.FORBIDDEN),
        (Reply(415), Kind.REFUSED),
        (Reply(302, headers={"Location": "/elsewhere"}), Kind.BLOCKED),
        (Reply(501), Kind.DOWN),
        (Reply(204), Kind.BROKEN),
        (Reply(200, b"<html>"), Kind.BROKEN),
    ],
)
async def test_a_refused_login_says_why(scene: Scene, reply: Reply, kind: Kind) -> None:
    scene.script.tokens = [reply]
    error = await failing_login(scene.eset)
    assert (error.kind, error.words.endswith("ESET request-id req-1-0")) == (kind, True)
    assert scene.eset.last_error is error
    assert len(scene.script.logins) == 1


async def test_a_forbidden_login_points_to_the_servers_address(scene: Scene) -> None:
    scene.script.tokens = [Reply(403)]
    assert "public IP address" in (await failing_login(scene.eset)).words


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_is_not_repeated_for_a_while(scene: Scene, status: int) -> None:
    scene.script.tokens = [Reply(status)]
    first = await failing_login(scene.eset)
    scene.clock.now += QUICK.refused_for - 1
    second = await failing(scene.eset)
    assert (second.kind, second.reference, len(scene.script.logins)) == (first.kind, first.reference, 1)
    scene.clock.now += 1
    await scene.eset.recent()
    assert scene.eset.last_error is None


async def test_the_token_endpoint_may_ask_to_come_back_later(scene: Scene) -> None:
    scene.script.tokens = [later("t-1"), later()]
    await scene.eset.login()
    assert [seen.response_id for seen in scene.script.logins] == [None, "t-1", "t-1"]
    assert {seen.form["password"] for seen in scene.script.logins} == {PASSWORD}


async def test_a_login_is_tried_again_while_eset_has_trouble(scene: Scene) -> None:
    scene.script.tokens = [Reply(503), Reply(502)]
    await scene.eset.login()
    assert len(scene.script.logins) == 3


async def test_login_proves_the_password_and_not_an_old_token(scene: Scene) -> None:
    await scene.eset.recent()
    await scene.eset.login()
    assert scene.script.grants == ["password", "password"]


# ---------------------------------------------------------------- 401


async def test_a_refused_token_is_renewed_and_the_question_asked_once_more(scene: Scene) -> None:
    scene.script.details = [Reply(401)]
    await scene.eset.recent()
    assert scene.script.grants == ["password", "refresh_token"]
    assert [seen.token for seen in scene.script.asked] == ["access-1", "access-2"]


async def test_a_token_refused_while_polling_is_renewed_and_the_answer_still_collected(scene: Scene) -> None:
    scene.script.details = [later("r-1"), Reply(401)]
    await scene.eset.recent()
    assert [(seen.token, seen.response_id) for seen in scene.script.asked] == [
        ("access-1", None),
        ("access-1", "r-1"),
        ("access-2", "r-1"),
    ]


async def test_a_new_token_that_is_refused_as_well_is_an_error_and_the_next_question_logs_in(scene: Scene) -> None:
    scene.script.details = [Reply(401), Reply(401)]
    assert (await failing(scene.eset)).kind is Kind.CREDENTIALS
    assert len(scene.script.asked) == 2
    await scene.eset.recent()
    assert scene.script.grants == ["password", "refresh_token", "password"]


async def test_only_the_refused_token_is_renewed_not_its_successor(scene: Scene) -> None:
    first = await scene.eset._tokens.current()
    scene.eset._tokens.refuse(first)
    second = await scene.eset._tokens.current()
    scene.eset._tokens.refuse(first)
    assert await scene.eset._tokens.current() == second
    assert len(scene.script.logins) == 2
