"""The judge on rules: which of them the lines of a plan break, and whether named pins really contradict each other.

What enters: a case; for the pins a problem and the plan that gave up. What leaves: faults. Called by `checker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from matching.checker_case import ALL, KINDS, RULES, Case, Fault
from matching.checker_numbers import coded, find, summed
from matching.model import Pin, Problem
from matching.plan import Line, Plan

OVER = dict(zip(KINDS, ("over_stock", "over_earmark", "over_max_per_household", "over_cap"), strict=True))


def refused(case: Case) -> Iterator[Fault]:
    for n, r in np.transpose(np.divmod(case.barred, case.wide)):
        code = RULES[int(case.refused(n, r)) - 1]
        yield Fault(code, f"{case.needs[n].need_id} may not get anything of {case.resources[r].resource_id}: {code}")


def breaches(case: Case) -> Iterator[Fault]:
    """C1 to C11 but for eligibility, line by line."""
    i = case.lines
    n, r, units, plain = case.pn[i], case.pr[i], case.units[i], case.used[i] < 0
    groups, group = coded(x.exclusive_group for x in case.resources)
    drawn = case.home[n] * max(1, len(groups)) + group[r]
    draws = np.unique(drawn * case.wide + r) // case.wide
    broken = {
        "units_used": ~plain & (units != case.used[i]),
        "over_max_per_need": plain & (units > case.each[r]),
        "under_minimum": plain & (units < case.floor[r]),
        "broken_lot": plain & (units % case.lot[r] > 0),
        "over_gap": (case.got > case.open)[n],
        "two_providers": (summed(n, n * 0 + 1, size=len(case.got)) > 1)[n] & ((case.one[n] > 0) | ~plain),
        "part_of_all": ((case.whole > 0) & (case.got != case.open))[n],
        "exclusive": (group[r] != groups.get(None, -1)) & (find(draws[1:][draws[1:] == draws[:-1]], drawn) >= 0),
    }
    for code, lines in broken.items():
        for j in np.flatnonzero(lines).tolist():
            line = f"{case.needs[n[j]].need_id} gets {units[j]} of {case.resources[r[j]].resource_id}"
            yield Fault(code, f"{line}, which breaks the rule {code}")
    for row in np.flatnonzero(case.use > case.limits).tolist():
        kind, name, home = [*case.row][row]
        yield Fault(OVER[kind], f"{case.use[row]} is taken of {kind} {name} {home}, which holds {case.limits[row]}")
    for pin in case.problem.pins:
        pair = case.pair(pin.need_id, pin.resource_id)
        if pair < 0 or case.units[pair] < pin.units:
            yield Fault("pin_missed", f"{pin.need_id} was pinned to {pin.units} of {pin.resource_id}")


def conflict(problem: Problem, plan: Plan) -> Iterator[Fault]:
    """The pins of an infeasible run break a rule together, and without any one of them they do not. Only for a need
    that takes all or nothing is it believed that the rest of its units cannot be found."""
    named = [p for p in problem.pins if f"{p.need_id}>{p.resource_id}" in plan.certificate.conflict]
    if plan.lines or not named or len(named) < len(plan.certificate.conflict):
        yield Fault("conflict", "an infeasible run names the pins that contradict each other, and gives nothing")
        return
    whole = {x.need_id for x in problem.needs if x.all_or_nothing}
    if not _clash(problem, plan, named) and not any(p.need_id in whole for p in named):
        yield Fault("conflict", "the pins that are named can all be met together")
    for pin in named if len(named) > 1 else ():
        if _clash(problem, plan, [p for p in named if p != pin]):
            yield Fault("conflict", f"{pin.need_id}>{pin.resource_id} could be left out: the others contradict already")


def _clash(problem: Problem, plan: Plan, pins: list[Pin]) -> bool:
    """Whether the least that meets these pins breaks a rule; more of anything would break it too."""
    homes = {x.household_id for x in problem.needs if x.need_id in {p.need_id for p in pins}}
    mine = {x.need_id for x in problem.needs if x.household_id in homes}
    goods = {x.resource_id: x for x in problem.resources}
    few = replace(
        problem,
        needs=tuple(x for x in problem.needs if x.need_id in mine),
        bans=tuple(x for x in problem.bans if x.need_id in {*mine, ALL}),
        pairs=None if problem.pairs is None else tuple(x for x in problem.pairs if x.need_id in mine),
        pins=(),
        announced=(),
    )

    empty = Case(few, replace(plan, lines=(), prices=(), reasons=()))

    def least(pin: Pin) -> int:
        row, at = goods[pin.resource_id], empty.pair(pin.need_id, pin.resource_id)
        lots = -(-max(pin.units, row.min_per_need) // row.lot)
        used = int(empty.used[at]) if at >= 0 else -1
        return lots * row.lot if used < 0 else max(pin.units, used)

    lines = tuple(Line(p.need_id, p.resource_id, least(p)) for p in pins)
    case = Case(few, replace(plan, lines=lines, prices=(), reasons=()))
    return any(refused(case)) or any(x.code != "part_of_all" for x in breaches(case))
