"""The tables, for SQLite and PostgreSQL alike. Private to the store; only ``audit_trail`` has a name for outsiders."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


class Instant(sa.TypeDecorator[datetime]):
    """A point in time: aware in, aware UTC out. SQLite keeps no zone, so what is stored is always UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


# Vendors' ids may pass 2³¹. SQLite numbers rows by itself only when the type is spelled INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _lease() -> tuple[sa.Column[Any], ...]:
    """What a row needs that is sent from an outbox: tries so far, not before, and who is at it until when."""
    return (
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("again_at", Instant),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("leased_until", Instant),
    )


requests = sa.Table(
    "requests",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("device_id", Id, nullable=False, index=True),
    sa.Column("device_name", sa.String, nullable=False),
    sa.Column("device_kind", sa.String, nullable=False),
    sa.Column("device_client_id", Id, nullable=False),
    sa.Column("device_client", sa.String, nullable=False),
    sa.Column("device_site", sa.String, nullable=False),
    sa.Column("device_patching", sa.Boolean, nullable=False),
    sa.Column("requester", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_in", sa.String, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("waiting_since", Instant),
    sa.Column("reminded_at", Instant),
    sa.Column("escalated_at", Instant),
    sa.Column("send_after", Instant),
    sa.Column("send_until", Instant),
    sa.Column("decided_by", sa.String, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("decision_reason", sa.Text, nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("deadline", Instant),
    sa.Column("called_at", Instant),
    sa.Column("settled_at", Instant),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("bulk", Id, nullable=False, index=True),
    sa.Column("again_of", Id, nullable=False),
    sa.Column("origin_channel", sa.String, nullable=False),
    sa.Column("origin_ts", sa.String, nullable=False),
    sqlite_autoincrement=True,
)

request_patches = sa.Table(
    "request_patches",
    METADATA,
    sa.Column("request_id", Id, sa.ForeignKey("requests.id"), primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("patch_id", Id, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("seen", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("fate", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.UniqueConstraint("request_id", "patch_id"),
)

request_votes = sa.Table(
    "request_votes",
    METADATA,
    sa.Column("request_id", Id, sa.ForeignKey("requests.id"), primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("voter", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("denies", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.UniqueConstraint("request_id", "voter"),
)

# ``at`` is text, as hashed: a flipped byte must end as a broken link, not as a failing conversion.
# The unique ``prev`` makes a fork impossible even where no lock is taken.
audit_trail = sa.Table(
    "audit_trail",
    METADATA,
    sa.Column("seq", Id, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("prev", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)

cards = sa.Table(
    "cards",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("request_id", Id, sa.ForeignKey("requests.id"), nullable=False, index=True),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("ts", sa.String),
    sa.Column("shown", sa.Integer, nullable=False),
    *_lease(),
    sa.UniqueConstraint("channel", "ts"),
    sqlite_autoincrement=True,
)

notes = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("request_id", Id, nullable=False),
    sa.Column("recipient", sa.String, nullable=False),
    sa.Column("thread", sa.String, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False, index=True),
    *_lease(),
    sqlite_autoincrement=True,
)

# People who want no direct messages about their requests.
muted = sa.Table(
    "muted",
    METADATA,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("since", Instant, nullable=False),
)

leases = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("leased_until", Instant, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("seen_at", Instant, nullable=False, index=True),
)

tokens = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("made_at", Instant, nullable=False, index=True),
)

snapshots = sa.Table(
    "snapshots",
    METADATA,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("taken_at", Instant, nullable=False, index=True),
    sa.Column("attempts", sa.LargeBinary, nullable=False),
)

# Numbers are never used twice (sqlite_autoincrement): a digest's mark must outlive the rows it points behind.
attempts = sa.Table(
    "attempts",
    METADATA,
    sa.Column("seq", Id, primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("first_seen", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("subject", Id, nullable=False),
    sa.Column("result", sa.SmallInteger, nullable=False),
    sa.Column("attempt", sa.Text, nullable=False),
    sa.UniqueConstraint("fingerprint", "ordinal"),
    # Attempts are counted from these alone, without a look into the rows. Most succeed: what failed lies together.
    sa.Index("ix_attempts_standing", "result", "subject", "ended_at", "seq"),
    sa.Index("ix_attempts_ended_at", "ended_at", "result", "subject"),
    sqlite_autoincrement=True,
)

# What an attempt is about: an application on one of ESET's devices ("" as long as nobody knows on which).
subjects = sa.Table(
    "subjects",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("developer", sa.String, nullable=False),
    sa.Column("application", sa.String, nullable=False),
    sa.Column("device", sa.String, nullable=False),
    sa.UniqueConstraint("developer", "application", "device"),
    sqlite_autoincrement=True,
)

# Applications that people keep out of digests for a while. An empty column stands for all.
silences = sa.Table(
    "silences",
    METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("application", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("client", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("made_by", sa.String, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False, index=True),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.String, nullable=False),
    sqlite_autoincrement=True,
)

# Digests that people subscribed to in Slack. ``options``: JSON, the plan's other fields.
subscriptions = sa.Table(
    "subscriptions",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("cron", sa.String, nullable=False),
    sa.Column("timezone", sa.String, nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("made_by", sa.String, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
)

# Who has looked at the app's Home; the audit row up to which it was shown, -1: it is to be shown anew; and when it was.
homes = sa.Table(
    "homes",
    METADATA,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("opened_at", Instant, nullable=False, index=True),
    sa.Column("shown", Id, nullable=False),
    sa.Column("shown_at", Instant, nullable=False),
)

moments = sa.Table(
    "moments",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)

clients = sa.Table(
    "clients",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("servers", sa.Integer, nullable=False),
    sa.Column("workstations", sa.Integer, nullable=False),
)

devices = sa.Table(
    "devices",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("client_id", Id, nullable=False),
    sa.Column("client", sa.String, nullable=False),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("patching", sa.Boolean, nullable=False),
)

# On which of ESET's devices an attempt happened, as far as ESET tells.
sightings = sa.Table(
    "sightings",
    METADATA,
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("eset_uuid", sa.String, primary_key=True),
    sa.Column("first_seen", Instant, nullable=False, index=True),
)

eset_devices = sa.Table(
    "eset_devices",
    METADATA,
    sa.Column("uuid", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("read_at", Instant, nullable=False),
)

# Which N-sight device a person said one of ESET's is, where their names do not tell.
device_links = sa.Table(
    "device_links",
    METADATA,
    sa.Column("eset_uuid", sa.String, primary_key=True),
    sa.Column("device_id", Id, nullable=False, index=True),
    sa.Column("chosen_by", sa.String, nullable=False),
    sa.Column("chosen_at", Instant, nullable=False),
)

# The failed patches of a device (JSON, and how many they are) as a sweep over all devices found them at ``read_at``.
patch_views = sa.Table(
    "patch_views",
    METADATA,
    sa.Column("device_id", Id, primary_key=True, autoincrement=False),
    sa.Column("tried_at", Instant, nullable=False),
    sa.Column("read_at", Instant),
    sa.Column("trouble", sa.String, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed", sa.Text, nullable=False),
)

digests = sa.Table(
    "digests",
    METADATA,
    sa.Column("plan", sa.String, primary_key=True),
    sa.Column("slot", Instant, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("leased_until", Instant),
    sa.Column("posted_at", Instant),
    sa.Column("upto", Id, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("ts", sa.String, nullable=False),
)

# What each plan's last digest told as failing, and which failed attempts it left out: lists of numbers, as JSON.
digest_memories = sa.Table(
    "digest_memories",
    METADATA,
    sa.Column("plan", sa.String, primary_key=True),
    sa.Column("failing", sa.Text, nullable=False),
    sa.Column("untold", sa.Text, nullable=False),
)

# Plans whose digest Slack does not take, since when, and its error code at the last try.
digest_refusals = sa.Table(
    "digest_refusals",
    METADATA,
    sa.Column("plan", sa.String, primary_key=True),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("since", Instant, nullable=False),
)
