"""The categories of one household for staff of its district: what was and is, somebody put in by hand, a second yes.

Enters: a category, whose it is, its first day and the ground. Leaves: pages with masked names. The end of a category
has its own page (`views_register`); the rules are in `entering`.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households import entering
from marketplace.households.categories import BENEFITS, list_spells
from marketplace.households.doors import SENTENCES, bp
from marketplace.households.models import CategoryAsk
from marketplace.households.service import list_people, masked_name, masked_names, require_household
from marketplace.reference.monitoring import is_personal
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, OneField, _, _l, current_session, done, refuse, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language


class EntryForm(Form):
    """Which category, whose, since when, and why it is written down here."""

    category = OneField(_l("Category"), select=True)
    person_id = OneField(_l("Whose is it?"), required=False, select=True)
    benefit = OneField(_l("Which benefit is it?"), required=False, select=True)
    from_on = DayField(_l("First day"))
    ground = OneField(_l("On which ground?"))

    def words(self) -> entering.Words:
        """What was chosen."""
        return entering.Words(
            category=str(self.category.data),
            from_on=self.from_on.data or local_day(utc_now()),
            ground=str(self.ground.data),
            person_id=self.person_id.data or None,
            benefit=self.benefit.data or "",
        )


def _form(people: Mapping[str, str]) -> EntryForm:
    form, today = EntryForm(), local_day(utc_now())
    named = dict(choices("monitoring_category", lang=language()))
    form.category.choices = [(code, named[code]) for code in entering.by_hand(list(named), on=today)]
    form.person_id.choices = [("", _("The whole household's")), *people.items()]
    form.benefit.choices = [("", _("Not known, or none")), *((code, word(code, "case_label")) for code in BENEFITS)]
    form.ground.choices = choices(entering.GROUNDS, lang=language())
    return form


@bp.route("/register/households/<household_id>/categories", methods=["GET", "POST"])
@guard("register:enter")
@writes
def categories(household_id: str) -> ResponseReturnValue:
    """What the household is and was in, what was written down by hand, and the form."""
    session, actor = current_session(), current_actor()
    home = require_household(session, household_id, "register:enter", actor=actor)
    people = {one.id: masked_name(session, one) for one in list_people(session, home.id)}
    form = _form(people)
    if form.validate_on_submit():
        try:
            row = entering.ask(session, home.id, form.words(), actor=actor, now=utc_now())
        except (BadInput, Conflict) as error:
            field = form[str(error.facts.get("field", "category"))]
            field.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(_told(row), to=url_for(".categories", household_id=home.id))
    rows = entering.list_asks(session, home.id)
    return render(
        "households/categories.html",
        form=form,
        home=home,
        name=masked_names(session, [home.id])[home.id],
        people=people,
        spells=list_spells(session, home.id),
        rows=rows,
        ends=dict(choices("leave_reason", lang=language())),
        own=_(", ").join(label for code, label in form.category.choices if is_personal(code)),
        states={row.id: entering.state_of(row, now=utc_now()).value for row in rows},
        names=names_of(session, {one for row in rows for one in (row.asked_by, row.decided_by) if one}),
        today=local_day(utc_now()),
        me=actor,
    )


def _told(row: CategoryAsk) -> str:
    if row.state.value == "asked":
        return str(_("Written down. A colleague has to agree within a week before it counts."))
    return str(_("Entered. Rules, visits and figures count with it from now on."))


@bp.post("/register/category-asks/<category_ask_id>/agree")
@guard("register:agree")
@writes
def agree_category(category_ask_id: str) -> ResponseReturnValue:
    """A second person agrees."""
    return _decided(category_ask_id, agrees=True)


@bp.post("/register/category-asks/<category_ask_id>/refuse")
@guard("register:agree")
@writes
def refuse_category(category_ask_id: str) -> ResponseReturnValue:
    """A second person does not agree."""
    return _decided(category_ask_id, agrees=False)


def _decided(category_ask_id: str, *, agrees: bool) -> ResponseReturnValue:
    session = current_session()
    found = session.get(CategoryAsk, category_ask_id)
    home = require_household(session, found.household_id if found else "", "register:agree", actor=current_actor())
    back = url_for(".categories", household_id=home.id)
    try:
        entering.decide(session, category_ask_id, agrees=agrees, actor=current_actor(), now=utc_now())
    except (Conflict, NotAllowed, WrongState) as error:
        return refuse(SENTENCES.get(error.code, _("Please check this")), to=back)
    return done(_("Agreed and entered.") if agrees else _("Kept: nothing was entered."), to=back)
