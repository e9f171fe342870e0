"""Nobody of a class is forgotten: who was not seen for longer than the class allows is put on the list.

Enters: the clock and the register. Leaves: visits of the cause QUOTA, those unseen for longest first, at most so many a
night, and each class in its turn: the strictest, which is the largest, leaves places to the others. A household in
several categories is seen as often as the strictest asks. Where nobody lives any more, for all are dead or in an
institution, nobody goes. Called by the worker once a day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Any

from sqlmodel import Session, col, func, or_, select

from marketplace.actors import SYSTEM
from marketplace.calendar import end_of_day, local_day
from marketplace.db import Database, chunks
from marketplace.households.categories import runs_on
from marketplace.households.models import Household, Spell
from marketplace.reference.visiting import quotas
from marketplace.signals.compiling import compile_rule
from marketplace.signals.language import read_rule
from marketplace.signals.models import TaskKind
from marketplace.signals.scene import Scene, nobody_lives
from marketplace.visits import service
from marketplace.visits.models import WAITING, HomeVisit, VisitState

MOST_A_NIGHT = 500
BATCH = 100


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
                    service.ask(session, home, "QUOTA", ref=f"quota:{home}", actor=SYSTEM, now=now)
        self.last = local_day(now)
        return len(found)


def due_homes(session: Session, /, *, on: date, most: int = MOST_A_NIGHT) -> list[str]:
    """Households of the register whom nobody saw for longer than their class allows, and for whom nobody goes yet.
    Who was never seen counts from the day of entering the category."""
    seen = (
        select(col(HomeVisit.household_id), func.max(HomeVisit.done_at).label("seen_at"))
        .where(HomeVisit.state == VisitState.DONE, HomeVisit.kind == TaskKind.VISIT)
        .group_by(col(HomeVisit.household_id))
        .subquery()
    )
    going = select(HomeVisit.household_id).where(col(HomeVisit.state).in_(WAITING), HomeVisit.kind == TaskKind.VISIT)
    classes: list[list[str]] = []
    for category, days in sorted(quotas(on).items(), key=lambda one: (one[1], one[0])):
        edge = on - timedelta(days=days)
        since = end_of_day(edge)
        asked = (
            select(Spell.household_id)
            .outerjoin(seen, seen.c.household_id == Spell.household_id)
            .where(
                Spell.category == category,
                runs_on(on),
                col(Spell.from_on) < edge,
                or_(seen.c.seen_at.is_(None), seen.c.seen_at < since),
                col(Spell.household_id).not_in(going),
                *(col(Spell.household_id).not_in(empty) for empty in _empty(on)),
            )
            .order_by(seen.c.seen_at.is_not(None), seen.c.seen_at, col(Spell.from_on), col(Spell.household_id))
            .limit(most)
        )
        classes.append(list(session.exec(asked)))
    in_turn = dict.fromkeys(home for turn in zip_longest(*classes) for home in turn if home is not None)
    return list(in_turn)[:most]


def _empty(on: date) -> tuple[Any, Any]:
    """The households at whose door nobody would be: all are dead, or live in an institution."""
    away = read_rule('latest("IN_INSTITUTION") >= people()', {})
    scene = Scene(on)
    return nobody_lives(scene), compile_rule(away, scene).with_only_columns(col(Household.id))
