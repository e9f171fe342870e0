"""The staff's side: what waits for an answer, one of them, the answer.

Enters: staff. Leaves: pages; opening somebody's words is written into the chain first.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.appeals import decided, service
from marketplace.appeals.doors import TONES, bp
from marketplace.appeals.models import Appeal, AppealState
from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.reference.words import label
from marketplace.web import (
    Form,
    OneField,
    Page,
    TextField,
    _,
    _l,
    current_database,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language


class AnswerForm(Form):
    """What was found, in words that the reader understands."""

    state = OneField(_l("What was found?"))
    text = TextField(_l("The answer, as it is read"), longest=1000, lines=5)


def _form(row: Appeal) -> AnswerForm:
    form = AnswerForm()
    found = service.OUTCOMES[row.kind]
    form.state.choices = [(one.value, label("appeal_state", one.value, lang=language())) for one in found]
    return form


@bp.get("/")
@guard("appeal:list")
def index() -> ResponseReturnValue:
    """What this reader may answer, open ones first."""
    number = page_number()
    size = Page(number, 0).size
    found = service.list_appeals(
        current_session(), actor=current_actor(), offset=Page(number, 0).offset, limit=size + 1
    )
    return render(
        "appeals/index.html", rows=found[:size], tones=TONES, now=utc_now(), number=number, more=len(found) > size
    )


@bp.get("/<appeal_id>")
@guard("appeal:list")
def one(appeal_id: str) -> ResponseReturnValue:
    """One of them; the look is written down and committed before the words are opened."""
    actor = current_actor()
    with current_database().transaction() as session:
        row = service.get_for_staff(session, appeal_id, "appeal:list", actor=actor)
        service.look(session, row, actor=actor, now=utc_now())
    row = service.get_for_staff(current_session(), appeal_id, "appeal:list", actor=actor)
    return _page(row, _form(row))


def _page(row: Appeal, form: AnswerForm) -> ResponseReturnValue:
    session, actor = current_session(), current_actor()
    return render(
        "appeals/one.html",
        one=row,
        words=service.read(session, row, "words"),
        answer=service.read(session, row, "answer"),
        about=decided.about(session, row.object_ref),
        begins=service.begins(row),
        may_answer=not service.took_part(session, row, actor),
        form=form,
        tones=TONES,
    )


@bp.post("/<appeal_id>/answer")
@guard("appeal:answer")
@writes
def answer(appeal_id: str) -> ResponseReturnValue:
    """Answer it; whoever decided may not."""
    session, actor = current_session(), current_actor()
    row = service.get_for_staff(session, appeal_id, "appeal:answer", actor=actor)
    form = _form(row)
    if not form.validate_on_submit():
        return _page(row, form)
    state, text = AppealState(str(form.state.data)), form.text.data or ""
    if service.answer(session, appeal_id, state, text=text, actor=actor, now=utc_now()):
        return done(_("Answered. It is decided anew by somebody who has not decided it before."), to=url_for(".index"))
    if service.begins(row) and state is AppealState.UPHELD:
        told = _("Answered. No new decision begins: it was granted elsewhere meanwhile, or is over. Tell them.")
        return done(told, to=url_for(".one", appeal_id=row.id))
    return done(_("Answered."), to=url_for(".index"))
