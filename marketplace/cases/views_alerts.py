"""From an alert to temporary aid: one tap begins a case, one short page written with the household sends it.

Enters: a worker of the district. Leaves: pages; the rules are in `quick`. Called by `views`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.cases import quick
from marketplace.cases.doors import SENTENCES, bp
from marketplace.cases.forms import SIGNED
from marketplace.cases.models import PaperKind
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names
from marketplace.reference.words import label
from marketplace.web import (
    Form,
    OneField,
    TextField,
    TickField,
    YuanField,
    _,
    _l,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.display import language


class QuickForm(Form):
    """What happened, what it cost, and the household's signature."""

    cause = OneField(_l("What happened?"))
    medical_fen = YuanField(_l("Paid by the household itself in the last twelve months"), least=0, required=False)
    agree = TickField(
        _l("The household says: civil affairs may check our income, property and spending"), required=SIGNED
    )
    hand_on = TickField(_l("The household says: what stays uncovered may be written down as a need for charities"))
    kind = OneField(_l("How does it sign?"))
    typed_name = TextField(_l("Name of the one who signs"), longest=40)


@bp.post("/alerts/households/<household_id>/temporary-aid")
@guard("case:from_alert")
@writes
def from_alert(household_id: str) -> ResponseReturnValue:
    """One tap: temporary aid begins."""
    quick.begin(current_session(), household_id, actor=current_actor(), now=utc_now())
    return done(_("Begun. Write it together with the household."), to=url_for(".quick", household_id=household_id))


@bp.route("/cases/of-alert/<household_id>", methods=["GET", "POST"], endpoint="quick")
@guard("case:from_alert")
@writes
def quick_page(household_id: str) -> ResponseReturnValue:
    """The short application, written where the household is."""
    session, actor, now = current_session(), current_actor(), utc_now()
    case = quick.draft_of(session, household_id, actor=actor)
    form = QuickForm()
    form.cause.choices = [(code, label("case_want", code, lang=language())) for code in quick.CAUSES]
    form.kind.choices = [
        (PaperKind.TYPED.value, _("It types its name here")),
        (PaperKind.WITNESSED.value, _("It cannot write: I read this aloud and witness the yes")),
    ]
    if form.validate_on_submit():
        told = quick.Told(
            cause=str(form.cause.data),
            medical_fen=form.medical_fen.data or 0,
            name=form.typed_name.data,
            kind=PaperKind(str(form.kind.data)),
            hand_on=bool(form.hand_on.data),
        )
        try:
            item = quick.send(session, case, told, actor=actor, now=now)
        except BadInput as error:
            form.typed_name.errors = [SENTENCES.get(error.code, _("Please check this"))]
        else:
            return done(_("Sent on the fast path. It can be decided now."), to=url_for(".item", item_id=item.id))
    name = masked_names(session, [household_id])[household_id]
    return render("cases/quick.html", form=form, name=name, household_id=household_id)
