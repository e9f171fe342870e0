"""Grants that wait for what the household has to do, and accounts that bear the name of one of the giver's people.

Enters: the time, or one household. Leaves: matches of money under way with the code of what is wanted of the household;
payees that civil affairs has to look at. One query for all of them. A permission that waits for its call-back, and an
account that is looked at, are the house's turn: they ask nobody, and the giver's time stands still.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, exists, or_
from sqlmodel import Session, col, select

from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode, Purpose
from marketplace.db import chunks
from marketplace.decisions import idle, paying
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.payments.models import BatchState, LineState, Payee, PayeeState, PaymentBatch, PaymentLine
from marketplace.payments.open_matches import (
    FIELDS,
    LIVE_LINE,
    accounts_at_fault,
    conflicts_of,
    living_account,
    permits_begun,
)
from marketplace.reference.needs import MONEY

NAME_OF_STAFF = "name_of_staff"
BATCH, _ASKED = 200, 500


def wanting_account(
    session: Session, /, *, now: datetime, household_id: str = "", match_ids: Collection[str] = ()
) -> list[tuple[Match, str]]:
    """Accepted grants for which the household has something to do, each with what."""
    at_fault = accounts_at_fault(session, household_id)
    wanted = (
        select(Match, Payee.id)
        .join(Need, col(Need.id) == col(Match.need_id))
        .outerjoin(Payee, living_account())
        .where(*_under_way(household_id, match_ids))
        .where(or_(col(Payee.id).is_(None), col(Payee.id).in_(at_fault), ~_permitted(now)))
    )
    found = session.exec(wanted.order_by(col(Match.id))).all()
    refused = _refused(session, {match.household_id for match, payee_id in found if payee_id is None})
    return [(match, _cause(match, payee_id, at_fault=at_fault, refused=refused)) for match, payee_id in found]


def _cause(match: Match, payee_id: str | None, *, at_fault: frozenset[str], refused: set[str]) -> str:
    if payee_id is None:
        return "account_refused" if match.household_id in refused else "no_account"
    return "account_to_correct" if payee_id in at_fault else "no_permit"


def _under_way(household_id: str = "", match_ids: Collection[str] = ()) -> list[ColumnElement[bool]]:
    """Money that nobody holds and no payment is on its way for."""
    line = exists().where(col(PaymentLine.match_id) == col(Match.id), col(PaymentLine.state).in_(LIVE_LINE))
    own = [col(Match.household_id) == household_id] if household_id else []
    own += [col(Match.id).in_(sorted(match_ids))] if match_ids else []
    return [
        col(Match.state) == MatchState.IN_DELIVERY,
        col(Match.held_for) == "",
        col(Need.unit) == MONEY,
        ~line,
        *own,
    ]


def _permitted(now: datetime) -> ColumnElement[bool]:
    """The household has let the giver take its account along, or has said so to a worker: then it begins a day
    after its call-back."""
    fields = [cast(col(Consent.data_fields), String).contains(f'"{name}"') for name in FIELDS]
    alive = and_(col(ConsentHead.state) == ConsentState.ACTIVE, col(ConsentHead.valid_to) > now)
    return exists().where(
        col(ConsentHead.household_id) == col(Match.household_id),
        col(ConsentHead.match_id) == col(Match.id),
        col(ConsentHead.recipient_org_id) == col(Match.org_id),
        col(ConsentHead.purpose) == Purpose.PAYMENT,
        or_(alive, col(ConsentHead.state) == ConsentState.PENDING_CHECK),
        col(Consent.chain_id) == col(ConsentHead.chain_id),
        col(Consent.version) == col(ConsentHead.version),
        col(Consent.mode) == Mode.STORE,
        *fields,
    )


def turns(session: Session, match_ids: Collection[str], now: datetime, /) -> dict[str, Side]:
    """Of these grants those that cannot be paid yet: the household sees to its account; or civil affairs looks at it,
    or calls back about the leave to see it."""
    looked_at = exists().where(
        col(Payee.household_id) == col(Match.household_id), col(Payee.state) == PayeeState.TO_CHECK
    )
    begun = permits_begun(session, match_ids, now=now)
    wanted = select(Match.id).join(Need, col(Need.id) == col(Match.need_id)).where(*_under_way(match_ids=match_ids))
    wanted = wanted.where(or_(looked_at, col(Match.id).in_(sorted(begun))))
    mine = wanting_account(session, now=now, match_ids=match_ids)
    return dict.fromkeys(session.exec(wanted), Side.STAFF) | {match.id: Side.HOUSEHOLD for match, _code in mine}


def at_the_bank(session: Session, match_ids: Collection[str], /) -> set[str]:
    """Of these matches, those of which a line waits in a batch that the bank has."""
    wanted = select(PaymentLine.match_id).join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
    wanted = wanted.where(col(PaymentLine.state) == LineState.WAITING, col(PaymentBatch.state) == BatchState.SENT)
    asked = (wanted.where(col(PaymentLine.match_id).in_(some)) for some in chunks(sorted(match_ids), _ASKED))
    return {match_id for one in asked for match_id in session.exec(one)}


idle.TURNS["payments"] = turns
paying.AT_THE_BANK["payments"] = at_the_bank


def begun_late(session: Session, /, *, now: datetime) -> list[Match]:
    """Grants that can be paid since a moment after their giver's limit had begun: its time is counted from then."""
    wanted = (
        select(Match)
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(Clock, and_(col(Clock.object_ref) == col(Match.id), col(Clock.step) == "deliver"))
        .join(
            ConsentHead, and_(col(ConsentHead.match_id) == col(Match.id), col(ConsentHead.purpose) == Purpose.PAYMENT)
        )
        .where(*_under_way(), _permitted(now), col(Clock.ended_at).is_(None))
        .where(col(ConsentHead.state) == ConsentState.ACTIVE, col(ConsentHead.valid_from) <= now)
        .where(col(Clock.started_at) < col(ConsentHead.valid_from))
    )
    return list(session.exec(wanted.order_by(col(Match.id)).limit(BATCH)))


def _refused(session: Session, household_ids: set[str]) -> set[str]:
    """Of these households, those whose account civil affairs did not accept."""
    wanted = select(Payee.household_id).where(
        col(Payee.household_id).in_(household_ids), col(Payee.state) == PayeeState.REFUSED
    )
    return set(session.exec(wanted))


def of_staff_name(session: Session, /, household_id: str = "") -> list[Payee]:
    """Accounts nobody has decided on whose holder bears the name of one of the people of a giver that is to pay."""
    wanted = (
        select(Match.org_id, Payee)
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(Payee, col(Payee.household_id) == col(Match.household_id))
        .where(*_under_way(household_id))
        .where(col(Payee.state) == PayeeState.OK, col(Payee.decided_by).is_(None))
    )
    rows = session.exec(wanted.order_by(col(Payee.id))).all()
    names = {org_id: conflicts_of(session, org_id).names for org_id in {org_id for org_id, _payee in rows}}
    found = {payee.id: payee for org_id, payee in rows if payee.holder_index in names[org_id]}
    return list(found.values())
