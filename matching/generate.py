"""Made-up cities by seed, for trying the allocator and for its benches.

What enters: a size, a seed, a shape and how much of it is hard. What leaves: a `Problem` with every kind of rule,
scarce on purpose (at least 1.5 units of open need for each unit of stock, in every category). Called by
`python -m matching generate` and by bench scripts. The same arguments give the same problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from matching.generate_shapes import GOODS, SHAPES, Good, Shape
from matching.model import Ban, Cap, CoolOff, Earmark, Need, PastAid, Policy, Problem, Resource

AS_OF = date(2026, 7, 1)
EVERYBODY = frozenset({"*"})
TAGS = ("disabled", "elderly", "infant", "chronic", "remote")
URGENCY_WEIGHTS = (30, 35, 25, 10)
SCARCITY = 1.6
"""Units of open need for each unit of stock."""


@dataclass(slots=True)
class _Draft:
    """What the parts of one problem share while it is drawn."""

    seed: int
    rng: Random
    shape: Shape
    goods: tuple[Good, ...]
    hard: float
    caps: float
    joined: bool
    orgs: tuple[str, ...] = ()
    needs: list[Need] = field(default_factory=list)
    ledger: list[PastAid] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def region(self, district: int) -> int:
        return district * self.shape.regions // self.shape.districts


def generate(
    needs: int,
    resources: int,
    *,
    hard: float = 0.0,
    caps: float | None = None,
    one_component: bool = False,
    seed: int = 7,
    shape: str = "city",
) -> Problem:
    """One made-up city. O(needs + resources).

    A share `hard` of the needs must be served by one provider, and a fifth as many take all or nothing; then a fifth of
    the resources come in lots, which are also their minimum, and a twentieth belong to programmes of which a household
    may use one. A share `caps` of the households is capped: all of them unless it is said or `hard` is 0,
    for a pure city has none. `one_component` counts everything in one unit under one fund, so that no part stands
    alone.

    Examples
    --------
    >>> city = generate(50, 8, seed=1)
    >>> len(city.needs), len(city.resources), city == generate(50, 8, seed=1)
    (50, 8, True)
    """
    goods = GOODS[: max(2, min(len(GOODS), resources // 4))]
    if one_component:
        goods = tuple(
            Good(g.category, "item", 1 + g.least % 10, 3 + g.most % 57, g.lot % 7 + 2, g.weight) for g in goods
        )
    form = SHAPES[shape]
    form = replace(form, regions=max(1, min(form.regions, resources // (4 * len(goods)))))
    draft = _Draft(seed, Random(seed), form, goods, hard, float(hard > 0) if caps is None else caps, one_component)
    draft.orgs = tuple(f"org-{i:03}" for i in range(max(2, min(60, resources // 10))))
    _needs(draft, needs)
    givers, earmarks = _resources(draft, resources)
    givers = _harder(draft, givers)
    return Problem(
        Policy(as_of=AS_OF, salt=f"city-{seed}"),
        tuple(draft.needs),
        tuple(givers),
        earmarks=earmarks,
        caps=_caps(draft),
        ledger=tuple(draft.ledger),
        cooloffs=tuple(CoolOff(good.category, 90) for good in goods[1::3]),
        bans=_bans(draft, givers),
    )


def _needs(draft: _Draft, count: int) -> None:
    """Households of one to three needs, some of them partly covered or helped lately."""
    rng = draft.rng
    consents = [EVERYBODY] * 16 + [frozenset(draft.orgs) - frozenset(rng.sample(draft.orgs, 1)) for _ in range(3)]
    consents += [frozenset(rng.sample(draft.orgs, max(1, len(draft.orgs) // 2))) for _ in range(3)] + [frozenset()]
    weights = [1 / (3 + i % 17) for i in range(draft.shape.districts)]
    household = 0
    while len(draft.needs) < count:
        household += 1
        district = rng.choices(range(draft.shape.districts), weights)[0]
        consent = rng.choice(consents)
        tags = frozenset(tag for tag in TAGS if draft.chance(0.15))
        size = min(rng.choice((1, 1, 1, 2, 2, 3)), count - len(draft.needs))
        for good in rng.choices(draft.goods, [good.weight for good in draft.goods], k=size):
            _need(draft, good, (f"h{household:07}", f"d{district:03}"), consent, tags)


def _need(draft: _Draft, good: Good, home: tuple[str, str], consented: frozenset[str], tags: frozenset[str]) -> None:
    rng = draft.rng
    gap = rng.randint(good.least, good.most)
    if good.unit == "fen":
        gap -= gap % 100
    window = rng.choice(((None, None), (date(2026, 6, 1), None), (None, date(2026, 12, 1))))
    need = Need(
        need_id=f"n{len(draft.needs):07}",
        household_id=home[0],
        district=home[1],
        category=good.category,
        unit=good.unit,
        gap=gap,
        urgency=rng.choices((0, 1, 2, 3), URGENCY_WEIGHTS)[0],
        valid_from=window[0],
        valid_to=AS_OF if draft.chance(0.005) and window[1] is None else window[1],
        one_provider=draft.chance(draft.hard),
        consented=consented,
        tags=tags,
    )
    draft.needs.append(need)
    _past(draft, need)


def _past(draft: _Draft, need: Need) -> None:
    rng = draft.rng
    drawn = rng.random()
    if drawn < 0.08:
        units = need.gap if drawn < 0.01 else rng.randint(0, need.gap)
        state = rng.choice(("delivered", "approved", "reserved"))
        given_on = AS_OF - timedelta(rng.randrange(60))
        draft.ledger.append(PastAid(need.household_id, need.category, units, given_on, state, need.need_id))
    elif drawn < 0.12:
        given_on = AS_OF - timedelta(rng.randrange(365))
        draft.ledger.append(PastAid(need.household_id, need.category, need.gap, given_on, "delivered"))


def _resources(draft: _Draft, count: int) -> tuple[list[Resource], tuple[Earmark, ...]]:
    """Resources with their stock, and the earmarks above some of them."""
    rng = draft.rng
    chosen = [draft.goods[i % len(draft.goods)] for i in range(min(count, len(draft.goods)))]
    chosen += rng.choices(draft.goods, [good.weight for good in draft.goods], k=count - len(chosen))
    stock = _stock(draft, chosen)
    homes = [rng.randrange(draft.shape.districts) for _ in chosen]
    marks = _earmarks(draft, [(good, draft.region(home)) for good, home in zip(chosen, homes, strict=True)], stock)
    givers = [
        _resource(draft, i, good, units, _districts(draft, home, count), marks[0][i])
        for i, (good, home, units) in enumerate(zip(chosen, homes, stock, strict=True))
    ]
    return givers, marks[1]


def _stock(draft: _Draft, chosen: list[Good]) -> list[int]:
    """Share out, per category, what is open divided by the scarcity."""
    open_units: dict[str, int] = {}
    for need in draft.needs:
        open_units[need.category] = open_units.get(need.category, 0) + need.gap
    for row in draft.ledger:
        if row.need_id is not None:
            open_units[row.category] -= row.units
    weights = [draft.rng.lognormvariate(0, draft.shape.spread) for _ in chosen]
    total: dict[str, float] = {}
    for good, weight in zip(chosen, weights, strict=True):
        total[good.category] = total.get(good.category, 0) + weight
    return [
        int(open_units.get(good.category, 0) / SCARCITY * weight / total[good.category])
        for good, weight in zip(chosen, weights, strict=True)
    ]


def _districts(draft: _Draft, home: int, count: int) -> frozenset[str]:
    """Districts of one region, as many as bring the aimed number of givers to a need."""
    shape = draft.shape
    if draft.chance(max(shape.citywide, 0.003 if draft.joined else 0.0)):
        return EVERYBODY
    region = [d for d in range(shape.districts) if draft.joined or draft.region(d) == draft.region(home)]
    share = min(1.0, shape.reach * len(draft.goods) / max(1, count))
    size = max(1, min(len(region), round(share * shape.districts * draft.rng.uniform(0.5, 1.5))))
    return frozenset(f"d{d:03}" for d in {home, *draft.rng.sample(region, size)})


def _resource(
    draft: _Draft, place: int, good: Good, stock: int, districts: frozenset[str], earmark: str | None
) -> Resource:
    rng = draft.rng
    lot = good.lot if draft.hard and draft.chance(0.2) else 1
    middle = (good.least + good.most) // 2
    return Resource(
        resource_id=f"r{place:06}",
        org_id=rng.choice(draft.orgs),
        category=good.category,
        unit=good.unit,
        stock=stock,
        lot=lot,
        min_per_need=lot,
        max_per_need=max(lot, middle) if draft.chance(0.2) else None,
        max_per_household=max(lot, middle) if draft.chance(0.15) else None,
        districts=districts,
        tags_any=_some_tags(draft, 3, share=0.1),
        tags_all=_some_tags(draft, 1, share=0.02),
        tags_none=_some_tags(draft, 1, share=0.05),
        min_urgency=rng.choices((0, 1, 2), (85, 10, 5))[0],
        valid_to=AS_OF if draft.chance(0.005) else None,
        earmark=earmark,
        unit_cost=rng.randint(1, 50),
    )


def _harder(draft: _Draft, givers: list[Resource]) -> list[Resource]:
    """Needs that take all or nothing, and programmes of a household's choice: a source of their own, as for caps."""
    if not draft.hard:
        return givers
    rng = Random(f"hard-{draft.seed}")
    entire = [rng.random() < draft.hard / 5 for _ in draft.needs]
    draft.needs = [replace(n, all_or_nothing=whole) for n, whole in zip(draft.needs, entire, strict=True)]
    chosen = [rng.random() < 0.05 for _ in givers]
    return [
        replace(row, exclusive_group=f"programme-{row.category}") if some else row
        for row, some in zip(givers, chosen, strict=True)
    ]


def _some_tags(draft: _Draft, size: int, *, share: float) -> frozenset[str]:
    return frozenset(draft.rng.sample(TAGS, size)) if draft.chance(share) else frozenset()


def _earmarks(
    draft: _Draft, places: list[tuple[Good, int]], stock: list[int]
) -> tuple[list[str | None], tuple[Earmark, ...]]:
    """A fund per unit and region (one for all if joined) over a programme per category, for a third of the stock.

    Where no cap joins the categories, the one fund does: one resource of each is under it, and it is short.
    """
    marks: list[str | None] = []
    below: dict[str, int] = {}
    parent: dict[str, str | None] = {}
    alone = draft.joined and not draft.caps
    for (good, region), units in zip(places, stock, strict=True):
        fund = "fund" if draft.joined else f"fund-{good.unit}-{region}"
        leaf = f"{fund}-{good.category}"
        marks.append(leaf if draft.chance(0.35) or (alone and len(marks) < len(draft.goods)) else None)
        if marks[-1]:
            parent |= {leaf: fund, fund: None}
            below[leaf] = below.get(leaf, 0) + units
            below[fund] = below.get(fund, 0) + units
    budgets = {
        mark: int(units * (0.95 if parent[mark] is None else draft.rng.choice((0.9, 1.1))))
        for mark, units in below.items()
    }
    if alone and below:
        budgets["fund"] = 3 * sum(min(budgets[mark], below[mark]) for mark in budgets if mark != "fund") // 4
    return marks, tuple(Earmark(mark, parent[mark], budgets[mark]) for mark in sorted(parent))


def _caps(draft: _Draft) -> tuple[Cap, ...]:
    """One cap per unit that several categories share, and a tighter one inside it, for a share of the households."""
    by_unit: dict[str, list[Good]] = {}
    for good in draft.goods:
        by_unit.setdefault(good.unit, []).append(good)
    # A source of its own: how many are capped changes nothing else of the city.
    rng, homes = Random(f"caps-{draft.seed}"), sorted({need.household_id for need in draft.needs})
    capped = ["*"] if draft.caps == 1 else [home for home in homes if rng.random() < draft.caps]
    caps = []
    for unit, goods in by_unit.items():
        if len(goods) > 1:
            outer = sum(good.most for good in goods[:3]) // 2
            for home in capped:
                name = "" if home == "*" else f"-{home}"
                every = frozenset(good.category for good in goods)
                caps.append(Cap(f"{unit}-all{name}", every, outer, home))
                caps.append(Cap(f"{unit}-first{name}", frozenset({goods[0].category}), goods[0].most, home))
    return tuple(caps)


def _bans(draft: _Draft, givers: list[Resource]) -> tuple[Ban, ...]:
    """A few single refusals, and one need and one resource that are held back whole."""
    if not draft.needs or not givers:
        return ()
    rng = draft.rng
    size = min(len(draft.needs) // 100, 1000)
    drawn = {(rng.choice(draft.needs).need_id, rng.choice(givers).resource_id) for _ in range(size)}
    held = ((rng.choice(draft.needs).need_id, "*"),) if len(draft.needs) > 20 else ()
    return tuple(Ban(need, resource) for need, resource in sorted({*drawn, *held}))
