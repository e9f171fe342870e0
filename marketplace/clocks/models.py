"""The clock table: one row for each step that waits, or has waited, for somebody."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from marketplace.clocks.steps import Side
from marketplace.db import check, choice, moment, unique_where

RUNS = "ended_at IS NULL"


def _running(name: str, *columns: str) -> Index:
    """An index over the clocks that run: the board and the sweeps look at no others, and most have ended."""
    return Index(name, *columns, sqlite_where=text(RUNS), postgresql_where=text(RUNS))


class Clock(SQLModel, table=True):
    """One step of one object with its limit. A running one has no `ended_at`; there is at most one for each step of an
    object. The holder is an organisation, a household, or staff of the district (by name once somebody took it)."""

    __table_args__ = (
        check("reminders", "reminders >= 0"),
        unique_where("uq_clock_running", "object_ref", "step", where="ended_at IS NULL"),
        _running("ix_clock_due", "due_at", "id"),
        _running("ix_clock_due_district", "district_code", "due_at", "id"),
        _running("ix_clock_due_step", "step", "due_at", "id"),
        _running("ix_clock_remind", "remind_at", "id"),
    )

    id: str = Field(primary_key=True, max_length=32)
    step: str = Field(max_length=32)
    object_ref: str = Field(index=True, max_length=64)
    side: Side = Field(sa_column=choice(Side))
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    district_code: str = Field(default="", max_length=6)
    started_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    remind_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reminders: int = 0
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    outcome: str = Field(default="", max_length=48)
