"""Staff pages of aid given: the ledger as a list, the sources with the day from which each is seen, and the upload.

Enters: requests of staff. Leaves: pages; a row shows no name, only kinds, amounts, days and who gave. The rules are in
`ledger.service` and `ledger.imports`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import col, func, select

from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.intake import ImportKind
from marketplace.ledger import imports
from marketplace.ledger.doors import bp
from marketplace.ledger.models import AidSource, AidState, LedgerEntry
from marketplace.ledger.table import aid_schema
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.web import DayField, Page, TextField, _l, current_session, page_number, render
from marketplace.web.desk import Desk, UploadForm
from marketplace.web.formats import local_day

STATES = {
    AidState.RESERVED: (_l("Reserved"), "wait"),
    AidState.APPROVED: (_l("Approved"), "info"),
    AidState.DELIVERED: (_l("Delivered"), "done"),
    AidState.RETURNED: (_l("Returned"), "plain"),
}


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


@bp.get("/")
@guard("aid:view")
def index() -> ResponseReturnValue:
    """The newest aid first, narrowed by kind, state and source; below it the sources."""
    session, actor = current_session(), current_actor()
    kind, state, source = (request.args.get(name, "")[:48] for name in ("category", "state", "source"))
    wanted = select(LedgerEntry, col(Household.district_code)).join(Household)
    if actor.districts:
        wanted = wanted.where(col(Household.district_code).in_(sorted(actor.districts)))
    for column, value in ((LedgerEntry.category, kind), (LedgerEntry.source, source)):
        wanted = wanted.where(col(column) == value) if value else wanted
    if state in set(AidState):
        wanted = wanted.where(col(LedgerEntry.state) == AidState(state))
    page = Page(page_number(), session.exec(select(func.count()).select_from(wanted.subquery())).one())
    newest = wanted.order_by(col(LedgerEntry.given_on).desc(), col(LedgerEntry.id))
    entries = [_shown(entry, district) for entry, district in session.exec(newest.offset(page.offset).limit(page.size))]
    sources = session.exec(select(AidSource).order_by(col(AidSource.source))).all()
    filters = {"category": kind, "state": state, "source": source}
    return render(
        "ledger/index.html",
        entries=entries,
        page=page,
        sources=sources,
        states=STATES,
        kinds=list_need_kinds(),
        filters=filters,
    )


def _shown(entry: LedgerEntry, district: str) -> dict[str, Any]:
    try:
        unit = need_kind(entry.category).unit
    except UnknownCode:
        unit = ""
    return {"entry": entry, "district": district, "unit": unit, "given_on": local_day(entry.given_on)}


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
    drop=imports.drop_import,
    counts={
        "new": (_l("New aid"), ""),
        "changed": (_l("Changed aid"), ""),
        "same": (_l("Unchanged, left as it is"), ""),
        "covering": (_l("Of these covering a known need"), ""),
        "beyond": (_l("Of these beyond the gap: history"), "wait"),
        "strangers": (_l("Left out: the household is not here"), "wait"),
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
