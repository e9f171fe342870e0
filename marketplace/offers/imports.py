"""Offers coming in by file: checked, shown with exact counts, confirmed by a person, stored once.

Enters: the bytes of a giver's file. Leaves: an `ImportBatch` whose counts say what confirming will do, then the offers.
The giver's own number tells rows apart: the same file again changes nothing, a changed row changes its offer, within
what is committed. Called by views and commands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from marketplace.offers.donors import DonorPaper, keep_paper
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.pausing import LISTED
from marketplace.offers.service import source_index
from marketplace.offers.table import CLOSED_FOR_NOW, Taxonomy, offer_schema, terms_of_row, the_taxonomy
from marketplace.offers.terms import CONFIRMED_FOR, Terms, columns_of, loosens, shown_units, terms_of
from marketplace.organisations.models import Organisation
from marketplace.organisations.programmes import programmes
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.sealed import vault_of

_ASKED = 500
_TEXTS = ("title", "project", "donor_purpose", "standard", "steps", "rules")


@dataclass(slots=True)
class Planned:
    """A row with the index of its number, the hash of its content, and the offer that the house holds for it."""

    row: CheckedRow
    index: str
    content: str
    known: Offer | None = None
    terms: Terms | None = None

    @property
    def paper(self) -> DonorPaper | None:
        """The donor's consent to a wider use, if the row names one."""
        document, signed_on = self.row.values.get("donor_document"), self.row.values.get("donor_signed_on")
        return DonorPaper(document, date.fromisoformat(signed_on)) if document and signed_on else None

    @property
    def step(self) -> str:
        """What the list says of the state: it pauses what is open, and opens again only what a list has paused."""
        said = self.row.values.get("status")
        if self.known is None or said is None:
            return ""
        if said == CLOSED_FOR_NOW:
            return "pause" if self.known.state is OfferState.OPEN else ""
        return "reopen" if self.stands == (OfferState.PAUSED, LISTED) else ""

    @property
    def stands(self) -> tuple[OfferState, str]:
        """State and reason of a known offer; an expired one counts as what it was."""
        assert self.known is not None
        expired = self.known.state is OfferState.EXPIRED and self.known.expired_from
        return OfferState(expired or self.known.state), self.known.state_reason


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        held = sum(bool(item.row.held) for item in (*self.new, *self.changed))
        told = {"new": len(self.new), "changed": len(self.changed), "same": self.same, "held": held}
        steps = [item.step for item in self.changed]
        return told | {name: steps.count(name) for name in ("pause", "reopen") if name in steps}


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
    checked = check_table(table, offer_schema(today=local_day(now), taxonomy=taxonomy), mapping=mapping)
    found = plan(session, checked.rows, organisation=organisation, kinds=kinds, today=local_day(now))
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


def plan(
    session: Session, rows: Sequence[CheckedRow], /, *, organisation: Organisation, kinds: Taxonomy, today: date
) -> Plan:
    """Compare the rows with the organisation's offers; O(rows), questions in slices. The offers stay locked."""
    vault, found = vault_of(session), Plan()
    known: dict[str, Offer] = {}
    items = []
    for row in rows:
        text = json.dumps(row.values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        index = source_index(session, organisation.id, source_id=row.values["source_id"])
        items.append(Planned(row, index, vault.index("offer-content", text)))
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
    if known is not None and item.terms is not None and _is_same(item, terms_of(known), item.terms):
        found.same += not item.step
        found.changed += [item] if item.step else []
    elif kinds[values["category"]].purpose not in granted:
        fault = Fault(item.row.number, "category", values["category"], "purpose_above_ceiling", {}, Stage.ROWS)
        found.faults.append(fault)
    elif known is None:
        found.new.append(item)
    elif item.terms is not None and (code := _donor_fault(item, terms_of(known), item.terms, today=today)):
        found.faults.append(Fault(item.row.number, "donor_purpose", item.terms.donor_purpose, code, {}, Stage.ROWS))
    elif known.category != values["category"]:
        found.faults.append(Fault(item.row.number, "category", values["category"], "category_fixed", {}, Stage.ROWS))
    elif values["stock"] < known.committed_units:
        least = {"least": shown_units(known.committed_units, known.unit)}
        shown = shown_units(values["stock"], known.unit)
        found.faults.append(Fault(item.row.number, "stock", shown, "stock_below_committed", least, Stage.ROWS))
    else:
        found.changed.append(item)


def _is_same(item: Planned, before: Terms, after: Terms) -> bool:
    """Whether the row says nothing new: the row that came in last, or the terms as they stand."""
    known = item.known
    return (known is not None and known.content_hash == item.content) or _plain(before) == _plain(after)


def _plain(terms: Terms) -> Terms:
    """Terms as a cell keeps them: texts on one line, and a least amount of at least one portion."""
    texts: dict[str, Any] = {name: " ".join(getattr(terms, name).split()) for name in _TEXTS}
    return replace(terms, **texts, min_per_need=max(terms.min_per_need, terms.lot))


def _donor_fault(item: Planned, before: Terms, after: Terms, *, today: date) -> str:
    if not loosens(_plain(before), _plain(after)):
        return ""
    if item.paper is None:
        return "donor_paper_missing"
    return "donor_paper_future" if item.paper.signed_on > today else ""


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
            before, after = _plain(terms_of(item.known)), _plain(item.terms)
            keep_paper(session, item.known, before, after, paper=item.paper, actor=actor, now=now)
    new = [_new_row(session, item, organisation.id, kinds, actor=actor, now=now) for item in found.new]
    changed = [_row(item, kinds, now=now) | {"id": item.known.id} for item in found.changed if item.known]
    for some in chunks(new, 2000):
        session.execute(insert(Offer), some)
    if changed:
        session.execute(update(Offer), changed)
    _record(session, [("offer:import", row) for row in new], batch_id=batch.id, actor=actor, now=now)
    _record(session, [("offer:update", row) for row in changed], batch_id=batch.id, actor=actor, now=now)
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
