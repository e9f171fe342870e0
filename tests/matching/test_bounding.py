"""Our own assigner by value: fillings against every subset, its bound against a solver, and lies that are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from random import Random

import numpy as np
import pytest

from matching import allocate, assign, lagrange
from matching.assigners import ASSIGNERS
from matching.bins import Bins, bins, fill, forced
from matching.checker import check
from matching.lagrange import SCALE, filled_at, search, still_possible
from matching.network import Ints
from matching.parts import UNKNOWN
from matching.servings import Answer, Servings
from matching.shifting import mended, polished, refilled
from tests.matching.placements import placements
from tests.matching.test_assign import contested, models


def every_filling(gain: list[int], weight: list[int], room: int) -> list[tuple[int, frozenset[int]]]:
    sets = (frozenset(s) for size in range(len(gain) + 1) for s in combinations(range(len(gain)), size))
    return [(sum(gain[i] for i in s), s) for s in sets if sum(weight[i] for i in s) <= room]


def test_a_bin_is_filled_as_well_as_the_best_of_all_subsets_with_each_item_in_and_out():
    rng = Random(1)
    for _ in range(60):
        room, size = rng.randrange(1, 15), rng.randrange(1, 7)
        gain = [rng.randrange(-5, 20) for _ in range(size)]
        weight = [rng.randrange(room + 1) for _ in range(size)]
        known = every_filling(gain, weight, room)
        good = np.flatnonzero(np.array(gain) > 0)
        most, taken = fill(np.array(gain)[good], np.array(weight)[good], room=room)
        assert most == max(worth for worth, _ in known)
        assert sum(gain[i] for i in good[taken]) == most
        assert sum(weight[i] for i in good[taken]) <= room
        inside, outside = forced(np.array(gain), np.array(weight), room=room)
        for item in range(size):
            assert inside[item] == max(worth for worth, s in known if item in s)
            assert outside[item] == max(worth for worth, s in known if item not in s)


def crowded(seed: int) -> Bins:
    """Six needs, two bins with room for about half of them."""
    rng = Random(seed)
    shape = (6, 3)
    value = np.array([[rng.randrange(1, 30) for _ in range(3)] for _ in range(6)])
    weight = np.array([[rng.randrange(1, 6) for _ in range(3)] for _ in range(6)])
    value[:, 2] = weight[:, 2] = 0
    column = np.arange(18).reshape(shape)
    column[:, 2] = -1
    return Bins(column, value, weight, np.ones(shape, dtype=np.bool_), np.array([8, 7]))


def every_plan(asked: Bins) -> list[tuple[int, Ints]]:
    plans = (np.array(np.unravel_index(at, (3,) * 6)) for at in range(3**6))
    return [(asked.worth(plan), plan) for plan in plans if asked.fits(plan)]


def test_whatever_the_prices_no_plan_passes_their_bound_and_no_better_plan_uses_what_they_rule_out():
    ruled = 0
    for seed in range(25):
        asked, rng = crowded(seed), np.random.default_rng(seed)
        known = every_plan(asked)
        top = max(worth for worth, _ in known)
        good = search(asked, prices=asked.value.max(axis=1) * SCALE // 2, plan=None, effort=0.02).at
        for prices in (rng.integers(0, 20 * SCALE, 6), good, good - SCALE):
            filling = filled_at(asked, prices)
            assert filling.total // SCALE >= top
            for best in (top - 4, top - 2, top - 1):
                can = still_possible(asked, filling, best=best)
                ruled += int((~can).sum())
                assert all(can[np.arange(6), plan].all() for worth, plan in known if worth > best), seed
    assert ruled > 40


def test_mending_only_ever_gains_and_keeps_every_bin():
    best = tried = 0
    for seed in range(12):
        asked = crowded(seed)
        known = every_plan(asked)
        for worth, plan in known[:: len(known) // 7]:
            for better in (mended(asked, plan), refilled(asked, plan), polished(asked, plan)):
                assert asked.fits(better)
                assert worth <= asked.worth(better) <= max(worth for worth, _ in known)
            best += asked.worth(polished(asked, plan)) == max(worth for worth, _ in known)
            tried += 1
    assert best > tried * 2 // 3, "mending hardly ever reaches the best"


def test_ours_finds_no_more_than_there_is_and_its_narrower_question_holds_every_better_plan():
    asked = proven = narrowed = 0
    for seed in range(80):
        for model in models(replace(placements(seed), pins=())):
            start = np.zeros(len(model.places), dtype=np.bool_)
            ours, known = ASSIGNERS["bound"](model, start=start, effort=0.002), ASSIGNERS["highs"]
            if ours.chosen is None:
                continue
            best = known(model, start=None, effort=1.0).bound
            asked += 1
            assert model.value(ours.chosen) <= best <= ours.bound, seed
            proven += ours.bound == best
            if ours.narrower is not None:
                found = known(ours.narrower, start=None, effort=1.0)
                assert found.chosen is not None
                assert max(model.value(ours.chosen), ours.narrower.value(found.chosen)) == best, seed
                narrowed += len(ours.narrower.places) < len(model.places)
    assert asked > 40
    assert proven > asked // 2


def test_our_bound_can_prove_a_value_without_a_solver(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assign, "ROUNDS", (("bound", 0.1),))
    said = allocate(contested()).certificate
    assert (said.value, said.value_proof) == (said.value_bound, "bound")


def spoilt(answer: Answer, model: Servings) -> Servings:
    """The same question without the best place of all."""
    dear = np.flatnonzero(answer.chosen if answer.chosen is not None else model.must)[0]
    values = model.values.copy()
    values[dear] -= 1
    return replace(model, values=values)


LIES: dict[str, Callable[[Servings, Answer], Answer]] = {
    "a bound below a plan": lambda model, answer: replace(answer, bound=model.base + 1),
    "everything at once": lambda model, answer: replace(answer, chosen=np.ones(len(model.places), dtype=np.bool_)),
    "nothing": lambda model, answer: Answer(None, 0),
    "a poor plan": lambda model, answer: Answer(np.zeros(len(model.places), dtype=np.bool_), UNKNOWN),
    "a question without its own plan": lambda model, answer: replace(
        answer, bound=UNKNOWN, narrower=spoilt(answer, model)
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_where_ours_lies_the_solvers_prove_the_same_value(monkeypatch: pytest.MonkeyPatch, lie: str):
    true, honest = allocate(contested()).certificate, ASSIGNERS["bound"]
    told = {**ASSIGNERS, "bound": lambda model, **asked: LIES[lie](model, honest(model, **asked))}
    monkeypatch.setattr(assign, "ASSIGNERS", told)
    plan = allocate(contested())
    said = plan.certificate
    assert check(contested(), plan) == ()
    assert (said.value, said.value_bound, said.value_proof) == (true.value, true.value, "both")


@pytest.mark.parametrize("broken", ["overfull", "never better", "no repair"])
def test_a_heuristic_that_fails_costs_time_and_nothing_else(monkeypatch: pytest.MonkeyPatch, broken: str):
    true = allocate(contested()).certificate
    if broken == "no repair":
        monkeypatch.setattr(lagrange, "repaired", lambda asked, wish, *, liking: None)
    else:
        keep = broken == "never better"
        monkeypatch.setattr(lagrange, "polished", lambda asked, plan: plan if keep else np.zeros_like(plan))
    plan = allocate(contested())
    said = plan.certificate
    assert check(contested(), plan) == ()
    assert (said.value, said.value_bound) == (true.value, true.value)
    assert said.value_proof


def test_where_bins_would_be_too_large_to_fill_exactly_ours_is_silent():
    model = models(contested())[0]
    wide = replace(
        model, rows=tuple(replace(row, weights=row.weights * 10**6, limit=row.limit * 10**6) for row in model.rows)
    )
    assert bins(model) is not None
    assert bins(wide) is None
