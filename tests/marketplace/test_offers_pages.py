"""The giver's and the staff's pages of resources, through the app as a person uses it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.actors import SYSTEM, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.offers.demand import publish_demand
from marketplace.offers.models import Offer, OfferDraft, OfferState
from marketplace.organisations.models import Organisation
from tests.factories import NOW, a_household, a_need, an_offer, an_organisation
from tests.pages.people import client_as

ANSWERS = {
    "kind": {"category": "LIVING.FOOD_PACK", "title": "冬季食品包"},
    "amount": {"stock_units": "100", "lot": "2", "unit_cost_fen": "3.50"},
    "limits": {"min_per_need": "2", "max_per_need": "12", "max_per_household": ""},
    "where": {"districts": ["500103", "500106"]},
    "who": {"tags_any": ["elder"], "min_urgency": "1"},
    "when": {"valid_from": "", "valid_to": "2099-05-22"},
    "answer": {"acceptance": "standing", "donor_purpose": "冬季慰问"},
    "promise": {"standard": "每户 2 至 12 份", "steps": "街道通知", "rules": "不收费"},
}


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def org_id(sqlite_database: Database) -> str:
    with sqlite_database.transaction() as session:
        return an_organisation(session).id


@pytest.fixture
def giver(app: Flask, org_id: str) -> FlaskClient:
    return client_as(app, Role.CHARITY_MANAGER, org_id=org_id)


def offers(database: Database) -> list[Offer]:
    with database.reading() as session:
        return list(session.exec(select(Offer).order_by(Offer.created_at)))


def start(giver: FlaskClient) -> str:
    return giver.post("/offers/drafts").headers["Location"].rsplit("/", 1)[0]


def test_a_resource_is_posted_step_by_step(giver, sqlite_database, org_id):
    base = start(giver)
    at = f"{base}/kind"
    for name, answers in ANSWERS.items():
        assert at == f"{base}/{name}"
        assert giver.get(at).status_code == 200
        answer = giver.post(at, data=answers)
        assert answer.status_code == 303, answer.text
        at = answer.headers["Location"]
    page = giver.get(at).text
    for shown in ("冬季食品包", "¥3.50", "每户 2 至 12 份", "渝中区、沙坪坝区", "12 份"):
        assert shown in page
    receipt = giver.get(giver.post(at).headers["Location"]).text
    (offer,) = offers(sqlite_database)
    assert offer.id[:8].upper() in receipt
    assert (offer.org_id, offer.stock_units, offer.lot, offer.unit_cost_fen) == (org_id, 100, 2, 350)
    assert (offer.districts, offer.tags_any, offer.acceptance.value) == (["500103", "500106"], ["elder"], "standing")
    assert offer.valid_to == date(2099, 5, 23), "what people name is the last day"
    day = "2099年5月22日"
    assert [day in giver.get(path).text for path in ("/offers/mine", f"/offers/{offer.id}")] == [True, True]
    change = giver.post(f"/offers/{offer.id}/change").headers["Location"].rsplit("/", 1)[0]
    assert day in giver.get(f"{change}/check").text
    assert 'value="2099-05-22"' in giver.get(f"{change}/when").text
    assert giver.post(f"{change}/when?to=check", data=ANSWERS["when"]).status_code == 303
    giver.post(f"{change}/check")
    assert offers(sqlite_database)[0].valid_to == date(2099, 5, 23), "looking and saying it again loses no day"


def test_a_wrong_answer_stays_on_its_page_with_the_mend(giver):
    base = start(giver)
    giver.post(f"{base}/kind", data=ANSWERS["kind"])
    answer = giver.post(f"{base}/amount", data={"stock_units": "5", "lot": "9", "unit_cost_fen": ""})
    assert answer.status_code == 422
    assert "每次发放的份量不能大于总量 5" in answer.text
    assert 'value="9"' in answer.text
    assert "<title>错误：" in answer.text
    assert "100" not in giver.get(f"{base}/check").text.split("总量")[1][:80]


def test_posting_before_all_is_answered_shows_what_is_missing(giver, sqlite_database):
    base = start(giver)
    giver.post(f"{base}/kind", data=ANSWERS["kind"])
    answer = giver.post(f"{base}/check")
    assert answer.status_code == 422
    assert "还不能发布" in answer.text
    assert offers(sqlite_database) == []


def test_money_is_typed_in_yuan_and_has_no_cost_of_delivery(giver):
    base = start(giver)
    giver.post(f"{base}/kind", data={"category": "EMERGENCY.CASH", "title": "急难金"})
    assert "unit_cost_fen" not in giver.get(f"{base}/amount").text
    answer = giver.post(f"{base}/amount", data={"stock_units": "50,000", "lot": "100"})
    assert answer.status_code == 303, answer.text
    assert "¥50,000" in giver.get(f"{base}/check").text


def test_a_changed_answer_leads_back_to_the_check_page(giver):
    base = start(giver)
    giver.post(f"{base}/kind", data=ANSWERS["kind"])
    answer = giver.post(f"{base}/kind?to=check", data=ANSWERS["kind"] | {"title": "新名"})
    assert answer.headers["Location"] == f"{base}/check"


def test_the_wizard_tells_how_many_households_the_offer_fits(app, giver, sqlite_database):
    base = start(giver)
    giver.post(f"{base}/kind", data=ANSWERS["kind"])
    assert "第一期每周统计尚未发布" in giver.get(f"{base}/where").text
    with sqlite_database.transaction() as session:
        for district, number in (("500103", 13), ("500106", 9), ("500107", 21)):
            for _household in range(number):
                a_need(session, a_household(session, district_code=district))
        publish_demand(session, actor=SYSTEM, now=NOW)
    assert "约适合 35 户" in giver.get(f"{base}/where").text
    answer = giver.post(f"{base}/where", data={"districts": ["500103", "500106"], "go": "stay"})
    page = giver.get(answer.headers["Location"]).text
    assert "约适合 15 户" in page
    bound = ANSWERS["answer"] | {"donor_districts": ["500103"], "donor_tags": ["elder"]}
    giver.post(f"{base}/where", data={})
    giver.post(f"{base}/answer", data=bound)
    page = giver.get(f"{base}/where").text
    assert "约适合 15 户" in page, "the donor's districts narrow it as the giver's own do"
    assert "不显示减少多少" in page
    giver.post(f"{base}/answer", data=ANSWERS["answer"])
    giver.post(f"{base}/where", data={"districts": ["500106"]})
    assert "数量太少" in giver.get(f"{base}/check").text


def test_the_figure_never_follows_the_conditions(giver, sqlite_database):
    base = start(giver)
    giver.post(f"{base}/kind", data=ANSWERS["kind"])
    with sqlite_database.transaction() as session:
        for _household in range(20):
            a_need(session, a_household(session), tags=["elder"])
        publish_demand(session, actor=SYSTEM, now=NOW)
    giver.post(f"{base}/who", data={"tags_any": ["student"], "min_urgency": "3"})
    page = giver.get(f"{base}/check").text
    assert "约适合 20 户" in page
    assert "不显示减少多少" in page


def test_another_organisations_pages_do_not_exist(app, giver, sqlite_database):
    base = start(giver)
    with sqlite_database.transaction() as session:
        other = an_organisation(session)
        offer_id = an_offer(session, other).id
    stranger = client_as(app, Role.CHARITY_WORKER, org_id=other.id)
    assert stranger.get(f"{base}/kind").status_code == 404
    assert stranger.post(f"{base}/kind", data=ANSWERS["kind"]).status_code == 404
    assert stranger.post(f"{base}/drop").status_code == 404
    assert giver.get(f"/offers/{offer_id}").status_code == 404
    assert giver.post(f"/offers/{offer_id}/pause").status_code == 404
    assert giver.post(f"/offers/{offer_id}/copy").status_code == 404


def test_the_table_pauses_opens_copies_and_closes(giver, sqlite_database, org_id):
    with sqlite_database.transaction() as session:
        offer_id = an_offer(session, session.get_one(Organisation, org_id)).id
    assert "米面油食品包" in giver.get("/offers/mine").text
    giver.post(f"/offers/{offer_id}/pause")
    assert "已暂停" in giver.get(f"/offers/{offer_id}").text
    giver.post(f"/offers/{offer_id}/reopen")
    giver.post(f"/offers/{offer_id}/reconfirm")
    assert "要永久关闭这项资源吗" in giver.get(f"/offers/{offer_id}/close").text
    giver.post(f"/offers/{offer_id}/close", data={"confirmed": "yes"})
    (offer,) = offers(sqlite_database)
    assert offer.state is OfferState.CLOSED
    assert giver.post(f"/offers/{offer_id}/pause").status_code == 409
    check = giver.post(f"/offers/{offer_id}/copy").headers["Location"]
    assert giver.post(check).status_code == 303
    assert len(offers(sqlite_database)) == 2


def test_all_that_end_soon_are_confirmed_in_one_press(giver, sqlite_database, org_id):
    soon = datetime.now(UTC).date() + timedelta(days=5)
    with sqlite_database.transaction() as session:
        mine, other = session.get_one(Organisation, org_id), an_organisation(session)
        for organisation in (mine, mine, other):
            an_offer(session, organisation, valid_to=soon)
        an_offer(session, mine, valid_to=soon, state=OfferState.EXPIRED)
    assert "快到期的 2 项全部仍然有效" in giver.get("/offers/mine").text
    assert "快到期的资源都仍然有效吗" in giver.get("/offers/ending").text
    giver.post("/offers/ending", data={"confirmed": "yes"})
    assert "已再确认半年：2 项" in (page := giver.get("/offers/mine").text)
    assert "/offers/ending" not in page, "nothing is left to confirm"
    assert "两周内没有到期的资源" in giver.get("/offers/ending", follow_redirects=True).text
    assert sorted(offer.valid_to == soon for offer in offers(sqlite_database)) == [False, False, True, True]


def test_a_change_is_saved_to_the_same_offer_and_its_kind_stays(giver, sqlite_database, org_id):
    with sqlite_database.transaction() as session:
        offer_id = an_offer(session, session.get_one(Organisation, org_id), valid_to=date(2099, 1, 1)).id
    base = giver.post(f"/offers/{offer_id}/change").headers["Location"].rsplit("/", 1)[0]
    page = giver.get(f"{base}/kind").text
    assert re.findall(r'option value="([A-Z._]+)"', page) == ["LIVING.FOOD_PACK"]
    giver.post(f"{base}/amount?to=check", data={"stock_units": "70", "lot": "1", "unit_cost_fen": ""})
    giver.post(f"{base}/check")
    (offer,) = offers(sqlite_database)
    assert (offer.id, offer.stock_units) == (offer_id, 70)


def test_a_draft_is_dropped_only_after_a_question(giver, sqlite_database):
    base = start(giver)
    assert "要删除这份草稿吗" in giver.get(f"{base}/drop").text
    giver.post(f"{base}/drop", data={"confirmed": "yes"})
    with sqlite_database.reading() as session:
        assert session.exec(select(OfferDraft)).all() == []


def test_staff_see_all_resources_and_release_a_held_one(app, sqlite_database):
    with sqlite_database.transaction() as session:
        organisation = an_organisation(session, name="江风基金会")
        offer_id = an_offer(session, organisation, state=OfferState.HELD, stock_units=10**9).id
    staff = client_as(app, Role.VERIFIER)
    page = staff.get("/offers/?state=held&category=LIVING.FOOD_PACK").text
    assert "江风基金会" in page
    assert "没有符合" in staff.get("/offers/?state=paused").text
    assert "已核实，放行" in staff.get(f"/offers/{offer_id}").text
    staff.post(f"/offers/{offer_id}/release")
    (offer,) = offers(sqlite_database)
    assert offer.state is OfferState.OPEN


@pytest.mark.parametrize("role", [Role.HOUSEHOLD, Role.AUDITOR, Role.OPERATOR])
def test_nobody_else_sees_resources_or_demand(app, role):
    client = client_as(app, role)
    for path in ("/offers/", "/offers/mine", "/offers/demand"):
        assert client.get(path).status_code == 403


def test_the_demand_page_shows_rounded_counts_and_hides_small_ones(app, sqlite_database, giver):
    assert "第一期统计尚未发布" in giver.get("/offers/demand").text
    with sqlite_database.transaction() as session:
        for _household in range(13):
            a_need(session, a_household(session))
            a_need(session, a_household(session), category="CHILD.WISH", unit="FEN")
        for _household in range(9):
            a_need(session, a_household(session, district_code="500106"))
        publish_demand(session, actor=SYSTEM, now=NOW)
    page = giver.get("/offers/demand").text
    assert "米面油等食品包" in page
    assert '<td class="num">15</td>' in page
    page = giver.get("/offers/demand?category=LIVING.FOOD_PACK").text
    assert "渝中区" in page.split("因此不显示")[0]
    assert "沙坪坝区" in page.split("因此不显示")[1]
    for name in ("彭水", "忠", "两江", "沙坪坝"):
        assert f'">{name}</text>' in page
    assert "只按全市统计：15 户" in giver.get("/offers/demand?category=CHILD.WISH").text
