"""What another office says, read since the last time: each word in its own transaction, the cursor moves at the end.

Enters: the table that keeps a cursor for each office, how its words are pulled, and what a room does with one. Leaves:
how many changed something. A word that does not fit, or that breaks something unforeseen, is logged by its reference
and passed by, so that it holds no other up; where the database itself is away, the same words are read again. No
transaction is open while the office is asked. Called by the rooms that hand items and tasks to departments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from logging import Logger
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from marketplace.db import Database
from marketplace.errors import DomainError


class Said(Protocol):
    """One word, about what was handed over under its reference."""

    @property
    def ref(self) -> str: ...


W = TypeVar("W", bound=Said)


def hear(
    database: Database,
    feed: type[Any],
    department: str,
    /,
    *,
    pull: Callable[..., tuple[Sequence[W], str]],
    take: Callable[..., bool],
    log: Logger,
    now: datetime,
) -> int:
    """Read the words of one department since the last time. `feed` is a table of `department`, `cursor` and
    `pulled_at`; `pull` takes the cursor, `take` a session, the department and a word."""
    with database.reading() as session:
        cursor = _row(session, feed, department, now=now).cursor
    words, following = pull(cursor=cursor or None)
    done = 0
    for word in words:
        try:
            with database.transaction() as session:
                done += take(session, department, word, now=now)
        except DomainError as error:
            log.warning("word of %s for %s: %s", department, word.ref, error.code)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001  one word that cannot be taken must not hold up the others
            log.error("word of %s for %s: %s", department, word.ref, type(error).__name__)
    with database.transaction() as session:
        row = _row(session, feed, department, now=now)
        row.cursor, row.pulled_at = following, now
        session.add(row)
    return done


def _row(session: Session, feed: type[Any], department: str, *, now: datetime) -> Any:
    return session.get(feed, department) or feed(department=department, pulled_at=now)
