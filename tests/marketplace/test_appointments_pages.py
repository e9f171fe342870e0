"""The pages of appointments: the giver's week and register, the household's choice, staff who look on and call."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col, select

from adapters.tabular import read_table
from adapters.tabular_writer import write_csv
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.appointments import lists, outcomes, service
from marketplace.appointments.models import Appointment, AppointmentState, ServiceRecord, Volunteer
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.households.service import contact_of
from marketplace.organisations.models import Organisation
from marketplace.sharing.models import Disclosure
from tests.marketplace import visiting
from tests.marketplace.test_volunteers import HEADS, _row
from tests.pages.people import client_as


@dataclass
class House:
    """A served house with one service on its way: what was agreed yesterday, and what is proposed for the day after."""

    app: Flask
    database: Database
    org_id: str
    household_id: str
    match_id: str
    volunteer_id: str
    begun: str
    proposed: tuple[str, str]

    def giver(self, role: Role = Role.CHARITY_MANAGER) -> FlaskClient:
        """Somebody of the giver."""
        return client_as(self.app, role, org_id=self.org_id)

    def home(self) -> FlaskClient:
        """The household."""
        client = self.giver()
        with self.database.transaction() as session:
            person = contact_of(session, self.household_id)
            assert person is not None
            token = accounts.open_for_person(session, person.id, self.household_id, now=datetime.now(UTC))
        client.set_cookie("sid", token)
        return client

    def state(self, appointment_id: str) -> str:
        """The appointment's state now."""
        with self.database.reading() as session:
            return session.get_one(Appointment, appointment_id).state.value


@pytest.fixture
def house(settings: Settings, sqlite_database: Database) -> House:
    now = datetime.now(UTC)
    before = now - timedelta(days=3)
    with sqlite_database.transaction() as session:
        scene = visiting.a_scene(session, units=6, now=before)
        past = visiting.window(base=visiting.nine(now, days=-1))
        begun = visiting.agreed(session, scene, past, now=before)[0]
        ahead = [visiting.window(base=visiting.nine(now, days=day)) for day in (2, 3)]
        made = visiting.proposed(session, scene, *ahead, choose_one=True, now=now)
        return House(
            create_app(settings, database=sqlite_database),
            sqlite_database,
            scene.organisation.id,
            scene.household.id,
            scene.match.id,
            scene.people[0].id,
            begun.id,
            (made[0].id, made[1].id),
        )


def test_a_list_of_visits_has_pages_or_says_how_many_there_are(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FEW", 1)
    ids = {house.begun, *house.proposed}
    for client, path in ((house.giver(), f"/visits/services/{house.match_id}"), (house.home(), "/visits/mine")):
        first = client.get(path).text
        assert "?page=3" in first
        pages = [first, *(client.get(f"{path}?page={number}").text for number in (2, 3))]
        assert [[one for one in ids if one in page] != [] for page in pages] == [True] * 3
        assert {one for page in pages for one in ids if one in page} == ids, "none is left out"
    with house.database.transaction() as session:
        session.get_one(Appointment, house.proposed[0]).state = AppointmentState.AGREED
    monday = f"{lists.week_start(local_day(datetime.now(UTC)))}"
    org_id, found = house.org_id, set()
    with house.database.reading() as session:
        total = lists.count_week(session, org_id, date.fromisoformat(monday))
        for offset in range(total):
            days = lists.week_of_giver(session, org_id, date.fromisoformat(monday), offset=offset, limit=1)
            found |= {visit.appointment.id for visits in days.values() for visit in visits}
    assert len(found) == total
    with house.database.reading() as session:
        later = datetime.now(UTC) + timedelta(days=5)
        assert lists.to_record(session, org_id, now=later)[1] == 2, "one is shown, two are counted"


def test_the_giver_records_what_took_place_and_sees_it_in_its_figures(house: House) -> None:
    giver = house.giver()
    assert "1" in giver.get("/visits/").text
    page = giver.get(f"/visits/{house.begun}").text
    assert "已服务 …" in page
    wrong = giver.post(f"/visits/{house.begun}/done", data={"minutes": "20", "content": "HOMEWORK"})
    assert (wrong.status_code, "服务不足一小时" in wrong.text) == (422, True)
    assert giver.post(f"/visits/{house.begun}/done", data={"minutes": "120", "content": "HOMEWORK"}).status_code == 303
    assert house.state(house.begun) == "done"
    assert "已服务，共 6 小时" in giver.get(f"/visits/services/{house.match_id}").text
    assert "一项服务" in giver.get(f"/visits/services/{house.match_id}").text
    assert "课业辅导" in giver.get("/visits/services").text


def test_somebody_else_goes_and_of_two_who_were_booked_only_one_came(house: House) -> None:
    with house.database.transaction() as session:
        organisation = session.get_one(Organisation, house.org_id)
        spare, third = (visiting.a_volunteer(session, organisation).id for _ in range(2))
        begun = datetime.now(UTC) - timedelta(days=3)
        scene = visiting.a_scene(session, organisation=organisation, phone="10000000078", now=begun)
        both = [house.volunteer_id, spare]
        window = visiting.window(base=visiting.nine(datetime.now(UTC), days=-1), hour=5)
        pair = visiting.agreed(session, scene, window, ids=both, now=begun)[0].id
    giver, where = house.giver(), f"/visits/{pair}"
    assert f"{where}/substitute" in giver.get(where).text
    assert "换人前往" in giver.get(f"{where}/substitute").text
    same = giver.post(f"{where}/substitute", data={"out": spare, "instead": house.volunteer_id})
    assert same.status_code == 422
    assert giver.post(f"{where}/substitute", data={"out": spare, "instead": third}).status_code == 303
    page = giver.get(f"{where}/done").text
    assert [f'value="{one}" checked' in page for one in (house.volunteer_id, third)] == [True, True]
    told = {"minutes": "120", "content": "HOMEWORK"}
    assert "请勾选到场的人" in giver.post(f"{where}/done", data=told).text
    assert giver.post(f"{where}/done", data={**told, "came": third}).status_code == 303
    with house.database.reading() as session:
        assert list(session.exec(select(ServiceRecord.volunteer_id))) == [third]


def test_a_time_is_proposed_in_a_form_and_what_does_not_fit_is_said_beside_its_field(house: House) -> None:
    giver = house.giver()
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    form = {"days": day, "begins": "14:00", "ends": "16:00", "choice": "each", "place": "home"}
    address = f"/visits/services/{house.match_id}/propose"
    assert giver.post(address, data=form).status_code == 422, "nobody was chosen"
    form["volunteers"] = house.volunteer_id
    late = giver.post(address, data={**form, "ends": "13:00"})
    assert (late.status_code, "结束须晚于开始" in late.text) == (422, True)
    much = giver.post(address, data={**form, "weeks": "3"})
    assert (much.status_code, "只剩 2 未安排" in much.text) == (422, True)
    assert giver.post(address, data=form).status_code == 303
    again = giver.post(address, data=form)
    assert again.status_code == 422
    with house.database.reading() as session:
        made = session.exec(select(Appointment).where(col(Appointment.state) == AppointmentState.PROPOSED)).all()
        assert len(made) == 3


def test_the_household_chooses_sees_who_comes_and_rates(house: House) -> None:
    home, one = house.home(), house.proposed[0]
    assert "请您选择" in home.get("/visits/mine").text
    page = home.get(f"/visits/mine/{one}").text
    assert "小明，志愿者编号" not in page
    assert "或者选下面的时间" in page
    for called in (False, True):
        with house.database.transaction() as session:
            chain = session.get_one(Match, house.match_id).consent_chain_id
            session.get_one(ConsentHead, chain).state = ConsentState.ACTIVE if called else ConsentState.PENDING_CHECK
        for client, path in ((home, f"/visits/mine/{one}"), (house.giver(), f"/visits/services/{house.match_id}")):
            text = client.get(path).text
            assert ("次日才能约定新的上门" in text) is not called
            assert "已暂停或已到期" not in text
    assert home.post(f"/visits/mine/{one}/agree").status_code == 303
    page = home.get(f"/visits/mine/{one}").text
    assert "小明，志愿者编号" in page
    assert "欧阳" not in page
    assert house.state(house.proposed[1]) == "cancelled"
    with house.database.transaction() as session:
        actor = Actor(id="m", role=Role.CHARITY_MANAGER, org_id=house.org_id)
        outcomes.record_done(session, house.begun, minutes=120, content="HOMEWORK", actor=actor, now=datetime.now(UTC))
    empty = home.post(f"/visits/mine/{house.begun}/rate", data={})
    assert (empty.status_code, "错误：" in empty.text) == (422, True)
    assert home.post(f"/visits/mine/{house.begun}/rate", data={"rating": "5"}).status_code == 303
    assert "5 分" in home.get(f"/visits/mine/{house.begun}").text


def test_the_household_asks_for_another_time_and_says_that_nobody_came(house: House) -> None:
    home, one = house.home(), house.proposed[0]
    assert "没有任何损失" in home.get(f"/visits/mine/{one}/other-time").text
    assert home.post(f"/visits/mine/{one}/other-time", data={"wish": "weekend"}).status_code == 303
    assert (house.state(one), house.state(house.proposed[1])) == ("cancelled", "cancelled")
    assert "改到周末" in house.giver().get(f"/visits/{one}").text
    assert "没有人来吗" in home.get(f"/visits/mine/{house.begun}/nobody-came").text
    assert home.post(f"/visits/mine/{house.begun}/nobody-came", data={"confirmed": "yes"}).status_code == 303
    assert house.state(house.begun) == "no_show_volunteer"


def _served(house: House) -> None:
    """Yesterday's visit is recorded, and the match ends with it."""
    giver = house.giver()
    assert giver.post(f"/visits/{house.begun}/done", data={"minutes": "120", "content": "HOMEWORK"}).status_code == 303
    assert giver.post(f"/visits/services/{house.match_id}/finish").status_code == 303


def test_the_household_disputes_the_last_visit_in_its_page(house: House) -> None:
    _served(house)
    home = house.home()
    assert "只是其中一次没有来" in home.get(f"/offers-to-me/{house.match_id}").text
    page = home.get(f"/visits/mine/{house.begun}").text
    assert ("并没有进行 …" in page, "之前说明" in page) == (True, True)
    asked = home.get(f"/visits/mine/{house.begun}/nobody-came").text
    assert ("也不计入志愿者" in asked, "没有人来吗" in asked) == (True, False)
    assert home.post(f"/visits/mine/{house.begun}/nobody-came", data={"confirmed": "yes"}).status_code == 303
    assert "这次服务不算完成" in home.get(f"/visits/mine/{house.begun}").text
    assert "家庭说无人前来" in house.giver().get(f"/visits/volunteers/{house.volunteer_id}").text
    with house.database.reading() as session:
        assert session.get_one(Match, house.match_id).state is MatchState.RETURNED


def test_staff_who_end_a_service_read_what_was_served_and_what_nobody_has_recorded(house: House) -> None:
    approver = client_as(house.app, Role.APPROVER)
    assert "没有登记" in approver.get(f"/matches/{house.match_id}/cancel").text
    done = {"minutes": "120", "content": "HOMEWORK"}
    assert house.giver().post(f"/visits/{house.begun}/done", data=done).status_code == 303
    page = approver.get(f"/matches/{house.match_id}/cancel").text
    assert ("照算的部分：2 小时" in page, "没有登记" in page) == (True, False)


def test_staff_strike_a_visit_and_a_worker_notes_what_the_household_said(house: House) -> None:
    _served(house)
    worker, approver = client_as(house.app, Role.WORKER), client_as(house.app, Role.APPROVER)
    address = f"/visits/city/{house.begun}"
    shown = worker.get(address).text
    assert ("家庭说并没有进行" in shown, "作废这次服务" in shown) == (True, False)
    assert "并没有进行吗" in worker.get(f"{address}/nobody-came").text
    assert worker.post(f"{address}/strike", data={"reason_code": "nobody_came"}).status_code == 403
    assert ("家庭说并没有进行" in approver.get(address).text, "作废这次服务" in approver.get(address).text) == (
        False,
        True,
    )
    assert approver.post(f"{address}/strike", data={}).status_code in (200, 422), "without a reason it is asked again"
    assert house.state(house.begun) == "done"
    assert approver.post(f"{address}/strike", data={"reason_code": "not_served"}).status_code == 303
    assert (house.state(house.begun), "没有提供服务" in approver.get(address).text) == ("no_show_volunteer", True)
    assert worker.post(f"{address}/nobody-came", data={"confirmed": "yes"}).status_code == 409, "it is void already"


def test_whom_to_visit_is_opened_only_for_an_agreed_visit_and_the_look_is_logged(house: House) -> None:
    giver = house.giver(Role.CHARITY_WORKER)
    page = giver.get(f"/visits/{house.begun}").text
    assert "10000000001" not in page
    assert "10000000001" in giver.post(f"/visits/{house.begun}/recipient").text
    with house.database.reading() as session:
        looks = session.exec(select(Disclosure)).all()
        assert [(look.recipient_org_id, look.match_id) for look in looks] == [(house.org_id, house.match_id)]
    assert "去哪里" not in giver.get(f"/visits/{house.proposed[0]}").text


def test_the_giver_notes_who_did_not_come_or_calls_off(house: House) -> None:
    giver = house.giver()
    assert giver.post(f"/visits/{house.begun}/missed", data={"who": "volunteer"}).status_code == 303
    assert house.state(house.begun) == "no_show_volunteer"
    assert giver.post(f"/visits/{house.proposed[0]}/cancel", data={"reason_code": "weather"}).status_code == 303
    assert "天气或交通" in giver.get(f"/visits/{house.proposed[0]}").text
    assert giver.get(f"/visits/services/{house.match_id}/finish").status_code == 200
    assert giver.post(f"/visits/services/{house.match_id}/finish").status_code == 409, "nothing was served yet"


def test_a_service_is_ended_with_what_was_served(house: House) -> None:
    giver = house.giver()
    giver.post(f"/visits/{house.begun}/done", data={"minutes": "120", "content": "HOMEWORK"})
    assert giver.post(f"/visits/services/{house.match_id}/finish").status_code == 303
    with house.database.reading() as session:
        match = session.get_one(Match, house.match_id)
        assert (match.state, match.units) == (MatchState.DELIVERED, 2)
    assert house.state(house.proposed[0]) == "cancelled"


def test_staff_look_on_without_names_and_a_worker_answers_for_the_household(house: House) -> None:
    verifier, worker = client_as(house.app, Role.VERIFIER), client_as(house.app, Role.WORKER)
    one = house.proposed[1]
    for client in (verifier, worker):
        assert "课业辅导" in client.get("/visits/city").text
        assert "小明" not in client.get(f"/visits/city/{one}").text
    assert "待家庭选择" in verifier.get("/visits/city?state=proposed").text
    assert verifier.post(f"/visits/city/{one}/agree").status_code == 403
    assert "代为办理" not in verifier.get(f"/visits/city/{one}").text
    assert worker.post(f"/visits/city/{one}/agree").status_code == 303
    assert house.state(one) == "agreed"
    assert worker.post(f"/visits/city/{one}/other-time", data={"wish": "morning"}).status_code == 303
    assert house.state(one) == "cancelled"


def test_a_worker_calls_a_household_that_was_away_twice(house: House) -> None:
    worker, now = client_as(house.app, Role.WORKER), datetime.now(UTC)
    giver = house.giver()
    giver.post(f"/visits/{house.begun}/missed", data={"who": "household"})
    assert "请打电话" not in worker.get("/visits/city").text
    with house.database.transaction() as session:
        volunteer = session.get_one(Volunteer, house.volunteer_id)
        actor = Actor(id="m", role=Role.CHARITY_MANAGER, org_id=volunteer.org_id)
        home = Actor(id="h", role=Role.HOUSEHOLD, household_id=house.household_id)
        past = visiting.window(base=visiting.nine(now, days=-2))
        plan = service.Plan((past,), (volunteer.id,), service.Place.HOME)
        one = service.propose(session, house.match_id, plan, actor=actor, now=now - timedelta(days=3))[0]
        service.agree(session, one.id, actor=home, now=now - timedelta(days=3))
        outcomes.household_missed(session, one.id, actor=actor, now=now)
    assert "请打电话" in worker.get("/visits/city").text
    address = f"/visits/city/calls/{house.match_id}"
    assert worker.get(address).status_code == 200
    assert worker.post(address, data={"outcome": "goes_on"}).status_code == 303
    assert "请打电话" not in worker.get("/visits/city").text


def test_the_register_is_kept_in_pages_and_by_table(house: House) -> None:
    giver, told = house.giver(), visiting.facts()
    form = {
        "registration_no": told.registration_no,
        "name": told.name,
        "id_number": told.id_number,
        "phone": told.phone,
        "skills": ["TUTOR"],
        "health": "ordinary",
    }
    wrong = giver.post("/visits/volunteers/new", data={**form, "id_number": told.id_number[:-1] + "?"})
    assert (wrong.status_code, told.id_number[:-1] + "?" in wrong.text) == (422, True), "what was typed is kept"
    where = giver.post("/visits/volunteers/new", data=form).headers["Location"]
    assert giver.post("/visits/volunteers/new", data=form).status_code == 422
    assert told.phone in giver.get(where).text
    assert told.id_number not in giver.get(where).text
    changed = {
        **form,
        "health": "light",
        "insurance_no": "P-1",
        "insured_from": "2026-01-01",
        "insured_to": "2099-01-01",
    }
    assert giver.get(f"{where}/edit").status_code == 200
    assert giver.post(f"{where}/edit", data={**changed, "insurance_no": ""}).status_code == 422
    assert giver.post(f"{where}/edit", data=changed).status_code == 303
    assert "仅限轻便活动" in giver.get(where).text
    assert giver.post(f"{where}/stop/suspended", data={"reason_code": "health"}).status_code == 303
    assert giver.post(f"{where}/back").status_code == 303
    assert giver.post(f"{where}/stop/ended", data={"reason_code": "own_wish"}).status_code == 303
    assert giver.get(f"{where}/stop/elsewhere").status_code == 404
    assert told.registration_no in giver.get("/visits/volunteers/?state=ended").text
    assert "请先重新填写保险" in giver.post(f"{where}/back", follow_redirects=True).text
    assert giver.post(f"{where}/stop/ended", data={"reason_code": "own_wish"}).status_code == 303
    data = {"file": (io.BytesIO(write_csv(HEADS, [_row(visiting.facts())])), "volunteers.csv")}
    batch = giver.post("/visits/import", data=data, content_type="multipart/form-data").headers["Location"]
    assert giver.post(f"{batch}/confirm").status_code == 303
    with house.database.reading() as session:
        assert len(session.exec(select(Volunteer)).all()) == 3


def test_stopping_a_volunteer_in_its_page_calls_its_visits_off(house: House) -> None:
    giver = house.giver()
    page = giver.post(f"/visits/volunteers/{house.volunteer_id}/stop/suspended", data={"reason_code": "health"})
    assert page.status_code == 303
    assert {house.state(one) for one in house.proposed} == {"cancelled"}
    shown = giver.get(f"/visits/{house.begun}").text
    assert ("/done" in shown, f"{house.begun}/cancel" in shown) == (True, False), "what has begun is to be recorded"


def test_a_worker_of_the_giver_plans_but_does_not_change_the_register(house: House) -> None:
    worker = house.giver(Role.CHARITY_WORKER)
    assert worker.get("/visits/").status_code == 200
    assert "登记志愿者" not in worker.get("/visits/volunteers/").text
    assert worker.get("/visits/volunteers/new").status_code == 403
    assert worker.get("/visits/import").status_code == 403


def test_a_certificate_prints_and_the_records_come_as_a_table_without_recipients(house: House) -> None:
    giver = house.giver()
    giver.post(f"/visits/{house.begun}/done", data={"minutes": "125", "content": "HOMEWORK"})
    page = giver.get(f"/visits/volunteers/{house.volunteer_id}/certificate").text
    assert "欧阳小明已提供志愿服务 2.0 小时" in page
    assert "王小明" not in page
    table = read_table(giver.get("/visits/volunteers/records.xlsx").data)
    assert [str(cell) for cell in table.rows[0]][1] == "欧阳小明"
    assert "王小明" not in str(table)


def test_a_calendar_file_is_for_those_who_may_see_the_visit(house: House) -> None:
    for client in (house.giver(), house.home()):
        answer = client.get(f"/visits/{house.begun}/visit.ics")
        assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
        assert "小明" not in answer.text
    stranger = client_as(house.app, Role.CHARITY_MANAGER, org_id=None)
    assert stranger.get(f"/visits/{house.begun}/visit.ics").status_code == 404
    assert stranger.get("/visits/").status_code == 404


def test_every_page_speaks_english_too(house: House) -> None:
    giver, home = house.giver(), house.home()
    assert "Visits of the week" in giver.get("/visits/?lang=en").text
    assert "My visits" in home.get("/visits/mine?lang=en").text
    assert "This time suits me" in home.get(f"/visits/mine/{house.proposed[0]}?lang=en").text
