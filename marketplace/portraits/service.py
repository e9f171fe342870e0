"""A household's portrait: every indicator with its evidence and age, the need score, what was pushed, what is said.

Enters: a household and a member of staff of its district, with a purpose. Leaves: a `Portrait`; the look is written
down first. A portrait is for staff: no act of a recipient, a household or an auditor opens it. Called by the views.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.errors import BadInput
from marketplace.households.categories import months_later
from marketplace.households.models import Household
from marketplace.households.service import require_household
from marketplace.portraits.models import Push
from marketplace.portraits.scoring import Score, score_of
from marketplace.reference.words import list_codes
from marketplace.signals import declaring
from marketplace.signals.reading import COST, Reading, Scene, readings, scene_of
from marketplace.visits.findings import answers

PURPOSES = "portrait_purpose"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the eight, with its readings; `known` of them were told, `fresh` of them lately enough."""

    code: str
    readings: tuple[Reading, ...]

    @property
    def known(self) -> int:
        """How many of the readings anybody told."""
        return sum(one.value is not None for one in self.readings)

    @property
    def fresh(self) -> int:
        """How many of the readings are not too old."""
        return sum(one.fresh for one in self.readings)


@dataclass(frozen=True, slots=True)
class Portrait:
    """Everything on the page. `size` is how many live there, `costs` the own medical cost of each of the last twelve
    months, the oldest first; `found` what the last visit found of an indicator, and its day."""

    home: Household
    size: int
    dimensions: tuple[Dimension, ...]
    score: Score
    costs: tuple[tuple[date, int], ...]
    said: tuple[declaring.Line, ...]
    found: Mapping[str, tuple[str, date]]
    pushes: tuple[Push, ...]


def write_look(session: Session, household_id: str, /, *, rule: str, purpose: str, actor: Actor, now: datetime) -> None:
    """Write down who looks, what for; before anything is shown."""
    if purpose not in list_codes(PURPOSES):
        raise BadInput("purpose_missing", field="purpose")
    home = require_household(session, household_id, rule, actor=actor)
    entry = audit.Entry(rule, subject=home.id, purpose=purpose, decision="permit")
    audit.record(session, entry, actor=actor, now=now)


def portrait_of(session: Session, household_id: str, /, *, actor: Actor, today: date) -> Portrait:
    """The portrait; the caller has written the look."""
    home = require_household(session, household_id, "portrait:view", actor=actor)
    scene = scene_of(session, home, today=today)
    read = readings(scene)
    codes = dict.fromkeys(one.indicator.dimension for one in read)
    return Portrait(
        home,
        scene.size,
        tuple(Dimension(code, tuple(one for one in read if one.indicator.dimension == code)) for code in codes),
        score_of(scene),
        _costs(scene),
        tuple(declaring.compare(session, household_id)),
        answers(session, household_id),
        tuple(pushes_of(session, household_id)),
    )


def _costs(scene: Scene) -> tuple[tuple[date, int], ...]:
    months = [months_later(scene.today.replace(day=1), back) for back in range(-11, 1)]
    spent = dict.fromkeys(months, 0)
    for fact in scene.of(COST):
        month = date.fromordinal(fact.day).replace(day=1)
        if month in spent:
            spent[month] += fact.amount
    return tuple(spent.items())


def pushes_of(session: Session, household_id: str, /) -> list[Push]:
    """What was pushed for a household, the newest first."""
    asked = select(Push).where(col(Push.household_id) == household_id)
    return list(session.exec(asked.order_by(col(Push.asked_at).desc(), col(Push.id))))
