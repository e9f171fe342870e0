"""What an application says of the household's means, to be compared with what departments tell of them.

Enters: an application that was sent. Leaves: the household's own word by kind: its income of a year, its savings, what
it paid itself for treatment and for school. What was left empty was not said. Called by `service` and by the page of
an item.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases.models import Case
from marketplace.policy import may
from marketplace.signals.declaring import Line, compare, declare
from marketplace.signals.models import LARGEST

MONTHS = 12


def tell(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> None:
    """Keep what the household said when it applied; its newest word counts. A number that nobody has is no word."""
    for kind, amount in _said(case.answers).items():
        if amount < LARGEST:
            declare(session, case.household_id, kind, amount=amount, on=local_day(now), actor=actor, now=now)


def compared(session: Session, household_id: str, /, *, actor: Actor) -> list[Line]:
    """Its word beside what departments tell, for whoever may see alerts."""
    return compare(session, household_id) if may(actor, "alert:list").allow else []


def _said(answers: Mapping[str, Any]) -> dict[str, int]:
    """Kind of fact ► fen, as departments tell it: income and spending of a year."""
    told = {name: int(value) for name, value in answers.items() if name.endswith("_fen") and value is not None}
    found: dict[str, int] = {}
    if "income_fen" in told:
        found["INCOME"] = MONTHS * told["income_fen"]
    if "savings_fen" in told:
        found["MONEY"] = told["savings_fen"]
    if "medical_fen" in told:
        found["MEDICAL_SPENDING"] = told["medical_fen"]
    if "medical_fen" in told and "schooling_fen" in told:
        found["NECESSARY_SPENDING"] = told["medical_fen"] + told["schooling_fen"]
    return found
