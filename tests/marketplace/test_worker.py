"""The worker: a sweep that fails is told under its name and keeps no other from its turn."""

from __future__ import annotations

from datetime import datetime
from threading import Event

import pytest

from marketplace import jobs
from marketplace.db import Database


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
