"""An application taken down by staff: read back, signed in four ways, asked again by somebody else; a child's by its
guardian, from the application to the survival check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from adapters.fakes import FakeMessenger
from marketplace import addressing, notices
from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.cases import counter, notice, outcome, service, silent, steps
from marketplace.cases.models import Case, CaseItem, CasePaper, CaseState
from marketplace.config import Settings
from marketplace.consent.capacity import verify_guardian
from marketplace.consent.drafts import Capture
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.held import open_homes
from marketplace.households import reaching
from marketplace.households.models import Household, Person, SafeContact
from marketplace.households.service import contact_of, list_people
from marketplace.liveness import digits
from marketplace.liveness import service as survival
from marketplace.liveness.models import CheckCause, CheckState
from marketplace.notices import Notice
from marketplace.proxies import bringing
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall, SignedBy
from marketplace.readback.service import Heard, Script
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import vault_of
from marketplace.signals.models import TaskKind
from marketplace.visits import letters
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit, VisitState
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, OTHER, POOR, WORKER, walk
from tests.marketplace.test_proxies import in_force
from tests.pages.people import client_as

SECOND = Actor(id="worker-9", role=Role.WORKER, districts=frozenset({"500103"}))
NUMBER = make_id_number("509900", date(1950, 3, 4), seq=7)
TEXT = Script("apply", 1, "zh_Hans", ("一", "二"))
HEARD = Heard("counter", SignedBy.OWN_HAND, "chongqing", TEXT, shown=TEXT.sha256, evidence="窗口档案 12")


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def begun(session: Session, now: datetime, *, subject_id: str = "", home: str = "") -> Case:
    """A newcomer without a telephone, or somebody of a household, at the counter with all answers."""
    if not home:
        home = counter.enter_newcomer(session, counter.Newcomer("王小明", NUMBER, "500103"), actor=WORKER, now=now)
    case = service.start(session, home, channel="counter", subject_id=subject_id, actor=WORKER, now=now)
    return counter.take_down(session, case, POOR, actor=WORKER, now=now)


def send(session: Session, case: Case, heard: Heard, now: datetime) -> list[CaseItem]:
    return counter.read_and_send(
        session, case, heard, name="王小明", all_classes=True, hand_on=False, actor=WORKER, now=now
    )


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (HEARD, "typed_name"),
        (replace(HEARD, channel="home_visit", signed=SignedBy.THUMBPRINT), "thumbprint"),
        (replace(HEARD, channel="slip", signed=SignedBy.WITNESSES, witnesses="赵一，钱二"), "witnessed"),
        (replace(HEARD, channel="call", signed=SignedBy.SPOKEN), "spoken"),
    ],
)
def test_a_person_without_a_telephone_applies_through_a_worker_in_each_way_of_signing(
    session: Session, now: datetime, heard: Heard, kind: str
) -> None:
    case = begun(session, now)
    [person] = list_people(session, case.household_id)
    assert person.phone is None
    items = send(session, case, heard, now)
    assert case.state is CaseState.OPEN
    assert case.channel == heard.channel
    assert {item.code for item in items} >= {"DIBAO", "LINSHI"}
    assert (case.opened_by, case.subject_id) == (WORKER.id, person.id)
    assert session.exec(select(CasePaper.kind).where(CasePaper.case_id == case.id)).one().value == kind
    [row] = readback.of_object(session, f"case:{case.id}")
    assert (row.dialect, row.read_by, len(row.script_sha256)) == ("chongqing", WORKER.id, 64)
    assert row.answer == {"all_classes": True, "hand_on": False}, "what was said to each of the two questions"
    assert readback.witnesses_of(session, row) == heard.witnesses
    assert "赵一" not in str(row.witnesses)
    assert row.second is SecondCall.DUE or kind != "spoken"


@pytest.mark.parametrize(
    ("heard", "field"),
    [
        (replace(HEARD, signed=SignedBy.WITNESSES, witnesses="赵一，赵一"), "witnesses"),
        (replace(HEARD, evidence=" "), "evidence"),
        (replace(HEARD, dialect="klingon"), "dialect"),
        (replace(HEARD, signed=SignedBy.SPOKEN), "signed"),
        (replace(HEARD, channel="call"), "signed"),
    ],
)
def test_a_reading_without_its_proof_sends_nothing(session: Session, now: datetime, heard: Heard, field: str) -> None:
    case = begun(session, now)
    with pytest.raises(BadInput) as error:
        send(session, case, heard, now)
    assert error.value.facts["field"] == field
    assert case.state is CaseState.DRAFT


def test_the_same_card_twice_is_one_household_and_a_foreign_district_stays_shut(
    session: Session, now: datetime
) -> None:
    who = counter.Newcomer("王小明", NUMBER, "500103")
    home = counter.enter_newcomer(session, who, actor=WORKER, now=now)
    assert counter.enter_newcomer(session, who, actor=WORKER, now=now) == home
    with pytest.raises(NotFound):
        counter.enter_newcomer(session, replace(who, district_code="500112"), actor=OTHER, now=now)
    with pytest.raises(BadInput, match="bad_id_number"):
        counter.enter_newcomer(session, replace(who, id_number="509900195003040000"), actor=WORKER, now=now)


def test_a_spoken_yes_is_asked_again_by_another_worker_and_a_no_takes_it_back(session: Session, now: datetime) -> None:
    case = begun(session, now)
    send(session, case, replace(HEARD, channel="call", signed=SignedBy.SPOKEN), now)
    [row] = readback.due(session, actor=SECOND)
    with pytest.raises(NotAllowed, match="two_people_needed"):
        readback.take_second(session, row.id, confirmed=True, actor=WORKER, now=now)
    with pytest.raises(NotFound):
        readback.take_second(session, row.id, confirmed=True, actor=OTHER, now=now)
    readback.take_second(session, row.id, confirmed=False, actor=SECOND, now=now)
    counter.take_back(session, case.id, actor=SECOND, now=now)
    assert case.state is CaseState.WITHDRAWN
    with pytest.raises(WrongState, match="second_call_over"):
        readback.take_second(session, row.id, confirmed=True, actor=SECOND, now=now)


def test_about_one_reading_in_four_is_drawn_and_nobody_draws_it(session: Session, now: datetime) -> None:
    drawn = sum(readback._drawn(session, f"reading-{n}") for n in range(400))
    assert 60 < drawn < 140


def a_family(session: Session, now: datetime) -> tuple[Household, Person, Person, Person]:
    """A child of thirteen, its grandmother whom the record names, and an uncle whom it does not."""
    home = make.a_household(session, name="李奶奶")
    granny = contact_of(session, home.id)
    assert granny is not None
    child = make.a_person(session, home, name="李小小", phone="")
    uncle = make.a_person(session, home, name="李叔叔", phone="10000000033")
    child.birth_year, child.contact, child.phone_index = now.year - 13, False, None
    uncle.contact, home.size = False, 3
    number = make_id_number("509900", date(now.year - 13, 5, 6), seq=4)
    child.id_number = vault_of(session).seal(session, child.id, column="person.id_number", text=number)
    session.add_all([home, child, uncle])
    session.flush()
    return home, granny, child, uncle


def myself(person: Person) -> Actor:
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


def test_a_child_of_thirteen_goes_the_whole_way_through_her_guardian(session: Session, now: datetime) -> None:
    home, granny, child, uncle = a_family(session, now)
    with pytest.raises(WrongState, match="guardian_not_verified"):
        service.start(session, home.id, subject_id=child.id, actor=WORKER, now=now)
    verify_guardian(session, child.id, guardian_id=granny.id, evidence="户口簿 3 页", actor=APPROVER, now=now)
    for who in (uncle, child):
        with pytest.raises(WrongState, match="guardian_not_verified"):
            service.start(session, home.id, subject_id=child.id, actor=myself(who), now=now)
    me = myself(granny)
    case = service.start(session, home.id, subject_id=child.id, actor=me, now=now)
    assert (case.subject_id, case.signer_id) == (child.id, granny.id)
    service.save(session, case, {**POOR, "wants": ["living"]}, actor=me, now=now)
    with pytest.raises(WrongState, match="guardian_not_verified"):
        service.sign(session, case, "李叔叔", all_classes=True, hand_on=True, actor=myself(uncle), now=now)
    service.sign(session, case, "李奶奶", all_classes=True, hand_on=True, actor=me, now=now)
    paper = session.exec(select(CasePaper).where(CasePaper.case_id == case.id)).one()
    assert paper.person_id == granny.id
    items = {item.code: item for item in service.submit(session, case, actor=me, now=now)}
    day = walk(session, items["DIBAO"], now, to="public_notice")
    assert notice.list_notices(session, "500103", now=day) == []
    notice._go_on(session, items["DIBAO"].id, now=day)
    assert steps.running_step(session, items["DIBAO"].id).code == "confirm"
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=60_000, actor=APPROVER, now=day)
    check = survival.open_check(session, child.id, CheckCause.SCHEDULE, due_on=day.date(), actor=WORKER, now=day)
    with pytest.raises(WrongState, match="own_check_only"):
        digits.send_code(session, check.id, network="n", actor=myself(uncle), now=day)
    code = codes.code_text(session, digits.send_code(session, check.id, network="n", actor=me, now=day))
    tail = make_id_number("509900", date(now.year - 13, 5, 6), seq=4)[-4:]
    assert digits.code_and_tail_fit(session, check.id, code=code, tail=tail, actor=me, now=day)
    assert check.state is CheckState.SEEN
    assert check.done_by == granny.id


def test_grandmother_and_child_have_each_a_draft_of_its_own(session: Session, now: datetime) -> None:
    home, granny, child, _uncle = a_family(session, now)
    verify_guardian(session, child.id, guardian_id=granny.id, evidence="户口簿 3 页", actor=APPROVER, now=now)
    own = service.start(session, home.id, actor=myself(granny), now=now)
    hers = service.start(session, home.id, subject_id=child.id, actor=myself(granny), now=now)
    assert own.id != hers.id
    assert service.start(session, home.id, subject_id=child.id, actor=myself(granny), now=now).id == hers.id


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def test_the_guardian_of_a_child_without_a_telephone_is_offered_the_code(app: Flask, now: datetime) -> None:
    with app.extensions["database"].transaction() as session:
        _home, granny, child, uncle = a_family(session, now)
        verify_guardian(session, child.id, guardian_id=granny.id, evidence="户口簿 3 页", actor=APPROVER, now=now)
        check = survival.open_check(session, child.id, CheckCause.SCHEDULE, due_on=now.date(), actor=WORKER, now=now)
        tokens = [accounts.open_for_person(session, one.id, one.household_id, now=utc_now()) for one in (granny, uncle)]
    offered = []
    for token in tokens:
        client = app.test_client()
        client.set_cookie("sid", token)
        offered.append(f"/{check.id}/send-code" in client.get(f"/survival/mine/{check.id}").text)
    assert offered == [True, False]


def test_the_counter_walks_from_a_card_to_the_printed_papers_in_both_languages(app: Flask) -> None:
    worker = client_as(app, Role.WORKER)
    assert client_as(app, Role.VERIFIER).get("/cases/counter").status_code == 403
    body = {"name": "王小明", "id_number": "123", "district": "500103"}
    asked = worker.post("/cases/counter", data={**body, "id_number": NUMBER})
    assert (asked.status_code, 'name="street"' in asked.text) == (200, True)
    body["street"] = "500103003"
    assert "号码不对" in worker.post("/cases/counter", data=body).text
    short = worker.post("/cases/counter", data={**body, "id_number": NUMBER, "phone": "138 0000 000"})
    assert (short.status_code, "11 位" in short.text) == (422, True)
    where = worker.post("/cases/counter", data={**body, "id_number": NUMBER}).headers["Location"]
    page = worker.get(where).text
    person = page.split('name="person" value="')[1].split('"')[0]
    where = worker.post(where, data={"person": person}).headers["Location"]
    assert worker.post(where, data={}).status_code == 422
    answers = {"wants": ["living"], "size": "2", "income_fen": "500"}
    where = worker.post(where, data=answers).headers["Location"]
    assert "500" in worker.get(where + "?lang=en").text
    said = {"channel": "counter", "dialect": "chongqing", "signed": "witnesses", "evidence": "档案", "read_aloud": "y"}
    said["typed_name"] = "王小明"
    page = worker.get(where + "?lang=zh_Hans").text
    assert (
        "文字有变动"
        in worker.post(where, data={**said, "shown": "words of another day", "witnesses": "赵一，钱二"}).text
    )
    said["shown"] = page.split('name="shown" type="hidden" value="')[1].split('"')[0]
    assert "两名" in worker.post(where, data=said).text
    done = worker.post(where, data={**said, "witnesses": "赵一，钱二"})
    assert done.status_code == 303
    case = done.headers["Location"].removesuffix("/print")
    for path in ("/papers/authorisation", "/papers/receipt", "/print"):
        assert "<svg" in worker.get(case + path).text
        english = worker.get(case + path + "?lang=en").text
        assert "Application" in english
    with app.extensions["database"].reading() as session:
        assert session.exec(select(ReadBack.act)).one() == "apply"


def outbox(database: Database, settings: Settings, now: datetime) -> list[tuple[str, str, str]]:
    """Send what is due as the worker does; letter, state and channel of each that no agent gets."""
    told: Any = {"compose": partial(addressing.compose, settings), "unreached": bringing.bring, "clock": lambda: now}
    notices.send_due(database, FakeMessenger(), **told)
    with database.reading() as session:
        found = session.exec(select(Notice).where(col(Notice.household_id).is_not(None)).order_by(Notice.letter))
        return [(one.letter, one.state.value, one.channel) for one in found]


def test_letters_to_a_household_without_a_telephone_are_brought_and_papers_are_asked_for_there(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        case = begun(session, now)
        home, items = case.household_id, send(session, case, HEARD, now)
    assert outbox(sqlite_database, settings, now) == [("case_received", "by_hand", "")]
    with sqlite_database.transaction() as session:
        assert session.exec(select(HomeVisit).where(HomeVisit.cause == "LETTER")).all() == [], "it waits for the next"
        assert open_homes(session, notices.HELD, [home], now=now) == set(), "and keeps nobody from being erased"
        item_id = next(item.id for item in items if item.code == "DIBAO")
        steps.stop(session, item_id, missing="户口簿", actor=WORKER, now=now)
    wait = [("case_received", "by_hand", ""), ("case_waits", "by_hand", "")]
    assert outbox(sqlite_database, settings, now) == outbox(sqlite_database, settings, now) == wait
    with sqlite_database.reading() as session:
        visit = session.exec(select(HomeVisit).where(HomeVisit.cause == "LETTER")).one()
        assert open_homes(session, notices.HELD, [home], now=now) == {home}
    assert (visit.kind, visit.household_id) == (TaskKind.VISIT, home)
    page = client_as(app, Role.WORKER).get(f"/home-visits/{visit.id}")
    assert (page.status_code, "还缺一些材料" in page.text) == (200, True)
    assert f"/appeals/said/{home}" in page.text, "where the answers lie that have no page"
    with sqlite_database.transaction() as session:
        visits.finish(session, session.get_one(HomeVisit, visit.id), "NOT_REACHED", actor=WORKER, now=now)
    assert outbox(sqlite_database, settings, now) == wait
    worker, brought = client_as(app, Role.WORKER), [(one, "sent", "home_visit") for one, _state, _channel in wait]
    shown = worker.get(f"/home-visits/{visit.id}").text.split('name="letters" value="')[1].split('"')[0]
    with sqlite_database.transaction() as session:
        account = session.exec(select(Account).where(Account.role == Role.WORKER)).first()
        assert account is not None
        account.display_name, who = "街道 孙晓", {"account_id": account.id}
        notices.post(session, "worker_changed", key="after the print", household_id=home, params=who, now=now)
        make.auto_match(session, session.get_one(Household, home), capture=Capture(lang="en"))
    came = [("worker_changed", "by_hand", "")]
    assert outbox(sqlite_database, settings, now) == wait + came
    said = {"base": "0", "letters": shown, "outcome": "REACHED_FINE", "act": "done"}
    assert worker.post(f"/home-visits/{visit.id}", data=said).status_code == 303
    assert outbox(sqlite_database, settings, now) == brought + came, "what was not on the page was not brought"
    with sqlite_database.reading() as session:
        asked = select(HomeVisit).where(HomeVisit.cause == "LETTER", HomeVisit.state == VisitState.OPEN)
        again = f"/home-visits/{session.exec(asked).one().id}"
    text = worker.get(f"{again}?lang=zh_Hans").text
    assert ("Somebody else comes to see you from now on: 孙晓." in text, "See it here" in text) == (True, False)
    shown = text.split('name="letters" value="')[1].split('"')[0]
    change = {"outcome": {"value": "REACHED_FINE", "at": utc_now().isoformat()}}
    parcel = {"key": "k" * 36, "base": 0, "finish": True, "letters": shown, "changes": change}
    assert worker.post(f"{again}/parcels", json=parcel).json == {"answer": "done", "version": 1}
    assert outbox(sqlite_database, settings, now) == [*brought, ("worker_changed", "sent", "home_visit")]
    with sqlite_database.reading() as session:
        assert session.exec(asked).all() == []
    later = now + timedelta(days=60)
    silent.sweep(sqlite_database, now=later)
    with sqlite_database.reading() as session:
        call = silent.call_of(session, item_id)
    assert call is not None
    assert call.kind is TaskKind.VISIT


def test_nobody_comes_to_the_door_with_letters_where_somebody_said_how_it_may_be_reached(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        case = begun(session, now)
        home, items = case.household_id, send(session, case, HEARD, now)
        steps.stop(session, items[0].id, missing="户口簿", actor=WORKER, now=now)
        [person] = list_people(session, home)
        reaching.keep_for(session, person.id, reaching.QUIET, actor=WORKER, now=now)
    told = [("case_received", "sent", notices.ON_PAGE), ("case_waits", "sent", notices.ON_PAGE)]
    assert outbox(sqlite_database, settings, now) == told
    with sqlite_database.transaction() as session:
        assert session.exec(select(HomeVisit).where(HomeVisit.cause == "LETTER")).all() == []
        reaching.keep_for(session, person.id, reaching.USUAL, actor=WORKER, now=now)
        notices.post(session, "case_waits", key="later", household_id=home, now=now)
    outbox(sqlite_database, settings, now)
    asked = select(HomeVisit).where(HomeVisit.cause == "LETTER", HomeVisit.state == VisitState.OPEN)
    with sqlite_database.transaction() as session:
        visit = session.exec(asked).one()
        assert len(letters.to_hand_over(session, visit, language="zh_Hans")) == 1
        reaching.keep_for(session, person.id, reaching.QUIET, actor=WORKER, now=now)
        assert visit.state is VisitState.DROPPED
        assert {one.channel for one in session.exec(select(Notice))} == {notices.ON_PAGE}
        reaching.keep_for(session, person.id, reaching.USUAL, actor=WORKER, now=now)
        notices.post(session, "case_waits", key="last", household_id=home, now=now)
    outbox(sqlite_database, settings, now)
    with sqlite_database.transaction() as session:
        visit = session.exec(asked).one()
        way = vault_of(session).seal(session, person.id, column=reaching.COLUMN, text=reaching.QUIET)
        session.add(SafeContact(person_id=person.id, way=way, since_at=now))
        session.flush()
        assert letters.to_hand_over(session, visit, language="zh_Hans") == [], "who said so has just moved in"
        visits.finish(session, visit, "REACHED_FINE", actor=WORKER, now=now)
        assert {one.channel for one in session.exec(select(Notice))} == {notices.ON_PAGE}


@pytest.mark.parametrize(("matter", "went"), [("applications", ("sent", notices.ON_PAGE)), ("checks", ("by_hand", ""))])
def test_an_agent_who_is_told_hears_what_a_household_without_a_telephone_is_told(
    sqlite_database: Database, settings: Settings, now: datetime, matter: str, went: tuple[str, str]
) -> None:
    with sqlite_database.transaction() as session:
        case = begun(session, now)
        [person] = list_people(session, case.household_id)
        send(session, case, HEARD, now)
        in_force(session, person, now=now, matters=(matter,))
    assert outbox(sqlite_database, settings, now) == [
        ("case_received", *went),
        ("helper_named", "by_hand", ""),
    ], "that an agent was named is no letter for the agent, nor what its power does not name"
