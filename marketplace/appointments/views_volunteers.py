"""The register of volunteers in pages: list, add, one, change, stop, certificate, and the table of service records.

Enters: people of a giver; only a manager changes anything. Leaves: pages with the giver's own volunteers; no page here
tells whom somebody served.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.appointments import records, service, volunteers
from marketplace.appointments.doors import bp, say
from marketplace.appointments.forms import KnownVolunteerForm, VolunteerForm, dressed, reason_form
from marketplace.appointments.models import Volunteer, VolunteerState
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.guards import current_actor, guard, own_org
from marketplace.organisations.models import Organisation
from marketplace.web import Page, _, confirm, current_session, done, page_number, render, writes
from marketplace.web.desk import XLSX
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark

TONE = {VolunteerState.ACTIVE: "done", VolunteerState.SUSPENDED: "wait", VolunteerState.ENDED: "plain"}


@bp.get("/volunteers/", endpoint="volunteers")
@guard("volunteer:list")
def index() -> ResponseReturnValue:
    """The register by number, narrowed by state."""
    session, org_id, asked = current_session(), own_org(), request.args.get("state", "")
    state = VolunteerState(asked) if asked in set(VolunteerState) else None
    page = Page(number=page_number(), total=volunteers.count_volunteers(session, org_id, state=state))
    rows = volunteers.list_volunteers(session, org_id, state=state, offset=page.offset, limit=page.size)
    return render(
        "appointments/volunteers.html",
        rows=rows,
        page=page,
        state=state.value if state else "",
        names=volunteers.names_of(session, rows),
        minutes=records.minutes_of(session, [one.id for one in rows]),
        today=local_day(utc_now()),
        tones=TONE,
    )


@bp.route("/volunteers/new", methods=["GET", "POST"], endpoint="volunteer_new")
@guard("volunteer:edit")
@writes
def new() -> ResponseReturnValue:
    """Register one volunteer."""
    form = dressed(VolunteerForm())
    if form.validate_on_submit():
        try:
            made = volunteers.register(current_session(), form.facts(), actor=current_actor(), now=utc_now())
        except (BadInput, Conflict) as error:
            say(form, error)
        else:
            return done(_("The volunteer is registered."), to=_page(made.id))
    return render("appointments/volunteer_form.html", form=form, volunteer=None)


def _page(volunteer_id: str) -> str:
    return url_for("appointments.volunteer", volunteer_id=volunteer_id)


@bp.get("/volunteers/<volunteer_id>", endpoint="volunteer")
@guard("volunteer:list")
def one(volunteer_id: str) -> ResponseReturnValue:
    """One volunteer with its facts and figures."""
    session = current_session()
    found = _volunteer(volunteer_id)
    return render(
        "appointments/volunteer.html",
        volunteer=found,
        plain={column: volunteers.plain(session, found, column) for column in volunteers.SEALED},
        certificate=records.certificate_of(session, found),
        today=local_day(utc_now()),
        tones=TONE,
    )


def _volunteer(volunteer_id: str) -> Volunteer:
    return volunteers.get_volunteer(current_session(), volunteer_id, actor=current_actor())


@bp.route("/volunteers/<volunteer_id>/edit", methods=["GET", "POST"], endpoint="volunteer_edit")
@guard("volunteer:edit")
@writes
def edit(volunteer_id: str) -> ResponseReturnValue:
    """Change what may change; number and person stay."""
    session, found = current_session(), _volunteer(volunteer_id)
    known: dict[str, Any] = {column: volunteers.plain(session, found, column) for column in volunteers.SEALED}
    known |= {"skills": found.skills, "health": found.health.value}
    known |= {"insured_from": found.insured_from, "insured_to": found.insured_to}
    form = dressed(KnownVolunteerForm(data=known))
    if form.validate_on_submit():
        facts = form.facts(registration_no=found.registration_no)
        try:
            volunteers.change(session, volunteer_id, facts, actor=current_actor(), now=utc_now())
        except BadInput as error:
            say(form, error)
        else:
            return done(_("Changed."), to=_page(volunteer_id))
    return render("appointments/volunteer_form.html", form=form, volunteer=found)


@bp.route("/volunteers/<volunteer_id>/stop/<to>", methods=["GET", "POST"], endpoint="volunteer_stop")
@guard("volunteer:edit")
@writes
def stop(volunteer_id: str, to: str) -> ResponseReturnValue:
    """Ask, then suspend or end; what the volunteer was promised for is called off."""
    wanted = {"suspended": VolunteerState.SUSPENDED, "ended": VolunteerState.ENDED}.get(to)
    if wanted is None:
        raise NotFound("volunteer_state")
    session, actor, now = current_session(), current_actor(), utc_now()
    found, form = _volunteer(volunteer_id), reason_form("volunteer_stop")
    if form.validate_on_submit():
        freed = service.free_volunteer(session, volunteer_id, actor=actor, now=now)
        volunteers.set_state(session, volunteer_id, to=wanted, reason=form.reason_code.data or "", actor=actor, now=now)
        return done(_("Done. %(n)s visits were called off.", n=freed), to=_page(volunteer_id))
    ended = wanted is VolunteerState.ENDED
    return confirm(
        layout="charity",
        title=_("End this volunteer's service?") if ended else _("Suspend this volunteer?"),
        button=_("End it") if ended else _("Suspend"),
        back=_page(volunteer_id),
        intro=_("Visits that the volunteer was promised for are called off, and the households are told."),
        facts=[{"label": _("Registration number"), "value": found.registration_no}],
        form=form,
        danger=ended,
    )


@bp.post("/volunteers/<volunteer_id>/back", endpoint="volunteer_back")
@guard("volunteer:edit")
@writes
def back(volunteer_id: str) -> ResponseReturnValue:
    """Take back one who was suspended or has ended."""
    ended = _volunteer(volunteer_id).state is VolunteerState.ENDED
    volunteers.set_state(
        current_session(), volunteer_id, to=VolunteerState.ACTIVE, actor=current_actor(), now=utc_now()
    )
    if ended:
        told = _("The volunteer is active again. Enter the insurance anew before risky work.")
        return done(told, to=_page(volunteer_id))
    return done(_("The volunteer is active again."), to=_page(volunteer_id))


@bp.get("/volunteers/<volunteer_id>/certificate", endpoint="certificate")
@guard("volunteer:list")
@leaves
def certificate(volunteer_id: str) -> ResponseReturnValue:
    """The page to print: what was served, without any recipient."""
    session, found = current_session(), _volunteer(volunteer_id)
    return render(
        "appointments/certificate.html",
        volunteer=found,
        name=volunteers.plain(session, found, "name"),
        organisation=session.get_one(Organisation, found.org_id),
        certificate=records.certificate_of(session, found),
        today=local_day(utc_now()),
    )


@bp.get("/volunteers/register.xlsx", endpoint="register_file")
@guard("volunteer:edit")
@leaves
def register_table() -> ResponseReturnValue:
    """The register as a table: change it and bring it back."""
    return _table(records.register_file(current_session(), own_org(), lang=language(), mark=mark()), "volunteers.xlsx")


def _table(data: bytes, name: str) -> Response:
    response = Response(data, content_type=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/volunteers/records.xlsx", endpoint="records_file")
@guard("volunteer:list")
@leaves
def records_table() -> ResponseReturnValue:
    """All service records of the giver as a table."""
    data = records.records_file(current_session(), own_org(), lang=language(), mark=mark())
    return _table(data, "service-records.xlsx")
