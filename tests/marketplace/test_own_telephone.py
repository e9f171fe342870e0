"""Every adult of a registered household comes in by its own telephone and sees what is its own; a telephone that
several share opens the pages of the one whom messages reach, or nobody's (adr/0091)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from adapters.fakes_wechat import FakeWeChat
from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.models import SignInCode
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.credentials import receipts
from marketplace.db import Database
from marketplace.errors import WrongState
from marketplace.households import facts, reaching, wechat
from marketplace.households import service as households
from marketplace.households.models import Person, Sex, WeChatTie
from marketplace.households.service import HouseholdFacts, PersonFacts, has_own_phone, reveal
from marketplace.notices import Notice
from marketplace.payments import payees
from marketplace.payments.models import PayeeState
from marketplace.proxies import heard as powers
from marketplace.proxies import service as proxies
from marketplace.reference.identity_number import make_id_number
from marketplace.rights import service as rights
from marketplace.rights.models import RightKind
from marketplace.sealed import vault_of
from marketplace.trail.service import make_checkpoint
from tests.marketplace.test_proxies import session
from tests.marketplace.test_wechat import enter

__all__ = ["session"]
HIS, HERS, THE_CHILDS, THEIRS = "13900000001", "13900000002", "13900000003", "13900000004"
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))


def _one(ref: int, relation: str, phone: str, *, born: int, name: str, contact: bool = False) -> PersonFacts:
    number = make_id_number("509900", date(born, 2, 3), seq=ref)
    return PersonFacts(ref=str(ref), relation=relation, contact=contact, name=name, phone=phone, id_number=number)


def a_family(session: Session) -> dict[str, Person]:
    """He, whom messages reach; she; her mother on his telephone; their child; two more on one telephone."""
    people = (
        _one(11, "HEAD", HIS, born=1960, name="王小明", contact=True),
        _one(12, "SPOUSE", HERS, born=1962, name="李四"),
        _one(13, "PARENT", HIS, born=1935, name="周大姐"),
        _one(14, "CHILD", THE_CHILDS, born=2016, name="王小小"),
        _one(15, "OTHER", THEIRS, born=1990, name="王甲"),
        _one(16, "OTHER", THEIRS, born=1991, name="王乙"),
    )
    told = HouseholdFacts(source="list", source_ref="F1", district_code="500103", people=people)
    ids = households.register_many(session, [told], actor=SYSTEM, now=utc_now())
    names = ("he", "she", "mother", "child", "one", "other")
    found = {one.id_number: name for one, name in zip(people, names, strict=True)}
    return {
        found[vault_of(session).open(session, one.id, column="person.id_number", sealed=one.id_number)]: one
        for one in households.list_people(session, ids[told.key])
        if one.id_number is not None
    }


def as_person(person: Person) -> Actor:
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = create_app(replace(settings, demo=False), database=sqlite_database, wechat=FakeWeChat())
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def comes_in(app: Flask, client: FlaskClient, phone: str) -> bool:
    """Ask for a code on this telephone and type what was made; whether a page opened."""
    client.set_cookie("lang", "en")
    assert client.post("/enter", data={"phone": phone}).status_code == 303
    with app.extensions["database"].reading() as session:
        order = col(SignInCode.expires_at).desc()
        digits = codes.code_text(session, session.exec(select(SignInCode.id).order_by(order)).first())
    client.post("/enter/code", data={"code": digits})
    return client.get("/home").status_code == 200


@pytest.mark.threat("T27")
@pytest.mark.threat("T23")
def test_each_adult_comes_in_by_its_own_telephone_and_sees_its_own(app: Flask, settings: Settings) -> None:
    database: Database = app.extensions["database"]
    with database.transaction() as session:
        family, now = a_family(session), utc_now()
        he, she = family["he"], family["she"]
        home = households.get_household(session, he.household_id)
        chains = {
            one.id: consent.give_auto_match(session, home, actor=as_person(one), now=now).chain_id for one in (he, she)
        }
        reveal(session, she.id, field="name", actor=WORKER, now=now, purpose="VERIFY", reason="VERIFY")
        make_checkpoint(session, now=now)
        receipts.give_due(session, now=now)
    hers, his = app.test_client(), app.test_client()
    assert comes_in(app, hers, HERS)
    assert comes_in(app, his, HIS)
    for client, own, foreign in ((hers, chains[she.id], chains[he.id]), (his, chains[he.id], chains[she.id])):
        for path in ("/my-consents", "/my-receipts/"):
            assert own in client.get(path).text
            assert foreign not in client.get(path).text
    assert "Verify the need" not in his.get("/who-saw").text
    assert "Verify the need" in hers.get("/who-saw").text, "staff looked at her, and she sees it"
    with database.reading() as session:
        letters = session.exec(select(Notice).where(Notice.letter == "sign_in_code")).all()
        for code in session.exec(select(SignInCode)):
            code.used = False  # as they were when their letters went
        sent = {compose(settings, session, letter).address for letter in letters}
    assert sent == {HERS, HIS}, "the digits go to whom the telephone belongs"


@pytest.mark.threat("T27")
def test_a_shared_telephone_opens_the_one_whom_messages_reach_and_a_childs_or_two_peoples_opens_nobody(
    app: Flask,
) -> None:
    with app.extensions["database"].transaction() as session:
        family = a_family(session)
        shown = {name: has_own_phone(session, person, now=utc_now()) for name, person in family.items()}
    assert shown == {"he": True, "she": True, "mother": False, "child": False, "one": False, "other": False}
    for phone in (THE_CHILDS, THEIRS, "13900000009"):
        assert not comes_in(app, app.test_client(), phone)
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Notice)).all() == [], "and nothing is sent there"


@pytest.mark.threat("T27")
def test_her_wechat_opens_her_pages_and_is_told_to_her_telephone(app: Flask, settings: Settings) -> None:
    database: Database = app.extensions["database"]
    with database.transaction() as session:
        family = a_family(session)
        reaching.keep_own(session, reaching.QUIET, actor=as_person(family["she"]), now=utc_now())
    client = app.test_client()
    assert enter(client, "ann.1") == "/enter"
    assert comes_in(app, client, HERS)
    assert client.post("/wechat/tie").status_code == 303
    other = app.test_client()
    assert enter(other, "ann.2") != "/enter"
    with database.reading() as session:
        assert session.exec(select(WeChatTie.person_id)).one() == family["she"].id
        letters = session.exec(select(Notice)).all()
        for code in session.exec(select(SignInCode)):
            code.used = False
        assert {compose(settings, session, letter).address for letter in letters} == {HERS}, "he learns nothing"
    with database.transaction() as session:
        sharing = session.get_one(Person, family["child"].id)
        sharing.phone_index, sharing.birth_year = session.get_one(Person, family["she"].id).phone_index, 1990
        session.add(sharing)
    assert enter(app.test_client(), "ann.3") == "/enter", "once somebody shares it, the tie holds no more"


@pytest.mark.threat("T27")
def test_an_answer_goes_to_the_telephone_of_who_asked_or_to_nobodys(session: Session, settings: Settings) -> None:
    family, now = a_family(session), utc_now()
    he, she = family["he"], family["she"]
    verifier = replace(WORKER, id="verifier-1", role=Role.VERIFIER)
    asked = rights.ask(session, she, RightKind.COMPLAIN, words="请不要告诉他", actor=as_person(she), now=now)
    rights.answer(session, asked.id, text="好", actor=verifier, now=now)
    letter = session.exec(select(Notice).where(Notice.letter == "right_answered")).one()
    message = compose(settings, session, letter)
    assert (message.address if message else "") == HERS
    reaching.keep_own(session, reaching.OWN, actor=as_person(he), now=now)
    assert compose(settings, session, letter) is None, "hers is closed now; his is not asked instead"


@pytest.mark.threat("T27")
def test_what_the_one_whom_messages_reach_may_do_stays_with_it(session: Session) -> None:
    family, now = a_family(session), utc_now()
    he, she = family["he"], family["she"]
    power, _code = proxies.invite(session, he.id, helper_kind="relative", acts=("see",), actor=as_person(he), now=now)
    own, _code = proxies.invite(session, she.id, helper_kind="relative", acts=("see",), actor=as_person(she), now=now)
    assert powers.of_household(session, he.household_id, actor=as_person(she)) == [own]
    heard = powers.of_household(session, he.household_id, actor=as_person(he))
    assert {one.id for one in heard} == {power.id, own.id}
    with pytest.raises(Exception, match="help_power"):
        proxies.stop(session, power.id, actor=as_person(she), now=now)
    typed = payees.Typed(holder="李四", relation="SPOUSE", bank="测试银行", kind="card", account="6222020200000000006")
    kept = payees.save_account(session, she.household_id, typed, actor=as_person(she), now=now)
    assert (kept.state, kept.reason_code) == (PayeeState.TO_CHECK, "typed_by_member")
    assert payees.save_account(session, he.household_id, typed, actor=as_person(he), now=now).state is PayeeState.OK
    with pytest.raises(WrongState, match="no_own_phone"):
        wechat.tie(session, "index", actor=as_person(family["mother"]), now=now)


@pytest.mark.threat("T38")
def test_a_changed_telephone_ends_what_the_old_one_opened_and_a_number_tells_the_sex(session: Session) -> None:
    family, now = a_family(session), utc_now()
    she, he = family["she"], family["he"]
    tokens = [accounts.open_for_person(session, she.id, she.household_id, now=now) for _time in range(2)]
    facts.correct(session, she, "phone", "13900000022", actor=WORKER, now=now)
    assert {accounts.actor_of(session, token, now=now).role for token in tokens} == {Role.PUBLIC}
    his = accounts.open_for_person(session, he.id, he.household_id, now=now)
    told = _one(11, "HEAD", "13900000011", born=1960, name="王小明", contact=True)
    home = HouseholdFacts(source="list", source_ref="F1", district_code="500103", people=(told,))
    households.register_many(session, [home], actor=SYSTEM, now=now)
    assert accounts.actor_of(session, his, now=now).role is Role.PUBLIC
    was = she.sex
    facts.correct(session, she, "id_number", make_id_number("509900", date(1962, 2, 3), seq=21), actor=WORKER, now=now)
    assert (was, she.sex) == (Sex.FEMALE, Sex.MALE)
