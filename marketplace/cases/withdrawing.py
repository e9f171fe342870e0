"""A household takes its application back: what runs ends, nothing is hidden by it.

Enters: an open case or a draft. Leaves: every item that is not decided as withdrawn; one that was late then is counted
in its month with that cause; a family that is left without one of the classes, or without anything, enters the
low-income register as a refused one does, is told, and may object; what was refused before is handed on all the same,
with its yes; what was only looked at or decided anew stays granted. Or one thing alone, and the rest goes on. Called by
the household's page and, after a second call, by `answers`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.cases import again, larger, lateness, outcome, register, steps, uncovered
from marketplace.cases.ended import mark_ended
from marketplace.cases.models import ENDED, Case, CaseItem, CaseState, ItemState
from marketplace.cases.service import get_case, list_items
from marketplace.clocks import service as clocks
from marketplace.db import flush
from marketplace.errors import WrongState
from marketplace.visits import service as visits


def withdraw(session: Session, case_id: str, /, *, asks: str = "case:withdraw", actor: Actor, now: datetime) -> Case:
    """The household takes its application back; what was granted stays granted."""
    case = get_case(session, case_id, actor=actor, asks=asks)
    if is_over(session, case.id):
        raise WrongState("case_closed")
    sent = case.state is CaseState.OPEN
    end_open(session, case, actor=actor, now=now)
    if sent and case.review_of is None and register.is_left_out(list_items(session, case.id)):
        register.enter(session, case, now=now)
    uncovered.ask(session, case, now=now)
    return case


def withdraw_item(
    session: Session, item_id: str, /, *, asks: str = "case:withdraw", actor: Actor, now: datetime
) -> CaseItem:
    """The household takes one thing back: what waited for it goes on or falls, and the rest of the application runs,
    also what had fallen because this was decided anew. The last that is open is the application itself."""
    case = get_case(session, steps.get_item(session, item_id).case_id, actor=actor, asks=asks)
    session.refresh(case, with_for_update=True)
    item = steps.get_item(session, item_id, lock=True)
    if item.state in ENDED:
        raise WrongState("item_ended")
    _end(session, item, actor=actor, now=now)
    _end_step(session, item, actor=actor, now=now)
    flush(session)
    steps.record(session, item, "case:withdraw", rule=item.code, actor=actor, now=now)
    larger.begin(session, item, now=now)
    if all(one.state in ENDED for one in list_items(session, case.id)):
        withdraw(session, case.id, asks=asks, actor=actor, now=now)
    else:
        outcome.follow(session, case.id, now=now)
    outcome.follow_others(session, item, now=now)
    return item


def is_over(session: Session, case_id: str, /) -> bool:
    """Whether nothing of the case is left to take back: it was decided, or taken back, meanwhile."""
    return session.get_one(Case, case_id).state not in (CaseState.DRAFT, CaseState.OPEN)


def is_running(session: Session, item_id: str, /) -> bool:
    """Whether this one thing can still be taken back: it was not decided, or taken back, meanwhile."""
    return steps.get_item(session, item_id).state not in ENDED


def end_open(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> Case:
    """Everything of a case that is not decided ends as withdrawn; the caller has asked who may."""
    ended = [item for item in list_items(session, case.id) if item.state not in ENDED]
    for item in ended:
        _end(session, item, actor=actor, now=now)
        _end_step(session, item, actor=actor, now=now)
    larger.take_back(session, ended)
    case.state = CaseState.WITHDRAWN
    session.add(case)
    flush(session)
    entry = audit.Entry("case:withdraw", object_ref=case.id, subject=case.household_id, rule_id=case.proxy_id or "")
    audit.record(session, entry, actor=actor, now=now)
    for item in ended:
        outcome.follow_others(session, item, now=now)
    return case


def _end_step(session: Session, item: CaseItem, *, actor: Actor, now: datetime) -> None:
    """The step at which it stood; the order to pay what was granted before goes on."""
    for step in steps.list_steps(session, item.case_id):
        if step.item_id == item.id and step.ended_at is None and step.code != steps.PAYMENT:
            mark_ended(step, outcome="withdrawn", actor=actor, now=now)
            step.stopped_at, step.left_days = None, None
            session.add(step)


def _end(session: Session, item: CaseItem, *, actor: Actor, now: datetime) -> None:
    lateness.close(session, item, lateness.TAKEN_BACK, now=now)
    clocks.end(session, steps.clock_ref(item.id), outcome="withdrawn", now=now)
    if not again.let_stand(session, item, actor=actor, now=now):
        item.state = ItemState.WITHDRAWN
    session.add(item)
    for ref in (item.id, steps.call_ref(item.id)):
        visits.settle(session, ref, actor=actor, now=now)
