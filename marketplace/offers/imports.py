"""Offers coming in by file: checked, shown with exact counts, confirmed by a person, stored once.

Enters: the bytes of a giver's file. Leaves: an `ImportBatch` whose counts say what confirming will do, then the offers.
The giver's own number tells rows apart: the same file again changes nothing, a changed row changes its offer, within
what is committed. Called by views and commands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from adapters.hsds import is_hsds
from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import chunks
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Stage,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.offers import hsds
from marketplace.offers.donors import keep_paper
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.pausing import LISTED
from marketplace.offers.planned import Plan, Planned, donor_fault, end_fault, is_same, plain
from marketplace.offers.service import source_index
from marketplace.offers.table import CLOSED_FOR_NOW, Idle, Taxonomy, offer_schema, terms_of_row, the_taxonomy
from marketplace.offers.terms import CONFIRMED_FOR, Terms, columns_of, shown_units, terms_of
from marketplace.organisations.models import Organisation
from marketplace.organisations.programmes import programmes
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.sealed import vault_of

_ASKED = 500


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
    taxonomy: Taxonomy | None = None,
) -> tuple[ImportBatch, Checked]:
    """The dry run for the actor's organisation, of a table or of an HSDS file: nothing is stored but the sealed batch
    and what it would do."""
    organisation, kinds = _allowed(session, actor), taxonomy or the_taxonomy()
    table = hsds.as_table(session, data, giver=organisation, now=now) if is_hsds(data) else data
    today = local_day(now)
    idle = _idle(session, organisation.id, kinds=kinds, today=today)
    checked = check_table(table, offer_schema(today=today, taxonomy=taxonomy, idle=idle), mapping=mapping)
    found = plan(session, checked.rows, organisation=organisation, kinds=kinds, today=today)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.OFFERS,
        file_name=file_name,
        data=data,
        source=organisation.id,
        actor=actor,
        now=now,
    )


def _allowed(session: Session, actor: Actor) -> Organisation:
    org_id = actor.org_id or ""
    require(actor, "offer:import", org_id=org_id)
    return require_active(session, org_id)


def _idle(session: Session, org_id: str, *, kinds: Taxonomy, today: date) -> Idle:
    """Whether a row says nothing new of a resource that is held here already; asked of ended ones only."""

    def idle(values: Mapping[str, Any]) -> bool:
        item = _planned(session, CheckedRow(0, values), org_id=org_id)
        item.known = session.exec(select(Offer).where(Offer.source_index == item.index)).first()
        item.terms = terms_of_row(values, kind=kinds[values["category"]], today=today)
        same = item.known is not None and is_same(item, terms_of(item.known), item.terms)
        return same and not item.confirms(today) and item.step != "reopen"

    return idle


def _planned(session: Session, row: CheckedRow, *, org_id: str) -> Planned:
    text = json.dumps(row.values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    index = source_index(session, org_id, source_id=row.values["source_id"])
    return Planned(row, index, vault_of(session).index("offer-content", text))


def plan(
    session: Session, rows: Sequence[CheckedRow], /, *, organisation: Organisation, kinds: Taxonomy, today: date
) -> Plan:
    """Compare the rows with the organisation's offers; O(rows), questions in slices. The offers stay locked."""
    found, known = Plan(), dict[str, Offer]()
    items = [_planned(session, row, org_id=organisation.id) for row in rows]
    for some in chunks(sorted(item.index for item in items), _ASKED):
        asked = select(Offer).where(col(Offer.source_index).in_(some)).order_by(col(Offer.id)).with_for_update()
        for offer in session.exec(asked.execution_options(populate_existing=True)):
            known[offer.source_index] = offer
    for item in items:
        item.known = known.get(item.index)
        item.terms = terms_of_row(item.row.values, kind=kinds[item.row.values["category"]], today=today)
        _sort(item, found, kinds=kinds, granted=organisation.purposes, today=today)
    found.faults += programmes(session, organisation.id).faults(rows)
    return found


def new_terms(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str, today: date) -> list[tuple[int, Terms]]:
    """Row of the file ► its terms, for the rows that stand for no resource here yet; nothing is locked."""
    kinds = the_taxonomy()
    index_of = {row.number: source_index(session, org_id, source_id=row.values["source_id"]) for row in rows}
    known: set[str] = set()
    for some in chunks(sorted(index_of.values()), _ASKED):
        known.update(session.exec(select(Offer.source_index).where(col(Offer.source_index).in_(some))))
    return [
        (row.number, terms_of_row(row.values, kind=kinds[row.values["category"]], today=today))
        for row in rows
        if index_of[row.number] not in known
    ]


def _sort(item: Planned, found: Plan, *, kinds: Taxonomy, granted: Sequence[str], today: date) -> None:
    known, values = item.known, item.row.values
    if known is not None and item.terms is not None and is_same(item, terms_of(known), item.terms):
        _same(item, found, today=today)
    elif item.terms is not None and (fault := end_fault(item, today=today)):
        found.faults.append(fault)
    elif kinds[values["category"]].purpose not in granted:
        fault = Fault(item.row.number, "category", values["category"], "purpose_above_ceiling", {}, Stage.ROWS)
        found.faults.append(fault)
    elif known is None:
        found.new.append(item)
    elif item.terms is not None and (code := donor_fault(item, terms_of(known), item.terms, today=today)):
        found.faults.append(Fault(item.row.number, "donor_purpose", item.terms.donor_purpose, code, {}, Stage.ROWS))
    elif known.category != values["category"]:
        found.faults.append(Fault(item.row.number, "category", values["category"], "category_fixed", {}, Stage.ROWS))
    elif values["stock"] < known.committed_units:
        least = {"least": shown_units(known.committed_units, known.unit)}
        shown = shown_units(values["stock"], known.unit)
        found.faults.append(Fault(item.row.number, "stock", shown, "stock_below_committed", least, Stage.ROWS))
    else:
        found.changed.append(item)


def _same(item: Planned, found: Plan, *, today: date) -> None:
    """A row that says nothing new: a step, or the giver's word that it still stands, or nothing at all."""
    fault = end_fault(item, today=today) if item.step == "reopen" or item.confirms(today) else None
    if fault is not None:
        found.faults.append(fault)
    elif item.step:
        found.changed.append(item)
    elif item.confirms(today):
        found.confirmed.append(item)
    else:
        found.same += 1


def confirm_import(
    session: Session, batch_id: str, /, *, actor: Actor, now: datetime, taxonomy: Taxonomy | None = None
) -> Mapping[str, int]:
    """Store the checked rows, if what would be done is still what was shown; else Conflict, and nothing is stored."""
    organisation, kinds = _allowed(session, actor), taxonomy or the_taxonomy()
    batch = get_batch(session, batch_id, kind=ImportKind.OFFERS, actor=actor)
    found = plan(session, rows_of(session, batch), organisation=organisation, kinds=kinds, today=local_day(now))
    refuse_changes(batch, found)
    for item in found.changed:
        if item.known is not None and item.terms is not None:
            before, after = plain(terms_of(item.known)), plain(item.terms)
            keep_paper(session, item.known, before, after, paper=item.paper, actor=actor, now=now)
    new = [_new_row(session, item, organisation.id, kinds, actor=actor, now=now) for item in found.new]
    changed = [_row(item, kinds, now=now) | {"id": item.known.id} for item in found.changed if item.known]
    for some in chunks(new, 2000):
        session.execute(insert(Offer), some)
    stands = [item.confirmed(now) for item in found.confirmed]
    for rows in (changed, stands):
        if rows:
            session.execute(update(Offer), rows)
    _record(session, [("offer:import", row) for row in new], batch_id=batch.id, actor=actor, now=now)
    _record(session, [("offer:update", row) for row in changed], batch_id=batch.id, actor=actor, now=now)
    _record(session, [("offer:reconfirm", row) for row in stands], batch_id=batch.id, actor=actor, now=now)
    _record(session, _stepped(found, changed), batch_id=batch.id, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    session.expire_all()
    return found.counts


def _stepped(found: Plan, changed: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The rows that the list paused or opened again, under the name of that act."""
    steps = {item.known.id: item.step for item in found.changed if item.known and item.step}
    return [(f"offer:{steps[row['id']]}", row) for row in changed if row["id"] in steps]


def _new_row(
    session: Session, item: Planned, org_id: str, kinds: Taxonomy, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    key = vault_of(session).ref("offer", org_id, item.row.values["source_id"])
    made = {"id": key, "org_id": org_id, "source_index": item.index, "created_by": actor.id, "created_at": now}
    return _row(item, kinds, now=now) | made


def _row(item: Planned, kinds: Taxonomy, *, now: datetime) -> dict[str, Any]:
    """The columns of an offer; one that its giver has paused or closed stays so, for the same reason, unless a list had
    paused it and now says open. What the list says is closed for now is paused, a new one too."""
    kind = kinds[item.row.values["category"]]
    terms = terms_of_row(item.row.values, kind=kind, today=local_day(now))
    if item.known is not None and item.known.valid_to is not None and item.leaves_the_end:
        later = item.known.valid_to if item.step == "pause" else local_day(now) + CONFIRMED_FOR
        terms = replace(terms, valid_to=max(item.known.valid_to, later))
    state, reason = OfferState.HELD if item.row.held else OfferState.OPEN, ";".join(item.row.held)
    if item.known is not None and item.stands[0] in (OfferState.PAUSED, OfferState.CLOSED):
        state, reason = item.stands
    if item.step == "reopen":
        state, reason = OfferState.OPEN, ""
    if state is OfferState.OPEN and item.row.values.get("status") == CLOSED_FOR_NOW:
        state, reason = OfferState.PAUSED, LISTED
    return columns_of(terms) | {
        "unit": kind.unit,
        "state": state,
        "state_reason": reason,
        "content_hash": item.content,
        "reference": item.row.values["source_id"],
        "confirm_by": local_day(now) + CONFIRMED_FOR,
        "reminded": False,
        "updated_at": now,
    }


def _record(
    session: Session, rows: Sequence[tuple[str, Mapping[str, Any]]], *, batch_id: str, actor: Actor, now: datetime
) -> None:
    entries = (
        audit.Entry(action, object_ref=row["id"], decision=row["state"].value, rule_id=batch_id) for action, row in rows
    )
    audit.record_many(session, entries, actor=actor, now=now)
