"""How long alerts took to be answered: closed ones of the last days by colour and whole days, and what that says.

Enters: a moment and a place. Leaves: alerts by the days from raising to closing, the time in which they were put off
included, by colour and by the place below; the days within which half of them, and nine in ten, were answered.
Called by `keeping`, which keeps these numbers as it keeps the others, and by the board.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from marketplace.actors import SYSTEM, Actor
from marketplace.boards.counting import ANSWER_DAYS, Moment, Place
from marketplace.calendar import local_day
from marketplace.signals.models import Alert, Colour
from marketplace.signals.sweeping import RANKS

HALF, MOST = 0.5, 0.9
LONGEST = 99
"""Days are told up to here; what took longer counts as so many."""
_AT_ONCE = 1_000


def took_of(colour: Colour, days: int, /) -> str:
    """The measure under which alerts of a colour that took so many days are counted."""
    return f"took_{colour.value.lower()}_{days}"


def by_place(session: Session, place: Place, /, *, at: Moment, actor: Actor) -> dict[str, dict[str, int]]:
    """Measure ► district (or street, within a district) ► alerts. None is told as no key."""
    counted: dict[str, dict[str, int]] = {}
    for measure, streets in by_street(session, *place.within(actor, Alert), at=at).items():
        below = counted[measure] = Counter[str]()
        for (district, street), alerts in streets.items():
            below[street if place.district else district] += alerts
    return counted


def by_street(session: Session, /, *where: ColumnElement[bool], at: Moment) -> dict[str, Counter[tuple[str, str]]]:
    """Measure ► district and street ► alerts, everywhere or where all of this holds."""
    counted: dict[str, Counter[tuple[str, str]]] = {}
    for measure, district, street in _answered(session, *where, at=at):
        counted.setdefault(measure, Counter())[district, street] += 1
    return counted


def _answered(session: Session, *where: ColumnElement[bool], at: Moment) -> Iterator[tuple[str, str, str]]:
    """Measure, district and street of each alert about a household that somebody closed lately."""
    colours = {rank: colour for colour, rank in RANKS.items()}
    told = (
        col(Alert.rank),
        col(Alert.district_code),
        col(Alert.street_code),
        col(Alert.raised_at),
        col(Alert.closed_at),
    )
    asked = sa_select(*told).where(
        *where,
        col(Alert.household_id).is_not(None),
        col(Alert.closed_at) > at.now - timedelta(days=ANSWER_DAYS),
        col(Alert.closed_by) != SYSTEM.id,
    )
    for rank, district, street, raised, closed in session.execute(asked.execution_options(yield_per=_AT_ONCE)):
        days = min(LONGEST, max(0, (local_day(closed) - local_day(raised)).days))
        yield took_of(colours[rank], days), district, street


def days_within(numbers: Mapping[str, Mapping[str, int]], colour: Colour, share: float, /) -> int | None:
    """Within how many days this share of the alerts was answered: the least that reaches it; None without any."""
    took = [sum(numbers.get(took_of(colour, days), {}).values()) for days in range(LONGEST + 1)]
    reached, wanted = 0, share * sum(took)
    for days, alerts in enumerate(took):
        reached += alerts
        if alerts and reached >= wanted:
            return days
    return None
