"""Visits and calls, what was written at them, photos, a worker's round of a day, and who goes to which household.

A visit is open ► done, or open ► second ► done where two people go, or dropped where its cause ended elsewhere. What is
written is never overwritten: each entry is a row with author and time; one stands, earlier ones are past, and one that
met another's change lies beside it until a person chooses. Notes and photos are sealed.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column
from marketplace.signals.models import TaskKind


class VisitState(StrEnum):
    """See the module's paragraph."""

    OPEN = "open"
    SECOND = "second"
    DONE = "done"
    DROPPED = "dropped"


WAITING = (VisitState.OPEN, VisitState.SECOND)


class HomeVisit(SQLModel, table=True):
    """One call or visit to make. `source_ref` names what asked for it; `tries` counts the times nobody was met."""

    __tablename__ = "home_visit"
    __table_args__ = (
        unique_where(
            "uq_home_visit_open", "household_id", "kind", "cause", "source_ref", where="state IN ('open', 'second')"
        ),
        check("kind", "kind IN ('call', 'visit')"),
        check("done", "(state = 'done') = (done_at IS NOT NULL)"),
        check("two", "NOT two OR state <> 'done' OR (second_by <> '' AND second_by <> done_by)"),
        Index("ix_home_visit_place", "state", "district_code", "urgency", "street_code", "due_on"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(max_length=6)
    street_code: str = Field(default="", max_length=9)
    kind: TaskKind = Field(sa_column=choice(TaskKind))
    cause: str = Field(max_length=16)
    source_ref: str = Field(default="", index=True, max_length=64)
    task_id: str | None = Field(default=None, foreign_key="watch_task.id")
    urgency: int = 3
    two: bool = False
    due_on: date
    tries: int = 0
    state: VisitState = Field(default=VisitState.OPEN, sa_column=choice(VisitState))
    worker_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment())
    outcome: str = Field(default="", max_length=32)
    done_by: str = Field(default="", max_length=64)
    second_by: str = Field(default="", max_length=64)
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))


class EntryState(StrEnum):
    """Standing: it counts. Past: a later one took its place. Beside: it met another's change and waits for a choice."""

    STANDING = "standing"
    PAST = "past"
    BESIDE = "beside"


class VisitEntry(SQLModel, table=True):
    """One field as one person wrote it. `no` grows by one with each entry of a visit: the newest is its version."""

    __tablename__ = "visit_entry"
    __table_args__ = (
        UniqueConstraint("visit_id", "no"),
        unique_where("uq_visit_entry_standing", "visit_id", "field", where="state = 'standing'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    visit_id: str = Field(foreign_key="home_visit.id", index=True)
    no: int
    field: str = Field(max_length=40)
    value: str = Field(default="", max_length=32)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    note: Sealed | None = Field(default=None, sa_column=sealed_column())
    state: EntryState = Field(sa_column=choice(EntryState))
    was_beside: bool = False
    base: int = 0
    author: str = Field(max_length=64)
    written_at: datetime = Field(sa_column=moment())
    received_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}


class VisitSync(SQLModel, table=True):
    """One parcel that a telephone sent: the same key again is the same parcel, with another content it is refused.
    `visit_id` is the visit that got its words."""

    __tablename__ = "visit_sync"

    key: str = Field(primary_key=True, max_length=64)
    visit_id: str = Field(foreign_key="home_visit.id", index=True)
    author: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    received_at: datetime = Field(sa_column=moment())


class VisitPhoto(SQLModel, table=True):
    """One photo, drawn anew without place and time, sealed under the key of the household's contact."""

    __tablename__ = "visit_photo"

    id: str = Field(primary_key=True, max_length=32)
    visit_id: str = Field(foreign_key="home_visit.id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    body: Sealed | None = Field(default=None, sa_column=sealed_column())
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}


class VisitRound(SQLModel, table=True):
    """One worker's round of one day: visits in the order in which they are walked; `by_hand` once the worker changed
    it, and no plan changes it then."""

    __tablename__ = "visit_round"
    __table_args__ = (UniqueConstraint("account_id", "on"),)

    id: str = Field(primary_key=True, max_length=32)
    account_id: str = Field(foreign_key="account.id")
    on: date
    stops: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    by_hand: bool = False
    planned_at: datetime = Field(sa_column=moment())


class HomeWorker(SQLModel, table=True):
    """Who goes to a household, from when until when, and why it changed; one at a time."""

    __tablename__ = "home_worker"
    __table_args__ = (unique_where("uq_home_worker", "household_id", where="until_at IS NULL"),)

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    from_at: datetime = Field(sa_column=moment())
    until_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reason: str = Field(default="", max_length=32)
    set_by: str = Field(max_length=64)
