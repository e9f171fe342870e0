"""Pure parts: exact, priced and proven unique.

What enters: a compiled problem and its pure components. What leaves: one `Outcome` per batch of components. Called by
`solve`, on any worker: the optimum is unique, so how parts are batched does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.flow import Flow, NegativeCycle, NoFlow, least_cost, optimum, relax, residual, total, whole_flow
from matching.limits import Limits
from matching.network import Ints, Network, build
from matching.parts import Conflict, Outcome
from matching.prices import shadow

BATCH_PAIRS = 40_000
"""Small components are solved together until a batch has this many pairs."""

EXACT_ARCS = 60_000
"""Networks up to this many arcs are solved again for every leading run of cells."""

ROUNDS = 24
"""Rounds that the prices of the whole are mended for one leading run of cells."""


def batches(compiled: Compiled, parts: Sequence[Component]) -> Iterator[tuple[str, tuple[Component, ...]]]:
    """Components in batches, each with the categories it spans; no batch mixes different spans."""
    spans: dict[str, list[Component]] = {}
    for part in parts:
        spans.setdefault(span_of(compiled, part), []).append(part)
    for name in sorted(spans):
        batch: list[Component] = []
        size = 0
        for part in spans[name]:
            if batch and size + len(part.pairs) > BATCH_PAIRS:
                yield name, tuple(batch)
                batch, size = [], 0
            batch.append(part)
            size += len(part.pairs)
        yield name, tuple(batch)


def span_of(compiled: Compiled, part: Component) -> str:
    """The categories of a component, sorted, joined by a semicolon."""
    rows = compiled.problem.resources
    return ";".join(sorted({rows[r].category for r in part.resources.tolist()}))


def solve_pure(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Outcome:
    """The unique best plan of the given parts, with its prices.

    Raises
    ------
    NoFlow
        If the pins cannot be met.
    """
    network = _network(compiled, limits, parts)
    solved = optimum(network, compiled)
    prices = tuple(shadow(network, solved))
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    units = np.zeros(len(pairs), dtype=np.int64)
    carries = network.pair >= 0
    np.add.at(units, np.searchsorted(pairs, network.pair[carries]), solved.flow[carries])
    capped = any(row.tier == 1 and row.kind == "household_cap" for row in prices)
    score = -int((network.costs[0] * solved.flow).sum())
    return Outcome(
        pairs=pairs,
        units=units,
        score=score,
        bound=score,
        prices=prices,
        unique=solved.unique,
        proof="price",
        prefix_gaps=_prefix_gaps(network, solved, runs=len(compiled.problem.policy.order)) if capped else (),
    )


def _network(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Network:
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    groups = np.sort(np.concatenate([part.groups for part in parts]))
    return build(compiled, limits, pairs=pairs, groups=groups)


def _prefix_gaps(network: Network, solved: Flow, *, runs: int) -> tuple[int, ...]:
    """Best possible minus reached score of each leading run of cells; in a large network at most so much.

    Only where a household cap has a price can a run of cells be short of its own best: elsewhere a price p becomes
    p where p passes the last rank of the run, else 0, and proves the run as it proved the whole. A large network is
    not solved again for each run: those same prices, mended a little, bound what it could reach.
    """
    ranks = -network.costs[0]
    gaps = []
    for last in range(runs, 0, -1):
        costs = -np.where(ranks >= last, ranks, 0)
        levels = np.where(abs(solved.potentials[0]) >= last, solved.potentials[0], 0)
        before = levels.copy()
        try:
            relax(levels, *residual(network, solved.flow, arcs=np.arange(len(ranks)), costs=costs), rounds=ROUNDS)
            gaps.append(0)
            continue
        except NegativeCycle:
            pass
        if len(ranks) <= EXACT_ARCS:
            least = total(costs * whole_flow(network, costs=costs))
        else:
            least = max(least_cost(network, costs=costs, levels=tried) for tried in (before, levels))
        gaps.append(total(costs * solved.flow) - least)
    return tuple(gaps)


def conflict(compiled: Compiled, limits: Limits, part: Component) -> Conflict | None:
    """A minimal set of pinned pairs of this part that cannot be met together, or None if all can."""
    kept = part.pairs[compiled.pair_least[part.pairs] > 0]
    if _feasible(compiled, limits, part, kept):
        return None
    for pair in kept.tolist():
        fewer = kept[kept != pair]
        if not _feasible(compiled, limits, part, fewer):
            kept = fewer
    return Conflict(tuple(kept.tolist()))


def _feasible(compiled: Compiled, limits: Limits, part: Component, pinned: Ints) -> bool:
    least = np.zeros_like(compiled.pair_least)
    least[pinned] = compiled.pair_least[pinned]
    network = _network(replace(compiled, pair_least=least), limits, [part])
    try:
        whole_flow(network, costs=np.zeros_like(network.lower))
    except NoFlow:
        return False
    return True
