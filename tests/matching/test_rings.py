"""A ring of costs below zero is found after a few rounds, however many nodes there are."""

from __future__ import annotations

import numpy as np
import pytest

from matching.flow import NegativeCycle, relax


def relaxed(nodes: int, arcs: list[tuple[int, int, int]]) -> list[int]:
    levels = np.zeros(nodes, np.int64)
    tail, head, cost = np.array(arcs, np.int64).T
    relax(levels, tail, head, cost)
    return levels.tolist()


def test_a_ring_below_zero_is_found_long_before_every_node_has_had_its_round():
    with pytest.raises(NegativeCycle):
        relaxed(300_000, [(0, 1, 1), (1, 2, -1), (2, 0, -1), (2, 3, 0)])


@pytest.mark.parametrize("length", [2, 31, 32, 33, 100])
def test_a_ring_of_any_length_is_found(length):
    ring = [(i, (i + 1) % length, 0) for i in range(length)]
    ring[0] = (0, 1 % length, -1)
    with pytest.raises(NegativeCycle):
        relaxed(length, ring)


@pytest.mark.parametrize("length", [2, 40, 500])
def test_a_long_chain_and_a_ring_of_zero_are_no_such_ring(length):
    chain = [(i, i + 1, -1) for i in range(length)]
    ring = [(length, 0, length), (0, 1, -1)]
    assert relaxed(length + 1, chain + ring) == [-i for i in range(length + 1)]
