"""What the house knows of the payments that a bank's table names, and how it moves on while the table is gone through.

Enters: the rows' references. Leaves: a `Known`, read in slices. A bank that pays one reference again, under another
number of its own, has made another payment: a line of its own. Called by `results`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.db import chunks, new_id
from marketplace.decisions.models import Match, MatchState
from marketplace.intake import CheckedRow
from marketplace.payments.models import (
    AGAIN,
    BankNumber,
    BankResult,
    BatchState,
    LineState,
    PaymentBatch,
    PaymentLine,
    ResultKind,
)
from marketplace.payments.open_matches import LIVE_LINE
from marketplace.payments.twice import beside_hand_over

_ASKED = 500
MOST_AGAIN = 9
"""So many payments under one reference are told apart."""
BACK = (ResultKind.RETURNED, ResultKind.RECLAIMED)
_AFTER = {
    ResultKind.PAID: LineState.PAID,
    ResultKind.FAILED: LineState.FAILED,
    ResultKind.RETURNED: LineState.RETURNED,
    ResultKind.RECLAIMED: LineState.RECLAIMED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the bank said about one payment, in this file or before."""

    on_day: date
    reason_code: str
    bank_ref: str
    here: bool = False
    """Whether it stands in the table that is being gone through."""


@dataclass(slots=True)
class Known:
    """What the house knows of the lines that a file names; `states` moves on while the file is gone through."""

    lines: dict[str, PaymentLine]
    batches: dict[str, PaymentBatch]
    told: dict[tuple[str, ResultKind], Told]
    live: dict[str, str]
    """Match ► the line of it that is on its way or paid."""
    twice: dict[str, list[str]]
    """Match ► lines of it that the bank paid beside that one."""
    unsent: set[str]
    """Lines that wait in a batch that is not with the bank yet."""
    matches: dict[str, MatchState]
    beside: set[str] = field(default_factory=set)
    """Lines that are paid beside a hand-over about which a person was asked."""
    again: dict[str, list[PaymentLine]] = field(default_factory=dict)
    """Reference ► what the bank paid under it beside its first payment."""
    states: dict[str, LineState] = field(default_factory=dict)
    paid_on: dict[str, date] = field(default_factory=dict)
    """Line ► the bank's day of its payment."""

    def earliest(self, line: PaymentLine, kind: ResultKind, /) -> date:
        """Before this day the answer cannot be: the file went to the bank then, or the money that came back left."""
        sent_at = self.batches[line.id].sent_at
        sent_on = local_day(sent_at) if sent_at is not None else date.min
        return sent_on if kind in (ResultKind.PAID, ResultKind.FAILED) else self.paid_on.get(line.id, sent_on)

    def line_of(self, reference: str, kind: ResultKind, bank_ref: str, /) -> PaymentLine | None:
        """The payment that an answer is about. The bank's own number tells two payments of one reference apart; where
        it says that it paid once more, that is a line which nobody ordered."""
        first: PaymentLine | None = self.lines.get(reference)
        if first is None or not bank_ref:
            return first
        family: list[PaymentLine] = [first, *self.again.get(reference, ())]
        for line in family:
            told = self.told.get((line.id, kind))
            if told is not None and told.bank_ref in ("", bank_ref):
                return line
        moves = family if kind in BACK else family[:1]
        for line in moves:
            if (line.id, kind) not in self.told:
                return line
        if kind is ResultKind.PAID and len(family) < MOST_AGAIN:
            return self._paid_again(first, number=len(family) + 1)
        return first

    def number(self, reference: str, kind: ResultKind, told: Told, /) -> PaymentLine | None:
        """The payment whose answer of that day is known without a number of the bank: from now on it has this one, so
        that another payment of the same reference is told apart. None if there is none."""
        line = self.lines.get(reference)
        known = self.told.get((line.id, kind)) if line is not None else None
        if line is None or known is None or not told.bank_ref or known != replace(told, bank_ref=""):
            return None
        self.told[line.id, kind] = told
        return line

    def _paid_again(self, first: PaymentLine, *, number: int) -> PaymentLine:
        told = first.model_dump() | {"id": new_id(), "reference": f"{first.reference}{AGAIN}{number}"}
        line = PaymentLine(**told | {"state": LineState.WAITING, "reason_code": "", "stop_asked_by": ""})
        self.batches[line.id], self.states[line.id] = self.batches[first.id], LineState.WAITING
        self.again.setdefault(first.reference, []).append(line)
        return line

    def take(self, line: PaymentLine, kind: ResultKind, on_day: date, /) -> bool:
        """The answer holds: move on by it. Returns whether it is a payment beside another of the same match."""
        match_id = line.match_id
        second = kind is ResultKind.PAID and self.live.get(match_id, line.id) != line.id
        self.states[line.id] = LineState.PAID_TWICE if second else _AFTER[kind]
        if kind is ResultKind.PAID:
            self.paid_on[line.id] = on_day
            if second:
                self.twice.setdefault(match_id, []).append(line.id)
            else:
                self.live[match_id] = line.id
        elif line.id in self.twice.get(match_id, ()):
            self.twice[match_id].remove(line.id)
        elif self.live.get(match_id) == line.id:
            del self.live[match_id]
            if self.twice.get(match_id):
                self.live[match_id] = other = self.twice[match_id].pop(0)
                self.states[other] = LineState.PAID
        return second


def known_of(session: Session, rows: Sequence[CheckedRow], *, org_id: str, lock: bool) -> Known:
    """What is known of these rows' payments; locked where they are about to move on."""
    known = Known({}, {}, {}, {}, {}, set(), {})
    for some in chunks(sorted({row.values["reference"] for row in rows}), _ASKED):
        family = [*some, *(f"{one}{AGAIN}{number}" for one in some for number in range(2, MOST_AGAIN + 1))]
        asked = (
            select(PaymentLine, PaymentBatch)
            .join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
            .where(col(PaymentLine.org_id) == org_id, col(PaymentLine.reference).in_(family))
            .order_by(col(PaymentLine.reference))
        )
        if lock:
            asked = asked.with_for_update(of=PaymentLine).execution_options(populate_existing=True)
        found = session.exec(asked).all()
        for line, batch in found:
            known.batches[line.id], known.states[line.id] = batch, line.state
            if line.ordered:
                known.lines[line.reference] = line
            else:
                known.again.setdefault(line.reference.partition(AGAIN)[0], []).append(line)
        ids, matches = [line.id for line, _batch in found], [line.match_id for line, _batch in found]
        for told, bank_ref in answers_of(session, ids):
            known.told[told.line_id, told.kind] = Told(told.on_day, told.reason_code, bank_ref)
            if told.kind is ResultKind.PAID:
                known.paid_on[told.line_id] = told.on_day
        _load_live(session, known, matches)
        known.beside |= beside_hand_over(session, [line for line, _batch in found])
        known.matches.update((m.id, m.state) for m in session.exec(select(Match).where(col(Match.id).in_(matches))))
    return known


def matches_of(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str) -> set[str]:
    """The matches that these rows' payments are for."""
    found = set[str]()
    mine = select(PaymentLine.match_id).where(col(PaymentLine.org_id) == org_id)
    for some in chunks(sorted({row.values["reference"] for row in rows}), _ASKED):
        found.update(session.exec(mine.where(col(PaymentLine.reference).in_(some))))
    return found


def _load_live(session: Session, known: Known, matches: Sequence[str]) -> None:
    """The payments of these matches that are on their way or made, the first by reference first."""
    wanted = (
        select(PaymentLine, PaymentBatch.state)
        .join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
        .where(col(PaymentLine.match_id).in_(matches))
        .where(col(PaymentLine.state).in_((*LIVE_LINE, LineState.PAID_TWICE)))
        .order_by(col(PaymentLine.reference))
    )
    for line, state in session.exec(wanted):
        if line.state is LineState.PAID_TWICE:
            known.twice.setdefault(line.match_id, []).append(line.id)
        else:
            known.live[line.match_id] = line.id
        if state is not BatchState.SENT:
            known.unsent.add(line.id)


def answers_of(session: Session, line_ids: Sequence[str], /) -> list[tuple[BankResult, str]]:
    """What the bank said of these lines, in the order of its days, each with the bank's own number: that of the answer,
    or the one that a later table gave."""
    later = select(BankNumber).where(col(BankNumber.line_id).in_(line_ids))
    numbers = {(one.line_id, one.kind): one.bank_ref for one in session.exec(later)}
    told = select(BankResult).where(col(BankResult.line_id).in_(line_ids))
    answers = session.exec(told.order_by(col(BankResult.on_day), col(BankResult.told_at)))
    return [(one, one.bank_ref or numbers.get((one.line_id, one.kind), "")) for one in answers]
