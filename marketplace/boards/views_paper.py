"""The paper of a decision: raise the line, add a category, lose a giver; people, money and what stays unmet, to print.

Enters: staff of the whole city's figures and a decision to try. Leaves: a page of counts, no household. Nothing is
written: what is tried is sent as a POST, and the paper says with which numbers and on which day it was counted.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.boards import paper
from marketplace.boards.doors import SENTENCES, bp
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import Run
from marketplace.proposals.problem import Scope
from marketplace.reference.needs import MONEY
from marketplace.signals.models import Rule, RuleState
from marketplace.web import CountField, Form, OneField, YuanField, _, _l, current_session, render
from marketplace.web.codes import place, word

KINDS = ("line", "category", "giver")


class PaperForm(Form):
    """Which decision is tried, and its numbers."""

    kind = OneField(_l("What is thought about?"))
    percent = CountField(_l("Raise the line of minimum living aid by so many per cent"), required=False, most=100)
    rule = OneField(_l("Whoever meets this rule becomes a category"), required=False, select=True)
    amount = YuanField(_l("Yuan a head and month for the new category"), required=False)
    giver = OneField(_l("This giver stops"), required=False, select=True)


def _form(*, given: bool) -> PaperForm:
    session = current_session()
    form = PaperForm() if given else PaperForm(formdata=None, data={"kind": KINDS[0]})
    form.kind.choices = [
        (KINDS[0], _("Raise the line")),
        (KINDS[1], _("Add a category")),
        (KINDS[2], _("Lose a giver")),
    ]
    tried = select(Rule).where(col(Rule.state) == RuleState.ACTIVE, col(Rule.per) != "feed").order_by(col(Rule.code))
    form.rule.choices = [(rule.id, f"{rule.code} {word(rule.code, 'warning_rule')}") for rule in session.exec(tried)]
    givers = select(Organisation.id, Organisation.name).order_by(col(Organisation.name), col(Organisation.id))
    form.giver.choices = [(code, name) for code, name in session.exec(givers)]
    return form


@bp.get("/paper")
@guard("board:paper")
def paper_form() -> ResponseReturnValue:
    """Choose the decision."""
    return render("boards/paper.html", form=_form(given=False))


@bp.get("/paper/result")
@guard("board:paper")
def paper_again() -> ResponseReturnValue:
    """Where a change of language on the result leads: back to the form, for what was typed is not in the address."""
    return redirect(url_for(".paper_form"), code=303)


@bp.post("/paper/result")
@guard("board:paper")
def paper_result() -> ResponseReturnValue:
    """The paper; nothing is written."""
    form = _form(given=True)
    if form.validate_on_submit():
        asked = {"line": (form.percent,), "category": (form.rule, form.amount), "giver": (form.giver,)}
        fields: tuple[Any, ...] = asked[str(form.kind.data)]
        for field in fields:
            field.errors = [] if field.data else [_("Fill this in for what you want to try")]
        if not any(field.errors for field in fields):
            try:
                return render("boards/result.html", form=form, on=utc_now(), **_worked_out(form))
            except BadInput as error:
                fields[0].errors = [SENTENCES[error.code]]
    return render("boards/paper.html", form=form)


def _worked_out(form: Any) -> dict[str, Any]:
    session, actor, today = current_session(), current_actor(), local_day(utc_now())
    kind = str(form.kind.data)
    title = dict(form.kind.choices)[kind]
    if kind == "line":
        cost = paper.raise_line(session, form.percent.data, on=today, actor=actor)
        return {"title": title, "cost": cost, "what": _("by %(n)s per cent", n=form.percent.data)}
    if kind == "category":
        fen = int(form.amount.data)
        cost = paper.add_category(session, form.rule.data, month_fen=fen, on=today, actor=actor)
        return {"title": title, "cost": cost, "what": dict(form.rule.choices)[form.rule.data]}
    run, trial = paper.lose_giver(session, form.giver.data, actor=actor)
    what = dict(form.giver.choices)[form.giver.data]
    fen = -sum(row.units for row in trial.coverage if row.unit == MONEY)
    return {"title": title, "run": run, "trial": trial, "what": what, "cost": None, "part": _part(run), "fen": fen}


def _part(run: Run) -> str:
    """Over what a run went: the whole city, or its districts and kinds of need."""
    scope = Scope.from_json(run.scope)
    parts = [*(place(code) for code in scope.districts), *(word(code, "need") for code in scope.categories)]
    return str(_(", ")).join(parts) if parts else str(_("the whole city, every kind of need"))
