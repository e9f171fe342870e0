"""A meeting, a pair on call and an urgent case of the demonstration.

Enters: the database and its roster after deliveries. Leaves: one sheet that is being filled in, with a first duty, one
that is frozen, a pair on call, one urgent approval that waits for its review and a closed day that waits for its second
person. Called by `demo.story`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, exists, select

from marketplace.calendar import is_working_day, local_day
from marketplace.db import Database
from marketplace.decisions.models import OPEN, Match
from marketplace.demo.build import Roster
from marketplace.errors import DomainError
from marketplace.meetings import looking, service, urgent
from marketplace.meetings import roster as on_call
from marketplace.meetings.models import Meeting, MeetingRow, Verdict
from marketplace.meetings.service import Decision
from marketplace.needs.models import Need, NeedState
from marketplace.proposals.quotes import CRITICAL
from marketplace.workdays.service import Draft, draft

DAYS_ON_CALL = 14
PHONES_ON_CALL = ("10000009901", "10000009902")
MOST_TRIED = 20


def hold_meeting(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Call a meeting of the city and close one of a district; put a pair on call and approve one case at once."""
    verifier, approver = roster.staff["demo-verifier"], roster.staff["demo-approver"]
    with database.transaction() as session:
        until = now + timedelta(days=DAYS_ON_CALL)
        shift = on_call.Shift(verifier.id, approver.id, now, until, *PHONES_ON_CALL)
        on_call.plan(session, shift, actor=approver, now=now)
        _approve_one(session, roster, now=now)
        city = looking.convene(session, "", actor=approver, now=now)
        if city.row_count == 0:
            return
        first = service.rows_of(session, city, filters={}, limit=2)[-1]
        duty = Decision(Verdict.DUTY, "联系救助站，核对能否由政府救助解决", officer_id=approver.id)
        service.decide(session, city.id, first.number, duty, actor=approver, now=now)
        _close_a_district(session, roster, first, now=now)


def close_a_day(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Write down that the city's offices stay closed on the first working day in a fortnight."""
    day = local_day(now) + timedelta(days=DAYS_ON_CALL)
    while not is_working_day(day):
        day += timedelta(days=1)
    wanted = Draft(day, works=False, cause="disaster", source="市防汛抗旱指挥部通告（演示）")
    with database.transaction() as session:
        draft(session, wanted, actor=roster.staff["demo-approver"], now=now)


def _approve_one(session: Session, roster: Roster, *, now: datetime) -> None:
    """The first critical need for which something small enough is proposed or free."""
    approver = roster.staff["demo-approver"]
    running = exists().where(col(Match.need_id) == Need.id, col(Match.state).in_(OPEN))
    needs = select(Need).where(Need.state == NeedState.VERIFIED, Need.urgency == CRITICAL, ~running)
    for need in session.exec(needs.order_by(col(Need.source_id), col(Need.id)).limit(MOST_TRIED)).all():
        try:
            with session.begin_nested():
                urgent.approve(session, need.id, reason="夜间来电，情况紧急，不能等到上班", actor=approver, now=now)
        except DomainError:
            continue
        return


def _close_a_district(session: Session, roster: Roster, row: MeetingRow, *, now: datetime) -> Meeting:
    approver = roster.staff["demo-approver"]
    meeting = looking.convene(session, row.district_code, actor=approver, now=now)
    return service.close(session, meeting.id, actor=approver, now=now)
