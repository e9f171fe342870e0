"""Givers at the door: apply or be registered with a checked credit code, list, suspend, take back, keep to a budget.

Enters: what staff or the giver typed and their act. Leaves: an organisation row and its audit row; it acts only once a
second person approved its agreement (`agreements`). Called by its pages, by offers (only an active organisation posts),
by imports and the demo. Suspending frees nothing by itself: every later room asks for an active organisation when its
own moment comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, func, or_, select

from marketplace import audit
from marketplace.accounts import team
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.organisations import agreements, alike
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.policy import require
from marketplace.reference.organisation_number import BadOrganisationNumber, check_uscc
from marketplace.sealed import vault_of

LARGEST_BUDGET = 10**12
SUSPENSIONS = ("contract_ended", "licence", "complaint", "spending", "asked")
"""Why an organisation is suspended: a code for the log, because a free text might name somebody."""


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What is typed of a new giver. A charitable trust names its trustee, its supervisor and the number of its filing;
    an empty list of purposes is what this kind of giver usually has, a missing term a year from today."""

    name: str
    kind: OrganisationKind
    credit_code: str
    contact: str = ""
    contract_ref: str = ""
    contract_from: date | None = None
    contract_to: date | None = None
    purposes: tuple[str, ...] = ()
    trustee: str = ""
    supervisor: str = ""
    filing_ref: str = ""


def register_organisation(session: Session, new: NewOrganisation, /, *, actor: Actor, now: datetime) -> Organisation:
    """Add a giver with a proposed agreement. The credit code must carry the right check character and be new here, or
    belong to somebody who only applied: what staff type counts. A second person approves
    (`agreements.approve_organisation`) before the giver may act."""
    require(actor, "organisation:register")
    organisation = _fresh(session, new, over=(OrganisationState.REFUSED, OrganisationState.APPLIED), now=now)
    start = new.contract_from or local_day(now)
    terms = agreements.AgreementTerms(
        number=new.contract_ref,
        valid_from=start,
        valid_to=new.contract_to or start + agreements.TERM,
        purposes=new.purposes or agreements.usual_purposes(new.kind),
    )
    agreements.propose(session, organisation, terms, by=actor.id, now=now)
    _record(session, organisation, "organisation:register", actor=actor, now=now)
    return organisation


def apply(session: Session, new: NewOrganisation, /, *, now: datetime) -> Organisation:
    """A giver asks to be let in on the public page; staff propose an agreement or leave it at that."""
    organisation = _applied(session, new, now=now)
    _record(session, organisation, "organisation:apply", actor=PUBLIC, now=now)
    return organisation


def _applied(session: Session, new: NewOrganisation, *, now: datetime) -> Organisation:
    """The row of a giver that may not act yet. One that was refused may apply anew."""
    return _fresh(session, new, over=(OrganisationState.REFUSED,), now=now)


def _fresh(
    session: Session, new: NewOrganisation, *, over: tuple[OrganisationState, ...], now: datetime
) -> Organisation:
    """The row of a giver that may not act yet, new or written over one of these states."""
    try:
        code = check_uscc(new.credit_code)
    except BadOrganisationNumber as error:
        raise BadInput(f"credit_code_{error.code}", field="credit_code") from error
    for name in ("trustee", "supervisor", "filing_ref"):
        if new.kind is OrganisationKind.TRUST and not getattr(new, name):
            raise BadInput("trust_incomplete", field=name)
    if new.contact and not is_reached_by(new.contact):
        raise BadInput("contact_unreachable", field="contact")
    known, part = alike.on_code(session, code, new.name)
    if known is not None and (known.state not in over or agreements.find_proposed(session, known.id) is not None):
        raise Conflict("credit_code_taken", field="credit_code")
    organisation = known or Organisation(
        id=vault_of(session).ref("organisation", f"{code}#{part}" if part else code),
        name=new.name,
        kind=new.kind,
        credit_code=code,
        part=part,
        created_at=now,
    )
    organisation.state, organisation.state_reason = OrganisationState.APPLIED, ""
    for name in ("name", "kind", "contact", "trustee", "supervisor", "filing_ref"):
        setattr(organisation, name, getattr(new, name))
    session.add(organisation)
    flush(session)
    alike.compare(session, organisation, now=now)
    return organisation


def _record(session: Session, organisation: Organisation, act: str, *, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(act, object_ref=organisation.id, body={"kind": organisation.kind.value})
    audit.record(session, entry, actor=actor, now=now)


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
    begins = OrganisationState.ACTIVE if state is OrganisationState.SUSPENDED else OrganisationState.SUSPENDED
    if organisation.state is not begins:
        raise WrongState("organisation_state", have=organisation.state.value)
    if begins is OrganisationState.SUSPENDED and _is_over(organisation, on=local_day(now)):
        raise WrongState("agreement_over")
    organisation.state, organisation.state_reason = state, reason
    session.add(organisation)
    flush(session)
    act = "suspend" if state is OrganisationState.SUSPENDED else "reinstate"
    entry = audit.Entry(f"organisation:{act}", object_ref=org_id, body={"reason": reason})
    audit.record(session, entry, actor=actor, now=now)
    return organisation


def _is_over(organisation: Organisation, *, on: date) -> bool:
    return organisation.contract_to is not None and organisation.contract_to <= on


def keep_budget(
    session: Session,
    org_id: str,
    /,
    *,
    yearly_budget_fen: int | None,
    income_fen: int | None = None,
    actor: Actor,
    now: datetime,
) -> Organisation:
    """The most money this giver gives in a calendar year, by its own word; None is no limit. A foundation that may
    raise funds in public tells the income of last year beside it: see `spending`."""
    require(actor, "organisation:budget", org_id=org_id)
    organisation = _organisation(session, org_id)
    if yearly_budget_fen is not None and not 0 <= yearly_budget_fen <= LARGEST_BUDGET:
        raise BadInput("budget_too_large", field="yearly_budget_fen")
    if income_fen is not None and not 0 <= income_fen <= LARGEST_BUDGET:
        raise BadInput("budget_too_large", field="income_fen")
    organisation.yearly_budget_fen, organisation.income_fen = yearly_budget_fen, income_fen
    organisation.income_year = local_day(now).year - 1 if income_fen is not None else None
    session.add(organisation)
    flush(session)
    body = {"limited": int(yearly_budget_fen is not None)}
    audit.record(session, audit.Entry("organisation:budget", object_ref=org_id, body=body), actor=actor, now=now)
    return organisation


def keep_on_call(session: Session, org_id: str, /, *, contact: str, actor: Actor, now: datetime) -> Organisation:
    """Where this giver is reached day and night, for urgent cases; empty: its usual address."""
    require(actor, "organisation:on_call", org_id=org_id)
    organisation, said = _organisation(session, org_id), contact.strip()
    if said and not is_reached_by(said):
        raise BadInput("contact_unreachable", field="contact")
    organisation.on_call_contact = said[:120]
    session.add(organisation)
    flush(session)
    body = {"set": int(bool(said))}
    audit.record(session, audit.Entry("organisation:on_call", object_ref=org_id, body=body), actor=actor, now=now)
    return organisation


def keep_contact(session: Session, org_id: str, /, *, contact: str, actor: Actor, now: datetime) -> Organisation:
    """Where this giver's letters go from now on; the log says that it changed, and to which kind, never the address."""
    require(actor, "organisation:contact", org_id=org_id)
    organisation, said = _organisation(session, org_id), contact.strip()
    if not is_reached_by(said):
        raise BadInput("contact_unreachable", field="contact")
    organisation.contact = said
    session.add(organisation)
    flush(session)
    body = {"by_telephone": int(is_mobile(said))}
    audit.record(session, audit.Entry("organisation:contact", object_ref=org_id, body=body), actor=actor, now=now)
    return organisation


def is_reached_by(said: str, /) -> bool:
    """Whether a letter can be sent there: a mail address, or a mobile number."""
    return len(said) <= 120 and (bool(re.fullmatch(r"[^@\s]+@[^@\s]+", said)) or is_mobile(said))


def is_mobile(said: str, /) -> bool:
    """Whether this is a mobile number of eleven digits."""
    return len(said) == 11 and said.isascii() and said.isdigit() and said.startswith("1")


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


def get_own(session: Session, /, *, actor: Actor) -> Organisation:
    """The actor's own organisation."""
    require(actor, "organisation:own", org_id=actor.org_id)
    return _organisation(session, actor.org_id or "")


def find_by_credit_code(session: Session, code: str, /) -> Organisation | None:
    """The organisation with this (checked) credit code; of a whole and its parts on one code, the first."""
    asked = select(Organisation).where(col(Organisation.credit_code) == code, col(Organisation.part) == 0)
    return session.exec(asked).one_or_none()


def require_active(session: Session, org_id: str, /) -> Organisation:
    """The organisation, or WrongState while it is suspended or not yet approved."""
    organisation = _organisation(session, org_id)
    if organisation.state in (OrganisationState.APPLIED, OrganisationState.REFUSED):
        raise WrongState("organisation_not_approved")
    if organisation.state is not OrganisationState.ACTIVE:
        raise WrongState("organisation_suspended")
    return organisation


def may_read(session: Session, org_id: str, /, *, on: date) -> bool:
    """Whether anything about a household may be shown to this organisation on this day: it is neither suspended nor
    without an agreement, also where nobody has written down yet that its agreement has ended."""
    return reads_today(session.get(Organisation, org_id, populate_existing=True), on=on)


def reads_today(found: Organisation | None, /, *, on: date) -> bool:
    """The same of a row that was read in this transaction."""
    return found is not None and found.state is OrganisationState.ACTIVE and not _is_over(found, on=on)


def _organisation(session: Session, org_id: str) -> Organisation:
    found = session.get(Organisation, org_id)
    if found is None:
        raise NotFound("organisation")
    return found


def _seats(session: Session, org_id: str) -> tuple[Role, ...]:
    """The roles in which people of this giver work."""
    insurer = session.get_one(Organisation, org_id).kind is OrganisationKind.INSURER
    return (Role.INSURER,) if insurer else (Role.CHARITY_MANAGER, Role.CHARITY_WORKER)


team.SEATS.append(_seats)
