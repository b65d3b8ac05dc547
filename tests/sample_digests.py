"""Failures to make digests of."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.digests import Digest, DigestPlan, Due, Failure, Retried, Totals, build
from bot.model import Device, DeviceKind, Standing

SLOT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SINCE = SLOT - timedelta(days=1)
PLAN = DigestPlan("daily", "C0NEWS", "0 9 * * 1-5", "Europe/Berlin")
ON_TIME = Due(SLOT, 0, late=False)
SERVER = Device(1001, "SRV-01", DeviceKind.SERVER, 7, "Contoso Ltd", "Berlin")
LAPTOP = Device(1002, "PC-02", DeviceKind.WORKSTATION, 8, "Fabrikam", "Graz")


def standing(subject: int = 1, application: str = "7-Zip", **more: Any) -> Standing:
    """A new failure on a device that ESET knows; ``more`` are fields of Standing."""
    fields: dict[str, Any] = {
        "developer": "Igor Pavlov",
        "device": f"device-{subject}",
        "status": "FAILED_DOWNLOAD_ERROR",
        "from_version": "24.08",
        "to_version": "24.09",
        "since": SLOT - timedelta(hours=3),
        "last": SLOT - timedelta(hours=3),
        "tries": 1,
        "fresh": 1,
        "failing": True,
        "before": False,
    }
    return Standing(subject, application=application, **{**fields, **more})


def new(subject: int = 1, where: Device | None = None, severity: str = "", **more: Any) -> Failure:
    return Failure(standing(subject, **more), device_name=f"PC-{subject:02}", device=where, severity=severity)


def still(subject: int = 1, where: Device | None = None, severity: str = "", *, days: int = 3, **more: Any) -> Failure:
    fields: dict[str, Any] = {"before": True, "tries": 3 * days, "fresh": 0, "since": SLOT - timedelta(days=days)}
    return new(subject, where, severity, **{**fields, **more})


def recovered(subject: int = 1, retried: int = 0, **more: Any) -> Failure:
    fields: dict[str, Any] = {
        "failing": bool(retried),
        "before": True,
        "tries": 4,
        "fresh": 0,
        "since": SLOT - timedelta(days=2),
        "ended_at": None if retried else SLOT - timedelta(hours=2),
    }
    return Failure(standing(subject, **{**fields, **more}), device_name=f"PC-{subject:02}", retried=retried)


def unknown(subject: int = 1, fresh: int = 5, **more: Any) -> Failure:
    """Failed attempts of which nobody knows the device."""
    return Failure(standing(subject, **{"device": "", "fresh": fresh, "tries": fresh, **more}))


MADE: dict[str, Callable[..., Failure]] = {"new": new, "still": still, "recovered": recovered, "unknown": unknown}


def digest(
    failures: Iterable[Failure] = (),
    plan: DigestPlan = PLAN,
    when: Due = ON_TIME,
    *,
    note: str = "",
    ok: int = 148,
    other: int = 3,
    retried: Retried | None = None,
) -> Digest:
    """With totals as the failures' fresh attempts make them."""
    failures = list(failures)
    totals = Totals(sum(failure.standing.fresh for failure in failures), ok, other)
    return build(plan, failures, when, totals=totals, since=SINCE, note=note, retried=retried or Retried())
