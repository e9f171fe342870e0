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
from matching.flow import NoFlow, optimum, whole_flow
from matching.limits import Limits
from matching.network import Ints, Network, build, carried
from matching.parts import Conflict, Outcome
from matching.prices import shadow

BATCH_PAIRS = 40_000
"""Small components are solved together until a batch has this many pairs."""


def batches(parts: Sequence[Component]) -> Iterator[tuple[Component, ...]]:
    """Components in batches of at most `BATCH_PAIRS` pairs, as far as they are not larger alone."""
    batch: list[Component] = []
    size = 0
    for part in parts:
        if batch and size + len(part.pairs) > BATCH_PAIRS:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(part)
        size += len(part.pairs)
    if batch:
        yield tuple(batch)


def solve_pure(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Outcome:
    """The unique best plan of the given parts, with its prices.

    Raises
    ------
    NoFlow
        If the pins cannot be met.
    """
    network = network_of(compiled, limits, parts)
    solved = optimum(network, compiled)
    prices = tuple(shadow(network, solved))
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    score = -int((network.costs[0] * solved.flow).sum())
    return Outcome(
        pairs=pairs,
        units=carried(network, solved.flow, pairs=pairs),
        score=score,
        bound=score,
        prices=prices,
        unique=solved.unique,
        proof="price",
    )


def network_of(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Network:
    """One network for several parts."""
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    groups = np.sort(np.concatenate([part.groups for part in parts]))
    return build(compiled, limits, pairs=pairs, groups=groups)


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
    network = network_of(replace(compiled, pair_least=least), limits, [part])
    try:
        whole_flow(network, costs=np.zeros_like(network.lower))
    except NoFlow:
        return False
    return True
