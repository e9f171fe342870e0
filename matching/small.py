"""Small hard parts: exact units from HiGHS and CP-SAT, prices and bound from the flow relaxation.

What enters: a compiled problem and small hard components. What leaves: one `Outcome` each, or a `Conflict` of pins.
Called by `solve`, on any worker. HiGHS is quick to prove the coverage; CP-SAT settles the later tiers, the smallest
parts, and whether pins contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from matching.child import answers
from matching.compiled import Compiled
from matching.components import Component
from matching.hard import Exact, solve_exact
from matching.limits import Limits
from matching.network import Ints, promised_units
from matching.parts import UNKNOWN, Conflict, Outcome, receipts, score_of, untouched
from matching.pieces import LEAN, MANY, solve_piece
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

SEARCH, TIERS = 0.5, 0.3
"""The shares of the budget that looking for a better coverage and the later tiers may take."""

ROOT_PER_PAIR, LARGER, LEANER = 5e-4, 20, 12
"""Seconds that HiGHS takes for a pair before its search begins; how many times that where amounts are large; and how
much less where it searches `LEAN`. Fixed numbers, so that a plan does not depend on the machine's speed."""

TIERS_PER_PART, TIERS_PER_PAIR = 0.1, 2e-4
"""Seconds that CP-SAT takes for the later tiers of a part, and for each of its pairs."""

PATIENCE = 20.0
"""Seconds per unit of effort after which a child is given up."""


@dataclass(slots=True)
class _Begun:
    """A part on its way: what rounding and pieces made of it (None: nothing yet), and what HiGHS then did.

    `settled` are the tiers that are proven, `late` says that the clock stopped it, `seconds` may go into its search.
    """

    part: Component
    rough: Outcome | None
    units: Ints | None
    settled: dict[str, int] = field(default_factory=dict)
    late: bool = False
    seconds: float = 0.0

    @property
    def loss(self) -> int:
        """How much more it may score at most."""
        return 0 if self.rough is None else self.rough.bound - self.rough.score


def solve_small(
    compiled: Compiled, limits: Limits, parts: Sequence[Component], *, seconds: float, deadline: float
) -> list[Outcome] | Conflict:
    """The best plan of each part as far as CP-SAT can tell, with prices that bound it for everybody.

    `seconds` is what the budget has for each part; the effort follows from it alone, not from the clock. All parts have
    a rough plan before any is given to HiGHS, and all are given to HiGHS before any is given to CP-SAT; those that may
    still gain most come first and have more of the time. A part that the clock stops keeps the plan that it has, and
    counts as interrupted.
    """

    def work(begun: _Begun) -> Exact | Conflict:
        part = begun.part
        found = _from(compiled, limits, begun, seconds=seconds)
        if begun.units is not None or isinstance(found, Conflict) or found.proven:
            return found
        again = _begin(compiled, limits, part, least=0)
        again.seconds = seconds
        if again.rough is None:
            return found
        _take(again, _searched(compiled, limits, again, nodes=int(NODES_PER_SECOND * seconds)))
        better = _from(compiled, limits, again, seconds=seconds)
        worse = isinstance(better, Exact) and _score(compiled, part, better.units) < _score(compiled, part, found.units)
        return found if worse else better

    begun = [_begin(compiled, limits, part, least=ROUGH_PAIRS) for part in parts]
    _search_all(compiled, limits, begun, seconds=seconds, deadline=deadline)
    asked = [one for one in begun if one.units is None or _has_tiers(one, seconds=seconds)]
    answered = zip(asked, answers(work, asked, deadline=deadline, patience=EFFORT * PATIENCE), strict=True)
    found = {id(one): answer for one, answer in answered}
    outcomes = []
    for one in begun:
        answer = found[id(one)] if id(one) in found else _as_it_is(one)
        if isinstance(answer, Conflict):
            return answer
        outcomes.append(_outcome(compiled, limits, one, answer))
    return outcomes


def _begin(compiled: Compiled, limits: Limits, part: Component, *, least: int) -> _Begun:
    """A rough plan, from so many pairs on; one that reaches its bound and takes no promise away is settled."""
    rough = solve_large(compiled, limits, part, seconds=0.0, deadline=inf) if len(part.pairs) >= least else None
    return _Begun(part, rough, None if rough is None else rough.units)


def _search_all(
    compiled: Compiled, limits: Limits, begun: Sequence[_Begun], *, seconds: float, deadline: float
) -> None:
    """Better coverage for all that may gain: pieces where HiGHS has no time for the whole, then HiGHS."""
    losing = sorted((one for one in begun if _may_gain(compiled, one)), key=lambda one: -one.loss)
    total = sum(one.loss for one in losing) or 1
    for one in losing:
        one.seconds = SEARCH * seconds * (0.5 + 0.5 * len(begun) * one.loss / total)
        if one.seconds < _root(compiled, one.part):
            better = solve_large(compiled, limits, one.part, seconds=one.seconds / 2, deadline=deadline)
            if better is not None:
                one.rough, one.units, one.late = better, better.units, not better.finished
    for one in begun:
        if one.rough is not None and not one.loss:
            one.settled = {"score": one.rough.score}
    losing = [one for one in losing if _may_gain(compiled, one) and one.seconds * LEANER >= _root(compiled, one.part)]
    nodes = int(NODES_PER_SECOND * seconds)

    def search(one: _Begun) -> _Searched:
        return _searched(compiled, limits, one, nodes=nodes)

    for one, found in zip(losing, answers(search, losing, deadline=deadline, patience=EFFORT * PATIENCE), strict=True):
        _take(one, found)


_Searched = tuple[Ints, dict[str, int]]
"""Units, and the tiers that are settled with them."""


def _searched(compiled: Compiled, limits: Limits, one: _Begun, *, nodes: int) -> _Searched:
    """What HiGHS makes of a part as one piece and, if it proves that to be the best, its score as a settled tier."""
    assert one.units is not None
    every = np.arange(len(one.part.pairs))
    whole = State(compiled, limits, one.part, one.units).residual(every)
    if not np.array_equal(whole.places, every):
        return one.units, one.settled
    options = {} if one.seconds >= _root(compiled, one.part) else LEAN
    solved = solve_piece(whole, one.units, nodes=nodes, options=options)
    score = _score(compiled, one.part, solved.units)
    return solved.units, {"score": score} if solved.bound == score else one.settled


def _take(one: _Begun, found: _Searched | None) -> None:
    if found is None:
        one.late = True
    else:
        one.units, one.settled = found


def _root(compiled: Compiled, part: Component) -> float:
    """Seconds that HiGHS takes for the whole part, by its size and its amounts alone."""
    large = compiled.pair_most[part.pairs].max(initial=0) > MANY
    return ROOT_PER_PAIR * len(part.pairs) * (LARGER if large else 1)


def _may_gain(compiled: Compiled, one: _Begun) -> bool:
    """Whether a part with a plan is below its bound, or has promises that another of its best plans might keep."""
    return one.loss > 0 or (one.rough is not None and bool(promised_units(compiled, one.part.pairs).any()))


def _has_tiers(one: _Begun, *, seconds: float) -> bool:
    """Whether the budget holds the later tiers of the part."""
    return TIERS * seconds >= TIERS_PER_PART + TIERS_PER_PAIR * len(one.part.pairs)


def _as_it_is(one: _Begun) -> Exact:
    """What there is of a part that CP-SAT is not asked about."""
    assert one.units is not None
    return Exact(one.units, one.settled.get("score", UNKNOWN), proven="score" in one.settled)


def _outcome(compiled: Compiled, limits: Limits, one: _Begun, answer: Exact | None) -> Outcome:
    """The answer, or what there is of a part that the clock stopped."""
    if answer is not None:
        return replace(outcome_of(compiled, limits, one.part, answer), finished=not one.late)
    if one.units is not None:
        return replace(outcome_of(compiled, limits, one.part, _as_it_is(one)), finished=False)
    rough = solve_large(compiled, limits, one.part, seconds=0.0, deadline=inf)
    return replace(rough or untouched(compiled, one.part.pairs), finished=False)


def _from(compiled: Compiled, limits: Limits, begun: _Begun, *, seconds: float) -> Exact | Conflict:
    """What CP-SAT makes of a part within its effort, from where it was begun."""
    part, start, settled = begun.part, begun.units, begun.settled
    if settled and start is not None and np.array_equal(start, promised_units(compiled, part.pairs)):
        return Exact(start, settled["score"], proven=True)  # a unit more would raise the score, one less a promise
    effort = min(EFFORT, max(LEAST_EFFORT, seconds * SHARE))
    found = solve_exact(compiled, limits, part, start=start, effort=effort, settled=settled)
    return _conflict(compiled, limits, part) if found is None else found


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
