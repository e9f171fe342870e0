"""Grants that were accepted and cannot be paid for want of an account: the household is asked, or a person looks.

Enters: all accepted grants of money, now and then. Leaves: a letter and a clock for each household that has to enter an
account or let the giver see it; and accounts whose holder bears the name of one of the giver's people, put to a person
of civil affairs. The worker looks every ten minutes.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.db import Database, flush
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.payments import payees, waiting
from marketplace.payments.models import Payee, PayeeState
from marketplace.payments.open_matches import Payable, open_of_giver
from marketplace.reference.needs import MONEY

ASKED = ("no_account", "no_permit", "payee_is_payer")
"""What the household itself can mend."""
NAMESAKE = "name_of_staff"


def look(database: Database, /, *, now: datetime) -> int:
    """Ask the households of every giver; returns how many were asked, or put to a person."""
    with database.reading() as session:
        givers = [org_id for org_id in _givers(session) if any(_of_giver(session, org_id, now=now))]
    done = 0
    for org_id in givers:
        with database.transaction() as session:
            done += sum(_settle(session, payable, now=now) for payable in _of_giver(session, org_id, now=now))
    return done


def _givers(session: Session) -> list[str]:
    under_way = select(Match.org_id).join(Need, col(Need.id) == col(Match.need_id))
    under_way = under_way.where(col(Match.state) == MatchState.IN_DELIVERY, col(Need.unit) == MONEY)
    return list(session.exec(under_way.distinct().order_by(col(Match.org_id))))


def _of_giver(session: Session, org_id: str, *, now: datetime) -> list[Payable]:
    return [
        payable
        for payable in open_of_giver(session, org_id, now=now)
        if payable.blocker == NAMESAKE or (payable.blocker in ASKED and not waiting.is_asked(session, payable.match))
    ]


def _settle(session: Session, payable: Payable, *, now: datetime) -> bool:
    if payable.blocker == NAMESAKE:
        return payable.payee is not None and _put_to_a_person(session, payable.payee, now=now)
    return waiting.account_wanted(session, payable.match, now=now)


def _put_to_a_person(session: Session, payee: Payee, *, now: datetime) -> bool:
    """Whether the account was in use and nobody has decided on it."""
    if payee.state is not PayeeState.OK or payee.decided_by is not None:
        return False
    payee.state, payee.reason_code = PayeeState.TO_CHECK, NAMESAKE
    session.add(payee)
    flush(session)
    waiting.payee_waits(session, payee, now=now)
    payees.record(session, payee, "payee:doubt", actor=SYSTEM, now=now)
    return True
