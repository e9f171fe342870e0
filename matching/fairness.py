"""Who gets how much of what they lack: the fairness figures of one plan.

What enters: a compiled problem, units received per need, and labels that the caller chose (a grouping's name ► id of a
need or household ► label). What leaves: `Figures`, whole counts and shares. Called by `matching.beside`, which sets
other plans next to it, and through it by the command line and the marketplace. What a label means is never known here.

Units of different goods are never added up: a need counts by its *fill*, the share of its gap that is covered after the
run by the ledger and the plan together; units are told per category. Needs with nothing open are left out everywhere.
Where a rule of the caller's cut a need before it came here, `lacked` (N,) holds what the need really lacks; its fill is
the share of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.compiled import Compiled
from matching.network import Ints
from matching.parts import receipts, score_of
from matching.plan import Line

Labels = Mapping[str, Mapping[str, str]]
"""Grouping ► need_id or household_id ► label; an id without a label counts under the empty one."""

Floats = NDArray[np.float64]
WORST = 10
"""The worst-off are one household in so many."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What was open in one category, and what the plan gives of it, in the category's own unit."""

    category: str
    open_units: int
    given_units: int


@dataclass(frozen=True, slots=True)
class Group:
    """One group of needs; `zero` counts needs that have nothing, neither from before nor from the plan."""

    label: str
    households: int
    needs: int
    served: int
    zero: int
    fill: float
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One plan in a line; fills are shares from 0 to 1 and `score` counts in the order named by the caller."""

    score: int
    needs: int
    needs_served: int
    households: int
    households_served: int
    households_zero: int
    fill: float
    worst_off: float
    gini: float
    urgent_fill: float
    """Mean fill of the needs of urgency 3."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything about one plan.

    `levels[k]` is the number of needs whose level k + 1 is full; `spread` counts households by fill: none, then up to
    a tenth, …, up to all (11 numbers); `lorenz[k]` is the share of all fill that the k tenths worst off have together.
    """

    summary: Summary
    groups: Mapping[str, tuple[Group, ...]]
    levels: tuple[int, ...]
    spread: tuple[int, ...]
    lorenz: tuple[float, ...]


def received_by(compiled: Compiled, lines: Iterable[Line]) -> Ints:
    """Units each need receives by these lines, shape (N,); lines of pairs that are not eligible count nothing."""
    pairs, units = pairs_of(compiled, lines)
    return receipts(compiled, pairs=pairs, units=units)


def pairs_of(compiled: Compiled, lines: Iterable[Line]) -> tuple[Ints, Ints]:
    """Eligible pairs and units of the lines, ascending by pair. O(lines · log E)."""
    need = {name: at for at, name in enumerate(compiled.need_ids)}
    resource = {name: at for at, name in enumerate(compiled.resource_ids)}
    width = max(1, len(resource))
    rows = sorted((need[row.need_id] * width + resource[row.resource_id], row.units) for row in lines)
    keys, units = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    known = compiled.pair_need.astype(np.int64) * width + compiled.pair_resource
    at = np.searchsorted(known, keys)
    found = at < len(known)
    found[found] = known[at[found]] == keys[found]
    return at[found].astype(np.int64), units[found]


def gini(fills: Floats) -> float:
    """Σ over all pairs of |a - b|, divided by 2·n·Σ: 0 if all have the same share, near 1 if one has everything.

    0 too where there is nobody or nobody has anything: all are equal. O(n log n).

    >>> gini(np.array([0.0, 0.0, 1.0, 1.0]))
    0.5
    """
    total = float(fills.sum())
    if total <= 0:
        return 0.0
    n = len(fills)
    weights = 2 * np.arange(1, n + 1) - n - 1
    return max(0.0, float((weights * np.sort(fills)).sum()) / (n * total))


def worst_off(fills: Floats) -> float:
    """Mean fill of the tenth of the households that have least, at least one household; 0 where there is none.

    >>> round(worst_off(np.linspace(0.05, 1, 20)), 3)
    0.075
    """
    return float(np.sort(fills)[: -(-len(fills) // WORST)].mean()) if len(fills) else 0.0


def summary_of(compiled: Compiled, received: Ints, *, lacked: Ints | None = None) -> Summary:
    """One plan in a line, its score in the order of the compiled policy. O(N log N)."""
    needs, fills = _fills(compiled, received, compiled.gap if lacked is None else lacked)
    homes, home_fills = _homes(compiled, needs, fills)
    got = np.unique(compiled.household[needs[received[needs] > 0]])
    urgent = fills[compiled.urgency[needs] == 3]
    return Summary(
        score=score_of(compiled, needs=needs, received=received),
        needs=len(needs),
        needs_served=int((received[needs] > 0).sum()),
        households=len(homes),
        households_served=len(got),
        households_zero=int((home_fills == 0).sum()),
        fill=_mean(fills),
        worst_off=worst_off(home_fills),
        gini=gini(home_fills),
        urgent_fill=_mean(urgent),
    )


def figures_of(compiled: Compiled, received: Ints, *, labels: Labels, lacked: Ints | None = None) -> Figures:
    """Everything about one plan. O(N · (groupings + levels))."""
    lacked = compiled.gap if lacked is None else lacked
    needs, fills = _fills(compiled, received, lacked)
    home_fills = np.sort(_homes(compiled, needs, fills)[1])
    steps = compiled.problem.policy.levels
    have, gap = (compiled.past + received)[needs], lacked[needs]
    rows = [compiled.problem.needs[need] for need in needs.tolist()]
    named = {
        "urgency": [str(row.urgency) for row in rows],
        "district": [row.district for row in rows],
        "category": [row.category for row in rows],
    }
    for name, known in labels.items():
        named[name] = [known.get(row.need_id, known.get(row.household_id, "")) for row in rows]
    return Figures(
        summary=summary_of(compiled, received, lacked=lacked),
        groups={name: _groups(compiled, received, needs, fills, column, lacked) for name, column in named.items()},
        levels=tuple(int((have >= -(-gap * step // steps)).sum()) for step in range(1, steps + 1)),
        spread=tuple(np.bincount(np.ceil(home_fills * 10 - 1e-9).astype(np.int64), minlength=11).tolist()),
        lorenz=_lorenz(home_fills),
    )


def _fills(compiled: Compiled, received: Ints, lacked: Ints) -> tuple[Ints, Floats]:
    """Needs with something open, and the share of what they lack that is covered in the end."""
    needs = np.flatnonzero(compiled.open > 0)
    return needs, (compiled.past + received)[needs] / lacked[needs]


def _homes(compiled: Compiled, needs: Ints, fills: Floats) -> tuple[Ints, Floats]:
    """Households with something open, and the mean fill of their needs: each need counts the same."""
    homes, at = np.unique(compiled.household[needs], return_inverse=True)
    return homes, np.bincount(at, weights=fills, minlength=len(homes)) / np.maximum(1, np.bincount(at))


def _mean(fills: Floats) -> float:
    return float(fills.mean()) if len(fills) else 0.0


def _lorenz(ordered: Floats) -> tuple[float, ...]:
    total = float(ordered.sum())
    if total <= 0:
        return tuple(step / 10 for step in range(11))
    below = np.concatenate([[0.0], np.cumsum(ordered)]) / total
    return tuple(float(np.interp(step * len(ordered) / 10, np.arange(len(below)), below)) for step in range(11))


def _groups(
    compiled: Compiled, received: Ints, needs: Ints, fills: Floats, column: list[str], lacked: Ints
) -> tuple[Group, ...]:
    names, at = np.unique(np.array(column, dtype=str), return_inverse=True)
    order = np.argsort(at, kind="stable")
    cuts = np.searchsorted(at[order], np.arange(1, len(names)))
    parts = np.split(order, cuts) if len(names) else []
    return tuple(
        Group(
            label=str(name),
            households=len(np.unique(compiled.household[needs[part]])),
            needs=len(part),
            served=int((received[needs[part]] > 0).sum()),
            zero=int((fills[part] == 0).sum()),
            fill=_mean(fills[part]),
            goods=_goods(compiled, received, needs[part], lacked),
        )
        for name, part in zip(names.tolist(), parts, strict=True)
    )


def _goods(compiled: Compiled, received: Ints, needs: Ints, lacked: Ints) -> tuple[Goods, ...]:
    totals: dict[str, list[int]] = {}
    for need, still_open, got in zip(
        needs.tolist(), (lacked - compiled.past)[needs].tolist(), received[needs].tolist(), strict=True
    ):
        sums = totals.setdefault(compiled.problem.needs[need].category, [0, 0])
        sums[0] += still_open
        sums[1] += got
    return tuple(Goods(name, *sums) for name, sums in sorted(totals.items()))
