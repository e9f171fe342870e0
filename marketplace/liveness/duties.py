"""Benefits with a day on which somebody is to be seen.

Enters: a benefit that begins (staff, a granted item, or the register as a list told it), or a person who was seen.
Leaves: duties with their next day. Nothing here can stop a benefit: `end_duty` is a person's act with a reason. Where
that says the benefit is over, the family leaves the benefit's category of the register, and the watch of two years
begins. With a person's last duty the question that waits falls, too. Called by this room and by rooms that grant.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.db import flush, lock_rows, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import categories
from marketplace.households.models import Household, Person
from marketplace.liveness.models import WAITING, CheckCause, CheckState, SurvivalCheck, SurvivalDuty
from marketplace.policy import require
from marketplace.reference.monitoring import is_personal
from marketplace.reference.survival import survival_rule
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes
from marketplace.visits import service as visits

CATEGORIES = {
    "DIBAO": "IN_REGISTER",
    "TEKUN": "IN_REGISTER",
    "DISABLED": "DISABILITY_SUBSIDY",
    "SENIOR": "SENIOR_ALLOWANCE",
    "ORPHAN": "ORPHAN",
}
"""Benefit ► category of the register that it stands for."""
LEAVES = {"benefit_over": "BENEFIT_OVER", "died": "DIED", "moved": "MOVED"}
"""Why a duty ends ► why a category ends; of a household of several people the last two say nothing of the others."""


def enrol(
    session: Session, person_id: str, kind: str, /, *, since: date | None = None, actor: Actor, now: datetime
) -> SurvivalDuty:
    """This person draws this benefit from today: seen again after the rule's months. Enrolled twice, it stays. Drawn
    `since` a day before, it is seen on the next of the days that follow from that one."""
    person = session.get(Person, person_id)
    home = session.get(Household, person.household_id) if person is not None else None
    require(actor, "survival:enrol", district=home.district_code if home is not None else None)
    if person is None or home is None:
        raise NotFound("person")
    today = local_day(now)
    try:
        rule = survival_rule(kind, today)
    except UnknownCode as error:
        raise BadInput("bad_input", field="kind") from error
    running = duties_of(session, person.id, kind=kind)
    if running:
        return running[0]
    duty = SurvivalDuty(
        id=new_id(),
        person_id=person.id,
        household_id=home.id,
        district_code=home.district_code,
        kind=kind,
        next_on=rule.next_after(since or today, today=today),
        begun_by=actor.id,
        begun_at=now,
    )
    return _record(session, duty, "survival:enrol", actor=actor, now=now)


def end_duty(session: Session, duty_id: str, /, *, reason: str, actor: Actor, now: datetime) -> SurvivalDuty:
    """A person of the staff says why nobody asks any longer; what becomes of the benefit is its office's decision."""
    duty = get_duty(session, duty_id, actor=actor)
    session.refresh(duty, with_for_update=True)
    if duty.ended_at is not None:
        raise WrongState("duty_ended")
    if reason not in list_codes("survival_end"):
        raise BadInput("reason_missing", field="reason")
    return _end(session, duty, reason, actor=actor, now=now)


def benefit_over(session: Session, person_id: str, kind: str, /, *, actor: Actor, now: datetime) -> None:
    """A person decided that this benefit is over: nobody asks any longer. The caller has asked who may decide that."""
    for duty in duties_of(session, person_id, kind=kind):
        _end(session, duty, "benefit_over", actor=actor, now=now)


def register_over(session: Session, duty: SurvivalDuty, /, *, now: datetime) -> None:
    """The register knows the end already, by a list or by its staff: nothing of it is ended here."""
    _close(session, duty, "benefit_over", actor=SYSTEM, now=now)


def _end(session: Session, duty: SurvivalDuty, reason: str, *, actor: Actor, now: datetime) -> SurvivalDuty:
    _close(session, duty, reason, actor=actor, now=now)
    _leave(session, duty, actor=actor, now=now)
    return duty


def hold_check(session: Session, person_id: str, /) -> None:
    """Lock the question that waits for a person, as whoever sees it does: before its duties and the log (adr/0066)."""
    lock_rows(session, SurvivalCheck, col(SurvivalCheck.person_id) == person_id, col(SurvivalCheck.state).in_(WAITING))


def _close(session: Session, duty: SurvivalDuty, reason: str, *, actor: Actor, now: datetime) -> None:
    hold_check(session, duty.person_id)
    duty.ended_at, duty.ended_by, duty.end_reason = now, actor.id, reason
    _record(session, duty, "survival:end", actor=actor, now=now)
    if not duties_of(session, duty.person_id):
        _drop_check(session, duty.person_id, actor=actor, now=now)


def _drop_check(session: Session, person_id: str, *, actor: Actor, now: datetime) -> None:
    """Nothing is drawn any more: nobody waits for an answer, and nobody goes. A doubt that a record raised stays."""
    wanted = select(SurvivalCheck).where(SurvivalCheck.person_id == person_id, col(SurvivalCheck.state).in_(WAITING))
    wanted = wanted.where(SurvivalCheck.cause == CheckCause.SCHEDULE)
    for found in session.exec(wanted.with_for_update()):
        found.state, found.done_at, found.done_by, found.done_role = CheckState.DROPPED, now, actor.id, actor.role
        session.add(found)
        clocks.end(session, found.id, outcome=found.state.value, now=now)
        visits.settle(session, found.id, actor=actor, now=now)
        entry = audit.Entry("survival:drop", object_ref=found.id, subject=person_id, rule_id="benefit_over")
        audit.record(session, entry, actor=actor, now=now)
    flush(session)


def _leave(session: Session, duty: SurvivalDuty, *, actor: Actor, now: datetime) -> None:
    """End the category that rested on this benefit alone."""
    category, why, today = CATEGORIES.get(duty.kind, ""), LEAVES.get(duty.end_reason, ""), local_day(now)
    home = session.get_one(Household, duty.household_id)
    own = duty.person_id if is_personal(category) else None
    held = [one for one in duties_of_household(session, home.id) if CATEGORIES.get(one.kind) == category]
    others = [one for one in held if own in (None, one.person_id)]
    if not category or not why or others or (own is None and why != "BENEFIT_OVER" and home.size > 1):
        return
    for spell in categories.list_spells(session, home.id):
        runs = spell.from_on <= today and (spell.to_on is None or spell.to_on > today)
        if spell.category == category and runs and spell.person_id == own:
            categories.leave(session, spell.id, on=today, reason=why, actor=actor, now=now)


def get_duty(session: Session, duty_id: str, /, *, actor: Actor) -> SurvivalDuty:
    """The duty, if it lies in the actor's district."""
    duty = session.get(SurvivalDuty, duty_id)
    require(actor, "survival:end", district=duty.district_code if duty is not None else None)
    if duty is None:
        raise NotFound("survival_duty")
    return duty


def _record(session: Session, duty: SurvivalDuty, action: str, *, actor: Actor, now: datetime) -> SurvivalDuty:
    session.add(duty)
    flush(session)
    entry = audit.Entry(action, object_ref=duty.id, subject=duty.person_id, rule_id=duty.end_reason or duty.kind)
    audit.record(session, entry, actor=actor, now=now)
    return duty


def duties_of(session: Session, person_id: str, /, *, kind: str = "") -> list[SurvivalDuty]:
    """What this person draws now, of one kind or of all."""
    wanted = select(SurvivalDuty).where(SurvivalDuty.person_id == person_id, col(SurvivalDuty.ended_at).is_(None))
    if kind:
        wanted = wanted.where(SurvivalDuty.kind == kind)
    return list(session.exec(wanted.order_by(SurvivalDuty.kind)))


def duties_of_household(session: Session, household_id: str, /) -> list[SurvivalDuty]:
    """What anybody of the household draws now."""
    wanted = select(SurvivalDuty).where(SurvivalDuty.household_id == household_id)
    wanted = wanted.where(col(SurvivalDuty.ended_at).is_(None))
    return list(session.exec(wanted.order_by(SurvivalDuty.person_id, SurvivalDuty.kind)))


def seen(session: Session, person_id: str, /, *, now: datetime) -> None:
    """One seeing counts for all benefits of the person: each gets its next day."""
    today = local_day(now)
    for duty in duties_of(session, person_id):
        duty.next_on = survival_rule(duty.kind, today).after(today)
        session.add(duty)
    flush(session)
