"""The one place that names concrete adapters and puts the house together.

Enters: settings. Leaves: an open, migrated `Database` whose sessions carry the vault and the settings.
"""

from __future__ import annotations

from marketplace.config import Settings
from marketplace.db import Database
from marketplace.migrations import upgrade
from marketplace.sealed import Vault


def open_database(settings: Settings) -> Database:
    """Open the settings' database and bring it to the newest version."""
    if not settings.database_url:
        settings.instance.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database(), info={"vault": Vault(settings.kek), "settings": settings})
    upgrade(database.engine)
    return database
