"""The independent judge: does a plan keep every rule, and is what its certificate says true?

What enters: a problem and a plan, or their folders. What leaves: faults, each with a code and a sentence; none means
that the plan stands. Called by `python -m matching check`, before a run is shown to staff, and by the tests. It
derives everything from the rules again and imports nothing of the solvers, only the words (`model`), the folder's
reader and hashes, and the judge's other parts (`checker_facts`, `_bound`, `_unique`, `_reasons`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from matching.checker_bound import level_units, proven_bound
from matching.checker_facts import Facts, Fault
from matching.checker_reasons import reason_faults
from matching.checker_unique import another
from matching.folder import input_sha256, plan_sha256, read_plan, read_problem
from matching.model import Problem
from matching.plan import Line, Plan


def check(problem: Problem, plan: Plan) -> tuple[Fault, ...]:
    """All faults of a plan; an empty tuple means that it stands. O(pairs · levels), a city in seconds.

    A plan with unknown ids is judged no further, nor is one that only reports contradictory pins.
    """
    faults = tuple(_lines(problem, plan.lines))
    if faults:
        return faults
    facts = Facts(problem, plan.lines)
    if plan.certificate.status == "infeasible":
        return (*_hashes(problem, plan), *_conflict(facts, plan))
    parts = (
        _hashes(problem, plan),
        _pairs(facts),
        _shared(facts),
        _needs(facts),
        _groups(facts),
        _pins(facts),
        _sums(facts, plan),
        _prices(facts, plan),
        reason_faults(facts, plan),
    )
    return tuple(fault for part in parts for fault in part)


def check_folder(folder: Path, out: Path) -> tuple[Fault, ...]:
    """Judge what `solve` wrote into `out` for the problem in `folder`."""
    return check(read_problem(folder), read_plan(out))


def _lines(problem: Problem, lines: tuple[Line, ...]) -> Iterator[Fault]:
    needs = {n.need_id for n in problem.needs}
    resources = {r.resource_id for r in problem.resources}
    for line in lines:
        if line.need_id not in needs or line.resource_id not in resources:
            yield Fault("unknown_id", f"{line.need_id} and {line.resource_id} are not both in the problem")
        if isinstance(line.units, bool) or not isinstance(line.units, int) or line.units <= 0:
            yield Fault(
                "no_units", f"{line.need_id} gets {line.units!r} of {line.resource_id}: not a positive whole number"
            )
    pairs = [(x.need_id, x.resource_id) for x in lines]
    if len(set(pairs)) < len(pairs):
        yield Fault("twice", "a pair stands in two lines")
    elif pairs != sorted(pairs):
        yield Fault("order", "the lines are not sorted by need and resource")


def _hashes(problem: Problem, plan: Plan) -> Iterator[Fault]:
    if plan.certificate.input_sha256 != input_sha256(problem):
        yield Fault("input_sha256", "the certificate was made for another problem")
    if plan.certificate.plan_sha256 != plan_sha256(plan.lines):
        yield Fault("plan_sha256", "the certificate was made for another plan")


def _conflict(facts: Facts, plan: Plan) -> Iterator[Fault]:
    pins = {f"{need_id}>{resource_id}" for need_id, resource_id in facts.pins}
    if plan.lines or not plan.certificate.conflict or not set(plan.certificate.conflict) <= pins:
        yield Fault("conflict", "an infeasible run names the pins that contradict each other, and gives nothing")


def _pairs(facts: Facts) -> Iterator[Fault]:
    """Eligibility, and what one pair may carry: C4 per need, C7, C8 and units used."""
    for pair, units in facts.amounts.items():
        need_id, resource_id = pair
        rule = facts.refusal(pair)
        if rule:
            yield Fault(rule, f"{need_id} may not get anything of {resource_id}: {rule}")
        resource, used = facts.resources[resource_id], facts.units_used(pair)
        what = f"{need_id} gets {units} of {resource_id}"
        if used is not None:
            if units != used:
                yield Fault("units_used", f"{what}, but takes {used} when served by it")
            continue
        if resource.max_per_need is not None and units > resource.max_per_need:
            yield Fault("over_max_per_need", f"{what}, at most {resource.max_per_need} are allowed per need")
        if units < resource.min_per_need:
            yield Fault("under_minimum", f"{what}, less than its minimum {resource.min_per_need}")
        if units % resource.lot:
            yield Fault("broken_lot", f"{what}, which come in lots of {resource.lot}")


_OVER = {
    "resource": "over_stock",
    "earmark": "over_earmark",
    "max_per_household": "over_max_per_household",
    "household_cap": "over_cap",
}


def _shared(facts: Facts) -> Iterator[Fault]:
    """C2 stock, C3 earmarks, C4 per household, C5 caps."""
    for limit, used in facts.use.items():
        size = facts.size(limit)
        if size is None or used > size:
            yield Fault(_OVER[limit[0]], f"{' '.join(limit).strip()} gives {used}, but has {size}")


def _needs(facts: Facts) -> Iterator[Fault]:
    """C1 gap, C6 one provider, C10 all or nothing."""
    providers = Counter(need_id for need_id, _ in facts.amounts)
    for need_id, units in facts.received.items():
        need, still_open = facts.needs[need_id], facts.open[need_id]
        if units > still_open:
            yield Fault("over_gap", f"{need_id} gets {units}, only {still_open} are open")
        if providers[need_id] > 1 and (need.one_provider or need_id in facts.by_use):
            yield Fault("two_providers", f"{need_id} gets from {providers[need_id]} resources, one is allowed")
        if need.all_or_nothing and units != still_open:
            yield Fault("part_of_all", f"{need_id} gets {units} of {still_open}, it takes all or nothing")


def _groups(facts: Facts) -> Iterator[Fault]:
    """C9: a household draws on at most one resource of an exclusive group."""
    drawn: dict[tuple[str, str], set[str]] = {}
    for need_id, resource_id in facts.amounts:
        group = facts.resources[resource_id].exclusive_group
        if group is not None:
            drawn.setdefault((facts.needs[need_id].household_id, group), set()).add(resource_id)
    for (household, group), resources in drawn.items():
        if len(resources) > 1:
            yield Fault("exclusive", f"{household} draws on {', '.join(sorted(resources))}, all of group {group}")


def _pins(facts: Facts) -> Iterator[Fault]:
    """C11; bans fall under eligibility."""
    for pair, units in facts.pins.items():
        if facts.amounts.get(pair, 0) < units:
            yield Fault(
                "pin_missed", f"{pair[0]} was pinned to {units} of {pair[1]}, gets {facts.amounts.get(pair, 0)}"
            )


def coverage(facts: Facts) -> tuple[int, ...]:
    """Units filled by this plan per cell, in the policy's order."""
    policy = facts.problem.policy
    ids = [n.need_id for n in facts.problem.needs]
    gap = np.array([facts.needs[i].gap for i in ids], np.int64)
    past = np.array([facts.past[i] for i in ids], np.int64)
    got = np.array([facts.received[i] for i in ids], np.int64)
    urgency = np.array([facts.needs[i].urgency for i in ids], np.int64)
    units = level_units(gap, past, past + got, levels=policy.levels)
    totals = {(u, k + 1): int(units[urgency == u, k].sum()) for u in range(4) for k in range(policy.levels)}
    return tuple(totals[cell] for cell in policy.order)


def broken_units(facts: Facts) -> int:
    """Announced units that this plan takes away, over pairs that are still eligible."""
    return sum(
        max(0, row.units - facts.amounts.get(pair, 0))
        for row in facts.problem.announced
        if row.need_id in facts.needs and row.resource_id in facts.resources
        for pair in [(row.need_id, row.resource_id)]
        if facts.refusal(pair) is None
    )


def _sums(facts: Facts, plan: Plan) -> Iterator[Fault]:
    """Everything the certificate states that follows from the lines."""
    said = plan.certificate
    cells = coverage(facts)
    ranks = facts.problem.policy.ranks()
    true = {
        "coverage": cells,
        "score": sum(ranks[cell] * units for cell, units in zip(facts.problem.policy.order, cells, strict=True)),
        "units": sum(facts.amounts.values()),
        "households_served": len({facts.needs[need_id].household_id for need_id, _ in facts.amounts}),
        "broken_units": broken_units(facts),
        "cost": sum(facts.cost(pair) * units for pair, units in facts.amounts.items()),
        "gap": (said.bound - said.score) / said.bound if said.bound else 0.0,
    }
    for name, value in true.items():
        if getattr(said, name) != value:
            yield Fault(name, f"the certificate says {name} is {getattr(said, name)}, the plan gives {value}")
    proven = said.bound == said.score
    if said.status not in ("optimal", "feasible") or (said.status == "optimal" and not proven):
        yield Fault("status", f"status {said.status} with score {said.score} and bound {said.bound}")
    if said.unique and (not proven or another(facts)):
        yield Fault(
            "unique", "another plan is as good or better" if proven else "the plan is not proven to be the best"
        )
    for part, gaps in said.gap_by_prefix.items():
        whole = isinstance(gaps, list | tuple) and len(gaps) == len(cells) and all(gap >= 0 for gap in gaps)
        if not whole or (proven and gaps[-1]):  # type: ignore[index]
            yield Fault(
                "gap_by_prefix", f"{part} has no gap of 0 or more for each leading run of cells, or an open end"
            )
    if said.lexicographic not in ("proven", "not_proven") or (said.lexicographic == "proven" and not proven):
        yield Fault(
            "lexicographic", f"lexicographic is {said.lexicographic}, bound minus score {said.bound - said.score}"
        )


def _prices(facts: Facts, plan: Plan) -> Iterator[Fault]:
    """Every price stands on a limit, has a right sign, and together they prove the bound."""
    rows = {(p.tier, p.kind, p.id, p.household_id): p.price for p in plan.prices}
    if len(rows) < len(plan.prices):
        yield Fault("price_twice", "a limit has two prices in one tier")
    vectors: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for (tier, kind, name, household), price in rows.items():
        vectors.setdefault((kind, name, household), []).append((tier, price))
    settled = plan.certificate.status == "optimal" and not plan.certificate.components.get("hard_small", 0) + (
        plan.certificate.components.get("hard_large", 0)
    )
    for limit, vector in vectors.items():
        size, first = facts.size(limit), next((price for _, price in sorted(vector) if price), 0)
        if size is None:
            yield Fault("price_of_nothing", f"there is no limit {' '.join(limit).strip()}")
        elif first < 0:
            yield Fault("negative_price", f"the first price of {' '.join(limit).strip()} is {first}")
        elif first and settled and facts.use[limit] < size:
            yield Fault(
                "idle_price", f"{' '.join(limit).strip()} has {size - facts.use[limit]} left, so its price is 0"
            )
    if any(facts.size(limit) is None for limit in vectors) or plan.certificate.price_scale < 1:
        return
    least = proven_bound(facts, plan)
    if plan.certificate.bound < least:
        yield Fault("bound", f"the prices prove no bound below {least}, the certificate says {plan.certificate.bound}")
