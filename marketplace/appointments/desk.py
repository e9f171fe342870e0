"""What this room keeps on a giver's desk: open visits are the organisation's, not a person's.

Enters: the desk of an organisation's last person. Leaves: its open visits, to be seen before the account closes; they
stay the organisation's, whoever comes after. Hung into the desk's queues when the room's pages are imported.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.accounts.desks import QUEUES, Desk, Piece, Queue
from marketplace.appointments.models import OPEN, Appointment


def _pieces(session: Session, desk: Desk, now: datetime) -> list[Piece]:
    if not desk.org_id:
        return []
    held = select(Appointment).where(col(Appointment.org_id) == desk.org_id, col(Appointment.state).in_(OPEN))
    found = session.exec(held.order_by(col(Appointment.starts_at), col(Appointment.id)))
    return [Piece("visit", row.id, row.starts_at) for row in found]


QUEUES["visits"] = Queue(_pieces, lambda _session, _desk, _heir, _now: None)
