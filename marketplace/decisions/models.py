"""Decisions of people on proposed lines, and the match that follows an approval until the household confirms it.

States of a match: awaiting_second (an amount above the limit waits for a second approver) ► awaiting_giver (the
giver answers; a standing yes skips this) ► awaiting_household (the household accepts with a separate consent, or
declines) ► in_delivery ► delivered (the giver says so) ► confirmed (the household says so). Ends without aid:
rejected, declined_giver, declined_household, cancelled (a consent was withdrawn), returned.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class MatchState(StrEnum):
    """See the module's paragraph."""

    AWAITING_SECOND = "awaiting_second"
    AWAITING_GIVER = "awaiting_giver"
    AWAITING_HOUSEHOLD = "awaiting_household"
    IN_DELIVERY = "in_delivery"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DECLINED_GIVER = "declined_giver"
    DECLINED_HOUSEHOLD = "declined_household"
    CANCELLED = "cancelled"
    RETURNED = "returned"


OPEN = (
    MatchState.AWAITING_SECOND,
    MatchState.AWAITING_GIVER,
    MatchState.AWAITING_HOUSEHOLD,
    MatchState.IN_DELIVERY,
    MatchState.DELIVERED,
)


class Match(SQLModel, table=True):
    """One approved line on its way to the household."""

    __table_args__ = (
        check("units", "units > 0"),
        check("two_people", "second_approver_id IS NULL OR second_approver_id <> approver_id"),
        unique_where(
            "uq_match_live",
            "need_id",
            "offer_id",
            where="state IN ('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered')",
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    line_id: str = Field(foreign_key="proposed_line.id", unique=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    offer_id: str = Field(foreign_key="offer.id", index=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: MatchState = Field(sa_column=choice(MatchState, index=True))
    ledger_entry_id: str = Field(foreign_key="ledger_entry.id", unique=True)
    approver_id: str = Field(max_length=64)
    second_approver_id: str | None = Field(default=None, max_length=64)
    consent_chain_id: str | None = Field(default=None, max_length=32)
    consent_version: int | None = None
    reason_code: str = Field(default="", max_length=48)
    delivery_note: str = Field(default="", max_length=200)
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(index=True))
    giver_answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    household_answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class LineDecision(SQLModel, table=True):
    """What one person decided on one line, with the reason; never changed afterwards."""

    __tablename__ = "line_decision"

    id: str = Field(primary_key=True, max_length=32)
    line_id: str = Field(foreign_key="proposed_line.id", index=True)
    verdict: str = Field(max_length=16)
    reason_code: str = Field(default="", max_length=48)
    reason_text: str = Field(default="", max_length=400)
    decided_by: str = Field(max_length=64)
    decided_at: datetime = Field(sa_column=moment())
    audit_seq: int = Field(foreign_key="audit_row.seq")
