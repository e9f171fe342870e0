"""Reports on the screen: counted, looked at, published, opened row by row, taken along as a file."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import FollowUp, GiverResult, Match
from marketplace.households.models import Household
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.reports.models import Figure
from marketplace.reports.months import month_of
from marketplace.reports.words import reason
from marketplace.web.formats import month_in
from tests.marketplace.test_reports import a_match
from tests.pages.people import client_as

ROOT = Path(__file__).parents[2] / "marketplace"
ROOMS = ("claims", "decisions", "payments", "rights")
LAST_MONTH = month_of(datetime.now(UTC)).before


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    with sqlite_database.transaction() as session:
        for _ in range(3):
            a_match(session, delivered_at=LAST_MONTH.starts, created_at=LAST_MONTH.starts)
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.APPROVER)


def counted(client: FlaskClient) -> str:
    """The address of last month's draft."""
    answer = client.post("/reports/count", data={"month": LAST_MONTH.text})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_month_is_counted_read_published_and_checked(staff):
    assert "还没有月报" in staff.get("/reports/").text
    where = counted(staff)
    page = staff.get(where).text
    for shown in ("通过善桥发放", "食品包", "渝中区", "¥1,200"):
        assert shown in page
    assert "草稿" in staff.get(f"{where}/check").text
    assert "不能再改" in staff.get(f"{where}/publish").text
    staff.post(f"{where}/publish", data={"confirmed": "yes"})
    page = staff.get(where).text
    assert "已发布" in page
    assert "SHA-256" in page
    assert "与发布时一致" in staff.get(f"{where}/check").text
    assert month_in(LAST_MONTH.text, language="zh") in staff.get("/reports/").text
    paper = staff.get(f"{where}/print").text
    for shown in ("data-print", "¥1,200", "SHA-256", "负责人（签字、盖章）", "已发放，按区县"):
        assert shown in paper


def test_a_published_month_says_on_its_page_that_more_has_come(staff, sqlite_database):
    where = counted(staff)
    staff.post(f"{where}/publish", data={"confirmed": "yes"})
    assert "统计之后" not in staff.get(where).text
    with sqlite_database.transaction() as session:
        home, now = session.exec(select(Household)).first(), datetime.now(UTC)
        late = LedgerEntry(
            id="late", source="INSURANCE", source_index="late", household_id=home.id, giver="普惠保险甲",
            category="MEDICAL.MAJOR", units=123_400, given_on=LAST_MONTH.first_day, state=AidState.DELIVERED,
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(late)
    page = staff.get(where).text
    for shown in ("统计之后", "¥1,234", f"/reports/count?month={LAST_MONTH.text}"):
        assert shown in page


def test_a_number_leads_to_its_rows_and_the_rows_to_a_file(staff):
    where = counted(staff)
    page = staff.get(f"{where}/rows/given?district_code=500103").text
    assert "第1至3条" in page
    assert "没有记录" in staff.get(f"{where}/rows/given?district_code=500101").text
    assert staff.get(f"{where}/rows/nonsense").status_code == 404
    file = staff.get(f"{where}/rows.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    # 3 deliveries and 3 needs of 10 packs that are covered by 4 each.
    assert [row[5] for row in rows[1:]] == [4, 4, 4, 6, 6, 6]
    assert "王小明" not in str(rows)


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_every_reason_with_which_the_house_itself_ends_a_match_has_its_words(app, lang):
    sources = [path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).glob("*.py")]
    codes = {code for text in sources for code in re.findall(r'moves\.end\([^)]*?reason_code="(\w+)"', text)}
    codes |= {code for text in sources for code in re.findall(r'_free\([^)]*?reason_code="(\w+)"', text)}
    assert {"no_answer", "not_reached", "held_too_long", "consent_void"} <= codes
    with app.test_request_context(f"/?lang={lang}"):
        raw = [code for code in sorted(codes) if reason(code, Figure.ENDED) == code]
    assert raw == []


def test_a_published_month_asks_why_it_is_counted_again(staff):
    where = counted(staff)
    staff.post(f"{where}/publish", data={"confirmed": "yes"})
    answer = staff.post("/reports/count", data={"month": LAST_MONTH.text})
    assert answer.status_code == 422
    assert "请写明为什么要更正" in answer.text
    answer = staff.post("/reports/count", data={"month": LAST_MONTH.text, "note": "补报"})
    assert "第 2 版" in staff.get(answer.headers["Location"]).text


@pytest.mark.parametrize(("month", "told"), [("11/2026", "2026-11"), ("2999-01", "还没有开始")])
def test_a_month_that_cannot_be_counted_is_explained_at_its_field(staff, month, told):
    answer = staff.post("/reports/count", data={"month": month})
    assert answer.status_code == 422
    assert told in answer.text


def test_an_auditor_sees_numbers_but_small_ones_are_hidden_and_rows_are_not_opened(app, staff):
    where = counted(staff)
    auditor = client_as(app, Role.AUDITOR)
    page = auditor.get(where).text
    assert "少于 10 户" in page
    assert "/rows/" not in page
    assert auditor.get(f"{where}/rows/given").status_code == 403
    assert auditor.get(f"{where}/rows.xlsx").status_code == 403


def test_a_giver_has_a_report_of_its_own_and_never_sees_the_citys_or_anothers(app, staff, sqlite_database):
    with sqlite_database.reading() as session:
        first, second = [match.org_id for match in session.exec(select(Match).order_by(Match.id)).all()][:2]
    manager = client_as(app, Role.CHARITY_MANAGER, org_id=first)
    assert manager.get(counted(staff)).status_code == 404
    mine = counted(manager)
    page = manager.get(mine).text
    assert "¥400" in page
    assert "不显示：少于 10 户" in page, "what is unmet elsewhere is never told exactly"
    assert "our-matches/match-" in manager.get(f"{mine}/rows/given").text
    assert client_as(app, Role.CHARITY_MANAGER, org_id=second).get(mine).status_code == 404
    worker = client_as(app, Role.CHARITY_WORKER, org_id=first)
    assert worker.get(f"{mine}/publish").status_code == 403


def test_civil_affairs_reads_and_counts_a_givers_month_and_leaves_the_publishing_to_it(app, staff, sqlite_database):
    with sqlite_database.reading() as session:
        first, second = [match.org_id for match in session.exec(select(Match).order_by(Match.id)).all()][:2]
    assert f"/reports/?org={first}" in staff.get(f"/organisations/{first}").text
    where = f"/reports/?org={first}"
    assert "还没有月报" in staff.get(where).text
    answer = staff.post(f"/reports/count?org={first}", data={"month": LAST_MONTH.text})
    draft = answer.headers["Location"]
    assert "¥400" in staff.get(draft).text
    assert draft in staff.get(where).text
    assert draft not in staff.get("/reports/").text, "the city's list has the city's only"
    assert f"{draft}/publish" not in staff.get(draft).text
    assert staff.post(f"{draft}/publish", data={"confirmed": "yes"}).status_code == 403
    manager = client_as(app, Role.CHARITY_MANAGER, org_id=first)
    assert manager.post(f"{draft}/publish", data={"confirmed": "yes"}).status_code == 303
    again = staff.post(f"/reports/count?org={first}", data={"month": LAST_MONTH.text, "note": "改正"})
    assert "该机构已发布" in again.text
    newer = manager.post("/reports/count", data={"month": LAST_MONTH.text, "note": "补报"}).headers["Location"]
    offered = ["/reports/count?month=" in who.get(newer).text for who in (staff, manager)]
    assert offered == [False, True], "no button that always refuses"
    assert draft in client_as(app, Role.VERIFIER).get(where).text
    stranger = client_as(app, Role.CHARITY_MANAGER, org_id=second)
    assert draft not in stranger.get(where).text, "a giver reads its own whatever the address says"
    assert staff.get("/reports/?org=nobody").status_code == 404


def test_every_figure_opens_its_rows_with_their_values_and_a_row_its_match(app, staff, sqlite_database):
    with sqlite_database.transaction() as session:
        match = session.exec(select(Match).order_by(Match.id)).first()
        told = {"id": "told", "match_id": match.id, "created_at": LAST_MONTH.starts}
        talk = {"answered_by": "worker-1", "satisfaction": 2, "remains": "part"}
        session.add(FollowUp(**talk, staff_minutes=17, helper_minutes=31, **told))
        session.add(GiverResult(outcome="given", minutes=45, told_by="manager-1", **told))
    where = counted(staff)
    for lang, satisfaction in (("zh_Hans", "满意度"), ("en", "satisfaction")):
        staff.set_cookie("lang", lang)
        page = staff.get(where).text
        for figure, many in (("given", 2), ("followed", 3), ("result", 1)):
            assert page.count(f'<a href="{where}/rows/{figure}"><span class="stat-value">') == many
        rows = staff.get(f"{where}/rows/followed").text
        assert satisfaction in rows.lower()
        assert re.findall(r'class="num">(\d+)</td>', rows)[-3:] == ["2", "17", "31"]
        assert re.findall(r'class="num">(\d+)</td>', staff.get(f"{where}/rows/result").text)[-1:] == ["45"]
        assert f'href="/matches/find?number={match.id}"' in rows
        assert match.id[:8] in staff.get(f"/matches/find?number={match.id}").text
    auditor = client_as(app, Role.AUDITOR)
    assert "/rows/" not in auditor.get(where).text
