"""The page that reads a note: which kinds of need may it speak of? A person picks one and types the need in.

Enters: a worker's note or a message, pasted, or the note of a visit, opened for a reason. Leaves: suggestions with the
words that led to them, each with a way to the form of that kind. A pasted note is shown again and kept nowhere. Hung on
the needs' blueprint.
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.needs import reading
from marketplace.needs.blueprint import bp
from marketplace.needs.messages import suggest_of_message
from marketplace.visits import entries
from marketplace.web import Form, TextField, TickField, _l, current_session, render, writes


class NoteForm(Form):
    """A note to be read."""

    note = TextField(_l("The note or message"), longest=reading.LONGEST, lines=6)
    message = TickField(_l("It is an English message sent after a disaster"))


@bp.route("/from-note", methods=["GET", "POST"])
@guard("need:create")
@writes
def from_note() -> ResponseReturnValue:
    """Suggest kinds of need for a note."""
    form = NoteForm()
    found = None
    if form.validate_on_submit():
        found = (suggest_of_message if form.message.data else reading.suggest)(form.note.data)
    return render("needs/from_note.html", form=form, found=found, home_id=request.args.get("household", ""))


@bp.post("/from-visit/<home_visit_id>")
@guard("need:create")
@writes
def from_visit(home_visit_id: str) -> ResponseReturnValue:
    """The same for the note of a visit: why it is read is written down, each suggestion leads to the form for that
    household."""
    session, reason = current_session(), request.form.get("reason", "")
    visit = entries.look(session, home_visit_id, reason=reason, actor=current_actor(), now=utc_now())
    note = entries.values(session, visit.id, opened=True).get(entries.NOTE, "")
    form = NoteForm(formdata=None, data={"note": note})
    found = reading.suggest(note) if note else None
    return render("needs/from_note.html", form=form, found=found, home_id=visit.household_id)
