"""Background work: a row says what is to be done; a worker leases it, does it, and marks it.

The table is the truth: a worker that dies leaves a lease that runs out, and the next one takes the job again, so every
handler must be repeatable. Embedded, the worker is a thread of the web process; in a city it is `shanqiao work`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import and_, or_
from sqlmodel import Field, Session, SQLModel, col, select

from marketplace import audit
from marketplace.calendar import Own, read_own_days
from marketplace.db import Database, choice, moment, new_id

log = logging.getLogger("shanqiao.jobs")
LEASE = timedelta(minutes=30)
BACK_OFF = timedelta(seconds=30)
MOST_ATTEMPTS = 3
Handler = Callable[[str], object]


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


def enqueue(session: Session, kind: str, ref: str, /, *, now: datetime) -> Job:
    """Write one job in the caller's transaction."""
    job = Job(id=new_id(), kind=kind, ref=ref, run_after=now, created_at=now)
    session.add(job)
    return job


def take(database: Database, *, now: datetime) -> Job | None:
    """Lease the oldest job that is due, or whose worker has gone; None when there is nothing to do."""
    due = or_(
        and_(col(Job.state) == JobState.WAITING, col(Job.run_after) <= now),
        and_(col(Job.state) == JobState.WORKING, col(Job.leased_until) < now),
    )
    with database.transaction() as session:
        statement = select(Job).where(due).order_by(col(Job.created_at), col(Job.id)).limit(1)
        job = session.exec(statement.with_for_update(skip_locked=True)).first()
        if job is None:
            return None
        if job.attempts >= MOST_ATTEMPTS:
            job.state, job.leased_until, job.error_code = JobState.FAILED, None, "worker_lost"
            session.add(job)
            return None
        job.state, job.leased_until = JobState.WORKING, now + LEASE
        job.attempts += 1
        session.add(job)
    return job


def finish(database: Database, job: Job, /, *, error_code: str = "", now: datetime) -> None:
    """Mark a job done; after an error try again later, up to `MOST_ATTEMPTS` times."""
    with database.transaction() as session:
        stored = session.get_one(Job, job.id)
        stored.error_code, stored.leased_until = error_code, None
        if not error_code:
            stored.state = JobState.DONE
        elif stored.attempts >= MOST_ATTEMPTS:
            stored.state = JobState.FAILED
        else:
            stored.state, stored.run_after = JobState.WAITING, now + BACK_OFF * stored.attempts
        session.add(stored)


def work_once(database: Database, handlers: Mapping[str, Handler], /, *, clock: Callable[[], datetime]) -> bool:
    """Take and do one job; return whether there was one. An error is logged by its kind and kept with the job."""
    job = take(database, now=clock())
    if job is None:
        return False
    try:
        handlers[job.kind](job.ref)
    except Exception as error:  # noqa: BLE001  a worker must outlive any job
        log.error("job %s of kind %s failed: %s", job.id, job.kind, type(error).__name__)
        finish(database, job, error_code=type(error).__name__, now=clock())
    else:
        finish(database, job, now=clock())
    return True


def _passed_by(sweep: Callable[[], object]) -> None:
    """One sweep; its fault is logged under its name and keeps no other from its turn."""
    try:
        sweep()
    except Exception as error:  # noqa: BLE001  a worker must outlive any sweep
        done: Any = sweep.func if isinstance(sweep, partial) else sweep
        named = done if hasattr(done, "__qualname__") else type(done)
        log.error("sweep %s.%s failed: %s", named.__module__, named.__qualname__, type(error).__name__)


class Worker(threading.Thread):
    """A thread that works through the jobs and calls each of `sweeps` (such as the outbox) between them."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        sweeps: Sequence[Callable[[], object]] = (),
        clock: Callable[[], datetime],
        days: Callable[[], Own] = dict,
        pause_s: float = 0.5,
        name: str = "worker",
    ) -> None:
        super().__init__(name=f"shanqiao-{name}", daemon=True)
        self._database, self._handlers, self._sweeps, self._clock = database, handlers, sweeps, clock
        self._days, self._pause_s = days, pause_s
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until `stop`: jobs first, then the sweeps, then a short pause."""
        while not self._stopping.is_set():
            try:
                read_own_days(self._days)
                with self._database.reading() as session:
                    audit.refuse_a_clock_set_back(session, now=self._clock())
                while self._handlers and work_once(self._database, self._handlers, clock=self._clock):
                    pass
                for sweep in self._sweeps:
                    _passed_by(sweep)
            except Exception as error:  # noqa: BLE001  a database that is away now may be back soon
                log.error("worker: %s", type(error).__name__)
            self._stopping.wait(self._pause_s)

    def tell(self) -> None:
        """The current job is the last one."""
        self._stopping.set()

    def stop(self) -> None:
        """Let the current job end, then return."""
        self.tell()
        self.join(timeout=30)


class Crew:
    """Workers that begin and end together; what one of them waits for keeps none of the others."""

    def __init__(self, *workers: Worker) -> None:
        self.workers = workers

    def start(self) -> None:
        """Begin, all at once."""
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """Let what each holds end, then return."""
        for worker in self.workers:
            worker.tell()
        for worker in self.workers:
            worker.stop()


def is_lost(session: Session, kind: str, ref: str, /) -> bool:
    """Whether the work on this object was given up: every job of it failed for good."""
    states = session.exec(select(Job.state).where(col(Job.kind) == kind, col(Job.ref) == ref)).all()
    return bool(states) and all(state is JobState.FAILED for state in states)
