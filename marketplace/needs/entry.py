"""Pages for typing a need in (staff) and for referring a person in (charities and insurers).

Enters: a form about one person and one need. Leaves: an unverified need, or for a charity a reference number and what
happens next; a charity is told nothing about what was known. Hung on the needs' blueprint.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.db import new_id
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.households.service import masked_names, register_household, require_household
from marketplace.needs import forms, service
from marketplace.needs.blueprint import bp
from marketplace.needs.models import Need
from marketplace.needs.referral import PersonYes, refer_need
from marketplace.needs.whom_form import people_choices
from marketplace.policy import may
from marketplace.reference.words import choices
from marketplace.signals import answering
from marketplace.signals.models import TaskKind, WatchTask
from marketplace.web import _, current_session, done, render, writes
from marketplace.web.display import language

ENTERED = "APPLIED"
"""The result of an alert's task whose need was written down."""
TO_BE_ASKED: list[Callable[[Session, str, datetime], bool]] = []
"""Whether a household is to be asked for its yes to being matched; filled by the room of consents."""


@bp.route("/new", methods=["GET", "POST"])
@guard("need:create")
@writes
def new() -> ResponseReturnValue:
    """One need, typed in by staff for a household they come from, or with its person; verified in a second step."""
    now, actor, home = datetime.now(UTC), current_actor(), _home(request.args.get("household", ""))
    form = _form(home, now=now)
    form.begin_with(request.args.get("category", ""))
    if form.validate_on_submit():
        try:
            home_id = home.id if home is not None else _register(form, now=now)
            task = answering.open_task(current_session(), home_id, TaskKind.NEED)
            need = service.create_need(current_session(), form.facts(), household_id=home_id, actor=actor, now=now)
        except NotFound:
            form.id_number.errors = [forms.SENTENCES["elsewhere"]]
        except (BadInput, Conflict) as error:
            forms.say(form, error, otherwise="category")
        else:
            return _saved(need, task, now=now)
    name = masked_names(current_session(), [home.id]).get(home.id, "") if home is not None else ""
    return render("needs/new.html", form=form, home=home, name=name)


def _saved(need: Need, task: WatchTask | None, *, now: datetime) -> ResponseReturnValue:
    """What an alert began is done; where the household has not said yes, it is asked next."""
    session, actor, here = current_session(), current_actor(), url_for(".one", need_id=need.id)
    if task is None:
        return done(_("Saved. Verify it now or later."), to=here)
    answering.finish_task(session, task.id, result=ENTERED, actor=actor, now=now)
    if not any(asks(session, need.household_id, now) for asks in TO_BE_ASKED):
        return done(_("Saved. Verify it now or later."), to=here)
    if not may(actor, "consent:assist").allow:
        return done(_("Saved. The household has not said yes to being matched yet: a worker has to ask it."), to=here)
    onward = url_for("consent.assist", household_id=need.household_id)
    return done(_("Saved. Ask the household for its consent now: without it no giver is looked for."), to=onward)


def _home(household_id: str) -> Household | None:
    """The household of the page that led here, if it is one of the actor's districts."""
    if not household_id:
        return None
    return require_household(current_session(), household_id, "need:create", actor=current_actor())


def _form(home: Household | None, *, now: datetime) -> Any:
    if home is None:
        person = forms.PersonForm()
        person.offer_places(now=now, allowed=current_actor().districts)
        return person
    form = forms.NeedForm()
    form.offer_choices(people_choices(current_session(), home.id))
    return form


def _register(form: forms.PersonForm, *, now: datetime) -> str:
    home = register_household(
        current_session(),
        source=service.STAFF_SOURCE,
        source_ref=new_id(),
        district_code=str(form.district.data),
        people=[form.person(now=now)],
        actor=current_actor(),
        now=now,
    )
    return home.id


@bp.route("/refer", methods=["GET", "POST"])
@guard("need:refer")
@writes
def refer() -> ResponseReturnValue:
    """A charity refers a person in, with that person's yes."""
    now, form = datetime.now(UTC), forms.ReferralForm()
    form.offer_places(now=now, allowed=frozenset())
    form.how.choices = choices("yes_given", lang=language())
    if form.validate_on_submit():
        try:
            reference = _refer(form, now=now)
        except (BadInput, Conflict) as error:
            forms.say(form, error, otherwise="category")
        else:
            return render("needs/referred.html", reference=reference)
    return render("needs/refer.html", form=form)


def _refer(form: forms.ReferralForm, *, now: datetime) -> str:
    referral = refer_need(
        current_session(),
        form.facts(),
        person=form.person(now=now),
        district_code=str(form.district.data),
        yes=PersonYes(how=str(form.how.data), given_on=form.given_on.data or date.max),
        actor=current_actor(),
        now=now,
    )
    return referral.reference
