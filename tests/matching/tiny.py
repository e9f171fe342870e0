"""Random tiny problems that cover every rule kind. In: a seed and a kind. Out: a valid `Problem`.

Called by the brute-force campaigns, the judge's tests and the tests of the reasons.
`pure` problems are integer flows; `hard` ones add one-provider needs, lots, minima, exclusive groups,
all-or-nothing, units used and crossing caps; `big` ones are hard with amounts up to 10^10 in a few lots.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from matching.model import (
    URGENCIES,
    Announced,
    Ban,
    Candidate,
    Cap,
    Cell,
    CoolOff,
    Earmark,
    Need,
    PastAid,
    Pin,
    Policy,
    Problem,
    Resource,
    levels_first,
    urgency_first,
)

TODAY = date(2026, 3, 1)
KINDS = ("pure", "hard", "big")
PIECES = ("bed", "coat", "rice")
UNITS = {"bed": "piece", "coat": "piece", "rice": "piece", "cash": "fen"}
TAGS = ("baby", "stairs", "halal")


def tiny(seed: int, *, kind: str = "pure", objective: str = "coverage") -> Problem:
    """One random problem, the same for the same seed. Pins may contradict each other or the rules."""
    rng = Random(f"{kind}:{objective}:{seed}")
    hard = kind != "pure"
    grain = rng.choice((10**7, 250_000_000, 10**9)) if kind == "big" else 1
    earmarks = _earmarks(rng, grain=grain)
    resources = tuple(
        _resource(rng, place=place, grain=grain, hard=hard, earmarks=earmarks)
        for place in range(rng.choice((1, 2, 3, 4, 4, 5)))
    )
    needs = tuple(_need(rng, place=place, grain=grain, hard=hard) for place in range(rng.choice((2, 3, 4, 5, 6, 6))))
    problem = Problem(
        policy=_policy(rng, objective=objective),
        needs=needs,
        resources=resources,
        earmarks=earmarks,
        caps=_caps(rng, grain=grain, crossing=hard and rng.random() < 0.4),
        ledger=_ledger(rng, needs=needs, grain=grain),
        cooloffs=(CoolOff(rng.choice(PIECES), rng.choice((0, 5, 30))),) if rng.random() < 0.3 else (),
    )
    return _decisions(rng, problem=problem, grain=grain, hard=hard)


def _chance(rng: Random, share: float) -> bool:
    return rng.random() < share


def _category(rng: Random) -> str:
    return rng.choice(("bed",) * 9 + ("coat",) * 4 + ("rice", "cash"))


def _order(rng: Random, *, levels: int) -> tuple[Cell, ...]:
    """One of the two named orders, or a random one that keeps levels ascending within an urgency."""
    which = rng.randrange(3)
    if which < 2:
        return (urgency_first, levels_first)[which](levels)
    left = dict.fromkeys(URGENCIES, 1)
    cells: list[Cell] = []
    while left:
        urgency = rng.choice(sorted(left))
        cells.append((urgency, left[urgency]))
        left[urgency] += 1
        if left[urgency] > levels:
            del left[urgency]
    return tuple(cells)


def _policy(rng: Random, *, objective: str) -> Policy:
    levels = rng.choice((1, 2, 3, 4, 10))
    return Policy(
        as_of=TODAY,
        levels=levels,
        order=_order(rng, levels=levels),
        objective=objective,
        salt=f"salt{rng.randrange(100)}",
    )


def _window(rng: Random) -> tuple[date | None, date | None]:
    """Mostly open; sometimes just closed, just opened, past or still to come."""
    if not _chance(rng, 0.06):
        return None, None
    return rng.choice(
        (
            (TODAY, None),
            (None, TODAY),
            (TODAY - timedelta(9), TODAY + timedelta(1)),
            (TODAY + timedelta(1), None),
        )
    )


def _tags(rng: Random, share: float) -> frozenset[str]:
    return frozenset(tag for tag in TAGS if _chance(rng, share))


def _need(rng: Random, *, place: int, grain: int, hard: bool) -> Need:
    start, end = _window(rng)
    category = _category(rng)
    gap = rng.choice((0, 1, 2, 3, 3, 4, 4, 5, 6)) * grain
    if grain > 1 and _chance(rng, 0.3):
        gap += rng.randrange(grain)
    return Need(
        need_id=f"n{place}",
        household_id=f"h{rng.randrange(3)}",
        district=rng.choice(("east", "west")),
        category=category,
        unit=UNITS[category],
        gap=gap,
        urgency=rng.randrange(4),
        valid_from=start,
        valid_to=end,
        one_provider=hard and _chance(rng, 0.35),
        all_or_nothing=hard and _chance(rng, 0.2),
        consented=rng.choice((frozenset({"*"}),) * 12 + (frozenset({"o0", "o1"}), frozenset())),
        tags=_tags(rng, 0.5),
    )


def _limit(rng: Random, *, share: float, grain: int) -> int | None:
    return rng.choice((0, 1, 2, 2, 3, 3, 4)) * grain if _chance(rng, share) else None


def _resource(rng: Random, *, place: int, grain: int, hard: bool, earmarks: tuple[Earmark, ...]) -> Resource:
    start, end = _window(rng)
    category = _category(rng)
    names = [node.earmark for node in earmarks if (category == "cash") == node.earmark.startswith("fund")]
    lots = hard and (grain > 1 or _chance(rng, 0.35))
    lot = rng.choice((1, 1, 2, 3)) * grain if lots else 1
    return Resource(
        resource_id=f"r{place}",
        org_id=f"o{rng.randrange(3)}",
        category=category,
        unit=UNITS[category],
        stock=rng.choice((0, 1, 2, 2, 3, 3, 4, 5, 6, 8)) * grain + (rng.randrange(grain) if _chance(rng, 0.3) else 0),
        lot=lot,
        min_per_need=rng.choice((0, 2, 3)) * grain if hard and _chance(rng, 0.3) else 1,
        max_per_need=_limit(rng, share=0.15, grain=grain),
        max_per_household=_limit(rng, share=0.25, grain=grain),
        districts=rng.choice((frozenset({"*"}),) * 8 + (frozenset({"east"}), frozenset({"east", "west"}))),
        tags_any=_tags(rng, 0.06),
        tags_all=_tags(rng, 0.03),
        tags_none=_tags(rng, 0.03),
        min_urgency=rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 2)),
        valid_from=start,
        valid_to=end,
        exclusive_group=rng.choice((None, "g0", "g1")) if hard and _chance(rng, 0.4) else None,
        earmark=rng.choice(names) if names and _chance(rng, 0.6) else None,
        unit_cost=rng.randrange(4),
    )


def _earmarks(rng: Random, *, grain: int) -> tuple[Earmark, ...]:
    """A tree over the pieces (root, two arms, a leaf) and one budget for the cash."""
    if _chance(rng, 0.5):
        return ()
    return (
        Earmark("root", None, rng.randint(2, 8) * grain),
        Earmark("arm0", "root", rng.randint(1, 5) * grain),
        Earmark("arm1", "root", rng.randint(1, 5) * grain),
        Earmark("leaf", "arm1", rng.randint(0, 4) * grain),
        Earmark("fund", None, rng.randint(0, 5) * grain),
    )


def _caps(rng: Random, *, grain: int, crossing: bool) -> tuple[Cap, ...]:
    if crossing:
        groups = [("bed", "coat"), ("bed", "rice")]
    else:
        groups = rng.choice(([], [("bed",)], [("bed", "coat")], [("bed",), ("bed", "coat"), ("cash",)]))
    return tuple(
        Cap(f"c{place}", frozenset(group), rng.randint(1, 6) * grain, rng.choice(("*", "*", "h0", "h1")))
        for place, group in enumerate(groups)
    )


def _ledger(rng: Random, *, needs: tuple[Need, ...], grain: int) -> tuple[PastAid, ...]:
    """Some rows name a need (and lower its gap), some are history for the cool-off only."""
    rows = []
    for need in needs:
        if _chance(rng, 0.3):
            named = _chance(rng, 0.7)
            rows.append(
                PastAid(
                    household_id=need.household_id,
                    category=need.category,
                    units=rng.randint(0, 4) * grain,
                    given_on=TODAY - timedelta(rng.choice((-1, 0, 4, 5, 29, 30))),
                    state=rng.choice(("delivered", "approved", "reserved")),
                    need_id=need.need_id if named else None,
                )
            )
    return tuple(rows)


def _decisions(rng: Random, *, problem: Problem, grain: int, hard: bool) -> Problem:
    """Add what people and former runs decided: pins, bans, announced links and explicit pairs."""
    both = [(n, r) for n in problem.needs for r in problem.resources if n.category == r.category]

    def some(share: float) -> list[tuple[Need, Resource]]:
        return [pair for pair in both if _chance(rng, share)]

    pins = some(0.12) if _chance(rng, 0.3) else []
    used = hard and _chance(rng, 0.3)
    pairs = None
    if _chance(rng, 0.25) or used:
        pairs = tuple(_candidate(rng, need=n, resource=r, grain=grain, used=used) for n, r in some(0.85))
    return replace(
        problem,
        pins=tuple(Pin(n.need_id, r.resource_id, rng.randint(1, 2) * grain) for n, r in pins),
        bans=_bans(rng, pairs=some(0.05) if _chance(rng, 0.5) else []),
        announced=tuple(Announced(n.need_id, r.resource_id, rng.randint(0, 4) * grain) for n, r in some(0.3)),
        pairs=pairs,
    )


def _bans(rng: Random, *, pairs: list[tuple[Need, Resource]]) -> tuple[Ban, ...]:
    rows = {}
    for need, resource in pairs:
        sides = rng.choice(
            ((need.need_id, resource.resource_id),) * 4 + (("*", resource.resource_id), (need.need_id, "*"))
        )
        rows[sides] = Ban(*sides, rng.choice(("", "hygiene")))
    return tuple(rows.values())


def _candidate(rng: Random, *, need: Need, resource: Resource, grain: int, used: bool) -> Candidate:
    uses = used and int(need.need_id[1:]) % 2 == 0 and _chance(rng, 0.7)
    return Candidate(
        need_id=need.need_id,
        resource_id=resource.resource_id,
        cost=rng.randrange(6) if _chance(rng, 0.7) else None,
        value=rng.randrange(10),
        units_used=rng.randint(1, 3) * grain if uses else None,
    )
