"""An incident with its clocks, and one row for each household that it touches."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment


class OperatorKind(StrEnum):
    """Who runs the house: the rule for reports of incidents gives each kind its own hours."""

    CRITICAL = "critical"
    STATE = "state"
    OTHER = "other"


class Incident(SQLModel, table=True):
    """What is known: whose key or looks, in which period, found when. `authority_due_at` is the law's clock."""

    __table_args__ = (check("period", "to_at > from_at"),)

    id: str = Field(primary_key=True, max_length=32)
    recipient_org_id: str = Field(default="", max_length=32, index=True)
    actor_id: str = Field(default="", max_length=64)
    from_at: datetime = Field(sa_column=moment())
    to_at: datetime = Field(sa_column=moment())
    what: str = Field(max_length=200)
    operator_kind: OperatorKind = Field(sa_column=choice(OperatorKind))
    found_at: datetime = Field(sa_column=moment())
    authority_due_at: datetime = Field(sa_column=moment())
    people_due_at: datetime = Field(sa_column=moment())
    authority_told_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    opened_by: str = Field(max_length=64)


class IncidentHousehold(SQLModel, table=True):
    """One household whose data were within reach: how many looks, the last of them, and when it was told."""

    __tablename__ = "incident_household"

    incident_id: str = Field(primary_key=True, foreign_key="incident.id")
    household_id: str = Field(primary_key=True, foreign_key="household.id", index=True)
    looks: int
    last_at: datetime = Field(sa_column=moment())
    told_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
