"""Money matches under way, and what stands between each of them and a payment.

Enters: a giver or a household. Leaves: matches of money that the household has accepted, each with its account, its
living consent and the first reason why it cannot be paid now (empty: it can). One query however many there are; it is
asked again when a batch is prepared, when its file is opened, and on the pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.consent.ask import find_head, is_alive, newest
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode, Purpose
from marketplace.db import chunks
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.payments.account_number import folded_name
from marketplace.payments.models import LineState, OwnAccount, Payee, PayeeState, PaymentLine
from marketplace.reference.needs import MONEY
from marketplace.sealed import Vault, vault_of

FIELDS = ("name", "payee_account")
"""What the consent PAYMENT lets the giver take along: the holder's name and the account."""
LIVE_LINE = (LineState.WAITING, LineState.PAID)
ACCOUNT_AT_FAULT = frozenset({"account_not_found", "name_mismatch", "account_closed", "account_frozen", "bank_unknown"})
"""Reasons of a bank after which the same account is not tried again."""


def account_index(vault: Vault, digits: str) -> str:
    """The keyed index of an account number."""
    return vault.index("payee-account", digits)


def holder_index(vault: Vault, name: str) -> str:
    """The keyed index of a holder's name."""
    return vault.index("payee-holder", folded_name(name))


@dataclass(frozen=True, slots=True)
class Payable:
    """A money match under way. `blocker` is the code of why it cannot be paid now; empty: it can."""

    match: Match
    payee: Payee | None
    head: ConsentHead | None
    blocker: str


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What the giver's own side must never be: accounts and names by their index."""

    accounts: frozenset[str]
    names: frozenset[str]


def open_of_household(session: Session, household_id: str, /) -> list[Match]:
    """The household's money matches under way, the oldest first."""
    wanted = (
        select(Match)
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Match.household_id) == household_id, col(Match.state) == MatchState.IN_DELIVERY)
        .where(col(Need.unit) == MONEY)
        .order_by(col(Match.created_at), col(Match.id))
    )
    return list(session.exec(wanted))


def is_permitted(session: Session, match: Match, /, *, now: datetime) -> bool:
    """Whether the household lets this giver take its account along in the file of this payment. A yes to words that
    spoke of looking only, or one that was narrowed, is not enough: the household is asked again."""
    head = find_head(session, match.household_id, purpose=Purpose.PAYMENT, org_id=match.org_id, match_id=match.id)
    if head is None or not is_alive(head, now):
        return False
    consent = newest(session, head)
    return consent.mode is Mode.STORE and set(FIELDS) <= set(consent.data_fields)


def permits_begun(session: Session, match_ids: Iterable[str], /, *, now: datetime) -> set[str]:
    """Of these matches, those whose household said its leave to a worker: it waits for its call-back, or for the day
    after that on which it begins."""
    cooling = and_(col(ConsentHead.state) == ConsentState.ACTIVE, col(ConsentHead.valid_from) > now)
    wanted = select(ConsentHead.match_id).where(
        col(ConsentHead.purpose) == Purpose.PAYMENT,
        or_(col(ConsentHead.state) == ConsentState.PENDING_CHECK, cooling),
    )
    some = (wanted.where(col(ConsentHead.match_id).in_(ids)) for ids in chunks(sorted(set(match_ids)), 500))
    return {match_id for part in some for match_id in session.exec(part) if match_id}


def open_of_giver(session: Session, org_id: str, /, *, now: datetime) -> list[Payable]:
    """Every accepted money match of a giver that no payment is on its way for, the longest waiting first."""
    busy = select(PaymentLine.match_id).where(col(PaymentLine.org_id) == org_id, col(PaymentLine.state).in_(LIVE_LINE))
    rows = session.execute(_asked(org_id).where(col(Match.id).not_in(busy)))
    return _judged(session, rows, org_id=org_id, now=now)


def of_matches(session: Session, org_id: str, match_ids: Iterable[str], /, *, now: datetime) -> dict[str, Payable]:
    """The same for the matches of a batch, whatever became of them since; a match that left the way is missing."""
    wanted = set(match_ids)
    rows = [row for row in session.execute(_asked(org_id)) if row[0].id in wanted]
    return {payable.match.id: payable for payable in _judged(session, rows, org_id=org_id, now=now)}


def living_account() -> ColumnElement[bool]:
    """The join of a match to its household's account, checked or waiting to be."""
    return and_(
        col(Payee.household_id) == col(Match.household_id),
        col(Payee.state).in_((PayeeState.OK, PayeeState.TO_CHECK)),
    )


def _asked(org_id: str) -> Any:
    head = and_(
        col(ConsentHead.household_id) == col(Match.household_id),
        col(ConsentHead.match_id) == col(Match.id),
        col(ConsentHead.recipient_org_id) == col(Match.org_id),
        col(ConsentHead.purpose) == Purpose.PAYMENT,
        col(ConsentHead.state) == ConsentState.ACTIVE,
    )
    kept = and_(
        col(Consent.chain_id) == col(ConsentHead.chain_id),
        col(Consent.version) == col(ConsentHead.version),
        col(Consent.mode) == Mode.STORE,
    )
    return (
        select(Match, Payee, ConsentHead, Consent.data_fields)
        .join(Need, col(Need.id) == col(Match.need_id))
        .outerjoin(Payee, living_account())
        .outerjoin(ConsentHead, head)
        .outerjoin(Consent, kept)
        .where(col(Match.org_id) == org_id, col(Match.state) == MatchState.IN_DELIVERY, col(Need.unit) == MONEY)
        .order_by(col(Match.household_answered_at), col(Match.id))
    )


def _judged(session: Session, rows: Iterable[Any], *, org_id: str, now: datetime) -> list[Payable]:
    conflicts, at_fault, found = conflicts_of(session, org_id), accounts_at_fault(session), list(rows)
    begun = permits_begun(session, [row[0].id for row in found], now=now)
    return [
        Payable(
            match,
            payee,
            head,
            ("held" if match.held_for else "")
            or _account_blocker(payee, conflicts=conflicts, at_fault=at_fault)
            or _permit_blocker(is_alive(head, now) and set(FIELDS) <= set(fields or ()), begun=match.id in begun),
        )
        for match, payee, head, fields in found
    ]


def _permit_blocker(permitted: bool, *, begun: bool) -> str:
    if permitted:
        return ""
    return "permit_to_check" if begun else "no_permit"


def conflicts_of(session: Session, org_id: str, /) -> Conflicts:
    """The giver's own accounts, and the names of its people as holders are indexed."""
    vault = vault_of(session)
    accounts = session.exec(select(OwnAccount.account_index).where(col(OwnAccount.org_id) == org_id))
    names = session.exec(select(Account.display_name).where(col(Account.org_id) == org_id))
    return Conflicts(frozenset(accounts), frozenset(holder_index(vault, name) for name in names))


def accounts_at_fault(session: Session, /, household_id: str = "") -> frozenset[str]:
    """Living payees that a bank would not pay to, or sent the money back from, for whichever giver and grant."""
    wanted = (
        select(PaymentLine.payee_id)
        .join(Payee, col(Payee.id) == col(PaymentLine.payee_id))
        .where(col(Payee.state).in_((PayeeState.OK, PayeeState.TO_CHECK)))
        .where(col(PaymentLine.state).in_((LineState.FAILED, LineState.RETURNED)))
        .where(col(PaymentLine.reason_code).in_(sorted(ACCOUNT_AT_FAULT)))
    )
    if household_id:
        wanted = wanted.where(col(PaymentLine.household_id) == household_id)
    return frozenset(session.exec(wanted))


def _account_blocker(payee: Payee | None, *, conflicts: Conflicts, at_fault: frozenset[str]) -> str:
    if payee is None:
        return "no_account"
    if payee.account_index in conflicts.accounts:
        return "payee_is_payer"
    if payee.state is PayeeState.TO_CHECK:
        return "account_to_check"
    if _bears_name(payee, conflicts):
        return "name_of_staff"
    return "account_to_correct" if payee.id in at_fault else ""


def _bears_name(payee: Payee, conflicts: Conflicts) -> bool:
    return payee.holder_index in conflicts.names and payee.decided_by is None


def bears_staff_name(session: Session, payee: Payee, org_id: str, /) -> bool:
    """Whether civil affairs has to say first that the holder is not one of this giver's people."""
    return _bears_name(payee, conflicts_of(session, org_id))
