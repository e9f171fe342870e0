"""The desk at which a verifier brings in a table of needs.

Enters: uploads of a verifier. Leaves: pages on the needs' blueprint; the rules are in `needs.imports`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.intake import ImportKind
from marketplace.needs import forms, imports
from marketplace.needs.blueprint import bp
from marketplace.needs.table import need_schema
from marketplace.reference.needs import need_kind
from marketplace.web import _l
from marketplace.web.codes import amount
from marketplace.web.desk import Desk

COUNTS = {
    "new": (_l("New needs"), ""),
    "changed": (_l("Changed needs"), ""),
    "same": (_l("Unchanged, left as they are"), ""),
    "held": (_l("Of these held for a person"), "late"),
    "unverified": (_l("Of these still to be verified"), "wait"),
    "double": (_l("Left out: open already from another source"), "wait"),
    "erased": (_l("Left out: of people who were erased here"), "wait"),
}


def _gap(values: Mapping[str, Any]) -> str:
    return amount(values["gap_units"], need_kind(values["category"]).unit)


desk = Desk(
    kind=ImportKind.NEEDS,
    action="need:import",
    layout="staff",
    title=_l("Bring in a table of needs"),
    intro=_l("One row a need, with its own number: the same number again changes that need."),
    home="needs.index",
    home_title=_l("Needs"),
    schema=lambda today: need_schema(today=today),
    check=imports.check_file,
    confirm=imports.confirm_import,
    counts=COUNTS,
    sentences=forms.SENTENCES,
    form=forms.NeedsUploadForm,
    asked=("source",),
    row_words=_gap,
    held_home=("needs.index", _l("See the held needs")),
)
desk.install(bp)
