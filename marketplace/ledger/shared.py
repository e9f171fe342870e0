"""One cost that several needs of one person tell of: their bills are one.

Enters: groups of households that count as one. Leaves: need ► the bill that it shares with like needs of its own
household or that its person had in an earlier home, unless their papers differ, and of the others: the larger cost,
each payer's larger word, and nothing twice. Called by approval, the problem of a run, late reports and a bill's page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.db import chunks
from marketplace.households.apart import people_of
from marketplace.households.former import former_of
from marketplace.ledger.billed import bills_of
from marketplace.ledger.models import CostBill
from marketplace.needs.models import Need, NeedState
from marketplace.reference.events import known
from matching.overlap_rules import Bill, may_be_one

_Went = tuple[Need, str, str, str]
REAL = (NeedState.VERIFIED, NeedState.CLOSED)
_ASKED = 500


@dataclass(frozen=True, slots=True)
class _Need:
    need_id: str
    household_id: str
    category: str
    cause: str
    year: int
    paper: str
    person: str
    others: frozenset[str]
    former: bool = False

    def like(self, other: _Need) -> bool:
        """Another need that may be the same cost: an unknown cause or person may be the same one. Under another kind it
        is where the same paper shows it."""
        same = may_be_one(self.cause, other.cause) and other.person not in self.others
        kind = self.category == other.category or bool(self.paper and self.paper == other.paper)
        return same and kind and self.need_id != other.need_id and self._one_paper(other)

    def _one_paper(self, other: _Need) -> bool:
        """Within a household papers tell two costs apart; a need without any may be about a cost of its year."""
        if self.household_id != other.household_id:
            return True
        return self.paper == other.paper if self.paper and other.paper else self.year == other.year


def shared_bills(session: Session, groups: Iterable[frozenset[str]], /) -> dict[str, Bill]:
    """Need ► the bill it shares; a need whose cost no other need's papers show is missing. O(needs of households with a
    bill, and for each of these the like ones)."""
    known, found = list(groups), dict[str, Bill]()
    papers, went = _papers(session, known), _went(session, known)
    told = papers.keys() | {home for _need, _paper, _who, home in went}
    needs = _needs(session, [group for group in known if not group.isdisjoint(told)], papers, went)
    bills = bills_of(session, [one.need_id for group in needs for one in group])
    for group in needs:
        for one in (one for one in group if not one.former):
            like = [one, *(other for other in group if one.like(other))]
            held = [bills[other.need_id] for other in like if other.need_id in bills]
            if len(like) > 1 and held:
                found[one.need_id] = _joined(held, [other.need_id for other in like])
    return found


def bills_in(session: Session, homes: frozenset[str], /) -> dict[str, Bill]:
    """Need ► its bill, of all needs of households that count as one; the one it shares, where it shares one."""
    papers = _papers(session, [homes])
    own = bills_of(session, [need_id for told in papers.values() for need_id in told])
    return own | shared_bills(session, [homes])


def papered_in(session: Session, homes: frozenset[str], /) -> frozenset[str]:
    """The needs of households that count as one that have papers of their own."""
    return frozenset(need_id for told in _papers(session, [homes]).values() for need_id in told)


def _went(session: Session, groups: Iterable[frozenset[str]]) -> list[_Went]:
    """Bills of people of these households from an earlier home: the need, its papers, who it is and lives where now."""
    of = {home: group for group in groups for home in group}
    former = former_of(session, of if len(of) <= _ASKED else None)
    found: list[_Went] = []
    for some in chunks(sorted(old for old, (_who, home) in former.items() if home in of), _ASKED):
        wanted = select(Need, CostBill.paper, CostBill.person_id).join(CostBill, col(CostBill.need_id) == col(Need.id))
        wanted = wanted.where(col(CostBill.person_id).in_(some), col(Need.state).in_(REAL))
        for need, paper, old in session.exec(wanted.order_by(col(Need.id))):
            who, home = former[old]
            found += [(need, _plain(paper), who, home)] if need.household_id not in of[home] else []
    return found


def _papers(session: Session, groups: Iterable[frozenset[str]]) -> dict[str, dict[str, str]]:
    """Household ► need ► the papers of its bill, without what handwriting adds."""
    found: dict[str, dict[str, str]] = {}
    for some in chunks(sorted({home for group in groups for home in group}), _ASKED):
        told = select(CostBill.household_id, CostBill.need_id, CostBill.paper)
        for home, need_id, paper in session.exec(told.where(col(CostBill.household_id).in_(some))):
            found.setdefault(home, {})[need_id] = _plain(paper)
    return found


def _plain(paper: str) -> str:
    """A paper's name without width, case, spaces and marks: `A 2026-10-31` and `a20261031` are one."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", paper).casefold() if sign.isalnum())


def _needs(
    session: Session,
    groups: Iterable[frozenset[str]],
    papers: Mapping[str, Mapping[str, str]],
    went: Iterable[_Went],
) -> list[list[_Need]]:
    """The real needs of each group, in a fixed order; after them those that its people had elsewhere, as of its own."""
    of = {home: group for group in groups for home in group}
    people = people_of(session, of)
    found: dict[frozenset[str], list[_Need]] = {}
    for some in chunks(sorted(of), _ASKED):
        wanted = select(Need).where(col(Need.household_id).in_(some), col(Need.state).in_(REAL))
        for row in session.exec(wanted.order_by(col(Need.id))):
            paper, year = papers.get(row.household_id, {}).get(row.id, ""), local_day(row.created_at).year
            whom = people.one(row.person_id), people.others(row.person_id)
            one = _Need(row.id, row.household_id, row.category, known(row.cause), year, paper, *whom)
            found.setdefault(of[row.household_id], []).append(one)
    for need, paper, who, home in went:
        told = (need.category, known(need.cause), local_day(need.created_at).year, paper)
        one = _Need(need.id, home, *told, people.one(who), people.others(who), former=True)
        found.setdefault(of[home], []).append(one)
    return list(found.values())


def _joined(bills: Sequence[Bill], need_ids: Iterable[str]) -> Bill:
    """One bill of several: a payer that has answered once has answered."""
    paid, expected = (_largest(told) for told in ([bill.paid for bill in bills], [bill.expected for bill in bills]))
    return Bill(
        cost=max(bill.cost for bill in bills),
        paid=paid,
        expected={payer: fen for payer, fen in expected.items() if payer not in paid},
        waiting=frozenset.intersection(*(bill.waiting for bill in bills)),
        needs=frozenset(need_ids).union(*(bill.needs for bill in bills)),
    )


def _largest(told: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for payments in told:
        for payer, fen in payments.items():
            found[payer] = max(fen, found.get(payer, 0))
    return found
