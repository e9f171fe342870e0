"""The street of a household, for staff of its district: what is on record, and the form that puts it right.

Enters: a street of the district, a village, a reason. Leaves: pages that name nobody.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households import place
from marketplace.households.doors import SENTENCES, bp
from marketplace.households.service import require_household
from marketplace.reference.districts import street_name, streets_of
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, TextField, _, _l, codes, confirm, current_session, done, writes
from marketplace.web.display import language


class PlaceForm(Form):
    """The street, the village if somebody knows it, and why it is changed."""

    street = OneField(_l("Street or township"), select=True)
    village = TextField(_l("Village or community: 12 digits, if known"), required=False, longest=12)
    reason = OneField(_l("Why?"))


@bp.route("/register/households/<household_id>/place", methods=["GET", "POST"], endpoint="place")
@guard("register:enter")
@writes
def place_of(household_id: str) -> ResponseReturnValue:
    """What waits of the household goes along to its street; the village that stood in the form stays with the old
    street."""
    session, actor, now = current_session(), current_actor(), utc_now()
    home = require_household(session, household_id, "register:enter", actor=actor)
    form, today = PlaceForm(data={"street": home.street_code, "village": home.village_code}), local_day(now)
    form.street.choices = [(one.code, one.zh) for one in streets_of(home.district_code, on=today)]
    form.reason.choices = choices(place.REASONS, lang=language())
    back = url_for(".people", household_id=home.id)
    if form.validate_on_submit():
        street, village, reason = (str(form[name].data or "") for name in ("street", "village", "reason"))
        if village == home.village_code and not village.startswith(street):
            village = ""
        try:
            place.correct(
                session, home.id, street_code=street, village_code=village, reason=reason, actor=actor, now=now
            )
        except BadInput as error:
            form[str(error.facts["field"])].errors = [SENTENCES[error.code]]
        else:
            return done(_("Corrected. What waits for this household is with its street now."), to=back)
    return confirm(
        layout="staff",
        title=_("The street of this household"),
        intro=_("Amounts and standards follow the street: a township counts as country. What waits goes along."),
        facts=[
            {"label": _("District"), "value": codes.place(home.district_code)},
            {"label": _("Street on record"), "value": street_name(home.street_code, on=today) or "—"},
            {"label": _("Village on record"), "value": home.village_code or "—"},
        ],
        button=_("Correct it"),
        back=back,
        form=form,
    )
