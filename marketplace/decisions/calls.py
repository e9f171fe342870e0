"""A household that was silent is called by a worker of its street; what it says, or that nobody could be reached.

Enters: a match whose household did not answer two reminders, and what came of one call or visit. Leaves: the same
states as if the household had pressed a button; a household that nobody reaches loses this offer and nothing else. That
aid has arrived is never taken from silence: there a visit follows. Called by the page of calls.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import flush, new_id
from marketplace.decisions import moves, service
from marketplace.decisions.models import CallOutcome, HouseholdCall, Match, MatchState
from marketplace.decisions.moves import locked
from marketplace.errors import BadInput, WrongState

CALL_STEPS = ("call_household", "visit_household")
TRIES, DAYS = 3, 2
"""So many tries on so many different days before a household counts as not reached."""
MOST_WANTS = 2
"""So often may a household say that it wants the offer and then let the time pass again."""
OUTCOMES = {
    MatchState.AWAITING_HOUSEHOLD: (CallOutcome.WANTS, CallOutcome.DECLINES, CallOutcome.NOT_REACHED),
    MatchState.DELIVERED: (CallOutcome.RECEIVED, CallOutcome.NOT_RECEIVED, CallOutcome.NOT_REACHED),
}


def call_clock(session: Session, match_id: str, /) -> Clock | None:
    """The running clock that asks for a call or a visit."""
    return next((clock for clock in clocks.running_of(session, match_id) if clock.step in CALL_STEPS), None)


def record_call(
    session: Session, match_id: str, /, *, outcome: CallOutcome, reason_code: str = "", actor: Actor, now: datetime
) -> Match:
    """Keep what came of one call or visit, and let it follow at once."""
    match = locked(session, match_id, "match:call", actor=actor, expected=tuple(OUTCOMES))
    clock = call_clock(session, match.id)
    if clock is None:
        raise WrongState("no_call_due")
    if outcome not in OUTCOMES[match.state]:
        raise BadInput("bad_input", field="outcome")
    call = HouseholdCall(
        id=new_id(), match_id=match.id, match_state=match.state, outcome=outcome, called_by=actor.id, called_at=now
    )
    session.add(call)
    entry = audit.Entry("match:call", object_ref=match.id, subject=match.household_id, rule_id=outcome.value)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    if outcome is CallOutcome.WANTS:
        _wants(session, match, now=now)
    elif outcome is CallOutcome.DECLINES:
        _declines(session, match, reason_code=reason_code, actor=actor, now=now)
    elif outcome is CallOutcome.RECEIVED:
        service.confirm(session, match.id, actor=actor, now=now)
    elif outcome is CallOutcome.NOT_RECEIVED:
        service.not_received(session, match.id, actor=actor, now=now)
    else:
        _not_reached(session, match, clock, actor=actor, now=now)
    return match


def calls_of(session: Session, match_id: str, /, *conditions: ColumnElement[bool]) -> list[HouseholdCall]:
    """The calls for a match, the oldest first."""
    statement = select(HouseholdCall).where(col(HouseholdCall.match_id) == match_id, *conditions)
    return list(session.exec(statement.order_by(col(HouseholdCall.called_at), col(HouseholdCall.id))))


def _wants(session: Session, match: Match, *, now: datetime) -> None:
    """The household wants it; accepting takes its own separate consent, so it gets its time once more."""
    wants = len(calls_of(session, match.id, col(HouseholdCall.outcome) == CallOutcome.WANTS))
    if wants > MOST_WANTS:
        raise WrongState("wanted_before")
    clock = moves.wait(session, match, outcome="reached", now=now)
    moves.tell_household(session, match, "offer_waiting", key=f"household:{wants}", now=now, clock=clock)


def _declines(session: Session, match: Match, *, reason_code: str, actor: Actor, now: datetime) -> None:
    if reason_code not in service.DECLINES:
        raise BadInput("reason_missing", field="reason_code")
    match.household_answered_at = now
    moves.end(session, match, to=MatchState.DECLINED_HOUSEHOLD, reason_code=reason_code, actor=actor, now=now)


def _not_reached(session: Session, match: Match, clock: Clock, *, actor: Actor, now: datetime) -> None:
    missed = calls_of(
        session,
        match.id,
        col(HouseholdCall.outcome) == CallOutcome.NOT_REACHED,
        col(HouseholdCall.called_at) >= clock.started_at,
    )
    if len(missed) < TRIES or len({local_day(call.called_at) for call in missed}) < DAYS:
        return
    if match.state is MatchState.AWAITING_HOUSEHOLD:
        to = MatchState.EXPIRED_HOUSEHOLD
        moves.end(session, match, to=to, reason_code="not_reached", actor=actor, now=now)
        moves.tell_household(session, match, "offer_expired", key="expired", now=now)
    elif clock.step == "call_household":
        moves.wait(session, match, outcome="not_reached", for_step="visit_household", now=now)
