"""Runs of the allocator, the input they kept, the lines they propose, and why a need got nothing or not all; what
happens between two runs: prices, quotes, who could make way, what a gift would do;
and what staff overrode for the next run."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class RunState(StrEnum):
    """A run waits, works, and ends in one of four ways; infeasible: its pins contradict each other or the rules."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    INFEASIBLE = "infeasible"
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
    __table_args__ = (
        check("units", "units > 0"),
        Index("ix_proposed_line_offer_state", "offer_id", "state", "units"),
        Index("ix_proposed_line_queue", "state", "urgency", "id", "district_code"),
    )

    id: str = Field(primary_key=True, max_length=32)
    run_id: str = Field(foreign_key="run.id", index=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    offer_id: str = Field(foreign_key="offer.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    urgency: int = 0
    """The need's urgency as the run knew it, so that the queue of lines is read in the order of one index."""
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    value_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: LineState = Field(default=LineState.PROPOSED, sa_column=choice(LineState, index=True))
    consent_chain_id: str = Field(default="", max_length=32)
    consent_version: int = 0
    free_stock: bool = False
    """Whether it was proposed from free stock after the run, and is no part of the run's plan."""


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
    """What the need has after this run, from before and from its plan; 0: it is left at zero."""


class RunPrice(SQLModel, table=True):
    """What the last unit under one limit is worth in this run's first tier, times the certificate's price scale."""

    __tablename__ = "run_price"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    kind: str = Field(primary_key=True, max_length=32)
    ref: str = Field(primary_key=True, max_length=64)
    household_id: str = Field(default="", primary_key=True, max_length=32)
    price: int = Field(sa_column=Column(BigInteger, nullable=False))


class NeedQuote(SQLModel, table=True):
    """A need that was verified after this run has been looked at: what was free at once, and how the rest stands."""

    __tablename__ = "need_quote"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    need_id: str = Field(primary_key=True, foreign_key="need.id", index=True)
    verdict: str = Field(max_length=16, index=True)
    open_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    free_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: datetime = Field(sa_column=moment())


class DisplacementState(StrEnum):
    """Pending waits for a person; kept is an input of the next run, dropped is not."""

    PENDING = "pending"
    KEPT = "kept"
    DROPPED = "dropped"


class Displacement(SQLModel, table=True):
    """The chain of single units by which a higher-ranking newcomer could gain one, and who would end with one less."""

    __table_args__ = (check("ranks", "rank_gained > rank_lost"),)

    id: str = Field(primary_key=True, max_length=32)
    run_id: str = Field(foreign_key="run.id", index=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    offer_id: str = Field(foreign_key="offer.id")
    district_code: str = Field(index=True, max_length=6)
    moves: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    loser_need_id: str | None = Field(default=None, foreign_key="need.id")
    rank_gained: int
    rank_lost: int
    state: DisplacementState = Field(default=DisplacementState.PENDING, sa_column=choice(DisplacementState, index=True))
    reason: str = Field(default="", max_length=200)
    made_at: datetime = Field(sa_column=moment())
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class RunInput(SQLModel, table=True):
    """The exact input of a stored run, packed, its hash, and what it was solved with; ids and whole numbers only."""

    __tablename__ = "run_input"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str = Field(max_length=64)
    versions: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class OverrideKind(StrEnum):
    """A pin gives a need at least some units of an offer; a ban keeps them apart."""

    PIN = "pin"
    BAN = "ban"


class OverrideState(StrEnum):
    """Standing ones are part of every next run until a person withdraws them."""

    STANDING = "standing"
    WITHDRAWN = "withdrawn"


class Override(SQLModel, table=True):
    """What a person wants of the next runs, and why; a ban may leave one side open: all needs, or all offers."""

    __table_args__ = (
        check("pin", "kind <> 'pin' OR (need_id IS NOT NULL AND offer_id IS NOT NULL AND units > 0)"),
        check("ban", "kind <> 'ban' OR ((need_id IS NOT NULL OR offer_id IS NOT NULL) AND units = 0)"),
        unique_where("uq_override_need_offer", "need_id", "offer_id", where="state = 'standing'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    kind: OverrideKind = Field(sa_column=choice(OverrideKind))
    state: OverrideState = Field(default=OverrideState.STANDING, sa_column=choice(OverrideState, index=True))
    need_id: str | None = Field(default=None, foreign_key="need.id", index=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", index=True)
    units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    district_code: str = Field(default="", index=True, max_length=6)
    reason: str = Field(max_length=200)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    withdrawn_by: str = Field(default="", max_length=64)
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    left_out: str = Field(default="", max_length=16)
    """Why the last run that knew this pin left it out; empty: it counted."""


class GiftState(StrEnum):
    """A question waits for the worker; too few: the gift may reach fewer than ten households, and nothing is said."""

    WAITING = "waiting"
    DONE = "done"
    TOO_FEW = "too_few"
    FAILED = "failed"


class GiftQuestion(SQLModel, table=True):
    """What would this gift do? One coarse question of one giver in one week, and its rounded answer; nothing exact."""

    __tablename__ = "gift_question"
    __table_args__ = (UniqueConstraint("org_id", "week_on", "sha256"),)

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    run_id: str = Field(foreign_key="run.id")
    week_on: date = Field(index=True)
    sha256: str = Field(max_length=64)
    asked: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    state: GiftState = Field(default=GiftState.WAITING, sa_column=choice(GiftState, index=True))
    answer: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment())
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ScarceGift(SQLModel, table=True):
    """One of the ten scarcest gifts of a run: its terms, the cell that one more unit would fill, and for how many."""

    __tablename__ = "scarce_gift"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    place: int = Field(primary_key=True)
    category: str = Field(max_length=48)
    terms: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    urgency: int
    level: int
    households: int = 0
