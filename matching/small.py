"""Small hard parts: exact units from HiGHS and CP-SAT, prices and bound from the flow relaxation.

What enters: a compiled problem and small hard components. What leaves: one `Outcome` each, or a `Conflict` of pins.
Called by `solve`, on any worker. HiGHS is quick to prove the coverage; CP-SAT settles the later tiers, the smallest
parts, and whether pins contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np

from matching.child import answers
from matching.compiled import Compiled
from matching.components import Component
from matching.hard import UNKNOWN, Exact, solve_exact
from matching.limits import Limits
from matching.network import Ints, promised_units
from matching.parts import Conflict, Outcome, receipts, score_of, untouched
from matching.pieces import solve_piece
from matching.priced import solve_large
from matching.relaxed import part_bound, relaxation
from matching.residual import State

EFFORT = 10.0
"""The most deterministic time of one tier of one part, in CP-SAT's unit (a second or more)."""

SHARE, LEAST_EFFORT = 0.01, 0.01
"""Effort of one tier per second that the budget has for the part, and at least; coverage is proven by HiGHS before."""

ROUGH_PAIRS = 100
"""Parts from this size on start from a rough plan; smaller ones only where CP-SAT proves nothing without it."""

NODES_PER_SECOND = 40
"""Nodes of HiGHS's search per second that the budget has for the part."""

PATIENCE = 20.0
"""Seconds per unit of effort after which a child is given up."""


_Start = tuple[Ints | None, dict[str, int]]
"""Units to start from (None: there are none yet) and the tiers that are settled with them."""


def solve_small(
    compiled: Compiled, limits: Limits, parts: Sequence[Component], *, seconds: float, deadline: float
) -> list[Outcome] | Conflict:
    """The best plan of each part as far as CP-SAT can tell, with prices that bound it for everybody.

    `seconds` is what the budget has for each part; the effort follows from it alone, not from the clock. All parts are
    given to HiGHS before any is given to CP-SAT: a part that CP-SAT does not finish before the deadline keeps the plan
    of HiGHS, or is planned as large parts are if there is none, and counts as interrupted.
    """

    def begin(part: Component) -> _Start:
        return rough(part) if len(part.pairs) >= ROUGH_PAIRS else (None, {})

    def rough(part: Component) -> _Start:
        return _rough(compiled, limits, part, nodes=int(NODES_PER_SECOND * seconds))

    def work(task: tuple[Component, _Start | None]) -> Exact | Conflict:
        part = task[0]
        begun = task[1] or begin(part)
        found = _from(compiled, limits, part, begun, seconds=seconds)
        if len(part.pairs) >= ROUGH_PAIRS or isinstance(found, Conflict) or found.proven:
            return found
        begun = rough(part)
        again = found if begun[0] is None else _from(compiled, limits, part, begun, seconds=seconds)
        worse = isinstance(again, Exact) and _score(compiled, part, again.units) < _score(compiled, part, found.units)
        return found if worse else again

    outcomes, patience = [], EFFORT * PATIENCE
    tasks = list(zip(parts, answers(begin, parts, deadline=deadline, patience=patience), strict=True))
    found = answers(work, tasks, deadline=deadline, patience=patience)
    for (part, begun), answer in zip(tasks, found, strict=True):
        if isinstance(answer, Conflict):
            return answer
        if answer is None:
            outcomes.append(_unfinished(compiled, limits, part, begun))
        else:
            outcomes.append(outcome_of(compiled, limits, part, answer))
    return outcomes


def _from(compiled: Compiled, limits: Limits, part: Component, begun: _Start, *, seconds: float) -> Exact | Conflict:
    """What CP-SAT makes of a part within its effort, from where it was begun."""
    start, settled = begun
    if settled and start is not None and np.array_equal(start, promised_units(compiled, part.pairs)):
        return Exact(start, settled["score"], proven=True)  # a unit more would raise the score, one less a promise
    effort = min(EFFORT, max(LEAST_EFFORT, seconds * SHARE))
    found = solve_exact(compiled, limits, part, start=start, effort=effort, settled=settled)
    return _conflict(compiled, limits, part) if found is None else found


def _unfinished(compiled: Compiled, limits: Limits, part: Component, begun: _Start | None) -> Outcome:
    """What there is of a part that the clock stopped."""
    if begun is not None and begun[0] is not None:
        said = begun[1].get("score")
        answer = Exact(begun[0], UNKNOWN if said is None else said, proven=said is not None)
        return replace(outcome_of(compiled, limits, part, answer), finished=False)
    rough = solve_large(compiled, limits, part, seconds=0.0, deadline=inf)
    return replace(rough or untouched(compiled, part.pairs), finished=False)


def _rough(compiled: Compiled, limits: Limits, part: Component, *, nodes: int) -> _Start:
    """A plan to start from and, if HiGHS proves it to be the best, its score as a settled tier."""
    rough = solve_large(compiled, limits, part, seconds=0.0, deadline=inf)
    if rough is None:
        return None, {}
    whole = State(compiled, limits, part, rough.units).residual(np.arange(len(part.pairs)))
    if not np.array_equal(whole.places, np.arange(len(part.pairs))):
        return rough.units, {}
    solved = solve_piece(whole, rough.units, nodes=nodes)
    score = _score(compiled, part, solved.units)
    return solved.units, {"score": score} if solved.bound == score else {}


def _score(compiled: Compiled, part: Component, units: Ints) -> int:
    return score_of(compiled, needs=part.needs, received=receipts(compiled, pairs=part.pairs, units=units))


def outcome_of(compiled: Compiled, limits: Limits, part: Component, answer: Exact) -> Outcome:
    """Units from the exact solver with the prices that bound their score."""
    prices = relaxation(compiled, limits, part)
    bound = part_bound(compiled, part, prices, units=answer.units)
    score = _score(compiled, part, answer.units)
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
