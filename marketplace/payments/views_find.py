"""From the reference on a bank's statement to the payment, its batch and its grant; for the giver's people.

Enters: a reference. Leaves: a page with every payment under it, one that the bank paid again included, and the bank's
own number of each answer, which tells them apart. No name and no account number is on it.
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.guards import guard, own_org
from marketplace.payments.doors import bp
from marketplace.payments.models import AGAIN, PaymentBatch, PaymentLine
from marketplace.payments.results_known import answers_of
from marketplace.payments.views_giver import LINE_TONES
from marketplace.web import pages
from marketplace.web.transactions import current_session


@bp.get("/find")
@guard("payment:view")
def find_line() -> ResponseReturnValue:
    """What became of one payment."""
    session, reference = current_session(), request.args.get("reference", "").strip().upper()[:16]
    first = reference.partition(AGAIN)[0]
    mine = select(PaymentLine, PaymentBatch).join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
    mine = mine.where(col(PaymentLine.org_id) == own_org())
    same = (col(PaymentLine.reference) == first) | col(PaymentLine.reference).startswith(first + AGAIN, autoescape=True)
    rows = session.exec(mine.where(same).order_by(col(PaymentLine.reference))).all() if first else []
    answers = answers_of(session, [line.id for line, _batch in rows])
    return pages.render("payments/found.html", rows=rows, answers=answers, reference=reference, line_tones=LINE_TONES)
