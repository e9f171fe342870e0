"""One organisation or two: whoever comes in is compared, a person decides, and the verdict counts until taken back."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.households.models import Household, Person
from marketplace.households.related import is_related
from marketplace.ledger import overlap
from marketplace.organisations import alike, reported_names
from marketplace.organisations.givers import givers_of
from marketplace.organisations.models import (
    Organisation,
    OrganisationKind,
    OrganisationPair,
    PairState,
    RelatedPerson,
    Relation,
)
from marketplace.organisations.service import NewOrganisation, apply, find_by_credit_code, register_organisation
from marketplace.reference.organisation_number import make_uscc
from tests import factories as make
from tests.marketplace.test_ledger_imports import a_known_household, load
from tests.marketplace.test_overlap_runs import TODAY, need, offer, past, solved
from tests.pages.people import client_as

APPROVER = Actor(id="approver-1", role=Role.APPROVER)
HOSPITAL = "重庆医科大学附属第一医院"


def enters(session: Session, name: str, now: datetime, *, seq: int) -> Organisation:
    """An organisation that staff register."""
    new = NewOrganisation(name=name, kind=OrganisationKind.CHARITY, credit_code=make_uscc(seq, kind="51"))
    return register_organisation(session, new, actor=APPROVER, now=now)


def the_pair(session: Session) -> OrganisationPair:
    return session.exec(select(OrganisationPair)).one()


def decided(
    session: Session, verdict: PairState, now: datetime, *, whole: Organisation | None = None
) -> OrganisationPair:
    pair, whole_id = the_pair(session), whole.id if whole else ""
    return alike.decide(session, pair.id, verdict=verdict, whole_id=whole_id, reason="CODES", actor=APPROVER, now=now)


def test_a_campus_is_raised_as_part_and_strangers_are_not(session: Session, now: datetime) -> None:
    enters(session, HOSPITAL, now, seq=1)
    enters(session, HOSPITAL + "金山院区", now, seq=2)
    enters(session, "嘉陵江助学会", now, seq=3)
    assert (the_pair(session).said, the_pair(session).state) == ("part", PairState.OPEN)


def test_an_application_on_the_public_page_is_compared_too(session: Session, now: datetime) -> None:
    enters(session, "重庆市慈善总会", now, seq=1)
    code = make_uscc(2, kind="51")
    apply(session, NewOrganisation(name="慈善总会", kind=OrganisationKind.CHARITY, credit_code=code), now=now)
    assert the_pair(session).said == "review", "one name on two codes is for a person"


def test_a_decided_pair_is_not_raised_again_unless_a_name_changes(session: Session, now: datetime) -> None:
    one = enters(session, HOSPITAL, now, seq=1)
    enters(session, HOSPITAL + "金山院区", now, seq=2)
    decided(session, PairState.DIFFERENT, now)
    alike.compare(session, one, now=now)
    assert the_pair(session).state is PairState.DIFFERENT
    one.name = "重庆医科大学附属第一医院（本部）"[:12]
    alike.compare(session, one, now=now)
    one.name = HOSPITAL + "门诊部"
    alike.compare(session, one, now=now)
    with pytest.raises(WrongState, match="pair_decided"):
        decided(session, PairState.DIFFERENT, now)


@pytest.mark.parametrize("verdict", [PairState.SAME, PairState.PART])
def test_the_aid_of_both_counts_as_one_programmes_until_taken_back(
    session: Session, now: datetime, verdict: PairState
) -> None:
    """Lifetime cap of 30,000 yuan for one programme: the whole gave 29,000, so the campus may give 1,000."""
    whole, part = enters(session, HOSPITAL, now, seq=1), enters(session, HOSPITAL + "金山院区", now, seq=2)
    home = make.a_household(session)
    wanted = need(session, home, "MEDICAL.MAJOR", 500_000, cause="C50")
    make.a_cost(session, wanted)
    past(session, home, "MEDICAL.MAJOR", 2_900_000, date(2024, 5, 1), org_id=whole.id, cause="C50")

    def may_give() -> int:
        return overlap.verdict(session, wanted, org_id=part.id, units=500_000, on=TODAY).allowed

    assert may_give() == 500_000, "a second charity gives what the papers leave"
    decided(session, verdict, now, whole=whole if verdict is PairState.PART else None)
    assert may_give() == 100_000
    alike.undo(session, the_pair(session).id, reason="MISTAKE", actor=APPROVER, now=now)
    assert may_give() == 500_000


def test_a_run_reckons_with_the_aid_of_the_whole(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    make.auto_match(session, home)
    whole = enters(session, HOSPITAL, now, seq=1)
    giver = offer(session, "MEDICAL.MAJOR")
    giver.name = HOSPITAL + "金山院区"
    alike.compare(session, giver, now=now)
    wanted = need(session, home, "MEDICAL.MAJOR", 500_000, cause="C50")
    make.a_cost(session, wanted)
    past(session, home, "MEDICAL.MAJOR", 2_900_000, date(2024, 5, 1), org_id=whole.id, cause="C50")
    assert solved(session, now)[1] == {wanted.id: 500_000}
    decided(session, PairState.PART, now, whole=whole)
    assert solved(session, now)[1] == {wanted.id: 100_000}


def test_a_relation_to_the_whole_is_a_conflict_for_its_campus(session: Session, now: datetime) -> None:
    whole, part = enters(session, HOSPITAL, now, seq=1), enters(session, HOSPITAL + "金山院区", now, seq=2)
    home = _related_to(session, whole, now)
    assert is_related(session, home.id, org_id=whole.id)
    assert not is_related(session, home.id, org_id=part.id)
    decided(session, PairState.PART, now, whole=whole)
    assert is_related(session, home.id, org_id=part.id)


def _related_to(session: Session, giver: Organisation, now: datetime) -> Household:
    home = make.a_household(session)
    person = session.exec(select(Person).where(Person.household_id == home.id)).one()
    person.id_number_index = "e" * 64
    row = RelatedPerson(
        id="rel-1",
        org_id=giver.id,
        reference="R-1",
        relation=Relation.STAFF,
        id_number_index="e" * 64,
        added_by="x",
        added_at=now,
    )
    session.add_all((person, row))
    session.flush()
    return home


def test_aid_reported_under_an_alias_is_the_organisations(session: Session, now: datetime) -> None:
    giver = enters(session, "重庆市慈善总会", now, seq=1)
    names = ["渝慈", "慈善总会", "无名会"]
    assert [givers_of(session, names).called(name) for name in names] == ["渝慈", giver.id, "无名会"]
    alias = alike.add_alias(session, giver.id, name="渝慈", actor=APPROVER, now=now)
    assert givers_of(session, names).called("渝慈") == giver.id
    with pytest.raises(Conflict, match="alias_taken"):
        alike.add_alias(session, giver.id, name="渝 慈", actor=APPROVER, now=now)
    alike.drop_alias(session, alias.id, actor=APPROVER, now=now)
    assert givers_of(session, names).called("渝慈") == "渝慈"


def test_a_verdict_needs_a_reason_a_whole_and_the_right_person(session: Session, now: datetime) -> None:
    enters(session, HOSPITAL, now, seq=1)
    enters(session, HOSPITAL + "金山院区", now, seq=2)
    with pytest.raises(BadInput, match="bad_input"):
        decided(session, PairState.PART, now)
    with pytest.raises(NotAllowed):
        alike.decide(
            session,
            the_pair(session).id,
            verdict=PairState.SAME,
            whole_id="",
            reason="CODES",
            actor=Actor(id="v", role=Role.VERIFIER),
            now=now,
        )


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, now: datetime) -> Flask:
    with sqlite_database.transaction() as session:
        enters(session, HOSPITAL, now, seq=1)
        enters(session, HOSPITAL + "金山院区", now, seq=2)
    return create_app(settings, database=sqlite_database)


@pytest.mark.parametrize(("lang", "word"), [("zh_Hans", "部门或院区"), ("en", "Department or campus")])
def test_staff_decide_on_a_page_and_take_it_back(app: Flask, sqlite_database: Database, lang: str, word: str) -> None:
    staff = client_as(app, Role.APPROVER)
    staff.get(f"/language/{lang}?to=/")
    with sqlite_database.reading() as session:
        pair = the_pair(session)
        said = "one_part" if session.get_one(Organisation, pair.one_id).name.endswith("院区") else "two_part"
    assert f"/organisations/pairs/{pair.id}" in staff.get("/organisations/pairs").text
    form = {"verdict": said, "reason": "CAMPUS", "minutes": "3"}
    assert staff.post(f"/organisations/pairs/{pair.id}/decide", data=form).status_code == 303
    with sqlite_database.reading() as session:
        whole = session.get_one(Organisation, the_pair(session).whole_id)
        assert whole.name == HOSPITAL
    assert staff.post(f"/organisations/pairs/{pair.id}/decide", data=form).status_code == 409
    assert word in staff.get(f"/organisations/pairs/{pair.id}").text or lang == "en"
    assert staff.post(f"/organisations/pairs/{pair.id}/undo", data={"reason": "MISTAKE"}).status_code == 303
    assert staff.post(f"/organisations/pairs/{pair.id}/undo", data={"reason": "MISTAKE"}).status_code == 409
    two = form | {"verdict": "different"}
    assert staff.post(f"/organisations/pairs/{pair.id}/decide", data=two).status_code == 303
    with sqlite_database.reading() as session:
        assert alike.false_alarms(session) == (1, 6)


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_a_campus_without_a_code_of_its_own_comes_in_under_that_of_its_whole(
    app: Flask, sqlite_database: Database, lang: str, now: datetime
) -> None:
    """In China a campus mostly stands under the code of its hospital."""
    app.config["WTF_CSRF_ENABLED"] = False
    anybody, code = app.test_client(), make_uscc(1, kind="51")
    form = {"kind": "charity", "credit_code": code, "contact": "a@example.org"}
    told = [HOSPITAL + "沙坪坝院区", HOSPITAL + "沙坪坝院区", HOSPITAL + "江南院区", "嘉陵江助学会"]
    answers = [anybody.post(f"/organisations/apply?lang={lang}", data=form | {"name": name}) for name in told]
    assert [one.status_code for one in answers] == [200, 422, 200, 422]
    assert ("院区" if lang == "zh_Hans" else "campus") in answers[-1].text.replace(HOSPITAL, "")
    with sqlite_database.transaction() as session:
        rows = session.exec(select(Organisation).where(Organisation.credit_code == code)).all()
        assert sorted((row.part, row.name) for row in rows) == [(0, HOSPITAL), (1, told[0]), (2, told[2])]
        whole = find_by_credit_code(session, code)
        assert whole is not None
        assert whole.name == HOSPITAL
        campus = next(row for row in rows if row.part == 1)
        assert {pair.said for pair in alike.pairs_of(session, campus.id)} == {"part", "review"}
        new = NewOrganisation(name=told[0], kind=OrganisationKind.CHARITY, credit_code=code, contract_ref="A-1")
        assert register_organisation(session, new, actor=APPROVER, now=now).id == campus.id, "who applied is let in"


def test_a_name_in_reported_aid_that_is_near_to_an_organisation_is_asked_about_once(
    app: Flask, sqlite_database: Database, now: datetime
) -> None:
    """A branch that a file names is a giver of its own, with a limit of its own, until staff say that it is not."""
    names = [HOSPITAL + "沙坪坝门诊部", HOSPITAL + "（沙坪坝门诊部）", HOSPITAL, "无名会", HOSPITAL + "二分院"]
    with sqlite_database.transaction() as session:
        a_known_household(session)
        rows = [f"A{at},H-1,,,LIVING.FOOD_PACK,1,2026-0{at + 1}-01,delivered,{name}" for at, name in enumerate(names)]
        for _delivery in range(2):
            load(session, *rows, actor=Actor(id="verifier-1", role=Role.VERIFIER), now=now)
        told = reported_names.list_open(session, actor=APPROVER)
        assert [(near.name, name.said) for name, near in told] == [(HOSPITAL, "part")] * 2, "one name in two writings"
        ids, whole = {name.name: name.id for name, _near in told}, told[0][1].id
        other_id = ids.pop(names[4])
        branch = next(iter(ids))
    staff = client_as(app, Role.APPROVER)
    page = staff.get("/organisations/pairs?lang=en").text
    assert "Names in reported aid" in page
    assert f"/organisations/{whole}/names?name=" in page
    assert branch in staff.get(f"/organisations/{whole}/names", query_string={"name": branch}).text
    assert staff.post(f"/organisations/{whole}/names", data={"name": branch}).status_code == 303
    for status in (303, 404):
        assert staff.post("/organisations/names/another", data={"name_id": other_id}).status_code == status
    assert client_as(app, Role.VERIFIER).post("/organisations/names/another", data={}).status_code == 403
    assert "Names in reported aid" not in staff.get("/organisations/pairs?lang=en").text
    with sqlite_database.transaction() as session:
        assert givers_of(session, [branch]).called(branch) == givers_of(session).one(whole), "it counts as the whole's"
        assert reported_names.ask_about(session, names, now=now) == 0, "what was answered is not asked again"
        assert reported_names.ask_about(session, [HOSPITAL + "三分院"], now=now) == 1
        enters(session, HOSPITAL + "三分院", now, seq=7)
        assert reported_names.count_open(session) == 0, "who registers under the name answers it"


def test_staff_keep_and_take_away_another_name(app: Flask, sqlite_database: Database) -> None:
    staff = client_as(app, Role.APPROVER)
    with sqlite_database.reading() as session:
        giver = session.exec(select(Organisation).where(Organisation.name == HOSPITAL)).one()
    address = f"/organisations/{giver.id}/names"
    assert staff.post(address, data={"name": "重医附一院"}).status_code == 303
    assert "重医附一院" in staff.get(address).text
    assert staff.post(address, data={"name": "重医附一院"}).status_code == 422, "the fault stands beside the field"
    with sqlite_database.reading() as session:
        [alias] = [row for row in alike.aliases_of(session, giver.id) if not row.own]
    assert staff.post(f"/organisations/names/{alias.id}/drop").status_code == 303
    assert "重医附一院" not in staff.get(address).text
