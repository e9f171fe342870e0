"""Who lives in a household, for staff of its district: the members, somebody more, somebody who lives there no more.

Enters: a household; the words on somebody's card; a last day with its reason. Leaves: pages with masked names.
"""

from __future__ import annotations

import re

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households import members
from marketplace.households.doors import SENTENCES, bp
from marketplace.households.models import Person
from marketplace.households.register import PersonFacts
from marketplace.households.service import list_people, masked_name, require_household
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, OneField, TextField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.display import language


class MemberForm(Form):
    """Somebody who lives in the household, as the card says it."""

    name = TextField(_l("Person's name"), longest=40)
    id_number = TextField(_l("ID number"), required=False, longest=18)
    relation = OneField(_l("Relation to the head"), select=True)
    phone = TextField(_l("Telephone"), required=False, longest=20)

    def facts(self) -> PersonFacts:
        """What was typed."""
        return PersonFacts(
            relation=str(self.relation.data),
            name=(self.name.data or "").strip(),
            id_number=(self.id_number.data or "").strip().upper(),
            phone=re.sub(r"[\s-]|^\+86", "", self.phone.data or ""),
        )


class LeftForm(Form):
    """The last day in the household, and why."""

    on = DayField(_l("Last day in the household"))
    reason = OneField(_l("Why?"))


@bp.route("/register/households/<household_id>/people", methods=["GET", "POST"])
@guard("register:enter")
@writes
def people(household_id: str) -> ResponseReturnValue:
    """The members, and the form for one more."""
    session, actor, form = current_session(), current_actor(), MemberForm()
    home = require_household(session, household_id, "register:enter", actor=actor)
    form.relation.choices = [one for one in choices("relation", lang=language()) if one[0] != "HEAD"]
    if form.validate_on_submit():
        try:
            members.add(session, home.id, form.facts(), actor=actor, now=utc_now())
        except (BadInput, Conflict) as error:
            field = form[str(error.facts.get("field", "name"))]
            field.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(
                _("Added. The departments are asked about this person, too."),
                to=url_for(".people", household_id=home.id),
            )
    rows = [(person, masked_name(session, person)) for person in list_people(session, home.id)]
    return render("households/people.html", form=form, home=home, rows=rows)


@bp.route("/register/people/<person_id>/left", methods=["GET", "POST"])
@guard("register:enter")
@writes
def end_member(person_id: str) -> ResponseReturnValue:
    """Somebody lives there no more."""
    session, actor, form, now = current_session(), current_actor(), LeftForm(), utc_now()
    person = session.get(Person, person_id)
    home = require_household(session, person.household_id if person else "", "register:enter", actor=actor)
    if person is None:
        raise NotFound("person")
    form.reason.choices = choices(members.REASONS, lang=language())
    back = url_for(".people", household_id=home.id)
    if form.validate_on_submit():
        on = form.on.data or local_day(now)
        try:
            members.end(session, person_id, on=on, reason=str(form.reason.data), actor=actor, now=now)
        except (BadInput, WrongState) as error:
            form.on.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(_("Ended. The person counts in this household no more."), to=back)
    return confirm(
        layout="staff",
        title=_("Lives here no more"),
        intro=_("For a death, record the death instead. What is told of the person speaks for this household no more."),
        facts=[{"label": _("Person's name"), "value": masked_name(session, person)}],
        button=_("End it"),
        back=back,
        form=form,
    )
