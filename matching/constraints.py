"""One hard part as a CP-SAT model.

What enters: a compiled problem and one hard component. What leaves: variables and rows for every rule, and the tiers
as linear sums to be made as large as possible, one after the other. Called by `hard` only. Amounts are counted in lots,
rows are divided by their common divisor, and a minimum is a gap in a variable's domain: all this keeps numbers small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import gcd

import numpy as np
from ortools.sat.python import cp_model

from matching.compiled import Compiled
from matching.components import Component
from matching.flow import tie_hash
from matching.limits import Limits
from matching.network import Ints, announced_units, level_sizes, rank_table
from matching.rules import column, earmarked, exclusive, flag

SAFE_SUM = 2**30
OVERFLOW = 2**62

Terms = list[tuple[int, int]]
"""A linear sum: coefficients and places of variables in `Model.every`."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A linear sum that is to be as large as possible."""

    name: str
    terms: Terms

    def value(self, values: Sequence[int]) -> int:
        """The sum at these values of all variables."""
        return sum(weight * values[place] for weight, place in self.terms)


@dataclass(slots=True)
class Model:
    """Variables of one part: `steps` (lots of each pair), what a step takes from the stock and counts for the need."""

    model: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    every: list[cp_model.IntVar] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    takes: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    gains: Terms = field(default_factory=list)
    safe: bool = True

    @property
    def steps(self) -> list[cp_model.IntVar]:
        """The variables of the pairs; they come first."""
        return self.every[: len(self.takes)]

    def variable(self, most: int, *, least: int = 0, optional: bool = True) -> int:
        """A new variable in {0} ∪ [least, most], or in [least, most] if it is not optional; returns its place."""
        gaps = [[0, 0], [least, most]] if optional and least > 1 else [[0 if optional else least, most]]
        domain = cp_model.Domain.from_intervals(gaps)
        self.every.append(self.model.new_int_var_from_domain(domain, ""))
        self.most.append(most)
        return len(self.every) - 1

    def sum(self, terms: Terms) -> cp_model.LinearExprT:
        """The linear expression of `terms`."""
        return cp_model.LinearExpr.weighted_sum([self.every[at] for _, at in terms], [w for w, _ in terms])

    def at_most(self, terms: Terms, limit: int) -> None:
        """Σ terms ≤ limit, if it can bind."""
        if sum(weight * self.most[at] for weight, at in terms if weight > 0) <= limit:
            return
        divisor = gcd(*(weight for weight, _ in terms)) or 1
        smaller = [(weight // divisor, at) for weight, at in terms]
        self._note(smaller)
        self.model.add(self.sum(smaller) <= limit // divisor)

    def equal(self, terms: Terms, value: int) -> cp_model.Constraint:
        """Σ terms = value."""
        self._note(terms)
        return self.model.add(self.sum(terms) == value)

    def aim(self, tier: Tier) -> None:
        """Make the tier's sum the objective."""
        self.model.clear_objective()  # type: ignore[no-untyped-call]
        self.model.maximize(self.sum(tier.terms))

    def fix(self, tier: Tier, value: int) -> None:
        """From now on the tier may not fall below what it has reached."""
        self._note(tier.terms)
        self.model.add(self.sum(tier.terms) >= value)

    def _note(self, terms: Terms) -> None:
        self.safe = self.safe and sum(abs(weight) for weight, _ in terms) < SAFE_SUM

    def read(self, solver: cp_model.CpSolver) -> list[int]:
        """The values of all variables in the solver's solution."""
        return [int(solver.value(variable)) for variable in self.every]

    def units(self, values: Sequence[int]) -> Ints:
        """Units per pair."""
        steps = values[: len(self.takes)]
        return np.array([take * step for take, step in zip(self.takes, steps, strict=True)], dtype=np.int64)


def build(compiled: Compiled, limits: Limits, part: Component) -> Model:
    """All rules of the part as rows; O(pairs + needs·levels)."""
    made = Model()
    _pairs(made, compiled, part)
    used = _Used(made, compiled, part)
    by_need: dict[int, list[int]] = {}
    for at, need in enumerate(compiled.pair_need[part.pairs].tolist()):
        by_need.setdefault(need, []).append(at)
    _needs(made, compiled, by_need=by_need, used=used)
    _shared(made, compiled, limits, part, by_need=by_need)
    for rivals in exclusive(compiled, part):
        _one_resource(made, compiled, part, used=used, rivals=rivals)
    return made


def _pairs(made: Model, compiled: Compiled, part: Component) -> None:
    lots, minima = column(compiled, "lot"), column(compiled, "min_per_need")
    for pair in part.pairs.tolist():
        resource = compiled.pair_resource[pair]
        least, used = int(compiled.pair_least[pair]), int(compiled.pair_used[pair])
        lot = int(lots[resource]) if used < 0 else 1
        most = int(compiled.pair_most[pair]) // lot if used < 0 else 1
        low = -(-max(least, int(minima[resource])) // lot) if used < 0 else int(least > 0)
        made.variable(most, least=low, optional=least == 0)
        made.takes.append(lot if used < 0 else used)
        made.counts.append(lot if used < 0 else int(compiled.open[compiled.pair_need[pair]]))


class _Used:
    """Booleans that say whether a pair carries anything, made when first asked for."""

    def __init__(self, made: Model, compiled: Compiled, part: Component) -> None:
        self.made = made
        self.known: dict[int, int] = {}

    def of(self, at: int) -> int:
        """The place of the Boolean of pair `at`."""
        if self.made.most[at] == 1:
            return at
        if at not in self.known:
            self.known[at] = self.made.variable(1)
            step, boolean = self.made.every[at], self._literal(self.known[at])
            self.made.model.add(step >= 1).only_enforce_if(boolean)
            self.made.model.add(step == 0).only_enforce_if(boolean.negated())
        return self.known[at]

    def _literal(self, place: int) -> cp_model.IntVar:
        return self.made.every[place]


def _needs(made: Model, compiled: Compiled, *, by_need: dict[int, list[int]], used: _Used) -> None:
    single, whole = flag(compiled, "one_provider"), flag(compiled, "all_or_nothing")
    needs = np.array(sorted(by_need), dtype=np.int64)
    ranks = rank_table(compiled)[compiled.urgency[needs]].tolist()
    for need, sizes, worth in zip(needs.tolist(), level_sizes(compiled, needs).tolist(), ranks, strict=True):
        places = by_need[need]
        grain = gcd(*(made.counts[at] for at in places))
        received = [(made.counts[at] // grain, at) for at in places]
        gains = [(gain, made.variable(length)) for gain, length in steps_of(sizes, worth, grain=grain)]
        made.gains += gains
        made.equal(received + [(-1, at) for _, at in gains], 0)
        by_use = compiled.pair_used[compiled.pairs_of(need)].max(initial=-1) >= 0
        if (single[need] or by_use) and len(places) > 1:
            made.model.add_at_most_one([made.every[used.of(at)] for at in places])
        if whole[need] and not by_use:
            rest = int(compiled.open[need]) % grain
            all_of_it = made.variable(0 if rest else 1)
            made.equal([*received, (-(int(compiled.open[need]) // grain), all_of_it)], 0)


def steps_of(sizes: Sequence[int], worth: Sequence[int], *, grain: int) -> list[tuple[int, int]]:
    """The gain of each next `grain` units of a need and how many such steps gain the same, the first steps first.

    >>> steps_of([3, 3], [8, 7], grain=2)
    [(16, 1), (15, 1), (14, 1)]
    """
    edges = [0, *accumulate(sizes)]

    def gain(units: int) -> int:
        return sum(w * max(0, min(units, end) - start) for w, (start, end) in zip(worth, pairwise(edges), strict=True))

    stops = sorted({stop for edge in edges for stop in (edge // grain, min(-(-edge // grain), edges[-1] // grain))})
    return [((gain(end * grain) - gain(start * grain)) // (end - start), end - start) for start, end in pairwise(stops)]


def _shared(made: Model, compiled: Compiled, limits: Limits, part: Component, *, by_need: dict[int, list[int]]) -> None:
    by_resource: dict[int, list[int]] = {}
    by_share: dict[int, list[int]] = {}
    for at, pair in enumerate(part.pairs.tolist()):
        by_resource.setdefault(int(compiled.pair_resource[pair]), []).append(at)
        by_share.setdefault(int(limits.pair_share[pair]), []).append(at)
    for resource, places in by_resource.items():
        made.at_most([(made.takes[at], at) for at in places], int(compiled.stock[resource]))
    for mark, resources in earmarked(limits, part):
        terms = [(made.takes[at], at) for r in resources.tolist() for at in by_resource.get(r, ())]
        made.at_most(terms, int(limits.earmark_budget[mark]))
    for share, places in by_share.items():
        if share >= 0:
            made.at_most([(made.takes[at], at) for at in places], int(limits.share_limit[share]))
    for group in part.groups.tolist():
        terms = [(made.counts[at], at) for n in limits.needs_of(group).tolist() for at in by_need.get(n, ())]
        made.at_most(terms, int(limits.group_limit[group]))


def _one_resource(made: Model, compiled: Compiled, part: Component, *, used: _Used, rivals: Ints) -> None:
    """A household draws on at most one of the rival resources."""
    by_resource: dict[int, list[int]] = {}
    for at in rivals.tolist():
        by_resource.setdefault(int(compiled.pair_resource[part.pairs[at]]), []).append(at)
    chosen = []
    for places in by_resource.values():
        drawn = made.every[used.of(places[0]) if len(places) == 1 else made.variable(1)]
        for at in places if len(places) > 1 else ():
            made.model.add_implication(made.every[used.of(at)], drawn)
        chosen.append(drawn)
    made.model.add_at_most_one(chosen)


def tiers(compiled: Compiled, part: Component, made: Model) -> Iterator[Tier]:
    """What is made as large as possible, in order; a sum that has nothing to decide or would overflow is left out."""
    named = (
        ("value", _value(compiled, part, made)),
        ("score", made.gains),
        ("kept", _kept(compiled, part, made)),
        ("cost", [(-int(c) * made.takes[at], at) for at, c in enumerate(compiled.pair_cost[part.pairs].tolist())]),
        ("hash", _hashed(compiled, part, made)),
    )
    for name, terms in named:
        divisor = gcd(*(weight for weight, _ in terms)) or 1 if name in ("cost", "hash") else 1
        sum_of = [(weight // divisor, at) for weight, at in terms if weight]
        if name == "score" or (sum_of and sum(abs(w) * made.most[at] for w, at in sum_of) < OVERFLOW):
            yield Tier(name, sum_of)


def _value(compiled: Compiled, part: Component, made: Model) -> Terms:
    """One Boolean per pair that serves its need whole, if the policy puts value first."""
    if compiled.problem.policy.objective != "value":
        return []
    terms: Terms = []
    for at, (pair, value) in enumerate(zip(part.pairs.tolist(), compiled.pair_value[part.pairs].tolist(), strict=True)):
        still_open = int(compiled.open[compiled.pair_need[pair]])
        if value and made.counts[at] * made.most[at] >= still_open and still_open % made.counts[at] == 0:
            served = made.variable(1)
            made.model.add(made.every[at] >= still_open // made.counts[at]).only_enforce_if(made.every[served])
            terms.append((value, served))
    return terms


def _kept(compiled: Compiled, part: Component, made: Model) -> Terms:
    """Announced units that stay, one variable per announced pair."""
    promised, place = announced_units(compiled), {pair: at for at, pair in enumerate(part.pairs.tolist())}
    terms: Terms = []
    for pair, units in promised.items():
        if pair in place:
            at = place[pair]
            kept = made.variable(min(units, made.takes[at] * made.most[at]))
            made.at_most([(1, kept), (-made.takes[at], at)], 0)
            terms.append((1, kept))
    return terms


def _hashed(compiled: Compiled, part: Component, made: Model) -> Terms:
    salt = compiled.problem.policy.salt
    return [
        (
            -made.takes[at]
            * tie_hash(
                salt,
                need_id=compiled.need_ids[compiled.pair_need[pair]],
                resource_id=compiled.resource_ids[compiled.pair_resource[pair]],
            ),
            at,
        )
        for at, pair in enumerate(part.pairs.tolist())
    ]
