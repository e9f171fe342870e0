"""What the list of visits shows: one page of what is to be done, the most urgent and nearest first.

Enters: a member of staff and filters. Leaves: visits within its districts with masked names, and how many there are.
Called by the views and by the staff's home.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace.accounts.service import names_of
from marketplace.actors import Actor
from marketplace.households.service import masked_names
from marketplace.reference.districts import street_name
from marketplace.signals import homes
from marketplace.signals.models_homes import UNKNOWN, KeptScore
from marketplace.visits.models import WAITING, HomeVisit, VisitState

WHOSE = ("all", "mine", "free", "done")


@dataclass(frozen=True, slots=True)
class Row:
    """One visit with its household's masked name, its street's name and who goes."""

    visit: HomeVisit
    name: str
    street: str
    worker: str
    score: KeptScore | None


def count(session: Session, /, *, actor: Actor, whose: str = "all", street: str = "", worker: str = "") -> int:
    """How many there are."""
    asked = select(func.count()).select_from(HomeVisit).where(*_wanted(actor, whose, street, worker))
    return int(session.exec(asked).one())


def page_of(
    session: Session,
    /,
    *,
    actor: Actor,
    whose: str,
    street: str,
    worker: str = "",
    by_score: bool = False,
    on: date,
    offset: int,
    limit: int,
) -> list[Row]:
    """One page, by urgency and place, or by need score first."""
    asked = select(HomeVisit).where(*_wanted(actor, whose, street, worker))
    order: tuple[Any, ...] = (col(HomeVisit.done_at).desc(),) if whose == "done" else ()
    if by_score:
        asked = asked.outerjoin(KeptScore, col(KeptScore.household_id) == col(HomeVisit.household_id))
        order = (func.coalesce(col(KeptScore.points), UNKNOWN).desc(),)
    order += (col(HomeVisit.urgency), col(HomeVisit.district_code), col(HomeVisit.street_code), col(HomeVisit.due_on))
    found = session.exec(asked.order_by(*order, col(HomeVisit.id)).offset(offset).limit(limit)).all()
    return rows_of(session, list(found), on=on)


def rows_of(session: Session, visits: list[HomeVisit], /, *, on: date) -> list[Row]:
    """Visits as the pages show them, in the order given."""
    seen = [one.household_id for one in visits]
    names, scores = masked_names(session, seen), homes.scores(session, seen)
    workers = names_of(session, {one.worker_id for one in visits if one.worker_id})
    return [
        Row(
            one,
            names[one.household_id],
            street_name(one.street_code, on=on),
            workers.get(one.worker_id or "", ""),
            scores.get(one.household_id),
        )
        for one in visits
    ]


def streets(session: Session, /, *, actor: Actor) -> list[tuple[str, int]]:
    """The streets with something to do, and how much."""
    asked = select(HomeVisit.street_code, func.count()).where(*_wanted(actor, "all", ""), HomeVisit.street_code != "")
    rows = session.exec(asked.group_by(HomeVisit.street_code).order_by(HomeVisit.street_code))
    return [(code, int(number)) for code, number in rows]


def workers(session: Session, /, *, actor: Actor) -> list[tuple[str, str, int]]:
    """Who has something to do: account, name, how much."""
    goes = col(HomeVisit.worker_id)
    asked = select(goes, func.count()).where(*_wanted(actor, "all", ""), goes.is_not(None)).group_by(goes)
    rows = {str(worker): int(number) for worker, number in session.exec(asked)}
    return sorted(
        ((one, name, rows[one]) for one, name in names_of(session, set(rows)).items()), key=lambda row: row[1:]
    )


def of_household(session: Session, household_id: str, /) -> list[HomeVisit]:
    """All visits and calls of a household, those to be done first."""
    asked = select(HomeVisit).where(HomeVisit.household_id == household_id)
    found = session.exec(asked.order_by(col(HomeVisit.asked_at).desc(), col(HomeVisit.id))).all()
    return sorted(found, key=lambda one: one.state not in WAITING)


def open_of(session: Session, visit: HomeVisit, /) -> HomeVisit | None:
    """What waits at the household of a visit that is over: the same kind first, then the most urgent."""
    every = of_household(session, visit.household_id)
    waiting = [one for one in every if one.state in WAITING and one.district_code == visit.district_code]
    return min(waiting, key=lambda one: (one.kind != visit.kind, one.urgency, one.id), default=None)


def _wanted(actor: Actor, whose: str, street: str, worker: str = "") -> list[Any]:
    if whose == "done":
        wanted: list[Any] = [col(HomeVisit.state) == VisitState.DONE]
    else:
        wanted = [col(HomeVisit.state).in_(WAITING)]
    if actor.districts:
        wanted.append(col(HomeVisit.district_code).in_(sorted(actor.districts)))
    if whose == "mine":
        wanted.append(col(HomeVisit.worker_id) == actor.id)
    if whose == "free":
        wanted.append(col(HomeVisit.worker_id).is_(None))
    if street:
        wanted.append(col(HomeVisit.street_code) == street)
    if worker:
        wanted.append(col(HomeVisit.worker_id) == worker)
    return wanted
