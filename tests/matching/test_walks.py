"""The order of a day's stops: never slower than the list, ranks kept, the same every time, and only numbers enter."""

from __future__ import annotations

import inspect
import random
from itertools import permutations

import pytest

from matching import rounds
from matching.rounds import plan_round, round_minutes


def _table(pick: random.Random, size: int) -> list[list[int]]:
    points = [(pick.randrange(100), pick.randrange(100)) for _ in range(size)]
    river = pick.randrange(20, 80)
    return [
        [abs(a[0] - b[0]) + abs(a[1] - b[1]) + 15 * ((a[0] < river) != (b[0] < river)) for b in points] for a in points
    ]


def test_a_round_is_never_slower_than_the_list_and_the_same_every_time() -> None:
    pick, saved = random.Random(7), 0
    for _ in range(40):
        size = pick.randrange(2, 13)
        table, ranks = _table(pick, size), [pick.randrange(3) for _ in range(size - 1)]
        order = plan_round(table, ranks)
        listed = sorted(range(1, size), key=lambda stop: (ranks[stop - 1], stop))
        assert sorted(order) == list(range(1, size))
        assert [ranks[stop - 1] for stop in order] == sorted(ranks)
        assert round_minutes(table, order) <= round_minutes(table, listed)
        assert plan_round(table, ranks) == order
        saved += round_minutes(table, listed) - round_minutes(table, order)
    assert saved > 1000


def test_small_rounds_come_near_the_best_of_all_orders() -> None:
    pick, ours, best = random.Random(11), 0, 0
    for _ in range(20):
        table = _table(pick, 7)
        ours += round_minutes(table, plan_round(table, [1] * 6))
        best += min(round_minutes(table, order) for order in permutations(range(1, 7)))
    assert best <= ours <= 1.05 * best


def test_thirty_stops_are_planned_and_more_are_refused() -> None:
    table = _table(random.Random(3), 31)
    assert sorted(plan_round(table, [1] * 30)) == list(range(1, 31))
    with pytest.raises(ValueError, match="at most 30"):
        plan_round(_table(random.Random(3), 32), [1] * 31)
    with pytest.raises(ValueError, match="square"):
        plan_round([[0, 1], [1]], [1])
    with pytest.raises(ValueError, match="between 0"):
        plan_round([[0, -1], [1, 0]], [1])
    assert plan_round([[0]], []) == []


def test_only_numbers_enter_the_arithmetic() -> None:
    for name in ("plan_round", "round_minutes"):
        told = str(inspect.signature(getattr(rounds, name)))
        assert "str" not in told
        assert "int" in told
