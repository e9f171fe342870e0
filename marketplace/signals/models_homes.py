"""Kept beside the alerts so that a list of a whole city is a page of an index: households with open alerts, and points.

A row of `AlertHome` says nothing that the open alerts do not say: `homes` writes it anew with each of their changes. A
`KeptScore` is the need score as the room of portraits last worked it out.
"""

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from marketplace.db import moment

ANY, UNKNOWN = -1, -1
"""The list of all colours; a score that nobody has worked out yet."""


class AlertHome(SQLModel, table=True):
    """One household in one list: that of all open alerts (`under` is ANY), or of those of one colour (its rank)."""

    __tablename__ = "alert_home"
    __table_args__ = (
        Index("ix_alert_home_city", "under", "rank", "since", "household_id"),
        Index("ix_alert_home_score", "under", "score", "since", "household_id"),
        Index("ix_alert_home_place", "under", "district_code", "street_code", "rank", "since", "household_id"),
    )

    household_id: str = Field(primary_key=True, foreign_key="household.id", max_length=32)
    under: int = Field(primary_key=True)
    rank: int
    district_code: str = Field(default="", max_length=6)
    street_code: str = Field(default="", max_length=9)
    alerts: int
    since: datetime = Field(sa_column=moment())
    score: int = UNKNOWN


class KeptScore(SQLModel, table=True):
    """The need score of a household on a day: the points that hold for certain, and the facts that make the most."""

    __tablename__ = "kept_score"

    household_id: str = Field(primary_key=True, foreign_key="household.id", max_length=32)
    points: int
    facts: str = Field(default="", max_length=200)
    kept_on: date = Field(index=True)
