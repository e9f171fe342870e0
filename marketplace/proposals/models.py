"""Runs of the allocator, the lines they propose, and why a need got nothing or not all."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment


class RunState(StrEnum):
    """A run waits, works, and ends in one of three ways."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Run(SQLModel, table=True):
    """One run: its scope and policy, its progress while it works, and its proof afterwards."""

    id: str = Field(primary_key=True, max_length=32)
    number: int = Field(unique=True)
    state: RunState = Field(default=RunState.WAITING, sa_column=choice(RunState, index=True))
    scope: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    policy: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    as_of: date
    phase: str = Field(default="", max_length=16)
    phase_done: int = 0
    phase_total: int = 0
    score: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    bound: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    cancel_asked: bool = False
    needs_count: int = 0
    offers_count: int = 0
    lines_count: int = 0
    zero_count: int = 0
    aid_seen_from: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    input_sha256: str = Field(default="", max_length=64)
    plan_sha256: str = Field(default="", max_length=64)
    certificate: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    fairness: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    error_code: str = Field(default="", max_length=48)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
    started_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class LineState(StrEnum):
    """A proposed line waits for a person; a newer run makes it stale; declined: giver or household said no later."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    DECLINED = "declined"
    STALE = "stale"


class ProposedLine(SQLModel, table=True):
    """This offer gives `units` to this need, and why: at most four reasons, the runner-up, what would change it."""

    __tablename__ = "proposed_line"
    __table_args__ = (check("units", "units > 0"),)

    id: str = Field(primary_key=True, max_length=32)
    run_id: str = Field(foreign_key="run.id", index=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    offer_id: str = Field(foreign_key="offer.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    value_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: LineState = Field(default=LineState.PROPOSED, sa_column=choice(LineState, index=True))
    consent_chain_id: str = Field(default="", max_length=32)
    consent_version: int = 0


class UnservedReason(SQLModel, table=True):
    """Why a need is not, or not fully, covered by this run."""

    __tablename__ = "unserved_reason"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    need_id: str = Field(primary_key=True, foreign_key="need.id", index=True)
    place: int = Field(primary_key=True)
    offer_id: str = Field(default="", max_length=32)
    code: str = Field(max_length=32, index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    covered_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
