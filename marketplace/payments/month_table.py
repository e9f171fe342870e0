"""The lines of a month as a table: what the bank said in it, one answer a row, and what no bank has answered yet.

Enters: a giver and a month. Leaves: rows of plain cells, for its accountant to hold against the bank's statement: the
column of what moved adds up to the month's own figure in `books`. No name and no account stands in it. Called by the
page that hands the file out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session, col, select

from adapters.ports import Cell
from adapters.tabular_writer import Column
from marketplace.payments.books import SIGN
from marketplace.payments.models import BankNumber, BankResult, BatchState, LineState, PaymentBatch, PaymentLine
from marketplace.payments.twice import HANDED_OVER
from marketplace.reference.words import label

HEADS = (
    ("付款编号", "Reference", "text"),
    ("批次", "Batch", "number"),
    ("帮扶", "Match", "text"),
    ("应付(元)", "Ordered (yuan)", "number"),
    ("现状", "State now", "text"),
    ("银行结果", "The bank's answer", "text"),
    ("银行日期", "The bank's day", "date"),
    ("银行流水", "Bank reference", "text"),
    ("收支(元)", "Out less back (yuan)", "number"),
    ("原因", "Reason", "text"),
)


def columns(lang: str, /) -> list[Column]:
    """The heads of the table."""
    return [Column(en if lang.startswith("en") else zh, kind) for zh, en, kind in HEADS]  # type: ignore[arg-type]


def rows(session: Session, org_id: str, month: str, /, *, lang: str) -> Iterator[tuple[Cell, ...]]:
    """What the bank said in this month by its day, then the month's payments that wait at the bank."""
    of_line = select(PaymentLine, PaymentBatch).join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
    of_line = of_line.where(col(PaymentLine.org_id) == org_id)
    told = of_line.add_columns(BankResult, BankNumber)
    told = told.join(BankResult, col(BankResult.line_id) == col(PaymentLine.id))
    same = (col(BankNumber.line_id) == col(BankResult.line_id)) & (col(BankNumber.kind) == col(BankResult.kind))
    told = told.outerjoin(BankNumber, same).where(col(BankResult.month) == month)
    for line, batch, result, number in session.execute(
        told.order_by(col(BankResult.on_day), col(PaymentLine.reference), col(BankResult.kind))
    ):
        yield (
            *_of(line, batch, lang=lang),
            label("payment_result", result.kind.value, lang=lang),
            result.on_day,
            result.bank_ref or (number.bank_ref if number is not None else ""),
            SIGN[result.kind] * result.amount_fen / 100,
            _reason(line, result, lang=lang),
        )
    silent = of_line.where(col(PaymentBatch.month) == month)
    silent = silent.where(col(PaymentBatch.state) == BatchState.SENT, col(PaymentLine.state) == LineState.WAITING)
    nothing: tuple[str, date | None, str, float, str] = ("", None, "", 0.0, "")
    for line, batch in session.execute(silent.order_by(col(PaymentLine.reference))):
        yield (*_of(line, batch, lang=lang), *nothing)


def _of(line: PaymentLine, batch: PaymentBatch, *, lang: str) -> tuple[Cell, ...]:
    state = label("payment_state", line.state.value, lang=lang)
    ordered = line.amount_fen / 100 if line.ordered else 0.0
    return (line.reference, batch.number, line.match_id[:8].upper(), ordered, state)


def _reason(line: PaymentLine, result: BankResult, *, lang: str) -> str:
    """Why it failed or came back; or that it was handed over beside it."""
    if result.reason_code:
        return label("payment_failure", result.reason_code, lang=lang)
    return label("payment_difference", "handed_over_too", lang=lang) if line.reason_code == HANDED_OVER else ""
