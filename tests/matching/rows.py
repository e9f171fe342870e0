"""Plain rows with every default filled, and a plan with an honest certificate.

In: what a test cares about. Out: needs, resources, problems, plans. Called by the tests of the judge and the reasons.
The certificate is worked out from the rules as the oracle knows them, not by the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from matching.checker import LATER, Bounds, proven_bound
from matching.checker_case import Case
from matching.checker_unique import proven_tiers
from matching.folder import input_sha256, plan_sha256
from matching.model import Need, Policy, Problem, Resource
from matching.plan import Certificate, Line, Plan, Price, Reason
from tests.matching.receipts import eligible, filled, past_units

TODAY = date(2026, 3, 1)
POLICY = Policy(as_of=TODAY, levels=2)

EMPTY = Certificate(
    status="feasible",
    score=0,
    bound=0,
    gap=0.0,
    gap_by_prefix={},
    unique=False,
    lexicographic="not_proven",
    coverage=(),
    units=0,
    households_served=0,
    broken_units=0,
    cost=0,
    components={"pure": 1, "hard_small": 0, "hard_large": 0},
    interrupted=False,
    input_sha256="",
    plan_sha256="",
    price_scale=1,
    versions={},
    seconds={},
)


def need(need_id: str, *, gap: int, urgency: int = 1, household: str = "h0", **rest: Any) -> Need:
    """A bed for anyone in the east, open to every organisation."""
    values = {"district": "east", "category": "bed", "unit": "piece", "consented": frozenset({"*"}), **rest}
    return Need(need_id, household, gap=gap, urgency=urgency, **values)


def resource(resource_id: str, *, stock: int, **rest: Any) -> Resource:
    """Beds of organisation o0, for everyone."""
    values = {"org_id": "o0", "category": "bed", "unit": "piece", **rest}
    return Resource(resource_id, stock=stock, **values)


def problem(needs: Iterable[Need], resources: Iterable[Resource], **rest: Any) -> Problem:
    """A problem of today with two levels."""
    values = {"policy": POLICY, **rest}
    return Problem(needs=tuple(needs), resources=tuple(resources), **values)


def honest(of: Problem, lines: Iterable[Line], *, prices: Iterable[Price] = (), reasons: Iterable[Reason] = ()) -> Plan:
    """These lines, with a certificate that says the truth about them."""
    rows = tuple(lines)
    plan = Plan(rows, tuple(reasons), tuple(prices), EMPTY)
    cells: Counter[tuple[int, int]] = Counter()
    received = _received(of, rows)
    for one in of.needs:
        past = past_units(of, need=one)
        cells.update(filled(of.policy, need=one, past=past, units=received[one.need_id]))
    ranks = of.policy.ranks()
    score = sum(ranks[cell] * units for cell, units in cells.items())
    bound, tiers = proven_bound(of, plan), proven_tiers(Case(of, plan))
    given = {(x.need_id, x.resource_id): x.units for x in rows}
    certificate = replace(
        EMPTY,
        status="optimal" if bound == score and tiers not in range(LATER) else "feasible",
        score=score,
        bound=bound,
        gap=(bound - score) / bound if bound else 0.0,
        gap_by_prefix=gaps(of, plan),
        coverage=tuple(cells[cell] for cell in of.policy.order),
        units=sum(given.values()),
        households_served=len({n.household_id for n in of.needs if received[n.need_id]}),
        broken_units=sum(
            max(0, row.units - given.get((row.need_id, row.resource_id), 0)) for row in of.announced if _open(of, row)
        ),
        cost=sum(_cost(of, pair) * units for pair, units in given.items()),
        input_sha256=input_sha256(of),
        plan_sha256=plan_sha256(rows),
    )
    return replace(plan, certificate=certificate)


def gaps(of: Problem, plan: Plan) -> dict[str, list[int]]:
    """What these prices prove of every leading run, as the judge works it out."""
    case = Case(of, plan)
    bounds, cells = Bounds(case), len(of.policy.order)
    runs = [np.subtract(*bounds.run(cells - run)).tolist() for run in range(cells)]
    mine = {"*": -1} | {n.category: case.sorts[n.category] for n in of.needs if n.gap > past_units(of, need=n)}
    return {name: [run[at] for run in runs] for name, at in mine.items()}


def _received(of: Problem, lines: Iterable[Line]) -> Counter[str]:
    whole = {p.need_id for p in of.pairs or () if p.units_used is not None}
    received: Counter[str] = Counter()
    for line in lines:
        one = next((n for n in of.needs if n.need_id == line.need_id), None)
        if one is not None:
            received[line.need_id] += one.gap - past_units(of, need=one) if line.need_id in whole else line.units
    return received


def _open(of: Problem, row: Any) -> bool:
    ours = [n for n in of.needs if n.need_id == row.need_id]
    theirs = [r for r in of.resources if r.resource_id == row.resource_id]
    return bool(ours and theirs) and eligible(of, need=ours[0], resource=theirs[0])


def _cost(of: Problem, pair: tuple[str, str]) -> int:
    named = [p.cost for p in of.pairs or () if (p.need_id, p.resource_id) == pair and p.cost is not None]
    return named[0] if named else sum(r.unit_cost for r in of.resources if r.resource_id == pair[1])
