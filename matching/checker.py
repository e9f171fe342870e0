"""The independent judge: does a plan keep every rule, and is what its certificate says true?

What enters: a problem and a plan, or their folders. What leaves: faults, each with a code and a sentence; none means
that the plan stands. Called by `python -m matching check`, before a run is shown to staff, and by the tests. It derives
everything from the rules again with numpy and Python integers and imports nothing of the solvers, only the words
(`model`, `plan`), the folder's reader and its hashes. Its ideas: `Case` turns rules into arrays and numbers every limit;
every unit pays the prices of the limits on its way; that gives the bound of the whole and of every leading run of
cells, and a residual graph in which a second best plan would be a ring that costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.folder import input_sha256, plan_sha256, read_plan, read_problem
from matching.model import LARGEST, Cap, Cell, Need, Problem
from matching.plan import Plan, Reason

Numbers = NDArray[Any]
"""Whole numbers: int64, or Python integers (dtype object) where int64 could overflow; or yes and no."""

FAR, ALL, SAMPLE, TIERS, BITS = 2**62, "*", 2_000, 12, 26
RULES = ("category", "unit", "not_listed", "no_consent", "urgency", "district", "tags", "window", "cool_off", "banned")
RULES = (*RULES, "covered")
OVER = dict(
    resource="over_stock", earmark="over_earmark", max_per_household="over_max_per_household", household_cap="over_cap"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a plan: a code for programs, a sentence for people."""

    code: str
    message: str


def check(problem: Problem, plan: Plan) -> tuple[Fault, ...]:
    """All faults of a plan; an empty tuple means that it stands. O(pairs · log pairs), a city in seconds.

    A plan with unknown ids is judged no further, nor is one that only reports contradictory pins.
    """
    faults = tuple(_lines(problem, plan))
    if faults:
        return faults
    if plan.certificate.status == "infeasible":
        return (*_hashes(problem, plan), *_conflict(problem, plan))
    case = Case(problem, plan)
    return (*_hashes(problem, plan), *_breaches(case), *_sums(case), *_proof(case), *_reasons(case))


def check_folder(folder: Path, out: Path) -> tuple[Fault, ...]:
    """Judge what `solve` wrote into `out` for the problem in `folder`."""
    return check(read_problem(folder), read_plan(out))


def _lines(problem: Problem, plan: Plan) -> Iterator[Fault]:
    needs, resources = {n.need_id for n in problem.needs}, {r.resource_id for r in problem.resources}
    for line in plan.lines:
        if line.need_id not in needs or line.resource_id not in resources:
            yield Fault("unknown_id", f"{line.need_id} and {line.resource_id} are not both in the problem")
        if type(line.units) is not int or not 0 < line.units <= LARGEST:
            yield Fault("no_units", f"{line.need_id} gets {line.units!r} of {line.resource_id}: no amount to give")
    pairs = [(x.need_id, x.resource_id) for x in plan.lines]
    if len(set(pairs)) < len(pairs):
        yield Fault("twice", "a pair stands in two lines")
    elif pairs != sorted(pairs):
        yield Fault("order", "the lines are not sorted by need and resource")


def _hashes(problem: Problem, plan: Plan) -> Iterator[Fault]:
    if plan.certificate.input_sha256 != input_sha256(problem):
        yield Fault("input_sha256", "the certificate was made for another problem")
    if plan.certificate.plan_sha256 != plan_sha256(plan.lines):
        yield Fault("plan_sha256", "the certificate was made for another plan")


def _conflict(problem: Problem, plan: Plan) -> Iterator[Fault]:
    pins, named = {f"{p.need_id}>{p.resource_id}" for p in problem.pins}, set(plan.certificate.conflict)
    if plan.lines or not named or not named <= pins:
        yield Fault("conflict", "an infeasible run names the pins that contradict each other, and gives nothing")


def column(rows: Sequence[Any], name: str, *, none: int = FAR) -> Numbers:
    """One column of whole numbers, `none` where a row has no value."""
    return np.array([none if (value := getattr(row, name)) is None else value for row in rows], np.int64)


def coded(*columns: Iterable[Any]) -> tuple[dict[Any, int], list[Numbers]]:
    """The distinct values of some columns, numbered as they come, and the columns as these numbers."""
    names: dict[Any, int] = {}
    return names, [np.array([names.setdefault(value, len(names)) for value in row], np.int64) for row in columns]


def find(keys: Numbers, wanted: Numbers) -> Numbers:
    """Where each wanted number stands in the sorted `keys`, -1 where it does not."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(np.shape(wanted), -1)


def fits_tags(tags: frozenset[str], asked: tuple[frozenset[str], frozenset[str], frozenset[str]]) -> bool:
    """At least one of the first set if it names any, all of the second, none of the third."""
    return (not asked[0] or bool(asked[0] & tags)) and asked[1] <= tags and not asked[2] & tags


def rule(mine: Iterable[Any], theirs: Iterable[Any], fits: Callable[[Any, Any], Any]) -> tuple[Numbers, Numbers, Numbers]:
    """Kinds of needs, kinds of resources, and the table of which fit."""
    (some, (a,)), (others, (b,)) = coded(mine), coded(theirs)
    return a, b, np.array([[bool(fits(x, y)) for y in others] for x in some], bool).reshape(len(some), len(others))


def sums(at: Numbers, amounts: Numbers, *, size: int) -> Numbers:
    """Σ of the amounts at each of `size` places."""
    total = np.zeros(size, amounts.dtype)
    np.add.at(total, at, amounts)
    return total


class Case:
    """A problem as arrays over needs (N) and resources (R) sorted by id, and what a plan takes from each limit.

    A limit is a row of a table; row 0 is none. `above` is the limit that its units use next: from a household's share of
    a resource to the resource, its earmark and so on up, from a narrow household cap to a wider one.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.policy, self.plan, self.said = problem, problem.policy, plan, plan.certificate
        self.needs = sorted(problem.needs, key=lambda row: row.need_id)
        self.resources = sorted(problem.resources, key=lambda row: row.resource_id)
        self.n, self.r = coded(x.need_id for x in self.needs)[0], coded(x.resource_id for x in self.resources)[0]
        self.width = max(1, len(self.r))
        self.homes, (self.home,) = coded(x.household_id for x in self.needs)
        self.sorts, (self.sort, self.shelf) = coded((x.category for x in self.needs), (x.category for x in self.resources))
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
        self._read_lines()
        self._read_limits()
        self._read_prices()
        self._read_pairs()

    def _read_rules(self) -> None:
        """For each rule the kinds of needs, the kinds of resources, and a table of which may meet; then listed pairs."""
        needs, resources, day = self.needs, self.resources, self.policy.as_of
        bans = {(b.need_id, b.resource_id) for b in self.problem.bans}
        days, self.recent = {c.category: c.days for c in self.problem.cooloffs}, dict[tuple[str, str], list[Any]]()
        for row in self.problem.ledger:
            if 0 <= (day - row.given_on).days < days.get(row.category, 0):
                until = (row.given_on + timedelta(days[row.category])).isoformat()
                self.recent.setdefault((row.household_id, row.category), []).append((row.need_id, until))
        active = [[(x.valid_from or day) <= day < (x.valid_to or day.max) for x in rows] for rows in (needs, resources)]
        kinds: dict[str, tuple[Iterable[Any], Iterable[Any], Callable[[Any, Any], Any]]] = {
            "category": ((x.category for x in needs), (x.category for x in resources), lambda a, b: a == b),
            "unit": ((x.unit for x in needs), (x.unit for x in resources), lambda a, b: a == b),
            "no_consent": ((x.consented for x in needs), (x.org_id for x in resources), lambda a, b: {ALL, b} & a),
            "urgency": ((x.urgency for x in needs), (x.min_urgency for x in resources), lambda a, b: a >= b),
            "district": ((x.district for x in needs), (x.districts for x in resources), lambda a, b: {ALL, a} & b),
            "tags": ((x.tags for x in needs), ((x.tags_any, x.tags_all, x.tags_none) for x in resources), fits_tags),
            "window": (active[0], active[1], lambda a, b: a and b),
            "cool_off": ((self.until(x) for x in needs), (0 for _ in resources), lambda a, b: not a),
            "banned": (
                ((x.need_id, ALL) in bans for x in needs),
                ((ALL, x.resource_id) in bans for x in resources),
                lambda a, b: not a and not b,
            ),
            "covered": ((self.open > 0).tolist(), (0 for _ in resources), lambda a, b: a),
        }
        self.tests = {name: rule(*kind) for name, kind in kinds.items()}
        self.banned = np.sort(self.keyed(b for b in self.problem.bans if ALL not in (b.need_id, b.resource_id)))
        rows = sorted(self.problem.pairs or (), key=lambda row: (row.need_id, row.resource_id))
        self.listed, self.by_use = self.keyed(rows), np.zeros(len(needs), bool)
        self._cost, self.value, self._used = (
            np.append(column(rows, name, none=-1), -1) for name in ("cost", "value", "units_used")
        )
        self.by_use[self.listed[self._used[:-1] >= 0] // self.width] = True

    def keyed(self, rows: Iterable[Any]) -> Numbers:
        """Each row's pair as one number: need · R + resource."""
        return np.array([self.n[row.need_id] * self.width + self.r[row.resource_id] for row in rows], np.int64)

    def until(self, need: Need) -> str:
        """The day on which the need's cool-off ends; empty if it does not wait."""
        given = self.recent.get((need.household_id, need.category), ())
        return max((until for need_id, until in given if need_id != need.need_id), default="")

    def refused(self, n: Numbers, r: Numbers) -> Numbers:
        """The number of the first of `RULES` by which need n may not have resource r, 0 if it may; n, r broadcast."""
        found = np.zeros(np.broadcast(n, r).shape, np.int8)
        for number, name in enumerate(RULES, 1):
            if name == "not_listed":
                fits = find(self.listed, n * self.width + r) >= 0 if self.problem.pairs is not None else np.True_
            else:
                mine, theirs, table = self.tests[name]
                fits = table[mine[n], theirs[r]]
                if name == "banned":
                    fits = fits & (find(self.banned, n * self.width + r) < 0)
            found = np.where((found == 0) & ~fits, number, found)
        return found

    def _candidates(self) -> tuple[Numbers, Numbers]:
        """The pairs that are listed, or those that category and district do not part."""
        if self.problem.pairs is not None:
            return np.divmod(self.listed, self.width)
        (kind, kinds, same), (place, areas, near) = self.tests["category"], self.tests["district"]
        look = kind * max(1, len(near)) + place
        alive = np.flatnonzero(self.open)
        alive = alive[np.argsort(look[alive], kind="stable")]
        looks, starts = np.unique(look[alive], return_index=True)
        n, r = [alive[:0]], [alive[:0]]
        for one, members in zip(looks.tolist(), np.split(alive, starts[1:]), strict=False):
            shelf = np.flatnonzero(same[one // len(near), kinds] & near[one % len(near), areas])
            n.append(np.repeat(members, len(shelf)))
            r.append(np.tile(shelf, len(members)))
        return np.concatenate(n), np.concatenate(r)

    def used(self, n: Numbers, r: Numbers) -> Numbers:
        """What a need served by `units_used` takes from this resource; -1 for ordinary needs."""
        named = self._used[find(self.listed, n * self.width + r)]
        return np.where(self.by_use[n], np.where(named < 0, self.open[n], named), -1)

    def cost(self, n: Numbers, r: Numbers) -> Numbers:
        """The cost of one unit."""
        named = self._cost[find(self.listed, n * self.width + r)]
        return np.where(named < 0, self.unit_cost[r], named)

    def _read_lines(self) -> None:
        known = [x for x in self.plan.lines if x.need_id in self.n and x.resource_id in self.r]
        self.amounts = {(x.need_id, x.resource_id): x.units for x in known}
        self.lines = self.keyed(known)
        self.line_n, self.line_r = np.divmod(self.lines, self.width)
        self.units = column(known, "units")
        self.line_used = self.used(self.line_n, self.line_r)
        self.counted = np.where(self.line_used < 0, self.units, self.open[self.line_n])
        self.got = sums(self.line_n, self.counted, size=len(self.needs))
        self.filled = self.fill(np.arange(len(self.needs)), self.got)
        told = [x for x in self.problem.announced if x.need_id in self.n and x.resource_id in self.r]
        may = self.refused(*np.divmod(self.keyed(told), self.width)) == 0
        kept = [x for x, fits in zip(told, may.tolist(), strict=True) if fits]
        self.announced, self.promised = [(x.need_id, x.resource_id) for x in kept], column(kept, "units")
        self.promised_keys = self.keyed(kept)

    def fill(self, n: Numbers, units: Numbers) -> Numbers:
        """How the first `units` of needs n lie in their levels, shape (len(n), L)."""
        return np.clip(units[:, None] - self.below[n], 0, self.size[n])

    def _read_limits(self) -> None:
        """Number every limit that anyone uses or names, and count what the plan takes from it, by category too."""
        self.row, limits, above = {("", "", ""): 0}, [0], [0]

        def add(*name: str, size: int, up: int = 0) -> int:
            if name not in self.row:
                self.row[name] = len(limits)  # type: ignore[index]
                limits.append(size)
                above.append(up)
            return self.row[name]  # type: ignore[index]

        marks = {None: 0} | {x.earmark: len(self.r) + i for i, x in enumerate(self.problem.earmarks, 1)}
        for x in self.resources:
            add("resource", x.resource_id, "", size=x.stock, up=marks[x.earmark])
        for e in self.problem.earmarks:
            add("earmark", e.earmark, "", size=e.budget, up=marks[e.parent])
        rows = (*self.plan.lines, *self.plan.reasons)
        seen = {(x.resource_id, self.needs[self.n[x.need_id]].household_id) for x in rows if x.need_id in self.n}
        seen |= {(x.id, x.household_id) for x in self.plan.prices if x.kind == "max_per_household"}
        held = sorted((self.r[r], self.homes[h], r, h) for r, h in seen if r in self.r and h in self.homes)
        held = [x for x in held if self.share[x[0]] < FAR]
        self.shares = np.array([r * len(self.homes) + h for r, h, _, _ in held], np.int64)
        self.first_share = len(limits)
        for r, _, name, home in held:
            add("max_per_household", name, home, size=int(self.share[r]), up=r + 1)
        self.first_cap = len(limits)
        by_home: dict[str, list[Cap]] = {}
        for cap in sorted(self.problem.caps, key=lambda cap: (len(cap.categories), cap.cap_id)):
            for home in self.homes if cap.household_id == ALL else (cap.household_id,):
                by_home.setdefault(home, []).append(cap)
        chains = [
            [
                add("household_cap", cap.cap_id, need.household_id, size=cap.max_units)
                for cap in by_home.get(need.household_id, ())
                if need.category in cap.categories
            ]
            for need in self.needs
        ]
        width = max(map(len, chains), default=0) + 1
        self.caps = np.array([chain + [0] * (width - len(chain)) for chain in chains], np.int64).reshape(-1, width)
        self.limits, self.above = np.array(limits, np.int64), np.array(above, np.int64)
        for low, high in zip(self.caps.T, self.caps.T[1:], strict=False):
            self.above[low] = high
        self.above[0] = 0
        self._count()

    def _count(self) -> None:
        """What the plan takes from each limit, and from each (limit, category that can use it)."""
        wide, owner = max(1, len(self.sorts)), self.shares // max(1, len(self.homes))
        at = np.concatenate([np.arange(len(self.r)) + 1, np.arange(self.first_share, self.first_cap)])
        sort, codes = np.concatenate([self.shelf, self.shelf[owner]]), [at[:0]]
        while at.any():
            codes.append((at * wide + sort)[at > 0])
            at = self.above[at]
        codes += [(at * wide + self.sort)[at > 0] for at in self.caps.T]
        rooms = np.unique(np.concatenate(codes))
        self.room, self.room_sort = np.divmod(rooms, wide)
        self.use, taken = np.zeros(len(self.limits), np.int64), np.zeros(len(rooms), np.int64)
        for i, at in self.ways(self.line_n, self.line_r):
            amounts = np.where(at >= self.first_cap, self.counted[i], self.units[i])
            np.add.at(self.use, at, amounts)
            code = find(rooms, at * wide + self.sort[self.line_n[i]])
            np.add.at(taken, code[code >= 0], amounts[code >= 0])
        self.spare = (self.limits - self.use)[self.room] + taken

    def node(self, n: Numbers, r: Numbers) -> Numbers:
        """The first limit on the way of the pairs: the household's share if there is one, else the resource."""
        at = r + 1
        some = np.flatnonzero((self.share[r] < FAR) & ~self.by_use[n])
        share = find(self.shares, r[some] * len(self.homes) + self.home[n[some]])
        at[some] = np.where(share < 0, at[some], share + self.first_share)
        return at

    def ways(self, n: Numbers, r: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
        """For each step of the ways of the pairs: which pairs take it (not all do), and the limit there."""
        at = self.node(n, r)
        while at.any():
            yield np.flatnonzero(at), at[at > 0]
            at = self.above[at]
        for at in self.caps[n].T:
            yield np.flatnonzero(at), at[at > 0]

    def _read_prices(self) -> None:
        """One row of prices per limit, one column per tier; `paid` sums them from the limit to the common sink."""
        rows: dict[tuple[int, int], int] = {}
        self.misplaced: list[Fault] = []
        for p in self.plan.prices:
            row, name = self.row.get((p.kind, p.id, p.household_id), 0), f"{p.kind} {p.id} {p.household_id}".strip()
            if not row or not 1 <= p.tier <= TIERS:
                self.misplaced.append(Fault("price_of_nothing", f"there is no limit {name} with a tier {p.tier}"))
            elif (row, p.tier) in rows:
                self.misplaced.append(Fault("price_twice", f"{name} has two prices in tier {p.tier}"))
            rows[row, p.tier] = p.price
        self.scale, steps = max(1, self.said.price_scale), 3 + len(self.problem.earmarks) + self.caps.shape[1]
        top, first = (max((abs(p) for (_, t), p in rows.items() if t <= tiers), default=0) for tiers in (TIERS, 1))
        units = sum(self.open.tolist()) + sum(self.limits.tolist()) + 4 * len(self.needs) + 1
        small = (4 * self.policy.levels * self.scale + first * steps) * units + top * steps < 2**61
        self.price = np.zeros((len(self.limits), max((t for _, t in rows), default=1)), np.int64 if small else object)
        for (row, tier), price in rows.items():
            if row:
                self.price[row, tier - 1] = price
        self.paid, at = self.price.copy(), self.above
        while at.any():
            self.paid, at = self.paid + self.price[at], self.above[at]
        ranks = self.policy.ranks()
        table = [[ranks[u, k + 1] * self.scale for k in range(self.policy.levels)] for u in range(4)]
        self.worth = np.array(table, self.price.dtype)[self.urgency]

    def _read_pairs(self) -> None:
        """The eligible pairs that can carry anything, and the wishes of their needs that any cut of prices leaves."""
        n, r = self._candidates()
        keys = np.sort((n * self.width + r)[self.refused(n, r) == 0])
        n, r = np.divmod(keys, self.width)
        used, most = self.used(n, r), np.minimum(self.open[n], np.minimum(np.minimum(self.stock, self.each), self.share)[r])
        most = most // self.lot[r] * self.lot[r]
        most = np.where(used < 0, most * (most >= self.floor[r]), self.open[n] * (used <= self.stock[r]))
        keys, n, r, used, most = (x[most > 0] for x in (keys, n, r, used, most))
        least, pins = np.zeros(len(n), np.int64), find(keys, self.keyed(self.problem.pins))
        least[pins[pins >= 0]] = column(self.problem.pins, "units")[pins >= 0]
        self.keys, self.pair_n, self.pair_r, self.pair_used, self.most, self.least = keys, n, r, used, most, least
        self.pair_node = self.node(n, r)
        self.pinned = sums(n, least, size=len(self.needs)) > 0
        alone = (self.one[n] > 0) | (used >= 0)
        self._wish_some(np.flatnonzero(~alone & ((self.whole == 0) | (sums(n, most, size=len(self.needs)) >= self.open))[n]))
        self.alone = np.flatnonzero(alone & (~self.pinned[n] | (least > 0)) & ((used < 0) | (least <= used)))

    def _wish_some(self, pairs: Numbers) -> None:
        """Parts of what a need may combine: pinned units, then the cheapest; cutting prices never changes their order."""
        forced = pairs[self.least[pairs] > 0]
        part = np.concatenate([forced, pairs])
        amount = np.concatenate([self.least[forced], np.maximum(self.most - self.least, 0)[pairs]])
        n, toll = self.pair_n[part], self.paid[self.pair_node[part], 0]
        order = np.argsort((n * 2 + (np.arange(len(part)) >= len(forced))) * (toll.max(initial=0) + 1) + toll, kind="stable")
        n, amount, end = n[order], amount[order], np.cumsum(amount[order])
        before = end - amount
        start = before - np.maximum.accumulate(np.where(np.diff(n, prepend=-1) > 0, before, 0))
        kept = start < self.open[n]
        self.some, self.some_n, self.must = part[order][kept], n[kept], ((order < len(forced)) | (self.whole[n] > 0))[kept]
        self.inside = self.fill(n[kept], (start + amount)[kept]) - self.fill(n[kept], start[kept])

    def run(self, last: int) -> tuple[Numbers, Numbers]:
        """The bound and the score of the cells ranked `last` or better: by category, then (-1) for all."""

        def cut(prices: Numbers) -> Numbers:
            return np.where(prices >= last * self.scale, prices, 0)

        def total(of: Numbers, amounts: Numbers) -> Numbers:
            found = sums(of, amounts, size=len(self.sorts) + 1)
            found[-1] = found.sum()
            return found

        worth, caps = cut(self.worth), cut(self.price[self.caps, 0]).sum(axis=1)
        price, paid = self.price[:, 0], self.paid[:, 0]
        price = np.where(np.arange(len(price)) < self.first_cap, cut(paid) - cut(paid - price), cut(price))
        bound = total(self.sort, self._best(worth, way=cut(paid), caps=caps))
        bound += sums(self.room_sort, price[self.room] * self.spare, size=len(bound))
        bound[-1] += (price * self.limits).sum()
        most, score = ((units * worth).sum(axis=1) // self.scale for units in (self.size, self.filled))
        return np.minimum(bound // self.scale, total(self.sort, most)), total(self.sort, score)

    def _best(self, worth: Numbers, *, way: Numbers, caps: Numbers) -> Numbers:
        """The most that each need can keep of the worth of its units after paying for their way and its caps."""
        best = np.where(self.pinned, -FAR, 0).astype(worth.dtype)
        margin = worth[self.some_n] - (way[self.pair_node[self.some]] + caps[self.some_n])[:, None]
        kept = (self.inside * np.where(self.must[:, None], margin, np.maximum(margin, 0))).sum(axis=1)
        best[self.some_n] = 0
        np.add.at(best, self.some_n, kept)
        i = self.alone
        n, r, used, least = self.pair_n[i], self.pair_r[i], self.pair_used[i], self.least[i]
        lot, supply = np.where(used < 0, self.lot[r], 1), way[self.pair_node[i]]
        low = -(-np.maximum(np.maximum(least, self.floor[r]), 1) // lot) * lot
        pays = ((worth[n] > (supply + caps[n])[:, None]) * self.size[n]).sum(axis=1) // lot * lot
        for wish in (pays, pays + lot):
            units = np.where((self.whole[n] > 0) | (used >= 0), self.open[n], np.clip(wish, low, self.most[i]))
            fits = (used >= 0) | ((low <= units) & (units <= self.most[i]) & (units % lot == 0))
            kept = (worth[n] * self.fill(n, units)).sum(axis=1) - supply * np.where(used < 0, units, used) - caps[n] * units
            np.maximum.at(best, n[fits], kept[fits])
        return np.where(self.pinned & (best > -FAR), best, np.maximum(best, 0))


def proven_bound(problem: Problem, plan: Plan) -> int:
    """The bound that the tier-1 prices prove, rounded down: a score is whole."""
    return int(Case(problem, plan).run(1)[0][-1])


def another(case: Case) -> bool | None:
    """Whether some plan may be as good in every tier, by the published prices; None where hard rules stand.

    A residual arc must not cost less than nothing, tier by tier; those that cost nothing must not close a ring. The
    toll of a pair and the worth of a level bound what a need's next unit may cost from above (it could come or stay)
    and from below (it could leave or is missing); only where they meet can anything move.
    """
    stepped = (case.lot > 1).any() or (case.floor > 1).any() or any(x.exclusive_group for x in case.resources)
    sets = [cap.categories for cap in case.problem.caps]
    crossing = any(a & b and not (a <= b or b <= a) for a in sets for b in sets)
    if stepped or crossing or case.one.any() or case.whole.any() or case.by_use.any() or case.policy.objective == "value":
        return None
    if (case.price.any(axis=1) & (case.use < case.limits)).any():
        return True
    n, r, node = case.pair_n, case.pair_r, case.pair_node
    units, kept = np.zeros((2, len(n)), np.int64)
    for rows, into, amounts in ((case.lines, units, case.units), (case.promised_keys, kept, case.promised)):
        at = find(case.keys, rows)
        np.add.at(into, at[at >= 0], amounts[at >= 0])
    kept = np.minimum(kept, case.most)
    first, low = np.minimum(units, kept), np.minimum(case.least, kept)
    need, level = np.nonzero(case.size)
    got, room = case.filled[need, level], case.size[need, level]
    # three kinds of arcs: the promised units of a pair, its other units, the levels of a need
    pair = np.concatenate([np.arange(len(n)), np.arange(len(n)), np.full(len(need), -1)])
    at = np.concatenate([n, n, need])
    more = np.concatenate([first < kept, units - first < case.most - kept, got > 0])
    less = np.concatenate([first > low, units - first > case.least - low, got < room])
    value = np.concatenate([np.zeros(2 * len(n), case.price.dtype), case.worth[need, level]])
    upper, lower = np.flatnonzero(more), np.flatnonzero(less)
    for tier in range(TIERS):

        def toll(arcs: Numbers, *, hashed: bool) -> Numbers:
            pairs, found = pair[arcs], value[arcs] * (tier == 0)  # noqa: B023
            some = np.flatnonzero(pairs >= 0)
            if not hashed and tier < case.price.shape[1]:  # noqa: B023
                found[some] += case.paid[case.pair_node[pairs[some]], tier] + case.paid[case.caps[n[pairs[some]], 0], tier]  # noqa: B023
            if hashed or tier<2:
                found[some] += case.scale * _cost_of_tier(case, tier, pairs[some], arcs[some] < len(n))  # noqa: B023
            return found

        top = np.full(len(case.needs), -(2**63) + 1, case.price.dtype)
        price = toll(lower, hashed=False) + (toll(lower, hashed=True) if tier >= 2 else 0)
        np.maximum.at(top, at[lower], price)
        lower = lower[price == top[at[lower]]]
        price = toll(upper, hashed=False)
        if tier >= 2:
            upper, price = upper[price <= top[at[upper]]], price[price <= top[at[upper]]]
            price = price + toll(upper, hashed=True)
        if (price < top[at[upper]]).any():
            return True
        upper = upper[price == top[at[upper]]]
        live = np.union1d(upper, lower)
        moves = (np.isin(live, upper), np.isin(live, lower))
        if tier >= max(2, case.price.shape[1] - 1) and not _ring(case, pair[live], at[live], moves):
            return False
    return True


def _cost_of_tier(case: Case, tier: int, pairs: Numbers, promised: Numbers) -> Numbers:
    """What a unit of each pair costs in promises (tier 1), delivery (2) or by the published lot (3 and on)."""
    n, r = case.pair_n[pairs], case.pair_r[pairs]
    if tier < 3:
        return -promised.astype(np.int64) if tier == 1 else case.cost(n, r) * (tier == 2)
    shift, salt = 256 - BITS * (tier - 2), case.policy.salt
    words = (f"{salt}\0{case.needs[i].need_id}\0{case.resources[j].resource_id}" for i, j in zip(n, r, strict=True))
    lots = (int.from_bytes(sha256(word.encode()).digest(), "big") >> shift & (1 << BITS) - 1 for word in words)
    return np.fromiter(lots, np.int64, len(n))


def _ring(case: Case, pair: Numbers, need: Numbers, moves: tuple[Numbers, Numbers]) -> bool:
    """Whether arcs that cost nothing close a ring: limits without a price, and what is left of pairs and levels.

    `moves` says of each arc whether it leads to its need, and whether from it. Arcs that lead both ways must form a
    forest; what they join is then one node, and nodes that nothing enters or leaves are taken away.
    """
    rows = np.flatnonzero(~case.price.any(axis=1))[1:]
    tail = np.concatenate([np.where(pair >= 0, case.pair_node[pair], case.caps[need, 0]), case.above[rows]])
    head = np.concatenate([need + len(case.limits), rows])
    part, some = (case.use < case.limits)[rows], (case.use > 0)[rows]
    ahead = np.concatenate([moves[0], np.where(rows < case.first_cap, part, some)])
    back = np.concatenate([moves[1], np.where(rows < case.first_cap, some, part)])
    root = np.arange(len(case.limits) + len(case.needs))
    both = ahead & back
    while (root[tail[both]] != root[head[both]]).any():
        ends = np.sort([root[tail[both]], root[head[both]]], axis=0)
        np.minimum.at(root, ends[1], ends[0])
        while (root != root[root]).any():
            root = root[root]
    if both.sum() > len(root) - len(np.unique(root)):
        return True
    one, inward, outward = ahead != back, *np.zeros((2, len(root)), bool)
    start, end = root[np.where(ahead, tail, head)[one]], root[np.where(ahead, head, tail)[one]]
    while len(start):
        inward[:], outward[:] = False, False
        inward[end], outward[start] = True, True
        kept = inward[start] & outward[end]
        if kept.all():
            return True
        start, end = start[kept], end[kept]
    return False


BREACHES = {
    "units_used": "a need served by `units_used` takes exactly that from it",
    "over_max_per_need": "more than one need may get of it",
    "under_minimum": "less than its minimum",
    "broken_lot": "it comes in lots",
    "over_gap": "the need gets more than is open",
    "two_providers": "the need takes from one resource only",
    "part_of_all": "the need takes all or nothing",
    "exclusive": "the household draws on another resource of its exclusive group",
}


def _breaches(case: Case) -> Iterator[Fault]:
    """C1 to C11 and eligibility: every line, every limit, every pin."""
    n, r, units, plain = case.line_n, case.line_r, case.units, case.line_used < 0
    groups, (group,) = coded(x.exclusive_group for x in case.resources)
    drawn = case.home[n] * max(1, len(groups)) + group[r]
    draws = np.unique(drawn * case.width + r) // case.width
    twice = draws[1:][draws[1:] == draws[:-1]]
    single = (case.one > 0) | case.by_use
    broken = {
        "units_used": ~plain & (units != case.line_used),
        "over_max_per_need": plain & (units > case.each[r]),
        "under_minimum": plain & (units < case.floor[r]),
        "broken_lot": plain & (units % case.lot[r] > 0),
        "over_gap": (case.got > case.open)[n],
        "two_providers": (single & (np.bincount(n, minlength=len(case.needs)) > 1))[n],
        "part_of_all": ((case.whole > 0) & (case.got != case.open))[n],
        "exclusive": (group[r] != groups.get(None, -1)) & (find(twice, drawn) >= 0),
    }
    refused = case.refused(n, r)
    broken |= {RULES[code - 1]: refused == code for code in np.unique(refused[refused > 0]).tolist()}
    for code, lines in broken.items():
        for i in np.flatnonzero(lines).tolist():
            line = f"{case.needs[n[i]].need_id} gets {units[i]} of {case.resources[r[i]].resource_id}"
            yield Fault(code, f"{line}: {BREACHES.get(code, f'not eligible by the rule {code}')}")
    names = list(case.row)
    for i in np.flatnonzero(case.use > case.limits).tolist():
        yield Fault(OVER[names[i][0]], f"{' '.join(names[i])} gives {case.use[i]}, but has {case.limits[i]}")
    for pin in case.problem.pins:
        if case.amounts.get((pin.need_id, pin.resource_id), 0) < pin.units:
            yield Fault("pin_missed", f"{pin.need_id} was pinned to {pin.units} of {pin.resource_id}")


def _sums(case: Case) -> Iterator[Fault]:
    """Everything the certificate states that follows from the lines."""
    said, policy = case.said, case.policy
    cells = np.stack([case.filled[case.urgency == u].sum(axis=0) for u in range(4)])
    n, r = case.line_n, case.line_r
    gone = case.promised - np.array([case.amounts.get(pair, 0) for pair in case.announced], np.int64)
    whole = (np.bincount(n, minlength=len(case.needs)) == 1)[n] & (case.counted == case.open[n])
    worth = case.value[find(case.listed, case.lines)] * whole
    true = {
        "coverage": tuple(int(cells[u, k - 1]) for u, k in policy.order),
        "score": sum(rank * int(cells[u, k - 1]) for (u, k), rank in policy.ranks().items()),
        "units": sum(case.units.tolist()),
        "households_served": len(np.unique(case.home[n])),
        "broken_units": sum(np.maximum(gone, 0).tolist()),
        "cost": sum(cost * units for cost, units in zip(case.cost(n, r).tolist(), case.units.tolist(), strict=True)),
        "gap": (said.bound - said.score) / said.bound if said.bound else 0.0,
    }
    if policy.objective == "value" and said.value_proof:
        true["value"] = sum(np.maximum(worth, 0).tolist())
    for name, value in true.items():
        if getattr(said, name) != value:
            yield Fault(name, f"the certificate says {name} is {getattr(said, name)}, the plan gives {value}")
    if said.value_bound < said.value:
        yield Fault("value_bound", f"value {said.value} passes its bound {said.value_bound}")
    if said.status not in ("optimal", "feasible") or (said.status == "optimal" and said.bound != said.score):
        yield Fault("status", f"status {said.status} with score {said.score} and bound {said.bound}")


def _proof(case: Case) -> Iterator[Fault]:
    """Every price stands on a limit, has a right sign, and together they prove the bound, the gaps and uniqueness."""
    said, names, proven = case.said, list(case.row), case.said.bound == case.said.score
    yield from case.misplaced
    pure = not said.components.get("hard_small", 0) + said.components.get("hard_large", 0)
    for i in np.flatnonzero(case.price.any(axis=1)).tolist():
        if next(price for price in case.price[i] if price) < 0:
            yield Fault("negative_price", f"the first price of {' '.join(names[i])} is below 0")
        elif pure and said.status == "optimal" and case.use[i] < case.limits[i]:
            yield Fault("idle_price", f"{' '.join(names[i])} has {case.limits[i] - case.use[i]} left, so its price is 0")
    if case.misplaced or (case.price[:, 0] < 0).any() or said.price_scale < 1:
        return
    bounds, _ = case.run(1)
    if said.bound < bounds[-1]:
        yield Fault("bound", f"the prices prove no bound below {bounds[-1]}, the certificate says {said.bound}")
    yield from _gaps(case, proven)
    if said.unique and (not proven or another(case)):
        yield Fault("unique", "another plan may be as good" if proven else "the plan is not proven to be the best")


def _gaps(case: Case, proven: bool) -> Iterator[Fault]:
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
                yield Fault("gap_by_prefix", f"{name}: the prices prove no gap below {bounds[i] - scores[i]} in run {run}")
    fair = proven and not any(gaps[ALL])  # type: ignore[call-overload]
    if case.said.lexicographic not in ("proven", "not_proven") or (case.said.lexicographic == "proven" and not fair):
        yield Fault("lexicographic", f"lexicographic is {case.said.lexicographic}, but some run of cells has a gap")


def _reasons(case: Case) -> Iterator[Fault]:
    """Every open need has a reason, every reason an id; what they say is derived again for `SAMPLE` needs."""
    rows: dict[str, list[Reason]] = {}
    for row in case.plan.reasons:
        if row.need_id not in case.n or (row.resource_id and row.resource_id not in case.r):
            yield Fault("reason_of_nothing", f"{row.need_id} {row.resource_id} {row.code} names an id of no row")
        else:
            rows.setdefault(row.need_id, []).append(row)
    for i in np.flatnonzero(case.got < case.open).tolist():
        if all(row.code == "chosen" for row in rows.get(case.needs[i].need_id, ())):
            yield Fault("no_reason", f"{case.needs[i].need_id} is not fully covered and no reason says why")
    told = sorted(rows)
    for need_id in told[:: max(1, len(told) // SAMPLE)]:
        for row in rows[need_id]:
            if not _holds(case, row, case.n[need_id]):
                yield Fault("forged_reason", f"{need_id} {row.resource_id} {row.code} {dict(row.detail)} is not so")


def _holds(case: Case, row: Reason, i: int) -> bool:
    """Whether a row is true of need i: the rules, limits, cells, needs, dates and counts that it names."""
    need, detail, name, code = case.needs[i], row.detail, row.resource_id, row.code
    units = case.amounts.get((need.need_id, name), 0)

    def may(other: object) -> bool:
        return other in case.r and not case.refused(np.array([i]), np.array([case.r[other]]))[0]

    if code == "chosen":
        return 0 < units == detail.get("units") and (not detail.get("runner_up") or may(detail["runner_up"]))
    if code == "covered":
        return sum(map(int, detail.values())) >= need.gap > 0
    if case.got[i] >= case.open[i] or (name and not may(name)):
        return False
    if not name:
        return _holds_refused(case, row, i)
    resource, home = case.resources[case.r[name]], need.household_id
    if code == "provider_chosen":
        other = str(detail.get("provider"))
        return need.one_provider and other != name and (need.need_id, other) in case.amounts
    if code == "exclusive":
        other = str(detail.get("drawn"))
        group = case.resources[case.r[other]].exclusive_group if other in case.r else None
        drawn = case.home[case.line_n[case.line_r == case.r.get(other, -1)]] == case.home[i]
        return other != name and bool(drawn.any()) and group == resource.exclusive_group == detail.get("group")
    if code == "lot_or_minimum":
        left, step = int(detail.get("left", 0)), int(detail.get("step", 0))
        return 0 <= left < step and detail.get("short_by") == step - left
    if code not in ("cap", "earmark", "stock", "priced_out", "tie_break"):
        return code == "within_gap"
    kind = str(detail.get("kind")) if code == "cap" else "earmark" if code == "earmark" else "resource"
    size, left = resource.max_per_need, (resource.max_per_need or 0) - units
    if kind != "max_per_need":
        limit = (kind, name if kind == "resource" else str(detail.get("id")), home if "household" in kind else "")
        at = case.row.get(limit, 0)
        if at not in [step for _, steps in case.ways(np.array([i]), np.array([case.r[name]])) for step in steps.tolist()]:
            return False
        size, left = int(case.limits[at]), int(case.limits[at] - case.use[at])
    told = size is not None and detail.get("limit") == size and detail.get("left") == left
    return told and int(detail.get("short_by", 0)) > 0 and ("next_level" not in detail or _holds_cells(case, row, i))


def _holds_refused(case: Case, row: Reason, i: int) -> bool:
    """A row without a resource: no pair is eligible, and the rules it names are those that turn resources away."""
    codes, counts = np.unique(case.refused(np.array(i), np.arange(len(case.resources))), return_counts=True)
    first = {RULES[code - 1]: count for code, count in zip(codes.tolist(), counts.tolist(), strict=True)}
    if 0 in codes:
        return False
    if row.code == "no_resource":
        return dict(row.detail) == first
    if row.code == "cool_off":
        return row.detail.get("until") == case.until(case.needs[i])
    orgs = {r.org_id for r in case.resources} - case.needs[i].consented
    named = set(str(row.detail.get("orgs", "")).split(";"))
    return row.code in ("no_consent", "banned") and row.code in first and (row.code == "banned" or named <= orgs)


def _holds_cells(case: Case, row: Reason, i: int) -> bool:
    """The cell of the need's next unit, and the cell that the named need's last unit fills."""

    def cell(j: int, more: int) -> Cell:
        position = int(case.past[j] + case.got[j]) + more
        return case.needs[j].urgency, (position - 1) * case.policy.levels // case.needs[j].gap + 1

    detail, mine, ranks = row.detail, cell(i, 1), case.policy.ranks()
    if (detail["next_urgency"], detail["next_level"]) != mine:
        return False
    if row.code not in ("priced_out", "tie_break"):
        return True
    other = str(detail.get("need"))
    if (other, row.resource_id) not in case.amounts:
        return False
    theirs = cell(case.n[other], 0)
    above = ranks[theirs] > ranks[mine] if row.code == "priced_out" else theirs == mine
    return above and (detail.get("urgency"), detail.get("level")) == theirs
