"""A visit from its asking to its end: asked for, taken by somebody, done by one or two people, or no longer needed.

Enters: an alert, an overdue survival check, a step of an application, or the rule how often a class is seen. Leaves:
one visit for each cause, which goes to the household's own worker where it has one. A visit decides nothing: it says
whether somebody was met and what was found, closes the alert's task, and tells the watch that somebody was there. Rooms
above ask with `ask` and end with `settle`. Called by this room's pages and sweep, and by `liveness` and `cases`.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import after_working_days, local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households import kin, reaching
from marketplace.households.service import get_household, list_people, nobody_may_call
from marketplace.policy import require
from marketplace.reference.visiting import causes
from marketplace.signals import answering
from marketplace.signals.models import TaskKind, WatchTask
from marketplace.signals.taking import record_fact
from marketplace.visits import findings, workers
from marketplace.visits.models import WAITING, HomeVisit, VisitState

NOT_MET, HELP_NEEDED = "NOT_REACHED", "REACHED_NEEDS_HELP"
HELP_DAYS = timedelta(days=14)
"""So long temporary aid may begin with what a visit found, whatever became of its alerts."""
LETTER = "LETTER"
"""The cause of a visit that brings letters."""
AGAIN_AFTER = 2
"""Working days after which somebody goes again where nobody was met."""


def ask(
    session: Session,
    household_id: str,
    cause: str,
    /,
    *,
    ref: str,
    kind: TaskKind = TaskKind.VISIT,
    urgency: int | None = None,
    task: WatchTask | None = None,
    actor: Actor,
    now: datetime,
) -> HomeVisit:
    """Somebody is to go, or to call. Asked twice for the same thing it is the same visit."""
    found = _waiting(session, household_id, cause, ref=ref, kind=kind)
    if found is not None:
        return found
    home, rule = get_household(session, household_id), causes()[cause]
    visit = HomeVisit(
        id=new_id(),
        household_id=home.id,
        district_code=home.district_code,
        street_code=home.street_code,
        kind=kind,
        cause=cause,
        source_ref=ref,
        task_id=task.id if task is not None else None,
        urgency=rule.urgency if urgency is None else urgency,
        two=rule.two and kind is TaskKind.VISIT,
        due_on=local_day(after_working_days(now, rule.days, district=home.district_code)),
        worker_id=workers.worker_of(session, home.id),
        asked_by=actor.id,
        asked_at=now,
    )
    return record(session, visit, "visit:ask", rule=cause, actor=actor, now=now)


def _waiting(session: Session, household_id: str, cause: str, *, ref: str, kind: TaskKind) -> HomeVisit | None:
    return session.exec(
        select(HomeVisit).where(
            HomeVisit.household_id == household_id,
            HomeVisit.cause == cause,
            HomeVisit.kind == kind,
            HomeVisit.source_ref == ref,
            col(HomeVisit.state).in_(WAITING),
        )
    ).one_or_none()


def from_alert(session: Session, household_id: str, kind: TaskKind, /, *, actor: Actor, now: datetime) -> HomeVisit:
    """One tap on an alert: a call or a visit, as urgent as the most urgent alert; whoever tapped goes, unless the
    household knows somebody already. A household noted as kin of staff is seen by two."""
    if kind not in (TaskKind.CALL, TaskKind.VISIT):
        raise BadInput("bad_input", field="kind")
    if kind is TaskKind.CALL and nobody_may_call(session, household_id):
        raise WrongState("contact_unsafe")
    task = answering.start_task(session, household_id, kind, actor=actor, now=now)
    alerts = answering.open_alerts(session, household_id)
    near = any(alert.rule_code == "W28" for alert in alerts) or kin.of_staff(session, household_id)
    cause, ref = "KIN" if near and kind is TaskKind.VISIT else "ALERT", answering.ref_of(household_id)
    visit = ask(
        session, household_id, cause, ref=ref, kind=kind, urgency=alerts[0].rank, task=task, actor=actor, now=now
    )
    if visit.worker_id is None:
        take(session, visit.id, actor=actor, now=now)
    return visit


def settle(session: Session, ref: str, /, *, actor: Actor, now: datetime) -> int:
    """What asked for it is over in another way: nobody needs to go any more."""
    asked = select(HomeVisit).where(HomeVisit.source_ref == ref, col(HomeVisit.state).in_(WAITING))
    found = session.exec(asked.with_for_update()).all()
    for visit in found:
        visit.state = VisitState.DROPPED
        record(session, visit, "visit:drop", rule=visit.cause, actor=actor, now=now)
    return len(found)


def alerts_over(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> None:
    """No alert is left: who has not gone yet need not go. What one of two has written still waits for the other."""
    asked = select(HomeVisit).where(
        HomeVisit.source_ref == answering.ref_of(household_id), HomeVisit.state == VisitState.OPEN
    )
    for visit in session.exec(asked.with_for_update()).all():
        _drop(session, visit, actor=actor, now=now)


def _drop(session: Session, visit: HomeVisit, *, actor: Actor, now: datetime) -> None:
    visit.state = VisitState.DROPPED
    record(session, visit, "visit:drop", rule=visit.cause, actor=actor, now=now)
    task = session.get(WatchTask, visit.task_id) if visit.task_id else None
    if task is not None and task.done_at is None:
        answering.drop_task(session, task, actor=actor, now=now)


def call_off(session: Session, household_id: str, now: datetime, /) -> None:
    """Somebody there said how it may be reached: where no telephone is safe any more, calls leave the list. The alert
    for which somebody was to call is open again."""
    if not nobody_may_call(session, household_id):
        return
    asked = select(HomeVisit).where(HomeVisit.household_id == household_id, HomeVisit.kind == TaskKind.CALL)
    for visit in session.exec(asked.where(HomeVisit.state == VisitState.OPEN).with_for_update()).all():
        _drop(session, visit, actor=SYSTEM, now=now)


reaching.WHEN_SAID.append(call_off)
answering.WHEN_OVER.append(alerts_over)


def was_made(session: Session, ref: str, /) -> bool:
    """Whether somebody was there for this, and it is written down."""
    made = select(HomeVisit.id).where(HomeVisit.source_ref == ref, HomeVisit.state == VisitState.DONE)
    return session.exec(made.limit(1)).first() is not None


def found_need(visit: HomeVisit, /, *, now: datetime) -> bool:
    """Whether this visit or call of the last days found that help is needed."""
    return visit.outcome == HELP_NEEDED and visit.done_at is not None and visit.done_at > now - HELP_DAYS


def help_is_needed(session: Session, household_id: str, /, *, now: datetime) -> bool:
    """Whether one of a household's did."""
    made = select(HomeVisit).where(HomeVisit.household_id == household_id, HomeVisit.state == VisitState.DONE)
    return any(found_need(visit, now=now) for visit in session.exec(made))


def get_visit(
    session: Session, visit_id: str, /, *, actor: Actor, asks: str = "visit:list", lock: bool = False
) -> HomeVisit:
    """The visit, if it lies in the actor's district."""
    found = session.get(HomeVisit, visit_id, with_for_update=lock or None, populate_existing=lock)
    require(actor, asks, district=found.district_code if found is not None else None)
    if found is None:
        raise NotFound("home_visit")
    return found


def open_visit(session: Session, visit_id: str, /, *, actor: Actor) -> HomeVisit:
    """The visit, locked, if something can still be written on it."""
    found = get_visit(session, visit_id, actor=actor, asks="visit:write", lock=True)
    if found.state not in WAITING:
        raise WrongState("visit_over")
    return found


def take(session: Session, visit_id: str, /, *, actor: Actor, now: datetime) -> HomeVisit:
    """I go. Where the household has nobody of its own yet, I am the one from now on."""
    visit = open_visit(session, visit_id, actor=actor)
    visit.worker_id = actor.id
    workers.begin(session, visit.household_id, actor.id, actor=actor, now=now)
    return record(session, visit, "visit:take", rule=visit.cause, actor=actor, now=now)


def finish(
    session: Session, visit: HomeVisit, outcome: str, /, *, letters: Container[str] = (), actor: Actor, now: datetime
) -> HomeVisit:
    """It is written down, and these letters were brought. Where nobody was met it stays on the list, and what is said
    twice on one working day is one try; where two people go, the other one signs."""
    if visit.state is not VisitState.OPEN:
        raise WrongState("visit_over")
    again_on = local_day(after_working_days(now, AGAIN_AFTER, district=visit.district_code))
    if outcome == visit.outcome == NOT_MET and visit.due_on == again_on:
        return visit
    visit.outcome, visit.done_by = outcome, actor.id
    if outcome == NOT_MET:
        visit.tries += 1
        visit.due_on = again_on
        return record(session, visit, "visit:not_met", rule=visit.cause, actor=actor, now=now)
    if visit.two:
        visit.state = VisitState.SECOND
        return record(session, visit, "visit:first", rule=outcome, actor=actor, now=now)
    _done(session, visit, actor=actor, now=now)
    if visit.cause == LETTER:
        _letters_told(session, visit, letters, actor=actor, now=now)
    return visit


def open_again(session: Session, visit: HomeVisit, /, *, actor: Actor, now: datetime) -> HomeVisit:
    """Somebody saw it differently before the second signed: both words lie beside, and nobody has finished."""
    visit.state, visit.outcome, visit.done_by = VisitState.OPEN, "", ""
    return record(session, visit, "visit:reopen", rule=visit.cause, actor=actor, now=now)


def take_up(session: Session, visit: HomeVisit, /, *, actor: Actor, now: datetime) -> HomeVisit:
    """It was called off while somebody stood at the door without a network: it was made. Where the same is asked for
    anew in the district already, that one was made by it, and this stays as it is."""
    anew = _waiting(session, visit.household_id, visit.cause, ref=visit.source_ref, kind=visit.kind)
    if anew is None:
        return open_again(session, visit, actor=actor, now=now)
    return open_visit(session, anew.id, actor=actor) if anew.district_code == visit.district_code else visit


def sign_second(session: Session, visit_id: str, /, *, actor: Actor, now: datetime) -> HomeVisit:
    """The second person was there too, and agrees with what is written."""
    visit = open_visit(session, visit_id, actor=actor)
    if visit.state is not VisitState.SECOND:
        raise WrongState("visit_not_written")
    if visit.done_by in actor.people:
        raise NotAllowed("second_person_needed")
    visit.second_by = actor.id
    return _done(session, visit, actor=actor, now=now)


def _done(session: Session, visit: HomeVisit, *, actor: Actor, now: datetime) -> HomeVisit:
    visit.state, visit.done_at = VisitState.DONE, now
    task = session.get(WatchTask, visit.task_id) if visit.task_id else None
    if task is not None and task.done_at is None:
        answering.finish_task(session, task.id, result=visit.outcome, actor=actor, now=now)
    people = list_people(session, visit.household_id)
    if people:
        findings.tell(session, visit, people[0], actor=actor, now=now)
    if people and visit.kind is TaskKind.VISIT:
        record_fact(session, people[0], "VISIT", ref=f"visit:{visit.id}", on=local_day(now), actor=actor, now=now)
    return record(session, visit, "visit:done", rule=visit.outcome, actor=actor, now=now)


def _letters_told(session: Session, visit: HomeVisit, letters: Container[str], *, actor: Actor, now: datetime) -> None:
    """What came after the page was printed was not brought: somebody goes again for it."""
    home = visit.household_id
    if reaching.anybody_said(session, home):
        notices.to_page(session, home, now=now)
        return
    notices.brought(session, home, letters, actor=actor, now=now)
    if any(left.letter not in notices.GO_ALONG for left in notices.by_hand(session, home)):
        ask(session, home, LETTER, ref=visit.source_ref, actor=SYSTEM, now=now)


def record(session: Session, visit: HomeVisit, action: str, /, *, rule: str, actor: Actor, now: datetime) -> HomeVisit:
    """Keep the visit with its audit row."""
    session.add(visit)
    flush(session)
    entry = audit.Entry(action, object_ref=visit.id, subject=visit.household_id, rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)
    return visit
