"""An insurer's answers coming in by file: checked, shown with exact counts, confirmed by a person, done once.

Enters: the bytes of a file. Leaves: an `ImportBatch`, then each case a step further through the very acts of the pages.
Rows that answer nothing are left alone; a reference that is not this insurer's and an answer that does not fit the
case's step are faults of their rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.claims import service, told
from marketplace.claims.after_end import payable
from marketplace.claims.models import InsuranceCase
from marketplace.claims.service import MOST_FEN, Paid
from marketplace.claims.table import FITS, answer_schema
from marketplace.db import chunks
from marketplace.decisions.models import Match
from marketplace.errors import Conflict, NotFound
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
    keep_batch,
    rows_of,
)
from marketplace.policy import require


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
    require(actor, "claim:answer", org_id=actor.org_id)
    checked = check_table(data, answer_schema(today=local_day(now)), mapping=mapping)
    answered = _answered(checked.rows)
    _cases, faults = _placed(session, answered, actor=actor)
    if faults:
        checked = Checked(total=checked.total, rows=[], faults=faults, ignored=checked.ignored)
        answered = []
    counts = {
        "new": len(answered),
        "paid": sum(row.values["answer"] == "paid" for row in answered),
        "unanswered": len(checked.rows) - len(answered),
    }
    batch = keep_batch(
        session,
        checked,
        kind=ImportKind.CLAIMS,
        file_name=file_name,
        data=data,
        source="insurer",
        counts=counts,
        actor=actor,
        now=now,
    )
    return batch, checked


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Give every answer, if each still fits its case; else Conflict, and nothing is done."""
    require(actor, "claim:answer", org_id=actor.org_id)
    batch = get_batch(session, batch_id, kind=ImportKind.CLAIMS, actor=actor)
    rows = _answered(rows_of(session, batch))
    cases, faults = _placed(session, rows, actor=actor)
    if faults:
        raise Conflict("import_changed")
    told.hold(session, *(case.id for case in cases.values()))  # all of them before the first act
    for row in rows:
        _answer(session, cases[row.values["reference"]].id, row, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return {"new": len(rows)}


def _answered(rows: Sequence[CheckedRow]) -> list[CheckedRow]:
    """A worklist comes back with all its rows; those in which nothing was filled in are left alone."""
    return [row for row in rows if row.values.get("answer")]


def _placed(
    session: Session, rows: Sequence[CheckedRow], *, actor: Actor
) -> tuple[dict[str, InsuranceCase], list[Fault]]:
    """Reference ► case of this insurer, and what does not fit."""
    if actor.org_id is None:
        raise NotFound("organisation")
    named = [row.values["reference"] for row in rows]
    found: dict[str, InsuranceCase] = {}
    mine = select(InsuranceCase).where(col(InsuranceCase.org_id) == actor.org_id)
    for some in chunks(named, 500):
        found |= {case.reference: case for case in session.exec(mine.where(col(InsuranceCase.reference).in_(some)))}
    matches = _matches(session, [case.match_id for case in found.values()])
    faults = []
    for row in rows:
        column, code = _misfit(row, found.get(row.values["reference"]), matches)
        if code:
            faults.append(Fault(row.number, column, str(row.values[column])[:40], code, {}, Stage.ROWS))
    return found, faults


def _matches(session: Session, match_ids: Sequence[str]) -> dict[str, Match]:
    asked = (select(Match).where(col(Match.id).in_(some)) for some in chunks(match_ids, 500))
    return {match.id: match for some in asked for match in session.exec(some)}


def _misfit(row: CheckedRow, case: InsuranceCase | None, matches: Mapping[str, Match]) -> tuple[str, str]:
    values = row.values
    if case is None:
        return "reference", "unknown_case"
    match = matches[case.match_id]
    if values["answer"] == "paid":
        return _misfit_payout(values, case, match)
    if match.held_for:
        return "reference", "match_held"
    if case.state not in FITS[values["answer"]]:
        return "answer", "answer_out_of_step"
    if values["answer"] == "papers" and case.state.value == "answer" and not values.get("papers"):
        return "papers", "empty"
    return "", ""


def _misfit_payout(values: Mapping[str, Any], case: InsuranceCase, match: Match) -> tuple[str, str]:
    """What was paid is paid, also where a person looks at the match first, or it has ended."""
    if case.state not in payable(case, match):
        return "answer", "answer_out_of_step"
    if values["amount"] > MOST_FEN:
        return "amount", "payout_bounds"
    if values["paid_on"] < local_day(case.opened_at).isoformat():
        return "paid_on", "payout_before_case"
    return "", ""


def _answer(session: Session, case_id: str, row: CheckedRow, *, actor: Actor, now: datetime) -> None:
    values, answer = row.values, row.values["answer"]
    policy = {"scheme": values.get("scheme") or "", "policy_number": values.get("policy_number") or ""}
    reason = values.get("reason") or ""
    if answer == "enrolled":
        service.enrolled(session, case_id, actor=actor, now=now, **policy)
    elif answer == "cover":
        service.cover_found(session, case_id, actor=actor, now=now, **policy)
    elif answer == "not_enrolled":
        service.not_enrolled(session, case_id, reason_code=reason, actor=actor, now=now)
    elif answer == "no_cover":
        service.no_cover(session, case_id, actor=actor, now=now)
    elif answer == "papers":
        service.ask_papers(session, case_id, papers=values.get("papers") or [], actor=actor, now=now)
    elif answer == "paid":
        payout = Paid(values["category"], values["amount"], date.fromisoformat(values["paid_on"]))
        service.paid(session, case_id, payout, actor=actor, now=now)
    else:
        service.refused(session, case_id, reason_code=reason, actor=actor, now=now)
