"""The pages of impact assessments: all of them, one of them with its two persons, and a new draft.

Enters: requests of staff and of the auditor. Leaves: pages; the rules are in `service`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from marketplace.assessments import service
from marketplace.assessments.models import Assessment, AssessmentState
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, DomainError
from marketplace.guards import current_actor, guard
from marketplace.reference import purposes
from marketplace.reference.words import choices
from marketplace.web import Form, ManyField, OneField, TextField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language

bp = Blueprint("assessments", __name__, url_prefix="/assessments")
STATES: dict[AssessmentState, tuple[Any, str]] = {
    AssessmentState.DRAFT: (_l("waits for a second person"), "wait"),
    AssessmentState.APPROVED: (_l("stands"), "done"),
    AssessmentState.REPLACED: (_l("replaced by a newer one"), "plain"),
    AssessmentState.WITHDRAWN: (_l("withdrawn"), "late"),
}
SENTENCES: dict[str, Any] = {
    service.NO_PIA: _l("Nobody has assessed what this means for the household. Nothing is shown before that is done."),
    "assessment_decided": _l("This assessment has been decided on in the meantime."),
    "second_person_needed": _l("Who wrote or proposed this may not decide on it: a second person does."),
}


class AssessmentForm(Form):
    """What is handed on to whom, and the three answers."""

    purpose = OneField(_l("Purpose"), select=True)
    recipient_kind = OneField(_l("Kind of recipient"), select=True)
    data_fields = ManyField(_l("Details it covers"))
    necessity = TextField(_l("Why is this needed, and why is less not enough?"), longest=service.LONGEST, lines=3)
    risks = TextField(_l("What could go wrong for a person?"), longest=service.LONGEST, lines=3)
    measures = TextField(_l("What is done against it?"), longest=service.LONGEST, lines=3)


def _form() -> AssessmentForm:
    form, zh = AssessmentForm(), not language().startswith("en")
    form.purpose.choices = [(one.code, one.zh if zh else one.en) for one in purposes.list_purposes()]
    form.recipient_kind.choices = choices("organisation_kind", lang=language())
    codes = dict.fromkeys(code for one in purposes.list_purposes() for code in one.fields)
    form.data_fields.choices = [(code, word(code, "field")) for code in codes]
    return form


@bp.get("/")
@guard("assessment:list")
def index() -> ResponseReturnValue:
    """All assessments."""
    return render("assessments/index.html", rows=service.list_assessments(current_session()), states=STATES)


@bp.get("/<assessment_id>")
@guard("assessment:list")
def one(assessment_id: str) -> ResponseReturnValue:
    """One of them, with who wrote and who approved it."""
    found = service.get_assessment(current_session(), assessment_id)
    own = service.wrote(found, current_actor())
    return render("assessments/one.html", one=found, state=STATES[found.state], own=own)


@bp.route("/new", methods=["GET", "POST"])
@guard("assessment:write")
@writes
def new() -> ResponseReturnValue:
    """Write a draft."""
    form = _form()
    if form.validate_on_submit():
        try:
            draft = service.write(
                current_session(),
                str(form.purpose.data),
                str(form.recipient_kind.data),
                data_fields=form.data_fields.data or [],
                necessity=form.necessity.data or "",
                risks=form.risks.data or "",
                measures=form.measures.data or "",
                actor=current_actor(),
                now=utc_now(),
            )
        except BadInput as error:
            _say(form, error)
        else:
            return done(_("Written. A second person decides on it."), to=url_for(".one", assessment_id=draft.id))
    return render("assessments/new.html", form=form)


def _say(form: AssessmentForm, error: DomainError) -> None:
    field: Any = form[str(error.facts.get("field", "purpose"))]
    field.errors = [
        _("One of these details may never be asked for this purpose")
        if error.code == "field_above_ceiling"
        else _("Write this down")
    ]


@bp.post("/<assessment_id>/approve")
@guard("assessment:approve")
@writes
def approve(assessment_id: str) -> ResponseReturnValue:
    """The second person's yes."""
    service.approve(current_session(), assessment_id, actor=current_actor(), now=utc_now())
    return done(_("This assessment stands from now on."), to=url_for(".one", assessment_id=assessment_id))


@bp.route("/<assessment_id>/withdraw", methods=["GET", "POST"])
@guard("assessment:withdraw")
@writes
def withdraw(assessment_id: str) -> ResponseReturnValue:
    """Ask once, then end it."""
    session, form = current_session(), Form()
    found: Assessment = service.get_assessment(session, assessment_id)
    if form.validate_on_submit():
        service.withdraw(session, assessment_id, actor=current_actor(), now=utc_now())
        return done(_("Withdrawn. Nothing is shown under it any longer."), to=url_for(".index"))
    return confirm(
        layout="staff",
        title=_("Withdraw this assessment"),
        intro=_("Nothing can be shown for this purpose to this kind of recipient until another one stands."),
        button=_("Withdraw"),
        back=url_for(".one", assessment_id=found.id),
        form=form,
        danger=True,
    )
