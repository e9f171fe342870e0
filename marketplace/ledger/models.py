"""The ledger: one row for each piece of aid from any source.

Live rows (reserved, approved, delivered) of a need and of an offer are summed by triggers into
`need.committed_units` and `offer.committed_units`, whose CHECKs make a second aid for the same need and period, and a
second use of the same stock, impossible for every writer.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class AidState(StrEnum):
    """Reserved, approved and delivered aid is live; returned aid is not."""

    RESERVED = "reserved"
    APPROVED = "approved"
    DELIVERED = "delivered"
    RETURNED = "returned"


LIVE = (AidState.RESERVED, AidState.APPROVED, AidState.DELIVERED)


class LedgerEntry(SQLModel, table=True):
    """Aid of `units` in `category` for a household; with a `need_id` it covers that need."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        check("units", "units > 0"),
        unique_where(
            "uq_ledger_entry_need_period_offer",
            "need_id",
            "period",
            "offer_id",
            where="state <> 'returned' AND need_id IS NOT NULL AND offer_id IS NOT NULL",
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32, index=True)
    source_index: str = Field(unique=True, max_length=64)
    household_id: str = Field(foreign_key="household.id", index=True)
    need_id: str | None = Field(default=None, foreign_key="need.id", index=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    giver: str = Field(default="", max_length=120)
    category: str = Field(max_length=48, index=True)
    period: str = Field(default="", max_length=16)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    given_on: date = Field(index=True)
    state: AidState = Field(sa_column=choice(AidState, index=True))
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())


class AidSource(SQLModel, table=True):
    """From when on the duplicate check sees a source's past aid; a source never loaded has no row."""

    __tablename__ = "aid_source"

    source: str = Field(primary_key=True, max_length=32)
    seen_from: date
    loaded_at: datetime = Field(sa_column=moment())
    rows: int = 0
