"""The independent judge: does a plan keep every rule, and is what its certificate says true?

What enters: a problem and a plan, or their folders. What leaves: faults, each with a code and a sentence; none means
that the plan stands. Called by `python -m matching check`, before a run is shown to staff, and by the tests. It
derives everything from the rules again in whole numbers and imports nothing of the solvers, only the words (`model`,
`plan`), the folder's reader and hashes, and the judge's other parts (`checker_case`, `_bound`, `_unique`, `_reasons`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matching.checker_bound import Priced
from matching.checker_case import ALL, RULES, Case, Fault, coded, find
from matching.checker_reasons import reason_faults
from matching.checker_unique import another
from matching.folder import input_sha256, plan_sha256, read_plan, read_problem
from matching.model import LARGEST, Problem
from matching.plan import Plan

OVER = ("", "over_stock", "over_earmark", "over_max_per_household", "over_cap")


def check(problem: Problem, plan: Plan) -> tuple[Fault, ...]:
    """All faults of a plan, none if it stands; O(pairs · log pairs). Lines that no rule could mean are judged first."""
    faults = tuple(_lines(problem, plan))
    if faults or plan.certificate.status == "infeasible":
        return (*faults, *_hashes(problem, plan))
    case = Priced(problem, plan)
    faults = tuple(_refused(case))
    rest = () if faults else (*_breaches(case), *_sums(case), *_proof(case), *reason_faults(case))
    return (*_hashes(problem, plan), *faults, *rest)


def check_folder(folder: Path, out: Path) -> tuple[Fault, ...]:
    """Judge what `solve` wrote into `out` for the problem in `folder`."""
    return check(read_problem(folder), read_plan(out))


def _lines(problem: Problem, plan: Plan) -> Iterator[Fault]:
    needs, resources = {n.need_id for n in problem.needs}, {r.resource_id for r in problem.resources}
    for x in plan.lines:
        if x.need_id not in needs or x.resource_id not in resources:
            yield Fault("unknown_id", f"{x.need_id} and {x.resource_id} are not both in the problem")
        if type(x.units) is not int or not 0 < x.units <= LARGEST:
            yield Fault("no_units", f"{x.need_id} gets {x.units!r} of {x.resource_id}: that is no amount")
    pairs = [(x.need_id, x.resource_id) for x in plan.lines]
    if len(set(pairs)) < len(pairs) or pairs != sorted(pairs):
        yield Fault("twice" if len(set(pairs)) < len(pairs) else "order", "the lines are not distinct and sorted")


def _hashes(problem: Problem, plan: Plan) -> Iterator[Fault]:
    said, pins = plan.certificate, {f"{p.need_id}>{p.resource_id}" for p in problem.pins}
    if said.input_sha256 != input_sha256(problem):
        yield Fault("input_sha256", "the certificate was made for another problem")
    if said.plan_sha256 != plan_sha256(plan.lines):
        yield Fault("plan_sha256", "the certificate was made for another plan")
    if said.status == "infeasible" and (plan.lines or not said.conflict or not {*said.conflict} <= pins):
        yield Fault("conflict", "an infeasible run names the pins that contradict each other, and gives nothing")


BREACHES = {
    "units_used": "it takes another amount",
    "over_max_per_need": "more than one need may get of it",
    "under_minimum": "less than its minimum",
    "broken_lot": "it comes in lots",
    "over_gap": "the need gets more than is open",
    "two_providers": "the need takes from one resource only",
    "part_of_all": "the need takes all or nothing",
    "exclusive": "the household draws on another resource of its exclusive group",
}


def _refused(case: Case) -> Iterator[Fault]:
    keys = case.keyed(case.plan.lines)
    for key in keys[find(case.keys, keys) < 0].tolist():
        n, r = divmod(key, len(case.r))
        code = RULES[int(case.refused(np.array(n), np.array(r))) - 1]
        yield Fault(code, f"{case.needs[n].need_id} may not get anything of {case.resources[r].resource_id}: {code}")


def _breaches(case: Case) -> Iterator[Fault]:
    """C1 to C11 but for eligibility, line by line."""
    i = np.flatnonzero(case.units)
    n, r, units, plain = case.pn[i], case.pr[i], case.units[i], case.used[i] < 0
    groups, group = coded(x.exclusive_group for x in case.resources)
    drawn = case.home[n] * max(1, len(groups)) + group[r]
    draws = np.unique(drawn * len(case.r) + r) // max(1, len(case.r))
    single = (np.bincount(n, minlength=len(case.needs)) > 1)[n] & ((case.one[n] > 0) | ~plain)
    broken = {
        "units_used": ~plain & (units != case.used[i]),
        "over_max_per_need": plain & (units > case.each[r]),
        "under_minimum": plain & (units < case.floor[r]),
        "broken_lot": plain & (units % case.lot[r] > 0),
        "over_gap": (case.got > case.open)[n],
        "two_providers": single,
        "part_of_all": ((case.whole > 0) & (case.got != case.open))[n],
        "exclusive": (group[r] != groups.get(None, -1)) & (find(draws[1:][draws[1:] == draws[:-1]], drawn) >= 0),
    }
    for at in case.ways(i):
        kind = np.searchsorted(case.first, at, side="right") * (case.use > case.limits)[at]
        broken |= {
            OVER[code]: (kind == code) | broken.get(OVER[code], False) for code in np.unique(kind[kind > 0]).tolist()
        }
    for code, lines in broken.items():
        for j in np.flatnonzero(lines).tolist():
            line = f"{case.needs[n[j]].need_id} gets {units[j]} of {case.resources[r[j]].resource_id}"
            yield Fault(code, f"{line}: {BREACHES.get(code, 'with others, more than the limit')}")
    for pin in case.problem.pins:
        pair = case.pair(pin.need_id, pin.resource_id)
        if pair < 0 or case.units[pair] < pin.units:
            yield Fault("pin_missed", f"{pin.need_id} was pinned to {pin.units} of {pin.resource_id}")


def _sums(case: Case) -> Iterator[Fault]:
    """Everything the certificate states that follows from the lines."""
    said, policy, n = case.said, case.policy, case.pn
    cells = np.stack([case.filled[case.urgency == u].sum(axis=0) for u in range(4)])
    i = np.flatnonzero(case.units)
    whole = (np.bincount(n[i], minlength=len(case.needs)) == 1) & (case.got == case.open)
    true = {
        "coverage": tuple(int(cells[u, k - 1]) for u, k in policy.order),
        "score": sum(rank * int(cells[u, k - 1]) for (u, k), rank in policy.ranks().items()),
        "units": sum(case.units.tolist()),
        "households_served": len(np.unique(case.home[n[i]])),
        "broken_units": sum(np.maximum(case.kept - case.units, 0).tolist()),
        "cost": sum(cost * units for cost, units in zip(case.cost[i].tolist(), case.units[i].tolist(), strict=True)),
        "gap": (said.bound - said.score) / said.bound if said.bound else 0.0,
    }
    if policy.objective == "value" and said.value_proof:
        true["value"] = sum(case.value[i][whole[n[i]]].tolist())
    for name, value in true.items():
        if getattr(said, name) != value:
            yield Fault(name, f"the certificate says {name} is {getattr(said, name)}, the plan gives {value}")
    if said.value_bound < said.value:
        yield Fault("value_bound", f"value {said.value} passes its bound {said.value_bound}")
    if said.status not in ("optimal", "feasible") or (said.status == "optimal" and said.bound != said.score):
        yield Fault("status", f"status {said.status} with score {said.score} and bound {said.bound}")


def _proof(case: Priced) -> Iterator[Fault]:
    """Every price stands on a limit, has a right sign, and together they prove the bound, the gaps and uniqueness."""
    said, proven, signs = case.said, case.said.bound == case.said.score, np.zeros(len(case.limits), object)
    for column in case.price.T:
        signs = np.where(signs == 0, column, signs)
    settled = said.status == "optimal" and not said.components.get("hard_small", 0) + said.components.get(
        "hard_large", 0
    )
    yield from case.misplaced
    if (signs < 0).any():
        yield Fault("negative_price", "the first price of some limit is below 0")
    if settled and ((signs > 0) & (case.use < case.limits)).any():
        yield Fault("idle_price", "some limit has a price and something left")
    if case.misplaced or (signs < 0).any() or said.price_scale < 1:
        return
    if said.bound < (least := case.run(1)[0][-1]):
        yield Fault("bound", f"the prices prove no bound below {least}, the certificate says {said.bound}")
    yield from _gaps(case, proven)
    if said.unique and (not proven or another(case)):
        yield Fault("unique", "another plan may be as good" if proven else "the plan is not proven to be the best")


def _gaps(case: Priced, proven: bool) -> Iterator[Fault]:
    """The gap of every leading run is there, and for some runs (all of a small problem) as wide as the prices prove."""
    gaps, cells = case.said.gap_by_prefix, len(case.policy.order)
    wanted = {ALL: -1} | {name: i for name, i in case.sorts.items() if case.open[case.sort == i].any()}
    whole = all(isinstance(row, list | tuple) and len(row) == cells and min(row) >= 0 for row in gaps.values())
    if set(gaps) != set(wanted) or not whole or (proven and any(row[-1] for row in gaps.values())):  # type: ignore[index]
        yield Fault("gap_by_prefix", "not one gap of 0 or more for each leading run and category, or an open end")
        return
    few = len(case.keys) * cells > 200_000
    for run in sorted({*np.linspace(0, cells - 1, 3 if few else cells).astype(int).tolist()}):
        bounds, scores = case.run(cells - run)
        for name, i in wanted.items():
            if gaps[name][run] < bounds[i] - scores[i]:  # type: ignore[index]
                yield Fault(
                    "gap_by_prefix", f"{name}: the prices prove no gap below {bounds[i] - scores[i]} in run {run}"
                )
    fair = proven and not any(gaps[ALL])  # type: ignore[arg-type]
    if case.said.lexicographic not in ("proven", "not_proven") or (case.said.lexicographic == "proven" and not fair):
        yield Fault("lexicographic", f"lexicographic is {case.said.lexicographic}, but some run of cells has a gap")
