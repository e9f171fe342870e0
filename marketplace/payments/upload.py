"""The desk at which a giver brings in what its bank answered.

Enters: uploads of a giver. Leaves: pages on this room's blueprint; the rules are in `results`.
"""

from __future__ import annotations

from marketplace.intake import ImportKind
from marketplace.payments import results
from marketplace.payments.doors import bp
from marketplace.payments.results_table import results_schema
from marketplace.web import _l
from marketplace.web.desk import Desk

desk = Desk(
    kind=ImportKind.PAYMENTS,
    action="payment:result",
    layout="charity",
    title=_l("Bring in the bank's answers"),
    intro=_l("One row a payment, found by our reference. The same file again changes nothing."),
    home="payments.index",
    home_title=_l("Payments"),
    schema=lambda today: results_schema(today=today),
    check=results.check_file,
    confirm=results.confirm_import,
    counts={
        "new": (_l("New answers"), ""),
        "paid": (_l("Of these paid"), ""),
        "paid_twice": (_l("Of these paid beside another payment of the same grant"), "late"),
        "failed": (_l("Of these failed: the households are asked"), "late"),
        "returned": (_l("Of these sent back"), "late"),
        "reclaimed": (_l("Of these reclaimed"), "wait"),
        "numbered": (_l("Known already: the bank's own number is kept with them"), ""),
        "same": (_l("Known already, left as they are"), ""),
        "pending": (_l("Still with the bank, left as they are"), ""),
    },
)
desk.install(bp)
