"""A giver's projects and their reports: planned, looked at, filed, printed, taken along as a table.

Enters: people of a giver. Leaves: pages whose figures are counted anew until a report is filed, and afterwards read
from what was frozen; the table holds the same figures.
"""

from __future__ import annotations

import json
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import col, func, select

from adapters.tabular_writer import Column, write_xlsx
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.offers.models import Offer
from marketplace.policy import may
from marketplace.proofs import project_figures, projects
from marketplace.proofs.doors import attachment, bp, say
from marketplace.proofs.models import Project, ProjectOffer, ProjectReport, ProjectReportKind
from marketplace.web import pages
from marketplace.web.codes import amount, place, word
from marketplace.web.desk import XLSX
from marketplace.web.fields import DayField, Form, ManyField, TextField
from marketplace.web.formats import yuan
from marketplace.web.leaving import leaves, mark
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

OFFERS_A_PAGE = 100
KINDS = {
    ProjectReportKind.EMERGENCY: _l("five-day report (emergency)"),
    ProjectReportKind.QUARTER: _l("three-monthly report"),
    ProjectReportKind.FINAL: _l("final report"),
}


class ProjectForm(Form):
    """What belongs together, and from when to when."""

    title = TextField(_l("Name of the project"), longest=120)
    starts_on = DayField(_l("First day"))
    ends_on = DayField(_l("Last day"), required=False, description=_l("Leave it empty while the end is open."))
    offer_ids = ManyField(_l("Our resources in this project"), required=_l("Tick at least one resource"))


class EmergencyForm(Form):
    """The phase of an emergency that the project answers."""

    from_on = DayField(_l("First day of the emergency"))
    to_on = DayField(_l("Last day"), required=False, description=_l("Leave it empty while it lasts."))
    ref = TextField(_l("Who announced it, and the number of the paper"), longest=120)


@bp.get("/projects/")
@guard("project:view")
def project_list() -> ResponseReturnValue:
    """The giver's projects."""
    found = projects.list_projects(current_session(), actor=current_actor())
    return pages.render("proofs/projects.html", projects=found, plans=may(current_actor(), "project:plan").allow)


@bp.get("/projects/owed")
@guard("report:list")
def projects_owed() -> ResponseReturnValue:
    """Staff see which giver owes the report of which project, and since when."""
    if current_actor().org_id is not None:
        raise NotFound("page")
    now = utc_now()
    rows = projects.owed_by_givers(current_session(), actor=current_actor(), now=now)
    page = Page(page_number(), len(rows), OFFERS_A_PAGE)
    shown = rows[page.offset : page.offset + page.size]
    return pages.render("proofs/projects_owed.html", rows=shown, page=page, kinds=KINDS, today=local_day(now))


@bp.route("/projects/new", methods=["GET", "POST"])
@guard("project:plan")
@writes
def project_new() -> ResponseReturnValue:
    """Begin a project."""
    session, form = current_session(), ProjectForm()
    form.offer_ids.choices, page = free_offers()
    if form.validate_on_submit() and form.starts_on.data is not None:
        try:
            project = projects.plan_project(
                session,
                form.title.data or "",
                offer_ids=form.offer_ids.data or [],
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                actor=current_actor(),
                now=utc_now(),
            )
            return pages.done(_("The project has begun."), to=url_for("proofs.project", project_id=project.id))
        except BadInput as error:
            say(form, error)
    return pages.render("proofs/project_new.html", project=None, form=form, page=page)


def free_offers() -> tuple[list[tuple[str, str]], Page]:
    """The giver's resources that stand in no project yet, the newest first, cut to the page asked for."""
    session, taken = current_session(), select(ProjectOffer.offer_id)
    mine = select(Offer.id, Offer.title).where(col(Offer.org_id) == current_actor().org_id)
    mine = mine.where(col(Offer.id).not_in(taken))
    total = session.exec(select(func.count()).select_from(mine.subquery())).one()
    page = Page(page_number(), total, OFFERS_A_PAGE)
    ordered = mine.order_by(col(Offer.created_at).desc(), col(Offer.id)).offset(page.offset).limit(page.size)
    return [(offer_id, title) for offer_id, title in session.exec(ordered)], page


@bp.get("/projects/<project_id>")
@guard("project:view")
def project(project_id: str) -> ResponseReturnValue:
    """One project: its resources, its periods, what is filed."""
    session = current_session()
    found = projects.get_project(session, project_id, actor=current_actor())
    titles = select(Offer.title).join(ProjectOffer, col(ProjectOffer.offer_id) == col(Offer.id))
    titles = titles.where(col(ProjectOffer.project_id) == found.id).order_by(col(Offer.title))
    dues = projects.dues(session, found, now=utc_now())
    final = any(due.filed and due.period.kind is ProjectReportKind.FINAL for due in dues)
    return pages.render(
        "proofs/project.html",
        project=found,
        titles=session.exec(titles).all(),
        dues=dues,
        kinds=KINDS,
        changes=may(current_actor(), "project:plan").allow and not final,
    )


@bp.route("/projects/<project_id>/emergency", methods=["GET", "POST"])
@guard("project:plan")
@writes
def project_emergency(project_id: str) -> ResponseReturnValue:
    """Say that the project answers an emergency, or that this is over."""
    session, form = current_session(), EmergencyForm()
    found = projects.get_project(session, project_id, actor=current_actor())
    if request.method == "GET":
        form.from_on.data, form.to_on.data = found.emergency_from_on, found.emergency_to_on
        form.ref.data = found.emergency_ref
    if form.validate_on_submit() and form.from_on.data is not None:
        phase = projects.Emergency(form.from_on.data, form.to_on.data, form.ref.data or "")
        try:
            projects.set_emergency(session, project_id, phase, actor=current_actor(), now=utc_now())
            return pages.done(_("Noted."), to=url_for("proofs.project", project_id=project_id))
        except (BadInput, WrongState) as error:
            say(form, error)
    return pages.confirm(
        layout="charity",
        title=_("This project answers an emergency"),
        intro=_("While it lasts, money and goods are reported at least every five days (Charity Law, article 72)."),
        facts=[{"label": _("Project"), "value": found.title}],
        button=_("Keep it"),
        back=url_for("proofs.project", project_id=project_id),
        form=form,
    )


@bp.get("/projects/<project_id>/<any(quarter, final, emergency):kind>/<from_on>")
@guard("project:view")
def project_draft(project_id: str, kind: str, from_on: str) -> ResponseReturnValue:
    """What would be filed now."""
    session, now = current_session(), utc_now()
    found = projects.get_project(session, project_id, actor=current_actor())
    due = projects.find_due(session, found, kind, from_on, now=now)
    figures = project_figures.count(session, found.id, due.period, now=now)
    files = may(current_actor(), "project:file").allow and projects.may_file(due, now=now)
    return _report_page(found, figures, kind=due.period.kind, due=due, files=files)


@bp.post("/projects/<project_id>/<any(quarter, final, emergency):kind>/<from_on>")
@guard("project:file")
@writes
def project_file(project_id: str, kind: str, from_on: str) -> ResponseReturnValue:
    """Freeze it."""
    session, now = current_session(), utc_now()
    found = projects.get_project(session, project_id, actor=current_actor())
    due = projects.find_due(session, found, kind, from_on, now=now)
    report = projects.file_report(session, found, due, actor=current_actor(), now=now)
    return pages.done(_("Filed and frozen."), to=url_for("proofs.project_filed", report_id=report.id))


@bp.get("/projects/filed/<report_id>")
@guard("project:view")
def project_filed(report_id: str) -> ResponseReturnValue:
    """A report as it was filed."""
    found, report = projects.get_report(current_session(), report_id, actor=current_actor())
    return _report_page(found, json.loads(report.content), kind=report.kind, report=report)


@bp.get("/projects/filed/<report_id>/print")
@guard("project:view")
def project_print(report_id: str) -> ResponseReturnValue:
    """A filed report on paper, with its hash and a line to sign on."""
    found, report = projects.get_report(current_session(), report_id, actor=current_actor())
    figures = json.loads(report.content)
    return _report_page(found, figures, kind=report.kind, report=report, template="proofs/project_print.html")


def _report_page(
    found: Project,
    figures: dict[str, Any],
    *,
    kind: ProjectReportKind,
    report: ProjectReport | None = None,
    template: str = "proofs/project_report.html",
    **more: Any,
) -> ResponseReturnValue:
    return pages.render(
        template,
        project=found,
        figures=figures,
        lines=_lines(figures),
        period_name=KINDS[kind],
        report=report,
        holds=report is not None and projects.holds(report),
        **more,
    )


def _lines(figures: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The totals as words, for page, print and table alike."""
    totals, mark = figures["totals"], figures["satisfaction"]
    few = _("hidden: fewer than 10")
    pleased = few if mark.get("hidden") else f"{mark['hundredths'] / 100:.2f} ({mark['answers']})"
    small = totals["households"] < project_figures.SMALL
    return [
        (_("Donations received (receipts kept here)"), f"{yuan(totals['in_fen'])} · {totals['receipts']}"),
        (_("Worth of what was delivered"), few if small else yuan(totals["out_fen"])),
        (_("Deliveries"), few if small else totals["deliveries"]),
        (_("Households reached"), few if small else totals["households"]),
        *_late_lines(figures.get("late"), few=few),
        (_("Returned or reclaimed"), totals["returned"]),
        (
            _("Satisfaction, 1 to 5"),
            pleased,
        ),
        (_("Photos that households allow to be shown"), len(figures["photos"])),
    ]


def _late_lines(late: dict[str, int] | None, *, few: str) -> list[tuple[Any, Any]]:
    """What arrived after the project's last day; only a final report knows it."""
    if late is None:
        return []
    told = f"{late['deliveries']} · {yuan(late['out_fen'])}"
    hidden = 0 < late["households"] < project_figures.SMALL
    return [(_("Delivered after the last day (deliveries, worth)"), few if hidden else told)]


@bp.get("/projects/filed/<report_id>/report.xlsx")
@guard("project:view")
@leaves
def project_xlsx(report_id: str) -> ResponseReturnValue:
    """A filed report as a table, with its hash."""
    found, report = projects.get_report(current_session(), report_id, actor=current_actor())
    figures = json.loads(report.content)
    rows: list[tuple[Any, ...]] = [(found.title, str(KINDS[report.kind]), f"{figures['from']} – {figures['to']}")]
    rows += [("", str(name), str(value)) for name, value in _lines(figures)]
    for cell in figures["cells"]:
        where = (word(cell["category"], "need"), place(cell["district"]))
        if cell.get("hidden"):
            rows.append((*where, _("hidden: fewer than 10")))
        else:
            units = amount(cell["units"], cell["unit"])
            rows.append((*where, units, cell["deliveries"], cell["households"], cell["fen"] / 100))
    rows.append(("SHA-256", report.sha256, _("version %(n)s", n=report.version)))
    heads = [_("Kind of need"), _("District"), _("Amount"), _("Deliveries"), _("Households"), _("Worth in yuan")]
    columns = [Column(head, width=24) for head in heads]
    return attachment(write_xlsx(columns, rows, mark=mark()), name=f"project-report-{report.id[:8]}.xlsx", kind=XLSX)
