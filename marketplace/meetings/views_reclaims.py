"""The giver's answer to a review that asks it to claim urgent aid back. Enters: its manager, with a reason. Leaves: a
page that says what is asked and the two ways to go on: ask it back (a page of decisions), or let it be."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.meetings import reclaims
from marketplace.meetings.doors import bp, say
from marketplace.needs.models import Need
from marketplace.web import codes, pages
from marketplace.web.fields import Form, TextField
from marketplace.web.transactions import current_session, writes


class LetBeForm(Form):
    """Why the giver does not claim it back; civil affairs reads it."""

    reason = TextField(_l("Why do you let it be? (no names or addresses)"), longest=200)


@bp.route("/urgent/asked-back/<match_id>", methods=["GET", "POST"])
@guard("match:reclaim")
@writes
def let_be(match_id: str) -> ResponseReturnValue:
    """Say why this help is not claimed back."""
    session, actor, form = current_session(), current_actor(), LetBeForm()
    match, row, clock = reclaims.asked_of_giver(session, match_id, actor=actor)
    if clock.ended_at is not None:
        raise NotFound("match")
    back = url_for("decisions.charity_match", match_id=match_id)
    if form.validate_on_submit():
        try:
            reclaims.let_be(session, match_id, reason=form.reason.data or "", actor=actor, now=utc_now())
            return pages.done(_("Noted. Civil affairs reads your reason."), to=back)
        except BadInput as error:
            say(form, error, fallback="reason")
    need = session.get_one(Need, match.need_id)
    return pages.confirm(
        layout="charity",
        title=_("Let it be"),
        intro=_("A review found that this urgent help should not have been given. You may claim it back or let it be."),
        facts=[
            {
                "label": _("Help"),
                "value": f"{codes.word(need.category, 'need')} · {codes.amount(match.units, need.unit)}",
            },
            {"label": _("What was found"), "value": row.review_reason},
        ],
        button=_("Let it be"),
        back=back,
        form=form,
    )
