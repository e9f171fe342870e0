"""What follows a review that found that urgent aid should not have been given, when it has arrived already.

Enters: a reviewed urgent case. Leaves: a clock of its giver (`reclaim_asked`), which ends when the giver asks the aid
back or has it back, or says with a reason that it lets it be: nobody is made to reclaim (R1.17 lets, it does not bind).
Silence, or such a no, becomes a duty of whoever reviewed the case, so that a person speaks with the giver. Called by
`urgent`, the giver's page and the worker's sweep.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import flush
from marketplace.decisions import moves
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake.cells import names_somebody
from marketplace.meetings import duties
from marketplace.meetings.models import ReviewState, UrgentApproval
from marketplace.policy import require

STEP = moves.ASKED_BACK


def ask(session: Session, row: UrgentApproval, match: Match, /, *, now: datetime) -> None:
    """The giver is asked to claim back what has arrived, and by when it says what it does."""
    clock = clocks.start(session, STEP, moves.asked_ref(match.id), holder=moves.holder_of(STEP, match), now=now)
    by = moves.by(clock)
    notices.post(session, "urgent_to_reclaim", key=f"{row.id}:reclaim", org_id=match.org_id, now=now, params=by)


def newest(session: Session, match_id: str, /) -> Clock | None:
    """The clock of the asking: it runs, or its outcome says how it ended."""
    found = select(Clock).where(Clock.object_ref == moves.asked_ref(match_id), Clock.step == STEP)
    return session.exec(found.order_by(col(Clock.started_at).desc()).limit(1)).first()


def asked_of_giver(session: Session, match_id: str, /, *, actor: Actor) -> tuple[Match, UrgentApproval, Clock]:
    """The giver's own match that it is asked to claim back; one that is not looks like a missing one."""
    match, clock = session.get(Match, match_id), newest(session, match_id)
    if match is None:
        raise NotFound("match")
    require(actor, "match:reclaim", org_id=match.org_id)
    row = session.exec(select(UrgentApproval).where(UrgentApproval.match_id == match_id)).first()
    if row is None or clock is None:
        raise NotFound("match")
    return match, row, clock


def let_be(session: Session, match_id: str, /, *, reason: str, actor: Actor, now: datetime) -> None:
    """The giver does not claim it back and says why; the reviewer reads it as a duty."""
    _match, row, clock = asked_of_giver(session, match_id, actor=actor)
    if clock.ended_at is not None:
        raise WrongState("not_asked_back")
    if not reason.strip():
        raise BadInput("reason_missing", field="reason")
    if names_somebody(reason):
        raise BadInput("personal_in_text", field="reason")
    clocks.end(session, clock.object_ref, outcome="let_be", now=now)
    _to_a_person(session, row, reason, action="urgent:let_be", actor=actor, now=now)
    flush(session)


def late(session: Session, match: Match, now: datetime, /) -> None:
    """The giver said nothing: the reviewer is to speak with it."""
    row = session.exec(select(UrgentApproval).where(UrgentApproval.match_id == match.id)).first()
    clocks.end(session, moves.asked_ref(match.id), outcome="late", now=now)
    if row is not None and row.state is ReviewState.RECLAIM:
        _to_a_person(session, row, row.review_reason, action="urgent:not_reclaimed", actor=SYSTEM, now=now)


def _to_a_person(session: Session, row: UrgentApproval, task: str, *, action: str, actor: Actor, now: datetime) -> None:
    officers = [one.id for one in duties.officers(session, row.district_code)]
    officer = row.reviewed_by if row.reviewed_by in officers else next(iter(officers), "")
    if officer:
        duties.give(session, duties.Task(row.need_id, officer, task), actor=actor, now=now)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, decision=row.state.value)
    audit.record(session, entry, actor=actor, now=now)
