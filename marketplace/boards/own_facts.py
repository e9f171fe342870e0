"""What the house knows itself, told to the rules once a day: late survival checks and steps, aid given twice, kin.

Enters: open benefits, late reports that contradict aid given before, rungs that running steps have reached, kin whom
staff declared. Leaves: facts of the platform for W27, W28, W29 and W30. What is over is told as nought, so that no rule
goes on. Who of the staff declared somebody is not told. A visit is told by its own room when it is done. Called by the
worker, before the rules are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases.models import Case, CaseStep, Escalation
from marketplace.db import Database, flush, new_id
from marketplace.households import kin
from marketplace.households.models import Person
from marketplace.ledger.hits import REPORT
from marketplace.ledger.models import HitState, OverlapHit
from marketplace.liveness.models import SurvivalDuty
from marketplace.reference.facts import PLATFORM
from marketplace.signals.models import Delivery, Fact
from marketplace.signals.taking import Told, source_key, store

OVERDUE, TWICE, SHARE, KIN = "LIVENESS_OVERDUE", "DOUBLE_AID", "STEP_SHARE", "KIN_OF_STAFF"
EVERY = 10
"""Days overdue are told in steps of so many: a fact that grows each day would be a new one each day."""
RUNGS = {1: 80, 2: 100, 3: 120, 4: 150}
"""Rung of the ladder ► share of the step's time that has gone."""


class Daily:
    """Tells once a day; a day on which there is nothing to tell writes nothing."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database, self._clock, self._told = database, clock, date.min

    def __call__(self) -> int:
        """Tell if this day has not been told; returns how many facts are new or changed."""
        now = self._clock()
        if self._told == local_day(now):
            return 0
        with self._database.reading() as session:
            found = told_today(session, local_day(now))
        count = 0
        if found:
            with self._database.transaction() as session:
                count = tell(session, actor=SYSTEM, now=now)
        self._told = local_day(now)
        return count


def told_today(session: Session, today: date, /) -> list[Told]:
    """What holds today, and as nought what held before and is over."""
    held = [*_overdue(session, today), *_twice(session), *_late(session), *_kin(session)]
    return held + list(_over(session, {one.source_key for one in held}, today=today))


def tell(session: Session, /, *, actor: Actor, now: datetime) -> int:
    """Set it down; what is known already stays as it is."""
    today = local_day(now)
    row = Delivery(id=new_id(), feed=PLATFORM, digest=new_id(), as_of_day=today.toordinal(), received_at=now)
    session.add(row)
    flush(session)
    store(session, PLATFORM, told_today(session, today), delivery=row)
    body = {"new": row.new, "changed": row.changed, "same": row.same}
    audit.record(session, audit.Entry("fact:own", object_ref=row.id, body=body), actor=actor, now=now)
    return row.new + row.changed


def _overdue(session: Session, today: date) -> Iterator[Told]:
    late = select(SurvivalDuty).where(col(SurvivalDuty.ended_at).is_(None), col(SurvivalDuty.next_on) < today)
    for duty in session.exec(late.order_by(col(SurvivalDuty.id))):
        days = (today - duty.next_on).days // EVERY * EVERY
        if days:
            key = source_key(session, PLATFORM, f"survival:{duty.id}")
            yield Told(duty.household_id, duty.person_id, OVERDUE, duty.next_on.toordinal() + days, days, key)


def _first_of(household_id: Any) -> Any:
    """The first person of a household, on whom a fact about all of them hangs."""
    return select(func.min(Person.id)).where(col(Person.household_id) == col(household_id)).scalar_subquery()


def _twice(session: Session) -> Iterator[Told]:
    open_ones = select(OverlapHit, _first_of(OverlapHit.household_id)).where(
        OverlapHit.place == REPORT, col(OverlapHit.state).in_((HitState.OPEN, HitState.DUPLICATE))
    )
    for hit, person in session.exec(open_ones.order_by(col(OverlapHit.id))):
        if person is not None:
            key = source_key(session, PLATFORM, f"overlap:{hit.id}")
            yield Told(hit.household_id, person, TWICE, local_day(hit.created_at).toordinal(), 1, key)


def _late(session: Session) -> Iterator[Told]:
    rung = func.max(Escalation.level)
    reached = (
        select(CaseStep.id, Case.household_id, Case.subject_id, rung, func.max(Escalation.raised_at))  # type: ignore[call-overload]
        .join(Escalation, col(Escalation.step_id) == col(CaseStep.id))
        .join(Case, col(Case.id) == col(CaseStep.case_id))
        .where(col(CaseStep.ended_at).is_(None))
        .group_by(col(CaseStep.id), col(Case.household_id), col(Case.subject_id))
    )
    for step, home, person, level, at in session.exec(reached.order_by(col(CaseStep.id))):
        key = source_key(session, PLATFORM, f"step:{step}")
        yield Told(home, person, SHARE, local_day(at).toordinal(), RUNGS[level], key)


def _kin(session: Session) -> Iterator[Told]:
    for home, person, since in kin.homes_of_staff(session):
        key = source_key(session, PLATFORM, f"kin:{home}")
        yield Told(home, person, KIN, local_day(since).toordinal(), 1, key)


def _over(session: Session, held: set[str], *, today: date) -> Iterator[Told]:
    before = select(Fact).where(
        col(Fact.feed) == PLATFORM,
        col(Fact.kind).in_((OVERDUE, SHARE, TWICE, KIN)),
        col(Fact.replaced_day).is_(None),
        col(Fact.amount) > 0,
    )
    for fact in session.exec(before.order_by(col(Fact.id))):
        if fact.source_key not in held:
            yield Told(fact.household_id, fact.person_id, fact.kind, today.toordinal(), 0, fact.source_key)
