"""What is decided about one part of a run, and the sums over it.

What enters: a compiled problem and units per pair. What leaves: `Outcome` (the units, prices and proof of one part)
and the figures that follow from units alone: receipts, filled cells, score, broken units, cost. Called by `flow`'s
callers: `solve`, `hard` and `priced`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.network import Ints, announced_units, level_sizes, rank_table
from matching.plan import Price

UNKNOWN = 2**62
"""A bound that rules nothing out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Units of the pairs of one part; `bound` is the least score that its solver could not be beaten by.

    `value_bound` is the same for the value of needs served whole (None: no solver said), on the word of `value_proofs`.

    `proof` says what stands behind `bound`: price (anyone can recompute it), solver (CP-SAT's word) or none.
    """

    pairs: Ints
    units: Ints
    score: int
    bound: int
    prices: tuple[Price, ...] = ()
    unique: bool = False
    proof: str = "none"
    finished: bool = True
    value_bound: int | None = None
    value_proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Pinned pairs that cannot be met together, though they can without any one of them."""

    pairs: tuple[int, ...]

    def names(self, compiled: Compiled) -> tuple[str, ...]:
        """The pins as ``need_id>resource_id``, sorted."""
        ids = (
            (compiled.need_ids[compiled.pair_need[pair]], compiled.resource_ids[compiled.pair_resource[pair]])
            for pair in self.pairs
        )
        return tuple(sorted(f"{need}>{resource}" for need, resource in ids))


def untouched(compiled: Compiled, pairs: Ints) -> Outcome:
    """The outcome of a part that nobody had time for: its pins only, and the bound that needs no solver."""
    units = compiled.pair_least[pairs]
    needs = np.unique(compiled.pair_need[pairs]).astype(np.int64)
    ranks = rank_table(compiled)[compiled.urgency[needs]]
    return Outcome(
        pairs=pairs,
        units=units,
        score=score_of(compiled, needs=needs, received=receipts(compiled, pairs=pairs, units=units)),
        bound=int((level_sizes(compiled, needs) * ranks).sum()),
        finished=False,
    )


def receipts(compiled: Compiled, *, pairs: Ints, units: Ints) -> Ints:
    """Units each need receives, shape (N,), as its gap counts them: all that is open if served by `units_used`."""
    counted = np.where(compiled.pair_used[pairs] < 0, units, np.where(units > 0, compiled.pair_most[pairs], 0))
    received = np.zeros(len(compiled.need_ids), dtype=np.int64)
    np.add.at(received, compiled.pair_need[pairs], counted)
    return received


def filled(compiled: Compiled, *, needs: Ints, received: Ints) -> Ints:
    """Units that fill each level of the given needs, shape (len(needs), L), from the lowest open level up."""
    sizes = level_sizes(compiled, needs)
    below = np.cumsum(sizes, axis=1) - sizes
    return np.clip(received[needs][:, None] - below, 0, sizes)


def coverage(compiled: Compiled, received: Ints) -> tuple[int, ...]:
    """Units filled per cell in the policy's order."""
    needs = np.arange(len(compiled.need_ids), dtype=np.int64)
    levels = filled(compiled, needs=needs, received=received)
    totals = [levels[compiled.urgency == urgency].sum(axis=0) for urgency in range(4)]
    return tuple(int(totals[urgency][level - 1]) for urgency, level in compiled.problem.policy.order)


def score_of(compiled: Compiled, *, needs: Ints, received: Ints) -> int:
    """Σ rank·units over the given needs."""
    worth = rank_table(compiled)[compiled.urgency[needs]]
    return int((filled(compiled, needs=needs, received=received) * worth).sum())


def broken(compiled: Compiled, *, pairs: Ints, units: Ints) -> int:
    """Announced units of eligible pairs that are taken away."""
    given = np.zeros(len(compiled.pair_need), dtype=np.int64)
    given[pairs] = units
    return sum(max(0, promised - int(given[pair])) for pair, promised in announced_units(compiled).items())


def cost_of(compiled: Compiled, *, pairs: Ints, units: Ints) -> int:
    """Σ cost·units, as a Python integer: the sum may pass 2⁶³."""
    some = np.flatnonzero(units)
    return sum(u * c for u, c in zip(units[some].tolist(), compiled.pair_cost[pairs[some]].tolist(), strict=True))
