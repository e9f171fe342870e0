"""Brute force against the allocator on random tiny problems.

What enters: a kind of problem and a range of seeds. What leaves: an assertion error that names the first seed on which
the plan is not the best one, breaks a rule before the judge, or claims more than it proves. Called by the
`test_brute_force_*` files; TORTURE=1 makes the campaigns long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from matching import Plan, Problem, allocate
from matching.checker import check
from tests.matching.oracle import Best, best, is_minimal_conflict
from tests.matching.receipts import open_units
from tests.matching.tiny import tiny

CHUNKS = range(20)


def seeds(chunk: int, *, normal: int, torture: int) -> Iterator[int]:
    """The seeds of one of twenty chunks of a campaign."""
    size = (torture if os.environ.get("TORTURE") == "1" else normal) // len(CHUNKS)
    yield from range(chunk * size, (chunk + 1) * size)


def judged(seed: int, *, kind: str, objective: str = "coverage") -> tuple[Problem, Plan, Best] | None:
    """Solve one problem and hold it against brute force and the judge; None if its pins contradict each other."""
    problem = tiny(seed, kind=kind, objective=objective)
    plan, known = allocate(problem), best(problem)
    faults = check(problem, plan)
    assert not faults, f"{kind} {seed}: {faults[0]}"
    if known is None:
        assert plan.certificate.status == "infeasible", f"{kind} {seed}: nothing keeps these pins"
        pins = {(need, resource) for need, resource in (name.split(">") for name in plan.certificate.conflict)}
        assert is_minimal_conflict(problem, pairs=pins), f"{kind} {seed}: {pins} is no minimal conflict"
        return None
    said = plan.certificate
    value = served_value(problem, plan) if objective == "value" else 0
    reached = (value, said.score, -said.broken_units, -said.cost)
    assert reached == known.objective, f"{kind} {seed}: {reached} instead of {known.objective}"
    assert said.bound >= said.solver_bound >= said.score, f"{kind} {seed}: a bound below the score"
    assert all(gap >= 0 for gaps in said.gap_by_prefix.values() for gap in gaps), f"{kind} {seed}: a gap below 0"
    return problem, plan, known


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
