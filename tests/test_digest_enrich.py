"""What is known of a failure beside ESET's attempts: which retry repaired it, how severe it is, who silenced it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.digests import Section
from bot.digests.silencing import Silencer
from bot.flows.digest.enrich import Beside, Span, _told
from bot.model import Device, DeviceKind, Fate, Silence, Standing
from bot.store import Ended

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = Span(NOON - DAY, NOON)
DEVICE = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office", patching=True)
TITLE = "Google Chrome 134.0.6998.89"
CHROME = Standing(
    subject=1,
    developer="Google LLC",
    application="Google Chrome",
    device="u1",
    status="FAILED_DOWNLOAD_ERROR",
    from_version="133.0.1",
    to_version="134.0.6998.89",
    since=NOON - 5 * DAY,
    last=NOON - 3 * DAY,
    tries=2,
    fresh=0,
    failing=True,
    before=True,
)
BESIDE = Beside({"u1": "srv-dc01"}, {"u1": DEVICE}, {1001: {"7-Zip 24.09": "Low", TITLE: "Critical"}})
NOBODY = Silencer([], NOON)


def repaired(at: datetime, title: str = TITLE, device: int = 1001) -> Beside:
    ended = Ended(7, device, "Contoso Ltd", DeviceKind.SERVER, title, Fate.INSTALLED, at)
    return replace(BESIDE, repairs={device: [ended]})


def test_the_device_and_the_severity_of_the_very_patch_are_told() -> None:
    [failure] = _told([CHROME], BESIDE, NOBODY, SPAN)
    assert (failure.device_name, failure.client, failure.severity) == ("srv-dc01", "Contoso Ltd", "Critical")
    assert failure.section is Section.STILL


@pytest.mark.parametrize(
    ("beside", "section", "retried"),
    [
        (repaired(NOON - HOUR), Section.RECOVERED, 7),
        (repaired(NOON - HOUR, "Mozilla Firefox 136.0.1"), Section.STILL, 0),
        (repaired(NOON - HOUR, device=1002), Section.STILL, 0),
        (repaired(NOON - 4 * DAY), Section.STILL, 0),
        (repaired(NOON + HOUR), Section.STILL, 0),
    ],
    ids=["in the digest's time", "another application", "another device", "before it failed last", "later"],
)
def test_a_retry_repairs_what_it_brought_onto_the_device_after_it_failed(
    beside: Beside, section: Section, retried: int
) -> None:
    [failure] = _told([CHROME], beside, NOBODY, SPAN)
    assert (failure.section, failure.retried) == (section, retried)


def test_what_an_earlier_digest_told_as_recovered_is_told_no_more() -> None:
    assert list(_told([CHROME], repaired(NOON - 2 * DAY), NOBODY, SPAN)) == []


def test_what_eset_tells_of_only_after_the_repair_is_told_unless_that_was_told_already() -> None:
    [failure] = _told([replace(CHROME, fresh=2, before=False)], repaired(NOON - 2 * DAY), NOBODY, SPAN)
    assert (failure.section, failure.retried) == (Section.RECOVERED, 7)
    assert list(_told([replace(CHROME, fresh=1)], repaired(NOON - 2 * DAY), NOBODY, SPAN)) == []


def test_a_silence_for_the_client_holds_where_the_client_is_known() -> None:
    silence = Silence(3, "google*", NOON + DAY, "U0BOB", NOON, client="Contoso*")
    unknown = replace(CHROME, subject=2, device="")
    told = _told([CHROME, unknown], BESIDE, Silencer([silence], NOON), SPAN)
    assert [failure.silence for failure in told] == [3, 0]
