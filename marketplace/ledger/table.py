"""The table of past aid: its columns in both languages and the rules of one row.

Enters: the day. Leaves: the `Schema` that files of departments, charities and insurers pass. A row says to whom aid
went by household reference, by ID number or by the need it was for; one of them is enough. The ID number of whom it is
for says besides that it was for one person, which rules that count for a person go by. Called by `imports`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from marketplace.intake import BadCell, Column, Reader, Row, Schema, cells
from marketplace.ledger.models import AidState
from marketplace.needs.table import event
from marketplace.organisations.programmes import other_column
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.reference.words import list_codes, words

_ID_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
STATES = {
    AidState.DELIVERED.value: ("已送达", "Delivered"),
    AidState.APPROVED.value: ("已审批", "Approved"),
    AidState.RESERVED.value: ("已预留", "Reserved"),
    AidState.RETURNED.value: ("已退回", "Returned"),
}


def aid_schema(*, today: date) -> Schema:
    """The schema of past aid as of a day."""
    text, kinds = cells.text, list_need_kinds()
    category = cells.one_of(cells.meanings((k.code, k.zh, k.en) for k in kinds), code="unknown_category")
    state = cells.one_of(cells.meanings((code, *labels) for code, labels in STATES.items()))
    columns = (
        Column("source_id", "救助编号", "Aid reference", text(64), needed=True, filled=True, also=("编号",)),
        Column("household_ref", "家庭编号", "Household reference", text(64)),
        Column("head_id_number", "身份证号", "ID number", cells.id_number(today), secret=True, also=("公民身份号码",)),
        Column("need_source_id", "需求编号", "Need reference", text(64)),
        Column("category", "救助类别", "Category", category, needed=True, filled=True, also=("类别", "需求类别")),
        Column("units", "数量", "Amount", cells.number, needed=True, filled=True, also=("金额",), kind="number"),
        Column("unit", "单位", "Unit", cells.unit),
        Column("given_on", "救助日期", "Given on", cells.day, needed=True, filled=True, also=("日期",), kind="date"),
        Column("state", "状态", "State", state, choices=tuple(STATES)),
        Column("giver", "救助方", "Giver", text(120), also=("机构", "部门")),
        Column("payer", "支付方类别", "Kind of payer", _codes("payer"), choices=list_codes("payer")),
        Column("programme", "项目", "Programme", _codes("aid_programme"), choices=list_codes("aid_programme")),
        Column("project", "慈善项目", "Charity programme", text(80, nameless=True)),
        other_column(),
        Column("cause", "事由", "Cause", event(today), also=("事件", "Event")),
        Column(
            "person_id_number", "受助人身份证号", "ID number of whom it is for", cells.id_number(today), secret=True
        ),
    )
    return Schema(columns=columns, key=("source_id",), finish=lambda row: _finish(row, today=today))


NOT_OWN = ("giver", "payer", "programme")
"""Columns that a giver does not fill: it speaks for itself, pays as what it is, and runs no government programme."""


def own_aid_schema(*, today: date) -> Schema:
    """The schema of aid that a giver reports as its own."""
    whole = aid_schema(today=today)
    columns = tuple(column for column in whole.columns if column.name not in NOT_OWN)
    return replace(whole, columns=columns, finish=lambda row: _finish_own(row, today=today))


def _finish_own(row: Row, *, today: date) -> None:
    """A reference stands unsealed in the giver's list, so it must not be somebody's ID number."""
    _finish(row, today=today)
    if _ID_NUMBER.fullmatch(str(row["source_id"]).upper()):
        row.fault("source_id", "reference_is_id_number")


def _codes(table: str) -> Reader:
    return cells.one_of(cells.meanings((code, *labels) for code, labels in words(table).items()))


def _finish(row: Row, *, today: date) -> None:
    try:
        row.values["units"] = cells.units(row["units"], row["unit"], wanted=need_kind(row["category"]).unit)
    except BadCell as error:
        row.fault("units", error.code, stage=error.stage, **error.params)
    if row["given_on"] > today.isoformat():
        row.fault("given_on", "date_in_future")
    if not any(row[name] for name in ("household_ref", "head_id_number", "need_source_id", "person_id_number")):
        row.fault("household_ref", "nobody_named")
