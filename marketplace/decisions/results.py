"""What a giver reports after a delivery (反馈结果): what came of it, and the minutes that its own people spent.

Enters: one delivered match, or all that wait, with one code and the minutes for each. Leaves: a row that is never
changed, and its clock ended. The report is due five working days after the delivery (R1.04 gives no term; this is the
product's own); a late one costs nobody aid: it stands as missing in the giver's monthly report, and the giver is told.
An insurer's answer to a case is its report already. Called by the giver's pages, table and machine, and by the
worker's sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, func, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import chunks, flush, new_id
from marketplace.decisions import moves, pieces
from marketplace.decisions.at_once import hold_matches
from marketplace.decisions.models import GiverResult, Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.reference.words import list_codes

MOST_MINUTES = 6000
ASKED_AT_ONCE = 500
REPORTABLE = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED, MatchState.RECLAIMING)
LATE = "late"


@dataclass(frozen=True, slots=True)
class Told:
    """What the giver says: a code of `giver_result`, and its people's minutes where it knows them."""

    outcome: str
    minutes: int | None = None


def report(session: Session, match_id: str, told: Told, /, *, actor: Actor, now: datetime) -> GiverResult:
    """Keep the giver's result of one match; there is one, and it is not changed afterwards. Minutes that its records of
    visits hold already need not be told again."""
    match = moves.locked(session, match_id, "match:result", actor=actor, expected=REPORTABLE)
    if told.outcome not in list_codes("giver_result"):
        raise BadInput("reason_missing", field="outcome")
    if told.minutes is not None and not 0 <= told.minutes <= MOST_MINUTES:
        raise BadInput("bad_input", field="minutes")
    if find_result(session, match.id) is not None:
        raise WrongState("result_known")
    minutes = pieces.minutes(session, match) if told.minutes is None else told.minutes
    row = GiverResult(
        id=new_id(), match_id=match.id, outcome=told.outcome, minutes=minutes, told_by=actor.id, created_at=now
    )
    session.add(row)
    flush(session)
    clocks.end(session, moves.result_ref(match.id), outcome=told.outcome, now=now)
    body = {} if minutes is None else {"minutes": minutes}
    entry = audit.Entry("match:result", object_ref=match.id, subject=match.household_id, rule_id=row.outcome, body=body)
    audit.record(session, entry, actor=actor, now=now)
    return row


def report_many(session: Session, match_ids: Sequence[str], told: Told, /, *, actor: Actor, now: datetime) -> int:
    """The same result for each of these; one that is known already is left as it is. Returns how many were new."""
    if not match_ids:
        raise BadInput("nothing_chosen", field="match")
    new = sorted(set(match_ids) - by_match(session, match_ids).keys())
    hold_matches(session, new)  # all of them before the first act
    for match_id in new:
        report(session, match_id, told, actor=actor, now=now)
    return len(new)


def by_match(session: Session, match_ids: Iterable[str], /) -> dict[str, GiverResult]:
    """Match ► what the giver reported about it, for those that have a result."""
    found: dict[str, GiverResult] = {}
    for some in chunks(sorted(set(match_ids)), ASKED_AT_ONCE):
        told = session.exec(select(GiverResult).where(col(GiverResult.match_id).in_(some)))
        found |= {row.match_id: row for row in told}
    return found


def find_result(session: Session, match_id: str, /) -> GiverResult | None:
    """What the giver reported about this match."""
    return session.exec(select(GiverResult).where(GiverResult.match_id == match_id)).first()


def is_asked(session: Session, match_id: str, /) -> bool:
    """Whether a result of this match was ever asked for; an insurer's never is."""
    asked = select(Clock.id).where(Clock.object_ref == moves.result_ref(match_id), Clock.step == moves.RESULT)
    return session.exec(asked.limit(1)).first() is not None


def count_due(session: Session, org_id: str, /) -> int:
    """How many delivered matches of an organisation have no result yet, late ones too."""
    return session.exec(select(func.count()).select_from(Match).where(*_due(org_id))).one()


def list_due(session: Session, org_id: str, /, *, offset: int = 0, limit: int | None = None) -> list[Match]:
    """One page of them, the earliest delivery first."""
    wanted = select(Match).where(*_due(org_id)).order_by(col(Match.delivered_at), col(Match.id))
    return list(session.exec(wanted.offset(offset).limit(limit)))


def _due(org_id: str) -> tuple[ColumnElement[bool], ...]:
    """Delivered, and asked for a result that has not come: those whose clock runs, or ended as late."""
    waits = exists().where(col(Clock.object_ref) == "result:" + col(Match.id), col(Clock.step) == moves.RESULT)
    waits = waits.where(col(Clock.ended_at).is_(None) | (col(Clock.outcome) == LATE))
    told = exists().where(col(GiverResult.match_id) == col(Match.id))
    return (col(Match.org_id) == org_id, col(Match.state).in_(REPORTABLE), waits, ~told)


def late(session: Session, match: Match, now: datetime, /) -> None:
    """Nothing was reported in time: it stands as missing, and the giver is told that it still can."""
    clocks.end(session, moves.result_ref(match.id), outcome=LATE, now=now)
    entry = audit.Entry("match:late", object_ref=match.id, subject=match.household_id, rule_id=moves.RESULT)
    audit.record(session, entry, actor=SYSTEM, now=now)
    moves.tell_giver(session, match, "result_missing", key="result", now=now)
