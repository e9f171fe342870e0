"""The fewest units that meet some pins, asked of the exact solver.

What enters: a `Tight` problem and the pairs whose pins are to be met. What leaves: the units, or none and whether that
is sure. Called by `matching.cutback` only, and loaded by it when there are pins: the solver takes long to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from matching.compiled import Compiled
from matching.components import Component
from matching.constraints import Tier, build
from matching.hard import solver_of
from matching.network import Ints
from matching.rules import breaches, column

if TYPE_CHECKING:
    from matching.cutback import Tight

EFFORT = 2.0
"""Deterministic time of one question to the exact solver."""


def fails(tight: Tight, pins: Sequence[int]) -> bool:
    """Whether these pins surely cannot be met together."""
    found, sure = fewest(tight, pins)
    return found is None and sure


def fewest(tight: Tight, pins: Sequence[int]) -> tuple[Ints | None, bool]:
    """The fewest units that meet these pins; or None, and whether that is sure."""
    compiled = tight.compiled
    least = np.zeros_like(compiled.pair_least)
    least[list(pins)] = compiled.pair_least[list(pins)]
    if not _each_fits(compiled, least):
        return None, True
    part, asked = _part_of(tight, least), replace(compiled, pair_least=least)
    made = build(asked, tight.limits, part)
    for outside, most in tight.kept:
        made.at_most([(made.takes[at], at) for at in np.flatnonzero(outside[part.pairs]).tolist()], most)
    made.aim(Tier("fewest", [(-takes, at) for at, takes in enumerate(made.takes)]))
    solver = solver_of(effort=EFFORT)
    status = solver.solve(made.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, status == cp_model.INFEASIBLE
    units = made.units(made.read(solver))
    if breaches(asked, tight.limits, part, units):
        return None, False
    found = np.zeros_like(least)
    found[part.pairs] = units
    return found, True


def _each_fits(compiled: Compiled, least: Ints) -> bool:
    """Whether each pair alone could carry what it is pinned at."""
    resource = compiled.pair_resource
    lot, floor = column(compiled, "lot")[resource], column(compiled, "min_per_need")[resource]
    plain = -(-np.maximum(least, floor) // lot) * lot
    fits = np.where(
        compiled.pair_used < 0,
        plain <= compiled.pair_most,
        (least <= compiled.pair_used) & (compiled.pair_most > 0),
    )
    return bool(fits[least > 0].all())


def _part_of(tight: Tight, least: Ints) -> Component:
    """The pinned needs with all their pairs that can carry anything."""
    compiled, whole = tight.compiled, tight.part
    asked = np.zeros(len(compiled.need_ids), bool)
    asked[compiled.pair_need[least > 0]] = True
    pairs = whole.pairs[asked[compiled.pair_need[whole.pairs]] & (compiled.pair_most[whole.pairs] > 0)]
    groups = [group for group in whole.groups.tolist() if asked[tight.limits.needs_of(group)].any()]
    return replace(
        whole,
        needs=np.flatnonzero(asked),
        pairs=pairs,
        resources=np.unique(compiled.pair_resource[pairs]).astype(np.int64),
        groups=np.array(groups, dtype=np.int64),
    )
