"""The insurer's table of answers: its columns in both languages and the rules of one row.

Enters: the day. Leaves: the `Schema` that an insurer's file passes. Each row names a case by our reference and says one
answer; what an answer needs beside it (a policy number, a reason, papers, an amount) is asked in the same row. A row in
which nothing was filled in answers nothing. Called by `imports` and by the file of a worklist, which goes out with the
columns to fill and comes back.
"""

from __future__ import annotations

from datetime import date

from marketplace.claims.models import CaseState
from marketplace.claims.service import check_policy
from marketplace.errors import BadInput
from marketplace.intake import BadCell, Column, Row, Schema, cells
from marketplace.ledger.payouts import payable_kinds
from marketplace.reference.words import list_codes

ANSWERS = {
    "enrolled": ("已参保", "Enrolled"),
    "not_enrolled": ("未能参保", "Not enrolled"),
    "cover": ("查到保单", "Cover found"),
    "no_cover": ("未查到保单", "No cover"),
    "papers": ("材料情况", "Papers"),
    "paid": ("已赔付", "Paid out"),
    "refused": ("不予赔付", "Refused"),
}
FITS: dict[str, tuple[CaseState, ...]] = {
    "enrolled": (CaseState.ENROL,),
    "not_enrolled": (CaseState.ENROL,),
    "cover": (CaseState.FIND,),
    "no_cover": (CaseState.FIND,),
    "papers": (CaseState.HELP, CaseState.ANSWER),
    "refused": (CaseState.ANSWER,),
}
"""In which step an answer can be given; of a payout `after_end.payable` says it."""
NEEDS = {
    "enrolled": ("scheme", "policy_number"),
    "cover": ("scheme", "policy_number"),
    "not_enrolled": ("reason",),
    "refused": ("reason",),
    "paid": ("category", "amount", "paid_on"),
}


TO_FILL = ("answer", "scheme", "policy_number", "reason", "papers", "category", "amount", "paid_on")
"""The columns that an insurer fills in."""


def columns_to_fill() -> list[Column]:
    """What stands empty behind a worklist that goes out."""
    return [one for one in answer_schema(today=date.min).columns if one.name in TO_FILL]


def answer_schema(*, today: date) -> Schema:
    """The schema of answers as of a day."""
    kinds = payable_kinds()
    answer = cells.one_of(cells.meanings((code, *labels) for code, labels in ANSWERS.items()))
    reasons = cells.meanings_of("enrol_refusal") | cells.meanings_of("claim_refusal")
    category = cells.one_of(cells.meanings((k.code, k.zh, k.en) for k in kinds), code="unknown_category")
    columns = (
        Column("reference", "事项编号", "Case reference", cells.text(16), needed=True, filled=True, also=("编号",)),
        Column("answer", "答复", "Answer", answer, needed=True, choices=tuple(ANSWERS)),
        Column("scheme", "险种", "Scheme", cells.one_of(cells.meanings_of("insurance_scheme"))),
        Column("policy_number", "保单号", "Policy number", cells.text(40), secret=True),
        Column("reason", "原因", "Reason", cells.one_of(reasons)),
        Column("papers", "缺少材料", "Missing papers", cells.any_of(cells.meanings_of("claim_paper"))),
        Column("category", "费用类别", "Kind of cost", category, choices=tuple(kind.zh for kind in kinds)),
        Column("amount", "赔付金额(元)", "Payout (yuan)", cells.number, also=("赔付金额", "金额"), kind="number"),
        Column("paid_on", "赔付日期", "Paid on", cells.day, also=("日期",), kind="date"),
    )
    return Schema(columns=columns, key=("reference",), finish=lambda row: _finish(row, today=today))


def _finish(row: Row, *, today: date) -> None:
    answer = row["answer"]
    if answer is None:
        if any(row[name] is not None for name in TO_FILL):
            row.fault("answer", "empty")
        return
    for name in NEEDS.get(answer, ()):
        if row[name] is None:
            row.fault(name, "empty")
    if row.faults:
        return
    if answer in ("enrolled", "cover"):
        _policy(row)
    if answer in ("not_enrolled", "refused"):
        table = "enrol_refusal" if answer == "not_enrolled" else "claim_refusal"
        if row["reason"] not in list_codes(table):
            row.fault("reason", "not_in_list")
    if answer == "paid":
        _payout(row, today=today)


def _policy(row: Row) -> None:
    try:
        check_policy(row["scheme"], row["policy_number"])
    except BadInput as error:
        row.fault(str(error.facts["field"]), error.code)


def _payout(row: Row, *, today: date) -> None:
    try:
        row.values["amount"] = cells.units(row["amount"], None, wanted="FEN")
    except BadCell as error:
        row.fault("amount", error.code, stage=error.stage, **error.params)
    if row["paid_on"] > today.isoformat():
        row.fault("paid_on", "date_in_future")
