"""From an alert to temporary aid: one tap begins a case, one short page is written with the household, then read back.

Enters: a worker of the district. Leaves: pages; the rules are in `quick`. Called by `views`.
"""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.cases import quick
from marketplace.cases.doors import bp
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names
from marketplace.reference.words import label
from marketplace.web import Form, OneField, YuanField, _, _l, current_session, done, render, writes
from marketplace.web.display import language


class QuickForm(Form):
    """What happened and what it cost."""

    cause = OneField(_l("What happened?"))
    medical_fen = YuanField(_l("Paid by the household itself in the last twelve months"), least=0, required=False)


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
    """What happened, written where the household is; then it is read back and signed."""
    session, actor = current_session(), current_actor()
    case = quick.draft_of(session, household_id, actor=actor)
    form = QuickForm()
    words = {code: label("case_want", code, lang=language()) for code in quick.CAUSES}
    words["living"] = _("Another sudden hardship: a death, lost work, no money for food and daily life")
    form.cause.choices = list(words.items())
    if form.validate_on_submit():
        paid = form.medical_fen.data or 0
        quick.tell(session, case, str(form.cause.data), medical_fen=paid, actor=actor, now=utc_now())
        return redirect(url_for(".counter_read", case_id=case.id), code=303)
    name = masked_names(session, [household_id])[household_id]
    return render("cases/quick.html", form=form, name=name, household_id=household_id)
