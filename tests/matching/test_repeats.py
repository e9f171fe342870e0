"""Shuffled rows and any number of processes give one plan, byte for byte."""

from __future__ import annotations

import os

import pytest

from bench.repeats import hashes
from matching.generate import generate

TORTURE = os.environ.get("TORTURE") == "1"


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("hard", [0.0, 0.25])
def test_shuffled_rows_and_1_2_and_16_processes_give_one_plan(
    hard: float, joined: bool, monkeypatch: pytest.MonkeyPatch
):
    if not TORTURE:  # a small part of the work that fills the budget: a busy machine must not need the clock to stop it
        monkeypatch.setattr("matching.priced.SECONDS_PER_PIECE", 5.0)
        monkeypatch.setattr("matching.small.NODES_PER_SECOND", 2)
    needs, repeats = (5_000, 20) if TORTURE else (200, 3)
    city = generate(needs, needs // 20, hard=hard, one_component=joined, seed=11)
    found = hashes(city, repeats=repeats, budget=30.0 if TORTURE else 100.0)
    assert found.get("interrupted", 0) == 0, "a run that the clock stopped promises nothing"
    assert (len(found), sum(found.values())) == (1, repeats)
