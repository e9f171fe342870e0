"""The pages of the watch: search by POST, alerts with their answers, feeds with a file, rules tried and switched on."""

from __future__ import annotations

import re
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database, new_id
from marketplace.households.commands import import_households
from marketplace.households.models import Household, Person, Spell
from marketplace.sharing.looks import staff_looks
from marketplace.signals import homes, sweeping
from marketplace.signals.models import Alert, AlertState, Fact, Rule, RuleState, Sweep, WatchTask
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, head, into, told


@pytest.fixture
def today() -> date:
    """Pages ask the real clock."""
    return local_day(utc_now())


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    """An app over a fresh database."""
    built = create_app(settings, database=sqlite_database)
    built.config["WTF_CSRF_ENABLED"] = False
    return built


@pytest.fixture
def home_id(app: Flask, today: date) -> str:
    """A household of 渝中 with a red and a yellow alert."""
    number, now = a_number(date(1950, 3, 7)), utc_now()
    with app.extensions["database"].transaction() as session:
        home = a_home(session, numbers=(number,), names=("欧阳小芳",), now=now)
        at_work(session, "W03", "W05", now=now)
        bills = [(number, "OWN_COST", today, 60_000), (number, "OWN_COST_STAY", today, 11_000)]
        told(session, "MEDICAL_BILLS", *bills, as_of=today, now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
        return home.id


def a_client(app: Flask, role: Role, *districts: str, lang: str = "en") -> FlaskClient:
    """A client of a new account of these districts, in a language."""
    client, now = app.test_client(), utc_now()
    with app.extensions["database"].transaction() as session:
        account = accounts.create_account(
            session, new_id()[:12], display_name=role.value, role=role, districts=districts, now=now
        )
        client.set_cookie("sid", accounts.open_for_account(session, account, now=now))
    client.set_cookie("lang", lang)
    return client


def test_the_page_says_when_everybody_was_looked_at_and_which_rules_could_not_be_asked(
    app: Flask, home_id: str, today: date
) -> None:
    client = a_client(app, Role.WORKER, "500103")
    assert "last looked at everybody on" in client.get("/alerts/").text
    with app.extensions["database"].transaction() as session:
        last = session.exec(select(Sweep)).one()
        last.on, last.failed = today - timedelta(days=2), ["W07"]
        session.add(last)
    page = client.get("/alerts/").text
    assert "have not looked at everybody since" in page
    assert "could not be asked: W07" in page


def test_a_worker_finds_a_person_and_the_name_stands_in_no_address(app: Flask, home_id: str) -> None:
    client = a_client(app, Role.WORKER, "500103")
    assert client.get("/register").status_code == 200
    page = client.post("/register", data={"name": "ouyang xiaofang"})
    assert (page.status_code, f"/alerts/households/{home_id}" in page.text) == (200, True)
    assert "欧阳小芳" not in page.text
    assert "欧**芳" in page.text
    assert client.post("/register", data={"district": "500103"}).status_code == 422
    with app.extensions["database"].transaction() as session:
        session.get_one(Household, home_id).street_code = "500103010"
    for street, found in (("500103010", True), ("500103012", False)):
        page = client.post("/register", data={"name": "欧阳小芳", "street": street}).text
        assert (f"/alerts/households/{home_id}" in page, f'value="{street}"' in page) == (found, True)
    city, named = a_client(app, Role.VERIFIER), {"name": "欧阳小芳", "district": "500103"}
    assert "500103010" not in city.get("/register").text
    assert "500103010" in city.post("/register", data=named).text
    moved = city.post("/register", data=named | {"district": "500106", "street": "500103010"})
    assert (moved.status_code, "500103010" in moved.text) == (200, False), "of another district no street was meant"
    elsewhere = a_client(app, Role.WORKER, "500106")
    assert f"/alerts/households/{home_id}" not in elsewhere.post("/register", data={"name": "欧阳小芳"}).text


def test_a_verifier_brings_in_a_list_and_says_who_lives_in_a_household(
    app: Flask, home_id: str, today: date, tmp_path: Path
) -> None:
    client, database = a_client(app, Role.VERIFIER), app.extensions["database"]
    head = "家庭编号,姓名,身份证号,与户主关系,区县,类别,开始日期,联系电话"
    table = f"{head}\nH1,张伟,{a_number()},户主,渝中区,IN_REGISTER,{today.isoformat()},13800000001".encode()
    given = {"file": (BytesIO(table), "people.csv"), "source": "civil-affairs"}
    page = client.post("/register/import", data=given, content_type="multipart/form-data", follow_redirects=True)
    assert (page.status_code, "New households" in page.text) == (200, True)
    batch = page.request.path.rsplit("/", 1)[1]
    with database.reading() as session:
        assert len(session.exec(select(Household)).all()) == 1, "nothing is stored before somebody agrees"
    stored = client.post(f"/register/import/{batch}/confirm", follow_redirects=True)
    assert (stored.status_code, "What was done" in stored.text) == (200, True)
    file, said = tmp_path / "people.csv", list[str]()
    file.write_bytes(table)
    told = {"source": "civil-affairs", "mapping": None, "dry_run": False, "actor": CLERK, "now": utc_now()}
    asked = {"lang": "en", "say": said.append, "agree": lambda: True}
    assert import_households(database, file, **told, **asked) == 0  # type: ignore[arg-type]
    assert "       1  households known already, changed where they differ" in said
    address, child = f"/register/households/{home_id}/people", a_number(date(2016, 5, 1))
    member = {"name": "欧阳小小", "id_number": child, "relation": "CHILD"}
    assert client.post(address, data=member | {"id_number": "123"}).status_code == 422
    assert client.post(address, data=member).status_code == 303
    assert "on record in this household already" in client.post(address, data=member).text
    with database.reading() as session:
        [person] = session.exec(select(Person.id).where(Person.relation == "CHILD")).all()
        assert session.get_one(Household, home_id).size == 2
    assert f"/register/people/{person}/left" in client.get(address).text
    left = {"on": today.isoformat(), "reason": "MOVED_OUT"}
    assert client.post(f"/register/people/{person}/left", data=left | {"reason": ""}).status_code == 422
    assert client.post(f"/register/people/{person}/left", data=left).status_code == 303
    assert f"/register/people/{person}/left" not in client.get(address).text
    assert a_client(app, Role.VERIFIER, "500106").get(address).status_code == 404
    assert a_client(app, Role.WORKER, "500103").get(address).status_code == 403


@pytest.mark.parametrize(("lang", "word"), [("en", "Own cost of one stay"), ("zh", "单次住院自付")])
def test_alerts_are_listed_by_household_and_closed_put_off_and_acted_on(
    app: Flask, home_id: str, today: date, lang: str, word: str
) -> None:
    client = a_client(app, Role.WORKER, "500103", lang=lang)
    assert client.get("/alerts/").text.count(f"/alerts/households/{home_id}") == 1
    assert f"/alerts/households/{home_id}" not in client.get("/alerts/?colour=BLUE").text
    with app.extensions["database"].transaction() as session:
        for alert in session.exec(select(Alert)):
            alert.street_code = "500103010"
            session.add(alert)
        homes.renew(session, [home_id])
    for street, listed in (("500103010", True), ("500103012", False)):
        assert (f"/alerts/households/{home_id}" in client.get(f"/alerts/?street={street}").text) is listed
    page = client.get(f"/alerts/households/{home_id}")
    assert (page.status_code, word in page.text) == (200, True)
    need = client.post(f"/alerts/households/{home_id}/need").headers["Location"]
    assert need == f"/needs/new?household={home_id}"
    wanted = {"category": "MEDICAL.MAJOR", "amount": "20000", "urgency": "2", "evidence": "住院清单"}
    assert client.post(need, data=wanted).headers["Location"] == f"/households/{home_id}/consent", "the yes comes next"
    approver = a_client(app, Role.APPROVER, "500103", lang=lang)
    tap = f'action="/alerts/households/{home_id}/need"'
    assert (tap in client.get(f"/alerts/households/{home_id}").text, approver.post(tap[8:-1]).status_code) == (
        True,
        403,
    )
    assert tap not in approver.get(f"/alerts/households/{home_id}").text, "who creates no needs begins none"
    assert client.post(f"/alerts/households/{home_id}/need").status_code == 303
    database = app.extensions["database"]
    with database.reading() as session:
        [done] = session.exec(select(WatchTask.result).where(WatchTask.result != "")).all()
        task = session.exec(select(WatchTask.id).where(WatchTask.result == "")).one()
        assert done == "APPLIED"
        red, yellow = (session.exec(select(Alert.id).where(Alert.rule_code == code)).one() for code in ("W05", "W03"))
    assert client.post(f"/alerts/tasks/{task}", data={"result": ""}).status_code == 422
    assert client.post(f"/alerts/tasks/{task}", data={"result": "DECLINED"}).status_code == 303
    until = (today + timedelta(days=5)).isoformat()
    assert client.post(f"/alerts/{yellow}/snooze", data={"until": until, "reason": "AWAY"}).status_code == 303
    assert client.post(f"/alerts/{red}/snooze", data={"until": until, "reason": "AWAY"}).status_code == 409
    with database.reading() as session:
        bill = session.exec(select(Fact.id).where(Fact.kind == "OWN_COST")).one()
    assert f'value="{bill}"' in client.get(f"/alerts/{red}/close").text
    assert client.post(f"/alerts/{red}/close", data={"outcome": "wrong_data"}).status_code == 422
    assert client.post(f"/alerts/{red}/close", data={"outcome": "wrong_data", "wrong": str(bill)}).status_code == 303
    steward = a_client(app, Role.VERIFIER, lang=lang)
    assert f"/feeds/wrong/{bill}/right" in steward.get("/feeds/MEDICAL_BILLS").text
    assert f"/feeds/wrong/{bill}/right" not in client.get("/feeds/MEDICAL_BILLS").text
    path = f"/feeds/wrong/{bill}"
    assert f'href="{path}"' in steward.get("/feeds/MEDICAL_BILLS").text
    assert "5099" not in steward.get(path).text
    assert steward.post(path, data={"reason": ""}).status_code == 422
    assert re.search(r"<dd>5099\w{14}</dd>", steward.post(path, data={"reason": "CORRECT"}).text)
    assert a_client(app, Role.VERIFIER, "500106").get(path).status_code == 404
    with database.reading() as session:
        assert [look.action for look in staff_looks(session, home_id)] == ["household:reveal"]
    assert steward.post(f"/feeds/wrong/{bill}/right").status_code == 303
    assert f"/feeds/wrong/{bill}/right" not in steward.get("/feeds/MEDICAL_BILLS").text
    with database.reading() as session:
        states = dict(session.exec(select(Alert.rule_code, Alert.state)).all())
    assert states == {"W05": AlertState.CLOSED, "W03": AlertState.SNOOZED}


def test_an_alert_about_one_person_says_about_whom_also_at_the_door(app: Flask, today: date) -> None:
    numbers, now = (a_number(date(1980, 3, 7)), a_number(date(1983, 5, 1))), utc_now()
    with app.extensions["database"].transaction() as session:
        home = a_home(session, numbers=numbers, names=("欧阳小芳", "赵钱孙"), now=now).id
        at_work(session, "W12", "W05", now=now)
        told(session, "DIAGNOSES", *((one, "SERIOUS_ILLNESS", today, None) for one in numbers), as_of=today, now=now)
        told(session, "MEDICAL_BILLS", (numbers[1], "OWN_COST", today, 60_000), as_of=today, now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
        ill = session.exec(select(Alert.id, Person.birth_year).join(Person).where(Alert.rule_code == "W12")).all()
        bills = session.exec(select(Alert.id).where(Alert.rule_code == "W05")).one()
    client = a_client(app, Role.WORKER, "500103")
    page = client.get(f"/alerts/households/{home}").text
    for who in ("欧**芳 (Head, 1980)", "赵*孙 (Head, 1983)"):
        assert who in page
    assert re.search(r"¥60,000 · 赵\*孙 [^<]+ · Medical insurance settlements", page), "an amount, of whom, by whom"
    for alert, born in ill:
        for act in ("close", "snooze"):
            assert f", {born})" in client.get(f"/alerts/{alert}/{act}").text
    assert "赵*孙" in client.get(f"/alerts/{bills}/close").text, "beside the bill that may be ticked as wrong"
    visit = client.post(f"/home-visits/of-alert/{home}/visit").headers["Location"]
    kept = client.get(visit).text
    assert ("New serious diagnosis" in kept, "赵*孙" in kept, "欧**芳 (" in kept) == (True, True, True)
    assert client.post(visit, data={"base": "0", "outcome": "REACHED_FINE", "act": "done"}).status_code == 303
    assert f"/alerts/{bills}/close" in client.get(visit).text
    with app.extensions["database"].reading() as session:
        wrong = session.exec(select(Fact.id).where(Fact.kind == "OWN_COST")).one()
    assert client.post(f"/alerts/{bills}/close", data={"outcome": "wrong_data", "wrong": str(wrong)}).status_code == 303
    pages = [a_client(app, role).get("/feeds/MEDICAL_BILLS").text for role in (Role.VERIFIER, Role.AUDITOR)]
    assert ["赵*孙" in page for page in pages] == [True, False], "an auditor reads not of whom"


def test_an_alert_of_another_district_looks_missing_and_a_giver_sees_none(app: Flask, home_id: str) -> None:
    elsewhere = a_client(app, Role.WORKER, "500106")
    assert elsewhere.get(f"/alerts/households/{home_id}").status_code == 404
    assert home_id not in elsewhere.get("/alerts/").text
    giver = a_client(app, Role.CHARITY_MANAGER)
    for path in ("/alerts/", "/register", "/feeds/", "/rules/", f"/alerts/households/{home_id}"):
        assert giver.get(path).status_code == 403, path


def test_a_file_dropped_on_a_feed_is_taken_in_and_bad_rows_are_shown_by_their_fault(app: Flask, today: date) -> None:
    client, number = a_client(app, Role.VERIFIER), a_number()
    assert client.get("/feeds/").text.count("/feeds/") > 15
    table = (
        f"source_id,id_number,kind,happened_on,amount\na,{number},OWN_COST,{today},12\nb,{number},PENSION,{today},1\n"
    )

    def drop(body: bytes) -> int:
        data = {"file": (BytesIO(body), "bills.csv"), "as_of": today.isoformat()}
        return client.post("/feeds/MEDICAL_BILLS", data=data, content_type="multipart/form-data").status_code

    assert (drop(table.encode()), drop(b"nothing")) == (303, 422)
    page = client.get("/feeds/MEDICAL_BILLS").text
    assert "Kind · This feed does not tell this kind of fact." in page
    assert "unknown_fact_kind" not in page
    assert number not in page
    row = re.search(r"/feeds/held/(\w+)/drop", page)
    assert row is not None
    path = f"/feeds/held/{row[1]}"
    asked = client.get(path).text
    assert (path in page, number in asked, "3" in asked) == (True, False, True)
    assert client.post(path).status_code == 422, "why is it opened?"
    shown = client.post(path, data={"reason": "CORRECT"}).text
    assert all(cell in shown for cell in (number, ">b<", "PENSION", today.isoformat()))
    near = a_client(app, Role.VERIFIER, "500103")
    assert (f'href="{path}"' in near.get("/feeds/MEDICAL_BILLS").text, near.get(path).status_code) == (False, 404)
    with app.extensions["database"].reading() as session:
        looks = session.exec(select(AuditRow).where(AuditRow.action == "fact:look")).all()
        assert [(look.object_ref, look.rule_id) for look in looks] == [(row[1], "CORRECT")]
    assert client.post(f"/feeds/held/{row[1]}/drop").status_code == 303
    assert client.get("/feeds/NOBODY").status_code == 404


def test_a_rule_is_drafted_tried_and_switched_on_by_another_person(app: Flask, home_id: str, today: date) -> None:
    clerk, second = a_client(app, Role.VERIFIER), a_client(app, Role.APPROVER)
    database = app.extensions["database"]
    with database.reading() as session:
        old = session.exec(select(Rule.id).where(Rule.code == "W05")).one()
    text = {"text": 'total("OWN_COST", months=12) > yuan(x)', "colour": "RED", "source": "DESIGN"}
    assert clerk.post(f"/rules/{old}/version", data={**text, "thresholds": "x=many"}).status_code == 422
    assert clerk.post(f"/rules/{old}/version", data={**text, "text": "eval('1')"}).status_code == 422
    made = clerk.post(f"/rules/{old}/version", data={**text, "thresholds": "x=40000"})
    path = made.headers["Location"]
    days = {"from_on": (today - timedelta(days=30)).isoformat(), "to_on": today.isoformat()}
    assert clerk.post(f"{path}/try", data={**days, "to_on": "2099-01-01"}).status_code == 422
    assert clerk.post(f"{path}/try", data=days).status_code == 303
    page = second.get(path).text
    assert "Would have raised" in page
    assert "OWN_COST = Own cost after three layers" in page
    assert clerk.post(f"{path}/activate").status_code == 403
    assert second.post(f"{path}/activate").status_code == 303
    with database.reading() as session:
        states = [rule.state for rule in session.exec(select(Rule).where(Rule.code == "W05").order_by(Rule.version))]  # type: ignore[arg-type]
    assert states == [RuleState.RETIRED, RuleState.ACTIVE]
    page = second.get(path).text
    assert (f'href="/rules/{old}"' in page, "since " in page, "from " in page) == (True, True, True)
    with database.reading() as session:
        known = session.exec(select(Rule).where(Rule.code == "W07")).one()
    same = {"text": known.text, "colour": "RED", "source": known.source, "thresholds": ""}
    for sent, mark in (
        (same, "read in a copy or an extract"),
        (same | {"source": "区民政局"}, "a proposal of this product"),
    ):
        assert f"({mark})" in clerk.get(clerk.post(f"/rules/{known.id}/version", data=sent).headers["Location"]).text
    assert second.get("/rules/").status_code == 200
    assert second.post(f"{path}/retire").status_code == 303


@pytest.mark.parametrize(
    ("lang", "asked", "entered"), [("en", "waits for a second", "entered"), ("zh", "等待另一人同意", "已登记")]
)
def test_staff_put_a_household_into_a_category_and_a_colleague_agrees_where_cases_need_two(
    app: Flask, home_id: str, today: date, lang: str, asked: str, entered: str
) -> None:
    one, two = (a_client(app, Role.VERIFIER, "500103", lang=lang) for _ in range(2))
    path = f"/register/households/{home_id}/categories"
    assert path in one.get(f"/alerts/households/{home_id}").text
    assert a_client(app, Role.VERIFIER, "500101").get(path).status_code == 404
    assert a_client(app, Role.WORKER, "500103").get(path).status_code == 403
    with app.extensions["database"].reading() as session:
        person = head(session, session.get_one(Household, home_id)).id
    told = {"category": "IN_REGISTER", "benefit": "DIBAO", "from_on": today.isoformat(), "ground": "FOUND"}
    own = {**told, "category": "DISABILITY_SUBSIDY", "person_id": person}
    for wrong in (
        {**told, "category": "EXITED_2Y"},
        {**told, "from_on": (today + timedelta(days=1)).isoformat()},
        {**told, "person_id": person},
        {**own, "person_id": ""},
        {**told, "ground": ""},
    ):
        assert one.post(path, data=wrong).status_code == 422, wrong
    assert one.post(path, data=own).status_code == 303
    assert one.post(path, data=own).status_code == 422, "of one category one time runs"
    assert one.post(path, data=told).status_code == 303
    page = one.get(path).text
    assert (asked in page, entered in page, "/agree" in page) == (True, True, False)
    assert one.post(path, data=told).status_code == 422, "it waits already"
    assert path in two.get("/register").text
    agree = re.findall(r"/register/category-asks/\w+/agree", two.get(path).text)[0]
    assert a_client(app, Role.APPROVER, "500101").post(agree).status_code == 404
    one.post(agree)

    def spells() -> set[tuple[str, str | None, str, str]]:
        with app.extensions["database"].reading() as session:
            every = session.exec(select(Spell).where(Spell.household_id == home_id)).all()
            return {(spell.category, spell.person_id, spell.source, spell.benefit) for spell in every}

    subsidy = ("DISABILITY_SUBSIDY", person, "hand", "")
    assert spells() == {subsidy}, "nobody agrees to what it wrote down itself"
    assert two.post(agree).status_code == 303
    assert spells() == {subsidy, ("IN_REGISTER", None, "hand", "DIBAO")}
    assert path not in two.get("/register").text
    two.post(agree.replace("/agree", "/refuse"))
    assert spells() == {subsidy, ("IN_REGISTER", None, "hand", "DIBAO")}, "decided is decided"


def test_staff_end_a_category_with_its_reason_and_the_watch_of_two_years_begins(
    app: Flask, home_id: str, today: date
) -> None:
    with app.extensions["database"].transaction() as session:
        home = session.get_one(Household, home_id)
        spell_id = into(session, home, "DIBIAN_MEMBER", from_on=today - timedelta(days=90), now=utc_now()).id
    client, path = a_client(app, Role.VERIFIER, "500103"), f"/register/spells/{spell_id}/end"
    assert path in client.get(f"/alerts/households/{home_id}").text
    assert a_client(app, Role.VERIFIER, "500101").get(path).status_code in (403, 404)
    late = {"on": (today + timedelta(days=1)).isoformat(), "reason": "DIED"}
    assert client.post(path, data=late).status_code == 422
    assert client.post(path, data={"on": today.isoformat(), "reason": "INCOME_ROSE"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.get_one(Spell, spell_id).reason == "INCOME_ROSE"
        watch = session.exec(select(Spell).where(Spell.household_id == home_id, Spell.category == "EXITED_2Y")).one()
        assert watch.from_on == today + timedelta(days=1)
    assert path not in client.get(f"/alerts/households/{home_id}").text
