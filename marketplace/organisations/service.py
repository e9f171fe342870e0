"""Givers at the door: register with a checked credit code, list, suspend and take back.

Enters: what staff typed and their act. Leaves: an organisation row and its audit row. Called by its pages,
by offers (only an active organisation posts), by imports and the demo. Suspending frees nothing by itself: every later
room asks for an active organisation when its own moment comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.policy import require
from marketplace.reference.organisation_number import BadOrganisationNumber, check_uscc
from marketplace.sealed import vault_of

SUSPENSIONS = ("contract_ended", "licence", "complaint", "spending", "asked")
"""Why an organisation is suspended: a code for the log, because a free text might name somebody."""


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What staff type: name, kind, credit code, whom to call, and the agreement's number."""

    name: str
    kind: OrganisationKind
    credit_code: str
    contact: str = ""
    contract_ref: str = ""


def register_organisation(session: Session, new: NewOrganisation, /, *, actor: Actor, now: datetime) -> Organisation:
    """Add a giver. The credit code must carry the right check character and be new here."""
    require(actor, "organisation:register")
    try:
        code = check_uscc(new.credit_code)
    except BadOrganisationNumber as error:
        raise BadInput(f"credit_code_{error.code}", field="credit_code") from error
    if find_by_credit_code(session, code) is not None:
        raise Conflict("credit_code_taken", field="credit_code")
    organisation = Organisation(
        id=vault_of(session).ref("organisation", code),
        name=new.name,
        kind=new.kind,
        credit_code=code,
        contact=new.contact,
        contract_ref=new.contract_ref,
        created_at=now,
    )
    session.add(organisation)
    flush(session)
    entry = audit.Entry("organisation:register", object_ref=organisation.id, body={"kind": new.kind.value})
    audit.record(session, entry, actor=actor, now=now)
    return organisation


def suspend_organisation(session: Session, org_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Organisation:
    """Stop an organisation: from now on it posts nothing, is matched with nobody and reads nothing."""
    if reason not in SUSPENSIONS:
        raise BadInput("suspension_reason", field="reason")
    return _set_state(session, org_id, state=OrganisationState.SUSPENDED, reason=reason, actor=actor, now=now)


def reinstate_organisation(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> Organisation:
    """Let a suspended organisation act again."""
    return _set_state(session, org_id, state=OrganisationState.ACTIVE, reason="", actor=actor, now=now)


def _set_state(
    session: Session, org_id: str, /, *, state: OrganisationState, reason: str, actor: Actor, now: datetime
) -> Organisation:
    require(actor, "organisation:suspend")
    organisation = _organisation(session, org_id)
    if organisation.state is state:
        raise WrongState("organisation_state", have=state.value)
    organisation.state = state
    session.add(organisation)
    flush(session)
    act = "suspend" if state is OrganisationState.SUSPENDED else "reinstate"
    entry = audit.Entry(f"organisation:{act}", object_ref=org_id, body={"reason": reason})
    audit.record(session, entry, actor=actor, now=now)
    return organisation


def list_organisations(
    session: Session,
    /,
    *,
    actor: Actor,
    text: str = "",
    state: OrganisationState | None = None,
    offset: int = 0,
    size: int = 25,
) -> tuple[list[Organisation], int]:
    """One page of organisations by name, and how many there are; `text` is a piece of the name or of the code."""
    require(actor, "organisation:list")
    wanted = select(Organisation)
    if text:
        wanted = wanted.where(
            or_(
                col(Organisation.name).contains(text, autoescape=True),
                col(Organisation.credit_code).startswith(text.upper(), autoescape=True),
            )
        )
    if state is not None:
        wanted = wanted.where(col(Organisation.state) == state)
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    page = wanted.order_by(col(Organisation.name), col(Organisation.id)).offset(offset).limit(size)
    return list(session.exec(page)), total


def get_organisation(session: Session, org_id: str, /, *, actor: Actor) -> Organisation:
    """One organisation, for staff."""
    require(actor, "organisation:list")
    return _organisation(session, org_id)


def find_by_credit_code(session: Session, code: str, /) -> Organisation | None:
    """The organisation with this (checked) credit code."""
    return session.exec(select(Organisation).where(col(Organisation.credit_code) == code)).one_or_none()


def require_active(session: Session, org_id: str, /) -> Organisation:
    """The organisation, or WrongState while it is suspended."""
    organisation = _organisation(session, org_id)
    if organisation.state is not OrganisationState.ACTIVE:
        raise WrongState("organisation_suspended")
    return organisation


def _organisation(session: Session, org_id: str) -> Organisation:
    found = session.get(Organisation, org_id)
    if found is None:
        raise NotFound("organisation")
    return found
