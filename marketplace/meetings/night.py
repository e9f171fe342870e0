"""What follows an urgent approval whose stock has no standing yes: its giver answers in hours, or the next is asked.

Enters: urgent approvals whose giver was asked at once (step `urgent_answer`). Leaves: where it stayed silent or said
no, its units free again and the case with the next free stock of another giver, under the approval that the person on
call gave for the night: same need, same cap, same review the next working day. Where nothing else is free the case says
so and stands among the critical needs without aid: the household and the pair on call are written to at once, also
where three days of trying came to nothing. A sweep of the background worker; each case in its own transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.accounts.models import Account
from marketplace.accounts.standins import reads_for
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database, flush, one_by_one
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.waiting import expire_giver, settle_late
from marketplace.errors import DomainError, WrongState
from marketplace.meetings import reclaims, roster, urgent
from marketplace.meetings.cap import room_for
from marketplace.meetings.models import UrgentApproval
from marketplace.needs.models import Need

log = logging.getLogger("shanqiao.night")
LONGEST = timedelta(days=3)
"""A case older than this is not passed on by itself any more, its review has come and gone: it is told as fallen."""
NEXT, NOTHING = "next", "nothing"
NO_GIVER = (MatchState.EXPIRED_GIVER, MatchState.DECLINED_GIVER)
CONSEQUENCES = {urgent.ASKED: expire_giver, reclaims.STEP: reclaims.late}


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Free what silent givers hold, then pass each case on; returns how much was done."""
    now = clock()
    done = settle_late(database, CONSEQUENCES, now=now)
    with database.reading() as session:
        waiting = _waiting(session)
    failed = partial(log.warning, "urgent case %s is not passed on yet: %s")
    return done + one_by_one(database, waiting, partial(_go_on, now=now), failed=failed)


def _waiting(session: Session) -> list[str]:
    found = select(UrgentApproval.id).join(Match, col(Match.id) == col(UrgentApproval.match_id))
    found = found.where(col(UrgentApproval.passed_on) == "", col(UrgentApproval.asked).is_(True))
    found = found.where(col(Match.state).in_(NO_GIVER))
    return list(session.exec(found.order_by(col(UrgentApproval.approved_at), col(UrgentApproval.id)).limit(50)))


def _go_on(session: Session, row_id: str, *, now: datetime) -> bool:
    """Whether the case was passed on, or found without any other stock."""
    row = session.get_one(UrgentApproval, row_id, with_for_update=True, populate_existing=True)
    if row.passed_on:
        return False
    need = session.get_one(Need, row.need_id)
    row.passed_on = NOTHING
    session.add(row)
    flush(session)
    if row.approved_at > now - LONGEST:
        _try_next(session, row, need, now=now)
    if row.passed_on == NOTHING:
        _tell_it_fell(session, row, now=now)
    entry = audit.Entry("urgent:pass_on", object_ref=row.id, subject=row.household_id, rule_id=row.passed_on)
    audit.record(session, entry, actor=SYSTEM, now=now)
    return True


def _try_next(session: Session, row: UrgentApproval, need: Need, *, now: datetime) -> None:
    try:
        with session.begin_nested():
            _approve_next(session, row, need, now=now)
            row.passed_on = NEXT
    except DomainError as error:
        if error.code == "run_busy":
            raise
        row.passed_on = NOTHING
    session.add(row)
    flush(session)


def _tell_it_fell(session: Session, row: UrgentApproval, *, now: datetime) -> None:
    """The household was told of a decision that holds no longer; whoever is on call can still find another way."""
    notices.post(session, "match_cancelled", key=f"{row.id}:fell", household_id=row.household_id, now=now)
    pair = roster.on_call_at(session, now, district=row.district_code)
    if pair is not None:
        roster.call(session, pair, "urgent_fell", key=f"{row.id}:fell", now=now)
        return
    reader = reads_for(session, row.approver_id, now=now)
    notices.post(session, "urgent_fell", key=f"{row.id}:fell:{row.approver_id}", account_id=reader, now=now)


def _approve_next(session: Session, row: UrgentApproval, need: Need, *, now: datetime) -> None:
    account = session.get(Account, row.approver_id)
    if account is None or not account.active:
        raise WrongState("not_on_call")
    area = frozenset(account.districts)
    actor = Actor(id=account.id, role=Role.APPROVER, districts=area, on_behalf_of=row.approver_for or None)
    silent = _asked_before(session, row)
    left = room_for(session, need.household_id, night=row.night_on).left_fen
    chosen = urgent.lines_within(session, need, left=left, without=silent, actor=actor, now=now)
    for match in urgent.approved(session, need, chosen, night=row.night_on, actor=actor, now=now):
        urgent.mark(session, match, need=need, reason=row.reason, actor=actor, now=now, follows=row)


def _asked_before(session: Session, row: UrgentApproval) -> frozenset[str]:
    """Organisations that were asked for this need this night and gave nothing."""
    asked = select(Match.org_id).join(UrgentApproval, col(UrgentApproval.match_id) == col(Match.id))
    asked = asked.where(col(UrgentApproval.need_id) == row.need_id, col(UrgentApproval.night_on) == row.night_on)
    return frozenset(session.exec(asked.where(col(Match.state).in_(NO_GIVER))))


def followers(session: Session, row: UrgentApproval, /) -> list[UrgentApproval]:
    """The cases that this one went on to."""
    found = select(UrgentApproval).where(col(UrgentApproval.follows_id) == row.id)
    return list(session.exec(found.order_by(col(UrgentApproval.approved_at), col(UrgentApproval.id))))
