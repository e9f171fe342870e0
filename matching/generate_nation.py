"""A made-up nation by seed: cities side by side that share some resources.

What enters: how many shards, their size, how many resources they share, a seed. What leaves: a problem per shard, or
the nation's folder. Called by `python -m matching generate NATION --shards N` and by `bench/nation.py`. The cities
differ in scarcity, so that it matters how the shared stock is divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from matching.folder import write_problem
from matching.generate import AS_OF, generate
from matching.generate_shapes import GOODS
from matching.model import Policy, Problem, Resource
from matching.nation_folder import SHARDS

SHARE = 0.1
"""Part of a category's supply, over the nation, that is shared."""


def generate_nation(
    shards: int, needs: int, resources: int, *, shared: int, seed: int = 7
) -> Iterator[tuple[str, Problem]]:
    """Name and problem of each shard: `needs` needs, `resources` own resources and `shared` shared ones in each.

    O(shards · (needs + resources)), one shard in memory at a time.

    Examples
    --------
    >>> [(name, len(city.resources)) for name, city in generate_nation(2, 60, 12, shared=3)]
    [('s000', 15), ('s001', 15)]
    """
    goods = GOODS[: max(2, min(len(GOODS), resources // 4))]
    rows = tuple(
        _shared(goods[at % len(goods)].category, at, shards=shards, needs=needs, seed=seed) for at in range(shared)
    )
    for shard in range(shards):
        name = f"s{shard:03}"
        yield name, _shard(generate(needs, resources, caps=1.0, seed=seed * 1000 + shard), name, rows, seed=seed)


def _shared(category: str, at: int, *, shards: int, needs: int, seed: int) -> Resource:
    rng = Random(seed * 7919 + at)
    good = next(good for good in GOODS if good.category == category)
    weight = good.weight / sum(good.weight for good in GOODS)
    asked = shards * needs * weight * (good.least + good.most) / 2
    return Resource(
        resource_id=f"national-{at:03}",
        org_id=f"org-{at % 2:03}",
        category=category,
        unit=good.unit,
        stock=int(asked * SHARE * rng.uniform(0.5, 1.5)),
        unit_cost=rng.randint(1, 50),
    )


def _shard(city: Problem, name: str, shared: tuple[Resource, ...], *, seed: int) -> Problem:
    """The city under its own ids, with more or less of its own stock, and the shared rows."""
    plenty = Random(f"{seed}-{name}").uniform(0.6, 1.4)
    own = tuple(
        replace(row, resource_id=f"{name}-{row.resource_id}", stock=int(row.stock * plenty)) for row in city.resources
    )
    return replace(
        city,
        policy=Policy(as_of=AS_OF, salt=f"nation-{seed}"),
        needs=tuple(
            replace(row, need_id=f"{name}-{row.need_id}", household_id=f"{name}-{row.household_id}")
            for row in city.needs
        ),
        resources=(*own, *shared),
        ledger=tuple(
            replace(
                row,
                household_id=f"{name}-{row.household_id}",
                need_id=None if row.need_id is None else f"{name}-{row.need_id}",
            )
            for row in city.ledger
        ),
        bans=tuple(
            replace(
                row,
                need_id=row.need_id if row.need_id == "*" else f"{name}-{row.need_id}",
                resource_id=row.resource_id if row.resource_id == "*" else f"{name}-{row.resource_id}",
            )
            for row in city.bans
        ),
    )


def write_nation_folder(
    folder: Path, *, shards: int, needs: int, resources: int, shared: int, seed: int = 7, parquet: bool = False
) -> None:
    """Write a made-up nation; the same arguments give the same bytes."""
    for name, problem in generate_nation(shards, needs, resources, shared=shared, seed=seed):
        write_problem(problem, folder / SHARDS / name, parquet=parquet)
