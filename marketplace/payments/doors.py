"""The blueprint that the pages of this room hang on, its clock, and the sentences of its error codes."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("payments", __name__, url_prefix="/payments")
SENTENCES = {
    "nothing_to_pay": _l("Nothing can be paid now. The list of open grants says what each of them waits for."),
    "batch_changed": _l("This batch is not what was shown or released. Look at it again before you go on."),
    "batch_moved_on": _l("This batch has moved on in the meantime. Look at its present state before you go on."),
    "payee_is_kin": _l("Whoever is close to the holder of an account neither checks it nor pays to it."),
    "batch_no_more_time": _l("More time was given once already for this step."),
    "payer_is_approver": _l("Who approved a match, or typed its account, can neither prepare nor release its payment."),
    "lines_to_drop": _l("Some lines may not be paid any more. Look at the batch, then ask for the file again."),
    "month_open": _l("This month is open already."),
    "month_closed": _l("This month is closed. Open the new month first."),
    "no_account": _l("There is no account on record yet."),
    "payee_settled": _l("Somebody has settled this account already."),
    "account_known": _l("This account is on the list already."),
    "account_length": _l("A card number has 16 to 19 digits, another account number 8 to 30; nothing but digits."),
    "account_check_digit": _l("This card number cannot be right: its last digit does not fit. Compare it again."),
    "layout_without_reference": _l("Keep the column reference: without it the bank's answer finds no payment."),
    "layout_unknown": _l("Write one column a line, as heading = our name; each heading once."),
}
