"""The forms of an application and of its work: short questions, words from the tables. Called by the views."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import HiddenField

from marketplace.calendar import utc_now
from marketplace.cases import larger, lateness
from marketplace.cases.evaluate import Tests, classes_in
from marketplace.cases.models import CaseItem
from marketplace.cases.rules import papers_of
from marketplace.reference import districts
from marketplace.reference.words import choices
from marketplace.web import (
    CountField,
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    TickField,
    UploadField,
    YuanField,
    _,
    _l,
    current_session,
)
from marketplace.web.display import language

SIGNED = _l("Tick this to let us check")


class WantsForm(Form):
    """What help is asked for."""

    wants = ManyField(_l("What do you need help with?"), required=_l("Choose at least one"))


class MoneyForm(Form):
    """The household's numbers, asked once."""

    size = CountField(_l("How many people live together?"), least=1, most=30)
    income_fen = YuanField(_l("Income of all together in a month"), least=0)
    savings_fen = YuanField(_l("Savings of all together"), least=0, required=False)
    medical_fen = YuanField(_l("Paid yourselves for treatment in the last twelve months"), least=0, required=False)
    schooling_fen = YuanField(_l("Paid for school in the last twelve months"), least=0, required=False)


class SituationForm(Form):
    """What is true of the household."""

    ticks = ManyField(_l("What is true of you?"), required=False)
    label = OneField(_l("Has your family been identified already?"), required=False)


class CardForm(Form):
    """The identity card: a photo, and the number as the person reads it."""

    photo = UploadField(_l("Photo of the identity card"), required=False, accept="image/*")
    photo_sent = HiddenField()
    id_number = TextField(_l("Number on the card"), longest=18)


class BillForm(Form):
    """A photo of a bill."""

    photo = UploadField(_l("Photo of the bill or paper"), required=False, accept="image/*")
    photo_sent = HiddenField()

    def __init__(self, *args: Any, **kept: Any) -> None:
        super().__init__(*args, **kept)
        self.photo.flags.required = True  # as a file, or sent before in pieces


class SignForm(Form):
    """The authorisation and two switches of their own."""

    agree = TickField(_l("Civil affairs may check the income, property and spending of my household"), required=SIGNED)
    all_classes = TickField(_l("If one kind of help does not fit, look at the next ones with the same papers"))
    hand_on = TickField(_l("If something stays uncovered, you may write it down as a need for charities"))
    drawn = HiddenField(_l("Sign here with a finger"))
    typed_name = TextField(_l("Sign with your name"), longest=40, required=False)

    def __init__(self, *args: Any, **kept: Any) -> None:
        super().__init__(*args, **kept)
        self.typed_name.flags.required = True  # one of both is; where nothing is drawn, this one


class ObjectionForm(Form):
    """What is wrong with a notice."""

    text = TextField(_l("What is wrong, and how do you know?"), longest=400, lines=4)


class ObjectionCodeForm(Form):
    """The code of an earlier objection."""

    code = TextField(_l("The code of your objection"), longest=20)


class FirstForm(Form):
    """Somebody who was never here."""

    name = TextField(_l("Your name"), longest=40)
    phone = TextField(_l("Your mobile number"), longest=20)
    district = OneField(_l("District"), select=True)
    street = OneField(_l("Street or township"), select=True, required=False)


class WorkForm(Form):
    """An opinion on a step."""

    opinion = OneField(_l("First opinion"))
    amount_fen = YuanField(_l("Amount for the public notice, if the conditions are met"), least=0, required=False)


class StopForm(Form):
    """What is missing: of the item's own papers, and what else."""

    papers = ManyField(_l("Which of the papers for this?"), required=False)
    missing = TextField(_l("Everything that is missing"), longest=200, lines=3, required=False)

    def told(self) -> str:
        """All of it as one text, in the language of whoever asks."""
        words = dict(choices("item_paper", lang=language()))
        between: str = _(", ")
        return between.join([*(words[code] for code in self.papers.data or ()), *filter(None, [self.missing.data])])


def stop_form(item: CaseItem, /, *, on: date) -> StopForm:
    """With the papers that this item wants here."""
    form, words = StopForm(), dict(choices("item_paper", lang=language()))
    wanted = papers_of([item.code], district=item.district_code, on=on)
    form.papers.choices = [(code, words[code]) for code in wanted]
    return form


class DecideForm(Form):
    """Yes with an amount, or no with a reason."""

    verdict = OneField(_l("Decision"))
    found = OneField(_l("As which family, if it is granted"), required=False)
    amount_fen = YuanField(_l("Amount, if it is granted"), least=0, required=False)
    reason = OneField(_l("Reason, if it is refused"), select=True, required=False)
    letter = TextField(_l("Number of the department's letter"), longest=40, required=False)
    note = TextField(_l("In your own words, for the letter"), longest=400, lines=3, required=False)
    late_cause = OneField(_l("Cause of the delay"), select=True, required=False)
    goes_on = TickField(_l("The larger aid is to be looked at too, with the same papers"))
    more_fen = 0


def decide_form(item: CaseItem, tests: Tests | None = None, /) -> DecideForm:
    """With the classes that this item can give; the one that the household's numbers speak for is chosen beforehand.
    That nothing was sudden can be said only where it goes on then, and with `more_fen` that the rest is looked at."""
    form: DecideForm = filled(DecideForm())
    form.more_fen = larger.more_for_event(current_session(), item, now=utc_now())
    words = dict(choices("case_label", lang=language()))
    if not larger.may_begin(current_session(), item, now=utc_now()):
        form.reason.choices = [pair for pair in form.reason.choices if pair[0] != larger.NOT_SUDDEN]
    form.found.choices = [(code, words[code]) for code in classes_in(item.code)]
    if form.found.choices and tests is not None and (tests.borderline or tests.rigid) and not form.is_submitted():
        form.found.data = "DIBIAN" if tests.borderline else "GANGXING"
    return form


class PayForm(Form):
    """A payment as its holder writes it down."""

    voucher = TextField(_l("Number of the voucher"), longest=40)
    paid_on = DayField(_l("Day of the payment"))
    account = TextField(_l("Account, if the order names none or another"), longest=40, required=False)
    late_cause = OneField(_l("Cause of the delay"), select=True, required=False)


class SilentForm(Form):
    """A refusal because the papers did not come."""

    note = TextField(_l("In your own words, for the letter"), longest=400, lines=3)
    late_cause = OneField(_l("Cause of the delay"), select=True, required=False)


class FindingForm(Form):
    """The answer to an objection."""

    finding = TextField(_l("What was found"), longest=400, lines=3)
    upheld = TickField(_l("The objection is right"))


def asks_street(form: Any, /, *, on: date) -> bool:
    """The streets of the district that was chosen; whether the page has to ask for one before it goes on. Whoever lives
    in a township is of the country, and some help is for the country only."""
    found = districts.streets_of(str(form.district.data), on=on) if form.district.data else ()
    form.street.choices = [(one.code, one.zh) for one in found]
    form.street.flags.required = bool(found)
    return bool(found) and not form.street.data


def authorisation_text() -> list[str]:
    """What is signed: the same words on the screen's paper and on the sheet that is posted."""
    return [
        _("I let civil affairs check the income, property and spending of my household for this application."),
        _("For this they may ask banks, tax, housing, social insurance, vehicle and business registers, nobody else."),
        _("I can take this back at any time; then nothing more is checked, and what was granted stays granted."),
    ]


def filled(form: Any) -> Any:
    """The form with its choices in the reader's language."""
    tables = {
        "wants": "case_want",
        "ticks": "case_ticks",
        "label": "case_label",
        "reason": "case_reason",
        "late_cause": "late_cause",
    }
    for name, table in tables.items():
        if name in form:
            form[name].choices = choices(table, lang=language())
    for name in ("letter", "reason", "amount_fen", "found"):
        if name in form:
            form[name].flags.required = True  # it stands on the page where it is asked, or its label says when
    if "label" in form:
        form.label.choices = [("", _l("None of these, or I do not know")), *form.label.choices]
    if "late_cause" in form:
        form.late_cause.choices = [pair for pair in form.late_cause.choices if pair[0] in lateness.late_causes()]
        form.late_cause.flags.required = True  # it stands on the page only where something is late
    if "verdict" in form:
        form.verdict.choices = [("granted", _l("Grant")), ("refused", _l("Refuse"))]
    if "opinion" in form:
        form.opinion.choices = [("for", _l("Conditions are met")), ("against", _l("Conditions are not met"))]
    return form


STEPS: dict[str, tuple[Any, type[Form]]] = {
    "wants": (_l("What do you need help with?"), WantsForm),
    "money": (_l("About your household"), MoneyForm),
    "situation": (_l("What is true of you?"), SituationForm),
    "card": (_l("Your identity card"), CardForm),
    "sign": (_l("May we check?"), SignForm),
}
