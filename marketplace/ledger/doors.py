"""The blueprint that the pages of this room hang on, and the sentences of its refusals."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("ledger", __name__, url_prefix="/aid")
SENTENCES: dict[str, Any] = {
    "ledger_step": _l("This aid has moved on: look at it again."),
    "rule_decided": _l("Somebody has decided on this change already."),
    "date_in_past": _l("The day has passed. A rule begins today or later."),
    "source_missing": _l("Name the source: the document that says so."),
    "days_outside": _l("Only a waiting time has days, from 1 to 3,650."),
    "later_change": _l("A change of this rule holds from a later day already: choose that day or one after it."),
    "limit_of_what": _l("Say which of the limits changes."),
    "order_of_two": _l("Say which payer moves, and before which other one it pays."),
    "limit_outside": _l("This limit is too large."),
    "nothing_changed": _l("Change at least one value."),
    "codes_outside": _l("Choose at least one from the list; what the rule does not look at cannot be added."),
    "rule_protects": _l("This rule protects households: it never rests, is never narrowed, and allows no exception."),
    "no_exception": _l("This rule allows no exception."),
    "no_bill_here": _l("Costs are kept only for verified needs whose rules reckon with a documented cost."),
    "cost_outside": _l("A cost lies between 0.01 and 100,000,000 yuan."),
    "whose_bill": _l("Say who was treated. Where that person has an open need of this kind, the cost belongs there."),
    "paper_missing": _l("Say which papers you have seen."),
    "cost_below_paid": _l("Payers have paid more than this cost: put their answers right first."),
    "layer_outside": _l("All payers together never pay more than the cost; an amount goes only with a payment."),
    "officer_is_kin": _l("You declared that you are close to this household: another officer does this."),
    "exception_stands": _l("An exception from this rule stands already for this need."),
    "hit_decided": _l("Somebody has looked at this already."),
    "minutes_outside": _l("Minutes lie between 0 and 600."),
    "report_decided": _l("This report is placed or set aside already."),
    "report_fits_nobody": _l("No household here fits this report: it cannot be counted."),
    "payment_fits_nobody": _l("The household of this payment is not in the register any more."),
    "event_unclear": _l(
        "This cannot be read: write a day and a district, such as 2026-08-12 Beibei, or a number with digits."
    ),
    "event_known": _l("This event is named already."),
    "need_exists": _l("This household has an open need of this kind for this event already."),
    "too_many_rows": _l("At most 500 records are taken in one call."),
}
