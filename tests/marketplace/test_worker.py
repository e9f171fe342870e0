"""The worker: a sweep that fails is told under its name and keeps no other from its turn; nor does a long run."""

from __future__ import annotations

from datetime import datetime
from threading import Event
from time import sleep

import pytest
from sqlmodel import select

from marketplace import audit, jobs, notices
from marketplace.actors import SYSTEM
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.notices import Notice, NoticeState
from marketplace.trail.models import AuditCheckpoint
from marketplace.wiring import worker_of
from tests import factories as make


def test_a_sweep_that_fails_keeps_no_other_from_its_turn(
    sqlite_database: Database, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    swept = Event()

    def breaks() -> None:
        raise ValueError("the words of a person")

    worker = jobs.Worker(sqlite_database, {}, sweeps=(breaks, swept.set), clock=lambda: now, pause_s=0.01)
    worker.start()
    assert swept.wait(10)
    worker.stop()
    worker.join(10)
    assert "breaks failed: ValueError" in caplog.text
    assert "the words of a person" not in caplog.text


def test_a_run_that_takes_its_time_keeps_no_code_and_no_checkpoint(
    sqlite_database: Database, settings: Settings
) -> None:
    now, released, begun = utc_now(), Event(), Event()
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        notices.post(session, "offer_waiting", key="k", household_id=home.id, now=now)
        jobs.enqueue(session, "takes_long", "r", now=now)
        audit.record(session, audit.Entry("account:prove"), actor=SYSTEM, now=now)

    def takes_long(_ref: str) -> None:
        begun.set()
        released.wait(20)

    crew = worker_of(sqlite_database, settings)
    crew.workers[0]._handlers = {"takes_long": takes_long}
    crew.start()
    try:
        assert begun.wait(10)
        for _turn in range(200):
            with sqlite_database.reading() as session:
                left = session.exec(select(Notice.state).where(Notice.state == NoticeState.QUEUED)).all()
                kept = session.exec(select(AuditCheckpoint.size)).all()
            if kept and not left:
                break
            sleep(0.05)
        assert (bool(kept), left) == (True, [])
        with sqlite_database.reading() as session:
            assert session.exec(select(jobs.Job.state)).all() == [jobs.JobState.WORKING]
    finally:
        released.set()
        crew.stop()
