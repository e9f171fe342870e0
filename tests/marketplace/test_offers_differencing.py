"""The attack on two published weeks: planted leaks are found and stop the publication; ours gives nothing away."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bench.demand_map import simulate
from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.db import Database
from marketplace.errors import Conflict
from marketplace.offers import demand
from marketplace.offers.differencing import attack
from marketplace.offers.models import DemandSnapshot
from tests.factories import a_household, a_need
from tests.marketplace.test_offers_demand import open_needs

pytestmark = pytest.mark.threat("T32")


def test_a_sum_beside_its_parts_gives_the_one_hidden_cell_away():
    found = attack({}, {"CARE.MEAL": {"": 38, "500103": 31}}, districts=("500103", "500106"))
    assert found.small == (("CARE.MEAL", "500106"),)
    assert not attack({}, {"CARE.MEAL": {"": 38, "500103": 31}}, districts=("500103", "500106", "500107"))


def test_rounded_weeks_tell_no_single_change_whatever_the_true_counts_were():
    for before in range(60):
        for after in (before - 1, before, before + 1):
            tables = [demand.published({"CARE.MEAL": {"500103": max(0, n), "500106": 20}}) for n in (before, after)]
            assert not attack(*tables)


@pytest.mark.parametrize(
    "planted",
    [
        lambda counts: {kind: dict(row) for kind, row in counts.items()},
        lambda counts: {kind: {p: n for p, n in row.items() if n >= 10} for kind, row in counts.items()},
        lambda counts: {kind: {**row, "": sum(row.values())} for kind, row in counts.items()},
    ],
    ids=["raw", "unrounded", "exact totals"],
)
def test_a_planted_leak_blocks_the_publication(session, now, monkeypatch, planted):
    open_needs(session, number=13)
    open_needs(session, number=4, district="500106")
    monkeypatch.setattr(demand, "published", planted)
    with pytest.raises(Conflict, match="demand_leaks"):
        demand.publish_demand(session, actor=SYSTEM, now=now)
    assert session.exec(select(DemandSnapshot)).all() == []


def test_the_attack_itself_blocks_a_week_that_keeps_every_other_rule(session, now, monkeypatch):
    open_needs(session, number=13)
    monkeypatch.setattr(demand, "leaks", lambda cells: [])
    monkeypatch.setattr(demand, "published", lambda counts: {"LIVING.FOOD_PACK": {"500103": 13, "500106": 4}})
    with pytest.raises(Conflict) as blocked:
        demand.publish_demand(session, actor=SYSTEM, now=now)
    assert dict(blocked.value.facts) == {"small": 1, "single": 0, "kinds": 0}


def test_the_worker_goes_on_says_why_once_and_keeps_the_last_good_week(
    sqlite_database: Database, now, monkeypatch, caplog
):
    monkeypatch.setattr(demand, "published", lambda counts: {"LIVING.FOOD_PACK": {"500103": 13}})
    for _sweep in range(3):
        assert demand.publish_when_due(sqlite_database, clock=lambda: now) == 0
    assert caplog.text.count("would tell too much and are not published") == 1
    with sqlite_database.reading() as session:
        rows = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "demand:blocked")).all()
        assert [row.object_ref for row in rows] == ["2026-11-23"]


def test_needs_that_point_to_a_person_in_danger_are_in_no_cell(session, now):
    open_needs(session, number=10)
    for tag in ("HIV", "SAFE_CONTACT"):
        a_need(session, a_household(session), tags=["ELDER", tag])
    assert demand.count_open(session, on=now.date()) == {"LIVING.FOOD_PACK": {"500103": 10}}


def test_of_all_ways_to_publish_only_ours_gives_nothing_away():
    found = simulate()
    raw, hidden, totals, ours = found.values()
    assert raw["small"] > 100
    assert raw["single"] == raw["of_single"] > 100
    assert hidden["small"] == 0
    assert hidden["single"] > 0
    assert totals["small"] > 0
    assert (ours["small"], ours["single"]) == (0, 0)
