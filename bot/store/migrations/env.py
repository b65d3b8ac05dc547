"""What Alembic runs. The connection, already in its transaction, comes from ``bot.store.schema``."""

from alembic import context

from bot.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
