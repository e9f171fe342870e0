"""The table in which a bank's answers come back: its columns in both languages and the rules of one row.

Enters: the day. Leaves: the `Schema` of a bank's result file. Whatever columns the bank adds are ignored; its free text
is not read, because it may name people: only the code of a reason is kept. Called by `results`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from marketplace.intake import BadCell, Column, Reader, Row, Schema, cells
from marketplace.payments.models import ResultKind

PENDING, OTHER = "pending", "other"
"""An answer that says nothing yet, and a reason that is none of ours."""
ALSO: dict[str, tuple[str, ...]] = {
    ResultKind.PAID: ("成功", "付款成功", "支付成功", "交易成功", "处理成功", "转账成功", "已成功", "success"),
    ResultKind.FAILED: ("失败", "支付失败", "交易失败", "处理失败", "转账失败", "已失败", "已拒绝", "fail", "rejected"),
    ResultKind.RETURNED: ("退汇", "退票", "退款", "已退汇", "已退回", "已退票", "refunded"),
    ResultKind.RECLAIMED: ("已追回", "recovered"),
    PENDING: ("处理中", "待处理", "银行处理中", "交易处理中", "已受理", "已提交", "processing", "accepted"),
}
"""Words that banks write for these answers."""
REASONS = {
    "account_not_found": ("账户不存在", "收款账号不存在", "收款账户不存在", "无此账号", "无此账户", "账号有误"),
    "name_mismatch": ("户名不符", "账号户名不符", "账户户名不符", "户名错误", "户名账号不符", "收款人户名不符"),
    "account_closed": ("账户已销户", "已销户", "账号已注销", "账户注销"),
    "account_frozen": ("账户状态异常", "账户冻结", "账户已冻结", "账户已挂失", "账户不收不付", "账户睡眠", "账户异常"),
    "bank_unknown": ("开户行有误", "开户行不符", "行号错误", "行名行号不符", "联行号有误"),
    "limit": ("超限额", "超过限额", "超出收款限额", "超过账户限额"),
    "bank_busy": ("系统异常", "银行系统异常", "交易超时", "通讯超时", "系统繁忙"),
}
"""Words that banks write for a failure; what is in no list is some other reason, and is not kept."""


def results_schema(*, today: date) -> Schema:
    """The schema of a bank's answers as of a day."""
    words = cells.meanings_of("payment_result")
    words |= {word: str(kind) for kind, more in ALSO.items() for word in (str(kind), *more)}
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
        Column("on_day", "日期", "Day", cells.day, needed=True, also=("交易日期", "date"), kind="date"),
        Column("amount", "金额", "Amount", cells.number, also=("金额（元）",), kind="number"),
        Column(
            "reason_code",
            "失败原因",
            "Reason",
            _reason(),
            also=("原因", "失败代码"),
        ),
        Column("bank_ref", "银行流水", "Bank reference", cells.text(64, nameless=True), also=("银行流水号",)),
    )
    return Schema(
        columns=columns, key=("reference", "result", "bank_ref"), finish=lambda row: _finish(row, today=today)
    )


def _reason() -> Reader:
    """Reads the code of a bank's reason."""
    words = cells.meanings_of("payment_failure") | {word: code for code, more in REASONS.items() for word in more}
    known = cells.one_of(words)

    def read(cell: Any) -> Any:
        try:
            return known(cell)
        except BadCell:
            return OTHER

    return read


def _finish(row: Row, *, today: date) -> None:
    row.values["reference"] = str(row["reference"]).upper()
    if row["result"] == PENDING:
        return
    if not row["on_day"]:
        row.fault("on_day", "empty")
        return
    if row["result"] == ResultKind.FAILED and not row["reason_code"]:
        row.fault("reason_code", "payment_reason_missing")
    if date.fromisoformat(row["on_day"]) > today:
        row.fault("on_day", "date_in_future")
    if row["amount"] is not None:
        try:
            row.values["amount_fen"] = cells.units(row["amount"], None, wanted="FEN")
        except BadCell as error:
            row.faults.append(("amount", error))
