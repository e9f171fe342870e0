"""What the judge knows: a problem as arrays, who may have what, and what a plan takes from every limit and pays for it.

What enters: a problem and a plan. What leaves: `Case`: the eligible pairs, what each may carry and carries, the shared
limits, and the prices on them. Called by `checker` and `checker_reasons` only; shares no code with the solvers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

import numpy as np

from matching.checker_numbers import FAR, Numbers, coded, columns, find, summed
from matching.model import Cap, Need, Problem
from matching.plan import Plan

ALL, NONE = "*", ("", "", "")
FIRST_RULES = ("category", "unit", "not_listed", "no_consent", "urgency", "district")
RULES = (*FIRST_RULES, "tags", "window", "cool_off", "banned", "covered")
Limit = tuple[str, str, str]
"""Kind, id and household of a shared limit, as in prices.csv."""
KINDS = ("resource", "earmark", "max_per_household", "household_cap")
TIERS = 12
"""Coverage, promises, cost and the nine lots that SHA-256 holds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a plan: a code for programs, a sentence for people."""

    code: str
    message: str


class Case:
    """N needs and R resources sorted by id, E eligible pairs by both, M limits (row 0 is none), L levels.

    `above` is the limit that the units of a limit use next: from a household's share of a resource to the resource, its
    earmark and so on up; from a narrow household cap to a wider one. `node` is where the way of a pair begins, `caps`
    are the household caps of a need. A share that nothing is taken from and that has no price is left out.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan, self.said, self.policy = problem, plan, plan.certificate, problem.policy
        self.needs = sorted(problem.needs, key=attrgetter("need_id"))
        self.resources = sorted(problem.resources, key=attrgetter("resource_id"))
        self.n = {x.need_id: i for i, x in enumerate(self.needs)}
        self.r = {x.resource_id: i for i, x in enumerate(self.resources)}
        self.wide, (self.homes, self.home) = max(1, len(self.r)), coded(map(attrgetter("household_id"), self.needs))
        self.sorts, self.sort = coded(map(attrgetter("category"), self.needs))
        self.gap, self.urgency, self.one, self.whole = columns(
            self.needs, "gap", "urgency", "one_provider", "all_or_nothing"
        )
        self.stock, self.lot, self.floor, self.each, self.share, self.unit_cost = columns(
            self.resources, "stock", "lot", "min_per_need", "max_per_need", "max_per_household", "unit_cost"
        )
        self.past = np.zeros(len(self.n), np.int64)
        for row in problem.ledger:
            if row.need_id in self.n:
                at = self.n[row.need_id]
                self.past[at] = min(int(self.gap[at]), int(self.past[at]) + row.units)
        self.open = self.gap - self.past
        edges = -(-np.arange(self.policy.levels + 1) * self.gap[:, None] // self.policy.levels) - self.past[:, None]
        self.below = np.maximum(edges[:, :-1], 0)
        self.size = np.maximum(edges[:, 1:] - self.below, 0)
        self._read_rules()
        self._read_pairs()
        self._read_limits()
        self._read_prices()

    def _read_rules(self) -> None:
        """For each rule the kinds of needs, the kinds of resources, and a table of which may meet."""
        day, bans = self.policy.as_of, {(b.need_id, b.resource_id) for b in self.problem.bans}
        self.recent: dict[tuple[str, str], list[tuple[str | None, str]]] = {}
        days = {c.category: c.days for c in self.problem.cooloffs}
        for row in self.problem.ledger:
            if 0 <= (day - row.given_on).days < days.get(row.category, 0):
                until = (row.given_on + timedelta(days[row.category])).isoformat()
                self.recent.setdefault((row.household_id, row.category), []).append((row.need_id, until))

        def active(start: date | None, end: date | None) -> bool:
            return (start or day) <= day < (end or day.max)

        def fits_tags(tags: frozenset[str], asked: tuple[frozenset[str], ...]) -> bool:
            return (not asked[0] or bool(asked[0] & tags)) and asked[1] <= tags and not asked[2] & tags

        def told(rows: Iterable[Any], *names: str) -> Iterable[Any]:
            return map(attrgetter(*names), rows)

        alone, useless = {n for n, r in bans if r == ALL}, {r for n, r in bans if n == ALL}
        needs, resources, period = self.needs, self.resources, ("valid_from", "valid_to")
        kinds: dict[str, tuple[Iterable[Any], Iterable[Any], Any]] = {
            "category": (told(needs, "category"), told(resources, "category"), lambda a, b: a == b),
            "unit": (told(needs, "unit"), told(resources, "unit"), lambda a, b: a == b),
            "no_consent": (told(needs, "consented"), told(resources, "org_id"), lambda a, b: ALL in a or b in a),
            "urgency": (told(needs, "urgency"), told(resources, "min_urgency"), lambda a, b: a >= b),
            "district": (told(needs, "district"), told(resources, "districts"), lambda a, b: ALL in b or a in b),
            "tags": (told(needs, "tags"), told(resources, "tags_any", "tags_all", "tags_none"), fits_tags),
            "window": (told(needs, *period), told(resources, *period), lambda a, b: active(*a) and active(*b)),
            "cool_off": (self._waits(), (0 for _ in resources), lambda a, b: not a),
            "banned": (map(alone.__contains__, self.n), map(useless.__contains__, self.r), lambda a, b: not a | b),
            "covered": ((self.open > 0).tolist(), (0 for _ in resources), lambda a, b: a),
        }
        self.tests = {}
        for name, (mine, theirs, fits) in kinds.items():
            (some, a), (others, b) = coded(mine), coded(theirs)
            table = np.array([[bool(fits(x, y)) for y in others] for x in some], bool)
            self.tests[name] = a, b, table.reshape(len(some), len(others))
        self.banned = np.sort(self.keyed(b for b in self.problem.bans if ALL not in (b.need_id, b.resource_id)))
        self.rows = sorted(self.problem.pairs or (), key=attrgetter("need_id", "resource_id"))
        self.listed = self.keyed(self.rows)

    def _waits(self) -> Iterator[str]:
        """The end of each need's cool-off; few households have any aid to wait after."""
        recent = map(self.recent.__contains__, map(attrgetter("household_id", "category"), self.needs))
        return (self.until(need) if given else "" for need, given in zip(self.needs, recent, strict=True))

    def until(self, need: Need) -> str:
        """The day on which the need's cool-off ends; empty if it does not wait."""
        given = self.recent.get((need.household_id, need.category), ())
        return max((until for need_id, until in given if need_id != need.need_id), default="")

    def keyed(self, rows: Iterable[Any]) -> Numbers:
        """Each row's pair as one number: need · R + resource."""
        ids, rows = ((self.n, "need_id"), (self.r, "resource_id")), list(rows)
        places = (map(of.__getitem__, map(attrgetter(name), rows)) for of, name in ids)
        n, r = (np.fromiter(at, np.int64, len(rows)) for at in places)
        return np.asarray(n * self.wide + r)

    def refused(self, n: Numbers, r: Numbers) -> Numbers:
        """The number of the first rule by which need n may not have resource r, 0 if it may; n and r broadcast."""
        found = np.zeros(np.shape(keys := n * self.wide + r), np.int8)
        for number, name in reversed([*enumerate(RULES, 1)]):
            if name == "not_listed":
                fits = (find(self.listed, keys) >= 0) | (self.problem.pairs is None)
            else:
                mine, theirs, table = self.tests[name]
                fits = table[mine[n], theirs[r]]
            if name == "banned":
                fits = fits & (find(self.banned, keys) < 0)
            found = np.where(fits, found, np.int8(number))
        return found

    def _eligible(self) -> Numbers:
        """The pairs that no rule parts: of those listed, or of all that category and district let meet."""
        if self.problem.pairs is not None:
            return np.asarray(self.listed[self.refused(*np.divmod(self.listed, self.wide)) == 0])
        (kind, kinds, same), (place, areas, near) = self.tests["category"], self.tests["district"]
        alive, keys = np.flatnonzero(self.open), [self.listed]
        look = kind[alive] * len(near) + place[alive]
        alive, parting = alive[np.argsort(look, kind="stable")], [x for x in self.tests.values() if not x[2].all()]
        for members in np.split(alive, np.flatnonzero(np.diff(np.sort(look))) + 1) if len(alive) else ():
            shelf = np.flatnonzero(same[kind[members[0]], kinds] & near[place[members[0]], areas])
            fits = np.ones((len(members), len(shelf)), bool)
            for mine, theirs, table in parting:
                fits &= table[mine[members]][:, theirs[shelf]]
            keys.append((members[:, None] * self.wide + shelf)[fits])
        found = np.sort(np.concatenate(keys))
        at = find(found, self.banned)
        return np.delete(found, at[at >= 0])

    def _read_pairs(self) -> None:
        """The eligible pairs: what one may carry at least and at most, what it was promised, what the plan gives it."""
        self.keys = keys = self._eligible()
        self.pn, self.pr = n, r = np.divmod(keys, self.wide)
        at, listed = find(self.listed, keys), np.divmod(self.listed, self.wide)
        cost, value, used = (np.append(x, -1) for x in columns(self.rows, "cost", "value", "units_used", none=-1))
        by_use, by_unit = np.zeros(len(self.needs), bool), np.zeros(len(self.resources), bool)
        by_use[listed[0][used[:-1] >= 0]] = True
        cost, value, used = (x[at] if self.rows else np.broadcast_to(x, len(at)) for x in (cost, value, used))
        by_unit[r[by_use[n]]] = True
        self.usable = np.where(by_unit, self.stock, self.stock // self.lot * self.lot)
        self.cost = np.append(np.where(cost < 0, self.unit_cost[r], cost), 0)
        self.value = np.maximum(value, 0)
        most = np.minimum(self.open[n], np.minimum(np.minimum(self.stock, self.each), self.share)[r])
        most -= most % self.lot[r] if (self.lot > 1).any() else 0
        self.used, self.most = np.full(len(n), -1), most * (most >= self.floor[r])
        if by_use.any():
            self.used = np.where(by_use[n], np.where(used < 0, self.open[n], used), -1)
            self.most = np.where(self.used < 0, self.most, self.open[n] * (self.used <= self.stock[r]))
        self.least, self.kept, self.units = np.zeros((3, len(n)), np.int64)
        told = (self.problem.pins, self.least), (self.problem.announced, self.kept), (self.plan.lines, self.units)
        for rows, into in told:
            known = [x for x in rows if x.need_id in self.n and x.resource_id in self.r]
            wanted, (amounts,) = self.keyed(known), columns(known, "units")
            at = find(keys, wanted)
            np.add.at(into, at[at >= 0], amounts[at >= 0])
            if into is self.units:
                self.barred = wanted[at < 0]  # the plan's lines that may not be
        self.lines = i = np.flatnonzero(self.units)
        self.by_resource = i[np.argsort(r[i], kind="stable")]
        self.drawn = r[self.by_resource]
        self.counted = np.where(self.used[i] < 0, self.units[i], self.open[n[i]])
        self.got = summed(n[i], self.counted, size=len(self.needs))
        self.filled = self.fill(np.arange(len(self.needs)), self.got)

    def fill(self, n: Numbers, units: Numbers) -> Numbers:
        """How the first `units` of needs n lie in their levels, shape (len(n), L)."""
        return np.asarray(np.clip(units[:, None] - self.below[n], 0, self.size[n]))

    def _read_limits(self) -> None:
        """Number the limits, link each to the next on the way, and count what the plan takes from each."""
        marks = {x.earmark: i for i, x in enumerate(self.problem.earmarks, 1 + len(self.r))}
        limits: list[Limit] = [NONE, *(("resource", x, "") for x in self.r), *(("earmark", x, "") for x in marks)]
        sizes = [0, *self.usable.tolist(), *(x.budget for x in self.problem.earmarks)]
        uppers = [x.earmark for x in self.resources] + [x.parent for x in self.problem.earmarks]
        above = [0, *(marks[x] if x else 0 for x in uppers)]
        names, homes, wide, first = [*self.r], [*self.homes], max(1, len(self.homes)), len(limits)
        plain = self.lines[self.used[self.lines] < 0]
        asked = [
            self.r[x.id] * wide + self.homes[x.household_id]
            for x in self.plan.prices
            if x.kind == KINDS[2] and x.id in self.r and x.household_id in self.homes
        ]
        given = np.append(self.pr[plain] * wide + self.home[self.pn[plain]], np.array(asked, np.int64))
        held = np.unique(given[self.share[given // wide] < FAR])
        of = held // wide
        limits += ((KINDS[2], names[r], homes[h]) for r, h in np.transpose(np.divmod(held, wide)).tolist())
        self.first_cap, (order, chains) = len(limits), self._cap_chains()
        keys = np.where(chains < 0, -1, chains * wide + self.home[:, None])
        capped = np.unique(keys[keys >= 0])
        self.caps = np.where(keys < 0, 0, find(capped, keys) + self.first_cap)
        limits += ((KINDS[3], order[c].cap_id, homes[h]) for c, h in np.transpose(np.divmod(capped, wide)).tolist())
        self.row = {limit: i for i, limit in enumerate(limits)}
        most = np.array([x.max_units for x in order], np.int64)[capped // wide]
        self.limits = np.concatenate([np.array(sizes, np.int64), self.share[of], most])
        self.above = np.concatenate([np.array(above, np.int64), of + 1, np.zeros(len(capped), np.int64)])
        self.above[self.caps[:, :-1]] = self.caps[:, 1:]
        shared = np.flatnonzero((self.share[self.pr] < FAR) & (self.used < 0))
        at = find(held, self.pr[shared] * wide + self.home[self.pn[shared]])
        self.node = np.append(self.pr + 1, 0)  # pair -1 is none
        self.node[shared[at >= 0]] = at[at >= 0] + first
        self.use = np.zeros(len(self.limits), np.int64)
        for at in self.ways(self.lines):
            np.add.at(self.use, at, np.where(at < self.first_cap, self.units[self.lines], self.counted))
        self.use[0] = 0

    def _cap_chains(self) -> tuple[list[Cap], Numbers]:
        """The household caps, the narrowest first, and by number those that count each need; -1 fills the rows up."""
        order = sorted(self.problem.caps, key=lambda cap: (len(cap.categories), cap.cap_id))
        covering, owners = dict[tuple[str, str], list[int]](), {cap.household_id for cap in order}
        for number, cap in enumerate(order):
            for category in cap.categories:
                covering.setdefault((cap.household_id, category), []).append(number)
        if not order:
            return order, np.full((len(self.needs), 1), -1)
        kinds, kind = coded((x.household_id if x.household_id in owners else ALL, x.category) for x in self.needs)
        chains = [sorted({*covering.get((ALL, x), ()), *covering.get((own, x), ())}) for own, x in kinds]
        width = max(map(len, chains), default=0) + 1
        table = np.array([chain + [-1] * (width - len(chain)) for chain in chains], np.int64)
        return order, table.reshape(-1, width)[kind]

    def _read_prices(self) -> None:
        """One row of prices per limit, one column per tier; `paid` sums them from a limit to the end of its way."""
        rows: dict[tuple[int, int], int] = {}
        self.misplaced: list[Fault] = []
        for p in self.plan.prices:
            at = self.row.get((p.kind, p.id, p.household_id), 0), p.tier - 1
            if not at[0] or not 0 <= at[1] < TIERS or at in rows:
                code = "price_twice" if at in rows else "price_of_nothing"
                self.misplaced.append(Fault(code, f"{p.kind} {p.id} {p.household_id} in tier {p.tier}"))
            rows[at if at[0] and 0 <= at[1] < TIERS else (0, 0)] = p.price
        rows[0, 0], self.scale = 0, max(1, self.said.price_scale)
        top, first = (max((abs(p) for (_, t), p in rows.items() if t < tiers), default=0) for tiers in (TIERS, 1))
        steps = 3 + len(self.problem.earmarks) + self.caps.shape[1]
        units = sum(self.open.tolist()) + sum(self.limits.tolist()) + 4 * len(self.needs) + 1
        small = (4 * self.policy.levels * self.scale + first * steps) * units + top * steps < 2**61
        self.price = np.zeros((len(self.limits), TIERS), np.int64 if small else object)
        self.price[tuple(np.array([*rows], np.int64).T)] = np.array([*rows.values()], self.price.dtype)
        self.paid, step = self.price.copy(), self.above
        while step.any():
            self.paid, step = self.paid + self.price[step], self.above[step]
        self.ranks, levels = self.policy.ranks(), range(1, self.policy.levels + 1)
        table = [[self.ranks[u, k] * self.scale for k in levels] for u in range(4)]
        self.ranked = np.array(table, self.price.dtype)
        self.worth = self.ranked[self.urgency]

    def ways(self, pairs: Numbers) -> Iterator[Numbers]:
        """Step by step the limits that units of the pairs use, 0 where a way has ended."""
        at = self.node[pairs]
        while at.any():
            yield at
            at = self.above[at]
        yield from self.caps.T[:, self.pn[pairs]]

    def lines_of(self, r: int) -> Numbers:
        """The pairs that resource r gives something to."""
        return np.asarray(self.by_resource[slice(*np.searchsorted(self.drawn, [r, r + 1]).tolist())])

    def pair(self, need_id: str, resource_id: str) -> int:
        """Where an eligible pair stands; -1 if it does not."""
        n, r = self.n.get(need_id, -1), self.r.get(resource_id, -1)
        at = int(self.keys.searchsorted(key := n * self.wide + r))
        return at if min(n, r) >= 0 and at < len(self.keys) and self.keys[at] == key else -1
