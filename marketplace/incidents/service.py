"""A breach: find every household behind a recipient, a key or a period in one statement, and tell them in time.

Enters: which recipient or which client's key, from when to when, and who runs the house. Leaves: an `Incident` with
the law's clock (1, 2 or 4 hours to the authority) and this house's own for the households (24 hours), the list of those
affected, and a neutral letter to each. Called by `shanqiao incident …` and by the compliance report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, insert, literal
from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import STAFF, Actor
from marketplace.audit import AuditRow
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.incidents.models import Incident, IncidentHousehold, OperatorKind
from marketplace.policy import require
from marketplace.sharing.looks import STAFF_LOOKS
from marketplace.sharing.models import Disclosure

HOURS = {OperatorKind.CRITICAL: 1, OperatorKind.STATE: 2, OperatorKind.OTHER: 4}
"""国家网络安全事件报告管理办法, in force from 2025-11-01."""
PEOPLE_HOURS = 24
"""The law says at once; this is the house's own limit."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What was within reach in `[since, until)`: looks of this recipient, or of this one client or account, of the
    staff's too; or those under one emergency or one consent alone; with none of these, every look there was."""

    since: datetime
    until: datetime
    org_id: str = ""
    actor_id: str = ""
    emergency_id: str = ""
    consent_chain_id: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """On the disclosure table."""
        wanted: list[ColumnElement[bool]] = [col(Disclosure.at) >= self.since, col(Disclosure.at) < self.until]
        if self.org_id:
            wanted.append(col(Disclosure.recipient_org_id) == self.org_id)
        if self.actor_id:
            wanted.append(col(Disclosure.actor_id) == self.actor_id)
        if self.emergency_id:
            wanted.append(col(Disclosure.emergency_id) == self.emergency_id)
        if self.consent_chain_id:
            wanted.append(col(Disclosure.consent_chain_id) == self.consent_chain_id)
        return wanted


def open_found(session: Session, reach: Reach, /, *, what: str, actor: Actor, now: datetime) -> Incident:
    """What the protection officer finds in judging is an incident of the bureau, found at this moment."""
    return open_incident(session, reach, what=what, operator=OperatorKind.STATE, found_at=now, actor=actor, now=now)


def open_incident(
    session: Session,
    reach: Reach,
    /,
    *,
    what: str,
    operator: OperatorKind,
    found_at: datetime,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Write the incident down and list who is affected, in one transaction; the clocks run from when it was found."""
    require(actor, "incident:open")
    if reach.until <= reach.since or not what.strip() or found_at > now:
        raise BadInput("bad_input", field="period")
    incident = Incident(
        id=new_id(),
        recipient_org_id=reach.org_id,
        actor_id=reach.actor_id,
        from_at=reach.since,
        to_at=reach.until,
        what=what.strip()[:200],
        operator_kind=operator,
        found_at=found_at,
        authority_due_at=found_at + timedelta(hours=HOURS[operator]),
        people_due_at=found_at + timedelta(hours=PEOPLE_HOURS),
        opened_by=actor.id,
    )
    session.add(incident)
    flush(session)
    households = _list(session, incident.id, reach)
    body = {"households": households}
    entry = audit.Entry("incident:open", object_ref=incident.id, rule_id=operator.value, body=body)
    audit.record(session, entry, actor=actor, now=now)
    return incident


def _list(session: Session, incident_id: str, reach: Reach) -> int:
    """One pass over the disclosure rows in the database itself, and what staff opened; returns how many households
    there are."""
    touched = (
        select(literal(incident_id), col(Disclosure.household_id), func.count(), func.max(Disclosure.at))
        .where(*reach.conditions())
        .group_by(col(Disclosure.household_id))
    )
    columns = ["incident_id", "household_id", "looks", "last_at"]
    session.execute(insert(IncidentHousehold).from_select(columns, touched))
    if not (reach.org_id or reach.emergency_id or reach.consent_chain_id):
        _list_staff(session, incident_id, reach)
    return count_affected(session, incident_id)


def _list_staff(session: Session, incident_id: str, reach: Reach) -> None:
    """What staff opened stands in the chain only, under a keyed reference: the reference of each household and person
    is made anew until all that were looked at are found."""
    since, until = (at.astimezone(UTC).isoformat(timespec="microseconds") for at in (reach.since, reach.until))
    wanted: list[ColumnElement[bool]] = [
        col(AuditRow.action).in_(STAFF_LOOKS),
        col(AuditRow.actor_role).in_([role.value for role in STAFF]),
    ]
    if reach.actor_id:
        wanted.append(col(AuditRow.actor_ref) == reach.actor_id)
    asked = select(AuditRow.subject_ref, func.count(), func.max(AuditRow.at)).where(
        *wanted, col(AuditRow.at) >= since, col(AuditRow.at) < until
    )
    seen = {ref: (looks, last) for ref, looks, last in session.exec(asked.group_by(col(AuditRow.subject_ref)))}
    for subject, home in _subjects(session) if seen else ():
        looks, last = seen.pop(audit.subject_ref(session, subject), (0, ""))
        if looks:
            _add(session, incident_id, home, looks, datetime.fromisoformat(last))
    flush(session)


def _subjects(session: Session) -> Iterator[tuple[str, str]]:
    """Everybody who can be the subject of an act, with the household: the households themselves, then the people."""
    homes = session.exec(select(Household.id).execution_options(yield_per=1000))
    yield from ((home, home) for home in homes)
    people = select(Person.id, Person.household_id).execution_options(yield_per=1000)
    yield from ((person, home) for person, home in session.exec(people))


def _add(session: Session, incident_id: str, home: str, looks: int, last: datetime) -> None:
    row = session.get(IncidentHousehold, (incident_id, home))
    if row is None:
        row = IncidentHousehold(incident_id=incident_id, household_id=home, looks=0, last_at=last)
    row.looks, row.last_at = row.looks + looks, max(row.last_at, last)
    session.add(row)


def count_affected(session: Session, incident_id: str, /) -> int:
    """How many households are on the list."""
    asked = select(func.count()).select_from(IncidentHousehold).where(IncidentHousehold.incident_id == incident_id)
    return session.exec(asked).one()


def count_told(session: Session, incident_id: str, /) -> int:
    """How many of them have their letter."""
    asked = select(func.count()).select_from(IncidentHousehold).where(IncidentHousehold.incident_id == incident_id)
    return session.exec(asked.where(col(IncidentHousehold.told_at).is_not(None))).one()


def affected(session: Session, incident_id: str, /) -> Iterator[IncidentHousehold]:
    """The list, household by household."""
    asked = select(IncidentHousehold).where(IncidentHousehold.incident_id == incident_id)
    yield from session.exec(asked.order_by(col(IncidentHousehold.household_id)).execution_options(yield_per=1000))


def write_letters(session: Session, incident_id: str, /, *, actor: Actor, now: datetime, most: int = 1000) -> int:
    """A letter to each household not told yet, at most so many; the same household is never told twice."""
    require(actor, "incident:tell")
    incident = get_incident(session, incident_id)
    asked = select(IncidentHousehold).where(
        IncidentHousehold.incident_id == incident.id, col(IncidentHousehold.told_at).is_(None)
    )
    rows = session.exec(asked.order_by(col(IncidentHousehold.household_id)).limit(most)).all()
    for row in rows:
        key = f"incident:{incident.id}:{row.household_id}"
        notices.post(session, "data_incident", key=key, household_id=row.household_id, now=now)
        row.told_at = now
        session.add(row)
    if rows:
        entry = audit.Entry("incident:tell", object_ref=incident.id, body={"households": len(rows)})
        audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return len(rows)


def authority_told(session: Session, incident_id: str, /, *, actor: Actor, now: datetime) -> Incident:
    """The report has gone to the authority."""
    require(actor, "incident:tell")
    incident = get_incident(session, incident_id)
    if incident.authority_told_at is not None:
        raise WrongState("authority_told_already")
    incident.authority_told_at = now
    return _record(session, incident, "incident:authority", actor=actor, now=now)


def close_incident(session: Session, incident_id: str, /, *, actor: Actor, now: datetime) -> Incident:
    """Over: only when the authority and every household have been told."""
    require(actor, "incident:tell")
    incident = get_incident(session, incident_id)
    untold = select(func.count()).select_from(IncidentHousehold)
    untold = untold.where(IncidentHousehold.incident_id == incident.id, col(IncidentHousehold.told_at).is_(None))
    if incident.authority_told_at is None or session.exec(untold).one():
        raise WrongState("incident_untold")
    incident.closed_at = now
    return _record(session, incident, "incident:close", actor=actor, now=now)


def get_incident(session: Session, incident_id: str, /) -> Incident:
    """The incident, or NotFound."""
    found = session.get(Incident, incident_id)
    if found is None:
        raise NotFound("incident")
    return found


def list_incidents(session: Session, /) -> list[Incident]:
    """All of them, the newest first."""
    return list(session.exec(select(Incident).order_by(col(Incident.found_at).desc(), col(Incident.id))))


def lateness(session: Session, incident: Incident, /, *, now: datetime) -> dict[str, bool]:
    """Which of the two clocks ran out: people are told with the last letter; where nobody is affected none is owed."""
    counted = select(func.count(), func.count(col(IncidentHousehold.told_at)), func.max(col(IncidentHousehold.told_at)))
    affected, told, last = session.exec(counted.where(IncidentHousehold.incident_id == incident.id)).one()
    answered = last if told == affected else now
    return {
        "authority": (incident.authority_told_at or now) > incident.authority_due_at,
        "people": answered is not None and answered > incident.people_due_at,
    }


def _record(session: Session, incident: Incident, action: str, *, actor: Actor, now: datetime) -> Incident:
    session.add(incident)
    flush(session)
    audit.record(session, audit.Entry(action, object_ref=incident.id), actor=actor, now=now)
    return incident
