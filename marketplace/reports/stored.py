"""What lies in the database, beside the acts that put it there: the reading that every comparison of `standing` shares.

Enters: a reading session and a query over tables by name. Leaves: the rows as they are stored, whatever the session
believes, and for each object the number of the last act on it. Called by `standing` and the modules it is made of.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from sqlalchemy import Select, Subquery, Table, func, select
from sqlmodel import Session, SQLModel

Findings = Generator[tuple[int, str], None, None]
"""What differs: the act that says otherwise (0: none), and a sentence."""


def table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


def rows(session: Session, asked: Select[Any]) -> Generator[Mapping[str, Any], None, None]:
    """The rows as they lie in the database, whatever the session believes."""
    with session.execute(asked.execution_options(yield_per=2000)) as found:
        for row in found.mappings():
            yield {str(name): value for name, value in row.items()}


def last_acts(*where: Any, body: bool = False) -> Subquery:
    """Object ► number of the last act on it that fulfils `where`."""
    acts, bodies = table("audit_row"), table("audit_body")
    asked = select(acts.c.object_ref.label("ref"), func.max(acts.c.seq).label("seq")).where(*where)
    if body:
        asked = asked.join(bodies, bodies.c.seq == acts.c.seq)
    return asked.group_by(acts.c.object_ref).subquery()
