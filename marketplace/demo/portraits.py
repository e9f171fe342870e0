"""Needs of the demonstration that were pushed to departments: one waits, one is taken, one came back, one is done.

Enters: the database and its roster after the watch has raised alerts. Leaves: four tasks in their four states, two of
them with the rest as a need of the market. Called by `demo.story`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.households.models import Household
from marketplace.portraits import pushing
from marketplace.portraits.pushing import Asked
from marketplace.signals.models import Alert, AlertState

_ASKED = (
    Asked("HUD", "dwelling_safety", "HOUSING.REPAIR", 600_000),
    Asked("HRSS", "able_unemployed", "JOB.TRAINING", 1),
    Asked("DPF", "disability_grade", "DISABILITY.AID_DEVICE", 1),
    Asked("EDU", "students_by_stage", "EDU.TERM_SUPPORT", 300_000),
)


def push_to_departments(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Through the room's own doors."""
    clerk = roster.staff["demo-verifier"]
    with database.transaction() as session:
        waiting = select(Alert.household_id).where(col(Alert.state) == AlertState.OPEN)
        known = (
            select(Household.id).where(col(Household.id).in_(waiting)).order_by(col(Household.id)).limit(len(_ASKED))
        )
        homes = session.exec(known).all()
        rows = [
            pushing.push(session, home, asked, actor=clerk, now=now) for home, asked in zip(homes, _ASKED, strict=True)
        ]
        pushing.accept(session, rows[1].id, actor=clerk, now=now)
        pushing.give_back(session, rows[2].id, reason="NO_MEANS", actor=clerk, now=now)
        pushing.accept(session, rows[3].id, actor=clerk, now=now)
        pushing.finish(session, rows[3].id, covered=200_000, actor=clerk, now=now)
