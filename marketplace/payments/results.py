"""What the bank answered, coming in by file: checked, shown with exact counts, confirmed by a person, kept once.

Enters: the bytes of a bank's table. Leaves: `BankResult` rows, lines that have moved on, and what follows from them (a
match delivered, open again, or given back). The same file again changes nothing; an answer that contradicts what is
known is named with its row and its mend, never guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.decisions.at_once import hold_matches
from marketplace.decisions.models import MatchState
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
from marketplace.payments.booking import months_for
from marketplace.payments.effects import Answer, apply
from marketplace.payments.models import (
    BankNumber,
    BatchState,
    LineState,
    PaymentLine,
    ResultKind,
)
from marketplace.payments.results_known import BACK, Known, Told, known_of, matches_of
from marketplace.payments.results_table import PENDING, results_schema
from marketplace.policy import require

_ORDER = (ResultKind.FAILED, ResultKind.PAID, ResultKind.RETURNED, ResultKind.RECLAIMED)
"""In which the answers of one file about one line are taken: money goes out before it comes back."""


@dataclass(slots=True)
class Plan:
    """Answers by what becomes of them."""

    answers: list[Answer] = field(default_factory=list)
    numbers: list[tuple[PaymentLine, ResultKind, str]] = field(default_factory=list)
    """Answers known without the bank's own number, which this table gives."""
    same: int = 0
    pending: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        by_kind = {kind.value: sum(answer.kind is kind for answer in self.answers) for kind in ResultKind}
        second = sum(answer.twice for answer in self.answers)
        left = {"numbered": len(self.numbers), "same": self.same, PENDING: self.pending}
        return {"new": len(self.answers), **by_kind, "paid_twice": second, **left}


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
    """The dry run: nothing is stored but the sealed upload and what it would do."""
    org_id = actor.org_id or ""
    require(actor, "payment:result", org_id=org_id)
    checked = check_table(data, results_schema(today=local_day(now)), mapping=mapping)
    found = plan(session, checked.rows, org_id=org_id)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.PAYMENTS,
        file_name=file_name,
        data=data,
        source="bank",
        actor=actor,
        now=now,
    )


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Take the answers in, if what would be done is still what was shown; else Conflict, and nothing is stored."""
    require(actor, "payment:result", org_id=actor.org_id)
    batch, org_id = get_batch(session, batch_id, kind=ImportKind.PAYMENTS, actor=actor), actor.org_id or ""
    rows = rows_of(session, batch)
    hold_matches(session, matches_of(session, rows, org_id=org_id), givers=[org_id])  # all before the first act
    found = plan(session, rows, org_id=org_id, lock=True)
    refuse_changes(batch, found)
    booked = months_for(session, org_id, (answer.on_day for answer in found.answers))
    for answer in found.answers:
        apply(session, answer, month=booked[answer.on_day], import_id=batch.id, actor=actor, now=now)
    for line, kind, bank_ref in found.numbers:
        session.add(BankNumber(line_id=line.id, kind=kind, bank_ref=bank_ref, import_id=batch.id, told_at=now))
        entry = audit.Entry("payment:number", object_ref=line.reference, subject=line.household_id, decision=kind.value)
        audit.record(session, entry, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str, lock: bool = False) -> Plan:
    """Compare the answers with what is known of their lines; O(rows), questions in slices. What the bank still works
    on is left alone."""
    told = [row for row in rows if row.values["result"] != PENDING]
    known, found = known_of(session, told, org_id=org_id, lock=lock), Plan(pending=len(rows) - len(told))
    ordered = sorted(told, key=lambda row: (_ORDER.index(ResultKind(row.values["result"])), row.number))
    for row in [row for row in ordered if not _numbered(row, known, found)]:
        _place(row, known, found)
    found.faults.sort(key=lambda fault: fault.row)
    return found


def _numbered(row: CheckedRow, known: Known, found: Plan) -> bool:
    """Whether the row is a known answer that had no number of the bank yet, and gives it."""
    kind, told = ResultKind(row.values["result"]), _told(row)
    line = known.number(row.values["reference"], kind, told)
    if line is None or row.values.get("amount_fen", line.amount_fen) != line.amount_fen:
        return False
    found.numbers.append((line, kind, told.bank_ref))
    return True


def _told(row: CheckedRow) -> Told:
    on_day = date.fromisoformat(row.values["on_day"])
    return Told(on_day, row.values.get("reason_code") or "", row.values.get("bank_ref") or "")


def _place(row: CheckedRow, known: Known, found: Plan) -> None:
    kind, says = ResultKind(row.values["result"]), _told(row)
    line = known.line_of(row.values["reference"], kind, says.bank_ref)
    if line is None or known.batches[line.id].state is not BatchState.SENT:
        _fault(found, row, "reference", "payment_unknown" if line is None else "payment_not_sent")
        return
    amount = row.values.get("amount_fen") or line.amount_fen
    if amount != line.amount_fen:
        _fault(found, row, "amount", "payment_amount", wanted=f"{line.amount_fen / 100:.2f}")
        return
    told = known.told.get((line.id, kind))
    if told is not None:
        _known_before(row, told, says, found)
        return
    code = _contradiction(line, kind, known)
    if code:
        _fault(found, row, "result", code)
        return
    earliest = known.earliest(line, kind)
    if says.on_day < earliest:
        _fault(found, row, "on_day", "payment_day_early", day=earliest.isoformat())
        return
    second = known.take(line, kind, says.on_day)
    known.told[line.id, kind] = replace(says, here=True)
    found.answers.append(Answer(line, kind, says.on_day, says.reason_code, says.bank_ref, second))


def _known_before(row: CheckedRow, told: Told, says: Told, found: Plan) -> None:
    """The same answer again; or one that cannot be told from another payment, or says otherwise."""
    if told.here and bool(told.bank_ref) is not bool(says.bank_ref):
        _fault(found, row, "bank_ref", "payment_number_missing")
    elif (told.on_day, told.reason_code) == (says.on_day, says.reason_code):
        found.same += 1
    else:
        _fault(found, row, "result", "payment_told_otherwise", day=told.on_day.isoformat())


def _contradiction(line: PaymentLine, kind: ResultKind, known: Known) -> str:
    """Why this answer cannot be true after what is known; empty if it can."""
    state = known.states[line.id]
    if kind in BACK:
        if state is LineState.PAID_TWICE:
            return ""
        if state is not LineState.PAID:
            return "payment_not_paid"
        if line.id in known.beside:
            return ""
        asked_back = known.matches[line.match_id] in (MatchState.RECLAIMING, MatchState.RECLAIMED)
        return "" if asked_back or kind is ResultKind.RETURNED else "payment_not_asked_back"
    if state is LineState.DROPPED and line.reason_code != "stopped":
        return "payment_not_sent"
    if state in (LineState.PAID, LineState.PAID_TWICE, LineState.RETURNED, LineState.RECLAIMED):
        return "payment_paid_before"
    if kind is ResultKind.PAID and known.live.get(line.match_id) in known.unsent - {line.id}:
        return "payment_paid_elsewhere"
    return ""


def _fault(found: Plan, row: CheckedRow, column: str, code: str, **params: str | int) -> None:
    shown = str(row.values.get(column, ""))[:40]
    found.faults.append(Fault(row.number, column, shown, code, params, Stage.ROWS))
