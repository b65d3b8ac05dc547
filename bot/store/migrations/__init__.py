"""Alembic's migrations; they travel inside the package and are run by ``bot.store.schema``."""
