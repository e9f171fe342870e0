"""Who is on call: a verifier and an approver between two moments, never the same person, no two pairs at once.

Enters: what an approver of the whole city plans. Leaves: rows of `on_call`. Called by `meetings.urgent` and its pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.meetings.models import OnCall
from marketplace.policy import require

LONGEST = timedelta(days=31)
VERIFIERS = (Role.WORKER, Role.VERIFIER)


@dataclass(frozen=True, slots=True)
class Shift:
    """A pair from one moment to another."""

    verifier_id: str
    approver_id: str
    starts_at: datetime
    ends_at: datetime


def people(session: Session, roles: Sequence[Role], /) -> list[Account]:
    """Active accounts of these roles, by name."""
    wanted = select(Account).where(col(Account.active).is_(True), col(Account.role).in_(list(roles)))
    return sorted(session.exec(wanted), key=lambda one: (one.display_name, one.id))


def plan(session: Session, shift: Shift, /, *, actor: Actor, now: datetime) -> OnCall:
    """Put a pair on the roster."""
    require(actor, "roster:set")
    if shift.verifier_id == shift.approver_id:
        raise BadInput("same_person", field="approver")
    if shift.verifier_id not in {one.id for one in people(session, VERIFIERS)}:
        raise BadInput("officer_unknown", field="verifier")
    if shift.approver_id not in {one.id for one in people(session, (Role.APPROVER,))}:
        raise BadInput("officer_unknown", field="approver")
    if not now - timedelta(days=1) < shift.ends_at or not shift.starts_at < shift.ends_at:
        raise BadInput("span_backwards", field="ends_on")
    if shift.ends_at - shift.starts_at > LONGEST:
        raise BadInput("span_too_long", field="ends_on")
    if _overlaps(session, shift):
        raise BadInput("on_call_overlap", field="starts_on")
    row = OnCall(
        id=new_id(),
        verifier_id=shift.verifier_id,
        approver_id=shift.approver_id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        set_by=actor.id,
        set_at=now,
    )
    session.add(row)
    _record(session, row, "roster:set", actor=actor, now=now)
    return row


def _overlaps(session: Session, shift: Shift) -> bool:
    other = select(OnCall.id).where(col(OnCall.starts_at) < shift.ends_at, col(OnCall.ends_at) > shift.starts_at)
    return session.exec(other).first() is not None


def drop(session: Session, row_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Take a pair off that has not begun; one that has begun ends now, so that the roster still tells who it was."""
    require(actor, "roster:set")
    row = session.get(OnCall, row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("on_call")
    if row.ends_at <= now:
        raise WrongState("on_call_over")
    if row.starts_at < now:
        row.ends_at = now
        session.add(row)
    else:
        session.delete(row)
    _record(session, row, "roster:drop", actor=actor, now=now)


def on_call_at(session: Session, now: datetime, /) -> OnCall | None:
    """The pair that answers at this moment."""
    statement = select(OnCall).where(col(OnCall.starts_at) <= now, col(OnCall.ends_at) > now)
    return session.exec(statement.order_by(col(OnCall.starts_at))).first()


def list_shifts(session: Session, /, *, now: datetime) -> list[OnCall]:
    """The last week's pairs and all that come, the earliest first."""
    since = now - timedelta(days=7)
    return list(session.exec(select(OnCall).where(col(OnCall.ends_at) > since).order_by(col(OnCall.starts_at))))


def _record(session: Session, row: OnCall, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"from": row.starts_at.isoformat(), "to": row.ends_at.isoformat()}
    audit.record(session, audit.Entry(action, object_ref=row.id, body=body), actor=actor, now=now)
    flush(session)
