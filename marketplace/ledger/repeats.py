"""One gift that two sources tell of: counted once, and a person looks.

Enters: rows that a source tells, with their households. Leaves: for each the live row of another source that tells of
the same gift, if there is one; a task with a clock for a person; and what follows from the finding. Called by the plan
of rows from outside, by imports and reports, by the page of a finding and the worker.

Which way the error falls: both rows tell of aid that was given, so nothing can be prevented any more. Counted twice,
one gift would use up limits, start waiting times and close a need, and the household would wait because of help that it
never had. Counted once, two gifts leave room for help that a rule would have stopped, until a person has looked, and
each such help is approved by a person too. So a likely repeat does not count until a person calls it a second gift.
What is not alike in household, giver, kind, programme, units, cause and day counts at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database, chunks, flush
from marketplace.households.apart import People, people_of
from marketplace.households.models import Household
from marketplace.households.same import Same, same_as
from marketplace.ledger import hits, questions
from marketplace.ledger.late import look_again
from marketplace.ledger.late_ends import end_gone
from marketplace.ledger.models import LIVE, AidState, HitState, LedgerEntry, OverlapHit
from marketplace.organisations.givers import Givers, givers_of
from marketplace.organisations.models import Organisation
from marketplace.reference.events import known
from matching.overlap_rules import CHARITY, may_be_one

NEAR = timedelta(days=14)
"""So far apart two sources may put the day of one gift: our own value. What is reserved and not yet delivered here may
be delivered any day after."""
ONE_PURSE = frozenset({"TEMPORARY_AID", "MEDICAL_ASSISTANCE", "HOUSING_FUND"})
"""Payers of which there is one: whatever name a source gives them, they are one giver, and sources differ in how they
name the kind and programme of their money. Household, amount, day and event then say that two rows are one payment."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Told:
    """One gift as a source tells it; `held` is what the ledger holds of it from an earlier telling."""

    source: str
    household_id: str
    giver: str
    category: str
    programme: str
    cause: str
    units: int
    given_on: date
    payer: str = CHARITY
    held: tuple[LedgerEntry, ...] = ()
    promise: bool = False
    person: str = ""


def find(session: Session, asked: Mapping[str, Told], /) -> dict[str, str]:
    """Key ► the live row of another source that tells of the same gift. Of one source each row is a gift of its own, so
    a row is repeated by one row of a source at most. O(rows + live aid of their households)."""
    homes = {told.household_id for told in asked.values()}
    same = same_as(session, homes)
    others = _others(session, asked, same)
    if not others:
        return {}
    names = {told.giver for told in asked.values()} | {row.giver for rows in others.values() for row in rows}
    givers, orgs = givers_of(session, names), _organisations(session, names)
    people = people_of(session, {home for one in homes for home in same.of(one)}, same=same)
    taken = _taken(session, [row.id for rows in others.values() for row in rows])
    apart = _told_apart(session, [part.id for told in asked.values() for part in told.held])
    found: dict[str, str] = {}
    for key, told in asked.items():
        giver = _giver(orgs.get(told.giver, ""), told.giver, givers, payer=told.payer)
        for row in others.get(same.one(told.household_id), ()) if giver else ():
            own = {part.id for part in told.held}
            free = taken.get((row.id, told.source), "") in ("", *own)
            kept = any((part, row.id) in apart for part in own)
            like = giver == _giver(row.org_id or "", row.giver, givers, payer=row.payer) and _alike(row, told, people)
            if like and free and not kept:
                found[key] = row.id
                taken[row.id, told.source] = next(iter(own), key)
                break
    return found


def _alike(row: LedgerEntry, told: Told, people: People) -> bool:
    """Whether a row of another source may tell of the same gift; nothing that came after a row that counts does, and
    who promises after a gift was delivered promises another, unless it was one promise before; nor does aid of somebody
    who is certainly another."""
    later = told.given_on > row.given_on and row.state is not AidState.DELIVERED
    near = abs(told.given_on - row.given_on) <= NEAR or later
    first = all(row.created_at < part.created_at for part in told.held if part.state in LIVE)
    cause = may_be_one(known(row.cause), known(told.cause))
    kind = told.payer in ONE_PURSE or (row.category, row.programme) == (told.category, told.programme)
    ahead = told.promise and row.state is AidState.DELIVERED
    if ahead and all(part.repeats_id != row.id for part in told.held):
        return False
    if people.one(row.person_id) in people.others(told.person):
        return False
    return near and first and cause and kind and row.units == told.units and row.source != told.source


def _giver(org_id: str, name: str, givers: Givers, *, payer: str) -> str:
    if payer in ONE_PURSE:
        return payer
    return givers.one(org_id) or givers.called(name)


def _others(session: Session, asked: Mapping[str, Told], same: Same) -> dict[str, list[LedgerEntry]]:
    """One name for a household ► its live aid of the kinds that are told, in the order in which it came."""
    homes = {home for told in asked.values() for home in same.of(told.household_id)}
    found: dict[str, list[LedgerEntry]] = {}
    for some in chunks(sorted(homes), _ASKED):
        rows = select(LedgerEntry).where(col(LedgerEntry.household_id).in_(some), col(LedgerEntry.state).in_(LIVE))
        for row in session.exec(rows.order_by(col(LedgerEntry.created_at), col(LedgerEntry.id))):
            found.setdefault(same.one(row.household_id), []).append(row)
    return found


def _organisations(session: Session, names: set[str]) -> dict[str, str]:
    """Name or credit code ► the organisation here."""
    rows = session.exec(select(Organisation.id, Organisation.name, Organisation.credit_code, Organisation.part))
    told = ((org, word) for org, name, code, part in rows for word in ((name,) if part else (name, code)))
    return {word: org for org, word in told if word in names}


def _taken(session: Session, ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """(Row, source) ► the row of the source that repeats it."""
    found: dict[tuple[str, str], str] = {}
    for some in chunks(sorted(set(ids)), _ASKED):
        rows = select(LedgerEntry.repeats_id, LedgerEntry.source, LedgerEntry.id)
        for first, source, row in session.exec(rows.where(col(LedgerEntry.repeats_id).in_(some))):
            found[str(first), source] = row
    return found


def _told_apart(session: Session, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Pairs of rows that a person called two gifts."""
    found: set[tuple[str, str]] = set()
    for some in chunks(sorted(set(ids)), _ASKED):
        rows = select(OverlapHit.subject, OverlapHit.because).where(col(OverlapHit.subject).in_(some))
        rows = rows.where(col(OverlapHit.code) == hits.TWICE, col(OverlapHit.state) == HitState.FALSE_ALARM)
        found |= {(subject, ref) for subject, because in session.exec(rows) for ref in because}
    return found


def raise_tasks(session: Session, entry_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> int:
    """A task for each new repeat; returns how many."""
    met = [one for some in chunks(sorted(entry_ids), _ASKED) for one in _met(session, some)]
    return len(hits.keep(session, met, actor=actor, now=now)) if met else 0


def _met(session: Session, ids: Sequence[str]) -> Iterator[hits.Met]:
    rows = select(LedgerEntry, Household.district_code).join(Household)
    rows = rows.where(col(LedgerEntry.id).in_(ids), col(LedgerEntry.state) == AidState.REPEAT)
    for row, district in session.exec(rows.order_by(col(LedgerEntry.id))):
        yield hits.Met(
            code=hits.TWICE,
            place=hits.REPORT,
            subject=row.id,
            household_id=row.household_id,
            district_code=district,
            category=row.category,
            units=row.units,
            because=(str(row.repeats_id), row.id),
            org_id=row.org_id,
        )


def decide(
    session: Session,
    hit_id: str,
    /,
    *,
    state: HitState,
    minutes: int,
    otherwise: bool = False,
    actor: Actor,
    now: datetime,
) -> OverlapHit:
    """A person's finding on any hit. Two gifts that were taken for one count from now on, and are held against the
    rules like a late report."""
    hit = hits.decide(session, hit_id, state=state, minutes=minutes, otherwise=otherwise, actor=actor, now=now)
    row = session.get(LedgerEntry, hit.subject, with_for_update=True) if hit.code == hits.TWICE else None
    if row is not None and row.state is AidState.REPEAT and state is HitState.FALSE_ALARM:
        _count(session, row, actor=actor, now=now)
    return hit


def _count(session: Session, row: LedgerEntry, *, actor: Actor, now: datetime) -> None:
    """From now on the row stands for a gift of its own."""
    row.state, row.told = AidState(row.told or AidState.DELIVERED), ""
    row.repeats_id, row.updated_at = None, now
    session.add(row)
    flush(session)
    body = {"units": row.units}
    entry = audit.Entry("aid:update", object_ref=row.id, subject=row.household_id, rule_id=hits.TWICE, body=body)
    audit.record(session, entry, actor=actor, now=now)
    look_again(session, [row.id], actor=actor, now=now)


def sweep(database: Database, /, *, now: datetime) -> int:
    """The worker's sweep: a repeat whose first row was taken back or corrected stands for the gift itself, and its task
    ends; so does a task whose report was taken back. Returns how many. For a sweep that looks now and then."""
    with database.reading() as session:
        if not list(_unfounded(session)) and not _over(session):
            return 0
    with database.transaction() as session:
        rows = list(_unfounded(session))
        for row in rows:
            _count(session, row, actor=SYSTEM, now=now)
        over = _over(session)
        for hit_id in over:
            hits.end_gone(session, hit_id, now=now)
    return len(rows) + len(over)


def _unfounded(session: Session) -> Iterator[LedgerEntry]:
    """Repeats whose first row is no longer live or, where no person has said so, no longer alike."""
    repeats = session.exec(select(LedgerEntry).where(col(LedgerEntry.state) == AidState.REPEAT)).all()
    confirmed = select(OverlapHit.subject).where(col(OverlapHit.code) == hits.TWICE)
    sure = set(session.exec(confirmed.where(col(OverlapHit.state) == HitState.DUPLICATE)))
    same = same_as(session, {row.household_id for row in repeats})
    firsts: dict[str, LedgerEntry] = {}
    for some in chunks(sorted({str(row.repeats_id) for row in repeats}), _ASKED):
        live = select(LedgerEntry).where(col(LedgerEntry.id).in_(some), col(LedgerEntry.state).in_(LIVE))
        firsts |= {row.id: row for row in session.exec(live)}
    for row in repeats:
        first = firsts.get(str(row.repeats_id))
        home = first is not None and first.household_id in same.of(row.household_id)
        if first is None or not home or (row.id not in sure and first.units != row.units):
            yield row


def _over(session: Session) -> list[str]:
    """Open tasks whose report is no repeat any more."""
    row = select(LedgerEntry.id).where(col(LedgerEntry.state) == AidState.REPEAT)
    wanted = select(OverlapHit.id).where(col(OverlapHit.code) == hits.TWICE, col(OverlapHit.state) == HitState.OPEN)
    return list(session.exec(wanted.where(col(OverlapHit.subject).not_in(row)).order_by(col(OverlapHit.id))))


def looks(database: Database, /, *, now: datetime) -> int:
    """Everything of the ledger's tasks that ends by itself."""
    return end_gone(database, now=now) + questions.end_over(database, now=now) + sweep(database, now=now)


def count_told_twice(session: Session, /, *, actor: Actor) -> int:
    """How many gifts two sources told of and count once: those that a person confirmed, and those that wait for one."""
    wanted = select(func.count()).select_from(OverlapHit).where(col(OverlapHit.code) == hits.TWICE)
    wanted = wanted.where(col(OverlapHit.state).in_((HitState.OPEN, HitState.DUPLICATE)))
    if actor.districts:
        wanted = wanted.where(col(OverlapHit.district_code).in_(sorted(actor.districts)))
    return int(session.exec(wanted).one())
