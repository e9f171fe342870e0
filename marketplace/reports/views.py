"""Pages of the monthly reports: the list, one report with its charts, on screen and on paper; counting and publishing.

Enters: staff, auditors (numbers only, small ones hidden) and givers (their own). Leaves: pages; the rows behind their
numbers are in `views_rows`.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.actors import GIVERS
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.organisations.models import Organisation
from marketplace.policy import may
from marketplace.reports import figures, service, views_rows
from marketplace.reports import yearly as yearly_reports
from marketplace.reports.doors import bp, layout, may_open_rows
from marketplace.reports.models import Report, ReportState
from marketplace.reports.months import month_of, read_period
from marketplace.reports.sections import sections_of, totals_of
from marketplace.web import Form, Page, TextField, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.formats import count as count_of
from marketplace.web.formats import month as month_name

__all__ = ["SENTENCES", "bp", "views_rows"]
STATES = {ReportState.DRAFT: (_l("draft"), "wait"), ReportState.PUBLISHED: (_l("published"), "done")}
SENTENCES: dict[str, Any] = {
    "report_published": _l("This report is published and cannot change. Correct it by a new version."),
    "month_runs": _l("This month has not ended: it can be published from the first day of the next one."),
    "counted_too_early": _l("This draft was counted before the month ended. Count it again first."),
    "month_form": _l("Write a month as year and month, such as 2026-11, or a year, such as 2026."),
    "month_ahead": _l("This month or year has not begun."),
    "published_by_giver": _l("The giver has published this month: read that version."),
    "report_of_giver": _l("A giver publishes its report itself."),
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


def _giver() -> Organisation | None:
    """Whose reports are asked for: a giver's own; of staff those of the organisation in the address, or the city's."""
    actor, session = current_actor(), current_session()
    asked = actor.org_id or request.args.get("org", "")[:32]
    found = session.get(Organisation, asked) if asked else None
    if asked and found is None:
        raise NotFound("organisation")
    return found


@bp.get("/")
@guard("report:list")
def index() -> ResponseReturnValue:
    """All months and versions, the newest first."""
    page = page_number()
    size = Page(1, 0).size
    session, actor = current_session(), current_actor()
    giver, first = _giver(), (page - 1) * size
    of = giver.id if giver else None
    found, total = service.list_reports(session, actor=actor, org_id=of, offset=first, size=size)
    owed = yearly_reports.find_owed(session, actor.org_id, now=utc_now()) if actor.org_id else None
    return render(
        "reports/index.html",
        layout=layout(),
        giver=giver if actor.org_id is None else None,
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
    form, giver = MonthForm(), _giver()
    page: dict[str, Any] = {"layout": layout(), "form": form, "giver": giver if not current_actor().org_id else None}
    if request.method == "GET":
        form.month.data = request.args.get("month", "")[:7] or month_of(utc_now()).before.text
    if not form.validate_on_submit():
        return render("reports/count.html", **page)
    try:
        month = read_period(form.month.data, now=utc_now())
        report = service.prepare(
            current_session(),
            month,
            org_id=giver.id if giver else None,
            actor=current_actor(),
            now=utc_now(),
            note=form.note.data or "",
        )
    except BadInput as error:
        form[str(error.facts["field"])].errors = [SENTENCES[error.code]]
        return render("reports/count.html", **page)
    return done(_("Counted. Look at it before you publish it."), to=url_for(".show", report_id=report.id))


@bp.get("/<report_id>")
@guard("report:view")
def show(report_id: str) -> ResponseReturnValue:
    """The figures of one report, each with the way to its rows."""
    session, actor = current_session(), current_actor()
    report = service.get_report(session, report_id, actor=actor)
    return render(
        "reports/show.html",
        layout=layout(),
        **_facts(report),
        versions=service.versions_of(session, report),
        since=service.changed_since(session, report),
        states=STATES,
        opens_rows=may_open_rows(actor),
        other=report.org_id if actor.org_id is None else None,
        can_publish=service.can_publish(report, now=utc_now())
        and may(actor, "report:publish").allow
        and report.org_id == actor.org_id,
        can_count=may(actor, "report:prepare").allow
        and (report.org_id == actor.org_id or (report.state is ReportState.DRAFT and report.version == 1)),
    )


@bp.get("/<report_id>/print")
@guard("report:view")
def show_print(report_id: str) -> ResponseReturnValue:
    """The same on paper: every number unfolded, the hash, and a line to sign on."""
    report = service.get_report(current_session(), report_id, actor=current_actor())
    return render("reports/print.html", layout=layout(), **_facts(report))


def _facts(report: Report) -> dict[str, Any]:
    """What stands on the page and on paper alike."""
    session, opens = current_session(), may_open_rows(current_actor())
    return {
        "report": report,
        "state": STATES[report.state],
        "totals": totals_of(report, opens=opens),
        "days": figures.days(session, report),
        "effort": figures.effort(session, report),
        "sections": sections_of(report, opens=opens),
    }


@bp.route("/<report_id>/publish", methods=["GET", "POST"])
@guard("report:publish")
@writes
def publish(report_id: str) -> ResponseReturnValue:
    """Ask once more, then freeze."""
    report = service.get_report(current_session(), report_id, actor=current_actor())
    if request.method == "GET":
        return confirm(
            layout=layout(),
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
    return render("reports/check.html", layout=layout(), report=report, holds=holds)
