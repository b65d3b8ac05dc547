"""How an application stands on a device; silences, digests subscribed to in Slack, and who looks at the app's Home."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _subjects()
    _silences()
    _subscriptions()
    _memories()
    _refusals()
    _homes()


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", ID, nullable=False),
        sa.Column("developer", sa.String(), nullable=False),
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint(
            "developer", "application", "device", name=op.f("uq_subjects_developer_application_device")
        ),
        sqlite_autoincrement=True,
    )
    op.add_column("attempts", sa.Column("subject", ID, nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("result", sa.SmallInteger(), nullable=False, server_default="0"))
    _tell_subjects(op.get_bind())
    op.create_index("ix_attempts_standing", "attempts", ["result", "subject", "ended_at", "seq"])
    op.drop_index("ix_attempts_ended_at", "attempts")
    op.create_index("ix_attempts_ended_at", "attempts", ["ended_at", "result", "subject"])


# ---------------------------------------------------------------- what the attempts so far are about

PAGE = 5000  # attempts at a time: a year of them may be there
LONGEST = 300
FAILED, OK, NEEDLESS = 1, 2, 3
Key = tuple[str, str, str]  # developer, application, device

_attempts = sa.table("attempts", *map(sa.column, ("seq", "fingerprint", "ordinal", "attempt", "subject", "result")))
_sightings = sa.table("sightings", *map(sa.column, ("fingerprint", "eset_uuid", "first_seen")))
_subjects_table = sa.table("subjects", *map(sa.column, ("id", "developer", "application", "device")))


_KEY = [sa.bindparam(name, type_=sa.String) for name in ("developer", "application", "of_device")]
_COLUMNS = [_subjects_table.c.developer, _subjects_table.c.application, _subjects_table.c.device]
_SAME = sa.and_(*(column == value for column, value in zip(_COLUMNS, _KEY, strict=True)))
_ADD = sa.insert(_subjects_table).from_select(_COLUMNS, sa.select(*_KEY).where(~sa.exists().where(_SAME)))
_UPDATE = (
    sa.update(_attempts)
    .where(_attempts.c.seq == sa.bindparam("which"))
    .values(subject=sa.select(_subjects_table.c.id).where(_SAME).scalar_subquery(), result=sa.bindparam("what"))
)


def _tell_subjects(connection: sa.Connection) -> None:
    """Of equal attempts, the first goes to the device that was told first, and so on."""
    columns = (_attempts.c.seq, _attempts.c.fingerprint, _attempts.c.ordinal, _attempts.c.attempt)
    query = sa.select(*columns).order_by(_attempts.c.seq).limit(PAGE)
    seq = 0
    while page := connection.execute(query.where(_attempts.c.seq > seq)).all():
        _tell(connection, page)
        seq = page[-1].seq


def _tell(connection: sa.Connection, page: Sequence[Any]) -> None:
    devices = _devices(connection, list({row.fingerprint for row in page}))
    told = [(row.seq, *_about(row, devices.get(row.fingerprint, []))) for row in page]
    keys = list(dict.fromkeys(key for _, key, _ in told))
    connection.execute(_ADD, [_named(key) for key in keys])
    connection.execute(_UPDATE, [{"which": seq, "what": what, **_named(key)} for seq, key, what in told])


def _devices(connection: sa.Connection, fingerprints: Sequence[str]) -> dict[str, list[str]]:
    query = sa.select(_sightings.c.fingerprint, _sightings.c.eset_uuid)
    query = query.where(_sightings.c.fingerprint.in_(fingerprints))
    found: dict[str, list[str]] = {}
    for row in connection.execute(query.order_by(_sightings.c.first_seen, _sightings.c.eset_uuid)):
        found.setdefault(row.fingerprint, []).append(row.eset_uuid)
    return found


def _about(row: Any, devices: Sequence[str]) -> tuple[Key, int]:
    attempt = msgspec.json.decode(row.attempt)
    nameless = f"(application without a name) {attempt.get('applicationUuid') or ''}".strip()
    developer, name = (
        one.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST]
        for one in (attempt.get("developerDisplayName") or "", attempt.get("displayName") or nameless)
    )
    device = devices[row.ordinal - 1] if row.ordinal <= len(devices) else ""
    return (developer, name, device), _result(attempt.get("status") or "")


def _result(raw: str) -> int:
    status = raw.removeprefix("APPLICATION_").removeprefix("PATCHING_STATUS_")
    if status.startswith("OK_"):
        return OK
    return NEEDLESS if status == "NOT_APPLICABLE" else int("FAILED" in status) * FAILED


def _named(key: Key) -> dict[str, str]:
    return dict(zip(("developer", "application", "of_device"), key, strict=True))


# ---------------------------------------------------------------- beside them


def _silences() -> None:
    op.create_table(
        "silences",
        sa.Column("id", ID, nullable=False),
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_silences_until"), "silences", ["until"])


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("cron", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_subscriptions")),
    )


def _memories() -> None:
    op.create_table(
        "digest_memories",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("failing", sa.Text(), nullable=False),
        sa.Column("untold", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan", name=op.f("pk_digest_memories")),
    )


def _refusals() -> None:
    op.create_table(
        "digest_refusals",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("plan", name=op.f("pk_digest_refusals")),
    )


def _homes() -> None:
    op.create_table(
        "homes",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("shown", ID, nullable=False),
        sa.Column("shown_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_homes")),
    )
    op.create_index(op.f("ix_homes_opened_at"), "homes", ["opened_at"])
