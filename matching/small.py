"""Small hard parts: exact units from CP-SAT, prices and bound from the flow relaxation.

What enters: a compiled problem and small hard components. What leaves: one `Outcome` each, or a `Conflict` of pins.
Called by `solve`, on any worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matching.child import answers
from matching.compiled import Compiled
from matching.components import Component
from matching.hard import Exact, solve_exact
from matching.limits import Limits
from matching.network import Ints
from matching.parts import Conflict, Outcome, receipts, score_of, untouched
from matching.priced import solve_large
from matching.relaxed import part_bound, relaxation

EFFORT = 10.0
"""The most deterministic time of one tier of one part, in CP-SAT's unit (a second or more)."""

SHARE = 0.05
"""Effort of one tier per second that the budget has for the part: five tiers, and a unit can take four seconds."""

ROUGH_PAIRS = 100
"""Parts from this size on start from a rough plan."""

PATIENCE = 20.0
"""Seconds per unit of effort after which a child is given up."""


def solve_small(
    compiled: Compiled, limits: Limits, parts: Sequence[Component], *, seconds: float, deadline: float
) -> list[Outcome] | Conflict:
    """The best plan of each part as far as CP-SAT can tell, with prices that bound it for everybody.

    `seconds` is what the budget has for each part; the effort follows from it alone, not from the clock.
    A part that CP-SAT does not finish before the deadline is planned as large parts are, and counts as interrupted.
    """

    def work(part: Component) -> Exact | Conflict:
        rough = _rough(compiled, limits, part) if len(part.pairs) >= ROUGH_PAIRS else None
        start = None if rough is None else rough.units
        found = solve_exact(compiled, limits, part, start=start, effort=min(EFFORT, max(0.1, seconds * SHARE)))
        return _conflict(compiled, limits, part) if found is None else found

    outcomes = []
    found = answers(work, parts, deadline=deadline, patience=EFFORT * PATIENCE)
    for part, answer in zip(parts, found, strict=True):
        if isinstance(answer, Conflict):
            return answer
        if answer is None:
            rough = _rough(compiled, limits, part) or untouched(compiled, part.pairs)
            outcomes.append(replace(rough, finished=False))
        else:
            outcomes.append(outcome_of(compiled, limits, part, answer))
    return outcomes


def _rough(compiled: Compiled, limits: Limits, part: Component) -> Outcome | None:
    return solve_large(compiled, limits, part, seconds=0.0, deadline=0.0)


def outcome_of(compiled: Compiled, limits: Limits, part: Component, answer: Exact) -> Outcome:
    """Units from the exact solver with the prices that bound their score."""
    prices = relaxation(compiled, limits, part)
    bound = part_bound(compiled, part, prices)
    received = receipts(compiled, pairs=part.pairs, units=answer.units)
    score = score_of(compiled, needs=part.needs, received=received)
    proof = "price" if bound == score else "solver" if answer.proven else "none"
    return Outcome(
        pairs=part.pairs, units=answer.units, score=score, bound=max(score, min(bound, answer.bound)),
        prices=prices, proof=proof, value_bound=answer.value_bound,
    )  # fmt: skip


def _conflict(compiled: Compiled, limits: Limits, part: Component) -> Conflict:
    """A minimal set of pins that CP-SAT finds contradictory, by leaving out one after the other."""
    kept = part.pairs[compiled.pair_least[part.pairs] > 0]
    for pair in kept.tolist():
        fewer = kept[kept != pair]
        if not _feasible(compiled, limits, part, fewer):
            kept = fewer
    return Conflict(tuple(kept.tolist()))


def _feasible(compiled: Compiled, limits: Limits, part: Component, pinned: Ints) -> bool:
    least = np.zeros_like(compiled.pair_least)
    least[pinned] = compiled.pair_least[pinned]
    return solve_exact(replace(compiled, pair_least=least), limits, part, start=None, effort=EFFORT) is not None
