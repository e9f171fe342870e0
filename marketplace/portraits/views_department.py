"""The department's own page: with the code of a task it takes the task, returns it, or says what it covered.

Enters: anybody with a code, typed and never in an address. Leaves: the task without any name, and the department's word
kept. Tries are counted even when the answer is no. Called by `views`.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.accounts.trying import TOO_MANY
from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.errors import BadInput, NotAllowed
from marketplace.guards import current_actor, guard
from marketplace.portraits import answering, pushing
from marketplace.portraits.answering import Word
from marketplace.portraits.doors import SENTENCES, STATES, bp
from marketplace.portraits.models import Push, PushState
from marketplace.portraits.views_pushes import units_of
from marketplace.reference.needs import need_kind
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, TextField, _, _l, current_database, current_session, render, writes
from marketplace.web.display import language


class CodeForm(Form):
    """The code that staff handed over."""

    code = TextField(_l("Code of the task"), longest=20)


class WordForm(CodeForm):
    """The department's word, with the code once more."""

    answer = OneField(_l("What does your department say?"), required=False)
    reason = OneField(_l("Why is it returned?"), required=False, select=True)
    covered = TextField(_l("How much did your department cover?"), longest=12, required=False)


@bp.post("/tasks/<push_id>/code")
@guard("portrait:push")
@writes
def code(push_id: str) -> ResponseReturnValue:
    """A code for the department, shown once."""
    given = answering.give_code(current_session(), push_id, actor=current_actor(), now=utc_now())
    row = pushing.get_push(current_session(), push_id, actor=current_actor(), rule="portrait:list")
    return render("portraits/code.html", row=row, code=" ".join((given[:4], given[4:8], given[8:])))


@bp.get("/department")
@guard("push:enter")
def department() -> ResponseReturnValue:
    """Ask for the code."""
    return render("portraits/department.html", form=CodeForm(), row=None)


@bp.post("/department")
@guard("push:enter")
def department_word() -> ResponseReturnValue:
    """Show the task behind the code; with an answer, keep the answer. Sent again, it changes nothing."""
    form = WordForm()
    form.answer.choices = [
        ("accepted", _("We take the task")),
        ("returned", _("We return the task")),
        ("done", _("It is done")),
    ]
    form.reason.choices = choices(pushing.REASONS, lang=language())
    if not form.validate_on_submit():
        return render("portraits/department.html", form=form, row=None)
    kept: bool | None = None
    refused = _("No task has this code. Check it letter by letter.")
    with current_database().transaction() as session:
        row = None
        try:
            network = request.remote_addr or ""
            row = answering.find_by_code(session, form.code.data or "", network=network, now=utc_now())
        except NotAllowed:
            refused = str(TOO_MANY)
        if row is not None and request.form.get("answer"):
            kept = _keep(session, row, form)
        shown = _shown(session, row) if row is not None else {"row": None}
    if row is None:
        form.code.errors = [refused]
    return render("portraits/department.html", form=form, kept=kept, tones=STATES, **shown)


def _keep(session: Session, row: Push, form: Any) -> bool | None:
    """Whether the word changed something; None where it cannot be kept as it is."""
    try:
        done = form.answer.data == answering.DONE
        units = units_of(form.covered.data or "", row.category) if done else 0
        return answering.answer(session, row, Word(form.answer.data, units, form.reason.data or ""), now=utc_now())
    except BadInput as error:
        field = "covered" if error.code == "push_amount" else "reason"
        form[field].errors = [SENTENCES.get(error.code, _("Choose a reason."))]
    return None


def _shown(session: Session, row: Push) -> dict[str, Any]:
    running = clocks.running_of(session, pushing.ref_of(row))
    return {
        "row": row,
        "number": row.id[:8].upper(),
        "unit": need_kind(row.category).unit,
        "due": running[0].due_at if running else None,
        "open": row.state in (PushState.ASKED, PushState.ACCEPTED),
    }
