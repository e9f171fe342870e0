"""What follows from one answer of the bank: the line moves on, and with it the match, its ledger row and the letters.

Enters: an answer that `results` has found possible. Leaves: the fact of the bank, kept whatever became of the match
meanwhile. Where the match has ended, a person is asked what becomes of the money; where one looks at the match first,
nothing else is touched before that is done. A second payment of a match moves nothing but itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.consent.ask import find_head
from marketplace.consent.models import Purpose
from marketplace.db import flush
from marketplace.decisions import service as decisions
from marketplace.decisions.closing import PAID_MISSING
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.paid_late import OVER
from marketplace.payments import after_end, twice, waiting
from marketplace.payments.models import BankResult, LineState, PaymentBatch, PaymentLine, ResultKind
from marketplace.payments.open_matches import ACCOUNT_AT_FAULT
from marketplace.payments.payees import end_permit

_STATE = {
    ResultKind.PAID: LineState.PAID,
    ResultKind.FAILED: LineState.FAILED,
    ResultKind.RETURNED: LineState.RETURNED,
    ResultKind.RECLAIMED: LineState.RECLAIMED,
}
MONEY_TOLD = (MatchState.HELD, *OVER)
"""The household had withdrawn, or the match had ended: that the money was paid is told all the same, as it is to one
that says that nothing came."""
AFTER_HAND_OVER = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)
"""Somebody said that the aid was handed over before the bank said that it paid: it may have been given twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One new answer about one line."""

    line: PaymentLine
    kind: ResultKind
    on_day: date
    reason_code: str
    bank_ref: str
    twice: bool = False
    """The bank paid beside another payment of the same match."""


def apply(session: Session, answer: Answer, /, *, month: str, import_id: str, actor: Actor, now: datetime) -> None:
    """Keep the fact in the books of `month`, move the line, and let the match follow."""
    line, too_much = answer.line, twice.is_too_much(session, answer.line)
    _keep(session, answer, month=month, import_id=import_id, actor=actor, now=now)
    match = session.get_one(Match, line.match_id, with_for_update=True, populate_existing=True)
    if answer.twice:
        twice.ask(session, line, match, actor=actor, now=now)
    elif too_much:
        twice.came_back(session, line, match, now=now)
        if match.paid_at is None and match.reason_code == PAID_MISSING:
            _back(session, line, match, kind=answer.kind, actor=actor, now=now)
    elif answer.kind is not ResultKind.PAID and (other := twice.take_place(session, match, actor=actor, now=now)):
        if answer.kind is ResultKind.FAILED:
            follow_payment(session, other, match, actor=actor, now=now)
    else:
        _follow(session, answer, match, actor=actor, now=now)
    waiting.batch_waits(session, session.get_one(PaymentBatch, line.batch_id), now=now)


def _follow(session: Session, answer: Answer, match: Match, *, actor: Actor, now: datetime) -> None:
    """The match follows the one payment that it has."""
    line = answer.line
    if answer.kind is not ResultKind.FAILED:
        match.paid_at = now if answer.kind is ResultKind.PAID else None
    if answer.kind is ResultKind.PAID:
        follow_payment(session, line, match, actor=actor, now=now)
    elif answer.kind is ResultKind.FAILED:
        _tell(session, "payment_failed", line, match, now=now)
        waiting.failed(session, line, match, now=now)
    else:
        _back(session, line, match, kind=answer.kind, actor=actor, now=now)


def _back(session: Session, line: PaymentLine, match: Match, *, kind: ResultKind, actor: Actor, now: datetime) -> None:
    """The money is back; where the account was at fault the household is asked for another before anything is paid."""
    if kind is ResultKind.RETURNED and line.reason_code in ACCOUNT_AT_FAULT:
        notices.post(session, "payment_failed", key=f"{line.id}:sent_back", household_id=line.household_id, now=now)
    if kind is ResultKind.RETURNED and match.state in AFTER_HAND_OVER:
        decisions.bank_sent_back(session, match.id, actor=actor, now=now)
    elif match.state is MatchState.RECLAIMING:
        decisions.reclaim_done(session, match.id, asks="payment:result", actor=actor, now=now)
    else:
        after_end.came_back(session, match, actor=actor, now=now)


def _keep(session: Session, answer: Answer, *, month: str, import_id: str, actor: Actor, now: datetime) -> None:
    """The bank's fact, kept whatever became of the match meanwhile."""
    line = answer.line
    line.state = LineState.PAID_TWICE if answer.twice else _STATE[answer.kind]
    line.reason_code, line.changed_at = answer.reason_code, now
    session.add(line)
    flush(session)
    session.add(
        BankResult(
            line_id=line.id,
            kind=answer.kind,
            org_id=line.org_id,
            match_id=line.match_id,
            amount_fen=line.amount_fen,
            on_day=answer.on_day,
            month=month,
            reason_code=answer.reason_code,
            bank_ref=answer.bank_ref,
            import_id=import_id,
            told_at=now,
        )
    )
    flush(session)
    entry = audit.Entry(
        f"payment:{answer.kind.value}",
        object_ref=line.reference,
        subject=line.household_id,
        rule_id=answer.reason_code,
        body={"fen": line.amount_fen},
    )
    audit.record(session, entry, actor=actor, now=now)


def follow_payment(session: Session, line: PaymentLine, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """The match has this payment: it is told and delivered, or a person is asked, and the permission ends."""
    _tell(session, "payment_paid", line, match, now=now)
    if match.state in decisions.PAYABLE and not match.held_for:
        decisions.deliver_paid(session, match, actor=actor, now=now)
    elif match.state in OVER:
        after_end.ask(session, match, actor=actor, now=now)
    elif match.state in (*AFTER_HAND_OVER, MatchState.RECLAIMING):
        line.reason_code = twice.HANDED_OVER
        session.add(line)
        if match.reason_code != PAID_MISSING:
            twice.ask(session, line, match, actor=actor, now=now)
    head = find_head(session, line.household_id, purpose=Purpose.PAYMENT, org_id=line.org_id, match_id=line.match_id)
    if head is not None:
        end_permit(session, head.chain_id, actor=actor, now=now)


def _tell(session: Session, letter: str, line: PaymentLine, match: Match, *, now: datetime) -> None:
    said_missing = match.state is MatchState.RECLAIMING and match.reason_code == PAID_MISSING
    told = match.state in MONEY_TOLD or said_missing
    if match.state is MatchState.IN_DELIVERY or (letter == "payment_paid" and told):
        notices.post(session, letter, key=f"{line.id}:{letter}", household_id=line.household_id, now=now)
