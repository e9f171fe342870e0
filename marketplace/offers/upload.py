"""The desk at which a giver brings in a table of resources.

Enters: uploads of a giver. Leaves: pages on the offers' blueprint; the rules are in `offers.imports`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.intake import ImportKind
from marketplace.offers import imports
from marketplace.offers.blueprint import bp
from marketplace.offers.table import offer_schema
from marketplace.reference.needs import need_kind
from marketplace.web import UploadField, _l
from marketplace.web.codes import amount
from marketplace.web.desk import Desk, UploadForm

SENTENCES = {
    "hsds_unreadable": _l(
        "This is no HSDS file that can be read. Write a list of services as JSON, or zip the tables."
    ),
    "hsds_too_large": _l("This HSDS file holds too much. Split it."),
    "hsds_no_id": _l("A service in this HSDS file has no id or no name."),
    "hsds_no_service": _l("This HSDS file holds no active service."),
    "hsds_other_organisation": _l("This HSDS file holds services of another organisation."),
}


def _stock(values: Mapping[str, Any]) -> str:
    return amount(values["stock"], need_kind(values["category"]).unit)


class OffersForm(UploadForm):
    """A table, or services as HSDS."""

    file = UploadField(_l("Table (CSV or XLSX), or HSDS (JSON or ZIP)"), accept=".csv,.xlsx,.json,.zip")


desk = Desk(
    kind=ImportKind.OFFERS,
    action="offer:import",
    layout="charity",
    title=_l("Bring in a table of resources"),
    intro=_l("One row a resource, with your own number for it: the same number again changes that resource."),
    home="offers.mine",
    home_title=_l("Our resources"),
    schema=lambda today: offer_schema(today=today),
    check=imports.check_file,
    confirm=imports.confirm_import,
    counts={
        "new": (_l("New resources"), ""),
        "changed": (_l("Changed resources"), ""),
        "pause": (_l("Of these paused, as the list says"), "wait"),
        "reopen": (_l("Of these opened again, as the list says"), ""),
        "confirmed": (_l("Confirmed for another half year, for the list says open"), ""),
        "same": (_l("Unchanged, left as they are"), ""),
        "held": (_l("Of these held for a person"), "late"),
    },
    sentences=SENTENCES,
    form=OffersForm,
    row_words=_stock,
    looks=("proposals.gift_table", _l("What would these gifts do?")),
    held_home=("offers.mine", _l("See the held resources")),
)
desk.install(bp)
