"""One person or two? Whichever way a row comes in it is compared; what is unclear is a task that a person decides."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import comparing, facts, reaching, same, service, suspicions
from marketplace.households.models import Person, Suspicion, SuspicionState, Trace
from marketplace.households.related import is_related, related_pairs
from marketplace.households.service import HouseholdFacts, PersonFacts
from marketplace.organisations.models import RelatedPerson, Relation
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import number_index, vault_of
from tests import factories as make
from tests.pages.people import client_as

NUMBER = make_id_number("509900", date(1968, 3, 5), seq=117)
ZHENG = PersonFacts(name="郑建国", phone="15800001234", id_number=NUMBER, address="渝北区松石路15号3栋2单元5-2")
PARTNERS = PersonFacts(name="鄭建國", phone="158 0000 1234", birth_date="1968-03-05", address="松石路十五号三幢")
TWIN = PersonFacts(
    name="郑建军",
    phone="15800001234",
    id_number=make_id_number("509900", date(1968, 3, 5), seq=119),
    address=ZHENG.address,
)
ROOT = Path(__file__).parents[2] / "marketplace"
ENTRIES = {
    "a list by file": "needs/storing.py",
    "the register by a list": "households/bringing.py",
    "the registry's system": "needs/storing.py",
    "the demonstration": "needs/storing.py",
    "a pair that the demonstration shows": "demo/alike.py",
    "typed in at the counter": "needs/entry.py",
    "written down at a visit": "needs/entry.py",
    "a helper who speaks for somebody": "needs/entry.py",
    "referred in by a charity": "needs/referral.py",
    "referred in by an insurer": "needs/referral.py",
    "a household that applies by itself": "households/newcomers.py",
    "an application taken down by staff": "cases/counter.py",
}
"""Each way in ► the module that lets people in by it. A helper or a visitor sits beside the worker who types, so three
ways share one module; a way that gets a module of its own is changed here."""
DOOR = "households/service.py"
"""The one door itself, which hands on to the register."""


def home(reference: str, person: PersonFacts, *, source: str = "list", district: str = "500112") -> HouseholdFacts:
    """A household of one."""
    return HouseholdFacts(source=source, source_ref=reference, district_code=district, people=(person,))


def raised(session: Session, *facts: HouseholdFacts, actor: Actor, now: datetime) -> list[Suspicion]:
    """What is suspected once these have come in and the sweep has gone over them."""
    service.register_many(session, facts, actor=actor, now=now)
    while comparing.compare_waiting(session, actor=actor, now=now):
        pass
    return list(session.exec(select(Suspicion).order_by(col(Suspicion.id))).all())


PAIR = (home("A", ZHENG), home("B", PARTNERS, source="partner"))


def test_the_same_person_from_a_second_source_is_a_task_with_the_differences_in_words(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    assert (found.state, found.likely) == (SuspicionState.OPEN, True)
    told = dict(suspicions.agreement_of(found))
    assert (told["birth"], told["phone"], told["given"]) == ("same", "same", "same")
    assert audit.verify(session).bad_seq == 0


def test_what_is_kept_to_find_people_again_holds_no_plain_word(
    session: Session, verifier: Actor, now: datetime
) -> None:
    raised(session, *PAIR, actor=verifier, now=now)
    traces = session.exec(select(Trace)).all()
    assert {trace.use for trace in traces} == {
        "number",
        "phone",
        "name_birth",
        "name_place",
        "surname_birth",
        "given_birth",
    }
    assert all(len(trace.value) == 64 and set(trace.value) <= set("0123456789abcdef") for trace in traces)
    rows = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "identity:compare")).all()
    assert len(rows) == 1, "one row for each opened batch"


def test_strangers_and_kin_in_one_household_are_no_task(session: Session, verifier: Actor, now: datetime) -> None:
    other = PersonFacts(name="吴小丽", phone="13700007777", birth_date="1990-08-02", address="江津区滨江路2号")
    family = replace(home("A", ZHENG), people=(ZHENG, replace(TWIN, ref="2", contact=False)))
    assert raised(session, family, home("C", other), actor=verifier, now=now) == []


def test_twins_in_two_households_are_never_likely_the_same(session: Session, verifier: Actor, now: datetime) -> None:
    found = raised(session, home("A", ZHENG), home("B", TWIN), actor=verifier, now=now)
    assert [pair.likely for pair in found] in ([], [False])


def test_a_decided_pair_comes_back_only_when_facts_change(session: Session, verifier: Actor, now: datetime) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    suspicions.decide(session, found.id, verdict=SuspicionState.DIFFERENT, reason="NAMESAKE", actor=verifier, now=now)
    session.get_one(Person, found.one_id).compared_at = None
    session.flush()
    [again] = raised(session, *PAIR, actor=verifier, now=now)
    assert again.state is SuspicionState.DIFFERENT
    moved = replace(PARTNERS, address="渝北区松石路15号3栋2单元5-2")
    [reopened] = raised(session, home("B", moved, source="partner"), actor=verifier, now=now + timedelta(days=1))
    assert (reopened.id, reopened.state) == (found.id, SuspicionState.OPEN)


def test_a_pair_called_the_same_is_looked_at_again_when_facts_change_and_counts_as_one_meanwhile(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    suspicions.decide(session, found.id, verdict=SuspicionState.SAME, reason="PAPERS", actor=verifier, now=now)
    assert suspicions.count_waiting(session, actor=verifier) == 0
    other = replace(PARTNERS, name="吴小丽", birth_date="1990-08-02", phone="13700007777", address="江津区滨江路2号")
    later = now + timedelta(days=1)
    [again] = raised(session, home("B", other, source="partner"), actor=verifier, now=later)
    assert (again.state, again.changed_at) == (SuspicionState.SAME, later)
    listed, total = suspicions.list_suspicions(session, SuspicionState.OPEN, actor=verifier, offset=0, limit=9)
    assert ([one.id for one in listed], total, suspicions.count_waiting(session, actor=verifier)) == ([found.id], 1, 1)
    households = [side.household.id for side in suspicions.sides(session, found)]
    assert len(same.same_as(session, households).of(households[0])) == 2
    with pytest.raises(BadInput, match="still_one"):
        suspicions.decide(session, found.id, verdict=SuspicionState.LATER, reason="CALLED", actor=verifier, now=later)
    suspicions.decide(session, found.id, verdict=SuspicionState.DIFFERENT, reason="CALLED", actor=verifier, now=later)
    assert (found.state, found.changed_at) == (SuspicionState.DIFFERENT, None)
    assert len(same.same_as(session, households).of(households[0])) == 1


def test_called_the_same_two_households_count_as_one_until_it_is_taken_back(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    homes = [side.household.id for side in suspicions.sides(session, found)]
    assert same.same_households(session, homes[:1]) == {homes[0]: frozenset(homes[:1])}
    suspicions.decide(session, found.id, verdict=SuspicionState.SAME, reason="PAPERS", actor=verifier, now=now)
    assert same.same_households(session, homes[:1]) == {homes[0]: frozenset(homes)}
    with pytest.raises(WrongState):
        suspicions.decide(session, found.id, verdict=SuspicionState.LATER, reason="CALLED", actor=verifier, now=now)
    suspicions.undo(session, found.id, reason="MISTAKE", actor=verifier, now=now)
    assert same.same_households(session, homes[:1]) == {homes[0]: frozenset(homes[:1])}
    with pytest.raises(WrongState):
        suspicions.undo(session, found.id, reason="MISTAKE", actor=verifier, now=now)
    assert len(session.exec(select(Person)).all()) == 2


def test_only_staff_of_one_of_the_two_districts_see_and_decide_and_only_with_a_reason(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    elsewhere = replace(verifier, districts=frozenset({"500101"}))
    here = replace(verifier, districts=frozenset({"500112"}))
    for actor, count in ((elsewhere, 0), (here, 1)):
        listed, total = suspicions.list_suspicions(session, SuspicionState.OPEN, actor=actor, offset=0, limit=9)
        assert (len(listed), total, suspicions.count_waiting(session, actor=actor)) == (count, count, count)
    with pytest.raises(NotFound):
        suspicions.open_sides(session, found.id, reason="VERIFY", actor=elsewhere, now=now)
    with pytest.raises(BadInput):
        suspicions.open_sides(session, found.id, reason="CURIOUS", actor=here, now=now)
    with pytest.raises(BadInput):
        suspicions.decide(session, found.id, verdict=SuspicionState.SAME, reason="", actor=here, now=now)
    seen = suspicions.open_sides(session, found.id, reason="VERIFY", actor=here, now=now)
    assert ("name", "郑建国", "鄭建國") in [(name, *sorted(sides, key="鄭建國".__eq__)) for name, *sides in seen]
    looks = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "suspicion:open")).all()
    assert len(looks) == 2


def test_a_pair_side_by_side_opens_no_way_to_somebody_that_is_not_safe(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [found] = raised(session, *PAIR, actor=verifier, now=now)
    look: dict[str, Any] = {"reason": "VERIFY", "actor": verifier, "now": now}
    one = suspicions.sides(session, found)[0].person
    before = {name: sides for name, *sides in suspicions.open_sides(session, found.id, **look)}
    assert before["phone"][0]
    reaching.keep_for(session, one.id, reaching.QUIET, actor=verifier, now=now)
    after = {name: sides for name, *sides in suspicions.open_sides(session, found.id, **look)}
    for name in ("phone", "address"):
        assert after.pop(name) == [None, before.pop(name)[1]]
    assert after == before
    told = [
        row.fields for row in session.exec(select(audit.AuditRow).order_by(col(audit.AuditRow.seq).desc()).limit(2))
    ]
    assert ["phone" in fields for fields in told] == [True, False], "the chain says what was opened"


def test_a_person_whose_key_was_destroyed_is_left_out_and_waits_no_more(
    session: Session, verifier: Actor, now: datetime
) -> None:
    person = make.a_person(session, make.a_household(session))
    make.vault_of(session).erase(session, person.id)
    session.flush()
    assert raised(session, actor=verifier, now=now) == []
    assert session.exec(select(Person).where(col(Person.compared_at).is_(None))).all() == []


def stores_people(text: str) -> bool:
    """Whether a module makes or inserts rows of `person`, by whatever name and whatever layer."""
    tree = ast.parse(text)
    names = {"Person"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "Person" and alias.asname
    }
    return any(
        _is_person(node.func, names) or ("insert" in _last(node.func) and _names_person(node, names))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ) or any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value)
        for node in ast.walk(tree)
    )


_SQL = re.compile(r"(insert|merge|copy)\s+(or\s+\w+\s+)?(into\s+)?\"?person\"?\s*[( ]", re.IGNORECASE)


def _last(node: ast.AST) -> str:
    """The last part of a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_person(node: ast.AST, names: set[str]) -> bool:
    return _last(node) in names


def _names_person(call: ast.Call, names: set[str]) -> bool:
    """Whether any argument, or the table that is inserted into, is the people's."""
    told = [call.func, *call.args, *(word.value for word in call.keywords)]
    inner = (part for one in told for part in ast.walk(one))
    return any(isinstance(part, ast.Name | ast.Attribute) and _is_person(part, names) for part in inner)


@pytest.mark.parametrize(
    "planted",
    [
        "Person(id='p')",
        "models.Person(id='p')",
        "from marketplace.households.models import Person as P\nP(id='p')",
        "session.bulk_insert_mappings(models.Person, rows)",
        "session.bulk_insert_mappings(mapper=models.Person, mappings=rows)",
        "session.execute(insert(Person), rows)",
        "session.execute(sqlalchemy.insert(models.Person).values(rows))",
        "session.execute(Person.__table__.insert(), rows)",
        "session.execute(text('INSERT INTO person (id) VALUES (:id)'))",
        "session.execute(text('insert or replace into person (id) values (1)'))",
    ],
)
def test_a_second_way_to_store_people_is_found_however_it_is_written(planted: str) -> None:
    assert stores_people(planted)


def test_every_way_in_goes_through_the_one_door() -> None:
    writers, callers = set(), set()
    for path in ROOT.rglob("*.py"):
        text, place = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if "person" not in text.lower() and "register_" not in text:
            continue
        if "migrations/" not in place and stores_people(text):
            writers.add(place)
        used = {_last(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name | ast.Attribute)}
        if used & {"register_many", "register_household"}:
            callers.add(place)
    assert writers == {"households/register.py"}, (
        "people are stored by the register only, where they wait for comparison"
    )
    assert callers == {*ENTRIES.values(), DOOR}, "a new way in: name it in ENTRIES and see that it is compared"


def test_a_changed_person_waits_for_comparison_again(session: Session, verifier: Actor, now: datetime) -> None:
    raised(session, home("A", ZHENG), actor=verifier, now=now)
    assert comparing.compare_waiting(session, actor=verifier, now=now) == 0
    service.register_many(session, [home("A", replace(ZHENG, phone="13900001111"))], actor=verifier, now=now)
    assert comparing.compare_waiting(session, actor=verifier, now=now) == 1
    person = session.exec(select(Person)).one()
    facts.correct(session, person, "name", "郑建过", actor=verifier, now=now)
    assert comparing.compare_waiting(session, actor=verifier, now=now) == 1, "a correction is told as well"


def test_facts_of_people_are_sealed_where_they_wait_for_comparison() -> None:
    places = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"\.seal\([^)]*column=f?\"person\.", path.read_text(encoding="utf-8"))
    }
    assert places == {"households/register.py", "households/facts.py"}


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    """A served house with one pair in it."""
    with sqlite_database.transaction() as session:
        raised(session, *PAIR, actor=Actor(id="v", role=Role.VERIFIER), now=make.NOW)
    return create_app(settings, database=sqlite_database)


def test_the_pages_tell_words_first_show_values_once_and_keep_a_verdict(app: Flask) -> None:
    client = client_as(app, Role.VERIFIER)
    page = client.get("/people/pairs?lang=en").get_data(as_text=True)
    assert "One person or two?" in page
    assert "郑建国" not in page
    address = "/people/pairs/" + page.split("/people/pairs/")[1].split('"')[0]
    page = client.get(address).get_data(as_text=True)
    assert "similar" in page
    assert "15800001234" not in page
    assert "15800001234" in client.post(f"{address}/open", data={"reason": "VERIFY"}).get_data(as_text=True)
    for missing in ({"verdict": "same", "minutes": "4"}, {"verdict": "same", "reason": "PAPERS"}):
        assert client.post(f"{address}/decide", data=missing).status_code == 422
    told = {"verdict": "same", "reason": "PAPERS", "minutes": "4"}
    assert client.post(f"{address}/decide", data=told).status_code == 303
    assert "Take it back" in client.get(address).get_data(as_text=True)
    assert client.post(f"{address}/undo", data={"reason": "MISTAKE"}).status_code == 303
    two = told | {"verdict": "different", "minutes": "7"}
    assert client.post(f"{address}/decide", data=two).status_code == 303
    report = client_as(app, Role.APPROVER).get("/aid/duplicates?lang=en").get_data(as_text=True)
    assert "two people took 11 minutes" in report, "the first look counts, too"
    cost = r"What looking at false alarms cost.{0,200}?\D11\D"
    assert re.search(cost, report, re.DOTALL), "a minute is reckoned at one yuan"
    assert client_as(app, Role.WORKER).post(f"{address}/decide", data={}).status_code == 403
    assert client_as(app, Role.AUDITOR).get("/people/pairs").status_code == 403


def test_the_page_of_a_pair_names_the_verdicts_that_bar_an_answer(app: Flask, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        pair = session.exec(select(Suspicion)).one()
        third = make.a_household(session, phone="13900000007")
        person = session.exec(select(Person.id).where(Person.household_id == third.id)).one()
        for number, (side, state) in enumerate(
            ((pair.one_id, SuspicionState.SAME), (pair.two_id, SuspicionState.DIFFERENT))
        ):
            one, two = sorted((side, person))
            told = {"one_district": "500112", "two_district": "500103", "agreement": "", "facts_index": ""}
            session.add(
                Suspicion(id=f"other-{number}", one_id=one, two_id=two, state=state, raised_at=make.NOW, **told)
            )
        pair_id = pair.id
    client = client_as(app, Role.VERIFIER)
    page = client.get(f"/people/pairs/{pair_id}?lang=en").get_data(as_text=True)
    assert "Verdicts about other pairs that bar one answer" in page
    assert "/people/pairs/other-1" in page
    told = {"verdict": "same", "reason": "PAPERS", "minutes": "1"}
    refused = client.post(f"/people/pairs/{pair_id}/decide?lang=en", data=told)
    assert refused.status_code == 409
    assert "say the contrary" in refused.get_data(as_text=True)


def test_a_second_name_on_a_known_number_joins_nobody_and_is_a_task(
    session: Session, verifier: Actor, now: datetime
) -> None:
    """The number is right for one of the two at most: both stand, with their own households, until a person decides."""
    second = PersonFacts(name="孙玉兰", phone="13900008888", id_number=NUMBER, address="巫山县广东路9号")
    [found] = raised(session, home("A", ZHENG), home("B", second, source="partner"), actor=verifier, now=now)
    assert (found.state, found.likely) == (SuspicionState.OPEN, False)
    homes = {side.household.id for side in suspicions.sides(session, found)}
    assert len(homes) == 2
    again = service.register_many(session, [home("B", second, source="partner")], actor=verifier, now=now)
    assert set(again.values()) < homes, "a second delivery of the same row goes to its own household"
    giver = make.an_organisation(session)
    told = {"reference": "R-1", "relation": Relation.STAFF, "added_by": "x", "added_at": now}
    index = number_index(vault_of(session), NUMBER)
    session.add(RelatedPerson(id="rel-1", org_id=giver.id, id_number_index=index, **told))
    session.flush()
    assert related_pairs(session) == {(one, giver.id) for one in homes}, "whose the number is, nobody knows yet"
    assert all(is_related(session, one, org_id=giver.id) for one in homes)


def test_a_second_name_on_a_number_within_one_file_joins_nobody(
    session: Session, verifier: Actor, now: datetime
) -> None:
    second = PersonFacts(name="孙玉兰", id_number=NUMBER)
    ids = service.register_many(session, [home("A", ZHENG), home("B", second)], actor=verifier, now=now)
    assert len(set(ids.values())) == 2


@pytest.mark.parametrize("name", ["鄭建國", "郑 建国", ""])
def test_the_same_name_on_a_known_number_however_it_is_written_is_the_known_household(
    session: Session, verifier: Actor, now: datetime, name: str
) -> None:
    other = PersonFacts(name=name, id_number=NUMBER)
    first = service.register_many(session, [home("A", ZHENG)], actor=verifier, now=now)
    then = service.register_many(session, [home("B", other, source="partner")], actor=verifier, now=now)
    assert set(first.values()) == set(then.values())


def test_a_source_that_corrects_a_name_keeps_its_household(session: Session, verifier: Actor, now: datetime) -> None:
    first = service.register_many(session, [home("A", ZHENG)], actor=verifier, now=now)
    then = service.register_many(session, [home("A", replace(ZHENG, name="郑建园"))], actor=verifier, now=now)
    assert first == then
    person = session.exec(select(Person)).one()
    assert service.masked_name(session, person).startswith("郑")
    third = service.register_many(
        session, [home("C", replace(ZHENG, name="郑建园"), source="partner")], actor=verifier, now=now
    )
    assert set(third.values()) == set(first.values()), "the corrected name is the one that is known now"
