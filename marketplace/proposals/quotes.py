"""Between runs: what a verified need could have at once, and how it stands for the next run.

Enters: a need and who asks. Leaves: a `Told` for the page and the JSON door, which write nothing; or proposed lines
from free stock, which wait in the ordinary queue until a person decides. A sweep of the background worker does the same
for every need that came after the last run that holds it. Nobody loses anything here; see `proposals.making_way`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, exists, select

from marketplace import audit, jobs
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.db import Database, flush, new_id
from marketplace.errors import DomainError, NotFound, WrongState
from marketplace.households.models import ByHand
from marketplace.jobs import Job, JobState
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.policy import require
from marketplace.proposals.boards import Standing, last_runs, standing_of, stock_left
from marketplace.proposals.models import LineState, NeedQuote, ProposedLine, Run, RunState
from marketplace.proposals.results import titles_of
from marketplace.proposals.supply import budgets_left, lock_offers
from marketplace.reference.needs import reckoned_value
from matching.quote import LIKELY, Quote, quote

FREE_STOCK = "free_stock"
"""The reason code of a line that was proposed between two runs."""
MAKE_WAY = "make_way"
"""The job that works out who could make way."""
MOST_AT_ONCE = 50
CRITICAL = 3
"""The urgency of a need that may draw on free stock while a run is under way."""
UNDER_WAY = (RunState.WAITING, RunState.WORKING)
NO_RUN, NOT_VERIFIED, RULED_OUT = "no_run", "not_verified", "ruled_out"


@dataclass(frozen=True, slots=True)
class Told:
    """What can be said of one need: `quote` is None, with a `state`, before the first run and for needs that no run
    would look at; `titles` names the offers that it mentions; `rules` are the rules against helping twice that leave
    `ruled_units` of what is open to nobody, the tightest first."""

    need: Need
    state: str
    run: Run | None = None
    quote: Quote | None = None
    titles: Mapping[str, str] = ()  # type: ignore[assignment]
    rules: tuple[str, ...] = ()
    ruled_units: int = 0


def tell(session: Session, need_id: str, /, *, actor: Actor, now: datetime) -> Told:
    """The quote of this moment; nothing is written."""
    need = session.get(Need, need_id)
    require(actor, "quote:view", district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("not_found")
    if not _is_open(need, now):
        return Told(need, NOT_VERIFIED, titles={})
    stands = standing_of(session, need, now=now)
    if stands is None:
        return Told(need, NO_RUN, titles={})
    told = _quoted(session, stands)
    ruled = stands.open_units - stands.ruled.allowed
    stops = ruled > 0 == stands.ruled.allowed
    return Told(
        need,
        RULED_OUT if stops else told.verdict,
        stands.run,
        told,
        rules=tuple(dict.fromkeys(finding.code for finding in stands.ruled.findings)) if ruled > 0 else (),
        ruled_units=max(0, ruled),
        titles=titles_of(session, [told.resource_id, *(line.resource_id for line in told.free)]),
    )


def _is_open(need: Need, now: datetime) -> bool:
    return need.state is NeedState.VERIFIED and (need.valid_to is None or need.valid_to > local_day(now))


def _quoted(
    session: Session, stands: Standing, *, only: list[str] | None = None, without: Collection[str] = ()
) -> Quote:
    """Ask what is left of every fitting offer (of none but `only`, if given) for this need, then quote."""
    board, newcomer = stands.board, stands.newcomer
    places = board.fit(newcomer).places.tolist()
    ids = [board.resources[at].resource_id for at in places]
    if not ids:
        return quote(board, newcomer)
    left = stock_left(session, category="" if only is not None else newcomer.need.category, offer_ids=only or ())
    left |= dict.fromkeys(without, 0)
    back = stands.kept_back
    marks = {mark for at in places for mark in board.above[at]}
    earmarks = budgets_left(session, marks, on=board.policy.as_of) if marks else None
    left = {one: max(0, left.get(one, 0) - back.get(one, 0)) for one in ids}
    return quote(board, newcomer, left=left, earmarks=earmarks)


def as_json(told: Told) -> dict[str, Any]:
    """What the JSON door answers: ids, codes and whole numbers, and the offers' titles; nobody's name."""
    answer: dict[str, Any] = {"need_id": told.need.id, "state": told.state, "unit": told.need.unit}
    if told.run is None or told.quote is None:
        return answer
    said = told.quote
    return answer | {
        "run": {"id": told.run.id, "number": told.run.number, "as_of": told.run.as_of.isoformat()},
        "open_units": said.open,
        "free": [
            {"offer_id": line.resource_id, "title": told.titles.get(line.resource_id, ""), "units": line.units}
            for line in said.free
        ],
        "cheapest_offer_id": said.resource_id,
        "price": said.price,
        "line": {"urgency": said.line[0], "level": said.line[1]} if said.line else None,
        "levels": [
            {"level": row.level, "units": row.units, "rank": row.rank, "verdict": row.verdict} for row in said.levels
        ],
        "fitting_offers": said.fits,
        "refused": dict(said.refused),
        "rules": list(told.rules),
        "ruled_units": told.ruled_units,
    }


def take_free_stock(
    session: Session,
    need_id: str,
    /,
    *,
    without: frozenset[str] = frozenset(),
    anew: bool = False,
    hold: Callable[[Collection[str]], object] = len,
    actor: Actor,
    now: datetime,
) -> list[ProposedLine]:
    """Propose what is free for this need, `without` what certain organisations hold, `anew` as if nothing were proposed
    for it. Everything is asked again with the need and the offers locked, so that two needs never get the same last
    unit; approval asks once more. `hold`: what the caller locks, given these givers, before the act is written."""
    need = _locked_need(session, need_id, actor=actor)
    lines, _told = _take(session, need, without=without, anew=anew, hold=hold, actor=actor, now=now)
    if not lines:
        raise WrongState("nothing_free")
    return lines


def _take(
    session: Session,
    need: Need,
    *,
    without: frozenset[str] = frozenset(),
    anew: bool = False,
    hold: Callable[[Collection[str]], object] = len,
    actor: Actor,
    now: datetime,
) -> tuple[list[ProposedLine], Quote]:
    """Only a critical need does not wait for a run that is under way: the run leaves its line alone if it never saw the
    need, and approval asks for the stock again."""
    if not _is_open(need, now):
        raise WrongState("need_changed")
    under_way = select(Run.id).where(col(Run.state).in_(UNDER_WAY))
    if need.urgency < CRITICAL and session.exec(under_way).first() is not None:
        raise WrongState("run_busy")
    stands = standing_of(session, need, anew=anew, now=now)
    if stands is None:
        raise WrongState(NO_RUN)
    held = session.exec(select(Offer.id).where(col(Offer.org_id).in_(sorted(without)))).all() if without else ()
    told = _quoted(session, stands, without=held)
    wanted = sorted(line.resource_id for line in told.free)
    if not wanted:  # asking again could find what came free meanwhile, of an offer that is not locked
        return [], told
    offers = {offer.id: offer for offer in lock_offers(session, wanted)}
    hold([offer.org_id for offer in offers.values()])
    told = _quoted(session, stands, only=wanted, without=held)
    left = stock_left(session, offer_ids=wanted)
    lines = [
        _line(stands, need, offers[line.resource_id], units=line.units, left=left[line.resource_id])
        for line in told.free
    ]
    session.add_all(lines)
    flush(session)
    if lines:
        body = {"lines": len(lines), "units": sum(line.units for line in lines)}
        entry = audit.Entry("quote:take", object_ref=need.id, subject=need.household_id, body=body)
        audit.record(session, entry, actor=actor, now=now)
    return lines, told


def _locked_need(session: Session, need_id: str, *, actor: Actor) -> Need:
    need = session.get(Need, need_id, with_for_update=True, populate_existing=True)
    require(actor, "quote:take", district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("not_found")
    return need


def _line(stands: Standing, need: Need, offer: Offer, *, units: int, left: int) -> ProposedLine:
    chain, version, _excluded = stands.consent or ("", 0, frozenset())
    return ProposedLine(
        id=new_id(),
        run_id=stands.run.id,
        need_id=need.id,
        offer_id=offer.id,
        household_id=need.household_id,
        district_code=need.district_code,
        urgency=need.urgency,
        units=units,
        value_fen=units * max(reckoned_value(offer.unit), offer.unit_cost_fen),
        reasons=[{"code": FREE_STOCK, "units": units, "left": left}],
        state=LineState.PROPOSED,
        consent_chain_id=chain,
        consent_version=version,
        free_stock=True,
    )


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Look at every need that was verified after the last run that holds it and not looked at since; returns how many.

    While a run is under way nothing is done, for it decides on these needs itself.
    """
    with database.reading() as session:
        waiting = _newcomers(session)
    for run_id, need_id in waiting:
        try:
            with database.transaction() as session:
                _look(session, run_id, need_id, now=clock())
        except DomainError as error:
            with database.transaction() as session:
                if session.get(NeedQuote, (run_id, need_id)) is None:
                    _note(session, run_id, need_id, verdict=error.code[:16], now=clock())
    return len(waiting)


def _newcomers(session: Session) -> list[tuple[str, str]]:
    """Needs that came after the last run whose scope holds them, each with that run."""
    if session.exec(select(Run.id).where(col(Run.state).in_(UNDER_WAY))).first() is not None:
        return []
    found: list[tuple[str, str]] = []
    for run, theirs in last_runs(session):
        looked_at = exists().where(col(NeedQuote.need_id) == col(Need.id), col(NeedQuote.run_id) == run.id)
        statement = (
            select(Need.id)
            .where(col(Need.state) == NeedState.VERIFIED, col(Need.updated_at) > (run.started_at or run.created_at))
            .where(~looked_at, col(Need.household_id).not_in(select(ByHand.household_id)), *theirs)
            .order_by(col(Need.updated_at), col(Need.id))
            .limit(MOST_AT_ONCE - len(found))
        )
        found += [(run.id, need_id) for need_id in session.exec(statement)]
    return found


def _look(session: Session, run_id: str, need_id: str, *, now: datetime) -> None:
    need = _locked_need(session, need_id, actor=SYSTEM)
    if session.get(NeedQuote, (run_id, need_id)) is not None:
        return
    _lines, told = _take(session, need, actor=SYSTEM, now=now)
    free = sum(line.units for line in told.free)
    _note(session, run_id, need_id, verdict=told.verdict, open_units=told.open, free_units=free, now=now)
    if told.verdict == LIKELY:
        waiting = select(Job.id).where(Job.kind == MAKE_WAY, Job.ref == run_id, col(Job.state) == JobState.WAITING)
        if session.exec(waiting).first() is None:
            jobs.enqueue(session, MAKE_WAY, run_id, now=now)


def _note(
    session: Session,
    run_id: str,
    need_id: str,
    *,
    verdict: str,
    open_units: int = 0,
    free_units: int = 0,
    now: datetime,
) -> None:
    session.add(
        NeedQuote(
            run_id=run_id,
            need_id=need_id,
            verdict=verdict,
            open_units=open_units,
            free_units=free_units,
            made_at=now,
        )
    )
    body = {"verdict": verdict, "free_units": free_units}
    audit.record(session, audit.Entry("quote:make", object_ref=need_id, body=body), actor=SYSTEM, now=now)
    flush(session)
