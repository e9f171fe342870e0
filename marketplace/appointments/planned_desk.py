"""The desk at which a giver brings in its month's planned visits, and takes a month out again.

Enters: people of a giver who plan visits. Leaves: pages under this room's address; the rules are in
`appointments.planned`.
"""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from marketplace.appointments import planned
from marketplace.appointments.doors import bp
from marketplace.appointments.planned_table import month_file, planned_schema
from marketplace.calendar import local_day, utc_now
from marketplace.guards import guard, own_org
from marketplace.intake import ImportKind
from marketplace.web import _l, current_session
from marketplace.web.desk import XLSX, Desk, file
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark

months = Blueprint("planned", __name__, url_prefix="/planned")
desk = Desk(
    kind=ImportKind.VISITS,
    action="appointment:plan",
    layout="charity",
    title=_l("Bring in a table of planned visits"),
    intro=_l(
        "One row a visit: the number of the service on its way, day, beginning and end, and the registration numbers "
        "of who comes. Each household is asked once about all its new times. Rows of a service with the same mark of "
        "alternatives are times of which the household takes one. In the table of a month each visit has its number: "
        "such a row may be changed, and the household is asked again about a new time. After the visits the same table "
        "says what became of each: whether it was served, for how many minutes, what was done and by whom."
    ),
    home="appointments.week",
    home_title=_l("Visits of the week"),
    schema=lambda today: planned_schema(),
    check=planned.check_file,
    confirm=planned.confirm_import,
    counts={
        "new": (_l("New times to propose"), ""),
        "moved": (_l("Visits that are moved: the household is asked again"), "wait"),
        "exchanged": (_l("Visits to which somebody else goes"), ""),
        "called_off": (_l("Visits that are called off"), "late"),
        "served": (_l("Visits that took place and are recorded"), ""),
        "not_come": (_l("Visits to which none of yours came"), "late"),
        "away": (_l("Visits at which nobody was at home"), "wait"),
        "homes": (_l("Households that are asked"), ""),
        "same": (_l("Planned already, left as they are"), ""),
    },
)
desk.install(months)


@months.get("/month.xlsx")
@guard("appointment:plan")
@leaves
def month() -> ResponseReturnValue:
    """The visits of a month as a table; what is changed or added in it comes back."""
    data = month_file(current_session(), own_org(), _asked_month(), lang=language(), mark=mark())
    return _named(data)


def _asked_month() -> date:
    try:
        return date.fromisoformat(f"{request.args.get('month', '')}-01")
    except ValueError:
        return local_day(utc_now())


def _named(data: bytes) -> Response:
    return file(data, name="planned-visits.xlsx", content_type=XLSX)


bp.register_blueprint(months)
