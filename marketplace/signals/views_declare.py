"""What a household says of itself, written down by staff, beside what departments tell: agreement, difference, unknown.

Enters: staff of the district, a kind, a number or yuan, and the day on which it was said. Leaves: the newest word of
each kind. A difference is a question and changes nothing. Called from a household's page of alerts.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names, require_household
from marketplace.reference.facts import fact_kinds
from marketplace.signals import declaring
from marketplace.signals.doors import SENTENCES, bp
from marketplace.web import DayField, Form, OneField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.codes import word

MONEY = "fen"


class DeclareForm(Form):
    """One thing that the household said."""

    kind = OneField(_l("What does it speak of?"), select=True)
    amount = TextField(_l("Number, or whole yuan"), longest=12)
    on = DayField(_l("On which day was it said?"))


@bp.route("/alerts/households/<household_id>/declare", methods=["GET", "POST"])
@guard("fact:declare")
@writes
def declare(household_id: str) -> ResponseReturnValue:
    """Write down what a household says; everything it said and is told of it stands below."""
    session, actor = current_session(), current_actor()
    home = require_household(session, household_id, "fact:declare", actor=actor)
    form = DeclareForm()
    form.kind.choices = [(kind, word(kind, "fact_kind")) for kind in declaring.COMPARED]
    if form.validate_on_submit() and _kept(home.id, form):
        return done(_("Written down. Compare it below."), to=url_for(".declare", household_id=home.id))
    return render(
        "signals/declare.html",
        form=form,
        home=home,
        name=masked_names(session, [home.id])[home.id],
        lines=declaring.compare(session, home.id),
    )


def _kept(household_id: str, form: Any) -> bool:
    """Keep it, or put the fault beside its field."""
    now, text = utc_now(), form.amount.data
    if form.on.data > local_day(now):
        form.on.errors = [SENTENCES["date_in_future"]]
        return False
    try:
        if not (text.isascii() and text.isdigit()):
            raise BadInput("bad_input", field="amount")
        amount = int(text) * (100 if fact_kinds()[form.kind.data].value == MONEY else 1)
        told: dict[str, Any] = {"amount": amount, "on": form.on.data, "actor": current_actor(), "now": now}
        declaring.declare(current_session(), household_id, form.kind.data, **told)
    except BadInput:
        form.amount.errors = [_("Write a whole number, without a unit.")]
        return False
    return True
