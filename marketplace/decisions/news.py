"""What has become known since the rules against helping twice last said yes to a match.

Enters: a match and a day, or all matches under way. Leaves: `News`, which tells of each finding whether it rests on
something new (aid that another source told of, a documented cost or a payer's answer, another year, records called one
person, a related giver), and the matches to ask about again. Aid of ours was held against a match when it began, so it
is news only where two records turn out to be one household, or where it was booked after its own match had
ended. Called by `asking`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, or_, select

from marketplace.calendar import end_of_day, local_day
from marketplace.db import chunks
from marketplace.decisions import holding
from marketplace.decisions.models import Match
from marketplace.households.models import Person, Suspicion, SuspicionState
from marketplace.households.related import is_related, related_pairs
from marketplace.households.same import all_same, same_as
from marketplace.ledger.models import LIVE, CostBill, LedgerEntry
from marketplace.ledger.service import PLATFORM
from matching.overlap_rules import Finding

BY_YEAR = frozenset({"MUTEX_YEAR", "FLOOR_TOTAL", "ONCE_PER_YEAR", "CAP_100"})
"""Kinds of rule that count by the year in which aid is given, not in which it was promised."""
RELATED = frozenset({"CONFLICT_OF_INTEREST"})
"""The kind that keeps a related giver out; it was asked at approval, so what it says later is always new."""
BY_PEOPLE = frozenset({"WATERFALL", "CAP_100", "ONCE_PER_YEAR"})
"""Kinds that count people or costs, which are fewer once two records are one person."""
BY_BILL = frozenset({"WATERFALL", "CAP_100", "MUTEX_UNLESS_RESIDUAL", "ONE_THING", "BEST_OF"})
"""Kinds that reckon with a documented cost and with what each payer said of it."""
BATCH = 200


@dataclass(frozen=True, slots=True)
class News:
    """The kinds of rule that have something new to say, and the ledger rows that were not known."""

    kinds: frozenset[str]
    rows: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.kinds or self.rows)

    def behind(self, finding: Finding, /) -> bool:
        """Whether a rule says this for a reason that was not there when the rules were asked."""
        return finding.kind in self.kinds or any(row.ref in self.rows for row in finding.because)


def of(session: Session, match: Match, /, *, now: datetime) -> News:
    """What was not known when the rules last said yes to this match."""
    since = match.asked_at or match.created_at
    homes = sorted(same_as(session, [match.household_id]).of(match.household_id))
    kinds: frozenset[str] = frozenset()
    if local_day(since).year != local_day(now).year:
        kinds |= BY_YEAR
    if any(is_related(session, home, org_id=match.org_id) for home in homes):
        kinds |= RELATED
    if session.exec(select(_billed(since).where(col(CostBill.household_id).in_(homes)))).one():
        kinds |= BY_BILL
    fresh: ColumnElement[bool] = _unforeseen() & (col(LedgerEntry.updated_at) >= since)
    if session.exec(select(_called(homes, since))).one():
        kinds |= BY_PEOPLE
        fresh = or_(fresh, col(LedgerEntry.household_id) != match.household_id)
    told = select(LedgerEntry.id).where(col(LedgerEntry.household_id).in_(homes), col(LedgerEntry.state).in_(LIVE))
    return News(kinds, frozenset(session.exec(told.where(fresh))))


def due(session: Session, /, *, now: datetime) -> list[str]:
    """Matches under way of which there may be news since they were asked about."""
    open_ones = (col(Match.state).in_(holding.HOLDABLE), col(Match.held_for) == "")
    year = end_of_day(local_day(now).replace(month=1, day=1) - timedelta(days=1))
    since, theirs = col(Match.asked_at), col(Match.household_id)
    called = exists().where(
        *_called_since(since), col(Suspicion.one_id) == col(Person.id), col(Person.household_id) == theirs
    )
    told = _told(since).where(col(LedgerEntry.household_id) == theirs)
    anything = or_(since < year, told, _billed(since).where(col(CostBill.household_id) == theirs), called)
    found = list(session.exec(select(Match.id).where(*open_ones, anything).order_by(col(Match.id)).limit(BATCH)))
    same = all_same(session)
    for group in same.several():
        homes = sorted(group)
        told = _told(since).where(col(LedgerEntry.household_id).in_(homes))
        billed = _billed(since).where(col(CostBill.household_id).in_(homes))
        news = or_(told, billed, _called(homes, since))
        found += session.exec(select(Match.id).where(*open_ones, theirs.in_(homes), news))
    related = {(home, org_id) for one, org_id in related_pairs(session) for home in same.of(one)}
    for some in chunks(sorted({home for home, _org_id in related}), BATCH):
        matches = session.exec(select(Match).where(*open_ones, theirs.in_(some)))
        found += [match.id for match in matches if (match.household_id, match.org_id) in related]
    return list(dict.fromkeys(found))


def _told(since: Any) -> Any:
    """Another source told of aid, or money was booked late, since."""
    row = exists().where(_unforeseen(), col(LedgerEntry.state).in_(LIVE))
    return row.where(col(LedgerEntry.updated_at) >= since)


@cache
def _unforeseen() -> ColumnElement[bool]:
    """Aid that no rule was asked about before: what another source tells, and what was booked for a match long begun,
    whose first row counts nothing any more. Built once: every step of a match asks it."""
    theirs = aliased(Match)
    late = exists().where(col(theirs.ledger_entry_id) == col(LedgerEntry.id))
    late = late.where(col(theirs.created_at) < col(LedgerEntry.created_at))
    return or_(col(LedgerEntry.source) != PLATFORM, late)


def _billed(since: Any) -> Any:
    """A cost was written down or corrected, or a payer answered, since."""
    return exists().where(col(CostBill.updated_at) >= since)


def _called_since(since: Any) -> tuple[Any, Any]:
    return col(Suspicion.state) == SuspicionState.SAME, col(Suspicion.decided_at) >= since


def _called(homes: Collection[str], since: Any) -> Any:
    """Somebody of these households was called the same person as somebody else since."""
    people = select(Person.id).where(col(Person.household_id).in_(homes))
    either = or_(col(Suspicion.one_id).in_(people), col(Suspicion.two_id).in_(people))
    return exists().where(*_called_since(since), either)
