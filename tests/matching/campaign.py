"""Brute force against the allocator on random tiny problems.

What enters: a kind of problem and a range of seeds. What leaves: an assertion error that names the first seed on which
the plan is not the best one, breaks a rule before the judge, or claims more than it proves. Called by the
`test_brute_force_*` files; TORTURE=1 makes the campaigns long.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from matching import Plan, Problem, allocate
from matching.checker import check
from tests.matching.oracle import Best, best, is_minimal_conflict
from tests.matching.receipts import open_units
from tests.matching.second import by_cp_sat, by_highs
from tests.matching.tight import binding, greedy_score, grown, rounded, tight
from tests.matching.tiny import tiny

CHUNKS = range(20)


def many(normal: int, *, torture: int) -> int:
    """How many problems: few in the ordinary suite, as many as find the rare fault with TORTURE=1."""
    return torture if os.environ.get("TORTURE") == "1" else normal


def seeds(chunk: int, *, normal: int, torture: int) -> Iterator[int]:
    """The seeds of one of twenty chunks of a campaign."""
    size = many(normal, torture=torture) // len(CHUNKS)
    yield from range(chunk * size, (chunk + 1) * size)


def judged(seed: int, *, kind: str, objective: str = "coverage") -> tuple[Problem, Plan, Best] | None:
    """Solve one problem and hold it against brute force and the judge; None if its pins contradict each other."""
    problem = tiny(seed, kind=kind, objective=objective)
    return held(problem, known=best(problem), name=f"{kind} {seed}")


def held(problem: Problem, *, known: Best | None, name: str) -> tuple[Problem, Plan, Best] | None:
    """Solve a problem whose best plan is `known` and hold the answer against it and the judge."""
    plan = allocate(problem)
    faults = check(problem, plan)
    assert not faults, f"{name}: {faults[0]}"
    if known is None:
        assert plan.certificate.status == "infeasible", f"{name}: nothing keeps these pins"
        pins = {(need, resource) for need, resource in (name.split(">") for name in plan.certificate.conflict)}
        assert is_minimal_conflict(problem, pairs=pins), f"{name}: {pins} is no minimal conflict"
        return None
    said = plan.certificate
    value = served_value(problem, plan) if problem.policy.objective == "value" else 0
    reached = (value, said.score, -said.broken_units, -said.cost)
    assert reached == known.objective, f"{name}: {reached} instead of {known.objective}"
    assert said.bound >= said.solver_bound >= said.score, f"{name}: a bound below the score"
    assert all(gap >= 0 for gaps in said.gap_by_prefix.values() for gap in gaps), f"{name}: a gap below 0"
    return problem, plan, known


def is_the_one(plan: Plan, known: Best) -> bool:
    """The plan of a pure problem is the best one unit by unit, and is proven so."""
    said = plan.certificate
    units = {(line.need_id, line.resource_id): line.units for line in plan.lines}
    proven = (said.status, said.gap, said.unique) == ("optimal", 0.0, True)
    return units == known.amounts and proven and said.coverage == known.coverage


@dataclass
class Tally:
    """What a campaign has seen: `right` problems whose plan equals the best, of all `tried`; what bound in them."""

    tried: int = 0
    right: int = 0
    clashes: int = 0
    binding: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> Tally:
        """Both together."""
        self.tried += other.tried
        self.right += other.right
        self.clashes += other.clashes
        self.binding += other.binding
        return self


def greedy_misses(numbers: Iterable[int]) -> Tally:
    """Pure problems on which greed scores less than brute force: ours is the best plan, unit by unit.

    `tried` counts all problems drawn, `right` those that greed misses (all of them solved, or it raises).
    """
    seen = Tally()
    for seed in numbers:
        problem = tight(seed)
        known = best(problem)
        seen.tried += 1
        if known is None:
            seen.clashes += 1
            continue
        greedy = greedy_score(problem)
        if greedy is not None and greedy >= known.objective[1]:
            continue
        found = held(problem, known=known, name=f"tight {seed}")
        assert found is not None
        assert is_the_one(found[1], known), f"tight {seed}: another plan"
        seen.right += 1
        seen.binding.update(binding(problem, known))
    return seen


def grown_amounts(numbers: Iterable[int]) -> Tally:
    """Pure problems with amounts of thousands of millions: the best plan is that of the small problem, grown."""
    seen = Tally()
    for seed in numbers:
        times = (10**8, 333_333_333, 10**9, 6 * 10**9 + 1)[seed % 4]
        small = rounded(tiny(seed, kind="pure"), levels=1 + seed % 3)
        known = best(small)
        seen.tried += 1
        if known is None:
            seen.clashes += 1
            continue
        large = Best(
            objective=tuple(part * times for part in known.objective),  # type: ignore[arg-type]
            amounts={pair: units * times for pair, units in known.amounts.items()},
            coverage=tuple(units * times for units in known.coverage),
            leximin=None,
        )
        found = held(grown(small, times=times), known=large, name=f"grown {seed}")
        assert found is not None
        assert is_the_one(found[1], large), f"grown {seed}: another plan"
        seen.right += 1
    return seen


def two_opinions(numbers: Iterable[int], *, kind: str) -> Tally:
    """Hard problems: ours equals brute force in every tier, and in the score a second solver with its own model."""
    seen = Tally()
    for seed in numbers:
        found = judged(seed, kind=kind)
        seen.tried += 1
        if found is None:
            seen.clashes += 1
            continue
        problem, plan, _ = found
        other = by_highs(problem) if kind == "hard" else by_cp_sat(problem)
        assert other == plan.certificate.score, f"{kind} {seed}: the second solver says {other}"
        seen.right += 1
    return seen


def served_value(problem: Problem, plan: Plan) -> int:
    """Σ value of the pairs that serve a need whole by one resource."""
    rows = {(row.need_id, row.resource_id): row for row in problem.pairs or ()}
    by_use = {row.need_id for row in problem.pairs or () if row.units_used is not None}
    needs = {need.need_id: need for need in problem.needs}
    return sum(
        rows[need_id, lines[0].resource_id].value
        for need_id, lines in plan.by_need()
        if len(lines) == 1
        and (need_id, lines[0].resource_id) in rows
        and (need_id in by_use or lines[0].units == open_units(problem, need=needs[need_id]))
    )
