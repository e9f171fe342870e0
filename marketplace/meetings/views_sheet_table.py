"""The sheet as a table that goes out: every row, with the columns that the meeting fills in at the end.

Enters: staff of the meeting's area. Leaves: an XLSX file without anybody's name; it comes back through `upload`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.tabular_writer import Column, write_xlsx
from marketplace.guards import current_actor, guard
from marketplace.meetings import service, words
from marketplace.meetings.doors import bp
from marketplace.meetings.models import MeetingRow
from marketplace.meetings.sheet_table import TO_FILL, Filled, Names, filled, sheet_schema
from marketplace.meetings.views_sheet import told
from marketplace.reference.needs import MONEY
from marketplace.web import codes
from marketplace.web.desk import XLSX, file
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark
from marketplace.web.transactions import current_session

WIDTHS = {"decision": 16, "resource": 28, "officer": 16, "reason": 40, "sheet": 34}


@bp.get("/<meeting_id>/sheet.xlsx")
@guard("meeting:view")
@leaves
def sheet_file(meeting_id: str) -> ResponseReturnValue:
    """Every row as a table, with the columns to fill in at the end; no name of anybody."""
    session = current_session()
    meeting = service.get_meeting(session, meeting_id, actor=current_actor())
    rows = service.rows_of(session, meeting, filters={})
    says = filled(session, rows, Names(session))
    lines = [(*_shown(one), *_to_fill(one["row"], says[one["row"].number])) for one in told(rows)]
    return file(write_xlsx([*_heads(), *_heads_to_fill()], lines, mark=mark()), name="meeting.xlsx", content_type=XLSX)


def _heads() -> tuple[Column, ...]:
    return (
        Column(_("Row"), "number", 8),
        Column(_("On the sheet because"), width=14),
        Column(_("Number of the need"), width=34),
        Column(_("Kind of need"), width=20),
        Column(_("District"), width=12),
        Column(_("Urgency"), width=10),
        Column(_("Missing"), "number"),
        Column(_("Unit"), width=8),
        Column(_("What stands in the way"), width=60),
        Column(_("Cheapest remedy"), width=30),
        Column(_("Would lose (for one unit, or as tried)"), "number"),
    )


def _heads_to_fill() -> list[Column]:
    """As `sheet_schema` reads them."""
    schema = sheet_schema()
    found = [schema.column(name) for name in TO_FILL]
    return [Column(one.label(lang=language()), one.kind, WIDTHS.get(one.name, 12)) for one in found]


def _shown(one: Mapping[str, Any]) -> tuple[Any, ...]:
    row: MeetingRow = one["row"]
    return (
        row.number,
        str(words.KINDS[row.kind]),
        row.need_id,
        codes.word(row.category, "need"),
        codes.place(row.district_code),
        codes.word(row.urgency, "urgency"),
        _amount(row.open_units, row.unit),
        codes.word(row.unit, "unit"),
        one["why"],
        one["remedy"],
        row.losers,
    )


def _to_fill(row: MeetingRow, says: Filled) -> tuple[Any, ...]:
    units = _amount(says.units, row.unit) if says.units else None
    decision = str(words.SHORT[row.verdict])
    return (decision, says.resource, units, says.officer, says.due_on, says.reason, row.meeting_id)


def _amount(units: int, unit: str) -> int | float:
    return units / 100 if unit == MONEY else units
