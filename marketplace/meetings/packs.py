"""What a meeting looks at: everybody a run left at zero, and needs that nobody has claimed, one row each.

Enters: a finished run and a district (empty: the whole city). Leaves: the values of the sheet's rows, the most urgent
first, and the remedies that would serve most of them. The blocker is the run's own first reason; nothing is solved
here. A remedy counts the gaps of its rows: enough if it is pinned to them. Called by `meetings.service`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy import select as columns
from sqlmodel import Session, col, exists, func, select

from marketplace.calendar import local_day
from marketplace.clocks.models import Clock
from marketplace.consent.ask import all_auto_match
from marketplace.decisions.models import OPEN, Match
from marketplace.decisions.unclaimed import STEP as UNCLAIMED
from marketplace.meetings.models import MeetingRow, RowKind
from marketplace.needs.lists import not_over
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.proposals.models import LineState, ProposedLine, Run, UnservedReason
from marketplace.reference.needs import reckoned_value
from matching import remedies

CAME_LATER, NO_YES, ALL_SAID_NO, REST_OPEN = "came_later", "no_yes", "all_said_no", "rest_open"
"""Why a need is unclaimed that the run gave no reason for."""
MORE, CONSENT, WAIT, LOOK, TERMS = "more", "consent", "wait", "look", "terms"
FREE, LIMIT, BUDGET, STOCK = (
    f"run_{kind}" for kind in (remedies.FREE, remedies.LIMIT, remedies.BUDGET, remedies.STOCK)
)
"""Remedies that one press finds in the run: a resource named, with the units that it lacks."""
REMEDY = {
    "stock": MORE,
    "priced_out": MORE,
    "tie_break": MORE,
    "earmark": MORE,
    "cap": TERMS,
    "lot_or_minimum": MORE,
    "no_resource": MORE,
    "no_consent": CONSENT,
    NO_YES: CONSENT,
    "cool_off": WAIT,
    "within_gap": LOOK,
    "provider_chosen": LOOK,
    "exclusive": TERMS,
    "banned": LOOK,
    "covered": LOOK,
    CAME_LATER: LOOK,
    ALL_SAID_NO: MORE,
    REST_OPEN: MORE,
}
"""Blocker ► the kind of remedy; `more` means more units of this kind of aid."""
Values = dict[str, Any]


def rows_of(session: Session, run: Run, /, *, district: str, now: datetime) -> list[Values]:
    """The sheet's rows without their meeting: zero first, then unclaimed; the most urgent first within each."""
    zero = list(_zero(session, run, district, now=now))
    known = {row["need_id"] for row in zero}
    unclaimed = [row for row in _unclaimed(session, district, now=now) if row["need_id"] not in known]
    return [{"number": number, **row} for number, row in enumerate([*zero, *unclaimed], start=1)]


def _without(district: str, *, now: datetime) -> list[ColumnElement[bool]]:
    """Verified needs whose time is not over and of which nothing is under way or proposed at this moment."""
    line = exists().where(col(ProposedLine.need_id) == Need.id, col(ProposedLine.state) == LineState.PROPOSED)
    match = exists().where(col(Match.need_id) == Need.id, col(Match.state).in_(OPEN))
    wanted = [col(Need.state) == NeedState.VERIFIED, ~line, ~match]
    wanted.append(not_over(local_day(now)))
    return [*wanted, col(Need.district_code) == district] if district else wanted


def _zero(session: Session, run: Run, district: str, *, now: datetime) -> Iterator[Values]:
    first = (
        select(Need, UnservedReason)
        .join(UnservedReason, col(UnservedReason.need_id) == col(Need.id))
        .where(UnservedReason.run_id == run.id, UnservedReason.place == 0, UnservedReason.covered_units == 0)
        .where(*_without(district, now=now), col(Need.committed_units) == 0)
        .order_by(col(Need.urgency).desc(), col(Need.id))
    )
    for need, reason in session.execute(first):
        yield _row(need, RowKind.ZERO, blocker=reason.code, offer_id=reason.offer_id, detail=dict(reason.detail))


def _unclaimed(session: Session, district: str, *, now: datetime) -> Iterator[Values]:
    willing = all_auto_match(session, now=now)
    over = set(session.exec(select(Match.need_id).distinct()))
    statement = select(Need).where(*_without(district, now=now), _nothing_given_or_unclaimed())
    for need in session.exec(statement.order_by(col(Need.urgency).desc(), col(Need.id))):
        answered = REST_OPEN if need.committed_units else ALL_SAID_NO if need.id in over else CAME_LATER
        yield _row(need, RowKind.UNCLAIMED, blocker=answered if need.household_id in willing else NO_YES)


def _nothing_given_or_unclaimed() -> ColumnElement[bool]:
    """Nothing is given at all; or something is, and an officer has the rest because nobody claimed it."""
    officer = (col(Clock.object_ref) == col(Need.id), col(Clock.step) == UNCLAIMED, col(Clock.ended_at).is_(None))
    rest = (col(Need.committed_units) < col(Need.gap_units)) & exists().where(*officer)
    return (col(Need.committed_units) == 0) | rest


def _row(need: Need, kind: RowKind, *, blocker: str, offer_id: str = "", detail: Values | None = None) -> Values:
    facts, open_units = detail or {}, need.gap_units - need.committed_units
    remedy = REMEDY.get(blocker, LOOK)
    return {
        "kind": kind,
        "need_id": need.id,
        "district_code": need.district_code,
        "category": need.category,
        "unit": need.unit,
        "urgency": need.urgency,
        "open_units": open_units,
        "blocker": blocker,
        "offer_id": offer_id,
        "detail": facts,
        "remedy": remedy,
        "remedy_units": open_units if remedy == MORE else 0,
        "losers_units": 0,
        "decision_units": 0,
    }


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy for several rows: of which kind of aid, how many units and what they are worth, for how many needs."""

    remedy: str
    category: str
    unit: str
    needs: int
    units: int
    fen: int

    @property
    def fen_each(self) -> int:
        """What it costs for one need, in whole fen rounded up."""
        return -(-self.fen // self.needs)


def best_remedies(session: Session, meeting_id: str, /) -> list[Remedy]:
    """What would serve most, the largest number of needs first; of equals the cheaper one."""
    groups = session.execute(
        columns(
            col(MeetingRow.remedy),
            col(MeetingRow.category),
            func.max(col(MeetingRow.unit)),
            func.count(),
            func.sum(col(MeetingRow.remedy_units)),
        )
        .where(col(MeetingRow.meeting_id) == meeting_id)
        .group_by(col(MeetingRow.remedy), col(MeetingRow.category))
    ).all()
    costs = unit_costs(session, {row[1] for row in groups})
    found = [
        Remedy(name, category, unit, count, int(units), int(units) * (reckoned_value(unit) + costs.get(category, 0)))
        for name, category, unit, count, units in groups
    ]
    return sorted(found, key=lambda row: (-row.needs, row.fen, row.category, row.remedy))


def unit_costs(session: Session, categories: set[str]) -> dict[str, int]:
    """The least that a giver said it costs to bring one unit of each kind, in fen; kinds without one are left out."""
    statement = (
        select(Offer.category, func.min(col(Offer.unit_cost_fen)))
        .where(col(Offer.category).in_(categories), col(Offer.unit_cost_fen) > 0)
        .group_by(col(Offer.category))
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def open_offers(session: Session, category: str, /) -> list[Offer]:
    """What could be pinned or banned for a need of this kind."""
    statement = select(Offer).where(Offer.category == category, Offer.state == OfferState.OPEN)
    return list(session.exec(statement.order_by(col(Offer.title), col(Offer.id))))
