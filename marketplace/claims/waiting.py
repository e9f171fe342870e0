"""What follows when an insurer, or a household that owes it papers, says nothing until the limit.

Enters: late `insure_*` clocks. Leaves: an enrolment, a search for cover or a list of papers that never came ends its
match: the place is free at once and both sides are told. Papers that a household has not brought go to a worker, and
an answer that an insurer owes on a complete claim to a named officer, for there the household has done its part and
must not lose it. The insurer can still answer as long as the match is under way. A sweep of the background worker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, select

from marketplace.actors import SYSTEM
from marketplace.claims.cases import step
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import Database
from marketplace.decisions import moves
from marketplace.decisions.models import Match
from marketplace.decisions.officers import pass_to
from marketplace.decisions.waiting import expire_giver, settle_late

NO_ANSWER = "no_answer"


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Settle what is late; returns how much was."""
    return settle_late(database, CONSEQUENCES, now=clock())


def _free(session: Session, match: Match, now: datetime) -> None:
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match.id)).one()
    case.reason_code, case.closed_at = NO_ANSWER, now
    step(session, case, to=CaseState.ENDED, actor=SYSTEM, now=now)
    expire_giver(session, match, now)
    moves.tell_household(session, match, "match_cancelled", key="insurer_silent", now=now)


def _ask_for_papers(session: Session, match: Match, now: datetime) -> None:
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match.id)).one()
    holder = Holder(district_code=match.district_code)
    clocks.move_on(session, match.id, outcome="silent", step="papers_call", holder=holder, now=now, urgent=case.urgent)


def _pass_answer(session: Session, match: Match, now: datetime) -> None:
    asked = pass_to(session, match, "insure_late", outcome="late", now=now)
    if asked is not None:
        moves.tell_giver(session, match, "delivery_late", key=f"late:{asked.id}", now=now)


CONSEQUENCES = {
    "insure_enrol": _free,
    "insure_find": _free,
    "insure_help": _free,
    "insure_papers": _ask_for_papers,
    "insure_answer": _pass_answer,
}
