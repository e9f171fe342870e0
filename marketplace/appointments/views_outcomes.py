"""What became of a visit and who goes to it: recorded with who came, somebody did not come, somebody else goes.

Enters: a signed-in person of a giver. Leaves: pages that ask, and the acts of `outcomes` and `service`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.appointments import booking, outcomes, service, volunteers
from marketplace.appointments.doors import bp, say
from marketplace.appointments.forms import MissedForm, SubstituteForm, done_form
from marketplace.appointments.views_giver import ask, board_page, named, visit_of
from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_org
from marketplace.reference.services import service_kind
from marketplace.web import _, current_session, done, writes


@bp.route("/<appointment_id>/done", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def record(appointment_id: str) -> ResponseReturnValue:
    """Record a visit that took place."""
    visit, form = visit_of(appointment_id), done_form(_booked(appointment_id))
    if form.validate_on_submit():
        try:
            outcomes.record_done(
                current_session(),
                appointment_id,
                minutes=form.minutes.data or 0,
                content=form.content.data or "",
                came=form["came"].data if "came" in form else None,
                actor=current_actor(),
                now=utc_now(),
            )
        except BadInput as error:
            say(form, error)
        else:
            return done(_("Recorded. The household can rate the visit."), to=board_page(visit.appointment.match_id))
    return ask(
        visit,
        title=_("Record the visit"),
        intro=_("Begun hours do not count, and not more than was planned. It becomes a service record of who came."),
        button=_("It took place"),
        form=form,
    )


def _booked(appointment_id: str) -> list[tuple[str, str]]:
    """Who is booked, as (id, words)."""
    return named(booking.people_of(current_session(), appointment_id))


@bp.route("/<appointment_id>/substitute", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def substitute(appointment_id: str) -> ResponseReturnValue:
    """Somebody else goes: one who is booked is exchanged for another who is free and fit for it."""
    session, visit, form = current_session(), visit_of(appointment_id), SubstituteForm()
    form.out.choices = booked = _booked(appointment_id)
    skill = service_kind(visit.appointment.category).skill
    able = [one for one in volunteers.list_volunteers(session, own_org()) if skill in one.skills]
    form.instead.choices = [pair for pair in named(able) if pair not in booked]
    if form.validate_on_submit():
        pair = (form.out.data or "", form.instead.data or "")
        try:
            service.substitute(session, appointment_id, *pair, actor=current_actor(), now=utc_now())
        except BadInput as error:
            say(form, error)
        else:
            back = url_for("appointments.one", appointment_id=appointment_id)
            return done(_("Exchanged. Where the household knew who comes, it is told."), to=back)
    return ask(
        visit,
        title=_("Somebody else goes"),
        intro=_("Whoever goes must be free at this time, fit for it, and insured where the visit is risky."),
        button=_("Exchange"),
        form=form,
    )


@bp.route("/<appointment_id>/missed", methods=["GET", "POST"])
@guard("appointment:plan")
@writes
def missed(appointment_id: str) -> ResponseReturnValue:
    """Say who did not come; the time may be planned again."""
    visit, form = visit_of(appointment_id), MissedForm()
    form.missing.choices = _booked(appointment_id)
    if form.validate_on_submit():
        session, actor, now = current_session(), current_actor(), utc_now()
        if form.who.data == "household":
            outcomes.household_missed(session, appointment_id, actor=actor, now=now)
        else:
            outcomes.volunteer_missed(session, appointment_id, missing=form.missing.data or (), actor=actor, now=now)
        return done(_("Noted. You can propose another time."), to=board_page(visit.appointment.match_id))
    return ask(
        visit,
        title=_("Somebody did not come"),
        intro=_(
            "The household is told and loses nothing. The units of this visit can be planned again. If the visit took "
            "place all the same, record it instead, with who came."
        ),
        button=_("Note it"),
        form=form,
    )
