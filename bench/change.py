"""What happens to a city between two runs: some needs leave, some arrive, some resources die.

What enters: a generated `Problem`, the lines of its plan and a seed. What leaves: the changed problem with the plan
announced. Called by `bench/stability.py` and its test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from matching.model import Announced, Problem
from matching.plan import Line

LEAVE, ARRIVE, DIE = 0.01, 0.02, 0.005


def announced(lines: Iterable[Line]) -> tuple[Announced, ...]:
    """The lines of a plan as promises."""
    return tuple(Announced(line.need_id, line.resource_id, line.units) for line in lines)


def changed(problem: Problem, *, lines: Iterable[Line], seed: int, share: float = 1.0) -> Problem:
    """The same city a while later: `share` times 1 % of needs gone, 2 % new, 0.5 % of resources without stock.

    New needs belong to households of their own and resemble old ones. What was promised to or by those that are gone is
    dropped with them.
    """
    rng = Random(seed)
    size, givers = len(problem.needs), len(problem.resources)
    gone = {need.need_id for need in rng.sample(problem.needs, round(size * LEAVE * share))}
    dead = {row.resource_id for row in rng.sample(problem.resources, max(1, round(givers * DIE * share)))}
    models = rng.choices(problem.needs, k=round(size * ARRIVE * share))
    fresh = tuple(
        replace(need, need_id=f"new-{place:06}", household_id=f"new-{place:06}") for place, need in enumerate(models)
    )
    kept = [a for a in announced(lines) if a.need_id not in gone and a.resource_id not in dead]
    return replace(
        problem,
        needs=tuple(need for need in problem.needs if need.need_id not in gone) + fresh,
        resources=tuple(replace(row, stock=0) if row.resource_id in dead else row for row in problem.resources),
        ledger=tuple(row for row in problem.ledger if row.need_id not in gone),
        bans=tuple(ban for ban in problem.bans if ban.need_id not in gone),
        pins=tuple(pin for pin in problem.pins if pin.need_id not in gone),
        announced=tuple(kept),
    )
