"""What follows when nobody acts: reminders, then the consequence of each late step; a sweep of the background worker.

Enters: the running clocks and the time. Leaves: reminders in the outbox; a match whose giver was silent ends and frees
need and resource at once; a silent household is called; a late delivery goes to staff. A staff step has no consequence:
it stays on the board of deadlines as late, for staff that are slow must not cost a household its aid. Each match is
settled in a transaction of its own, locked and looked at anew, so that a giver who accepts at the last moment and the
sweep never both win; to sweep twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.accounts.standins import reads_for
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import after_working_days
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS, Side
from marketplace.db import Database, one_by_one
from marketplace.decisions import idle, moves, results
from marketplace.decisions.at_once import locked_match
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import locked
from marketplace.decisions.officers import Barred, name_holder, pass_to
from marketplace.errors import WrongState
from marketplace.offers.pausing import pause_silent

log = logging.getLogger("shanqiao.waiting")
BATCH = 100
"""So many reminders, and so many late matches of each step, in one sweep."""
SILENT_AFTER = 3
"""After so many matches in a row without any answer a giver's resources are paused."""
OWN_LETTER = {"project_report": "report_due", "yearly_report": "yearly_due"}
"""Steps of givers whose reminder says more than that something waits."""
NOBODY: Mapping[str, Barred] = {}
Consequence = Callable[[Session, Match, datetime], None]


def sweep(database: Database, *, clock: Callable[[], datetime], barred: Mapping[str, Barred] = NOBODY) -> int:
    """Remind, then settle what is late; returns how much was done. `barred`: who must not be named for a step."""
    now = clock()
    return _remind(database, barred, now=now) + settle_late(database, CONSEQUENCES, now=now)


def _remind(database: Database, barred: Mapping[str, Barred], *, now: datetime) -> int:
    with database.reading() as session:
        if not clocks.are_due(session, now=now):
            return 0
    with database.transaction() as session:
        due = clocks.due_reminders(session, now=now, most=BATCH)
        for waiting in due:
            _write(session, waiting, barred, now=now)
        return len(due)


def _write(session: Session, waiting: Clock, barred: Mapping[str, Barred], *, now: datetime) -> None:
    """One reminder. A step of staff that nobody has taken gets its holder by name now, or is asked about again
    tomorrow; a named holder, or who stands in for it, reads a letter. Of a delivery whose next visit is still to come
    nobody is reminded before it."""
    if not name_holder(session, waiting, barred=barred, now=now):
        clocks.ask_tomorrow(session, waiting, now=now)
    if waiting.step == "deliver" and idle.is_to_come(session, waiting.object_ref, now=now):
        clocks.ask_tomorrow(session, waiting, now=now)
        return
    side = STEPS[waiting.step].side
    key = f"{waiting.id}:{waiting.reminders}"
    told: dict[str, Any] = {"now": now, "params": moves.by(waiting)}
    if waiting.account_id is not None and side is not Side.HOUSEHOLD:
        reader = reads_for(session, waiting.account_id, now=now)
        notices.post(session, "reminder_staff", key=f"{key}:named", account_id=reader, **told)
    if side is Side.GIVER and not (
        waiting.step == "deliver" and idle.waits_for_account(session, waiting.object_ref, now=now)
    ):
        letter = OWN_LETTER.get(waiting.step, "reminder_giver")
        notices.post(session, letter, key=key, org_id=waiting.org_id, **told)
    if side is Side.HOUSEHOLD:
        notices.post(session, "reminder_household", key=key, household_id=waiting.household_id, **told)


def settle_late(database: Database, consequences: Mapping[str, Consequence], /, *, now: datetime) -> int:
    """What follows for late steps of matches, each in its own transaction; rooms above bring steps of their own."""
    with database.reading() as session:
        late = clocks.late_steps(session, now=now)
    return sum(_late(database, step, follows, now=now) for step, follows in consequences.items() if step in late)


def _late(database: Database, step: str, follows: Consequence, *, now: datetime) -> int:
    with database.reading() as session:
        found = [(late.id, late.object_ref) for late in clocks.late(session, step, now=now, most=BATCH)]

    def settle(session: Session, late: tuple[str, str]) -> bool:
        return _settle(session, *late, follows, now=now)

    def failed(late: tuple[str, str], error: str) -> None:
        log.warning("match %s stays late at %s: %s", late[1], step, error)

    return one_by_one(database, found, settle, failed=failed)


def _settle(session: Session, clock_id: str, object_ref: str, follows: Consequence, *, now: datetime) -> bool:
    """Whether there was still something to settle once the match was locked."""
    match = locked_match(session, object_ref.rpartition(":")[2])
    waiting = session.get_one(Clock, clock_id, populate_existing=True)
    if match is None or waiting.ended_at is not None or waiting.due_at > now:
        return False
    follows(session, match, now)
    return True


def expire_giver(session: Session, match: Match, now: datetime, /) -> None:
    """A giver that said nothing: need and resource are free at once, and the giver is told."""
    moves.end(session, match, to=MatchState.EXPIRED_GIVER, reason_code="no_answer", actor=SYSTEM, now=now)
    moves.tell_giver(session, match, "match_expired", key="expired", now=now)
    if _silences(session, match.org_id) >= SILENT_AFTER and pause_silent(session, match.org_id, now=now):
        moves.tell_giver(session, match, "offers_paused", key="paused", now=now)


def _pass_reclaim(session: Session, match: Match, now: datetime) -> None:
    pass_to(session, match, "reclaim_late", outcome="late", now=now)


def _silences(session: Session, org_id: str) -> int:
    """How many matches ended without this giver's answer since it last answered any."""
    answered = select(func.max(Match.giver_answered_at)).where(col(Match.org_id) == org_id)
    last = session.exec(answered).one()
    expired = select(func.count()).select_from(Match).where(col(Match.org_id) == org_id)
    expired = expired.where(col(Match.state) == MatchState.EXPIRED_GIVER)
    if last is not None:
        expired = expired.where(col(Match.updated_at) > last)
    return session.exec(expired).one()


def _ask_for_a_call(session: Session, match: Match, now: datetime) -> None:
    _hand_on(session, match, "call_household", outcome="silent", now=now)


def ask_staff(session: Session, match: Match, now: datetime, /) -> None:
    """A late delivery: staff decide on more time or an end, and the giver is told. Not while staff hold it."""
    if match.held_for:
        return
    asked = _hand_on(session, match, "late_delivery", outcome="late", now=now)
    if asked is not None:
        moves.tell_giver(session, match, "delivery_late", key=f"late:{asked.id}", now=now)


def _late_delivery(session: Session, match: Match, now: datetime) -> None:
    """A limit that ran out while an account was wanted or looked at, or before a visit that is agreed or waits for the
    household, did not run out: it is asked again on the next working day."""
    if not (idle.waits_for_account(session, match.id, now=now) or idle.is_to_come(session, match.id, now=now)):
        ask_staff(session, match, now)
        return
    due = after_working_days(now, 1, district=match.district_code)
    clocks.move_on_by((clock, due) for clock in clocks.running_of(session, match.id))


def _hand_on(session: Session, match: Match, step: str, *, outcome: str, now: datetime) -> Clock | None:
    entry = audit.Entry("match:late", object_ref=match.id, subject=match.household_id, rule_id=step)
    audit.record(session, entry, actor=SYSTEM, now=now)
    return moves.wait(session, match, outcome=outcome, for_step=step, now=now)


def _let_go(session: Session, match: Match, now: datetime) -> None:
    moves.end(session, match, to=MatchState.CANCELLED, reason_code="held_too_long", actor=SYSTEM, now=now)
    moves.tell_household(session, match, moves.ending(match), key="held", now=now)


CONSEQUENCES: Mapping[str, Consequence] = {
    "giver_answer": expire_giver,
    "household_answer": _ask_for_a_call,
    "household_confirm": _ask_for_a_call,
    "deliver": _late_delivery,
    "held": _let_go,
    "reclaim": _pass_reclaim,
    moves.RESULT: results.late,
}


def extend_delivery(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """Staff give a late giver its time once more, and only once until it has served some of it; the other way is to
    cancel the match."""
    match = locked(session, match_id, "match:extend", actor=actor, expected=(MatchState.IN_DELIVERY,))
    if not may_extend(session, match):
        raise WrongState("no_more_time")
    entry = audit.Entry("match:extend", object_ref=match.id, subject=match.household_id)
    audit.record(session, entry, actor=actor, now=now)
    clock = moves.wait(session, match, outcome="extended", now=now)
    moves.tell_giver(session, match, "delivery_expected", key=f"extended:{now.isoformat()}", now=now, clock=clock)
    return match


def may_extend(session: Session, match: Match, /) -> bool:
    """Whether this delivery is late for the first time since a part of it was served, and waits for staff."""
    own = select(Clock.step, Clock.ended_at, Clock.outcome).where(col(Clock.object_ref) == match.id)
    rows = session.exec(own.order_by(col(Clock.ended_at), col(Clock.id))).all()
    waits = any(step == "late_delivery" and ended is None for step, ended, _outcome in rows)
    last = [outcome for _step, ended, outcome in rows if ended is not None and outcome in ("extended", "served_part")]
    return waits and last[-1:] != ["extended"]
