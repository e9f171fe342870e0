"""Money that came twice for one match: both are kept as facts, and a person sees to the one that is too much.

Enters: a line that the bank paid while another line of its match was with the bank or paid, or after the giver had
handed the aid over itself. Leaves: the line as paid twice, or as paid beside the hand-over, a clock of staff
(`paid_twice`) and a letter to the household. The clock ends when one of two payments comes back or fails, for then the
other is the payment of the match, or what was paid beside the hand-over comes back; or when a person writes down that
the giver leaves the money with the household: the books go on naming it. However it ends, the household is told.
Called by `effects`, `batches` and the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import flush
from marketplace.decisions.closing import PAID_MISSING
from marketplace.decisions.models import Match
from marketplace.decisions.moves import URGENT
from marketplace.decisions.officers import choose, load
from marketplace.errors import NotFound
from marketplace.needs.models import Need
from marketplace.payments.models import LineState, PaymentLine
from marketplace.payments.open_matches import LIVE_LINE
from marketplace.policy import require

STEP, TWICE = "paid_twice", "twice:"
HANDED_OVER = "handed_over"
"""Of a line that the bank paid after its grant was recorded as handed over."""
PAID = (LineState.PAID, LineState.PAID_TWICE)
LEFT = "left"
"""The giver leaves it with the household."""


def ref_of(line_id: str, /) -> str:
    """Under which it waits, apart from the match."""
    return TWICE + line_id


def ask(session: Session, line: PaymentLine, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """A person is to look; the household reads of it, so that it does not spend what is too much."""
    holder = Holder(account_id=choose(load(session, STEP), match.district_code), district_code=match.district_code)
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    clocks.start(session, STEP, ref_of(line.id), holder=holder, now=now, urgent=urgent)
    notices.post(session, "paid_twice", key=f"{line.id}:twice", household_id=line.household_id, now=now)
    _record(session, line, "payment:twice", rule="", actor=actor, now=now)


def is_too_much(session: Session, line: PaymentLine, /) -> bool:
    """Whether it was paid beside another payment, or beside a hand-over about which a person was asked: if it comes
    back, the match stays as it is."""
    return line.state is LineState.PAID_TWICE or bool(beside_hand_over(session, [line]))


def beside_hand_over(session: Session, lines: Sequence[PaymentLine], /) -> set[str]:
    """Those of these lines that are paid beside a hand-over and about which a person was asked, by their ids."""
    beside = [line for line in lines if line.state is LineState.PAID and line.reason_code == HANDED_OVER]
    return _asked(session, beside)


def unsettled(session: Session, lines: Sequence[PaymentLine], /) -> set[str]:
    """Those of these lines of which a person still finds out what happens with them, by their ids."""
    return _asked(session, lines, col(Clock.ended_at).is_(None))


def _asked(session: Session, lines: Sequence[PaymentLine], *which: ColumnElement[bool]) -> set[str]:
    if not lines:
        return set()
    asked = select(Clock.object_ref).where(col(Clock.object_ref).in_([ref_of(line.id) for line in lines]), *which)
    return {ref.removeprefix(TWICE) for ref in session.exec(asked)}


def came_back(session: Session, line: PaymentLine, match: Match, /, *, now: datetime) -> None:
    """What was too much is back with the giver."""
    paid = select(PaymentLine.id).where(col(PaymentLine.match_id) == match.id, col(PaymentLine.state).in_(PAID))
    if session.exec(paid.limit(1)).first() is None:
        match.paid_at = None
        session.add(match)
    clocks.end(session, ref_of(line.id), step=STEP, outcome="came_back", now=now)
    if match.reason_code != PAID_MISSING:
        _tell(session, "twice_back", line, now=now)


def _tell(session: Session, letter: str, line: PaymentLine, *, now: datetime) -> None:
    """The household was asked to leave it untouched: what happens with it is told."""
    notices.post(session, letter, key=f"{line.id}:{letter}", household_id=line.household_id, now=now)


def take_place(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> PaymentLine | None:
    """The other line of the match failed, was stopped or came back: one that was too much is its payment now."""
    lines = select(PaymentLine).where(col(PaymentLine.match_id) == match.id).order_by(col(PaymentLine.reference))
    found = session.exec(lines.execution_options(populate_existing=True)).all()
    line = next((one for one in found if one.state is LineState.PAID_TWICE), None)
    if line is None or any(one.state in LIVE_LINE for one in found):
        return None
    line.state, line.changed_at = LineState.PAID, now
    match.paid_at = match.paid_at or now
    session.add_all([line, match])
    flush(session)
    clocks.end(session, ref_of(line.id), step=STEP, outcome="is_the_payment", now=now)
    _tell(session, "twice_back", line, now=now)
    _record(session, line, "payment:once", rule="", actor=actor, now=now)
    return line


def get_asked(session: Session, line_id: str, /, *, actor: Actor, lock: bool = False) -> tuple[PaymentLine, Match]:
    """A payment of the actor's area that is too much; any other looks like a missing one."""
    line = session.get(PaymentLine, line_id, with_for_update=True if lock else None, populate_existing=lock)
    match = session.get(Match, line.match_id) if line is not None else None
    require(actor, "payment:talk", district=match.district_code if match is not None else None)
    if line is None or match is None or not clocks.running_of(session, ref_of(line.id)):
        raise NotFound("line")
    return line, match


def leave(session: Session, line_id: str, /, *, actor: Actor, now: datetime) -> PaymentLine:
    """The giver has said that it does not ask it back: the difference stands in its books, with this cause."""
    line, _match = get_asked(session, line_id, actor=actor, lock=True)
    clocks.end(session, ref_of(line.id), step=STEP, outcome=LEFT, now=now)
    _tell(session, "twice_kept", line, now=now)
    _record(session, line, "payment:settle", rule=LEFT, actor=actor, now=now)
    return line


def _record(session: Session, line: PaymentLine, action: str, *, rule: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(
        action,
        object_ref=line.reference,
        subject=line.household_id,
        rule_id=rule,
        body={"fen": line.amount_fen},
    )
    audit.record(session, entry, actor=actor, now=now)
