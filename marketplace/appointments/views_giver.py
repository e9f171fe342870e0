"""The giver's desk of visits: the week, the services on their way, one of them, proposing, recording, calling off.

Enters: a signed-in person of a giver. Leaves: pages with the giver's own volunteers by name, and nothing of the
household but what it consented to, opened for one look and logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.appointments import lists, outcomes, service, volunteers
from marketplace.appointments.calendar_file import calendar_file
from marketplace.appointments.doors import bp, say
from marketplace.appointments.forms import propose_form, reason_form
from marketplace.appointments.lists import Board, Visit
from marketplace.appointments.models import Appointment, Volunteer
from marketplace.calendar import local_day, utc_now
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, need_fresh_proof, own_org
from marketplace.web import Page, _, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import amount, word
from marketplace.web.formats import day as day_words
from marketplace.web.pages import refuse

CALENDAR = "text/calendar; charset=utf-8"


@bp.get("/")
@guard("appointment:plan")
def week() -> ResponseReturnValue:
    """The appointments of one week by day, what is still to be recorded, and who must be spoken with."""
    session, org_id, now = current_session(), own_org(), utc_now()
    monday = lists.week_start(_asked_day() or local_day(now))
    talks = volunteers.to_talk_with(session, org_id)
    page = Page(number=page_number(), total=lists.count_week(session, org_id, monday), size=lists.FEW)
    waiting, waiting_total = lists.to_record(session, org_id, now=now)
    return render(
        "appointments/week.html",
        days=lists.week_of_giver(session, org_id, monday, offset=page.offset, limit=page.size),
        page=page,
        monday=monday,
        before=(monday - timedelta(days=7)).isoformat(),
        after=(monday + timedelta(days=7)).isoformat(),
        today=local_day(now),
        to_record=waiting,
        to_record_total=waiting_total,
        services=lists.count_boards(session, org_id),
        people=volunteers.count_volunteers(session, org_id),
        talks=[(one, volunteers.plain(session, one, "name")) for one in talks],
    )


def _asked_day() -> date | None:
    try:
        return date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return None


@bp.get("/services")
@guard("appointment:plan")
def services() -> ResponseReturnValue:
    """Every service on its way, with what is served, planned and left."""
    session, org_id = current_session(), own_org()
    page = Page(number=page_number(), total=lists.count_boards(session, org_id))
    boards = lists.boards_of_giver(session, org_id, offset=page.offset, limit=page.size)
    return render("appointments/services.html", boards=boards, page=page)


@bp.get("/services/<match_id>")
@guard("appointment:plan")
def board(match_id: str) -> ResponseReturnValue:
    """One service: its figures and its appointments."""
    session = current_session()
    found = lists.board_of(session, match_id, actor=current_actor())
    page = Page(number=page_number(), total=lists.count_of_match(session, match_id), size=lists.FEW)
    visits = lists.visits_of_match(session, match_id, names="full", offset=page.offset, limit=page.size)
    return render("appointments/board.html", board=found, visits=visits, page=page)


@bp.route("/services/<match_id>/propose", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def propose(match_id: str) -> ResponseReturnValue:
    """Propose times; what does not fit is said beside its field."""
    session, actor = current_session(), current_actor()
    found = lists.board_of(session, match_id, actor=actor)
    able = [one for one in volunteers.list_volunteers(session, own_org()) if found.kind.skill in one.skills]
    form = propose_form(named(able))
    if form.validate_on_submit():
        try:
            made = service.propose(session, match_id, form.plan(), actor=actor, now=utc_now())
        except BadInput as error:
            say(form, error)
        else:
            return done(_("%(n)s times proposed. The household is asked.", n=len(made)), to=board_page(match_id))
    return render("appointments/propose.html", form=form, board=found, able=able)


def board_page(match_id: str) -> str:
    return url_for("appointments.board", match_id=match_id)


@bp.route("/services/<match_id>/finish", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def finish(match_id: str) -> ResponseReturnValue:
    """Ask, then end the service with what was served; the need is open again for the rest."""
    session, actor = current_session(), current_actor()
    found = lists.board_of(session, match_id, actor=actor)
    if request.method == "POST":
        outcomes.finish(session, match_id, actor=actor, now=utc_now())
        return done(_("Recorded. The household is asked to confirm what was served."), to=board_page(match_id))
    return confirm(
        layout="charity",
        title=_("End with what was served?"),
        button=_("End it"),
        back=board_page(match_id),
        intro=_("What is still planned is called off. The rest is free at once, and the need is open again for it."),
        facts=_figures(found),
    )


def _figures(found: Board) -> list[dict[str, Any]]:
    unit = found.need.unit
    return [
        {"label": _("Service"), "value": word(found.need.category, "need")},
        {"label": _("Matched"), "value": amount(found.match.units, unit)},
        {"label": _("Served so far"), "value": amount(found.served, unit)},
    ]


@bp.get("/<appointment_id>")
@guard("appointment:plan")
def one(appointment_id: str) -> ResponseReturnValue:
    """One appointment for its giver."""
    return _one_page(visit_of(appointment_id), known=None)


def visit_of(appointment_id: str) -> Visit:
    session = current_session()
    found = lists.get_appointment(session, appointment_id, actor=current_actor())
    return lists.visits_of(session, [found], names="full")[0]


def _one_page(visit: Visit, *, known: dict[str, str] | None) -> ResponseReturnValue:
    begun = visit.appointment.starts_at <= utc_now()
    return render("appointments/one.html", visit=visit, begun=begun, known=known)


@bp.post("/<appointment_id>/recipient")
@guard("appointment:plan")
@writes
def recipient(appointment_id: str) -> ResponseReturnValue:
    """Open the consented fields for the one who goes; the look is logged and the household sees it."""
    need_fresh_proof()
    visit = visit_of(appointment_id)
    session, actor = current_session(), current_actor()
    return _one_page(
        visit, known=decisions.see_recipient(session, visit.appointment.match_id, actor=actor, now=utc_now())
    )


def named(people: Sequence[Volunteer]) -> list[tuple[str, str]]:
    names = volunteers.names_of(current_session(), people)
    return [(one.id, f"{names[one.id]} · {one.registration_no}") for one in people]


def ask(visit: Visit, *, title: str, intro: str, button: str, form: Any) -> ResponseReturnValue:
    return confirm(
        layout="charity",
        title=title,
        intro=intro,
        button=button,
        back=url_for("appointments.one", appointment_id=visit.appointment.id),
        facts=facts_of(visit),
        form=form,
    )


def facts_of(visit: Visit) -> list[dict[str, str]]:
    """What a page that asks repeats of a visit."""
    return [
        {"label": _("Service"), "value": word(visit.appointment.category, "need")},
        {"label": _("When"), "value": f"{day_words(visit.day)} {visit.hours}"},
    ]


@bp.route("/<appointment_id>/cancel", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def cancel(appointment_id: str) -> ResponseReturnValue:
    """Call a time off, with a reason."""
    visit, form = visit_of(appointment_id), reason_form("visit_cancel")
    if form.validate_on_submit():
        service.cancel(
            current_session(),
            appointment_id,
            reason_code=form.reason_code.data or "",
            actor=current_actor(),
            now=utc_now(),
        )
        return done(_("Called off. The household is told."), to=board_page(visit.appointment.match_id))
    return ask(
        visit,
        title=_("Call this visit off"),
        intro=_("The household is told, and the volunteers are free at this time again."),
        button=_("Call it off"),
        form=form,
    )


@bp.get("/<appointment_id>/visit.ics")
@guard("appointment:view")
def calendar(appointment_id: str) -> ResponseReturnValue:
    """The time as a calendar file, for whoever may see the appointment."""
    found = lists.get_appointment(current_session(), appointment_id, actor=current_actor())
    return _calendar([found])


def _calendar(found: list[Appointment]) -> Response:
    response = Response(calendar_file(found, title=_("Shanqiao: a visit")), content_type=CALENDAR)
    response.headers["Content-Disposition"] = 'attachment; filename="visit.ics"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/volunteers/<volunteer_id>/talked")
@guard("volunteer:edit")
@writes
def talked(volunteer_id: str) -> ResponseReturnValue:
    """A manager has spoken with a volunteer who did not come."""
    session, actor = current_session(), current_actor()
    if not any(one.id == volunteer_id for one in volunteers.to_talk_with(session, own_org())):
        return refuse(_("No talk is waiting for this volunteer."), to=url_for("appointments.week"))
    volunteers.talked(session, volunteer_id, actor=actor, now=utc_now())
    return done(_("Noted. The volunteer stays on."), to=url_for("appointments.week"))
