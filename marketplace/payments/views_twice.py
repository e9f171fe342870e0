"""Money that came twice for one match, for a member of staff: the giver leaves it with the household.

Enters: an approver of the area. Leaves: a page that names no person and no account, and the act of `twice`. Where the
giver has its bank take one payment back, nothing is to be done here: the bank's answer settles it.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import utc_now
from marketplace.decisions.cards import cards_of
from marketplace.guards import current_actor, guard
from marketplace.payments import twice
from marketplace.payments.doors import bp
from marketplace.web import codes, pages
from marketplace.web.transactions import current_session, writes


@bp.get("/paid-twice/<line_id>")
@guard("payment:talk")
def paid_twice(line_id: str) -> ResponseReturnValue:
    """What the bank paid beside another payment or a hand-over, and what to speak about with both sides."""
    session = current_session()
    line, match = twice.get_asked(session, line_id, actor=current_actor())
    card = cards_of(session, [match])[0]
    beside, paid_too = line.reason_code == twice.HANDED_OVER, _("Paid beside another payment")
    need = codes.word(card.need.category, "need")
    return pages.confirm(
        layout="staff",
        title=_("The bank paid what was handed over already") if beside else _("The bank paid twice"),
        intro=_(
            "Speak with the giver: its bank can take one payment back, and its next table of answers settles this. "
            "Only where the giver leaves the money with the household, write that down here. It then stands in the "
            "giver's books as a difference with this cause."
        ),
        facts=[
            {"label": _("Match"), "value": f"{need} · {card.organisation.name}"},
            {"label": _("Paid beside the hand-over") if beside else paid_too, "value": line.reference},
            {"label": _("Sum"), "value": codes.amount(line.amount_fen, card.need.unit)},
        ],
        button=_("The giver leaves it with the household"),
        back=url_for("decisions.deadlines"),
        action=url_for(".leave_twice", line_id=line_id),
    )


@bp.post("/paid-twice/<line_id>")
@guard("payment:talk")
@writes
def leave_twice(line_id: str) -> ResponseReturnValue:
    """Nobody asks it back."""
    twice.leave(current_session(), line_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Written down."), to=url_for("decisions.deadlines"))
