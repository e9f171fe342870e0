"""Aid that a partner's machine reports, in the words of the ledger's table.

Enters: the checked records of a call. Leaves: how many were taken in, and which member of which record cannot be read;
never whether a household or a need is known. Called by `sharing.api`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from adapters.ports import Cell
from marketplace.actors import Actor
from marketplace.ledger.handing_in import hand_in
from marketplace.ledger.models_reports import ReportDoor
from marketplace.reference.needs import need_kind

COLUMNS = {
    "reference": "source_id",
    "household": "household_ref",
    "id_number": "head_id_number",
    "need": "need_source_id",
    "category": "category",
    "units": "units",
    "given_on": "given_on",
    "state": "state",
    "cause": "cause",
    "person_id_number": "person_id_number",
    "project": "project",
    "other_project": "other_project",
}
"""Member of a record ► column of the table."""
_MEMBERS = {column: member for member, column in COLUMNS.items()}


def report_aid(session: Session, aid: Sequence[Mapping[str, Any]], /, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Hand in the records; money is in fen here as everywhere in the interface."""
    records = [_record(one) for one in aid]
    told = hand_in(session, records, door=ReportDoor.API, actor=actor, now=now)
    faults = [
        {"record": fault.row, "field": _MEMBERS.get(fault.column, ""), "error": fault.code} for fault in told.faults
    ]
    return {"taken": told.taken, "faults": faults}


def _record(one: Mapping[str, Any]) -> dict[str, Cell]:
    record: dict[str, Cell] = {COLUMNS[member]: value for member, value in one.items()}
    return {**record, "unit": "fen"} if need_kind(one["category"]).is_money else record
