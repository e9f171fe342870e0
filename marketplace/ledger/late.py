"""Late reports: aid that a giver tells of afterwards, against what was given or promised in the meantime.

Enters: ledger rows just written from outside, or two records that a person called the same. Leaves: for each rule that
is broken one hit with a clock, as a task for a person (`late_ends` ends it where its rows are taken back). So too a
cost, or a payer's answer, that comes after charity has given. Money already given is left alone. Called by imports,
reports by interface, payment feeds, `late_costs` and the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database, chunks
from marketplace.households.apart import People, people_of
from marketplace.households.former import lives_now
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.households.related import related_pairs
from marketplace.households.same import Same, same_as
from marketplace.ledger import hits
from marketplace.ledger import service as ledger
from marketplace.ledger.billed import bills_of
from marketplace.ledger.book import Book
from marketplace.ledger.hits import Met, set_apart
from marketplace.ledger.models import LIVE, CostBill, LedgerEntry, OverlapHit
from marketplace.ledger.moved import moved_by_home
from marketplace.ledger.overlap import Homes, before, bill_of, counted, exceptions_of, given, reported
from marketplace.ledger.shared import REAL, shared_bills
from marketplace.needs.models import Need
from marketplace.organisations.givers import givers_of
from marketplace.reference.events import known
from matching.overlap_bill import on_bill
from matching.overlap_judge import judge
from matching.overlap_rules import CASH, Asked, Bill, Finding, Given, Rule

_UNSEEN = (col(Suspicion.state) == SuspicionState.SAME, col(Suspicion.aid_seen_at).is_(None))
_ASKED = 500
SERVICE, ONCE = "MUTEX_SERVICE", "ONCE_PER_YEAR"
TEMPORARY_AID = "TEMPORARY_AID"
BY_COST = frozenset({"WATERFALL", "CAP_100"})
"""Kinds of rule that a cost or an answer can make say another thing; what only waits for an answer breaks nothing."""
COST_CODES = ("D01", "D02")
"""The rules of these kinds."""
_Cost = tuple[Need, Bill]
"""A need whose cost papers show, and its bill."""


@dataclass(slots=True)
class _Facts:
    """What the judge is told besides the ledger's rows; the rules of each day are read once."""

    session: Session
    same: Same
    homes: Mapping[str, Household]
    related: frozenset[tuple[str, str]]
    people: People
    costs: Mapping[str, Sequence[_Cost]]
    moved: Mapping[str, Sequence[tuple[LedgerEntry, str]]]
    by_cost: bool = False
    books: dict[date, Book] = field(default_factory=dict)

    def book(self, on: date) -> Book:
        if on not in self.books:
            self.books[on] = Book(self.session, on=on)
        return self.books[on]

    def home(self, household_id: str) -> Homes:
        return counted([self.homes[one] for one in sorted(self.same.of(household_id))], self.same)


def look_again(
    session: Session,
    entry_ids: Sequence[str],
    /,
    *,
    actor: Actor,
    now: datetime,
    all_rows: bool = False,
    by_cost: bool = False,
) -> int:
    """Ask the rules about each new row and about what was given after it, also where the person lives now whom it
    names; returns how many tasks that makes. With `all_rows` each is asked about what came before it only; `by_cost`
    asks the rules that reckon with a documented cost."""
    found, related = 0, frozenset(related_pairs(session)) if entry_ids else frozenset()
    books: dict[date, Book] = {}
    for some in chunks(sorted(entry_ids), _ASKED):
        wanted = select(LedgerEntry).where(col(LedgerEntry.id).in_(some), col(LedgerEntry.state).in_(LIVE))
        new = {entry.id: entry for entry in session.exec(wanted.order_by(col(LedgerEntry.id)))}
        went = lives_now(session, {entry.person_id for entry in new.values()})
        asked = {entry.household_id for entry in new.values()}.union(home for _who, home in went.values())
        same = same_as(session, asked)
        homes = _homes(session, {home for one in asked for home in same.of(one)})
        people, costs = people_of(session, homes, same=same), _costs(session, same, homes)
        moved = moved_by_home(session, same, homes)
        facts = _Facts(session, same, homes, related, people, costs, moved, by_cost, books)
        around: dict[str, list[LedgerEntry]] = {}
        for entry in ledger.live_aid(session, household_ids=sorted(homes)):
            around.setdefault(same.one(entry.household_id), []).append(entry)
        met = [one for rows in around.values() for one in _met(rows, new, facts, later=not all_rows)]
        found += len(hits.keep(session, met, actor=actor, now=now))
        if by_cost:
            _end_unfounded(session, new, met, homes, now=now)
    return found


def _end_unfounded(
    session: Session, rows: Collection[str], met: Sequence[Met], homes: Collection[str], *, now: datetime
) -> None:
    """A cost or an answer was put right: a task about these rows ends where its rule finds nothing in them any more."""
    founded = {(one.code, ref) for one in met for ref in one.because}
    wanted = select(OverlapHit).where(col(OverlapHit.household_id).in_(sorted(homes)), *hits.OPEN_REPORT)
    for hit in session.exec(wanted.where(col(OverlapHit.code).in_(COST_CODES)).order_by(col(OverlapHit.id))).all():
        asked = {hits.report_behind(hit), *hit.because[-1:]} <= set(rows)  # the row that caused it, and the judged one
        if asked and not any((hit.code, ref) in founded for ref in hit.because):
            hits.end_gone(session, hit.id, now=now)


def look_at_same(session: Session, /, *, now: datetime, most: int = 50) -> int:
    """Two records were called one person: hold what each was given against the rules, once, as for a late report."""
    pairs = list(session.exec(select(Suspicion).where(*_UNSEEN).order_by(col(Suspicion.id)).limit(most)))
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
    with database.reading() as session:
        if session.exec(select(Suspicion.id).where(*_UNSEEN).limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        return look_at_same(session, now=clock())


def _homes(session: Session, ids: set[str]) -> dict[str, Household]:
    return {home.id: home for home in session.exec(select(Household).where(col(Household.id).in_(sorted(ids))))}


def _met(around: Sequence[LedgerEntry], new: Mapping[str, LedgerEntry], facts: _Facts, *, later: bool) -> Iterator[Met]:
    """One for each rule and new row: each row of the household from the first new one on is judged after all that
    came before it, so that sums count whole; what has nothing to do with a new row is no news."""
    rows = sorted(around, key=_order)
    givers = givers_of(facts.session, reported(rows))
    told = [
        given(row, household_id=facts.same.one(row.household_id), givers=givers, people=facts.people) for row in rows
    ]
    home = facts.same.one(rows[0].household_id)
    moved = [
        (_order(row), before(given(row, household_id=home, givers=givers), facts.people.one(who)))
        for row, who in facts.moved.get(home, ())
    ]
    came = [_order(row) for row in rows if row.id in new] + [when for when, one in moved if one.ref in new]
    for at, row in enumerate(rows):
        if row.id not in new and not (later and came and _order(row) > min(came)):
            continue
        past = [told[i] for i in range(at) if not _one_aid(rows[i], row)]
        past += [one for when, one in moved if when < _order(row)]
        for finding in _findings(row, told[at], past, facts):
            if facts.by_cost and (finding.waits or finding.kind not in BY_COST):
                continue
            caused = row if row.id in new else next((new[one.ref] for one in finding.because if one.ref in new), None)
            if caused is not None:
                where = caused if facts.same.one(caused.household_id) == home else row
                yield _hit(caused, row, finding, facts.homes[where.household_id])


def _order(row: LedgerEntry) -> tuple[date, datetime, str]:
    return row.given_on, row.created_at, row.id


def _one_aid(other: LedgerEntry, entry: LedgerEntry) -> bool:
    """The part that covers a need and the rest of the same aid are one."""
    return other.part_of == entry.source_index or entry.part_of == other.source_index


def _findings(entry: LedgerEntry, row: Given, past: Sequence[Given], facts: _Facts) -> tuple[Finding, ...]:
    home = facts.home(entry.household_id)
    need = facts.session.get(Need, entry.need_id) if entry.need_id else None
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
        starts_on=need.valid_from if need else None,
        ends_on=need.valid_to if need else None,
        members=home.members,
        rural=home.rural,
        related=any((one, entry.org_id) in facts.related for one in home.ids),
        statuses=home.kinds,
        excepted=exceptions_of(facts.session, need.id, on=row.given_on) if need else frozenset(),
        apart=set_apart(facts.session, [need.id]).get(need.id, frozenset()) if need else frozenset(),
        bill=bill_of(facts.session, need, home) if need else None,
        project=row.project,
        person=row.person,
        others=facts.people.others(row.person),
        papered=frozenset(one.id for one, _bill in facts.costs.get(row.household_id, ())),
    )
    district = facts.homes[entry.household_id].district_code
    return _judged(question, past, facts.book(row.given_on), need, about=_about(row, facts), district=district)


def _judged(
    asked: Asked, past: Sequence[Given], book: Book, need: Need | None, *, about: Sequence[_Cost], district: str
) -> tuple[Finding, ...]:
    rules = book.about(district, asked.category, asked.programme)
    apart = _services(asked, past, rules, need)
    if asked.payer == TEMPORARY_AID:
        apart = (*apart, *_temporary_aid(asked, past, book.about(district, CASH, asked.programme)))
        rules = tuple(rule for rule in rules if rule.kind != ONCE)
    rules = tuple(rule for rule in rules if rule.kind != SERVICE)
    if need is None and about:
        return (*apart, *_beside(about, asked, past, rules))
    return (*apart, *judge(asked, past=past, rules=rules).findings)


def _services(asked: Asked, past: Sequence[Given], rules: Iterable[Rule], need: Need | None) -> tuple[Finding, ...]:
    """Hours are doubled by another giver only, in the time of the need or the month of aid without one; a need lacked
    all that it asked for, as at approval."""
    first = asked.on.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    told = replace(asked, open_units=need.gap_units) if need else replace(asked, starts_on=first, ends_on=after)
    others = [row for row in past if row.giver != asked.giver]
    return judge(told, past=others, rules=[rule for rule in rules if rule.kind == SERVICE]).findings


def _temporary_aid(asked: Asked, past: Iterable[Given], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """Illness aid stands under the kind of its illness: to "once for a cause and year" all such aid is one kind."""
    like = [replace(row, category=CASH) for row in past if row.payer == TEMPORARY_AID]
    return judge(replace(asked, category=CASH), past=like, rules=[one for one in rules if one.kind == ONCE]).findings


def _costs(session: Session, same: Same, homes: Iterable[str]) -> dict[str, list[_Cost]]:
    """One name for a household ► its documented costs."""
    wanted = select(Need).join(CostBill, col(CostBill.need_id) == col(Need.id)).where(col(Need.state).in_(REAL))
    needs = list(session.exec(wanted.where(col(Need.household_id).in_(sorted(homes))).order_by(col(Need.id))))
    bills = bills_of(session, [need.id for need in needs])
    bills |= shared_bills(session, {same.of(need.household_id) for need in needs})
    found: dict[str, list[_Cost]] = {}
    for need in needs:
        found.setdefault(same.one(need.household_id), []).append((need, bills[need.id]))
    return found


def _about(row: Given, facts: _Facts) -> list[_Cost]:
    """The costs that aid without a need may be about."""
    others = facts.people.others(row.person)
    return [
        (need, bill)
        for need, bill in facts.costs.get(row.household_id, ())
        if on_bill(bill, [row], category=need.category, cause=known(need.cause))
        if facts.people.one(need.person_id) not in others
    ]


def _beside(costs: Sequence[_Cost], asked: Asked, past: Sequence[Given], rules: Sequence[Rule]) -> tuple[Finding, ...]:
    """Aid without a need is held against the cost that papers show, not against the limit of its kind; where it may be
    about several, against the one that leaves it most room."""
    sums = [rule for rule in rules if rule.kind == "CAP_100"]
    about = (
        replace(asked, bill=bill, category=need.category, cause=known(need.cause) or asked.cause)
        for need, bill in costs
    )
    said = max((judge(one, past=past, rules=sums) for one in about), key=lambda one: one.allowed)
    rest = judge(asked, past=past, rules=[rule for rule in rules if rule not in sums])
    return (*said.findings, *rest.findings)


def _hit(entry: LedgerEntry, asked_of: LedgerEntry, finding: Finding, home: Household) -> Met:
    refs = dict.fromkeys([*(row.ref for row in finding.because), asked_of.id, entry.id])
    return Met(
        code=finding.code,
        place=hits.REPORT,
        subject=entry.id if home.id == entry.household_id else f"{entry.id}@{home.id}",
        household_id=home.id,
        district_code=home.district_code,
        category=asked_of.category,
        units=max(1, asked_of.units - finding.allowed),
        because=tuple(refs),
        need_id=asked_of.need_id or entry.need_id,
        org_id=entry.org_id,
    )
