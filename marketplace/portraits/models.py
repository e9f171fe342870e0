"""A need that was pushed to a department as a task, with its answer and what came of it.

asked ► accepted ► done, or asked ► returned. What the department did not cover becomes a need of the market
(`need_id`). One task of a kind runs for a household at a department at a time.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class PushState(StrEnum):
    """See the module's paragraph."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    DONE = "done"


class Push(SQLModel, table=True):
    """One task of one department. Units are whole units of the kind of need; money is fen. `code_index`: the keyed
    index of the code with which the department answers on its page; `heard_seq`: its newest word over HTTP."""

    __tablename__ = "need_push"
    __table_args__ = (
        check("units", "asked_units > 0 AND covered_units >= 0 AND covered_units <= asked_units"),
        check("reason", "(state = 'returned') = (reason <> '')"),
        check("answered", "(state = 'asked') = (answered_at IS NULL)"),
        check("ended", "(state IN ('returned', 'done')) = (ended_at IS NOT NULL)"),
        unique_where("uq_need_push_code", "code_index", where="code_index <> ''"),
        unique_where(
            "uq_need_push_running", "household_id", "department", "category", where="state IN ('asked', 'accepted')"
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    department: str = Field(max_length=8)
    indicator: str = Field(max_length=32)
    category: str = Field(max_length=32)
    asked_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    covered_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    state: PushState = Field(default=PushState.ASKED, sa_column=choice(PushState, index=True))
    reason: str = Field(default="", max_length=16)
    need_id: str | None = Field(default=None, foreign_key="need.id")
    code_index: str = Field(default="", max_length=64)
    pushed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    heard_seq: int = 0
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment(index=True))
    answered_by: str = Field(default="", max_length=64)
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class TaskFeed(SQLModel, table=True):
    """Up to where a department's words about its tasks were read."""

    __tablename__ = "task_feed"

    department: str = Field(primary_key=True, max_length=8)
    cursor: str = Field(default="", max_length=200)
    pulled_at: datetime = Field(sa_column=moment())
