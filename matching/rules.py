"""The rules of a part as arithmetic on its units: is this plan allowed?

What enters: a compiled problem, one component and units per pair. What leaves: the names of the rules it breaks. The
exact solver checks each of its solutions here, and the large-part heuristics their results. The judge does not use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.compiled import Compiled
from matching.components import Component
from matching.limits import Limits
from matching.network import Ints


def counted(compiled: Compiled, *, pairs: Ints, units: Ints) -> Ints:
    """Units of each pair as the need's gap and the household's caps count them."""
    whole = compiled.open[compiled.pair_need[pairs]]
    return np.asarray(np.where(compiled.pair_used[pairs] < 0, units, np.where(units > 0, whole, 0)), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """A table that is compared by identity, so that its columns can be remembered."""

    rows: tuple[Any, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rows) and self.rows is other.rows

    def __hash__(self) -> int:
        return id(self.rows)


def column(compiled: Compiled, name: str) -> Ints:
    """A whole-number column of the resources, shape (R,)."""
    return _column(_Rows(compiled.problem.resources), name).astype(np.int64)


def flag(compiled: Compiled, name: str) -> NDArray[np.bool_]:
    """A yes-or-no column of the needs, shape (N,)."""
    return _column(_Rows(compiled.problem.needs), name).astype(np.bool_)


@lru_cache(maxsize=8)
def _column(table: _Rows, name: str) -> Ints:
    """Remembered, because neighbourhoods of one problem ask for it thousands of times."""
    if name == "exclusive_group":
        number: dict[str, int] = {}
        names = (row.exclusive_group for row in table.rows)
        return np.fromiter((-1 if x is None else number.setdefault(x, len(number)) for x in names), np.int64)
    return np.fromiter((getattr(row, name) for row in table.rows), np.int64)


def breaches(compiled: Compiled, limits: Limits, part: Component, units: Ints) -> list[str]:
    """The rules that `units` breaks, by name; an empty list means that the part's plan is allowed."""
    return [*_by_pair(compiled, part, units), *_by_need(compiled, part, units), *_shared(compiled, limits, part, units)]


def _by_pair(compiled: Compiled, part: Component, units: Ints) -> Iterator[str]:
    pairs, resource = part.pairs, compiled.pair_resource[part.pairs]
    used, some = compiled.pair_used[pairs], units > 0
    plain = used < 0
    if (units < 0).any() or (plain & (units > compiled.pair_most[pairs])).any():
        yield "most"
    if (plain & (units % column(compiled, "lot")[resource] > 0)).any():
        yield "lot"
    if (plain & some & (units < column(compiled, "min_per_need")[resource])).any():
        yield "minimum"
    if (~plain & some & (units != used)).any():
        yield "units_used"
    if (units < compiled.pair_least[pairs]).any():
        yield "pin"


def _by_need(compiled: Compiled, part: Component, units: Ints) -> Iterator[str]:
    pairs, need = part.pairs, compiled.pair_need[part.pairs]
    received, providers = np.zeros((2, len(compiled.need_ids)), dtype=np.int64)
    np.add.at(received, need, counted(compiled, pairs=pairs, units=units))
    np.add.at(providers, need, (units > 0).astype(np.int64))
    single = flag(compiled, "one_provider")
    single[need[compiled.pair_used[pairs] >= 0]] = True
    if (received > compiled.open).any():
        yield "gap"
    if (single & (providers > 1)).any():
        yield "one_provider"
    if (flag(compiled, "all_or_nothing") & (received > 0) & (received < compiled.open)).any():
        yield "all_or_nothing"


def _shared(compiled: Compiled, limits: Limits, part: Component, units: Ints) -> Iterator[str]:
    pairs, resource = part.pairs, compiled.pair_resource[part.pairs]
    given = np.zeros(len(compiled.resource_ids), dtype=np.int64)
    np.add.at(given, resource, units)
    if (given > compiled.stock).any():
        yield "stock"
    if any(given[under].sum() > limits.earmark_budget[mark] for mark, under in earmarked(limits, part)):
        yield "earmark"
    shares = np.zeros(len(limits.share_limit) + 1, dtype=np.int64)
    np.add.at(shares, limits.pair_share[pairs], units)
    if (shares[:-1] > limits.share_limit).any():
        yield "max_per_household"
    received = np.zeros(len(compiled.need_ids), dtype=np.int64)
    np.add.at(received, compiled.pair_need[pairs], counted(compiled, pairs=pairs, units=units))
    if any(received[limits.needs_of(group)].sum() > limits.group_limit[group] for group in part.groups.tolist()):
        yield "household_cap"
    key = rival_key(compiled, part)
    held = np.flatnonzero((key >= 0) & (units > 0))
    drawn = np.unique(np.stack([key[held], resource[held]]), axis=1)[0]
    if (np.diff(drawn) == 0).any():
        yield "exclusive"


def earmarked(limits: Limits, part: Component) -> Iterator[tuple[int, Ints]]:
    """Each earmark of the part with the resources under it, at any depth."""
    under: dict[int, list[int]] = {mark: [] for mark in part.earmarks.tolist()}
    for resource in part.resources.tolist():
        mark = int(limits.resource_earmark[resource])
        while mark >= 0:
            under[mark].append(resource)
            mark = int(limits.earmark_parent[mark])
    for mark, resources in under.items():
        yield mark, np.array(resources, dtype=np.int64)


def exclusive(compiled: Compiled, part: Component) -> Iterator[Ints]:
    """Places in `part.pairs` that share a household and an exclusive group, where more than one resource is in it."""
    key = rival_key(compiled, part)
    places = np.flatnonzero(key >= 0)
    order = places[np.argsort(key[places], kind="stable")]
    yield from np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else ()


def rival_key(compiled: Compiled, part: Component) -> Ints:
    """For each place the number of its household and exclusive group; -1 where it has no rival resource there."""
    group = _column(_Rows(compiled.problem.resources), "exclusive_group")[compiled.pair_resource[part.pairs]]
    found = np.full(len(part.pairs), -1, dtype=np.int64)
    places = np.flatnonzero(group >= 0)
    if len(places):
        home = compiled.household[compiled.pair_need[part.pairs[places]]].astype(np.int64)
        key = np.unique(home * (int(group.max()) + 1) + group[places], return_inverse=True)[1]
        drawn = np.unique(np.stack([key, compiled.pair_resource[part.pairs[places]]]), axis=1)[0]
        found[places] = np.where(np.bincount(drawn)[key] > 1, key, -1)
    return found
