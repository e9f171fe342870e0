"""A giver's answers to many matches at once: ticked on the page, or written into its table and brought in.

Enters: ids of matches that were ticked, or the bytes of a file with our match number, the answer and the reason in each
row. Leaves: matches taken on or declined, each through the very acts of the page. Of ticked matches one that has moved
on is left out with its cause. A table is all or nothing: a row that does not fit is named with its mend, rows without
an answer are left alone, and the same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.consent.ask import living_auto_match
from marketplace.decisions import service
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.outcome import Excluded
from marketplace.errors import BadInput, ConsentMissing, DomainError
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
    drop_upload,
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
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Answered:
    """Matches that were answered, and those that were left as they are."""

    done: tuple[str, ...]
    excluded: tuple[Excluded, ...]


def accept_many(session: Session, match_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> Answered:
    """Take on every ticked match that can still be taken on."""
    return _each(session, match_ids, lambda one: service.giver_accepts(session, one, actor=actor, now=now))


def decline_many(
    session: Session, match_ids: Sequence[str], /, *, reason_code: str, actor: Actor, now: datetime
) -> Answered:
    """Say no to every ticked match that still waits for the giver, all with one reason."""
    if reason_code not in list_codes("giver_decline"):
        raise BadInput("reason_missing", field="reason_code")
    return _each(
        session,
        match_ids,
        lambda one: service.giver_declines(session, one, reason_code=reason_code, actor=actor, now=now),
    )


def _each(session: Session, match_ids: Sequence[str], act: Callable[[str], object]) -> Answered:
    if not match_ids:
        raise BadInput("nothing_chosen", field="match")
    done, excluded = [], []
    for match_id in sorted(set(match_ids)):
        try:
            with session.begin_nested():
                act(match_id)
        except DomainError as error:
            excluded.append(Excluded(match_id, error.code))
        else:
            done.append(match_id)
    return Answered(tuple(done), tuple(excluded))


def answer_schema() -> Schema:
    """The columns that a giver fills in; the file of all matches carries them beside the rest."""
    words = cells.meanings((code, *labels) for code, labels in ANSWERS.items())
    for code, *more in ALSO:
        words |= cells.meanings([(code, more[0], more[1])]) | cells.meanings([(code, more[2], more[2])])
    reasons = cells.one_of(cells.meanings_of("giver_decline"))
    columns = (
        Column("match", "匹配编号", "Match", cells.text(32), needed=True, filled=True, also=("编号",)),
        Column("answer", "答复", "Answer", cells.one_of(words), needed=True, choices=tuple(ANSWERS)),
        Column(
            "reason",
            "婉拒原因",
            "Reason for declining",
            reasons,
            also=("原因", "谢绝原因", "reason"),
            choices=list_codes("giver_decline"),
        ),
    )
    return Schema(columns=columns, key=("match",), finish=_finish)


def _finish(row: Row) -> None:
    if row["answer"] == DECLINE and not row["reason"]:
        row.fault("reason", "decline_reason_missing")


@dataclass(frozen=True, slots=True)
class Planned:
    """One row that would be carried out, and the match it names."""

    match: Match
    answer: str
    reason: str


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
        declined = sum(item.answer == DECLINE for item in self.new)
        accepted = len(self.new) - declined
        told = {"accepted": accepted, "declined": declined, "same": self.same, "unanswered": self.unanswered}
        return {"new": len(self.new), **told}


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str, now: datetime) -> Plan:
    """Compare the answers with what is known; a match of another giver is as unknown as an invented one."""
    answered = [row for row in rows if row.values.get("answer")]
    found, known = Plan(unanswered=len(rows) - len(answered)), _known(session, answered, org_id=org_id)
    for row in answered:
        match = known.get(row.values["match"])
        if match is None:
            found.faults.append(row.fault("match", "unknown_match"))
        elif match.state is not MatchState.AWAITING_GIVER:
            _settled(found, row, match)
        elif row.values["answer"] == ACCEPT and not _may_be_matched(session, match, now=now):
            found.faults.append(row.fault("answer", "match_without_consent"))
        else:
            found.new.append(Planned(match, row.values["answer"], row.values.get("reason") or ""))
    return found


def _known(session: Session, rows: Sequence[CheckedRow], *, org_id: str) -> dict[str, Match]:
    ids = sorted({row.values["match"] for row in rows})
    found: dict[str, Match] = {}
    for start in range(0, len(ids), _ASKED):
        some = select(Match).where(col(Match.org_id) == org_id, col(Match.id).in_(ids[start : start + _ASKED]))
        found |= {match.id: match for match in session.exec(some)}
    return found


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
    """Give every answer, if that is still what was shown; else Conflict, and nothing is stored."""
    org_id = _allowed(actor)
    batch = get_batch(session, batch_id, kind=ImportKind.ANSWERS, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=org_id, now=now)
    counts = found.counts
    refuse_changes(batch, found)
    for item in sorted(found.new, key=lambda item: item.match.id):
        if item.answer == ACCEPT:
            service.giver_accepts(session, item.match.id, actor=actor, now=now)
        else:
            service.giver_declines(session, item.match.id, reason_code=item.reason, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return counts


def drop_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Forget a checked file."""
    _allowed(actor)
    drop_upload(session, batch_id, kind=ImportKind.ANSWERS, actor=actor, now=now)


def _allowed(actor: Actor) -> str:
    org_id = actor.org_id or ""
    require(actor, "match:answer", org_id=org_id)
    return org_id
