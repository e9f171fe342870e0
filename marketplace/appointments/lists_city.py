"""The visits of the whole city for staff, and the calls that wait for an answer.

Enters: a filter and a member of staff. Leaves: one page of rows within the actor's districts, and how many there are.
Called by the staff's page.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.appointments.lists import FEW, Visit, count_of, visits_of
from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.appointments.silent import CALL
from marketplace.clocks.models import Clock


@dataclass(frozen=True, slots=True)
class CityFilter:
    """Which appointments staff look at; empty means all."""

    state: str = ""
    district: str = ""

    def conditions(self, actor: Actor) -> list[ColumnElement[bool]]:
        """Always within the actor's districts."""
        wanted: list[ColumnElement[bool]] = []
        if actor.districts:
            wanted.append(col(Appointment.district_code).in_(sorted(actor.districts)))
        if self.state:
            wanted.append(col(Appointment.state) == AppointmentState(self.state))
        if self.district:
            wanted.append(col(Appointment.district_code) == self.district)
        return wanted


def list_city(
    session: Session, wanted: CityFilter, /, *, actor: Actor, offset: int, limit: int
) -> tuple[list[Visit], int]:
    """One page of the city's appointments, the latest first, and how many there are."""
    conditions = wanted.conditions(actor)
    total = session.exec(select(func.count()).select_from(Appointment).where(*conditions)).one()
    asked = select(Appointment).where(*conditions).order_by(col(Appointment.starts_at).desc(), col(Appointment.id))
    return visits_of(session, session.exec(asked.offset(offset).limit(limit)).all()), total


def calls_waiting(session: Session, /, *, actor: Actor) -> tuple[list[Clock], int]:
    """Households whom a worker is to call because nobody was there twice, the most pressing first, and how many there
    are."""
    wanted = select(Clock).where(col(Clock.step) == CALL, col(Clock.ended_at).is_(None))
    if actor.districts:
        wanted = wanted.where(col(Clock.district_code).in_(sorted(actor.districts)))
    first = list(session.exec(wanted.order_by(col(Clock.due_at), col(Clock.id)).limit(FEW)))
    return first, count_of(session, wanted)
