"""Files through the bot's messenger and the stand-in of Slack: what is shown, what is refused, what stays secret."""

import json
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import FakeSlack
from bot.errors import Kind, UpstreamError
from bot.messenger import Messenger, Pace
from bot.model import File, Message
from bot.web_api import connect

NEWS, PRIVATE = "C0PATCHNEWS", "C0SECOPS"
CSV = File("daily.csv", b"a,b\r\n1,2\r\n", "All failures")
PICTURE = File("daily.png", b"\x89PNG", "The last 14 days", alt="Failures fell from 9 to 2.")


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    env = slack.env()
    async with aiohttp.ClientSession() as session:
        yield connect(env["SLACK_BOT_TOKEN"], env["SLACK_API_URL"], session, 5)


@pytest.fixture
async def messenger(client: AsyncWebClient) -> Messenger:
    assert client.session is not None
    return Messenger(client, client.session, Pace(per_channel=0, timeout=5, upload=5))


async def test_a_file_stands_in_the_thread_with_its_title_and_its_words_for_who_cannot_see(
    slack: FakeSlack, messenger: Messenger
) -> None:
    digest = await messenger.post(NEWS, Message("daily: 2 failures"))
    await messenger.upload(NEWS, PICTURE, thread_ts=digest.ts)
    await messenger.upload(NEWS, CSV, thread_ts=digest.ts)

    picture, listing = slack.messages[1:]
    assert [shown.thread_ts for shown in (picture, listing)] == [digest.ts] * 2
    assert (picture.files[0].alt, picture.files[0].mime) == (PICTURE.alt, "image/png")
    assert listing.files[0].content == CSV.content
    assert "All failures (daily.csv)" in listing.screen
    assert slack.violations == []


async def test_who_is_handed_a_file_finds_it_in_the_direct_message(slack: FakeSlack, messenger: Messenger) -> None:
    await messenger.hand("U0BOB", Message("Here it is."), CSV)

    assert [shown.screen for shown in slack.sees("bob")] == ["Here it is.", "📎 All failures (daily.csv)"]
    assert slack.sees("ann") == []
    assert slack.violations == []


@pytest.mark.parametrize("place", ["files.getUploadURLExternal", "upload_url"])
async def test_nothing_is_said_of_a_file_that_slack_does_not_take(
    slack: FakeSlack, messenger: Messenger, place: str
) -> None:
    slack.faults.add(place, "http_500")
    with pytest.raises(UpstreamError):
        await messenger.hand("U0BOB", Message("Here it is."), CSV)

    assert slack.sees("bob") == []


async def test_the_words_for_a_file_that_cannot_be_shown_say_so(slack: FakeSlack, messenger: Messenger) -> None:
    slack.faults.error("files.completeUploadExternal", "internal_error")
    with pytest.raises(UpstreamError):
        await messenger.hand("U0BOB", Message("Here it is."), CSV)

    [told] = slack.sees("bob")
    assert "could not be sent" in told.screen
    assert "Here it is" not in told.screen


async def test_a_file_of_megabytes_arrives_whole(slack: FakeSlack, messenger: Messenger) -> None:
    await messenger.upload(NEWS, File("long.csv", b"x" * 3_000_000, "Long"))

    assert slack.messages[0].files[0].content == b"x" * 3_000_000


@pytest.mark.parametrize(
    ("place", "code", "kind"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", Kind.REFUSED),
        ("files.getUploadURLExternal", "missing_scope", Kind.FORBIDDEN),
        ("files.completeUploadExternal", "internal_error", Kind.DOWN),
    ],
)
async def test_a_file_that_slack_refuses_is_told_and_nothing_is_shown(
    slack: FakeSlack, messenger: Messenger, place: str, code: str, kind: Kind
) -> None:
    slack.faults.error(place, code)
    with pytest.raises(UpstreamError) as refused:
        await messenger.upload(NEWS, CSV)

    assert (refused.value.code, refused.value.kind) == (code, kind)
    assert slack.messages == []


@pytest.mark.parametrize(
    ("fault", "kind"), [("http_500", Kind.DOWN), ("cut_before", Kind.CUT), ("lost_answer", Kind.CUT)]
)
async def test_the_address_of_an_upload_is_in_no_error_and_no_log_line(
    slack: FakeSlack, messenger: Messenger, caplog: pytest.LogCaptureFixture, fault: str, kind: Kind
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.faults.add("upload_url", fault)
    with pytest.raises(UpstreamError) as failed:
        await messenger.upload(NEWS, CSV)

    assert failed.value.kind is kind
    assert "/upload/" not in f"{failed.value} {failed.value.__cause__} {failed.value.sentence}"
    assert all("/upload/v1/" not in line for line in caplog.messages)


async def test_a_redirect_of_an_upload_is_not_followed(slack: FakeSlack, messenger: Messenger) -> None:
    slack.faults.add("upload_url", "redirect")
    with pytest.raises(UpstreamError):
        await messenger.upload(NEWS, CSV)

    assert [call.method for call in slack.calls if "elsewhere" in call.method] == []


# ---------------------------------------------------------------- rules that the bot could have kept

BROKEN = {
    "a file that never was": ({"files": [{"id": "F1"}], "channel_id": NEWS}, "file_not_found"),
    "no file": ({"files": [], "channel_id": NEWS}, "invalid_arguments"),
}


@pytest.mark.parametrize(("args", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_an_upload_that_was_none_is_refused_and_noted(
    slack: FakeSlack, client: AsyncWebClient, args: dict[str, object], code: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("files.completeUploadExternal", json=args)

    assert refused.value.response["error"] == code
    assert len(slack.violations) == 1


async def test_bytes_of_another_length_are_refused_and_noted(slack: FakeSlack, client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.csv", length=5)
    assert client.session is not None
    async with client.session.post(announced["upload_url"], data=b"four") as answer:
        assert answer.status == 400
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": announced["file_id"], "title": "a"}], channel_id=NEWS)

    assert "upload of 4 bytes, announced were 5" in slack.violations


async def test_an_address_takes_one_file_once(slack: FakeSlack, client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.csv", length=4)
    assert client.session is not None
    for status in (200, 404):
        async with client.session.post(announced["upload_url"], data=b"four") as answer:
            assert answer.status == status

    assert slack.violations == ["upload to an address that was used"]


async def test_a_person_is_no_place_for_a_file(slack: FakeSlack, messenger: Messenger) -> None:
    with pytest.raises(UpstreamError, match="channel_not_found"):
        await messenger.upload("U0BOB", CSV)

    assert len(slack.violations) == 1


@pytest.mark.parametrize(("length", "alt"), [("0", ""), ("4", "x" * 1001)])
async def test_an_empty_file_or_too_many_words_for_a_picture_are_refused(
    slack: FakeSlack, client: AsyncWebClient, length: str, alt: str
) -> None:
    with pytest.raises(SlackApiError):
        await client.files_getUploadURLExternal(filename="a.png", length=int(length), alt_txt=alt)

    assert len(slack.violations) == 1


# ---------------------------------------------------------------- the newest message


async def test_the_newest_message_is_told_without_replies_and_private_answers(
    slack: FakeSlack, messenger: Messenger
) -> None:
    slack.grant_scope("channels:history")
    assert await messenger.newest(NEWS) == ""
    digest = await messenger.post(NEWS, Message("daily"))
    await messenger.post(NEWS, Message("more of it"), thread_ts=digest.ts)
    await messenger.whisper(NEWS, "U0BOB", Message("psst"))
    assert await messenger.newest(NEWS) == digest.ts
    [theirs] = (await slack.says("bob", "thanks", NEWS)).answers
    assert await messenger.newest(NEWS) == theirs.ts
    assert slack.violations == []


async def test_without_the_scope_the_newest_message_stays_unknown(slack: FakeSlack, messenger: Messenger) -> None:
    slack.revoke_scope("channels:history")
    with pytest.raises(UpstreamError) as refused:
        await messenger.newest(NEWS)

    assert refused.value.kind is Kind.FORBIDDEN
    assert "channels:history" in refused.value.words
    assert json.dumps(slack.violations) == "[]"
