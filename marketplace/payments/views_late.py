"""A late batch of payments, for a member of staff who has spoken with its giver: more time, or given up.

Enters: an approver of the area. Leaves: a page with sums and no account, and the acts of `late`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.organisations.models import Organisation
from marketplace.payments import batches, late
from marketplace.payments.doors import bp
from marketplace.payments.models import BatchState, LineState, PaymentBatch
from marketplace.web import pages
from marketplace.web.fields import Form, OneField
from marketplace.web.formats import count, yuan
from marketplace.web.transactions import current_session, writes

WAITS = {
    BatchState.DRAFT: _l("for a second person of the giver to release it"),
    BatchState.RELEASED: _l("for the giver to take the file to its bank"),
    BatchState.SENT: _l("for the bank's answer to be brought in"),
}


class TalkForm(Form):
    """What came of the talk with the giver."""

    outcome = OneField(_l("What came of the talk?"))


@bp.route("/late/<batch_id>", methods=["GET", "POST"])
@guard("payment:talk")
@writes
def late_batch(batch_id: str) -> ResponseReturnValue:
    """Speak with the giver, then say what came of it."""
    session, actor, form = current_session(), current_actor(), TalkForm()
    batch, _clock = late.get_late(session, batch_id, actor=actor)
    form.outcome.choices = _outcomes(batch)
    back = url_for("decisions.deadlines")
    if not form.validate_on_submit():
        return pages.confirm(
            layout="staff",
            title=_("A payment is late"),
            intro=_("Speak with the giver. No household loses its help by this; each delivery keeps its own limit."),
            facts=_facts(batch),
            button=_("Write it down"),
            back=back,
            form=form,
        )
    act = late.stop if form.outcome.data == "stop" else late.extend
    act(session, batch_id, actor=actor, now=utc_now())
    return pages.done(_("Written down."), to=back)


def _outcomes(batch: PaymentBatch) -> list[tuple[str, str]]:
    found = []
    if late.may_extend(current_session(), batch):
        found.append((late.MORE, _("It gets the time of this step once more")))
    if late.may_stop(batch):
        found.append(("stop", _("It will not pay this batch: give it up, so that its grants are free")))
    return found


def _facts(batch: PaymentBatch) -> list[dict[str, str]]:
    session = current_session()
    waiting = batches.lines_of(session, batch.id, states=(LineState.WAITING,))
    return [
        {"label": _("From"), "value": session.get_one(Organisation, batch.org_id).name},
        {"label": _("Batch"), "value": f"{batch.month} · {batch.number}"},
        {"label": _("It waits"), "value": str(WAITS.get(batch.state, ""))},
        {"label": _("Payments that wait"), "value": count(len(waiting))},
        {"label": _("Together"), "value": yuan(sum(line.amount_fen for line in waiting))},
    ]
