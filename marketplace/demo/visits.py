"""Visits of the demonstration: on lists and in a round, written by one and by two, differing, done, handed over.

Enters: the database after its alerts. Leaves: each state of a visit, a photo, two people's words side by side, an
application begun from an alert. Called by `demo.aside`.
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

from PIL import Image
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import quick
from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.signals.lists import list_homes
from marketplace.signals.models import TaskKind, WatchTask
from marketplace.visits import entries, photos, quota, rounds, service, workers
from marketplace.visits.models import WAITING, HomeVisit

MOST_QUOTA = 12


def go(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Fill the room of visits through its own doors."""
    worker, clerk = roster.staff["demo-worker"], roster.staff["demo-verifier"]
    with database.transaction() as session:
        for home in quota.due_homes(session, on=local_day(now))[:MOST_QUOTA]:
            visit = service.ask(session, home, "QUOTA", ref=f"quota:{home}", actor=clerk, now=now)
            service.take(session, visit.id, actor=worker, now=now)
        homes = _alarmed(session, clerk, now=now)
        for home in homes[:3]:
            service.from_alert(session, home, TaskKind.VISIT, actor=worker, now=now)
        quick.begin(session, homes[3], actor=worker, now=now)
        _write(session, worker, clerk, now=now)
        rounds.plan_day(session, actor=worker, now=now)


def _alarmed(session: Session, clerk: Actor, *, now: datetime) -> list[str]:
    """Households with open alerts for which nothing was begun."""
    begun = set(session.exec(select(WatchTask.household_id)))
    rows = list_homes(session, actor=clerk, on=local_day(now), offset=0, limit=50)
    return [row.household_id for row in rows if row.household_id not in begun]


def _write(session: Session, worker: Actor, clerk: Actor, *, now: datetime) -> None:
    """One visit done with findings and a photo, one with two people's words, one that waits for a signature."""
    mine = select(HomeVisit).where(HomeVisit.worker_id == worker.id, col(HomeVisit.state).in_(WAITING))
    done, differs, handed = session.exec(mine.order_by(col(HomeVisit.urgency), col(HomeVisit.id)).limit(3)).all()
    _say(session, done, worker, outcome="REACHED_NEEDS_HELP", own_cost_12m="agrees", lives_alone="differs", now=now)
    photos.add(session, done.id, _picture(), actor=worker, now=now)
    entries.complete(session, done.id, actor=worker, now=now)
    _say(session, differs, clerk, outcome="REACHED_FINE", now=now)
    _say(session, differs, worker, outcome="REACHED_NEEDS_HELP", now=now)
    photos.add(session, differs.id, _picture(), actor=worker, now=now)
    reason = {"district": handed.district_code, "reason": "AREA"}
    workers.hand_over(session, handed.household_id, clerk.id, **reason, actor=worker, now=now)
    home = select(HomeVisit).where(HomeVisit.cause == "CASE", col(HomeVisit.state).in_(WAITING))
    by_two = session.exec(home.order_by(col(HomeVisit.id))).first()
    if by_two is not None:
        _say(session, by_two, worker, outcome="REACHED_FINE", now=now)
        entries.complete(session, by_two.id, actor=worker, now=now)


def _say(session: Session, visit: HomeVisit, actor: Actor, *, now: datetime, **words: str) -> None:
    changes = {name: entries.Change(value, now) for name, value in words.items()}
    entries.write(session, visit.id, changes, base=0, actor=actor, now=now)


def _picture() -> bytes:
    """A plain grey picture: the demonstration shows no home."""
    shot = BytesIO()
    Image.new("RGB", (320, 240), "#b9c4c0").save(shot, "JPEG")
    return shot.getvalue()
