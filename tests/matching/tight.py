"""Tiny pure problems on which a greedy rule goes wrong, and which rules of each of them truly bind.

In: a seed. Out: a `Problem` in which some rules are drawn tighter than `tiny` draws them; the score of a simple greedy
rule; the names of the rules without which the best plan would be another; the same problem with every amount a
thousand-million-fold. Called by the campaigns (`test_campaign`, `bench/campaign.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from matching.model import Ban, Candidate, Cap, CoolOff, Earmark, Need, PastAid, Pin, Problem, Resource, urgency_first
from tests.matching.oracle import Best, best
from tests.matching.receipts import eligible, filled, open_units, past_units
from tests.matching.tiny import TODAY, tiny

ANYBODY = frozenset({"*"})
FIRST = 10**7
"""The first seed of `tiny` used here, far from those of the other campaigns."""
SKIP = 64
"""Seeds of `tiny` among which one problem with several givers is looked for."""
EMPHASES = 4
"""Rules drawn tighter in one problem."""


def tight(seed: int) -> Problem:
    """One pure problem, the same for the same seed, with a few of its rules made tighter."""
    rng = Random(f"tight:{seed}")
    drawn = (tiny(FIRST + SKIP * seed + more, kind="pure") for more in range(SKIP))
    problem = _crossed(next(p for p in drawn if len(p.resources) > 3 and len(p.needs) > 3), rng)
    if problem.needs and problem.resources:
        for name in rng.sample(sorted(TIGHTER), EMPHASES):
            problem = TIGHTER[name](problem, rng)
    return problem


def _crossed(problem: Problem, rng: Random) -> Problem:
    """Most needs and givers meet in one category, and the giver who serves everyone is the nearest: greed takes him."""
    needs = tuple(
        n if n.category == "coat" and rng.random() < 0.5
        else replace(n, category="bed", unit="piece", gap=rng.randint(1, 3), consented=ANYBODY, tags=_some_tags(rng))
        for n in problem.needs
    )  # fmt: skip
    resources = tuple(
        r if r.category == "coat" and rng.random() < 0.5 else _choosy(r, rng, choosy=place % 3 < 2)
        for place, r in enumerate(problem.resources)
    )
    categories = {n.need_id: n.category for n in needs}
    ledger = tuple(
        replace(row, category=categories[row.need_id]) if row.need_id else row
        for row in problem.ledger
        if row.need_id is None or rng.random() < 0.5
    )
    bans = tuple(b for b in problem.bans if "*" not in (b.need_id, b.resource_id))
    marks = problem.earmarks if rng.random() < 0.7 else ()
    resources = resources if marks else tuple(replace(r, earmark=None) for r in resources)
    caps = problem.caps if rng.random() < 0.5 else ()
    return replace(
        problem, needs=needs, resources=resources, ledger=ledger, bans=bans, pairs=None, pins=(), caps=caps,
        earmarks=marks, cooloffs=(),
    )  # fmt: skip


def _some_tags(rng: Random) -> frozenset[str]:
    return frozenset(tag for tag in ("baby", "stairs", "halal") if rng.random() < 0.5)


def _choosy(row: Resource, rng: Random, *, choosy: bool) -> Resource:
    """The giver with stock, for everyone at a low cost or for some at a high one."""
    some = rng.randrange(2)
    return replace(
        row,
        category="bed",
        unit="piece",
        stock=rng.randint(1, 3),
        earmark=None if row.category == "cash" else row.earmark,
        districts=frozenset({rng.choice(("east", "west"))}) if choosy and some else ANYBODY,
        tags_any=frozenset({rng.choice(("baby", "stairs"))}) if choosy and not some else frozenset(),
        min_urgency=0,
        valid_from=None,
        valid_to=None,
        unit_cost=rng.randint(2, 3) if choosy else rng.randint(0, 1),
    )


def _with_need(problem: Problem, rng: Random, **changes: object) -> Problem:
    place = rng.randrange(len(problem.needs))
    rows = [replace(need, **changes) if i == place else need for i, need in enumerate(problem.needs)]  # type: ignore[arg-type]
    return replace(problem, needs=tuple(rows))


def _with_resource(problem: Problem, rng: Random, **changes: object) -> Problem:
    place = rng.randrange(len(problem.resources))
    rows = [replace(row, **changes) if i == place else row for i, row in enumerate(problem.resources)]  # type: ignore[arg-type]
    return replace(problem, resources=tuple(rows))


def _pair(problem: Problem, rng: Random) -> tuple[Need, Resource] | None:
    pairs = [
        (n, r) for n in problem.needs for r in problem.resources if eligible(problem, need=n, resource=r) and r.stock
    ]
    return rng.choice(pairs) if pairs else None


def _pinned(problem: Problem, rng: Random) -> Problem:
    found = _pair(problem, rng)
    known = {(p.need_id, p.resource_id) for p in problem.pins}
    if found is None or (found[0].need_id, found[1].resource_id) in known:
        return problem
    return replace(problem, pins=(*problem.pins, Pin(found[0].need_id, found[1].resource_id, 1)))


def _banned(problem: Problem, rng: Random) -> Problem:
    found = _pair(problem, rng)
    return (
        problem
        if found is None
        else replace(problem, bans=(*problem.bans, Ban(found[0].need_id, found[1].resource_id, "")))
    )


def _listed(problem: Problem, rng: Random) -> Problem:
    both = [(n, r) for n in problem.needs for r in problem.resources if n.category == r.category]
    rows = [Candidate(n.need_id, r.resource_id, None, 0, None) for n, r in both if rng.random() < 0.8]
    return replace(problem, pairs=tuple(rows)) if problem.pairs is None else problem


def _cooling(problem: Problem, rng: Random) -> Problem:
    need = rng.choice(problem.needs)
    row = PastAid(need.household_id, need.category, 1, TODAY - timedelta(3), "delivered", None)
    rules = [rule for rule in problem.cooloffs if rule.category != need.category]
    return replace(problem, ledger=(*problem.ledger, row), cooloffs=(*rules, CoolOff(need.category, 9)))


def _helped(problem: Problem, rng: Random) -> Problem:
    need = rng.choice(problem.needs)
    row = PastAid(need.household_id, need.category, rng.randint(1, 3), TODAY, "approved", need.need_id)
    return replace(problem, ledger=(*problem.ledger, row))


def _funded(problem: Problem, rng: Random) -> Problem:
    if problem.earmarks:
        return problem
    rows = tuple(replace(r, earmark="only") if r.category == "bed" else r for r in problem.resources)
    return replace(problem, resources=rows, earmarks=(Earmark("only", None, rng.randint(1, 5)),))


def _capped(problem: Problem, rng: Random) -> Problem:
    rows = (Cap("c0", frozenset({"bed", "coat"}), rng.randint(1, 3), "*"),)
    return problem if problem.caps else replace(problem, caps=rows)


TIGHTER: dict[str, Callable[[Problem, Random], Problem]] = {
    "ledger": _helped,
    "earmark": _funded,
    "max_per_need": lambda p, rng: _resources(p, max_per_need=rng.randint(1, 2)),
    "max_per_household": lambda p, rng: _with_resource(p, rng, max_per_household=1),
    "household_cap": _capped,
    "consent": lambda p, rng: _with_need(p, rng, consented=frozenset({f"o{rng.randrange(3)}"})),
    "min_urgency": lambda p, rng: _with_resource(p, rng, min_urgency=rng.randint(1, 3)),
    "district": lambda p, rng: _with_resource(p, rng, districts=frozenset({rng.choice(("east", "west"))})),
    "tags": lambda p, rng: _with_resource(p, rng, tags_any=frozenset({"baby"})),
    "window": lambda p, rng: (_with_need if rng.random() < 0.5 else _with_resource)(
        p, rng, valid_to=TODAY, valid_from=None
    ),
    "cool_off": _cooling,
    "ban": _banned,
    "pin": _pinned,
    "pairs": _listed,
}


def _needs(problem: Problem, **changes: object) -> Problem:
    return replace(problem, needs=tuple(replace(n, **changes) for n in problem.needs))  # type: ignore[arg-type]


def _resources(problem: Problem, **changes: object) -> Problem:
    return replace(problem, resources=tuple(replace(r, **changes) for r in problem.resources))  # type: ignore[arg-type]


WITHOUT: dict[str, Callable[[Problem], Problem]] = {
    "ledger": lambda p: replace(p, ledger=tuple(row for row in p.ledger if row.need_id is None)),
    "stock": lambda p: _resources(p, stock=40),
    "earmark": lambda p: replace(_resources(p, earmark=None), earmarks=()),
    "max_per_need": lambda p: _resources(p, max_per_need=None),
    "max_per_household": lambda p: _resources(p, max_per_household=None),
    "household_cap": lambda p: replace(p, caps=()),
    "consent": lambda p: _needs(p, consented=ANYBODY),
    "min_urgency": lambda p: _resources(p, min_urgency=0),
    "district": lambda p: _resources(p, districts=ANYBODY),
    "tags": lambda p: _resources(p, tags_any=frozenset(), tags_all=frozenset(), tags_none=frozenset()),
    "window": lambda p: _needs(_resources(p, valid_from=None, valid_to=None), valid_from=None, valid_to=None),
    "cool_off": lambda p: replace(p, cooloffs=()),
    "ban": lambda p: replace(p, bans=()),
    "pin": lambda p: replace(p, pins=()),
    "pairs": lambda p: replace(p, pairs=None),
}
"""Each rule of pure problems, and the problem without it."""


def binding(problem: Problem, known: Best) -> set[str]:
    """The rules without which the best (value, score, broken, cost) would be another. `gap`: a need is full."""
    found = set()
    for name, without in WITHOUT.items():
        other = without(problem)
        if other != problem:
            free = best(other)
            if free is None or free.objective != known.objective:
                found.add(name)
    received: Counter[str] = Counter()
    for (need_id, _), units in known.amounts.items():
        received[need_id] += units
    if any(received[n.need_id] == open_units(problem, need=n) for n in problem.needs if received[n.need_id]):
        found.add("gap")
    return found


def greedy_score(problem: Problem) -> int | None:
    """The score of a rule without foresight: the unit that ranks highest next, from the first giver with room.

    Pins are given first; None where they do not fit that way.
    """
    room = _Room(problem)
    for pin in problem.pins:
        need = next(n for n in problem.needs if n.need_id == pin.need_id)
        resource = next(r for r in problem.resources if r.resource_id == pin.resource_id)
        for _ in range(pin.units):
            if not room.give(need, resource):
                return None
    ranks = problem.policy.ranks()

    def score_at(need: Need) -> int:
        levels = filled(
            problem.policy, need=need, past=past_units(problem, need=need), units=room.received[need.need_id]
        )
        return sum(ranks[cell] * units for cell, units in levels.items())

    waiting = {need.need_id: need for need in problem.needs}
    while waiting:
        gains = {}
        for need_id, need in waiting.items():
            before = score_at(need)
            room.received[need_id] += 1
            gains[need_id] = score_at(need) - before
            room.received[need_id] -= 1
        need = waiting[max(sorted(gains), key=gains.__getitem__)]
        givers = sorted(problem.resources, key=lambda r: (r.unit_cost, r.resource_id))
        if not any(room.give(need, giver) for giver in givers):
            del waiting[need.need_id]
    return sum(score_at(need) for need in problem.needs)


class _Room:
    """What is left of every limit while units are given one by one."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.received: Counter[str] = Counter()
        self.taken: Counter[tuple[str, ...]] = Counter()
        self.above = {row.earmark: row.parent for row in problem.earmarks}
        self.budget = {row.earmark: row.budget for row in problem.earmarks}

    def _limits(self, need: Need, resource: Resource) -> dict[tuple[str, ...], int]:
        found = {
            ("open", need.need_id): open_units(self.problem, need=need),
            ("stock", resource.resource_id): resource.stock,
        }
        mark = resource.earmark
        while mark is not None:
            found["fund", mark] = self.budget[mark]
            mark = self.above[mark]
        if resource.max_per_need is not None:
            found["need", need.need_id, resource.resource_id] = resource.max_per_need
        if resource.max_per_household is not None:
            found["home", need.household_id, resource.resource_id] = resource.max_per_household
        for cap in self.problem.caps:
            if cap.household_id in ("*", need.household_id) and need.category in cap.categories:
                found["cap", cap.cap_id, need.household_id] = cap.max_units
        return found

    def give(self, need: Need, resource: Resource) -> bool:
        """One unit, if the pair may meet and every limit has room."""
        if not eligible(self.problem, need=need, resource=resource):
            return False
        limits = self._limits(need, resource)
        if any(self.taken[key] >= limit for key, limit in limits.items()):
            return False
        self.taken.update(limits.keys())
        self.received[need.need_id] += 1
        return True


def rounded(problem: Problem, *, levels: int) -> Problem:
    """The same problem with gaps that `levels` divides, so that levels stay whole when all amounts grow alike."""
    policy = replace(problem.policy, levels=levels, order=urgency_first(levels))
    needs = tuple(replace(n, gap=-(-n.gap // levels) * levels) for n in problem.needs)
    return replace(problem, policy=policy, needs=needs)


def grown(problem: Problem, *, times: int) -> Problem:
    """Every amount `times` as large: the best plan of a pure problem grows with them, unit by unit."""

    def more(limit: int | None) -> int | None:
        return None if limit is None else limit * times

    return replace(
        problem,
        needs=tuple(replace(n, gap=n.gap * times) for n in problem.needs),
        resources=tuple(
            replace(
                r,
                stock=r.stock * times,
                max_per_need=more(r.max_per_need),
                max_per_household=more(r.max_per_household),
            )
            for r in problem.resources
        ),
        earmarks=tuple(replace(e, budget=e.budget * times) for e in problem.earmarks),
        caps=tuple(replace(c, max_units=c.max_units * times) for c in problem.caps),
        ledger=tuple(replace(row, units=row.units * times) for row in problem.ledger),
        pins=tuple(replace(p, units=p.units * times) for p in problem.pins),
        announced=tuple(replace(a, units=a.units * times) for a in problem.announced),
    )
