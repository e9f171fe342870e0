"""A payout that an insurer made while a person looks at the match, after it had ended, or after a refusal.

Enters: a case, its match, and the insurer's word that it has paid. Leaves: the payout in the ledger in any case, for it
was paid; the match delivered as soon as nobody looks at it any more; or, where it had ended, a task for an approver
(`paid_after_end`): booked as delivered, asked back, or left ended. A refusal that the insurer takes back makes of the
help with the claim a payout. Called by `service` and the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, or_, select

from marketplace import notices
from marketplace.actors import SYSTEM, Actor
from marketplace.claims.models import WAITING, CaseKind, CaseState, InsuranceCase
from marketplace.clocks.models import Clock
from marketplace.db import Database, one_by_one
from marketplace.decisions import paid_late
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState

log = logging.getLogger("shanqiao.claims")
BATCH = 100
LATER = (CaseState.REFUSED, CaseState.NO_COVER, CaseState.ENDED)
"""Ends of a claim after which the insurer may still pay."""
FROM_HOLD = (MatchState.CANCELLED, MatchState.DECLINED_HOUSEHOLD)
"""How a match can end whose payout was told while a person was looking at it."""


def payable(case: InsuranceCase, match: Match, /) -> tuple[CaseState, ...]:
    """In which steps a payout can be told: after all others where the match goes its way; in any where it does not."""
    if case.kind is not CaseKind.CLAIM:
        return ()
    if match.state is MatchState.IN_DELIVERY and not match.held_for:
        return (CaseState.ANSWER,)
    return (*WAITING, *LATER)


def follow(session: Session, case: InsuranceCase, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """The match after a payout. Both rows are locked, and the payout is in the ledger."""
    if match.held_for:
        return
    if match.state in decisions.PAYABLE:
        match.help_only = False
        decisions.deliver_paid(session, match, actor=actor, now=now)
    elif match.state in paid_late.OVER:
        paid_late.ask(session, match, actor=actor, now=now)
    else:
        match.help_only = False
        key = f"{case.id}:paid:{case.payout_key}"
        notices.post(session, "claim_answered", key=key, household_id=case.household_id, now=now)


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Follow matches that went on, or ended, after a payout was told while a person looked at them."""
    with database.reading() as session:
        found = _found(session)
    return one_by_one(database, found, partial(_follow, now=clock()), failed=_failed)


def _failed(_match_id: str, error: str) -> None:
    log.warning("a paid claim waits for the next sweep: %s", error)


def _found(session: Session, *only: ColumnElement[bool]) -> list[str]:
    asked = exists().where(col(Clock.object_ref) == paid_late.PAID + col(Match.id), col(Clock.step) == paid_late.STEP)
    goes_on = col(Match.state).in_(decisions.PAYABLE) & (col(Match.held_for) == "")
    wanted = select(Match.id).join(InsuranceCase, col(InsuranceCase.match_id) == col(Match.id))
    wanted = wanted.where(col(InsuranceCase.state) == CaseState.PAID)
    wanted = wanted.where(or_(goes_on, col(Match.state).in_(FROM_HOLD) & ~asked))
    return list(session.exec(wanted.where(*only).order_by(col(Match.id)).limit(BATCH)))


def _follow(session: Session, match_id: str, *, now: datetime) -> bool:
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    if not _found(session, col(Match.id) == match_id):
        return False
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match_id)).one()
    follow(session, case, match, actor=SYSTEM, now=now)
    return True
