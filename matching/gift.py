"""What would this gift do? The best plan with one more resource against the best plan without it.

What enters: a stored problem and a resource that nobody has posted. What leaves: a `Gain`: for every household with a
need of the gift's kind its units before and after, for the gift also sets free what others get, and what is proven
about the score that is gained. Called by the marketplace, which rounds the numbers before anybody sees them.

Both plans are solved anew, so that the comparison is of like with like; the second keeps the links of the first where
it costs nothing, as every next run does, so that nobody seems to gain by a mere exchange. Where nothing ties kinds of
need together (household caps, earmarks, exclusive groups), only needs and resources of the gift's kind are looked at:
no other plan can change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from matching.compiled import Compiled, compile_problem
from matching.fairness import received_by
from matching.model import Announced, Problem, Resource
from matching.plan import Certificate, Line
from matching.solve import allocate


@dataclass(frozen=True, slots=True)
class Home:
    """What one household has of the gift's kind in one district: units of its gap, before, after.

    `near` says whether the gift may serve it.
    """

    household_id: str
    district: str
    gap: int
    before: int
    after: int
    near: bool


@dataclass(frozen=True, slots=True)
class Gain:
    """What the gift changes. The best plans gain at least `least` and at most `most` score; these two gain `score`."""

    homes: tuple[Home, ...]
    score: int
    least: int
    most: int

    @property
    def proven(self) -> bool:
        """Whether no plan with the gift, and none without it, does better."""
        return self.least == self.most


def eligible(problem: Problem, gift: Resource) -> dict[str, str]:
    """Household ► district of those that the gift may serve. O(classes · resources + needs)."""
    near = around(problem, gift)
    bans = tuple(ban for ban in near.bans if ban.resource_id == "*")
    compiled = compile_problem(replace(near, resources=(gift,), pins=(), announced=(), bans=bans))
    needs = compiled.problem.needs
    return {needs[at].household_id: needs[at].district for at in compiled.pair_need.tolist()}


def gain_of(
    problem: Problem, gift: Resource, *, budget_s: float | None = None, cancelled: Callable[[], bool] | None = None
) -> Gain:
    """Solve without and with the gift. As long as two runs over the needs of its kind.

    Raises
    ------
    ValueError
        If a resource of this id is posted already, or the run's pins contradict each other.
    """
    if any(row.resource_id == gift.resource_id for row in problem.resources):
        raise ValueError(f"resource {gift.resource_id!r} is in the problem already")
    without = around(problem, gift)
    with_it = replace(without, resources=(*without.resources, gift))
    first = allocate(without, budget_s=budget_s, cancelled=cancelled)
    kept = tuple(Announced(line.need_id, line.resource_id, line.units) for line in first.lines)
    last = allocate(replace(with_it, announced=kept), budget_s=budget_s, cancelled=cancelled)
    if "infeasible" in (first.certificate.status, last.certificate.status):
        raise ValueError("the pins of this problem contradict each other")
    old, new = first.certificate, last.certificate
    homes = _homes(compile_problem(with_it), gift=gift, before=first.lines, after=last.lines)
    return Gain(homes, score=new.score - old.score, least=_least(old, new), most=new.bound - old.score)


def _least(old: Certificate, new: Certificate) -> int:
    """More supply never lowers the best score, so the least is never below 0."""
    return max(0, new.score - old.bound)


def around(problem: Problem, gift: Resource) -> Problem:
    """The part of the problem that the gift can change: its kind only, where nothing ties kinds together."""
    tied = problem.caps or problem.earmarks or gift.exclusive_group or problem.pairs is not None
    if tied or any(row.exclusive_group for row in problem.resources):
        return problem
    needs = tuple(need for need in problem.needs if need.category == gift.category)
    goods = tuple(row for row in problem.resources if row.category == gift.category)
    known, posted = {need.need_id for need in needs}, {row.resource_id for row in goods}
    homes = {need.household_id for need in needs}
    return replace(
        problem,
        needs=needs,
        resources=goods,
        ledger=tuple(
            replace(row, need_id=row.need_id if row.need_id in known else None)
            for row in problem.ledger
            if row.household_id in homes and (row.category == gift.category or row.need_id in known)
        ),
        cooloffs=tuple(rule for rule in problem.cooloffs if rule.category == gift.category),
        pins=tuple(row for row in problem.pins if row.need_id in known and row.resource_id in posted),
        bans=tuple(row for row in problem.bans if row.need_id in {*known, "*"} and row.resource_id in {*posted, "*"}),
        announced=tuple(row for row in problem.announced if row.need_id in known and row.resource_id in posted),
    )


def _homes(compiled: Compiled, *, gift: Resource, before: Iterable[Line], after: Iterable[Line]) -> tuple[Home, ...]:
    had, has = (compiled.past + received_by(compiled, lines) for lines in (before, after))
    place = compiled.resource_ids.index(gift.resource_id)
    served = set(compiled.pair_need[compiled.pair_resource == place].tolist())
    found: dict[tuple[str, str], list[int]] = {}
    for at, need in enumerate(compiled.problem.needs):
        if need.category == gift.category:
            sums = found.setdefault((need.household_id, need.district), [0, 0, 0, 0])
            for i, units in enumerate((need.gap, int(had[at]), int(has[at]), int(at in served))):
                sums[i] += units
    rows = sorted(found.items())
    return tuple(Home(home, where, gap, before, after, near > 0) for (home, where), (gap, before, after, near) in rows)
