"""The table in which a bank's answers come back: its columns in both languages and the rules of one row.

Enters: the day. Leaves: the `Schema` of a bank's result file. Whatever columns the bank adds are ignored; its free text
is not read, because it may name people: only the code of a reason is kept. Called by `results`.
"""

from __future__ import annotations

from datetime import date

from marketplace.intake import BadCell, Column, Row, Schema, cells
from marketplace.payments.models import ResultKind

ALSO = {
    ResultKind.PAID: ("成功", "付款成功", "已付款", "success"),
    ResultKind.FAILED: ("付款失败", "失败", "fail"),
    ResultKind.RETURNED: ("退汇", "退票", "已退回", "refunded"),
    ResultKind.RECLAIMED: ("已追回", "recovered"),
}


def results_schema(*, today: date) -> Schema:
    """The schema of a bank's answers as of a day."""
    words = cells.meanings_of("payment_result")
    words |= {word: kind.value for kind, more in ALSO.items() for word in more}
    columns = (
        Column(
            "reference",
            "付款编号",
            "Reference",
            cells.text(16),
            needed=True,
            filled=True,
            also=("流水号", "客户参考号", "附言"),
        ),
        Column(
            "result",
            "结果",
            "Result",
            cells.one_of(words),
            needed=True,
            filled=True,
            also=("状态", "处理结果"),
            choices=tuple(kind.value for kind in ResultKind),
        ),
        Column("on_day", "日期", "Day", cells.day, needed=True, filled=True, also=("交易日期", "date"), kind="date"),
        Column("amount", "金额", "Amount", cells.number, also=("金额（元）",), kind="number"),
        Column(
            "reason_code",
            "失败原因",
            "Reason",
            cells.one_of(cells.meanings_of("payment_failure")),
            also=("原因", "失败代码"),
        ),
        Column("bank_ref", "银行流水", "Bank reference", cells.text(64, nameless=True), also=("银行流水号",)),
    )
    return Schema(columns=columns, key=("reference", "result"), finish=lambda row: _finish(row, today=today))


def _finish(row: Row, *, today: date) -> None:
    row.values["reference"] = str(row["reference"]).upper()
    if row["result"] == ResultKind.FAILED and not row["reason_code"]:
        row.fault("reason_code", "payment_reason_missing")
    if date.fromisoformat(row["on_day"]) > today:
        row.fault("on_day", "date_in_future")
    if row["amount"] is not None:
        try:
            row.values["amount_fen"] = cells.units(row["amount"], None, wanted="FEN")
        except BadCell as error:
            row.faults.append(("amount", error))
