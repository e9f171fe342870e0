"""The desk at which a giver brings in a table of deliveries, and the table of open lines to fill in.

Enters: uploads of a giver. Leaves: pages on this room's blueprint; the rules are in `proofs.table`.
"""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.guards import current_actor, guard
from marketplace.intake import ImportKind
from marketplace.proofs import table
from marketplace.proofs.doors import SENTENCES, attachment, bp
from marketplace.web.desk import XLSX, Desk
from marketplace.web.display import language
from marketplace.web.leaving import leaves
from marketplace.web.transactions import current_session

desk = Desk(
    kind=ImportKind.DELIVERIES,
    action="proof:add",
    layout="charity",
    title=_l("Bring in a table of deliveries"),
    intro=_l("One row a delivery, with our line reference. An empty amount means all of it; less frees the rest."),
    home="proofs.deliveries",
    home_title=_l("Record deliveries"),
    schema=lambda _today: table.delivery_schema(),
    check=table.check_file,
    confirm=table.confirm_import,
    counts={
        "new": (_l("Deliveries to record"), ""),
        "fewer": (_l("Of these less than was matched"), "wait"),
        "slips": (_l("Slips for what is delivered already"), ""),
        "same": (_l("Recorded before, left as they are"), ""),
    },
    sentences=SENTENCES,
)
desk.install(bp)


@bp.get("/open.xlsx")
@guard("proof:add")
@leaves
def open_lines() -> ResponseReturnValue:
    """Everything on its way, to fill in."""
    data = table.open_lines(current_session(), actor=current_actor(), lang=language())
    return attachment(data, name="open-deliveries.xlsx", kind=XLSX)


@bp.get("/unproven.xlsx")
@guard("proof:add")
@leaves
def unproven_lines() -> ResponseReturnValue:
    """What was delivered without a slip, to fill in."""
    data = table.unproven_lines(current_session(), actor=current_actor(), lang=language())
    return attachment(data, name="deliveries-without-slip.xlsx", kind=XLSX)
