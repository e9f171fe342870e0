"""The ten scarcest gifts of a run, as a giver may read them.

Enters: a run's problem and plan, from the background job that stored it. Leaves: at most ten `ScarceGift` rows, and
later the newest run's rows for pages. A class of fewer than ten households is left out; counts are rounded to five;
where a posted resource asks for tags or an urgency, only "ten or more" is said; kinds that point to children are told
for the whole city only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from sqlalchemy import insert
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.offers.demand import CITY_ONLY, rounded
from marketplace.offers.differencing import LEAST
from marketplace.policy import require
from marketplace.proposals.boards import came_to_its_end
from marketplace.proposals.models import Run, ScarceGift
from matching.model import Problem
from matching.plan import Plan
from matching.scarce import Scarce, scarcest

MOST = 10


def add_scarce(database: Database, run_id: str, /, *, problem: Problem, plan: Plan) -> None:
    """Work them out and store them; an infeasible run has no plan to speak of."""
    if plan.certificate.status == "infeasible":
        return
    rows = [_row(run_id, place, one) for place, one in enumerate(tellable(scarcest(problem, plan)), 1)]
    if rows:
        with database.transaction() as session:
            session.execute(insert(ScarceGift), rows)


def tellable(found: Iterable[Scarce], /, *, most: int = MOST) -> list[Scarce]:
    """The first rows that may be told, each kind at most three times, so that ten rows name several kinds."""
    kept: list[Scarce] = []
    for one in _safe(found):
        if sum(other.terms.category == one.terms.category for other in kept) < 3:
            kept.append(one)
        if len(kept) == most:
            break
    return kept


def _safe(found: Iterable[Scarce]) -> Iterator[Scarce]:
    for one in found:
        mapped = one.terms.districts or one.terms.tags_any or one.terms.tags_all or one.terms.tags_none
        if one.households >= LEAST and not (mapped and one.terms.category.startswith(CITY_ONLY)):
            yield one


def _row(run_id: str, place: int, one: Scarce) -> dict[str, object]:
    terms = asdict(one.terms)
    category = terms.pop("category")
    narrow = one.terms.tags_any or one.terms.tags_all or one.terms.tags_none or one.terms.min_urgency
    return {
        "run_id": run_id,
        "place": place,
        "category": category,
        "terms": {name: list(value) if isinstance(value, tuple) else value for name, value in terms.items()},
        "urgency": one.cell[0],
        "level": one.cell[1],
        "households": 0 if narrow else rounded(one.households),
    }


def newest_scarce(session: Session, /, *, actor: Actor, limit: int = MOST) -> tuple[Run | None, list[ScarceGift]]:
    """The scarcest gifts of the last run that ended well; None before the first."""
    require(actor, "gift:view", org_id=actor.org_id)
    run = session.exec(select(Run).where(came_to_its_end()).order_by(col(Run.number).desc()).limit(1)).first()
    if run is None:
        return None, []
    rows = select(ScarceGift).where(col(ScarceGift.run_id) == run.id).order_by(col(ScarceGift.place)).limit(limit)
    return run, list(session.exec(rows))
