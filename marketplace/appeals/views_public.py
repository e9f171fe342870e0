"""Anybody reports a demanded favour, without a name, and comes back for the answer with a code.

Enters: anybody. Leaves: pages; tries are counted even when the answer is no.
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from marketplace.appeals import service
from marketplace.appeals.doors import TONES, bp
from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotAllowed
from marketplace.guards import current_actor, guard
from marketplace.reference.districts import current
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, TextField, _, _l, current_database, render
from marketplace.web.display import language


class FavoursForm(Form):
    """Where, who, what."""

    district = OneField(_l("In which district?"), select=True)
    office = OneField(_l("Who demanded it?"))
    words = TextField(_l("What happened?"), longest=1000, lines=5)


class CodeForm(Form):
    """The code of an earlier report."""

    code = TextField(_l("The code of your report"), longest=20)


def _favours_form() -> FavoursForm:
    form, lang = FavoursForm(), language()
    form.district.choices = [(one.code, one.name(lang=lang)) for one in current(local_day(utc_now()))]
    form.office.choices = choices("appeal_office", lang=lang)
    return form


@bp.get("/favours")
@guard("favours:report")
def favours() -> ResponseReturnValue:
    """The form: no name, no telephone."""
    return render("appeals/favours.html", form=_favours_form())


@bp.post("/favours")
@guard("favours:report")
def favours_submit() -> ResponseReturnValue:
    """Keep it; the code appears once."""
    form, code = _favours_form(), ""
    if not form.validate_on_submit():
        return render("appeals/favours.html", form=form)
    given = {
        "district_code": form.district.data or "",
        "office": form.office.data or "",
        "words": form.words.data or "",
    }
    with current_database().transaction() as session:
        try:
            row, code = service.report_favours(
                session, **given, network=request.remote_addr or "", actor=current_actor(), now=utc_now()
            )
        except NotAllowed:
            form.words.errors = [_("Too many tries. Wait a quarter of an hour.")]
    if not code:
        return render("appeals/favours.html", form=form)
    return render("appeals/favours_code.html", code=f"{code[:4]} {code[4:8]} {code[8:]}", due=row.due_at)


@bp.get("/favours/answer")
@guard("favours:report")
def favours_answer() -> ResponseReturnValue:
    """Ask for the code of an earlier report."""
    return render("appeals/favours_answer.html", form=CodeForm(), found=None)


@bp.post("/favours/answer")
@guard("favours:report")
def favours_look() -> ResponseReturnValue:
    """Show the state and the answer behind a code."""
    form, found, answer = CodeForm(), None, ""
    if not form.validate_on_submit():
        return render("appeals/favours_answer.html", form=form, found=None)
    with current_database().transaction() as session:
        try:
            network = request.remote_addr or ""
            found = service.find_by_code(session, form.code.data or "", network=network, now=utc_now())
            answer = service.read(session, found, "answer") if found is not None else ""
        except NotAllowed:
            found = None
    if found is None:
        form.code.errors = [_("No report has this code. Check it letter by letter.")]
    return render("appeals/favours_answer.html", form=form, found=found, answer=answer, tones=TONES)
