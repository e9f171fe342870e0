"""The table of needs: its columns in both languages and the rules of one row and of all rows together.

What enters: the day, and optionally another taxonomy or other places. What leaves: the `Schema` that files and
records of a registry pass alike. Called by `imports`, `registry` and the bench that brings needs of its own
taxonomy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from adapters.ports import Cell
from adapters.tabular_cells import plain_text
from marketplace.intake import BadCell, Column, Reader, Row, Schema, Stage, cells, places
from marketplace.intake.places import Place, the_places
from marketplace.reference import events
from marketplace.reference.needs import NeedKind, list_need_kinds
from marketplace.reference.words import list_codes, words

Taxonomy = Mapping[str, NeedKind]
"""Kinds of need by code."""

_PROOF = ("evidence", "verifier", "verified_on", "referral_reason")
_RELATIONS = cells.meanings_of("relation")


def the_taxonomy() -> Taxonomy:
    """The house's own kinds of need."""
    return {kind.code: kind for kind in list_need_kinds()}


def need_schema(*, today: date, taxonomy: Taxonomy | None = None, place: Place | None = None) -> Schema:
    """The schema of needs as of a day."""
    kinds = taxonomy or the_taxonomy()
    columns = (
        *_household_columns(today, place=place or the_places(today)),
        *_need_columns(kinds, today=today),
        *_proof_columns(),
    )
    return Schema(
        columns=columns,
        key=("source_id",),
        finish=lambda row: _finish(row, kinds=kinds, today=today),
        across=_across,
    )


def _household_columns(today: date, *, place: Place) -> tuple[Column, ...]:
    text = cells.text
    return (
        Column("source_id", "需求编号", "Need reference", text(64), needed=True, filled=True, also=("need_id", "编号")),
        Column("household_ref", "家庭编号", "Household reference", text(64), needed=True, filled=True),
        Column("head_name", "户主姓名", "Name", text(40), secret=True, also=("姓名", "name")),
        Column(
            "head_id_number",
            "身份证号",
            "ID number",
            cells.id_number(today),
            secret=True,
            also=("户主身份证号", "公民身份号码", "id_number"),
        ),
        Column("phone", "联系电话", "Phone", cells.phone, secret=True, also=("电话", "手机号", "手机")),
        Column("address", "住址", "Address", text(120), secret=True, also=("地址", "家庭住址")),
        Column(
            "district_code", "区县", "District", places.district(place), needed=True, filled=True, also=("区县代码",)
        ),
        Column("street_code", "街道", "Street", places.street(today), also=("街道代码", "乡镇街道")),
        Column("members", "家庭成员", "Members", _members(today), secret=True, also=("家庭人口", "人口")),
    )


def _need_columns(kinds: Taxonomy, *, today: date) -> tuple[Column, ...]:
    category = cells.one_of(
        cells.meanings((kind.code, kind.zh, kind.en) for kind in kinds.values()), code="unknown_category"
    )
    labels = tuple(kind.code for kind in kinds.values())
    urgency = cells.one_of(cells.meanings_of("urgency"))
    return (
        Column("category", "需求类别", "Category", category, needed=True, filled=True, also=("类别",), choices=labels),
        Column("unit", "单位", "Unit", cells.unit),
        Column("gap", "缺口", "Gap", cells.number, needed=True, filled=True, also=("数量", "金额"), kind="number"),
        Column("urgency", "紧急程度", "Urgency", urgency, choices=list_codes("urgency")),
        Column("valid_from", "有效期起", "Valid from", cells.day, also=("开始日期",), kind="date"),
        Column("valid_to", "有效期止", "Valid to", cells.last_day, also=("结束日期",), kind="date"),
        Column("period", "时期", "Period", cells.text(16)),
        Column("cause", "事由", "Cause", event(today), also=("事件", "Event")),
        Column(
            "person_id_number", "受助人身份证号", "ID number of whom it is for", cells.id_number(today), secret=True
        ),
        Column("tags", "标签", "Tags", cells.any_of(cells.meanings_of("tag"))),
    )


def _proof_columns() -> tuple[Column, ...]:
    level = cells.one_of({**cells.meanings_of("verification_level"), "0": "0", "未核实": "0", "Not verified": "0"})
    reason = cells.one_of(cells.meanings_of("referral_reason"))
    reasons = tuple(zh for zh, _ in words("referral_reason").values())
    levels = ("0", *list_codes("verification_level"))
    return (
        Column("verification_level", "核实等级", "Verification level", level, choices=levels),
        Column("evidence", "核实依据", "Evidence", cells.text(200, nameless=True)),
        Column("verifier", "核实人", "Verifier", cells.text(64)),
        Column("verified_on", "核实日期", "Verified on", cells.day, kind="date"),
        Column("referral_reason", "转介原因", "Referral reason", reason, choices=reasons),
        Column("government_decision", "政府救助决定", "Government decision", cells.text(200, nameless=True)),
        Column("payee_account", "收款账户", "Payee account", cells.text(40), secret=True),
        Column("health_note", "健康情况", "Health note", cells.text(400), secret=True),
    )


def event(today: date) -> Reader:
    """An event in the one way to write it; a text that is none stays as it is and waits for a person."""
    text = cells.text(events.LONGEST, nameless=True)

    def read(cell: Cell) -> str | None:
        plain = text(cell)
        return events.tidy(plain, on=today) if plain else None

    return read


def _members(today: date) -> Callable[[Cell], object]:
    """The number of people, or the members beside the head as relation/name/ID number with semicolons between."""
    count, number = cells.whole(0, 30), cells.id_number(today)

    def read(cell: Cell) -> object:
        plain = plain_text(cells.sound(cell)).replace("；", ";").replace("／", "/")
        if not plain or plain.isdigit():
            return count(cell)
        people = []
        for part in filter(None, (part.strip() for part in plain.split(";"))):
            relation, _, rest = part.partition("/")
            name, _, digits = rest.partition("/")
            code = _RELATIONS.get(relation.strip())
            if code is None or not name.strip() or len(name) > 40:
                raise BadCell("members_unclear")
            people.append([code, name.strip(), number(digits.strip() or None)])
        if len(people) > 30:
            raise BadCell("members_unclear")
        return people

    return read


def _finish(row: Row, *, kinds: Taxonomy, today: date) -> None:
    """What the cells of one row say together."""
    kind = kinds[row["category"]]
    try:
        row.values["gap_units"] = cells.units(row["gap"], row["unit"], wanted=kind.unit)
    except BadCell as error:
        row.fault("gap", error.code, stage=error.stage, **error.params)
    else:
        if not kind.is_plausible(row["gap_units"]):
            row.hold("implausible_amount")
    if row["valid_from"] and row["valid_to"] and row["valid_to"] <= row["valid_from"]:
        row.fault("valid_to", "dates_reversed")
    if row["verified_on"] and row["verified_on"] > today.isoformat():
        row.fault("verified_on", "date_in_future")
    if row["street_code"] and places.street_elsewhere(row["street_code"], row["district_code"], today=today):
        row.fault("street_code", "street_elsewhere")
    if row["verification_level"] not in (None, "0"):
        for name in _PROOF:
            if not row[name]:
                row.fault(name, "unproved", stage=Stage.VALUES)


def _across(rows: Sequence[Row]) -> None:
    """What several rows say about one household: one ID number, and each need once."""
    person: dict[str, Row] = {}
    needs: dict[tuple[str, ...], int] = {}
    for row in rows:
        first = person.setdefault(row["household_ref"], row)
        if first["head_id_number"] != row["head_id_number"]:
            row.fault("head_id_number", "household_differs", first=first.number)
            continue
        seen = needs.setdefault(need_key(row), row.number)
        if seen != row.number:
            row.fault("category", "same_need_twice", first=seen)


def need_key(row: Row) -> tuple[str, ...]:
    """What may be open only once: household (by ID number where it has one), category, period, cause, person."""
    home = row["head_id_number"] or row["household_ref"]
    return home, row["category"], period_of(row.values), row["cause"] or "", row["person_id_number"] or ""


def period_of(values: Mapping[str, str]) -> str:
    """The period that a row names, else the year in which it begins to be valid, else none."""
    return values.get("period") or (values.get("valid_from") or "")[:4]
