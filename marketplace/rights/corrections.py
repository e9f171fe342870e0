"""A correction: the fact itself, the matches behind it, and the department that delivered it wrongly.

Enters: a request to correct, and a member of staff who has seen proof. Leaves: the fact in its new form, every match
built on the old one listed and brought back to a person, the household answered. A fact of a register is disputed at
its source with a clock of its own, so that the next delivery does not bring the mistake back.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.consent.ask import lock_all
from marketplace.credentials import ending
from marketplace.db import flush, new_id
from marketplace.errors import NotFound, WrongState
from marketplace.households import facts
from marketplace.households.models import Household, Person
from marketplace.households.register import REFERRAL
from marketplace.policy import require
from marketplace.rights import reviews, service
from marketplace.rights.models import DisputeState, MatchReview, RequestState, RightKind, RightRequest, SourceDispute

STEP = "source_dispute"


def correct(session: Session, request_id: str, /, *, text: str, actor: Actor, now: datetime) -> list[MatchReview]:
    """Put the asked value in place; return every match that stood on the old one."""
    request = service.open_request(session, request_id, "right:answer", actor=actor)
    if request.kind is not RightKind.CORRECT:
        raise WrongState("not_a_correction")
    person = session.get_one(Person, request.person_id)
    value = service.read(session, request, "new_value")
    lock_all(session, person.household_id)
    facts.correct(session, person, request.field, value, actor=actor, now=now)
    ending.end_of_fact(session, person, request.field, actor=actor, now=now)
    found = reviews.bring_back(
        session,
        request.household_id,
        field=request.field,
        cause="correction",
        cause_ref=request.id,
        actor=actor,
        now=now,
    )
    if find_dispute(session, request.id) is None and source_of(session, request) != REFERRAL:
        dispute(session, request.id, actor=actor, now=now)
    service.close(session, request, text=text, actor=actor, now=now)
    return found


def source_of(session: Session, request: RightRequest, /) -> str:
    """Which register delivered the household's facts."""
    return session.get_one(Household, request.household_id).source


def dispute(session: Session, request_id: str, /, *, actor: Actor, now: datetime) -> SourceDispute:
    """Ask the source of the fact; its clock runs beside that of the request, which is answered in any case."""
    request = session.get(RightRequest, request_id)
    require(actor, "right:answer", district=request.district_code if request is not None else None)
    if request is None or request.kind is not RightKind.CORRECT:
        raise NotFound("right_request")
    if find_dispute(session, request_id) is not None:
        raise WrongState("disputed_already")
    row = SourceDispute(
        id=new_id(),
        request_id=request.id,
        source=source_of(session, request),
        field=request.field,
        opened_by=actor.id,
        opened_at=now,
        due_at=now,
    )
    clock = clocks.start(session, STEP, row.id, holder=Holder(district_code=request.district_code), now=now)
    row.due_at = clock.due_at
    return _record(session, row, request, "dispute:open", actor=actor, now=now)


def settle(session: Session, dispute_id: str, /, *, corrected: bool, actor: Actor, now: datetime) -> SourceDispute:
    """What the source said. If it upholds its fact while a request still waits, that one is answered by a person."""
    row = get_dispute(session, dispute_id, actor=actor)
    if row.state is not DisputeState.OPEN:
        raise WrongState("dispute_settled", state=row.state.value)
    row.state, row.answered_at = DisputeState.CORRECTED if corrected else DisputeState.UPHELD, now
    clocks.move_on(session, row.id, outcome=row.state.value, now=now)
    request = session.get_one(RightRequest, row.request_id)
    return _record(session, row, request, f"dispute:{row.state.value}", actor=actor, now=now)


def get_dispute(session: Session, dispute_id: str, /, *, actor: Actor) -> SourceDispute:
    """The dispute, if its district is the actor's."""
    row = session.get(SourceDispute, dispute_id)
    request = session.get(RightRequest, row.request_id) if row is not None else None
    require(actor, "right:answer", district=request.district_code if request is not None else None)
    if row is None:
        raise NotFound("source_dispute")
    return row


def find_dispute(session: Session, request_id: str, /) -> SourceDispute | None:
    """The open dispute behind a request."""
    asked = select(SourceDispute).where(
        SourceDispute.request_id == request_id, SourceDispute.state == DisputeState.OPEN
    )
    return session.exec(asked).one_or_none()


def is_open(request: RightRequest, /) -> bool:
    """Whether it still waits for staff."""
    return request.state in (RequestState.OPEN, RequestState.SECOND)


def _record(
    session: Session, row: SourceDispute, request: RightRequest, action: str, *, actor: Actor, now: datetime
) -> SourceDispute:
    session.add(row)
    flush(session)
    entry = audit.Entry(
        action, object_ref=row.id, subject=request.household_id, rule_id=row.source, fields=(row.field,)
    )
    audit.record(session, entry, actor=actor, now=now)
    return row
