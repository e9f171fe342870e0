"""Scenes for tests of appointments: a giver with volunteers, a match of a service on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.appointments import service, volunteers
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import Appointment, HealthFit, Place, Volunteer
from marketplace.appointments.volunteers import VolunteerFacts
from marketplace.calendar import HERE
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.households.models import Household
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.offers.models import Acceptance, Offer
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.needs import need_kind
from tests import factories as make

NOW = make.NOW
TOMORROW = datetime(2026, 11, 24, 1, 0, tzinfo=NOW.tzinfo)
"""Nine in the morning in Chongqing, the day after the suite's clock."""
_number = count(1)


@dataclass
class Scene:
    """One match of a service on its way, and those who take part."""

    household: Household
    organisation: Organisation
    need: Need
    offer: Offer
    match: Match
    manager: Actor
    people: list[Volunteer] = field(default_factory=list)

    @property
    def home(self) -> Actor:
        """The household itself."""
        return make.as_household(self.household)


def facts(*, number: str = "", born: int = 1990, **over: Any) -> VolunteerFacts:
    """A grown volunteer with every skill who is strong and insured."""
    n = next(_number)
    values: dict[str, Any] = {
        "registration_no": number or f"V-{n:04d}",
        "name": "欧阳小明",
        "id_number": make_id_number("509900", date(born, 3, n % 27 + 1), seq=n % 1000),
        "phone": f"1{n:010d}",
        "skills": ("CARE", "COMPANY", "COUNSEL", "DRIVE", "REHAB", "TUTOR"),
        "health": HealthFit.STRONG,
        "insurance_no": f"P-{n:06d}",
        "insured_from": date(2026, 1, 1),
        "insured_to": date(2099, 12, 31),
    }
    return VolunteerFacts(**{**values, **over})


def a_volunteer(session: Session, organisation: Organisation, **over: Any) -> Volunteer:
    """One registered volunteer of the organisation."""
    return volunteers.register(session, facts(**over), actor=as_manager(organisation), now=NOW)


def as_manager(organisation: Organisation) -> Actor:
    """The manager of the organisation."""
    return Actor(id=f"manager-of-{organisation.id}", role=Role.CHARITY_MANAGER, org_id=organisation.id)


def a_scene(
    session: Session,
    *,
    category: str = "EDU.TUTORING",
    units: int = 60,
    people: int = 1,
    now: datetime = NOW,
    **over: Any,
) -> Scene:
    """A match of this service that the household has accepted."""
    unit = need_kind(category).unit
    household = make.a_household(session)
    organisation = over.pop("organisation", None) or make.an_organisation(session, kind=OrganisationKind.VOLUNTEERS)
    need = make.a_need(session, household, category=category, unit=unit, gap_units=units, **over)
    offer = make.an_offer(
        session,
        organisation,
        category=category,
        unit=unit,
        stock_units=max(units, 200),
        title="课业辅导",
        acceptance=Acceptance.STANDING,
    )
    make.auto_match(session, household, now=now)
    line = make.a_line(session, need, offer, units=units)
    approval.approve(session, [line.id], actor=Actor(id="approver-1", role=Role.APPROVER), now=now)
    match = session.exec(select(Match).where(Match.line_id == line.id)).one()
    accept(session, household, match, now=now)
    found = [a_volunteer(session, organisation) for _ in range(people)]
    return Scene(household, organisation, need, offer, match, as_manager(organisation), found)


def accept(session: Session, household: Household, match: Match, *, now: datetime) -> None:
    """The household says yes and lets the giver see name, telephone and address."""
    person = contact_of(session, household.id)
    assert person is not None
    fields = [
        code for code in ("name", "phone", "address") if code in decisions.fields_to_ask(session, match, person.id)
    ]
    decisions.household_accepts(
        session,
        match.id,
        data_fields=fields,
        agrees_to_share=True,
        agrees_to_terms=True,
        person_id=person.id,
        actor=make.as_household(household),
        now=now,
    )


def nine(now: datetime, *, days: int = 1) -> datetime:
    """Nine in the morning in Chongqing, so many days after a moment."""
    day = now.astimezone(HERE).date() + timedelta(days=days)
    return datetime.combine(day, time(9), HERE).astimezone(UTC)


def window(*, day: int = 0, hour: float = 0, hours: float = 2, base: datetime = TOMORROW) -> Window:
    """A window so many days after tomorrow (or another morning), so many hours after nine."""
    start = base + timedelta(days=day, hours=hour)
    return Window(start, start + timedelta(hours=hours))


def proposed(session: Session, scene: Scene, *windows: Window, **over: Any) -> list[Appointment]:
    """Times proposed for a match by its manager, with all its volunteers, at home."""
    plan = service.Plan(
        windows=windows or (window(),),
        volunteer_ids=tuple(over.pop("ids", [person.id for person in scene.people])),
        place=over.pop("place", Place.HOME),
        choose_one=over.pop("choose_one", False),
    )
    return service.propose(session, scene.match.id, plan, actor=scene.manager, now=over.pop("now", NOW))


def agreed(session: Session, scene: Scene, *windows: Window, **over: Any) -> list[Appointment]:
    """The same, and the household takes all of them."""
    now = over.get("now", NOW)
    made = proposed(session, scene, *windows, **over)
    return [service.agree(session, one.id, actor=scene.home, now=now) for one in made]
