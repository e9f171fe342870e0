"""Households that owe papers and are silent: somebody calls; what stays silent then is refused in writing.

Enters: clocks of papers that ran out; a list for staff. Leaves: a call on the list of visits with a clock of its own, a
visit where no telephone is known, neither where somebody said that none is safe; or a refusal with its reason and its
way to appeal, by the confirming office, after somebody had called. Nothing is refused by itself. Called by
`supervision.sweep` and by the pages of staff.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import lateness, outcome, steps
from marketplace.cases.ended import hands_of
from marketplace.cases.models import CaseItem, CaseStep, ItemState
from marketplace.cases.rules import steps_of
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import Database
from marketplace.errors import NotAllowed, WrongState
from marketplace.households import reaching
from marketplace.households.reaching import anybody_said
from marketplace.households.service import nobody_may_call, reachable
from marketplace.policy import require
from marketplace.signals.models import TaskKind
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit, VisitState

OWED, CALL = "case_papers", "case_papers_call"
CAUSE = "PAPERS"
REASON = "papers_not_given"
FAST = "fast_aid"
ENOUGH_TRIES = 2
BATCH = 100


def sweep(database: Database, /, *, now: datetime) -> int:
    """Somebody is to call each household whose papers did not come in time; how many."""
    with database.reading() as session:
        refs = [late.object_ref for late in clocks.late(session, OWED, now=now, most=BATCH)]
    for ref in refs:
        with database.transaction() as session:
            _ask_to_call(session, ref.removeprefix("item:"), now=now)
    return len(refs)


def _ask_to_call(session: Session, item_id: str, *, now: datetime) -> None:
    item = steps.get_item(session, item_id, lock=True)
    clocks.end(session, steps.clock_ref(item.id), step=OWED, outcome="silent", now=now)
    if item.state is not ItemState.STOPPED:
        return
    steps.record(session, item, "case:silent", rule=OWED, actor=SYSTEM, now=now)
    _list_call(session, item, now=now)


def _list_call(session: Session, item: CaseItem, *, now: datetime) -> None:
    """A call for its papers, or a visit, unless somebody was reached already; and its clock."""
    telephone = reachable(session, item.household_id) is not None
    if not telephone and anybody_said(session, item.household_id):
        return
    ref, kind = steps.call_ref(item.id), TaskKind.CALL if telephone else TaskKind.VISIT
    if not was_called(session, item.id, steps.running_step(session, item.id)):
        visits.ask(session, item.household_id, CAUSE, ref=ref, kind=kind, actor=SYSTEM, now=now)
    clocks.start(session, CALL, steps.clock_ref(item.id), holder=Holder(district_code=item.district_code), now=now)


def leave_alone(session: Session, household_id: str, now: datetime, /) -> None:
    """Somebody there said how it may be reached: where no telephone is safe any more, nobody calls or comes for papers,
    and nobody is late with it."""
    if not nobody_may_call(session, household_id):
        return
    for item in _owing(session, household_id):
        visits.settle(session, steps.call_ref(item.id), actor=SYSTEM, now=now)
        clocks.end(session, steps.clock_ref(item.id), step=CALL, outcome="contact_unsafe", now=now)


def call_again(session: Session, household_id: str, now: datetime, /) -> None:
    """The household may be reached again: the call that fell away is made."""
    if nobody_may_call(session, household_id):
        return
    for item in _owing(session, household_id):
        if not clocks.running_of(session, steps.clock_ref(item.id)):
            _list_call(session, item, now=now)


def _owing(session: Session, household_id: str) -> Sequence[CaseItem]:
    owing = select(CaseItem).where(CaseItem.household_id == household_id, CaseItem.state == ItemState.STOPPED)
    return session.exec(owing).all()


reaching.WHEN_SAID.extend((leave_alone, call_again))
reaching.WHEN_USUAL.append(call_again)


def list_owing(
    session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 50
) -> tuple[Sequence[tuple[CaseItem, CaseStep]], int]:
    """Items of the actor's districts that wait for papers of the household, the longest first; and how many."""
    require(actor, "case:list")
    wanted: list[Any] = [col(CaseStep.stopped_at).is_not(None), col(CaseStep.ended_at).is_(None)]
    if actor.districts:
        wanted.append(col(CaseItem.district_code).in_(sorted(actor.districts)))
    joined = col(CaseStep.item_id) == col(CaseItem.id)
    total = session.execute(select(func.count()).select_from(CaseItem).join(CaseStep, joined).where(*wanted))
    order = (col(CaseStep.stopped_at), col(CaseItem.id))
    asked = select(CaseItem, CaseStep).join(CaseStep, joined).where(*wanted).order_by(*order)
    return session.exec(asked.offset(offset).limit(limit)).all(), int(total.scalar_one())


def call_of(session: Session, item_id: str, /) -> HomeVisit | None:
    """The newest call for an item's papers."""
    asked = select(HomeVisit).where(HomeVisit.source_ref == steps.call_ref(item_id))
    return session.exec(asked.order_by(col(HomeVisit.asked_at).desc(), col(HomeVisit.id)).limit(1)).first()


def was_called(session: Session, item_id: str, step: CaseStep, /) -> bool:
    """Whether somebody called since the papers were asked for, or went where there is no telephone, or tried to more
    than once. Who said how it may be reached is not silent because nobody answered."""
    call = call_of(session, item_id)
    if call is None or step.stopped_at is None or call.asked_at < step.stopped_at:
        return False
    if call.state is VisitState.DONE:
        return True
    return call.tries >= ENOUGH_TRIES and not anybody_said(session, call.household_id)


def right_to_refuse(item: CaseItem, step: CaseStep, /) -> str:
    """The right of whoever decides at the end of the item's path: the county, or the township where it confirms or
    gives fast aid."""
    rules = steps_of(item.path, district=item.district_code, on=local_day(item.started_at or step.started_at))
    last = next(rule for rule in rules if rule.code in steps.DECIDES)
    return "case:fast" if last.code == FAST else outcome.right_to_confirm(last)


def refuse(session: Session, item_id: str, /, *, note: str, late_cause: str, actor: Actor, now: datetime) -> CaseItem:
    """The papers did not come, though somebody called: the office that would confirm it refuses in writing."""
    item = steps.get_item(session, item_id, lock=True)
    step = steps.running_step(session, item.id)
    right = right_to_refuse(item, step)
    require(actor, right, district=item.district_code)
    if item.state is not ItemState.STOPPED or not was_called(session, item.id, step):
        raise WrongState("not_called_yet")
    outcome.refuse_part(session, item, fast=right == "case:fast", actor=actor)
    if actor.people & hands_of(session, CaseStep.item_id == item.id, CaseStep.outcome == lateness.DECISIONS[1]):
        raise NotAllowed("second_person_needed")
    step = steps.run_on(session, item.id, actor=SYSTEM, now=now)
    told: dict[str, Any] = {"note": note, "late_cause": late_cause, "actor": actor, "now": now}
    return outcome.settle(session, item, step, granted=False, amount_fen=0, reason=REASON, **told)
