"""The helpers of somebody who died or was erased: nobody acts for that person any more.

Enters: a person. Leaves: every power for it over, with every session under one. No letter tells of it: the household
hears of the death, or of the erasure, itself. Called by `rights`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.db import lock_rows
from marketplace.proxies import service
from marketplace.proxies.models import HelpPower, PowerState


def hold(session: Session, /, *person_ids: str) -> None:
    """Lock what stands for these people, before the first act (adr/0066)."""
    lock_rows(session, HelpPower, col(HelpPower.subject_id).in_(person_ids), col(HelpPower.state) != PowerState.ENDED)


def end_of_subject(session: Session, person_id: str, /, *, reason: str, actor: Actor, now: datetime) -> None:
    """End what stands for this person, locked before the first act."""
    asked = select(HelpPower).where(HelpPower.subject_id == person_id, HelpPower.state != PowerState.ENDED)
    for power in session.exec(asked.order_by(col(HelpPower.id)).with_for_update()).all():
        service.end(session, power, reason=reason, action="power:stop", actor=actor, now=now)
