"""Temporary aid that begins with an alert: a real application on the fast path, written where the household is.

Enters: a household with an open alert, or where a visit found that help is needed, and a worker who stands before it.
Leaves: a draft with the one item LINSHI_FAST and what happened; it is read back, signed and sent as any other that
staff take down (`counter`), and the alert's task is then closed as applied for. Whoever signs decides; the worker only
writes. An application that the household began by itself is never sent by somebody else. Called by this room's pages
and by `counter`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.cases import service
from marketplace.cases.models import Case
from marketplace.errors import NotFound, WrongState
from marketplace.households.service import get_household
from marketplace.policy import require
from marketplace.signals import answering
from marketplace.signals.models import TaskKind
from marketplace.visits import service as visits

CHANNEL, ITEM = "alert", "LINSHI"
CAUSES = ("illness", "accident", "living")
"""What happened; `living` is any other sudden hardship, such as a death or a lost job: no table gives an amount for it,
and whoever signs decides up to the cap of the fast path."""


def begin(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> Case:
    """One tap on an alert, or on a visit that found help needed, whose alerts may be answered by then: a draft on the
    fast path, and the task that says so."""
    if answering.open_task(session, household_id, TaskKind.TEMPORARY_AID) is None:
        found = visits.help_is_needed(session, household_id, now=now)
        answering.start_task(session, household_id, TaskKind.TEMPORARY_AID, found=found, actor=actor, now=now)
    case = service.start(session, household_id, channel=CHANNEL, wanted=ITEM, actor=actor, now=now)
    return _of_alert(case)


def draft_of(session: Session, household_id: str, /, *, actor: Actor) -> Case:
    """The draft that lies there for this household."""
    home = get_household(session, household_id)
    require(actor, "case:from_alert", district=home.district_code)
    person = service.first_of(session, home.id)
    found = service.find_draft(session, home.id, person.id) if person else None
    if found is None:
        raise NotFound("case")
    return _of_alert(found)


def _of_alert(case: Case) -> Case:
    if case.channel != CHANNEL:
        raise WrongState("own_draft")
    return case


def tell(session: Session, case: Case, cause: str, /, *, medical_fen: int, actor: Actor, now: datetime) -> Case:
    """The household has said what happened and what it paid itself."""
    answers = {"wants": [cause], "ticks": ["sudden"], "medical_fen": medical_fen}
    return service.save(session, case, answers, actor=actor, now=now)


def answer_alert(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The application is sent: the task that began with it is done."""
    task = answering.open_task(session, household_id, TaskKind.TEMPORARY_AID)
    if task is not None:
        answering.finish_task(session, task.id, result="APPLIED", actor=actor, now=now)
