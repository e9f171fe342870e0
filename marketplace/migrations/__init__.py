"""The schema's history. Enters: an engine. Leaves: a database at the newest version, on SQLite and PostgreSQL alike.

`upgrade` is called by the command line and the demo; `env.py` is Alembic's entry and imports every room's tables.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def config_for(engine: Engine) -> Config:
    """Alembic's configuration for an open engine; no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest version; nothing happens if it is there already."""
    command.upgrade(config_for(engine), "head")
