"""The forms of appointments and of the register, and how their answers become plain values.

Enters: what somebody typed. Leaves: a `Plan` of windows in UTC, `VolunteerFacts`, codes. Called by this room's views.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from marketplace.appointments.fitness import Window
from marketplace.appointments.models import HealthFit, Place
from marketplace.appointments.service import Plan
from marketplace.appointments.volunteers import VolunteerFacts
from marketplace.calendar import HERE
from marketplace.reference.words import choices
from marketplace.web import CountField, DayField, Form, ManyField, OneField, TextField, _l
from marketplace.web.display import language

HALF_HOURS = [(f"{half // 2:02d}:{half % 2 * 30:02d}",) * 2 for half in range(12, 48)]
"""Beginnings and ends that a list offers: 06:00 to 23:30."""


class ProposeForm(Form):
    """Up to three days, each perhaps for some weeks, at one time of day; who comes, and where."""

    days = DayField(_l("Day"))
    day_2 = DayField(_l("Another day"), required=False)
    day_3 = DayField(_l("A third day"), required=False)
    begins = OneField(_l("Begins at"), HALF_HOURS, select=True)
    ends = OneField(_l("Ends at"), HALF_HOURS, select=True)
    choice = OneField(
        _l("What are these days?"),
        [("each", _l("One visit on each of them")), ("one", _l("Alternatives: the household takes one of them"))],
    )
    weeks = CountField(_l("The same every week, so many weeks"), least=1, most=12, required=False)
    place = OneField(_l("Where?"))
    volunteers = ManyField(_l("Who comes?"))

    def plan(self) -> Plan:
        """The times as they are asked for; alternatives are never repeated."""
        first = [day for day in (self.days.data, self.day_2.data, self.day_3.data) if day is not None]
        choose_one = self.choice.data == "one"
        weeks = 1 if choose_one else self.weeks.data or 1
        days = [day + timedelta(weeks=week) for week in range(weeks) for day in dict.fromkeys(first)]
        windows = tuple(_window(day, str(self.begins.data), str(self.ends.data)) for day in days)
        return Plan(windows, tuple(self.volunteers.data or ()), Place(str(self.place.data)), choose_one)


def _window(day: date, begins: str, ends: str) -> Window:
    first, last = (datetime.combine(day, time.fromisoformat(text), HERE).astimezone(UTC) for text in (begins, ends))
    return Window(first, last)


def propose_form(people: Iterable[tuple[str, str]], /) -> ProposeForm:
    """The form with the volunteers who may come, as (id, words)."""
    form = ProposeForm()
    form.place.choices = choices("visit_place", lang=language())
    form.volunteers.choices = list(people)
    return form


class DoneForm(Form):
    """How long it took and what was done."""

    minutes = CountField(_l("How many minutes did it take?"), least=1, most=1440)
    content = OneField(_l("What was done?"))


class DoneTogetherForm(DoneForm):
    """The same where several were booked: who of them came."""

    came = ManyField(_l("Who came? Take the tick away from whoever did not"), required=False)


def done_form(booked: Sequence[tuple[str, str]], /) -> DoneForm:
    """The form with its kinds of content and, where they are several, those who were booked, as (id, words): ticked."""
    if len(booked) > 1:
        form: DoneForm = DoneTogetherForm(data={"came": [person_id for person_id, _words in booked]})
        form["came"].choices = list(booked)
    else:
        form = DoneForm()
    form.content.choices = choices("service_content", lang=language())
    return form


class SubstituteForm(Form):
    """Who goes instead of whom."""

    out = OneField(_l("Who does not go?"))
    instead = OneField(_l("Who goes instead?"), select=True)


class MissedForm(Form):
    """Who did not come."""

    who = OneField(
        _l("Who did not come?"),
        [("household", _l("We came, nobody was there")), ("volunteer", _l("Our volunteer did not come"))],
    )
    missing = ManyField(_l("Which of ours? Nothing ticked means all"), required=False)


class ReasonForm(Form):
    """Why; the list depends on what is done."""

    reason_code = OneField(_l("Why?"))


def reason_form(table: str, /) -> ReasonForm:
    """A reason from one table of words."""
    form = ReasonForm()
    form.reason_code.choices = choices(table, lang=language())
    return form


class WishForm(Form):
    """When it would suit better."""

    wish = OneField(_l("What would suit you better?"))


def wish_form() -> WishForm:
    """The form with its wishes."""
    form = WishForm()
    form.wish.choices = choices("visit_wish", lang=language())
    return form


class RatingForm(Form):
    """One to five."""

    rating = OneField(
        _l("How good was this visit?"),
        [
            ("5", _l("5: very good")),
            ("4", _l("4: good")),
            ("3", _l("3: fair")),
            ("2", _l("2: poor")),
            ("1", _l("1: very poor")),
        ],
    )


class CallForm(Form):
    """What came of a worker's call."""

    outcome = OneField(_l("What came of the call?"))


def call_form() -> CallForm:
    """The form with its outcomes."""
    form = CallForm()
    form.outcome.choices = choices("visit_call", lang=language())
    return form


class VolunteerForm(Form):
    """One volunteer of the register."""

    registration_no = TextField(_l("Registration number"), longest=32)
    name = TextField(_l("Name"), longest=40)
    id_number = TextField(_l("ID number"), longest=18)
    phone = TextField(_l("Telephone"), longest=20)
    skills = ManyField(_l("Skills"), required=False)
    health = OneField(_l("Health"))
    insurance_no = TextField(_l("Insurance policy number"), required=False, longest=64)
    insured_from = DayField(_l("Insured from"), required=False)
    insured_to = DayField(_l("Insured until"), required=False)

    def facts(self, *, registration_no: str = "") -> VolunteerFacts:
        """What was typed; of a known volunteer the number stays and the ID number is not asked."""
        return VolunteerFacts(
            registration_no=registration_no or self.registration_no.data,
            name=self.name.data,
            id_number="" if registration_no else self.id_number.data.upper(),
            phone=self.phone.data,
            skills=tuple(self.skills.data or ()),
            health=HealthFit(str(self.health.data)),
            insurance_no=self.insurance_no.data or "",
            insured_from=self.insured_from.data,
            insured_to=self.insured_to.data,
        )


class KnownVolunteerForm(VolunteerForm):
    """The same without what never changes."""

    registration_no = None
    id_number = None


def dressed(form: VolunteerForm, /) -> VolunteerForm:
    """The form with its words in the reader's language."""
    form.skills.choices = choices("skill", lang=language())
    form.health.choices = choices("health_fit", lang=language())
    return form
