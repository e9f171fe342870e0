"""The forms of needs: verifying, holding, releasing, refusing, revealing, typing in, referring, uploading.

Enters: the need a form is about, where its amount depends on the kind. Leaves: form classes and the facts typed into
them. Called by the needs' views only; money is typed in yuan.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace.calendar import after_last, local_day, utc_now
from marketplace.errors import BadInput, DomainError
from marketplace.households.register import PersonFacts
from marketplace.intake import BadCell
from marketplace.intake import cells as read
from marketplace.needs.models import Need, ReferralReason
from marketplace.needs.service import NeedFacts
from marketplace.needs.whom_form import ALL, LABEL, Choices, chosen
from marketplace.reference.districts import current
from marketplace.reference.events import list_events, write
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import choices
from marketplace.web import (
    CountField,
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    TickField,
    YuanField,
    _l,
)
from marketplace.web.codes import word
from marketplace.web.desk import UploadForm
from marketplace.web.display import language

REVEALED = {
    "name": _l("Person's name"),
    "phone": _l("Phone"),
    "id_number": _l("ID number"),
    "address": _l("Address"),
    "birth_date": _l("Birth date"),
    "payee_account": _l("Payee account"),
    "health": _l("Health note"),
}
SENTENCES: dict[str, Any] = {
    "reason_missing": _l("Choose a reason from the list."),
    "evidence_missing": _l("Write down what you saw or compared."),
    "bad_level": _l("Choose a level from 1 to 4."),
    "nothing_left": _l("Nothing stayed uncovered."),
    "no_need_apart": _l("No need of this household was written down since: write it down first."),
    "not_positive": _l("The amount must be above zero."),
    "not_whole": _l("This kind is counted in whole units: write a whole number."),
    "not_whole_fen": _l("Write at most two decimals."),
    "not_a_number": _l("Write digits only."),
    "too_large": _l("The number is too large. Check the number and its unit."),
    "wrong_unit": _l("This unit does not belong to the kind of need."),
    "dates_reversed": _l("The last day lies before the first."),
    "unknown_category": _l("Choose a kind of need from the list."),
    "personal_in_text": _l("Take ID and telephone numbers out of this text: others can read it."),
    "event_unclear": _l(
        "This cannot be read: write a day and a district, such as 2026-08-12 Beibei, or a number with digits."
    ),
    "need_exists": _l("This household has an open need of this kind for this period already."),
    "person_fixed": _l("Aid for this need names somebody already. Withdraw the match first."),
    "need_committed": _l("Aid for this need is under way. Withdraw the match first."),
    "below_committed": _l("More aid than this is under way. Withdraw a match first or check the amount."),
    "yes_missing": _l("A referral needs the person's own yes, given today or earlier."),
    "id_length": _l("An ID number has 18 characters."),
    "id_characters": _l("An ID number has digits only; the last may be X."),
    "id_date": _l("The birth date in this ID number does not exist."),
    "id_future_date": _l("The birth date in this ID number lies in the future."),
    "id_check_digit": _l("The check digit of this ID number is wrong. Compare it digit by digit."),
    "id_rounded": _l("The last digits of this ID number are lost. Enter it again from the paper."),
    "not_a_phone": _l("Write a telephone number of 7 to 15 digits."),
    "import_closed": _l("This file is done: it was stored or dropped already."),
    "import_faulty": _l("This file has faults. Mend them and check it again."),
    "bad_source": _l("Write a short name of letters, digits, - or _."),
    "elsewhere": _l("This person is registered in another district. Ask the office there."),
    "organisation_suspended": _l("Your organisation is suspended at the moment."),
}


class RevealForm(Form):
    """Which field, and why."""

    field = OneField(_l("What do you need to see?"), select=True)
    reason = OneField(_l("Why?"), select=True)


class ReasonForm(Form):
    """A reason from a list."""

    reason = OneField(_l("Reason"))


class NeedsUploadForm(UploadForm):
    """A table of needs."""

    source = TextField(
        _l("Who made this list?"),
        longest=32,
        description=_l("A short name, such as yuzhong-2026. The same name again finds the same rows again."),
    )


class EventForm(Form):
    """What happened, from the list, and what tells it apart from another of its kind."""

    event = OneField(_l("What happened?"), select=True, required=False)
    event_reference = TextField(
        _l("Day and district of it, or its number"),
        longest=60,
        required=False,
        description=_l(
            "Such as 2026-08-12 Beibei; for an illness its code on the paper, such as C50. No name, no ID number."
        ),
    )

    def offer_events(self, *, needed: bool = False) -> None:
        """The kinds of event in force, in the reader's language."""
        none = [] if needed else [("", _l("Nothing in particular"))]
        self.event.choices = [
            *none,
            *((one.code, one.name(lang=language())) for one in list_events(on=local_day(utc_now()))),
        ]

    def cause(self) -> str:
        """The event in the one way to write it; BadInput names the field."""
        if not self.event.data:
            return ""
        try:
            return write(str(self.event.data), self.event_reference.data or "", on=local_day(utc_now()))
        except UnknownCode as error:
            raise BadInput("event_unclear", field="event_reference") from error


class NeedForm(EventForm):
    """The need itself, for every way of typing it in."""

    category = OneField(_l("Kind of need"), select=True)
    amount = TextField(_l("How much is missing?"), longest=20)
    urgency = OneField(_l("How urgent is it?"))
    valid_from = DayField(_l("First day"), required=False)
    valid_to = DayField(_l("Last day"), required=False)
    tags = ManyField(_l("What is true of this household?"), required=False)
    evidence = TextField(_l("What is this based on?"), longest=200, lines=3)
    for_person = OneField(LABEL, select=True, required=False)

    def offer_choices(self, people: Choices = ()) -> None:
        """Fill the lists in the reader's language; `people` are those of the household where it is known."""
        self.for_person.choices = list(people)
        lang = language()
        self.category.choices = [
            (kind.code, f"{kind.name(lang=lang)} ({word(kind.unit, 'unit')})") for kind in list_need_kinds()
        ]
        self.offer_events()
        self.urgency.choices = choices("urgency", lang=lang)
        self.tags.choices = choices("tag", lang=lang)
        self.urgency.data = self.urgency.data or "1"

    def begin_with(self, category: str) -> None:
        """Choose this kind beforehand, if it is one and nothing was sent yet."""
        if not self.is_submitted() and category in {kind.code for kind in list_need_kinds()}:
            self.category.data = category

    def facts(self) -> NeedFacts:
        """What was typed; BadInput where the amount does not fit its kind."""
        kind = need_kind(str(self.category.data))
        try:
            units = read.units(read.number(self.amount.data) or "0", None, wanted=kind.unit)
        except BadCell as error:
            raise BadInput(error.code, field="amount") from error
        return NeedFacts(
            category=kind.code,
            gap_units=units,
            urgency=int(str(self.urgency.data)),
            valid_from=self.valid_from.data,
            valid_to=self.valid_to.data and after_last(self.valid_to.data),
            tags=tuple(self.tags.data or ()),
            evidence=self.evidence.data or "",
            cause=self.cause(),
            person_id=chosen(self.for_person.data) or "",
        )


class PersonForm(NeedForm):
    """A person and a need."""

    name = TextField(_l("Person's name"), longest=40)
    id_number = TextField(_l("ID number"), required=False, longest=18)
    phone = TextField(_l("Phone"), longest=20)
    address = TextField(_l("Address"), required=False, longest=120)
    district = OneField(_l("District"), select=True)

    def offer_places(self, *, now: datetime, allowed: frozenset[str]) -> None:
        """Districts in force, narrowed to those the person serves."""
        lang = language()
        self.offer_choices()
        self.district.choices = [
            (place.code, place.name(lang=lang))
            for place in current(local_day(now))
            if not allowed or place.code in allowed
        ]

    def person(self, *, now: datetime) -> PersonFacts:
        """Who it is; BadInput names the wrong field."""
        return PersonFacts(
            name=self.name.data,
            phone=_read(read.phone, self.phone.data, field="phone"),
            id_number=_read(read.id_number(local_day(now)), self.id_number.data, field="id_number"),
            address=self.address.data or "",
        )


def _read(reader: Any, text: str | None, *, field: str) -> str:
    try:
        return str(reader(text or None) or "")
    except BadCell as error:
        raise BadInput(error.code, field=field) from error


class ReferralForm(PersonForm):
    """A person whom a charity refers in, with that person's yes."""

    how = OneField(_l("How did the person agree to be referred?"))
    given_on = DayField(_l("On which day?"))
    told = TickField(
        _l("I have told the person that civil affairs will see these facts, and that refusing loses nothing."),
        required=_l("Tell the person first; without that a referral is not possible."),
    )


def verify_form(need: Need, people: Choices) -> Form:
    """Level, evidence and reason; whom it is for; and the amount, to correct a slip."""
    amount = _amount_field(need)

    class VerifyForm(Form):
        level = OneField(_l("How was it checked?"))
        evidence = TextField(_l("What did you see or compare?"), longest=200, lines=3)
        referral_reason = OneField(_l("Why does government aid not cover it?"))
        government_decision = TextField(_l("What has government decided?"), required=False, longest=200)
        for_person = OneField(LABEL, select=True, required=False)
        gap = amount

    told = {"gap": need.gap_units, "government_decision": need.government_decision, "for_person": need.person_id or ALL}
    form, lang = VerifyForm(data=told), language()
    form.for_person.choices = list(people)
    form.level.choices = choices("verification_level", lang=lang)
    form.referral_reason.choices = choices("referral_reason", lang=lang)
    return form


def release_form(need: Need) -> Form:
    """The amount of a held need, to be confirmed or corrected."""
    amount = _amount_field(need)

    class ReleaseForm(Form):
        gap = amount

    return ReleaseForm(data={"gap": need.gap_units})


def _amount_field(need: Need) -> Any:
    if need.unit == "FEN":
        return YuanField(_l("The amount that is missing"), most=10**17)
    return CountField(_l("The amount that is missing"), least=1, most=10**14)


def reason_form(table: str) -> ReasonForm:
    """A reason form over one table of words."""
    form = ReasonForm()
    form.reason.choices = choices(table, lang=language())
    return form


def reveal_form(fields: list[str]) -> RevealForm:
    """The fields that this person has, and the reasons."""
    form = RevealForm()
    form.field.choices = [(name, words) for name, words in REVEALED.items() if name in fields]
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


def say(form: Any, error: DomainError, *, otherwise: str) -> None:
    """Put a service's objection beside the field it is about."""
    name = str(error.facts.get("field", otherwise))
    target = form[name] if name in form else form[otherwise]
    target.errors = [*target.errors, SENTENCES.get(error.code, error.code)]


REASONS = {reason.value: reason for reason in ReferralReason}
