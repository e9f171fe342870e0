"""What this room keeps on an account's desk: duties, whose clocks the desk lists already, and shifts on call to come.

Enters: a desk and an heir. Leaves: shifts as pieces of work; duties and shifts with the heir. Hung into the desk's
queues when the room's pages are imported.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.accounts.desks import QUEUES, Desk, Piece, Queue
from marketplace.accounts.models import Account
from marketplace.actors import STAFF
from marketplace.errors import WrongState
from marketplace.meetings import roster
from marketplace.meetings.models import Duty, OnCall


def _pass_duties(session: Session, desk: Desk, heir: Account, now: datetime) -> None:
    held = select(Duty).where(col(Duty.officer_id) == desk.account.id, col(Duty.done_at).is_(None))
    duties = session.exec(held).all()
    if duties and heir.role not in STAFF:
        raise WrongState("heir_unfit")
    for duty in duties:
        duty.officer_id = heir.id
        session.add(duty)


def _shifts(session: Session, desk: Desk, now: datetime) -> list[OnCall]:
    mine = (col(OnCall.verifier_id) == desk.account.id) | (col(OnCall.approver_id) == desk.account.id)
    wanted = select(OnCall).where(mine, col(OnCall.ends_at) > now)
    return list(session.exec(wanted.order_by(col(OnCall.starts_at), col(OnCall.id))))


def _shift_pieces(session: Session, desk: Desk, now: datetime) -> list[Piece]:
    return [Piece("shift", row.id, row.starts_at) for row in _shifts(session, desk, now)]


def _pass_shifts(session: Session, desk: Desk, heir: Account, now: datetime) -> None:
    """A shift stays two people of its area, and an approver's stays with an approver. The telephone of who leaves is
    nobody's any more: the roster says so until the pair is put on it anew."""
    for row in _shifts(session, desk, now):
        as_approver = row.approver_id == desk.account.id
        unfit = heir.id in (row.verifier_id, row.approver_id) or not roster.fits(heir, row.district_code)
        if unfit or (as_approver and heir.role is not desk.account.role):
            raise WrongState("heir_unfit")
        if as_approver:
            row.approver_id, row.approver_phone = heir.id, None
        else:
            row.verifier_id, row.verifier_phone = heir.id, None
        session.add(row)


QUEUES["duties"] = Queue(lambda _session, _desk, _now: [], _pass_duties)
QUEUES["shifts"] = Queue(_shift_pieces, _pass_shifts)
