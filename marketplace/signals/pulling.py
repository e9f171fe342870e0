"""Feeds pulled from the departments' exchange, each from where it was left.

Enters: the exchange's door. Leaves: deliveries, one for each page; the cursor is stored in the transaction of its page,
so a lost process repeats at most one page, which changes nothing. The feed's day moves with the last page only. Of
people who came into the register after the first pull the exchange is asked once what it had told before. Nothing slow
in a transaction. Called by the command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import and_, false, or_
from sqlmodel import Session, col, select

from adapters.ports import DepartmentFeed, FactPage, OutsideError
from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import Database, flush
from marketplace.households.models import Person
from marketplace.policy import require
from marketplace.sealed import vault_of
from marketplace.signals.models import Delivery, FeedState
from marketplace.signals.taking import note, take_in

AT_ONCE = 100


def pull_all(
    database: Database,
    door: DepartmentFeed,
    feeds: Sequence[str],
    /,
    *,
    actor: Actor,
    clock: Callable[[], datetime],
) -> tuple[list[Delivery], dict[str, OutsideError]]:
    """Each feed to its present end, then what was told of people who came into the register since; and why which feed
    could not be read. One that is refused keeps no other from its turn."""
    found: list[Delivery] = []
    refused: dict[str, OutsideError] = {}
    for feed in feeds:
        try:
            found += pull_feed(database, door, feed, actor=actor, clock=clock)
            found += ask_newcomers(database, door, feed, actor=actor, clock=clock)
        except OutsideError as error:
            refused[feed] = error
    return found, refused


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
        began = clock()
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
            _begin(session, feed, now=began)
            found.append(told)
        if not page.more:
            break
    return found


def _begin(session: Session, feed: str, *, now: datetime) -> None:
    """Whoever is in the register when the first page is read is told of by the pull itself."""
    state = session.get_one(FeedState, feed)
    state.asked_at = state.asked_at or now
    session.add(state)
    flush(session)


def ask_newcomers(
    database: Database,
    door: DepartmentFeed,
    feed: str,
    /,
    *,
    actor: Actor,
    clock: Callable[[], datetime],
    most: int = 5_000,
) -> list[Delivery]:
    """Ask what was told of people before they came into the register, each once; the longest in it first."""
    require(actor, "fact:take")
    found: list[Delivery] = []
    while len(found) * AT_ONCE < most:
        with database.reading() as session:
            some = _newcomers(session, feed)
        if not some:
            break
        page = door.facts_of(feed, [number for _person, number in some])
        with database.transaction() as session:
            now = clock()
            digest = _digest(page, some[-1][0].id)
            told = take_in(
                session, feed, page.facts, digest=digest, as_of=page.as_of, whole=False, actor=actor, now=now
            )
            state, last = session.get_one(FeedState, feed), some[-1][0]
            state.asked_at, state.asked_person = last.created_at, last.id
            session.add(state)
            body = {"people": len(some)}
            audit.record(session, audit.Entry("fact:ask", object_ref=told.id, body=body), actor=actor, now=now)
            found.append(told)
    return found


def _newcomers(session: Session, feed: str) -> list[tuple[Person, str]]:
    """The next few people of whom the exchange has not been asked, with their ID numbers."""
    state = session.get(FeedState, feed)
    if state is None or state.asked_at is None:
        return []
    at, last = col(Person.created_at), state.asked_person
    later = or_(at > state.asked_at, and_(at == state.asked_at, col(Person.id) > last) if last else false())
    asked = select(Person).where(later, col(Person.id_number).is_not(None)).order_by(at, col(Person.id)).limit(AT_ONCE)
    vault = vault_of(session)
    return [
        (person, vault.open(session, person.id, column="person.id_number", sealed=person.id_number))
        for person in session.exec(asked)
        if person.id_number is not None
    ]


def _digest(page: FactPage, *more: str) -> str:
    body = json.dumps([page.cursor, *more, page.as_of.isoformat(), [dict(row) for row in page.facts]], default=str)
    return sha256(body.encode()).hexdigest()
