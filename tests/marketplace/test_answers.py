"""Answers without a page: a call with a second call, a letter with a slip, a text message bound to one offer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from adapters.fakes import FakeSmsInbox
from adapters.sms_in import IncomingSms
from marketplace.actors import Actor, Role
from marketplace.answers import service, slips, sms, texts
from marketplace.answers.models import CodeState, OfferCode, SmsIn
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day, utc_now
from marketplace.cases import counter, hands, orders, outcome
from marketplace.cases import service as cases
from marketplace.cases.models import Case, CaseItem
from marketplace.config import Settings
from marketplace.consent.ask import was_refused_lately
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.consent.service import Capture, refuse_for_match
from marketplace.db import Database
from marketplace.decisions import seeing
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.service import household_declines
from marketplace.errors import BadInput, DomainError, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.notices import Notice
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SignedBy
from marketplace.readback.service import Heard, Script
from marketplace.reference.identity_number import make_id_number
from tests.marketplace.match_scene import a_scene
from tests.pages.people import client_as

FIRST = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
SECOND = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500103"}))
THIRD, PAYS = replace(SECOND, id="worker-4"), replace(SECOND, id="worker-5")
FAR = Actor(id="worker-3", role=Role.WORKER, districts=frozenset({"500112"}))
TEXT = Script("offer", 1, "zh_Hans", ("一家机构愿意帮助您。", "您怎么说？"))
CALL = Heard("call", SignedBy.SPOKEN, "chongqing", TEXT, shown=TEXT.sha256, evidence="录音 12")
SLIP = Heard("slip", SignedBy.THUMBPRINT, "mandarin", TEXT, shown=TEXT.sha256, evidence="来信 3")
PHONE = "10000000001"


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def fields(session: Session, match: Match) -> tuple[str, ...]:
    return seeing.fields_to_ask(session, match, service.person_of(session, match).id)


def test_a_yes_by_telephone_counts_when_another_worker_heard_it_too(session: Session, now: datetime) -> None:
    scene = a_scene(session, now=now)
    match = scene.taken_on(session, now)
    row = service.say(session, match.id, "accept", CALL, data_fields=fields(session, match), actor=FIRST, now=now)
    assert match.state is MatchState.AWAITING_HOUSEHOLD
    with pytest.raises(WrongState, match="second_call_first"):
        service.say(session, match.id, "accept", CALL, actor=FIRST, now=now)
    with pytest.raises(NotAllowed, match="two_people_needed"):
        service.second(session, row.id, confirmed=True, actor=FIRST, now=now)
    with pytest.raises(WrongState, match="text_not_opened"):
        service.second(session, row.id, confirmed=True, actor=SECOND, now=now)
    assert readback.look(session, row.id, actor=SECOND, now=now) == TEXT.lines
    service.second(session, row.id, confirmed=True, actor=SECOND, now=now)
    assert match.state is MatchState.IN_DELIVERY
    given = session.get_one(Consent, (match.consent_chain_id, match.consent_version + 1))
    assert (given.state, given.channel, given.helper_id, given.callback_by) == (
        ConsentState.ACTIVE,
        "phone",
        FIRST.id,
        SECOND.id,
    )
    with pytest.raises(DomainError):
        seeing.see_recipient(session, match.id, actor=scene.giver, now=now)
    tomorrow = now + timedelta(days=1, minutes=1)
    assert seeing.see_recipient(session, match.id, actor=scene.giver, now=tomorrow)


def test_a_yes_that_the_second_call_denies_never_counted(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    row = service.say(session, match.id, "accept", CALL, actor=FIRST, now=now)
    service.second(session, row.id, confirmed=False, actor=SECOND, now=now)
    assert match.state is MatchState.AWAITING_HOUSEHOLD
    assert match.consent_chain_id is None
    assert service.say(session, match.id, "accept", CALL, actor=FIRST, now=now).id != row.id


@pytest.mark.parametrize(("heard", "channel"), [(CALL, "phone"), (SLIP, "slip")], ids=["call", "slip"])
def test_a_no_for_privacy_is_written_down_as_it_was_heard_and_a_second_no_is_not_refused(
    session: Session, now: datetime, heard: Heard, channel: str
) -> None:
    scene = a_scene(session, now=now)
    match = scene.taken_on(session, now)
    service.say(session, match.id, "decline", heard, reason_code="privacy", actor=FIRST, now=now)
    assert match.state is MatchState.DECLINED_HOUSEHOLD
    noes = select(Consent).where(Consent.state == ConsentState.REFUSED)
    [refused] = session.exec(noes).all()
    assert (refused.recipient_org_id, refused.channel, refused.helper_id) == (match.org_id, channel, FIRST.id)
    assert refused.authenticated_by == "helper"
    again = Capture(channel=channel, helper_id=FIRST.id)
    home, organisation = session.get_one(Household, match.household_id), session.get_one(Organisation, match.org_id)
    known = {"organisation": organisation, "match_id": "m", "purpose": refused.purpose.value, "now": now}
    refuse_for_match(session, home, actor=FIRST, capture=again, asks="reading:match", **known)
    assert len(session.exec(noes).all()) == 2
    with pytest.raises(NotFound):
        refuse_for_match(session, home, actor=FAR, capture=again, asks="reading:match", **known)


def test_a_helper_with_a_power_says_no_for_privacy(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    helper = Actor(id="helper-1", role=Role.HELPER, household_id=match.household_id)
    how = Capture(authenticated_by="helper", helper_id=helper.id)
    household_declines(session, match.id, reason_code="privacy", actor=helper, now=now, capture=how)
    [refused] = session.exec(select(Consent).where(Consent.state == ConsentState.REFUSED)).all()
    assert (match.state, refused.helper_id) == (MatchState.DECLINED_HOUSEHOLD, helper.id)


def test_a_no_a_receipt_and_a_withdrawal_by_telephone_count_at_once(session: Session, now: datetime) -> None:
    declined = a_scene(session, now=now).taken_on(session, now)
    service.say(session, declined.id, "decline", CALL, actor=FIRST, now=now)
    assert declined.state is MatchState.DECLINED_HOUSEHOLD
    arrived = a_scene(session, phone="10000000071", now=now).delivered(session, now)
    service.say(session, arrived.id, "received", CALL, actor=FIRST, now=now)
    assert arrived.state is MatchState.CONFIRMED
    under_way = a_scene(session, phone="10000000072", now=now).in_delivery(session, now)
    service.say(session, under_way.id, "withdraw", CALL, actor=FIRST, now=now)
    assert under_way.state is MatchState.CANCELLED


@pytest.mark.parametrize("act", ["received", "withdraw", "apply"])
def test_only_what_was_asked_can_be_said(session: Session, now: datetime, act: str) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    with pytest.raises(WrongState):
        service.say(session, match.id, act, CALL, actor=FIRST, now=now)
    with pytest.raises(NotFound):
        service.say(session, match.id, "accept", CALL, actor=FAR, now=now)
    with pytest.raises(BadInput):
        service.say(session, match.id, "accept", CALL, data_fields=["payee_account"], actor=FIRST, now=now)


def a_slip(session: Session, match: Match, now: datetime) -> tuple[OfferCode, str]:
    row = slips.make_slip(session, match.id, TEXT, actor=FIRST, now=now)
    return row, slips.code_text(session, row.id)


def text(session: Session, words: str, now: datetime, *, phone: str = PHONE, seq: int = 1) -> str:
    return sms.take(session, IncomingSms(seq, phone, words), now=now).outcome


def test_a_text_message_with_the_letters_code_accepts_this_offer_and_later_takes_it_back(
    session: Session, now: datetime
) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    row, digits = a_slip(session, match, now)
    assert text(session, f"1 {digits}", now) == "kept"
    assert match.state is MatchState.IN_DELIVERY
    given = session.get_one(Consent, (match.consent_chain_id, match.consent_version))
    assert (given.state, given.channel, tuple(given.data_fields)) == (
        ConsentState.ACTIVE,
        "sms",
        tuple(row.data_fields),
    )
    actors = session.execute(select(AuditRow.actor_ref).where(AuditRow.action == "consent:give")).scalars().all()
    assert len(actors) >= 1
    assert text(session, f"1 {digits}", now, seq=2) == "late"
    assert text(session, f"9 {digits}", now, seq=3) == "kept"
    assert match.state is MatchState.CANCELLED
    letters = session.exec(select(Notice.letter).where(Notice.letter.like("sms_%"))).all()  # type: ignore[attr-defined]
    assert sorted(letters) == ["sms_kept", "sms_kept", "sms_late"]


@pytest.mark.parametrize("words", ["好的", "1", "1 00000000", "12 {}", "3 {}", "1 {} 谢谢你们 2 次"])
def test_an_unclear_message_changes_nothing_and_gets_a_plain_answer(
    session: Session, now: datetime, words: str
) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    _row, digits = a_slip(session, match, now)
    assert text(session, words.format(digits), now) == "wrong"
    assert match.state is MatchState.AWAITING_HOUSEHOLD


def test_the_code_of_another_persons_letter_and_a_strangers_telephone_open_nothing(
    session: Session, now: datetime
) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    a_scene(session, phone="10000000055", now=now)
    _row, digits = a_slip(session, match, now)
    assert text(session, f"1 {digits}", now, phone="10000000055") == "wrong"
    assert text(session, f"1 {digits}", now, phone="19900000000", seq=2) == "nobody"
    assert match.state is MatchState.AWAITING_HOUSEHOLD
    assert len(session.exec(select(Notice).where(Notice.key.like("sms:%"))).all()) == 1  # type: ignore[attr-defined]


def test_codes_cannot_be_tried_out(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    _row, digits = a_slip(session, match, now)
    for seq in range(1, 15):
        text(session, f"1 {seq:08d}", now, seq=seq)
    assert text(session, f"1 {digits}", now, seq=20) == "wrong"
    assert match.state is MatchState.AWAITING_HOUSEHOLD


def test_an_old_letter_a_second_letter_and_an_offer_that_moved_on_are_too_late(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    first, old = a_slip(session, match, now)
    _second, digits = a_slip(session, match, now)
    assert first.state is CodeState.VOID
    assert text(session, f"1 {old}", now) == "late"
    assert text(session, f"1 {digits}", now + slips.GOOD_FOR, seq=2) == "late"
    service.say(session, match.id, "decline", CALL, actor=FIRST, now=now)
    assert text(session, f"1 {digits}", now, seq=3) == "late"


def test_the_inbox_is_read_once_and_goes_on_where_it_stopped(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        match_id = a_scene(session, now=now).taken_on(session, now).id
        digits = a_slip(session, session.get_one(Match, match_id), now)[1]
    inbox = FakeSmsInbox([IncomingSms(7, PHONE, f"2-{digits}"), IncomingSms(5, PHONE, "你好")])
    assert sms.sweep(sqlite_database, inbox, clock=lambda: now) == 2
    assert sms.sweep(sqlite_database, inbox, clock=lambda: now) == 0
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.DECLINED_HOUSEHOLD
        assert [row.outcome for row in session.exec(select(SmsIn).order_by(SmsIn.seq))] == ["wrong", "kept"]


def test_a_slip_by_post_is_typed_in_once_and_its_yes_asked_again(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    row, digits = a_slip(session, match, now)
    with pytest.raises(NotFound):
        slips.need_code(session, "00000000")
    assert slips.need_code(session, digits) == row
    with pytest.raises(WrongState, match="slip_unclear"):
        slips.came_back(session, row, "9", SLIP, actor=FIRST, now=now)
    reading = slips.came_back(session, row, "1", SLIP, actor=FIRST, now=now)
    assert match.state is MatchState.AWAITING_HOUSEHOLD
    assert row.state is CodeState.USED
    with pytest.raises(WrongState, match="slip_over"):
        slips.came_back(session, row, "1", SLIP, actor=FIRST, now=now)
    readback.look(session, reading.id, actor=SECOND, now=now)
    service.second(session, reading.id, confirmed=True, actor=SECOND, now=now)
    assert match.state is MatchState.IN_DELIVERY


@pytest.mark.threat("T26")
def test_a_yes_to_a_text_that_has_changed_since_does_not_count(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    with pytest.raises(BadInput, match="text_changed"):
        service.say(session, match.id, "accept", replace(CALL, shown="another text"), actor=FIRST, now=now)
    row = service.say(session, match.id, "accept", CALL, actor=FIRST, now=now)
    _slip, digits = a_slip(session, match, now)
    readback.look(session, row.id, actor=SECOND, now=now)
    session.get_one(Offer, match.offer_id).rules = "另有条件"
    session.flush()
    with pytest.raises(WrongState, match="text_changed"):
        service.second(session, row.id, confirmed=True, actor=SECOND, now=now)
    assert text(session, f"1 {digits}", now) == "late", "the letter speaks of other terms"
    assert match.state is MatchState.AWAITING_HOUSEHOLD
    service.second(session, row.id, confirmed=False, actor=SECOND, now=now)
    assert readback.lines_of(session, row) == TEXT.lines
    assert (row.template, row.template_version, row.lang, row.script_sha256) == ("offer", 1, "zh_Hans", TEXT.sha256)
    assert "愿意帮助" not in str(row.script)


@pytest.mark.threat("T26")
def test_one_text_message_in_some_is_asked_again_and_a_denied_yes_ends(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    _row, digits = a_slip(session, match, now)
    monkeypatch.setattr(readback, "ONE_IN", 1)
    assert text(session, f"1 {digits}", now) == "kept"
    assert match.state is MatchState.IN_DELIVERY
    [reading] = readback.due(session, actor=SECOND)
    assert (reading.channel, reading.signed, readback.lines_of(session, reading)) == ("sms", SignedBy.CODE, TEXT.lines)
    with pytest.raises(NotAllowed, match="two_people_needed"):
        service.second(session, reading.id, confirmed=False, actor=FIRST, now=now)
    service.second(session, reading.id, confirmed=False, actor=SECOND, now=now)
    assert match.state is MatchState.CANCELLED
    assert session.get_one(ConsentHead, match.consent_chain_id).state is ConsentState.REVOKED


VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))


@pytest.mark.threat("T26")
@pytest.mark.parametrize("act", ["decline", "received", "not_received", "withdraw"])
def test_what_a_second_call_denies_after_it_counted_is_undone_or_given_to_a_person(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    scene = a_scene(session, now=now)
    monkeypatch.setattr(readback, "ONE_IN", 1)
    before = {"decline": scene.taken_on, "withdraw": scene.in_delivery}
    match = before.get(act, scene.delivered)(session, now)
    row = service.say(session, match.id, act, CALL, reason_code="privacy", actor=FIRST, now=now)
    stands = match.state
    service.second(session, row.id, confirmed=False, actor=SECOND, now=now)
    assert match.state is stands, "what has moved on is not moved back by a word"
    if act == "decline":
        purpose = session.exec(select(Consent.purpose).where(Consent.state == ConsentState.REFUSED)).one()
        told = {"purpose": purpose, "org_id": match.org_id, "now": now}
        assert not was_refused_lately(session, match.household_id, **told)
    assert service.denied(session, actor=VERIFIER) == [row]
    assert service.denied(session, actor=FAR) == []
    settle = {"outcome": "put_right", "now": now}
    with pytest.raises(NotAllowed, match="two_people_needed"):
        service.settle(session, row.id, actor=replace(VERIFIER, on_behalf_of=FIRST.id), **settle)
    with pytest.raises(BadInput):
        service.settle(session, row.id, outcome="whatever", actor=VERIFIER, now=now)
    service.settle(session, row.id, actor=VERIFIER, **settle)
    assert service.denied(session, actor=VERIFIER) == []
    with pytest.raises(WrongState, match="second_call_over"):
        service.settle(session, row.id, actor=VERIFIER, **settle)


def spoken(session: Session, now: datetime) -> tuple[ReadBack, CaseItem]:
    """A worker takes a sudden accident down by telephone, and another grants it the same day."""
    number = make_id_number("509900", date(1950, 3, 4), seq=17)
    who = counter.Newcomer("王小明", number, "500103")
    home = counter.enter_newcomer(session, who, actor=FIRST, now=now)
    case = cases.start(session, home, channel="call", actor=replace(FIRST, on_behalf_of="head-1"), now=now)
    told = {"wants": ["accident"], "ticks": ["sudden"], "size": 1, "income_fen": 0}
    counter.take_down(session, case, told, actor=FIRST, now=now)
    said: dict[str, Any] = {"name": "王小明", "all_classes": False, "hand_on": False}
    reader = replace(FIRST, on_behalf_of="head-2")
    items = counter.read_and_send(session, case, CALL, **said, actor=reader, now=now)
    item = next(one for one in items if one.code == "LINSHI")
    assert hands.took_down(session, item) == {FIRST.id, "head-1", "head-2"}, (
        "whom a stand-in did it for decides nothing"
    )
    outcome.decide(session, item.id, granted=True, amount_fen=10_000, actor=THIRD, now=now)
    return session.exec(select(ReadBack).where(ReadBack.act == counter.ACT)).one(), item


@pytest.mark.threat("T26")
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_granted_application_that_its_person_denies_is_a_task_and_no_money_goes_before(
    session: Session, now: datetime, confirmed: bool
) -> None:
    row, item = spoken(session, now)
    case = session.get_one(Case, item.case_id)
    before = case.state, item.state
    paid = orders.Paid("记-1", local_day(now))
    with pytest.raises(WrongState, match="second_call_first"):
        orders.pay(session, item.id, paid, actor=PAYS, now=now)
    readback.look(session, row.id, actor=SECOND, now=now)
    with pytest.raises(NotAllowed, match="two_people_needed"):
        service.second(session, row.id, confirmed=confirmed, actor=replace(SECOND, id="head-2"), now=now)
    service.second(session, row.id, confirmed=confirmed, actor=SECOND, now=now)
    assert (case.state, item.state) == before, "what was decided is not taken back by a word"
    assert service.denied(session, actor=VERIFIER) == ([] if confirmed else [row])
    if not confirmed:
        with pytest.raises(WrongState, match="second_call_first"):
            orders.pay(session, item.id, paid, actor=PAYS, now=now)
        service.settle(session, row.id, outcome="stands", actor=VERIFIER, now=now)
    assert orders.pay(session, item.id, paid, actor=PAYS, now=now).amount_fen == 10_000


WORDS = {
    ("zh_Hans", 1): "9e43d83a182feaee",
    ("en", 1): "7543ff2ca4fd4fd2",
}
"""Language and version ► the fingerprint of the words about one fixed offer: other words are another version."""


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_words_that_are_changed_get_a_new_version(
    app: Flask, sqlite_database: Database, now: datetime, lang: str
) -> None:
    with sqlite_database.transaction() as session:
        match = a_scene(session, now=now).taken_on(session, now)
        session.get_one(Organisation, match.org_id).name = "测试慈善会"
    page = client_as(app, Role.WORKER).get(f"/answers/matches/{match.id}?lang={lang}").text
    lines = re.findall(r"<li>(.*?)</li>", page.split("<ol>")[1].split("</ol>")[0])
    assert sha256("\n".join(lines).encode()).hexdigest()[:16] == WORDS[lang, texts.VERSION]


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def test_pages_read_aloud_print_type_in_and_ask_again(app: Flask, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        match_id = a_scene(session, now=utc_now()).taken_on(session, utc_now()).id
    worker = client_as(app, Role.WORKER)
    path = f"/answers/matches/{match_id}"
    assert path in worker.get("/answers/").text
    slip = worker.post(path + "/slip").headers["Location"]
    for language in ("zh_Hans", "en"):
        page = worker.get(f"{slip}?lang={language}").text
        assert "<svg" in page
    digits = page.split("Digits")[1].split("<dd")[1].split(">")[1].split("<")[0].replace(" ", "")
    worker.get("/answers/?lang=zh_Hans")
    body = {"code": "1234", "answer": "1", "channel": "slip", "dialect": "mandarin", "signed": "own_hand"}
    body |= {"evidence": "来信", "read_aloud": "y"}
    assert worker.post("/answers/slips", data=body).status_code == 422
    assert worker.post("/answers/slips", data={**body, "code": digits}).status_code == 303
    with sqlite_database.reading() as session:
        reading = session.exec(select(ReadBack)).one()
        assert readback.witnesses_of(session, reading) == ""
    page = worker.get(f"/answers/second-calls/{reading.id}").text
    assert ("另一人" in page) or ("本人朗读" in page)
    other = client_as(app, Role.WORKER)
    assert reading.id in other.get("/answers/second-calls").text
    told = other.post(f"/answers/second-calls/{reading.id}", data={"heard": "yes"})
    assert "先打开" in told.text
    assert "不同意不会有任何损失" in other.post(f"/answers/second-calls/{reading.id}/text").text
    done = other.post(f"/answers/second-calls/{reading.id}", data={"heard": "yes"})
    assert done.status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.IN_DELIVERY
    assert worker.get(path).status_code == 200
    assert path in worker.get("/answers/").text, "a call can still take it back"


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_the_page_says_what_stands_after_a_denied_answer_and_a_verifier_closes_the_task(
    app: Flask, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setattr(readback, "ONE_IN", 1)
    with sqlite_database.transaction() as session:
        match = a_scene(session, now=utc_now()).taken_on(session, utc_now())
        number = service.say(session, match.id, "decline", CALL, actor=FIRST, now=utc_now()).id
    worker, verifier = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    for client in (worker, verifier):
        client.set_cookie("lang", lang)
    page, zh = f"/answers/second-calls/{number}", lang != "en"
    assert verifier.get(page + "/denied").status_code == 404
    answer = worker.post(page, data={"heard": "no"}, follow_redirects=True).text
    assert ("须由同事更正" if zh else "until a colleague has put it right") in answer
    assert ("已生效后被否认" if zh else "Denied after it had counted") in answer
    assert page + "/denied" in verifier.get("/answers/second-calls").text
    assert ("家庭已婉拒" if zh else "Declined by the household") in verifier.get(page + "/denied").text
    assert verifier.post(page + "/denied", data={}).status_code == 422
    assert verifier.post(page + "/denied", data={"outcome": "stands"}).status_code == 303
    assert verifier.get(page + "/denied").status_code == 404
    with sqlite_database.transaction() as session:
        row, item = spoken(session, utc_now())
        service.second(session, row.id, confirmed=False, actor=SECOND, now=utc_now())
    shown = verifier.get(f"/answers/second-calls/{row.id}/denied").text
    assert f"/cases/{item.case_id}" in shown
    assert ("没有申请" if zh else "did not apply") in shown
