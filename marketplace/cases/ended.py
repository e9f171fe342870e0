"""Who ended the steps of an item: the account, and for whom where a stand-in acted.

Enters: a step and an actor, or which steps are asked about. Leaves: the step marked, or everybody with a hand in their
end, so that none of them counts as another person later. Called by the rooms of `cases`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, select

from marketplace.actors import Actor
from marketplace.cases.models import CaseStep


def mark_ended(step: CaseStep, /, *, outcome: str, actor: Actor, now: datetime) -> None:
    """The step is over."""
    step.ended_at, step.outcome = now, outcome
    step.ended_by, step.ended_for = actor.id, actor.stood_for


def hands_of(session: Session, /, *which: ColumnElement[bool] | bool) -> set[str]:
    """Who ended these steps, and whom a stand-in acted for."""
    pairs = session.exec(select(CaseStep.ended_by, CaseStep.ended_for).where(*which))
    return {person for pair in pairs for person in pair if person}
