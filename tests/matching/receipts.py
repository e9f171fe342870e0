"""What one need may receive by its own rules, from the rules as written: the oracle's ground.

In: a `Problem` and one of its needs. Out: its eligible resources, open units, levels, and all its
possible receipts with their share of every objective. Called by `oracle` and other tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import product

from matching.model import Cell, Need, Policy, Problem, Resource

Amounts = dict[tuple[str, str], int]
"""Units per (need_id, resource_id), positive entries only: what `plan.csv` shows."""
Vector = tuple[int, ...]


@dataclass(frozen=True)
class Receipt:
    """One thing a need may receive: the amounts, what counts for C1 and C5, and its share of every sum."""

    amounts: Amounts
    counted: int
    capped: Amounts
    objective: Vector
    coverage: Vector


def eligible(problem: Problem, *, need: Need, resource: Resource) -> bool:
    """All the tests of the rule text, one after the other."""
    as_of = problem.policy.as_of
    pair = (need.need_id, resource.resource_id)
    return (
        (need.category, need.unit) == (resource.category, resource.unit)
        and ("*" in need.consented or resource.org_id in need.consented)
        and need.urgency >= resource.min_urgency
        and ("*" in resource.districts or need.district in resource.districts)
        and (not resource.tags_any or bool(resource.tags_any & need.tags))
        and resource.tags_all <= need.tags
        and not resource.tags_none & need.tags
        and all(x.valid_from is None or x.valid_from <= as_of for x in (need, resource))
        and all(x.valid_to is None or as_of < x.valid_to for x in (need, resource))
        and not _cooling(problem, need=need)
        and not any(b.need_id in ("*", pair[0]) and b.resource_id in ("*", pair[1]) for b in problem.bans)
        and open_units(problem, need=need) > 0
        and (problem.pairs is None or any((p.need_id, p.resource_id) == pair for p in problem.pairs))
    )


def _cooling(problem: Problem, *, need: Need) -> bool:
    return any(
        (row.household_id, row.category, rule.category) == (need.household_id, need.category, need.category)
        and row.need_id != need.need_id
        and 0 <= (problem.policy.as_of - row.given_on).days < rule.days
        for row in problem.ledger
        for rule in problem.cooloffs
    )


def past_units(problem: Problem, *, need: Need) -> int:
    """p_n: what the ledger says was given for this very need, at most its gap."""
    return min(need.gap, sum(row.units for row in problem.ledger if row.need_id == need.need_id))


def open_units(problem: Problem, *, need: Need) -> int:
    """q_n: what is still open."""
    return need.gap - past_units(problem, need=need)


def filled(policy: Policy, *, need: Need, past: int, units: int) -> dict[Cell, int]:
    """How many of the units that come on top of `past` fall into each level of the need."""
    edges = [-(-k * need.gap // policy.levels) for k in range(policy.levels + 1)]
    return {
        (need.urgency, k): max(0, min(edges[k], past + units) - max(edges[k - 1], past))
        for k in range(1, policy.levels + 1)
    }


@cache
def _hashes(salt: str, need_id: str, resource_id: str) -> tuple[int, int]:
    text = b"\0".join(part.encode() for part in (salt, need_id, resource_id))
    bits = int.from_bytes(sha256(text).digest(), "big")
    return bits >> 230, bits >> 204 & (1 << 26) - 1


def _used(problem: Problem, *, need: Need) -> dict[str, int] | None:
    """Per resource, what this need takes from its stock, if any of its pairs fills units_used."""
    rows = [p for p in problem.pairs or () if p.need_id == need.need_id]
    if all(p.units_used is None for p in rows):
        return None
    whole = open_units(problem, need=need)
    return {p.resource_id: whole if p.units_used is None else p.units_used for p in rows}


def receipts(problem: Problem, *, need: Need) -> list[Receipt]:
    """Everything this need may receive by its own rules: C1, C4 (per need), C6, C7, C8, C10 and its pins."""
    mine = [r for r in problem.resources if eligible(problem, need=need, resource=r)]
    whole = open_units(problem, need=need)
    used = _used(problem, need=need)
    if used is not None:
        plain: list[Amounts] = [{}]
        plain += [{(need.need_id, r.resource_id): used[r.resource_id]} for r in mine]
        found = [(amounts, whole if amounts else 0) for amounts in plain]
    else:
        choices = [_choices(resource, whole=whole) for resource in mine]
        found = []
        for combination in product(*choices):
            amounts = {(need.need_id, r.resource_id): x for r, x in zip(mine, combination, strict=True) if x > 0}
            total = sum(combination)
            if total > whole or (need.one_provider and len(amounts) > 1):
                continue
            if need.all_or_nothing and total not in (0, whole):
                continue
            found.append((amounts, total))
    pins = [p for p in problem.pins if p.need_id == need.need_id]
    met = [
        (amounts, counted)
        for amounts, counted in found
        if all(amounts.get((p.need_id, p.resource_id), 0) >= p.units for p in pins)
    ]
    return [
        _receipt(problem, need=need, amounts=amounts, counted=counted, flat=used is not None)
        for amounts, counted in met
    ]


def _choices(resource: Resource, *, whole: int) -> list[int]:
    most = min(
        amount
        for amount in (whole, resource.stock, resource.max_per_need, resource.max_per_household)
        if amount is not None
    )
    assert most // resource.lot <= 60, "too many amounts to enumerate: give the resource a larger lot"
    return [x for x in range(0, most + 1, resource.lot) if x == 0 or x >= resource.min_per_need]


def _receipt(problem: Problem, *, need: Need, amounts: Amounts, counted: int, flat: bool) -> Receipt:
    policy = problem.policy
    levels = filled(policy, need=need, past=past_units(problem, need=need), units=counted)
    ranks = policy.ranks()
    value = 0
    if policy.objective == "value" and counted > 0 and len(amounts) == 1:
        whole = counted == open_units(problem, need=need)
        value = sum(p.value for p in problem.pairs or () if whole and (p.need_id, p.resource_id) in amounts)
    by_id = {r.resource_id: r for r in problem.resources}
    broken = sum(
        max(0, row.units - amounts.get((row.need_id, row.resource_id), 0))
        for row in problem.announced
        if row.need_id == need.need_id
        and row.resource_id in by_id
        and eligible(problem, need=need, resource=by_id[row.resource_id])
    )
    cost = sum(_cost(problem, resource=by_id[pair[1]], need=need) * x for pair, x in amounts.items())
    hashed = [_hashes(policy.salt, *pair) for pair in amounts]
    sums = [sum(h[i] * x for h, x in zip(hashed, amounts.values(), strict=True)) for i in range(2)]
    score = sum(ranks[cell] * units for cell, units in levels.items())
    return Receipt(
        amounts=amounts,
        counted=counted,
        capped={} if flat else amounts,
        objective=(value, score, -broken, -cost, -sums[0], -sums[1]),
        coverage=tuple(levels.get(cell, 0) for cell in policy.order),
    )


def _cost(problem: Problem, *, resource: Resource, need: Need) -> int:
    for pair in problem.pairs or ():
        if (pair.need_id, pair.resource_id) == (need.need_id, resource.resource_id) and pair.cost is not None:
            return pair.cost
    return resource.unit_cost
