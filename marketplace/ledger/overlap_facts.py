"""What the judge is told of the needs of one run, read once for all of them.

Enters: the needs of a run and which households count as one. Leaves: `Facts`: rules, live aid, bills, exceptions,
related givers, by household and need. Called by `overlap_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.households.apart import People, people_of
from marketplace.households.models import Household
from marketplace.households.related import related_pairs
from marketplace.households.same import Same
from marketplace.ledger import service as ledger
from marketplace.ledger.billed import bills_of
from marketplace.ledger.book import Book
from marketplace.ledger.hits import set_apart
from marketplace.ledger.moved import moved_by_home
from marketplace.ledger.overlap import all_exceptions, before, given, reported
from marketplace.ledger.shared import shared_bills
from marketplace.needs.models import Need as NeedRow
from marketplace.organisations.givers import Givers, givers_of
from marketplace.organisations.programmes import plain
from marketplace.reference.events import known
from matching.model import Need
from matching.overlap_rules import CASH, MEDICAL, Bill, Given

_ASKED = 500
_Home = tuple[int, frozenset[str], bool]
"""How many people, of which kinds, and whether in the country."""


@dataclass(slots=True)
class Facts:
    """Everything the judge is told, read once for all needs."""

    book: Book
    on: date
    past: dict[str, list[Given]]
    homes: dict[str, _Home]
    causes: dict[str, str]
    persons: dict[str, str]
    people: People
    bills: Mapping[str, Bill]
    papered: frozenset[str]
    excepted: Mapping[str, frozenset[str]]
    apart: Mapping[str, frozenset[tuple[str, str]]]
    related: Mapping[str, frozenset[str]]
    cool: Mapping[str, int]
    shared: frozenset[str]
    givers: Givers
    projects: Mapping[str, str]

    def thing(self, category: str, /) -> str:
        """One name for the kinds that may be one thing with this one; its own if it is alone."""
        if category.startswith(MEDICAL) or category == CASH:
            return MEDICAL
        groups = (group for rule in self.book.of("") for group in rule.alike if category in group)
        return "|".join(sorted(next(groups, {category})))


def read(session: Session, needs: Sequence[Need], *, projects: Mapping[str, str], same: Same, on: date) -> Facts:
    """Everything that the rules reckon with."""
    households = {need.household_id for need in needs}
    book = Book(session, on=on)
    aid = [entry for entry in ledger.live_aid(session) if same.one(entry.household_id) in households]
    givers = givers_of(session, reported(aid))
    causes, persons = _told(session, needs)
    named = [need for need in needs if need.need_id in persons]
    people = people_of(session, {home for need in named for home in same.of(need.household_id)}, same=same)
    past: dict[str, list[Given]] = {}
    for entry in aid:
        home = same.one(entry.household_id)
        past.setdefault(home, []).append(given(entry, household_id=home, givers=givers, people=people))
    moved = moved_by_home(session, same)
    for home in moved.keys() & households:
        told = (before(given(row, household_id=home, givers=givers), people.one(who)) for row, who in moved[home])
        past.setdefault(home, []).extend(told)
    related: dict[str, set[str]] = {}
    for household, org in related_pairs(session):
        related.setdefault(same.one(household), set()).add(org)
    excepted, apart = all_exceptions(session, on=on), set_apart(session)
    freed = {need.category for need in needs if need.need_id in apart or need.need_id in excepted}
    own = bills_of(session)
    shared = shared_bills(session, sorted({same.of(home) for home in households}, key=min))
    return Facts(
        book=book,
        on=on,
        past=past,
        homes=_homes(session, households, same=same),
        causes=causes,
        persons=persons,
        people=people,
        bills=own | shared,
        papered=frozenset(own),
        excepted=excepted,
        apart=apart,
        related={household: frozenset(orgs) for household, orgs in related.items()},
        cool=_cool_offs(book, {need.category for need in named}, freed=freed),
        shared=frozenset(shared).intersection(need.need_id for need in needs if len(same.of(need.household_id)) > 1),
        givers=givers,
        projects={offer: plain(project) for offer, project in projects.items() if project},
    )


def _told(session: Session, needs: Sequence[Need]) -> tuple[dict[str, str], dict[str, str]]:
    """Need ► the event it comes from; and the person it is for, where it names one."""
    causes: dict[str, str] = {}
    persons: dict[str, str] = {}
    for some in chunks(sorted(need.need_id for need in needs), _ASKED):
        asked = select(NeedRow.id, NeedRow.cause, NeedRow.person_id).where(col(NeedRow.id).in_(some))
        for need_id, cause, person in session.exec(asked):
            causes[need_id] = known(cause)
            persons |= {need_id: person} if person else {}
    return causes, persons


def _cool_offs(book: Book, named: set[str], *, freed: set[str]) -> dict[str, int]:
    """The allocator's cool-offs are a household's and know no exception: where needs of a kind name people, or a person
    has freed one of a row or of the rule, the judge holds them, need by need."""
    apart = {one for rule in book.of("") if rule.kind == "COOLDOWN" for one in named if rule.of_person(one)} | freed
    return {category: days for category, days in book.cool_offs().items() if category not in apart}


def _homes(session: Session, households: Iterable[str], *, same: Same) -> dict[str, _Home]:
    """Household ► its people and its kinds; of several that count as one all together, nobody twice."""
    found: dict[str, _Home] = {}
    for some in chunks(sorted({home for one in households for home in same.of(one)}), _ASKED):
        told = select(Household.id, Household.size, Household.kind, Household.urban).where(col(Household.id).in_(some))
        for home, size, kind, urban in session.exec(told):
            had, kinds, rural = found.get(same.one(home), (-same.twice(home), frozenset(), True))
            found[same.one(home)] = (had + size, kinds | ({kind} if kind else frozenset()), rural and not urban)
    return found
