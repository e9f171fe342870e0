"""What the judge knows: the rules of a problem as arrays, and what a plan takes from every limit.

What enters: a problem and a plan. What leaves: `Case`: the eligible pairs, what each may carry and carries, and every
shared limit with its use. Called by the other parts of the judge only; shares no code with the solvers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.model import Cap, Need, Problem
from matching.plan import Plan

Numbers = NDArray[Any]
"""int64, or Python integers (dtype object) where int64 could overflow; or yes and no."""

FAR, ALL = 2**62, "*"
FIRST_RULES = ("category", "unit", "not_listed", "no_consent", "urgency", "district")
RULES = (*FIRST_RULES, "tags", "window", "cool_off", "banned", "covered")
KINDS = ("resource", "earmark", "max_per_household", "household_cap")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a plan: a code for programs, a sentence for people."""

    code: str
    message: str


def column(rows: Sequence[Any], name: str, *, none: int = FAR) -> Numbers:
    """One column of whole numbers, `none` where a row has no value."""
    return np.array([none if (value := getattr(row, name)) is None else value for row in rows], np.int64)


def coded(column: Iterable[Any]) -> tuple[dict[Any, int], Numbers]:
    """The distinct values of a column, numbered as they come, and the column as these numbers."""
    names: dict[Any, int] = {}
    return names, np.array([names.setdefault(value, len(names)) for value in column], np.int64)


def find(keys: Numbers, wanted: Numbers) -> Numbers:
    """Where each wanted number stands in the sorted `keys`, -1 where it does not."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(np.shape(wanted), -1)


def distinct(numbers: Numbers) -> Numbers:
    """The distinct numbers ≥ 0, sorted (`np.unique` hashes, which is slow here)."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def summed(at: Numbers, amounts: Numbers, *, size: int) -> Numbers:
    """Σ of the amounts at each of `size` places."""
    total = np.zeros(size, amounts.dtype)
    np.add.at(total, at, amounts)
    return total


def fits_tags(tags: frozenset[str], asked: tuple[frozenset[str], frozenset[str], frozenset[str]]) -> bool:
    """At least one of the first set if it names any, all of the second, none of the third."""
    return (not asked[0] or bool(asked[0] & tags)) and asked[1] <= tags and not asked[2] & tags


class Case:
    """A problem as arrays: N needs, R resources (sorted by id), E eligible pairs, M limits (row 0 is none).

    `above` is the limit that the units of a limit use next: from a household's share of a resource to the resource, its
    earmark and so on up; from a narrow household cap to a wider one.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan, self.said, self.policy = problem, plan, plan.certificate, problem.policy
        self.needs = sorted(problem.needs, key=lambda x: x.need_id)
        self.resources = sorted(problem.resources, key=lambda x: x.resource_id)
        self.n, self.r = coded(x.need_id for x in self.needs)[0], coded(x.resource_id for x in self.resources)[0]
        (self.homes, self.home), (self.sorts, self.sort) = (
            coded(getattr(x, name) for x in self.needs) for name in ("household_id", "category")
        )
        self.gap, self.urgency, self.one, self.whole = (
            column(self.needs, name) for name in ("gap", "urgency", "one_provider", "all_or_nothing")
        )
        self.stock, self.lot, self.floor, self.each, self.share, self.unit_cost = (
            column(self.resources, name)
            for name in ("stock", "lot", "min_per_need", "max_per_need", "max_per_household", "unit_cost")
        )
        given = Counter[str | None]()
        for row in problem.ledger:
            given[row.need_id] += row.units
        self.past = np.array([min(x.gap, given[x.need_id]) for x in self.needs], np.int64)
        self.open = self.gap - self.past
        edges = -(-np.arange(self.policy.levels + 1) * self.gap[:, None] // self.policy.levels) - self.past[:, None]
        self.below = np.maximum(edges[:, :-1], 0)
        self.size = np.maximum(edges[:, 1:] - self.below, 0)
        self._read_rules()
        self._read_pairs()
        self._read_limits()

    def _read_rules(self) -> None:
        """For each rule the kinds of needs, the kinds of resources, and a table of which may meet."""
        needs, resources, day = self.needs, self.resources, self.policy.as_of
        bans, days = (
            {(b.need_id, b.resource_id) for b in self.problem.bans},
            {c.category: c.days for c in self.problem.cooloffs},
        )
        self.recent: dict[tuple[str, str], list[tuple[str | None, str]]] = {}
        for row in self.problem.ledger:
            if 0 <= (day - row.given_on).days < days.get(row.category, 0):
                until = (row.given_on + timedelta(days[row.category])).isoformat()
                self.recent.setdefault((row.household_id, row.category), []).append((row.need_id, until))
        kinds: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
            "category": (lambda n: n.category, lambda r: r.category, lambda a, b: a == b),
            "unit": (lambda n: n.unit, lambda r: r.unit, lambda a, b: a == b),
            "no_consent": (lambda n: n.consented, lambda r: r.org_id, lambda a, b: {ALL, b} & a),
            "urgency": (lambda n: n.urgency, lambda r: r.min_urgency, lambda a, b: a >= b),
            "district": (lambda n: n.district, lambda r: r.districts, lambda a, b: {ALL, a} & b),
            "tags": (lambda n: n.tags, lambda r: (r.tags_any, r.tags_all, r.tags_none), fits_tags),
            "window": (self._active, self._active, lambda a, b: a and b),
            "cool_off": (self.until, lambda r: 0, lambda a, b: not a),
            "banned": (
                lambda n: (n.need_id, ALL) in bans,
                lambda r: (ALL, r.resource_id) in bans,
                lambda a, b: not a | b,
            ),
            "covered": (lambda n: self.open[self.n[n.need_id]] > 0, lambda r: 0, lambda a, b: a),
        }
        self.tests = {}
        for name, (mine, theirs, fits) in kinds.items():
            (some, a), (others, b) = coded(map(mine, needs)), coded(map(theirs, resources))
            table = np.array([[bool(fits(x, y)) for y in others] for x in some], bool)
            self.tests[name] = a, b, table.reshape(len(some), len(others))
        self.banned = np.sort(self.keyed(b for b in self.problem.bans if ALL not in (b.need_id, b.resource_id)))
        self.rows = sorted(self.problem.pairs or (), key=lambda x: (x.need_id, x.resource_id))
        self.listed = self.keyed(self.rows)

    def _active(self, row: Any) -> bool:
        day = self.policy.as_of
        return (row.valid_from or day) <= day < (row.valid_to or day.max)

    def until(self, need: Need) -> str:
        """The day on which the need's cool-off ends; empty if it does not wait."""
        given = self.recent.get((need.household_id, need.category), ())
        return max((until for need_id, until in given if need_id != need.need_id), default="")

    def keyed(self, rows: Iterable[Any]) -> Numbers:
        """Each row's pair as one number: need · R + resource."""
        return np.array([self.n[x.need_id] * len(self.r) + self.r[x.resource_id] for x in rows], np.int64)

    def refused(self, n: Numbers, r: Numbers) -> Numbers:
        """The number of the first rule by which need n may not have resource r, 0 if it may; n and r broadcast."""
        found, keys = np.zeros(np.broadcast(n, r).shape, np.int8), n * len(self.r) + r
        for number, name in enumerate(RULES, 1):
            if name == "not_listed":
                fits = (find(self.listed, keys) >= 0) | (self.problem.pairs is None)
            else:
                mine, theirs, table = self.tests[name]
                fits = table[mine[n], theirs[r]]
            if name == "banned":
                fits = fits & (find(self.banned, keys) < 0)
            found = np.where((found == 0) & ~fits, number, found)
        return found

    def _candidates(self) -> Numbers:
        """The pairs that are listed, or those that category and district do not part."""
        (kind, kinds, same), (place, areas, near) = self.tests["category"], self.tests["district"]
        look, alive = kind * max(1, len(near)) + place, np.flatnonzero(self.open)
        alive = alive[np.argsort(look[alive], kind="stable")]
        looks, starts = np.unique(look[alive], return_index=True)
        keys = [alive[:0]]
        for one, members in zip(looks.tolist(), np.split(alive, starts[1:]), strict=False):
            shelf = np.flatnonzero(same[one // len(near), kinds] & near[one % len(near), areas])
            keys.append((members[:, None] * len(self.r) + shelf).ravel())
        return np.concatenate(keys) if self.problem.pairs is None else self.listed

    def _read_pairs(self) -> None:
        """The eligible pairs: what one may carry at least and at most, what it was promised, what the plan gives it."""
        keys = np.sort(self._candidates())
        self.keys = keys = keys[self.refused(*np.divmod(keys, max(1, len(self.r)))) == 0]
        self.pn, self.pr = n, r = np.divmod(keys, max(1, len(self.r)))
        at = find(self.listed, keys)
        cost, value, used = (np.append(column(self.rows, x, none=-1), -1) for x in ("cost", "value", "units_used"))
        by_use = np.zeros(len(self.needs), bool)
        by_use[self.listed[used[:-1] >= 0] // max(1, len(self.r))] = True
        self.cost = np.append(np.where(cost[at] < 0, self.unit_cost[r], cost[at]), 0)
        self.value = np.maximum(value[at], 0)
        self.used = np.where(by_use[n], np.where(used[at] < 0, self.open[n], used[at]), -1)
        most = (
            np.minimum(self.open[n], np.minimum(np.minimum(self.stock, self.each), self.share)[r])
            // self.lot[r]
            * self.lot[r]
        )
        most = np.where(self.used < 0, most * (most >= self.floor[r]), self.open[n] * (self.used <= self.stock[r]))
        self.most, self.least, self.kept, self.units = most, *np.zeros((3, len(n)), np.int64)
        told = [x for x in self.problem.announced if x.need_id in self.n and x.resource_id in self.r]
        lines = [x for x in self.plan.lines if x.need_id in self.n and x.resource_id in self.r]
        for rows, into in ((self.problem.pins, self.least), (told, self.kept), (lines, self.units)):
            at = find(keys, self.keyed(rows))
            np.add.at(into, at[at >= 0], column(rows, "units")[at >= 0])
        self.counted = np.where(self.used < 0, self.units, self.open[n] * (self.units > 0))
        self.got = summed(n, self.counted, size=len(self.needs))
        self.filled = self.fill(np.arange(len(self.needs)), self.got)

    def fill(self, n: Numbers, units: Numbers) -> Numbers:
        """How the first `units` of needs n lie in their levels, shape (len(n), L)."""
        filled: Numbers = np.clip(units[:, None] - self.below[n], 0, self.size[n])
        return filled

    def _read_limits(self) -> None:
        """Number the limits on the ways of all pairs, kind by kind, and count what the plan takes from each."""
        marks = {e.earmark: i for i, e in enumerate(self.problem.earmarks)}
        caps = sorted(self.problem.caps, key=lambda cap: (len(cap.categories), cap.cap_id))
        wide, by_home = max(1, len(self.homes)), dict[str, list[tuple[int, Cap]]]()
        for i, cap in enumerate(caps):
            for home in self.homes if cap.household_id == ALL else (cap.household_id,):
                by_home.setdefault(home, []).append((i * wide + self.homes.get(home, 0), cap))
        chains = [[k for k, cap in by_home.get(x.household_id, ()) if x.category in cap.categories] for x in self.needs]
        width = max(map(len, chains), default=0) + 1
        table = np.array([chain + [-1] * (width - len(chain)) for chain in chains], np.int64).reshape(-1, width)
        shared = (self.share[self.pr] < FAR) & (self.used < 0)
        share = np.where(shared, self.pr * wide + self.home[self.pn], -1)
        held, capped = distinct(share[share >= 0]), distinct(table[table >= 0])
        places = [{key: i for i, key in enumerate(keys.tolist())} for keys in (held, capped)]
        cap_ids = {c.cap_id: i for i, c in enumerate(caps)}
        self.known = (self.r, None), (marks, None), (self.r, places[0]), (cap_ids, places[1])
        self.first = np.cumsum([1, len(self.r), len(marks), len(held)])
        sizes = (
            column(self.problem.earmarks, "budget"),
            self.share[held // wide],
            column(caps, "max_units")[capped // wide],
        )
        lot = np.where(np.isin(np.arange(len(self.r)), self.pr[self.used >= 0]), 1, self.lot)
        self.limits = np.concatenate([[0], self.stock // lot * lot, *sizes])
        rows: list[Any] = [*(x.earmark for x in self.resources), *(x.parent for x in self.problem.earmarks)]
        up = [0 if x is None else marks[x] + len(self.r) + 1 for x in rows]
        self.above = np.concatenate([[0], up, held // wide + 1, capped * 0]).astype(np.int64)
        self.node = np.append(np.where(shared, find(held, share) + self.first[2], self.pr + 1), 0)  # -1 is no pair
        self.caps = np.where(table < 0, 0, find(capped, table) + self.first[3])
        for low, high in zip(self.caps.T, self.caps.T[1:], strict=False):
            self.above[low] = high
        self.above[0], lines = 0, np.flatnonzero(self.units)
        self.use = np.zeros(len(self.limits), np.int64)
        for at in self.ways(lines):
            np.add.at(self.use, at, np.where(at < self.first[3], self.units[lines], self.counted[lines]))
        self.use[0] = 0

    def ways(self, pairs: Numbers) -> Iterator[Numbers]:
        """Step by step the limits that units of the pairs use, 0 where a way has ended."""
        at = self.node[pairs]
        while at.any():
            yield at
            at = self.above[at]
        yield from self.caps.T[:, self.pn[pairs]]

    def pair(self, need_id: str, resource_id: str) -> int:
        """Where an eligible pair stands; -1 if it does not."""
        n, r = self.n.get(need_id, -1), self.r.get(resource_id, -1)
        return int(find(self.keys, np.array(n * len(self.r) + r))) if n >= 0 and r >= 0 else -1

    def row(self, kind: str, name: str, *, home: str) -> int:
        """The row of a limit; 0 if there is none."""
        which = KINDS.index(kind) if kind in KINDS else 0
        names, keys = self.known[which]
        at, place = names.get(name, -1), self.homes.get(home, -1)
        if keys is not None:
            at = keys.get(at * len(self.homes) + place, -1) if at >= 0 and place >= 0 else -1
        elif home or kind not in KINDS:
            at = -1
        return 0 if at < 0 else int(self.first[which]) + at
