"""The helpers of somebody who died, was erased or lives in a household no more: nobody acts there for that person.

Enters: a person. Leaves: every power for it over, with every session under one. Where it died or was erased no letter
tells of it: the household hears of the cause itself. Called by `rights`, and by `households.members` when somebody
leaves: a power opens the household in which it was given, not the one to which the person went.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import lock_rows
from marketplace.households.members import WHEN_LEFT
from marketplace.households.models import Person
from marketplace.proxies import service
from marketplace.proxies.models import HelpPower, PowerKind, PowerState


def hold(session: Session, /, *person_ids: str) -> None:
    """Lock what stands for these people, before the first act (adr/0066)."""
    lock_rows(session, HelpPower, col(HelpPower.subject_id).in_(person_ids), col(HelpPower.state) != PowerState.ENDED)


def end_of_subject(session: Session, person_id: str, /, *, reason: str, actor: Actor, now: datetime) -> None:
    """End what stands for this person, locked before the first act."""
    asked = select(HelpPower).where(HelpPower.subject_id == person_id, HelpPower.state != PowerState.ENDED)
    for power in session.exec(asked.order_by(col(HelpPower.id)).with_for_update()).all():
        service.end(session, power, reason=reason, action="power:stop", actor=actor, now=now)


def rest_powers(session: Session, /, *, now: datetime) -> int:
    """After a restore each power in force waits for its second look once more, for it may have been stopped since; one
    for a day is over, and its code if nobody came in by it; how many."""
    asked = select(HelpPower).where(col(HelpPower.state).in_((PowerState.ACTIVE, PowerState.INVITED)))
    powers = session.exec(asked.order_by(col(HelpPower.id)).with_for_update()).all()
    for power in powers:
        if power.kind is PowerKind.ONCE:
            power.ends_at = max(now, power.starts_at + timedelta(seconds=1))
        else:
            power.state, power.checked_by, power.checked_at = PowerState.PENDING, "", None
            clocks.start(session, service.STEP, power.id, holder=Holder(district_code=power.district_code), now=now)
        session.add(power)
        service.record(session, power, "power:rest", actor=SYSTEM, now=now)
    return len(powers)


def end_with_home(session: Session, person: Person, /, *, on: date, actor: Actor, now: datetime) -> None:
    """Whoever lives there no more is helped there no more, whatever the day on which it left."""
    end_of_subject(session, person.id, reason="left", actor=actor, now=now)


WHEN_LEFT.append(end_with_home)
