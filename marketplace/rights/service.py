"""Ask for a right, and answer: one request, one clock of 15 working days, one letter when it is answered.

Enters: a household, its helper, or staff for near kin after a death; then a member of staff with an answer. Leaves: a
`RightRequest` with its clock; the household is told that there is an answer, never what in. What a kind of request does
besides lies in `corrections`, `erasing` and `households.by_hand`. Called by this room's pages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.consent.capacity import is_own, person_behind, require_own, voices
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households import by_hand
from marketplace.households.facts import CORRECTABLE, check_new
from marketplace.households.models import Household, Person
from marketplace.policy import require
from marketplace.rights.models import Death, RequestState, RightKind, RightRequest
from marketplace.sealed import Sealed, vault_of

STEP = "right_answer"
KIN = "kin"
"""The capacity of those who ask for somebody who has died."""
HELPER = "helper"
"""The capacity of a helper who asks for the person."""
OPEN_STATES = (RequestState.OPEN, RequestState.SECOND)
REFUSALS = ("law_keeps", "not_shown", "others_rights", "not_ours")
"""Why a request may be refused: codes of the words table `right_refusal`."""
BY_ITSELF = ("phone", "id_number")
"""What tells who somebody is and opens its pages: no helper has it corrected."""
WORDY = (RightKind.COMPLAIN, RightKind.MOVE)
"""Kinds that say nothing without words."""


def ask(
    session: Session,
    person: Person,
    kind: RightKind,
    /,
    *,
    words: str = "",
    field: str = "",
    new_value: str = "",
    evidence: str = "",
    actor: Actor,
    now: datetime,
) -> RightRequest:
    """One request; the same one cannot wait twice. Refusing programs takes effect at once, staff only look."""
    home = session.get_one(Household, person.household_id)
    capacity = _capacity(session, person, home, evidence=evidence, actor=actor)
    if capacity == HELPER and kind is RightKind.CORRECT and field in BY_ITSELF:
        raise BadInput("not_by_helper", field="field")
    _check(session, person, kind, words=words, field=field, new_value=new_value)
    request = RightRequest(
        id=new_id(),
        kind=kind,
        household_id=home.id,
        person_id=person.id,
        district_code=home.district_code,
        capacity=capacity,
        evidence=evidence,
        field=field if kind is RightKind.CORRECT else "",
        words=_sealed(session, person.id, "words", words),
        new_value=_sealed(session, person.id, "new_value", new_value if kind is RightKind.CORRECT else ""),
        asked_by=actor.id,
        asked_at=now,
        due_at=now,
    )
    _refuse_second(session, request)
    clock = clocks.start(session, STEP, request.id, holder=Holder(district_code=home.district_code), now=now)
    request.due_at = clock.due_at
    session.add(request)
    record(session, request, "right:ask", actor=actor, now=now)
    if kind is RightKind.BY_HAND:
        by_hand.refuse_programs(session, home.id, actor=actor, now=now)
    return request


def _check(session: Session, person: Person, kind: RightKind, *, words: str, field: str, new_value: str) -> None:
    """BadInput where a kind that takes words has none, or what is to be corrected is not there or is none."""
    if kind in WORDY and not words.strip():
        raise BadInput("bad_input", field="words")
    if kind is RightKind.CORRECT:
        if field not in CORRECTABLE:
            raise BadInput("bad_input", field="field")
        check_new(session, person, field, new_value)


def _capacity(session: Session, person: Person, home: Household, *, evidence: str, actor: Actor) -> str:
    """The household itself, its helper, or staff at the counter for kin of somebody whose death is on record."""
    if actor.role in (Role.HOUSEHOLD, Role.HELPER):
        require(actor, "right:ask", household_id=home.id)
        return "self" if actor.role is Role.HOUSEHOLD else HELPER
    require(actor, "right:kin", district=home.district_code)
    if session.get(Death, person.id) is None:
        raise WrongState("no_death_on_record")
    if not evidence.strip():
        raise BadInput("bad_input", field="evidence")
    return KIN


def _refuse_second(session: Session, request: RightRequest) -> None:
    waiting = select(RightRequest.id).where(
        RightRequest.person_id == request.person_id,
        RightRequest.kind == request.kind,
        RightRequest.field == request.field,
        col(RightRequest.state).in_(OPEN_STATES),
    )
    if session.exec(waiting).first() is not None:
        raise Conflict("right_asked_already")


def answer(
    session: Session,
    request_id: str,
    /,
    *,
    text: str,
    refused: str = "",
    actor: Actor,
    now: datetime,
    action: str = "right:answer",
) -> RightRequest:
    """Answer an open request in words; with `refused` the answer is no, for a reason from the list."""
    request = open_request(session, request_id, action, actor=actor)
    if not text.strip():
        raise BadInput("bad_input", field="text")
    if refused and refused not in REFUSALS:
        raise BadInput("reason_missing", field="refused")
    if not refused and request.kind in (RightKind.CORRECT, RightKind.ERASE) and action == "right:answer":
        raise WrongState("right_needs_act", kind=request.kind.value)
    return close(session, request, text=text, refused=refused, actor=actor, now=now)


def close(
    session: Session, request: RightRequest, /, *, text: str, refused: str = "", actor: Actor, now: datetime
) -> RightRequest:
    """End the request, its clock, and tell who asked that there is an answer: nobody else of its household learns that
    it has asked."""
    request.state = RequestState.REFUSED if refused else RequestState.DONE
    request.reason_code, request.answered_at = refused, now
    request.answered_by = request.answered_by or actor.id
    request.answer = _sealed(session, request.person_id, "answer", text)
    session.add(request)
    clocks.move_on(session, request.id, outcome=request.state.value, now=now)
    record(session, request, f"right:{request.state.value}", actor=actor, now=now)
    told: dict[str, Any] = {"household_id": request.household_id, "now": now}
    about = {} if request.capacity == KIN else {"about": request.person_id}
    notices.post(session, "right_answered", key=f"right:{request.id}", params=about, **told)
    return request


def take_back(session: Session, request_id: str, /, *, actor: Actor, now: datetime) -> RightRequest:
    """The household does not want it any longer; a household that people match may be matched by runs again."""
    request = session.get(RightRequest, request_id, with_for_update=True, populate_existing=True)
    require(actor, "right:ask", household_id=request.household_id if request is not None else None)
    if request is None:
        raise NotFound("right_request")
    _require_own(session, request, actor=actor, now=now)
    if request.state not in OPEN_STATES:
        raise WrongState("right_answered", state=request.state.value)
    return _take_back(session, request, actor=actor, now=now)


def _take_back(session: Session, request: RightRequest, *, actor: Actor, now: datetime) -> RightRequest:
    request.state, request.answered_at = RequestState.TAKEN_BACK, now
    session.add(request)
    clocks.move_on(session, request.id, outcome="taken_back", now=now)
    record(session, request, "right:taken_back", actor=actor, now=now)
    return request


def end_of_kin(session: Session, person_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The death was none: what near kin asked for about this person, and nobody has answered, ends."""
    asked = select(RightRequest).where(RightRequest.person_id == person_id, RightRequest.capacity == KIN)
    waiting = asked.where(col(RightRequest.state).in_(OPEN_STATES)).order_by(col(RightRequest.id))
    for request in session.exec(waiting.with_for_update()).all():
        _take_back(session, request, actor=actor, now=now)


def allow_programs(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Let programs propose again; where a person of the household said no to them, only this one takes it back."""
    require(actor, "right:ask", household_id=household_id)
    asked = by_hand.asked_by(session, household_id)
    person = person_behind(session, asked) if asked else None
    require_own(session, person.id if person is not None else None, actor=actor, now=now)
    by_hand.allow_programs(session, household_id, actor=actor, now=now)


def open_request(session: Session, request_id: str, action: str, /, *, actor: Actor) -> RightRequest:
    """The request, locked, if it waits and its district is the actor's."""
    request = session.get(RightRequest, request_id, with_for_update=True, populate_existing=True)
    require(actor, action, district=request.district_code if request is not None else None)
    if request is None:
        raise NotFound("right_request")
    if request.state not in OPEN_STATES:
        raise WrongState("right_answered", state=request.state.value)
    return request


def get_request(session: Session, request_id: str, /, *, actor: Actor, now: datetime) -> RightRequest:
    """The request for whoever may read it; a foreign one looks like a missing one, another adult's is refused."""
    request = session.get(RightRequest, request_id)
    own = actor.role in (Role.HOUSEHOLD, Role.HELPER)
    home, district = (request.household_id, request.district_code) if request is not None else (None, None)
    require(actor, "right:view" if own else "right:task", household_id=home, district=district)
    if request is None:
        raise NotFound("right_request")
    _require_own(session, request, actor=actor, now=now)
    return request


def _require_own(session: Session, request: RightRequest, *, actor: Actor, now: datetime) -> None:
    if not _is_theirs(request, voices(session, actor=actor, now=now), actor=actor):
        raise WrongState("own_data_only")


def _is_theirs(request: RightRequest, heard: frozenset[str] | None, *, actor: Actor) -> bool:
    """What kin asked for somebody who has died is the household's; all else is of the one person. A helper has what it
    asked itself, and nothing of what the person says without it: that may be about the helper."""
    if actor.role is Role.HELPER and request.asked_by != actor.id:
        return False
    return request.capacity == KIN or is_own(request.person_id, heard)


def own_requests(
    session: Session, household_id: str, kind: RightKind | None = None, /, *, actor: Actor, now: datetime
) -> list[RightRequest]:
    """Of the household's requests those of the one who reads, the newest first: never another adult's words, and for
    a helper only its own."""
    heard = voices(session, actor=actor, now=now)
    return [one for one in of_household(session, household_id, kind) if _is_theirs(one, heard, actor=actor)]


def of_household(session: Session, household_id: str, kind: RightKind | None = None, /) -> list[RightRequest]:
    """Its requests, the newest first."""
    asked = select(RightRequest).where(RightRequest.household_id == household_id)
    if kind is not None:
        asked = asked.where(RightRequest.kind == kind)
    return list(session.exec(asked.order_by(col(RightRequest.asked_at).desc(), col(RightRequest.id))))


def waiting(session: Session, /, *, actor: Actor) -> list[RightRequest]:
    """Requests that wait for staff within the actor's districts, the first to be late first."""
    asked = select(RightRequest).where(col(RightRequest.state).in_(OPEN_STATES))
    if actor.districts:
        asked = asked.where(col(RightRequest.district_code).in_(sorted(actor.districts)))
    return list(session.exec(asked.order_by(col(RightRequest.due_at), col(RightRequest.id)).limit(500)))


def read(session: Session, request: RightRequest, column: str, /) -> str:
    """The words, new value or answer in plain text; empty where there are none or the person was erased."""
    sealed: Sealed | None = getattr(request, column)
    return vault_of(session).open_if_kept(session, request.person_id, column=f"right_request.{column}", sealed=sealed)


def _sealed(session: Session, person_id: str, column: str, text: str) -> Sealed | None:
    clean = text.strip()
    if not clean:
        return None
    return vault_of(session).seal(session, person_id, column=f"right_request.{column}", text=clean)


def record_look(session: Session, request: RightRequest, /, *, actor: Actor, now: datetime) -> None:
    """Staff open a request: a look at the one person who asked."""
    subject = request.household_id if request.capacity == KIN else request.person_id
    entry = audit.Entry(
        "right:look", object_ref=request.id, subject=subject, purpose=request.kind.value, decision="permit"
    )
    audit.record(session, entry, actor=actor, now=now)


def record(session: Session, request: RightRequest, action: str, /, *, actor: Actor, now: datetime) -> None:
    """One audit row about a request; it names the kind, never the words."""
    flush(session)
    entry = audit.Entry(
        action,
        object_ref=request.id,
        subject=request.household_id,
        purpose=request.kind.value,
        rule_id=request.reason_code,
        fields=(request.field,) if request.field else (),
    )
    audit.record(session, entry, actor=actor, now=now)
