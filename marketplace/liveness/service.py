"""A survival check from its opening to its end: asked, answered in one of the equal ways, or somebody goes.

Enters: a day that came, or a record of a death or a detention; then the person, a helper or staff. Leaves: a check that
says who saw the person, how and when, with one letter at each end. A record never decides by itself: it opens a check
whose answer is a visit, and that only staff end. Called by this room's pages and sweep, and by `rights` when a death is
recorded.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import guardians, members
from marketplace.households.models import Household, Person
from marketplace.liveness import duties
from marketplace.liveness.dead import BY_STAFF
from marketplace.liveness.models import WAITING, CheckCause, CheckState, SurvivalCheck, Way
from marketplace.policy import require
from marketplace.visits import service as visits

STEP, VISIT = "survival_check", "survival_visit"
LEAST_DAYS = 7
"""Nobody is given less time than this to answer."""
WISHES = ("video", "home", "counter")


def open_check(
    session: Session,
    person_id: str,
    cause: CheckCause,
    /,
    *,
    due_on: date,
    evidence: str = "",
    actor: Actor,
    now: datetime,
) -> SurvivalCheck:
    """Ask a person, or send somebody where a record says that they died or are detained. A check that waits already is
    raised to a visit by such a record, and is not doubled."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person")
    waiting = find_waiting(session, person.id)
    found = waiting or _new(session, person, cause, due_on=due_on, evidence=evidence, actor=actor, now=now)
    if cause is not CheckCause.SCHEDULE:
        found.cause, found.evidence = cause, evidence
        _to_visit(session, found, outcome=cause.value, actor=actor, now=now)
    elif waiting is None:
        clock = clocks.start(session, STEP, found.id, holder=Holder(household_id=found.household_id), now=now)
        clocks.set_last_day(session, clock, due_on)
        by = {"by": due_on.isoformat()}
        notices.post(session, "check_due", key=f"check:{found.id}", household_id=found.household_id, params=by, now=now)
    return found


def _new(
    session: Session, person: Person, cause: CheckCause, *, due_on: date, evidence: str, actor: Actor, now: datetime
) -> SurvivalCheck:
    home = session.get_one(Household, person.household_id)
    found = SurvivalCheck(
        id=new_id(),
        person_id=person.id,
        household_id=home.id,
        district_code=home.district_code,
        cause=cause,
        evidence=evidence,
        due_on=due_on,
        opened_by=actor.id,
        opened_at=now,
    )
    return _record(session, found, "survival:open", cause.value, actor=actor, now=now)


def report(
    session: Session, person_id: str, cause: CheckCause, /, *, evidence: str, actor: Actor, now: datetime
) -> SurvivalCheck:
    """Staff learnt of a death or a detention from a record: somebody goes and looks, nothing else happens."""
    person = session.get(Person, person_id)
    home = session.get(Household, person.household_id) if person is not None else None
    require(actor, "survival:report", district=home.district_code if home is not None else None)
    if cause is CheckCause.SCHEDULE or not evidence.strip():
        raise BadInput("bad_input", field="cause" if cause is CheckCause.SCHEDULE else "evidence")
    due_on = local_day(now) + timedelta(days=LEAST_DAYS)
    return open_check(session, person_id, cause, due_on=due_on, evidence=evidence.strip(), actor=actor, now=now)


def send_somebody(session: Session, check_id: str, /, *, now: datetime) -> None:
    """Nobody answered in time: the street's staff go. The benefit runs on."""
    found = session.get(SurvivalCheck, check_id, with_for_update=True, populate_existing=True)
    if found is not None and found.state is CheckState.OPEN:
        _to_visit(session, found, outcome="late", actor=SYSTEM, now=now)


def _to_visit(session: Session, found: SurvivalCheck, *, outcome: str, actor: Actor, now: datetime) -> None:
    found.state = CheckState.VISIT
    holder = Holder(district_code=found.district_code)
    clocks.move_on(session, found.id, outcome=outcome, step=VISIT, holder=holder, now=now)
    _record(session, found, "survival:visit", outcome, actor=actor, now=now)
    visits.ask(session, found.household_id, "SURVIVAL", ref=found.id, actor=actor, now=now)


def wish(session: Session, check_id: str, /, *, way: str, actor: Actor, now: datetime) -> SurvivalCheck:
    """The household would rather be called, visited, or come to the counter: staff find it on their list."""
    found, _person = own_check(session, check_id, actor=actor)
    if way not in WISHES:
        raise BadInput("bad_input", field="way")
    found.wish = way
    return _record(session, found, "survival:wish", way, actor=actor, now=now)


def record_seen(
    session: Session, check_id: str, /, *, way: Way, note: str = "", actor: Actor, now: datetime
) -> SurvivalCheck:
    """Staff saw the person by video, at home or at the counter."""
    found = _of_staff(session, check_id, actor=actor)
    if way not in BY_STAFF:
        raise BadInput("bad_input", field="way")
    found.note = note
    return mark_seen(session, found, way, actor=actor, now=now)


def record_not_met(session: Session, check_id: str, /, *, note: str, actor: Actor, now: datetime) -> SurvivalCheck:
    """Staff went and met nobody: they go again. Not being met is no ground to stop anything."""
    found = _of_staff(session, check_id, actor=actor)
    found.tries, found.note = found.tries + 1, note
    _to_visit(session, found, outcome="not_met", actor=actor, now=now)
    return found


def record_died(session: Session, check_id: str, /, *, note: str, actor: Actor, now: datetime) -> SurvivalCheck:
    """Staff went and were told that the person died; nobody asks
    again, unless the person is seen after all. What follows is decided by people, benefit by benefit."""
    found = _of_staff(session, check_id, actor=actor)
    if not note.strip():
        raise BadInput("bad_input", field="note")
    found.note = note.strip()
    return _end(session, found, CheckState.DIED, "survival:died", Way.HOME, actor=actor, now=now)


def record_detained(session: Session, check_id: str, /, *, note: str, actor: Actor, now: datetime) -> SurvivalCheck:
    """Told with evidence that the person is detained: it lives, nothing is cut here, and it is looked at again on the
    next day of each benefit."""
    found = _of_staff(session, check_id, actor=actor)
    if not note.strip():
        raise BadInput("bad_input", field="note")
    found.note = note.strip()
    duties.seen(session, found.person_id, now=now)
    return _end(session, found, CheckState.DETAINED, "survival:detained", Way.HOME, actor=actor, now=now)


def mark_seen(session: Session, found: SurvivalCheck, way: Way, /, *, actor: Actor, now: datetime) -> SurvivalCheck:
    """The person was seen: every benefit gets its next day, the household is told."""
    if way in BY_STAFF:
        members.speak_again(session, session.get_one(Person, found.person_id))
    duties.seen(session, found.person_id, now=now)
    ended = _end(session, found, CheckState.SEEN, "survival:seen", way, actor=actor, now=now)
    notices.post(session, "check_done", key=f"seen:{found.id}", household_id=found.household_id, now=now)
    return ended


def _end(
    session: Session, found: SurvivalCheck, state: CheckState, action: str, way: Way, *, actor: Actor, now: datetime
) -> SurvivalCheck:
    found.state, found.way = state, way
    found.done_at, found.done_by, found.done_role = now, actor.id, actor.role
    clocks.move_on(session, found.id, outcome=state.value, now=now)
    visits.settle(session, found.id, actor=actor, now=now)
    return _record(session, found, action, way.value, actor=actor, now=now)


def find_waiting(session: Session, person_id: str, /) -> SurvivalCheck | None:
    """The check that waits for this person, if there is one."""
    wanted = select(SurvivalCheck).where(SurvivalCheck.person_id == person_id, col(SurvivalCheck.state).in_(WAITING))
    return session.exec(wanted.with_for_update()).one_or_none()


def get_check(session: Session, check_id: str, action: str, /, *, actor: Actor) -> SurvivalCheck:
    """The check, if it is the actor's own or lies in its district."""
    found = session.get(SurvivalCheck, check_id)
    facts = {"household_id": found.household_id, "district": found.district_code} if found is not None else {}
    require(actor, action, **facts)
    if found is None:
        raise NotFound("survival_check")
    return found


def own_check(session: Session, check_id: str, *, actor: Actor) -> tuple[SurvivalCheck, Person]:
    """A waiting check of the actor's household. Each grown-up answers for itself, a verified guardian for its child; a
    helper answers with the person's own code."""
    found = waiting_for(session, check_id, "survival:answer", actor=actor)
    person = session.get_one(Person, found.person_id)
    signer = session.get(Person, actor.id) if actor.role is Role.HOUSEHOLD else None
    if signer is not None and signer.id != person.id and not _is_guardian(session, signer, person):
        raise WrongState("own_check_only")
    return found, person


def _is_guardian(session: Session, signer: Person, person: Person) -> bool:
    return any(link.guardian_id == signer.id for link in guardians.links_of(session, person.id))


def _of_staff(session: Session, check_id: str, *, actor: Actor) -> SurvivalCheck:
    return waiting_for(session, check_id, "survival:record", actor=actor)


def waiting_for(session: Session, check_id: str, action: str, /, *, actor: Actor) -> SurvivalCheck:
    """The check, locked, if it still waits."""
    found = get_check(session, check_id, action, actor=actor)
    session.refresh(found, with_for_update=True)
    if found.state not in WAITING:
        raise WrongState("check_over", state=found.state.value)
    return found


def of_household(session: Session, household_id: str, /) -> list[SurvivalCheck]:
    """All checks of a household, those that wait first."""
    wanted = select(SurvivalCheck).where(SurvivalCheck.household_id == household_id)
    found = session.exec(wanted.order_by(col(SurvivalCheck.opened_at).desc(), SurvivalCheck.id)).all()
    return sorted(found, key=lambda one: one.state not in WAITING)


def list_waiting(session: Session, /, *, actor: Actor, offset: int, limit: int) -> list[SurvivalCheck]:
    """What waits within the actor's districts: visits and wishes first, then by day."""
    require(actor, "survival:list", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(SurvivalCheck).where(col(SurvivalCheck.state).in_(WAITING))
    if actor.districts:
        wanted = wanted.where(col(SurvivalCheck.district_code).in_(sorted(actor.districts)))
    order = (col(SurvivalCheck.state).desc(), col(SurvivalCheck.wish) == "", col(SurvivalCheck.due_on))
    return list(session.exec(wanted.order_by(*order, col(SurvivalCheck.id)).offset(offset).limit(limit)))


def _record(
    session: Session, found: SurvivalCheck, action: str, rule: str, *, actor: Actor, now: datetime
) -> SurvivalCheck:
    session.add(found)
    flush(session)
    entry = audit.Entry(action, object_ref=found.id, subject=found.person_id, rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)
    return found
