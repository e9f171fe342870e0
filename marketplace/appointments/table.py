"""The table of volunteers: its columns in both languages and the rules of one row.

Enters: the day. Leaves: the `Schema` that a giver's file passes, and the `VolunteerFacts` of a checked row. The rules
are those of the register's page. Called by `imports` and by the upload's pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marketplace.appointments.models import HealthFit
from marketplace.appointments.volunteers import VolunteerFacts, insurance_fault
from marketplace.intake import Column, Row, Schema, cells
from marketplace.reference.words import words


def volunteer_schema(*, today: date) -> Schema:
    """The schema of volunteers as of a day."""
    text, skills, health = cells.text, cells.meanings_of("skill"), cells.meanings_of("health_fit")
    number = cells.id_number(today)
    columns = (
        Column(
            "registration_no", "志愿者编号", "Registration number", text(32), needed=True, filled=True, also=("编号",)
        ),
        Column("name", "姓名", "Name", text(40), needed=True, filled=True, secret=True),
        Column("id_number", "身份证号", "ID number", number, secret=True),
        Column("phone", "手机号", "Telephone", cells.phone, needed=True, filled=True, secret=True, also=("电话",)),
        Column("skills", "服务技能", "Skills", cells.any_of(skills), needed=True, also=("技能",)),
        Column("health", "身体状况", "Health", cells.one_of(health), choices=_words("health_fit")),
        Column("insurance_no", "保险单号", "Insurance policy", text(64), secret=True, also=("保单号",)),
        Column("insured_from", "保险起", "Insured from", cells.day, kind="date", also=("保险开始",)),
        Column("insured_to", "保险止", "Insured to", cells.day, kind="date", also=("保险结束",)),
    )
    return Schema(columns=columns, key=("registration_no",), finish=_finish)


def _words(table: str) -> tuple[str, ...]:
    return tuple(zh for zh, _en in words(table).values())


def _finish(row: Row) -> None:
    bad = insurance_fault(facts_of(row.values))
    if bad:
        row.fault("insured_to" if bad == "insured_backwards" else "insurance_no", bad)


def facts_of(values: Mapping[str, Any], /) -> VolunteerFacts:
    """The facts of a checked row; who says nothing about health is fit for ordinary work."""

    def day(name: str) -> date | None:
        return date.fromisoformat(values[name]) if values.get(name) else None

    return VolunteerFacts(
        registration_no=values["registration_no"],
        name=values["name"],
        id_number=values.get("id_number") or "",
        phone=values["phone"],
        skills=tuple(values.get("skills") or ()),
        health=HealthFit(values.get("health") or HealthFit.ORDINARY),
        insurance_no=values.get("insurance_no") or "",
        insured_from=day("insured_from"),
        insured_to=day("insured_to"),
    )
