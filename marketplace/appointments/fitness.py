"""Who may go: whether a task suits a volunteer, and whether the visit as a whole is safe.

Enters: a kind of service, a window, a place, and the volunteers. Leaves: the first thing that does not fit, as a
BadInput whose code has a sentence with its mend. Plain functions; called when times are proposed and again when the
household agrees, because insurance and health may have changed in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from marketplace.appointments.models import HealthFit, Place, Volunteer, VolunteerState
from marketplace.calendar import HERE, local_day
from marketplace.errors import BadInput
from marketplace.reference.services import ServiceKind

MORNING, NIGHT = time(7), time(21)
"""A visit that begins before or ends after these is at night."""
GROWN, SENIOR = 18, 70
NOT_LIGHT = frozenset({"lifting", "night", "driving"})
NOT_FOR_SENIORS = frozenset({"lifting", "night"})


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when."""

    starts_at: datetime
    ends_at: datetime

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60


def age_group(birth_year: int, /, *, year: int) -> str:
    """A code of the table `age_group`. Only the year of birth is kept, so in the year of the eighteenth birthday a
    volunteer still counts as under age.

    >>> age_group(2008, year=2026), age_group(2007, year=2026), age_group(1956, year=2026)
    ('youth', 'adult', 'senior')
    """
    age = year - birth_year
    return "youth" if age <= GROWN else "senior" if age >= SENIOR else "adult"


def risks_of(kind: ServiceKind, window: Window, /, *, place: Place, people: int) -> frozenset[str]:
    """The risks that this visit really has."""
    if place is Place.PHONE:
        return frozenset()
    found = {risk for risk in kind.risks if risk in ("driving", "night")}
    if place is Place.HOME:
        found |= {risk for risk in kind.risks if risk == "lifting" or (risk == "home_alone" and people == 1)}
    first, last = window.starts_at.astimezone(HERE), window.ends_at.astimezone(HERE)
    if first.time() < MORNING or last.time() > NIGHT or first.date() != last.date():
        found.add("night")
    return frozenset(found)


def insured_on(volunteer: Volunteer, window: Window, /) -> bool:
    """Whether the volunteer's insurance lives on every day of the window."""
    return volunteer.insurance_no is not None and covers(volunteer.insured_from, volunteer.insured_to, window)


def covers(insured_from: date | None, insured_to: date | None, window: Window, /) -> bool:
    """Whether insurance of these days lives on every day of the window."""
    if insured_from is None or insured_to is None:
        return False
    return insured_from <= local_day(window.starts_at) and local_day(window.ends_at) <= insured_to


def check_visit(kind: ServiceKind, window: Window, people: Sequence[Volunteer], /, *, place: Place) -> None:
    """Raise BadInput for the first thing that does not fit; its `who` is a registration number, never a name."""
    wanted = kind.people if place is Place.HOME else 1
    if len(people) < wanted:
        raise BadInput("two_people" if wanted > 1 else "nobody_chosen", field="volunteers", least=wanted)
    risks = risks_of(kind, window, place=place, people=len(people))
    year = local_day(window.starts_at).year
    groups = [age_group(volunteer.birth_year, year=year) for volunteer in people]
    if place is Place.HOME and set(groups) == {"youth"}:
        raise BadInput("youth_alone", field="volunteers")
    if "driving" in risks and not any("DRIVE" in volunteer.skills for volunteer in people):
        raise BadInput("nobody_drives", field="volunteers")
    for volunteer, group in zip(people, groups, strict=True):
        if code := _why_not(kind, window, volunteer, risks=risks, group=group):
            day = local_day(window.starts_at).isoformat()
            raise BadInput(code, field="volunteers", who=volunteer.registration_no, day=day)


def _why_not(
    kind: ServiceKind, window: Window, volunteer: Volunteer, *, risks: frozenset[str], group: str
) -> str | None:
    if volunteer.state is not VolunteerState.ACTIVE:
        return "volunteer_not_active"
    if kind.skill not in volunteer.skills:
        return "volunteer_skill"
    if (group == "youth" and risks) or (group == "senior" and risks & NOT_FOR_SENIORS):
        return "volunteer_age"
    weak = volunteer.health is HealthFit.LIGHT and risks & NOT_LIGHT
    if weak or ("lifting" in risks and volunteer.health is not HealthFit.STRONG):
        return "volunteer_health"
    return "insurance_missing" if risks and not insured_on(volunteer, window) else None
