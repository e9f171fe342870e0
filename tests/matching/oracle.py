"""The best plan of a tiny problem by enumeration, from the rules as written and nothing else of the package.

In: a `Problem`. Out: the best objective tuple with one best plan, the leximin coverage, or None when the
pins cannot be met. A reserve is one limit more: the most that all other districts may have. Called by the
brute-force campaigns and by the tests of the judge and of the preview. It never uses `eligibility`, `compiled`
or a solver. Every objective is a sum over needs, so it lists each need's own
possible receipts, then tries all combinations need by need; a branch is dropped only when even the best
receipts of the remaining needs, sharing nothing, cannot beat the best plan found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matching.model import Need, Problem
from matching.whatif import Reserve
from tests.matching.receipts import Amounts, Receipt, Vector, receipts


@dataclass(frozen=True)
class Best:
    """The optimum: `objective` is (value, score, -broken, -cost); value is 0 unless the policy asks for it.

    `amounts` is a plan that reaches it and has the least hash sum of the first, then the second 26 bits: for
    pure problems the one and only plan. `coverage` is its coverage; `leximin` the lexicographically greatest
    coverage of all feasible plans (None unless asked for).
    """

    objective: tuple[int, int, int, int]
    amounts: Amounts
    coverage: Vector
    leximin: Vector | None


class Shared:
    """The limits that needs share: C2, C3, C4 (per household), C5 and C9."""

    def __init__(self, problem: Problem, *, reserves: Sequence[Reserve] = ()) -> None:
        self.reserves = reserves
        self.limits: dict[tuple[str, ...], int] = {}
        self.resources = {r.resource_id: r for r in problem.resources}
        self.caps = problem.caps
        self.above = {e.earmark: e.parent for e in problem.earmarks}
        self.budgets = {e.earmark: e.budget for e in problem.earmarks}

    def uses(self, *, need: Need, receipt: Receipt) -> Counter[tuple[str, ...]]:
        """How much of each limit the receipt takes; sets the limit's size on first sight."""
        taken: Counter[tuple[str, ...]] = Counter()
        for (_, resource_id), units in receipt.amounts.items():
            resource = self.resources[resource_id]
            self._take(taken, ("stock", resource_id), units=units, limit=resource.stock)
            node = resource.earmark
            while node is not None:
                self._take(taken, ("earmark", node), units=units, limit=self.budgets[node])
                node = self.above[node]
        for kept in self.reserves:
            units = sum(units for (_, name), units in receipt.amounts.items() if name == kept.resource_id)
            room = max(0, self.resources[kept.resource_id].stock - kept.units)
            if need.district != kept.district and units:
                self._take(taken, ("outside", kept.resource_id, kept.district), units=units, limit=room)
        for (_, resource_id), units in receipt.capped.items():
            most = self.resources[resource_id].max_per_household
            if most is not None:
                key = ("household", need.household_id, resource_id)
                self._take(taken, key, units=units, limit=most)
        for cap in self.caps:
            if cap.household_id in ("*", need.household_id) and need.category in cap.categories:
                key = ("cap", cap.cap_id, need.household_id)
                self._take(taken, key, units=receipt.counted, limit=cap.max_units)
        return taken

    def _take(self, taken: Counter[tuple[str, ...]], key: tuple[str, ...], *, units: int, limit: int) -> None:
        self.limits[key] = limit
        taken[key] += units

    def groups(self, *, need: Need, receipt: Receipt) -> set[tuple[str, str, str]]:
        """The exclusive resources this receipt draws on, as (household, group, resource)."""
        drawn = {self.resources[resource_id] for _, resource_id in receipt.amounts}
        return {
            (need.household_id, resource.exclusive_group, resource.resource_id)
            for resource in drawn
            if resource.exclusive_group is not None
        }


class _Search:
    """Depth-first over the needs; `kind` names the vector that is maximised."""

    def __init__(self, problem: Problem, *, kind: str, reserves: Sequence[Reserve] = ()) -> None:
        self.shared = Shared(problem, reserves=reserves)
        self.kind = kind
        self.rows = []
        for need in problem.needs:
            found = receipts(problem, need=need)
            found.sort(key=lambda receipt: getattr(receipt, kind), reverse=True)
            self.rows.append(
                [(r, self.shared.uses(need=need, receipt=r), self.shared.groups(need=need, receipt=r)) for r in found]
            )
        self.best: Vector | None = None
        self.chosen: list[Receipt] = []

    def run(self) -> bool:
        """Fill `best` and `chosen`; False when no plan is feasible."""
        if not all(self.rows):
            return False
        self.tops = [
            [max(column) for column in zip(*(self._vector(r) for r, _, _ in row), strict=True)] for row in self.rows
        ]
        width = len(self.tops[0]) if self.tops else 0
        self._down(0, so_far=(0,) * width, taken=Counter(), groups=set(), path=[])
        return self.best is not None

    def _vector(self, receipt: Receipt) -> Vector:
        return receipt.objective if self.kind == "objective" else receipt.coverage

    def _hopeless(self, place: int, so_far: Vector) -> bool:
        reach = list(so_far)
        for top in self.tops[place:]:
            reach = [a + b for a, b in zip(reach, top, strict=True)]
        return self.best is not None and tuple(reach) <= self.best

    def _down(
        self,
        place: int,
        *,
        so_far: Vector,
        taken: Counter[tuple[str, ...]],
        groups: set[tuple[str, str, str]],
        path: list[Receipt],
    ) -> None:
        if self._hopeless(place, so_far):
            return
        if place == len(self.rows):
            self.best, self.chosen = so_far, list(path)
            return
        for receipt, uses, drawn in self.rows[place]:
            after = taken + uses
            if any(after[key] > self.shared.limits[key] for key in uses):
                continue
            together = groups | drawn
            if len({group[:2] for group in together}) < len(together):
                continue
            vector = tuple(a + b for a, b in zip(so_far, self._vector(receipt), strict=True))
            self._down(place + 1, so_far=vector, taken=after, groups=together, path=[*path, receipt])


def feasible(problem: Problem, *, reserves: Sequence[Reserve] = ()) -> bool:
    """Can the pins be met? (Without pins the empty plan always is feasible.)"""
    return _Search(problem, kind="objective", reserves=reserves).run()


def is_minimal_conflict(problem: Problem, *, pairs: set[tuple[str, str]], reserves: Sequence[Reserve] = ()) -> bool:
    """True when the pins on these pairs cannot be met together, but without any one of them they can."""

    def meets(kept: set[tuple[str, str]]) -> bool:
        pins = tuple(p for p in problem.pins if (p.need_id, p.resource_id) in kept)
        return feasible(replace(problem, pins=pins), reserves=reserves)

    return bool(pairs) and not meets(pairs) and all(meets(pairs - {pair}) for pair in pairs)


def best(problem: Problem, *, leximin: bool = False) -> Best | None:
    """The best plan by enumeration, or None when the pins contradict the rules or each other."""
    search = _Search(problem, kind="objective")
    if not search.run():
        return None
    lex = None
    if leximin:
        fair = _Search(problem, kind="coverage")
        fair.run()
        lex = fair.best
    vector = search.best or (0,) * 6
    amounts = {pair: x for receipt in search.chosen for pair, x in receipt.amounts.items()}
    columns = zip(*(receipt.coverage for receipt in search.chosen), strict=True)
    coverage = tuple(sum(column) for column in columns) or (0,) * len(problem.policy.order)
    return Best(
        objective=(vector[0], vector[1], vector[2], vector[3]),
        amounts=amounts,
        coverage=coverage,
        leximin=lex,
    )
