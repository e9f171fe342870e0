"""Runs of the allocator: preview, start, progress, cancel, store.

Enters: staff's choice of scope and policy. Leaves: a `Run` with its proof, proposed lines with reasons, and a reason
for every need that is not fully covered. The solving itself happens between two short transactions, in `work`, which a
background job calls; the independent judge must find no fault, or the run fails and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from marketplace import audit, jobs
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent.ask import all_auto_match
from marketplace.db import Database, chunks, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import hits
from marketplace.ledger.overlap_rows import Stopped
from marketplace.ledger.service import seen_from
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.offers.terms import EVERYWHERE, served_districts
from marketplace.organisations.agreements import acting_ids
from marketplace.policy import require
from marketplace.proposals import archive, supply
from marketplace.proposals.models import Run, RunState
from marketplace.proposals.problem import Scope, build, policy_of
from marketplace.proposals.report import add_report
from marketplace.proposals.scarcity import add_scarce
from marketplace.proposals.storing import store_plan
from matching.checker import check
from matching.model import Problem
from matching.plan import Plan
from matching.solve import Progress, allocate

JOB = "run"
UNDER_WAY = (RunState.WAITING, RunState.WORKING)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would look at, before it is started."""

    needs: int
    households: int
    open_units: Mapping[str, int]
    without_consent: int
    held: int
    offers: int
    aid_seen_from: Mapping[str, str]


def preview(session: Session, scope: Scope, /, *, actor: Actor, now: datetime) -> Preview:
    """Counts only; nothing is started or written."""
    require(actor, "run:view")
    scope = scope.within(actor)
    verified = [col(Need.state) == NeedState.VERIFIED, *scope.needs()]
    consented, day = all_auto_match(session, now=now), local_day(now)
    givers = acting_ids(session, on=day)
    households = list(session.exec(select(Need.household_id).where(*verified).distinct()))
    by_category = session.exec(
        select(Need.category, func.sum(col(Need.gap_units) - col(Need.committed_units)))
        .where(*verified)
        .group_by(col(Need.category))
        .order_by(col(Need.category))
    )
    return Preview(
        needs=session.exec(select(func.count()).select_from(Need).where(*verified)).one(),
        households=len(households),
        open_units={category: int(units) for category, units in by_category},
        without_consent=sum(household not in consented for household in households),
        held=session.exec(
            select(func.count()).select_from(Need).where(col(Need.state) == NeedState.HELD, *scope.needs())
        ).one(),
        offers=sum(_in_reach(offer, scope, on=day) for offer in supply.open_offers(session, givers, day)),
        aid_seen_from={source: day.isoformat() for source, day in seen_from(session).items()},
    )


def _in_reach(offer: Offer, scope: Scope, *, on: date) -> bool:
    """Whether a run of this scope could propose anything of an open offer."""
    served, kinds = served_districts(offer), scope.categories
    near = not scope.districts or EVERYWHERE in served or not served.isdisjoint(scope.districts)
    begun = offer.valid_from is None or offer.valid_from <= on
    return near and begun and (not kinds or offer.category in kinds) and offer.stock_units > offer.committed_units


def start_run(
    session: Session, scope: Scope, /, *, policy: Mapping[str, Any], as_of: date, actor: Actor, now: datetime
) -> Run:
    """Write the run and the job that will work on it. One run at a time: a second one is refused."""
    require(actor, "run:start")
    scope = scope.within(actor)
    policy_of(policy, as_of)
    busy = session.exec(select(Run).where(col(Run.state).in_(UNDER_WAY))).first()
    if busy is not None and not _bury(session, busy, actor=actor, now=now):
        raise WrongState("run_busy", number=busy.number)
    number = (session.exec(select(func.max(Run.number))).one() or 0) + 1
    run = Run(
        id=new_id(),
        number=number,
        scope=scope.as_json(),
        policy=dict(policy),
        as_of=as_of,
        aid_seen_from={source: day.isoformat() for source, day in seen_from(session).items()},
        created_by=actor.id,
        created_at=now,
    )
    session.add(run)
    jobs.enqueue(session, JOB, run.id, now=now)
    audit.record(session, audit.Entry("run:start", object_ref=run.id, body=dict(policy)), actor=actor, now=now)
    flush(session)
    return run


def cancel_run(session: Session, run_id: str, /, *, actor: Actor, now: datetime) -> Run:
    """Ask the worker to stop; it keeps the best plan found so far. A run whose work was given up ends at once."""
    require(actor, "run:cancel")
    run = get_run(session, run_id)
    if run.state not in UNDER_WAY:
        raise WrongState("run_over", state=run.state.value)
    if _bury(session, run, actor=actor, now=now):
        return run
    if actor.districts and not actor.districts.issuperset(run.scope.get("districts") or [""]):
        raise WrongState("run_of_others")
    run.cancel_asked = True
    session.add(run)
    audit.record(session, audit.Entry("run:cancel", object_ref=run.id), actor=actor, now=now)
    return run


def _bury(session: Session, run: Run, *, actor: Actor, now: datetime) -> bool:
    """Close a run whose job failed for good, so that it blocks no other."""
    if not jobs.is_lost(session, JOB, run.id):
        return False
    _close_failed(session, run, code="worker_lost", actor=actor, now=now)
    return True


def get_run(session: Session, run_id: str, /) -> Run:
    """The run, or NotFound."""
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound("run")
    return run


def list_runs(session: Session, *, limit: int = 50) -> list[Run]:
    """The newest runs first."""
    return list(session.exec(select(Run).order_by(col(Run.number).desc()).limit(limit)))


def work(database: Database, run_id: str, /, *, clock: Callable[[], datetime], actor: Actor) -> None:
    """Solve one run: read, solve outside any transaction, judge, store. A run that is over is left alone, but for the
    report that a worker owes who was lost after it had stored the plan."""
    with database.transaction() as session:
        run = get_run(session, run_id)
        under_way = run.state in UNDER_WAY
        if under_way:
            run.state, run.started_at = RunState.WORKING, clock()
            session.add(run)
    if not under_way:
        _tell_late(database, run_id, clock=clock, actor=actor)
        return
    try:
        with database.reading() as session:
            policy = policy_of(run.policy, run.as_of)
            built = build(session, Scope.from_json(run.scope), policy=policy, now=clock())
        problem, plan = _solve(database, run_id, built.problem)
        faults = check(problem, plan)
        if faults:
            raise BadInput("plan_refused", fault=faults[0].code)
    except Exception as error:
        code = error.code if isinstance(error, BadInput) else type(error).__name__
        with database.transaction() as session:
            _close_failed(session, get_run(session, run_id), code=code, actor=actor, now=clock())
        raise
    kept = archive.pack(problem)
    with database.transaction() as session:
        left_out = set(built.problem.pins).difference(problem.pins)
        run = get_run(session, run_id)
        store_plan(session, run, problem=problem, plan=plan, left_out=left_out, cut=built.cut, actor=actor, now=clock())
        proof = plan.certificate
        archive.keep_input(session, run_id, payload=kept, sha256=proof.input_sha256, versions=proof.versions)
        _keep_stopped(session, built.stopped, actor=actor, now=clock())
    add_report(database, run_id, problem=problem, plan=plan, clock=clock, actor=actor)
    add_scarce(database, run_id, problem=problem, plan=plan)


def _tell_late(database: Database, run_id: str, *, clock: Callable[[], datetime], actor: Actor) -> None:
    """The report of a run whose worker was lost between its plan and its report: of the stored lines. The prices of the
    scarcest gifts are solved for again, and hold only if the same plan comes out."""
    with database.reading() as session:
        run = get_run(session, run_id)
        if run.state is not RunState.DONE or run.fairness:
            return
        problem, lines = archive.recall_problem(session, run_id), archive.recall_lines(session, run_id)
    again = allocate(problem)
    same = again.certificate.plan_sha256 == run.plan_sha256
    certificate = replace(again.certificate, interrupted=bool(run.certificate["interrupted"]))
    add_report(
        database,
        run_id,
        problem=problem,
        plan=replace(again, lines=lines, certificate=certificate),
        clock=clock,
        actor=actor,
    )
    if same:
        add_scarce(database, run_id, problem=problem, plan=again)


def _keep_stopped(session: Session, stopped: Sequence[Stopped], *, actor: Actor, now: datetime) -> None:
    """What the rules against helping twice stopped is evidence, once for each need and rule."""
    by_need = {one.need_id: one for one in stopped}
    met = []
    for some in chunks(sorted(by_need), 500):
        for need in session.exec(select(Need).where(col(Need.id).in_(some))):
            one = by_need[need.id]
            met.append(
                hits.of_need(need, code=one.code, place=hits.RUN, units=one.units, because=one.because, org_id=None)
            )
    hits.keep(session, met, actor=actor, now=now)


def _solve(database: Database, run_id: str, problem: Problem) -> tuple[Problem, Plan]:
    """The plan, and the problem that it solves: without the pins that no plan can meet, each by itself. Only pins that
    contradict each other leave a run without a plan."""

    def note(progress: Progress) -> None:
        values = {
            "phase": progress.phase,
            "phase_done": progress.done,
            "phase_total": progress.total,
            "score": progress.score,
            "bound": progress.bound,
        }
        with database.transaction() as session:
            session.execute(update(Run).where(col(Run.id) == run_id).values(**values))

    def cancelled() -> bool:
        with database.reading() as session:
            return bool(session.exec(select(Run.cancel_asked).where(col(Run.id) == run_id)).one())

    while True:
        plan = allocate(problem, progress=note, cancelled=cancelled)
        if len(plan.certificate.conflict) != 1:
            return problem, plan
        named = plan.certificate.conflict[0]
        problem = replace(problem, pins=tuple(p for p in problem.pins if f"{p.need_id}>{p.resource_id}" != named))


def _close_failed(session: Session, run: Run, *, code: str, actor: Actor, now: datetime) -> None:
    run.state, run.error_code, run.finished_at = RunState.FAILED, code[:48], now
    session.add(run)
    audit.record(session, audit.Entry("run:fail", object_ref=run.id, rule_id=code[:48]), actor=actor, now=now)
