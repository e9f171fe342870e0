"""Batches of payments: prepared by one person, released by another, bound by a fingerprint over their lines.

Enters: a giver's actor. Leaves: a batch whose lines never change in what they say. A line that may no longer be paid is
dropped with its reason, never altered, and its match is free for the next batch. Called by the pages and by `files`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.accounts import ties
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import conflict_of, flush, new_id
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.payments import waiting
from marketplace.payments.models import (
    BatchState,
    LineState,
    Payee,
    PayeeState,
    PaymentBatch,
    PaymentLine,
    PaymentMonth,
    is_ordered,
)
from marketplace.payments.open_matches import Payable, open_of_giver
from marketplace.policy import require

LEFT_OUT = "left_out"
"""Why a line was dropped while its batch was still a draft: the fingerprint does not count it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A new batch, and for each reason how many open matches could not go into it."""

    batch: PaymentBatch
    lines: int
    left_out: Mapping[str, int]


def month_of(now: datetime, /) -> str:
    """The month here, as YYYY-MM."""
    return f"{local_day(now):%Y-%m}"


def prepare(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> Prepared:
    """Put every match that can be paid now into one batch of this month. Conflict if somebody else was faster."""
    require(actor, "payment:prepare", org_id=org_id)
    month = month_of(now)
    found = session.get(PaymentMonth, (org_id, month))
    if found is not None and found.closed_at is not None:
        raise WrongState("month_closed")
    payables = open_of_giver(session, org_id, now=now)
    sound = [payable for payable in payables if not payable.blocker]
    if not sound:
        raise BadInput("nothing_to_pay", field="month")
    numbers = select(func.coalesce(func.max(col(PaymentBatch.number)), 0)).where(col(PaymentBatch.org_id) == org_id)
    batch = PaymentBatch(
        id=new_id(),
        org_id=org_id,
        number=session.exec(numbers).one() + 1,
        month=month,
        state=BatchState.DRAFT,
        fingerprint="",
        prepared_by=actor.id,
        prepared_for=actor.stood_for,
        prepared_at=now,
    )
    session.add(batch)
    flush(session)
    _write_lines(session, batch, sound, now=now)
    batch.fingerprint = fingerprint_of(session, batch)
    session.add(batch)
    flush(session)
    waiting.batch_waits(session, batch, now=now)
    waiting.tried_again(session, [payable.match.id for payable in sound], now=now)
    _record(session, batch, "payment:prepare", actor=actor, now=now, body=_sum(session, batch))
    blocked = Counter(payable.blocker for payable in payables if payable.blocker)
    return Prepared(batch, len(sound), dict(sorted(blocked.items())))


def _write_lines(session: Session, batch: PaymentBatch, sound: Iterable[Payable], *, now: datetime) -> None:
    rows = [
        {
            "id": new_id(),
            "batch_id": batch.id,
            "org_id": batch.org_id,
            "match_id": payable.match.id,
            "household_id": payable.match.household_id,
            "payee_id": payable.payee.id,
            "reference": f"SQ{new_id()[:12].upper()}",
            "amount_fen": payable.match.units,
            "account_mark": mark_of(payable.payee),
            "state": LineState.WAITING,
            "reason_code": "",
            "changed_at": now,
        }
        for payable in sound
        if payable.payee is not None
    ]
    try:
        session.execute(insert(PaymentLine), rows)
    except IntegrityError as error:
        raise conflict_of(error) from error


def mark_of(payee: Payee, /) -> str:
    """SHA-256 over an account as it is kept, sealed: after an erasure nobody can make it again."""
    sealed = payee.account.envelope if payee.account is not None else b""
    return sha256(sealed + payee.account_index.encode()).hexdigest()


def fingerprint_of(session: Session, batch: PaymentBatch, /) -> str:
    """SHA-256 over what goes to the bank: references, matches, accounts (an erased one as its line was made) and
    amounts, whatever became of the lines."""
    wanted = (
        select(PaymentLine, Payee)
        .join(Payee, col(Payee.id) == col(PaymentLine.payee_id))
        .where(col(PaymentLine.batch_id) == batch.id, col(PaymentLine.reason_code) != LEFT_OUT, is_ordered())
        .order_by(col(PaymentLine.reference))
        .execution_options(populate_existing=True)
    )
    rows: list[list[str | int]] = [[batch.id, batch.org_id, batch.month]]
    for line, payee in session.exec(wanted):
        forgotten = payee.account is None and payee.state is not PayeeState.OK
        mark = line.account_mark if forgotten else mark_of(payee)
        rows.append([line.reference, line.match_id, line.payee_id, mark, line.amount_fen])
    return sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def get_batch(session: Session, batch_id: str, /, *, actor: Actor, lock: bool = False) -> PaymentBatch:
    """The actor's batch; another giver's looks like none."""
    batch = session.get(PaymentBatch, batch_id, with_for_update=True if lock else None, populate_existing=lock)
    if batch is None:
        raise NotFound("batch")
    require(actor, "payment:view", org_id=batch.org_id)
    return batch


def lines_of(
    session: Session,
    batch_id: str,
    /,
    *,
    states: Iterable[LineState] = (),
    offset: int = 0,
    limit: int | None = None,
    lock: bool = False,
) -> list[PaymentLine]:
    """The lines of a batch by their reference; with `lock` read anew and held until the transaction ends."""
    wanted = select(PaymentLine).where(col(PaymentLine.batch_id) == batch_id)
    if states:
        wanted = wanted.where(col(PaymentLine.state).in_(list(states)))
    wanted = wanted.order_by(col(PaymentLine.reference)).offset(offset).limit(limit)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return list(session.exec(wanted))


def leave_out(session: Session, batch_id: str, line_id: str, /, *, actor: Actor, now: datetime) -> PaymentLine:
    """Take one line out of a draft; its match stays open for another batch. A batch of nothing is dropped."""
    batch = get_batch(session, batch_id, actor=actor, lock=True)
    require(actor, "payment:prepare", org_id=batch.org_id)
    line = session.get(PaymentLine, line_id)
    if line is None or line.batch_id != batch.id:
        raise NotFound("line")
    if batch.state is not BatchState.DRAFT or line.state is not LineState.WAITING:
        raise WrongState("batch_moved_on", state=batch.state.value)
    drop_line(session, line, LEFT_OUT, actor=actor, now=now)
    batch.fingerprint = fingerprint_of(session, batch)
    session.add(batch)
    flush(session)
    drop_emptied(session, batch, actor=actor, now=now)
    return line


def drop_emptied(session: Session, batch: PaymentBatch, /, *, actor: Actor, now: datetime) -> None:
    """A batch that is not at the bank and of which nothing waits any more is over: nobody is reminded of it."""
    if not lines_of(session, batch.id, states=(LineState.WAITING,), limit=1):
        give_up(session, batch, actor=actor, now=now)


def release(session: Session, batch_id: str, /, *, fingerprint: str, actor: Actor, now: datetime) -> PaymentBatch:
    """A second person lets the batch go, exactly as shown: `fingerprint` is what that person saw."""
    batch = get_batch(session, batch_id, actor=actor, lock=True)
    require(actor, "payment:release", org_id=batch.org_id)
    if batch.state is not BatchState.DRAFT:
        raise WrongState("batch_moved_on", state=batch.state.value)
    if batch.preparers & actor.people:
        raise WrongState("same_person_twice")
    approvers = (Match.approver_id, Match.approver_for, Match.second_approver_id, Match.second_approver_for)
    named = select(*approvers, Payee.typed_by)  # type: ignore[call-overload]
    joined = named.join(PaymentLine, col(PaymentLine.match_id) == col(Match.id)).join(Payee)
    own = joined.where(col(PaymentLine.batch_id) == batch.id)
    if any((actor.people | batch.preparers) & set(row) for row in session.execute(own)):
        raise WrongState("payer_is_approver")
    _refuse_own_payees(session, batch, actor=actor)
    if not lines_of(session, batch.id, states=(LineState.WAITING,), limit=1):
        raise BadInput("nothing_to_pay", field="month")
    if fingerprint != batch.fingerprint:
        raise Conflict("batch_changed")
    demand_unchanged(session, batch)
    batch.state, batch.released_at = BatchState.RELEASED, now
    batch.released_by, batch.released_for = actor.id, actor.stood_for
    session.add(batch)
    flush(session)
    waiting.batch_waits(session, batch, now=now)
    _record(session, batch, "payment:release", actor=actor, now=now, body=_sum(session, batch))
    return batch


def _refuse_own_payees(session: Session, batch: PaymentBatch, *, actor: Actor) -> None:
    """Neither who prepared nor who releases is close to an account that is paid."""
    paid = select(col(Payee.account_index)).join(PaymentLine, col(PaymentLine.payee_id) == col(Payee.id))
    indexes = set(session.exec(paid.where(col(PaymentLine.batch_id) == batch.id)))
    if ties.touches(session, actor.people | batch.preparers, indexes):
        raise WrongState("payee_is_kin")


def demand_unchanged(session: Session, batch: PaymentBatch, /) -> None:
    """Refuse a batch whose lines are not what its fingerprint was made of."""
    if fingerprint_of(session, batch) != batch.fingerprint:
        raise Conflict("batch_changed")


def drop_batch(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> PaymentBatch:
    """Give up a batch whose file has not been opened; its matches are free for another."""
    batch = get_batch(session, batch_id, actor=actor, lock=True)
    require(actor, "payment:prepare", org_id=batch.org_id)
    if batch.state not in (BatchState.DRAFT, BatchState.RELEASED):
        raise WrongState("batch_moved_on", state=batch.state.value)
    return give_up(session, batch, actor=actor, now=now)


def give_up(session: Session, batch: PaymentBatch, /, *, actor: Actor, now: datetime) -> PaymentBatch:
    """Take every line off, for whoever may; the caller has locked the batch and asked the policy for its own act."""
    for line in lines_of(session, batch.id, states=(LineState.WAITING,), lock=True):
        drop_line(session, line, "batch_dropped", actor=actor, now=now)
    batch.state = BatchState.DROPPED
    session.add(batch)
    flush(session)
    waiting.batch_waits(session, batch, now=now)
    _record(session, batch, "payment:drop", actor=actor, now=now, body=_sum(session, batch))
    return batch


def drop_line(session: Session, line: PaymentLine, reason_code: str, /, *, actor: Actor, now: datetime) -> PaymentLine:
    """Take a line off the way to the bank, with the reason."""
    line.state, line.reason_code, line.changed_at = LineState.DROPPED, reason_code, now
    session.add(line)
    entry = audit.Entry("payment:drop_line", object_ref=line.reference, subject=line.household_id, rule_id=reason_code)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return line


def _sum(session: Session, batch: PaymentBatch) -> dict[str, int]:
    still = (col(PaymentLine.batch_id) == batch.id, col(PaymentLine.state) == LineState.WAITING)
    counted = select(func.count(), func.coalesce(func.sum(col(PaymentLine.amount_fen)), 0)).where(*still)
    lines, fen = session.execute(counted).one()
    return {"lines": int(lines), "fen": int(fen)}


def _record(
    session: Session, batch: PaymentBatch, action: str, *, actor: Actor, now: datetime, body: Mapping[str, int]
) -> None:
    entry = audit.Entry(action, object_ref=batch.id, decision=batch.state.value, body=body)
    audit.record(session, entry, actor=actor, now=now)
