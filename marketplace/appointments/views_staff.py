"""Staff look on: the city's visits without any volunteer's name; a worker answers for a household and makes calls.

Enters: staff of a district. Leaves: pages to read; a worker may choose a time or ask for another for a household at the
counter, and note what came of a call.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.appointments import disputes, lists, lists_city, outcomes, service, silent
from marketplace.appointments.doors import bp
from marketplace.appointments.forms import call_form, reason_form, wish_form
from marketplace.appointments.lists import Visit
from marketplace.appointments.models import AppointmentState
from marketplace.appointments.views_giver import facts_of
from marketplace.calendar import utc_now
from marketplace.clocks.service import last_day
from marketplace.guards import current_actor, guard
from marketplace.policy import require
from marketplace.web import Form, Page, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import place, word

STRUCK = _l(
    "The record stays and is marked void. The hours count no longer: not for the giver, not on the volunteers' "
    "certificates, and the need is open again for them."
)


@bp.get("/city")
@guard("appointment:list")
def city() -> ResponseReturnValue:
    """All visits within the reader's districts, and the calls that wait."""
    session, actor, asked = current_session(), current_actor(), request.args.get("state", "")
    wanted = lists_city.CityFilter(state=asked if asked in set(AppointmentState) else "")
    number = page_number()
    visits, total = lists_city.list_city(
        session, wanted, actor=actor, offset=Page(number, 0).offset, limit=Page(number, 0).size
    )
    first, calls_total = lists_city.calls_waiting(session, actor=actor)
    calls = [
        (clock.object_ref.partition(":")[2], clock.district_code, last_day(clock), clock.due_at <= utc_now())
        for clock in first
    ]
    return render(
        "appointments/city.html",
        visits=visits,
        page=Page(number=number, total=total),
        state=wanted.state,
        calls=calls,
        calls_total=calls_total,
    )


def _visit(appointment_id: str) -> Visit:
    session = current_session()
    return lists.visits_of(session, [lists.get_appointment(session, appointment_id, actor=current_actor())])[0]


def _page(appointment_id: str) -> str:
    return url_for("appointments.city_visit", appointment_id=appointment_id)


@bp.get("/city/<appointment_id>")
@guard("appointment:list")
def city_visit(appointment_id: str) -> ResponseReturnValue:
    """One visit, to read; a worker may answer for the household."""
    visit = _visit(appointment_id)
    board = lists.board_of(current_session(), visit.appointment.match_id, actor=current_actor())
    one, now = visit.appointment, utc_now()
    return render(
        "appointments/city_visit.html",
        visit=visit,
        board=board,
        ahead=one.starts_at > now,
        disputable=disputes.may_dispute(one, board.match, now=now),
        strikable=disputes.may_strike(one, board.match),
        until=disputes.until(one),
    )


@bp.post("/city/<appointment_id>/agree")
@guard("appointment:answer")
@writes
def agree_for(appointment_id: str) -> ResponseReturnValue:
    """A worker takes a time for a household that said so at the counter or on the telephone."""
    service.agree(current_session(), appointment_id, actor=current_actor(), now=utc_now())
    return done(_("Agreed for the household."), to=_page(appointment_id))


@bp.route("/city/<appointment_id>/other-time", methods=["GET", "POST"])
@guard("appointment:answer")
@writes
def other_time_for(appointment_id: str) -> ResponseReturnValue:
    """The same with another time."""
    visit, form = _visit(appointment_id), wish_form()
    if form.validate_on_submit():
        service.ask_other_time(
            current_session(), appointment_id, wish=form.wish.data or "", actor=current_actor(), now=utc_now()
        )
        return done(_("The giver is told and will propose another time."), to=_page(appointment_id))
    return confirm(
        layout="staff",
        title=_("Ask for another time"),
        intro=_("For the household, as it told you. The giver proposes again."),
        button=_("Ask for another time"),
        back=_page(appointment_id),
        facts=facts_of(visit),
        form=form,
    )


@bp.route("/city/<appointment_id>/nobody-came", methods=["GET", "POST"])
@guard("appointment:answer")
@writes
def nobody_came_for(appointment_id: str) -> ResponseReturnValue:
    """A worker notes for a household, which told it so, that a recorded visit did not take place."""
    visit, form = _visit(appointment_id), Form()
    if form.validate_on_submit():
        outcomes.volunteer_missed(current_session(), appointment_id, actor=current_actor(), now=utc_now())
        return done(_("Noted. The visit does not count, and the giver is told."), to=_page(appointment_id))
    return confirm(
        layout="staff",
        title=_("This visit did not take place?"),
        intro=STRUCK,
        button=_("It did not take place"),
        back=_page(appointment_id),
        facts=facts_of(visit),
        form=form,
    )


@bp.route("/city/<appointment_id>/strike", methods=["GET", "POST"])
@guard("appointment:void")
@writes
def strike(appointment_id: str) -> ResponseReturnValue:
    """Civil affairs has found that a recorded visit did not take place, also after the household's own time."""
    visit, form = _visit(appointment_id), reason_form("visit_void")
    if form.validate_on_submit():
        reason = form.reason_code.data or ""
        disputes.strike(current_session(), appointment_id, reason=reason, actor=current_actor(), now=utc_now())
        return done(_("Struck. Household and giver are told."), to=_page(appointment_id))
    return confirm(
        layout="staff",
        title=_("Strike this visit?"),
        intro=STRUCK,
        button=_("Strike it"),
        back=_page(appointment_id),
        facts=facts_of(visit),
        form=form,
        danger=True,
    )


@bp.route("/city/calls/<match_id>", methods=["GET", "POST"])
@guard("appointment:call")
@writes
def call(match_id: str) -> ResponseReturnValue:
    """Note what came of the call to a household that was away twice, or silent on a time."""
    session, actor, form = current_session(), current_actor(), call_form()
    board = lists.board_of(session, match_id, actor=actor)
    require(actor, "appointment:call", district=board.match.district_code)
    if form.validate_on_submit():
        outcomes.called(session, match_id, outcome=form.outcome.data or "", actor=actor, now=utc_now())
        return done(_("Noted. The giver is told."), to=url_for("appointments.city"))
    return confirm(
        layout="staff",
        title=_("Call this household"),
        intro=_call_intro(match_id),
        button=_("I have called"),
        back=url_for("appointments.city"),
        facts=[
            {"label": _("Service"), "value": word(board.need.category, "need")},
            {"label": _("District"), "value": place(board.match.district_code)},
            {
                "label": _("Need"),
                "value": board.need.id[:8].upper(),
                "href": url_for("needs.one", need_id=board.need.id),
                "action": _("Open"),
            },
        ],
        form=form,
    )


def _call_intro(match_id: str) -> str:
    if silent.waits(current_session(), match_id):
        return str(
            _(
                "It has not answered on the times that were proposed. Its telephone is on the page of the need; "
                "opening it is logged. A time that it names is taken for it on the page of the visit."
            )
        )
    return str(_("Nobody was there at two visits. Its telephone is on the page of the need; opening it is logged."))
