"""The giver's real-name register of volunteers: register, change, suspend, take back, end.

Enters: facts that a giver's manager typed or a checked file holds. Leaves: volunteer rows whose name, telephone and
policy number are sealed under the volunteer's own key; the ID number leaves only its keyed index and the birth year.
A volunteer needs no account. Called by the register's pages, the import and the demo.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.appointments.insured import counts_on
from marketplace.appointments.models import HealthFit, Volunteer, VolunteerState
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.reference.words import list_codes
from marketplace.sealed import number_index, vault_of

SEALED = ("name", "phone", "insurance_no")
TALK = "volunteer_talk"
"""The step that waits for a manager after a volunteer did not come twice."""
TWO_PART_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯")


@dataclass(frozen=True, slots=True)
class VolunteerFacts:
    """One volunteer as the giver tells it. The ID number is left empty where a known volunteer is only changed."""

    registration_no: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    skills: tuple[str, ...] = ()
    health: HealthFit = HealthFit.ORDINARY
    insurance_no: str = field(default="", repr=False)
    insured_from: date | None = None
    insured_to: date | None = None


def register(session: Session, facts: VolunteerFacts, /, *, actor: Actor, now: datetime) -> Volunteer:
    """Add a volunteer to the register of the actor's organisation. The same ID number is not registered twice there."""
    org_id = allowed(session, actor)
    check_facts(facts, today=local_day(now))
    known = _find(session, org_id, index=number_index(vault_of(session), facts.id_number))
    if known is not None and known.state is VolunteerState.ENDED:
        raise Conflict("volunteer_was_here", field="id_number")
    if _find(session, org_id, number=facts.registration_no) is not None:
        raise Conflict("registration_taken", field="registration_no")
    if known is not None:
        raise Conflict("volunteer_known", field="id_number")
    volunteer = new_row(session, facts, org_id=org_id, actor=actor, now=now)
    _record(session, volunteer, "volunteer:register", actor=actor, now=now)
    return volunteer


def allowed(session: Session, actor: Actor) -> str:
    """The organisation whose register the actor keeps."""
    require(actor, "volunteer:edit", org_id=actor.org_id)
    return require_active(session, actor.org_id or "").id


def check_facts(facts: VolunteerFacts, /, *, today: date, known: bool = False) -> None:
    """BadInput names the field that is wrong."""
    try:
        if facts.id_number or not known:
            check_id_number(facts.id_number, today=today)
    except BadIdNumber as error:
        raise BadInput(f"id_{error.code}", field="id_number") from error
    if not set(facts.skills) <= set(list_codes("skill")):
        raise BadInput("skill_unknown", field="skills")
    if bad := insurance_fault(facts):
        raise BadInput(bad, field="insured_to" if bad == "insured_backwards" else "insurance_no")


def insurance_fault(facts: VolunteerFacts, /) -> str:
    """The code of what is wrong with the insurance; empty when it is whole, or left out whole."""
    given = (bool(facts.insurance_no), facts.insured_from is not None, facts.insured_to is not None)
    if any(given) and not all(given):
        return "insurance_incomplete"
    if facts.insured_from and facts.insured_to and facts.insured_to < facts.insured_from:
        return "insured_backwards"
    return ""


def new_row(session: Session, facts: VolunteerFacts, /, *, org_id: str, actor: Actor, now: datetime) -> Volunteer:
    """The row of a checked volunteer, under a key of its own."""
    vault, volunteer_id = vault_of(session), new_id()
    vault.new_person(session, volunteer_id)
    volunteer = Volunteer(
        id=volunteer_id,
        org_id=org_id,
        registration_no=facts.registration_no,
        id_number_index=number_index(vault, facts.id_number),
        birth_year=check_id_number(facts.id_number).birth_on.year,
        created_by=actor.id,
        created_at=now,
        updated_at=now,
    )
    fill(session, volunteer, facts, now=now)
    return volunteer


def fill(session: Session, volunteer: Volunteer, facts: VolunteerFacts, /, *, now: datetime) -> None:
    """Put the facts that may change into a row; the ID number is not one of them."""
    vault = vault_of(session)
    for column in SEALED:
        text = getattr(facts, column)
        shut = vault.seal(session, volunteer.id, column=f"volunteer.{column}", text=text) if text else None
        setattr(volunteer, column, shut)
    volunteer.skills, volunteer.health = sorted(facts.skills), facts.health
    volunteer.insured_from, volunteer.insured_to = facts.insured_from, facts.insured_to
    volunteer.content_hash = content_hash(session, facts, index=volunteer.id_number_index)
    volunteer.updated_at = now
    session.add(volunteer)
    flush(session)


def content_hash(session: Session, facts: VolunteerFacts, /, *, index: str) -> str:
    """A keyed hash of all facts, by which the same row of a file is known again; `index` stands for the ID number."""
    told = asdict(facts) | {"skills": sorted(facts.skills), "id_number": index}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
    return vault_of(session).index("volunteer-content", text)


def change(session: Session, volunteer_id: str, facts: VolunteerFacts, /, *, actor: Actor, now: datetime) -> Volunteer:
    """Write what has changed: telephone, skills, health, insurance, the name's spelling. Number and person stay."""
    allowed(session, actor)
    volunteer = get_volunteer(session, volunteer_id, actor=actor, lock=True)
    index = number_index(vault_of(session), facts.id_number) if facts.id_number else volunteer.id_number_index
    if (facts.registration_no, index) != (volunteer.registration_no, volunteer.id_number_index):
        raise BadInput("volunteer_is_another", field="id_number")
    check_facts(facts, today=local_day(now), known=True)
    day = counts_on(session, volunteer, insured_from=facts.insured_from, insured_to=facts.insured_to)
    if day is not None:
        raise BadInput("insurance_counted_on", field="insured_to", day=day.isoformat())
    fill(session, volunteer, facts, now=now)
    _record(session, volunteer, "volunteer:change", actor=actor, now=now)
    return volunteer


def set_state(
    session: Session, volunteer_id: str, /, *, to: VolunteerState, reason: str = "", actor: Actor, now: datetime
) -> Volunteer:
    """Suspend, take back or end. Who has ended comes back as the same person with all that was served, and without
    insurance until the policy is entered anew. Appointments are the caller's business."""
    allowed(session, actor)
    volunteer = get_volunteer(session, volunteer_id, actor=actor, lock=True)
    ended = volunteer.state is VolunteerState.ENDED
    if volunteer.state is to or (ended and to is not VolunteerState.ACTIVE):
        raise WrongState("volunteer_state", have=volunteer.state.value)
    if to is not VolunteerState.ACTIVE and reason not in list_codes("volunteer_stop"):
        raise BadInput("reason_missing", field="reason_code")
    volunteer.state, volunteer.state_reason, volunteer.updated_at = to, reason, now
    if ended:
        volunteer.insurance_no = volunteer.insured_from = volunteer.insured_to = None
        volunteer.content_hash = ""
    session.add(volunteer)
    flush(session)
    clocks.end(session, volunteer.id, step=TALK, outcome=to.value, now=now)
    entry = audit.Entry(f"volunteer:{to.value}", object_ref=volunteer.id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return volunteer


def talked(session: Session, volunteer_id: str, /, *, actor: Actor, now: datetime) -> None:
    """A manager has spoken with a volunteer who did not come, and keeps the volunteer on."""
    allowed(session, actor)
    volunteer = get_volunteer(session, volunteer_id, actor=actor, lock=True)
    if not clocks.end(session, volunteer.id, step=TALK, outcome="talked", now=now):
        raise WrongState("volunteer_state", have=volunteer.state.value)
    _record(session, volunteer, "volunteer:talk", actor=actor, now=now)


def get_volunteer(session: Session, volunteer_id: str, /, *, actor: Actor, lock: bool = False) -> Volunteer:
    """A volunteer of the actor's organisation; a foreign one looks like a missing one."""
    found = session.get(Volunteer, volunteer_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("volunteer")
    require(actor, "volunteer:list", org_id=found.org_id)
    return found


def list_volunteers(
    session: Session,
    org_id: str,
    /,
    *,
    state: VolunteerState | None = VolunteerState.ACTIVE,
    offset: int = 0,
    limit: int = 500,
) -> list[Volunteer]:
    """The giver's volunteers by registration number; `state` None: all."""
    wanted = select(Volunteer).where(col(Volunteer.org_id) == org_id)
    if state is not None:
        wanted = wanted.where(col(Volunteer.state) == state)
    return list(session.exec(wanted.order_by(col(Volunteer.registration_no)).offset(offset).limit(limit)))


def count_volunteers(session: Session, org_id: str, /, *, state: VolunteerState | None = None) -> int:
    """How many there are."""
    wanted = select(func.count()).select_from(Volunteer).where(col(Volunteer.org_id) == org_id)
    return session.exec(wanted if state is None else wanted.where(col(Volunteer.state) == state)).one()


def to_talk_with(session: Session, org_id: str, /) -> list[Volunteer]:
    """Volunteers for whom a manager's talk is waiting."""
    waiting = [v.id for v in list_volunteers(session, org_id, state=None) if v.no_shows >= 2]
    kept = [key for key in waiting if any(clock.step == TALK for clock in clocks.running_of(session, key))]
    return list(session.exec(select(Volunteer).where(col(Volunteer.id).in_(kept)).order_by(col(Volunteer.id))))


def plain(session: Session, volunteer: Volunteer, column: str, /) -> str:
    """One sealed field of a volunteer for the giver that entered it; empty when there is none or its key is gone."""
    sealed = getattr(volunteer, column)
    return vault_of(session).open_if_kept(session, volunteer.id, column=f"volunteer.{column}", sealed=sealed)


def names_of(session: Session, people: Iterable[Volunteer], /) -> dict[str, str]:
    """Volunteer ► full name, for the giver's own pages."""
    return {volunteer.id: plain(session, volunteer, "name") or "—" for volunteer in people}


def given_name(name: str, /) -> str:
    """The part of a name by which a household may know a volunteer.

    >>> given_name("王小明"), given_name("欧阳静"), given_name("Ann Lee"), given_name("李四"), given_name("")
    ('小明', '静', 'Ann', '四', '')
    """
    if name.isascii():
        return name.split()[0] if name.split() else ""
    start = 2 if name.startswith(TWO_PART_SURNAMES) and len(name) > 2 else 1
    return name[start:] or name


def _find(session: Session, org_id: str, *, number: str = "", index: str = "") -> Volunteer | None:
    wanted = select(Volunteer).where(col(Volunteer.org_id) == org_id)
    by: Any = col(Volunteer.registration_no) == number if number else col(Volunteer.id_number_index) == index
    return session.exec(wanted.where(by)).first()


def _record(session: Session, volunteer: Volunteer, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"skills": volunteer.skills, "health": volunteer.health.value, "insured": volunteer.insured_to is not None}
    audit.record(session, audit.Entry(action, object_ref=volunteer.id, body=body), actor=actor, now=now)
