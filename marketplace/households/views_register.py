"""The register for staff: find a person by name, pinyin, telephone, ID number, birth date or area.

Enters: a search, sent as a POST so that nothing personal stands in an address; the end of a category with its day and
reason. Leaves: masked names with categories and a way to the household. Every search is written down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households import search
from marketplace.households.categories import leave, people_on
from marketplace.households.doors import SENTENCES, bp
from marketplace.households.entering import waiting
from marketplace.households.models import CategoryAsk, Household, Person, Spell
from marketplace.households.search import Query
from marketplace.households.service import masked_name, masked_names, require_household
from marketplace.policy import may
from marketplace.reference import districts
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, OneField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.codes import place
from marketplace.web.display import language


class SearchForm(Form):
    """Any of these; what is filled in must all fit."""

    name = TextField(_l("Name or pinyin"), required=False, longest=40)
    phone = TextField(_l("Telephone"), required=False, longest=20)
    id_number = TextField(_l("ID number"), required=False, longest=18)
    birth_on = DayField(_l("Birth date"), required=False)
    district = OneField(_l("District"), required=False, select=True)
    street = OneField(_l("Street"), required=False, select=True)

    def query(self) -> Query:
        """What was typed."""
        return Query(
            name=self.name.data or "",
            phone=re.sub(r"[\s-]|^\+86", "", self.phone.data or ""),
            id_number=(self.id_number.data or "").strip().upper(),
            birth_on=self.birth_on.data,
            district=self.district.data or "",
            street=self.street.data or "",
        )


def _form() -> SearchForm:
    form, served = SearchForm(), current_actor().districts
    found = [one.code for one in districts.current(local_day(utc_now())) if not served or one.code in served]
    form.district.choices = [(code, place(code)) for code in found]
    [only, *others] = found or [""]
    chosen = form.district.data or ("" if others else only)
    form.street.choices = _streets(chosen if chosen in found else "")
    if form.street.data not in dict(form.street.choices):
        form.street.data = None
    return form


def _streets(district: str) -> list[tuple[str, str]]:
    """Those of the chosen district; of another one none was meant."""
    return [(one.code, one.zh) for one in districts.streets_of(district, on=local_day(utc_now()))] if district else []


@bp.get("/register")
@guard("register:view")
def register() -> ResponseReturnValue:
    """The empty search, and what waits for a second person."""
    asks: Sequence[CategoryAsk] = ()
    if may(current_actor(), "register:agree").allow:
        asks = waiting(current_session(), actor=current_actor(), now=utc_now())
    names = masked_names(current_session(), [one.household_id for one in asks])
    return render("households/register.html", form=_form(), rows=None, more=False, asks=asks, names=names)


@bp.post("/register")
@guard("register:search")
@writes
def find() -> ResponseReturnValue:
    """The people that fit, in the actor's districts."""
    form = _form()
    if not form.validate_on_submit():
        return render("households/register.html", form=form, rows=None, more=False)
    session = current_session()
    try:
        people, more = search.search(session, form.query(), actor=current_actor(), now=utc_now())
    except BadInput as error:
        form.name.errors = [SENTENCES[error.code]]
        return render("households/register.html", form=form, rows=None, more=False)
    homes = {person.household_id: session.get_one(Household, person.household_id) for person in people}
    inside = people_on(session, people, on=local_day(utc_now()))
    rows: list[dict[str, Any]] = [
        {
            "person": person,
            "home": homes[person.household_id],
            "name": masked_name(session, person),
            "street": districts.street_name(homes[person.household_id].street_code, on=local_day(utc_now())),
            "categories": inside[person.id],
        }
        for person in people
    ]
    return render("households/register.html", form=form, rows=rows, more=more)


class EndForm(Form):
    """The last day in a category, and why it ends."""

    on = DayField(_l("Last day"))
    reason = OneField(_l("Why does it end?"))


@bp.route("/register/spells/<spell_id>/end", methods=["GET", "POST"])
@guard("register:leave")
@writes
def end_spell(spell_id: str) -> ResponseReturnValue:
    """A household leaves a category; the watch of two years begins where the category says so. No money is touched."""
    session, actor, now = current_session(), current_actor(), utc_now()
    spell = session.get(Spell, spell_id)
    home = require_household(session, spell.household_id if spell is not None else "", "register:leave", actor=actor)
    if spell is None:
        raise NotFound("entry")
    form, back_to = EndForm(), url_for("signals.home", household_id=home.id)
    form.reason.choices = choices("leave_reason", lang=language())
    if form.validate_on_submit():
        on, reason = form.on.data, form.reason.data
        if on is not None and reason is not None and spell.from_on <= on <= local_day(now):
            leave(session, spell.id, on=on, reason=reason, actor=actor, now=now)
            return done(_("Ended. Who left a guarantee is watched for two years."), to=back_to)
        form.on.errors = [_("Choose a day from the first day in the category until today.")]
    who = session.get_one(Person, spell.person_id) if spell.person_id else None
    name = masked_name(session, who) if who else masked_names(session, [home.id])[home.id]
    return render("households/end_spell.html", form=form, spell=spell, name=name, back_to=back_to)
