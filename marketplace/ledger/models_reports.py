"""What givers say they gave, whether or not the house can place it: the giver's own list, and a person's pile.

Enters: `handing_in`, and government feeds. Leaves: one row for each reference of a giver, and one for each payment to
somebody whom nobody here is yet. Personal data stands only in the sealed `payload`, and only until it is placed, set
aside or too old.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, LargeBinary, UniqueConstraint
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, choice, moment


class ReportState(StrEnum):
    """A report stands in the ledger, waits for a person, or was set aside. The giver reads the same word for all."""

    PLACED = "placed"
    LOOK = "look"
    ASIDE = "aside"


class ReportDoor(StrEnum):
    """How a report came in."""

    API = "api"
    FILE = "file"
    PAGE = "page"


class AidReport(SQLModel, table=True):
    """One piece of aid under the giver's own reference. `cause` says why a person has to look; where the household is
    here and the need does not fit it, somebody of its district."""

    __tablename__ = "aid_report"
    __table_args__ = (
        check("units", "units > 0"),
        check("payload", "payload IS NULL OR state = 'look'"),
        UniqueConstraint("org_id", "reference"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    reference: str = Field(max_length=64)
    category: str = Field(max_length=48)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    given_on: date
    door: ReportDoor = Field(sa_column=choice(ReportDoor))
    state: ReportState = Field(sa_column=choice(ReportState, index=True))
    cause: str = Field(default="", max_length=32)
    district_code: str = Field(default="", max_length=6)
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    reported_by: str = Field(max_length=64)
    decided_by: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
    updated_at: datetime = Field(sa_column=moment())
    tried_at: datetime = Field(sa_column=moment())


class FeedStranger(SQLModel, table=True):
    """One payment of a feed or of a file of staff to somebody who is not in the register, sealed under its number:
    tried again each day, gone once it is placed or too old. With a `cause` its person is here, but the need that it
    names does not fit: it waits for somebody of the household's district. The keyed index keeps it once, however often
    the source repeats it."""

    __tablename__ = "feed_stranger"

    number: int = Field(default=None, primary_key=True)
    source: str = Field(max_length=32, index=True)
    source_index: str = Field(unique=True, max_length=64)
    cause: str = Field(default="", max_length=32)
    district_code: str = Field(default="", max_length=6)
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=moment(index=True))
    tried_at: datetime = Field(sa_column=moment(index=True))
