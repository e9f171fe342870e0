"""May these shards be one nation? Each is read and checked where it lies, then held against the others.

What enters: the folders of the shards and a crew. What leaves: a `Nation`: its shards, the resources they share and the
ranks; or `BadInput` that names shard, file, row and mend, before anything is solved. Called by `nation`. Only rows of
resources and hashes of ids travel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matching.cluster import Crew
from matching.model import Resource
from matching.nation_folder import nation_sha256, shard_folders
from matching.shards import Site, Survey, names, survey
from matching.wellformed import BadInput, Misfit


@dataclass(frozen=True, slots=True)
class Nation:
    """What is known once every shard has been surveyed: `shared` sorted by id, `top` the highest rank."""

    folders: Mapping[str, Path]
    surveys: Mapping[str, Survey]
    shared: tuple[Resource, ...]
    top: int

    @property
    def sites(self) -> dict[str, Site]:
        """Where each shard lies, for the workers."""
        run = nation_sha256({name: told.sha256 for name, told in self.surveys.items()})
        return {name: Site(str(path), self.surveys[name].sha256, self.ids, run) for name, path in self.folders.items()}

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the shared resources."""
        return tuple(row.resource_id for row in self.shared)


def surveyed(folder: Path, crew: Crew) -> Nation:
    """Survey every shard and hold them against each other. O(rows), on the workers.

    Raises
    ------
    BadInput
        Naming shard, file, row and mend of everything wrong.
    """
    folders = {name: path.absolute() for name, path in shard_folders(folder).items()}
    found = dict(zip(folders, crew.each(survey, [(str(path),) for path in folders.values()]), strict=True))
    misfits = [_in_shard(name, misfit) for name, told in found.items() for misfit in told.misfits]
    if misfits:
        raise BadInput(misfits)
    shared, misfits = _shared(found)
    misfits += [*_policies(found), *_twice(folders, found, crew)]
    if misfits:
        raise BadInput(misfits)
    return Nation(folders, found, shared, next(iter(found.values())).ranks)


def _in_shard(name: str, misfit: Misfit) -> Misfit:
    table = f"shards/{name}/{misfit.table}"
    return Misfit(table, misfit.row, misfit.column, misfit.value, misfit.wrong, misfit.mend)


def _shared(found: Mapping[str, Survey]) -> tuple[tuple[Resource, ...], list[Misfit]]:
    """The resources that stand in several shards, and what is wrong with them."""
    homes: dict[str, list[str]] = {}
    for name, told in found.items():
        for row in told.resources:
            homes.setdefault(row.resource_id, []).append(name)
    several = {resource: set(names) for resource, names in homes.items() if len(names) > 1}
    first: dict[str, tuple[str, Resource]] = {}
    misfits = []
    for name, told in found.items():
        for at, row in enumerate(told.resources):
            if row.resource_id not in several:
                continue
            other, model = first.setdefault(row.resource_id, (name, row))
            table = f"shards/{name}/resources"
            if row != model:
                wrong = f"differs from the row of the same id in shards/{other}"
                mend = "make the rows equal, or give one of them another id"
                misfits.append(Misfit(table, at, "resource_id", row.resource_id, wrong, mend))
            elif row.earmark is not None:
                wrong = "is shared between shards, and an earmark belongs to one"
                misfits.append(Misfit(table, at, "earmark", row.earmark, wrong, "leave the cell empty"))
    return tuple(first[resource][1] for resource in sorted(several)), misfits


def _policies(found: Mapping[str, Survey]) -> Iterator[Misfit]:
    first = next(iter(found))
    for name, told in found.items():
        if told.policy != found[first].policy:
            wrong, mend = f"differs from shards/{first}/policy.json", "one nation has one policy: make them equal"
            yield Misfit(f"shards/{name}/policy.json", -1, "", name, wrong, mend)
        elif told.objective != "coverage":
            mend = 'a nation is solved by "coverage": solve this shard alone'
            yield Misfit(
                f"shards/{name}/policy.json", -1, "objective", told.objective, "is not offered for nations", mend
            )
        if told.versions != found[first].versions:
            wrong = f"was read by a worker with other versions than shards/{first}: {told.versions}"
            yield Misfit("--cluster", -1, "", name, wrong, "install the same lock file on all workers")


def _twice(folders: Mapping[str, Path], found: Mapping[str, Survey], crew: Crew) -> Iterator[Misfit]:
    """Needs and households that stand in two shards; hashes first, then the names of the few that meet."""
    for kind, column in (("needs", "need_id"), ("households", "household_id")):
        marks = np.concatenate([getattr(told, kind) for told in found.values()])
        values, count = np.unique(marks, return_counts=True)
        wanted = frozenset(values[count > 1].tolist())
        if not wanted:
            continue
        told = crew.each(names, [(str(path), column, wanted) for path in folders.values()])
        homes: dict[str, list[str]] = {}
        for shard, ids in zip(folders, told, strict=True):
            for name in ids:
                homes.setdefault(name, []).append(shard)
        for name, shards in sorted(homes.items()):
            if len(shards) > 1:
                wrong, mend = f"is in shards/{shards[0]} too", "move all its rows into one shard"
                yield Misfit(f"shards/{shards[1]}/needs", -1, column, name, wrong, mend)


def overpinned(nation: Nation) -> tuple[str, ...]:
    """Shared resources whose pins, over all shards, are more than their stock."""
    total: Counter[str] = Counter()
    for told in nation.surveys.values():
        total.update(told.pinned or {})
    return tuple(
        f"{row.resource_id}: {total[row.resource_id]} units pinned, {row.stock} there"
        for row in nation.shared
        if total[row.resource_id] > row.stock
    )
