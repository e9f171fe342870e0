"""A charity refers a person in: only with a yes, and without learning anything."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.audit import AuditBody, AuditRow
from marketplace.errors import BadInput, NotAllowed
from marketplace.households import service as households
from marketplace.households.models import Household
from marketplace.households.service import PersonFacts
from marketplace.needs.models import Need, NeedState
from marketplace.needs.referral import PersonYes, Referral, refer_need
from marketplace.needs.service import NeedFacts
from tests.factories import an_organisation
from tests.marketplace.test_households import FACTS, HEAD, HEAD_ID, register

YES = PersonYes(how="WRITTEN", given_on=datetime(2026, 11, 20).date())  # noqa: DTZ001  a day has no zone
PERSON = PersonFacts(name="赵小花", phone="10000000077", address="测试路9号")


def refer(session: Session, now: datetime, **over: Any) -> Referral:
    """A referral by a charity's worker."""
    actor = Actor(id="charity-1", role=Role.CHARITY_WORKER, org_id=an_organisation(session).id)
    values: dict[str, Any] = {
        "person": PERSON,
        "district_code": "500107",
        "yes": YES,
        "actor": actor,
        "now": now,
    }
    facts = NeedFacts(category="CARE.MEAL", gap_units=30, period="2026")
    return refer_need(session, facts, **{**values, **over})


def test_a_referral_becomes_an_unverified_need_that_names_the_charity(session: Session, now: datetime) -> None:
    referral = refer(session, now)
    [need] = session.exec(select(Need)).all()
    assert (need.state, need.source_id, need.district_code) == (NeedState.UNVERIFIED, referral.reference, "500107")
    assert need.referred_by_org_id is not None
    row = session.exec(select(AuditRow.seq).where(AuditRow.action == "need:refer")).one()
    assert json.loads(session.get_one(AuditBody, row).body)["how"] == "WRITTEN"


@pytest.mark.parametrize(
    "yes", [None, PersonYes("GUESSED", YES.given_on), PersonYes("WRITTEN", YES.given_on.replace(year=2027))]
)
def test_without_the_persons_yes_nothing_is_stored(session: Session, now: datetime, yes: PersonYes | None) -> None:
    with pytest.raises(BadInput):
        refer(session, now, yes=yes)
    assert session.exec(select(Household)).all() == []


def test_a_charity_gets_the_same_answer_for_a_known_person_and_an_open_need(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    known = PersonFacts(name=HEAD.name, phone="10000000099", id_number=HEAD_ID)
    answers = [refer(session, now, person=known) for _ in range(2)]
    answers.append(refer(session, now))
    assert {len(answer.reference) for answer in answers} == {26}
    assert len(session.exec(select(Need).where(col(Need.household_id) == home)).all()) == 1


def test_a_referral_changes_nothing_that_is_known_of_the_person(
    session: Session, verifier: Actor, now: datetime
) -> None:
    [home] = register(session, FACTS, actor=verifier, now=now)
    refer(session, now, person=PersonFacts(name=HEAD.name, phone="10000000099", id_number=HEAD_ID))
    assert households.find_person_by_phone(session, "10000000099") is None
    assert households.find_person_by_phone(session, HEAD.phone) is not None
    assert households.get_household(session, home).district_code == "500103"


def test_a_second_referral_cannot_move_the_first_ones_telephone(session: Session, now: datetime) -> None:
    first = PersonFacts(name="王小明", phone="10000000001", id_number=HEAD_ID)
    refer(session, now, person=first)
    refer(session, now, person=PersonFacts(name="王小明", phone="10000000666", id_number=HEAD_ID))
    assert households.find_person_by_phone(session, "10000000666") is None


def test_staff_do_not_refer(session: Session, verifier: Actor, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        refer(session, now, actor=verifier)
