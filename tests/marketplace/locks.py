"""Watches in which order the rows are locked that several acts wait for: consent heads, credentials, the audit log.

Enters: a session on PostgreSQL, and an act. Leaves: the tables in the order of their first lock.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

HEAD = "consent_head"
LOCKED = (HEAD, "issued_credential", "audit_head")
"""Whoever issues a credential locks the head of its consent first: so does everybody else."""


@contextmanager
def watched(session: Session, tables: Collection[str] = LOCKED, *, anew: bool = False) -> Iterator[list[str]]:
    """The names of those tables, each where it was first locked while this block ran; with `anew` also where it was
    locked again after another one."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found = re.search(r"FROM (\w+)[\s\S]* FOR (NO KEY )?UPDATE", statement)
        if found and found[1] in tables and found[1] not in (seen[-1:] if anew else seen):
            seen.append(found[1])

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)
