"""The page of an organisation's own consents, its table, and the file of their signed receipts.

Enters: a person of the organisation. Leaves: what a machine of it would read (`sharing.api`), by browser and
spreadsheet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import request
from flask.typing import ResponseReturnValue

from adapters.ports import Cell
from adapters.tabular_writer import Column, write_xlsx
from marketplace.calendar import local_day, utc_now
from marketplace.guards import current_actor, guard, own_org
from marketplace.sharing import books
from marketplace.sharing.doors import bp
from marketplace.web import Page, _, current_session, page_number, render, writes
from marketplace.web import codes as words
from marketplace.web.desk import XLSX, file
from marketplace.web.leaving import leaves, mark


@bp.get("/our-consents/")
@guard("deletion:attest")
def own_consents() -> ResponseReturnValue:
    """Every consent that names us, the newest first."""
    session, org_id = current_session(), own_org()
    page = Page(page_number(), books.count(session, org_id))
    rows = books.consents_of(session, org_id, actor=current_actor(), offset=page.offset, most=page.size)
    return render("sharing/own_consents.html", rows=rows, page=page, now=utc_now())


@bp.post("/our-consents/list.xlsx")
@guard("deletion:attest")
@leaves
@writes
def own_consents_file() -> ResponseReturnValue:
    """All of them as a table."""
    heads = [
        Column(_("Consent"), width=30),
        Column(_("Number of the match"), width=30),
        Column(_("What for"), width=22),
        Column(_("State"), width=16),
        Column(_("Until"), "date", width=12),
        Column(_("To be deleted by"), "date", width=16),
        Column(_("Deleted on"), "date", width=12),
    ]
    return file(write_xlsx(heads, _lines(), mark=mark()), name="consents.xlsx", content_type=XLSX)


def _lines() -> Iterator[tuple[Cell, ...]]:
    for one in books.consents_of(current_session(), own_org(), actor=current_actor()):
        head, order = one.head, one.order
        yield (
            head.chain_id,
            head.of_match,
            words.word(head.purpose.value, "purpose"),
            words.word(head.state.value, "consent_state"),
            local_day(head.valid_to),
            local_day(order.due_at) if order else None,
            local_day(order.attested_at) if order and order.attested_at else None,
        )


@bp.post("/our-consents/receipts.json")
@guard("deletion:attest")
@leaves
@writes
def own_receipts() -> ResponseReturnValue:
    """The signed receipts of all of them, or of one match."""
    match_id = request.form.get("match_id", "")[:32]
    told = books.receipts_of(current_session(), own_org(), match_id=match_id, actor=current_actor(), now=utc_now())
    data = json.dumps({"receipts": told}, ensure_ascii=False, indent=1).encode()
    return file(data, name="receipts.json", content_type="application/json")
