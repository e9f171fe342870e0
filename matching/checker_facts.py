"""What the judge knows: the rules of a problem read once, and what a plan takes from every limit.

What enters: a problem and the lines of a plan. What leaves: `Facts`, plain dictionaries in the words of the rules.
Called by the three parts of the judge only (`checker`, `checker_bound`, `checker_reasons`); shares no code with the
solvers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from matching.model import Need, Pair, Problem, Resource
from matching.plan import Line

Limit = tuple[str, str, str]
"""(kind, id, household_id) of a shared limit, as in `prices.csv`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a plan: a code for programs, a sentence for people."""

    code: str
    message: str


class Facts:
    """The rules of one problem and the use that `lines` make of its limits; lines with unknown ids are left out."""

    def __init__(self, problem: Problem, lines: Iterable[Line]) -> None:
        self.problem = problem
        self.as_of = problem.policy.as_of
        self.needs = {n.need_id: n for n in problem.needs}
        self.resources = {r.resource_id: r for r in problem.resources}
        self.budgets = {e.earmark: e.budget for e in problem.earmarks}
        self.caps = {c.cap_id: c for c in problem.caps}
        self.pins = {(p.need_id, p.resource_id): p.units for p in problem.pins}
        self.bans = {(b.need_id, b.resource_id) for b in problem.bans}
        self.listed = None if problem.pairs is None else {(p.need_id, p.resource_id): p for p in problem.pairs}
        self.by_use = {p.need_id for p in problem.pairs or () if p.units_used is not None}
        given = Counter[str]()
        for row in problem.ledger:
            if row.need_id is not None:
                given[row.need_id] += row.units
        self.past = {n.need_id: min(n.gap, given[n.need_id]) for n in problem.needs}
        self.open = {n.need_id: n.gap - self.past[n.need_id] for n in problem.needs}
        self._above = {e.earmark: e.parent for e in problem.earmarks}
        known = [x for x in lines if x.need_id in self.needs and x.resource_id in self.resources]
        self.amounts: dict[Pair, int] = {(x.need_id, x.resource_id): x.units for x in known}
        self.received = self._received()
        self.use = self._use()

    def ancestors(self, resource: Resource) -> Iterator[str]:
        """The resource's earmark and all above it."""
        node = resource.earmark
        while node is not None:
            yield node
            node = self._above[node]

    def caps_of(self, need: Need) -> Iterator[str]:
        """The caps that count what `need` receives."""
        for cap in self.problem.caps:
            if cap.household_id in ("*", need.household_id) and need.category in cap.categories:
                yield cap.cap_id

    def limits_of(self, pair: Pair) -> Iterator[Limit]:
        """Every shared limit that a unit of this pair uses."""
        need, resource = self.needs[pair[0]], self.resources[pair[1]]
        yield "resource", resource.resource_id, ""
        for earmark in self.ancestors(resource):
            yield "earmark", earmark, ""
        if resource.max_per_household is not None and need.need_id not in self.by_use:
            yield "max_per_household", resource.resource_id, need.household_id
        for cap in self.caps_of(need):
            yield "household_cap", cap, need.household_id

    def size(self, limit: Limit) -> int | None:
        """How much a limit allows; None when there is no such limit."""
        kind, name, household = limit
        resource = self.resources.get(name)
        if kind == "resource" and resource and not household:
            return resource.stock
        if kind == "earmark" and not household:
            return self.budgets.get(name)
        if kind == "max_per_household" and resource and household in self.households:
            return resource.max_per_household
        cap = self.caps.get(name) if kind == "household_cap" else None
        fits = cap is not None and household in self.households and cap.household_id in ("*", household)
        return cap.max_units if cap is not None and fits else None

    @cached_property
    def households(self) -> set[str]:
        """All households with a need."""
        return {n.household_id for n in self.problem.needs}

    def units_used(self, pair: Pair) -> int | None:
        """What a need served by `units_used` takes from this resource; None for ordinary needs."""
        if pair[0] not in self.by_use or self.listed is None or pair not in self.listed:
            return None
        named = self.listed[pair].units_used
        return self.open[pair[0]] if named is None else named

    def cost(self, pair: Pair) -> int:
        """The cost of one unit."""
        named = self.listed[pair].cost if self.listed and pair in self.listed else None
        return self.resources[pair[1]].unit_cost if named is None else named

    def _received(self) -> Counter[str]:
        """Units that count for each need: a need served by `units_used` counts as filled."""
        received = Counter[str]()
        for pair, units in self.amounts.items():
            received[pair[0]] += units if self.units_used(pair) is None else self.open[pair[0]]
        return received

    def _use(self) -> Counter[Limit]:
        use = Counter[Limit]()
        for pair, units in self.amounts.items():
            for limit in self.limits_of(pair):
                counted = limit[0] == "household_cap" and self.units_used(pair) is not None
                use[limit] += self.open[pair[0]] if counted else units
        return use

    @cached_property
    def cooling(self) -> set[str]:
        """Needs whose household had the category lately, by another need or none."""
        days = {c.category: c.days for c in self.problem.cooloffs}
        recent: dict[tuple[str, str], set[str | None]] = {}
        for row in self.problem.ledger:
            if 0 <= (self.as_of - row.given_on).days < days.get(row.category, 0):
                recent.setdefault((row.household_id, row.category), set()).add(row.need_id)
        return {n.need_id for n in self.problem.needs if recent.get((n.household_id, n.category), set()) - {n.need_id}}

    def refusal(self, pair: Pair) -> str | None:
        """The first rule by which this pair is not eligible, in the order of the rules; None if it is."""
        need, resource = self.needs[pair[0]], self.resources[pair[1]]
        tests = (
            ("category", need.category == resource.category),
            ("unit", need.unit == resource.unit),
            ("not_listed", self.listed is None or pair in self.listed),
            ("no_consent", bool({"*", resource.org_id} & need.consented)),
            ("urgency", need.urgency >= resource.min_urgency),
            ("district", bool({"*", need.district} & resource.districts)),
            ("tags", self.tags_fit(need, resource)),
            ("window", self.is_active(need) and self.is_active(resource)),
            ("cool_off", need.need_id not in self.cooling),
            ("banned", not {pair, (pair[0], "*"), ("*", pair[1])} & self.bans),
            ("covered", self.open[pair[0]] > 0),
        )
        return next((rule for rule, passed in tests if not passed), None)

    def is_active(self, row: Need | Resource) -> bool:
        """Whether the run's date lies in the row's half-open period."""
        return (row.valid_from is None or row.valid_from <= self.as_of) and (
            row.valid_to is None or self.as_of < row.valid_to
        )

    @staticmethod
    def tags_fit(need: Need, resource: Resource) -> bool:
        """At least one of `tags_any` if any are named, all of `tags_all`, none of `tags_none`."""
        some = not resource.tags_any or bool(resource.tags_any & need.tags)
        return some and resource.tags_all <= need.tags and not resource.tags_none & need.tags
