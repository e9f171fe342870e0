"""The report of what the rules against helping twice prevented: by rule, by who had already given, down to each hit.

Enters: an actor, whose districts bound what is counted. Leaves: sums in money and households, false alarms with what
they cost, and the rows behind a line. What was given for a need all the same, and what ended because its reason was
gone, prevented nothing. Called by the pages of duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.ledger.hits import HELD, REPORT, TWICE, waits_for_somebody
from marketplace.ledger.models import HitState, OverlapHit
from marketplace.needs.models import Need

MINUTE_FEN = 100
"""What one minute of a worker is reckoned to cost, in fen: our own proposal, for the report of false alarms only."""
STANDS = "stands_fen"
"""What a hit is worth as far as it prevented anything."""


@dataclass(frozen=True, slots=True)
class Total:
    """One line of the report: a rule, or who had already given. A false alarm is no duplicate, and costs minutes."""

    key: str
    hits: int
    households: int
    value_fen: int
    false_alarms: int
    cost_fen: int


def totals(session: Session, /, *, by: str, late: bool = False, actor: Actor) -> list[Total]:
    """By rule (`code`) or by who had already given (`giver`), the dearest first: what the rules stopped, each need once
    for a rule however many givers were refused; or, with `late`, what turned out to be given beside other aid."""
    counted = _counted(actor, late=late).subquery()
    key, false = counted.c[by], counted.c.state == HitState.FALSE_ALARM
    real = select(key, func.count(), func.count(func.distinct(counted.c.household_id)), func.sum(counted.c.stands_fen))
    alarms = select(key, func.count(), func.sum(counted.c.minutes)).where(false).group_by(key)
    stopped = {row[0]: row[1:] for row in session.execute(real.where(~false).group_by(key))}
    wrong = {row[0]: row[1:] for row in session.execute(alarms)}
    found = []
    for key in stopped.keys() | wrong.keys():
        times, homes, value = stopped.get(key, (0, 0, 0))
        false_alarms, minutes = wrong.get(key, (0, 0))
        cost = int(minutes or 0) * MINUTE_FEN
        found.append(Total(key, int(times), int(homes), int(value), int(false_alarms), cost))
    return sorted(found, key=lambda line: (-line.value_fen, line.key))


def _counted(actor: Actor, *, late: bool) -> Any:
    """Late reports each; of what was stopped the largest for each rule and need, and every false alarm."""
    rows = _narrowed(select(OverlapHit), actor)
    if late:
        real = (col(OverlapHit.state) != HitState.GONE, col(OverlapHit.code) != TWICE)
        return rows.where(col(OverlapHit.place) == REPORT, *real).add_columns(col(OverlapHit.value_fen).label(STANDS))
    return _largest(rows, col(OverlapHit.code))


def _largest(rows: Any, *keys: Any) -> Any:
    """Of the hits that stopped aid, the dearest that stands for each key and need; false alarms all."""
    false = col(OverlapHit.state) == HitState.FALSE_ALARM
    one, units = func.coalesce(OverlapHit.need_id, OverlapHit.subject), _units_that_stand()
    worth = col(OverlapHit.value_fen) // col(OverlapHit.units) * units
    place = func.row_number().over(
        partition_by=[*keys, one, false], order_by=[worth.desc(), col(OverlapHit.value_fen).desc(), col(OverlapHit.id)]
    )
    rows = rows.outerjoin(Need, col(Need.id) == col(OverlapHit.need_id))
    rows = rows.where(col(OverlapHit.place) != REPORT, col(OverlapHit.state) != HitState.GONE)
    ranked = rows.add_columns(place.label("nth"), units.label("units_left"), worth.label(STANDS)).subquery()
    stands = (ranked.c.nth == 1) & (ranked.c.units_left > 0)
    return select(ranked).where(stands | (ranked.c.state == HitState.FALSE_ALARM))


def _units_that_stand() -> Any:
    """Of what was stopped for a need, no more than the need still lacks: the rest was given or promised all the same.
    What holds a match counts whole, for the match still has its units."""
    lacks = col(Need.gap_units) - col(Need.committed_units)
    held = (col(OverlapHit.place) == HELD) | col(Need.id).is_(None)
    return case((held | (lacks >= col(OverlapHit.units)), col(OverlapHit.units)), else_=lacks)


def prevented_fen(session: Session, /, *, actor: Actor) -> int:
    """What was not given twice, each need once whatever rules stopped it."""
    once = _largest(_narrowed(select(OverlapHit), actor)).subquery()
    total = select(func.sum(once.c.stands_fen)).where(once.c.state != HitState.FALSE_ALARM)
    return int(session.execute(total).scalar() or 0)


def _narrowed(statement: Any, actor: Actor) -> Any:
    return statement.where(col(OverlapHit.district_code).in_(sorted(actor.districts))) if actor.districts else statement


def hits_where(
    actor: Actor,
    /,
    *,
    code: str = "",
    giver: str | None = None,
    state: str = "",
    late: bool | None = None,
    waits: bool = False,
) -> Any:
    """The rows behind a line of the report: a statement for one page of a list, the newest first."""
    wanted = _narrowed(select(OverlapHit), actor)
    if code:
        wanted = wanted.where(col(OverlapHit.code) == code)
    if giver is not None:
        wanted = wanted.where(col(OverlapHit.giver) == giver)
    if late is not None:
        wanted = wanted.where((col(OverlapHit.place) == REPORT) == late)
    if waits:
        wanted = wanted.where(col(OverlapHit.state) == HitState.OPEN, waits_for_somebody())
    if state in set(HitState):
        wanted = wanted.where(col(OverlapHit.state) == HitState(state))
    return wanted.order_by(col(OverlapHit.created_at).desc(), col(OverlapHit.id))


def count_open(session: Session, /, *, actor: Actor) -> int:
    """How many late reports and questions wait for a person."""
    wanted = _narrowed(select(func.count()).select_from(OverlapHit), actor)
    wanted = wanted.where(col(OverlapHit.state) == HitState.OPEN, waits_for_somebody())
    return int(session.exec(wanted).one())
