"""The rules against helping twice are asked again about aid that is reserved and not yet given.

Enters: matches under way. Leaves: the match held for a person, with the hit as evidence, where aid that another source
told of since, a new year, or somebody put on the giver's list of related people makes a rule say no; or let go on once
the rules say yes again. What is delivered is a fact: it is kept, and held against the rules like a late report. Called
by the worker, before either side accepts, before a payment file is written, at delivery and by the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, exists, or_, select

from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import end_of_day, local_day
from marketplace.db import Database, chunks, one_by_one
from marketplace.decisions import holding, moves
from marketplace.decisions.models import Match
from marketplace.errors import WrongState
from marketplace.households.related import is_related, related_pairs
from marketplace.households.same import all_same, same_as
from marketplace.ledger import hits
from marketplace.ledger.models import LIVE, LedgerEntry, OverlapHit
from marketplace.ledger.overlap import OverlapFound, verdict
from marketplace.ledger.service import PLATFORM
from marketplace.needs.models import Need
from matching.overlap_rules import Finding, Verdict

log = logging.getLogger("shanqiao.decisions")
BY_YEAR = ("MUTEX_YEAR", "FLOOR_TOTAL", "ONCE_PER_YEAR", "CAP_100")
"""Kinds of rule that count by the year in which aid is given, not in which it was promised."""
RELATED = "CONFLICT_OF_INTEREST"
"""Kind of the rule that keeps a related giver out; it was asked at approval, so what it says later is always new."""
BATCH = 200


def ask(session: Session, match: Match, /, *, now: datetime) -> Verdict:
    """What the rules say today about units that are reserved already; the household is locked."""
    need = session.get_one(Need, match.need_id)
    return verdict(
        session,
        need,
        org_id=match.org_id,
        units=match.units,
        on=local_day(now),
        lock=True,
        own=match.ledger_entry_id,
    )


def hold_broken(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> bool:
    """Hold a match that a rule now forbids because of something new; True if it is held by this."""
    said = ask(session, match, now=now)
    finding = _new(session, match, said, now=now)
    if finding is None:
        match.asked_at = now
        session.add(match)
        return False
    hits.keep(session, [_met(session, match, finding, place=hits.HELD)], actor=actor, now=now)
    return holding.hold(session, match.id, cause=holding.RULE, actor=actor, now=now)


def before_payment(session: Session, match_ids: Iterable[str], /, *, actor: Actor, now: datetime) -> None:
    """Ask about grants that are about to go to the bank; what a rule now forbids is held and not paid."""
    for match_id in sorted(match_ids):
        match = session.get_one(Match, match_id)
        if match.state in holding.HOLDABLE and not match.held_for and _is_due(session, match, now=now):
            hold_broken(session, match, actor=actor, now=now)


def before_answer(session: Session, match: Match, /, *, now: datetime) -> None:
    """Nobody says yes to what a rule now forbids; the worker holds it for a person, and the answer waits for that."""
    if _is_due(session, match, now=now) and _new(session, match, ask(session, match, now=now), now=now):
        raise WrongState("match_held", cause=holding.RULE)


def at_delivery(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """What has been handed over is a fact: where a rule says no by now, a person looks at it afterwards."""
    if not _is_due(session, match, now=now):
        return
    finding = _new(session, match, ask(session, match, now=now), now=now)
    if finding is not None:
        hits.keep(session, [_met(session, match, finding, place=hits.REPORT)], actor=actor, now=now)


def _met(session: Session, match: Match, finding: Finding, *, place: str) -> hits.Met:
    met = hits.of_need(
        session.get_one(Need, match.need_id),
        code=finding.code,
        place=place,
        units=match.units - finding.allowed,
        because=[row.ref for row in finding.because],
        org_id=match.org_id,
    )
    if place != hits.REPORT:
        return met
    return replace(met, subject=match.ledger_entry_id, because=(*met.because, match.ledger_entry_id))


def _is_due(session: Session, match: Match, *, now: datetime) -> bool:
    """Whether another year has begun or another source told something since the rules were asked, or the giver's list
    of related people names somebody of the household by now."""
    since = match.asked_at or match.created_at
    homes = sorted(same_as(session, [match.household_id]).of(match.household_id))
    if any(is_related(session, home, org_id=match.org_id) for home in homes):
        return True
    told = select(LedgerEntry.id).where(col(LedgerEntry.household_id).in_(homes), col(LedgerEntry.source) != PLATFORM)
    told = told.where(col(LedgerEntry.state).in_(LIVE), col(LedgerEntry.updated_at) >= since)
    return local_day(since).year != local_day(now).year or session.exec(told.limit(1)).first() is not None


def _new(session: Session, match: Match, said: Verdict, *, now: datetime) -> Finding | None:
    """The tightest rule that says no for a reason that was not there when the rules were asked: a rule of the year in
    another year, a row that another source told of since, or a giver that is related by now. Aid of ours was held
    against this match when it began."""
    since = match.asked_at or match.created_at
    other_year = local_day(since).year != local_day(now).year
    refs = {row.ref for finding in said.findings for row in finding.because}
    told = select(LedgerEntry.id).where(col(LedgerEntry.id).in_(refs), col(LedgerEntry.source) != PLATFORM)
    fresh = set(session.exec(told.where(col(LedgerEntry.updated_at) >= since)))
    for finding in said.findings:
        by_kind = finding.kind == RELATED or (other_year and finding.kind in BY_YEAR)
        if by_kind or any(row.ref in fresh for row in finding.because):
            return finding
    return None


def behind(session: Session, match: Match, /) -> OverlapHit | None:
    """The newest hit that holds this match."""
    wanted = select(OverlapHit).where(col(OverlapHit.need_id) == match.need_id, col(OverlapHit.place) == hits.HELD)
    return session.exec(wanted.order_by(col(OverlapHit.created_at).desc()).limit(1)).first()


def go_on(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """A person has looked: the match goes on if the rules say yes now; else it is ended, or the rule is excepted."""
    match = moves.get_match(session, match_id, action="match:hold", actor=actor)
    if match.held_for != holding.RULE:
        raise WrongState("match_not_held")
    said = ask(session, match, now=now)
    if said.allowed < match.units:
        raise OverlapFound(said, need_id=match.need_id)
    match.asked_at = now
    return holding.release(session, match_id, actor=actor, now=now)


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep: ask again where something new is known, each match in its own transaction."""
    now = clock()
    with database.reading() as session:
        found = due(session, now=now)
    return one_by_one(database, found, partial(_ask_again, now=now), failed=_failed)


def _ask_again(session: Session, match_id: str, /, *, now: datetime) -> bool:
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    free = match.state in holding.HOLDABLE and not match.held_for
    return free and hold_broken(session, match, actor=SYSTEM, now=now)


def _failed(_match_id: str, error: str) -> None:
    log.warning("a reservation is asked about again at the next sweep: %s", error)


def due(session: Session, /, *, now: datetime) -> list[str]:
    """Reservations of which another source told aid since they were asked about, those of another year, and those of
    households that are related to their giver by now."""
    open_ones = (col(Match.state).in_(holding.HOLDABLE), col(Match.held_for) == "")
    year = end_of_day(local_day(now).replace(month=1, day=1) - timedelta(days=1))
    row = (
        exists()
        .where(col(LedgerEntry.source) != PLATFORM, col(LedgerEntry.state).in_(LIVE))
        .where(col(LedgerEntry.updated_at) >= col(Match.asked_at))
    )
    told = row.where(col(LedgerEntry.household_id) == col(Match.household_id))
    wanted = select(Match.id).where(*open_ones, or_(col(Match.asked_at) < year, told))
    found = list(session.exec(wanted.order_by(col(Match.id)).limit(BATCH)))
    same = all_same(session)
    for group in same.several():
        homes = sorted(group)
        theirs = row.where(col(LedgerEntry.household_id).in_(homes))
        found += session.exec(select(Match.id).where(*open_ones, col(Match.household_id).in_(homes), theirs))
    related = {(home, org_id) for one, org_id in related_pairs(session) for home in same.of(one)}
    for some in chunks(sorted({home for home, _org_id in related}), BATCH):
        matches = session.exec(select(Match).where(*open_ones, col(Match.household_id).in_(some)))
        found += [match.id for match in matches if (match.household_id, match.org_id) in related]
    return list(dict.fromkeys(found))
