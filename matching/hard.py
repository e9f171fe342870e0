"""Hard parts small enough to solve exactly: CP-SAT, tier by tier.

What enters: a compiled problem, one hard component and, if there is one, a plan to start from. What leaves: units per
pair, the best score CP-SAT could not rule out, and whether that word can be trusted. Called by `child`, in a process
that can be killed. One worker, a fixed seed and deterministic limits: the same part always gives the same plan.

CP-SAT has certified wrong optima where Boolean coefficients of a row pass 2³¹, so every solution is checked against
the rules again, and its bound counts only while the coefficients of every row add up to less than 2³⁰.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from matching.compiled import Compiled
from matching.components import Component
from matching.constraints import Model, Tier, build, tiers
from matching.limits import Limits
from matching.network import Ints
from matching.parts import UNKNOWN
from matching.rules import breaches

EXACT_FLOAT = 2**52
"""CP-SAT tells its bound as a float: beyond this it is not exact."""


TIERS = ("value", "score", "kept", "cost", "hash")
"""All tiers, in order."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Units per pair of the component; `bound` on the score; `proven`: nothing scores more, on CP-SAT's word.

    `value_bound` is what no plan is worth more than, where the value tier was solved.
    """

    units: Ints
    bound: int
    proven: bool
    value_bound: int | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What one call of the solver says: values of all variables (None: no solution), and its bound."""

    infeasible: bool
    values: list[int] | None
    bound: int


def solve_exact(
    compiled: Compiled,
    limits: Limits,
    part: Component,
    *,
    start: Ints | None,
    effort: float,
    only: tuple[str, ...] = TIERS,
    settled: Mapping[str, int] | None = None,
) -> Exact | None:
    """The best units of a hard part, or None if CP-SAT finds that no plan keeps the pins.

    `start` is a plan that keeps the rules; `effort` is the deterministic time of a tier, in CP-SAT's unit (about a
    second on this decade's machines); `only` names the tiers to go through. `settled` holds tiers that were solved
    before, with what the start reaches in them: the plan keeps that, and they are not solved again.
    """
    made = build(compiled, limits, part)
    order = [tier for tier in tiers(compiled, part, made) if tier.name in only]
    known = dict(settled or {})
    before = [(tier, known[tier.name]) for tier in order if tier.name in known]
    for tier, reached in before:
        made.fix(tier, reached)
    order = [tier for tier in order if tier.name not in known]
    best = _complete(made, start)
    bound, proven, value_bound = known.get("score", UNKNOWN), "score" in known, None
    for tier in order:
        found = _run(made, tier=tier, hint=best, effort=effort)
        if found.infeasible and best is None:
            return None
        new = _believed(compiled, limits, part, made, before=before, values=found.values)
        if new is not None and (best is None or tier.value(new) >= tier.value(best)):
            best = new
        if tier.name == "score" and made.safe and best is not None:
            bound, proven = found.bound, found.bound == tier.value(best)
        if tier.name == "value" and made.safe and best is not None:
            value_bound = found.bound
        if best is None:
            break
        before.append((tier, tier.value(best)))
        made.fix(*before[-1])
    units = np.zeros(len(part.pairs), dtype=np.int64) if best is None else made.units(best)
    return Exact(units, bound, proven, value_bound)


def _believed(
    compiled: Compiled,
    limits: Limits,
    part: Component,
    made: Model,
    *,
    before: Sequence[tuple[Tier, int]],
    values: list[int] | None,
) -> list[int] | None:
    """A solution that keeps every rule and all that the tiers `before` have reached; another one is not believed."""
    if values is None or any(tier.value(values) < reached for tier, reached in before):
        return None
    return None if breaches(compiled, limits, part, made.units(values)) else values


def _complete(made: Model, start: Ints | None) -> list[int] | None:
    """Values of all variables for a plan that is given by its units."""
    if start is None:
        return None
    made.model.clear_hints()  # type: ignore[no-untyped-call]
    for variable, units, takes in zip(made.steps, start.tolist(), made.takes, strict=True):
        made.model.add_hint(variable, units // takes if takes else 0)
    solver = solver_of(effort=1.0)
    solver.parameters.fix_variables_to_their_hinted_value = True
    return made.read(solver) if solver.solve(made.model) in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def _run(made: Model, *, tier: Tier, hint: list[int] | None, effort: float) -> _Found:
    made.aim(tier)
    made.model.clear_hints()  # type: ignore[no-untyped-call]
    for variable, value in zip(made.every, hint or (), strict=hint is not None):
        made.model.add_hint(variable, value)
    solver = solver_of(effort=effort)
    status = solver.solve(made.model)
    values = made.read(solver) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None
    limit = solver.best_objective_bound if values is not None else UNKNOWN
    return _Found(status == cp_model.INFEASIBLE, values, int(limit + 1e-6) if limit < EXACT_FLOAT else UNKNOWN)


def solver_of(*, effort: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 7
    solver.parameters.max_deterministic_time = effort
    solver.parameters.presolve_inclusion_work_limit = 0
    return solver
