"""The table of the register: one row for each person, with the household it belongs to and the household's categories.

Enters: the day. Leaves: the `Schema` that a department's list passes before anybody has asked for anything. Called by
`bringing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marketplace.households.lists import benefit_column
from marketplace.intake import Column, Row, Schema, cells, places
from marketplace.reference.words import list_codes, words


def people_schema(*, today: date) -> Schema:
    """The schema of households and people as of a day."""
    text, names = cells.text, words("monitoring_category")
    category = cells.any_of(cells.meanings((code, *names[code]) for code in names), code="not_in_list")
    where, relation = places.district(places.the_places(today)), cells.one_of(cells.meanings_of("relation"))
    number, relations = cells.id_number(today), list_codes("relation")
    columns = (
        Column("household_ref", "家庭编号", "Household reference", text(64), needed=True, filled=True),
        Column("person_ref", "人员编号", "Person reference", text(64)),
        Column("name", "姓名", "Name", text(40), needed=True, filled=True, secret=True),
        Column("id_number", "身份证号", "ID number", number, secret=True, also=("公民身份号码",)),
        Column("relation", "与户主关系", "Relation", relation, needed=True, filled=True, choices=relations),
        Column("birth_on", "出生日期", "Birth date", cells.day, secret=True, kind="date"),
        Column("phone", "联系电话", "Phone", cells.phone, secret=True, also=("电话", "手机号", "手机")),
        Column("address", "住址", "Address", text(120), secret=True, also=("地址", "家庭住址")),
        Column("district_code", "区县", "District", where, needed=True, filled=True, also=("区县代码",)),
        Column("street_code", "街道", "Street", places.street(today), also=("街道代码", "乡镇街道")),
        Column("village_code", "村（社区）", "Village or community", places.village, also=("村居代码",)),
        Column("categories", "类别", "Category", category, choices=tuple(names), also=("监测类别",)),
        Column("from_on", "开始日期", "From", cells.day, kind="date"),
        Column("to_on", "结束日期", "To", cells.day, kind="date"),
        benefit_column(),
    )
    return Schema(columns, key=("household_ref", "person_ref", "id_number", "name"), finish=_finish, across=_across)


def _finish(row: Row) -> None:
    """What the cells of one row say together."""
    street = row["street_code"]
    if street and places.street_elsewhere(street, row["district_code"], today=date.max):
        row.fault("street_code", "street_elsewhere")
    if row["village_code"] and not (street and places.is_village(row["village_code"], street=street)):
        row.fault("village_code", "street_elsewhere")
    if row["categories"] and not row["from_on"]:
        row.fault("from_on", "empty")
    if row["from_on"] and row["to_on"] and row["to_on"] < row["from_on"]:
        row.fault("to_on", "dates_reversed")


def _across(rows: Sequence[Row]) -> None:
    """A household lives in one district and has one head; a number is one person's."""
    homes: dict[str, Row] = {}
    heads: dict[str, Row] = {}
    numbers: dict[str, Row] = {}
    for row in rows:
        first = homes.setdefault(row["household_ref"], row)
        if first["district_code"] != row["district_code"]:
            row.fault("district_code", "people_apart", first=first.number)
        if row["relation"] == "HEAD" and heads.setdefault(row["household_ref"], row) is not row:
            row.fault("relation", "two_heads", first=heads[row["household_ref"]].number)
        if row["id_number"] and numbers.setdefault(row["id_number"], row) is not row:
            row.fault("id_number", "row_repeated", first=numbers[row["id_number"]].number)
