"""Hard problems, some with amounts of thousands of millions: every tier equals the best found by enumeration."""

from __future__ import annotations

from itertools import accumulate

import pytest

from tests.matching.campaign import CHUNKS, judged, many, seeds
from tests.matching.oracle import best


@pytest.mark.parametrize("chunk", CHUNKS)
def test_every_hard_plan_reaches_the_best_score_then_the_fewest_broken_promises_then_the_least_cost(chunk: int):
    for seed in seeds(chunk, normal=100, torture=3_000):
        judged(seed, kind="hard")


@pytest.mark.parametrize("chunk", CHUNKS)
def test_amounts_of_thousands_of_millions_in_lots_are_solved_exactly(chunk: int):
    for seed in seeds(chunk, normal=40, torture=2_000):
        judged(seed, kind="big")


@pytest.mark.parametrize("kind", ["hard", "big"])
def test_a_hard_plan_is_only_called_optimal_where_prices_prove_it(kind: str):
    proven = 0
    for seed in range(many(12, torture=600)):
        found = judged(10**6 + seed, kind=kind)
        if found is not None:
            said = found[1].certificate
            assert (said.status == "optimal") == (said.bound == said.score)
            proven += said.proofs["solver"]
    assert proven > 0


@pytest.mark.parametrize("kind", ["pure", "hard", "big"])
def test_with_the_objective_value_needs_served_whole_by_one_giver_come_first(kind: str):
    gained = 0
    for seed in range(many(10, torture=400)):
        found = judged(seed, kind=kind, objective="value")
        gained += found is not None and found[2].objective[0] > 0
    assert gained > 0


@pytest.mark.parametrize("kind", ["hard", "big"])
def test_no_leading_run_of_cells_can_be_better_than_its_gap_says(kind: str):
    for seed in range(many(12, torture=600)):
        found = judged(seed, kind=kind)
        if found is None:
            continue
        problem, plan, _ = found
        known = best(problem, leximin=True)
        assert known is not None
        assert known.leximin is not None
        worth = range(len(problem.policy.order), 0, -1)
        fairest, reached = (
            list(accumulate(rank * units for rank, units in zip(worth, cells, strict=True)))
            for cells in (known.leximin, plan.certificate.coverage)
        )
        for run, gap in enumerate(plan.certificate.gap_by_prefix["*"]):
            assert fairest[run] - reached[run] <= gap, f"{kind} {seed}: run {run}"
