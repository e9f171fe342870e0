"""What the pages of this room show: households with open alerts, feeds with their freshness, the rows in quarantine.

Enters: a member of staff and a filter. Leaves: one page of rows within the actor's districts, and how many there are;
the most urgent first, then the oldest. Called by the views.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, and_
from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.households.categories import categories_on
from marketplace.households.service import masked_names
from marketplace.reference.facts import Feed, feeds
from marketplace.signals import homes
from marketplace.signals.lateness import fresh_days, late_feeds
from marketplace.signals.models import Alert, AlertState, Colour, Delivery, Fact, HeldRow, HeldState
from marketplace.signals.models_homes import ANY, AlertHome, KeptScore
from marketplace.signals.sweeping import RANKS

COLOURS = {rank: colour for colour, rank in RANKS.items()}


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One household with alerts: the most urgent colour, how many are open, since when."""

    household_id: str
    name: str
    colour: Colour
    alerts: int
    since: datetime
    district_code: str
    street_code: str
    categories: list[str]
    score: KeptScore | None


def _listed(actor: Actor, colour: str = "", street: str = "") -> list[ColumnElement[bool]]:
    """The kept rows of the list of this colour (of all), within the actor's districts."""
    under = RANKS[Colour(colour)] if colour in set(Colour) else ANY
    wanted: list[ColumnElement[bool]] = [col(AlertHome.under) == under]
    if actor.districts:
        wanted.append(col(AlertHome.district_code).in_(sorted(actor.districts)))
    if street:
        wanted.append(col(AlertHome.street_code) == street)
    return wanted


def count_homes(session: Session, /, *, actor: Actor, colour: str = "", street: str = "") -> int:
    """How many households have an open alert (of this colour, in this street)."""
    return int(session.exec(select(func.count()).where(*_listed(actor, colour, street))).one())


def streets(session: Session, /, *, actor: Actor, colour: str = "") -> list[tuple[str, int]]:
    """The streets with open alerts, and how many households of each."""
    place = col(AlertHome.street_code)
    rows = session.exec(select(place, func.count()).where(*_listed(actor, colour)).group_by(place).order_by(place))
    return [(code, int(number)) for code, number in rows if code]


def list_homes(
    session: Session,
    /,
    *,
    actor: Actor,
    on: date,
    colour: str = "",
    street: str = "",
    by_score: bool = False,
    offset: int,
    limit: int,
    total: int = 0,
) -> list[HomeRow]:
    """One page of households, each once: the most urgent and oldest first, or by need score and the newest first. The
    page is found in an index alone, from its nearer end if it is told how many there are: a far one costs little."""
    home, wanted = col(AlertHome.household_id), _listed(actor, colour, street)
    order: tuple[Any, ...] = (col(AlertHome.rank), col(AlertHome.since), home)
    if by_score:
        order = (col(AlertHome.score).desc(), col(AlertHome.since).desc(), home.desc())
    steps = order
    if 0 < total < 2 * offset:
        steps = tuple(_backwards(one) for one in order)
        offset, limit = max(total - offset - limit, 0), max(min(limit, total - offset), 0)
    ids = session.exec(select(home).where(*wanted).order_by(*steps).offset(offset).limit(limit)).all()
    rows = session.exec(select(AlertHome).where(wanted[0], home.in_(ids)).order_by(*order)).all()
    names, inside, scores = masked_names(session, ids), categories_on(session, ids, on=on), homes.scores(session, ids)
    return [
        HomeRow(
            row.household_id,
            names[row.household_id],
            COLOURS[row.rank],
            row.alerts,
            row.since,
            row.district_code,
            row.street_code,
            inside.get(row.household_id, []),
            scores.get(row.household_id),
        )
        for row in rows
    ]


def _backwards(step: Any) -> Any:
    """The same column the other way round."""
    return step.element.asc() if isinstance(step, UnaryExpression) else step.desc()


def feed_alerts(session: Session, /) -> list[Alert]:
    """Alerts about feeds that are not closed: everybody sees them, those who serve the whole city answer them."""
    asked = select(Alert).where(col(Alert.feed) != "", col(Alert.state) != AlertState.CLOSED)
    return list(session.exec(asked.order_by(col(Alert.feed))))


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed: until when it told, whether it is late, how much came, how much is held back."""

    feed: Feed
    as_of: date | None
    late: bool
    facts: int
    held: int


def list_feeds(session: Session, /, *, on: date) -> list[FeedRow]:
    """Every feed in the order of the table."""
    told, late = fresh_days(session), set(late_feeds(session, on=on))
    facts = _count(session, col(Fact.feed), col(Fact.replaced_day).is_(None))
    held = _count(session, col(HeldRow.feed), col(HeldRow.state) == HeldState.HELD)
    return [
        FeedRow(
            feed,
            date.fromordinal(told[code]) if code in told else None,
            code in late,
            facts.get(code, 0),
            held.get(code, 0),
        )
        for code, feed in feeds().items()
    ]


def _count(session: Session, column: Any, wanted: ColumnElement[bool]) -> dict[str, int]:
    rows = session.exec(select(column, func.count()).where(wanted).group_by(column))
    return {str(name): int(number) for name, number in rows}


def list_deliveries(session: Session, feed: str, /, *, limit: int = 12) -> list[Delivery]:
    """The newest deliveries of a feed."""
    asked = select(Delivery).where(col(Delivery.feed) == feed)
    return list(session.exec(asked.order_by(col(Delivery.received_at).desc(), col(Delivery.id)).limit(limit)))


def count_held(session: Session, feed: str, /) -> int:
    """How many rows of a feed are in quarantine."""
    return _count(session, col(HeldRow.feed), _held_of(feed)).get(feed, 0)


def list_held(session: Session, feed: str, /, *, offset: int = 0, limit: int = 50) -> list[tuple[HeldRow, datetime]]:
    """One page of the rows in quarantine of a feed, the oldest first, each with the time of its delivery."""
    asked = select(HeldRow, Delivery.received_at).join(Delivery).where(_held_of(feed))
    order = (col(HeldRow.held_at), col(HeldRow.number), col(HeldRow.id))
    return list(session.exec(asked.order_by(*order).offset(offset).limit(limit)))


def _held_of(feed: str) -> ColumnElement[bool]:
    return and_(col(HeldRow.feed) == feed, col(HeldRow.state) == HeldState.HELD)


def count_open(session: Session, /, *, actor: Actor) -> tuple[int, int]:
    """How many households have an open alert, and how many of them a red one."""
    return count_homes(session, actor=actor), count_homes(session, actor=actor, colour=Colour.RED)
