"""The rows behind a number of a report, on the screen and as a table.

Enters: staff, and givers for their own. Leaves: pages, XLSX. A row shows a pseudonym, a kind, a district, amounts and
what was told of it, never a name; it leads to its match or need where the reader may see that.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from adapters.tabular_writer import Column, write_xlsx
from marketplace.actors import GIVERS
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.reports import figures, service
from marketplace.reports.doors import bp, layout
from marketplace.reports.figures import Filter
from marketplace.reports.models import Figure, ReportRow
from marketplace.reports.words import FIGURES, reason
from marketplace.web import Page, _, current_session, page_number, render
from marketplace.web import codes as words
from marketplace.web.desk import XLSX
from marketplace.web.leaving import leaves, mark
from marketplace.web.nav import opens


@bp.get("/<report_id>/rows/<figure>")
@guard("report:rows")
def rows(report_id: str, figure: str) -> ResponseReturnValue:
    """The rows that a number was counted from."""
    session = current_session()
    report = service.get_report(session, report_id, actor=current_actor())
    if figure not in set(Figure):
        raise NotFound("figure")
    wanted = Filter(
        Figure(figure),
        category=request.args.get("category", "")[:48],
        district_code=request.args.get("district_code", "")[:6],
        reason=request.args.get("reason", "")[:48],
        month=request.args.get("month", "")[:7],
    )
    page = Page(page_number(), figures.count_of(session, report, wanted))
    return render(
        "reports/rows.html",
        layout=layout(),
        report=report,
        figure=FIGURES[wanted.figure],
        wanted=wanted,
        reason=reason,
        page=page,
        rows=[
            (row, _origin(row)) for row in figures.rows_of(session, report, wanted, offset=page.offset, size=page.size)
        ],
    )


def _origin(row: ReportRow) -> str:
    """Where the row's match or need can be looked at by this reader; nowhere for aid given outside."""
    if row.figure is Figure.UNMET and row.object_ref and current_actor().serves(row.district_code):
        return url_for("needs.one", need_id=row.object_ref)
    if row.figure in (Figure.UNMET, Figure.REPORTED, Figure.RECEIVED):
        return ""
    if current_actor().role in GIVERS:
        return url_for("decisions.charity_match", match_id=row.object_ref)
    if opens("decisions.find_any_match") and current_actor().serves(row.district_code):
        return url_for("decisions.find_any_match", number=row.object_ref)
    return ""


@bp.get("/<report_id>/rows.xlsx")
@guard("report:rows")
@leaves
def rows_file(report_id: str) -> ResponseReturnValue:
    """All rows as a table."""
    session = current_session()
    report = service.get_report(session, report_id, actor=current_actor())
    response = Response(write_xlsx(columns(), service.lines_of(session, report, line), mark=mark()), content_type=XLSX)
    name = f"report-{report.month}-v{report.version}.xlsx"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def columns() -> tuple[Column, ...]:
    """The heads of the table of rows, in the reader's language."""
    return (
        Column(_("Figure"), width=24),
        Column(_("Number"), width=30),
        Column(_("Kind"), width=20),
        Column(_("District"), width=12),
        Column(_("Reason"), width=24),
        Column(_("Amount"), "number"),
        Column(_("Unit"), width=8),
        Column(_("Worth, yuan"), "number"),
        Column(_("People in the household"), "number"),
        Column(_("Working days to delivery"), "number"),
        Column(_("Satisfaction, 1 to 5"), "number"),
        Column(_("Staff or giver minutes (empty: unknown)"), "number"),
        Column(_("Helper minutes (empty: unknown)"), "number"),
        Column(_("Month"), width=10),
    )


def line(row: ReportRow) -> tuple[Any, ...]:
    """One row in words, cell by cell as `columns` says; of what only ended there is no amount."""
    told = bool(row.category or row.unit)
    amounts = (row.units / 100 if row.unit == "FEN" else row.units, row.fen / 100, row.people)
    units, yuan, people = amounts if told else (None, None, None)
    return (
        str(FIGURES[row.figure]),
        row.object_ref,
        words.word(row.category, "need"),
        words.place(row.district_code) if row.district_code else "",
        reason(row.reason, row.figure) if row.reason else "",
        units,
        words.word(row.unit, "unit") if row.unit else "",
        yuan,
        people,
        row.days,
        row.satisfaction,
        row.minutes,
        row.helper_minutes,
        row.month,
    )
