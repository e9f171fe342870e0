"""Staff open what an item is decided on: a photo that was handed in, the person's name, the words of an objection.

Enters: requests of officers who may decide or answer. Leaves: pages that show one sealed thing, each after its audit
row; the word whether a photo fits, and the answer to an objection. The rules are in `looking` and `notice`.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.cases import forms, looking, notice, service, steps
from marketplace.cases.doors import bp
from marketplace.cases.models import CaseItem
from marketplace.guards import current_actor, guard
from marketplace.households import service as households
from marketplace.policy import require
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, _, _l, current_session, done, render, writes
from marketplace.web.display import language

CARD = {"name": _l("Name on the card"), "id_number": _l("Number on the card")}
"""What can be compared with the photo of the card."""


class CardForm(Form):
    """Which of both, and why."""

    field = OneField(_l("What do you need to see?"))
    reason = OneField(_l("Why?"), select=True)


def card_form() -> CardForm:
    """The form with its choices."""
    form = CardForm()
    form.field.choices = list(CARD.items())
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


@bp.post("/cases/items/<item_id>/uploads/<aid_paper_id>")
@guard("case:look")
@writes
def upload_look(item_id: str, aid_paper_id: str) -> ResponseReturnValue:
    """The photo; the look is written down."""
    actor = current_actor()
    paper, picture = looking.look(current_session(), item_id, aid_paper_id, actor=actor, now=utc_now())
    own = paper.recorded_by in actor.people
    return render("cases/picture.html", item_id=item_id, paper=paper, picture=picture, own=own)


@bp.post("/cases/items/<item_id>/uploads/<aid_paper_id>/check")
@guard("case:handle")
@writes
def upload_check(item_id: str, aid_paper_id: str) -> ResponseReturnValue:
    """Whoever looked says whether it fits."""
    fits = request.form.get("fits") == "y"
    looking.judge(current_session(), item_id, aid_paper_id, fits=fits, actor=current_actor(), now=utc_now())
    return done(_("Written down."), to=url_for(".item", item_id=item_id))


@bp.post("/cases/items/<item_id>/card")
@guard("household:reveal")
@writes
def card(item_id: str) -> ResponseReturnValue:
    """The name or the number of the person whose application it is, to compare with the card, with a reason."""
    session, actor, form = current_session(), current_actor(), card_form()
    item: CaseItem = steps.get_item(session, item_id)
    require(actor, "case:view", district=item.district_code)
    shown: dict[str, Any] = {"item_id": item_id, "form": form, "text": ""}
    if not form.validate_on_submit():
        return render("cases/card.html", **shown)
    shown["label"] = CARD[str(form.field.data)]
    shown["text"] = households.reveal(
        session,
        service.get_case(session, item.case_id, actor=actor).subject_id,
        field=str(form.field.data),
        actor=actor,
        now=utc_now(),
        purpose="verification",
        reason=str(form.reason.data),
    )
    return render("cases/card.html", **shown)


@bp.post("/cases/objections/<objection_id>")
@guard("case:handle")
@writes
def read_objection(objection_id: str) -> ResponseReturnValue:
    """What somebody wrote against the notice; the look is written down."""
    return _objection(objection_id, forms.FindingForm(formdata=None))


def _objection(objection_id: str, form: forms.FindingForm) -> ResponseReturnValue:
    row, words = notice.read_objection(current_session(), objection_id, actor=current_actor(), now=utc_now())
    return render("cases/objection.html", objection=row, words=words, finding=form)


@bp.post("/cases/objections/<objection_id>/answer")
@guard("case:handle")
@writes
def answer(objection_id: str) -> ResponseReturnValue:
    """The answer to an objection; the notice hangs out three days more."""
    form = forms.FindingForm()
    if not form.validate_on_submit():
        return _objection(objection_id, form)
    found, upheld = form.finding.data, bool(form.upheld.data)
    row = notice.answer(current_session(), objection_id, found, upheld=upheld, actor=current_actor(), now=utc_now())
    return done(_("Answered. The notice stands three days more."), to=url_for(".item", item_id=row.item_id))
