"""Staff pages of aid given: the ledger as a list, and the sources with the day from which each is seen.

Enters: requests of staff. Leaves: pages; a row shows no name, only kinds, amounts, days and who gave. The rules are in
`ledger.service`.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import col, func, select

from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.ledger.doors import bp
from marketplace.ledger.models import AidSource, AidState, LedgerEntry
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.web import Page, _l, current_session, page_number, render
from marketplace.web.formats import local_day

STATES = {
    AidState.RESERVED: (_l("Reserved"), "wait"),
    AidState.APPROVED: (_l("Approved"), "info"),
    AidState.DELIVERED: (_l("Delivered"), "done"),
    AidState.RETURNED: (_l("Returned"), "plain"),
    AidState.REPEAT: (_l("Told twice, counted once"), "wait"),
}


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
