"""Duties as pages: what I still have to do, and saying what came of one. Enters: staff. Leaves: pages."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import local_day, utc_now
from marketplace.errors import DomainError
from marketplace.guards import current_actor, guard
from marketplace.meetings import duties
from marketplace.meetings.doors import bp, say
from marketplace.meetings.forms import OutcomeForm
from marketplace.meetings.named import name_of
from marketplace.needs.models import Need
from marketplace.web import pages
from marketplace.web.transactions import current_session, writes


@bp.get("/duties/")
@guard("duty:list")
def my_duties() -> ResponseReturnValue:
    """What a meeting or a review asked of me, the earliest day first."""
    session = current_session()
    rows = [
        (duty, session.get_one(Need, duty.need_id)) for duty in duties.open_of(session, current_actor(), now=utc_now())
    ]
    return pages.render("meetings/duties.html", rows=rows, today=local_day(utc_now()))


@bp.route("/duties/<duty_id>", methods=["GET", "POST"])
@guard("duty:done")
@writes
def duty(duty_id: str) -> ResponseReturnValue:
    """One duty: what, until when, and the word that ends it."""
    session, actor, form = current_session(), current_actor(), OutcomeForm()
    found = duties.get_duty(session, duty_id, actor=actor, now=utc_now())
    context: dict[str, Any] = {
        "duty": found,
        "need": session.get_one(Need, found.need_id),
        "made_by": name_of(session, found.made_by),
        "form": form,
    }
    if request.method == "GET" or not form.validate_on_submit():
        return pages.render("meetings/duty.html", **context)
    try:
        duties.done(session, duty_id, outcome=form.outcome.data or "", actor=actor, now=utc_now())
    except DomainError as error:
        say(form, error, fallback="outcome")
        return pages.render("meetings/duty.html", **context)
    return pages.done(_("Done. It is off your list."), to=url_for(".my_duties"))
