"""The few numbers on the home pages, each of which leads to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.accounts.standins import seats_of
from marketplace.actors import Actor
from marketplace.clocks.board import LATE, ClockFilter, count_clocks
from marketplace.clocks.models import Clock
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.decisions import queues, results
from marketplace.decisions.calls import CALL_STEPS
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.households import suspicions
from marketplace.households.models import Household
from marketplace.ledger.budgets import given_in_year
from marketplace.meetings import critical, duties, urgent
from marketplace.meetings import service as meetings
from marketplace.meetings.models import ReviewState
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import to_do
from marketplace.organisations.agreements import waiting_agreements
from marketplace.policy import may
from marketplace.proofs import projects
from marketplace.proposals.models import Run
from marketplace.reports import yearly
from marketplace.sharing import deletions
from marketplace.signals import lists as signal_lists

REPORTS = (projects.CLOCK, yearly.STEP)
PAYMENTS = ("payment_release", "payment_send", "bank_answer", "pay_again")
"""Steps of a payment that wait for the giver."""


def of_giver(session: Session, org_id: str, /, *, on: date) -> dict[str, int]:
    """Matches to answer, deliveries to make, matches confirmed, open resources, the money of this calendar year, and
    what waits with the resources."""
    by_state = dict(
        session.execute(
            select(Match.state, func.count()).where(col(Match.org_id) == org_id).group_by(col(Match.state))
        ).all()
    )
    open_offers = select(func.count()).select_from(Offer)
    return {
        "answer": by_state.get(MatchState.AWAITING_GIVER, 0),
        "deliver": by_state.get(MatchState.IN_DELIVERY, 0),
        "results": results.count_due(session, org_id),
        "owed": _reports_owed(session, org_id),
        "deletions": deletions.count_owed(session, org_id),
        "payments": _waiting(session, org_id, PAYMENTS),
        "confirmed": sum(by_state.get(state, 0) for state in (MatchState.CONFIRMED, MatchState.CLOSED)),
        "offers": session.exec(
            open_offers.where(col(Offer.org_id) == org_id, col(Offer.state) == OfferState.OPEN)
        ).one(),
        "given_fen": given_in_year(session, on.year, org_ids=[org_id]).get(org_id, 0),
        **to_do(session, org_id, on=on),
    }


def _reports_owed(session: Session, org_id: str) -> int:
    """Reports on projects or on the year of which the giver has been reminded."""
    return _waiting(session, org_id, REPORTS, reminders=1)


def _waiting(session: Session, org_id: str, steps: Sequence[str], *, reminders: int = 0) -> int:
    """Running clocks of a giver at these steps, of which it has been reminded at least so often."""
    wanted = select(func.count()).select_from(Clock).where(col(Clock.org_id) == org_id, col(Clock.ended_at).is_(None))
    return session.exec(wanted.where(col(Clock.step).in_(steps), col(Clock.reminders) >= reminders)).one()


def of_staff(session: Session, actor: Actor, /, *, now: datetime) -> dict[str, int]:
    """What waits for staff within the actor's districts."""
    late = count_clocks(session, ClockFilter(state=LATE), actor=actor, now=now)
    calls = count_clocks(session, ClockFilter(steps=CALL_STEPS), actor=actor, now=now)
    mine = ClockFilter(account_ids=seats_of(session, actor, now=now))
    homes, red = signal_lists.count_open(session, actor=actor)
    return {
        "late": late,
        "calls": calls,
        "mine": count_clocks(session, mine, actor=actor, now=now),
        "alert_homes": homes,
        "alert_red": red,
        "unverified": _needs(session, actor, NeedState.UNVERIFIED),
        "held": _needs(session, actor, NeedState.HELD),
        "verified": _needs(session, actor, NeedState.VERIFIED),
        "lines": queues.count_lines(session, queues.LineFilter(), actor=actor),
        "second": queues.count_matches(session, (MatchState.AWAITING_SECOND,), actor=actor),
        "running": queues.count_matches(session, OPEN, actor=actor),
        "returned": queues.count_matches(session, (MatchState.RETURNED,), actor=actor),
        "to_check": _to_check(session, actor),
        "agreements": waiting_agreements(session),
        "duties": duties.count_open(session, actor, now=now),
        "urgent": urgent.count_urgent(session, ReviewState.WAITING, actor=actor)
        if may(actor, "urgent:list").allow
        else 0,
        "critical": critical.count_needs(session, actor=actor, now=now) if may(actor, "urgent:list").allow else 0,
        "meetings": meetings.open_meetings(session, actor),
        "pairs": suspicions.count_waiting(session, actor=actor),
        "runs": session.exec(select(func.count()).select_from(Run)).one(),
    }


def _needs(session: Session, actor: Actor, state: NeedState) -> int:
    statement = select(func.count()).select_from(Need).where(col(Need.state) == state)
    if actor.districts:
        statement = statement.where(col(Need.district_code).in_(sorted(actor.districts)))
    return session.exec(statement).one()


def _to_check(session: Session, actor: Actor) -> int:
    statement = (
        select(func.count())
        .select_from(ConsentHead)
        .join(Household, col(Household.id) == col(ConsentHead.household_id))
        .where(col(ConsentHead.state) == ConsentState.PENDING_CHECK)
    )
    if actor.districts:
        statement = statement.where(col(Household.district_code).in_(sorted(actor.districts)))
    return session.exec(statement).one()
