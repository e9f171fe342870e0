"""The demo from nothing to a served site: build the city, play the job, print what came of it, open the door.

What enters: a size, a seed, a port and a folder. What leaves: a table on the console, then, unless it is to run once
only, a site on 127.0.0.1. The small city gets the whole job; the large one is measured from an empty database to stored
proposals with reasons. Called by the command line.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory

from flask import Flask
from rich.console import Console
from rich.table import Table
from sqlalchemy import event

from marketplace import serving
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import Settings, demo_settings
from marketplace.db import Database
from marketplace.demo import machines, story, trust
from marketplace.demo.accounts import ACCOUNTS, TOUR
from marketplace.demo.build import build
from marketplace.demo.city import SIZES, make_city
from marketplace.demo.phases import Phases, peak_mb
from marketplace.wiring import open_database, readers_doors, worker_of

__all__ = [
    "SIZES",
    "NotADemoFolder",
    "PortTaken",
    "Report",
    "folder",
    "now_utc",
    "play",
    "refuse_taken_port",
    "serve",
    "settings_for",
    "site",
]
STORY_DAYS = 8
"""The job is played over the days before now, so that its pages show dates a reader believes."""
MARK = "demonstration"
"""A file that says that a folder may be emptied."""


class NotADemoFolder(Exception):
    """The folder holds something that is not a demonstration: it is not emptied."""


class PortTaken(Exception):
    """Another program answers at this port; better said before the city is built than after."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one demo came to."""

    result: story.Result
    seconds: dict[str, float]
    peak_mb: int
    machines: tuple[machines.DemoMachine, ...] = ()


def play(settings: Settings, *, size: str, seed: int, now: datetime) -> Report:
    """Fill the settings' empty database and play the job on it."""
    phases = Phases()
    begun = now - timedelta(days=STORY_DAYS)
    with phases.phase("open"):
        database = open_database(settings)
        _without_waiting(database)
    with phases.phase("generate"):
        city = make_city(size=size, seed=seed, on=local_day(begun))
    with phases.phase("load"):
        roster = build(database, city, now=begun)
    if SIZES[size].played:
        run_id = story.tell(database, roster, seed=seed, phases=phases)
    else:
        with phases.phase("run"):
            run_id = story.run_allocator(database, roster, now=begun)
    with phases.phase("verify the chain"):
        result = story.result_of(database, run_id)
    with phases.phase("sign the log"):
        trust.show(database, now=now)
        let_in = machines.let_in(database, roster, settings.instance, now=now) if SIZES[size].played else []
    database.close()
    return Report(result, phases.seconds, peak_mb(), tuple(let_in))


def _without_waiting(database: Database) -> None:
    """While a demo is built a power cut loses nothing worth keeping, so the embedded database need not wait for the
    disk at every commit. The site opens it anew, with the ordinary care."""
    if database.engine.dialect.name == "sqlite":
        database.engine.dispose()
        event.listen(database.engine, "connect", _stop_waiting)


def _stop_waiting(connection: Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def folder(wanted: Path | None) -> Iterator[Path]:
    """An empty folder for a demo: the wanted one, emptied if a demo was there before, or one that goes afterwards."""
    if wanted is None:
        with TemporaryDirectory(prefix="shanqiao-demo-") as name:
            yield Path(name)
        return
    if wanted.exists() and any(wanted.iterdir()) and not (wanted / MARK).exists():
        raise NotADemoFolder(f"{wanted} holds something that is not a demonstration: name another folder")
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(parents=True)
    (wanted / MARK).touch()
    yield wanted


def refuse_taken_port(port: int) -> None:
    """Raise PortTaken unless the site can be opened at this port of 127.0.0.1."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(f"port {port} of 127.0.0.1 is taken: name another one") from error


def settings_for(place: Path, *, seed: int, port: int) -> Settings:
    """Settings of a demonstration that answers at this port."""
    return replace(demo_settings(place, seed=seed), base_url=f"http://127.0.0.1:{port}")


def site(settings: Settings, database: Database) -> Flask:
    """The app with the start page's sign-in links and the tour."""
    app = create_app(settings, database=database, **readers_doors(settings))
    app.extensions["demo"] = {"accounts": ACCOUNTS, "tour": TOUR}
    return app


def serve(settings: Settings, *, port: int) -> None:
    """Answer on 127.0.0.1 until interrupted, with the background worker beside it."""
    database = open_database(settings)
    try:
        server = serving.listen(site(settings, database), host="127.0.0.1", port=port)
        serving.serve(server, worker=worker_of(database, settings))
    finally:
        database.close()


def now_utc() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC).replace(microsecond=0)


def print_report(report: Report, out: Console, /) -> None:
    """The figures of what was played, as a table."""
    found = report.result
    table = Table("", "结果 Result", title="善桥 Shanqiao")
    table.columns[1].justify = "right"
    for words, value in (
        ("需求 needs", found.needs),
        ("资源 resources", found.resources),
        ("建议 proposed", found.proposed),
        ("批准 approved", found.approved),
        ("送达 delivered", found.delivered),
        ("家庭确认 confirmed", found.confirmed),
        ("通知 notices", found.notices),
        ("暂未得到 still at zero", found.unserved),
        ("审计记录 audit rows", found.audit_rows),
    ):
        table.add_row(words, f"{value:,}")
    table.add_row("证明 certificate", found.status)
    table.add_row("证明差距 certificate gap", f"{found.gap:.2g}" if found.gap else "0")
    table.add_row("方案 plan", found.plan_sha256[:16])
    out.print(table)
    spent = "  ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    out.print(f"秒 seconds: {spent}  合计 total {sum(report.seconds.values()):.1f}")
    out.print(f"内存峰值 peak memory: {report.peak_mb:,} MB")
