"""Tasks of late reports, and questions, that end by themselves once their rows were taken back.

Enters: open tasks. Leaves: those ended that nothing founds any more. A task of which only some rows were taken back is
judged anew on those that stand, and stays where they still break the rule. Called by the worker (`repeats.looks`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.db import Database, chunks
from marketplace.households.same import same_as
from marketplace.ledger import hits
from marketplace.ledger.late import look_again
from marketplace.ledger.models import LIVE, HitState, LedgerEntry, OverlapHit
from marketplace.ledger.moved import moved_aid

_ASKED = 500


def end_gone(database: Database, /, *, now: datetime) -> int:
    """A task whose rows were taken back, or whose households are no longer one, ends by itself; returns how many. It
    reads every open task: for a sweep that looks now and then."""
    return end_all(database, gone, first=partial(judge_anew, now=now), now=now)


def end_all(
    database: Database,
    gone: Callable[[Session], list[str]],
    /,
    *,
    first: Callable[[Session, list[str]], None] | None = None,
    now: datetime,
) -> int:
    """End what has `gone`, once `first` has looked at it; returns how many. Nothing is locked where nothing has."""
    with database.reading() as session:
        if not gone(session):
            return 0
    with database.transaction() as session:
        if first is not None:
            first(session, gone(session))
        over = gone(session)
        for hit_id in over:
            hits.end_gone(session, hit_id, now=now)
    return len(over)


def gone(session: Session, /) -> list[str]:
    """Open tasks of late reports, and open questions, of which a row is no longer the household's live aid."""
    wanted = select(OverlapHit).where(col(OverlapHit.state) == HitState.OPEN, hits.waits_for_somebody())
    waiting = list(session.exec(wanted.where(col(OverlapHit.code) != hits.TWICE).order_by(col(OverlapHit.id))))
    lives: dict[str, str] = {}
    for some in chunks(sorted({ref for hit in waiting for ref in hit.because}), _ASKED):
        rows = select(LedgerEntry.id, LedgerEntry.household_id)
        rows = rows.where(col(LedgerEntry.id).in_(some), col(LedgerEntry.state).in_(LIVE))
        lives |= dict(session.exec(rows).all())
    homes = {hit.household_id for hit in waiting}
    same, along = same_as(session, homes), {row.id: home for row, _who, home in moved_aid(session, homes)}
    return [
        hit.id
        for hit in waiting
        if any({lives.get(ref, ""), along.get(ref, "")}.isdisjoint(same.of(hit.household_id)) for ref in hit.because)
    ]


def judge_anew(session: Session, hit_ids: Sequence[str], /, *, now: datetime) -> None:
    """Ask the rules about the report behind each task or, where that itself was taken back, about the rows that it
    met: what they still break together keeps its task, or gets one."""
    asked: set[str] = set()
    for some in chunks(sorted(hit_ids), _ASKED):
        wanted = select(OverlapHit).where(col(OverlapHit.id).in_(some)).order_by(col(OverlapHit.id)).with_for_update()
        held = session.exec(wanted.execution_options(populate_existing=True)).all()
        tasks = [one for one in held if one.place == hits.REPORT]  # questions are locked, too, before the first act
        named = {ref for task in tasks for ref in (*task.because, hits.report_behind(task))}
        rows = select(LedgerEntry.id).where(col(LedgerEntry.id).in_(named), col(LedgerEntry.state).in_(LIVE))
        live = set(session.exec(rows))
        for task in tasks:
            report = hits.report_behind(task)
            asked |= {report} if report in live else live.intersection(task.because)
    look_again(session, sorted(asked), actor=SYSTEM, now=now)
