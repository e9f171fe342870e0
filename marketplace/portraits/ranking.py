"""The need scores of households that somebody is to call or see, kept so that their lists can be put in that order.

Enters: households with open alerts or visits to make, and the day. Leaves: for each its points and the facts that make
most of them, worked out anew every third day (`signals.models_homes.KeptScore`). A score orders attention and decides
nothing: no list hides anybody by it. A sweep of the background worker, in pieces.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.db import Database, flush
from marketplace.households.models import Household
from marketplace.portraits.scoring import Score, score_of
from marketplace.signals import homes
from marketplace.signals.models_homes import ANY, AlertHome, KeptScore
from marketplace.signals.reading import scenes_of
from marketplace.visits.models import WAITING, HomeVisit

AT_ONCE, EVERY, TOLD = 200, timedelta(days=3), 2
"""Households in one piece; how long a score stands; how many facts are told as its reason."""


def look(database: Database, /, *, now: datetime) -> int:
    """Work out the scores of one piece; returns how many."""
    today = local_day(now)
    with database.reading() as session:
        if not _due(session, today):
            return 0
    with database.transaction() as session:
        due = _due(session, today)
        keep(session, due, today=today)
    return len(due)


def keep(session: Session, due: list[str], /, *, today: date) -> None:
    """Write down the scores of these households, and put their rows of the lists in order."""
    found = session.exec(select(Household).where(col(Household.id).in_(due))).all()
    for scene in scenes_of(session, found, today=today):
        score = score_of(scene)
        row = KeptScore(household_id=scene.home.id, points=score.least, facts=_reason(score), kept_on=today)
        session.merge(row)
    flush(session)
    homes.order(session, due)


def _reason(score: Score) -> str:
    """The facts that hold and make most of the points, as codes."""
    return ";".join([line.fact for line in score.lines if line.holds][:TOLD])


def _due(session: Session, today: date) -> list[str]:
    """Households with alerts first, then those with visits alone."""
    alerts = select(AlertHome.household_id).where(col(AlertHome.under) == ANY, ~_kept(AlertHome, today))
    visits = select(HomeVisit.household_id).where(col(HomeVisit.state).in_(WAITING), ~_kept(HomeVisit, today))
    found = session.exec(alerts.limit(AT_ONCE)).all()
    return list(found or session.exec(visits.distinct().limit(AT_ONCE)))


def _kept(table: type[AlertHome] | type[HomeVisit], today: date) -> ColumnElement[bool]:
    return exists().where(
        col(KeptScore.household_id) == col(table.household_id), col(KeptScore.kept_on) > today - EVERY
    )
