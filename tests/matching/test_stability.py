"""A changed city breaks as few promises as can be, an unchanged one breaks none."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from bench.change import announced, changed
from bench.stability import least_broken, links_broken
from matching import allocate
from matching.generate import generate
from tests.matching.campaign import held
from tests.matching.oracle import best
from tests.matching.tiny import tiny

TORTURE = os.environ.get("TORTURE") == "1"


def test_after_a_change_the_broken_units_are_the_fewest_by_brute_force_and_by_a_second_solver():
    asked, broken, count = 0, 0, 2_000 if TORTURE else 40
    for seed in range(count):
        before = replace(tiny(5 * 10**6 + seed, kind="pure"), pins=(), announced=(), pairs=None)
        after = changed(before, lines=allocate(before).lines, seed=seed, share=20)
        found = held(after, known=best(after), name=f"change {seed}")
        assert found is not None
        said = found[1].certificate
        if after.announced and said.units:
            asked += 1
            broken += said.broken_units > 0
            assert least_broken(after, score=said.score) == said.broken_units, f"change {seed}"
    assert asked > count // 2
    assert broken > 2


def test_an_unchanged_city_keeps_every_promise():
    for shape in ("city", "villages"):
        city = generate(1_000, 50, seed=3, shape=shape)
        first = allocate(city)
        told = replace(city, announced=announced(first.lines))
        again = allocate(told)
        assert again.lines == first.lines
        assert (again.certificate.broken_units, links_broken(told, again)) == (0, 0)


@pytest.mark.parametrize("capped", [False, True])
def test_asking_for_stability_costs_no_coverage_and_saves_promises(capped: bool):
    """The score never changes; without household caps no cell does (with them, two best plans may fill other cells)."""
    city = generate(1_500, 75, caps=float(capped), seed=5, one_component=True)
    after = changed(city, lines=allocate(city).lines, seed=5)
    kept, free = allocate(after), allocate(replace(after, announced=()))
    assert kept.certificate.score == free.certificate.score
    assert capped or kept.certificate.coverage == free.certificate.coverage
    assert links_broken(after, kept) < links_broken(after, free)
    assert free.certificate.cost <= kept.certificate.cost <= free.certificate.cost * 1.01
    assert kept.certificate.broken_units == least_broken(after, score=kept.certificate.score)


def test_an_unchanged_hard_city_in_small_parts_keeps_every_line():
    city = generate(150, 20, hard=0.25, seed=5)
    first = allocate(city, budget_s=60)
    assert first.certificate.components["hard_small"] > 1
    assert allocate(replace(city, announced=announced(first.lines)), budget_s=60).lines == first.lines


def test_a_changed_hard_city_keeps_most_links_for_a_trifle_of_the_score(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("matching.priced.SECONDS_PER_PIECE", 2.0)  # few pieces: the clock must not decide
    city = generate(600, 60, hard=0.25, seed=5, one_component=True)
    first = allocate(city, budget_s=40)
    assert allocate(replace(city, announced=announced(first.lines)), budget_s=40).lines == first.lines
    after = changed(city, lines=first.lines, seed=5)
    kept, free = allocate(after, budget_s=40), allocate(replace(after, announced=()), budget_s=40)
    assert 3 * links_broken(after, kept) < links_broken(after, free)
    assert kept.certificate.score >= (1 - 3e-3) * free.certificate.score
