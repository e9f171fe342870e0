"""The table of offers: its columns in both languages and the rules of one row.

Enters: the day, and optionally another taxonomy. Leaves: the `Schema` that a giver's file passes, and the `Terms` of a
checked row. The rules are those of the wizard. Called by `imports` and by benches that bring a taxonomy of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from marketplace.intake import BadCell, Column, Reader, Row, Schema, cells
from marketplace.offers.models import Acceptance
from marketplace.offers.terms import CONFIRMED_FOR, Terms, doubt, faults
from marketplace.organisations.programmes import other_column
from marketplace.reference import districts
from marketplace.reference.needs import NeedKind, list_need_kinds
from marketplace.reference.tables import rows
from marketplace.reference.words import list_codes

Taxonomy = Mapping[str, NeedKind]
Idle = Callable[[Mapping[str, Any]], bool]
EVERYWHERE = ("全市", "*", "all", "city")
ANSWERS = {Acceptance.STANDING.value: ("长期同意", "Standing yes"), Acceptance.EACH.value: ("逐项答复", "Each match")}
OPEN, CLOSED_FOR_NOW = "open", "closed_for_now"
STATUS = {OPEN: ("开放", "Open"), CLOSED_FOR_NOW: ("暂停", "Closed for now")}
"""What a list may say of a resource's state; empty leaves it as it is."""
COLUMN_OF = {"stock_units": "stock", "unit_cost_fen": "unit_cost"}
"""Fields of `Terms` that have another name in files."""
AMOUNTS = ("stock", "lot", "min_per_need", "max_per_need", "max_per_household")


def the_taxonomy() -> Taxonomy:
    """The house's own kinds of need."""
    return {kind.code: kind for kind in list_need_kinds()}


def offer_schema(*, today: date, taxonomy: Taxonomy | None = None, idle: Idle | None = None) -> Schema:
    """The schema of offers as of a day. `idle`: of which rows nothing comes, so that their last day may be over."""
    kinds = taxonomy or the_taxonomy()
    columns = (*_what_columns(kinds), *_whom_columns(today), *_how_columns(today))

    def finish(row: Row) -> None:
        _finish(row, kinds=kinds, today=today, idle=idle)

    return Schema(columns=columns, key=("source_id",), finish=finish)


def _what_columns(kinds: Taxonomy) -> tuple[Column, ...]:
    labels = cells.meanings((kind.code, kind.zh, kind.en) for kind in kinds.values())
    category, text = cells.one_of(labels, code="unknown_category"), cells.text
    number, codes = cells.number, tuple(kinds)
    return (
        Column("source_id", "资源编号", "Resource reference", text(64), needed=True, filled=True, also=("编号",)),
        Column("title", "名称", "Name", text(120, nameless=True), needed=True, filled=True, also=("资源名称",)),
        Column("project", "慈善项目", "Charity programme", text(80, nameless=True)),
        other_column(),
        Column("category", "类别", "Category", category, needed=True, filled=True, also=("需求类别",), choices=codes),
        Column("unit", "单位", "Unit", cells.unit),
        Column("stock", "总量", "Stock", number, needed=True, filled=True, also=("数量", "金额"), kind="number"),
        Column("lot", "每份数量", "Lot", number, kind="number"),
        Column("min_per_need", "每项最低", "Least per need", number, kind="number"),
        Column("max_per_need", "每项最高", "Most per need", number, kind="number"),
        Column("max_per_household", "每户最高", "Most per household", number, kind="number"),
        Column("unit_cost", "送达成本(元)", "Delivery cost (yuan)", number, also=("送达成本",), kind="number"),
    )


def _whom_columns(today: date) -> tuple[Column, ...]:
    tags, urgency = cells.any_of(cells.meanings_of("tag")), cells.one_of(cells.meanings_of("urgency"))
    return (
        Column("districts", "区县", "Districts", _districts(today)),
        Column("tags_any", "符合任一", "Any of", tags),
        Column("tags_all", "全部符合", "All of", tags),
        Column("tags_none", "不得符合", "None of", tags),
        Column("min_urgency", "最低紧急程度", "Least urgency", urgency, choices=list_codes("urgency")),
        Column("valid_from", "有效期起", "Valid from", cells.day, also=("开始日期",), kind="date"),
        Column("valid_to", "有效期止", "Valid to", cells.last_day, also=("结束日期",), kind="date"),
    )


def _how_columns(today: date) -> tuple[Column, ...]:
    tags = cells.any_of(cells.meanings_of("tag"))
    answer = cells.one_of(cells.meanings((code, *labels) for code, labels in ANSWERS.items()))
    status = cells.one_of(cells.meanings((code, *labels) for code, labels in STATUS.items()))
    text = cells.text(400, nameless=True)
    return (
        Column("status", "状态", "Status", status, choices=tuple(zh for zh, _en in STATUS.values())),
        Column("acceptance", "答复方式", "Answer", answer, choices=tuple(zh for zh, _en in ANSWERS.values())),
        Column("donor_purpose", "捐赠人指定用途", "Donor's purpose", cells.text(200, nameless=True)),
        Column("donor_districts", "捐赠人指定区县", "Donor's districts", _districts(today)),
        Column("donor_tags", "捐赠人指定条件", "Donor asks for all of", tags),
        Column("donor_document", "捐赠人同意书编号", "Donor's consent number", cells.text(64, nameless=True)),
        Column("donor_signed_on", "捐赠人同意日期", "Donor's consent date", cells.day, kind="date"),
        Column("standard", "救助标准", "Standard", text, needed=True, filled=True),
        Column("steps", "工作流程", "Steps", text, needed=True, filled=True),
        Column("rules", "工作规范", "Rules", text, needed=True, filled=True),
    )


def _districts(today: date) -> Reader:
    """Codes or names of districts in force; nothing or 全市 is the whole city, ended codes lead to their successor."""
    ended = {word: districts.resolve(row["code"], on=today).code for row in rows("districts") for word in _names(row)}
    now = cells.meanings((place.code, place.zh, place.en) for place in districts.current(today))
    read = cells.any_of(ended | now | dict.fromkeys(EVERYWHERE, ""), code="unknown_district")
    return lambda cell: [code for code in read(cell) or () if code]


def _names(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["code"], row["zh"], row["en"]


def _finish(row: Row, *, kinds: Taxonomy, today: date, idle: Idle | None) -> None:
    """Amounts in whole units, then the rules of the terms."""
    kind = kinds[row["category"]]
    for name in AMOUNTS:
        _whole(row, name, given=row["unit"], wanted=kind.unit)
    if row["unit_cost"] in (None, "0"):
        row.values.pop("unit_cost", None)
    else:
        _whole(row, "unit_cost", given=None, wanted="FEN")
    if row.faults:
        return
    terms = terms_of_row(row.values, kind=kind, today=today)
    for fault in faults(terms, on=today, kinds=kinds.__getitem__):
        if fault.code == "end_past" and idle is not None and idle(row.values):
            continue
        facts: dict[str, Any] = dict(fault.facts)
        row.fault(COLUMN_OF.get(fault.field, fault.field), fault.code, **facts)
    if not row.faults and (reason := doubt(terms, kinds=kinds.__getitem__)):
        row.hold(reason)


def _whole(row: Row, name: str, *, given: str | None, wanted: str) -> None:
    if row[name] is None:
        return
    try:
        row.values[name] = cells.units(row[name], given, wanted=wanted)
    except BadCell as error:
        row.fault(name, error.code, stage=error.stage, **error.params)


def terms_of_row(values: Mapping[str, Any], *, kind: NeedKind, today: date) -> Terms:
    """The terms of a checked row; what is left out has its usual value: half a year, each match answered."""

    def day(name: str) -> date | None:
        return date.fromisoformat(values[name]) if values.get(name) else None

    lot = values.get("lot") or (100 if kind.is_money else 1)
    return Terms(
        title=values["title"],
        category=kind.code,
        stock_units=values["stock"],
        lot=lot,
        min_per_need=values.get("min_per_need") or lot,
        max_per_need=values.get("max_per_need"),
        max_per_household=values.get("max_per_household"),
        districts=tuple(values.get("districts") or ()),
        tags_any=tuple(values.get("tags_any") or ()),
        tags_all=tuple(values.get("tags_all") or ()),
        tags_none=tuple(values.get("tags_none") or ()),
        min_urgency=int(values.get("min_urgency") or 0),
        valid_from=day("valid_from"),
        valid_to=day("valid_to") or today + CONFIRMED_FOR,
        unit_cost_fen=values.get("unit_cost") or 0,
        acceptance=Acceptance(values.get("acceptance") or Acceptance.EACH),
        donor_purpose=values.get("donor_purpose") or "",
        donor_districts=tuple(values.get("donor_districts") or ()),
        donor_tags=tuple(values.get("donor_tags") or ()),
        standard=values["standard"],
        steps=values["steps"],
        rules=values["rules"],
        project=values.get("project") or "",
    )
