"""The giver's matches and deliveries as files; the rules are in `decisions.sheet`."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.decisions.doors import bp
from marketplace.decisions.sheet import matches_file
from marketplace.guards import current_actor, guard
from marketplace.web.desk import XLSX, file
from marketplace.web.display import language
from marketplace.web.leaving import leaves
from marketplace.web.transactions import current_session


@bp.get("/our-matches/export.xlsx")
@guard("match:answer")
@leaves
def matches_xlsx() -> ResponseReturnValue:
    """All matches of the giver as a spreadsheet."""
    data = matches_file(current_session(), "xlsx", actor=current_actor(), lang=language(), now=utc_now())
    return file(data, name="matches.xlsx", content_type=XLSX)


@bp.get("/our-matches/export.csv")
@guard("match:answer")
@leaves
def matches_csv() -> ResponseReturnValue:
    """The same as CSV."""
    data = matches_file(current_session(), "csv", actor=current_actor(), lang=language(), now=utc_now())
    return file(data, name="matches.csv", content_type="text/csv; charset=utf-8")
