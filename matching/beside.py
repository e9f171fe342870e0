"""The fairness report of a run: the plan's figures, and what simpler ways and other policy orders would have done.

What enters: a problem, the lines of its plan and the caller's labels. What leaves: `Report`. Called by the command line
and by the marketplace's job after a run. The comparison is the expensive half and can be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any

import numpy as np

from matching.compiled import Compiled, compile_problem
from matching.components import Component, joined, split
from matching.cutoffs import Cutoff, cutoffs
from matching.fairness import Figures, Labels, Summary, figures_of, received_by, summary_of
from matching.flow import NoFlow, whole_flow
from matching.limits import Limits, shared_limits
from matching.model import Cell, Problem, levels_first, urgency_first
from matching.network import Ints, carried
from matching.parts import receipts
from matching.plan import Line
from matching.priced import solve_large
from matching.pure import batches, network_of
from matching.simpler import first_come, greedy

HARD_SECONDS = 60.0
"""A guard against a hard part that takes for ever; its plan under another order is then left at what it has."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What another way would have done; `regret` is the share of the plan's score that it loses (below 0: it gains)."""

    name: str
    summary: Summary
    regret: float


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """The coverage that one policy order aims at.

    `exact` says that no plan fills the cells better in that order; else some part is hard and was solved as large parts
    are, without pieces, or it is the order of a run that was interrupted and kept what it had. `price` tells for
    every order compared which share of that order's best score this plan lacks.
    """

    order: str
    exact: bool
    summary: Summary
    price: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the plan and the lines of its queues; the rest is empty where the comparison was left out."""

    plan: Figures
    queues: tuple[Cutoff, ...] = ()
    beside: tuple[Beside, ...] = ()
    policies: tuple[PolicyPlan, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain lists, texts and numbers."""
        return asdict(self)


def report(
    problem: Problem,
    lines: Sequence[Line],
    *,
    labels: Labels | None = None,
    arrivals: Sequence[str] | None = None,
    gaps: Mapping[str, int] | None = None,
    compare: bool = True,
    interrupted: bool = False,
) -> Report:
    """The whole report; `arrivals` are need ids in the order of their coming (default: by id). `gaps` is what each need
    lacks, where the problem has less of it because a rule of the caller's allows no more.

    The lines of a run that was `interrupted` are not the best under its own order.

    Raises
    ------
    BadInput
        If the rows contradict each other.
    """
    compiled = compile_problem(problem)
    received = received_by(compiled, lines)
    lacked = np.array([max(n.gap, (gaps or {}).get(n.need_id, 0)) for n in compiled.problem.needs], np.int64)
    figures = figures_of(compiled, received, labels=labels or {}, lacked=lacked)
    queues = cutoffs(compiled, lines)
    if not compare:
        return Report(figures, queues)
    limits = shared_limits(compiled)
    parts = split(compiled, limits)
    place = {name: at for at, name in enumerate(compiled.need_ids)}
    order = [place[name] for name in arrivals] if arrivals is not None else list(range(len(place)))
    whole = joined(parts)
    return Report(
        plan=figures,
        queues=queues,
        beside=_ways(compiled, limits, whole, order=order, plan=figures.summary, lacked=lacked) if whole else (),
        policies=_policies(compiled, limits, parts, received=received, lacked=lacked, interrupted=interrupted),
    )


def _ways(
    compiled: Compiled, limits: Limits, whole: Component, *, order: Sequence[int], plan: Summary, lacked: Ints
) -> tuple[Beside, ...]:
    ways = {
        "greedy": greedy(compiled, limits, whole),
        "first_come": first_come(compiled, limits, whole, order=order),
    }
    found = []
    for name, units in ways.items():
        one = summary_of(compiled, receipts(compiled, pairs=whole.pairs, units=units), lacked=lacked)
        found.append(Beside(name, one, (plan.score - one.score) / plan.score if plan.score else 0.0))
    return tuple(found)


def orders_of(compiled: Compiled) -> dict[str, tuple[Cell, ...]]:
    """The orders to compare: the two named ones and, if it is neither, the council's own."""
    policy = compiled.problem.policy
    named = {"urgency_first": urgency_first(policy.levels), "levels_first": levels_first(policy.levels)}
    return named if policy.order in named.values() else {**named, "own": policy.order}


def _policies(
    compiled: Compiled,
    limits: Limits,
    parts: Sequence[Component],
    *,
    received: Ints,
    lacked: Ints,
    interrupted: bool,
) -> tuple[PolicyPlan, ...]:
    orders = orders_of(compiled)
    under = {name: ordered(compiled, order) for name, order in orders.items()}
    got: dict[str, Ints] = {}
    exact: dict[str, bool] = {}
    pure = not any(part.hard for part in parts)
    for name, order in orders.items():
        own = order == compiled.problem.policy.order
        got[name] = received if own else best_under(under[name], limits, parts)
        exact[name] = pure and not (own and interrupted)
    scores = {(made, judged): summary_of(under[judged], got[made]).score for made in orders for judged in orders}
    best = {judged: max(scores[made, judged] for made in orders) for judged in orders}
    return tuple(
        PolicyPlan(
            order=made,
            exact=exact[made],
            summary=summary_of(under[made], got[made], lacked=lacked),
            price={judged: 1 - scores[made, judged] / best[judged] if best[judged] else 0.0 for judged in orders},
        )
        for made in orders
    )


def ordered(compiled: Compiled, order: tuple[Cell, ...]) -> Compiled:
    """The same problem under another order of the cells."""
    policy = replace(compiled.problem.policy, order=order)
    return replace(compiled, problem=replace(compiled.problem, policy=policy))


def best_under(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Ints:
    """Units received per need, shape (N,), by the best coverage of each part; a part whose pins clash gets its pins."""
    received = np.zeros(len(compiled.need_ids), dtype=np.int64)
    for batch in batches([part for part in parts if not part.hard]):
        received += _flow(compiled, limits, batch)
    deadline = monotonic() + HARD_SECONDS
    for part in parts:
        if part.hard:
            found = solve_large(compiled, limits, part, seconds=0.0, deadline=deadline)
            units = compiled.pair_least[part.pairs] if found is None else found.units
            received += receipts(compiled, pairs=part.pairs, units=units)
    return received


def _flow(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Ints:
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    network = network_of(compiled, limits, parts)
    try:
        flow = whole_flow(network, costs=network.costs[0])
    except NoFlow:
        return receipts(compiled, pairs=pairs, units=compiled.pair_least[pairs])
    return receipts(compiled, pairs=pairs, units=carried(network, flow, pairs=pairs))
