"""Offers: one row for each posted resource. `committed_units` is kept by triggers on the ledger; the CHECK on it is the
database's own guard against spending a resource twice. Beside them: drafts, and the weekly counts of open needs."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment


class OfferState(StrEnum):
    """Only an open offer is matched; a held one waits for a person because an amount is not plausible; an expired one
    waits for its giver's word that it still stands."""

    OPEN = "open"
    HELD = "held"
    PAUSED = "paused"
    EXPIRED = "expired"
    CLOSED = "closed"


class Acceptance(StrEnum):
    """The giver's standing yes to every match within the terms, or its answer to each match."""

    STANDING = "standing"
    EACH = "each"


class Offer(SQLModel, table=True):
    """One resource with its terms. Amounts are whole units of `unit` (money: fen).

    `project` is the giver's programme that it belongs to, where there is one; `reference` is its own number for it;
    what begins with `donor_` was bound by the donor, belongs to the donation and is widened only with the donor's
    consent. It is matched until `confirm_by` at most; `expired_from` is the state in which it last expired, to which
    its giver's word brings it back."""

    __table_args__ = (
        Index("ix_offer_newest", "created_at", "id", "state", "org_id"),
        check("stock", "stock_units >= 0"),
        check("committed", "committed_units >= 0 AND committed_units <= stock_units"),
        check("lot", "lot >= 1"),
        check("least", "min_per_need >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    source_index: str = Field(unique=True, max_length=64)
    title: str = Field(max_length=120)
    project: str = Field(default="", max_length=80)
    category: str = Field(index=True, max_length=48)
    unit: str = Field(max_length=16)
    stock_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    committed_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    lot: int = Field(default=1, sa_column=Column(BigInteger, nullable=False))
    min_per_need: int = Field(default=1, sa_column=Column(BigInteger, nullable=False))
    max_per_need: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    max_per_household: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    districts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    tags_any: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    tags_all: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    tags_none: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    min_urgency: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    unit_cost_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    acceptance: Acceptance = Field(default=Acceptance.EACH, sa_column=choice(Acceptance))
    donor_purpose: str = Field(default="", max_length=200)
    donor_districts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    donor_tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    confirm_by: date | None = Field(default=None, index=True)
    reminded: bool = False
    reference: str = Field(default="", max_length=64)
    standard: str = Field(default="", max_length=400)
    steps: str = Field(default="", max_length=400)
    rules: str = Field(default="", max_length=400)
    state: OfferState = Field(default=OfferState.OPEN, sa_column=choice(OfferState, index=True))
    state_reason: str = Field(default="", max_length=200)
    expired_from: str = Field(default="", max_length=16)
    content_hash: str = Field(default="", max_length=64)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())


class DonorConsent(SQLModel, table=True):
    """A donor agreed in writing that its gift may be used more widely: the paper's number and day, and what was bound
    before and after. Written once."""

    __tablename__ = "donor_consent"

    id: str = Field(primary_key=True, max_length=32)
    offer_id: str = Field(foreign_key="offer.id", index=True)
    document: str = Field(max_length=64)
    signed_on: date
    before: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    after: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())


class OfferDraft(SQLModel, table=True):
    """An offer being written, step by step. With an `offer_id` it is a change to that offer. Its answers are what the
    steps typed, as JSON values; nothing in it is matched."""

    __tablename__ = "offer_draft"

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", index=True)
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_by: str = Field(max_length=64)
    updated_at: datetime = Field(sa_column=moment(index=True))


class DemandSnapshot(SQLModel, table=True):
    """One week's published counts: kind of need ► district ► households, every number safe to show and never changed.

    A cell under ten is not in it, the others are rounded to five; the empty district stands for the whole city."""

    __tablename__ = "demand_snapshot"

    week_on: date = Field(primary_key=True)
    cells: dict[str, dict[str, int]] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    taken_at: datetime = Field(sa_column=moment())
