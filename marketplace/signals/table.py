"""The table of a feed: its columns in both languages and the rules of one row.

Enters: the feed and the day. Leaves: the `Schema` that files and pages of that feed pass alike. Called by `taking`.
"""

from __future__ import annotations

from datetime import date

from adapters.ports import FACT_COLUMNS
from marketplace.intake import BadCell, Column, Row, Schema, cells
from marketplace.reference.facts import fact_kinds, kinds_of
from marketplace.reference.words import words
from marketplace.signals.models import LARGEST

WITHDRAWN = dict.fromkeys(("是", "撤回", "yes", "true", "1"), "yes") | dict.fromkeys(("否", "no", "false", "0"), "")
"""A row that takes back what was told under its reference says yes."""
OLDEST_DAYS = 3660
"""A fact that is older than ten years is a slip of the pen."""


def fact_schema(feed: str, /, *, today: date) -> Schema:
    """The schema of one feed as of a day."""
    names = words("fact_kind")
    kind = cells.one_of(cells.meanings((code, *names[code]) for code in kinds_of(feed)), code="unknown_fact_kind")
    columns = (
        Column("source_id", "记录编号", "Reference", cells.text(64), needed=True, filled=True, also=("编号",)),
        Column("id_number", "身份证号", "ID number", cells.id_number(today), needed=True, filled=True, secret=True),
        Column("kind", "事项", "Kind", kind, needed=True, filled=True, choices=kinds_of(feed)),
        Column("happened_on", "发生日期", "Day", cells.day, needed=True, filled=True, also=("日期",), kind="date"),
        Column("amount", "数值或金额(元)", "Number or yuan", cells.number, also=("金额", "数值"), kind="number"),
        Column("withdrawn", "撤回", "Withdrawn", cells.one_of(WITHDRAWN)),
    )
    assert tuple(column.name for column in columns) == FACT_COLUMNS
    return Schema(columns=columns, key=("source_id",), finish=lambda row: _finish(row, today=today))


def _finish(row: Row, *, today: date) -> None:
    value = fact_kinds()[row["kind"]].value
    if row["withdrawn"]:
        return
    if (row["amount"] is None) != (value == "none"):
        row.fault("amount", "empty" if row["amount"] is None else "amount_not_asked")
        return
    days = today.toordinal() - date.fromisoformat(row["happened_on"]).toordinal()
    if not 0 <= days <= OLDEST_DAYS:
        row.fault("happened_on", "date_in_future" if days < 0 else "date_too_old")
    if row["amount"] is not None:
        _amount(row, value)


def _amount(row: Row, value: str) -> None:
    """Whole fen, or a whole number; nothing and zero are numbers too."""
    try:
        amount = row["amount"]
        row.values["amount"] = (
            0 if float(amount) == 0 else cells.units(amount, None, wanted="FEN" if value == "fen" else "PIECE")
        )
    except BadCell as error:
        row.fault("amount", error.code, stage=error.stage, **error.params)
        return
    if row.values["amount"] >= LARGEST:
        row.fault("amount", "too_large")
