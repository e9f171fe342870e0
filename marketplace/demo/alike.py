"""One pair of persons and one pair of organisations that somebody has to tell apart.

Enters: the city before its story. Leaves: a person whom a second source tells of without an ID number, and an
organisation that applies under a name which another has; each an open question on its page. Nobody in it exists.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.households import comparing
from marketplace.households.models import Sex
from marketplace.households.register import PersonFacts
from marketplace.households.service import register_household
from marketplace.organisations import service as organisations
from marketplace.organisations.models import OrganisationKind
from marketplace.reference.identity_number import SYNTHETIC_PREFIX, make_id_number
from marketplace.reference.organisation_number import make_uscc

BORN = date(1962, 5, 17)
NAME, ALSO = "欧阳淑珍", "欧阳淑贞"
PHONE = "10000509901"
DISTRICT = "500103"
GROUP = "邻里守望志愿服务队（演示）"
WORK_NUMBERS = (900_011, 900_012)


def two_of_each(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Through the ordinary services; the pair of persons is raised by the ordinary comparison."""
    clerk = roster.staff["demo-approver"]
    with database.transaction() as session:
        _persons(session, actor=clerk, now=now)
        for number in WORK_NUMBERS:
            new = organisations.NewOrganisation(GROUP, OrganisationKind.VOLUNTEERS, make_uscc(number))
            organisations.apply(session, new, now=now)
    while comparing.sweep(database, clock=lambda: now):
        pass


def _persons(session: Session, *, actor: Actor, now: datetime) -> None:
    number = make_id_number(f"{SYNTHETIC_PREFIX}99", BORN, seq=62)
    two = PersonFacts(
        sex=Sex.FEMALE, name=ALSO, phone=PHONE, birth_date=BORN.isoformat(), address="渝中区演示路5099号1单元"
    )
    one = replace(two, name=NAME, id_number=number, address="渝中区演示路5099号")
    for source, person in (("街道名册（演示）", one), ("慈善会名单（演示）", two)):
        register_household(
            session, source=source, source_ref="5099", district_code=DISTRICT, people=[person], actor=actor, now=now
        )
