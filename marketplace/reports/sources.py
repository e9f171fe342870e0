"""Where the rows of a report come from: one query for each figure, on matches, needs and the ledger.

Enters: a month and a giver (None: all). Leaves: plain row values in a fixed order, streamed. Called by
`reports.service.prepare`. A moment belongs to the month in which it lies in China.

- received: donations to a giver by the receipts whose numbers it keeps here, by their day;
- given: matches delivered in the month, with the working days from approval to delivery; a claim that the insurer
  refused is none of them, one that it paid after a refusal counts in the month in which it told so;
- reported: aid that givers gave outside and told the ledger, by its day;
- declined, ended, returned: matches that ended without aid in the month, with the reason; refused claims are returned;
- result: what givers reported of their deliveries, with their minutes; a report that was not made in time is `missing`;
- followed: follow-up talks of the month, with satisfaction and the minutes of staff and of who helped the household;
- unmet: what was verified and not fully covered when the month ended (`unmet`); for a giver cells that hide small ones.

Of a match that ended without aid a giver's report has the end alone, as its pages have (docs/adr/0090), and the reason
only where that is the giver's own word; what a second approver said no to was never told to it and is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlmodel import Session, and_, col, exists, or_, select

from marketplace.calendar import local_day, working_days_between
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.clocks.models import Clock
from marketplace.decisions import moves, results
from marketplace.decisions.models import FollowUp, GiverResult, Match, MatchState
from marketplace.decisions.showing import SHOWN
from marketplace.households.models import Household
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.ledger.service import PLATFORM
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.proofs.models import Paper, PaperKind
from marketplace.proposals.models import ProposedLine
from marketplace.reference.needs import MONEY, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reports import unmet
from marketplace.reports.models import Figure
from marketplace.reports.months import Period, month_of
from marketplace.reports.unmet import EMPTY, STREAMED, Values

ENDS = {
    Figure.DECLINED: (MatchState.DECLINED_GIVER, MatchState.DECLINED_HOUSEHOLD, MatchState.REJECTED),
    Figure.ENDED: (MatchState.CANCELLED, MatchState.EXPIRED_GIVER, MatchState.EXPIRED_HOUSEHOLD),
    Figure.RETURNED: (MatchState.RETURNED, MatchState.GIVEN_BACK, MatchState.RECLAIMED),
}
"""Ends without aid, by the figure that counts them."""


def rows_of_month(session: Session, month: Period, /, *, org_id: str | None, now: datetime) -> Iterator[Values]:
    """The rows of all figures, in the order of `Figure` and of their ids."""
    if org_id is not None:
        yield from _received(session, month, org_id=org_id)
    yield from _given(session, month, org_id=org_id)
    yield from _paid_later(session, month, org_id=org_id)
    yield from _reported(session, month, org_id=org_id)
    if org_id is None:
        yield from unmet.of_city(session, month)
    elif now >= month.ends:
        yield from unmet.of_giver(session, month, org_id=org_id)
    for figure, states in ENDS.items():
        yield from _ended(session, month, figure=figure, states=states, org_id=org_id)
    yield from _refused(session, month, org_id=org_id)
    yield from _results(session, month, org_id=org_id)
    yield from _followed(session, month, org_id=org_id)


def _matches(month: Period, *, moment: Any, org_id: str | None) -> Any:
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


def _of_match(
    figure: Figure, match: Match, need: Need, line: ProposedLine, size: int, *, at: datetime, org_id: str | None
) -> Values:
    """What a row says of its match; for a giver of one that ended without aid nothing but that it ended."""
    units = match.units
    ended = EMPTY | {
        "figure": figure,
        "object_ref": match.id,
        "household_id": match.household_id,
        "people": 0,
        "category": "",
        "unit": "",
        "units": 0,
        "fen": 0,
        "month": month_of(at).text,
    }
    if _only_its_end(match, org_id):
        return ended
    return ended | {
        "people": size,
        "category": need.category,
        "unit": need.unit,
        "district_code": match.district_code,
        "units": units,
        "fen": line.value_fen * units // line.units,
    }


def _only_its_end(match: Match, org_id: str | None) -> bool:
    return org_id is not None and match.state not in SHOWN


def _given(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    given = _matches(month, moment=col(Match.delivered_at), org_id=org_id)
    given = given.where(_stands(), ~is_refused(), ~_was_refused())
    counted = cache(working_days_between)  # for this count alone: a closed day may be written down afterwards
    for match, need, line, size in session.execute(given):
        at = match.delivered_at
        days = counted(local_day(match.created_at), local_day(at), district=match.district_code)
        yield _of_match(Figure.GIVEN, match, need, line, size, at=at, org_id=org_id) | {"days": days}


def _paid_later(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    """The help with the claim was done at the refusal; the aid came when the insurer paid after all."""
    paid = _matches(month, moment=col(InsuranceCase.closed_at), org_id=org_id).add_columns(InsuranceCase.closed_at)
    paid = paid.join(InsuranceCase, col(InsuranceCase.match_id) == col(Match.id)).where(_stands(), *_PAID_LATER)
    for match, need, line, size, at in session.execute(paid):
        days = working_days_between(local_day(match.created_at), local_day(at), district=match.district_code)
        yield _of_match(Figure.GIVEN, match, need, line, size, at=at, org_id=org_id) | {"days": days}


def _stands() -> Any:
    return col(Match.state).not_in(ENDS[Figure.RETURNED])


def is_refused() -> Any:
    """The help with the claim is done, and no aid came of it."""
    case = (col(InsuranceCase.match_id) == col(Match.id), col(InsuranceCase.state) == CaseState.REFUSED)
    return exists().where(*case)


_PAID_LATER = (
    col(InsuranceCase.state) == CaseState.PAID,
    col(InsuranceCase.payout_key) != "",
    col(InsuranceCase.closed_at) > col(Match.delivered_at),
)
"""On case and match: the insurer paid after a refusal that had ended the help with the claim."""


def _was_refused() -> Any:
    """Refused first and paid later: it counts by the payout."""
    return exists().where(col(InsuranceCase.match_id) == col(Match.id), *_PAID_LATER)


def given_in(month: Period, /, *, org_id: str | None) -> tuple[Any, ...]:
    """Which matches count as given in a month, of a giver or of all."""
    whose = () if org_id is None else (col(Match.org_id) == org_id,)
    at, paid = col(Match.delivered_at), col(InsuranceCase.closed_at)
    late = (col(InsuranceCase.match_id) == col(Match.id), paid >= month.starts, paid < month.ends, *_PAID_LATER)
    first = and_(at >= month.starts, at < month.ends, ~is_refused(), ~_was_refused())
    return (*whose, _stands(), or_(first, exists().where(*late)))


def _refused(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    refused = _matches(month, moment=col(InsuranceCase.closed_at), org_id=org_id).add_columns(InsuranceCase)
    refused = refused.join(InsuranceCase, col(InsuranceCase.match_id) == col(Match.id))
    refused = refused.where(col(InsuranceCase.state) == CaseState.REFUSED, _stands())
    for match, need, line, size, case in session.execute(refused):
        row = _of_match(Figure.RETURNED, match, need, line, size, at=case.closed_at, org_id=org_id)
        yield row | {"reason": case.reason_code}


def _ended(
    session: Session, month: Period, *, figure: Figure, states: tuple[MatchState, ...], org_id: str | None
) -> Iterator[Values]:
    told = [state for state in states if org_id is None or state in moves.TOLD]
    ended = _matches(month, moment=col(Match.updated_at), org_id=org_id).where(col(Match.state).in_(told))
    for match, need, line, size in session.execute(ended):
        why = match.reason_code if org_id is None or match.state in moves.ITS_OWN_WORD else ""
        row = _of_match(figure, match, need, line, size, at=match.updated_at, org_id=org_id)
        yield row | {"reason": why or match.state.value}


def _followed(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    statement = _matches(month, moment=col(FollowUp.created_at), org_id=org_id)
    joined = statement.add_columns(FollowUp).join(FollowUp, col(FollowUp.match_id) == col(Match.id))
    for match, need, line, size, talk in session.execute(joined):
        row = _of_match(Figure.FOLLOWED, match, need, line, size, at=talk.created_at, org_id=org_id)
        minutes = {"minutes": talk.staff_minutes, "helper_minutes": talk.helper_minutes}
        told = {"satisfaction": talk.satisfaction, "reason": talk.remains}
        yield row | minutes | ({} if _only_its_end(match, org_id) else told)


def _results(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    told = _matches(month, moment=col(GiverResult.created_at), org_id=org_id)
    told = told.add_columns(GiverResult).join(GiverResult, col(GiverResult.match_id) == col(Match.id))
    for match, need, line, size, row in session.execute(told):
        values = {"reason": row.outcome, "minutes": row.minutes}
        yield _of_match(Figure.RESULT, match, need, line, size, at=row.created_at, org_id=org_id) | values
    late = _matches(month, moment=col(Clock.ended_at), org_id=org_id)
    late = late.add_columns(Clock.ended_at).join(Clock, col(Clock.object_ref) == "result:" + col(Match.id))
    late = late.where(col(Clock.step) == moves.RESULT, col(Clock.outcome) == results.LATE)
    for match, need, line, size, at in session.execute(late):
        yield _of_match(Figure.RESULT, match, need, line, size, at=at, org_id=org_id) | {"reason": "missing"}


def received_in(month: Period, /, *, org_id: str) -> tuple[Any, ...]:
    """Which receipts of a giver count in a month: by their day, unless they were struck."""
    return (
        col(Paper.org_id) == org_id,
        col(Paper.kind) == PaperKind.DONATION_RECEIPT,
        col(Paper.struck_at).is_(None),
        col(Paper.issued_on) >= month.first_day,
        col(Paper.issued_on) < month.next.first_day,
    )


def _received(session: Session, month: Period, *, org_id: str) -> Iterator[Values]:
    wanted = select(Paper, col(Offer.category)).outerjoin(Offer, col(Offer.id) == col(Paper.offer_id))
    wanted = wanted.where(*received_in(month, org_id=org_id))
    for paper, category in session.execute(wanted.order_by(col(Paper.id))):
        yield EMPTY | {
            "figure": Figure.RECEIVED,
            "object_ref": paper.id,
            "people": 0,
            "category": category or "",
            "unit": MONEY,
            "units": paper.amount_fen,
            "fen": paper.amount_fen,
            "month": f"{paper.issued_on:%Y-%m}",
        }


def reported_in(month: Period, /, *, org_id: str | None) -> tuple[Any, ...]:
    """Which ledger rows from outside count in a month, of a giver or of all: by the day on which it was given."""
    whose = () if org_id is None else (col(LedgerEntry.org_id) == org_id,)
    return (
        *whose,
        col(LedgerEntry.source) != PLATFORM,
        col(LedgerEntry.state) == AidState.DELIVERED,
        col(LedgerEntry.given_on) >= month.first_day,
        col(LedgerEntry.given_on) < month.next.first_day,
    )


def _reported(session: Session, month: Period, *, org_id: str | None) -> Iterator[Values]:
    statement = (
        select(LedgerEntry, col(Household.size), col(Household.district_code))
        .join(Household, col(Household.id) == col(LedgerEntry.household_id))
        .where(*reported_in(month, org_id=org_id))
        .order_by(col(LedgerEntry.id))
        .execution_options(yield_per=STREAMED)
    )
    for entry, size, district in session.execute(statement):
        unit = _unit(entry.category)
        yield EMPTY | {
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
            "month": f"{entry.given_on:%Y-%m}",
        }


def _unit(category: str) -> str:
    """The unit of a kind of need; aid of a kind that is not in the taxonomy has none."""
    try:
        return need_kind(category).unit
    except UnknownCode:
        return ""
