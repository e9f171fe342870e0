"""A death as staff record it, the way back where it was not so, and what near kin ask for at the counter.

Enters: staff of the district. Leaves: pages; the rules are in `deaths` and `service`. Names are shown masked.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, Conflict, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people, masked_name
from marketplace.policy import require
from marketplace.reference.words import choices
from marketplace.rights import deaths, service
from marketplace.rights.doors import bp, say
from marketplace.rights.models import Death, RightKind
from marketplace.rights.words import TITLES
from marketplace.web import DayField, Form, OneField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.display import language

KIN_MAY = (RightKind.COPY, RightKind.ERASE, RightKind.COMPLAIN)


class DeathForm(Form):
    """Who died, when, and how we know."""

    person = OneField(_l("Who?"))
    died_on = DayField(_l("When?"))
    evidence = TextField(_l("How do we know?"), longest=120, description=_l("Such as the number of the certificate."))


class BackForm(Form):
    """Why the record was wrong."""

    why = OneField(_l("Why was it wrong?"))


class KinForm(Form):
    """Of whom, what near kin ask for, and what shows that they are."""

    person = OneField(_l("Near kin of whom?"))
    kind = OneField(_l("What do they ask for?"))
    evidence = TextField(_l("What shows that they are near kin?"), longest=120)
    words = TextField(_l("In their own words"), longest=1000, lines=3)


def _district(session: Session, household_id: str) -> str | None:
    home = session.get(Household, household_id)
    return home.district_code if home is not None else None


def _named(session: Session, known: list[Death]) -> list[tuple[str, str]]:
    return [(one.person_id, masked_name(session, session.get_one(Person, one.person_id))) for one in known]


@bp.route("/rights/deaths/<household_id>", methods=["GET", "POST"])
@guard("death:record")
@writes
def death(household_id: str) -> ResponseReturnValue:
    """Record a death: open matches are held, needs wait for a person. Those on record are listed."""
    session, form, now = current_session(), DeathForm(), utc_now()
    require(current_actor(), "death:record", district=_district(session, household_id))
    known = deaths.deaths_of(session, household_id)
    dead = {one.person_id for one in known}
    people = [one for one in list_people(session, household_id) if one.id not in dead]
    form.person.choices = [(one.id, masked_name(session, one)) for one in people]
    if form.validate_on_submit():
        try:
            touched = deaths.record_death(
                session,
                str(form.person.data),
                died_on=form.died_on.data or local_day(now),
                evidence=form.evidence.data or "",
                actor=current_actor(),
                now=now,
            )
        except BadInput as error:
            say(form, error, fallback="evidence")
        else:
            return done(
                _("On record. %(n)s matches were looked at.", n=len(touched)),
                to=url_for(".kin", household_id=household_id),
            )
    names = dict(_named(session, known))
    return render("rights/death.html", form=form, known=known, names=names, household_id=household_id)


@bp.route("/rights/deaths/<household_id>/<person_id>/back", methods=["GET", "POST"])
@guard("death:record")
@writes
def death_back(household_id: str, person_id: str) -> ResponseReturnValue:
    """The record was wrong: the person is found and served again; what was held waits for a look."""
    session, form = current_session(), BackForm()
    require(current_actor(), "death:record", district=_district(session, household_id))
    found = deaths.get_death(session, household_id, person_id)
    form.why.choices = choices(deaths.WHY, lang=language())
    if form.validate_on_submit():
        deaths.take_back(session, found, why=str(form.why.data), actor=current_actor(), now=utc_now())
        return done(
            _("Taken back. What was held waits for a person: look at the needs and matches of this household."),
            to=url_for(".death", household_id=household_id),
        )
    name = masked_name(session, session.get_one(Person, person_id))
    return render("rights/death_back.html", form=form, one=found, name=name, household_id=household_id)


@bp.route("/rights/kin/<household_id>", methods=["GET", "POST"])
@guard("right:kin")
@writes
def kin(household_id: str) -> ResponseReturnValue:
    """Near kin ask at the counter for what the person who died could have asked."""
    session, form = current_session(), KinForm()
    require(current_actor(), "right:kin", district=_district(session, household_id))
    known = deaths.deaths_of(session, household_id)
    if not known:
        raise WrongState("no_death_on_record")
    form.person.choices = _named(session, known)
    form.kind.choices = [(kind.value, TITLES[kind]) for kind in KIN_MAY]
    if form.validate_on_submit():
        try:
            service.ask(
                session,
                session.get_one(Person, str(form.person.data)),
                RightKind(str(form.kind.data)),
                words=form.words.data or "",
                evidence=form.evidence.data or "",
                actor=current_actor(),
                now=utc_now(),
            )
        except (BadInput, Conflict) as error:
            say(form, error, fallback="words")
        else:
            return done(_("The request of near kin waits for an answer."), to=url_for("portal.staff_home"))
    return render("rights/kin.html", form=form, household_id=household_id)
