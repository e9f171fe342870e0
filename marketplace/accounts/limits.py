"""How often somebody may try: counts and growing locks in the database, so that two workers count as one.

Enters: a key (a login, a phone's index, a network) and the moment. Leaves: nothing, or NotAllowed("too_many_tries").
After the most tries of a window the key is locked for a quarter of an hour; each further lock lasts twice as long, at
most a day; a right answer clears the strikes, and so does a day without a lock. Of a network only a keyed mark is kept.
What was refused is a line of the log. Called by every sign-in form and by whatever the public may send.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from marketplace.accounts.models import Challenge, RateCount, SignInCode
from marketplace.db import Database, flush
from marketplace.errors import NotAllowed
from marketplace.sealed import vault_of

log = logging.getLogger("shanqiao.sign_in")
WINDOW = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
MOST_TRIES = 10
MOST_OF_NETWORK = 100
AT_ONCE = 1000


def count(
    session: Session, key: str, /, *, now: datetime, most: int = MOST_TRIES, longest: timedelta = LONGEST_LOCK
) -> None:
    """Count one try of this key; NotAllowed("too_many_tries") above `most` in a window and while it is locked."""
    row = _row(session, key, now=now)
    if row.locked_until is not None and now < row.locked_until:
        raise NotAllowed("too_many_tries")
    if row.locked_until is not None and now - row.locked_until >= LONGEST_LOCK:
        row.strikes, row.locked_until = 0, None
    after_lock = row.locked_until is not None and row.window_at < row.locked_until
    if now - row.window_at >= WINDOW or after_lock:
        row.window_at, row.count = now, 0
    row.count += 1
    over = row.count > most
    if over:
        row.strikes += 1
        row.locked_until = now + min(WINDOW * 2 ** min(row.strikes - 1, 10), longest)
    session.add(row)
    flush(session)
    if over:
        raise NotAllowed("too_many_tries")


def count_network(session: Session, what: str, network: str, /, *, now: datetime, most: int = MOST_OF_NETWORK) -> None:
    """The same for all tries of one kind from one network."""
    count(session, key_of(session, what, network), now=now, most=most)


def key_of(session: Session, what: str, network: str, /) -> str:
    """The key of a network's tries: the address itself is nobody's business later."""
    return f"{what}:{vault_of(session).index('network', network)}"


def forget(database: Database, *, now: datetime) -> int:
    """What nobody asks for any more is gone: old counts without a living lock, codes and challenges that ran out. A row
    that somebody holds at this moment stays until the next time."""
    free = or_(col(RateCount.locked_until).is_(None), col(RateCount.locked_until) < now - LONGEST_LOCK)
    old: tuple[tuple[Any, Any, Any], ...] = (
        (RateCount, RateCount.key, and_(col(RateCount.window_at) < now - 2 * LONGEST_LOCK, free)),
        (SignInCode, SignInCode.id, col(SignInCode.expires_at) < now - WINDOW),
        (Challenge, Challenge.session_hash, col(Challenge.expires_at) < now - WINDOW),
    )
    with database.reading() as session:
        if not any(session.exec(select(key).where(over).limit(1)).first() for _kind, key, over in old):
            return 0
    gone = 0
    with database.transaction() as session:
        for kind, key, over in old:
            mine = select(key).where(over).limit(AT_ONCE).with_for_update(skip_locked=True)
            keys = session.exec(mine).all()
            session.execute(delete(kind).where(col(key).in_(keys)))
            gone += len(keys)
    return gone


def note_refused(session: Session, way: str, who: str, /, *, code: str, request_id: str) -> None:
    """One line of the log for a sign-in or proof that failed; `who` stands in it under a keyed mark, never as typed."""
    mark = vault_of(session).index("refused-sign-in", who)[:16]
    log.info("%s refused: %s, by %s, request %s", way, code, mark, request_id)


def clear(session: Session, key: str, /) -> None:
    """The right answer was given: nothing is held against this key any more."""
    session.execute(delete(RateCount).where(col(RateCount.key) == key))


def _row(session: Session, key: str, *, now: datetime) -> RateCount:
    """The key's row, made if need be and locked until this transaction ends, so that rival tries wait and count."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = {"key": key, "window_at": now, "count": 0, "strikes": 0}
    session.execute(insert(RateCount).values(**fresh).on_conflict_do_nothing())
    locked = select(RateCount).where(col(RateCount.key) == key).with_for_update()
    return session.exec(locked.execution_options(populate_existing=True)).one()
