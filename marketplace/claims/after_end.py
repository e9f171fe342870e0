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

from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import SYSTEM, Actor
from marketplace.claims.models import WAITING, CaseKind, CaseState, InsuranceCase
from marketplace.db import Database
from marketplace.decisions import paid_late, paid_meanwhile
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState

log = logging.getLogger("shanqiao.claims")
LATER = (CaseState.REFUSED, CaseState.NO_COVER, CaseState.ENDED)
"""Ends of a claim after which the insurer may still pay."""


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
    paid = col(Match.id).in_(select(InsuranceCase.match_id).where(col(InsuranceCase.state) == CaseState.PAID))
    return paid_meanwhile.sweep(database, paid, _follow, clock=clock, log=log)


def _follow(session: Session, match: Match, now: datetime) -> None:
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match.id)).one()
    follow(session, case, match, actor=SYSTEM, now=now)
