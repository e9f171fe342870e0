"""Call a meeting, decide row by row, close it.

Enters: staff of a district, or of the whole city. Leaves: a sheet whose decisions are at once pins, bans, duties or
closed needs, each by the ordinary service of its own room, so that the next run and the home page find them; at the end
the sheet is frozen with a hash. Whoever verified a need neither pins nor bans for it (`proposals.overrides` refuses).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, insert
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake.cells import names_somebody
from marketplace.meetings import duties, named, packs
from marketplace.meetings.models import Meeting, MeetingRow, MeetingState, Verdict
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.proposals import outlook, overrides
from marketplace.proposals.boards import came_to_its_end
from marketplace.proposals.models import OverrideKind, Run
from marketplace.proposals.outlook import Idea
from marketplace.proposals.overrides import Wish

HASHED = tuple(name for name in MeetingRow.model_fields if name != "meeting_id")
BATCH = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """What the meeting decides on one row; what its verdict does not use is empty."""

    verdict: Verdict
    reason: str
    offer_id: str = ""
    units: int = 0
    officer_id: str = ""
    due_on: date | None = None


def call(session: Session, district: str, /, *, actor: Actor, now: datetime) -> Meeting:
    """One press: the newest finished run of this area, everybody it left, and everybody unclaimed, as one sheet."""
    require(actor, "meeting:call", district=district)
    open_one = select(Meeting).where(Meeting.district_code == district, Meeting.state == MeetingState.OPEN)
    if session.exec(open_one).first() is not None:
        raise WrongState("meeting_open")
    meeting = Meeting(
        id=new_id(),
        run_id=_newest_run(session, district).id,
        district_code=district,
        state=MeetingState.OPEN,
        called_by=actor.id,
        called_at=now,
    )
    session.add(meeting)
    flush(session)
    _fill(session, meeting, now=now)
    _record(session, meeting, "meeting:call", actor=actor, now=now)
    return meeting


def _fill(session: Session, meeting: Meeting, *, now: datetime) -> int:
    """Put on the sheet whoever is not on it, numbered on; returns how many rows that were."""
    there = set(session.exec(select(MeetingRow.need_id).where(MeetingRow.meeting_id == meeting.id)))
    run = session.get_one(Run, meeting.run_id)
    found = packs.rows_of(session, run, district=meeting.district_code, now=now)
    rows = [row for row in found if row["need_id"] not in there]
    for number, row in enumerate(rows, start=meeting.row_count + 1):
        row |= {"meeting_id": meeting.id, "number": number}
    for some in chunks(rows, BATCH):
        session.execute(insert(MeetingRow), list(some))
    meeting.row_count += len(rows)
    return len(rows)


def add_new(session: Session, meeting_id: str, /, *, actor: Actor, now: datetime) -> int:
    """Whoever was left or became unclaimed since an open sheet was called comes on it too; returns how many."""
    meeting = open_sheet(session, meeting_id, actor=actor)
    added = _fill(session, meeting, now=now)
    if added:
        _record(session, meeting, "meeting:add", actor=actor, now=now)
    return added


def _newest_run(session: Session, district: str) -> Run:
    """The newest finished run that looked at this district, or for the whole city at every one."""
    runs = select(Run).where(came_to_its_end()).order_by(col(Run.number).desc())
    for run in session.exec(runs):
        within = run.scope.get("districts") or ()
        if not within or (district and district in within):
            return run
    raise BadInput("no_run", field="district")


def get_meeting(session: Session, meeting_id: str, /, *, actor: Actor) -> Meeting:
    """One meeting of the actor's area; another looks like a missing one."""
    meeting = session.get(Meeting, meeting_id)
    require(actor, "meeting:view", district=meeting.district_code if meeting is not None else None)
    if meeting is None:
        raise NotFound("meeting")
    return meeting


def list_meetings(session: Session, /, *, actor: Actor, offset: int, limit: int) -> tuple[list[Meeting], int]:
    """Meetings of the actor's districts (all, for the whole city's staff), open ones first, then the newest."""
    wanted = select(Meeting)
    if actor.districts:
        wanted = wanted.where(col(Meeting.district_code).in_(sorted(actor.districts)))
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    ordered = wanted.order_by(col(Meeting.closed_at).is_not(None), col(Meeting.called_at).desc(), col(Meeting.id))
    return list(session.exec(ordered.offset(offset).limit(limit))), total


def rows_of(
    session: Session, meeting: Meeting, /, *, filters: Mapping[str, str], offset: int = 0, limit: int | None = None
) -> list[MeetingRow]:
    """Rows of a sheet in their order, narrowed by blocker, verdict ("open": none yet) and remedy."""
    statement = select(MeetingRow).where(*_where(meeting, filters)).order_by(col(MeetingRow.number)).offset(offset)
    return list(session.exec(statement.limit(limit) if limit is not None else statement))


def count_rows(session: Session, meeting: Meeting, /, *, filters: Mapping[str, str]) -> int:
    """How many a page of `rows_of` is cut from."""
    return session.exec(select(func.count()).select_from(MeetingRow).where(*_where(meeting, filters))).one()


def _where(meeting: Meeting, filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [col(MeetingRow.meeting_id) == meeting.id]
    for column, name in ((MeetingRow.blocker, "blocker"), (MeetingRow.remedy, "remedy")):
        if filters.get(name):
            wanted.append(col(column) == filters[name])
    if verdict := filters.get("verdict"):
        wanted.append(col(MeetingRow.verdict) == ("" if verdict == "open" else verdict))
    return wanted


def blockers(session: Session, meeting: Meeting, /) -> list[tuple[str, int]]:
    """Blocker ► how many rows it holds up, the most frequent first."""
    statement = (
        select(MeetingRow.blocker, func.count())
        .where(MeetingRow.meeting_id == meeting.id)
        .group_by(col(MeetingRow.blocker))
        .order_by(func.count().desc(), col(MeetingRow.blocker))
    )
    return [(str(row[0]), int(row[1])) for row in session.execute(statement)]


def get_row(session: Session, meeting: Meeting, number: int, /, *, lock: bool = False) -> MeetingRow:
    """One row, or NotFound."""
    row = session.get(MeetingRow, (meeting.id, number), with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise NotFound("meeting_row")
    return row


def look_who_loses(
    session: Session, meeting_id: str, number: int, /, *, offer_id: str, units: int, actor: Actor
) -> Any:
    """Try the pin on the meeting's run and keep on the row how many would lose; the trial is for the page."""
    meeting, row = _open_row(session, meeting_id, number, actor=actor)
    idea = Idea("pin", need_id=row.need_id, offer_id=offer_id, units=units)
    trial = outlook.attempt(session, session.get_one(Run, meeting.run_id), idea, actor=actor)
    row.losers = trial.losers_count
    row.losers_units = sum(change.before - change.after for change in trial.losers)
    row.loser_urgency = max((change.need.urgency for change in trial.losers), default=None)
    session.add(row)
    flush(session)
    return trial


def open_sheet(session: Session, meeting_id: str, /, *, actor: Actor) -> Meeting:
    """The meeting, locked, if the actor may decide on it and it is not frozen."""
    meeting = get_meeting(session, meeting_id, actor=actor)
    require(actor, "meeting:decide", district=meeting.district_code)
    session.refresh(meeting, with_for_update=True)
    if meeting.state is not MeetingState.OPEN:
        raise WrongState("meeting_closed")
    return meeting


def _open_row(session: Session, meeting_id: str, number: int, *, actor: Actor) -> tuple[Meeting, MeetingRow]:
    meeting = open_sheet(session, meeting_id, actor=actor)
    row = get_row(session, meeting, number, lock=True)
    if row.verdict:
        raise WrongState("row_decided")
    return meeting, row


def decide(
    session: Session, meeting_id: str, number: int, decision: Decision, /, *, actor: Actor, now: datetime
) -> MeetingRow:
    """Enter one decision on the sheet and carry it out in the same moment."""
    meeting, row = _open_row(session, meeting_id, number, actor=actor)
    reason = decision.reason.strip()
    if not reason:
        raise BadInput("reason_missing", field="reason")
    if names_somebody(reason):
        raise BadInput("personal_in_text", field="reason")
    row.made_id = _carry_out(session, meeting, row, decision, actor=actor, now=now)
    named.settle(session, row, officer_id=decision.officer_id if decision.verdict is Verdict.DUTY else "", now=now)
    row.verdict, row.reason = decision.verdict.value, reason[:200]
    row.decision_offer_id, row.decision_units = decision.offer_id, decision.units
    row.decided_by, row.decided_at = actor.id, now
    body = {"row": number, "verdict": row.verdict, "units": decision.units}
    entry = audit.Entry("meeting:decide", object_ref=meeting.id, decision=row.verdict, body=body)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return row


def _carry_out(
    session: Session, meeting: Meeting, row: MeetingRow, decision: Decision, *, actor: Actor, now: datetime
) -> str:
    """Do what was decided; returns the id of the override or duty that it made."""
    if decision.verdict in (Verdict.PIN, Verdict.BAN):
        kind = OverrideKind(decision.verdict.value)
        units = decision.units if kind is OverrideKind.PIN else 0
        wish = Wish(kind, row.need_id, decision.offer_id, units)
        return overrides.keep(session, wish, reason=decision.reason.strip()[:200], actor=actor, now=now).id
    if decision.verdict is Verdict.DUTY:
        task = duties.Task(row.need_id, decision.officer_id, decision.reason, decision.due_on, meeting.id)
        return duties.give(session, task, actor=actor, now=now).id
    need = session.get_one(Need, row.need_id, with_for_update=True, populate_existing=True)
    if need.gap_units - need.committed_units != row.open_units:
        raise WrongState("need_committed")
    code = "government_aid" if decision.verdict is Verdict.GOVERNMENT else "closed_by_meeting"
    settling.settled_by_meeting(session, row.need_id, reason=code, actor=actor, now=now)
    return ""


def close(session: Session, meeting_id: str, /, *, actor: Actor, now: datetime) -> Meeting:
    """Freeze the sheet with its hash; rows without a decision stay so, and come back in the next meeting."""
    meeting = get_meeting(session, meeting_id, actor=actor)
    require(actor, "meeting:close", district=meeting.district_code)
    session.refresh(meeting, with_for_update=True)
    if meeting.state is not MeetingState.OPEN:
        raise WrongState("meeting_closed")
    named.keep_officers(session, rows_of(session, meeting, filters={"verdict": "open"}))
    meeting.sheet_sha256 = hash_of(session, meeting)
    meeting.state, meeting.closed_by, meeting.closed_at = MeetingState.CLOSED, actor.id, now
    _record(session, meeting, "meeting:close", actor=actor, now=now)
    return meeting


def hash_of(session: Session, meeting: Meeting, /) -> str:
    """SHA-256 over the run, the area and all rows in their order, each as one line of JSON."""
    digest = sha256(json.dumps([meeting.run_id, meeting.district_code, meeting.row_count]).encode() + b"\n")
    statement = select(MeetingRow).where(col(MeetingRow.meeting_id) == meeting.id).order_by(col(MeetingRow.number))
    for row in session.exec(statement):
        values = [_plain(getattr(row, name)) for name in HASHED]
        digest.update(json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def open_meetings(session: Session, actor: Actor, /) -> int:
    """How many sheets of the actor's area are being filled."""
    statement = select(func.count()).select_from(Meeting).where(col(Meeting.state) == MeetingState.OPEN)
    if actor.districts:
        statement = statement.where(col(Meeting.district_code).in_(sorted(actor.districts)))
    return session.exec(statement).one()


def _record(session: Session, meeting: Meeting, action: str, *, actor: Actor, now: datetime) -> None:
    session.add(meeting)
    body = {"run": meeting.run_id, "rows": meeting.row_count, "sheet": meeting.sheet_sha256}
    audit.record(session, audit.Entry(action, object_ref=meeting.id, body=body), actor=actor, now=now)
    flush(session)
