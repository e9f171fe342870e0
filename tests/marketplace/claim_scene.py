"""A household whose insurance match an insurer works on, and the charity money that the same household waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.claims import cases
from marketplace.claims.models import InsuranceCase
from marketplace.db import new_id
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.households.models import Household, Person
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.match_scene import Scene

FIELDS = ("name", "id_number")
PREMIUM, CLAIM = "INSURANCE.PREMIUM", "INSURANCE.CLAIM"
UNITS = {PREMIUM: "POLICY", CLAIM: "CLAIM"}


@dataclass
class Cover:
    """An insurer, a household, and the case between them."""

    insurer: Organisation
    household: Household
    person: Person
    match: Match
    case: InsuranceCase

    @property
    def clerk(self) -> Actor:
        return as_insurer(self.insurer)

    @property
    def home(self) -> Actor:
        return make.as_household(self.household)


def as_insurer(organisation: Organisation) -> Actor:
    return Actor(id=f"clerk-of-{organisation.id}", role=Role.INSURER, org_id=organisation.id)


def an_insurer(session: Session, **over: Any) -> Organisation:
    return make.an_organisation(session, kind=OrganisationKind.INSURER, name=over.pop("name", "普惠保险甲"), **over)


def a_home(session: Session, *, name: str = "王小明", phone: str = "10000000001") -> tuple[Household, Person]:
    """A household that may be matched, whose contact person has an ID number on record."""
    household = make.a_household(session, name=name, phone=phone)
    person = session.exec(select(Person).where(Person.household_id == household.id)).one()
    text = f"ID-{household.id}"
    person.id_number = vault_of(session).seal(session, person.id, column="person.id_number", text=text)
    session.add(person)
    make.auto_match(session, household)
    session.flush()
    return household, person


def a_match(
    session: Session, household: Household, giver: Organisation, *, category: str, unit: str, units: int, **over: Any
) -> Scene:
    """A need of this household and a proposed line for it from this giver."""
    need = make.a_need(session, household, category=category, unit=unit, gap_units=over.pop("gap", units), **over)
    offer = make.an_offer(
        session, giver, id=new_id(), category=category, unit=unit, stock_units=10**9, title=f"资源-{category}"
    )
    person = contact_of(session, household.id)
    assert person is not None
    return Scene(household, person, need, giver, offer, make.a_line(session, need, offer, units=units))


def a_case(
    session: Session,
    now: datetime,
    *,
    category: str = CLAIM,
    home: tuple[Household, Person] | None = None,
    insurer: Organisation | None = None,
    urgency: int = 2,
) -> Cover:
    """A case in its first step."""
    household, person = home or a_home(session)
    insurer = insurer or an_insurer(session)
    unit = UNITS[category]
    scene = a_match(session, household, insurer, category=category, unit=unit, units=1, urgency=urgency)
    match = scene.approved(session, now)
    decisions.giver_accepts(session, match.id, actor=as_insurer(insurer), now=now)
    accept(session, match, person, now=now)
    assert cases.open_cases(session, now=now) == 1
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match.id)).one()
    return Cover(insurer, household, person, match, case)


def accept(session: Session, match: Match, person: Person, *, now: datetime) -> None:
    decisions.household_accepts(
        session,
        match.id,
        data_fields=FIELDS,
        agrees_to_share=True,
        agrees_to_terms=True,
        person_id=person.id,
        actor=make.as_household(session.get_one(Household, match.household_id)),
        now=now,
    )


def charity_money(session: Session, household: Household, now: datetime, *, gap: int, fen: int) -> tuple[Need, Match]:
    """A medical need of `gap` fen with an approved match of `fen` that waits for its charity."""
    giver = make.an_organisation(session)
    scene = a_match(session, household, giver, category="MEDICAL.MAJOR", unit="FEN", units=fen, gap=gap)
    make.a_cost(session, scene.need)
    return scene.need, scene.approved(session, now)
