"""The pages of a giver's own desk: applying, agreement, budget, related people, the donor's paper, tables."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.intake import ImportBatch
from marketplace.notices import Notice
from marketplace.offers.models import DonorConsent, Offer
from marketplace.offers.service import source_index
from marketplace.organisations.agreements import agreements_of
from marketplace.organisations.models import Organisation, OrganisationState, RelatedPerson
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.organisation_number import make_uscc
from tests.factories import an_offer, an_organisation
from tests.pages.people import client_as

NUMBER = make_id_number("509901", date(1960, 5, 1), seq=9)


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


def test_anybody_may_apply_and_staff_take_it_from_there(app, sqlite_database):
    staff = client_as(app, Role.APPROVER)
    public = app.test_client()
    typed = {"name": "江风信托", "kind": "trust", "credit_code": make_uscc(5), "contact": "13900000001"}
    assert "慈善信托须填写" in public.post("/organisations/apply", data=typed).text
    whole = typed | {"trustee": "某信托公司", "supervisor": "某律师事务所", "filing_ref": "备案 3"}
    assert "申请已收到" in public.post("/organisations/apply", data=whole).text
    assert "使用此代码的机构已经登记" in public.post("/organisations/apply", data=whole).text
    with sqlite_database.reading() as session:
        (made,) = session.exec(select(Organisation)).all()
        assert made.state is OrganisationState.APPLIED
    page = staff.get("/organisations/?state=applied").text
    assert "江风信托" in page
    assert "某律师事务所" in staff.get(f"/organisations/{made.id}").text
    where = f"/organisations/{made.id}/agreement"
    agreed = {"contract_ref": "协议 1", "contract_from": "2026-01-01", "contract_to": "2025-12-31", "purposes": []}
    assert staff.post(where, data=agreed).status_code == 422
    agreed |= {"purposes": ["MED_AID"]}
    assert "最后一日不能早于起始日" in staff.post(where, data=agreed).text
    assert staff.post(where, data=agreed | {"contract_to": "2099-01-01"}).status_code == 303
    with sqlite_database.reading() as session:
        assert agreements_of(session, made.id)[0].valid_to == date(2099, 1, 2)
    assert "2099年1月1日" in staff.get(f"/organisations/{made.id}").text
    second = client_as(app, Role.APPROVER)
    assert "不批准这份协议吗" in second.get(f"/organisations/{made.id}/refuse").text
    second.post(f"/organisations/{made.id}/refuse", data={"confirmed": "yes"})
    assert "未批准" in staff.get(f"/organisations/{made.id}").text


def test_an_application_is_refused_politely_after_ten_tries(app):
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    tries = [client.post("/organisations/apply?lang=en", data={}) for _ in range(11)]
    assert [answer.status_code for answer in tries] == [422] * 11
    assert ["Too many tries" in answer.text for answer in tries] == [False] * 10 + [True]


def test_a_budget_is_kept_shown_and_lifted(giver, sqlite_database, org_id):
    assert "不限" in giver.get("/organisations/ours").text
    assert giver.post("/organisations/ours/budget", data={"yearly_budget_fen": "x"}).status_code == 422
    assert giver.post("/organisations/ours/budget", data={"yearly_budget_fen": "50,000"}).status_code == 303
    assert "¥50,000" in giver.get("/organisations/ours").text
    assert "预算 ¥50,000" in giver.get("/charity").text
    giver.post("/organisations/ours/budget", data={"yearly_budget_fen": ""})
    with sqlite_database.reading() as session:
        assert session.get_one(Organisation, org_id).yearly_budget_fen is None


def test_related_people_come_in_by_hand_and_by_file_and_no_number_is_shown_again(giver, sqlite_database):
    at = "/organisations/ours/related"
    assert "名单上还没有人" in giver.get(at).text
    wrong = giver.post(at, data={"reference": "理事 1", "relation": "manager", "id_number": NUMBER[:-1]})
    assert wrong.status_code == 422
    assert NUMBER[:-1] not in wrong.text
    typed = {"reference": "理事 1", "relation": "manager", "id_number": NUMBER}
    assert giver.post(at, data=typed).status_code == 303
    assert "已有这个编号" in giver.post(at, data=typed).text
    table = f"名单编号,关系,身份证号\n理事 1,理事或管理人员,{NUMBER}\n捐赠 2,捐赠人,{NUMBER}\n".encode()
    sent = giver.post("/organisations/import", data={"file": (io.BytesIO(table), "a.csv")})
    batch = sent.headers["Location"]
    page = giver.get(batch).text
    assert NUMBER not in page
    assert giver.post(f"{batch}/confirm").status_code == 303
    page = giver.get(at).text
    assert "捐赠 2" in page
    assert NUMBER not in page
    assert giver.get("/organisations/import/template.xlsx").status_code == 200
    with sqlite_database.reading() as session:
        first = session.exec(select(RelatedPerson)).first()
    assert first is not None
    assert giver.post(f"{at}/{first.id}/remove").status_code == 303


def test_what_the_donor_bound_is_loosened_on_the_page_only_with_the_paper(giver, sqlite_database, org_id):
    with sqlite_database.transaction() as session:
        organisation = session.get_one(Organisation, org_id)
        offer = an_offer(session, organisation, donor_tags=["elder"], valid_to=date(2099, 1, 1))
    base = giver.post(f"/offers/{offer.id}/change").headers["Location"].rsplit("/", 1)[0]
    assert "捐赠人同意书编号" in giver.get(f"{base}/answer").text
    loose = {"acceptance": "each", "donor_purpose": "", "donor_tags": [], "donor_districts": []}
    assert giver.post(f"{base}/answer?to=check", data=loose).status_code == 303
    assert "书面同意" in giver.post(f"{base}/check").text
    paper = {"donor_document": "同意 7", "donor_signed_on": "2026-01-05"}
    giver.post(f"{base}/answer?to=check", data=loose | paper)
    assert giver.post(f"{base}/check").status_code == 303
    assert "同意 7，签署于" in giver.get(f"/offers/{offer.id}").text
    with sqlite_database.reading() as session:
        assert session.exec(select(DonorConsent.document)).all() == ["同意 7"]
        assert session.get_one(Offer, offer.id).donor_tags == []


def test_a_new_offer_asks_for_no_paper_and_shows_what_the_donor_bound(giver):
    base = giver.post("/offers/drafts").headers["Location"].rsplit("/", 1)[0]
    giver.post(f"{base}/kind", data={"category": "LIVING.FOOD_PACK", "title": "食品包"})
    assert "捐赠人同意书编号" not in giver.get(f"{base}/answer").text
    bound = {"acceptance": "each", "donor_tags": ["elder"], "donor_districts": ["500103"]}
    assert giver.post(f"{base}/answer", data=bound).status_code == 303
    page = giver.get(f"{base}/check").text
    assert "捐赠人要求全部符合" in page
    assert "渝中区" in page


@pytest.mark.parametrize("name", ["export.xlsx", "export.csv", "export.hsds.json", "export.hsds.zip"])
def test_resources_go_out_as_files_that_come_in_again(giver, sqlite_database, org_id, name):
    with sqlite_database.transaction() as session:
        organisation = session.get_one(Organisation, org_id)
        values = {"category": "CARE.VISIT", "unit": "VISIT", "valid_to": date(2099, 1, 1), "reference": "自编 1"}
        values["source_index"] = source_index(session, org_id, source_id="自编 1")
        an_offer(session, organisation, id="w4bmp2zu65snnicxlmr4ou7i2q", **values)
    answer = giver.get(f"/offers/{name}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    sent = giver.post("/offers/import", data={"file": (io.BytesIO(answer.data), name)})
    assert sent.status_code == 303
    with sqlite_database.reading() as session:
        (batch,) = session.exec(select(ImportBatch)).all()
    assert {name: batch.counts[name] for name in ("faults", "new", "changed", "same")} == {
        "faults": 0,
        "new": 0,
        "changed": 0,
        "same": 1,
    }
    assert giver.get("/our-matches/export.xlsx").status_code == 200
    assert giver.get("/our-matches/export.csv").status_code == 200


def test_a_broken_hsds_file_is_told_beside_the_field(giver):
    sent = giver.post("/offers/import", data={"file": (io.BytesIO(b"{"), "a.json")})
    assert sent.status_code == 422
    assert "不是可读的 HSDS 文件" in sent.text


def test_a_giver_that_applied_comes_in_by_the_code_that_approval_shows_once(app, sqlite_database):
    staff, second, public = client_as(app, Role.APPROVER), client_as(app, Role.APPROVER), app.test_client()
    typed = {"name": "江风慈善会", "kind": "charity", "credit_code": make_uscc(6), "contact": "office@example.org"}
    public.post("/organisations/apply", data=typed)
    with sqlite_database.reading() as session:
        org_id = session.exec(select(Organisation.id)).one()
    agreed = {"contract_from": "2026-01-01", "contract_to": "2099-01-01", "purposes": ["MED_AID"]}
    staff.post(f"/organisations/{org_id}/agreement", data=agreed | {"contract_ref": "协议 1"})
    assert second.post(f"/organisations/{org_id}/manager").status_code == 409, "not before the second person's yes"
    shown = second.post(f"/organisations/{org_id}/approve")
    assert shown.headers["Cache-Control"] == "no-store"
    lost = _code_on(shown.text)
    assert "负责人邀请码" in second.get(f"/organisations/{org_id}").text
    code = _code_on(second.post(f"/organisations/{org_id}/manager").text)
    account = {"display_name": "江经理", "login": "jiang", "password": "correct horse battery"}
    assert "邀请码无效" in public.post("/join", data=account | {"code": lost}).text
    assert public.post("/join", data=account | {"code": code}).status_code == 303
    with sqlite_database.reading() as session:
        joined = session.exec(select(Account).where(Account.login == "jiang")).one()
        letters = session.exec(select(Notice).where(Notice.letter == "team_open", Notice.org_id == org_id)).all()
    assert (joined.org_id, joined.role, len(letters)) == (org_id, Role.GIVER_ADMIN, 2)
    assert not any(code in str(one.params) for one in letters)
    assert second.post(f"/organisations/{org_id}/manager").status_code == 409, "now its own team invites"
    assert "负责人邀请码" not in second.get(f"/organisations/{org_id}").text


def _code_on(page: str) -> str:
    found = re.search(r"\b(?:[A-Z2-9]{5}-){3}[A-Z2-9]{5}\b", page)
    assert found is not None, "the page shows a code"
    return found.group()
