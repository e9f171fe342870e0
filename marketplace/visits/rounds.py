"""A worker's day: which visits, in which order, and how long the way takes.

Enters: a worker with open visits. Leaves: one round for the day. Streets become minutes here; the arithmetic gets the
minutes and the urgency and nothing else. What the worker puts in another order stays so. Called by this room's pages.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound
from marketplace.policy import require
from marketplace.reference.visiting import has_place, minutes_between
from marketplace.signals.models import TaskKind
from marketplace.visits.models import HomeVisit, VisitRound, VisitState
from marketplace.visits.places import ground_of
from matching.rounds import MOST_STOPS, plan_round, round_minutes


def plan_day(session: Session, /, *, actor: Actor, now: datetime) -> VisitRound:
    """Today's round of the one who asks: the most urgent visits of its own, the red ones first, the others by place.
    A round that was put in order by hand keeps that order; what came since goes to its end."""
    require(actor, "visit:write", district=next(iter(sorted(actor.districts)), ""))
    today, mine = local_day(now), _mine(session, actor=actor)
    row = find_round(session, actor.id, on=today)
    if row is None:
        row = VisitRound(id=new_id(), account_id=actor.id, on=today, planned_at=now)
    if row.by_hand:
        kept = [one for one in row.stops if one in {visit.id for visit in mine}]
        row.stops = [*kept, *(visit.id for visit in mine if visit.id not in kept)]
    else:
        order = plan_round(_table(session, mine, on=today), [min(visit.urgency, 1) for visit in mine])
        row.stops = [mine[stop - 1].id for stop in order]
    row.planned_at = now
    return _record(session, row, "visit:plan", actor=actor, now=now)


def move(session: Session, visit_id: str, /, *, up: bool, actor: Actor, now: datetime) -> VisitRound:
    """The worker puts one stop earlier or later; from then on the order is the worker's."""
    require(actor, "visit:write", district=next(iter(sorted(actor.districts)), ""))
    row = find_round(session, actor.id, on=local_day(now))
    if row is None or visit_id not in row.stops:
        raise NotFound("home_visit")
    stops, place = list(row.stops), row.stops.index(visit_id)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(stops):
        raise BadInput("at_the_end", field="visit_id")
    stops[place], stops[other] = stops[other], stops[place]
    row.stops, row.by_hand = stops, True
    return _record(session, row, "visit:reorder", actor=actor, now=now)


def find_round(session: Session, account_id: str, /, *, on: date) -> VisitRound | None:
    """The round of an account on a day."""
    return session.exec(
        select(VisitRound).where(VisitRound.account_id == account_id, VisitRound.on == on)
    ).one_or_none()


def stops_of(session: Session, row: VisitRound, /) -> list[HomeVisit]:
    """The visits of a round in its order, those that are over too."""
    found = {one.id: one for one in session.exec(select(HomeVisit).where(col(HomeVisit.id).in_(row.stops)))}
    return [found[one] for one in row.stops if one in found]


def minutes_of(session: Session, visits: list[HomeVisit], /, *, on: date) -> int | None:
    """Minutes on the way, from the district's middle to the last stop; None where a street has no point of its own."""
    ground = ground_of(session, on=on)
    if not all(has_place(one.street_code, ground=ground) for one in visits):
        return None
    return round_minutes(_table(session, visits, on=on), range(1, len(visits) + 1)) if visits else 0


def _table(session: Session, visits: list[HomeVisit], *, on: date) -> list[list[int]]:
    ground = ground_of(session, on=on)
    office = (visits[0].district_code, "") if visits else ("", "")
    places = [office, *((visit.district_code, visit.street_code) for visit in visits)]
    return [[minutes_between(one, two, on=on, ground=ground) for two in places] for one in places]


def _mine(session: Session, *, actor: Actor) -> list[HomeVisit]:
    asked = select(HomeVisit).where(
        HomeVisit.worker_id == actor.id, HomeVisit.kind == TaskKind.VISIT, HomeVisit.state == VisitState.OPEN
    )
    order = (col(HomeVisit.urgency), col(HomeVisit.due_on), col(HomeVisit.id))
    return list(session.exec(asked.order_by(*order).limit(MOST_STOPS)))


def _record(session: Session, row: VisitRound, action: str, *, actor: Actor, now: datetime) -> VisitRound:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, rule_id="by_hand" if row.by_hand else "planned")
    audit.record(session, entry, actor=actor, now=now)
    return row
