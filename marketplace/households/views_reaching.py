"""How I may be reached, for each adult alone; and the same for staff to whom somebody said it.

Enters: one of three ways. Leaves: the rule, written; the staff's page never shows what is written.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households import reaching
from marketplace.households.doors import SENTENCES, bp
from marketplace.households.models import Person
from marketplace.households.service import masked_name, require_household
from marketplace.web import Form, OneField, _, _l, current_session, done, render, writes

WORDS = {
    reaching.USUAL: _l("As usual"),
    reaching.OWN: _l("Only at my own telephone: no letter, no visit for a giver, no call to anybody else at home"),
    reaching.QUIET: _l("Not at all: nobody calls, writes or sends messages; I look here, or come to the counter"),
}


class ReachForm(Form):
    """One of three ways."""

    way = OneField(_l("How may we reach you?"))


def _form() -> ReachForm:
    form = ReachForm()
    form.way.choices = list(WORDS.items())
    return form


@bp.route("/reach", methods=["GET", "POST"])
@guard("contact:own")
@writes
def reach() -> ResponseReturnValue:
    """The own rule; nobody else's."""
    session, actor, form = current_session(), current_actor(), _form()
    now_said = reaching.rule_of(session, actor=actor)
    if form.validate_on_submit():
        try:
            reaching.keep_own(session, str(form.way.data), actor=actor, now=utc_now())
        except BadInput as error:
            form.way.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(_("Written down. It holds from now on."), to=url_for("portal.household_home"))
    elif not form.is_submitted():
        form.way.data = now_said
    return render("households/reach.html", form=form)


@bp.route("/register/people/<person_id>/reach", methods=["GET", "POST"])
@guard("contact:set")
@writes
def reach_of(person_id: str) -> ResponseReturnValue:
    """Write down what somebody said; what stands there now is not shown."""
    session, actor, form = current_session(), current_actor(), _form()
    person = session.get(Person, person_id)
    home = require_household(session, person.household_id if person else "", "contact:set", actor=actor)
    if person is None:
        raise NotFound("person")
    if form.validate_on_submit():
        try:
            reaching.keep_for(session, person_id, str(form.way.data), actor=actor, now=utc_now())
        except BadInput as error:
            form.way.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(_("Written down. It holds from now on."), to=url_for("signals.home", household_id=home.id))
    return render("households/reach_of.html", form=form, home=home, name=masked_name(session, person))
