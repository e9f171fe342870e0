"""One day that a decree or a disaster made another than the calendar says, with its source and its two people."""

from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class DayState(StrEnum):
    """It waits for a second person, holds, was refused, or gave way to a newer word about the same day."""

    DRAFT = "draft"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


class OwnDay(SQLModel, table=True):
    """Whether the offices of a district (empty: of the whole city) work on a day. `moved` is how many running limits
    ended later because of it."""

    __tablename__ = "own_day"
    __table_args__ = (
        check("two_people", "decided_by = '' OR decided_by <> drafted_by"),
        check("source", "source <> ''"),
        unique_where("uq_own_day_draft", "day", "district_code", where="state = 'draft'"),
        unique_where("uq_own_day_active", "day", "district_code", where="state = 'active'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    day: date
    district_code: str = Field(default="", max_length=6)
    works: bool
    cause: str = Field(max_length=16)
    source: str = Field(max_length=200)
    state: DayState = Field(default=DayState.DRAFT, sa_column=choice(DayState, index=True))
    drafted_by: str = Field(max_length=64)
    drafted_at: datetime = Field(sa_column=moment())
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    moved: int = 0
