"""Classes of needs and a first flow in one number are short cuts: plans and prices are those of the long way."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bench.change import announced, changed
from matching import allocate, bundle, flow
from matching.bundle import bundled
from matching.compiled import compile_problem
from matching.components import split
from matching.generate import generate
from matching.limits import shared_limits
from matching.model import Problem
from matching.network import SINK, SOURCE, Ints, Network
from matching.pure import network_of
from tests.matching.tiny import tiny

TORTURE = os.environ.get("TORTURE") == "1"


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundle wherever it saves a single arc."""
    monkeypatch.setattr(bundle, "WORTH", 10**9)


def network(problem: Problem) -> Network:
    compiled = compile_problem(problem)
    parts = [part for part in split(compiled) if not part.hard]
    return network_of(compiled, shared_limits(compiled), parts)


def told(problem: Problem) -> tuple[object, ...]:
    plan = allocate(problem)
    return plan.lines, plan.prices, plan.certificate.unique, plan.certificate.status


def city(seed: int, *, joined: bool = False, caps: float = 0.0) -> Problem:
    return generate(500, 30, one_component=joined, caps=caps, seed=seed)


@pytest.mark.usefixtures("always")
def test_classes_change_neither_a_plan_nor_a_price(monkeypatch: pytest.MonkeyPatch):
    cities = [city(1), city(2, joined=True), city(3, joined=True, caps=1.0)]
    cities += [changed(cities[1], lines=allocate(cities[1]).lines, seed=4)]
    problems = [*cities, *(tiny(9 * 10**6 + seed) for seed in range(4_000 if TORTURE else 100))]
    with_classes = [told(problem) for problem in problems]
    used = sum(bundled(network(problem)) is not None for problem in cities)
    monkeypatch.setattr(flow, "bundled", lambda network: None)
    assert with_classes == [told(problem) for problem in problems]
    assert used == len(cities)


def test_a_class_network_is_smaller_and_its_flow_spreads_to_the_pairs_with_every_node_in_balance():
    whole = network(city(5, joined=True))
    found = bundled(whole)
    assert found is not None
    small = found.network
    assert len(small.tail) < len(whole.tail)
    given = flow.whole_flow(small, costs=small.costs[0])
    spread = found.spread(given, size=len(whole.tail))
    assert (whole.lower <= spread).all()
    assert (spread <= whole.upper).all()
    assert not sums(whole, spread)[2:].any()
    assert sums(whole, spread)[SOURCE] == -sums(whole, spread)[SINK] == whole.upper[-1]
    for tier in range(3):
        assert (whole.costs[tier] * spread).sum() == (small.costs[tier] * given).sum()


def sums(network: Network, given: Ints) -> Ints:
    """What each node sends out, less what it takes in."""
    found = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(found, network.tail, given)
    np.add.at(found, network.head, -given)
    return found


def test_all_arcs_of_a_class_network_stand_for_all_arcs_of_the_whole_one():
    whole = network(city(6))
    found = bundled(whole)
    assert found is not None
    every = found.whole_arcs(np.arange(len(found.network.tail)))
    assert every.tolist() == list(range(len(whole.tail)))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_first_flow_that_is_wrong_in_a_tier_is_mended(monkeypatch: pytest.MonkeyPatch, wrong: int):
    before = city(7)
    problem = changed(before, lines=allocate(before).lines, seed=7)
    assert announced(allocate(before).lines)
    right = told(problem)
    monkeypatch.setattr(flow, "_folded", lambda network: -network.costs[wrong])
    assert told(problem) == right


def test_costs_too_large_for_one_number_leave_coverage_alone():
    whole = network(city(8))
    assert flow._folded(whole).min() < whole.costs[0].min()
    ranks, kept, cost = whole.costs
    dear = Network(
        nodes=whole.nodes, tail=whole.tail, head=whole.head, lower=whole.lower, upper=whole.upper,
        costs=(ranks, kept, cost * 10**12), pair=whole.pair, limits={}, needs=whole.needs, need_node=whole.need_node,
    )  # fmt: skip
    assert (flow._folded(dear) == ranks).all()
