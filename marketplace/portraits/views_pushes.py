"""The tasks of departments: their list, a new one from a portrait, and the department's word on one.

Enters: staff of the district; what a department says to them they write down. Leaves: pages; changes are POSTs.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names, require_household
from marketplace.policy import may
from marketplace.portraits import pushing
from marketplace.portraits.doors import SENTENCES, STATES, bp
from marketplace.portraits.models import Push, PushState
from marketplace.portraits.pushing import Asked
from marketplace.reference.needs import MONEY, list_need_kinds, need_kind
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, Page, TextField, _, _l, current_session, done, page_number, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language


class PushForm(Form):
    """Who is asked for what, and how much of it."""

    department = OneField(_l("Department"), select=True)
    indicator = OneField(_l("Because of"), select=True)
    category = OneField(_l("Kind of need"), select=True)
    amount = TextField(_l("How much"), longest=12, description=_l("Whole units of this kind; money in whole yuan"))


class AnswerForm(Form):
    """A department's word: it takes the task, returns it with a reason, also after it had taken it, or has done it."""

    answer = OneField(_l("What does the department say?"))
    covered = TextField(_l("How much did the department cover?"), longest=12, required=False)
    reason = OneField(_l("Why is it returned?"), required=False, select=True)


@bp.get("/")
@guard("portrait:list")
def index() -> ResponseReturnValue:
    """The tasks, the oldest open ones first."""
    session, actor, state = current_session(), current_actor(), request.args.get("state", "")
    number = page_number()
    size = Page(1, 0).size
    rows, total = pushing.list_pushes(session, actor=actor, state=state, offset=(number - 1) * size, limit=size)
    return render(
        "portraits/index.html",
        rows=rows,
        page=Page(number, total),
        state=state,
        states=list(PushState),
        tones=STATES,
        names=masked_names(session, [row.household_id for row in rows]),
        due=clocks.running_by_object(session, [pushing.ref_of(row) for row in rows]),
        ref_of=pushing.ref_of,
        now=utc_now(),
    )


@bp.route("/households/<household_id>/push", methods=["GET", "POST"])
@guard("portrait:push")
@writes
def push(household_id: str) -> ResponseReturnValue:
    """Hand a need to a department."""
    session, actor, lang = current_session(), current_actor(), language()
    home = require_household(session, household_id, "portrait:push", actor=actor)
    form = PushForm()
    form.department.choices = choices(pushing.DEPARTMENTS, lang=lang)
    form.indicator.choices = choices("indicator", lang=lang)
    form.category.choices = [(one.code, word(one.code, "need")) for one in list_need_kinds()]
    if form.validate_on_submit():
        try:
            row = pushing.push(session, home.id, _asked(form), actor=actor, now=utc_now())
            return done(
                _("Handed to the department. It answers here with a code, over its own system, or to you."),
                to=url_for(".one", push_id=row.id),
            )
        except BadInput as error:
            form.amount.errors = [SENTENCES.get(error.code, _("Choose from the lists."))]
    return render("portraits/push.html", form=form, home=home)


def _asked(form: Any) -> Asked:
    units = units_of(form.amount.data, form.category.data)
    return Asked(form.department.data, form.indicator.data, form.category.data, units)


def units_of(text: str, category: str, /) -> int:
    """Whole units as a person typed them; money is typed in yuan and kept in fen."""
    if not text.isascii() or not text.isdigit():
        raise BadInput("push_amount", field="amount")
    return int(text) * (100 if need_kind(category).unit == MONEY else 1)


@bp.route("/tasks/<push_id>", methods=["GET", "POST"])
@guard("portrait:list")
@writes
def one(push_id: str) -> ResponseReturnValue:
    """One task: what was asked, what the department says, what came of it."""
    session, actor = current_session(), current_actor()
    row = pushing.get_push(session, push_id, actor=actor, rule="portrait:list")
    answers = may(actor, "portrait:answer").allow
    form = _form_of(row.state) if answers else None
    if form is not None and form.validate_on_submit():
        try:
            _answer(row, form)
            return done(_("Written down."), to=url_for(".one", push_id=row.id))
        except BadInput as error:
            field = "covered" if error.code == "push_amount" else "reason"
            form[field].errors = [SENTENCES.get(error.code, _("Choose a reason."))]
    return render(
        "portraits/one.html",
        row=row,
        unit=need_kind(row.category).unit,
        form=form,
        tones=STATES,
        name=masked_names(session, [row.household_id])[row.household_id],
        clock=clocks.running_by_object(session, [pushing.ref_of(row)]).get(pushing.ref_of(row)),
        held=pushing.held_by(session, row),
    )


def _form_of(state: PushState) -> Any:
    if state not in (PushState.ASKED, PushState.ACCEPTED):
        return None
    form = AnswerForm()
    words = {"accept": _("It takes the task"), "done": _("It has done it"), "return": _("It returns the task")}
    form.answer.choices = [one for one in words.items() if state is PushState.ASKED or one[0] != "accept"]
    form.reason.choices = choices(pushing.REASONS, lang=language())
    return form


def _answer(row: Push, form: Any) -> None:
    """Write the word down; what is done was taken."""
    session, actor, now = current_session(), current_actor(), utc_now()
    if form.answer.data == "return":
        pushing.give_back(session, row.id, reason=form.reason.data or "", actor=actor, now=now)
        return
    covered = units_of(form.covered.data or "", row.category) if form.answer.data == "done" else 0
    if covered > row.asked_units:
        raise BadInput("push_amount", field="covered")
    if row.state is PushState.ASKED:
        pushing.accept(session, row.id, actor=actor, now=now)
    if form.answer.data == "done":
        pushing.finish(session, row.id, covered=covered, actor=actor, now=now)
