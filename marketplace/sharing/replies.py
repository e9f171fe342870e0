"""How long a reply to a machine's Idempotency-Key is kept: seven days, then the worker takes it away.

Enters: an open database and a clock. Leaves: no reply older than its term. Called by the background worker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import col, delete, select

from marketplace.db import Database
from marketplace.sharing.models import KeptReply

KEPT_FOR = timedelta(days=7)
"""As long as a machine may repeat a request and get the reply of the first."""


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Take away what is past its term; return how many those were."""
    over = col(KeptReply.at) <= clock() - KEPT_FOR
    with database.reading() as session:
        if session.exec(select(KeptReply.key).where(over).limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        return int(session.execute(delete(KeptReply).where(over)).rowcount)  # type: ignore[attr-defined]
