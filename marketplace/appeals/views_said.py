"""Staff write down what somebody says about its application, on the telephone, at the counter or at home.

Enters: requests of workers of the district. Leaves: one page with what can be said now; what is read aloud is on it.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.appeals import said
from marketplace.appeals.doors import bp
from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.readback.forms import ReadingForm, filled_reading, heard_from
from marketplace.reference.words import label
from marketplace.web import OneField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.display import language

SPOKEN = ("call", "home_visit", "counter")


class SaidForm(ReadingForm):
    """What the person said, and to what."""

    what = OneField(_l("What did the person say?"))
    words = TextField(_l("In the person's own words, for an appeal"), longest=1000, lines=3, required=False)


@bp.route("/said/<case_id>", methods=["GET", "POST"])
@guard("reading:case")
@writes
def say(case_id: str) -> ResponseReturnValue:
    """Remind, appeal, take back, leave the register: for whoever has no page of its own."""
    session, form, lang = current_session(), SaidForm(), language()
    filled_reading(form, channels=SPOKEN)
    form.what.choices = [
        (f"{act}:{ref}", _said(act, said.item_of(session, ref), lang=lang))
        for act, ref in said.possible(session, case_id, actor=current_actor())
    ]
    script = [
        _("You can have whoever holds it reminded, appeal against a decision, or take all of it back."),
        _("What do you want us to write down?"),
    ]
    if form.validate_on_submit() and _kept(case_id, form, script):
        return done(_("Written down; it counts from now."), to=url_for("cases.one", case_id=case_id))
    return render("appeals/said.html", form=form, script=script, case_id=case_id)


def _said(act: str, code: str, *, lang: str) -> str:
    words = label("reading_act", act, lang=lang)
    return f"{words}: {label('aid_item', code, lang=lang)}" if code else words


def _kept(case_id: str, form: SaidForm, script: list[str]) -> bool:
    act, _colon, ref = str(form.what.data).partition(":")
    words = form.words.data or ""
    if act == said.APPEAL and not words.strip():
        form.words.errors = [_("Write down why, as the person says it")]
        return False
    heard = heard_from(form, script)
    try:
        said.say(current_session(), case_id, act, ref, heard, words=words, actor=current_actor(), now=utc_now())
    except BadInput as error:
        told = str(error.facts.get("field", ""))
        form[told if told in form else "what"].errors = [form.fault(error.code)]
        return False
    return True
