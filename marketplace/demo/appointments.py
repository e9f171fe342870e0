"""Volunteers and their visits in the demonstration: a register for each giver of a service, and visits in every state.

Enters: the told story's database and its last day. Leaves: registered volunteers who do not exist, visits that were
served, missed, agreed and proposed, a household to call. All by the ordinary services; called once from `demo.story`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.appointments import outcomes, service, volunteers
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import Appointment, HealthFit, Place, Volunteer
from marketplace.appointments.volunteers import VolunteerFacts
from marketplace.calendar import HERE, local_day
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.demo.names import family_name, given_name
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.reference.identity_number import SYNTHETIC_PREFIX, make_id_number
from marketplace.reference.services import list_services
from marketplace.reference.words import list_codes

DAY = timedelta(days=1)
_MATCHES, _LEAST_UNITS = 10, 8
_PEOPLE = 2
"""So many for each match: who is promised to one is then free for no other, and nobody is in two places."""


def visit(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Let the services that are on their way be served by appointment, as far as a first week goes."""
    with database.transaction() as session:
        for number, match in enumerate(_services(session)):
            giver = roster.giver(match.org_id)
            people = _register(session, match, giver, number=number, now=now - 3 * DAY)
            _serve(session, match, giver, people, number=number, now=now)


def _services(session: Session) -> Sequence[Match]:
    """The giver with the most of them first, so that one account of the demonstration sees every state."""
    codes = [kind.code for kind in list_services()]
    wanted = (
        select(Match)
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(
            col(Match.state) == MatchState.IN_DELIVERY, col(Need.category).in_(codes), col(Match.units) >= _LEAST_UNITS
        )
    )
    found = session.exec(wanted.order_by(col(Match.need_id), col(Match.id))).all()
    busy = Counter(match.org_id for match in found)
    return sorted(found, key=lambda match: (-busy[match.org_id], match.org_id))[:_MATCHES]


def _register(session: Session, match: Match, giver: Actor, *, number: int, now: datetime) -> list[Volunteer]:
    pick = random.Random(f"volunteers:{number}")
    found = []
    for place in range(_PEOPLE):
        sex, born = pick.choice("FM"), pick.randint(1972, 2002)
        seq = number * _PEOPLE + place
        facts = VolunteerFacts(
            registration_no=f"ZY{500100 + seq}",
            name=family_name(pick) + given_name(pick, sex=sex, born=born),
            id_number=make_id_number(f"{SYNTHETIC_PREFIX}99", date(born, pick.randint(1, 12), 15), seq=seq),
            phone=f"1000{pick.randrange(10**7):07d}",
            skills=list_codes("skill"),
            health=HealthFit.STRONG,
            insurance_no=f"DEMO-{seq:06d}",
            insured_from=date(now.year, 1, 1),
            insured_to=local_day(now) + timedelta(days=200 if place or number else 45),
        )
        found.append(volunteers.register(session, facts, actor=giver, now=now))
    return found


def _serve(
    session: Session, match: Match, giver: Actor, people: Sequence[Volunteer], *, number: int, now: datetime
) -> None:
    home = _home(session, match.household_id)
    ids = tuple(person.id for person in people)
    early = now - 2 * DAY
    if number < 4:
        plan = service.Plan((_window(now - DAY, hour=9), _window(now - DAY, hour=14)), ids, Place.HOME)
        for one in service.propose(session, match.id, plan, actor=giver, now=early):
            service.agree(session, one.id, actor=home, now=early)
            _tell(session, one, giver, home, number=number, now=now)
    ahead = (_window(now + 3 * DAY, hour=10), _window(now + 4 * DAY, hour=15))
    plan = service.Plan(ahead, ids, Place.HOME, choose_one=number % 2 == 0)
    made = service.propose(session, match.id, plan, actor=giver, now=now)
    if number % 3 == 2:
        service.agree(session, made[0].id, actor=home, now=now)


def _tell(session: Session, one: Appointment, giver: Actor, home: Actor, *, number: int, now: datetime) -> None:
    """Two visits of the first match are served, of the second nobody was there, of the third a volunteer missed one;
    those of the fourth are still to be recorded."""
    morning = one.starts_at.astimezone(HERE).hour < 12
    if number == 0:
        outcomes.record_done(session, one.id, minutes=120, content="BATHING", actor=giver, now=now)
        if morning:
            outcomes.rate(session, one.id, rating=5, actor=home, now=now)
    elif number == 1:
        outcomes.household_missed(session, one.id, actor=giver, now=now)
    elif number == 2 and morning:
        outcomes.volunteer_missed(session, one.id, actor=home, now=now)


def _home(session: Session, household_id: str) -> Actor:
    person = contact_of(session, household_id)
    return Actor(id=person.id if person else household_id, role=Role.HOUSEHOLD, household_id=household_id)


def _window(day: datetime, *, hour: int) -> Window:
    start = datetime.combine(local_day(day), time(hour), HERE).astimezone(UTC)
    return Window(start, start + timedelta(hours=2))
