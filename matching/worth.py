"""What whole servings are worth: the value of a plan, a bound that needs no solver, and what a run may say about it.

What enters: a compiled problem and units per pair, or the outcomes of all parts. What leaves: whole numbers, and the
name of who stands behind the bound. Called by `assign`, `certify` and `solve`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matching.compiled import Compiled
from matching.network import Ints
from matching.parts import Outcome
from matching.rules import counted


def value_of(compiled: Compiled, *, pairs: Ints, units: Ints) -> int:
    """Σ value of the pairs that serve their need whole; 0 unless the policy puts value first."""
    if compiled.problem.policy.objective != "value":
        return 0
    whole = counted(compiled, pairs=pairs, units=units) == compiled.open[compiled.pair_need[pairs]]
    return int(compiled.pair_value[pairs[whole & (units > 0)]].sum())


def most_value(compiled: Compiled, pairs: Ints) -> int:
    """What these pairs could be worth if every need had its best: a bound that needs no solver."""
    if compiled.problem.policy.objective != "value":
        return 0
    best = np.zeros(len(compiled.need_ids), dtype=np.int64)
    whole = compiled.pair_most[pairs] == compiled.open[compiled.pair_need[pairs]]
    np.maximum.at(best, compiled.pair_need[pairs[whole]], compiled.pair_value[pairs[whole]])
    return int(best.sum())


def value_said(compiled: Compiled, outcomes: Sequence[Outcome]) -> tuple[int, int, str]:
    """Value, bound and proof of a whole run.

    The proof names who stands behind the bound, if it is reached: both solvers, bound (our own prices), cp_sat or
    highs (the same for every part), mixed (each part by one of them), or sums: every need has its best, so that nobody
    has to be believed.
    """
    value = bound = 0
    proven: list[tuple[str, ...]] = []
    for outcome in outcomes:
        got, most = value_of(compiled, pairs=outcome.pairs, units=outcome.units), most_value(compiled, outcome.pairs)
        told = most if outcome.value_bound is None else max(got, min(most, outcome.value_bound))
        value, bound = value + got, bound + told
        if got < most:
            proven.append(outcome.value_proofs)
    if compiled.problem.policy.objective != "value" or value < bound:
        return value, bound, ""
    if not proven:
        return value, bound, "sums"
    common = set.intersection(*map(set, proven))
    name = "both" if {"cp_sat", "highs"} <= common else min(common, default="mixed")
    return value, bound, name
