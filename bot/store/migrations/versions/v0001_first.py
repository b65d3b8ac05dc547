"""The first schema: requests with their audit trail and outbox, attempts, inventory, digests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _requests()
    _audit()
    _outbox()
    _claims()
    _keepsakes()
    _attempts()
    _inventory()
    _digests()


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("device_name", sa.String(), nullable=False),
        sa.Column("device_kind", sa.String(), nullable=False),
        sa.Column("device_client_id", ID, nullable=False),
        sa.Column("device_client", sa.String(), nullable=False),
        sa.Column("device_site", sa.String(), nullable=False),
        sa.Column("device_patching", sa.Boolean(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_in", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("approved_at", TIME, nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("deadline", TIME, nullable=True),
        sa.Column("called_at", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_requests_device_id"), "requests", ["device_id"], unique=False)
    op.create_index(op.f("ix_requests_state"), "requests", ["state"], unique=False)
    op.create_table(
        "request_patches",
        sa.Column("request_id", ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patch_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("fate", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_patches_request_id")),
        sa.PrimaryKeyConstraint("request_id", "position", name=op.f("pk_request_patches")),
        sa.UniqueConstraint("request_id", "patch_id", name=op.f("uq_request_patches_request_id_patch_id")),
    )
    op.create_table(
        "request_votes",
        sa.Column("request_id", ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("voter", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_votes_request_id")),
        sa.PrimaryKeyConstraint("request_id", "position", name=op.f("pk_request_votes")),
        sa.UniqueConstraint("request_id", "voter", name=op.f("uq_request_votes_request_id_voter")),
    )


def _audit() -> None:
    op.create_table(
        "audit_trail",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_trail")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_trail_hash")),
        sa.UniqueConstraint("prev", name=op.f("uq_audit_trail_prev")),
    )


def _outbox() -> None:
    op.create_table(
        "cards",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=True),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", TIME, nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("leased_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_cards_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
        sa.UniqueConstraint("channel", "ts", name=op.f("uq_cards_channel_ts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_cards_request_id"), "cards", ["request_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", TIME, nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("leased_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sa.UniqueConstraint("key", name=op.f("uq_notes_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notes_sent"), "notes", ["sent"], unique=False)


def _claims() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("leased_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "deliveries",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_seen_at"), "deliveries", ["seen_at"], unique=False)


def _keepsakes() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_made_at"), "tokens", ["made_at"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("attempts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(op.f("ix_snapshots_taken_at"), "snapshots", ["taken_at"], unique=False)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("seq", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("attempt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_attempts")),
        sa.UniqueConstraint("fingerprint", "ordinal", name=op.f("uq_attempts_fingerprint_ordinal")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempts_ended_at"), "attempts", ["ended_at"], unique=False)
    op.create_table(
        "moments",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_moments")),
    )


def _inventory() -> None:
    op.create_table(
        "clients",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("servers", sa.Integer(), nullable=False),
        sa.Column("workstations", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_table(
        "devices",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("client_id", ID, nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("patching", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )


def _digests() -> None:
    op.create_table(
        "digests",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("slot", TIME, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("leased_until", TIME, nullable=True),
        sa.Column("posted_at", TIME, nullable=True),
        sa.Column("upto", ID, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plan", "slot", name=op.f("pk_digests")),
    )
