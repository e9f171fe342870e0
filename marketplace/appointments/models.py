"""Volunteers of a giver, appointments of a match, who is booked, and what was served.

A volunteer's personal fields are sealed under an own key; a keyed index of the ID number tells people apart. `Hold` is
the database's own guard: one row for each half hour that a person is promised, so that nobody is in two places at once.
States of an appointment: proposed ► agreed ► done. Other ends: no_show_volunteer, no_show_household, cancelled.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from marketplace.calendar import local_day
from marketplace.db import check, choice, moment
from marketplace.sealed import Sealed, sealed_column


class VolunteerState(StrEnum):
    """Only an active volunteer is sent anywhere; an ended one may come back, with insurance entered anew."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class HealthFit(StrEnum):
    """What work a volunteer's health allows, as the volunteer told the giver."""

    STRONG = "strong"
    ORDINARY = "ordinary"
    LIGHT = "light"


class Volunteer(SQLModel, table=True):
    """One real-name volunteer of one giver. The ID number itself is not kept: its index and the birth year are."""

    __table_args__ = (
        UniqueConstraint("org_id", "registration_no", name="uq_volunteer_registration"),
        UniqueConstraint("org_id", "id_number_index", name="uq_volunteer_id_number"),
        check("no_shows", "no_shows >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    registration_no: str = Field(max_length=32)
    name: Sealed | None = Field(default=None, sa_column=sealed_column())
    phone: Sealed | None = Field(default=None, sa_column=sealed_column())
    insurance_no: Sealed | None = Field(default=None, sa_column=sealed_column())
    id_number_index: str = Field(index=True, max_length=64)
    birth_year: int
    health: HealthFit = Field(default=HealthFit.ORDINARY, sa_column=choice(HealthFit))
    skills: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    insured_from: date | None = None
    insured_to: date | None = None
    state: VolunteerState = Field(default=VolunteerState.ACTIVE, sa_column=choice(VolunteerState))
    state_reason: str = Field(default="", max_length=48)
    no_shows: int = 0
    content_hash: str = Field(default="", max_length=64)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}


class AppointmentState(StrEnum):
    """See the module's paragraph."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DONE = "done"
    NO_SHOW_VOLUNTEER = "no_show_volunteer"
    NO_SHOW_HOUSEHOLD = "no_show_household"
    CANCELLED = "cancelled"


OPEN = (AppointmentState.PROPOSED, AppointmentState.AGREED)
CLAIMS = (*OPEN, AppointmentState.DONE)
"""What counts against the units of a match."""


class Place(StrEnum):
    """Where it happens; the address itself is never part of an appointment."""

    HOME = "home"
    PHONE = "phone"
    STATION = "station"


class Appointment(SQLModel, table=True):
    """One visit of a match. Those with the same `choice_id` are alternatives: the household takes one of them."""

    __table_args__ = (
        check("window", "ends_at > starts_at"),
        check("units", "units > 0"),
        check("rating", "rating IS NULL OR (rating >= 1 AND rating <= 5)"),
        check("minutes", "minutes IS NULL OR (minutes >= 1 AND minutes <= 1440)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", index=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    category: str = Field(max_length=48)
    choice_id: str = Field(index=True, max_length=32)
    starts_at: datetime = Field(sa_column=moment(index=True))
    ends_at: datetime = Field(sa_column=moment())
    place: Place = Field(sa_column=choice(Place))
    units: int
    state: AppointmentState = Field(sa_column=choice(AppointmentState, index=True))
    reason_code: str = Field(default="", max_length=48)
    wish: str = Field(default="", max_length=16)
    minutes: int | None = None
    content: str = Field(default="", max_length=16)
    rating: int | None = None
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Booking(SQLModel, table=True):
    """Who is to come to an appointment."""

    __tablename__ = "appointment_booking"

    appointment_id: str = Field(foreign_key="appointment.id", primary_key=True, max_length=32)
    volunteer_id: str = Field(foreign_key="volunteer.id", primary_key=True, max_length=32, index=True)


class Hold(SQLModel, table=True):
    """One half hour of one person, whichever givers the person serves; `slot` counts half hours since 1970."""

    __tablename__ = "appointment_hold"

    person_index: str = Field(primary_key=True, max_length=64)
    slot: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    appointment_id: str = Field(foreign_key="appointment.id", index=True, max_length=32)


class ServiceRecord(SQLModel, table=True):
    """What one volunteer served at one appointment; it names no recipient. A disputed one is void, with the reason, and
    never deleted."""

    __tablename__ = "service_record"
    __table_args__ = (
        UniqueConstraint("volunteer_id", "appointment_id", name="uq_service_record_once"),
        check("minutes", "minutes >= 1 AND minutes <= 1440"),
        check("rating", "rating IS NULL OR (rating >= 1 AND rating <= 5)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    volunteer_id: str = Field(foreign_key="volunteer.id", index=True)
    appointment_id: str = Field(foreign_key="appointment.id", index=True)
    category: str = Field(max_length=48)
    content: str = Field(max_length=16)
    started_at: datetime = Field(sa_column=moment(index=True))
    minutes: int
    rating: int | None = None
    void: bool = False
    void_reason: str = Field(default="", max_length=48)
    created_at: datetime = Field(sa_column=moment())

    @property
    def on(self) -> date:
        """The local day of the service."""
        return local_day(self.started_at)
