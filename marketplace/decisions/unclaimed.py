"""Needs that nobody has claimed: after the window they get a named officer and stand on the list for the meeting.

Enters: verified needs of households that want to be matched. Leaves: for each that has had neither a proposed line nor
a match for five working days (one, if it is urgent) an `unclaimed` clock held by an approver of the district; the clock
ends when a proposal comes or the need is over. A sweep of the background worker. The windows are our own proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.calendar import before_working_days, local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.db import Database
from marketplace.decisions import officers
from marketplace.decisions.models import OPEN, Match
from marketplace.decisions.moves import URGENT
from marketplace.needs.lists import not_over
from marketplace.needs.models import Need, NeedState
from marketplace.proposals.models import LineState, ProposedLine

STEP = "unclaimed"
WINDOW, URGENT_WINDOW = 5, 1
"""Working days in which a proposal should have come."""
IN_HAND: dict[str, Callable[[datetime], ColumnElement[bool]]] = {}
"""Rooms above say here which needs have had a person on them since a moment: nobody else is named for those."""
BATCH = 200
PAUSE = timedelta(minutes=10)


class Watch:
    """A sweep that looks at every need (`look`, or what it is given) and therefore only now and then."""

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime], looking: Callable[..., int] | None = None
    ) -> None:
        self._database, self._clock, self._look = database, clock, looking or look
        self._next: datetime | None = None

    def __call__(self) -> int:
        """Look, unless somebody looked a moment ago; returns how many clocks were begun or ended."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return 0
        done = self._look(self._database, now=now)
        self._next = now + PAUSE if done < BATCH else None
        return done


def look(database: Database, *, now: datetime) -> int:
    """End the clocks of needs that are claimed or over, begin those of needs whose window has passed."""
    with database.reading() as session:
        over, begun = _over(session, now=now), _unclaimed(session, now=now)
    if not over and not begun:
        return 0
    with database.transaction() as session:
        for need_id, outcome in _over(session, now=now):
            clocks.end(session, need_id, step=STEP, outcome=outcome, now=now)
        held = officers.load(session, STEP)
        for need in session.exec(select(Need).where(col(Need.id).in_(_unclaimed(session, now=now)))):
            _begin(session, need, held=held, now=now)
    return len(over) + len(begun)


def _begin(session: Session, need: Need, *, held: officers.Load, now: datetime) -> None:
    holder = Holder(account_id=officers.choose(held, need.district_code), district_code=need.district_code)
    clocks.start(session, STEP, need.id, holder=holder, now=now, urgent=need.urgency >= URGENT)
    entry = audit.Entry("clock:name", object_ref=need.id, subject=need.household_id, rule_id=STEP)
    audit.record(session, entry, actor=SYSTEM, now=now)


def _unclaimed(session: Session, *, now: datetime) -> list[str]:
    """Needs whose window has passed without a proposal and that have no clock yet."""
    calm, urgent = before_working_days(now, WINDOW), before_working_days(now, URGENT_WINDOW)
    by_urgency = or_(
        and_(col(Need.urgency) < URGENT, *_since(calm, now=now)),
        and_(col(Need.urgency) >= URGENT, *_since(urgent, now=now)),
    )
    statement = select(Need.id).where(*_open(now), by_urgency, ~_is_claimed())
    return list(session.exec(statement.order_by(col(Need.verified_on), col(Need.id)).limit(BATCH)))


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Still to be matched: verified, not covered, not over."""
    return (
        col(Need.state) == NeedState.VERIFIED,
        col(Need.committed_units) < col(Need.gap_units),
        not_over(local_day(now)),
    )


def _since(limit: datetime, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """On record, verified and consented before the limit; no match and no such clock has ended since."""
    ended = and_(col(Match.need_id) == col(Need.id), col(Match.state).not_in(OPEN), col(Match.updated_at) >= limit)
    asked = and_(
        col(Clock.object_ref) == col(Need.id),
        col(Clock.step) == STEP,
        or_(col(Clock.ended_at).is_(None), col(Clock.ended_at) >= limit),
    )
    return (
        col(Need.created_at) < limit,
        col(Need.verified_on) < local_day(limit),
        _consents(col(ConsentHead.valid_from) < limit, now=now),
        ~exists().where(ended),
        *(~in_hand(limit) for in_hand in IN_HAND.values()),
        ~exists().where(asked),
    )


def _consents(*more: ColumnElement[bool], now: datetime) -> ColumnElement[bool]:
    return exists().where(
        col(ConsentHead.household_id) == col(Need.household_id),
        col(ConsentHead.purpose) == Purpose.AUTO_MATCH,
        col(ConsentHead.state) == ConsentState.ACTIVE,
        col(ConsentHead.valid_to) > now,
        *more,
    )


def _is_claimed() -> ColumnElement[bool]:
    """A line waits for a person, or a match waits for somebody."""
    line = exists().where(col(ProposedLine.need_id) == col(Need.id), col(ProposedLine.state) == LineState.PROPOSED)
    match = exists().where(col(Match.need_id) == col(Need.id), col(Match.state).in_(OPEN))
    return or_(line, match)


def _over(session: Session, *, now: datetime) -> list[tuple[str, str]]:
    """Running clocks of needs that are claimed by now, or no longer to be matched, with what to call it."""
    running = select(Clock.object_ref).where(col(Clock.step) == STEP, col(Clock.ended_at).is_(None))
    running = running.join(Need, col(Need.id) == col(Clock.object_ref)).order_by(col(Clock.id)).limit(BATCH)
    ended: Iterable[tuple[str, ColumnElement[bool]]] = (
        ("claimed", _is_claimed()),
        ("over", ~and_(*_open(now))),
        ("no_consent", ~_consents(now=now)),
    )
    found: dict[str, str] = {}
    for outcome, condition in ended:
        for need_id in session.exec(running.where(condition)):
            found.setdefault(need_id, outcome)
    return list(found.items())
