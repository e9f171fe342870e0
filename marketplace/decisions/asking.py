"""The rules against helping twice are asked again about aid that is reserved and not yet given.

Enters: matches under way. Leaves: the match held for a person, with the hit as evidence, where something new (see
`news`) makes a rule say no; or let go on once the rules say yes again. What is delivered is a fact: it is kept, and
held against the rules like a late report. Called by the worker, before either side accepts, before a payment file is
written, at delivery and by the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.db import Database, one_by_one
from marketplace.decisions import holding, moves, news
from marketplace.decisions.models import Match
from marketplace.errors import WrongState
from marketplace.ledger import hits
from marketplace.ledger.models import OverlapHit
from marketplace.ledger.overlap import OverlapFound, verdict
from marketplace.needs.models import Need
from matching.overlap_rules import Finding, Verdict

log = logging.getLogger("shanqiao.decisions")


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
    finding = _new(session, match, now=now)
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
        if match.state in holding.HOLDABLE and not match.held_for and news.of(session, match, now=now):
            hold_broken(session, match, actor=actor, now=now)


def before_answer(session: Session, match: Match, /, *, now: datetime) -> None:
    """Nobody says yes to what a rule now forbids; the worker holds it for a person, and the answer waits for that."""
    if news.of(session, match, now=now) and _new(session, match, now=now):
        raise WrongState("match_held", cause=holding.RULE)


def at_delivery(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """What has been handed over is a fact: where a rule says no by now, a person looks at it afterwards."""
    finding = _new(session, match, now=now) if news.of(session, match, now=now) else None
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


def _new(session: Session, match: Match, /, *, now: datetime) -> Finding | None:
    """The tightest rule that says no for a reason that was not there when the rules were asked; what is new is read
    once the household is locked."""
    said = ask(session, match, now=now)
    return next(filter(news.of(session, match, now=now).behind, said.findings), None)


def behind(session: Session, match: Match, /) -> OverlapHit | None:
    """The newest hit that holds this match."""
    wanted = select(OverlapHit).where(col(OverlapHit.need_id) == match.need_id, col(OverlapHit.place) == hits.HELD)
    wanted = wanted.where(col(OverlapHit.org_id) == match.org_id)
    return session.exec(wanted.order_by(col(OverlapHit.created_at).desc()).limit(1)).first()


def go_on(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """A person has looked: the match goes on if the rules say yes now, and what held it prevented nothing; else it is
    ended, or the rule is excepted."""
    moves.get_match(session, match_id, action="match:hold", actor=actor)
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    if match.held_for != holding.RULE:
        raise WrongState("match_not_held")
    said = ask(session, match, now=now)
    if said.allowed < match.units:
        raise OverlapFound(said, need_id=match.need_id)
    match.asked_at, hit = now, behind(session, match)
    if hit is not None:  # before the first act (adr/0066)
        session.get_one(OverlapHit, hit.id, with_for_update=True, populate_existing=True)
    match = holding.release(session, match_id, actor=actor, now=now)
    if hit is not None:
        hits.end_gone(session, hit.id, now=now)
    return match


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep: ask again where something new is known, each match in its own transaction."""
    now = clock()
    with database.reading() as session:
        found = news.due(session, now=now)
    return one_by_one(database, found, partial(_ask_again, now=now), failed=_failed)


def _ask_again(session: Session, match_id: str, /, *, now: datetime) -> bool:
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    free = match.state in holding.HOLDABLE and not match.held_for
    return free and hold_broken(session, match, actor=SYSTEM, now=now)


def _failed(_match_id: str, error: str) -> None:
    log.warning("a reservation is asked about again at the next sweep: %s", error)
