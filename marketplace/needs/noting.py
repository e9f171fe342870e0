"""The page that reads a note: which kinds of need may it speak of? A person picks one and types the need in.

Enters: a worker's note or a message, pasted. Leaves: suggestions with the words that led to them, each with a way to
the form of that kind. The note is shown again and kept nowhere. Hung on the needs' blueprint.
"""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from marketplace.guards import guard
from marketplace.needs import reading
from marketplace.needs.blueprint import bp
from marketplace.web import Form, TextField, _l, render, writes


class NoteForm(Form):
    """A note to be read."""

    note = TextField(_l("The note or message"), longest=reading.LONGEST, lines=6)


@bp.route("/from-note", methods=["GET", "POST"])
@guard("need:create")
@writes
def from_note() -> ResponseReturnValue:
    """Suggest kinds of need for a note."""
    form = NoteForm()
    found = reading.suggest(form.note.data) if form.validate_on_submit() else None
    return render("needs/from_note.html", form=form, found=found)
