"""The form of a reading, shared by every page on which staff read something aloud.

Enters: a request. Leaves: a form with words in the reader's language, and `Heard` for the service. Called by the pages
of `cases` and `answers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField

from marketplace.readback.models import SignedBy
from marketplace.readback.service import Heard, Script
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, TextField, TickField, _, _l
from marketplace.web.display import language

STAFFS = ("counter", "home_visit", "call", "slip")
"""How staff read something aloud; a text message is the person's own."""
FAULTS: dict[str, Any] = {
    "two_witnesses": _l("Write the names of two witnesses, with a comma between them"),
    "evidence_missing": _l("Write where the signed paper or the recording is kept"),
    "signed_by_channel": _l("By telephone a person says yes; everywhere else it signs"),
    "text_changed": _l("The text has changed since you read it. Read the new one aloud and ask again."),
}


class ReadingForm(Form):
    """How it was read, in which dialect, and how the person signed."""

    shown = HiddenField()
    channel = OneField(_l("How was it read?"))
    dialect = OneField(_l("In which dialect?"), select=True)
    signed = OneField(_l("How did the person sign?"))
    witnesses = TextField(_l("Names of both witnesses"), longest=120, required=False)
    evidence = TextField(_l("Where the signed paper or the recording is kept"), longest=120)
    read_aloud = TickField(_l("I read all of it aloud and the person said yes"), required=_l("Read it aloud first"))

    def fault(self, code: str) -> Any:
        """The sentence for what went wrong."""
        return FAULTS.get(code, _("Please check this"))


def filled_reading(form: ReadingForm, /, *, channels: Sequence[str] = STAFFS) -> None:
    """Give the form its choices."""
    lang = language()
    form.channel.choices = [pair for pair in choices("reading_channel", lang=lang) if pair[0] in channels]
    form.dialect.choices = choices("dialect", lang=lang)
    form.signed.choices = [pair for pair in choices("reading_sign", lang=lang) if pair[0] != SignedBy.CODE]


def show(form: ReadingForm, script: Script, /) -> None:
    """The form is drawn under this text, and carries its fingerprint."""
    form.shown.data = script.sha256


def heard_from(form: ReadingForm, script: Script, /) -> Heard:
    """What was filled in, and the text as it stands now."""
    return Heard(
        channel=str(form.channel.data),
        signed=SignedBy(str(form.signed.data)),
        dialect=str(form.dialect.data),
        script=script,
        shown=form.shown.data or "",
        evidence=form.evidence.data or "",
        witnesses=form.witnesses.data or "",
    )
