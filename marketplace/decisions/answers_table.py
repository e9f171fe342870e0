"""A giver's table of matches, filled in elsewhere and brought back: answers to matches, and results of deliveries.

Enters: the bytes of a file with our match number, and in each row an answer with its reason, or what came of a delivery
with the minutes spent. Leaves: each carried out through the very act of the page. A table is all or nothing: a row that
does not fit is named with its mend, rows in which nothing was filled in are left alone, and the same file again changes
nothing. `sheet` writes the table that goes out with these columns behind its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.consent.ask import living_auto_match
from marketplace.db import chunks
from marketplace.decisions import results, service
from marketplace.decisions.at_once import hold_matches
from marketplace.decisions.models import GiverResult, Match, MatchState
from marketplace.decisions.results import MOST_MINUTES, REPORTABLE, Told
from marketplace.errors import ConsentMissing
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    Column,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Row,
    Schema,
    cells,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.policy import require
from marketplace.reference.words import list_codes

ACCEPT, DECLINE = "accept", "decline"
ANSWERS = {ACCEPT: ("接受", "Accept"), DECLINE: ("婉拒", "Decline")}
ALSO = (
    (ACCEPT, "同意", "accepted", "yes"),
    (ACCEPT, "已接受", "是", "y"),
    (DECLINE, "谢绝", "declined", "no"),
    (DECLINE, "拒绝", "否", "n"),
)
TO_FILL = ("answer", "reason", "result", "minutes")
"""The columns that a giver fills in."""
_ASKED = 500


def answer_schema() -> Schema:
    """The columns that a giver fills in; the file of all matches carries them beside the rest."""
    words = cells.meanings((code, *labels) for code, labels in ANSWERS.items())
    for code, *more in ALSO:
        words |= cells.meanings([(code, more[0], more[1])]) | cells.meanings([(code, more[2], more[2])])
    reasons, told = (cells.one_of(cells.meanings_of(table)) for table in ("giver_decline", "giver_result"))
    why, what = list_codes("giver_decline"), list_codes("giver_result")
    also = ("原因", "谢绝原因", "reason")
    minutes = cells.whole(0, MOST_MINUTES)
    columns = (
        Column("match", "匹配编号", "Match", cells.text(32), needed=True, filled=True, also=("编号",)),
        Column("answer", "答复", "Answer", cells.one_of(words), choices=tuple(ANSWERS)),
        Column("reason", "婉拒原因", "Reason for declining", reasons, also=also, choices=why),
        Column("result", "帮扶结果", "Result", told, also=("结果",), choices=what),
        Column("minutes", "投入分钟", "Minutes spent", minutes, also=("分钟", "minutes"), kind="number"),
    )
    return Schema(columns=columns, key=("match",), finish=_finish)


def _finish(row: Row) -> None:
    if row["answer"] == DECLINE and not row["reason"]:
        row.fault("reason", "decline_reason_missing")
    if row["minutes"] is not None and not row["result"]:
        row.fault("result", "minutes_without_result")


@dataclass(frozen=True, slots=True)
class Planned:
    """One row that would be carried out, and the match it names: an answer with its reason, or a result."""

    match: Match
    answer: str = ""
    reason: str = ""
    told: Told | None = None


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[Planned] = field(default_factory=list)
    same: int = 0
    unanswered: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        done = [item.answer or "result" for item in self.new]
        told = {name: done.count(code) for name, code in COUNTED.items()}
        return {"new": len(self.new), **told, "same": self.same, "unanswered": self.unanswered}


COUNTED = {"accepted": ACCEPT, "declined": DECLINE, "results": "result"}


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str, now: datetime) -> Plan:
    """Compare the rows with what is known; a match of another giver is as unknown as an invented one."""
    filled = _filled(rows)
    found, known = Plan(unanswered=len(rows) - len(filled)), _known(session, filled, org_id=org_id)
    reported = results.by_match(session, known)
    for row in filled:
        match = known.get(row.values["match"])
        if match is None:
            found.faults.append(row.fault("match", "unknown_match"))
            continue
        if row.values.get("answer"):
            _place_answer(session, found, row, match, now=now)
        if row.values.get("result"):
            _place_result(found, row, match, reported.get(match.id))
    return found


def _filled(rows: Sequence[CheckedRow]) -> list[CheckedRow]:
    return [row for row in rows if row.values.get("answer") or row.values.get("result")]


def _known(session: Session, rows: Sequence[CheckedRow], *, org_id: str) -> dict[str, Match]:
    found: dict[str, Match] = {}
    mine = select(Match).where(col(Match.org_id) == org_id)
    for some in chunks(sorted({row.values["match"] for row in rows}), _ASKED):
        found |= {match.id: match for match in session.exec(mine.where(col(Match.id).in_(some)))}
    return found


def _place_answer(session: Session, found: Plan, row: CheckedRow, match: Match, *, now: datetime) -> None:
    answer, reason = row.values["answer"], row.values.get("reason") or ""
    if match.state is not MatchState.AWAITING_GIVER:
        _settled(found, row, match)
    elif match.held_for:
        found.faults.append(row.fault("match", "match_held"))
    elif answer == ACCEPT and not _may_be_matched(session, match, now=now):
        found.faults.append(row.fault("answer", "match_without_consent"))
    else:
        found.new.append(Planned(match, answer, reason))


def _settled(found: Plan, row: CheckedRow, match: Match) -> None:
    """A match that no longer waits for the giver: the same answer again is nothing new, another one is a fault."""
    declined = match.state is MatchState.DECLINED_GIVER
    if declined and row.values["answer"] == DECLINE:
        same = match.reason_code == (row.values.get("reason") or "")
    else:
        same = not declined and match.giver_answered_at is not None and row.values["answer"] == ACCEPT
    if same:
        found.same += 1
    else:
        code = "match_answered_otherwise" if match.giver_answered_at else "match_not_asked"
        found.faults.append(row.fault("answer", code))


def _place_result(found: Plan, row: CheckedRow, match: Match, known: GiverResult | None) -> None:
    """A result is told once: the same again is nothing new, another one is a fault. Minutes that are left empty say
    nothing about those that are known."""
    told = Told(row.values["result"], row.values.get("minutes"))
    if known is not None and known.outcome == told.outcome and told.minutes in (None, known.minutes):
        found.same += 1
    elif known is not None:
        found.faults.append(row.fault("result", "result_told_otherwise"))
    elif match.state not in REPORTABLE:
        found.faults.append(row.fault("result", "result_before_delivery"))
    else:
        found.new.append(Planned(match, told=told))


def _may_be_matched(session: Session, match: Match, *, now: datetime) -> bool:
    try:
        living_auto_match(session, match.household_id, org_id=match.org_id, now=now)
    except ConsentMissing:
        return False
    return True


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
) -> tuple[ImportBatch, Checked]:
    """The dry run: nothing is stored but the sealed batch and what it would do."""
    org_id = _allowed(actor)
    checked = check_table(data, answer_schema(), mapping=mapping)
    found = plan(session, checked.rows, org_id=org_id, now=now)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.ANSWERS,
        file_name=file_name,
        data=data,
        source=org_id,
        actor=actor,
        now=now,
    )


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Carry every row out, if that is still what was shown; else Conflict, and nothing is stored."""
    org_id = _allowed(actor)
    batch = get_batch(session, batch_id, kind=ImportKind.ANSWERS, actor=actor)
    rows = rows_of(session, batch)
    hold_matches(session, _known(session, _filled(rows), org_id=org_id))  # all of them before the first act
    found = plan(session, rows, org_id=org_id, now=now)
    counts = found.counts
    refuse_changes(batch, found)
    for item in sorted(found.new, key=lambda item: item.match.id):
        _carry_out(session, item, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return counts


def _carry_out(session: Session, item: Planned, *, actor: Actor, now: datetime) -> None:
    if item.told is not None:
        results.report(session, item.match.id, item.told, actor=actor, now=now)
    elif item.answer == ACCEPT:
        service.giver_accepts(session, item.match.id, actor=actor, now=now)
    else:
        service.giver_declines(session, item.match.id, reason_code=item.reason, actor=actor, now=now)


def _allowed(actor: Actor) -> str:
    org_id = actor.org_id or ""
    require(actor, "match:answer", org_id=org_id)
    return org_id
