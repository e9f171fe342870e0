"""A documented cost and the payments about it: who has paid what of it, and what is left.

What enters: a `Bill` and the household's live aid as `Given`. What leaves: the rows that are about this cost, what one
payer pays, and what is left after some payers. Called by the judge of the rules and by the ledger's waterfall.
"""

from __future__ import annotations

from collections.abc import Sequence

from matching.overlap_rules import Bill, Given, may_be_one, one_illness

Rows = Sequence[Given]


def residual(bill: Bill, rows: Rows, /, *, before: Sequence[str]) -> int:
    """What is left of a cost after the payers `before`: their payments, what their cover is expected to pay, and
    nothing twice: a payment that is both on the bill and in the rows about it (`on_bill`) counts once."""
    return max(0, bill.cost - sum(paid_by(bill, rows, payer) for payer in before))


def paid_by(bill: Bill, rows: Rows, payer: str, /) -> int:
    """What one payer pays of a bill: the larger of what the bill says, expected cover included, and what the rows hold:
    expected cover that has been paid since counts once."""
    held = sum(row.units for row in rows if row.payer == payer)
    return max(bill.paid.get(payer, 0) + bill.expected.get(payer, 0), held)


def on_bill(bill: Bill, rows: Rows, /, *, category: str, cause: str) -> tuple[Given, ...]:
    """The rows about the cost that the bill documents: those of its needs, and those that name no need but the
    category of the need with the bill, or another kind of its illness, and no other cause."""
    return tuple(
        row
        for row in rows
        if row.need_id in bill.needs
        or (not row.need_id and row.category == category and may_be_one(row.cause, cause))
        or (not row.need_id and one_illness(row, category=category, cause=cause))
    )
