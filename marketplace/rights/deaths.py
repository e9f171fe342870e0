"""A person has died: what waits for a person's decision now, and what near kin may still ask for.

Enters: a death as staff learnt of it, with the evidence. Leaves: the death on record, every open match of the household
held for a person, its verified needs taken out of runs until somebody has looked. Delivered aid is listed only. Nobody
comes in as the dead any more, no helper acts for it, and messages reach somebody else who lives there. The watch is
told, too: the rules and the visits know of it, and of what is paid after it. A record that was wrong can be taken back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import orders
from marketplace.consent.ask import lock_all
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.households.members import silence, speak_again
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.liveness import service as survival
from marketplace.liveness.duties import duties_of
from marketplace.liveness.models import CheckCause
from marketplace.needs.models import Need, NeedState
from marketplace.policy import require
from marketplace.proxies.ending import end_of_subject
from marketplace.reference.words import list_codes
from marketplace.rights import reviews, service
from marketplace.rights.models import Death, MatchReview
from marketplace.signals.taking import record_fact
from marketplace.signals.wrong import call_own_wrong


def record_death(
    session: Session, person_id: str, /, *, died_on: date, evidence: str, actor: Actor, now: datetime
) -> list[MatchReview]:
    """Write the death down and freeze what is open; return every match of the household."""
    person = session.get(Person, person_id)
    home = session.get(Household, person.household_id) if person is not None else None
    require(actor, "death:record", district=home.district_code if home is not None else None)
    if person is None or home is None:
        raise NotFound("person")
    if died_on > local_day(now) or not evidence.strip():
        raise BadInput("bad_input", field="died_on" if died_on > local_day(now) else "evidence")
    if session.get(Death, person_id) is not None:
        raise Conflict("death_on_record")
    lock_all(session, home.id)
    session.add(
        Death(
            person_id=person.id,
            household_id=home.id,
            died_on=died_on,
            evidence=evidence.strip(),
            recorded_by=actor.id,
            recorded_at=now,
        )
    )
    flush(session)
    silence(session, person, [one for one in list_people(session, home.id) if one.id != person.id])
    end_of_subject(session, person.id, reason="died", actor=actor, now=now)
    audit.record(session, audit.Entry("death:record", subject=person.id), actor=actor, now=now)
    record_fact(session, person, "DEATH", ref=_ref(person.id, now), on=died_on, actor=actor, now=now)
    _hold_needs(session, home.id, actor=actor, now=now)
    if duties_of(session, person.id) or orders.is_due(session, person.id):
        _have_it_looked_at(session, person.id, evidence=evidence.strip(), actor=actor, now=now)
    return reviews.bring_back(session, home.id, field="", cause="death", cause_ref=person.id, actor=actor, now=now)


def _have_it_looked_at(session: Session, person_id: str, *, evidence: str, actor: Actor, now: datetime) -> None:
    """Somebody who draws a running benefit, or asks for one: staff go and look, whatever the record says."""
    last = local_day(now) + timedelta(days=survival.LEAST_DAYS)
    survival.open_check(
        session, person_id, CheckCause.DEATH, due_on=last, evidence=evidence[:120], actor=actor, now=now
    )


def _hold_needs(session: Session, household_id: str, *, actor: Actor, now: datetime) -> None:
    asked = select(Need).where(Need.household_id == household_id, Need.state == NeedState.VERIFIED)
    for need in session.exec(asked.order_by(col(Need.id)).with_for_update()):
        need.state, need.state_reason, need.updated_at = NeedState.HELD, "death", now
        session.add(need)
        entry = audit.Entry(
            "need:hold", object_ref=need.id, subject=household_id, decision=need.state.value, rule_id="death"
        )
        audit.record(session, entry, actor=actor, now=now)
    flush(session)


WHY = "death_back"
"""The list of reasons for which a record of a death is taken back."""


def get_death(session: Session, household_id: str, person_id: str, /) -> Death:
    """The record of one person of the household, or NotFound; of somebody erased nothing is left to take back."""
    found, person = session.get(Death, person_id), session.get(Person, person_id)
    if found is None or found.household_id != household_id or person is None or person.name is None:
        raise NotFound("death")
    return found


def take_back(session: Session, found: Death, /, *, why: str, actor: Actor, now: datetime) -> None:
    """The record was wrong: the fact counts no more, the person comes in by its telephone again, and what near kin
    asked for ends. Needs and matches stay held until somebody looks, and a look that was ordered is still made.

    Raises
    ------
    BadInput
        If `why` is no reason of the list.
    """
    if why not in list_codes(WHY):
        raise BadInput("reason_missing", field="why")
    home, person = session.get_one(Household, found.household_id), session.get_one(Person, found.person_id)
    require(actor, "death:record", district=home.district_code)
    lock_all(session, home.id)
    service.end_of_kin(session, person.id, actor=actor, now=now)  # locks its requests before the first act
    session.delete(found)
    flush(session)
    call_own_wrong(session, "DEATH", _ref(person.id, found.recorded_at), actor=actor, now=now)
    speak_again(session, person)
    audit.record(session, audit.Entry("death:take_back", subject=person.id, rule_id=why), actor=actor, now=now)


def _ref(person_id: str, recorded_at: datetime) -> str:
    """By what the watch knows this record: a later one of the same person is another."""
    return f"death:{person_id}:{recorded_at:%Y%m%d%H%M%S%f}"


def deaths_of(session: Session, household_id: str, /) -> list[Death]:
    """Deaths on record in one household."""
    return list(session.exec(select(Death).where(Death.household_id == household_id).order_by(col(Death.person_id))))
