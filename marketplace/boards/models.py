"""What the boards keep: the numbers of the last counting by place, and of each day by district.

All of it is made from the other rooms' rows and can be counted anew at any time; no row is about one household.
"""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from marketplace.db import moment


class BoardCounting(SQLModel, table=True):
    """When the kept numbers were counted, and the last act of the audit chain then; one row."""

    __tablename__ = "board_counting"

    id: int = Field(default=1, primary_key=True)
    counted_at: datetime = Field(sa_column=moment())
    audit_seq: int = 0


class BoardCount(SQLModel, table=True):
    """One number of the last counting: the households of a measure in a street (of `response`: the alerts). None is
    kept as no row."""

    __tablename__ = "board_count"

    measure: str = Field(primary_key=True, max_length=24)
    district_code: str = Field(primary_key=True, max_length=6)
    street_code: str = Field(primary_key=True, max_length=9)
    households: int


class BoardDay(SQLModel, table=True):
    """One number of one day: the households of a measure in a district, as they were counted last on that day."""

    __tablename__ = "board_day"

    on: date = Field(primary_key=True)
    measure: str = Field(primary_key=True, max_length=24)
    district_code: str = Field(primary_key=True, max_length=6)
    households: int
