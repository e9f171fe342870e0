"""The cheapest change that serves a need left at zero, by hand; carried out and solved again it serves the need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.compiled import compile_problem
from matching.model import Earmark, Problem
from matching.plan import Line
from matching.remedies import BUDGET, FREE, LIMIT, STOCK, Way, ways
from matching.solve import allocate
from tests.matching.rows import need, problem, resource


def way_of(of: Problem, *lines: Line, need_id: str = "b") -> Way | None:
    return next(iter(ways(compile_problem(of), lines, need_ids=[need_id])), None)


def served(of: Problem, need_id: str = "b") -> int:
    return sum(line.units for line in allocate(of).lines if line.need_id == need_id)


TWO = [need("a", gap=4, urgency=3), need("b", gap=4, urgency=1, household="h1")]


def test_where_stock_is_used_up_the_missing_units_are_new_and_the_last_receiver_would_lose():
    """6 in stock, 4 of them with a and 2 with b: b lacks 2, and 2 more serve it whole."""
    short = problem(TWO, [resource("r", stock=6)])
    way = way_of(short, Line("a", "r", 4), Line("b", "r", 2))
    assert way is not None
    assert (way.kind, way.resource_id, way.units, way.new_units) == (STOCK, "r", 2, 2)
    assert (way.asked, way.loser) == (True, "a")
    more = replace(short, resources=tuple(replace(r, stock=r.stock + way.new_units) for r in short.resources))
    assert (served(short), served(more)) == (2, 4)


def test_a_limit_above_free_units_comes_before_new_stock():
    """r has 9 but gives a need only 1; s would need 4 new units: widening r's limit to 4 takes none."""
    limited = problem([need("b", gap=4)], [resource("r", stock=9, max_per_need=1), resource("s", stock=0)])
    way = way_of(limited)
    assert way is not None
    assert (way.kind, way.resource_id, way.units, way.new_units) == (LIMIT, "r", 4, 0)
    wider = replace(limited, resources=tuple(replace(r, max_per_need=way.units) for r in limited.resources))
    assert (served(limited), served(wider)) == (1, 4)


def test_free_units_need_no_change_and_a_used_up_budget_is_named():
    free = way_of(problem([need("b", gap=4)], [resource("r", stock=9)]))
    assert free is not None
    assert (free.kind, free.new_units, free.asked, free.loser) == (FREE, 0, True, "")
    bound = problem([need("b", gap=4)], [resource("r", stock=9, earmark="e")], earmarks=(Earmark("e", None, 1),))
    way = way_of(bound)
    assert way is not None
    assert (way.kind, way.units) == (BUDGET, 4)
    wider = replace(bound, earmarks=(Earmark("e", None, way.units),))
    assert (served(bound), served(wider)) == (1, 4)


@pytest.mark.parametrize("name", ["b", "unknown"])
def test_a_need_that_nothing_serves_or_that_came_later_has_no_way(name):
    assert way_of(problem([need("b", gap=4)], [resource("r", stock=4, category="heat")]), need_id=name) is None
