"""What comes of an item: granted or refused by a person, and what follows for the items that waited for it.

Enters: a decision with its amount or its reason. Leaves: the item's end, its letter, the cascade 低保 ► borderline ►
rigid spending on the same papers, benefits by label without an application, and the closed case. Whoever gave the first
opinion does not confirm; nothing that was late ends without its cause. A refused family enters the low-income register,
is told, and may object. Called by the pages of this room and by `departments`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, or_
from sqlmodel import Session, col

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import ahead, hands, larger, lateness, once, orders, register, steps, yes
from marketplace.cases import granted as beginning
from marketplace.cases import uncovered as left
from marketplace.cases.ended import hands_of
from marketplace.cases.evaluate import LABEL_CHANNEL
from marketplace.cases.models import ENDED, Case, CaseDecision, CaseItem, CaseState, CaseStep, ItemState
from marketplace.cases.rules import StepRule, waits_for
from marketplace.cases.service import list_items
from marketplace.db import flush
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.households import kin
from marketplace.policy import may, require
from marketplace.reference.words import list_codes

ON_PAPER = yes.ON_PAPER
TO_NOTICE = "to_notice"
"""The end of a confirmation that would grant what the first opinion was against, or more than hung out: the notice
hangs out before."""


def decide(
    session: Session,
    item_id: str,
    /,
    *,
    granted: bool,
    amount_fen: int = 0,
    reason: str = "",
    note: str = "",
    letter: str = "",
    late_cause: str = "",
    found: str = "",
    goes_on: bool = False,
    actor: Actor,
    now: datetime,
) -> CaseItem:
    """A person of the confirming office says yes or no: the county, or the township where it holds the
    confirmation. The township alone decides the fast path, up to its cap; about aid for the same cause in the same year
    again, the county does. What another department answered on paper is typed in by the confirming office, with the
    number of its `letter`. A yes against the first opinion, or to more than the public notice named, goes to the notice
    first; a yes to money names an amount, and one to an item of several classes the class that was `found`;
    with `goes_on` the larger aid follows quick help for what happened."""
    item = steps.get_item(session, item_id, lock=True)
    step = steps.running_step(session, item.id)
    fast = step.code == "fast_aid"
    again = granted and yes.is_aided(session, item, now=now)
    if fast and not (again and may(actor, "case:decide").allow):
        require(actor, "case:fast", district=item.district_code)
    else:
        require(actor, right_to_confirm(step), district=item.district_code)
    if step.code not in (*steps.OURS, ON_PAPER):
        raise WrongState("step_not_decided_here")
    if step.code == ON_PAPER and not letter.strip():
        raise BadInput("letter_missing", field="letter")
    refuse_part(session, item, fast=fast, actor=actor)
    if again:
        yes.allow_again(note, actor=actor)
    if granted:
        yes.check(session, item, step, amount_fen=amount_fen, found=found, note=note, now=now)
    elif reason == larger.NOT_SUDDEN and not (fast and larger.may_begin(session, item, now=now)):
        raise BadInput("reason_missing", field="reason")
    owed = granted and step.code == "confirm"
    notice = ahead.owed_notice(session, item, amount_fen=amount_fen) if owed else None
    if notice is not None:
        return _hang_out(session, item, step, notice, amount_fen=amount_fen, actor=actor, now=now)
    return settle(
        session,
        item,
        step,
        granted=granted,
        amount_fen=amount_fen,
        reason=reason,
        note=note,
        letter=letter,
        late_cause=late_cause,
        found=found,
        goes_on=goes_on,
        actor=actor,
        now=now,
    )


def right_to_confirm(step: CaseStep | StepRule, /) -> str:
    """Where the table hands the confirmation down to the township, its verifier may decide."""
    return "case:confirm" if step.code == "confirm" and step.holder == "TOWNSHIP" else "case:decide"


def _hang_out(
    session: Session, item: CaseItem, step: CaseStep, rule: StepRule, *, amount_fen: int, actor: Actor, now: datetime
) -> CaseItem:
    """The confirming office is for what the first opinion was against, or for more than hung out: it is decided after
    a public notice of this amount."""
    item.notice_fen = amount_fen
    steps.end_step(session, item, step, outcome=TO_NOTICE, actor=actor, now=now)
    steps.record(session, item, "case:step", rule=step.code, decision=TO_NOTICE, actor=actor, now=now)
    steps.start_step(session, item, rule, no=rule.no, now=now)
    return item


def refuse_part(session: Session, item: CaseItem, /, *, fast: bool = False, actor: Actor) -> None:
    """Who is close to the household, gave the first opinion, or decided before does not decide; nor, where the street
    office is alone, who took the application down."""
    kin.refuse_close(session, item.household_id, actor=actor)
    hands.refuse(session, item, steps.running_step(session, item.id).code, actor=actor)
    if not fast and actor.people & steps.first_opinions(session, item.id):
        raise NotAllowed("second_person_needed")
    if actor.people & _decided_before(session, item.id):
        raise NotAllowed("second_person_needed")


def settle(
    session: Session,
    item: CaseItem,
    step: CaseStep,
    /,
    *,
    granted: bool,
    amount_fen: int,
    reason: str,
    note: str,
    letter: str = "",
    late_cause: str,
    found: str = "",
    goes_on: bool = False,
    actor: Actor,
    now: datetime,
) -> CaseItem:
    """The end of an item, whoever decided it. What was granted before an appeal is the least."""
    if is_less(session, item, granted=granted, amount_fen=amount_fen):
        raise BadInput("less_than_before", field="amount_fen" if granted else "verdict")
    if not granted and reason not in list_codes("case_reason"):
        raise BadInput("reason_missing", field="reason")
    late = lateness.is_late(session, item, now=now)
    if late and late_cause not in lateness.late_causes():
        raise BadInput("late_cause_missing", field="late_cause")
    steps.end_step(session, item, step, outcome="granted" if granted else "refused", actor=actor, now=now)
    item.state = ItemState.GRANTED if granted else ItemState.REFUSED
    item.amount_fen = item.covered_fen = amount_fen if granted else 0
    item.reason, item.note, item.late_cause = "" if granted else reason, note.strip()[:400], late_cause if late else ""
    item.decided_at, item.letter = now, " ".join(letter.split())[:40]
    item.found = found if granted and found else item.found
    item.decided_by, item.decided_for = actor.id, actor.stood_for
    item.late_with = lateness.late_with(session, item, now=now) if late else ""
    item.days_taken, item.month = lateness.days_taken(session, item, now=now), f"{local_day(now):%Y-%m}"
    session.add(item)
    flush(session)
    steps.record(session, item, "case:decide", rule=item.code, decision=item.state.value, actor=actor, now=now)
    key = f"item:{item.id}:{step.id}"
    notices.post(session, "case_decided", key=key, household_id=item.household_id, now=now)
    if granted:
        _pay(session, item, step, now=now)
        beginning.begin(session, item, now=now)
    else:
        beginning.end(session, item, actor=actor, now=now)
    larger.begin(session, item, asked=goes_on, now=now)
    follow(session, item.case_id, now=now)
    follow_others(session, item, now=now)
    return item


def is_less(session: Session, item: CaseItem, /, *, granted: bool, amount_fen: int) -> bool:
    """Whether an item that is decided anew would get less than it has: who asks is not worse off for it."""
    return beginning.was_granted(session, item) and not (granted and amount_fen >= item.amount_fen)


def _decided_before(session: Session, item_id: str) -> set[str]:
    """Who refused it before an appeal was found right, be it for silence."""
    silent = and_(col(CaseStep.outcome) == lateness.DECISIONS[1], col(CaseStep.code) != ON_PAPER)
    ours = (CaseStep.item_id == item_id, or_(col(CaseStep.code).in_(steps.OURS), silent))
    return hands_of(session, *ours, CaseStep.outcome != TO_NOTICE)


def _pay(session: Session, item: CaseItem, step: CaseStep, *, now: datetime) -> None:
    """The order to pay is a step of its own with its own limit; paths without one are paid elsewhere. What was paid
    before a new decision is not ordered again."""
    if item.paid_fen and not orders.to_pay(item):
        return
    try:
        begun = steps.next_step(session, item, step, now=now)
    except WrongState:
        orders.count_as_paid(item)
        flush(session)
        return
    orders.begin(session, item, begun, now=now)
    flush(session)


def follow(session: Session, case_id: str, /, *, now: datetime) -> None:
    """Start, or let go, what waited; then close the case if nothing is open any more."""
    case, moved = session.get_one(Case, case_id), True
    while moved:
        items = once.counting(session, case)
        moved = sum(_start_or_drop(session, case, item, items, now=now) for item in list_items(session, case.id)) > 0
    _close(session, case, now=now)


def follow_others(session: Session, item: CaseItem, /, *, now: datetime) -> None:
    """The household's other applications that left this item to its own wait for it too."""
    for case_id in once.waiting_on(session, item):
        follow(session, case_id, now=now)


def _start_or_drop(
    session: Session, case: Case, item: CaseItem, items: dict[str, list[CaseItem]], *, now: datetime
) -> bool:
    if item.state is not ItemState.WAITING:
        return False
    sent = local_day(case.submitted_at or now)
    waits = waits_for(item.code, district=item.district_code, on=sent)  # as it was when the household was told of it
    wanted = {code: when for code, when in waits.items() if code in item.after}
    states = {code: once.result_of(items[code]) for code in wanted}
    over = all(one.state in ENDED for code in wanted for one in items[code])
    begins = any(_is_told(states[code], when) for code, when in wanted.items())
    begins |= over and ("ended" in wanted.values() or not wanted)
    if begins and item.code in register.CLASSES and not case.all_classes:
        item.state, item.note = ItemState.NOT_NEEDED, "not_asked_for"
    elif begins:
        steps.begin(session, item, now=now)
        steps.record(session, item, "case:cascade", rule=item.code, actor=SYSTEM, now=now)
        return True
    elif over:
        item.state = ItemState.NOT_NEEDED
    else:
        return False
    session.add(item)
    flush(session)
    return True


def _is_told(state: ItemState, when: str) -> bool:
    """Whether this is the end that starts what waits; a class that was taken back was not given, as a refused one."""
    return state.value == when or (when == ItemState.REFUSED.value and state is ItemState.WITHDRAWN)


def _close(session: Session, case: Case, *, now: datetime) -> None:
    items = list_items(session, case.id)
    if case.state is not CaseState.OPEN or any(item.state not in ENDED for item in items):
        return
    states = [item.state for item in items]
    refused, granted = ItemState.REFUSED in states, ItemState.GRANTED in states
    if ItemState.WITHDRAWN in states and not (refused or granted):
        case.state = CaseState.WITHDRAWN
    else:
        kind = CaseDecision.PARTLY if refused else CaseDecision.GRANTED
        case.decision = kind if granted else CaseDecision.REFUSED
        case.state, case.decided_at = CaseState.CLOSED, now
    session.add(case)
    flush(session)
    said = case.decision.value if case.decision else ""
    entry = audit.Entry("case:close", object_ref=case.id, subject=case.household_id, decision=said)
    audit.record(session, entry, actor=SYSTEM, now=now)
    left.ask(session, case, now=now)
    if case.review_of is None and case.channel != LABEL_CHANNEL and register.is_left_out(items):
        register.enter(session, case, now=now)
