"""The weekly counts: rounded, small cells hidden, children's needs for the city only; two weeks tell nothing more."""

import random
from datetime import date, timedelta

import pytest

from marketplace.actors import SYSTEM
from marketplace.errors import NotAllowed
from marketplace.needs.models import NeedState
from marketplace.offers import demand
from tests.factories import a_household, a_need


def open_needs(session, *, number: int, district: str = "500103", **over) -> None:
    for _ in range(number):
        a_need(session, a_household(session, district_code=district), **over)


def test_a_cell_under_ten_is_hidden_and_the_rest_is_rounded_to_five(session, now):
    open_needs(session, number=9)
    open_needs(session, number=13, district="500106")
    snapshot = demand.publish_demand(session, actor=SYSTEM, now=now)
    assert snapshot.cells == {"LIVING.FOOD_PACK": {"500106": 15}}


def test_a_total_is_the_sum_of_the_shown_cells_only(session, now):
    open_needs(session, number=9)
    open_needs(session, number=12, district="500106")
    demand.publish_demand(session, actor=SYSTEM, now=now)
    latest = demand.latest_demand(session)
    assert latest is not None
    assert latest.total("LIVING.FOOD_PACK") == 10
    assert latest.households("LIVING.FOOD_PACK") == 10
    assert latest.households("LIVING.FOOD_PACK", ["500103"]) == 0
    assert latest.households("CARE.MEAL") == 0


def test_only_verified_needs_that_are_open_today_count_and_each_household_once(session, now):
    open_needs(session, number=10)
    home = a_household(session)
    for cause in ("a", "b", "c"):
        a_need(session, home, cause=cause)
    open_needs(session, number=5, state=NeedState.HELD)
    open_needs(session, number=5, valid_to=now.date())
    open_needs(session, number=5, valid_from=now.date() + timedelta(days=1))
    assert demand.count_open(session, on=now.date()) == {"LIVING.FOOD_PACK": {"500103": 11}}


def test_an_ended_district_counts_for_its_successor(session, now):
    open_needs(session, number=6, district="500105")
    open_needs(session, number=6, district="500157")
    assert demand.count_open(session, on=now.date()) == {"LIVING.FOOD_PACK": {"500157": 12}}


def test_needs_of_children_are_counted_for_the_city_only(session, now):
    open_needs(session, number=12, category="CHILD.WISH", gap_units=5000)
    open_needs(session, number=12, district="500106", category="MEDICAL.CHILD_CHD", gap_units=5000)
    snapshot = demand.publish_demand(session, actor=SYSTEM, now=now)
    assert snapshot.cells == {"CHILD.WISH": {"": 10}, "MEDICAL.CHILD_CHD": {"": 10}}
    latest = demand.latest_demand(session)
    assert latest is not None
    assert latest.households("CHILD.WISH", ["500103"]) == 10


def test_the_counts_of_a_week_never_change_within_it(session, now):
    open_needs(session, number=10)
    first = dict(demand.publish_demand(session, actor=SYSTEM, now=now).cells)
    open_needs(session, number=10)
    later = demand.publish_demand(session, actor=SYSTEM, now=now + timedelta(days=6))
    assert (later.week_on, later.cells) == (date(2026, 11, 23), first)
    next_week = demand.publish_demand(session, actor=SYSTEM, now=now + timedelta(days=7))
    assert next_week.cells == {"LIVING.FOOD_PACK": {"500103": 20}}


def test_a_week_begins_on_monday_in_chongqing(now):
    assert demand.week_of(now) == date(2026, 11, 23)
    assert demand.week_of(now - timedelta(hours=10, minutes=1)) == date(2026, 11, 16)
    assert demand.week_of(now - timedelta(hours=10)) == date(2026, 11, 23)


def test_the_worker_publishes_once_a_week(database, now):
    assert demand.publish_when_due(database, clock=lambda: now) == 1
    assert demand.publish_when_due(database, clock=lambda: now + timedelta(days=6)) == 0
    assert demand.publish_when_due(database, clock=lambda: now + timedelta(days=7)) == 1


def test_nobody_publishes_out_of_turn(session, verifier, now):
    with pytest.raises(NotAllowed):
        demand.publish_demand(session, actor=verifier, now=now)


def test_two_weeks_laid_side_by_side_tell_nothing_about_one_household():
    pick = random.Random(11)
    counts = {
        kind: {str(place): int(pick.expovariate(1 / 20)) for place in range(41)}
        for kind in ("CARE.MEAL", "EDU.TUTORING")
    }
    small = single = 0
    before = demand.published(counts)
    for _week in range(52):
        changed = {(pick.choice(list(counts)), str(pick.randrange(41))) for _ in range(6)}
        for kind, place in changed:
            counts[kind][place] = max(0, counts[kind][place] + pick.choice((-1, 1)))
        after = demand.published(counts)
        assert demand.leaks(after) == []
        for kind in counts:
            places = set(before.get(kind, {})) | set(after.get(kind, {}))
            single += sum(
                abs(after.get(kind, {}).get(p, 0) - before.get(kind, {}).get(p, 0)) in range(1, 5) for p in places
            )
            total = demand.Demand(week_on=date(2026, 11, 23), cells=after).total(kind)
            small += total - sum(after.get(kind, {}).values())
        before = after
    assert (small, single) == (0, 0)


def test_the_check_before_publication_sees_exact_small_and_misplaced_numbers():
    assert demand.leaks({"CARE.MEAL": {"500103": 12}}) == ["CARE.MEAL"]
    assert demand.leaks({"CARE.MEAL": {"500103": 5}}) == ["CARE.MEAL"]
    assert demand.leaks({"CHILD.WISH": {"500103": 15}}) == ["CHILD.WISH"]
    assert demand.leaks({"CHILD.WISH": {"": 15}, "CARE.MEAL": {"500103": 10}}) == []
