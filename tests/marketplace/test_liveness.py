"""Survival checks: asked in time, answered in any of the equal ways, never a cut; no face is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, SQLModel, col, select

from adapters.fakes import FakeFace
from adapters.liveness import verified
from adapters.ports import WillNeverWork
from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.models import SignInCode
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, ConsentMissing, NotFound, WrongState
from marketplace.households.categories import categories_on
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.liveness import dead, digits, duties, face, schedule, service
from marketplace.liveness.models import CheckCause, CheckState, FaceConsent, SurvivalCheck, SurvivalDuty, Way
from marketplace.notices import Notice
from marketplace.reference.survival import survival_rule
from marketplace.rights import deaths
from marketplace.rights import told as feeds_told
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.signal_scene import a_home, a_number, head, into, told
from tests.pages.people import client_as

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))
ELSEWHERE = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500112"}))
NUMBER = "50990019600101001X"


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def a_person(session: Session, *, born: int = 1960) -> tuple[Household, Person]:
    """One who lives alone, with a telephone and an ID number on record."""
    home = make.a_household(session)
    person = list_people(session, home.id)[0]
    person.birth_year = born
    person.id_number = vault_of(session).seal(session, person.id, column="person.id_number", text=NUMBER)
    session.add(person)
    session.flush()
    return home, person


def herself(person: Person) -> Actor:
    """The person, signed in by telephone."""
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


def asked(session: Session, now: datetime, *, born: int = 1960) -> tuple[Person, SurvivalCheck]:
    """A person whose day has come."""
    _home, person = a_person(session, born=born)
    duties.enrol(session, person.id, "TEKUN", actor=WORKER, now=now)
    due = local_day(now) + timedelta(days=20)
    return person, service.open_check(session, person.id, CheckCause.SCHEDULE, due_on=due, actor=WORKER, now=now)


def by_code(session: Session, check: SurvivalCheck, actor: Actor, now: datetime, *, tail: str = "001x") -> bool:
    """Ask for a code and type it in with the end of the ID number."""
    code_id = digits.send_code(session, check.id, network="n", actor=actor, now=now)
    code = codes.code_text(session, code_id)
    return digits.code_and_tail_fit(session, check.id, code=code, tail=tail, actor=actor, now=now)


def test_the_rules_are_dated_data_and_a_month_without_the_day_ends_with_its_last() -> None:
    rule = survival_rule("TEKUN", date(2026, 11, 30))
    assert (rule.months, rule.after(date(2026, 11, 30))) == (3, date(2027, 2, 28))
    assert survival_rule("DIBAO", date(2026, 12, 1)).after(date(2026, 12, 31)) == date(2027, 12, 31)
    with pytest.raises(LookupError):
        survival_rule("TEKUN", date(2025, 12, 31))


def test_the_sweep_asks_so_many_days_before_and_once(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        home, person = a_person(session)
        duty = duties.enrol(session, person.id, "TEKUN", actor=WORKER, now=now)
        assert duty.next_on == date(2027, 2, 23)
        assert duties.enrol(session, person.id, "TEKUN", actor=WORKER, now=now).id == duty.id
        duties.enrol(session, person.id, "DIBAO", actor=WORKER, now=now)
        home_id = home.id
    early = datetime(2027, 2, 2, 2, tzinfo=UTC)
    assert schedule.sweep(sqlite_database, clock=lambda: early) == 0
    day = early + timedelta(days=1)
    assert schedule.sweep(sqlite_database, clock=lambda: day) == 1
    assert schedule.sweep(sqlite_database, clock=lambda: day) == 0
    with sqlite_database.reading() as session:
        check = session.exec(select(SurvivalCheck)).one()
        assert (check.state, check.due_on, check.household_id) == (CheckState.OPEN, date(2027, 2, 23), home_id)
        letter = session.exec(select(Notice)).one()
        assert (letter.letter, letter.params) == ("check_due", {"by": "2027-02-23"})


def test_who_says_nothing_is_visited_and_no_benefit_ends(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        _person, check = asked(session, now)
        check_id = check.id
    late = now + timedelta(days=40)
    assert schedule.sweep(sqlite_database, clock=lambda: late) == 1
    assert schedule.sweep(sqlite_database, clock=lambda: late) == 0
    with sqlite_database.transaction() as session:
        found = session.get_one(SurvivalCheck, check_id)
        assert found.state is CheckState.VISIT
        clock = session.exec(select(Clock).where(col(Clock.ended_at).is_(None))).one()
        assert (clock.step, clock.district_code) == ("survival_visit", "500103")
        for _go in range(5):
            service.record_not_met(session, check_id, note="nobody there", actor=WORKER, now=late)
        assert (found.state, found.tries) == (CheckState.VISIT, 5)
        assert session.exec(select(SurvivalDuty)).one().ended_at is None
    for _day in range(4):
        late += timedelta(days=200)
        schedule.sweep(sqlite_database, clock=lambda at=late: at)  # type: ignore[misc]
    with sqlite_database.reading() as session:
        assert session.exec(select(SurvivalDuty)).one().ended_at is None, "only a person ends the asking"


def test_a_code_with_the_end_of_the_id_number_is_enough_and_counts_for_every_benefit(
    session: Session, now: datetime
) -> None:
    person, check = asked(session, now)
    duties.enrol(session, person.id, "SENIOR", actor=WORKER, now=now)
    later = now + timedelta(days=10)
    assert not by_code(session, check, herself(person), later, tail="0012")
    assert (check.state, check.tries) == (CheckState.OPEN, 1)
    assert by_code(session, check, herself(person), later)
    assert (check.state, check.way, check.done_by) == (CheckState.SEEN, Way.CODE, person.id)
    days = {duty.kind: duty.next_on for duty in duties.duties_of(session, person.id)}
    assert days == {"TEKUN": date(2027, 3, 3), "SENIOR": date(2027, 6, 3)}
    assert session.exec(select(Clock).where(col(Clock.ended_at).is_(None))).all() == []
    with pytest.raises(WrongState):
        by_code(session, check, herself(person), later)


def test_a_helper_answers_with_the_persons_own_code_and_stands_in_the_row(session: Session, now: datetime) -> None:
    person, check = asked(session, now)
    helper = Actor(id="helper-1", role=Role.HELPER, household_id=person.household_id)
    assert by_code(session, check, helper, now)
    assert (check.done_by, check.done_role) == ("helper-1", Role.HELPER)
    row = session.exec(select(AuditRow).where(AuditRow.action == "survival:seen")).one()
    assert (row.actor_ref, row.actor_role) == ("helper-1", "helper")
    assert check.person_id != check.done_by


def test_each_grown_up_answers_for_itself(session: Session, now: datetime) -> None:
    person, check = asked(session, now)
    other = make.a_person(session, session.get_one(Household, person.household_id), phone="10000000009")
    with pytest.raises(WrongState, match="own_check_only"):
        digits.send_code(session, check.id, network="n", actor=herself(other), now=now)
    stranger = Actor(id="x", role=Role.HOUSEHOLD, household_id="another")
    with pytest.raises(NotFound):
        digits.send_code(session, check.id, network="n", actor=stranger, now=now)


@pytest.mark.parametrize("way", [Way.VIDEO, Way.HOME, Way.COUNTER])
def test_staff_see_the_person_by_video_at_home_or_at_the_counter(session: Session, now: datetime, way: Way) -> None:
    person, check = asked(session, now)
    service.wish(session, check.id, way=way.value, actor=herself(person), now=now)
    assert service.list_waiting(session, actor=WORKER, offset=0, limit=9)[0].wish == way.value
    with pytest.raises(NotFound):
        service.record_seen(session, check.id, way=way, actor=ELSEWHERE, now=now)
    service.record_seen(session, check.id, way=way, actor=WORKER, now=now)
    assert (check.state, check.way, check.done_role) == (CheckState.SEEN, way, Role.WORKER)
    assert {one.letter for one in session.exec(select(Notice))} == {"check_due", "check_done"}


@pytest.mark.parametrize("cause", [CheckCause.DEATH, CheckCause.DETENTION])
def test_a_record_of_death_or_detention_sends_somebody_and_decides_nothing(
    session: Session, now: datetime, cause: CheckCause
) -> None:
    person, check = asked(session, now)
    again = service.report(session, check.person_id, cause, evidence="list 7", actor=WORKER, now=now)
    assert (again.id, again.state, again.cause) == (check.id, CheckState.VISIT, cause)
    assert duties.duties_of(session, check.person_id) != []
    with pytest.raises(WrongState, match="seen_by_staff_only"):
        by_code(session, check, herself(person), now)
    face.give(session, person.id, actor=herself(person), now=now)
    with pytest.raises(WrongState, match="seen_by_staff_only"):
        face.ready(session, check.id, actor=herself(person))
    service.wish(session, check.id, way="counter", actor=herself(person), now=now)
    assert dead.is_told_dead(session, person.id) is (cause is CheckCause.DEATH)
    service.record_seen(session, check.id, way=Way.HOME, note="the record was wrong", actor=WORKER, now=now)
    assert check.state is CheckState.SEEN
    assert not dead.is_told_dead(session, person.id)


@pytest.mark.parametrize("cause", [CheckCause.DETENTION, CheckCause.DEATH])
def test_whoever_is_detained_is_written_down_as_that_and_looked_at_again(
    session: Session, now: datetime, cause: CheckCause
) -> None:
    _person, check = asked(session, now)
    service.report(session, check.person_id, cause, evidence="list 7", actor=WORKER, now=now)
    with pytest.raises(BadInput):
        service.record_detained(session, check.id, note=" ", actor=WORKER, now=now)
    service.record_detained(session, check.id, note="notice of 20 November", actor=WORKER, now=now)
    assert check.state is CheckState.DETAINED
    assert not dead.is_told_dead(session, check.person_id), "who is detained lives"
    (duty,) = duties.duties_of(session, check.person_id)
    assert (duty.ended_at, duty.next_on > now.date()) == (None, True)


def test_a_death_on_record_opens_a_check_of_whoever_draws_a_benefit(session: Session, now: datetime) -> None:
    _home, person = a_person(session)
    _other, without = a_person(session)
    duties.enrol(session, person.id, "DIBAO", actor=WORKER, now=now)
    for one in (person, without):
        deaths.record_death(session, one.id, died_on=now.date(), evidence="paper 1", actor=WORKER, now=now)
    check = session.exec(select(SurvivalCheck)).one()
    assert (check.person_id, check.cause, check.state) == (person.id, CheckCause.DEATH, CheckState.VISIT)
    service.record_died(session, check.id, note="told by the neighbour", actor=WORKER, now=now)
    assert duties.duties_of(session, person.id)[0].ended_at is None, "a verifier decides that"
    duty = duties.duties_of(session, person.id)[0]
    duties.end_duty(session, duty.id, reason="died", actor=VERIFIER, now=now)
    assert duties.duties_of(session, person.id) == []


def test_what_departments_tell_of_a_death_or_a_detention_sends_somebody_once(
    sqlite_database: Database, now: datetime
) -> None:
    numbers, today = [a_number() for _one in range(4)], local_day(now)
    with sqlite_database.transaction() as session:
        dead_one, kept, out, without = (head(session, a_home(session, numbers=(one,), now=now)) for one in numbers)
        for one in (dead_one, kept, out):
            duties.enrol(session, one.id, "DIBAO", actor=WORKER, now=now)
        service.open_check(session, kept.id, CheckCause.SCHEDULE, due_on=today, actor=WORKER, now=now)
        rows = [(numbers[0], "DEATH", today, None), (numbers[3], "DEATH", today, None)]
        told(session, "CIVIL_RECORDS", *rows, as_of=today, now=now)
        held = [(one, "DETAINED", today - timedelta(days=30), 1) for one in numbers[1:3]]
        told(session, "DETENTION", *held, (numbers[2], "DETAINED", today, 0), as_of=today, now=now)
    for sent in (2, 0):
        assert feeds_told.look(sqlite_database, now=now) == sent
    with sqlite_database.transaction() as session:
        found = {one.person_id: one for one in session.exec(select(SurvivalCheck))}
        assert {one: check.cause for one, check in found.items()} == {
            dead_one.id: CheckCause.DEATH,
            kept.id: CheckCause.DETENTION,
        }, "neither who is out again nor who draws nothing"
        assert {check.state for check in found.values()} == {CheckState.VISIT}, "who was asked already, too"
        assert found[dead_one.id].evidence == f"CIVIL_RECORDS:{today}"
        seen = now + timedelta(days=1)
        service.record_seen(session, found[dead_one.id].id, way=Way.HOME, actor=WORKER, now=seen)
        assert not dead.is_told_dead(session, dead_one.id), "it was somebody else"
        deaths.record_death(session, without.id, died_on=today, evidence="paper 1", actor=WORKER, now=now)
    assert feeds_told.look(sqlite_database, now=seen) == 0
    with sqlite_database.transaction() as session:
        row = (numbers[0], "DEATH", today + timedelta(days=5), None)
        told(session, "CIVIL_RECORDS", row, as_of=today + timedelta(days=5), now=now + timedelta(days=5))
        told(session, "CIVIL_RECORDS", (numbers[1], "DEATH", today, None), as_of=today, now=now)
    later = now + timedelta(days=5)
    for sent in (2, 0):
        assert feeds_told.look(sqlite_database, now=later) == sent, "told anew after the look, and of who is detained"


def test_a_benefit_that_is_over_ends_its_category_and_begins_the_watch(session: Session, now: datetime) -> None:
    home, person = a_person(session)
    other = make.a_person(session, home)
    home.size = 2
    into(session, home, "IN_REGISTER", from_on=local_day(now) - timedelta(days=400), now=now)
    first, second = (duties.enrol(session, one.id, "DIBAO", actor=WORKER, now=now) for one in (person, other))
    third = duties.enrol(session, person.id, "TEKUN", actor=WORKER, now=now)
    day = local_day(now) + timedelta(days=1)
    for duty, reason in ((first, "benefit_over"), (second, "mistake"), (third, "died")):
        duties.end_duty(session, duty.id, reason=reason, actor=VERIFIER, now=now)
        assert categories_on(session, [home.id], on=day) == {home.id: ["IN_REGISTER"]}, "somebody still draws it"
    last = duties.enrol(session, other.id, "DIBAO", actor=WORKER, now=now)
    duties.end_duty(session, last.id, reason="benefit_over", actor=VERIFIER, now=now)
    assert categories_on(session, [home.id], on=day) == {home.id: ["EXITED_2Y"]}


def test_a_face_check_needs_its_own_yes_and_keeps_a_hash_only(session: Session, now: datetime) -> None:
    person, check = asked(session, now)
    actor, door = herself(person), FakeFace()
    with pytest.raises(ConsentMissing):
        face.ready(session, check.id, actor=actor)
    face.give(session, person.id, actor=actor, now=now)
    _check, subject = face.ready(session, check.id, actor=actor)
    assert person.id not in subject
    task = door.begin(key=check.id, subject=subject, back="https://here.example.cn/")
    face.begun(session, check.id, task, actor=actor, now=now)
    door.verdicts[task.reference] = False
    assert not face.finish(session, check.id, door.result(task.reference), actor=actor, now=now)
    assert check.state is CheckState.OPEN, "not recognised is not dead"
    face.begun(session, check.id, task, actor=actor, now=now)
    door.verdicts[task.reference] = True
    assert face.finish(session, check.id, door.result(task.reference), actor=actor, now=now)
    assert (check.state, check.way, len(check.face_sha256)) == (CheckState.SEEN, Way.FACE, 64)


def test_a_face_check_is_not_for_children_nor_for_a_helper_and_ends_with_its_yes(
    session: Session, now: datetime
) -> None:
    child, _check = asked(session, now, born=2013)
    with pytest.raises(WrongState, match="face_not_for_children"):
        face.give(session, child.id, actor=herself(child), now=now)
    person, check = asked(session, now)
    face.give(session, person.id, actor=herself(person), now=now)
    face.withdraw(session, person.id, actor=herself(person), now=now)
    with pytest.raises(ConsentMissing):
        face.ready(session, check.id, actor=herself(person))
    assert session.exec(select(FaceConsent)).one().withdrawn_at == now
    assert by_code(session, check, herself(person), now), "every other way stays"


def test_an_answer_that_the_provider_did_not_sign_is_refused() -> None:
    mine, other = FakeFace(), FakeFace()
    good = mine.signed("face-1", alive=True)
    assert verified(good, "face-1", issuer=mine.issuer, key=mine.key).alive
    head, body, tail = good.split(".")
    for bad in (other.signed("face-1", alive=True), f"{head}.{body}.{tail[:-4]}AAAA", "x", f"e30.{body}.", ""):
        with pytest.raises(WillNeverWork):
            verified(bad, "face-1", issuer=mine.issuer, key=mine.key)
    with pytest.raises(WillNeverWork):
        verified(good, "face-2", issuer=mine.issuer, key=mine.key)
    with pytest.raises(WillNeverWork):
        verified(good, "face-1", issuer="https://other.example.cn", key=mine.key)


def test_no_table_of_checks_has_a_place_for_a_picture() -> None:
    for table in ("survival_check", "survival_duty", "face_consent"):
        kinds = {str(column.type).split("(")[0] for column in SQLModel.metadata.tables[table].c}
        assert not kinds & {"BLOB", "TEXT", "JSON", "BYTEA"}, (table, kinds)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    made = create_app(settings, database=sqlite_database, face=FakeFace())
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def signed_in(app: Flask) -> tuple[FlaskClient, str, str]:
    """Somebody whose day has come: its client, the check, the household."""
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        person, check = asked(session, now)
        token = accounts.open_for_person(session, person.id, person.household_id, now=now)
        ids = (check.id, person.household_id)
    client = app.test_client()
    client.set_cookie("sid", token)
    return client, *ids


def state_of(app: Flask, check_id: str) -> CheckState:
    with app.extensions["database"].reading() as session:
        found: CheckState = session.get_one(SurvivalCheck, check_id).state
        return found


def code_of(app: Flask) -> str:
    """The code as the message would say it."""
    with app.extensions["database"].reading() as session:
        code = session.exec(select(SignInCode)).one()
        return codes.code_text(session, code.id)


@pytest.mark.parametrize(
    ("lang", "asks", "thanks"), [("zh_Hans", "选择一种方式", "已收到"), ("en", "Choose a way", "heard")]
)
def test_somebody_answers_by_code_on_the_page(app: Flask, lang: str, asks: str, thanks: str) -> None:
    home, check_id, _household = signed_in(app)
    assert check_id in home.get(f"/survival/mine?lang={lang}").text
    assert asks in home.get(f"/survival/mine/{check_id}").text
    where = home.post(f"/survival/mine/{check_id}/send-code").headers["Location"]
    wrong = home.post(where, data={"code": code_of(app), "tail": "9999"})
    assert (wrong.status_code, state_of(app, check_id)) == (422, CheckState.OPEN)
    assert home.post(where, data={"code": "12", "tail": "9999"}).status_code == 422
    home.post(f"/survival/mine/{check_id}/send-code")
    done = home.post(where, data={"code": code_of(app), "tail": "001X"}, follow_redirects=True)
    assert thanks in done.text
    assert state_of(app, check_id) is CheckState.SEEN


@pytest.mark.parametrize(("lang", "word"), [("zh_Hans", "人脸"), ("en", "face check")])
def test_somebody_answers_by_face_after_a_yes_of_its_own(app: Flask, lang: str, word: str) -> None:
    home, check_id, _household = signed_in(app)
    assert word in home.get(f"/survival/face?lang={lang}").text
    assert home.post(f"/survival/mine/{check_id}/face").status_code == 403
    assert home.post("/survival/face").status_code == 303
    page = home.post(f"/survival/mine/{check_id}/face").text
    assert re.search(rf'href="http://localhost/survival/mine/{check_id}"', page)
    assert home.post(f"/survival/mine/{check_id}/face/done").status_code == 303
    assert state_of(app, check_id) is CheckState.SEEN
    assert home.post("/survival/face/withdraw").status_code == 303


def test_somebody_wishes_a_visit_and_staff_write_down_that_it_took_place(app: Flask) -> None:
    home, check_id, household = signed_in(app)
    assert home.post(f"/survival/mine/{check_id}/other-way", data={"way": "home"}).status_code == 303
    worker, verifier = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    assert "上门探访" in worker.get("/survival/").text
    assert worker.get(f"/survival/households/{household}").status_code == 200
    missing = worker.post(f"/survival/{check_id}", data={"result": "died"})
    assert missing.status_code == 422
    assert worker.post(f"/survival/{check_id}", data={"result": "not_met"}).status_code == 303
    assert state_of(app, check_id) is CheckState.VISIT
    assert worker.post(f"/survival/{check_id}", data={"result": "home"}).status_code == 303
    assert state_of(app, check_id) is CheckState.SEEN
    with app.extensions["database"].reading() as session:
        person = list_people(session, household)[0].id
        duty = session.exec(select(SurvivalDuty)).one().id
    asked_for = {"person": person, "kind": "DIBAO"}
    assert worker.post(f"/survival/households/{household}/ask", data=asked_for).status_code == 303
    feed, words = "DETENTION:2026-11-20", {"en": "20 Nov", "zh_Hans": "11月20日"}
    typed = "DETENTION: list 3"
    for evidence, shown in ((typed, dict.fromkeys(words, typed)), (feed, words)):
        report = {"person": person, "cause": "detention", "evidence": evidence}
        assert worker.post(f"/survival/households/{household}/record", data=report).status_code == 303
        with app.extensions["database"].reading() as session:
            newest = session.exec(select(SurvivalCheck.id).where(SurvivalCheck.state == CheckState.VISIT)).one()
        for lang, day in shown.items():
            page = worker.get(f"/survival/{newest}?lang={lang}").text
            assert (day in page, feed in page) == (True, False)
    assert worker.post(f"/survival/duties/{duty}/end", data={"reason": "moved"}).status_code == 403
    assert verifier.post(f"/survival/duties/{duty}/end", data={"reason": "moved"}).status_code == 303
    assert "Survival checks of one household" in verifier.get(f"/survival/households/{household}?lang=en").text
