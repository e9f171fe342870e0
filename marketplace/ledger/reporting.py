"""Aid that others tell of, and government payments that come by feed: all givers report to one ledger.

Enters: records under the columns of the aid table, from a giver or a feed's page. Leaves: ledger rows by the same
checks and the same plan as a file's, each once whoever repeats it; faulty records are named, not mixed in; what a late
report contradicts is a task. Called by `handing_in`, the commands and the worker; nothing slow in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from adapters.ports import Cell, PaymentFeed, PaymentPage
from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.db import Database, flush
from marketplace.errors import WrongState
from marketplace.intake import CheckedRow, Fault, check_records
from marketplace.ledger import repeats, strangers
from marketplace.ledger.imports import see, store
from marketplace.ledger.late import look_again
from marketplace.ledger.models import AidSource, FeedCursor
from marketplace.ledger.planning import AS_HISTORY, Plan, plan
from marketplace.ledger.strangers import Contrary
from marketplace.ledger.table import aid_schema
from marketplace.policy import require


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of the records; `contradicted` are tasks that a late report made; `faults` name record and column of
    what cannot be read, `unplaced` what contradicts a known need: a giver is told of the first only."""

    new: int = 0
    changed: int = 0
    same: int = 0
    strangers: int = 0
    contradicted: int = 0
    faults: tuple[Fault, ...] = ()
    unplaced: tuple[Fault, ...] = ()
    unknown: tuple[CheckedRow, ...] = ()
    """The rows of strangers, for a caller that keeps them."""
    contrary: tuple[Contrary, ...] = ()
    """The rows that contradict a known need, for the same caller."""

    def plus(self, other: Reported) -> Reported:
        """Both together."""
        return Reported(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            same=self.same + other.same,
            strangers=self.strangers + other.strangers,
            contradicted=self.contradicted + other.contradicted,
            faults=(*self.faults, *other.faults),
            unplaced=(*self.unplaced, *other.unplaced),
        )


def take_in(
    session: Session,
    records: Sequence[Mapping[str, Cell]],
    /,
    *,
    source: str,
    rule_id: str,
    actor: Actor,
    now: datetime,
) -> Reported:
    """Check, plan and store; a faulty record is left out with its faults, the others are stored."""
    checked, faults = check_records(enumerate(records, start=1), aid_schema(today=local_day(now)))
    done = take_rows(session, checked.rows, source=source, rule_id=rule_id, actor=actor, now=now)
    return replace(done, faults=tuple(faults))


def take_rows(
    session: Session, rows: Sequence[CheckedRow], /, *, source: str, rule_id: str, actor: Actor, now: datetime
) -> Reported:
    """Plan and store rows that were checked; what contradicts a known need is left out and named."""
    found, refused = _plan(session, rows, source=source)
    written = store(session, found, source=source, rule_id=rule_id, actor=actor, now=now)
    since = session.get(AidSource, source)
    see(session, source, seen_from=since.seen_from if since else local_day(now), actor=actor, now=now)
    contradicted = look_again(session, written, actor=actor, now=now)
    contradicted += repeats.raise_tasks(session, written, actor=actor, now=now)
    session.expire_all()
    return Reported(
        new=len(found.new),
        changed=len(found.changed),
        same=found.same,
        strangers=found.strangers,
        contradicted=contradicted,
        unplaced=tuple(refused.faults),
        unknown=tuple(found.unknown),
        contrary=tuple(Contrary(row, *refused.contrary[row.number]) for row in rows if row.number in refused.contrary),
    )


def _plan(session: Session, rows: Sequence[CheckedRow], *, source: str) -> tuple[Plan, Plan]:
    """What is to be stored, and the plan that names what is not."""
    first = plan(session, rows, source=source)
    if not first.contrary:
        return first, first
    sound = [row for row in rows if row.number not in first.contrary]
    return plan(session, sound, source=source), first


def pull_payments(
    database: Database,
    feed: PaymentFeed,
    /,
    *,
    source: str,
    actor: Actor,
    clock: Callable[[], datetime],
    most_pages: int = 10_000,
    afresh: bool = False,
) -> Reported:
    """Read a government feed from where it was left, or `afresh` from its beginning: payments of people who came here
    later are found then, what is held already stays as it is. The cursor is stored in the transaction of its page: a
    lost process repeats at most one page, which changes nothing."""
    require(actor, "aid:import")
    total = Reported()
    for number in range(most_pages):
        with database.reading() as session:
            known = session.get(FeedCursor, source)
        begun = known is not None and not (afresh and number == 0)
        page = feed.pull_payments(cursor=known.cursor if known is not None and begun else None)
        with database.transaction() as session:
            total = total.plus(_store_page(session, page, source=source, actor=actor, now=clock()))
        if not page.more:
            break
    return total


def sweep_strangers(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep: try the kept payments of strangers once a day; returns how many have found their person."""
    now, placed = clock(), 0
    with database.reading() as session:
        if not strangers.due(session, now=now):
            return 0
    with database.transaction() as session:
        due = strangers.due(session, now=now)
        for source in sorted({one.source for one in due}):
            kept = [one for one in due if one.source == source]
            rows = strangers.opened(session, kept)
            done = take_rows(session, rows, source=source, rule_id="feed", actor=SYSTEM, now=now)
            placed += strangers.settle(session, kept, done.unknown, done.contrary, now=now)
    return placed


def count_payment(session: Session, number: int, /, *, actor: Actor, now: datetime) -> None:
    """A person found that a kept payment is the household's, whatever need it names: it counts as its past aid."""
    one = strangers.get_contrary(session, number, actor=actor)
    (row,) = strangers.opened(session, [one])
    past = CheckedRow(row.number, {**row.values, AS_HISTORY: "yes"})
    done = take_rows(session, [past], source=one.source, rule_id="feed", actor=actor, now=now)
    if done.unknown:
        raise WrongState("payment_fits_nobody")
    strangers.end_contrary(session, one, outcome="counted", actor=actor, now=now)


def _store_page(session: Session, page: PaymentPage, *, source: str, actor: Actor, now: datetime) -> Reported:
    records = [{**record.cells, "source_id": record.source_id} for record in page.payments]
    done = take_in(session, records, source=source, rule_id="feed", actor=actor, now=now)
    wait = {row.values["source_id"] for row in (*done.unknown, *(one.row for one in done.contrary))}
    faulty = {fault.row for fault in done.faults}
    placed = {one.source_id for number, one in enumerate(page.payments, start=1) if number not in faulty} - wait
    strangers.forget(session, placed, source=source, now=now)
    strangers.keep(session, done.unknown, done.contrary, source=source, now=now)
    cursor = session.get(FeedCursor, source) or FeedCursor(source=source, pulled_at=now)
    cursor.cursor, cursor.pulled_at = page.cursor, now
    session.add(cursor)
    flush(session)
    body = {
        "new": done.new,
        "changed": done.changed,
        "strangers": done.strangers,
        "faults": len({fault.row for fault in (*done.faults, *done.unplaced)}),
    }
    audit.record(session, audit.Entry("aid:feed", object_ref=source, body=body), actor=actor, now=now)
    return done
