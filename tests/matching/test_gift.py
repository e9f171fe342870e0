"""What a gift would do, and which gifts are scarcest: by hand, and against runs of whole random problems."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching import allocate
from matching.gift import Home, eligible, gain_of
from matching.model import Ban
from matching.scarce import Terms, scarcest
from tests.matching.campaign import many
from tests.matching.rows import need, problem, resource
from tests.matching.tiny import tiny


def test_the_gain_counts_for_each_household_what_it_has_without_and_with_the_gift():
    # Two levels. r fills the urgent need's two units (rank 6 and 5). The gift of 3 may not go to c in the west; it
    # gives b its 2 units of level 1 (rank 4) and a one unit, so that r has one for c (rank 4, before b's 3): 3·4 = 12.
    of = problem(
        [need("a", gap=2, urgency=2), need("b", gap=4, household="h1"), need("c", gap=4, household="h2", district="w")],
        [resource("r", stock=2)],
    )
    gain = gain_of(of, resource("gift", stock=3, districts=frozenset({"east"})))
    assert gain.homes == (
        Home("h0", "east", 2, 2, 2, near=True),
        Home("h1", "east", 4, 0, 2, near=True),
        Home("h2", "w", 4, 0, 1, near=False),
    )
    assert (gain.score, gain.least, gain.most, gain.proven) == (12, 12, 12, True)


def test_whom_a_gift_may_serve_follows_the_rules_of_every_run():
    of = problem(
        [
            need("a", gap=2),
            need("b", gap=2, household="h1", consented=frozenset({"o9"})),
            need("c", gap=2, household="h2"),
        ],
        [resource("r", stock=2)],
    )
    of = replace(of, bans=(Ban("c", "*"), Ban("a", "r")))
    assert eligible(of, resource("gift", stock=1)) == {"h0": "east"}


@pytest.mark.parametrize("kind", ["pure", "hard"])
def test_the_gain_is_that_of_two_runs_over_the_whole_problem(kind: str):
    seen, count = 0, many(15, torture=400)
    for seed in range(count):
        of = replace(tiny(seed, kind=kind), pins=())
        of = replace(of, needs=tuple(replace(row, consented=frozenset({"*"})) for row in of.needs))
        gift = resource("gift", stock=3, category=of.needs[0].category, unit=of.needs[0].unit)
        whole = replace(of, resources=(*of.resources, gift))
        first, last = allocate(of).certificate, allocate(whole).certificate
        gain = gain_of(of, gift)
        assert gain.least <= last.bound - first.score, seed
        assert gain.most >= last.score - first.bound, seed
        if gain.proven and first.score == first.bound and last.score == last.bound:
            seen += gain.score > 0
            assert gain.score == last.score - first.score, seed
    assert seen > count // 4


def test_a_gift_under_the_id_of_a_posted_resource_is_refused():
    with pytest.raises(ValueError, match="already"):
        gain_of(problem([need("a", gap=1)], [resource("r", stock=1)]), resource("r", stock=1))


def test_what_nobody_gives_is_scarcest_and_named_by_kind_and_by_district():
    # Nobody gives coats; the urgent need in the east opens with rank 8 of 8. Beds: a has
    # its first unit (rank 6), so the next one fills rank 5, though losing the last one would cost 6.
    of = problem(
        [
            need("a", gap=2, urgency=2),
            need("b", gap=1, household="h1", category="coat", urgency=3),
            need("c", gap=1, household="h2", category="coat", district="west"),
        ],
        [resource("r", stock=1)],
    )
    rows = scarcest(of, allocate(of))
    assert [(row.terms, row.rank, row.cell, row.households) for row in rows] == [
        (Terms("coat"), 8, (3, 1), 2),
        (Terms("coat", ("east",)), 8, (3, 1), 1),
        (Terms("bed"), 5, (2, 2), 1),
        (Terms("bed", ("east",)), 5, (2, 2), 1),
        (Terms("coat", ("west",)), 4, (1, 1), 1),
    ]


def test_a_posted_resource_with_conditions_is_named_with_them_at_its_price():
    wanted = frozenset({"baby"})
    of = problem(
        [need("a", gap=2, urgency=3, tags=wanted), need("b", gap=2, household="h1")],
        [resource("r", stock=1, tags_all=wanted)],
    )
    (row,) = [row for row in scarcest(of, allocate(of)) if row.terms.tags_all]
    assert (row.terms, row.households) == (Terms("bed", tags_all=("baby",)), 1)
    assert row.cell in ((3, 1), (3, 2))


def test_one_more_unit_of_a_kind_that_nobody_gives_is_worth_its_rank_in_a_new_run():
    seen, count = 0, many(40, torture=600)
    for seed in range(count):
        of = tiny(seed)
        of = replace(of, pins=(), pairs=None, resources=tuple(r for r in of.resources if r.category != "bed"), bans=())
        of = replace(of, announced=(), caps=())
        needs = tuple(replace(n, consented=frozenset({"*"}), all_or_nothing=False) for n in of.needs)
        of = replace(of, needs=needs)
        for row in scarcest(of, allocate(of)):
            if row.terms.category == "bed":
                districts = frozenset(row.terms.districts) or frozenset({"*"})
                unit = resource("gift", stock=1, districts=districts)
                assert gain_of(of, unit).score == row.rank, seed
                seen += 1
    assert seen > count // 3
