"""An insurer's desk from enrolment to payout, the household's part on its phone, and the approver's decision."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import select

from adapters.tabular_writer import Column, write_xlsx
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.claims import service, views_insurer, waiting
from marketplace.claims.models import InsuranceCase, PayoutOverlap
from marketplace.claims.service import Paid
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.models import Consent, Mode
from marketplace.db import Database
from marketplace.decisions.models import Match
from marketplace.ledger.models import LedgerEntry
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace import claim_scene as scene
from tests.pages.people import client_as

NOW = datetime.now(UTC)
TODAY = local_day(NOW)


class Desk:
    """The house with two cases of one insurer, and its people."""

    def __init__(self, settings: Settings, database: Database) -> None:
        with database.transaction() as session:
            self.claim = scene.a_case(session, NOW)
            home = scene.a_home(session, name="李小红", phone="10000000002")
            self.place = scene.a_case(session, NOW, category=scene.PREMIUM, home=home, insurer=self.claim.insurer)
        self.app: Flask = create_app(settings, database=database)
        self.database = database
        self.clerk = client_as(self.app, Role.INSURER, org_id=self.claim.insurer.id)

    def household(self, cover: scene.Cover) -> FlaskClient:
        with self.database.transaction() as session:
            token = accounts.open_for_person(session, cover.person.id, cover.household.id, now=NOW)
        client = self.app.test_client()
        client.set_cookie("sid", token)
        return client


@pytest.fixture
def desk(settings: Settings, sqlite_database: Database) -> Desk:
    return Desk(settings, sqlite_database)


def send(client: FlaskClient, path: str, **data: object) -> str:
    answer = client.post(path, data={"confirmed": "yes", **data}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_insurer_enrols_finds_cover_asks_papers_and_pays(desk):
    page = desk.clerk.get("/insurance/").text
    for shown in ("保险事项", desk.place.case.reference, "待参保", "渝中区", "不得用于保险的核保"):
        assert shown in page
    place, claim = f"/insurance/cases/{desk.place.case.id}", f"/insurance/cases/{desk.claim.case.id}"
    assert "已参保" in send(desk.clerk, f"{place}/enrolled", scheme="YKB", policy_number="YKB-1")
    assert desk.claim.case.reference in desk.clerk.get("/insurance/").text, "the first list in which something waits"
    assert "YKB-1" in desk.clerk.get(place).text
    assert desk.claim.case.reference in desk.clerk.get("/insurance/find").text
    assert "待列材料" in send(desk.clerk, f"{claim}/cover", scheme="HMJK", policy_number="H-9")
    assert "等家庭交材料" in send(desk.clerk, f"{claim}/papers", papers=["invoice", "bank_card"])
    home = desk.household(desk.claim)
    page = home.get(f"/offers-to-me/{desk.claim.match.id}").text
    for shown in ("我的保险与理赔", "医疗费用发票", "本人银行卡复印件", "H-9", "惠民济困保"):
        assert shown in page
    assert "待赔付答复" in send(home, f"/insurance/papers/{desk.claim.case.id}")
    assert "可以赔付" not in desk.clerk.get(claim).text
    page = send(desk.clerk, f"{claim}/paid", category="MEDICAL.MAJOR", amount="1200.50", paid_on=TODAY.isoformat())
    assert "¥1,200.50" in page
    assert "¥1,200.50" in home.get(f"/offers-to-me/{desk.claim.match.id}").text
    assert desk.claim.case.reference in desk.clerk.get("/insurance/over").text
    asked = f"/insurance/cases?reference={desk.claim.case.reference.lower()}"
    assert desk.clerk.get(asked).headers["Location"] == claim, "whatever list it is on"
    assert ['role="search"' in desk.clerk.get(f"/insurance/{tab}").text for tab in ("enrol", "over")] == [True] * 2
    assert "没有这个编号" in desk.clerk.get("/insurance/cases?reference=BX0", follow_redirects=True).text


def test_the_same_in_english_and_without_a_raw_code(desk):
    page = desk.clerk.get(f"/insurance/cases/{desk.claim.case.id}?lang=en", follow_redirects=True).text
    for shown in ("To look for cover", "Cover found", "No cover found", "Not for pricing or acceptance"):
        assert shown in page
    page = desk.clerk.get("/insurance/find").text
    assert "To look for cover" in page
    assert "insurance_step" not in page


def test_an_insurer_that_did_not_answer_reads_why_its_case_ended_and_the_household_too(desk):
    assert waiting.sweep(desk.database, clock=lambda: NOW + timedelta(days=60)) > 0
    for page in (
        desk.clerk.get(f"/insurance/cases/{desk.claim.case.id}").text,
        desk.household(desk.claim).get(f"/offers-to-me/{desk.claim.match.id}").text,
    ):
        assert "逾期未答复" in page
        assert "no_answer" not in page


@pytest.mark.parametrize(
    ("act", "data", "told"),
    [
        ("cover", {"scheme": "YKB", "policy_number": "没有 号"}, "字母、数字和短横线"),
        ("cover", {"policy_number": "1"}, "请选择"),
    ],
)
def test_an_answer_that_cannot_be_is_explained_at_its_field(desk, act, data, told):
    answer = desk.clerk.post(f"/insurance/cases/{desk.claim.case.id}/{act}", data={"confirmed": "yes", **data})
    assert answer.status_code == 422
    assert told in answer.text


def test_an_act_that_is_not_at_its_step_is_refused(desk):
    answer = desk.clerk.get(f"/insurance/cases/{desk.claim.case.id}/paid")
    assert answer.status_code == 409
    assert "有了变化" in answer.text


def test_another_insurer_and_a_charity_find_nothing(desk):
    with desk.database.transaction() as session:
        rival, charity = scene.an_insurer(session, name="普惠保险乙"), scene.make.an_organisation(session)
    stranger = client_as(desk.app, Role.INSURER, org_id=rival.id)
    assert desk.claim.case.reference not in stranger.get("/insurance/find").text
    assert stranger.get(f"/insurance/cases/{desk.claim.case.id}").status_code == 404
    worker = client_as(desk.app, Role.CHARITY_MANAGER, org_id=charity.id)
    assert worker.get("/insurance/").status_code == 403
    assert "保险事项" not in worker.get("/charity").text
    assert "保险事项" in stranger.get("/charity").text


def _rows(file: Any) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()


def test_a_worklist_goes_out_as_a_table_and_comes_back_answered(desk):
    file = desk.clerk.post("/insurance/find/list.xlsx")
    rows = _rows(file)
    reference = desk.claim.case.reference
    assert rows[1][0] == reference
    assert "王小明" in rows[1]
    with desk.database.reading() as session:
        assert [one.recipient_org_id for one in session.exec(select(Disclosure))] == [desk.claim.insurer.id]
        chain_id = session.get_one(Match, desk.claim.case.match_id).consent_chain_id
    own = make.as_household(desk.claim.household)
    with desk.database.transaction() as session:
        changes.pause(session, chain_id, actor=own, now=NOW)
    assert "王小明" not in str(_rows(desk.clerk.post("/insurance/find/list.xlsx")))
    with desk.database.transaction() as session:
        denied = select(AuditRow.rule_id).where(AuditRow.action == "share:deny")
        assert session.exec(denied).all() == ["STATE"], "a refused look is written down like every other"
        changes.resume(session, chain_id, actor=own, now=NOW)
    assert "没有填写答复的行" in desk.clerk.get(upload(desk, filled(desk, "enrol", {}))).text
    wrong = filled(desk, "find", {reference: {"Scheme": "渝快保"}}, lang="en")
    assert "不能为空" in desk.clerk.get(upload(desk, wrong)).text, "an answer is missing where the rest is filled in"
    where = upload(
        desk,
        filled(
            desk, "find", {reference: {"Answer": "Cover found", "Scheme": "渝快保", "Policy number": "Y-7"}}, lang="en"
        ),
    )
    assert "待查保单" in desk.clerk.get(f"/insurance/cases/{desk.claim.case.id}").text
    assert "回执" in send(desk.clerk, f"{where}/confirm")
    assert "Y-7" in desk.clerk.get(f"/insurance/cases/{desk.claim.case.id}").text
    where = upload(desk, filled(desk, "claim", {reference: {"答复": "材料情况"}}))
    send(desk.clerk, f"{where}/confirm")
    send(desk.clerk, bring(desk, f"{reference},已赔付,,,,,大病医疗费,800,{TODAY}") + "/confirm")
    with desk.database.reading() as session:
        assert session.exec(select(LedgerEntry.units).where(LedgerEntry.source == "INSURANCE")).all() == [80_000]
        assert session.get_one(InsuranceCase, desk.claim.case.id).payout_fen == 80_000


def test_the_table_of_a_worklist_has_every_case_however_many_are_read_at_once(desk, monkeypatch):
    with desk.database.transaction() as session:
        home = scene.a_home(session, name="李小华", phone="10000000003")
        other = scene.a_case(session, NOW, home=home, insurer=desk.claim.insurer).case.reference
    monkeypatch.setattr(views_insurer, "READ_AT_ONCE", 1)
    file = desk.clerk.post("/insurance/find/list.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    assert sorted(row[0] for row in rows[1:]) == sorted((desk.claim.case.reference, other))


def test_a_consent_to_look_only_is_shown_on_the_page_and_put_into_no_file(desk):
    with desk.database.transaction() as session:
        match = session.get_one(Match, desk.claim.match.id)
        consent = session.exec(select(Consent).where(Consent.chain_id == match.consent_chain_id)).one()
        session.connection().exec_driver_sql("DROP TRIGGER consent_no_update")
        consent.mode = Mode.VIEW
        session.add(consent)
    file = desk.clerk.post("/insurance/find/list.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == desk.claim.case.reference
    assert "王小明" not in rows[1]
    assert "王小明" in desk.clerk.post(f"/our-matches/{desk.claim.match.id}/recipient").text


def filled(desk: Desk, tab: str, told: dict[str, dict[str, str]], *, lang: str = "zh_Hans") -> bytes:
    """The very worklist that goes out, in a language, with some cells of some cases filled in and the rest as it is."""
    desk.clerk.set_cookie("lang", lang)
    heads, *rows = _rows(desk.clerk.post(f"/insurance/{tab}/list.xlsx"))
    desk.clerk.set_cookie("lang", "zh_Hans")
    columns = [Column(str(head)) for head in heads]
    rows = [[told.get(row[0], {}).get(head, str(cell)) for head, cell in zip(heads, row, strict=True)] for row in rows]
    return write_xlsx(columns, rows)


def bring(desk: Desk, *rows: str) -> str:
    head = "事项编号,答复,险种,保单号,原因,缺少材料,费用类别,赔付金额(元),赔付日期"
    return upload(desk, "\n".join((head, *rows)).encode())


def upload(desk: Desk, data: bytes) -> str:
    return desk.clerk.post("/insurance/import", data={"file": (io.BytesIO(data), "answers.csv")}).headers["Location"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{ref},已赔付,,,,,,,", "不能为空"),
        ("{ref},已参保,渝快保,Y-1,,,,,", "不是这一步"),
        ("{ref},未能参保,,,未达起付线,,,,", "没有这个选项"),
        ("BXUNKNOWN,未查到保单,,,,,,,", "没有这个事项编号"),
        ("{ref},查到保单,渝快保,a b,,,,,", "只能有字母"),
    ],
)
def test_a_row_that_cannot_be_is_named_with_its_number_and_its_mend(desk, row, told):
    page = desk.clerk.get(bring(desk, row.format(ref=desk.claim.case.reference))).text
    assert told in page
    assert re.search(r"<td[^>]*num[^>]*>2</td>", page)


def test_an_approver_sees_how_insurers_stand_and_decides_what_gives_way(desk):
    with desk.database.transaction() as session:
        _need, match = scene.charity_money(session, desk.claim.household, NOW, gap=1_000_000, fen=800_000)
        case, clerk = desk.claim.case.id, desk.claim.clerk
        service.cover_found(session, case, scheme="YKB", policy_number="1", actor=clerk, now=NOW)
        service.ask_papers(session, case, papers=[], actor=clerk, now=NOW)
        service.paid(session, case, Paid("MEDICAL.MAJOR", 500_000, TODAY), actor=clerk, now=NOW)
        overlap = session.exec(select(PayoutOverlap.id)).one()
    approver = client_as(desk.app, Role.APPROVER)
    assert "先用保险，后用善款" in approver.get("/staff").text
    page = approver.get("/insurance/overview").text
    for shown in (desk.claim.insurer.name, "¥5,000", "赔付与善款重叠"):
        assert shown in page
    assert "¥3,000" in approver.get("/insurance/overlaps").text
    page = approver.get(f"/insurance/overlaps/{overlap}").text
    for shown in ("调低到 ¥5,000", "¥8,000", "¥10,000"):
        assert shown in page
    assert approver.post(f"/insurance/overlaps/{overlap}/leave", data={"confirmed": "yes"}).status_code == 422
    assert "已处理" in send(approver, f"/insurance/overlaps/{overlap}/lower/{match.id}")
    assert "已调低慈善金额" in approver.get(f"/insurance/overlaps/{overlap}").text
    assert client_as(desk.app, Role.VERIFIER).get("/insurance/overlaps").status_code == 403


def test_an_empty_desk_says_what_will_appear(desk):
    assert "事项会出现在这里" in desk.clerk.get("/insurance/answer").text
    with desk.database.transaction() as session:
        session.delete(session.get_one(InsuranceCase, desk.claim.case.id))
        session.delete(session.get_one(InsuranceCase, desk.place.case.id))
    assert "还没有事项" in client_as(desk.app, Role.VERIFIER).get("/insurance/overview").text
