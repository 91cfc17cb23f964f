"""Runs the migrations of the database that the section of alembic.ini names: `projection` or `keys`."""

from __future__ import annotations

from alembic import context

from agents.adapters.database import METADATA
from agents.adapters.keystore import KEYS_METADATA
from agents.adapters.sqlengine import open_engine
from agents.settings import Settings

KEYS = context.config.config_ini_section == "keys"


def run() -> None:
    """Migrate within one transaction."""
    settings = Settings.load()
    given = context.config.attributes.get("url")
    engine = open_engine(given or (settings.keystore_url if KEYS else settings.database_url), erase=KEYS)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=KEYS_METADATA if KEYS else METADATA,
            version_table="keys_version" if KEYS else "projection_version",
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
