"""A decision that turned out to be wrong: the deciding step begins once more, for somebody who did not decide.

Enters: an item against whose decision an appeal was right: a refusal, an amount, or a department's answer. Leaves: the
item running at the step that ended it, with a new limit, pushed to its department anew where that one decides, its case
open again, and what fell with the refusal waiting as before, also in other applications; or what was granted as it was,
where the household takes its application back meanwhile. Called by `appeals` and `withdrawing`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import days, larger, lateness, once, orders, outcome, steps, uncovered
from marketplace.cases.models import Case, CaseItem, CaseState, CaseStep, ItemState, Unit
from marketplace.cases.rules import StepRule, path_of
from marketplace.clocks import service as clocks
from marketplace.db import flush


def decide_again(session: Session, item_id: str, /, *, actor: Actor, now: datetime) -> bool:
    """Whether the item waits for a new decision now. What was granted stays on its page and is paid until the new one,
    which gives no less. Where the household has asked for the same again meanwhile, the older application is the one
    that is decided: the newer item falls. Where the same has been granted meanwhile, there is nothing left to decide.
    """
    item = steps.get_item(session, item_id, lock=True)
    last = lateness.last_decision(session.exec(select(CaseStep).where(CaseStep.item_id == item.id)).all())
    if once.granted_besides(session, item, on=local_day(now)) is not None:
        return False
    if item.state not in (ItemState.REFUSED, ItemState.GRANTED) or item.over_on is not None or last is None:
        return False
    refused = item.state is ItemState.REFUSED
    _end_payment(session, item, actor=actor, now=now)
    newer = once.open_besides(session, item)
    if newer is not None:
        _take_over(session, item, newer, actor=actor, now=now)
    item.state, item.reason, item.note, item.letter = ItemState.RUNNING, "", "", ""
    item.decided_at, item.decided_by, item.month, item.days_taken = None, "", "", 0
    item.decided_for = item.late_cause = ""
    _push_anew(item)
    item.due_at = _due(item, last, now=now)
    rule = StepRule(last.no, last.code, last.holder, last.limit_days, last.unit)
    steps.start_step(session, item, rule, no=last.no, now=now)
    _open(session, session.get_one(Case, item.case_id), now=now)
    _wait_again(session, item, item.case_id, now=now)
    if refused:
        _wait_elsewhere(session, item, now=now)
    if newer is not None:
        outcome.follow(session, newer.case_id, now=now)
    steps.record(session, item, "case:again", rule=last.code, actor=actor, now=now)
    return True


def _due(item: CaseItem, last: CaseStep, *, now: datetime) -> datetime:
    """The limit of that step; of an item that was refused for silence the whole of its path, for the rest of it is
    still to come."""
    here = item.district_code
    if last.code in steps.DECIDES:
        return days.due_after(now, last.limit_days, unit=last.unit, district=here)
    total = path_of(item.code, district=here, on=local_day(item.started_at or now)).total
    return days.due_after(now, total, unit=Unit.WORKING, district=here)


def _take_over(session: Session, item: CaseItem, newer: CaseItem, *, actor: Actor, now: datetime) -> None:
    """The newer application leaves this item to the older one, as does whatever left it to the newer one, and what
    waits there waits for it; one that was late is counted. The larger aid of the same application goes on when the
    quick help is decided."""
    lateness.close(session, newer, lateness.TAKEN_OVER, now=now)
    if newer.case_id == item.case_id:
        steps.drop(session, newer, note=larger.QUICK_FIRST, actor=actor, now=now)
        return
    steps.drop(session, newer, note="decided_elsewhere", actor=actor, now=now)
    for case_id in {newer.case_id, *once.waiting_on(session, newer)} - {item.case_id}:
        once.leave_to(session, session.get_one(Case, case_id), item)
    flush(session)


def _push_anew(item: CaseItem) -> None:
    """A department gets it once more under a new key: under the old one it would be a repeat, and changes nothing."""
    item.turn += 1
    item.pushed_at, item.recalled_at, item.heard_seq = None, None, 0


def _end_payment(session: Session, item: CaseItem, *, actor: Actor, now: datetime) -> None:
    """The item stands at its decision again; the order can be paid all the same until the new decision, which orders
    the difference or, where it was not paid, all of it."""
    asked = select(CaseStep).where(CaseStep.item_id == item.id, col(CaseStep.ended_at).is_(None))
    step = session.exec(asked).one_or_none()
    if step is not None:
        steps.end_step(session, item, step, outcome=orders.AGAIN, actor=actor, now=now)


def _open(session: Session, case: Case, *, now: datetime) -> None:
    """The case is open again, also where the rest of it was taken back: what stayed uncovered is not known yet."""
    if case.state in (CaseState.CLOSED, CaseState.WITHDRAWN):
        case.state, case.decision, case.decided_at = CaseState.OPEN, None, None
        session.add(case)
        clocks.end(session, uncovered.ref_of(case.id), outcome="again", now=now)


def _wait_again(session: Session, item: CaseItem, case_id: str, *, now: datetime) -> bool:
    """What fell with the refusal waits for the new decision, unless it runs or is granted in another application."""
    fallen = select(CaseItem).where(CaseItem.case_id == case_id, CaseItem.state == ItemState.NOT_NEEDED)
    found = False
    for other in session.exec(fallen.order_by(col(CaseItem.id))):
        if item.code not in other.after or (other.note and case_id != item.case_id):
            continue
        if once.open_besides(session, other) or once.granted_besides(session, other, on=local_day(now)):
            continue
        lateness.set_waiting(other)
        _push_anew(other)
        session.add(other)
        found = True
    flush(session)
    return found


def _wait_elsewhere(session: Session, item: CaseItem, *, now: datetime) -> None:
    """The same in the household's other applications that had left this item to its own: one that was decided without
    what fell is open again, one that was taken back stays so."""
    states = (CaseState.OPEN, CaseState.CLOSED)
    for case_id in once.waiting_on(session, item, states=states):
        case = session.get_one(Case, case_id, with_for_update=True, populate_existing=True)
        if case.state in states and _wait_again(session, item, case.id, now=now):
            _open(session, case, now=now)


def let_stand(session: Session, item: CaseItem, /, *, actor: Actor, now: datetime) -> bool:
    """Taken back while it is decided anew: what was granted stays granted, and is paid. False where nothing was."""
    wanted = select(CaseStep).where(CaseStep.item_id == item.id, CaseStep.outcome == "granted")
    last = session.exec(wanted.order_by(col(CaseStep.ended_at).desc()).limit(1)).first()
    if last is None or last.ended_at is None:
        return False
    step, waiting = steps.running_step(session, item.id), orders.payable(session, item)
    step.stopped_at, step.left_days = None, None
    steps.end_step(session, item, step, outcome="withdrawn", actor=actor, now=now)
    item.state, item.decided_at = ItemState.GRANTED, last.ended_at
    item.decided_by, item.decided_for = last.ended_by, last.ended_for
    item.month = f"{local_day(last.ended_at):%Y-%m}"
    item.days_taken = lateness.days_taken(session, item, now=last.ended_at)
    if waiting is not None:
        orders.wait_on(session, item, *waiting, now=now)
    return True
