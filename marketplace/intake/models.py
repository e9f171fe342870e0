"""The table of uploads that were checked and wait for a person, or are done."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import choice, moment


class ImportState(StrEnum):
    """An upload is checked first; a person confirms or drops it."""

    CHECKED = "checked"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"


class ImportKind(StrEnum):
    """What a file brings in."""

    NEEDS = "needs"
    OFFERS = "offers"
    AID = "aid"
    CLAIMS = "claims"
    VOLUNTEERS = "volunteers"
    RELATED = "related"
    PAYMENTS = "payments"
    DELIVERIES = "deliveries"
    ANSWERS = "answers"
    GIVEN = "given"
    PAPERS = "papers"
    PEOPLE = "people"
    VISITS = "visits"
    MEETINGS = "meetings"


class ImportBatch(SQLModel, table=True):
    """One checked upload. `payload` holds the checked rows in a sealed blob until the batch is confirmed or dropped."""

    __tablename__ = "import_batch"

    id: str = Field(primary_key=True, max_length=32)
    kind: ImportKind = Field(sa_column=choice(ImportKind))
    file_name: str = Field(max_length=120)
    file_sha256: str = Field(max_length=64, index=True)
    source: str = Field(max_length=32)
    org_id: str | None = Field(default=None, foreign_key="organisation.id")
    state: ImportState = Field(default=ImportState.CHECKED, sa_column=choice(ImportState))
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
