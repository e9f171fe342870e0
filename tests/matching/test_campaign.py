"""Problems that greed gets wrong, amounts of thousands of millions, and a second solver: nothing ever differs."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count

import pytest

from tests.matching.campaign import Tally, greedy_misses, grown_amounts, two_opinions
from tests.matching.tight import WITHOUT

TORTURE = os.environ.get("TORTURE") == "1"
CHUNK = 20


def until(wanted: int, work: Callable[[range], Tally]) -> Tally:
    """Chunk after chunk until so many problems were right; a wrong one raises and names its seed."""
    seen = Tally()
    for place in count():
        if seen.right >= wanted:
            return seen
        seen.add(work(range(place * CHUNK, (place + 1) * CHUNK)))
    raise AssertionError


def test_where_greed_misses_the_best_plan_ours_is_the_one_and_each_rule_binds_in_one_of_twenty():
    seen = until(10_000 if TORTURE else 40, greedy_misses)
    if TORTURE:
        rare = {rule: seen.binding[rule] for rule in (*WITHOUT, "gap") if seen.binding[rule] * 20 < seen.right}
        assert rare == {}


def test_pure_plans_grow_with_their_amounts_up_to_thousands_of_millions():
    assert until(2_000 if TORTURE else 60, grown_amounts).right


@pytest.mark.parametrize(("kind", "many"), [("hard", 3_000), ("big", 2_000)])
def test_a_second_solver_with_a_model_of_its_own_finds_no_better_score(kind: str, many: int):
    assert until(many if TORTURE else 20, lambda seeds: two_opinions(seeds, kind=kind)).right
