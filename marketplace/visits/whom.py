"""Whom a call or a visit reaches, and by what: the telephone or the address, opened for one look.

Enters: a visit or call that is still to be made, and staff of its district. Leaves: which of both is on record and may
be used, and one of them in plain text with its row in the log, which the household sees. Called by the visit's pages.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Person
from marketplace.households.reaching import closed_fields
from marketplace.households.service import list_people, reachable, reveal
from marketplace.signals.models import TaskKind
from marketplace.visits import service
from marketplace.visits.models import WAITING, HomeVisit

PHONE, ADDRESS = "phone", "address"


def ways(session: Session, visit: HomeVisit, /) -> list[str]:
    """What can be opened for it: a call needs the telephone, or the address where there is none to use; a
    visit the address, and perhaps a call before it."""
    if visit.state not in WAITING:
        return []
    call = visit.kind is TaskKind.CALL
    found = [
        one for one in ((PHONE, ADDRESS) if call else (ADDRESS, PHONE)) if _person(session, visit, one) is not None
    ]
    return found[:1] if call else found


def look(session: Session, visit_id: str, field: str, /, *, actor: Actor, now: datetime) -> tuple[HomeVisit, str]:
    """The visit with the telephone or the address, opened once."""
    visit = service.get_visit(session, visit_id, actor=actor, asks="household:reveal")
    if visit.state not in WAITING:
        raise WrongState("visit_over")
    person = _person(session, visit, field) if field in ways(session, visit) else None
    if person is None:
        raise NotFound("person")
    told = {"purpose": "contact", "reason": "CONTACT"}
    return visit, reveal(session, person.id, field=field, actor=actor, now=now, **told)


def _person(session: Session, visit: HomeVisit, field: str) -> Person | None:
    if field == PHONE:
        return reachable(session, visit.household_id)
    here = (one for one in list_people(session, visit.household_id) if one.address is not None)
    return next((one for one in here if ADDRESS not in closed_fields(session, one)), None)
