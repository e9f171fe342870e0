"""A payment that is late goes to a person: a named officer of civil affairs speaks with the giver.

Enters: a batch whose release, file or bank's answer is late, and what came of the talk. Leaves: the giver's clock ended
and one of staff begun (`payment_late`), held by the approver of the district where most of the batch's money goes; then
more time for the giver, once for each step, or the batch given up while nothing of it is at the bank, so that its
matches are free for another. A grant that is not paid again in time is a late delivery at once. No aid is taken from
anybody here. Called by the worker's sweep and the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import Database, one_by_one
from marketplace.decisions.models import Match
from marketplace.decisions.officers import choose, load
from marketplace.errors import NotFound, WrongState
from marketplace.payments import batches
from marketplace.payments.models import BatchState, PaymentBatch, PaymentLine
from marketplace.payments.waiting import ANSWER, RELEASE, SEND, batch_waits
from marketplace.policy import require

log = logging.getLogger("shanqiao.payments")
STEP = "payment_late"
STEPS = (RELEASE, SEND, ANSWER)
MORE = "more_time"
BEFORE_BANK = (BatchState.DRAFT, BatchState.RELEASED)


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Hand every batch whose step is late to a person, each in its own transaction."""
    now = clock()
    with database.reading() as session:
        late = [found.id for step in STEPS for found in clocks.late(session, step, now=now)]
    return one_by_one(database, late, partial(_hand_on, now=now), failed=_failed)


def _failed(_clock_id: str, error: str) -> None:
    log.warning("a late batch waits for the next sweep: %s", error)


def _hand_on(session: Session, clock_id: str, *, now: datetime) -> bool:
    waiting = session.get_one(Clock, clock_id)
    batch = session.get(PaymentBatch, waiting.object_ref, with_for_update=True, populate_existing=True)
    session.refresh(waiting)
    if batch is None or waiting.ended_at is not None or waiting.due_at > now:
        return False
    district = _district(session, batch)
    holder = Holder(account_id=choose(load(session, STEP), district), district_code=district)
    clocks.move_on(session, batch.id, outcome="late", step=STEP, holder=holder, now=now)
    notices.post(session, "payment_late", key=f"{waiting.id}:late", org_id=batch.org_id, now=now)
    entry = audit.Entry("payment:late", object_ref=batch.id, rule_id=waiting.step)
    audit.record(session, entry, actor=SYSTEM, now=now)
    return True


def _district(session: Session, batch: PaymentBatch) -> str:
    """Where most of its money goes; the first by code of those that are level."""
    fen = func.sum(col(PaymentLine.amount_fen))
    wanted = select(Match.district_code).join(PaymentLine, col(PaymentLine.match_id) == col(Match.id))
    wanted = wanted.where(col(PaymentLine.batch_id) == batch.id).group_by(col(Match.district_code))
    return session.exec(wanted.order_by(fen.desc(), col(Match.district_code)).limit(1)).first() or ""


def get_late(session: Session, batch_id: str, /, *, actor: Actor, lock: bool = False) -> tuple[PaymentBatch, Clock]:
    """A late batch of the actor's area with the clock that says so; any other looks like a missing one."""
    batch = session.get(PaymentBatch, batch_id, with_for_update=True if lock else None, populate_existing=lock)
    running = [clock for clock in clocks.running_of(session, batch_id) if clock.step == STEP]
    district = running[0].district_code if running else None
    require(actor, "payment:talk", district=district)
    if batch is None or not running or not actor.serves(running[0].district_code):
        raise NotFound("batch")
    return batch, running[0]


def may_extend(session: Session, batch: PaymentBatch, /) -> bool:
    """Whether more time was not given yet for the step that the batch is at."""
    given = select(Clock.id).where(Clock.object_ref == batch.id, Clock.step == STEP)
    outcome = f"{MORE}:{batch.state.value}"
    return session.exec(given.where(Clock.outcome == outcome).limit(1)).first() is None


def may_stop(batch: PaymentBatch, /) -> bool:
    """Whether it can still be given up: nothing of it is at the bank."""
    return batch.state in BEFORE_BANK


def extend(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> PaymentBatch:
    """The giver gets the time of this step once more."""
    batch, clock = get_late(session, batch_id, actor=actor, lock=True)
    if not may_extend(session, batch):
        raise WrongState("batch_no_more_time")
    clocks.end(session, batch.id, step=STEP, outcome=f"{MORE}:{batch.state.value}", now=now)
    batch_waits(session, batch, now=now)
    _record(session, batch, "payment:extend", rule=clock.step, actor=actor, now=now)
    return batch


def stop(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> PaymentBatch:
    """The giver will not bring it to the bank: its matches are free for another batch, or for staff to end."""
    batch, clock = get_late(session, batch_id, actor=actor, lock=True)
    if not may_stop(batch):
        raise WrongState("batch_moved_on", state=batch.state.value)
    batches.give_up(session, batch, actor=actor, now=now)
    _record(session, batch, "payment:stop", rule=clock.step, actor=actor, now=now)
    return batch


def _record(session: Session, batch: PaymentBatch, action: str, *, rule: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=batch.id, rule_id=rule, decision=batch.state.value)
    audit.record(session, entry, actor=actor, now=now)
