"""Where the rows of a report come from: one query for each figure, on matches, needs and the ledger.

Enters: a month and a giver (None: all). Leaves: plain row values in a fixed order, streamed. Called by
`reports.service.prepare`. A moment belongs to the month in which it lies in China.

- given: matches delivered in the month, with the working days from approval to delivery;
- reported: aid that givers gave outside and told the ledger, by its day;
- declined, ended, returned: matches that ended without aid in the month, with the reason;
- followed: follow-up talks of the month, with satisfaction and the staff's minutes;
- unmet: needs that were verified and not fully covered when the month ended, as their dated standings say; of a month
  that still runs, as they stand now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace.calendar import local_day, working_days_between
from marketplace.decisions.models import FollowUp, Match, MatchState
from marketplace.households.models import Household
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.ledger.service import PLATFORM
from marketplace.needs.models import Need, NeedStanding, NeedState
from marketplace.proposals.models import ProposedLine
from marketplace.reference.needs import MONEY, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reports.models import Figure
from marketplace.reports.months import Month

STREAMED = 1000
ENDS = {
    Figure.DECLINED: (MatchState.DECLINED_GIVER, MatchState.DECLINED_HOUSEHOLD, MatchState.REJECTED),
    Figure.ENDED: (MatchState.CANCELLED, MatchState.EXPIRED_GIVER, MatchState.EXPIRED_HOUSEHOLD),
    Figure.RETURNED: (MatchState.RETURNED, MatchState.GIVEN_BACK, MatchState.RECLAIMED),
}
"""Ends without aid, by the figure that counts them."""
Values = dict[str, Any]


def rows_of_month(session: Session, month: Month, /, *, org_id: str | None) -> Iterator[Values]:
    """The rows of all figures, in the order of `Figure` and of their ids."""
    yield from _given(session, month, org_id=org_id)
    yield from _reported(session, month, org_id=org_id)
    if org_id is None:
        yield from _unmet(session, month)
    for figure, states in ENDS.items():
        yield from _ended(session, month, figure=figure, states=states, org_id=org_id)
    yield from _followed(session, month, org_id=org_id)


def _matches(month: Month, *, moment: Any, org_id: str | None) -> Any:
    statement = (
        select(Match, Need, ProposedLine, col(Household.size))
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(ProposedLine, col(ProposedLine.id) == col(Match.line_id))
        .join(Household, col(Household.id) == col(Match.household_id))
        .where(moment >= month.starts, moment < month.ends)
        .order_by(col(Match.id))
        .execution_options(yield_per=STREAMED)
    )
    return statement if org_id is None else statement.where(col(Match.org_id) == org_id)


def _of_match(figure: Figure, match: Match, need: Need, line: ProposedLine, size: int) -> Values:
    units = match.units
    return {
        "figure": figure,
        "object_ref": match.id,
        "household_id": match.household_id,
        "people": size,
        "category": need.category,
        "unit": need.unit,
        "district_code": match.district_code,
        "reason": "",
        "units": units,
        "fen": line.value_fen * units // line.units,
        "days": None,
        "satisfaction": None,
        "minutes": None,
    }


def _given(session: Session, month: Month, *, org_id: str | None) -> Iterator[Values]:
    kept = col(Match.state).not_in(ENDS[Figure.RETURNED])
    for match, need, line, size in session.execute(
        _matches(month, moment=col(Match.delivered_at), org_id=org_id).where(kept)
    ):
        days = _working_days(local_day(match.created_at), local_day(match.delivered_at))
        yield _of_match(Figure.GIVEN, match, need, line, size) | {"days": days}


@lru_cache(maxsize=4096)
def _working_days(start: date, end: date) -> int:
    return working_days_between(start, end)


def _ended(
    session: Session, month: Month, *, figure: Figure, states: tuple[MatchState, ...], org_id: str | None
) -> Iterator[Values]:
    ended = _matches(month, moment=col(Match.updated_at), org_id=org_id).where(col(Match.state).in_(states))
    for match, need, line, size in session.execute(ended):
        yield _of_match(figure, match, need, line, size) | {"reason": match.reason_code or match.state.value}


def _followed(session: Session, month: Month, *, org_id: str | None) -> Iterator[Values]:
    statement = _matches(month, moment=col(FollowUp.created_at), org_id=org_id)
    joined = statement.add_columns(FollowUp).join(FollowUp, col(FollowUp.match_id) == col(Match.id))
    for match, need, line, size, talk in session.execute(joined):
        told = {"satisfaction": talk.satisfaction, "minutes": talk.staff_minutes, "reason": talk.remains}
        yield _of_match(Figure.FOLLOWED, match, need, line, size) | told


def _reported(session: Session, month: Month, *, org_id: str | None) -> Iterator[Values]:
    statement = (
        select(LedgerEntry, col(Household.size), col(Household.district_code))
        .join(Household, col(Household.id) == col(LedgerEntry.household_id))
        .where(col(LedgerEntry.source) != PLATFORM, col(LedgerEntry.state) == AidState.DELIVERED)
        .where(col(LedgerEntry.given_on) >= month.first_day, col(LedgerEntry.given_on) < month.next.first_day)
        .order_by(col(LedgerEntry.id))
        .execution_options(yield_per=STREAMED)
    )
    if org_id is not None:
        statement = statement.where(col(LedgerEntry.org_id) == org_id)
    for entry, size, district in session.execute(statement):
        unit = _unit(entry.category)
        yield {
            "figure": Figure.REPORTED,
            "object_ref": entry.id,
            "household_id": entry.household_id,
            "people": size,
            "category": entry.category,
            "unit": unit,
            "district_code": district,
            "reason": entry.source,
            "units": entry.units,
            "fen": entry.units if unit == MONEY else 0,
            "days": None,
            "satisfaction": None,
            "minutes": None,
        }


def _unmet(session: Session, month: Month) -> Iterator[Values]:
    newest = select(col(NeedStanding.need_id), func.max(col(NeedStanding.seq)).label("seq"))
    then = newest.where(col(NeedStanding.at) < month.ends).group_by(col(NeedStanding.need_id)).subquery()
    statement = (
        select(Need, NeedStanding, col(Household.size))
        .join(then, then.c.need_id == col(Need.id))
        .join(NeedStanding, col(NeedStanding.seq) == then.c.seq)
        .join(Household, col(Household.id) == col(Need.household_id))
        .where(col(NeedStanding.state) == NeedState.VERIFIED)
        .where(col(NeedStanding.gap_units) > col(NeedStanding.committed_units))
        .order_by(col(Need.id))
        .execution_options(yield_per=STREAMED)
    )
    for need, stood, size in session.execute(statement):
        units = stood.gap_units - stood.committed_units
        yield {
            "figure": Figure.UNMET,
            "object_ref": need.id,
            "household_id": need.household_id,
            "people": size,
            "category": need.category,
            "unit": need.unit,
            "district_code": need.district_code,
            "reason": "partly" if stood.committed_units else "nothing_yet",
            "units": units,
            "fen": units if need.unit == MONEY else 0,
            "days": None,
            "satisfaction": None,
            "minutes": None,
        }


def _unit(category: str) -> str:
    """The unit of a kind of need; aid of a kind that is not in the taxonomy has none."""
    try:
        return need_kind(category).unit
    except UnknownCode:
        return ""
