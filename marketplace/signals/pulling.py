"""Feeds pulled from the departments' exchange, each from where it was left.

Enters: the exchange's door. Leaves: deliveries, one for each page; the cursor is stored in the transaction of its page,
so a lost process repeats at most one page, which changes nothing. The feed's day moves with the last page only. Nothing
slow in a transaction. Called by the command.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from adapters.ports import DepartmentFeed, FactPage
from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.policy import require
from marketplace.signals.models import Delivery, FeedState
from marketplace.signals.taking import note, take_in


def pull_feed(
    database: Database,
    door: DepartmentFeed,
    feed: str,
    /,
    *,
    actor: Actor,
    clock: Callable[[], datetime],
    most_pages: int = 10_000,
) -> list[Delivery]:
    """Read one feed to its present end."""
    require(actor, "fact:take")
    found = []
    for _number in range(most_pages):
        with database.reading() as session:
            known = session.get(FeedState, feed)
        page = door.pull_facts(feed, cursor=known.cursor if known is not None else None)
        with database.transaction() as session:
            now = clock()
            told = take_in(
                session,
                feed,
                page.facts,
                digest=_digest(page),
                as_of=page.as_of,
                whole=not page.more,
                actor=actor,
                now=now,
            )
            note(session, feed, as_of=None if page.more else page.as_of, now=now, cursor=page.cursor)
            found.append(told)
        if not page.more:
            break
    return found


def _digest(page: FactPage) -> str:
    body = json.dumps([page.cursor, page.as_of.isoformat(), [dict(row) for row in page.facts]], default=str)
    return sha256(body.encode()).hexdigest()
