"""Pages of the giver's desk after a yes: results, a review that asks aid back, a late batch, the year's reports."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.db import Database
from marketplace.decisions import queues
from marketplace.decisions import service as decisions
from marketplace.decisions.models import GiverResult, Match, MatchState
from marketplace.decisions.withdrawing import Then
from marketplace.meetings import reclaims, urgent
from marketplace.meetings.models import Duty, ReviewState
from marketplace.payments import late
from marketplace.payments.models import BatchState, PaymentBatch
from marketplace.reports import service as reports
from marketplace.reports import yearly
from marketplace.reports.models import ReportState
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.payment_scene import a_month
from tests.marketplace.test_urgent import NIGHT, Night
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def some_delivered(database: Database, many: int) -> tuple[Scene, list[str]]:
    """So many deliveries of one giver."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        first = a_scene(session)
        same = {"organisation": first.organisation, "offer": first.offer}
        scenes = [first, *(a_scene(session, phone=f"1{n:010}", **same) for n in range(1, many))]
        return first, [scene.delivered(session, now).id for scene in scenes]


def known(database: Database) -> dict[str, tuple[str, int | None]]:
    with database.reading() as session:
        return {row.match_id: (row.outcome, row.minutes) for row in session.exec(select(GiverResult))}


def test_results_are_told_for_what_is_ticked_and_what_is_unknown_stays_unknown(
    app: Flask, sqlite_database: Database
) -> None:
    scene, ids = some_delivered(sqlite_database, 3)
    giver = client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    assert "有 3 项送达待反馈结果" in giver.get("/deliveries/").text
    nothing = giver.post("/deliveries/results", data={"outcome": "reached"})
    assert (nothing.status_code, "至少" in nothing.text or "没有选择" in nothing.text) == (422, True)
    assert giver.post("/deliveries/results", data={"match": ids[:2]}).status_code == 422, "no outcome"
    told = giver.post("/deliveries/results", data={"match": ids[:2], "outcome": "partly"})
    assert told.status_code == 303
    one = giver.post(f"/our-matches/{ids[2]}/result", data={"confirmed": "yes", "outcome": "reached", "minutes": "7"})
    assert one.status_code == 303, one.text
    assert known(sqlite_database) == {ids[0]: ("partly", None), ids[1]: ("partly", None), ids[2]: ("reached", 7)}
    assert "没有待反馈的结果" in giver.get("/deliveries/results").text
    assert giver.get(f"/our-matches/{ids[2]}/result").status_code == 404, "told once"
    assert "达到帮扶目的" in giver.get(f"/our-matches/{ids[2]}").text


def test_staff_find_a_match_of_their_districts_by_its_number_whatever_its_state(
    app: Flask, sqlite_database: Database
) -> None:
    _scene, (closed, running) = some_delivered(sqlite_database, 2)
    with sqlite_database.transaction() as session:
        session.get_one(Match, closed).state = MatchState.CLOSED
        for district, found in (("500103", [running]), ("500229", [])):
            near = Actor(id="v-1", role=Role.VERIFIER, districts=frozenset({district}))
            assert [one.id for one in queues.find_for_staff(session, running, actor=near)[0]] == found
    staff = client_as(app, Role.APPROVER)
    for tab in ("running", "second", "not-received"):
        assert 'action="/matches/find"' in staff.get(f"/matches/{tab}").text
    assert running[:12].upper() in staff.get("/matches/running").text
    page = staff.get(f"/matches/find?number={closed[:8].upper()}").text
    assert (closed[:12].upper() in page, running[:12].upper() in page) == (True, False)
    assert f'href="/matches/{closed}/cancel"' not in page, "what is over is not ended again"
    assert "没有以此开头" in staff.get("/matches/find?number=0000").text
    assert "至少输入" in staff.get(f"/matches/find?number={closed[:3]}").text
    assert "Type the number" in staff.get("/matches/find?lang=en").text


def test_while_the_word_to_be_matched_rests_and_after_the_end_a_page_tells_the_state_alone(
    app: Flask, sqlite_database: Database
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match_id = scene.approved(session, now).id
        chain = session.exec(select(ConsentHead.chain_id).where(ConsentHead.purpose == Purpose.AUTO_MATCH)).one()
    giver = client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    facts = ("渝中区", "等食品包", "10 份")

    def told(tab: str) -> bool:
        pages = [giver.get(f"/our-matches/{where}").text for where in (match_id, tab)]
        assert all(scene.offer.title in page for page in pages)
        assert giver.post("/our-matches/accept", data={"match": match_id}).text.count(scene.offer.title) == 1
        found = {fact in page for fact in facts for page in pages}
        assert len(found) == 1, found
        return found.pop()

    assert told("")
    with sqlite_database.transaction() as session:
        changes.pause(session, chain, actor=scene.household_actor, now=now)
    assert not told("")
    assert "/accept" not in giver.get(f"/our-matches/{match_id}").text
    with sqlite_database.transaction() as session:
        decisions.withdraw_consent(session, chain, actor=scene.household_actor, now=now)
    assert not told("over")


def test_another_giver_can_neither_see_nor_tell_a_result(app: Flask, sqlite_database: Database) -> None:
    _scene, ids = some_delivered(sqlite_database, 1)
    other = client_as(app, Role.CHARITY_WORKER, org_id=some_other(sqlite_database))
    assert other.get(f"/our-matches/{ids[0]}/result").status_code == 404
    other.post("/deliveries/results", data={"match": ids, "outcome": "reached"})
    assert known(sqlite_database) == {}


def some_other(database: Database) -> str:
    with database.transaction() as session:
        return a_scene(session, phone="19999999999").organisation.id


def test_what_a_household_has_stopped_for_now_stands_with_what_waits_for_it(
    settings: Settings, sqlite_database: Database
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        assert match.consent_chain_id is not None
        chain_id = match.consent_chain_id
        decisions.withdraw_consent(session, chain_id, then=Then.HOLD, actor=scene.household_actor, now=now)
        assert match.state is MatchState.HELD
        org_id, match_id = scene.organisation.id, match.id
    giver = client_as(create_app(settings, database=sqlite_database), Role.CHARITY_WORKER, org_id=org_id)
    assert f"/our-matches/{match_id}" in giver.get("/our-matches/household").text


def test_a_review_that_asks_aid_back_is_answered_on_the_giver_s_page(
    settings: Settings, sqlite_database: Database
) -> None:
    night = Night(sqlite_database)
    with sqlite_database.transaction() as session:
        night.verify(session)
        (case,) = night.approve(session)
        match = session.get_one(Match, case.match_id)
        match.state, match.delivered_at = MatchState.DELIVERED, NIGHT
        verdict = {"verdict": ReviewState.RECLAIM, "reason": "户籍不符"}
        urgent.review(session, case.id, **verdict, actor=night.reviewer, now=NIGHT)
        match_id, case_id = match.id, case.id
    app = create_app(settings, database=sqlite_database)
    manager = client_as(app, Role.CHARITY_MANAGER, org_id=night.org_id)
    page = manager.get(f"/our-matches/{match_id}").text
    assert "请在" in page
    assert f"/urgent/asked-back/{match_id}" in page
    assert f"/deliveries/{match_id}/reclaim" in page
    at = re.search(r'href="([^"]*asked-back[^"]*)"', page)
    assert at is not None
    assert manager.post(at[1], data={"confirmed": "yes", "reason": ""}).status_code == 422
    assert manager.post(at[1], data={"confirmed": "yes", "reason": "已吃完"}).status_code == 303
    assert manager.get(at[1]).status_code == 404
    staff = client_as(app, Role.APPROVER)
    assert "机构不追回" in staff.get(f"/meetings/urgent/{case_id}").text
    with sqlite_database.reading() as session:
        assert list(session.exec(select(Duty.task))) == ["已吃完"]
        clock = reclaims.newest(session, match_id)
        assert clock is not None
        assert clock.outcome == "let_be"


@pytest.mark.parametrize(("outcome", "state"), [("more_time", BatchState.DRAFT), ("stop", BatchState.DROPPED)])
def test_a_late_batch_is_talked_about_on_a_page(
    app: Flask, sqlite_database: Database, outcome: str, state: BatchState
) -> None:
    now = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        batch_id = a_month(session, now - timedelta(days=20), grants=1).prepare().id
    officer = client_as(app, Role.APPROVER)
    assert officer.get(f"/payments/late/{batch_id}").status_code == 404, "not late yet"
    assert late.sweep(sqlite_database, clock=lambda: now) == 1
    board = officer.get("/deadlines/").text
    assert f"/payments/late/{batch_id}" in board
    page = officer.get(f"/payments/late/{batch_id}").text
    assert "¥1,000" in page
    assert "王小明" not in page
    said = officer.post(f"/payments/late/{batch_id}", data={"confirmed": "yes", "outcome": outcome})
    assert said.status_code == 303, said.text
    with sqlite_database.reading() as session:
        assert session.get_one(PaymentBatch, batch_id).state is state


def test_staff_see_which_giver_owes_its_yearly_report(app: Flask, sqlite_database: Database) -> None:
    scene, _ids = some_delivered(sqlite_database, 1)
    org_id, year = scene.organisation.id, yearly.last_year(datetime.now(UTC))
    with sqlite_database.transaction() as session:
        organisation = session.get_one(type(scene.organisation), org_id)
        organisation.created_at = year.starts
        session.add(organisation)
    manager, staff = client_as(app, Role.CHARITY_MANAGER, org_id=org_id), client_as(app, Role.APPROVER)
    assert yearly.sweep(sqlite_database, clock=lambda: datetime.now(UTC)) == 1
    owes = f"{year.text}年的年度报告"
    assert owes in manager.get("/reports/").text
    assert "缺少" in staff.get("/reports/yearly").text
    assert manager.get("/reports/yearly").status_code == 404
    where = manager.post("/reports/count", data={"month": year.text}).location
    assert f"{year.text}年" in manager.get(where).text
    assert manager.post(f"{where}/publish").status_code == 303
    page = staff.get("/reports/yearly").text
    assert "缺少" not in page
    assert owes not in manager.get("/reports/").text
    assert where in page
    assert scene.organisation.name in staff.get(f"{where}/print").text
    with sqlite_database.reading() as session:
        found, total = reports.list_reports(session, actor=scene.manager)
        assert (total, found[0].state, found[0].month) == (1, ReportState.PUBLISHED, year.text)


def test_a_household_lets_its_giver_tell_the_donor(app: Flask, sqlite_database: Database) -> None:
    scene, (match_id,) = some_delivered(sqlite_database, 1)
    home = client_as_home(app, scene)
    assert f"/proofs/mine/{match_id}/donor" in home.get(f"/proofs/grants/{match_id}").text
    assert "没有任何损失" in home.get(f"/proofs/mine/{match_id}/donor").text
    assert home.post(f"/proofs/mine/{match_id}/donor", data={"confirmed": "yes"}).status_code == 303
    giver = client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    assert "米面油" in giver.get(f"/proofs/donors/{scene.offer.id}").text
    with sqlite_database.reading() as session:
        assert living(session) == 1


def living(session: Session) -> int:
    wanted = select(ConsentHead).where(col(ConsentHead.purpose) == Purpose.DONOR_FEEDBACK)
    return len(session.exec(wanted).all())


def client_as_home(app: Flask, scene: Scene):  # type: ignore[no-untyped-def]
    """The household's own window."""
    app.config["WTF_CSRF_ENABLED"] = False
    with app.extensions["database"].transaction() as session:
        token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=datetime.now(UTC))
    client = app.test_client()
    client.set_cookie("sid", token)
    return client
