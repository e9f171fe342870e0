"""What departments tell, the rules that watch it, and the alerts that people answer.

A fact is one thing that one feed said of one person: its kind, its day (the ordinal, so that both engines count alike),
an amount. A corrected one is kept as replaced. A rule is draft ► tried ► active ► retired, an alert open to closed.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, text
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where

NOW_TRUE, WRONG = "replaced_day IS NULL", "wrong_by IS NOT NULL"
LARGEST = 10**12
"""Amounts are below this: a day and an amount then fit one whole number, which tells the latest amount in SQL."""


class FeedState(SQLModel, table=True):
    """One feed: until which day its first and its newest delivery tell, when it came, where a pull goes on, and up to
    whom the exchange was asked about people who came into the register since."""

    __tablename__ = "feed_state"

    feed: str = Field(primary_key=True, max_length=16)
    cursor: str | None = Field(default=None, max_length=200)
    first_day: int = 0
    as_of_day: int = 0
    received_at: datetime = Field(sa_column=moment())
    asked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    asked_person: str = Field(default="", max_length=32)


class Delivery(SQLModel, table=True):
    """One file or page of a feed; the same bytes until the same day are the same delivery. `strangers`, told of people
    outside the register, are counted and not kept; `older` came after something newer of the record: no change."""

    __tablename__ = "feed_delivery"
    __table_args__ = (Index("uq_feed_delivery", "feed", "digest", unique=True),)

    id: str = Field(primary_key=True, max_length=32)
    feed: str = Field(max_length=16)
    digest: str = Field(max_length=64)
    as_of_day: int
    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    strangers: int = 0
    held: int = 0
    received_at: datetime = Field(sa_column=moment(index=True))


class HeldState(StrEnum):
    """A row in quarantine: held, mended by a later delivery of the same reference, or dropped by a person."""

    HELD = "held"
    MENDED = "mended"
    DROPPED = "dropped"


class HeldRow(SQLModel, table=True):
    """One row that could not be read: its sealed cells, and what is wrong with them in codes."""

    __tablename__ = "held_row"
    __table_args__ = (Index("ix_held_row_state", "state", "feed", "held_at"),)

    id: str = Field(primary_key=True, max_length=32)
    delivery_id: str = Field(foreign_key="feed_delivery.id", index=True)
    feed: str = Field(max_length=16)
    number: int
    source_key: str = Field(default="", index=True, max_length=32)
    faults: str = Field(max_length=400)
    cells: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: HeldState = Field(default=HeldState.HELD, sa_column=choice(HeldState))
    held_at: datetime = Field(sa_column=moment())
    settled_by: str = Field(default="", max_length=64)


class Fact(SQLModel, table=True):
    """One thing a feed said. `day` is when it happened, `known_day` until when the feed's delivery told. What staff
    found wrong (`wrong_by`) counts no more until its department tells it otherwise, or says that it is right."""

    __tablename__ = "fact"
    __table_args__ = (
        check("amount", f"amount >= 0 AND amount < {LARGEST}"),
        unique_where("uq_fact_source", "source_key", where=NOW_TRUE),
        Index(
            "ix_fact_kind",
            *("kind", "household_id", "person_id", "day", "amount", "known_day"),
            sqlite_where=text(NOW_TRUE),
            postgresql_where=text(NOW_TRUE),
        ),
        Index("ix_fact_home", "household_id", "kind", "day"),
        Index("ix_fact_wrong", "source_key", sqlite_where=text(WRONG), postgresql_where=text(WRONG)),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    household_id: str = Field(foreign_key="household.id")
    person_id: str = Field(foreign_key="person.id")
    feed: str = Field(max_length=16)
    kind: str = Field(max_length=24)
    day: int
    known_day: int
    amount: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    source_key: str = Field(max_length=32)
    delivery_id: str | None = Field(default=None, foreign_key="feed_delivery.id")
    replaced_day: int | None = None
    wrong_by: str | None = Field(default=None, max_length=64)


class Declared(SQLModel, table=True):
    """What a household said of itself, to be compared with what departments say; the newest of a kind counts."""

    __tablename__ = "declared_fact"
    __table_args__ = (check("amount", f"amount >= 0 AND amount < {LARGEST}"),)

    household_id: str = Field(primary_key=True, foreign_key="household.id")
    kind: str = Field(primary_key=True, max_length=24)
    amount: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    day: int
    declared_at: datetime = Field(sa_column=moment())


class RuleState(StrEnum):
    """See the module's paragraph."""

    DRAFT = "draft"
    TRIED = "tried"
    ACTIVE = "active"
    RETIRED = "retired"


class RuleClass(StrEnum):
    """What an alert opens: help, a check of entitlement, a check of people, of data, of a process."""

    NEED = "NEED"
    ELIGIBILITY = "ELIGIBILITY"
    INTEGRITY = "INTEGRITY"
    DATA = "DATA"
    PROCESS = "PROCESS"


class Colour(StrEnum):
    """How urgent an alert is, the most urgent first."""

    RED = "RED"
    ORANGE = "ORANGE"
    YELLOW = "YELLOW"
    BLUE = "BLUE"


class Rule(SQLModel, table=True):
    """One version of a rule. Who drafted or tried it may not switch it on."""

    __tablename__ = "warning_rule"
    __table_args__ = (
        check("second_person", "activated_by = '' OR (activated_by <> drafted_by AND activated_by <> tried_by)"),
        unique_where("uq_warning_rule_active", "code", where="state = 'active'"),
        Index("uq_warning_rule_version", "code", "version", unique=True),
    )

    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=8)
    version: int = 1
    kind: RuleClass = Field(sa_column=choice(RuleClass))
    per: str = Field(max_length=12)
    colour: Colour = Field(sa_column=choice(Colour))
    text: str = Field(max_length=600)
    thresholds: dict[str, float] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    quiet_days: int = 90
    source: str = Field(default="", max_length=64)
    mark: str = Field(default="D", max_length=4)
    follow_up: str = Field(default="VISIT", max_length=16)
    state: RuleState = Field(default=RuleState.DRAFT, sa_column=choice(RuleState, index=True))
    drafted_by: str = Field(max_length=64)
    tried_by: str = Field(default="", max_length=64)
    activated_by: str = Field(default="", max_length=64)
    valid_from: date | None = None
    valid_to: date | None = None
    created_at: datetime = Field(sa_column=moment())


class Trial(SQLModel, table=True):
    """What a rule would have raised on past days: figures only, no household."""

    __tablename__ = "rule_trial"

    id: str = Field(primary_key=True, max_length=32)
    rule_id: str = Field(foreign_key="warning_rule.id", index=True)
    from_on: date
    to_on: date
    alerts: int = 0
    judged: int = 0
    right: int = 0
    groups: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    tried_by: str = Field(max_length=64)
    tried_at: datetime = Field(sa_column=moment())


class AlertState(StrEnum):
    """Open, put off until a day with a reason, or closed with an outcome."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Alert(SQLModel, table=True):
    """One rule met by one household, one person or one feed. Met again while it is not closed, it is not doubled:
    `times` counts."""

    __tablename__ = "alert"
    __table_args__ = (
        check("about", "(household_id IS NULL) = (feed <> '')"),
        check("outcome", "(state = 'closed') = (outcome <> '')"),
        check("asleep", "(state = 'snoozed') = (snoozed_until IS NOT NULL)"),
        unique_where(
            "uq_alert_home", "household_id", "rule_code", where="state <> 'closed' AND person_id IS NULL AND feed = ''"
        ),
        unique_where("uq_alert_person", "person_id", "rule_code", where="state <> 'closed' AND person_id IS NOT NULL"),
        unique_where("uq_alert_feed", "feed", "rule_code", where="state <> 'closed' AND feed <> ''"),
        Index("ix_alert_place", "state", "district_code", "rank", "raised_at"),
        Index("ix_alert_rule", "rule_code", "household_id"),
    )

    id: str = Field(primary_key=True, max_length=32)
    rule_id: str = Field(foreign_key="warning_rule.id", index=True)
    rule_code: str = Field(max_length=8)
    kind: RuleClass = Field(sa_column=choice(RuleClass))
    colour: Colour = Field(sa_column=choice(Colour))
    rank: int = 0
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    feed: str = Field(default="", max_length=16)
    district_code: str = Field(default="", max_length=6)
    street_code: str = Field(default="", max_length=9)
    evidence_fact: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    evidence_day: int = 0
    times: int = 1
    state: AlertState = Field(default=AlertState.OPEN, sa_column=choice(AlertState))
    snoozed_until: date | None = None
    reason: str = Field(default="", max_length=32)
    outcome: str = Field(default="", max_length=16)
    closed_by: str = Field(default="", max_length=64)
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    raised_at: datetime = Field(sa_column=moment(index=True))


class TaskKind(StrEnum):
    """What one tap on an alert starts."""

    CALL = "call"
    VISIT = "visit"
    TEMPORARY_AID = "temporary_aid"
    NEED = "need"


class WatchTask(SQLModel, table=True):
    """One thing to do for a household because of its alerts; done with a result, open while `done_at` is empty."""

    __tablename__ = "watch_task"
    __table_args__ = (
        check("result", "(done_at IS NULL) = (result = '')"),
        unique_where("uq_watch_task_open", "household_id", "kind", where="done_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    kind: TaskKind = Field(sa_column=choice(TaskKind))
    district_code: str = Field(default="", index=True, max_length=6)
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment())
    done_by: str = Field(default="", max_length=64)
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    result: str = Field(default="", max_length=32)


class Sweep(SQLModel, table=True):
    """One pass of the rules: how far it looked, what it found, how long it took, and which could not be asked."""

    __tablename__ = "rule_sweep"

    id: str = Field(primary_key=True, max_length=32)
    on: date
    whole: bool = True
    last_fact: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    met: int = 0
    raised: int = 0
    failed: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    began_at: datetime = Field(sa_column=moment(index=True))
    ended_at: datetime = Field(sa_column=moment())
