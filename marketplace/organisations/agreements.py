"""The agreement with a giver: proposed by one person, approved by another, reminded of, and at its end the giver rests.

Enters: what staff agreed with a giver (number, term, purposes), and the decision of a second person. Leaves: agreement
rows and an organisation that may act, or may not. The purposes are a ceiling: no resource and no consent goes beyond
it. Called by the staff's pages, by registering, by the demo and, every minute, by the worker (`sweep`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, or_, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import last_before, local_day
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.organisations.models import (
    Agreement,
    AgreementState,
    Organisation,
    OrganisationKind,
    OrganisationState,
)
from marketplace.policy import require
from marketplace.reference.needs import list_need_kinds

TERM = timedelta(days=365)
"""How long an agreement lasts that names no end."""
REMIND = timedelta(days=30)
"""So long before its end the giver is told."""
ENDED = "contract_ended"


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """What is agreed: a number, a term (half-open), and the purposes for which the giver may ever be told anything."""

    number: str
    valid_from: date
    valid_to: date
    purposes: tuple[str, ...]


@cache
def purposes_of_needs() -> tuple[str, ...]:
    """Every purpose that a kind of need can have: what an agreement can grant."""
    return tuple(dict.fromkeys(kind.purpose for kind in list_need_kinds()))


@cache
def usual_purposes(kind: OrganisationKind) -> tuple[str, ...]:
    """The purposes of the needs that this kind of giver may provide for: the ceiling if no other is agreed."""
    wanted = {need.purpose for need in list_need_kinds() if kind.value in need.provider_kinds}
    return tuple(purpose for purpose in purposes_of_needs() if purpose in wanted)


def propose(session: Session, organisation: Organisation, terms: AgreementTerms, /, *, by: str, now: datetime) -> None:
    """Keep the proposal; one at a time."""
    if terms.valid_to <= terms.valid_from:
        raise BadInput("agreement_reversed", field="valid_to")
    if terms.valid_to <= local_day(now):
        raise BadInput("agreement_over", field="valid_to")
    if not terms.purposes or not set(terms.purposes) <= set(purposes_of_needs()):
        raise BadInput("agreement_purposes", field="purposes")
    if find_proposed(session, organisation.id) is not None:
        raise WrongState("agreement_waits")
    session.add(
        Agreement(
            id=new_id(),
            org_id=organisation.id,
            number=terms.number,
            valid_from=terms.valid_from,
            valid_to=terms.valid_to,
            purposes=[purpose for purpose in purposes_of_needs() if purpose in terms.purposes],
            proposed_by=by,
            proposed_at=now,
        )
    )
    flush(session)


def propose_agreement(
    session: Session, org_id: str, terms: AgreementTerms, /, *, actor: Actor, now: datetime
) -> Organisation:
    """Propose a first agreement for somebody who applied, or a renewal or another ceiling for a giver."""
    require(actor, "organisation:register")
    organisation = _locked(session, org_id)
    if organisation.state is OrganisationState.REFUSED:
        raise WrongState("organisation_refused")
    propose(session, organisation, terms, by=actor.id, now=now)
    entry = audit.Entry("organisation:propose", object_ref=org_id, body={"purposes": len(terms.purposes)})
    audit.record(session, entry, actor=actor, now=now)
    return organisation


def approve_organisation(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> Organisation:
    """A second person approves the proposed agreement: from now on it is in force, and a new giver may act. One that
    begins later changes nothing for a giver that has one already: `sweep` puts it in force on its first day."""
    organisation, agreement = _decide(session, org_id, to=AgreementState.APPROVED, actor=actor, now=now)
    if agreement.valid_to <= local_day(now):
        raise WrongState("agreement_over")
    if agreement.valid_from > local_day(now) and organisation.state is not OrganisationState.APPLIED:
        agreement.state = AgreementState.DATED
    else:
        _put_in_force(organisation, agreement)
    return _written(session, organisation, "organisation:approve", actor=actor, now=now)


def _put_in_force(organisation: Organisation, agreement: Agreement) -> None:
    """The giver's term, number and ceiling are those of this agreement."""
    start, end = organisation.contract_from, organisation.contract_to
    runs_on = start is not None and (end is None or agreement.valid_from <= end)
    organisation.contract_from = min(start, agreement.valid_from) if runs_on and start else agreement.valid_from
    organisation.contract_to = agreement.valid_to
    organisation.contract_ref, organisation.purposes = agreement.number, list(agreement.purposes)
    if organisation.state is OrganisationState.APPLIED or organisation.state_reason == ENDED:
        organisation.state, organisation.state_reason = OrganisationState.ACTIVE, ""


def refuse_organisation(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> Organisation:
    """A second person refuses the proposed agreement; somebody who only applied is refused with it."""
    organisation, _agreement = _decide(session, org_id, to=AgreementState.REFUSED, actor=actor, now=now)
    if organisation.state is OrganisationState.APPLIED:
        organisation.state = OrganisationState.REFUSED
    return _written(session, organisation, "organisation:refuse", actor=actor, now=now)


def _decide(
    session: Session, org_id: str, *, to: AgreementState, actor: Actor, now: datetime
) -> tuple[Organisation, Agreement]:
    require(actor, "organisation:approve")
    organisation = _locked(session, org_id)
    agreement = find_proposed(session, org_id)
    if agreement is None:
        raise WrongState("no_agreement_waits")
    if agreement.proposed_by in actor.people:
        raise WrongState("registers_and_approves")
    agreement.state, agreement.decided_by, agreement.decided_at = to, actor.id, now
    session.add(agreement)
    return organisation, agreement


def _written(session: Session, organisation: Organisation, act: str, *, actor: Actor, now: datetime) -> Organisation:
    session.add(organisation)
    flush(session)
    entry = audit.Entry(act, object_ref=organisation.id, body={"purposes": len(organisation.purposes)})
    audit.record(session, entry, actor=actor, now=now)
    return organisation


def find_proposed(session: Session, org_id: str, /) -> Agreement | None:
    """The agreement that waits for a second person."""
    waiting = select(Agreement).where(col(Agreement.org_id) == org_id)
    return session.exec(waiting.where(col(Agreement.state) == AgreementState.PROPOSED)).one_or_none()


def waiting_agreements(session: Session, /) -> int:
    """How many agreements wait for a second person, and applications for a first."""
    proposed = select(Agreement.org_id).where(col(Agreement.state) == AgreementState.PROPOSED)
    applied = select(Organisation.id).where(col(Organisation.state) == OrganisationState.APPLIED)
    return len({*session.exec(proposed), *session.exec(applied)})


def agreements_of(session: Session, org_id: str, /) -> list[Agreement]:
    """All agreements of one giver, the newest first."""
    rows = select(Agreement).where(col(Agreement.org_id) == org_id)
    return list(session.exec(rows.order_by(col(Agreement.proposed_at).desc(), col(Agreement.id))))


def in_force(organisation: Organisation, /, *, on: date) -> bool:
    """Whether the giver may act on this day: active, and within its agreement where it names a term."""
    start, end = organisation.contract_from, organisation.contract_to
    within = (start is None or start <= on) and (end is None or on < end)
    return organisation.state is OrganisationState.ACTIVE and within


def acting_ids(session: Session, /, *, on: date) -> frozenset[str]:
    """The ids of all givers that may act on this day."""
    active = select(Organisation).where(col(Organisation.state) == OrganisationState.ACTIVE)
    return frozenset(row.id for row in session.exec(active) if in_force(row, on=on))


def were_givers(start: date, end: date, /) -> ColumnElement[bool]:
    """On organisations: whether it was a giver at any time between these days (half-open): an approved agreement, or
    the term that it holds, meets them. Who only applied, or was refused, never was one."""
    agreed = exists().where(col(Agreement.org_id) == col(Organisation.id), col(Agreement.valid_from) < end)
    agreed = agreed.where(col(Agreement.state) == AgreementState.APPROVED, col(Agreement.valid_to) > start)
    began, ended = col(Organisation.contract_from), col(Organisation.contract_to)
    holds = and_(or_(began.is_(None), began < end), or_(ended.is_(None), ended > start))
    never = (OrganisationState.APPLIED, OrganisationState.REFUSED)
    return or_(agreed, and_(col(Organisation.state).not_in(never), holds))


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Put agreements in force whose first day has come; tell givers whose agreement ends within a month, once for each
    end; suspend those whose agreement has ended."""
    now = clock()
    today = local_day(now)
    done = _begin_due(database, today=today, now=now)
    with database.reading() as session:
        ending = select(Organisation).where(col(Organisation.state) == OrganisationState.ACTIVE)
        ending = ending.where(col(Organisation.contract_to) <= today + REMIND)
        ids = [found.id for found in session.exec(ending) if _waits(session, found, today=today)]
    for org_id in ids:
        with database.transaction() as session:
            done += _look(session, _locked(session, org_id), today=today, now=now)
    return done


def _begin_due(database: Database, *, today: date, now: datetime) -> int:
    """Dated agreements whose first day has come, the earliest first."""
    due = select(Agreement.id, Agreement.org_id).where(col(Agreement.state) == AgreementState.DATED)
    due = due.where(col(Agreement.valid_from) <= today)
    with database.reading() as session:
        found = session.exec(due.order_by(col(Agreement.valid_from), col(Agreement.decided_at))).all()
    for agreement_id, org_id in found:
        with database.transaction() as session:
            organisation, agreement = _locked(session, org_id), session.get_one(Agreement, agreement_id)
            if agreement.state is not AgreementState.DATED:
                continue  # another worker was here
            agreement.state = AgreementState.APPROVED
            session.add(agreement)
            if agreement.valid_to > today:
                _put_in_force(organisation, agreement)
            _written(session, organisation, "organisation:begin", actor=SYSTEM, now=now)
    return len(found)


def _follows(session: Session, organisation: Organisation, *, end: date) -> bool:
    """Whether another agreement, approved already, goes on where this one ends."""
    dated = select(Agreement.id).where(col(Agreement.org_id) == organisation.id)
    dated = dated.where(col(Agreement.state) == AgreementState.DATED, col(Agreement.valid_from) <= end)
    return session.exec(dated.where(col(Agreement.valid_to) > end).limit(1)).first() is not None


def _waits(session: Session, organisation: Organisation, *, today: date) -> bool:
    """Whether this agreement has ended, or ends and its giver has not been told; asked before anything is locked."""
    end = organisation.contract_to
    if organisation.state is not OrganisationState.ACTIVE or end is None:
        return False
    told = select(Notice.id).where(Notice.key == _notice_key(organisation.id, end))
    if end <= today:
        return True
    return session.exec(told).first() is None and not _follows(session, organisation, end=end)


def _notice_key(org_id: str, end: date) -> str:
    return f"{org_id}:agreement:{end.isoformat()}"


def _look(session: Session, organisation: Organisation, *, today: date, now: datetime) -> bool:
    end = organisation.contract_to
    if end is None or not _waits(session, organisation, today=today):
        return False
    if end <= today:
        organisation.state, organisation.state_reason = OrganisationState.SUSPENDED, ENDED
        session.add(organisation)
        entry = audit.Entry("organisation:suspend", object_ref=organisation.id, body={"reason": ENDED})
        audit.record(session, entry, actor=SYSTEM, now=now)
        return True
    params, key = {"by": last_before(end).isoformat()}, _notice_key(organisation.id, end)
    notices.post(session, "agreement_ending", key=key, org_id=organisation.id, params=params, now=now)
    return True


def _locked(session: Session, org_id: str) -> Organisation:
    found = session.get(Organisation, org_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound("organisation")
    return found
