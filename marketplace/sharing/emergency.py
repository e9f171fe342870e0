"""Showing data without consent because a life or health is in danger and nobody can be asked (PIPL 13(1)(4)).

Enters: a member of staff with a reason, a second one who agrees. Leaves: half an hour in which one organisation may
look at named fields; each look is a disclosure row with the emergency behind it, the household is told at once, and the
protection officer judges afterwards. This overrides no consent: it is an act of its own, and nothing else may do it.
Like every disclosure it is refused while nobody watches the audit log, and where nobody has assessed what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.assessments.service import NO_PIA, impact_assessed
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.incidents.service import Reach, open_found
from marketplace.organisations.models import Organisation
from marketplace.organisations.service import may_read, require_active
from marketplace.policy import require
from marketplace.reference import purposes
from marketplace.reference.words import list_codes
from marketplace.sealed import Sealed, vault_of
from marketplace.sharing.models import Disclosure, Emergency
from marketplace.sharing.service import SEALED_SOURCE, audit_fresh

OPEN_FOR = timedelta(minutes=30)
"""So long an organisation may look, and so long what was asked waits for a second person: a danger that waits longer is
asked about anew."""
STEP = "emergency_review"
NOT_JUSTIFIED = "not_justified"
PURPOSE = "EMERGENCY_HELP"


def fields_for(person: Person) -> tuple[str, ...]:
    """What may be asked: the purpose's ceiling, as far as this person's record can answer it."""
    ceiling = purposes.purpose(PURPOSE)
    held = (code for code, column in SEALED_SOURCE.items() if getattr(person, column) is not None)
    return tuple(code for code in held if ceiling.allows(code))


def ask(
    session: Session,
    person_id: str,
    /,
    *,
    org_id: str,
    data_fields: Iterable[str],
    reason_code: str,
    actor: Actor,
    now: datetime,
) -> Emergency:
    """One member of staff asks; nothing is open yet."""
    person = session.get(Person, person_id)
    household = session.get(Household, person.household_id) if person is not None else None
    if person is None or household is None:
        raise NotFound("person")
    require(actor, "emergency:ask", district=household.district_code)
    require_active(session, org_id)
    wanted = sorted(set(data_fields))
    if not wanted or not set(wanted) <= set(fields_for(person)):
        raise BadInput("field_above_ceiling", field="data_fields")
    if reason_code not in list_codes("emergency_reason"):
        raise BadInput("reason_missing", field="reason_code")
    row = Emergency(
        id=new_id(),
        household_id=household.id,
        person_id=person.id,
        org_id=org_id,
        data_fields=wanted,
        reason_code=reason_code,
        asked_by=actor.id,
        asked_at=now,
    )
    session.add(row)
    return _saved(session, row, "emergency:ask", actor=actor, now=now)


def open_up(session: Session, emergency_id: str, /, *, actor: Actor, now: datetime) -> Emergency:
    """A second person agrees: half an hour begins, and the household is told at once."""
    row = _locked(session, emergency_id)
    household = session.get_one(Household, row.household_id)
    require(actor, "emergency:open", district=household.district_code)
    if row.opened_by is not None:
        raise WrongState("emergency_opened")
    if now >= row.asked_at + OPEN_FOR:
        raise WrongState("emergency_lapsed")
    if row.asked_by in actor.people:
        raise WrongState("same_person_twice")
    _require_sound(session, row, actor=actor, now=now)
    row.opened_by, row.opened_at, row.closes_at = actor.id, now, now + OPEN_FOR
    session.add(row)
    clocks.start(session, STEP, row.id, holder=Holder(district_code=household.district_code), now=now)
    notices.post(session, "emergency_seen", key=f"emergency:{row.id}", household_id=row.household_id, now=now)
    return _saved(session, row, "emergency:open", actor=actor, now=now)


def look(session: Session, emergency_id: str, /, *, actor: Actor, now: datetime) -> dict[str, str]:
    """The organisation looks at the named fields within the half hour; each look is written down."""
    row = _locked(session, emergency_id)
    require(actor, "emergency:look", org_id=row.org_id)
    if row.closes_at is None or now >= row.closes_at:
        raise WrongState("emergency_closed")
    _require_sound(session, row, actor=actor, now=now)
    person, vault = session.get_one(Person, row.person_id), vault_of(session)
    values: dict[str, str] = {}
    for code in row.data_fields:
        sealed = getattr(person, SEALED_SOURCE[code])
        if isinstance(sealed, Sealed):
            column = f"person.{SEALED_SOURCE[code]}"
            values[code] = vault.open(session, person.id, column=column, sealed=sealed)
    entry = audit.Entry(
        "share:emergency",
        object_ref=row.id,
        subject=row.household_id,
        purpose=PURPOSE,
        decision="permit",
        rule_id=row.reason_code,
        fields=sorted(values),
    )
    disclosure = Disclosure(
        id=new_id(),
        at=now,
        household_id=row.household_id,
        person_id=row.person_id,
        recipient_org_id=row.org_id,
        actor_id=actor.id,
        purpose=PURPOSE,
        data_fields=sorted(values),
        emergency_id=row.id,
        audit_seq=audit.record(session, entry, actor=actor, now=now),
    )
    session.add(disclosure)
    flush(session)
    return values


def _require_sound(session: Session, row: Emergency, *, actor: Actor, now: datetime) -> None:
    """The questions that need no consent to be asked: may this organisation read anything, is the log watched, has
    this kind of look been assessed."""
    kind = session.get_one(Organisation, row.org_id).kind.value
    rule = ""
    if not may_read(session, row.org_id, on=local_day(now)):
        rule = "CLIENT_SUSPENDED"
    elif not audit_fresh(session, now):
        rule = "AUDIT_STALE"
    elif not impact_assessed(session, PURPOSE, kind, data_fields=row.data_fields, now=now):
        rule = NO_PIA
    if not rule:
        return
    error = NotAllowed(NO_PIA if rule == NO_PIA else rule.lower())
    entry = audit.Entry(
        "share:deny", object_ref=row.id, subject=row.household_id, purpose=PURPOSE, decision="deny", rule_id=rule
    )
    error.denied = (entry, actor)
    raise error


def review(session: Session, emergency_id: str, /, *, verdict: str, actor: Actor, now: datetime) -> Emergency:
    """The protection officer judges what two others did."""
    row = _locked(session, emergency_id)
    require(actor, "emergency:review")
    if row.opened_by is None or row.reviewed_by is not None:
        raise WrongState("emergency_reviewed")
    if actor.people & {row.asked_by, row.opened_by}:
        raise WrongState("same_person_twice")
    if verdict not in list_codes("emergency_verdict"):
        raise BadInput("reason_missing", field="verdict")
    row.reviewed_by, row.reviewed_at, row.verdict = actor.id, now, verdict
    session.add(row)
    clocks.move_on(session, row.id, outcome=verdict, now=now)
    if verdict == NOT_JUSTIFIED:
        _close_as_incident(session, row, actor=actor, now=now)
    return _saved(session, row, "emergency:review", actor=actor, now=now)


def _close_as_incident(session: Session, row: Emergency, *, actor: Actor, now: datetime) -> None:
    """Nothing is open any longer, and what was seen is an incident with the law's clock."""
    since = row.opened_at or row.asked_at
    row.closes_at = min(row.closes_at or now, now)
    reach = Reach(since, now + timedelta(seconds=1), org_id=row.org_id, emergency_id=row.id)
    open_found(session, reach, what=f"emergency {NOT_JUSTIFIED}", actor=actor, now=now)


def list_emergencies(session: Session, /, *, actor: Actor, org_id: str = "") -> list[Emergency]:
    """The organisation's own, or those of the staff's area; the newest first."""
    rows = select(Emergency).order_by(col(Emergency.asked_at).desc(), col(Emergency.id))
    if org_id:
        require(actor, "emergency:look", org_id=org_id)
        return list(session.exec(rows.where(col(Emergency.org_id) == org_id, col(Emergency.opened_at).is_not(None))))
    require(actor, "emergency:list")
    homes = rows.join(Household, col(Household.id) == col(Emergency.household_id))
    if actor.districts:
        homes = homes.where(col(Household.district_code).in_(actor.districts))
    return list(session.exec(homes))


def _locked(session: Session, emergency_id: str) -> Emergency:
    row = session.get(Emergency, emergency_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("emergency")
    return row


def _saved(session: Session, row: Emergency, action: str, *, actor: Actor, now: datetime) -> Emergency:
    flush(session)
    entry = audit.Entry(
        action,
        object_ref=row.id,
        subject=row.household_id,
        purpose=PURPOSE,
        rule_id=row.verdict or row.reason_code,
        fields=row.data_fields,
    )
    audit.record(session, entry, actor=actor, now=now)
    return row
