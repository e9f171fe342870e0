"""Appeals, complaints, reports of demanded favours: a clock, somebody who did not decide, past the office named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.answers import service as answers
from marketplace.app import create_app
from marketplace.appeals import said, service
from marketplace.appeals.models import Appeal, AppealKind, AppealState
from marketplace.audit import AuditBody, AuditRow
from marketplace.cases import outcome, register, steps, withdrawing
from marketplace.cases.models import Case, CaseDecision, CaseItem, CaseState, ItemState
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.notices import Notice
from marketplace.readback import service as readback
from marketplace.readback.models import SignedBy
from marketplace.readback.service import Heard, Script
from tests import factories as make
from tests.marketplace import test_cases as cases
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.pages.people import client_as, household_client

OTHER = Actor(id="approver-2", role=Role.APPROVER)
DISTRICT = Actor(id="verifier-2", role=Role.VERIFIER, districts=frozenset({"500103"}))
OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def an_appeal(session: Session, now: datetime, kind: AppealKind = AppealKind.APPEAL) -> tuple[Scene, Appeal]:
    scene = a_scene(session)
    match = scene.approved(session, now)
    row = service.raise_about(session, match.id, kind, words="算错了", actor=scene.household_actor, now=now)
    return scene, row


def test_an_appeal_has_a_clock_and_is_answered_by_somebody_who_did_not_decide(session: Session, now: datetime) -> None:
    scene, row = an_appeal(session, now)
    clock = session.exec(select(Clock).where(Clock.object_ref == row.id)).one()
    assert (clock.step, clock.district_code, row.due_at) == ("appeal_answer", "500103", clock.due_at)
    assert row.due_at > now + timedelta(days=10)
    given = {"text": "已重新核查", "now": now}
    with pytest.raises(NotAllowed, match="decided_it_oneself"):
        service.answer(session, row.id, AppealState.REJECTED, actor=APPROVER, **given)
    deputy = replace(OTHER, on_behalf_of=APPROVER.id)
    with pytest.raises(NotAllowed, match="decided_it_oneself"):
        service.answer(session, row.id, AppealState.REJECTED, actor=deputy, **given)
    with pytest.raises(BadInput):
        service.answer(session, row.id, AppealState.REJECTED, actor=OTHER, text=" ", now=now)
    service.answer(session, row.id, AppealState.UPHELD, actor=OTHER, **given)
    assert clock.ended_at == now
    assert service.read(session, row, "answer") == "已重新核查"
    letters = session.exec(select(Notice).where(Notice.letter == "appeal_answered")).all()
    assert [letter.household_id for letter in letters] == [scene.household.id]
    with pytest.raises(WrongState):
        service.answer(session, row.id, AppealState.UPHELD, actor=OTHER, **given)


def test_the_database_refuses_an_answer_of_the_one_who_decided(session: Session, now: datetime) -> None:
    _scene, row = an_appeal(session, now)
    row.state, row.answered_by, row.answered_at = AppealState.REJECTED, APPROVER.id, now
    with pytest.raises(Conflict):
        service._record(session, row, "appeal:answer", actor=APPROVER, now=now)


def test_the_same_appeal_waits_once_and_can_be_taken_back(session: Session, now: datetime) -> None:
    scene, row = an_appeal(session, now)
    actor, match_id = scene.household_actor, row.object_ref.removeprefix("match:")
    with pytest.raises(WrongState):
        service.raise_about(session, match_id, AppealKind.APPEAL, words="x", actor=actor, now=now)
    service.raise_about(session, match_id, AppealKind.COMPLAINT, words="x", actor=actor, now=now)
    service.take_back(session, row.id, actor=actor, now=now)
    service.raise_about(session, match_id, AppealKind.APPEAL, words="x", actor=actor, now=now)
    with pytest.raises(BadInput):
        service.raise_about(session, match_id, AppealKind.APPEAL, words=" ", actor=actor, now=now)


def test_nobody_appeals_for_a_stranger(session: Session, now: datetime) -> None:
    _scene, row = an_appeal(session, now)
    stranger = Actor(id="x", role=Role.HOUSEHOLD, household_id="another")
    match_id = row.object_ref.removeprefix("match:")
    with pytest.raises(NotFound):
        service.raise_about(session, match_id, AppealKind.APPEAL, words="x", actor=stranger, now=now)
    with pytest.raises(NotFound):
        service.take_back(session, row.id, actor=stranger, now=now)


def test_a_report_of_favours_bypasses_the_district_that_is_named(session: Session, now: datetime) -> None:
    signed_in = Actor(id="person-of-the-house", role=Role.HOUSEHOLD, household_id="home", request_id="request-7")
    row, code = service.report_favours(
        session, district_code="500103", office="district", words="要红包", network="n", actor=signed_in, now=now
    )
    kept = [*session.exec(select(AuditRow)), *session.exec(select(AuditBody)), row]
    assert not any(word in str(one.model_dump()) for one in kept for word in (signed_in.id, "request-7"))
    assert (row.household_id, row.raised_by, code in str(row.model_dump())) == (None, "public", False)
    assert service.list_appeals(session, actor=DISTRICT, offset=0, limit=9) == []
    with pytest.raises(NotFound):
        service.get_for_staff(session, row.id, "appeal:answer", actor=DISTRICT)
    assert session.exec(select(Clock).where(Clock.object_ref == row.id)).one().district_code == ""
    assert [one.id for one in service.list_appeals(session, actor=OFFICER, offset=0, limit=9)] == [row.id]
    service.answer(session, row.id, AppealState.UPHELD, text="已处理", actor=OFFICER, now=now)
    found = service.find_by_code(session, code.lower(), network="m", now=now)
    assert found is not None
    assert service.read(session, found, "answer") == "已处理"
    assert service.find_by_code(session, "AAAABBBBCCCC", network="m", now=now) is None
    assert [one.letter for one in session.exec(select(Notice))] == []


@pytest.mark.parametrize("office", ["city", "other"])
def test_a_report_about_the_citys_own_people_is_opened_by_the_protection_officer_alone(
    session: Session, now: datetime, office: str
) -> None:
    row, _code = service.report_favours(
        session, district_code="500103", office=office, words="要红包", network="n", actor=PUBLIC, now=now
    )
    near = replace(OFFICER, districts=frozenset({"500112"}))
    for actor, seen in ((OTHER, []), (OFFICER, [row.id]), (near, [row.id])):
        assert [one.id for one in service.list_appeals(session, actor=actor, offset=0, limit=9)] == seen
    with pytest.raises(NotFound):
        service.answer(session, row.id, AppealState.ANSWERED, text="x", actor=OTHER, now=now)


def test_a_complaint_is_of_one_grown_up_also_when_it_was_told_by_telephone(session: Session, now: datetime) -> None:
    case, items = cases.send(session, now, all_classes=False)
    item, signer = items["DIBAO"], case.subject_id
    day = cases.walk(session, item, now)
    outcome.decide(session, item.id, granted=False, reason="income_over", actor=APPROVER, now=day)
    other = make.a_person(session, session.get_one(Household, case.household_id), name="李四", phone="10000000055")
    other.contact = False
    me, they = (Actor(id=one, role=Role.HOUSEHOLD, household_id=case.household_id) for one in (signer, other.id))
    said.keep(session, case.household_id, "complaint", item.id, CALL, words="吼我", actor=WORKER, now=day)
    about = {"about": "item", "words": "吼我", "now": day}
    service.raise_about(session, item.id, AppealKind.COMPLAINT, actor=they, **about)
    with pytest.raises(WrongState, match="appealed_already"):
        service.raise_about(session, item.id, AppealKind.COMPLAINT, actor=me, **about)
    for actor in (me, they):
        found = service.own_appeals(session, case.household_id, actor=actor, now=day)
        assert [row.complainant for row in found] == [actor.id]
    mine = service.own_appeals(session, case.household_id, actor=me, now=day)[0]
    with pytest.raises(WrongState, match="own_data_only"):
        service.take_back(session, mine.id, actor=they, now=day)
    said.keep(session, case.household_id, "appeal_back", mine.id, CALL, actor=WORKER, now=day)
    assert mine.state is AppealState.WITHDRAWN


def test_words_are_sealed_and_each_look_is_in_the_chain(session: Session, now: datetime) -> None:
    _scene, row = an_appeal(session, now)
    assert "算错了" not in str(row.model_dump())
    service.look(session, row, actor=OTHER, now=now)
    rows = session.exec(select(AuditRow).where(AuditRow.object_ref == row.id)).all()
    assert [one.action for one in rows] == ["appeal:appeal", "appeal:look"]
    assert all("算" not in str(one.model_dump()) for one in rows)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    made = create_app(settings, database=sqlite_database)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def at_home(app: Flask) -> tuple[FlaskClient, str]:
    """A household with a decision of its own."""
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        scene = a_scene(session)
        match_id = scene.in_delivery(session, now).id
        token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=now)
    client = app.test_client()
    client.set_cookie("sid", token)
    return client, match_id


@pytest.mark.parametrize(
    ("lang", "link", "paper"),
    [("zh_Hans", "提出异议或投诉", "60 日内"), ("en", "Appeal or complain", "within 60 days")],
)
def test_a_household_appeals_from_the_decision_and_reads_the_answer(
    app: Flask, lang: str, link: str, paper: str
) -> None:
    home, match_id = at_home(app)
    assert link in home.get(f"/offers-to-me/{match_id}?lang={lang}").text
    about = f"/appeals/about/{match_id}"
    assert paper in home.get(f"{about}/paper").text
    assert home.post(about, data={"kind": "appeal"}).status_code == 422
    assert home.post(about, data={"kind": "appeal", "words": "算错了"}).status_code == 303
    assert home.post(about, data={"kind": "appeal", "words": "算错了"}).status_code == 409
    verifier = client_as(app, Role.VERIFIER)
    found = re.search(r"/appeals/(\w{26})", verifier.get(f"/appeals/?lang={lang}").text)
    assert found is not None
    page = f"/appeals/{found[1]}"
    shown = verifier.get(page).text
    assert ("算错了" in shown, f"/matches/find?number={match_id[:8].upper()}" in shown) == (True, True)
    assert verifier.post(f"{page}/answer", data={"state": "upheld"}).status_code == 422
    assert verifier.post(f"{page}/answer", data={"state": "upheld", "text": "重新核定"}).status_code == 303
    assert "重新核定" in home.get("/appeals/mine").text
    assert home.post(f"/appeals/mine/{found[1]}/take-back").status_code == 409
    assert f"{about}/paper" in home.get(about).text
    with app.extensions["database"].transaction() as session:
        session.get_one(Match, match_id).created_at -= timedelta(days=62)
    assert f"{about}/paper" not in home.get(about).text, "the days of reconsideration are over"


@pytest.mark.parametrize(("lang", "thanks"), [("zh_Hans", "谢谢您的举报"), ("en", "Thank you for saying so")])
def test_anybody_reports_a_favour_without_a_name(app: Flask, lang: str, thanks: str) -> None:
    anybody = app.test_client()
    form = {"district": "500103", "office": "village", "words": "要一条烟"}
    assert anybody.post("/appeals/favours", data={**form, "words": ""}).status_code == 422
    page = anybody.post(f"/appeals/favours?lang={lang}", data=form).text
    assert thanks in page
    code = re.search(r"[A-Z2-9]{4} [A-Z2-9]{4} [A-Z2-9]{4}", page)
    assert code is not None
    assert anybody.post("/appeals/favours/answer", data={"code": "ABCD"}).status_code == 422
    assert anybody.post("/appeals/favours/answer", data={"code": code[0]}).status_code == 200
    officer = client_as(app, Role.PROTECTION_OFFICER)
    assert "索要好处" in officer.get("/appeals/").text


def a_refusal(session: Session, now: datetime, *, actor: Actor = APPROVER) -> tuple[CaseItem, Actor, datetime]:
    """An item refused by this approver, and the household."""
    case, items = cases.send(session, now, all_classes=False)
    item = items["DIBAO"]
    day = cases.walk(session, item, now)
    outcome.decide(session, item.id, granted=False, reason="income_over", actor=actor, now=day)
    me = Actor(id=case.subject_id, role=Role.HOUSEHOLD, household_id=case.household_id)
    return item, me, day


def test_a_refused_item_is_appealed_against_and_decided_anew_by_somebody_else(session: Session, now: datetime) -> None:
    item, me, day = a_refusal(session, now)
    row = service.raise_about(session, item.id, AppealKind.APPEAL, about="item", words="算错了", actor=me, now=day)
    assert (row.object_ref, row.decided_by) == (f"item:{item.id}", APPROVER.id)
    with pytest.raises(NotAllowed, match="decided_it_oneself"):
        service.answer(session, row.id, AppealState.UPHELD, text="对", actor=APPROVER, now=day)
    (opinion,) = steps.first_opinions(session, item.id)
    for same in (replace(DISTRICT, id=opinion), replace(DISTRICT, on_behalf_of=opinion)):
        with pytest.raises(NotAllowed, match="decided_it_oneself"):
            service.answer(session, row.id, AppealState.REJECTED, text="对", actor=same, now=day)
    assert set(service.deciders(session, row.id)) == {APPROVER.id, opinion}
    assert service.answer(session, row.id, AppealState.UPHELD, text="对", actor=OTHER, now=day)
    assert (item.state, item.reason) == (ItemState.RUNNING, "")
    with pytest.raises(NotAllowed, match="second_person_needed"):
        outcome.decide(session, item.id, granted=True, amount_fen=100, actor=APPROVER, now=day)
    fresh = replace(APPROVER, id="approver-9")
    outcome.decide(session, item.id, granted=True, amount_fen=100, actor=fresh, now=day)
    assert (item.state, item.amount_fen) == (ItemState.GRANTED, 100)


def test_for_whom_a_stand_in_decided_answers_no_appeal_against_it(session: Session, now: datetime) -> None:
    deputy = replace(OTHER, id="deputy", on_behalf_of=APPROVER.id)
    item, me, day = a_refusal(session, now, actor=deputy)
    row = service.raise_about(session, item.id, AppealKind.APPEAL, about="item", words="算错了", actor=me, now=day)
    assert service.deciders(session, row.id)[:2] == (deputy.id, APPROVER.id)
    scene = a_scene(session)
    approval.approve(session, [scene.line.id], actor=deputy, now=now)
    match = session.exec(select(Match).where(Match.line_id == scene.line.id)).one()
    about = {"words": "不公平", "actor": scene.household_actor, "now": now}
    for one in (row, service.raise_about(session, match.id, AppealKind.APPEAL, **about)):
        for same in (deputy, APPROVER):
            with pytest.raises(NotAllowed, match="decided_it_oneself"):
                service.answer(session, one.id, AppealState.REJECTED, text="对", actor=same, now=day)
        service.answer(session, one.id, AppealState.REJECTED, text="对", actor=OTHER, now=day)


def test_a_rejected_appeal_a_complaint_and_a_foreign_item_begin_nothing(session: Session, now: datetime) -> None:
    item, me, day = a_refusal(session, now)
    given = {"about": "item", "words": "算错了", "now": day}
    stranger = replace(me, household_id="another")
    with pytest.raises(NotFound):
        service.raise_about(session, item.id, AppealKind.APPEAL, actor=stranger, **given)
    row = service.raise_about(session, item.id, AppealKind.APPEAL, actor=me, **given)
    service.answer(session, row.id, AppealState.REJECTED, text="没有错", actor=OTHER, now=day)
    said = service.raise_about(session, item.id, AppealKind.COMPLAINT, actor=me, **given)
    service.answer(session, said.id, AppealState.UPHELD, text="对不起", actor=OTHER, now=day)
    assert item.state is ItemState.REFUSED


def test_what_runs_still_has_nothing_to_appeal_against(session: Session, now: datetime) -> None:
    case, items = cases.send(session, now)
    me = Actor(id=case.subject_id, role=Role.HOUSEHOLD, household_id=case.household_id)
    with pytest.raises(NotFound):
        service.raise_about(
            session, items["DIBAO"].id, AppealKind.APPEAL, about="item", words="算错了", actor=me, now=now
        )


def test_the_decision_of_an_item_and_its_appeal_stand_on_one_page(app: Flask, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        item, me, _day = a_refusal(session, datetime.now(UTC))
        item.note = "退休金未计入"
        case_id, home = item.case_id, me.household_id or ""
        number = session.get_one(Case, case_id).number
    client = household_client(app, home)
    path = f"/appeals/about-item/{item.id}"
    assert path in client.get(f"/cases/{case_id}").text
    told = {
        "zh_Hans": ("最低生活保障", "渝中区民政局", "收入超过标准", "退休金未计入", number),
        "en": ("Refused", "Civil affairs of", "Income is over the standard", "退休金未计入", number),
    }
    assert client.post(path, data={"kind": "appeal", "words": "算错了"}).status_code == 303
    for language, words in told.items():
        page, paper = (client.get(f"{path}{one}?lang={language}").text for one in ("", "/paper"))
        assert [one for one in words[:-1] if one not in page] == [], language
        assert [one for one in (*words[:2], number) if one not in paper] == [], language
    assert "答复" in client.get(f"{path}?lang=zh_Hans").text, "by when the appeal is answered"
    assert client.get(f"/cases/items/{item.id}/papers/decision").status_code == 200
    assert client.get("/appeals/mine").status_code == 200


WORKER, COLLEAGUE = (Actor(id=f"worker-{n}", role=Role.WORKER, districts=frozenset({"500103"})) for n in (1, 2))
FAR = Actor(id="worker-3", role=Role.WORKER, districts=frozenset({"500112"}))
TEXT = Script("said", 1, "zh_Hans", ("一",))
CALL = Heard("call", SignedBy.SPOKEN, "chongqing", TEXT, shown=TEXT.sha256, evidence="录音 12")


def test_a_household_without_a_page_says_all_of_it_by_telephone(session: Session, now: datetime) -> None:
    case, items = cases.send(session, now, wants=["living"])
    home, told = case.household_id, {"actor": WORKER, "now": now}
    with pytest.raises(NotFound):
        said.possible(session, home, actor=FAR, now=now)
    sayable = said.possible(session, home, actor=WORKER, now=now)
    assert {one.act for one in sayable} == {"withdraw_case", "withdraw_item", "urge", "hand_on_no"}
    said.keep(session, home, "urge", items["DIBAO"].id, CALL, **told)
    assert steps.running_step(session, items["DIBAO"].id).urged == 1
    row = said.keep(session, home, "withdraw_case", case.id, CALL, **told)
    assert (case.state.value, row.second.value) == ("open", "due")
    with pytest.raises(WrongState, match="said_over"):
        said.keep(session, home, "withdraw_case", case.id, CALL, **told)
    answers.second(session, row.id, confirmed=False, actor=COLLEAGUE, now=now)
    assert case.state.value == "open"
    row = said.keep(session, home, "withdraw_case", case.id, CALL, **told)
    assert readback.look(session, row.id, actor=COLLEAGUE, now=now) == TEXT.lines
    answers.second(session, row.id, confirmed=True, actor=COLLEAGUE, now=now)
    assert case.state.value == "withdrawn"
    other, _items = cases.send(session, now, make.a_household(session, phone="10000000077"), wants=["living"])
    row = said.keep(session, other.household_id, "withdraw_case", other.id, CALL, **told)
    readback.look(session, row.id, actor=COLLEAGUE, now=now)
    other.state, other.decided_at, other.decision = CaseState.CLOSED, now, CaseDecision.GRANTED
    answers.second(session, row.id, confirmed=True, actor=COLLEAGUE, now=now)
    assert (other.state, row.second.value) == (CaseState.CLOSED, "confirmed"), "it was decided before the second call"
    (entry,) = register.list_entries(session, home)
    assert entry.to_on is not None
    over = now + timedelta(days=370)
    assert [one.act for one in said.possible(session, home, actor=WORKER, now=over)] == [], "it ran out by itself"
    said.keep(session, home, "leave_register", entry.id, CALL, **told)
    assert register.list_entries(session, home) == []


def test_one_thing_is_taken_back_by_telephone_and_the_rest_goes_on(session: Session, now: datetime) -> None:
    case, items = cases.send(session, now, wants=["living", "illness"])
    home, aid, told = case.household_id, items["LINSHI"], {"actor": WORKER, "now": now}
    row = said.keep(session, home, "withdraw_item", aid.id, CALL, **told)
    assert (aid.state.value, row.second.value) == ("running", "due")
    with pytest.raises(WrongState, match="said_over"):
        said.keep(session, home, "withdraw_item", aid.id, CALL, **told)
    answers.second(session, row.id, confirmed=False, actor=COLLEAGUE, now=now)
    assert aid.state.value == "running"
    row, late = (
        said.keep(session, home, "withdraw_item", items[code].id, CALL, **told) for code in ("LINSHI", "DIBAO")
    )
    for one in (row, late):
        readback.look(session, one.id, actor=COLLEAGUE, now=now)
    answers.second(session, row.id, confirmed=True, actor=COLLEAGUE, now=now)
    assert (aid.state.value, case.state.value) == ("withdrawn", "open")
    withdrawing.withdraw_item(
        session, items["DIBAO"].id, actor=make.as_household(session.get_one(Household, home)), now=now
    )
    answers.second(session, late.id, confirmed=True, actor=COLLEAGUE, now=now)
    assert late.second.value == "confirmed", "it was taken back before the second call"


def test_what_stays_uncovered_is_said_by_telephone_too(session: Session, now: datetime) -> None:
    case, items = cases.send(session, now)
    cases._all_refused(session, case, items, now)
    home, told = case.household_id, {"actor": WORKER, "now": now}
    about = {"hand_on_no", "hand_on_yes"}

    def sayable() -> set[str]:
        return about & {one.act for one in said.possible(session, home, actor=WORKER, now=now)}

    assert sayable() == {"hand_on_no"}
    assert clocks.running_of(session, f"case:{case.id}")
    said.keep(session, home, "hand_on_no", case.id, CALL, **told)
    assert not case.hand_on
    assert clocks.running_of(session, f"case:{case.id}") == []
    for confirmed in (False, True):
        assert sayable() == {"hand_on_yes"}
        row = said.keep(session, home, "hand_on_yes", case.id, CALL, **told)
        assert sayable() == set(), "it waits for its second call"
        assert (case.hand_on, row.second.value, row.person_id) == (False, "due", case.signer_id)
        readback.look(session, row.id, actor=COLLEAGUE, now=now)
        answers.second(session, row.id, confirmed=confirmed, actor=COLLEAGUE, now=now)
        assert case.hand_on is confirmed
    assert clocks.running_of(session, f"case:{case.id}")
    assert answers.denied(session, actor=COLLEAGUE) == [], "a yes that was denied never counted"


def test_an_offer_is_objected_to_by_telephone(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match, home = scene.approved(session, now), scene.household.id
    sayable = {(one.act, one.object_id) for one in said.possible(session, home, actor=WORKER, now=now)}
    assert {("appeal", match.id), ("complaint", match.id)} <= sayable
    said.keep(session, home, "appeal", match.id, CALL, words="太少", actor=WORKER, now=now)
    (row,) = service.of_household(session, home, ref=f"match:{match.id}")
    assert (row.kind, row.complainant) == (AppealKind.APPEAL, "")
    assert service.answer(session, row.id, AppealState.UPHELD, text="对", actor=OTHER, now=now) is False
    assert [one.id for one in said.list_raised(session, home, actor=WORKER)] == [row.id]
    with pytest.raises(NotFound):
        said.list_raised(session, home, actor=FAR)


@pytest.mark.parametrize("act", ["urge", "hand_on_no", "complaint", "leave_register"])
def test_what_nobody_said_is_put_right_by_a_person(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(readback, "ONE_IN", 1)
    case, items = cases.send(session, now)
    if act != "urge":
        cases._all_refused(session, case, items, now)
    about = next(one for one in said.possible(session, case.household_id, actor=WORKER, now=now) if one.act == act)
    row = said.keep(session, case.household_id, act, about.object_id, CALL, words="不公", actor=WORKER, now=now)
    answers.second(session, row.id, confirmed=False, actor=COLLEAGUE, now=now)
    assert answers.denied(session, actor=COLLEAGUE) == [row]


def test_an_appeal_said_at_the_counter_has_its_clock_and_a_page(app: Flask, now: datetime) -> None:
    with app.extensions["database"].transaction() as session:
        case, items = cases.send(session, now, wants=["accident"], ticks=["sudden"], medical_fen=0)
        item = items["LINSHI"]
        outcome.decide(session, item.id, granted=False, reason="not_true", actor=cases.WORKER, now=now)
    worker = client_as(app, Role.WORKER)
    page = worker.get(f"/cases/{case.id}").get_data(as_text=True)
    assert f"/appeals/said/{case.household_id}" in page
    where = f"/appeals/said/{case.household_id}"
    assert "对决定不服" in worker.get(where).get_data(as_text=True)
    where += f"/appeal/{item.id}"
    read = {"channel": "counter", "dialect": "chongqing", "signed": "thumbprint", "evidence": "纸 3", "read_aloud": "y"}
    shown = worker.get(where).get_data(as_text=True)
    assert "两名见证人" in shown
    found = re.search(r'name="shown"[^>]*value="(\w+)"', shown)
    assert found is not None
    read["shown"] = found[1]
    assert worker.post(where, data={**read, "words": ""}).status_code == 422
    assert worker.post(where, data={**read, "words": "我没有说错"}).status_code in (302, 303)
    with app.extensions["database"].reading() as session:
        (row,) = session.exec(select(Appeal)).all()
        assert (row.household_id, row.object_ref, row.kind) == (case.household_id, f"item:{item.id}", "appeal")
        assert row.raised_by != case.subject_id
    verifier = client_as(app, Role.VERIFIER)
    shown = verifier.get(f"/appeals/{row.id}?lang=en").text
    assert (f"/cases/items/{item.id}" in shown, case.number in shown) == (True, True), "what it is about"
    assert "the deciding step begins once more" in shown
    answers_page = f"/appeals/said/{case.household_id}/answers/{row.id}"
    assert worker.get(answers_page).status_code == 404, "not answered yet"
    assert f"/appeal_back/{row.id}" in worker.get(f"/appeals/said/{case.household_id}").text
    answer = {"state": "rejected", "text": "材料不符"}
    assert verifier.post(f"/appeals/{row.id}/answer", data=answer).status_code == 303
    for lang, word in (("en", "The answer, to be read aloud"), ("zh_Hans", "念给家庭听")):
        assert answers_page in worker.get(f"/appeals/said/{case.household_id}?lang={lang}").text
        shown = worker.get(f"{answers_page}?lang={lang}").text
        assert (word in shown, "材料不符" in shown) == (True, True)
    said_page = f"/appeals/said/{case.household_id}/hand_on"
    shown = worker.get(f"{said_page}_no/{case.id}").text
    read["shown"] = re.findall(r'name="shown"[^>]*value="(\w+)"', shown)[0]
    assert "不再登记给慈善组织" in shown
    assert "即时生效" in worker.post(f"{said_page}_no/{case.id}", data=read, follow_redirects=True).text
    assert worker.get(f"{said_page}_no/{case.id}").status_code == 404
    assert "may be written down for charities" in worker.get(f"{said_page}_yes/{case.id}?lang=en").text
