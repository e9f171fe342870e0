"""Helpers: for a day by a code, standing by a checked paper; never the household itself, told of, stopped at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from marketplace.accounts import codes, proving
from marketplace.accounts import service as accounts
from marketplace.accounts.models import AccountSession, SignInCode
from marketplace.actors import Actor, Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.cases import papers
from marketplace.cases import service as cases
from marketplace.cases.models import Case, PaperKind
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.households import members, reaching
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.notices import Notice, post
from marketplace.proxies import agents, heard, service
from marketplace.proxies.ending import rest_powers
from marketplace.proxies.models import HelpPower, PowerState, Signed
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import vault_of
from tests import factories as make
from tests.pages.people import client_as

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))
AGENT_PHONE = "10000055555"


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def a_person(session: Session, **over: Any) -> Person:
    home = make.a_household(session, **over)
    return list_people(session, home.id)[0]


def herself(person: Person) -> Actor:
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


def a_paper(now: datetime, **over: Any) -> service.Paper:
    facts: dict[str, Any] = {
        "name": "赵帮办",
        "phone": AGENT_PHONE,
        "helper_kind": "relative",
        "matters": ("offers", "checks"),
        "acts": ("see", "answer", "notices"),
        "ends_at": now + timedelta(days=90),
        "signed": Signed.THUMBPRINT,
        "evidence": "shelf 7",
    }
    return service.Paper(**{**facts, **over})


def in_force(session: Session, person: Person, now: datetime, **over: Any) -> HelpPower:
    power = service.record_paper(session, person.id, a_paper(now, **over), actor=WORKER, now=now)
    return service.confirm(session, power.id, actor=VERIFIER, now=now)


def come_in(session: Session, code: str, *, phone: str = AGENT_PHONE, network: str = "a", now: datetime) -> str:
    """The helper shows its code and types the digits that reached its telephone; its session."""
    power, digits = service.knock(session, code, name="钱", phone=phone, network=network, now=now)
    return service.accept(session, power.id, codes.code_text(session, digits.id), code_id=digits.id, now=now)


def test_a_code_works_for_one_telephone_on_one_day(session: Session, now: datetime) -> None:
    person = a_person(session)
    power, code = service.invite(
        session, person.id, helper_kind="volunteer", acts=("see",), actor=herself(person), now=now
    )
    assert code not in str(power.model_dump())
    with pytest.raises(NotAllowed):
        come_in(session, "WRONG234", now=now)
    knocked, digits = service.knock(session, code, name="孙", phone="10000066666", network="b", now=now)
    wrong = "000000" if codes.code_text(session, digits.id) != "000000" else "111111"
    with pytest.raises(NotAllowed, match="digits_wrong"):
        service.accept(session, knocked.id, wrong, code_id=digits.id, now=now)
    assert power.state is PowerState.INVITED, "a telephone that was only typed opens nothing"
    token = come_in(session, code.lower(), network="b", now=now)
    actor = accounts.actor_of(session, token, now=now)
    assert (actor.role, actor.id, actor.household_id) == (Role.HELPER, power.id, person.household_id)
    assert (actor.reads_only, actor.id != person.id) == (True, True)
    with pytest.raises(NotAllowed):
        come_in(session, code, phone="10000066666", network="c", now=now)
    come_in(session, code, network="c", now=now)
    with pytest.raises(NotAllowed):
        come_in(session, code, network="d", now=now + timedelta(hours=24))
    assert accounts.actor_of(session, token, now=now + timedelta(hours=24)).role is Role.PUBLIC
    told = [letter.letter for letter in session.exec(select(Notice)) if letter.letter != "sign_in_code"]
    assert told == ["helper_named"]
    asked = {"helper_kind": "volunteer", "acts": ("see",), "actor": herself(person), "now": now}
    power, code = service.invite(session, person.id, **asked)
    rest_powers(session, now=now)
    with pytest.raises(NotAllowed):
        come_in(session, code, network="e", now=now + timedelta(minutes=1))
    assert power.state is PowerState.INVITED, "after a restore nobody comes in by a code of before"


def test_a_paper_names_five_things_and_is_checked_by_another_person(session: Session, now: datetime) -> None:
    person = a_person(session)
    for wrong in (
        {"name": " "},
        {"phone": "123"},
        {"matters": ()},
        {"acts": ("everything",)},
        {"ends_at": now},
        {"ends_at": now + timedelta(days=4000)},
        {"evidence": ""},
        {"signed": Signed.WITNESSES, "witnesses": "李"},
        {"signed": Signed.WITNESSES, "witnesses": "李，李 "},
        {"phone": "10000000001"},
    ):
        with pytest.raises(BadInput):
            service.record_paper(session, person.id, a_paper(now, **wrong), actor=WORKER, now=now)
    power = service.record_paper(
        session, person.id, a_paper(now, signed=Signed.WITNESSES, witnesses="李，周"), actor=WORKER, now=now
    )
    with pytest.raises(NotAllowed):
        service.open_session(session, power, now=now)
    both = Actor(id="worker-1", role=Role.VERIFIER)
    with pytest.raises(NotAllowed, match="two_people_needed"):
        service.confirm(session, power.id, actor=both, now=now)
    service.confirm(session, power.id, actor=VERIFIER, now=now)
    assert accounts.actor_of(session, service.open_session(session, power, now=now), now=now).id == power.id
    with pytest.raises(WrongState):
        service.refuse(session, power.id, actor=VERIFIER, now=now)


def test_the_database_refuses_a_standing_power_that_one_person_made(session: Session, now: datetime) -> None:
    power = service.record_paper(session, a_person(session).id, a_paper(now), actor=WORKER, now=now)
    power.state, power.checked_by = PowerState.ACTIVE, power.recorded_by
    with pytest.raises(Conflict):
        service.record(session, power, "power:confirm", actor=WORKER, now=now)


@pytest.mark.parametrize("way", ["page", "phone", "objects"])
def test_a_stopped_power_opens_nothing_from_that_moment(session: Session, now: datetime, way: str) -> None:
    person = a_person(session)
    power = in_force(session, person, now)
    token = service.open_session(session, power, now=now)
    assert accounts.actor_of(session, token, now=now).role is Role.HELPER
    actor = WORKER if way == "phone" else herself(person)
    service.stop(session, power.id, objected=way == "objects", actor=actor, now=now)
    assert accounts.actor_of(session, token, now=now).role is Role.PUBLIC
    assert power.end_reason == {"page": "stopped", "phone": "by_phone", "objects": "objected"}[way]
    with pytest.raises(NotAllowed):
        service.open_session(session, power, now=now)


def test_whoever_lives_there_no_more_has_no_agent_there(session: Session, now: datetime) -> None:
    contact = a_person(session)
    wife = make.a_person(session, session.get_one(Household, contact.household_id), name="李四", phone="10000000055")
    wife.contact = False
    hers, his = in_force(session, wife, now), in_force(session, contact, now, phone="10000055556")
    token = service.open_session(session, hers, now=now)
    waits = service.record_paper(session, wife.id, a_paper(now), actor=WORKER, now=now)
    members.end(session, wife.id, on=now.date(), reason="MOVED_OUT", actor=VERIFIER, now=now)
    assert [(one.state, one.end_reason) for one in (hers, waits)] == [(PowerState.ENDED, "left")] * 2
    assert accounts.actor_of(session, token, now=now).role is Role.PUBLIC
    assert his.state is PowerState.ACTIVE
    assert session.exec(select(Notice.key).where(Notice.letter == "helper_ended")).all() == [f"helper_ended:{hers.id}"]


def test_a_helper_hears_of_the_helpers_of_whom_it_helps_and_of_nobody_else(session: Session, now: datetime) -> None:
    contact = a_person(session)
    wife = make.a_person(session, session.get_one(Household, contact.household_id), name="李四", phone="10000000055")
    wife.contact = False
    hers, his = in_force(session, wife, now), in_force(session, contact, now, phone="10000055556")
    own, other = (Actor(id=one.id, role=Role.HELPER, household_id=contact.household_id) for one in (hers, his))
    for reader, seen in ((own, {hers.id}), (other, {his.id}), (herself(wife), {hers.id})):
        assert {one.id for one in heard.of_household(session, contact.household_id, actor=reader)} == seen
    assert len(heard.of_household(session, contact.household_id, actor=herself(contact))) == 2


def test_a_helper_neither_names_helpers_nor_stops_others(session: Session, now: datetime) -> None:
    person = a_person(session)
    power = in_force(session, person, now)
    helper = Actor(id=power.id, role=Role.HELPER, household_id=person.household_id)
    with pytest.raises(NotAllowed):
        service.invite(session, person.id, helper_kind="relative", acts=("see",), actor=helper, now=now)
    with pytest.raises(NotAllowed):
        service.stop(session, power.id, actor=helper, now=now)


def test_an_agent_is_told_what_its_household_is_told_until_the_end(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        person = a_person(session)
        power = in_force(session, person, now)
        quiet = in_force(session, person, now, acts=("see",), phone="10000055556")
        later = now + timedelta(minutes=1)
        post(session, "match_approved", key="one", household_id=person.household_id, now=later)
        power_id, household_id, quiet_id = power.id, person.household_id, quiet.id
    assert agents.sweep(sqlite_database, clock=lambda: later) == 1
    assert agents.sweep(sqlite_database, clock=lambda: later) == 0
    with sqlite_database.reading() as session:
        told = session.exec(select(Notice).where(Notice.letter == "agent_told")).one()
        assert (told.params, told.household_id, quiet_id != power_id) == ({"power_id": power_id}, None, True)
        message = compose(settings, session, told)
        assert message is not None
        assert message.address == AGENT_PHONE
        assert "赵" not in message.body
    with sqlite_database.transaction() as session:
        service.stop(session, power_id, actor=WORKER, now=later)
        post(session, "match_approved", key="two", household_id=household_id, now=later + timedelta(minutes=1))
    assert agents.sweep(sqlite_database, clock=lambda: later + timedelta(minutes=2)) == 0
    with sqlite_database.reading() as session:
        assert (
            compose(settings, session, session.exec(select(Notice).where(Notice.letter == "agent_told")).one()) is None
        )


def test_an_agent_is_told_from_the_check_on_and_of_the_matters_that_its_power_names(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*letters: str, at: datetime) -> None:
        with sqlite_database.transaction() as session:
            for letter in letters:
                post(session, letter, key=f"{letter}:{at}", household_id=home, now=at)

    with sqlite_database.transaction() as session:
        person, home = (one := a_person(session)), one.household_id
        power = service.record_paper(session, person.id, a_paper(now, matters=("checks",)), actor=WORKER, now=now)
    told("check_due", at=now + timedelta(hours=1))
    with sqlite_database.transaction() as session:
        service.confirm(session, power.id, actor=VERIFIER, now=now + timedelta(hours=2))
    later = now + timedelta(hours=3)
    assert agents.sweep(sqlite_database, clock=lambda: later) == 0, "nothing from before the check"
    told("match_approved", "check_due", "data_incident", at=later)
    assert agents.sweep(sqlite_database, clock=lambda: later) == 2, "its matter, and what is in none"
    monkeypatch.setattr(agents, "BATCH", 1)
    last = later + timedelta(hours=1)
    told("check_due", "check_done", "data_incident", at=last)
    assert agents.sweep(sqlite_database, clock=lambda: last) == 3, "none of one moment is skipped"


def test_who_is_helped_is_told_by_its_own_telephone(settings: Settings, sqlite_database: Database) -> None:
    now = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        contact = a_person(session)
        wife = make.a_person(
            session, session.get_one(Household, contact.household_id), name="李四", phone="10000000055"
        )
        wife.contact = False
        power = in_force(session, wife, now)
        service.stop(session, power.id, actor=WORKER, now=now)
        reaching.keep_for(session, contact.id, "own_phone", actor=VERIFIER, now=now)
    with sqlite_database.reading() as session:
        letters = session.exec(select(Notice).where(col(Notice.letter).startswith("helper_"))).all()
        messages = [compose(settings, session, letter) for letter in letters]
        assert {one.address for one in messages if one} == {"10000000001"}, "no telephone of hers is safe now"
    with sqlite_database.transaction() as session:
        reaching.keep_for(session, contact.id, "usual", actor=VERIFIER, now=now)
    with sqlite_database.reading() as session:
        messages = [compose(settings, session, letter) for letter in letters]
        assert [one.address for one in messages if one] == ["10000000055"] * 2


def test_a_term_ends_by_itself(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        power_id = in_force(session, a_person(session), now).id
    over = now + timedelta(days=90)
    assert agents.sweep(sqlite_database, clock=lambda: over) >= 1
    with sqlite_database.reading() as session:
        power = session.get_one(HelpPower, power_id)
        assert (power.state, power.end_reason) == (PowerState.ENDED, "term")


def test_who_acts_for_many_households_is_counted_over_the_whole_city(session: Session, now: datetime) -> None:
    for n in range(5):
        in_force(session, a_person(session, phone=f"1000000010{n}"), now)
    index = vault_of(session).index("phone", AGENT_PHONE)
    assert agents.households_helped(session, {index}, now=now)[index] == 5
    assert agents.households_helped(session, {index}, now=now + timedelta(days=91))[index] == 0
    for n in range(3):
        person = a_person(session, phone=f"1000000011{n}")
        told: dict[str, Any] = {"helper_kind": "volunteer", "acts": ("see",), "actor": herself(person), "now": now}
        power, code = service.invite(session, person.id, **told)
        with pytest.raises(BadInput, match="helper_is_the_person"):
            come_in(session, code, phone=f"1000000011{n}", network=f"n{n}", now=now)
        come_in(session, code, network=f"n{n}", now=now)
        service.stop(session, power.id, actor=herself(person), now=now)
    for days, many in ((0, 8), (80, 8), (91, 0)):
        assert agents.households_helped(session, {index}, now=now + timedelta(days=days))[index] == many


def test_every_row_of_a_helper_names_the_helper_and_the_person(session: Session, now: datetime) -> None:
    person = a_person(session)
    power, code = service.invite(
        session, person.id, helper_kind="police", acts=("see", "answer"), actor=herself(person), now=now
    )
    helper = accounts.actor_of(session, come_in(session, code, now=now), now=now)
    case = cases.start(session, person.household_id, actor=helper, now=now)
    cases.save(session, case, {"wants": ["accident"]}, actor=helper, now=now)
    assert (case.opened_by, case.proxy_id, case.subject_id) == (power.id, power.id, person.id)
    rows = session.exec(select(AuditRow).where(AuditRow.actor_ref == power.id)).all()
    assert {row.action for row in rows} == {"power:accept", "account:sign_in", "case:start", "case:save"}
    assert all(row.actor_role == "helper" and row.subject_ref for row in rows)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    made = create_app(settings, database=sqlite_database)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def at_home(app: Flask) -> tuple[FlaskClient, str, str]:
    """A person's own client, its household and itself."""
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        person = a_person(session)
        token = accounts.open_for_person(session, person.id, person.household_id, now=now)
        ids = (person.household_id, person.id)
    client = app.test_client()
    client.set_cookie("sid", token)
    return client, *ids


@pytest.mark.parametrize(
    ("lang", "banner", "title"),
    [("zh_Hans", "您正在为 王*明 代办", "我的帮办人"), ("en", "You act for 王*明", "My helpers")],
)
def test_a_helper_of_one_day_comes_in_sees_the_banner_and_is_stopped(
    app: Flask, lang: str, banner: str, title: str
) -> None:
    home, household, _person = at_home(app)
    page = home.post(f"/helpers/invite?lang={lang}", data={"helper_kind": "relative", "far": "see"}).text
    code = re.search(r"[A-Z2-9]{4} [A-Z2-9]{4}", page)
    assert code is not None
    helper = app.test_client()
    wrong = helper.post("/helpers/enter", data={"code": "ABCDEFGH", "name": "钱", "phone": AGENT_PHONE})
    assert wrong.status_code == 422
    given = {"code": code[0], "name": "钱帮办", "phone": AGENT_PHONE}
    assert helper.post("/helpers/enter", data={**given, "phone": "12"}).status_code == 422
    assert helper.post("/helpers/enter/code", data={"code": "123456"}).status_code == 422, "no digits were sent"
    assert helper.post("/helpers/enter", data=given).status_code == 303
    assert helper.get("/home").status_code == 303, "not in before the digits"
    assert helper.get(f"/helpers/enter/code?lang={lang}").status_code == 200
    assert helper.post("/helpers/enter/code", data={"code": digits_of(app)}).status_code == 303
    with app.extensions["database"].reading() as session:
        (held,) = session.exec(select(AccountSession).where(col(AccountSession.helper_id).is_not(None))).all()
        as_helper = Actor(id=str(held.helper_id), role=Role.HELPER, household_id=held.household_id)
        assert proving.sessions_of(session, as_helper, now=held.created_at) == [held], "a helper sees where it is in"
    for path in ("/home", "/messages", "/my-consents", "/survival/mine", "/helpers/"):
        shown = helper.get(f"{path}?lang={lang}")
        assert (shown.status_code, banner in shown.text) == (200, True), path
    refused = helper.post("/my-rights/complain", data={"words": "x"})
    assert refused.status_code == 403, "it may look only"
    mine = home.get(f"/helpers/?lang={lang}").text
    assert (title in mine, "钱帮办" in mine) == (True, True)
    power_id = re.search(r"/helpers/(\w+)/stop", mine)
    assert power_id is not None
    worker, stop = client_as(app, Role.WORKER), f"/helpers/{power_id[1]}/stop"
    for path in (f"/helpers/staff/households/{household}", f"/appeals/said/{household}"):
        assert stop in worker.get(f"{path}?lang={lang}").text, "the person calls, and staff find whom to stop"
    assert "王*明" in worker.get(f"/helpers/staff/?lang={lang}").text
    assert home.post(stop).status_code == 303
    assert stop not in worker.get(f"/appeals/said/{household}").text
    assert helper.get("/home").status_code == 303, "sent to the sign-in"


@pytest.mark.parametrize(("lang", "word"), [("zh_Hans", "委托书"), ("en", "Power of attorney")])
def test_a_standing_agent_is_recorded_checked_comes_in_by_telephone_and_is_objected_to(
    app: Flask, lang: str, word: str
) -> None:
    home, household, person = at_home(app)
    worker, verifier = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    form = {
        "person": person,
        "name": "赵帮办",
        "phone": AGENT_PHONE,
        "helper_kind": "social_worker",
        "matters": ["offers", "papers"],
        "acts": ["see", "answer", "notices"],
        "ends_on": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
        "signed": "thumbprint",
        "evidence": "shelf 7",
    }
    address = f"/helpers/staff/households/{household}"
    assert worker.post(address, data={**form, "signed": "witnesses"}).status_code == 422
    with app.extensions["database"].transaction() as session:
        girl = make.a_person(session, session.get_one(Household, household), name="王小小", phone="")
        girl.birth_year, child = datetime.now(UTC).year - 13, girl.id
        session.add(girl)
    barred = worker.post(f"{address}?lang={lang}", data={**form, "person": child})
    sentence = "监护人依法代其办理" if lang == "zh_Hans" else "the guardians act for this person by law"
    assert (barred.status_code, sentence in barred.text) == (422, True)
    where = worker.post(address, data=form).headers["Location"]
    sheet = worker.get(f"{where}/paper?lang={lang}").text
    assert (word in sheet, "赵帮办" in sheet) == (True, False)
    assert worker.post(f"{where}/paper", data={"reason": "else"}).status_code == 422
    sheet = worker.post(f"{where}/paper", data={"reason": "VERIFY"}).text
    assert all(told in sheet for told in ("赵帮办", "王小明", AGENT_PHONE))
    empty = app.test_client().get(f"/helpers/paper?lang={lang}").text
    assert (word in empty, "☐" in empty) == (True, True)
    assert "tag-late" not in worker.get("/helpers/staff/").text
    with app.extensions["database"].transaction() as session:
        for n in range(4):
            in_force(session, a_person(session, phone=f"1000000010{n}"), datetime.now(UTC), phone="10000055556")
    assert "tag-late" in worker.get("/helpers/staff/").text, "whoever acts for more than three is marked"
    for page in (f"/cases/counter/{household}", f"/alerts/households/{household}"):
        assert address in worker.get(page).text, page
    assert worker.post(f"{where}/confirm").status_code == 403
    assert verifier.post(f"{where}/confirm").status_code == 303
    with app.extensions["database"].transaction() as session:
        assert rest_powers(session, now=datetime.now(UTC)) == 5, "this one and the four of the helper of many"
        power = session.get_one(HelpPower, where.rpartition("/")[2])
        assert (power.state, power.checked_by) == (PowerState.PENDING, ""), "after a restore somebody looks again"
    assert verifier.post(f"{where}/confirm").status_code == 303
    shown = verifier.get(where).text
    assert "赵帮办" not in shown
    assert "赵*办" in shown
    assert verifier.post(f"{where}/names", data={"reason": "else"}).status_code == 422
    assert "赵帮办" in verifier.post(f"{where}/names", data={"reason": "VERIFY"}).text
    assert "The names on a power of attorney" in home.get("/who-saw?lang=en").text
    agent = app.test_client()
    stranger = agent.post("/helpers/agent", data={"phone": "10000099999"})
    assert stranger.status_code == 303, "a telephone of nobody is answered alike"
    assert agent.post("/helpers/agent/code", data={"code": "123456"}).status_code == 422
    assert agent.post("/helpers/agent", data={"phone": AGENT_PHONE}).status_code == 303
    with app.extensions["database"].reading() as session:
        index = vault_of(session).index("phone", AGENT_PHONE)
        code = session.exec(select(SignInCode).where(col(SignInCode.phone_index) == index)).one()
        digits = codes.code_text(session, code.id)
    assert agent.post("/helpers/agent/code", data={"code": digits}).status_code == 303
    assert agent.get("/home").status_code == 200
    signed = (BytesIO(make.a_picture()), "signed.png")
    yes = {"channel": "home_visit", "signature_kind": "paper", "photo": signed, "read_aloud": "y"}
    kept = agent.post(f"/households/{household}/consent", data=yes)
    assert (kept.status_code, agent.get(kept.headers.get("Location", "/")).status_code) == (303, 200)
    power_id = where.rsplit("/", 1)[1]
    assert agent.post(f"/helpers/{power_id}/stop").status_code == 403
    assert home.post(f"/helpers/{power_id}/object").status_code == 303
    assert agent.get("/home").status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.get_one(HelpPower, power_id).end_reason == "objected"
        assert session.get_one(Household, household).id == household


def digits_of(app: Flask, phone: str = AGENT_PHONE) -> str:
    """The newest digits sent to this telephone."""
    with app.extensions["database"].reading() as session:
        index = vault_of(session).index("phone", phone)
        asked = select(SignInCode).where(col(SignInCode.phone_index) == index)
        newest = max(session.exec(asked).all(), key=lambda one: (one.expires_at, one.id))
        return codes.code_text(session, newest.id)


def test_an_agent_of_two_households_reaches_each_and_goes_from_one_to_the_other(app: Flask) -> None:
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        first, second = (
            a_person(session, name=name, phone=f"1000000020{n}") for n, name in enumerate(("王甲", "李乙"))
        )
        one = in_force(session, first, now - timedelta(days=2), acts=("see",))
        other = in_force(session, second, now - timedelta(days=1))
        in_force(session, a_person(session, phone="10000000209"), now - timedelta(days=1), phone="10000055599")
        homes, ids = (first.household_id, second.household_id), (one.id, other.id)
    agent = app.test_client()
    assert agent.get("/helpers/agent/people").status_code == 303, "nobody without digits"
    assert agent.post(f"/helpers/agent/people/{ids[1]}").status_code == 404
    agent.post("/helpers/agent", data={"phone": AGENT_PHONE})
    chosen = agent.post("/helpers/agent/code", data={"code": digits_of(app)})
    assert chosen.headers["Location"].endswith("/helpers/agent/people")
    page = agent.get("/helpers/agent/people?lang=zh_Hans").text
    assert ("王*" in page, "李*" in page, page.count("post-button")) == (True, True, 2)
    for power_id, banner in ((ids[0], "王*"), (ids[1], "李*"), (ids[0], "王*")):
        assert agent.post(f"/helpers/agent/people/{power_id}").status_code == 303
        shown = agent.get("/home?lang=en").text
        assert (f"You act for {banner}" in shown, "Act for somebody else" in shown) == (True, True)
        assert "You act for this person now." in agent.get("/helpers/agent/people?lang=en").text
    with app.extensions["database"].reading() as session:
        held = session.exec(select(AccountSession).where(col(AccountSession.helper_id).in_(ids))).all()
        assert [row.household_id for row in held] == [homes[0]], "one session at a time"


@pytest.mark.parametrize(
    ("matters", "opens", "shut"),
    [
        (("offers",), "/offers-to-me", "/survival/mine"),
        (("checks",), "/survival/mine", "/offers-to-me"),
        (("applications",), "/cases/mine", "/offers-to-me"),
    ],
)
def test_an_agent_goes_only_into_the_matters_that_the_paper_names(
    app: Flask, sqlite_database: Database, matters: tuple[str, ...], opens: str, shut: str
) -> None:
    now = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        person = a_person(session)
        power = service.record_paper(session, person.id, a_paper(now, matters=matters), actor=WORKER, now=now)
        service.confirm(session, power.id, actor=VERIFIER, now=now)
        token = service.open_session(session, power, now=now)
    client = app.test_client()
    client.set_cookie("sid", token)
    assert client.get(opens).status_code == 200
    told = client.get(shut)
    assert told.status_code == 403
    assert "没有写明这件事" in told.text
    assert client.get("/home").status_code == 200


@pytest.mark.parametrize("standing", [True, False])
def test_an_agent_signs_under_its_power_and_a_helper_for_a_day_only_fills_in(
    session: Session, now: datetime, standing: bool
) -> None:
    person = a_person(session)
    if standing:
        power = in_force(session, person, now, matters=("applications",))
    else:
        power, _code = service.invite(
            session, person.id, helper_kind="volunteer", acts=("see", "answer"), actor=herself(person), now=now
        )
    helper = Actor(id=power.id, role=Role.HELPER, household_id=person.household_id, matters=frozenset(power.matters))
    case = cases.start(session, person.household_id, actor=helper, now=now)
    assert (case.subject_id, case.proxy_id) == (person.id, power.id)
    cases.save(session, case, {"wants": ["living"]}, actor=helper, now=now)
    told: dict[str, Any] = {"all_classes": True, "actor": helper, "now": now}
    if not standing:
        with pytest.raises(BadInput, match="signs_itself"):
            cases.sign(session, case, "王小明", hand_on=False, **told)
        assert case.signed_at is None
        _changes_after_the_signature_void_it(session, case, helper, {**told, "hand_on": True, "actor": herself(person)})
        return
    with pytest.raises(BadInput, match="not_for_agents"):
        cases.sign(session, case, "赵帮办", hand_on=True, **told)
    cases.sign(session, case, "赵帮办", hand_on=False, **told)
    found = papers.signature_of(session, case)
    assert found is not None
    assert (found[0].kind.value, found[0].recorded_by, found[1]) == ("by_agent", power.id, "赵帮办")


def _changes_after_the_signature_void_it(session: Session, case: Case, helper: Actor, sign: dict[str, Any]) -> None:
    """Each change of a helper takes the signature away and is told once; the same answer again changes nothing."""
    now = sign["now"]
    number = make_id_number("509900", date(1960, 3, 4), seq=71)
    changes: list[Callable[[], object]] = [
        lambda: cases.save(session, case, {"wants": ["living", "illness"]}, actor=helper, now=now),
        lambda: cases.correct_number(session, case, number, actor=helper, now=now),
        lambda: papers.add_photo(session, case, make.a_picture(), kind=PaperKind.ID_PHOTO, actor=helper, now=now),
    ]
    for n, change in enumerate(changes, start=1):
        cases.sign(session, case, "王小明", **{**sign, "now": now + timedelta(minutes=n)})
        same = {"wants": list(case.answers["wants"]), "savings_fen": None}
        cases.save(session, case, same, actor=helper, now=now)
        assert case.signed_at is not None
        change()
        assert case.signed_at is None
        with pytest.raises(BadInput, match="signed_before"):
            cases.submit(session, case, actor=helper, now=now)
        told = session.exec(select(Notice).where(Notice.letter == "case_unsigned")).all()
        assert [row.household_id for row in told] == [case.household_id] * n
    cases.sign(session, case, "王小明", **{**sign, "now": now + timedelta(hours=1)})
    assert cases.submit(session, case, actor=helper, now=now), "what was not changed since may be sent"


def test_each_grown_up_signs_only_its_own_application(session: Session, now: datetime) -> None:
    husband = a_person(session)
    wife = make.a_person(session, session.get_one(Household, husband.household_id), name="李四", phone="10000000055")
    case = cases.start(session, wife.household_id, actor=herself(wife), now=now)
    assert case.subject_id == case.signer_id == wife.id
    with pytest.raises(BadInput, match="signs_itself"):
        cases.sign(session, case, "李四", all_classes=True, hand_on=True, actor=herself(husband), now=now)
