"""The forms of a visit: outcome, note, one answer for each indicator; why a note is read; the handover. Called by the
views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import HiddenField

from marketplace.reference.indicators import Indicator, indicators
from marketplace.reference.words import choices, label
from marketplace.visits.entries import LONGEST_NOTE, LONGEST_NUMBER, NOTE, OUTCOME, Change
from marketplace.web import CountField, Form, OneField, TextField, UploadField, _, _l
from marketplace.web.display import language


class VisitForm(Form):
    """What is written at the door. The fields of the indicators are added below, one for each row of the table."""

    base = HiddenField()
    opened = HiddenField()
    letters = HiddenField()
    outcome = OneField(_l("What came of it?"), select=True, required=False)
    note = TextField(_l("Note"), longest=LONGEST_NOTE, lines=3, required=False)


def _field(indicator: Indicator) -> Any:
    """A number where only a visit can tell; a choice otherwise."""
    if indicator.found and indicator.value != "yes":
        return CountField("", most=10**LONGEST_NUMBER - 1, required=False)
    return OneField("", select=True, required=False)


for _code, _indicator in indicators().items():
    setattr(VisitForm, _code, _field(_indicator))


class PhotoForm(Form):
    """One photo."""

    photo = UploadField(_l("Photo"), accept="image/*")


class WhyForm(Form):
    """Why somebody reads a sealed note."""

    reason = OneField(_l("Why do you look?"), select=True)


def why_form() -> WhyForm:
    """The form with the reasons that can be given."""
    form = WhyForm()
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


class HandOverForm(Form):
    """Who goes from now on, and why."""

    account_id = OneField(_l("Who goes from now on?"), select=True)
    reason = OneField(_l("Why?"))


def fields() -> tuple[str, ...]:
    """The names of all fields that can be written."""
    return (OUTCOME, NOTE, *indicators())


def sound(changes: Mapping[str, Change], /) -> tuple[dict[str, Change], dict[str, str]]:
    """The changes that the form can read, as it reads them; and field ► sentence of those that it cannot."""
    given = MultiDict({name: one.value for name, one in changes.items()})
    form = filled(VisitForm(formdata=given, meta={"csrf": False}))
    form.validate()
    wrong = {name: str(form[name].errors[0]) for name in changes if form[name].errors}
    return {name: replace(one, value=text_of(form[name])) for name, one in changes.items() if name not in wrong}, wrong


def text_of(field: Any, /) -> str:
    """What a field keeps: nothing, a code, or a number."""
    return "" if field.data is None else str(field.data)


def filled(form: Any) -> Any:
    """The form with labels and choices in the reader's language."""
    lang = language()
    form[OUTCOME].choices = choices("watch_result", lang=lang)
    for code, one in indicators().items():
        if not one.found:
            form[code].choices = choices("visit_answer", lang=lang)
        elif one.value == "yes":
            form[code].choices = [("1", str(_("Yes"))), ("0", str(_("No")))]
        form[code].label.text = label("indicator", code, lang=lang)
    return form
