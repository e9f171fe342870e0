"""A sheet called with its answers, who would lose for all of it; and a decision of the open sheet taken back.

Enters: staff that call a meeting or sit in it. Leaves: on every undecided row that its run left at zero, the cheapest
remedy in that run (a resource with the units it lacks, or the limit in the way) and who would lose if the row had one
unit today; or a row that is undecided again, with its pin or ban withdrawn, its duty taken back or its need open.
Called by the sheet.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import chunks, flush
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.meetings import duties, named, packs, service
from marketplace.meetings.models import Meeting, MeetingRow, RowKind, Verdict
from marketplace.meetings.service import get_row, open_sheet
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.proposals import outlook, overrides
from marketplace.proposals.models import Override, OverrideState, Run
from marketplace.reference.needs import reckoned_value
from matching.remedies import Way

CLOSED_HERE = ("government_aid", "closed_by_meeting")
_ASKED = 500


def convene(session: Session, district: str, /, *, actor: Actor, now: datetime) -> Meeting:
    """One press: the sheet, and every row's answer; a run whose input is damaged leaves the rows to be looked at."""
    meeting = service.call(session, district, actor=actor, now=now)
    with suppress(BadInput, NotFound):
        look_all(session, meeting.id, actor=actor, now=now)
    return meeting


def look_all(session: Session, meeting_id: str, /, *, actor: Actor, now: datetime) -> int:
    """One press for every undecided row; returns how many rows have an answer now. Repeatable."""
    meeting = open_sheet(session, meeting_id, actor=actor)
    wanted = select(MeetingRow).where(
        MeetingRow.meeting_id == meeting.id, MeetingRow.kind == RowKind.ZERO, MeetingRow.verdict == ""
    )
    rows = session.exec(wanted.order_by(col(MeetingRow.number)).with_for_update()).all()
    found = outlook.ways_of(session, session.get_one(Run, meeting.run_id), [row.need_id for row in rows], actor=actor)
    costs = packs.unit_costs(session, {row.category for row in rows})
    urgency = _urgency(session, {way.loser for way in found.values() if way.loser})
    answered = [row for row in rows if row.need_id in found]
    for row in answered:
        way = found[row.need_id]
        each = reckoned_value(row.unit) + costs.get(row.category, 0)
        _write(row, way, fen_each=each, loser_urgency=urgency.get(way.loser))
        session.add(row)
    body = {"rows": len(rows), "answered": len(answered)}
    audit.record(session, audit.Entry("meeting:look", object_ref=meeting.id, body=body), actor=actor, now=now)
    flush(session)
    return len(answered)


def _write(row: MeetingRow, way: Way, *, fen_each: int, loser_urgency: int | None) -> None:
    row.remedy, row.remedy_offer_id = f"run_{way.kind}", way.resource_id
    row.remedy_units = way.new_units or way.units
    row.remedy_fen = way.new_units * fen_each
    if way.asked:
        row.losers, row.losers_units, row.loser_urgency = int(bool(way.loser)), int(bool(way.loser)), loser_urgency


def _urgency(session: Session, need_ids: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(sorted(need_ids), _ASKED):
        found |= dict(session.exec(select(Need.id, Need.urgency).where(col(Need.id).in_(some))).all())
    return found


def undo(session: Session, meeting_id: str, number: int, /, *, actor: Actor, now: datetime) -> MeetingRow:
    """Take a decision back while the sheet is open; what it made ends with it, and the row waits again."""
    meeting = open_sheet(session, meeting_id, actor=actor)
    row = get_row(session, meeting, number, lock=True)
    if not row.verdict:
        raise WrongState("row_undecided")
    taken_back = row.verdict
    _end(session, row, actor=actor, now=now)
    named.unsettle(session, row, now=now)
    row.verdict, row.reason, row.made_id, row.decision_offer_id = "", "", "", ""
    row.decision_units, row.decided_by, row.decided_at = 0, "", None
    session.add(row)
    body = {"row": number, "verdict": taken_back}
    audit.record(session, audit.Entry("meeting:undo", object_ref=meeting.id, body=body), actor=actor, now=now)
    flush(session)
    return row


def _end(session: Session, row: MeetingRow, *, actor: Actor, now: datetime) -> None:
    """End what the decision made; a pin that somebody withdrew elsewhere is ended already."""
    if row.verdict in (Verdict.PIN, Verdict.BAN):
        if session.get_one(Override, row.made_id).state is OverrideState.STANDING:
            overrides.withdraw(session, row.made_id, actor=actor, now=now)
    elif row.verdict == Verdict.DUTY:
        duties.take_back(session, row.made_id, actor=actor, now=now)
    else:
        settling.reopened_by_meeting(session, row.need_id, reasons=CLOSED_HERE, actor=actor, now=now)
