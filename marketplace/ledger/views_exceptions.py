"""A district allows one need what a rule against helping twice forbids; the rule of it is in `ledger.overlap`.

Enters: approvers, with a reason. Leaves: one page that asks and the exception.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.ledger import overlap
from marketplace.ledger.doors import bp
from marketplace.ledger.views_rules import rule_row, rule_sentence
from marketplace.needs.models import Need
from marketplace.web import Form, TextField, _, _l, confirm, current_session, done, writes
from marketplace.web.codes import word


class ReasonForm(Form):
    """Why a district allows an exception."""

    reason = TextField(_l("Why?"), longest=200, description=_l("Write no name."))


@bp.route("/exceptions/<need_id>/<code>", methods=["GET", "POST"])
@guard("rule:except")
@writes
def allow_exception(need_id: str, code: str) -> ResponseReturnValue:
    """A district allows one need what the rule forbids, with a reason."""
    session, form = current_session(), ReasonForm()
    need = _need(session, need_id)
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Allow an exception"),
            intro=rule_sentence(rule_row(code).code, need),
            facts=[{"label": _("Need"), "value": word(need.category, "need")}],
            button=_("Allow it for this need"),
            back=url_for(".one_rule", code=code),
            form=form,
        )
    overlap.allow(session, need_id, code, reason=form.reason.data or "", actor=current_actor(), now=utc_now())
    return done(_("The exception is allowed for 90 days."), to=url_for(".one_rule", code=code))


def _need(session: Session, need_id: str) -> Need:
    need = session.get(Need, need_id)
    if need is None or not current_actor().serves(need.district_code):
        raise NotFound("need")
    return need
