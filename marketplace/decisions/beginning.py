"""The steps before a match: a consent to record, a need to publish, proposed lines to decide on for the first time.

Enters: households without a consent, needs that nobody has verified or released, lines that wait. Leaves: a clock for
each, held by the staff of its district, which ends when the thing is done or over. A sweep of the background worker;
lines are counted by run and district, critical ones apart, so that a run of a whole city starts tens of clocks and not
thousands. Staff who are slow cost nobody anything: a late step stays on the board.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlmodel import Session, col, select

from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.db import Database
from marketplace.decisions.moves import URGENT
from marketplace.households.models import Household
from marketplace.needs.models import Need, NeedState
from marketplace.proposals.models import LineState, ProposedLine

CONSENT, PUBLISH, APPROVAL = "record_consent", "publish", "first_approval"
BATCH = 200
TO_ASK = (ConsentState.PENDING_CHECK, ConsentState.EXPIRED)
"""A consent that is not in force yet or any more. One that was refused or withdrawn is not asked for again."""
TO_PUBLISH = (NeedState.UNVERIFIED, NeedState.HELD)
Wanted = dict[str, tuple[str, bool]]
"""Object ► its district, and whether it is critical."""


def look(database: Database, *, now: datetime) -> int:
    """Begin what waits, end what is done; returns how many clocks that were."""
    with database.reading() as session:
        if not any(_changes(session, now=now)):
            return 0
    with database.transaction() as session:
        begun, over = _changes(session, now=now)
        for step, ref, district, urgent in begun:
            clocks.start(session, step, ref, holder=Holder(district_code=district), now=now, urgent=urgent)
        for step, ref in over:
            clocks.end(session, ref, step=step, outcome="done", now=now)
    return len(begun) + len(over)


def _changes(session: Session, *, now: datetime) -> tuple[list[tuple[str, str, str, bool]], list[tuple[str, str]]]:
    """What is to begin, and what is to end."""
    lines = _groups(session)
    running = set(session.exec(_running(APPROVAL)))
    begun = [(APPROVAL, ref, *lines[ref]) for ref in sorted(lines.keys() - running)]
    over = [(APPROVAL, ref) for ref in sorted(running - lines.keys())]
    for step, waits in ((CONSENT, _to_ask(session, now=now)), (PUBLISH, _to_publish(session))):
        begun += [(step, ref, *told) for ref, told in waits.items()]
    over += [(CONSENT, ref) for ref in session.exec(_running(CONSENT).where(~_asks(col(Clock.object_ref), now=now)))]
    waiting = exists().where(col(Need.id) == col(Clock.object_ref), col(Need.state).in_(TO_PUBLISH))
    over += [(PUBLISH, ref) for ref in session.exec(_running(PUBLISH).where(~waiting))]
    return begun, over


def _running(step: str) -> Any:
    return select(Clock.object_ref).where(col(Clock.step) == step, col(Clock.ended_at).is_(None))


def _has_clock(ref: Any, step: str) -> ColumnElement[bool]:
    return exists().where(col(Clock.object_ref) == ref, col(Clock.step) == step, col(Clock.ended_at).is_(None))


def _asks(household_id: Any, *, now: datetime) -> ColumnElement[bool]:
    """An open need, and no word about being matched that would still count."""
    need = exists().where(
        col(Need.household_id) == household_id,
        col(Need.state) == NeedState.VERIFIED,
        col(Need.committed_units) < col(Need.gap_units),
    )
    lapsed = or_(
        col(ConsentHead.state).in_(TO_ASK),
        and_(col(ConsentHead.state) == ConsentState.ACTIVE, col(ConsentHead.valid_to) <= now),
    )
    said = exists().where(
        col(ConsentHead.household_id) == household_id, col(ConsentHead.purpose) == Purpose.AUTO_MATCH, ~lapsed
    )
    return and_(need, ~said)


def _to_ask(session: Session, *, now: datetime) -> Wanted:
    waits = _asks(col(Household.id), now=now) & ~_has_clock(col(Household.id), CONSENT)
    found = select(Household.id, Household.district_code).where(waits).order_by(col(Household.id)).limit(BATCH)
    return {ref: (district, False) for ref, district in session.exec(found)}


def _to_publish(session: Session) -> Wanted:
    found = select(Need.id, Need.district_code, Need.urgency).where(col(Need.state).in_(TO_PUBLISH))
    found = found.where(~_has_clock(col(Need.id), PUBLISH)).order_by(col(Need.id)).limit(BATCH)
    return {ref: (district, urgency >= URGENT) for ref, district, urgency in session.exec(found)}


def _groups(session: Session) -> Wanted:
    """Undecided lines by run and district, the critical ones apart."""
    critical = col(Need.urgency) >= URGENT
    counted = (
        select(ProposedLine.run_id, ProposedLine.district_code, critical, func.count())
        .join(Need, col(Need.id) == col(ProposedLine.need_id))
        .where(col(ProposedLine.state) == LineState.PROPOSED)
        .group_by(col(ProposedLine.run_id), col(ProposedLine.district_code), critical)
    )
    return {
        lines_ref(run_id, district, urgent=bool(urgent)): (district, bool(urgent))
        for run_id, district, urgent, _many in session.execute(counted)
    }


def lines_ref(run_id: str, district: str, /, *, urgent: bool) -> str:
    """Under which the lines of one run and district wait."""
    return f"{'urgent' if urgent else 'lines'}:{district}:{run_id}"
