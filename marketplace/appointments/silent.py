"""A household that says nothing on the times of a service: somebody calls it, and its giver is told.

Enters: clocks of `visit_answer` that are late, and times that nobody took before they came. Leaves: one worker's call
(`visit_call`) for the match, whose times stay open meanwhile. An answer of the household ends the call. Called by
`service`, and by the sweep of `outcomes`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.appointments.booking import ANSWER, lock_match
from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import URGENT
from marketplace.needs.models import Need

CALL = "visit_call"
"""The step that waits for a worker's call: nobody was there twice, or nothing was said on a time."""
BATCH = 100


def silent_ref(match_id: str, /) -> str:
    """Under which the call about silence waits, apart from the one about two visits in vain."""
    return f"silent:{match_id}"


def waits(session: Session, match_id: str, /) -> bool:
    """Whether a call about silence waits."""
    return bool(clocks.running_of(session, silent_ref(match_id)))


def ask_for_call(session: Session, match: Match, /, *, now: datetime) -> None:
    """Let a worker of the district call; once, however many times were left without an answer."""
    if waits(session, match.id):
        return
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    holder = Holder(district_code=match.district_code)
    clocks.start(session, CALL, silent_ref(match.id), holder=holder, now=now, urgent=urgent)
    entry = audit.Entry("match:late", object_ref=match.id, subject=match.household_id, rule_id=CALL)
    audit.record(session, entry, actor=SYSTEM, now=now)


def end_call(session: Session, match_id: str, /, *, outcome: str, now: datetime) -> bool:
    """End the call about silence; whether one waited."""
    return clocks.end(session, silent_ref(match_id), step=CALL, outcome=outcome, now=now) > 0


def sweep(database: Database, /, *, now: datetime) -> int:
    """Hand on what is late, each choice in its own transaction."""
    with database.reading() as session:
        late = [(clock.id, clock.object_ref) for clock in clocks.late(session, ANSWER, now=now, most=BATCH)]
    return sum(_hand_on(database, clock_id, choice_id, now=now) for clock_id, choice_id in late)


def _hand_on(database: Database, clock_id: str, choice_id: str, *, now: datetime) -> bool:
    proposed = select(Appointment.match_id).where(
        col(Appointment.choice_id) == choice_id, col(Appointment.state) == AppointmentState.PROPOSED
    )
    with database.transaction() as session:
        match_id = session.exec(proposed.limit(1)).first()
        match = lock_match(session, match_id) if match_id else None
        if session.get_one(Clock, clock_id, populate_existing=True).ended_at is not None:
            return False
        clocks.end(session, choice_id, step=ANSWER, outcome="silent", now=now)
        if match is not None and match.state is MatchState.IN_DELIVERY:
            ask_for_call(session, match, now=now)
        return True
