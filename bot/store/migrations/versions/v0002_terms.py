"""Terms of a request, votes that say no, windows to send in, who wants no direct messages; the trail guards itself."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
REFUSAL = "the audit trail is only ever appended to"


def upgrade() -> None:
    _requests()
    _people()
    _guard_the_trail()


def _requests() -> None:
    """What was promised of a request before is its quorum; about the rest the configuration decides."""
    op.add_column("requests", sa.Column("terms", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("requests", sa.Column("waiting_since", TIME, nullable=True))
    rest = '"denials":100,"self_approval":true'
    terms = f"""'{{"quorum":' || CAST(quorum AS TEXT) || ',{rest}}}'"""
    # Not op.execute: it would take the colons of the JSON for parameters.
    op.get_bind().exec_driver_sql(f"UPDATE requests SET terms = {terms}, waiting_since = asked_at")  # noqa: S608  all written here
    for name in ("reminded_at", "escalated_at", "send_after", "send_until"):
        op.add_column("requests", sa.Column(name, TIME, nullable=True))
    op.drop_column("requests", "quorum")
    op.add_column("request_patches", sa.Column("severity", sa.String(), nullable=False, server_default=""))
    op.add_column("request_votes", sa.Column("denies", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("request_votes", sa.Column("reason", sa.Text(), nullable=False, server_default=""))


def _people() -> None:
    op.create_table(
        "muted",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_muted")),
    )


def _guard_the_trail() -> None:
    """Whoever may change the schema can take the guard away; the hash chain then tells that a row was changed."""
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_trail_no_{deed.lower()} BEFORE {deed} ON audit_trail "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        # REPLACE takes rows out without asking triggers on DELETE (https://www.sqlite.org/lang_conflict.html).
        taken = "SELECT 1 FROM audit_trail WHERE seq = NEW.seq OR hash = NEW.hash OR prev = NEW.prev"
        op.execute(
            f"CREATE TRIGGER audit_trail_no_replace BEFORE INSERT ON audit_trail WHEN EXISTS ({taken}) "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_trail_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_trail_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_trail "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_trail_refuse()"
    )
