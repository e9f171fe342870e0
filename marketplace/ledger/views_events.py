"""Staff's pile of causes that are no event of the list; the rules of it are in `ledger.events`.

Enters: verifiers, with an event and what tells it apart. Leaves: the list and a form for each, without personal data.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard
from marketplace.ledger import events
from marketplace.ledger.doors import SENTENCES, bp
from marketplace.needs.forms import EventForm
from marketplace.web import Page, _, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import place, word


@bp.get("/events")
@guard("aid:place")
def unknown_events() -> ResponseReturnValue:
    """What waits, the oldest first."""
    session, actor, number = current_session(), current_actor(), page_number()
    first = Page(number, 0)
    found, count = events.waiting(session, actor=actor, offset=first.offset, limit=first.size)
    return render("ledger/events.html", rows=found, page=Page(number, count))


@bp.route("/events/<what>/<row_id>", methods=["GET", "POST"])
@guard("aid:place")
@writes
def say_event(what: str, row_id: str) -> ResponseReturnValue:
    """Which event of the list does the text mean?"""
    session, form, actor = current_session(), EventForm(), current_actor()
    found = events.task(session, what, row_id, actor=actor)
    form.offer_events(needed=True)
    if form.validate_on_submit():
        told = {"code": str(form.event.data), "reference": form.event_reference.data or ""}
        try:
            events.say(session, what, row_id, **told, actor=actor, now=utc_now())
        except (BadInput, Conflict) as error:
            form.event_reference.errors = [SENTENCES[error.code]]
        else:
            return done(_("The event is written down."), to=url_for(".unknown_events"))
    return confirm(
        layout="staff",
        title=_("Which event is it?"),
        intro=_("Until you say so, the rules against helping twice count it as possibly the same as any other event."),
        facts=[
            {"label": _("Written as"), "value": found.cause},
            {"label": _("Kind"), "value": word(found.category, "need")},
            {"label": _("District"), "value": place(found.district_code)},
        ],
        button=_("Write it down"),
        back=url_for(".unknown_events"),
        form=form,
    )
