"""The telephones of a pair on call, corrected on a page that shows none of them.

Enters: an approver of the shift's area. Leaves: a sealed number and its audit row; nothing that was typed is kept else.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.meetings import roster
from marketplace.meetings.doors import bp, say
from marketplace.meetings.forms import PhonesForm
from marketplace.meetings.named import name_of
from marketplace.meetings.views_sheet import area
from marketplace.web import pages
from marketplace.web.transactions import current_session, writes


@bp.route("/urgent/roster/<row_id>/phones", methods=["GET", "POST"])
@guard("roster:set")
@writes
def on_call_phones(row_id: str) -> ResponseReturnValue:
    """Another telephone for who is on call; the ones that are kept are not shown."""
    session, actor, form, now = current_session(), current_actor(), PhonesForm(), utc_now()
    row = roster.get_planned(session, row_id, actor=actor, now=now)
    if form.validate_on_submit():
        numbers = {seat: (form[f"{seat}_phone"].data or "").strip() for seat in roster.SEATS}
        try:
            roster.correct_phones(session, row_id, **numbers, actor=actor, now=now)
        except BadInput as error:
            say(form, error, fallback="verifier_phone")
        else:
            return pages.done(_("Corrected. From now on text messages go there."), to=url_for(".on_call"))
    return pages.confirm(
        layout="staff",
        title=_("Correct a telephone of the roster"),
        intro=_("Type only the number that is wrong. The other one stays."),
        facts=[
            {"label": _("Area"), "value": area(row.district_code)},
            {"label": _("Verifies"), "value": name_of(session, row.verifier_id)},
            {"label": _("Approves"), "value": name_of(session, row.approver_id)},
        ],
        button=_("Correct it"),
        back=url_for(".on_call"),
        form=form,
    )
