"""One cost that two records of one person tell of: their bills are one.

Enters: groups of households that count as one. Leaves: need ► the bill that it shares with like needs of the other
households: the larger cost, each payer's larger word, and nothing twice. Called by approval, the problem of a run and
the page of a bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from marketplace.ledger.bills import bills_of
from marketplace.needs.models import Need, NeedState
from matching.overlap_rules import Bill

_REAL = (NeedState.VERIFIED, NeedState.CLOSED)


@dataclass(frozen=True, slots=True)
class _Need:
    need_id: str
    household_id: str
    category: str
    cause: str

    def like(self, other: _Need) -> bool:
        """Another household's need that may be the same cost; an unknown cause may be the same one."""
        same = self.cause == other.cause or not self.cause or not other.cause
        return same and self.category == other.category and self.household_id != other.household_id


def shared_bills(session: Session, groups: Iterable[frozenset[str]], /) -> dict[str, Bill]:
    """Need ► the bill it shares; a need whose cost nobody else's papers show is missing."""
    found: dict[str, Bill] = {}
    for group in groups:
        needs = _needs(session, group)
        known = bills_of(session, [one.need_id for one in needs])
        for one in needs:
            like = [one, *(other for other in needs if one.like(other))]
            held = [known[other.need_id] for other in like if other.need_id in known]
            if len(like) > 1 and held:
                found[one.need_id] = _joined(held, [other.need_id for other in like])
    return found


def _needs(session: Session, group: frozenset[str]) -> list[_Need]:
    wanted = select(Need.id, Need.household_id, Need.category, Need.cause)
    wanted = wanted.where(col(Need.household_id).in_(group), col(Need.state).in_(_REAL))
    return [_Need(*row) for row in session.exec(wanted.order_by(col(Need.id)))]


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
