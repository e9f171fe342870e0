"""The fairness report of a run: stored by the job, read on its page and as JSON, small groups for staff only."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households.models import Sex
from marketplace.proposals import report as reports
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Run, RunState
from marketplace.proposals.problem import Scope
from marketplace.proposals.report import Member, age_band, kind_of, shown_to
from marketplace.signals.models import Fact
from tests import factories as make
from tests.marketplace.test_same_households import called_same
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def a_done_run(database: Database, actor: Actor, now: datetime, *, households: int = 2) -> Run:
    """One household after the other wants 10 food packs; there are 10 in all, for the most urgent one."""
    with database.transaction() as session:
        for place in range(households):
            household = make.a_household(session, phone=f"1000000{place:04d}")
            make.auto_match(session, household)
            make.a_need(session, household, urgency=3 if place == 0 else 1)
        make.an_offer(session, make.an_organisation(session), stock_units=10)
        run = proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=actor, now=now)
    proposals.work(database, run.id, clock=lambda: now, actor=SYSTEM)
    return stored(database, run.id)


def stored(database: Database, run_id: str) -> Run:
    with database.reading() as session:
        return proposals.get_run(session, run_id)


def test_the_job_stores_the_report_with_the_run(database: Database, verifier: Actor, now: datetime) -> None:
    run = a_done_run(database, verifier, now)
    one = run.fairness["plan"]["summary"]
    assert (one["households"], one["households_served"], one["households_zero"]) == (2, 1, 1)
    assert one["gini"] == 0.5
    groups = run.fairness["plan"]["groups"]
    assert [(row["label"], row["needs"], row["served"]) for row in groups["urgency"]] == [("1", 1, 0), ("3", 1, 1)]
    assert [row["label"] for row in groups["household"]] == ["alone"]
    assert [row["label"] for row in groups["age"]] == ["60"]
    assert [row["name"] for row in run.fairness["beside"]] == ["greedy", "first_come"]
    (queue,) = run.fairness["queues"]
    assert (queue["last"][0], queue["next"][0], queue["waiting"]) == (3, 1, 1), "the urgent one was served, one waits"


def test_the_report_names_nobody(database: Database, verifier: Actor, now: datetime) -> None:
    text = str(a_done_run(database, verifier, now).fairness)
    assert not any(word in text for word in ("household-", "need-", "person-", "王"))


def test_a_report_that_fails_leaves_the_run_done_and_says_so(
    sqlite_database: Database, app: Flask, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: Session, *args: object, **kept: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reports, "labels", broken)
    run = a_done_run(sqlite_database, verifier, now)
    assert (run.state, run.lines_count, run.fairness) == (RunState.DONE, 1, {"failed": "MemoryError"})
    client = client_as(app, Role.AUDITOR)
    assert "MemoryError" in client.get(f"/runs/{run.id}/fairness").text
    assert client.get(f"/runs/{run.id}/fairness.json").json["state"] == "failed"


def test_the_report_of_a_worker_who_was_lost_after_the_plan_is_made_by_the_next(
    database: Database, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise SystemExit

    whole = stored(database, a_done_run(database, verifier, now).id)
    policy = {"order": "urgency_first"}
    with database.transaction() as session:
        run = proposals.start_run(session, Scope(), policy=policy, as_of=now.date(), actor=verifier, now=now)
    with monkeypatch.context() as patch:
        patch.setattr(proposals, "add_report", lost)
        with pytest.raises(SystemExit):
            proposals.work(database, run.id, clock=lambda: now, actor=SYSTEM)
    assert (stored(database, run.id).state, stored(database, run.id).fairness) == (RunState.DONE, {})
    for _turn in range(2):
        proposals.work(database, run.id, clock=lambda: now, actor=SYSTEM)
        assert stored(database, run.id).fairness == whole.fairness != {}


def test_first_come_is_the_order_in_which_the_house_was_told(
    sqlite_database: Database, app: Flask, verifier: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        for name, urgency, ago in (("a", 3, 0), ("b", 1, 2)):
            household = make.a_household(session, phone=f"1000000000{urgency}")
            make.auto_match(session, household)
            came = now - timedelta(days=ago)
            make.a_need(session, household, id=f"need-{name}", urgency=urgency, created_at=came, updated_at=came)
        make.an_offer(session, make.an_organisation(session), stock_units=10)
        run = proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
    proposals.work(sqlite_database, run.id, clock=lambda: now, actor=SYSTEM)
    # b came first and would have had all 10: ranks 20 … 11 instead of 40 … 31.
    told = {row["name"]: row["regret"] for row in stored(sqlite_database, run.id).fairness["beside"]}
    assert told == {"greedy": 0, "first_come": pytest.approx(1 - 155 / 355)}
    path, words = f"/runs/{run.id}/fairness?lang=en", "This run was stopped before its end"
    assert words not in client_as(app, Role.AUDITOR).get(path).text
    with sqlite_database.transaction() as session:
        one = session.get_one(Run, run.id)
        one.certificate = {**one.certificate, "interrupted": True}
    assert words in client_as(app, Role.AUDITOR).get(path).text


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_the_page_shows_the_figures(
    sqlite_database: Database, app: Flask, verifier: Actor, now: datetime, lang: str
) -> None:
    run = a_done_run(sqlite_database, verifier, now)
    client = client_as(app, Role.VERIFIER)
    assert f"/runs/{run.id}/fairness" in client.get(f"/runs/{run.id}").text
    page = client.get(f"/runs/{run.id}/fairness?lang={lang}", follow_redirects=True).text
    assert "0.50" in page
    assert page.count("<desc") == 1
    assert "10" in page
    assert ("基尼系数" if lang == "zh_Hans" else "worst-off fill") in page
    assert "米面油食品包" in page
    assert ("还有人等候的地方" if lang == "zh_Hans" else "Needs waiting") in page


def test_the_page_says_when_nothing_is_worked_out_yet(sqlite_database: Database, app: Flask, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        session.add(Run(id="early", number=1, state=RunState.DONE, as_of=now.date(), created_by="x", created_at=now))
    client = client_as(app, Role.VERIFIER)
    assert client.get("/runs/early/fairness").status_code == 200
    assert client.get("/runs/early/fairness.json").json == {"run": 1, "state": "waiting"}
    assert client.get("/runs/nowhere/fairness").status_code == 404


def test_readers_who_are_no_staff_do_not_see_small_groups(
    sqlite_database: Database, app: Flask, verifier: Actor, now: datetime
) -> None:
    run = a_done_run(sqlite_database, verifier, now, households=12)
    told = {
        role: client_as(app, role).get(f"/runs/{run.id}/fairness.json").json for role in (Role.AUDITOR, Role.VERIFIER)
    }
    # Urgency 3 has one household; the other group of 11 is hidden with it, or 12 - 11 would tell.
    assert all(
        row == {"label": row["label"], "hidden": True} for row in told[Role.AUDITOR]["plan"]["groups"]["urgency"]
    )
    assert told[Role.AUDITOR]["plan"]["groups"]["district"][0]["households"] == 12
    assert [row["households"] for row in told[Role.VERIFIER]["plan"]["groups"]["urgency"]] == [11, 1]
    assert client_as(app, Role.AUDITOR).get(f"/runs/{run.id}/fairness").status_code == 200
    assert [row["waiting"] for row in told[Role.AUDITOR]["queues"]] == [11]


def test_readers_who_are_no_staff_do_not_see_short_queues(approver: Actor) -> None:
    stored = {"plan": {"groups": {}}, "queues": [{"waiting": 9}, {"waiting": 10}]}
    assert shown_to(Actor(id="auditor", role=Role.AUDITOR), stored)["queues"] == [{"waiting": 10}]
    assert shown_to(approver, stored)["queues"] == stored["queues"]


def test_two_small_groups_hide_each_other(approver: Actor) -> None:
    rows = [{"label": name, "households": count} for name, count in (("a", 3), ("b", 4), ("c", 50))]
    auditor = Actor(id="auditor", role=Role.AUDITOR)
    seen = shown_to(auditor, {"plan": {"groups": {"x": rows}}})["plan"]["groups"]["x"]
    assert [row.get("hidden", False) for row in seen] == [True, True, False]
    assert shown_to(approver, {"plan": {"groups": {"x": rows}}})["plan"]["groups"]["x"] == rows


def test_only_who_lives_there_counts_and_two_records_of_one_family_count_together(
    session: Session, verifier: Actor, now: datetime
) -> None:
    left = make.a_household(session)
    gone = make.a_person(session, left, phone="10000000002")
    gone.relation, gone.birth_year, gone.left_on, gone.contact = "CHILD", 2020, now.date(), False
    dead = make.a_person(session, left, phone="10000000003")
    dead.relation, dead.birth_year, dead.contact = "CHILD", 2021, False
    day = now.date().toordinal()
    told = {"feed": "CIVIL", "kind": "DEATH", "day": day, "known_day": day, "source_key": "death-1"}
    session.add(Fact(household_id=left.id, person_id=dead.id, **told))
    session.flush()
    assert reports.labels(session, [left.id], year=2026)["household"] == {left.id: "alone"}
    one, two = (make.a_household(session, phone=f"1000000001{n}") for n in (1, 2))
    called_same(session, one, two, now)
    child = make.a_person(session, max(one, two, key=lambda home: home.id), phone="10000000013")
    child.relation, child.birth_year, child.contact = "CHILD", 2020, False
    session.flush()
    known = min(one.id, two.id)
    assert reports.labels(session, [known], year=2026)["household"] == {known: "children"}, "of the other record"
    assert [len(members) for _home, _size, members in reports._homes(session, [known])] == [2], "not 3: one is the same"


def member(age: int | None, relation: str = "HEAD") -> Member:
    return Member(relation, relation == "HEAD", Sex.FEMALE, None if age is None else 2026 - age)


@pytest.mark.parametrize(
    ("members", "size", "kind"),
    [
        ([member(70)], 1, "alone"),
        ([member(70), member(68, "SPOUSE")], 2, "old"),
        ([member(40), member(68, "SPOUSE")], 2, "couple"),
        ([member(40), member(17, "CHILD")], 2, "children"),
        ([member(40), member(18, "CHILD")], 2, "other"),
        ([member(70)], 2, "other"),  # the second person is not registered: nobody knows how old
        ([], 0, "unknown"),
    ],
)
def test_the_kind_of_a_household_follows_from_its_people(members: list[Member], size: int, kind: str) -> None:
    assert kind_of(members, size=size, year=2026) == kind


@pytest.mark.parametrize(
    ("age", "band"), [(0, "0"), (17, "0"), (18, "18"), (59, "40"), (60, "60"), (95, "80"), (-1, "")]
)
def test_ages_fall_into_bands(age: int, band: str) -> None:
    assert age_band(2026 - age, year=2026) == band
    assert age_band(None, year=2026) == ""
