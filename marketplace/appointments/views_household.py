"""The household's side: its visits, choosing a time or asking for another, who comes, rating, saying that nobody came.

Enters: a signed-in household or its helper. Leaves: pages in plain words, and the acts of `service` and `outcomes`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.appointments import booking, disputes, lists, outcomes, service
from marketplace.appointments.doors import bp
from marketplace.appointments.forms import RatingForm, wish_form
from marketplace.appointments.lists import Visit
from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.appointments.views_giver import facts_of
from marketplace.calendar import utc_now
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.web import Form, Page, _, _l, confirm, current_session, done, page_number, render, writes

MISSED = _l("The giver is told. This visit does not count as served, and another time can be proposed.")
DISPUTED = _l(
    "The giver recorded this visit as served. If you say that it did not take place, it does not count: not for the "
    "giver, not for its volunteers, and your need is open again for it. The giver is told."
)


@bp.get("/mine")
@guard("appointment:view")
def mine() -> ResponseReturnValue:
    """All visits of this household: those that wait for a choice first."""
    session, household_id = current_session(), own_household()
    page = Page(number=page_number(), total=lists.count_of_household(session, household_id), size=lists.FEW)
    visits = lists.visits_of_household(session, household_id, offset=page.offset, limit=page.size)
    return render("appointments/mine.html", visits=visits, page=page)


def _visit(appointment_id: str) -> Visit:
    session, household_id = current_session(), own_household()
    found = lists.get_appointment(session, appointment_id, actor=current_actor())
    if found.household_id != household_id:
        raise NotFound("appointment")
    return lists.visits_of(session, [found], names="given")[0]


def _page(appointment_id: str) -> str:
    return url_for("appointments.my_visit", appointment_id=appointment_id)


@bp.get("/mine/<appointment_id>")
@guard("appointment:view")
def my_visit(appointment_id: str) -> ResponseReturnValue:
    """One visit: when, who comes, and what can be done now."""
    return _visit_page(_visit(appointment_id), RatingForm())


def _visit_page(visit: Visit, form: RatingForm) -> ResponseReturnValue:
    session, one = current_session(), visit.appointment
    others = select(Appointment).where(
        col(Appointment.choice_id) == one.choice_id,
        col(Appointment.id) != one.id,
        col(Appointment.state) == AppointmentState.PROPOSED,
    )
    match, now, last = session.get_one(Match, one.match_id), utc_now(), disputes.until(one)
    return render(
        "appointments/my_visit.html",
        visit=visit,
        form=form,
        others=lists.visits_of(session, session.exec(others.order_by(col(Appointment.starts_at))).all()),
        begun=one.starts_at <= now,
        running=match.state is MatchState.IN_DELIVERY and not match.held_for,
        consented=booking.has_consent(session, match, now=now),
        called=not booking.waits_for_call(session, match, now=now),
        disputable=disputes.may_dispute(one, match, now=now),
        until=last,
        until_runs=last is not None and now <= last,
    )


@bp.post("/mine/<appointment_id>/agree")
@guard("appointment:answer")
@writes
def agree(appointment_id: str) -> ResponseReturnValue:
    """Take this time."""
    _visit(appointment_id)
    service.agree(current_session(), appointment_id, actor=current_actor(), now=utc_now())
    return done(_("Agreed. Now you see who comes."), to=_page(appointment_id))


@bp.route("/mine/<appointment_id>/other-time", methods=["GET", "POST"])
@guard("appointment:answer")
@writes
def other_time(appointment_id: str) -> ResponseReturnValue:
    """Ask for another time."""
    visit, form = _visit(appointment_id), wish_form()
    if form.validate_on_submit():
        service.ask_other_time(
            current_session(), appointment_id, wish=form.wish.data or "", actor=current_actor(), now=utc_now()
        )
        return done(_("The giver is told and will propose another time."), to=url_for("appointments.mine"))
    return confirm(
        layout="household",
        title=_("Ask for another time"),
        intro=_("You lose nothing. The giver is told what would suit you better and proposes again."),
        button=_("Ask for another time"),
        back=_page(appointment_id),
        facts=facts_of(visit),
        form=form,
    )


@bp.post("/mine/<appointment_id>/rate")
@guard("appointment:rate")
@writes
def rate(appointment_id: str) -> ResponseReturnValue:
    """Say how good it was."""
    visit, form = _visit(appointment_id), RatingForm()
    if not form.validate_on_submit():
        return _visit_page(visit, form)
    outcomes.rate(
        current_session(), appointment_id, rating=int(str(form.rating.data)), actor=current_actor(), now=utc_now()
    )
    return done(_("Thank you."), to=_page(appointment_id))


@bp.route("/mine/<appointment_id>/nobody-came", methods=["GET", "POST"])
@guard("appointment:answer")
@writes
def nobody_came(appointment_id: str) -> ResponseReturnValue:
    """Ask once, then note that nobody came; a visit that is recorded already is disputed."""
    visit, form = _visit(appointment_id), Form()
    recorded = visit.appointment.state is AppointmentState.DONE
    if form.validate_on_submit():
        outcomes.volunteer_missed(current_session(), appointment_id, actor=current_actor(), now=utc_now())
        said = (
            _("Noted. The visit does not count, and the giver is told.")
            if recorded
            else _("We have told the giver. It can propose another time.")
        )
        return done(said, to=url_for("appointments.mine"))
    return confirm(
        layout="household",
        title=_("This visit did not take place?") if recorded else _("Nobody came?"),
        intro=DISPUTED if recorded else MISSED,
        button=_("It did not take place") if recorded else _("Nobody came"),
        back=_page(appointment_id),
        facts=facts_of(visit),
        form=form,
    )
