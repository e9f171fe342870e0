"""Random tiny problems of whole servings: families and places, jobs and agents.

In: a seed. Out: a valid `Problem` with the objective "value" in which every need is served whole by one resource or not
at all, and every rule that can meet such a need is there. Called by `test_assign`. Pins may contradict each other.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from matching.model import Announced, Ban, Candidate, Cap, Earmark, Need, Pin, Problem, Resource
from tests.matching.tiny import TODAY, Policy

ANYONE = frozenset({"*"})


def placements(seed: int) -> Problem:
    """One random problem, the same for the same seed."""
    rng = Random(f"placements:{seed}")
    size = rng.choice((1, 1, 1, 10**6, 400_000_000))
    needs = tuple(_family(rng, place=place) for place in range(rng.randint(2, 6)))
    marks = (Earmark("all", None, rng.randint(2, 12) * size), Earmark("arm", "all", rng.randint(1, 8) * size))
    places = tuple(_place(rng, place=place, size=size) for place in range(rng.randint(1, 4)))
    both = [(n, r) for n in needs for r in places]
    problem = Problem(
        policy=Policy(as_of=TODAY, levels=rng.choice((1, 2, 3)), objective="value", salt=f"salt{rng.randrange(9)}"),
        needs=needs,
        resources=places,
        earmarks=marks,
        caps=(Cap("c", frozenset({"home"}), rng.randint(2, 9)),) if rng.random() < 0.3 else (),
        pairs=tuple(_pair(rng, need=n, resource=r, size=size) for n, r in both if rng.random() < 0.85),
    )
    pins = [pair for pair in both if rng.random() < 0.1] if rng.random() < 0.3 else []
    return replace(
        problem,
        pins=tuple(Pin(n.need_id, r.resource_id, 1) for n, r in pins),
        bans=tuple(Ban(n.need_id, r.resource_id) for n, r in both if rng.random() < 0.05),
        announced=tuple(Announced(n.need_id, r.resource_id, rng.randint(0, 3)) for n, r in both if rng.random() < 0.2),
    )


def _family(rng: Random, *, place: int) -> Need:
    """Whole by `units_used` (see `_pair`), by the flags, or because it needs one unit only."""
    kind = rng.choice(("used", "used", "used", "flags", "one"))
    return Need(
        f"n{place}-{kind}",
        f"h{rng.randrange(4)}",
        "d1",
        "home",
        "piece",
        gap=1 if kind == "one" else rng.randint(1, 4),
        urgency=rng.randrange(4),
        one_provider=kind == "flags",
        all_or_nothing=kind == "flags",
        consented=ANYONE,
        tags=frozenset({"stairs"}) if rng.random() < 0.2 else frozenset(),
    )


def _place(rng: Random, *, place: int, size: int) -> Resource:
    return Resource(
        f"r{place}",
        "o1",
        "home",
        "piece",
        stock=rng.randint(1, 9) * rng.choice((1, size)),
        max_per_household=rng.randint(1, 5) if rng.random() < 0.2 else None,
        tags_none=frozenset({"stairs"}) if rng.random() < 0.2 else frozenset(),
        exclusive_group=rng.choice((None, None, "g", "g2")),
        earmark=rng.choice((None, None, "all", "arm")),
        unit_cost=rng.randrange(4),
    )


def _pair(rng: Random, *, need: Need, resource: Resource, size: int) -> Candidate:
    used = rng.randint(1, 5) * rng.choice((1, size)) if need.need_id.endswith("used") else None
    value = rng.choice((0, *range(1, 12))) * rng.choice((1, 1, 10**7))
    return Candidate(need.need_id, resource.resource_id, value=value, units_used=used)
