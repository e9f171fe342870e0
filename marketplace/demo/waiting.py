"""Time passes in the demo city: somebody does not answer, a delivery is late, and what arrived is followed up.

What enters: the played city and its roster. What leaves: something to look at on the board of deadlines: calls to make,
a late delivery, follow-ups, complaints, a reclaim, aid given back, needs that nobody claimed. All through the ordinary
services and sweeps; a few matches are played as if they had been agreed some weeks before. Called by the story.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.db import Database
from marketplace.decisions import moves, service, unclaimed, waiting
from marketplace.decisions.cards import case_kinds
from marketplace.decisions.closing import Answers
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.reference.needs import MONEY
from marketplace.reference.services import find_service

DAY = timedelta(days=1)
_FOLLOWED = 12
_COMPLAINTS = 2
_EARLIER = {
    MatchState.AWAITING_HOUSEHOLD: (2, 9 * DAY),
    MatchState.DELIVERED: (2, 9 * DAY),
    MatchState.IN_DELIVERY: (2, 26 * DAY),
}
"""State ► how many of its matches have waited since so long before: long enough that their limit has passed."""
_REMAINS = ("nothing", "nothing", "part", "same", "other_need")


def let_time_pass(database: Database, roster: Roster, /, *, pick: random.Random, now: datetime) -> None:
    """Leave a few matches alone until they are late, sweep once a day, and follow up some of what arrived."""
    with database.transaction() as session:
        _deliver_half(session, roster, now=now)
        for state, (many, ago) in _EARLIER.items():
            for match in matches_in(session, state)[:many]:
                moves.wait(session, match, outcome="approved", now=now - ago, urgent=False)
    for days in range(9, -1, -1):
        waiting.sweep(database, clock=_at(now - days * DAY))
    with database.transaction() as session:
        _follow_up(session, roster, pick=pick, now=now)
        _take_back(session, roster, now=now)
    unclaimed.look(database, now=now)


def _at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def matches_in(session: Session, state: MatchState, /) -> Sequence[Match]:
    """The matches in a state, in an order that the seed decides."""
    statement = select(Match).where(col(Match.state) == state)
    return session.exec(statement.order_by(col(Match.need_id), col(Match.offer_id))).all()


def household_actor(session: Session, household_id: str, /) -> Actor:
    """The household itself, in the person whom messages reach."""
    person = contact_of(session, household_id)
    return Actor(id=person.id if person else household_id, role=Role.HOUSEHOLD, household_id=household_id)


def _deliver_half(session: Session, roster: Roster, *, now: datetime) -> None:
    """One delivery is smaller than agreed: the rest of the need is open again."""
    for match in reversed(matches_in(session, MatchState.IN_DELIVERY)):
        need = session.get_one(Need, match.need_id)
        own_way = find_service(need.category) or need.category in case_kinds(
            session.get_one(Organisation, match.org_id)
        )
        if match.units > 1 and need.unit != MONEY and not own_way:
            giver = roster.giver(match.org_id)
            service.deliver(session, match.id, units=match.units // 2, actor=giver, now=now)
            return


def _follow_up(session: Session, roster: Roster, *, pick: random.Random, now: datetime) -> None:
    worker = roster.staff["demo-worker"]
    confirmed = matches_in(session, MatchState.CONFIRMED)
    for match in confirmed[:_FOLLOWED]:
        answers = Answers(pick.choice((3, 4, 5)), pick.choice(_REMAINS), staff_minutes=pick.randint(5, 40))
        service.follow_up(session, match.id, answers, actor=worker, now=now)
    for match in confirmed[_FOLLOWED : _FOLLOWED + _COMPLAINTS]:
        answers = Answers(2, "part", complaint=True)
        home = household_actor(session, match.household_id)
        service.follow_up(session, match.id, answers, actor=home, now=now)


def _take_back(session: Session, roster: Roster, *, now: datetime) -> None:
    """One household gives its help back, and one giver asks its own back."""
    confirmed = matches_in(session, MatchState.CONFIRMED)[_COMPLAINTS:]
    for match in confirmed[:1]:
        home = household_actor(session, match.household_id)
        service.give_back(session, match.id, reason_code="not_fitting", actor=home, now=now)
    manager = roster.staff["demo-charity"]
    for match in [match for match in confirmed[1:] if match.org_id == manager.org_id][:1]:
        service.reclaim_open(session, match.id, reason_code="not_entitled", actor=manager, now=now)
