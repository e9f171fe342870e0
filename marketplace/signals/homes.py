"""Which households have open alerts, kept in the order in which the lists show them.

Enters: households whose open alerts have changed. Leaves: their rows of `AlertHome`, worked out anew from the alerts in
the same transaction, so that the two never differ. Called by whoever raises, closes, puts off, wakes or moves alerts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, insert, union_all, update
from sqlalchemy import literal as said
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, func, select

from marketplace.db import chunks, flush
from marketplace.households.models import Household
from marketplace.signals.models import Alert
from marketplace.signals.models_homes import ANY, UNKNOWN, AlertHome, KeptScore

_AT_ONCE = 500
UNSEEN = {"synchronize_session": False}
OPEN = (col(Alert.outcome) == "", col(Alert.snoozed_until).is_(None))
"""Neither closed nor asleep, said without the state: an index begins with it, and would be read from end to end."""
COLUMNS = ("household_id", "under", "rank", "district_code", "street_code", "alerts", "since", "score")


def renew(session: Session, homes: Iterable[str | None], /) -> None:
    """The rows of these households, after any of their alerts has changed. Whoever changes alerts of one household at
    the same moment waits here, and then counts what both have written."""
    flush(session)
    for some in chunks(sorted({home for home in homes if home is not None}), _AT_ONCE):
        held = rows_of(col(Household.id)).where(col(Household.id).in_(some)).order_by(col(Household.id))
        session.execute(held.with_for_update(key_share=True)).all()
        session.execute(delete(AlertHome).where(col(AlertHome.household_id).in_(some)), execution_options=UNSEEN)
        both = union_all(_listed(some, said(ANY)), _listed(some, col(Alert.rank), col(Alert.rank)))
        session.execute(insert(AlertHome).from_select(COLUMNS, both))


def order(session: Session, homes: Collection[str], /) -> None:
    """The scores of these households were worked out: their rows stand in that order."""
    points = rows_of(col(KeptScore.points)).where(col(KeptScore.household_id) == col(AlertHome.household_id))
    rows = update(AlertHome).where(col(AlertHome.household_id).in_(homes))
    session.execute(rows.values(score=func.coalesce(points.scalar_subquery(), UNKNOWN)), execution_options=UNSEEN)


def scores(session: Session, homes: Collection[str], /) -> dict[str, KeptScore]:
    """Household ► its score as it was last worked out; without those that nobody has worked out."""
    found = session.exec(select(KeptScore).where(col(KeptScore.household_id).in_(homes)))
    return {row.household_id: row for row in found}


def _listed(homes: Sequence[str], under: Any, *by: Any) -> Any:
    """What the open alerts of some households say, for each household, or for each and its colour."""
    points = rows_of(col(KeptScore.points)).where(col(KeptScore.household_id) == col(Alert.household_id))
    told = (func.min(Alert.rank), func.max(Alert.district_code), func.max(Alert.street_code))
    counted = (func.count(), func.min(Alert.raised_at), func.coalesce(points.scalar_subquery(), UNKNOWN))
    asked = rows_of(col(Alert.household_id), under, *told, *counted)
    asked = asked.where(col(Alert.household_id).in_(homes), *OPEN)
    return asked.group_by(col(Alert.household_id), *by)
