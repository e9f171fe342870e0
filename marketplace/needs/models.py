"""Needs.

A need's `committed_units` is kept by triggers on the ledger: every live ledger row of the need counts. The CHECK on
it is the database's own guard against giving more than the verified gap, whoever gives and however many ask at once.
Triggers also keep, dated, how each need stood (`need_standing`), so that a past day can be counted at any later time.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.actors import hands
from marketplace.db import check, choice, moment, unique_where


class NeedState(StrEnum):
    """Only a verified need is allocated."""

    UNVERIFIED = "unverified"
    HELD = "held"
    VERIFIED = "verified"
    REFUSED = "refused"
    CLOSED = "closed"


class ReferralReason(StrEnum):
    """Why government aid is not the answer, or not the whole of it (民发〔2023〕46号)."""

    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    STILL_IN_NEED = "STILL_IN_NEED"


class Need(SQLModel, table=True):
    """One verified gap of one household in one category and period; `cause` tells two such needs apart, and so
    does `person_id`: whom of the household it is for, where it is for one person."""

    __table_args__ = (
        Index("ix_need_newest", "created_at", "id", "state", "district_code"),
        check("gap", "gap_units > 0"),
        check("committed", "committed_units >= 0 AND committed_units <= gap_units"),
        check("urgency", "urgency BETWEEN 0 AND 3"),
        check("level", "verification_level BETWEEN 0 AND 4"),
        unique_where(
            "uq_need_household_category_period_cause",
            "household_id",
            "category",
            "period",
            "cause",
            "person_id",
            where="state IN ('unverified', 'held', 'verified')",
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32, index=True)
    source_id: str = Field(default="", max_length=64)
    source_index: str = Field(unique=True, max_length=64)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(default="", max_length=32)
    district_code: str = Field(index=True, max_length=6)
    category: str = Field(index=True, max_length=48)
    unit: str = Field(max_length=16)
    gap_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    committed_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    urgency: int = 1
    period: str = Field(default="", max_length=16)
    cause: str = Field(default="", max_length=32)
    valid_from: date | None = None
    valid_to: date | None = None
    one_provider: bool = False
    all_or_nothing: bool = False
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    verification_level: int = 0
    evidence: str = Field(default="", max_length=200)
    verifier_id: str = Field(default="", max_length=64)
    verified_on: date | None = None
    referral_reason: ReferralReason | None = Field(default=None, sa_column=choice(ReferralReason, nullable=True))
    government_decision: str = Field(default="", max_length=200)
    referred_by_org_id: str | None = Field(default=None, foreign_key="organisation.id")
    state: NeedState = Field(sa_column=choice(NeedState, index=True))
    state_reason: str = Field(default="", max_length=200)
    brought_by: str = Field(default="", max_length=64)
    verifier_for: str = Field(default="", max_length=64)
    brought_for: str = Field(default="", max_length=64)
    content_hash: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
    updated_at: datetime = Field(sa_column=moment(index=True))

    @property
    def vouched_by(self) -> frozenset[str]:
        """Who said that it is true: the verifier, and whoever brought it in as verified by a table, each with whom it
        stood in for. They decide nothing about it, for the verifier's name in a table is a word that anybody can
        type."""
        return hands(self.verifier_id, self.verifier_for, self.brought_by, self.brought_for)


class NeedStanding(SQLModel, table=True):
    """How a need stood from `at` on: one row for each change of its state, its gap or what is committed to it. Written
    by triggers only, so that whoever changes a need leaves it; the newest row before a moment says how it stood."""

    __tablename__ = "need_standing"
    __table_args__ = (Index("ix_need_standing_then", "need_id", "at", "seq"),)

    seq: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    need_id: str = Field(max_length=32)
    at: datetime = Field(sa_column=moment())
    state: NeedState = Field(sa_column=choice(NeedState))
    gap_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    committed_units: int = Field(sa_column=Column(BigInteger, nullable=False))


class RegistryFeed(SQLModel, table=True):
    """How far the needs of one registry have been pulled; the cursor moves with the rows it stands for."""

    __tablename__ = "registry_feed"

    source: str = Field(primary_key=True, max_length=32)
    cursor: str = Field(default="", max_length=200)
    pulled_at: datetime = Field(sa_column=moment())


class RegistryReport(SQLModel, table=True):
    """What a registry was told last about a need or a piece of aid; `error_code` where it would not hear it."""

    __tablename__ = "registry_report"

    object_ref: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32, index=True)
    state: str = Field(max_length=32)
    error_code: str = Field(default="", max_length=64)
    sent_at: datetime = Field(sa_column=moment())
