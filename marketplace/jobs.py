"""Background work: a row says what is to be done; a worker leases it, does it, and marks it.

The table is the truth: a worker that dies leaves a lease that runs out, and the next one takes the job again, so every
handler must be repeatable. Embedded, the worker is a thread of the web process; in a city it is `shanqiao work`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import choice, moment


class JobState(StrEnum):
    """Waiting ► working ► done or failed."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """One piece of work: `kind` names the handler, `ref` its object."""

    id: str = Field(primary_key=True, max_length=32)
    kind: str = Field(max_length=32)
    ref: str = Field(max_length=64)
    state: JobState = Field(default=JobState.WAITING, sa_column=choice(JobState, index=True))
    attempts: int = 0
    run_after: datetime = Field(sa_column=moment(index=True))
    leased_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    error_code: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment())
