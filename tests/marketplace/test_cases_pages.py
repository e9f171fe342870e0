"""The household's way on the screen: in by a code, applied in few taps, followed, decided by staff; both languages."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlmodel import col, func, select

from adapters.items import ItemResult
from marketplace.accounts import codes, limits, ties
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account, AccountSession, RateCount, SignInCode
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.cases import aided, departments, notice, outcome, service, steps
from marketplace.cases.amounts import proposed
from marketplace.cases.models import Case, CaseItem, CasePaper, CaseStep, ItemState
from marketplace.cases.whose import who_decided
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households import facts, newcomers
from marketplace.households.models import Household, Person
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.service import find_person_by_phone, masked_name
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.readback.models import ReadBack, SecondCall
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.words import label, list_codes
from marketplace.sealed import vault_of
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, HUNG, WORKER, _all_refused, send, walk
from tests.pages.people import household_client

CITY = "500103"
RURAL, TOWNSHIP = "500101", "500101109"
MOST_TAPS = 12


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def _client(app: Flask, token: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("sid", token)
    return client


@pytest.fixture
def home(app: Flask) -> FlaskClient:
    """A household that was never asked for its number."""
    with app.extensions["database"].transaction() as session:
        household = make.a_household(session)
        person = session.exec(select(Person).where(Person.household_id == household.id)).one()
        token = accounts.open_for_person(session, person.id, household.id, now=datetime.now(UTC))
    return _client(app, token)


def staff(app: Flask, login: str, role: Role) -> FlaskClient:
    """Somebody of this district."""
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        made = accounts.create_account(
            session, login, display_name=login, role=role, password="a-long-password", districts=[CITY], now=now
        )
        token = accounts.open_for_account(session, made, now=now)
    return _client(app, token)


def photo() -> bytes:
    """A small picture with a place and a time in it."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x9003] = "2026:11:23 10:00:00"
    Image.new("RGB", (40, 30), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


def apply(client: FlaskClient, **over: object) -> tuple[str, int]:
    """The whole way; the address of the confirmation and the presses it took (ticks and buttons)."""
    answer = client.post("/cases/start")
    taps = 1
    where = answer.headers["Location"]
    pages = {
        "wants": ({"wants": ["living", "illness"]}, 3),
        "money": ({"size": "2", "income_fen": "500", "medical_fen": "60000"}, 1),
        "situation": ({"ticks": ["no_pension"]}, 2),
        "card": ({"id_number": make_id_number("509900", date(1960, 3, 4), seq=7)}, 1),
        "sign": ({"agree": "y", "all_classes": "y", "typed_name": "王小明"}, 3),
    }
    while "/step/" in where:
        name = where.rpartition("/")[2]
        assert client.get(where).status_code == 200
        data, cost = pages[name]
        sent = {**data, **(over if name == "wants" else {})}
        if name == "card":
            sent["photo"] = (io.BytesIO(photo()), "card.jpg")
        answer = client.post(where, data=sent, content_type="multipart/form-data")
        assert answer.status_code == 303, re.findall(r'class="error"[^\n]*', answer.text)
        where, taps = answer.headers["Location"], taps + cost
    assert client.get(where).status_code == 200
    answer = client.post(where)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"], taps + 1


def test_a_first_application_takes_at_most_twelve_taps_and_ends_with_number_and_code(
    app: Flask, home: FlaskClient
) -> None:
    where, taps = apply(home)
    assert taps <= MOST_TAPS
    page = home.get(where).text
    assert re.search(r"SQ\d{10}", page)
    assert "<svg" in page
    with app.extensions["database"].reading() as session:
        paper = session.exec(select(CasePaper).where(CasePaper.kind == "id_photo")).one()
        assert paper.body is not None
        assert paper.size_bytes > 0
    case = where.removesuffix("/sent")
    for path, word in ((case, "最低生活保障"), (case + "/print", "最低生活保障"), ("/cases/mine", "SQ")):
        assert word in home.get(path).text
    for path in (case, case + "/print", "/cases/mine", where, "/apply", "/times", "/public-notices"):
        page = home.get(path + "?lang=en").text
        main = page[page.index("<main") : page.index("</main>")]
        assert path == "/public-notices" or not re.search("[\u4e00-\u9fff]", main), path


def test_who_comes_back_finds_the_answers_and_is_not_asked_for_a_known_card(app: Flask, home: FlaskClient) -> None:
    apply(home)
    answer = home.post("/cases/start")
    where = answer.headers["Location"]
    home.post(where, data={"wants": ["housing"]})
    again = home.post("/cases/start").headers["Location"]
    assert again.endswith("/check")
    base = again.removesuffix("/check")
    assert (
        home.post(base + "/step/money", data={"size": "2", "income_fen": "1"}).headers["Location"].endswith("situation")
    )
    assert home.post(base + "/step/situation", data={}).headers["Location"].endswith("/sign")
    unsigned = home.post(again)
    assert unsigned.status_code == 422
    assert "请先签署授权" in unsigned.text


def test_a_wrong_number_is_told_at_its_field(home: FlaskClient) -> None:
    base = home.post("/cases/start").headers["Location"].removesuffix("wants")
    answer = home.post(base + "card", data={"id_number": "509900196003040000"})
    assert answer.status_code == 422
    assert "号码不对" in answer.text


def test_who_applies_with_a_telephone_that_was_another_s_comes_in_as_somebody_new(app: Flask, now: datetime) -> None:
    client, database = app.test_client(), app.extensions["database"]
    me = {"name": "王小明", "phone": "13800000001", "district": RURAL, "street": TOWNSHIP}
    come_in(client, me)
    with database.transaction() as session:
        first = session.exec(select(Person)).one()
        gone, home = first.id, first.household_id
        facts.erase(session, first, actor=SYSTEM, now=now)
    come_in(client, {**me, "name": "新来的"})
    with database.transaction() as session:
        second = find_person_by_phone(session, me["phone"])
        assert second is not None
        assert gone != second.id
        assert home != second.household_id
        assert session.get_one(Person, gone).name is None
        facts.correct(session, second, "phone", "13800000002", actor=SYSTEM, now=now)
        kept, name = second.id, masked_name(session, second)
    come_in(client, {**me, "name": "换号人"})
    with database.reading() as session:
        third = find_person_by_phone(session, me["phone"])
        assert third is not None
        assert third.household_id != session.get_one(Person, kept).household_id, "a number that is given out again"
        assert masked_name(session, session.get_one(Person, kept)) == name
        assert len(session.exec(select(AccountSession)).all()) == 1, "the browser's earlier sign-in ends with a new one"
    with database.transaction() as session:
        vault, other = vault_of(session), "13800000003"
        text = newcomers.kept_text(vault, name="慢慢来", phone=other, district=RURAL, street=TOWNSHIP, now=now)
        index, late = vault.index("phone", other), [now + timedelta(minutes=n) for n in (31, 41, 35)]
        assert newcomers.number_of(session, text, index, now=late[0]) == "", "no code is sent so late"
        known = [newcomers.come_in(session, text, index, actor=SYSTEM, now=at) for at in late[1:]]
        assert [one is not None for one in known] == [False, True], (
            "a code that was sent in time is good while it lives"
        )
    locked_after(client, "/apply", {**me, "phone": "13800000009"}, what="first", tries=100)


def locked_after(client: FlaskClient, path: str, data: dict[str, str], *, what: str, tries: int) -> None:
    """One try more than are allowed from a network is refused on the form, and its lock stays."""
    database, far = client.application.extensions["database"], {"REMOTE_ADDR": "10.9.9.9"}
    with database.transaction() as session:
        key = limits.key_of(session, what, "10.9.9.9")
        session.add(RateCount(key=key, window_at=datetime.now(UTC), count=tries))
    refused = client.post(path, data=data, environ_base=far)
    assert (refused.status_code, "次数太多" in refused.text) == (422, True)
    with database.reading() as session:
        assert session.get_one(RateCount, key).locked_until is not None


def test_a_stranger_comes_in_by_the_code_of_an_item_and_is_known_by_the_telephone(app: Flask) -> None:
    client = app.test_client()
    assert "临时救助" in client.get("/apply/LINSHI").text
    assert client.get("/apply/NOTHING").status_code == 404
    me = {"name": "王小明", "phone": "13800000001", "district": RURAL}
    asked = client.post("/apply", data=me)
    assert (asked.status_code, "小周镇" in asked.text) == (200, True), "the street is asked once the district is known"
    assert client.post("/apply", data={**me, "street": ""}).status_code == 422
    assert client.post("/apply", data={**me, "street": "500103001"}).status_code == 422, "a street of another district"
    me["street"] = TOWNSHIP
    told = client.post("/apply", data=me)
    assert (told.status_code, told.headers["Location"]) == (303, "/enter")
    assert me["phone"] not in str(told.headers), "the browser keeps nothing that its next user could read"
    again = client.post("/apply", data=me)
    assert again.headers["Location"] == "/enter"
    for n in range(10):  # a waiting room behind one address
        sent = client.post("/apply", data={"name": "王小明", "phone": f"138000001{n:02}", "district": "nowhere"})
        assert sent.status_code == 422, "what is not filled in counts for nothing"
        assert client.post("/apply", data=me).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Person)).all() == [], "nothing is written down before the telephone is proved"
    client.post("/enter", data={"phone": "13800000001"})
    assert client.post("/enter/code", data={"code": digits_of(app)}).headers["Location"] == "/apply/LINSHI"
    with app.extensions["database"].reading() as session:
        assert len(session.exec(select(Person)).all()) == 1
        home = session.exec(select(Household)).one()
        assert (home.street_code, home.urban) == (TOWNSHIP, False), "a township is the country"
    begun = client.post("/cases/start", data={"code": "LINSHI"}).headers["Location"]
    client.post("/cases/start", data={"code": "GONGZU"})
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Case)).one().answers["only"] == ["LINSHI", "GONGZU"]
    assert begun.endswith("/wants")
    assert re.search(r'value="housing"[^>]*checked', client.get(begun).text), "what the code stands for is ticked"
    assert "临时救助" in client.get(begun.replace("/step/wants", "/check")).text


@pytest.mark.threat("T15")
def test_who_applies_by_somebody_else_s_number_gets_no_code_and_takes_nothing_from_its_owner(
    app: Flask, settings: Settings, now: datetime
) -> None:
    stranger, owner, database = app.test_client(), app.test_client(), app.extensions["database"]
    me = {"name": "冒名人", "phone": "13800000001", "district": RURAL, "street": TOWNSHIP}
    assert stranger.post("/apply", data=me).headers["Location"] == "/enter"
    stranger.post("/enter", data={"phone": me["phone"]})
    with database.transaction() as session:
        letter = session.exec(select(Notice)).one()
        message = compose(settings, session, letter)
        assert message is not None
        assert (letter.household_id, message.address) == (None, me["phone"]), "its owner reads the digits"
        session.exec(select(SignInCode)).one().used = True
        home = HouseholdFacts("registry", "R-1", RURAL, size=1, people=(PersonFacts(name="张奶奶", phone=me["phone"]),))
        register_many(session, [home], actor=SYSTEM, now=now)
    assert stranger.post("/enter/code", data={"code": "000000"}).status_code == 422
    owner.post("/enter", data={"phone": me["phone"]})
    assert owner.post("/enter/code", data={"code": digits_of(app)}).status_code == 303
    with database.reading() as session:
        signed_in = session.exec(select(AccountSession)).one()
        assert session.get_one(Household, signed_in.household_id).source == "registry"
        assert session.exec(select(func.count()).select_from(Household)).one() == 1


def come_in(client: FlaskClient, me: dict[str, str]) -> None:
    """Apply, then prove the telephone."""
    assert client.post("/apply", data=me).headers["Location"] == "/enter"
    client.post("/enter", data={"phone": me["phone"]})
    client.post("/enter/code", data={"code": digits_of(client.application)})


def digits_of(app: Flask) -> str:
    with app.extensions["database"].reading() as session:
        return codes.code_text(session, session.exec(select(SignInCode.id).where(~col(SignInCode.used))).one())


def test_staff_work_an_item_from_the_board_to_a_refusal_with_its_reason_and_the_way_to_object(
    app: Flask, home: FlaskClient
) -> None:
    where, _taps = apply(home)
    case_page = where.removesuffix("/sent")
    database = app.extensions["database"]
    with database.reading() as session:
        item_id = session.exec(select(CaseItem.id).where(CaseItem.code == "DIBAO")).one()
    worker, approver = staff(app, "w", Role.WORKER), staff(app, "a", Role.APPROVER)
    page = f"/cases/items/{item_id}"
    assert page in worker.get("/cases/board").text
    assert worker.get("/cases/leaflets").text.count("<svg") >= 14
    shown = worker.get(page).text
    assert ("缺少材料" in shown, "家庭年收入" in shown) == (True, True), "its word beside what departments tell"
    assert worker.post(page + "/stop", data={"missing": "收入证明、户口簿"}).status_code == 303
    assert "收入证明、户口簿" in home.get(case_page).text
    assert home.post(page + "/answered").status_code == 303
    assert home.post(page + "/urge").status_code == 303
    assert "已催办 1 次" in home.get(case_page).text
    for _step in ("check_papers", "start_check", "check_and_visit"):
        assert worker.post(page + "/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 303
    stranger = app.test_client()
    hanging = stranger.get(f"/public-notices/{CITY}")
    assert "王*明" in hanging.text
    assert "街道<" in hanging.text
    assert "王小明" not in hanging.text
    objected = stranger.post(f"/public-notices/{CITY}/{item_id}", data={"text": "他家有车"})
    code = re.search(r"\b[A-Z2-9]{4} [A-Z2-9]{4} [A-Z2-9]{4}\b", objected.text)
    assert code is not None
    locked_after(stranger, f"/public-notices/{CITY}/{item_id}", {"text": "他家有车"}, what="object", tries=10)
    assert "他家有车" not in hanging.text
    found = re.search(r"/cases/objections/\w+", worker.get(page).text)
    assert found is not None
    assert "他家有车" not in worker.get(page).text
    told = {"finding": "属实", "upheld": "y"}
    assert worker.post(found[0] + "/answer", data=told).status_code == 409, "nobody answers what it has not read"
    assert approver.post(found[0]).status_code == 403
    assert "他家有车" in worker.post(found[0]).text
    assert "他家有车" in worker.post(found[0] + "/answer", data={}).text
    assert "他人对公示提出的异议" in home.get("/who-saw").text
    assert worker.post(found[0] + "/answer", data=told).status_code == 303
    assert "属实" in stranger.post("/public-notices/answer", data={"code": code[0]}).text
    assert stranger.post("/public-notices/answer", data={"code": "AAAA"}).status_code == 422
    assert "属实" in approver.get(page).text
    assert "有人对公示提出异议" in home.get(case_page).text
    with database.transaction() as session:
        step = steps.running_step(session, item_id)
        step.due_at = datetime.now(UTC) - timedelta(seconds=1)
        step.started_at = step.due_at - timedelta(days=3)
        session.add(step)
    assert notice.over(database, now=datetime.now(UTC)) >= 1
    assert "决定" in approver.get(page).text
    with database.transaction() as session:
        session.get_one(CaseItem, item_id).due_at = datetime.now(UTC) - timedelta(days=1)
    no_cause = approver.post(page + "/decide", data={"verdict": "refused", "reason": "income_over"})
    late_field = no_cause.text.partition('for="late_cause"')[2].partition("</select>")[0]
    assert "optional" not in late_field.partition("</label>")[0]
    assert 'id="late_cause-error"' in late_field
    assert 'aria-invalid="true"' in late_field
    no_reason = approver.post(page + "/decide", data={"verdict": "refused", "late_cause": "objection"})
    assert no_reason.status_code == 422
    for name in ("reason", "amount_fen"):
        label = no_reason.text.partition(f'<label class="label" for="{name}">')[2].partition("</label>")[0]
        assert label, "it is on the page"
        assert "optional" not in label, "one of both is asked, and its label says when"
    decided = {"verdict": "refused", "reason": "income_over", "note": "人均收入高于标准", "late_cause": "objection"}
    assert approver.post(page + "/decide", data=decided).status_code == 303
    told = home.get(case_page).text
    assert "收入超过标准" in told
    assert "六十日" in told
    with database.transaction() as session:
        assert session.get_one(CaseItem, item_id).state is ItemState.REFUSED
        assert {step.ended_by for step in session.exec(select(CaseStep).where(CaseStep.item_id == item_id))} > {
            SYSTEM.id
        }
        case_id = session.get_one(CaseItem, item_id).case_id
        asked = select(CaseItem).where(CaseItem.case_id == case_id, CaseItem.code == "DIBIAN_GANGXING")
        page = f"/cases/items/{session.exec(asked).one().id}"
        walk(session, session.exec(asked).one(), datetime.now(UTC))
    _is_identified(approver, page, case_page, home)


def _is_identified(approver: FlaskClient, page: str, case_page: str, home: FlaskClient) -> None:
    """The class that the numbers speak for is chosen beforehand; the officer's word counts, and the family reads it."""
    choice = re.findall(r'name="found" value="(\w+)"( checked)?', approver.get(page).text)
    assert choice == [("DIBIAN", " checked"), ("GANGXING", "")]
    none = approver.post(page + "/decide", data={"verdict": "granted"})
    assert (none.status_code, "认定为哪一类家庭。" in none.text) == (422, True)
    assert approver.post(page + "/decide", data={"verdict": "granted", "found": "GANGXING"}).status_code == 303
    for told in (approver.get(page), home.get(case_page), home.get(page + "/papers/decision")):
        assert "刚性支出困难家庭" in re.sub("低保边缘/刚性支出困难家庭认定", "", told.text)


def test_the_times_of_a_month_are_published_for_everybody(app: Flask) -> None:
    approver = staff(app, "a", Role.APPROVER)
    path = re.search(r'action="(/times/[\d-]+)"', approver.get("/times").text)
    assert path is not None
    assert approver.post(path[1]).status_code == 303
    page = app.test_client().get("/times").text
    assert "已固定" in page
    assert "/times/2" not in page


def test_a_household_takes_one_thing_back_and_keeps_the_rest(app: Flask, home: FlaskClient) -> None:
    where, _taps = apply(home)
    page = where.removesuffix("/sent")
    with app.extensions["database"].reading() as session:
        asked = select(CaseItem).where(CaseItem.code == "LINSHI")
        path = f"/cases/items/{session.exec(asked).one().id}/withdraw"
    assert path in home.get(page).text
    assert "只撤回这一项" in home.get(path).text
    assert home.post(path).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(asked).one().state is ItemState.WITHDRAWN
        assert session.exec(select(Case)).one().state.value == "open"
    assert path not in home.get(page).text
    assert home.post(path).status_code == 409


def test_a_household_takes_its_application_back(app: Flask, home: FlaskClient) -> None:
    where, _taps = apply(home)
    path = where.removesuffix("/sent") + "/withdraw"
    assert home.get(path).status_code == 200
    assert home.post(path).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Case)).one().state.value == "withdrawn"


def test_a_bill_is_handed_in_as_a_photo_drawn_anew_one_at_a_time(app: Flask, home: FlaskClient) -> None:
    case = apply(home)[0].removesuffix("/sent")
    path = case + "/bills"
    for turn in ("en", "zh_Hans"):
        assert home.get(f"{path}?lang={turn}").status_code == 200
        sent = {"photo": (io.BytesIO(photo()), "bill.jpg")}
        assert home.post(path, data=sent, content_type="multipart/form-data").status_code == 303
    wrong = {"photo": (io.BytesIO(b"%PDF-1.4"), "bill.pdf")}
    assert home.post(path, data=wrong, content_type="multipart/form-data").status_code == 422
    with app.extensions["database"].reading() as session:
        kept = session.exec(select(CasePaper).where(CasePaper.kind == "bill")).all()
        assert len(kept) == 2
    worker = staff(app, "w-papers", Role.WORKER)
    with app.extensions["database"].reading() as session:
        item_id = session.exec(select(CaseItem.id).where(CaseItem.code == "DIBAO")).one()
    assert worker.post(f"/cases/items/{item_id}/stop", data={"missing": ""}).status_code == 422
    named = {"papers": ["INCOME_PROOF"], "missing": "房产证"}
    assert worker.post(f"/cases/items/{item_id}/stop", data=named).status_code == 303
    for page in (case, f"{case}/print", f"{case}/aloud"):
        assert "收入、财产、支出证明、房产证" in home.get(page).text, page
    home.post(case + "/withdraw")
    assert home.get(path).status_code == 404


def test_the_quick_help_does_not_use_up_the_larger_aid_for_an_illness(app: Flask, home: FlaskClient) -> None:
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        household = session.exec(select(Household)).one()
        cost: Any = {"wants": ["illness"], "medical_fen": 5_000_000}
        case, items = send(session, now, household, ticks=["sudden"], **cost)
        fast = outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=60_000, actor=WORKER, now=now)
    page = home.get(f"/cases/{case.id}?lang=en").text
    assert "began by itself" in page, "nobody applies a second time"
    assert "This is the quick help" in page
    with app.extensions["database"].transaction() as session:
        assert "larger_begun" in session.exec(select(Notice.letter)).all(), "and it is told"
        first, large = [one for one in service.list_items(session, case.id) if one.code == "LINSHI"]
        assert (first.id, first.path, large.path) == (fast.id, "LINSHI_FAST", "LINSHI_GENERAL")
        on = local_day(now)
        table = proposed("LINSHI", service.facts_of(session, case, on=on), path=large.path, district=CITY, on=on)
        walk(session, large, now)
        assert not aided.aided_already(session, large, now=now)
        assert aided.aided_already(session, fast, now=now) is False
    shown = staff(app, "a-large", Role.APPROVER).get(f"/cases/items/{large.id}").text
    assert f"{(table - 60_000) // 100:,}" in shown, "what was given quickly is counted in"
    with app.extensions["database"].transaction() as session:
        told: Any = {"amount_fen": 1_000, "actor": APPROVER, "now": now}
        assert outcome.decide(session, large.id, granted=True, **told).state is ItemState.GRANTED


def test_papers_are_named_once_before_sending_and_can_be_handed_in_then_or_while_it_runs(
    app: Flask, home: FlaskClient
) -> None:
    sign = until_signing(home)
    assert home.post(sign, data={"agree": "y", "typed_name": "王小明"}).status_code == 303
    case = sign.removesuffix("/step/sign")
    page = home.get(case + "/check").text
    assert page.count("户口簿或居住证") == 1, "named once, though several items want it"
    assert f"{case}/bills" in page
    sent = {"photo": (io.BytesIO(photo()), "bill.jpg")}
    assert home.post(case + "/bills", data=sent, content_type="multipart/form-data").status_code == 303
    assert "Here so far: 1" in home.get(case + "/check?lang=en").text
    assert home.post(case + "/check").status_code == 303, "what the signer hands in does not void the signature"
    assert f"{case}/bills" in home.get(case + "/sent").text
    assert f"{case}/bills" in home.get(f"{case}?lang=en").text, "also while nobody has asked for it"
    with app.extensions["database"].reading() as session:
        assert session.exec(select(CasePaper.kind).where(CasePaper.kind == "bill")).all() == ["bill"]


def test_a_decision_names_the_office_that_made_it_and_a_page_the_one_that_has_the_item(app: Flask) -> None:
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        case, items = send(session, now, ticks=["sudden"])
        day, home = walk(session, items["DIBAO"], now), case.household_id
        items["LINSHI"].office = "500103003"
        outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=60_000, actor=WORKER, now=now)
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=HUNG, actor=APPROVER, now=day)
    client, medical = household_client(app, home), items["YILIAO_JIUZHU"].id
    words = {
        "zh_Hans": ("渝中区民政局", "医疗保障", "渝中区"),
        "en": ("Civil affairs of Yuzhong", "Healthcare", "Yuzhong"),
    }
    for lang, (county, department, _place) in words.items():
        for page in ("", "/print", "/aloud"):
            told = client.get(f"/cases/{case.id}{page}?lang={lang}").text
            assert [one for one in (county, department) if one not in told] == [], (page, lang)
            assert "主管部门" not in told, page
    with app.extensions["database"].transaction() as session:
        departments.take(session, "HSA", ItemResult(medical, 1, "refused", 0, "income_over"), now=day)
    deciders = {items["DIBAO"].id: 0, items["LINSHI"].id: 2, medical: 1}
    for lang, told_by in words.items():
        for item_id, place in deciders.items():
            paper = client.get(f"/cases/items/{item_id}/papers/decision?lang={lang}").text
            assert told_by[place] in paper, (lang, item_id)
            assert "王小明" in paper
            assert ("解放碑街道" in paper) == (place == 2)
    step = CaseStep(code="confirm", holder="TOWNSHIP", outcome="granted", started_at=now, item_id="x", no=5)
    town = CaseItem(id="x", district_code="500116", office="500116", decided_at=now, decided_by="")
    with app.test_request_context(), app.extensions["database"].reading() as session:
        assert who_decided(session, town, [step]) == "江津区 · 街道（乡镇）"


FINGER = "20,40 60,90 120,60;200,50 240,120 300,80"


def until_signing(client: FlaskClient) -> str:
    """The address of the page on which an application is signed."""
    where = client.post("/cases/start").headers["Location"]
    pages = {"wants": {"wants": ["living"]}, "money": {"size": "1", "income_fen": "0"}, "situation": {}}
    pages["card"] = {"id_number": make_id_number("509900", date(1960, 3, 4), seq=7)}
    while not where.endswith("/step/sign"):
        where = client.post(where, data=pages[where.rpartition("/")[2]]).headers["Location"]
    return where


def test_a_finger_signs_as_well_as_a_typed_name_and_the_printed_authorisation_shows_it(
    app: Flask, home: FlaskClient
) -> None:
    sign = until_signing(home)
    paper, number = sign.replace("/step/sign", "/papers/authorisation"), "50990019600304007"
    worker = staff(app, "w-finger", Role.WORKER)
    assert number in worker.post(f"{paper}/signed").text, "to be signed at home, it says whose it is"
    for sent, word in (({}, "请在此签名"), ({"drawn": "1,1"}, "签名无法识别")):
        answer = home.post(sign, data={"agree": "y", **sent})
        assert (answer.status_code, word in answer.text) == (422, True)
    assert home.post(sign, data={"agree": "y", "drawn": FINGER}).status_code == 303
    whole = ("王小明", number, 'points="20,40 60,90 120,60"')
    for told in (home.get(paper).text, worker.post(f"{paper}/signed").text):
        assert [one for one in whole if one not in told] == []
    assert not [one for one in ("王小明", number, "points=") if one in worker.get(paper).text]
    with app.extensions["database"].reading() as session:
        held = session.exec(select(CasePaper).where(CasePaper.kind == "drawn_name")).one()
        assert b"20,40" not in held.body.envelope
        asked = select(AuditRow.object_ref).where(AuditRow.action == "case:paper_look")
        assert session.exec(asked.order_by(AuditRow.seq)).all() == [held.case_id, held.id]


def test_the_application_on_paper_asks_all_that_the_screen_asks_and_leads_staff_to_where_it_is_typed(
    app: Flask,
) -> None:
    page = app.test_client().get("/apply/on-paper?lang=en").text
    for want in list_codes("case_want"):
        assert label("case_want", want, lang="en") in page
    for words in ("Income of all together in a month", "Witness 2", "Code for", "nobody else"):
        assert words in page
    assert staff(app, "w-paper", Role.WORKER).get("/cases/counter").status_code == 200


def test_who_declared_to_be_close_handles_nothing_of_the_household_and_another_officer_does(
    app: Flask, home: FlaskClient
) -> None:
    apply(home)
    near, other = staff(app, "w-near", Role.WORKER), staff(app, "w-other", Role.WORKER)
    with app.extensions["database"].transaction() as session:
        item = session.exec(select(CaseItem).where(CaseItem.code == "DIBAO")).one()
        account = session.exec(select(Account).where(Account.login == "w-near")).one()
        actor = Actor(id=account.id, role=Role.WORKER)
        number = make_id_number("509900", date(1960, 3, 4), seq=7)
        ties.declare(session, number, reference="cousin", actor=actor, now=datetime.now(UTC))
        page = f"/cases/items/{item.id}"
    assert near.post(f"{page}/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 409
    assert "请由其他工作人员办理" in near.get(page).text
    assert "必须入户核查" in other.get(page).text
    assert other.post(f"{page}/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 303
    assert other.post(f"{page}/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 303
    assert other.post(f"{page}/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 409
    assert "还没有记录入户" in other.get(page).text
    with app.extensions["database"].transaction() as session:
        visit = session.exec(select(HomeVisit).where(HomeVisit.source_ref == item.id)).one()
        visits.finish(session, visit, "REACHED_FINE", actor=Actor(id="w-1", role=Role.WORKER), now=datetime.now(UTC))
        visits.sign_second(session, visit.id, actor=Actor(id="w-2", role=Role.WORKER), now=datetime.now(UTC))
    unnamed = other.post(f"{page}/done", data={"opinion": "for"})
    assert unnamed.status_code == 422
    assert "请填写公示的金额" in unnamed.text
    assert other.post(f"{page}/done", data={"opinion": "for", "amount_fen": "500"}).status_code == 303
    assert "¥500" in app.test_client().get(f"/public-notices/{CITY}").text


def test_who_decides_sees_what_it_decides_on_and_the_household_sees_who_looked(app: Flask, home: FlaskClient) -> None:
    where, _taps = apply(home, wants=["living", "schooling"])
    case = where.removesuffix("/sent")
    with app.extensions["database"].transaction() as session:
        row = session.exec(select(Case)).one()
        row.answers = {**row.answers, "ticks": ["no_pension", "no_kin"], "schooling_fen": 777_700, "label": "DIBIAN"}
        session.add(row)
        item = session.exec(select(CaseItem.id).where(CaseItem.code == "DIBAO")).one()
    sent = {"photo": (io.BytesIO(photo()), "bill.jpg")}
    assert home.post(f"{case}/bills", data=sent, content_type="multipart/form-data").status_code == 303
    page = f"/cases/items/{item}"
    worker, approver = staff(app, "w-look", Role.WORKER), staff(app, "a-look", Role.APPROVER)
    for who in (worker, approver):
        told = who.get(page).text
        for words in ("没有人赡养抚养", "上学", "7,777", "低保边缘家庭", "王*明", "还没有人判断是否符合"):
            assert words in told, words
        assert "<img" not in told
        assert "王小明" not in told
        paths = re.findall(rf'action="({page}/uploads/\w+)"', told)
        assert len(paths) == 2
    assert worker.post(f"{paths[0]}/check", data={"fits": "y"}).status_code == 409, "nobody judges what it has not seen"
    for path in paths:
        assert "data:image/jpeg;base64,/9j/" in approver.post(path).text
        assert f"{path}/check" in worker.post(path).text
        assert worker.post(f"{path}/check", data={"fits": "y"}).status_code == 303
        assert approver.post(f"{path}/check", data={"fits": "y"}).status_code == 403
        assert home.post(path).status_code == 403
    assert worker.post(f"{page}/uploads/nothing").status_code == 404
    assert worker.get(page).text.count("还没有人判断是否符合") == 0
    seen, aloud = home.get("/who-saw").text, home.get(f"{case}/aloud").text
    assert seen.count("您上传的照片（证件或票据）") == 4
    assert "街道工作人员查看了：您上传的照片（证件或票据）" in aloud
    assert "整个事项应在" in aloud
    shown = worker.post(f"{page}/card", data={"field": "name", "reason": list_codes("reveal_reason")[0]})
    assert "王小明" in shown.text
    assert worker.post(f"{page}/card", data={"field": "name"}).status_code == 422


def test_a_worker_never_signs_for_a_household_and_what_it_read_aloud_says_so_on_paper(
    app: Flask, home: FlaskClient
) -> None:
    sign = until_signing(home)
    worker = staff(app, "w-sign", Role.WORKER)
    name = {"agree": "y", "hand_on": "y", "typed_name": "王小明"}
    assert "宣读并签名" in worker.get(sign).text
    assert worker.post(sign, data=name).status_code == 422
    case = sign.removesuffix("/step/sign")
    assert worker.post(f"{case}/check").status_code == 422
    page = worker.get(f"{case}/read-back").text
    read = page.split("<ol>")[1].split("</ol>")[0]
    assert "下一类" in read, "both questions besides are read aloud"
    assert "慈善" in read
    heard = {"channel": "home_visit", "dialect": "chongqing", "signed": "witnesses", "evidence": "档案 3"}
    heard |= {"witnesses": "赵一，钱二", "shown": re.findall(r'name="shown"[^>]*value="([^"]+)"', page)[0]}
    assert worker.post(f"{case}/read-back", data={**heard, **name, "read_aloud": "y"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(CasePaper.kind)).all() == ["witnessed"]
        reading = session.exec(select(ReadBack)).one()
    with app.extensions["database"].transaction() as session:
        session.merge(reading).second = SecondCall.DUE
    asked = staff(app, "w-second", Role.WORKER).get(f"/answers/second-calls/{reading.id}?lang=en").text
    assert "with the same papers: no." in asked
    assert "what stays uncovered: yes." in asked
    for paper in (home.get(f"{case}/papers/authorisation"), worker.post(f"{case}/papers/authorisation/signed")):
        for words in ("w-sign · 上门", "两名见证人", "重庆话", "档案 3", "赵一，钱二", "（由工作人员代录）"):
            assert words in paper.text, words
        assert "本人签名" not in paper.text
    assert "赵一" not in worker.get(f"{case}/papers/authorisation").text


def test_a_signed_draft_that_a_worker_changes_is_signed_again_and_is_sent_by_the_household(
    app: Flask, home: FlaskClient
) -> None:
    sign, name = until_signing(home), {"agree": "y", "typed_name": "王小明"}
    assert home.post(sign, data=name).status_code == 303
    case, worker = sign.removesuffix("/step/sign"), staff(app, "w-change", Role.WORKER)
    assert "由其本人签名，也由其本人" in worker.post(f"{case}/check").text
    assert "签名之后有改动" not in home.get(f"{case}/check").text
    assert worker.post(f"{case}/step/money", data={"size": "5", "income_fen": "0"}).status_code == 303
    assert worker.post(f"{case}/check").status_code == 422
    assert "签名之后有改动" in home.get(f"{case}/check").text
    assert "签名之后有改动" in home.post(f"{case}/check").text
    with app.extensions["database"].reading() as session:
        assert "case_unsigned" in session.exec(select(Notice.letter)).all()
    assert home.post(sign, data=name).status_code == 303
    assert home.post(f"{case}/check").headers["Location"].endswith("/sent")


def test_each_state_of_an_item_says_what_it_means_and_a_wrong_class_can_be_unticked(
    app: Flask, home: FlaskClient
) -> None:
    sign = until_signing(home)
    base = sign.removesuffix("sign")
    assert home.post(f"{base}situation", data={"label": "TEKUN"}).status_code == 303
    assert 'name="label" value=""' in home.get(f"{base}situation").text
    assert home.post(f"{base}situation", data={"label": ""}).status_code == 303
    assert home.post(sign, data={"agree": "y", "typed_name": "王小明"}).status_code == 303
    assert home.post(base.replace("step/", "check")).status_code == 303
    page = base.removesuffix("/step/")
    with app.extensions["database"].transaction() as session:
        assert session.exec(select(Case)).one().answers["label"] is None
        items = session.exec(select(CaseItem)).all()
        running = next(item for item in items if item.state is ItemState.RUNNING)
        waiting = next(item for item in items if item.state is ItemState.WAITING)
        running.turn = 1
        ids = running.id, waiting.id
    shown = home.get(page).text
    assert "申诉成立" not in shown, "nobody had decided it"
    assert "出结果后自动开始办理" in shown
    with app.extensions["database"].transaction() as session:
        step = session.exec(select(CaseStep).where(CaseStep.item_id == ids[0])).first()
        over = {"id": "decided-once", "outcome": "refused", "ended_at": step.started_at, "no": 0}
        session.add(CaseStep(**step.model_dump() | over))
    assert "申诉成立" in home.get(page).text
    for note, words in (("not_asked_for", "您没有要求"), ("decided_elsewhere", "较早的申请"), ("", "以别的方式")):
        with app.extensions["database"].transaction() as session:
            item = session.get_one(CaseItem, ids[1])
            item.state, item.note = ItemState.NOT_NEEDED, note
        assert words in home.get(page).text


def test_a_photo_taken_again_takes_the_place_of_the_last_and_the_check_page_says_all(
    app: Flask, home: FlaskClient
) -> None:
    sign = until_signing(home)
    base, number = sign.removesuffix("sign"), make_id_number("509900", date(1960, 3, 4), seq=7)
    money = {"size": "2", "income_fen": "500", "savings_fen": "1234", "schooling_fen": "4321"}
    assert home.post(f"{base}money", data=money).status_code == 303
    assert home.post(f"{base}situation", data={"label": "DIBIAN"}).status_code == 303
    assert "示例：整张证件" in home.get(f"{base}card").text
    for _turn in range(13):
        sent = {"id_number": number, "photo": (io.BytesIO(photo()), "a.jpg")}
        assert home.post(f"{base}card", data=sent, content_type="multipart/form-data").status_code == 303
    assert home.post(sign, data={"agree": "y", "typed_name": "王小明"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert sorted(session.exec(select(CasePaper.kind))) == ["id_photo", "typed_name"]
    assert "data:image/jpeg;base64,/9j/" in home.get(f"{base}card").text, "the photo as it is kept"
    assert "base64" not in staff(app, "w-card", Role.WORKER).get(f"{base}card").text
    told = home.get(base.replace("step/", "check")).text
    for words in ("1,234", "4,321", "低保边缘家庭", f"{number[:4]}************{number[-2:]}", "已提交"):
        assert words in told, words


def test_each_wish_that_stayed_uncovered_becomes_a_need_on_a_page_of_its_own(app: Flask) -> None:
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        case, items = send(session, now, wants=["schooling", "work"], medical_fen=0, schooling_fen=800_000)
        _all_refused(session, case, items, now)
        where = case.id
    verifier = staff(app, "v-left", Role.VERIFIER)
    shown = verifier.get(f"/cases/{where}").text
    assert re.findall(rf"/needs/of-case/{where}/(\w+)\"", shown) == ["work", "schooling", "none", "none", "none"]
    for turn in ("en", "zh_Hans"):
        assert "8000" in verifier.get(f"/needs/of-case/{where}/schooling?lang={turn}").text
    assert verifier.get(f"/needs/of-case/{where}/illness").status_code == 404
    assert verifier.post(f"/needs/of-case/{where}/work", data={"units": ""}).status_code == 422
    apart = verifier.post(f"/needs/of-case/{where}/none", data={"reason": "recorded_apart"}, follow_redirects=True)
    assert "尚未登记该家庭的需求" in apart.text
    for want, units in (("schooling", "8000"), ("work", "1")):
        assert verifier.post(f"/needs/of-case/{where}/{want}", data={"units": units}).status_code == 303
    with app.extensions["database"].reading() as session:
        made = session.exec(select(Need.category, Need.gap_units).order_by(Need.category)).all()
        assert made == [("EDU.TERM_SUPPORT", 800_000), ("JOB.PLACEMENT", 1)]
        assert clocks.running_of(session, f"case:{where}") == []
