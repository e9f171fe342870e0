"""The desk at which a filled sheet of a meeting comes in. The rules are in `sheet_import`.

Enters: staff who sit in meetings, and the table that they filled in. Leaves: the pages on which it is checked and
confirmed.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.intake import ImportKind
from marketplace.meetings import sheet_import
from marketplace.meetings.doors import bp
from marketplace.meetings.models import Verdict
from marketplace.meetings.sheet_table import sheet_schema
from marketplace.web.desk import Desk

desk = Desk(
    kind=ImportKind.MEETINGS,
    action="meeting:import",
    layout="staff",
    title=_l("Bring in a filled sheet"),
    intro=_l(
        "The table of the sheet, with decisions in its last columns. Rows without a decision are left alone; all others"
        " are carried out together, or none."
    ),
    home="meetings.index",
    home_title=_l("Meetings"),
    schema=lambda _today: sheet_schema(),
    check=sheet_import.check_file,
    confirm=sheet_import.confirm_import,
    counts={
        Verdict.PIN.value: (_l("Pins"), ""),
        Verdict.BAN.value: (_l("Bans"), ""),
        Verdict.DUTY.value: (_l("Duties"), ""),
        Verdict.GOVERNMENT.value: (_l("Needs for which government aid was found"), "wait"),
        Verdict.CLOSED.value: (_l("Needs that are closed"), "wait"),
        "same": (_l("Decided so before, left as they are"), ""),
        "undecided": (_l("Rows without a decision, left alone"), ""),
    },
)
desk.install(bp)
