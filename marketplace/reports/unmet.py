"""What was unmet when a month ended: needs that were verified and not fully covered, as their dated standings say.

Enters: a month and whose report it is. Leaves: rows for `sources`. The city's report has one row a need; of a month
that still runs, as it stands now. A giver's has one row for each kind of need that it offered and each district it
offered it for: the number of households, under ten left out and the rest rounded to five by the rules of the published
demand (`offers.demand.published`), so that nobody else's need can be found in it; and only once the month has ended,
for to count a running month again and again would show each change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import Session, col, func, or_, select

from marketplace.households.models import Household
from marketplace.needs.lists import not_over
from marketplace.needs.models import Need, NeedStanding, NeedState
from marketplace.offers.demand import NEVER_MAPPED, published
from marketplace.offers.models import Offer
from marketplace.reference.needs import MONEY
from marketplace.reports.models import Figure
from marketplace.reports.months import Period

STREAMED = 1000
ABOUT = "households_about"
"""The reason of a giver's row: its amount is a rounded number of households."""
Values = dict[str, Any]
EMPTY: Values = {
    "household_id": "",
    "district_code": "",
    "reason": "",
    "days": None,
    "satisfaction": None,
    "minutes": None,
    "helper_minutes": None,
    "month": "",
}
"""What a figure does not know. Every row has the same keys, for they are written many at a time."""


def of_city(session: Session, month: Period, /) -> Iterator[Values]:
    """One row for each need."""
    for need, stood, size in session.execute(_standing(month)):
        units = stood.gap_units - stood.committed_units
        yield EMPTY | {
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
        }


def of_giver(session: Session, month: Period, /, *, org_id: str) -> Iterator[Values]:
    """One row for each kind and district that the giver served and that enough households wait in."""
    served = _served(session, month, org_id=org_id)
    homes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    wanted = _standing(month).where(col(Need.category).in_(served))
    for need, _stood, _size in session.execute(wanted):
        places = served[need.category]
        if (places is None or need.district_code in places) and not set(need.tags) & set(NEVER_MAPPED):
            homes[need.category][need.district_code].add(need.household_id)
    counts = {kind: {place: len(some) for place, some in row.items()} for kind, row in homes.items()}
    for kind, row in published(counts).items():
        for place, about in row.items():
            cell = {"category": kind, "district_code": place, "units": about, "people": 0, "fen": 0}
            yield EMPTY | {"figure": Figure.UNMET, "object_ref": "", "unit": "", "reason": ABOUT} | cell


def _served(session: Session, month: Period, *, org_id: str) -> Mapping[str, frozenset[str] | None]:
    """Kind ► the districts for which the giver had something of it in the month; None for the whole city."""
    mine = select(Offer).where(col(Offer.org_id) == org_id, col(Offer.created_at) < month.ends)
    mine = mine.where(or_(col(Offer.valid_to).is_(None), col(Offer.valid_to) > month.first_day))
    found: dict[str, frozenset[str] | None] = {}
    for offer in session.exec(mine):
        own, bound = frozenset(offer.districts), frozenset(offer.donor_districts)
        places = own & bound if own and bound else own or bound or None
        before = found.get(offer.category, frozenset())
        found[offer.category] = None if places is None or before is None else before | places
    return found


def _standing(month: Period) -> Any:
    """Needs with how they stood at the month's end, and the size of their household. One whose time was over is told
    for the last time in the month in which it ran out."""
    newest = select(col(NeedStanding.need_id), func.max(col(NeedStanding.seq)).label("seq"))
    then = newest.where(col(NeedStanding.at) < month.ends).group_by(col(NeedStanding.need_id)).subquery()
    return (
        select(Need, NeedStanding, col(Household.size))
        .join(then, then.c.need_id == col(Need.id))
        .join(NeedStanding, col(NeedStanding.seq) == then.c.seq)
        .join(Household, col(Household.id) == col(Need.household_id))
        .where(col(NeedStanding.state) == NeedState.VERIFIED, not_over(month.first_day))
        .where(col(NeedStanding.gap_units) > col(NeedStanding.committed_units))
        .order_by(col(Need.id))
        .execution_options(yield_per=STREAMED)
    )
