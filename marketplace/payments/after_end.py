"""What becomes of money that the bank paid for a match that had ended, or that a person was holding.

Enters: a match and what the bank has said. Leaves: a held need and a clock of staff (`paid_after_end`) that ends with
one of two acts, booked as delivered or asked back, or by itself when the bank sends the money back. The sweep follows
what a person did after the bank had paid: a match that was held and let go on is delivered, one that was ended waits
for a person like any other. Called by `effects`, the worker and the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, or_, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import Database, one_by_one
from marketplace.decisions import paid_late
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import URGENT
from marketplace.decisions.officers import choose, load
from marketplace.errors import NotFound
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.payments.models import LineState, PaymentLine
from marketplace.policy import require

log = logging.getLogger("shanqiao.payments")
STEP, PAID = "paid_after_end", "paid:"
DELIVER, ASK_BACK = "deliver", "ask_back"
ENDED_SINCE = (MatchState.CANCELLED, MatchState.DECLINED_HOUSEHOLD)
"""How a match can end whose money the bank had paid while a person was holding it."""
BATCH = 100


def ref_of(match_id: str, /) -> str:
    """Under which it waits, apart from the match."""
    return PAID + match_id


def ask(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """A person is to look; until then nobody else gives for this need."""
    settling.hold_for_money(session, match.need_id, actor=actor, now=now)
    named = choose(load(session, STEP), match.district_code)
    holder = Holder(account_id=named, district_code=match.district_code)
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    clocks.start(session, STEP, ref_of(match.id), holder=holder, now=now, urgent=urgent)
    entry = audit.Entry("payment:after_end", object_ref=match.id, subject=match.household_id, rule_id=match.state.value)
    audit.record(session, entry, actor=actor, now=now)


def came_back(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """The bank sent it back before anybody decided: nothing is left to do, and the need goes on."""
    if clocks.end(session, ref_of(match.id), step=STEP, outcome="came_back", now=now):
        settling.money_settled(session, match.need_id, actor=actor, now=now)


def get_asked(session: Session, match_id: str, /, *, actor: Actor) -> Match:
    """A match of the actor's area about whose money a person is asked; any other looks like a missing one."""
    match = session.get(Match, match_id)
    require(actor, "payment:talk", district=match.district_code if match is not None else None)
    if match is None or not clocks.running_of(session, ref_of(match.id)):
        raise NotFound("match")
    return match


def decide(session: Session, match_id: str, /, *, outcome: str, actor: Actor, now: datetime) -> Match:
    """Book it as delivered, or have the giver ask it back."""
    get_asked(session, match_id, actor=actor)
    act = paid_late.ask_back if outcome == ASK_BACK else paid_late.deliver_after_all
    match = act(session, match_id, actor=actor, now=now)
    clocks.end(session, ref_of(match.id), step=STEP, outcome=outcome, now=now)
    entry = audit.Entry("payment:settle", object_ref=match.id, subject=match.household_id, rule_id=outcome)
    audit.record(session, entry, actor=actor, now=now)
    return match


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Follow matches that went on, or ended, after the bank had paid, each in its own transaction."""
    with database.reading() as session:
        found = _found(session)
    return one_by_one(database, found, partial(_follow, now=clock()), failed=_failed)


def _failed(_match_id: str, error: str) -> None:
    log.warning("a paid match waits for the next sweep: %s", error)


def _found(session: Session, *only: ColumnElement[bool]) -> list[str]:
    asked = exists().where(col(Clock.object_ref) == PAID + col(Match.id), col(Clock.step) == STEP)
    goes_on = col(Match.state).in_(decisions.PAYABLE) & (col(Match.held_for) == "")
    wanted = select(Match.id).join(PaymentLine, col(PaymentLine.match_id) == col(Match.id))
    wanted = wanted.where(col(PaymentLine.state) == LineState.PAID)
    wanted = wanted.where(or_(goes_on, col(Match.state).in_(ENDED_SINCE) & ~asked))
    return list(session.exec(wanted.where(*only).order_by(col(Match.id)).limit(BATCH)))


def _follow(session: Session, match_id: str, *, now: datetime) -> bool:
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    if not _found(session, col(Match.id) == match_id):
        return False
    if match.state in ENDED_SINCE:
        ask(session, match, actor=SYSTEM, now=now)
    else:
        decisions.deliver_paid(session, match, actor=SYSTEM, now=now)
    return True
