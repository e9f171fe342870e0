"""Nobody of a class is forgotten: who was not seen for longer than the class allows is put on the list.

Enters: the clock and the register. Leaves: visits of the cause QUOTA, in each district those unseen for longest first,
as many a night as its workers can go to, and each class in its turn: the strictest, which is the largest, leaves places
to the others. A household in several categories is seen as often as the strictest asks. Whom the places do not reach
stays a number on the board (`overdue`). Where nobody lives any more, for all are dead or in an institution, nobody
goes. Called by the worker once a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, func, select

from marketplace.accounts.models import Account
from marketplace.actors import SYSTEM, Role
from marketplace.calendar import local_day
from marketplace.db import Database, chunks
from marketplace.households.categories import runs_on
from marketplace.households.models import Household, Spell
from marketplace.reference.visiting import quotas
from marketplace.signals.compiling import compile_rule
from marketplace.signals.language import read_rule
from marketplace.signals.models import Fact, TaskKind
from marketplace.signals.scene import Scene, nobody_lives
from marketplace.visits import service
from marketplace.visits.models import WAITING, HomeVisit

EACH_NIGHT, WAITING_EACH = 5, 30
"""So many visits of the quota are added for each worker of a district in one night, and so many may wait: our own
values, half of a day's round and the longest round."""
BATCH = 100
CAUSE = "QUOTA"
_VISITS = (col(Fact.kind) == "VISIT", col(Fact.replaced_day).is_(None))
"""Every visit that was made is a fact, ours and those of a street's own lists."""


class Nightly:
    """The sweep of the worker: once for each local day."""

    def __init__(self, database: Database, /, *, clock: Callable[[], datetime]) -> None:
        self.database, self.clock = database, clock
        self.last: date | None = None

    def __call__(self) -> int:
        now = self.clock()
        if self.last == local_day(now):
            return 0
        with self.database.reading() as session:
            found = due_homes(session, on=local_day(now))
        for some in chunks(found, BATCH):
            with self.database.transaction() as session:
                for home in some:
                    service.ask(session, home, CAUSE, ref=f"quota:{home}", actor=SYSTEM, now=now)
        self.last = local_day(now)
        return len(found)


def due_homes(session: Session, /, *, on: date, places: Mapping[str, int] | None = None) -> list[str]:
    """Households that are overdue and for whom nobody goes yet, as many of each district as it has places."""
    free = places_of(session) if places is None else places
    most = max(free.values(), default=0)
    going = select(HomeVisit.household_id).where(col(HomeVisit.state).in_(WAITING), HomeVisit.kind == TaskKind.VISIT)
    classes: dict[str, list[list[str]]] = {}
    for _days, category in sorted((days, category) for category, days in quotas(on).items()):
        inside: dict[str, list[str]] = {}
        for home, district in session.exec(_longest_first(category, on, most=most, going=going)):
            inside.setdefault(district, []).append(home)
        for district, homes in inside.items():
            classes.setdefault(district, []).append(homes)
    return [home for district in sorted(classes) for home in _in_turn(classes[district])[: free.get(district, 0)]]


def is_overdue(on: date, /) -> ColumnElement[bool]:
    """The condition on a spell that nobody saw its household for longer than the class allows, whether somebody goes or
    not."""
    return and_(or_(*(and_(*_unseen(category, on)) for category in quotas(on))), *_lived_in(on))


def visit_after(day: int, /) -> tuple[ColumnElement[bool], ...]:
    """The condition on a fact that it is a visit after that day. The sum keeps SQLite to the index of what holds now,
    which has all that is asked; by the other one it would read each row."""
    return (*_VISITS, col(Fact.day) + 0 > day)


def places_of(session: Session, /) -> dict[str, int]:
    """District ► how many visits of the quota its workers can be given tonight. A district without a worker of its own
    counts as one: somebody of the city goes."""
    waiting = select(HomeVisit.district_code, func.count()).where(
        HomeVisit.cause == CAUSE, col(HomeVisit.state).in_(WAITING)
    )
    held = dict(session.exec(waiting.group_by(col(HomeVisit.district_code))).all())
    accounts = session.exec(select(Account).where(col(Account.active).is_(True), Account.role == Role.WORKER))
    workers = Counter(district for account in accounts for district in account.districts)
    found = {}
    for district in session.exec(select(Household.district_code).distinct()):
        many = max(1, workers[district])
        found[district] = max(0, min(EACH_NIGHT * many, WAITING_EACH * many - held.get(district, 0)))
    return found


def _unseen(category: str, on: date) -> list[ColumnElement[bool]]:
    """In this category for longer than it allows, and not seen since. Who was never seen counts from entering it."""
    edge = on - timedelta(days=quotas(on)[category])
    seen = exists().where(col(Fact.household_id) == col(Spell.household_id), *visit_after(edge.toordinal()))
    return [
        col(Spell.category) == category,
        runs_on(on),
        col(Spell.from_on) < edge,
        ~seen.correlate(Spell),
    ]


def _longest_first(category: str, on: date, *, most: int, going: Any) -> Any:
    """(household, district), of each district the `most` unseen for longest, in this order."""
    days = select(col(Fact.household_id), func.max(Fact.day).label("on")).where(*_VISITS)
    last = days.group_by(col(Fact.household_id)).subquery()
    since = func.min(col(Spell.from_on))
    order = (last.c.on.is_not(None), last.c.on, since, col(Spell.household_id))
    turn = func.row_number().over(partition_by=col(Household.district_code), order_by=order)
    ranked = (
        select(
            col(Spell.household_id).label("home"), col(Household.district_code).label("district"), turn.label("turn")
        )
        .join(Household, col(Household.id) == col(Spell.household_id))
        .outerjoin(last, last.c.household_id == Spell.household_id)
        .where(*_unseen(category, on), *_lived_in(on), col(Spell.household_id).not_in(going))
        .group_by(col(Spell.household_id), col(Household.district_code), last.c.on)
        .subquery()
    )
    return select(ranked.c.home, ranked.c.district).where(ranked.c.turn <= most).order_by(ranked.c.turn)


def _in_turn(classes: Sequence[Sequence[str]]) -> list[str]:
    """One of each class after the other; who is in several comes once."""
    return list(dict.fromkeys(home for turn in zip_longest(*classes) for home in turn if home is not None))


def _lived_in(on: date) -> list[ColumnElement[bool]]:
    """Somebody would be at the door: not all are dead, nor do all live in an institution."""
    away = read_rule('latest("IN_INSTITUTION") >= people()', {})
    scene = Scene(on)
    empty = (nobody_lives(scene), compile_rule(away, scene).with_only_columns(col(Household.id)))
    return [col(Spell.household_id).not_in(homes.correlate(None)) for homes in empty]
