"""What a need becomes because of something that happened to its aid: closed, or held until a person has looked at it.

Enters: a need and the reason; the caller has asked the policy for its own act. Leaves: the need in its new state with
its audit row. Called by `decisions` when aid is given back because nobody needs it any more, or reclaimed, by
`payments` when the bank has paid for a match that had ended, and by `portraits` when a department covered some of it.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

from sqlmodel import Session

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import WrongState
from marketplace.needs.models import Need, NeedState

LAPSED = "lapsed"
"""Why a need is closed whose time is over."""
LAPSING = (NeedState.UNVERIFIED, NeedState.VERIFIED)
MONEY_PAID = "paid_after_end"
"""Why a need is held while a person settles money that the bank paid after its match had ended."""
COVERED = "department_covered"
"""Why a need is held of whose kind a department has covered some."""


def no_longer_needed(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Close a verified need: its household has said that it needs nothing any more."""
    _settle(session, need_id, to=NeedState.CLOSED, reason="no_longer_needed", actor=actor, now=now)


def look_again(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Hold a verified need: aid for it was reclaimed, so a person looks before anything else is given."""
    _settle(session, need_id, to=NeedState.HELD, reason="reclaimed", actor=actor, now=now)


def hold_for_money(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Hold a verified need: the bank paid for it after its match had ended, and nobody else gives meanwhile."""
    _settle(session, need_id, to=NeedState.HELD, reason=MONEY_PAID, actor=actor, now=now)


def hold_for_covered(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Hold an open need that still asks for something, verified or not: a department has covered some of its kind, and
    nobody gives the same again before a person has compared the amounts."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    if need.state in LAPSING and need.gap_units > need.committed_units:
        _move(session, need, NeedState.HELD, reason=COVERED, actor=actor, now=now)


def money_settled(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> Need:
    """That money is booked or has come back: a need that was held for it, and for nothing else, goes on."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    if need.state is NeedState.HELD and need.state_reason == MONEY_PAID:
        need.state, need.state_reason, need.updated_at = NeedState.VERIFIED, "", now
        session.add(need)
        flush(session)
        entry = audit.Entry("need:release", object_ref=need.id, subject=need.household_id, decision=need.state.value)
        audit.record(session, entry, actor=actor, now=now)
    return need


def settled_by_meeting(session: Session, need_id: str, /, *, reason: str, actor: Actor, now: datetime) -> None:
    """Close a verified need: a meeting found government aid for it, or closed it with its own reason. Its household is
    told, and finds the reason on its page; WrongState if the need has changed since the meeting was called."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    if need.state is not NeedState.VERIFIED:
        raise WrongState("need_changed")
    _settle(session, need_id, to=NeedState.CLOSED, reason=reason, actor=actor, now=now)
    _tell(session, need, "need_settled", now=now)


def reopened_by_meeting(
    session: Session, need_id: str, /, *, reasons: Container[str], actor: Actor, now: datetime
) -> None:
    """Take back the closing of a need by a meeting, for one of its own reasons; WrongState if it has changed since."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    if need.state is not NeedState.CLOSED or need.state_reason not in reasons:
        raise WrongState("need_changed")
    need.state, need.state_reason, need.updated_at = NeedState.VERIFIED, "", now
    session.add(need)
    flush(session)
    entry = audit.Entry("need:reopen", object_ref=need.id, subject=need.household_id, decision=need.state.value)
    audit.record(session, entry, actor=actor, now=now)
    _tell(session, need, "need_open_again", now=now)


def _tell(session: Session, need: Need, letter: str, *, now: datetime) -> None:
    key = f"need:{need.id}:{letter}:{now.isoformat()}"
    notices.post(session, letter, key=key, household_id=need.household_id, now=now)


def lapse(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> bool:
    """Close a need whose time is over; what was given for it stays given, and its household is told that it may ask
    anew. Whether it did so: one that is held waits for a person."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    over = need.valid_to is not None and need.valid_to <= local_day(now)
    if not over or need.state not in LAPSING:
        return False
    need.state, need.state_reason, need.updated_at = NeedState.CLOSED, LAPSED, now
    session.add(need)
    flush(session)
    entry = audit.Entry(
        "need:close", object_ref=need.id, subject=need.household_id, decision=need.state.value, rule_id=LAPSED
    )
    audit.record(session, entry, actor=actor, now=now)
    notices.post(session, "need_lapsed", key=f"need:{need.id}:lapsed", household_id=need.household_id, now=now)
    return True


def _settle(session: Session, need_id: str, *, to: NeedState, reason: str, actor: Actor, now: datetime) -> None:
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    if need.state is NeedState.VERIFIED:
        _move(session, need, to, reason=reason, actor=actor, now=now)


def _move(session: Session, need: Need, to: NeedState, *, reason: str, actor: Actor, now: datetime) -> None:
    need.state, need.state_reason, need.updated_at = to, reason, now
    session.add(need)
    session.flush()
    action = "need:close" if to is NeedState.CLOSED else "need:hold"
    entry = audit.Entry(action, object_ref=need.id, subject=need.household_id, decision=to.value, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
