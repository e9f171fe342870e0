"""The steps of an item: begin, go on to the next, stop while the household owes a paper, run on, and be urged.

Enters: an item and who acts. Leaves: step rows, one of which runs, and the clock that reminds. What a decision means is
told by `outcome`; here nothing is granted or refused. Called by `service`, `outcome`, `notice` and `departments`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day, working_days_between
from marketplace.cases import ahead, days, named
from marketplace.cases.ended import hands_of, mark_ended
from marketplace.cases.models import CaseItem, CaseStep, ItemState, Unit
from marketplace.cases.rules import FAST, StepRule, path_of, steps_of
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import kin
from marketplace.policy import require
from marketplace.visits import service as visits

OURS = ("confirm", "fast_aid")
"""Steps at which civil affairs decides itself."""
DECIDES = (*OURS, "department_answer")
"""Steps that end with a decision and with nothing else."""
PAYMENT = "payment"
PEOPLE = ("check_and_visit", "check_papers", "check_spending")
"""Steps whose end is the first opinion."""
HOLDS = {"TOWNSHIP": "case:handle", "COUNTY": "case:decide", "DEPARTMENT": "case:decide"}
"""Who holds a step ► the right of the people who end it; what a department answers on paper the county types in."""
NOTICES = ("public_notice", "re_notice")
"""Steps at which nothing is to be done: a notice hangs out, and no clock of staff runs."""
RE_NOTICE = StepRule(0, "re_notice", "TOWNSHIP", 3, Unit.CALENDAR)
"""After an objection the notice stands three days more (R2.11)."""
URGE_PAUSE = timedelta(days=1)
UNSEEN = "not_visited"
AT_HOME = "check_and_visit"
"""The step for which two people go to the household."""


def get_item(session: Session, item_id: str, /, *, lock: bool = False) -> CaseItem:
    """The item, or NotFound."""
    found = session.get(CaseItem, item_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("item")
    return found


def running_step(session: Session, item_id: str, /) -> CaseStep:
    """The step that an item stands at; WrongState if none."""
    found = session.exec(
        select(CaseStep).where(CaseStep.item_id == item_id, col(CaseStep.ended_at).is_(None))
    ).one_or_none()
    if found is None:
        raise WrongState("item_ended")
    return found


def begin(session: Session, item: CaseItem, /, *, now: datetime) -> CaseStep:
    """The item starts: its total and its first step."""
    path = path_of(item.code, district=item.district_code, on=local_day(now))
    rules = steps_of(item.path, district=item.district_code, on=local_day(now))
    item.state, item.started_at = ItemState.RUNNING, now
    fast = item.path == FAST
    item.due_at = (
        days.due_after(now, rules[0].limit, unit=rules[0].unit, district=item.district_code)
        if fast
        else days.due_after(now, path.total, unit=Unit.WORKING, district=item.district_code)
    )
    return start_step(session, item, rules[0], no=1, now=now)


def start_step(
    session: Session, item: CaseItem, rule: StepRule, /, *, no: int, before: CaseStep | None = None, now: datetime
) -> CaseStep:
    """One step begins to wait; one that goes on after `before` has what is left of its limit, and its beginning."""
    step = CaseStep(
        id=new_id(),
        item_id=item.id,
        case_id=item.case_id,
        no=no,
        code=rule.code,
        holder=rule.holder,
        limit_days=rule.limit,
        unit=rule.unit,
        started_at=now,
        ran_from=before.ran_from if before else now,
        due_at=before.due_at if before else _due_of(item, rule, now=now),
    )
    item.holder = rule.holder
    session.add(item)
    session.add(step)
    flush(session)
    if step.code not in NOTICES:
        _clock(session, item, step, now=now)
    if step.code == AT_HOME:
        visits.ask(session, item.household_id, "CASE", ref=item.id, actor=SYSTEM, now=now)
    return step


def _due_of(item: CaseItem, rule: StepRule, *, now: datetime) -> datetime:
    """The end of a step's limit; quick help is paid in what is left of its three days, at the least on that day."""
    if item.path == FAST and rule.code == PAYMENT and item.due_at is not None:
        return max(item.due_at, days.due_after(now, 0, unit=Unit.CALENDAR))
    return days.due_after(now, rule.limit, unit=rule.unit, district=item.district_code)


def _clock(session: Session, item: CaseItem, step: CaseStep, *, now: datetime) -> None:
    holder = Holder(district_code=item.district_code)
    ref = clock_ref(item.id)
    clocks.start_between(session, "case_step", ref, holder=holder, started=step.ran_from, due=step.due_at, now=now)


def clock_ref(item_id: str, /) -> str:
    """Under which an item's clock is found."""
    return f"item:{item_id}"


def call_ref(item_id: str, /) -> str:
    """Under which a call for an item's papers is found."""
    return f"papers:{item_id}"


def end_step(session: Session, item: CaseItem, step: CaseStep, /, *, outcome: str, actor: Actor, now: datetime) -> None:
    """The step is over."""
    if step.stopped_at is not None:
        raise WrongState("clock_stopped")
    mark_ended(step, outcome=outcome, actor=actor, now=now)
    clocks.end(session, clock_ref(item.id), outcome=outcome, now=now)
    if step.code == AT_HOME:
        visits.settle(session, item.id, actor=actor, now=now)
    session.add(step)
    flush(session)


def drop(session: Session, item: CaseItem, /, *, note: str, actor: Actor, now: datetime) -> None:
    """The item is not needed any more, wherever it stands: its step, its clock and its calls end."""
    asked = select(CaseStep).where(CaseStep.item_id == item.id, col(CaseStep.ended_at).is_(None))
    for step in session.exec(asked):
        step.stopped_at, step.left_days = None, None
        end_step(session, item, step, outcome="dropped", actor=actor, now=now)
    visits.settle(session, call_ref(item.id), actor=actor, now=now)
    item.state, item.note = ItemState.NOT_NEEDED, note
    session.add(item)
    flush(session)
    record(session, item, "case:drop", rule=note, actor=actor, now=now)


def finish(
    session: Session, item_id: str, /, *, opinion: str = "done", amount_fen: int = 0, actor: Actor, now: datetime
) -> CaseStep:
    """Whoever holds this step has done it; the next one begins. A step that decides is ended by a decision, a payment
    or a public notice by its own page. A household close to staff is visited before (R2.24); where nobody went, the
    record says so. A yes before a public notice names the amount that hangs there (R2.12); a no goes straight to the
    confirming office, for a notice belongs to aid and not to its refusal (R2.13)."""
    item = get_item(session, item_id, lock=True)
    require(actor, "case:view", district=item.district_code)
    step = running_step(session, item.id)
    require_holder(item, step, actor=actor)
    if step.code in (*DECIDES, *NOTICES, PAYMENT):
        raise WrongState("step_needs_its_own_page")
    kin.refuse_close(session, item.household_id, actor=actor)
    seen = step.code != AT_HOME or visits.was_made(session, item.id)
    if not seen and kin.of_staff(session, item.household_id):
        raise WrongState("visit_first")
    hangs_next = ahead.before_notice(item, step)
    if hangs_next:
        if opinion == "for" and not amount_fen:
            raise BadInput("notice_amount", field="amount_fen")
        item.notice_fen = amount_fen if opinion == "for" else 0
    end_step(session, item, step, outcome=opinion, actor=actor, now=now)
    record(session, item, "case:step", rule=step.code, decision="" if seen else UNSEEN, actor=actor, now=now)
    return next_step(session, item, step, noticed=not (hangs_next and opinion == "against"), now=now)


def require_holder(item: CaseItem, step: CaseStep, /, *, actor: Actor) -> None:
    """Only who holds a step ends it, or opens what lies with it."""
    require(actor, HOLDS[step.holder], district=item.district_code)


def first_opinions(session: Session, item_id: str, /) -> set[str]:
    """Who gave the first opinion on an item."""
    return hands_of(session, CaseStep.item_id == item_id, col(CaseStep.code).in_(PEOPLE))


def next_step(session: Session, item: CaseItem, step: CaseStep, /, *, noticed: bool = True, now: datetime) -> CaseStep:
    """The step after this one in the item's path, as the path was when the item began; without its notice, if so."""
    begun = local_day(item.started_at or now)
    for rule in steps_of(item.path, district=item.district_code, on=begun):
        if rule.no > step.no and (noticed or rule.code not in NOTICES):
            return start_step(session, item, rule, no=rule.no, now=now)
    raise WrongState("item_ended")


def stop(session: Session, item_id: str, /, *, missing: str, actor: Actor, now: datetime) -> CaseStep:
    """The household owes papers: told once, all of them (R2.06); a second time only by a verifier, and it is counted.
    No clock runs against the office meanwhile."""
    item = get_item(session, item_id, lock=True)
    require(actor, "case:handle", district=item.district_code)
    step = running_step(session, item.id)
    if item.state is not ItemState.RUNNING or step.code in NOTICES:
        raise WrongState("clock_cannot_stop")
    if not missing.strip():
        raise BadInput("missing_list", field="missing")
    if item.stops and actor.role is not Role.VERIFIER:
        raise BadInput("asked_before", field="missing")
    item.stops += 1
    step.stopped_at, step.stopped_for = now, missing.strip()[:400]
    step.left_days = days.left_at(now, step.due_at, unit=step.unit, district=item.district_code)
    item.state = ItemState.STOPPED
    clocks.end(session, clock_ref(item.id), outcome="stopped", now=now)
    holder = Holder(household_id=item.household_id, district_code=item.district_code)
    clocks.start(session, "case_papers", clock_ref(item.id), holder=holder, now=now)
    session.add_all([item, step])
    notices.post(session, "case_waits", key=f"stop:{step.id}:{item.stops}", household_id=item.household_id, now=now)
    return _recorded(session, item, step, "case:stop", actor=actor, now=now)


def run_on(session: Session, item_id: str, /, *, actor: Actor, now: datetime) -> CaseStep:
    """The household has answered: the clock goes on with the days it had left."""
    item = get_item(session, item_id, lock=True)
    require(actor, "case:answer", household_id=item.household_id, district=item.district_code)
    step = running_step(session, item.id)
    if step.stopped_at is None or step.left_days is None:
        raise WrongState("clock_runs")
    stopped, here = step.stopped_at, item.district_code
    if item.due_at is not None:
        unit = step.unit if item.path == FAST else Unit.WORKING  # as it was set
        left = days.left_at(stopped, item.due_at, unit=unit, district=here)
        item.due_at = days.due_with(now, left, unit=unit, district=here)
    step.due_at = days.due_with(now, step.left_days, unit=step.unit, district=here)
    step.stopped_days += working_days_between(local_day(stopped), local_day(now), district=here)
    step.ran_from += now - stopped
    step.stopped_at, step.left_days, item.state = None, None, ItemState.RUNNING
    session.add_all([item, step])
    clocks.end(session, clock_ref(item.id), outcome="answered", now=now)
    visits.settle(session, call_ref(item.id), actor=actor, now=now)
    flush(session)
    _clock(session, item, step, now=now)
    return _recorded(session, item, step, "case:run_on", actor=actor, now=now)


def urge(session: Session, item_id: str, /, *, asks: str = "case:urge", actor: Actor, now: datetime) -> CaseStep:
    """The household reminds whoever holds its item (催办), at most once a day: that person has a letter, and the number
    of times is shown to all."""
    item = get_item(session, item_id, lock=True)
    require(actor, asks, household_id=item.household_id, district=item.district_code)
    step = running_step(session, item.id)
    if step.stopped_at is not None:
        raise WrongState("clock_stopped")
    last = audit_day(session, item.id)
    if last is not None and now - last < URGE_PAUSE:
        raise WrongState("urged_today")
    step.urged += 1
    session.add(step)
    person = named.holder_of(session, item, step)
    if person is not None:
        key = f"urge:{step.id}:{step.urged}"
        notices.post(session, "reminder_staff", key=key, account_id=person.id, now=now)
    return _recorded(session, item, step, "case:urge", actor=actor, now=now)


def audit_day(session: Session, item_id: str, /) -> datetime | None:
    """When an item was urged last."""
    found = session.execute(
        select(col(audit.AuditRow.at))
        .where(col(audit.AuditRow.object_ref) == item_id, col(audit.AuditRow.action) == "case:urge")
        .order_by(col(audit.AuditRow.seq).desc())
        .limit(1)
    ).scalar_one_or_none()
    return datetime.fromisoformat(found) if found else None


def _recorded(session: Session, item: CaseItem, step: CaseStep, act: str, *, actor: Actor, now: datetime) -> CaseStep:
    flush(session)
    record(session, item, act, rule=step.code, actor=actor, now=now)
    return step


def record(
    session: Session, item: CaseItem, act: str, /, *, rule: str, decision: str = "", actor: Actor, now: datetime
) -> None:
    """One audit row about an item."""
    entry = audit.Entry(act, object_ref=item.id, subject=item.household_id, rule_id=rule, decision=decision)
    audit.record(session, entry, actor=actor, now=now)


def list_steps(session: Session, case_id: str, /) -> list[CaseStep]:
    """All steps of a case in the order they began."""
    order = (col(CaseStep.started_at), col(CaseStep.no), col(CaseStep.id))
    return list(session.exec(select(CaseStep).where(CaseStep.case_id == case_id).order_by(*order)))
