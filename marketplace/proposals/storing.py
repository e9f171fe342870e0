"""A solved plan becomes rows: lines with reasons, a reason for every need left short, prices, and the run's proof.

Enters: an open transaction, a run, its problem and its plan. Leaves: rows, flushed; the undecided lines of earlier runs
within the scope have become stale. Called by `service.work` once the judge has found no fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, insert, update
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.consent.ask import all_auto_match
from marketplace.db import chunks, flush, lock_keys, lock_rows, new_id
from marketplace.households.models import Household
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.proposals import overrides
from marketplace.proposals.models import LineState, ProposedLine, Run, RunPrice, RunState, UnservedReason
from marketplace.proposals.problem import Scope
from marketplace.reference.needs import reckoned_value
from matching.model import Pin, Problem
from matching.plan import Plan, Reason

MOST_REASONS = 4
_ASKED = 500
INFEASIBLE = "infeasible"


def store_plan(
    session: Session,
    run: Run,
    /,
    *,
    problem: Problem,
    plan: Plan,
    left_out: Collection[Pin] = (),
    cut: Mapping[str, tuple[str, int]] = MappingProxyType({}),
    actor: Actor,
    now: datetime,
) -> None:
    """Write lines and reasons, make the undecided lines of earlier runs stale, and close the run; `left_out` are the
    pins that no plan could meet, `cut` the needs of which a rule leaves units open whatever is planned.

    A run whose pins contradict each other proposes nothing, so the earlier lines stay."""
    consents = all_auto_match(session, now=now)
    households = _households(session, {line.need_id for line in plan.lines})
    _make_way(session, run, problem, plan, households.values())
    needs = {need.need_id: need for need in problem.needs}
    costs = {resource.resource_id: (resource.unit, resource.unit_cost) for resource in problem.resources}
    chosen, unserved = _sorted_reasons(plan)
    _tell_cuts(unserved, {} if plan.certificate.status == INFEASIBLE else cut, problem)
    rows = []
    for line in plan.lines:
        unit, cost = costs[line.resource_id]
        chain, version, _ = consents.get(households[line.need_id], ("", 0, frozenset()))
        rows.append(
            {
                "id": new_id(),
                "run_id": run.id,
                "need_id": line.need_id,
                "offer_id": line.resource_id,
                "household_id": households[line.need_id],
                "district_code": needs[line.need_id].district,
                "urgency": needs[line.need_id].urgency,
                "units": line.units,
                "value_fen": line.units * max(reckoned_value(unit), cost),
                "reasons": chosen.get((line.need_id, line.resource_id), [])[:MOST_REASONS],
                "state": LineState.PROPOSED,
                "consent_chain_id": chain,
                "consent_version": version,
                "free_stock": False,
            }
        )
    if rows:
        session.execute(insert(ProposedLine), rows)
    has = units_after(problem, plan)
    if missing := _unserved_rows(run.id, unserved, has=has):
        session.execute(insert(UnservedReason), missing)
    _keep_prices(session, run, plan=plan)
    _close_run(session, run, problem=problem, plan=plan, has=has, now=now)
    overrides.note(session, problem.pins, left_out)
    body = {"plan": plan.certificate.plan_sha256, "input": plan.certificate.input_sha256, "lines": len(rows)}
    audit.record(session, audit.Entry("run:store", object_ref=run.id, body=body), actor=actor, now=now)
    flush(session)


def _households(session: Session, need_ids: Collection[str]) -> dict[str, str]:
    """Need ► its own household; a problem names those that count as one alike."""
    found: dict[str, str] = {}
    for some in chunks(sorted(need_ids), _ASKED):
        found |= dict(session.exec(select(Need.id, Need.household_id).where(col(Need.id).in_(some))).all())
    return found


def _sorted_reasons(plan: Plan) -> tuple[dict[tuple[str, str], list[dict[str, Any]]], dict[str, list[Reason]]]:
    """Why each line, and why not for the others; a cap that still has room holds nobody back and is not told."""
    chosen: dict[tuple[str, str], list[dict[str, Any]]] = {}
    unserved: dict[str, list[Reason]] = {}
    for reason in plan.reasons:
        key = (reason.need_id, reason.resource_id)
        if reason.code == "chosen":
            chosen.setdefault(key, []).append({"code": reason.code, **reason.detail})
        elif reason.code != "cap" or reason.detail.get("left") == 0:
            unserved.setdefault(reason.need_id, []).append(reason)
    return chosen, unserved


def _tell_cuts(unserved: dict[str, list[Reason]], cut: Mapping[str, tuple[str, int]], problem: Problem) -> None:
    """The rule behind what the problem held less of a need than is open, beside the plan's own reasons; a need that is
    ruled out as a whole is told so already."""
    nobody = {ban.need_id for ban in problem.bans if ban.resource_id == "*"}
    for need_id, (code, units) in cut.items():
        if need_id not in nobody:
            kept = unserved.get(need_id, [])[: MOST_REASONS - 1]
            unserved[need_id] = [*kept, Reason(need_id, "", "rule_cut", {"by": code, "units": units})]


def units_after(problem: Problem, plan: Plan) -> Counter[str]:
    """Need ► the units it has after this run, from before and from the plan; those at zero are not in it."""
    has: Counter[str] = Counter()
    for row in problem.ledger:
        if row.need_id is not None:
            has[row.need_id] += row.units
    for line in plan.lines:
        has[line.need_id] += line.units
    return +has


def _unserved_rows(run_id: str, unserved: Mapping[str, list[Reason]], *, has: Counter[str]) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "need_id": need_id,
            "place": place,
            "offer_id": reason.resource_id,
            "code": reason.code,
            "detail": dict(reason.detail),
            "covered_units": has[need_id],
        }
        for need_id, reasons in unserved.items()
        for place, reason in enumerate(reasons[:MOST_REASONS])
    ]


def _keep_prices(session: Session, run: Run, *, plan: Plan) -> None:
    """What quotes need between this run and the next: the prices of the first tier."""
    rows = [
        {"run_id": run.id, "kind": row.kind, "ref": row.id, "household_id": row.household_id, "price": row.price}
        for row in plan.prices
        if row.tier == 1
    ]
    if rows:
        session.execute(insert(RunPrice), rows)


def _giving_way(session: Session, run: Run, problem: Problem) -> tuple[ColumnElement[bool], ...]:
    """Undecided lines within this scope; what was proposed from free stock while this run worked, to a need that it
    never saw, stays."""
    in_scope = select(Need.id).where(*Scope.from_json(run.scope).needs())
    waiting = (col(ProposedLine.state) == LineState.PROPOSED, col(ProposedLine.need_id).in_(in_scope))
    seen = {need.need_id for need in problem.needs}
    taken = (
        select(ProposedLine.id, ProposedLine.need_id)
        .join(Need, col(Need.id) == col(ProposedLine.need_id))
        .where(*waiting, col(ProposedLine.free_stock), col(Need.state) == NeedState.VERIFIED)
    )
    spared = [line_id for line_id, need_id in session.exec(taken) if need_id not in seen]
    return *waiting, col(ProposedLine.id).not_in(spared)


def _make_way(session: Session, run: Run, problem: Problem, plan: Plan, homes: Iterable[str]) -> None:
    """Undecided lines of earlier runs give way; they are locked first, then what the new rows refer to, kind by kind:
    whoever approves or withdraws meanwhile waits at the first of them, or is waited for there (adr/0066)."""
    if plan.certificate.status != INFEASIBLE:
        lock_rows(session, ProposedLine, *_giving_way(session, run, problem))
    needs = {line.need_id for line in plan.lines} | {reason.need_id for reason in plan.reasons}
    lock_keys(session, Need, needs, shared=True)
    lock_keys(session, Offer, (line.resource_id for line in plan.lines), shared=True)
    lock_keys(session, Household, homes, shared=True)
    if plan.certificate.status != INFEASIBLE:
        session.execute(update(ProposedLine).where(*_giving_way(session, run, problem)).values(state=LineState.STALE))


def _close_run(session: Session, run: Run, *, problem: Problem, plan: Plan, has: Counter[str], now: datetime) -> None:
    certificate = plan.certificate
    ended = RunState.CANCELLED if certificate.interrupted else RunState.DONE
    run.state = RunState.INFEASIBLE if certificate.status == INFEASIBLE else ended
    run.finished_at = now
    run.needs_count, run.offers_count = len(problem.needs), len(problem.resources)
    run.lines_count = len(plan.lines)
    run.zero_count = sum(need.need_id not in has for need in problem.needs)
    run.score, run.bound = certificate.score, certificate.bound
    run.input_sha256, run.plan_sha256 = certificate.input_sha256, certificate.plan_sha256
    run.certificate = asdict(certificate)
    session.add(run)
