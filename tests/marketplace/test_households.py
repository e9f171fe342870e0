"""Households come in once, stay sealed, and are read only with a reason that is written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.errors import BadInput, NotAllowed, NotFound
from marketplace.households import service
from marketplace.households.models import Household, Person, Sex
from marketplace.households.service import HouseholdFacts, PersonFacts
from marketplace.reference.identity_number import make_id_number

HEAD_ID = make_id_number("509900", date(1960, 2, 3), seq=21)
SPOUSE_ID = make_id_number("509900", date(1962, 4, 5), seq=34)
HEAD = PersonFacts(name="王小明", phone="10000000001", id_number=HEAD_ID, address="测试路1号", health="高血压")
SPOUSE = PersonFacts(ref="2", relation="SPOUSE", contact=False, name="李四", id_number=SPOUSE_ID)
FACTS = HouseholdFacts(source="list", source_ref="H1", district_code="500103", people=(HEAD, SPOUSE))


def register(session: Session, *facts: HouseholdFacts, actor: Actor, now: datetime) -> list[str]:
    """The ids of the households, in the order given."""
    ids = service.register_many(session, facts, actor=actor, now=now)
    return [ids[item.key] for item in facts]


def updates(session: Session) -> int:
    """How many rows of the chain say that a household was changed."""
    return len(session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "household:update")).all())


def test_a_household_comes_in_with_its_members_birth_years_and_sexes(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    head, spouse = service.list_people(session, home)
    assert (head.birth_year, head.sex, head.contact) == (1960, Sex.MALE, True)
    assert (spouse.birth_year, spouse.sex, spouse.relation) == (1962, Sex.FEMALE, "SPOUSE")
    assert service.get_household(session, home).size == 2
    assert audit.verify(session).bad_seq == 0


def test_the_same_facts_again_change_nothing(session: Session, verifier: Actor, now: datetime) -> None:
    first = register(session, FACTS, actor=verifier, now=now)
    rows = audit.verify(session).rows
    assert register(session, FACTS, actor=verifier, now=now) == first
    assert audit.verify(session).rows == rows
    assert len(session.exec(select(Person)).all()) == 2


def test_other_facts_change_only_what_differs(session: Session, verifier: Actor, now: datetime) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    moved = replace(FACTS, people=(replace(HEAD, phone="10000000002"), SPOUSE))
    assert register(session, moved, actor=verifier, now=now) == [home]
    found = service.find_person_by_phone(session, "10000000002")
    assert found is not None
    assert found.household_id == home
    assert service.find_person_by_phone(session, "10000000001") is None
    [row] = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "household:update")).all()
    assert row.fields == "phone"


def test_a_known_id_number_leads_to_the_household_that_is_there(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    other = HouseholdFacts("another", "X9", "500107", people=(replace(HEAD, phone=""),))
    assert register(session, other, actor=verifier, now=now) == [home]
    assert service.get_household(session, home).district_code == "500103"
    assert service.masked_names(session, [home]) == {home: "王*明"}
    assert updates(session) == 0


def test_two_references_with_one_id_number_in_one_list_are_one_household(
    session: Session, verifier: Actor, now: datetime
) -> None:
    again = replace(FACTS, source_ref="H2")
    first, second = register(session, FACTS, again, actor=verifier, now=now)
    assert first == second
    assert len(session.exec(select(Household)).all()) == 1


def test_a_register_corrects_what_a_referral_said(session: Session, verifier: Actor, now: datetime) -> None:
    referred = HouseholdFacts("referral", "R1", "500107", people=(replace(HEAD, phone="", address="测试路1号"),))
    [home] = register(session, referred, actor=verifier, now=now)
    assert register(session, FACTS, actor=verifier, now=now) == [home]
    household = service.get_household(session, home)
    assert (household.source, household.district_code) == ("list", "500103")
    assert len(service.list_people(session, home)) == 2


def test_a_recipient_may_be_a_household_without_people(session: Session, verifier: Actor, now: datetime) -> None:
    [home] = register(session, HouseholdFacts("list", "E1", "500103"), actor=verifier, now=now)
    assert service.get_household(session, home).size == 0
    assert service.contact_of(session, home) is None
    assert service.masked_names(session, [home]) == {home: "—"}


def test_a_reveal_gives_one_field_and_says_so_in_the_chain(session: Session, verifier: Actor, now: datetime) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    person = service.contact_of(session, home)
    assert person is not None
    told = service.reveal(
        session, person.id, field="id_number", actor=verifier, now=now, purpose="verification", reason="VERIFY"
    )
    assert told == HEAD_ID
    [row] = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "household:reveal")).all()
    assert (row.fields, row.rule_id, row.object_ref) == ("id_number", "VERIFY", "")
    assert row.subject_ref == audit.subject_ref(session, person.id)


def test_a_reveal_without_reason_or_from_another_district_or_role_is_refused(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    person = service.contact_of(session, home)
    assert person is not None
    elsewhere = Actor(id="w", role=Role.WORKER, districts=frozenset({"500107"}))
    charity = Actor(id="c", role=Role.CHARITY_MANAGER, org_id="o")
    for actor, reason, error in (
        (verifier, "", BadInput),
        (elsewhere, "VERIFY", NotFound),
        (charity, "VERIFY", NotAllowed),
    ):
        with pytest.raises(error):
            service.reveal(session, person.id, field="name", actor=actor, now=now, purpose="x", reason=reason)


def test_people_are_found_by_id_number_without_reading_any(session: Session, verifier: Actor, now: datetime) -> None:
    register(session, FACTS, actor=verifier, now=now)
    found = service.find_person_by_id_number(session, HEAD_ID.lower())
    assert found is not None
    assert found.relation == "HEAD"
    assert service.find_person_by_id_number(session, "nobody") is None


def test_nothing_personal_stands_readable_in_the_rows(session: Session, verifier: Actor, now: datetime) -> None:
    register(session, FACTS, actor=verifier, now=now)
    stored = repr([row.model_dump() for row in session.exec(select(Person)).all()]) + repr(FACTS)
    for secret in (HEAD_ID, "王小明", "10000000001", "测试路", "高血压", "1960-02-03"):
        assert secret not in stored
