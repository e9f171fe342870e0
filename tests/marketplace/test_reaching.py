"""Who is not safe at home is called, written to and shown only as it said; nobody else at home learns what it said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace import addressing, notices
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.answers import slips
from marketplace.app import create_app
from marketplace.audit import AuditRow, subject_ref
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.consent.models import Consent
from marketplace.credentials import claims
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households import exports, members, reaching, service
from marketplace.households import facts as people
from marketplace.households.models import Person, SafeContact
from marketplace.households.reaching import OWN, QUIET, USUAL
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.notices import Notice
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import Vault, vault_of
from marketplace.signals.models import TaskKind
from marketplace.visits import letters, lists
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit, VisitState
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.signal_scene import into
from tests.marketplace.test_answers import TEXT
from tests.pages.people import client_as

HIS, HERS = "10000000001", "10000000077"
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))
FAR = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500106"}))
WHY = {"purpose": "contact", "reason": "CONTACT", "actor": WORKER}
NOW = utc_now()


def _as(person: Person) -> Actor:
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


def _two(session: Session) -> tuple[Scene, Person, Person]:
    """He, whom messages reach first, and she."""
    scene = a_scene(session, phone=HIS, now=NOW)
    her = make.a_person(session, scene.household, name="李四", phone=HERS)
    her.relation = "SPOUSE"
    session.add(her)
    return scene, scene.person, her


def _to(session: Session, settings: Settings, scene: Scene, **params: str) -> str:
    """The number to which a letter to the household goes now; empty where it waits on the page."""
    letter = "sign_in_code" if params else "match_held"
    key = f"letter-{len(session.exec(select(Notice)).all())}"
    notice = notices.post(session, letter, key=key, household_id=scene.household.id, params=params, now=NOW)
    session.flush()
    message = addressing.compose(settings, session, notice)
    return message.address if message is not None else ""


@pytest.mark.threat("T27")
def test_letters_calls_and_lists_obey_and_an_own_code_still_comes(session: Session, settings: Settings) -> None:
    scene, he, she = _two(session)
    into(session, scene.household, "IN_REGISTER", from_on=date(2026, 1, 1), now=NOW)
    asked: dict[str, Any] = {"purpose": "CALL", "district": "500103", "category": "IN_REGISTER"}
    assert _to(session, settings, scene) == HIS
    reaching.keep_own(session, OWN, actor=_as(she), now=NOW)
    assert _to(session, settings, scene) == HERS
    assert _to(session, settings, scene, person_id=he.id) == HIS, "who asks for digits gets them"
    assert service.reveal(session, she.id, field="phone", now=NOW, **WHY) == HERS
    closed = [(he, "phone"), (he, "address"), (she, "address")]
    reaching.keep_own(session, QUIET, actor=_as(she), now=NOW)
    assert _to(session, settings, scene) == ""
    for person, field in (*closed, (she, "phone")):
        with pytest.raises(WrongState, match="contact_unsafe"):
            service.reveal(session, person.id, field=field, now=NOW, **WHY)
    assert service.reveal(session, he.id, field="name", now=NOW, **WHY) == "王小明"
    with pytest.raises(BadInput, match="export_empty"):
        exports.ask(session, **asked, actor=WORKER, now=NOW)
    with pytest.raises(WrongState, match="contact_unsafe"):
        slips.make_slip(session, scene.taken_on(session, NOW).id, TEXT, actor=WORKER, now=NOW)
    reaching.keep_own(session, USUAL, actor=_as(she), now=NOW)
    assert _to(session, settings, scene) == HIS
    assert exports.ask(session, **asked, actor=WORKER, now=NOW).purpose == "CALL"


@pytest.mark.threat("T27")
def test_a_giver_gets_neither_number_nor_address_in_a_look_or_a_credential(session: Session) -> None:
    scene, he, she = _two(session)
    match = scene.taken_on(session, NOW)
    given = {"agrees_to_share": True, "agrees_to_terms": True, "data_fields": ["name", "phone"]}
    decisions.household_accepts(session, match.id, **given, person_id=he.id, actor=_as(he), now=NOW)  # type: ignore[arg-type]
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=NOW).keys() == {"name", "phone"}
    reaching.keep_for(session, she.id, QUIET, actor=WORKER, now=NOW)
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=NOW).keys() == {"name"}
    consent = session.exec(select(Consent).where(Consent.chain_id == match.consent_chain_id)).one()
    fields = ("name", "phone", "address")
    assert claims.selective(session, consent, fields=fields, household=scene.household, needs=()).keys() == {"name"}


@pytest.mark.threat("T27")
def test_each_adult_says_it_for_itself_and_what_it_said_is_sealed_and_named_by_nothing(session: Session) -> None:
    scene, he, she = _two(session)
    reaching.keep_own(session, OWN, actor=_as(she), now=NOW)
    assert [reaching.rule_of(session, actor=_as(one)) for one in (he, she)] == [USUAL, OWN]
    helper = Actor(id=she.id, role=Role.HELPER, household_id=scene.household.id)
    for actor, error in ((helper, NotAllowed), (make.as_household(scene.household), NotFound)):
        with pytest.raises(error):
            reaching.keep_own(session, USUAL, actor=actor, now=NOW)
    for actor, person_id in ((FAR, she.id), (WORKER, "nobody")):
        with pytest.raises(NotFound):
            reaching.keep_for(session, person_id, QUIET, actor=actor, now=NOW)
    for way in ("else", ""):
        with pytest.raises(BadInput):
            reaching.keep_own(session, way, actor=_as(she), now=NOW)
    row = session.get_one(SafeContact, she.id)
    assert row.way is not None
    assert OWN.encode() not in row.way.envelope
    acts = session.exec(select(AuditRow).where(AuditRow.action == "contact:rule")).all()
    assert {act.subject_ref for act in acts} == {subject_ref(session, she.id)}, "the household's trail names nothing"
    reaching.keep_own(session, OWN, actor=_as(he), now=NOW)
    assert reaching.closed_fields(session, he) == reaching.closed_fields(session, she) == {"address"}
    members.end(session, he.id, on=date(2026, 1, 2), reason="MOVED_OUT", actor=VERIFIER, now=NOW)
    assert service.reachable(session, scene.household.id) == she
    vault_of(session).erase(session, she.id)
    assert reaching.closed_fields(session, she) == frozenset(), "of who was erased nothing is left"


@pytest.mark.threat("T27")
@pytest.mark.parametrize("way", [OWN, QUIET])
def test_a_rule_goes_where_its_person_goes_and_calls_and_letters_there_leave_the_list(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """She leaves him for her mother's, for whom a letter is to be brought and whom somebody is to call."""
    scene, _he, she = _two(session)
    mother = make.a_household(session, name="李母", phone="10000000088")
    number = make_id_number("509900", date(1980, 3, 4), seq=71)
    people.correct(session, she, "id_number", number, actor=WORKER, now=NOW)
    reaching.keep_for(session, she.id, way, actor=WORKER, now=NOW)
    members.end(session, she.id, on=local_day(NOW), reason="MOVED_OUT", actor=VERIFIER, now=NOW)
    notice = notices.post(session, "match_held", key="brought", household_id=mother.id, now=NOW)
    notice.state = notices.NoticeState.BY_HAND
    letters.ask(session, notice, now=NOW)
    visits.ask(session, mother.id, "PAPERS", ref="papers:1", kind=TaskKind.CALL, actor=WORKER, now=NOW)
    facts = PersonFacts(name="李四", id_number=number, relation="CHILD")
    opened, real = set(), Vault.open_if_kept
    with monkeypatch.context() as seen:
        seen.setattr(Vault, "open_if_kept", lambda *at, **of: (opened.add(at[2]), real(*at, **of))[1])
        stranger = replace(facts, id_number=make_id_number("509900", date(1980, 3, 4), seq=72))
        members.add(session, mother.id, stranger, actor=VERIFIER, now=NOW)
    assert she.id not in opened, "who comes elsewhere opens nothing of hers"
    arrived = members.add(session, mother.id, facts, actor=VERIFIER, now=NOW)
    assert reaching.rule_of(session, actor=_as(arrived)) == way
    assert {one.state for one in session.exec(select(HomeVisit))} == {VisitState.DROPPED}
    assert (notice.state, notice.channel) == (notices.NoticeState.SENT, notices.ON_PAGE)
    assert not reaching.anybody_said(session, scene.household.id)
    reaching.keep_own(session, USUAL, actor=_as(arrived), now=NOW)
    members.end(session, arrived.id, on=local_day(NOW), reason="MOVED_OUT", actor=VERIFIER, now=NOW)
    home = HouseholdFacts("counter", "77", "500103", size=1, people=(PersonFacts(name="李四", id_number=number),))
    own = register_many(session, [home], actor=VERIFIER, now=NOW)[home.key]
    assert not reaching.anybody_said(session, own), "what she said last is that all is as usual"
    asked = {one.rule_id for one in session.exec(select(AuditRow).where(AuditRow.action == "contact:rule"))}
    assert asked == {""}, "the trail does not say what"


@pytest.mark.threat("T27")
@pytest.mark.parametrize(("way", "calls"), [(OWN, 1), (QUIET, 0)])
def test_a_call_that_was_asked_for_before_leaves_the_list_where_no_telephone_is_safe(
    session: Session, way: str, calls: int
) -> None:
    scene, _he, she = _two(session)
    home = scene.household.id
    visits.ask(session, home, "PAPERS", ref="papers:1", kind=TaskKind.CALL, actor=WORKER, now=NOW)
    call = visits.ask(session, home, "ALERT", ref="alert:1", kind=TaskKind.CALL, actor=WORKER, now=NOW)
    seen = visits.ask(session, home, "CASE", ref="case:1", actor=WORKER, now=NOW)
    reaching.keep_own(session, way, actor=_as(she), now=NOW)
    assert (call.state is VisitState.OPEN) == bool(calls)
    assert lists.count(session, actor=WORKER) == 1 + 2 * calls
    assert seen.state is VisitState.OPEN, "what the law asks for goes on"


@pytest.mark.threat("T27")
def test_her_page_shows_her_answer_and_his_shows_his(sqlite_database: Database, settings: Settings) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        scene, he, she = _two(session)
        tokens = [accounts.open_for_person(session, one.id, one.household_id, now=NOW) for one in (she, he)]
        her_id, home = she.id, scene.household.id
    pages = []
    for token in tokens:
        pages.append(app.test_client())
        pages[-1].set_cookie("sid", token)
        pages[-1].set_cookie("lang", "en")
    hers, his = pages
    assert "How you may be reached" in hers.get("/home").text
    assert hers.post("/reach", data={"way": "nothing"}).status_code == 422
    assert hers.post("/reach", data={"way": QUIET}).status_code == 303
    assert [f'value="{QUIET}" checked' in page.get("/reach").text for page in pages] == [True, False]
    assert QUIET not in his.get("/home").text
    staff = client_as(app, Role.VERIFIER)
    assert f"/register/people/{her_id}/reach" in staff.get(f"/register/households/{home}/people").text
    page = staff.get(f"/register/people/{her_id}/reach").text
    assert "checked" not in page
    assert staff.post(f"/register/people/{her_id}/reach", data={"way": USUAL}).status_code == 303
    assert f'value="{USUAL}" checked' in hers.get("/reach").text
