"""How many households have which open need where: once a week, rounded, never by name and never finer.

Enters: the verified needs, once a week. Leaves: a frozen `DemandSnapshot` whose every number may be shown to anybody,
and sums of its rounded cells. A cell under ten is hidden, the rest is rounded to five, and kinds of need that point
to children are counted for the whole city only; so two weeks laid side by side tell nothing about one household, and
that is tried before every publication: a table that the attack of `differencing` opens is never published.
Pages never see the live counts. Called by the worker and the command line (`publish_demand`), and by pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Text, cast
from sqlmodel import Session, col, func, or_, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.db import Database, flush
from marketplace.errors import Conflict
from marketplace.needs.lists import not_over
from marketplace.needs.models import Need, NeedState
from marketplace.offers.differencing import CITY, LEAST, STEP, attack
from marketplace.offers.models import DemandSnapshot
from marketplace.policy import require
from marketplace.reference.districts import current, resolve
from marketplace.reference.tables import UnknownCode

log = logging.getLogger("shanqiao.demand")
CITY_ONLY = ("CHILD.", "MEDICAL.CHILD_")
"""Kinds that begin so are never counted below the whole city."""
NEVER_MAPPED = ("HIV", "SAFE_CONTACT")
"""Needs with one of these tags are in no cell at all: a cell of a district would point to a person in danger."""
Cells = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Demand:
    """The counts of one week as they may be shown."""

    week_on: date
    cells: Mapping[str, Mapping[str, int]]

    def households(self, category: str, districts: Iterable[str] = ()) -> int:
        """How many households need this in these districts (none named: in the city); 0 is under ten or unknown.

        The sum is made of rounded cells, so it never tells what a hidden cell holds.
        """
        row = self.cells.get(category, {})
        if CITY in row:
            return row[CITY]
        named = set(districts)
        return sum(count for district, count in row.items() if not named or district in named)

    def total(self, category: str) -> int:
        """The kind's sum over the shown cells."""
        return sum(self.cells.get(category, {}).values())


def week_of(now: datetime) -> date:
    """The Monday of this week in Chongqing."""
    today = local_day(now)
    return today - timedelta(days=today.weekday())


def publish_demand(session: Session, /, *, actor: Actor, now: datetime) -> DemandSnapshot:
    """Take this week's counts; a second call in the same week changes nothing."""
    require(actor, "demand:publish")
    week = week_of(now)
    taken = session.get(DemandSnapshot, week)
    if taken is not None:
        return taken
    cells = published(count_open(session, on=local_day(now)))
    _refuse_leaks(session, cells, week=week)
    snapshot = DemandSnapshot(week_on=week, cells=cells, taken_at=now)
    session.add(snapshot)
    flush(session)
    entry = audit.Entry("demand:publish", object_ref=week.isoformat(), body={"kinds": len(cells)})
    audit.record(session, entry, actor=actor, now=now)
    return snapshot


def _refuse_leaks(session: Session, cells: Cells, *, week: date) -> None:
    """Try the attack against the week before; any find is a Conflict that says how many."""
    newest = select(DemandSnapshot).where(col(DemandSnapshot.week_on) < week)
    last = session.exec(newest.order_by(col(DemandSnapshot.week_on).desc()).limit(1)).one_or_none()
    finds = attack(last.cells if last is not None else {}, cells, districts=[one.code for one in current(week)])
    broken = leaks(cells)
    if finds or broken:
        raise Conflict("demand_leaks", small=len(finds.small), single=len(finds.single), kinds=len(broken))


def publish_when_due(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep: publish once a week; returns how many weeks it published (0 or 1).

    A table that would tell too much stays unpublished: the reason is written into the chain once for that week, and a
    person has to look. The week before stays on the page.
    """
    now = clock()
    week = week_of(now).isoformat()
    with database.reading() as session:
        blocked = select(audit.AuditRow.seq).where(audit.AuditRow.action == "demand:blocked")
        if session.get(DemandSnapshot, week_of(now)) is not None:
            return 0
        if session.exec(blocked.where(audit.AuditRow.object_ref == week).limit(1)).first() is not None:
            return 0
    try:
        with database.transaction() as session:
            publish_demand(session, actor=SYSTEM, now=now)
    except Conflict as error:
        if error.code != "demand_leaks":
            raise
        log.error("The counts of the week of %s would tell too much and are not published: %s", week, error)
        with database.transaction() as session:
            entry = audit.Entry("demand:blocked", object_ref=week, decision="deny", body=dict(error.facts))
            audit.record(session, entry, actor=SYSTEM, now=now)
        return 0
    return 1


def count_open(session: Session, *, on: date) -> Cells:
    """The exact number of households with an open verified need, by kind and district in force. Never shown."""
    rows = session.execute(
        select(col(Need.category), col(Need.district_code), func.count(func.distinct(col(Need.household_id))))
        .where(col(Need.state) == NeedState.VERIFIED, col(Need.committed_units) < col(Need.gap_units))
        .where(or_(col(Need.valid_from).is_(None), col(Need.valid_from) <= on))
        .where(not_over(on))
        .where(*(cast(col(Need.tags), Text).not_like(f'%"{tag}"%') for tag in NEVER_MAPPED))
        .group_by(col(Need.category), col(Need.district_code))
    )
    counts: Cells = {}
    for category, code, number in rows:
        row = counts.setdefault(category, {})
        district = _in_force(code, on=on)
        row[district] = row.get(district, 0) + number
    return counts


def _in_force(code: str, *, on: date) -> str:
    try:
        return resolve(code, on=on).code
    except UnknownCode:
        return code


def published(counts: Mapping[str, Mapping[str, int]]) -> Cells:
    """What may be shown of exact counts: cells under ten fall away, the others are rounded to five.

    >>> published({"CARE.MEAL": {"500103": 12, "500106": 9}, "CHILD.WISH": {"500103": 7, "500106": 6}})
    {'CARE.MEAL': {'500103': 10}, 'CHILD.WISH': {'': 15}}
    """
    shown: Cells = {}
    for category, row in sorted(counts.items()):
        exact = {CITY: sum(row.values())} if category.startswith(CITY_ONLY) else row
        cells = {place: rounded(number) for place, number in sorted(exact.items()) if number >= LEAST}
        if cells:
            shown[category] = cells
    return shown


def rounded(number: int) -> int:
    """To the nearest five."""
    return (number + STEP // 2) // STEP * STEP


def leaks(cells: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Kinds whose numbers would tell more than they may: an exact or a small one, or a place for a city-only kind."""
    return [
        category
        for category, row in cells.items()
        if any(number < LEAST or number % STEP for number in row.values())
        or (category.startswith(CITY_ONLY) and set(row) != {CITY})
    ]


def latest_demand(session: Session, /) -> Demand | None:
    """The newest published week."""
    newest = select(DemandSnapshot).order_by(col(DemandSnapshot.week_on).desc()).limit(1)
    found = session.exec(newest).one_or_none()
    return None if found is None else Demand(week_on=found.week_on, cells=found.cells)
