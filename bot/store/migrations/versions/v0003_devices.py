"""Requests for several devices and where they came from; on which devices ESET tried a patch; failed patches."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _requests()
    _eset()
    _patches()


def _requests() -> None:
    """Every request so far stands alone and came from nowhere in particular."""
    for name in ("bulk", "again_of"):
        op.add_column("requests", sa.Column(name, ID, nullable=False, server_default="0"))
    for name in ("origin_channel", "origin_ts"):
        op.add_column("requests", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_requests_bulk"), "requests", ["bulk"])
    op.add_column("notes", sa.Column("thread", sa.String(), nullable=False, server_default=""))


def _eset() -> None:
    op.create_table(
        "sightings",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("eset_uuid", sa.String(), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "eset_uuid", name=op.f("pk_sightings")),
    )
    op.create_index(op.f("ix_sightings_first_seen"), "sightings", ["first_seen"])
    op.create_table(
        "eset_devices",
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_eset_devices")),
    )
    op.create_table(
        "device_links",
        sa.Column("eset_uuid", sa.String(), nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("eset_uuid", name=op.f("pk_device_links")),
    )
    op.create_index(op.f("ix_device_links_device_id"), "device_links", ["device_id"])


def _patches() -> None:
    op.create_table(
        "patch_views",
        sa.Column("device_id", ID, autoincrement=False, nullable=False),
        sa.Column("tried_at", TIME, nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_patch_views")),
    )
