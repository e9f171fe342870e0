"""A payment of a sent batch that the bank has not made and will not make: two people of the giver say so.

Enters: a line of a batch that is with the bank, and each of the two. Leaves: the first word kept, for the money may be
on its way; with the second the line is dropped and the grant free for another batch. Called by the giver's pages.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.decisions.at_once import hold_matches
from marketplace.decisions.models import Match
from marketplace.errors import NotFound, WrongState
from marketplace.payments import effects, twice, waiting
from marketplace.payments.batches import drop_line, get_batch
from marketplace.payments.models import BatchState, LineState, PaymentLine
from marketplace.policy import require


def stop_line(session: Session, batch_id: str, line_id: str, /, *, actor: Actor, now: datetime) -> PaymentLine:
    """Two people of the giver say that the bank has not paid this line of a sent batch and will not, for the money may
    be on its way: the first word is kept, the second frees the grant for another batch."""
    require(actor, "payment:release", org_id=get_batch(session, batch_id, actor=actor).org_id)
    line = session.get(PaymentLine, line_id)
    if line is None or line.batch_id != batch_id:
        raise NotFound("line")
    hold_matches(session, [line.match_id])  # before the batch and its lines
    batch = get_batch(session, batch_id, actor=actor, lock=True)
    session.refresh(line, with_for_update=True)
    if batch.state is not BatchState.SENT or line.state is not LineState.WAITING:
        raise WrongState("batch_moved_on", state=batch.state.value)
    if not line.stop_asked_by:
        return _ask_to_stop(session, line, actor=actor, now=now)
    if line.stop_asked_by in actor.people:
        raise WrongState("same_person_twice")
    drop_line(session, line, "stopped", actor=actor, now=now)
    match = session.get_one(Match, line.match_id)
    if (other := twice.take_place(session, match, actor=actor, now=now)) is not None:
        effects.follow_payment(session, other, match, actor=actor, now=now)
    waiting.batch_waits(session, batch, now=now)
    return line


def _ask_to_stop(session: Session, line: PaymentLine, *, actor: Actor, now: datetime) -> PaymentLine:
    line.stop_asked_by, line.changed_at = actor.id, now
    session.add(line)
    entry = audit.Entry("payment:ask_stop", object_ref=line.reference, subject=line.household_id)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return line
