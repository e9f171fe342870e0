"""Pages of the monthly reports: the list, one report with its charts, the rows behind a number, and both as files.

Enters: staff, auditors (numbers only, small ones hidden) and givers (their own). Leaves: pages, XLSX. A row shows a
pseudonym, a kind, a district and amounts, never a name.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from adapters.tabular_writer import Column, write_xlsx
from marketplace.actors import GIVERS, Actor
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.policy import may
from marketplace.reports import figures, service
from marketplace.reports import yearly as yearly_reports
from marketplace.reports.figures import Filter
from marketplace.reports.models import Figure, Report, ReportRow, ReportState
from marketplace.reports.months import month_of, read_period
from marketplace.reports.sections import sections_of, totals_of
from marketplace.reports.words import FIGURES, reason
from marketplace.web import Form, Page, TextField, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web import codes as words
from marketplace.web.desk import XLSX
from marketplace.web.formats import count as count_of
from marketplace.web.formats import month as month_name
from marketplace.web.leaving import leaves, mark

bp = Blueprint("reports", __name__, url_prefix="/reports")
STATES = {ReportState.DRAFT: (_l("draft"), "wait"), ReportState.PUBLISHED: (_l("published"), "done")}
SENTENCES: dict[str, Any] = {
    "report_published": _l("This report is published and cannot change. Correct it by a new version."),
    "month_runs": _l("This month has not ended: it can be published from the first day of the next one."),
    "counted_too_early": _l("This draft was counted before the month ended. Count it again first."),
    "month_form": _l("Write a month as year and month, such as 2026-11, or a year, such as 2026."),
    "month_ahead": _l("This month or year has not begun."),
    "correction_reason": _l("This month is published. Say why it has to be corrected."),
}


class MonthForm(Form):
    """Which month to count, and, for a month already published, why again."""

    month = TextField(_l("Month or year"), longest=7, description=_l("Such as 2026-11; 2026 for the yearly report."))
    note = TextField(
        _l("Why is it corrected?"),
        required=False,
        longest=200,
        description=_l("Only where the month is published already. No personal data."),
    )


def _layout() -> str:
    return "charity" if current_actor().role in GIVERS else "staff"


@bp.get("/")
@guard("report:list")
def index() -> ResponseReturnValue:
    """All months and versions, the newest first."""
    page = page_number()
    size = Page(1, 0).size
    session, actor = current_session(), current_actor()
    found, total = service.list_reports(session, actor=actor, offset=(page - 1) * size, size=size)
    owed = yearly_reports.find_owed(session, actor.org_id, now=utc_now()) if actor.org_id else None
    return render(
        "reports/index.html",
        layout=_layout(),
        reports=found,
        page=Page(page, total),
        states=STATES,
        can_count=may(actor, "report:prepare").allow,
        owed=owed,
        owed_year=yearly_reports.last_year(utc_now()).text,
    )


@bp.get("/yearly")
@guard("report:list")
def yearly() -> ResponseReturnValue:
    """Staff see which giver has published the report of last year, and which has not."""
    if current_actor().role in GIVERS:
        raise NotFound("page")
    year = yearly_reports.last_year(utc_now())
    rows = service.yearly_of_givers(current_session(), year, actor=current_actor())
    return render("reports/yearly.html", rows=rows, year=year.text)


@bp.route("/count", methods=["GET", "POST"])
@guard("report:prepare")
@writes
def count() -> ResponseReturnValue:
    """Count a month, or count its draft again."""
    form = MonthForm()
    if request.method == "GET":
        form.month.data = request.args.get("month", "")[:7] or month_of(utc_now()).before.text
    if not form.validate_on_submit():
        return render("reports/count.html", layout=_layout(), form=form)
    try:
        month = read_period(form.month.data, now=utc_now())
        report = service.prepare(
            current_session(),
            month,
            org_id=current_actor().org_id,
            actor=current_actor(),
            now=utc_now(),
            note=form.note.data or "",
        )
    except BadInput as error:
        form[str(error.facts["field"])].errors = [SENTENCES[error.code]]
        return render("reports/count.html", layout=_layout(), form=form)
    return done(_("Counted. Look at it before you publish it."), to=url_for(".show", report_id=report.id))


@bp.get("/<report_id>")
@guard("report:view")
def show(report_id: str) -> ResponseReturnValue:
    """The figures of one report, each with the way to its rows."""
    session, actor = current_session(), current_actor()
    report = service.get_report(session, report_id, actor=actor)
    return render(
        "reports/show.html",
        layout=_layout(),
        **_facts(report),
        versions=service.versions_of(session, report),
        since=service.changed_since(session, report),
        states=STATES,
        opens_rows=_may_open_rows(actor),
        can_publish=service.can_publish(report, now=utc_now()) and may(actor, "report:publish").allow,
        can_count=may(actor, "report:prepare").allow,
    )


@bp.get("/<report_id>/print")
@guard("report:view")
def show_print(report_id: str) -> ResponseReturnValue:
    """The same on paper: every number unfolded, the hash, and a line to sign on."""
    report = service.get_report(current_session(), report_id, actor=current_actor())
    return render("reports/print.html", layout=_layout(), **_facts(report))


def _facts(report: Report) -> dict[str, Any]:
    """What stands on the page and on paper alike."""
    session, opens = current_session(), _may_open_rows(current_actor())
    return {
        "report": report,
        "state": STATES[report.state],
        "totals": totals_of(report, opens=opens),
        "days": figures.days(session, report),
        "effort": figures.effort(session, report),
        "sections": sections_of(report, opens=opens),
    }


def _may_open_rows(actor: Actor) -> bool:
    """Rows are for those who may see the matches behind them: not for auditors, who see numbers."""
    return may(actor, "report:rows").allow


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
        layout=_layout(),
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
    if row.figure not in (Figure.UNMET, Figure.REPORTED, Figure.RECEIVED) and current_actor().role in GIVERS:
        return url_for("decisions.charity_match", match_id=row.object_ref)
    return ""


@bp.route("/<report_id>/publish", methods=["GET", "POST"])
@guard("report:publish")
@writes
def publish(report_id: str) -> ResponseReturnValue:
    """Ask once more, then freeze."""
    report = service.get_report(current_session(), report_id, actor=current_actor())
    if request.method == "GET":
        return confirm(
            layout=_layout(),
            title=_("Publish the report of %(month)s", month=month_name(report.month)),
            button=_("Publish"),
            back=url_for(".show", report_id=report_id),
            intro=_("Published numbers and their rows cannot change any more. A correction is a new version."),
            facts=[
                {"label": _("Rows"), "value": count_of(report.row_count)},
                {"label": _("Version"), "value": report.version},
            ],
        )
    service.publish(current_session(), report_id, actor=current_actor(), now=utc_now())
    return done(_("Published."), to=url_for(".show", report_id=report_id))


@bp.get("/<report_id>/check")
@guard("report:view")
def check(report_id: str) -> ResponseReturnValue:
    """Whether the rows still have the hash that was published."""
    session = current_session()
    report = service.get_report(session, report_id, actor=current_actor())
    holds = service.hash_of(session, report) == report.rows_sha256
    return render("reports/check.html", layout=_layout(), report=report, holds=holds)


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
