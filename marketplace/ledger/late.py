"""Late reports: aid that a giver tells of afterwards, against what was given or promised in the meantime.

Enters: ledger rows just written from outside, or two records that a person called the same. Leaves: for each rule that
both break together one hit with a clock, as a task for a person. Money already given is left alone. Called by imports,
reports by interface, payment feeds and the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.households.register import chunks
from marketplace.households.same import same_as
from marketplace.ledger import hits
from marketplace.ledger import service as ledger
from marketplace.ledger.bills import bills_of
from marketplace.ledger.hits import Met
from marketplace.ledger.models import LIVE, LedgerEntry
from marketplace.ledger.overlap import given, reported
from marketplace.ledger.rules import Book
from marketplace.needs.service import today_of
from marketplace.organisations.givers import givers_of
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Finding, Given

_ASKED = 500


def look_again(
    session: Session, entry_ids: Sequence[str], /, *, actor: Actor, now: datetime, all_rows: bool = False
) -> int:
    """Ask the rules about each new row and about what was given after it; returns how many tasks that makes. Where
    `all_rows` of a household are asked about, each is asked about what came before it only."""
    book, found = Book(session, on=today_of(now)), 0
    for some in chunks(sorted(entry_ids), _ASKED):
        wanted = select(LedgerEntry).where(col(LedgerEntry.id).in_(some), col(LedgerEntry.state).in_(LIVE))
        new = list(session.exec(wanted.order_by(col(LedgerEntry.id))))
        same = same_as(session, {entry.household_id for entry in new})
        homes = _homes(session, {home for entry in new for home in same.of(entry.household_id)})
        around: dict[str, list[LedgerEntry]] = {}
        for entry in ledger.live_aid(session, household_ids=sorted(homes)):
            around.setdefault(same.one(entry.household_id), []).append(entry)
        met = [
            one
            for entry in new
            for one in _met(
                session,
                entry,
                homes[entry.household_id],
                around[same.one(entry.household_id)],
                book=book,
                later=not all_rows,
            )
        ]
        found += len(hits.keep(session, met, actor=actor, now=now))
    return found


def look_at_same(session: Session, /, *, now: datetime, most: int = 50) -> int:
    """Two records were called one person: hold what each was given against the rules, once, as for a late report."""
    waiting = select(Suspicion).where(col(Suspicion.state) == SuspicionState.SAME, col(Suspicion.aid_seen_at).is_(None))
    pairs = list(session.exec(waiting.order_by(col(Suspicion.id)).limit(most)))
    people = [person for pair in pairs for person in (pair.one_id, pair.two_id)]
    homes = set(session.exec(select(Person.household_id).where(col(Person.id).in_(people)))) if people else set()
    if len(homes) > 1:
        entries = [entry.id for entry in ledger.live_aid(session, household_ids=sorted(homes))]
        look_again(session, entries, actor=SYSTEM, now=now, all_rows=True)
    for pair in pairs:
        pair.aid_seen_at = now
        session.add(pair)
    session.flush()
    return len(pairs)


def sweep_same(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep of `look_at_same`; asks before it opens a writing transaction."""
    waiting = select(Suspicion.id).where(
        col(Suspicion.state) == SuspicionState.SAME, col(Suspicion.aid_seen_at).is_(None)
    )
    with database.reading() as session:
        if session.exec(waiting.limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        return look_at_same(session, now=clock())


def _homes(session: Session, ids: set[str]) -> dict[str, Household]:
    return {home.id: home for home in session.exec(select(Household).where(col(Household.id).in_(sorted(ids))))}


def _met(
    session: Session, entry: LedgerEntry, home: Household, around: Sequence[LedgerEntry], *, book: Book, later: bool
) -> Iterator[Met]:
    """One for each rule: the new row after what was there, or a later row after the new one."""
    told: set[str] = set()
    others = [other for other in around if other.id != entry.id and not _one_aid(other, entry)]
    givers = givers_of(session, reported(around))
    before = [given(other, household_id=home.id, givers=givers) for other in others if other.given_on <= entry.given_on]
    questions = [(entry, before)]
    told_here = [given(entry, household_id=home.id, givers=givers)]
    questions += [(other, told_here) for other in others if later and other.given_on >= entry.given_on]
    for asked_of, past in questions:
        for finding in _findings(session, given(asked_of, household_id=home.id, givers=givers), past, home, book=book):
            if finding.code not in told and finding.because:
                told.add(finding.code)
                yield _hit(entry, asked_of, finding, home)


def _one_aid(other: LedgerEntry, entry: LedgerEntry) -> bool:
    """The part that covers a need and the rest of the same aid are one."""
    return (other.source, other.created_at, other.given_on, other.giver, other.category) == (
        entry.source,
        entry.created_at,
        entry.given_on,
        entry.giver,
        entry.category,
    ) and (other.need_id is None) is not (entry.need_id is None)


def _findings(
    session: Session, row: Given, past: Sequence[Given], home: Household, *, book: Book
) -> tuple[Finding, ...]:
    bill = bills_of(session, [row.need_id]).get(row.need_id) if row.need_id else None
    question = Asked(
        household_id=row.household_id,
        category=row.category,
        units=row.units,
        on=row.given_on,
        giver=row.giver,
        payer=row.payer,
        programme=row.programme,
        cause=row.cause,
        need_id=row.need_id,
        members=max(1, home.size),
        rural=not home.urban,
        statuses=frozenset({home.kind}) if home.kind else frozenset(),
        bill=bill,
    )
    return judge(question, past=past, rules=book.about(home.district_code, row.category, row.programme)).findings


def _hit(entry: LedgerEntry, asked_of: LedgerEntry, finding: Finding, home: Household) -> Met:
    refs = dict.fromkeys([*(row.ref for row in finding.because), asked_of.id, entry.id])
    return Met(
        code=finding.code,
        place=hits.REPORT,
        subject=entry.id,
        household_id=entry.household_id,
        district_code=home.district_code,
        category=asked_of.category,
        units=max(1, asked_of.units - finding.allowed),
        because=tuple(refs),
        need_id=asked_of.need_id or entry.need_id,
        org_id=entry.org_id,
    )
