"""Whose account a household is paid to: typed by the household or with a worker, checked, corrected, decided on.

Enters: what was typed, and who typed it. Leaves: a `Payee` whose number and holder are sealed. The holder must be
somebody of the household; another holder, a number that another household uses, and a number typed by a worker or by
another adult than the one whom messages reach wait for a person. The consent that lets one giver see the account for
one match is the room consent's, purpose PAYMENT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts import ties
from marketplace.actors import Actor, Role
from marketplace.consent import service as consent
from marketplace.consent.ask import lock_head
from marketplace.consent.models import Consent, ConsentState, Purpose
from marketplace.db import flush, new_id
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.organisations.models import Organisation
from marketplace.payments import waiting, wanting
from marketplace.payments.account_number import account_digits, folded_name
from marketplace.payments.models import AccountKind, Payee, PayeeState
from marketplace.payments.open_matches import FIELDS, account_index, holder_index, open_of_household
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.sealed import Sealed, vault_of

LIVE = (PayeeState.OK, PayeeState.TO_CHECK)
SELF = "SELF"


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed about an account."""

    holder: str = field(repr=False)
    relation: str
    bank: str = field(repr=False)
    kind: AccountKind
    account: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """An account in plain text, for one look that was written down."""

    holder: str = field(repr=False)
    bank: str = field(repr=False)
    account: str = field(repr=False)


def find_payee(session: Session, household_id: str, /) -> Payee | None:
    """The household's living account, checked or waiting to be."""
    wanted = select(Payee).where(col(Payee.household_id) == household_id, col(Payee.state).in_(LIVE))
    return session.exec(wanted).first()


def save_account(session: Session, household_id: str, typed: Typed, /, *, actor: Actor, now: datetime) -> Payee:
    """Keep a new account; the one before is replaced, and lines of batches that named it are left out of the file."""
    household = session.get(Household, household_id)
    district = household.district_code if household is not None else None
    require(actor, "payee:type", household_id=household_id, district=district)
    digits, name = account_digits(typed.account, typed.kind), folded_name(typed.holder)
    if typed.relation not in list_codes("payee_relation"):
        raise BadInput("bad_input", field="relation")
    if not (name and typed.bank):
        raise BadInput("bad_input", field="bank" if name else "holder")
    people = list_people(session, household_id)
    if not people:
        raise NotFound("person")
    owner = _member(session, people, name, typed.relation)
    old = session.exec(
        select(Payee).where(col(Payee.household_id) == household_id, col(Payee.state).in_(LIVE)).with_for_update()
    ).first()
    if old is not None:
        old.state = PayeeState.REPLACED
        session.add(old)
        flush(session)
        waiting.payee_settled(session, old, now=now)
    ids = {"person_id": (owner or people[0]).id, "household_id": household_id}
    payee = _sealed(session, typed, digits=digits, **ids, actor=actor, now=now)
    payee.reason_code = _doubt(session, payee, known=owner is not None, actor=actor)
    payee.state = PayeeState.TO_CHECK if payee.reason_code else PayeeState.OK
    session.add(payee)
    flush(session)
    if payee.state is PayeeState.TO_CHECK:
        waiting.payee_waits(session, payee, now=now)
    for alike in wanting.of_staff_name(session, household_id):
        waiting.doubt(session, alike, now=now)
    waiting.settled(session, household_id, now=now)
    _record(session, payee, "payee:type", actor=actor, now=now)
    return payee


def _member(session: Session, people: list[Person], name: str, relation: str) -> Person | None:
    """The person of the household who bears this name, if the relation says so: the first person for oneself, any
    other for a relative."""
    wanted = people[:1] if relation == SELF else people
    for person in wanted:
        if name == folded_name(_name_of(session, person)):
            return person
    return None


def _name_of(session: Session, person: Person) -> str:
    return vault_of(session).open_if_kept(session, person.id, column="person.name", sealed=person.name)


def _sealed(
    session: Session, typed: Typed, *, digits: str, person_id: str, household_id: str, actor: Actor, now: datetime
) -> Payee:
    vault = vault_of(session)

    def seal(name: str, text: str) -> Sealed:
        return vault.seal(session, person_id, column=f"payee.{name}", text=text)

    return Payee(
        id=new_id(),
        household_id=household_id,
        person_id=person_id,
        kind=typed.kind,
        relation=typed.relation,
        holder=seal("holder", typed.holder.strip()),
        bank=seal("bank", typed.bank.strip()),
        account=seal("account", digits),
        account_index=account_index(vault, digits),
        holder_index=holder_index(vault, typed.holder),
        last_four=digits[-4:],
        state=PayeeState.TO_CHECK,
        typed_by=actor.id,
        created_at=now,
    )


def _doubt(session: Session, payee: Payee, *, known: bool, actor: Actor) -> str:
    """Why a person must look first; empty when nobody must."""
    if actor.role is not Role.HOUSEHOLD:
        return "typed_by_helper"
    if (person := session.get(Person, actor.id)) is not None and not person.contact:
        return "typed_by_member"
    if not known:
        return "other_holder"
    same = select(Payee.id).where(
        col(Payee.account_index) == payee.account_index,
        col(Payee.household_id) != payee.household_id,
        col(Payee.state).in_(LIVE),
    )
    return "shared_account" if session.exec(same.limit(1)).first() else ""


def decide(
    session: Session, payee_id: str, /, *, accept: bool, reason_code: str = "", actor: Actor, now: datetime
) -> Payee:
    """A member of staff settles a doubt; never the one who typed the account."""
    payee = _locked(session, payee_id, actor=actor)
    if payee.state is not PayeeState.TO_CHECK:
        raise WrongState("payee_settled", state=payee.state.value)
    if payee.typed_by in actor.people:
        raise WrongState("same_person_twice")
    if ties.touches(session, actor.people, [payee.account_index]):
        raise WrongState("payee_is_kin")
    if not accept and reason_code not in list_codes("payee_refusal"):
        raise BadInput("reason_missing", field="reason_code")
    payee.state = PayeeState.OK if accept else PayeeState.REFUSED
    payee.reason_code = "" if accept else reason_code
    payee.decided_by, payee.decided_at = actor.id, now
    session.add(payee)
    flush(session)
    waiting.payee_settled(session, payee, now=now)
    _record(session, payee, "payee:accept" if accept else "payee:refuse", actor=actor, now=now)
    if not accept:
        waiting.ask_for_account(session, now=now, household_id=payee.household_id)
    return payee


def show(session: Session, payee_id: str, /, *, actor: Actor, now: datetime) -> Opened:
    """Holder, bank and number for the person who settles a doubt; the look is written down first."""
    payee = _locked(session, payee_id, actor=actor)
    if payee.state is not PayeeState.TO_CHECK:
        raise WrongState("payee_settled", state=payee.state.value)
    _record(session, payee, "payee:show", actor=actor, now=now, fields=FIELDS)
    return open_payee(session, payee)


def open_payee(session: Session, payee: Payee) -> Opened:
    """The plain text; callers have written down who looks and why."""
    vault = vault_of(session)

    def plain(name: str) -> str:
        sealed = getattr(payee, name)
        return vault.open(session, payee.person_id, column=f"payee.{name}", sealed=sealed) if sealed else ""

    return Opened(plain("holder"), plain("bank"), plain("account"))


def _locked(session: Session, payee_id: str, *, actor: Actor) -> Payee:
    payee = session.get(Payee, payee_id, with_for_update=True, populate_existing=True)
    home = session.get(Household, payee.household_id) if payee is not None else None
    require(actor, "payee:decide", district=home.district_code if home is not None else None)
    if payee is None:
        raise NotFound("payee")
    return payee


def _record(
    session: Session, payee: Payee, action: str, *, actor: Actor, now: datetime, fields: tuple[str, ...] = ()
) -> None:
    entry = audit.Entry(
        action,
        object_ref=payee.id,
        subject=payee.household_id,
        purpose=Purpose.PAYMENT.value,
        decision=payee.state.value,
        rule_id=payee.reason_code,
        fields=fields,
    )
    audit.record(session, entry, actor=actor, now=now)


def permit(
    session: Session,
    household_id: str,
    match_ids: Iterable[str],
    /,
    *,
    actor: Actor,
    now: datetime,
    capture: consent.Capture | None = None,
) -> list[Consent]:
    """Let the giver of each of these matches see the account, for this one payment; money matches under way only."""
    payee = find_payee(session, household_id)
    if payee is None:
        raise WrongState("no_account")
    mine = {match.id: match for match in open_of_household(session, household_id)}
    given = []
    for match_id in match_ids:
        match = mine.get(match_id)
        if match is None:
            raise NotFound("match")
        given.append(_permit_one(session, match, payee, actor=actor, now=now, capture=capture))
    waiting.settled(session, household_id, now=now)
    return given


def _permit_one(
    session: Session, match: Match, payee: Payee, *, actor: Actor, now: datetime, capture: consent.Capture | None
) -> Consent:
    return consent.give_for_match(
        session,
        session.get_one(Household, match.household_id),
        organisation=session.get_one(Organisation, match.org_id),
        match_id=match.id,
        purpose=Purpose.PAYMENT.value,
        data_fields=FIELDS,
        person_id=payee.person_id,
        actor=actor,
        now=now,
        capture=capture,
    )


def end_permit(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The payment is over: the giver needs the account no longer."""
    if lock_head(session, chain_id).state is ConsentState.ACTIVE:
        consent.close(session, chain_id, actor=actor, now=now)


def last_refused(session: Session, household_id: str, /) -> Payee | None:
    """The newest account that staff did not accept, so that the household reads why."""
    wanted = select(Payee).where(col(Payee.household_id) == household_id, col(Payee.state) == PayeeState.REFUSED)
    return session.exec(wanted.order_by(col(Payee.created_at).desc()).limit(1)).first()


def list_to_check(session: Session, /, *, actor: Actor) -> list[tuple[Payee, Household]]:
    """Accounts that wait for a person within the actor's districts, the oldest first."""
    require(actor, "payee:list")
    wanted = (
        select(Payee, Household)
        .join(Household, col(Household.id) == col(Payee.household_id))
        .where(col(Payee.state) == PayeeState.TO_CHECK)
        .order_by(col(Payee.created_at), col(Payee.id))
    )
    if actor.districts:
        wanted = wanted.where(col(Household.district_code).in_(sorted(actor.districts)))
    return list(session.exec(wanted).all())
