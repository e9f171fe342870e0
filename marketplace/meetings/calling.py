"""Whoever is on call is called: a text message to both of the pair for each critical need, by day and by night.

Enters: critical needs of which nothing is given or under way, however they came: typed in, from a file, from a registry
or a partner. Leaves: for those that the pair of their district (or the city's) was not told of yet, one letter to both,
whatever their number; once when a need has come in and once when it is verified and may be approved. What comes while
nobody is on call is told to the next pair. Telephones of shifts that are over are forgotten. A sweep of the background
worker; the letter says nothing about anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from sqlmodel import Session, and_, col, or_, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.db import Database, flush, one_by_one
from marketplace.meetings import critical, roster
from marketplace.meetings.models import CriticalCall, OnCall
from marketplace.needs.models import Need, NeedState

log = logging.getLogger("shanqiao.calling")
CAME, VERIFIED = "came", "verified"
MOST = 500


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Tell the pairs on call what they were not told yet; returns how many letters and telephones it dealt with."""
    now = clock()
    with database.reading() as session:
        shifts = {shift.id for shift, _need in _untold(session, now)}
        over = [row.id for row in _over(session, now)]
    failed = partial(log.warning, "the pair of shift %s was not told yet: %s")
    told = one_by_one(database, sorted(shifts), partial(_tell, now=now), failed=failed)
    return told + one_by_one(database, over, _forget, failed=failed)


def _untold(session: Session, now: datetime) -> list[tuple[OnCall, Need]]:
    """Each need that the pair which answers for it was not told of. While nobody is on call nothing is asked."""
    running = roster.running(session, now)
    if not running:
        return []
    verified = col(Need.state) == NeedState.VERIFIED
    stage = or_(and_(verified, col(CriticalCall.state) == VERIFIED), and_(~verified, col(CriticalCall.state) == CAME))
    told = select(CriticalCall.need_id).where(col(CriticalCall.need_id) == col(Need.id), stage).exists()
    wanted = select(Need).where(*critical.conditions(SYSTEM, now), ~told).order_by(col(Need.created_at), col(Need.id))
    pairs = ((roster.answers_for(running, need.district_code), need) for need in session.exec(wanted.limit(MOST)))
    return [(shift, need) for shift, need in pairs if shift is not None]


def _tell(session: Session, shift_id: str, *, now: datetime) -> bool:
    """One letter to both of this pair, about all that is theirs and untold."""
    shift = session.get_one(OnCall, shift_id, with_for_update=True, populate_existing=True)
    mine = [need for answering, need in _untold(session, now) if answering == shift]
    if not mine:
        return False
    calls = [CriticalCall(need_id=one.id, state=_stage(one), shift_id=shift.id, told_at=now) for one in mine]
    session.add_all(calls)
    flush(session)
    roster.call(session, shift, "urgent_need", key=f"{calls[0].need_id}:{calls[0].state}", now=now)
    _record(session, calls, mine, now=now)
    return True


def _stage(need: Need) -> str:
    return VERIFIED if need.state is NeedState.VERIFIED else CAME


def _record(session: Session, calls: Iterable[CriticalCall], needs: Iterable[Need], *, now: datetime) -> None:
    entries = [
        audit.Entry("roster:call", object_ref=call.shift_id, subject=need.household_id, rule_id=call.state)
        for call, need in zip(calls, needs, strict=True)
    ]
    audit.record_many(session, entries, actor=SYSTEM, now=now)


def _over(session: Session, now: datetime) -> list[OnCall]:
    kept = or_(col(OnCall.verifier_phone).is_not(None), col(OnCall.approver_phone).is_not(None))
    return list(session.exec(select(OnCall).where(col(OnCall.ends_at) <= now, kept).limit(MOST)))


def _forget(session: Session, shift_id: str) -> bool:
    roster.forget_phones(session, session.get_one(OnCall, shift_id))
    return True
