"""Whether somebody is said to have died and nobody has seen the person since: then nothing is granted or paid alone.

Enters: a person. Leaves: yes or no, from what departments and staff told of a death, and from the checks that were made
after it. A record that staff found wrong counts no more. A check that such a record opened is ended by staff only.
Called by this room and by rooms that grant and pay.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.errors import WrongState
from marketplace.liveness.models import WAITING, CheckCause, CheckState, SurvivalCheck, Way
from marketplace.signals.models import Fact
from marketplace.signals.scene import DEATH

BY_STAFF = (Way.VIDEO, Way.HOME, Way.COUNTER)
"""Ways in which a member of staff saw the person."""
LIVES = (CheckState.SEEN, CheckState.DETAINED)
"""How a check ends that shows that the person lives; of a detention staff have the evidence."""


def is_told_dead(session: Session, person_id: str, /) -> bool:
    """Whether a record of the death stands against which nobody of the staff has seen the person, nor
    evidence that it is detained."""
    checks = session.exec(select(SurvivalCheck).where(SurvivalCheck.person_id == person_id)).all()
    seen = [one.done_at for one in checks if one.state in LIVES and one.way in BY_STAFF and one.done_at]
    last = max(seen, default=None)
    if any(one.state in WAITING and one.cause is CheckCause.DEATH for one in checks):
        return True
    found = [one.done_at for one in checks if one.state is CheckState.DIED and one.done_at]
    told = select(Fact.known_day).where(Fact.person_id == person_id, Fact.kind == DEATH)
    told = told.where(col(Fact.replaced_day).is_(None), col(Fact.wrong_by).is_(None))
    days = session.exec(told).all()
    if last is None:
        return bool(found or days)
    return any(day > local_day(last).toordinal() for day in days) or any(at > last for at in found)


def require_scheduled(found: SurvivalCheck, /) -> None:
    """WrongState("seen_by_staff_only") where a record raised the doubt: a telephone or a picture does not end it."""
    if found.cause is not CheckCause.SCHEDULE:
        raise WrongState("seen_by_staff_only")
