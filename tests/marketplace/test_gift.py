"""What a gift would do: the answer is that of a new run, and asking finds no household."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlmodel import select

from marketplace import audit, jobs
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings, demo_settings
from marketplace.db import Database
from marketplace.demo import story
from marketplace.demo.build import build
from marketplace.demo.city import make_city
from marketplace.errors import NotAllowed, WrongState
from marketplace.offers import drafts
from marketplace.offers.terms import Terms
from marketplace.organisations.models import Organisation
from marketplace.proposals import gift
from marketplace.proposals.archive import recall_problem
from marketplace.proposals.gift import Question, answer_of, coarse, question_of, rounded, whole_cells
from marketplace.proposals.models import GiftQuestion, GiftState, ScarceGift
from marketplace.proposals.scarcity import newest_scarce
from marketplace.reference.words import list_codes
from marketplace.wiring import open_database
from matching import allocate
from matching.compiled import compile_problem
from matching.fairness import received_by
from matching.model import Announced, Problem
from tests import factories as make
from tests.marketplace.offer_terms import some_terms
from tests.marketplace.test_proposals import a_run
from tests.pages.people import client_as

BEGUN = datetime(2026, 11, 14, 2, 0, tzinfo=UTC)
FOOD = "LIVING.FOOD_PACK"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Problem]:
    """What the run of the small demo city solved."""
    database = open_database(demo_settings(tmp_path_factory.mktemp("gifts"), seed=7))
    roster = build(database, make_city(size="small", seed=7, on=BEGUN.date()), now=BEGUN)
    run_id = story.run_allocator(database, roster, now=BEGUN)
    with database.reading() as session:
        assert len(session.exec(select(ScarceGift)).all()) == 10
        problem = recall_problem(session, run_id)
    yield problem
    database.close()


def homes(database: Database, *districts: str, **over: Any) -> Organisation:
    """A household with a need of ten food packs for each district named, and a giver with nothing to give."""
    with database.transaction() as session:
        for n, district in enumerate(districts):
            household = make.a_household(session, phone=f"1000{n:07d}", district_code=district)
            make.auto_match(session, household)
            make.a_need(session, household, **over)
        return make.an_organisation(session)


def asked(database: Database, actor: Actor, terms: Terms, now: datetime) -> GiftQuestion:
    """Ask and have the worker answer."""
    question = question_of(terms)
    assert question is not None
    with database.transaction() as session:
        row = gift.ask(session, question, actor=actor, now=now)
    handlers = {gift.JOB: lambda ref: gift.work(database, ref, clock=lambda: now)}
    while jobs.work_once(database, handlers, clock=lambda: now):
        pass
    with database.reading() as session:
        return session.get_one(GiftQuestion, row.id)


@pytest.mark.parametrize("over", [{}, {"most_each": 5, "stock": 500}, {"districts": ("500101", "500154")}])
def test_the_gain_is_that_of_a_real_run_of_the_whole_demo_city(demo: Problem, over: dict[str, Any]) -> None:
    question = replace(Question(FOOD, 200, 1, 1, 2), **over)
    org_id = demo.resources[0].org_id
    said = answer_of(demo, question, org_id=org_id)
    first = allocate(demo)
    kept = tuple(Announced(line.need_id, line.resource_id, line.units) for line in first.lines)
    offered = replace(question, districts=tuple(said["districts_asked"])).resource(org_id)
    again = replace(demo, resources=(*demo.resources, offered), announced=kept)
    last = allocate(again)
    compiled = compile_problem(again)
    had, has = (received_by(compiled, plan.lines) + compiled.past for plan in (first, last))
    gained = [i for i, need in enumerate(compiled.problem.needs) if need.category == FOOD and has[i] > had[i]]
    newly = {int(compiled.household[i]) for i in gained if had[i] == 0}
    better = {int(compiled.household[i]) for i in gained} - newly
    assert said["proven"] is (first.certificate.status == last.certificate.status == "optimal") is True
    assert len(better) + len(newly) >= 10
    assert (said["newly"], said["better"]) == tuple(rounded(n) if n >= 10 else 0 for n in map(len, (newly, better)))
    where = Counter(compiled.problem.needs[i].district for i in gained)
    assert said["reached"] == {place: rounded(n) for place, n in where.items() if n >= 10}


def test_small_cells_are_hidden_and_the_rest_is_in_fives(database: Database, verifier: Actor, now: datetime) -> None:
    giver = homes(database, *["500103"] * 23, *["500106"] * 12, *["500107"] * 4)
    a_run(database, verifier, now)
    row = asked(database, make.as_giver(giver), some_terms(stock_units=500, max_per_need=10), now)
    assert row.state is GiftState.DONE
    assert (row.answer["newly"], row.answer["better"]) == (40, 0)
    assert row.answer["reached"] == {"500103": 25, "500106": 10}
    assert (row.answer["worst_before"], row.answer["worst_after"], row.answer["proven"]) == (0, 100, True)
    with database.reading() as session:
        assert {"gift:ask", "gift:answer"} <= set(session.exec(select(audit.AuditRow.action)))
        assert audit.verify(session).bad_seq == 0


def test_under_ten_households_nothing_is_said(database: Database, verifier: Actor, now: datetime) -> None:
    giver = homes(database, *["500103"] * 9, *["500106"] * 12)
    a_run(database, verifier, now)
    few = asked(database, make.as_giver(giver), some_terms(districts=("500103",)), now)
    assert (few.state, few.answer) == (GiftState.TOO_FEW, {})
    # Only for the 12: the other nine would be told by what is missing, so the whole city is asked about.
    rest = asked(database, make.as_giver(giver), some_terms(districts=("500106",)), now)
    assert rest.answer["districts_asked"] == []


def test_a_kind_that_points_to_children_is_told_for_the_whole_city_only(
    database: Database, verifier: Actor, now: datetime
) -> None:
    giver = homes(database, *["500103"] * 12, *["500106"] * 12, category="CHILD.WISH", unit="ITEM", gap_units=1)
    a_run(database, verifier, now)
    terms = some_terms(category="CHILD.WISH", districts=("500103",), max_per_need=1)
    question = question_of(terms)
    assert question is not None
    assert question.districts == ()
    assert asked(database, make.as_giver(giver), terms, now).answer.get("reached", {}) == {}
    with database.reading() as session:
        rows = newest_scarce(session, actor=make.as_giver(giver))[1]
    assert [row.terms["districts"] for row in rows] == [[]]


def test_amounts_are_asked_for_in_coarse_steps_and_stay_possible() -> None:
    assert [coarse(n) for n in (1, 3, 7, 10, 19, 49, 10**12)] == [1, 2, 5, 10, 10, 20, 10**12]
    pick = Random(7)
    for _ in range(2000):
        stock, lot = pick.randint(1, 5000), pick.randint(1, 60)
        most = pick.choice([None, pick.randint(1, 300)])
        question = question_of(
            some_terms(stock_units=stock, lot=lot, min_per_need=pick.randint(0, 90), max_per_need=most)
        )
        assert question is not None
        assert question.lot <= question.least <= question.stock <= stock
        assert question.least % question.lot == 0
        assert question.most_each is None or question.least <= question.most_each <= (most or 0)


def test_no_condition_on_households_shapes_the_question() -> None:
    plain = question_of(some_terms())
    for tag in list_codes("tag"):
        for name in ("tags_any", "tags_all", "tags_none"):
            assert question_of(some_terms(**{name: (tag,)})) == plain
    for over in ({"min_urgency": 3}, {"valid_from": BEGUN.date()}, {"title": "另一个"}, {"stock_units": 101}):
        assert question_of(some_terms(**over)) == plain


def test_two_questions_never_differ_by_fewer_than_ten_households() -> None:
    """The attack: ask for every set of districts and subtract: two sets are the same or ten households apart."""
    pick = Random(11)
    for _ in range(300):
        places = Counter({f"d{n}": pick.choice((0, 1, 4, 9, 10, 11, 30)) for n in range(5)})
        sets = set()
        for size in range(len(places) + 1):
            for districts in combinations(places, size):
                cells = whole_cells(districts, places)
                if cells is not None:
                    sets.add(frozenset(cells or places))
        for one, other in combinations(sets, 2):
            apart = sum(places[place] for place in one ^ other)
            assert apart == 0 or apart >= 10, (places, one, other)


def test_probing_tells_the_same_whether_or_not_a_household_is_the_one_with_a_tag(
    database: Database, verifier: Actor, now: datetime
) -> None:
    """The target is the only one with its tags; drafts made to fit it alone, or all but it, learn nothing of it."""
    giver = homes(database, *["500103"] * 31)
    tags = list_codes("tag")[:2]
    with database.transaction() as session:
        household = make.a_household(session, phone="10009999999")
        make.auto_match(session, household)
        make.a_need(session, household, tags=list(tags), urgency=3)
    a_run(database, verifier, now)
    actor = make.as_giver(giver)
    probes = [
        some_terms(tags_all=(tags[0],)),
        some_terms(tags_none=(tags[0],)),
        some_terms(min_urgency=3),
        some_terms(),
    ]
    answers = [asked(database, actor, terms, now) for terms in probes]
    assert len({row.id for row in answers}) == 1
    for stock in (1, 2, 5, 10, 20, 50, 100):
        said = asked(database, actor, some_terms(stock_units=stock, max_per_need=None), now).answer
        counts = [said["newly"], said["better"], *said["reached"].values()]
        assert all(count == 0 or (count >= 10 and count % 5 == 0) for count in counts)


def test_a_giver_has_so_many_questions_a_week_and_a_week_has_one_run(
    database: Database, verifier: Actor, now: datetime
) -> None:
    giver = homes(database, *["500103"] * 12)
    first = a_run(database, verifier, now)
    actor = make.as_giver(giver)
    said = asked(database, actor, some_terms(), now)
    homes(database, *["500103"] * 9)
    a_run(database, verifier, now)
    assert asked(database, actor, some_terms(), now + timedelta(days=1)).id == said.id
    assert asked(database, actor, some_terms(stock_units=7, max_per_need=None), now).run_id == first.id
    with database.transaction() as session:
        for n in range(gift.A_WEEK - 2):
            gift.ask(session, Question(FOOD, 10**n, 1, 1, 9), actor=actor, now=now)
        assert gift.left(session, actor=actor, now=now) == 0
        with pytest.raises(WrongState):
            gift.ask(session, Question(FOOD, 2, 1, 1, None), actor=actor, now=now)
        assert gift.ask(session, Question(FOOD, 10, 1, 1, 9), actor=actor, now=now)
        later = gift.ask(session, Question(FOOD, 2, 1, 1, None), actor=actor, now=now + timedelta(days=7))
        assert later.run_id != first.id
        with pytest.raises(NotAllowed):
            gift.ask(session, Question(FOOD, 2, 1, 1, None), actor=verifier, now=now)


def test_the_answer_holds_nothing_exact(database: Database, verifier: Actor, now: datetime) -> None:
    giver = homes(database, *["500103"] * 13)
    a_run(database, verifier, now)
    row = asked(database, make.as_giver(giver), some_terms(stock_units=999), now)
    numbers = [row.answer[name] for name in ("newly", "better", "worst_before", "worst_after", "least", "most")]
    assert all(number % 5 == 0 for number in [*numbers, *row.answer["reached"].values()])
    assert row.asked == asdict(Question(FOOD, 500, 1, 1, 10)) | {"districts": []}


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def test_the_pages_ask_wait_answer_and_name_the_scarcest_in_both_languages(
    app: Flask, sqlite_database: Database, verifier: Actor
) -> None:
    now = datetime.now(UTC)
    giver = homes(sqlite_database, *["500103"] * 14)
    client = client_as(app, Role.CHARITY_MANAGER, org_id=giver.id)
    assert "还没有运算" in client.get("/gifts/").text
    a_run(sqlite_database, verifier, now)
    actor = Actor("m", Role.CHARITY_MANAGER, org_id=giver.id)
    with sqlite_database.transaction() as session:
        draft = drafts.start_draft(session, org_id=giver.id, actor=actor, now=now)
    here = f"/gifts/{draft.id}"
    assert "填写的内容还不够" in client.get(here).text
    assert "请先填写捐助什么" in client.post(f"{here}/ask", follow_redirects=True).text
    with sqlite_database.transaction() as session:
        terms = some_terms(tags_all=(list_codes("tag")[0],), valid_to=now.date() + timedelta(days=90))
        drafts.save_answers(session, session.merge(draft), answers=drafts.answers_of(terms), now=now)
    assert here in client.get(f"/offers/drafts/{draft.id}/check").text
    assert client.post(f"{here}/ask").status_code == 303
    waiting = client.get(here).text
    assert "正在计算" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    with sqlite_database.reading() as session:
        (row,) = session.exec(select(GiftQuestion))
    gift.work(sqlite_database, row.id, clock=lambda: now)
    for lang, words in (
        ("zh_Hans", ("已证明", "渝中区", "户原本一无所得")),
        ("en", ("Proven", "Yuzhong", "had nothing")),
    ):
        page = client.get(f"{here}?lang={lang}").text
        assert all(word in page for word in (*words, ">15<")), lang
    assert "Your conditions on households are left out" in client.get(f"{here}?lang=en").text
    assert "Food parcel" in client.get("/gifts/?lang=en").text
    assert "The scarcest gifts" in client.get("/charity?lang=en").text
    stranger = client_as(app, Role.CHARITY_WORKER, org_id=homes(sqlite_database).id)
    assert stranger.get(here).status_code == 404
    assert client_as(app, Role.VERIFIER).get("/gifts/").status_code == 403


def test_a_table_of_resources_is_asked_about_line_by_line_before_it_is_stored(
    app: Flask, sqlite_database: Database, verifier: Actor
) -> None:
    now = datetime.now(UTC)
    giver = homes(sqlite_database, *["500103"] * 14)
    a_run(sqlite_database, verifier, now)
    client = client_as(app, Role.CHARITY_MANAGER, org_id=giver.id)
    head = "资源编号,名称,类别,总量,救助标准,工作流程,工作规范"
    rows = [
        f"{number},食品包,{FOOD},{stock},标准,流程,规范" for number, stock in (("A-1", 200), ("A-2", 210), ("A-3", 5))
    ]
    data = {"file": (io.BytesIO("\n".join([head, *rows]).encode()), "offers.csv")}
    batch = client.post("/offers/import", data=data).headers["Location"].rsplit("/", 1)[-1]
    where = f"/gifts/table/{batch}"
    assert where in client.get(f"/offers/import/{batch}").text
    assert client.get(where).text.count("/gifts/table/") >= 3
    for number in (2, 3):
        assert client.post(f"{where}/{number}").status_code == 303
    with sqlite_database.reading() as session:
        (row,) = session.exec(select(GiftQuestion))  # 200 and 210 are the same coarse question
    assert "正在计算" in client.get(where).text
    gift.work(sqlite_database, row.id, clock=lambda: now)
    page = client.get(where).text
    assert page.count("已证明") == 2
    assert ">15<" in page
    assert client.post(f"{where}/99").status_code == 404
    stranger = client_as(app, Role.CHARITY_WORKER, org_id=homes(sqlite_database).id)
    assert stranger.get(where).status_code == 404
