"""Who could make way for a need that came after the run: worked out in the background, decided by a person.

Enters: the id of a run. Leaves: pending displacements: the chain of single units, who would end with one less,
and both ranks. Only undecided lines can move; approved aid never does. A person keeps a displacement, which then pins
the newcomer's unit for the next run, or drops it; whoever verified the need may not keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, false, func, or_, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake.cells import names_somebody
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.policy import require
from marketplace.proposals import overrides
from marketplace.proposals.boards import last_run, last_runs
from marketplace.proposals.models import (
    Displacement,
    DisplacementState,
    LineState,
    NeedQuote,
    OverrideKind,
    ProposedLine,
    Run,
)
from marketplace.proposals.overrides import Wish
from marketplace.proposals.problem import Scope, build_problem, policy_of
from matching.compiled import compile_problem
from matching.make_way import Displacement as Found
from matching.make_way import displacement
from matching.plan import Line
from matching.quote import LIKELY

LONGEST_REASON = 200


def work_out(database: Database, run_id: str, /, *, clock: Callable[[], datetime]) -> int:
    """Find the chain, as of today, for every likely newcomer whose last run this is; returns how many are proposed.
    Repeatable."""
    with database.reading() as session:
        run = session.get(Run, run_id)
        wanted = list(_likely(session, run)) if run is not None else []
        if run is None or not wanted:
            return 0
        now = clock()
        policy = policy_of(run.policy, local_day(now))
        problem = build_problem(session, Scope.from_json(run.scope), policy=policy, now=now)
        lines = _undecided(session, {need.need_id for need in problem.needs})
    compiled = compile_problem(problem)
    known = set(compiled.need_ids)
    found = [displacement(compiled, lines, need_id=need_id) for need_id in wanted if need_id in known]
    with database.transaction() as session:
        return sum(_propose(session, run_id, row, now=clock()) for row in found if row is not None)


def _likely(session: Session, run: Run) -> Iterator[str]:
    """Likely newcomers of this run for whom nothing is proposed yet; none whom a newer run has overtaken."""
    proposed = exists().where(
        col(Displacement.need_id) == col(NeedQuote.need_id), col(Displacement.run_id) == col(NeedQuote.run_id)
    )
    statement = select(NeedQuote.need_id).where(NeedQuote.run_id == run.id, NeedQuote.verdict == LIKELY, ~proposed)
    for need_id in session.exec(statement.order_by(col(NeedQuote.need_id))):
        if _is_last(session, run.id, need_id=need_id):
            yield need_id


def _is_last(session: Session, run_id: str, /, *, need_id: str) -> bool:
    """Whether no newer run whose scope holds this need has overtaken this one."""
    run = last_run(session, session.get_one(Need, need_id))
    return run is not None and run.id == run_id


def _undecided(session: Session, known: set[str]) -> list[Line]:
    statement = (
        select(ProposedLine.need_id, ProposedLine.offer_id, func.sum(ProposedLine.units))
        .where(col(ProposedLine.state) == LineState.PROPOSED)
        .group_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
        .order_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
    )
    return [Line(row[0], row[1], int(row[2])) for row in session.execute(statement) if row[0] in known]


def _propose(session: Session, run_id: str, found: Found, *, now: datetime) -> bool:
    need = session.get_one(Need, found.need_id)
    row = Displacement(
        id=new_id(),
        run_id=run_id,
        need_id=need.id,
        offer_id=found.resource_id,
        district_code=need.district_code,
        moves=[
            {"need_id": move.need_id, "offer_id": move.resource_id, "units": move.units} for move in found.chain.moves
        ],
        loser_need_id=found.chain.loser or None,
        rank_gained=found.gained,
        rank_lost=found.chain.rank,
        made_at=now,
    )
    session.add(row)
    _record(session, row, "displacement:propose", actor=SYSTEM, now=now)
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a chain as people read it."""

    need: Need
    offer: Offer
    units: int


@dataclass(frozen=True, slots=True)
class Pending:
    """One pending displacement with everything its page tells; no name of anybody."""

    row: Displacement
    need: Need
    loser: Need | None
    offer: Offer
    steps: tuple[Step, ...]


def count_pending(session: Session, *, actor: Actor) -> int:
    """How many pages of `list_pending` are cut from."""
    return session.exec(select(func.count()).select_from(Displacement).where(*_pending(session, actor))).one()


def list_pending(session: Session, *, actor: Actor, offset: int = 0, limit: int = 25) -> list[Pending]:
    """What waits for a decision, of each need's last run only: an older one is overtaken. The largest gain first."""
    require(actor, "displacement:list", district=next(iter(actor.districts), ""))
    order = (col(Displacement.rank_gained).desc(), col(Displacement.id))
    rows = select(Displacement).where(*_pending(session, actor)).order_by(*order).offset(offset).limit(limit)
    return [_shown(session, row) for row in session.exec(rows)]


def _pending(session: Session, actor: Actor) -> list[ColumnElement[bool]]:
    newest = [
        and_(col(Displacement.run_id) == run.id, col(Displacement.need_id).in_(select(Need.id).where(*theirs)))
        for run, theirs in last_runs(session)
    ]
    wanted: list[ColumnElement[bool]] = [
        col(Displacement.state) == DisplacementState.PENDING,
        or_(false(), *newest),
    ]
    if actor.districts:
        wanted.append(col(Displacement.district_code).in_(sorted(actor.districts)))
    return wanted


def get_pending(session: Session, displacement_id: str, /, *, actor: Actor) -> Pending:
    """One displacement, if it lies in the actor's area."""
    row = session.get(Displacement, displacement_id)
    require(actor, "displacement:list", district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("displacement")
    return _shown(session, row)


def _shown(session: Session, row: Displacement) -> Pending:
    steps = tuple(
        Step(session.get_one(Need, str(move["need_id"])), session.get_one(Offer, str(move["offer_id"])), move["units"])
        for move in row.moves
    )
    loser = session.get_one(Need, row.loser_need_id) if row.loser_need_id else None
    need, offer = session.get_one(Need, row.need_id), session.get_one(Offer, row.offer_id)
    return Pending(row, need, loser, offer, steps)


def keep(session: Session, displacement_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Displacement:
    """A person wants the next run to do it; whoever verified the need may not say so. From here on it is a pin of one
    unit more than the newcomer has, an override like any other: listed, named in a contradiction, withdrawn."""
    row = _decide(session, displacement_id, DisplacementState.KEPT, reason=reason, actor=actor, now=now)
    units = overrides.held(session, row.need_id, row.offer_id) + 1
    wish = Wish(OverrideKind.PIN, row.need_id, row.offer_id, units)
    overrides.keep(session, wish, reason=row.reason, actor=actor, now=now)
    return row


def drop(session: Session, displacement_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Displacement:
    """A person leaves the plan as it is."""
    return _decide(session, displacement_id, DisplacementState.DROPPED, reason=reason, actor=actor, now=now)


def _decide(
    session: Session, displacement_id: str, to: DisplacementState, *, reason: str, actor: Actor, now: datetime
) -> Displacement:
    row = session.get(Displacement, displacement_id, with_for_update=True, populate_existing=True)
    require(actor, "displacement:decide", district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("displacement")
    if row.state is not DisplacementState.PENDING or not _is_last(session, row.run_id, need_id=row.need_id):
        raise WrongState("displacement_over")
    if to is DisplacementState.KEPT and session.get_one(Need, row.need_id).vouched_by & actor.people:
        raise WrongState("verifier_is_approver")
    if not reason.strip():
        raise BadInput("reason_missing", field="reason")
    if names_somebody(reason):
        raise BadInput("personal_in_text", field="reason")
    row.state, row.reason = to, reason.strip()[:LONGEST_REASON]
    row.decided_by, row.decided_at = actor.id, now
    act = "displacement:keep" if to is DisplacementState.KEPT else "displacement:drop"
    _record(session, row, act, actor=actor, now=now)
    return row


def _record(session: Session, row: Displacement, action: str, *, actor: Actor, now: datetime) -> None:
    session.add(row)
    body = {"gained": row.rank_gained, "lost": row.rank_lost}
    entry = audit.Entry(action, object_ref=row.id, decision=row.state.value, rule_id=action, body=body)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
