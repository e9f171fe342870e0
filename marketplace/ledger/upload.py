"""The desk at which verifiers bring in tables of past aid; the rules are in `ledger.imports`."""

from __future__ import annotations

from datetime import date
from typing import Any

from marketplace.intake import ImportKind
from marketplace.ledger import imports
from marketplace.ledger.doors import bp
from marketplace.ledger.table import aid_schema
from marketplace.web import DayField, TextField, _l
from marketplace.web.desk import Desk, UploadForm


class AidUploadForm(UploadForm):
    """Whose file it is, and from when on it tells everything."""

    source = TextField(
        _l("Source"),
        longest=32,
        description=_l("A short name, such as redcross. The same name again finds the same rows again."),
    )
    seen_from = DayField(
        _l("The file tells everything from this day on"),
        description=_l("Every run says from when on its duplicate check sees this source."),
    )


def _schema(today: date) -> Any:
    return aid_schema(today=today)


desk = Desk(
    kind=ImportKind.AID,
    action="aid:import",
    layout="staff",
    title=_l("Bring in aid that was given"),
    intro=_l("Aid that names a need covers it up to what is open; the rest is the household's history."),
    home="ledger.index",
    home_title=_l("Ledger"),
    schema=_schema,
    check=imports.check_file,
    confirm=imports.confirm_import,
    counts={
        "new": (_l("New aid"), ""),
        "changed": (_l("Changed aid"), ""),
        "same": (_l("Unchanged, left as it is"), ""),
        "covering": (_l("Of these covering a known need"), ""),
        "beyond": (_l("Of these beyond the gap: history"), "wait"),
        "repeated": (_l("Of these told by another source already: counted once"), "wait"),
        "strangers": (_l("Kept sealed for a year: the household is not here yet"), "wait"),
    },
    sentences={
        "bad_source": _l("Write a short name of letters, digits, - or _."),
        "date_in_future": _l("This day lies in the future."),
    },
    form=AidUploadForm,
    asked=("source", "seen_from"),
    always=True,
)
desk.install(bp)
