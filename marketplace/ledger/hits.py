"""Every time a rule against helping twice met a piece of aid: kept as evidence, judged by a person, counted.

Enters: what a run left out, what approval refused, what a late report contradicts. Leaves: one row for each rule and
subject, its clock where a person has to look, and the person's finding with what it cost. Called by decisions, runs,
the givers' reports and pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.register import chunks
from marketplace.ledger.models import HitState, LedgerEntry, OverlapHit
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.reference.needs import need_kind, reckoned_value

STEP = "overlap_look"
"""The clock of a hit that a person has to look at."""
APPROVAL, RUN, REPORT = "approval", "run", "report"
MINUTE_FEN = 100
"""What one minute of a worker is reckoned to cost, in fen: our own proposal, for the report of false alarms only."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Met:
    """A rule met aid of `units` for a household; `subject` names it, so that the same is kept once."""

    code: str
    place: str
    subject: str
    household_id: str
    district_code: str
    category: str
    units: int
    because: tuple[str, ...]
    need_id: str | None = None
    org_id: str | None = None


def keep(session: Session, met: Iterable[Met], /, *, actor: Actor, now: datetime) -> list[OverlapHit]:
    """Write down what is new; a late report that contradicts aid given before becomes a task with a clock."""
    new = _unknown(session, list({(one.code, one.place, one.subject): one for one in met}.values()))
    givers = _givers(session, {ref for one in new for ref in one.because[:1]})
    kept = []
    for one in new:
        row = _row(one, giver=givers.get(one.because[0], "") if one.because else "", now=now)
        session.add(row)
        kept.append(row)
    flush(session)
    entries = [
        audit.Entry("overlap:found", object_ref=row.id, subject=row.household_id, rule_id=row.code) for row in kept
    ]
    audit.record_many(session, entries, actor=actor, now=now)
    for row in kept:
        if row.place == REPORT:
            clocks.start(session, STEP, row.id, holder=Holder(district_code=row.district_code), now=now)
    return kept


def _unknown(session: Session, met: Sequence[Met]) -> list[Met]:
    known: set[tuple[str, str, str]] = set()
    for some in chunks(sorted({one.subject for one in met}), _ASKED):
        rows = select(OverlapHit.code, OverlapHit.place, OverlapHit.subject).where(col(OverlapHit.subject).in_(some))
        known |= {(row[0], row[1], row[2]) for row in session.exec(rows)}
    return [one for one in met if (one.code, one.place, one.subject) not in known]


def _givers(session: Session, refs: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(sorted(refs), _ASKED):
        rows = select(LedgerEntry.id, LedgerEntry.giver, LedgerEntry.source).where(col(LedgerEntry.id).in_(some))
        found |= {row[0]: row[1] or row[2] for row in session.exec(rows)}
    return found


def _row(one: Met, *, giver: str, now: datetime) -> OverlapHit:
    return OverlapHit(
        id=new_id(),
        code=one.code,
        place=one.place,
        subject=one.subject,
        household_id=one.household_id,
        need_id=one.need_id,
        org_id=one.org_id,
        giver=giver,
        district_code=one.district_code,
        category=one.category,
        units=one.units,
        value_fen=one.units * reckoned_value(need_kind(one.category).unit),
        because=list(one.because),
        state=HitState.OPEN,
        created_at=now,
    )


def of_need(need: Need, /, *, code: str, place: str, units: int, because: Iterable[str], org_id: str | None) -> Met:
    """A rule met aid for one of our needs; the same need and giver are counted once."""
    return Met(
        code=code,
        place=place,
        subject=f"{need.id}:{org_id or ''}",
        household_id=need.household_id,
        district_code=need.district_code,
        category=need.category,
        units=max(1, units),
        because=tuple(because),
        need_id=need.id,
        org_id=org_id,
    )


def get_hit(session: Session, hit_id: str, /, *, actor: Actor, lock: bool = False) -> OverlapHit:
    """One hit of the actor's districts."""
    hit = session.get(OverlapHit, hit_id, with_for_update=lock, populate_existing=True)
    if hit is None:
        raise NotFound("overlap_hit")
    require(actor, "overlap:view", district=hit.district_code)
    return hit


def decide(
    session: Session, hit_id: str, /, *, state: HitState, minutes: int, actor: Actor, now: datetime
) -> OverlapHit:
    """A person has looked: it is a duplicate, or it is none. Money already given is left alone either way."""
    hit = get_hit(session, hit_id, actor=actor, lock=True)
    require(actor, "overlap:decide", district=hit.district_code)
    if hit.state is not HitState.OPEN:
        raise WrongState("hit_decided")
    if state is HitState.OPEN:
        raise BadInput("not_in_list", field="state")
    if not 0 <= minutes <= 600:
        raise BadInput("minutes_outside", field="minutes")
    hit.state, hit.minutes, hit.decided_by, hit.decided_at = state, minutes, actor.id, now
    session.add(hit)
    flush(session)
    body = {"minutes": minutes}
    entry = audit.Entry(
        f"overlap:{state.value}", object_ref=hit.id, subject=hit.household_id, rule_id=hit.code, body=body
    )
    audit.record(session, entry, actor=actor, now=now)
    clocks.end(session, hit.id, step=STEP, outcome=state.value, now=now)
    return hit


def rows_behind(session: Session, hit: OverlapHit, /) -> list[LedgerEntry]:
    """The ledger rows that the rule named, the newest first."""
    wanted = select(LedgerEntry).where(col(LedgerEntry.id).in_(hit.because))
    return list(session.exec(wanted.order_by(col(LedgerEntry.given_on).desc(), col(LedgerEntry.id))))


@dataclass(frozen=True, slots=True)
class Total:
    """One line of the report: a rule, or who had already given. A false alarm is no duplicate, and costs minutes."""

    key: str
    hits: int
    households: int
    value_fen: int
    false_alarms: int
    cost_fen: int


def totals(session: Session, /, *, by: str, actor: Actor) -> list[Total]:
    """What the rules stopped, by rule (`code`) or by who had already given (`giver`); the dearest first."""
    column = {"code": col(OverlapHit.code), "giver": col(OverlapHit.giver)}[by]
    real = _narrowed(select(column, func.count(), func.sum(OverlapHit.value_fen)), actor)
    real = real.where(col(OverlapHit.state) != HitState.FALSE_ALARM).group_by(column)
    homes = _narrowed(select(column, func.count(func.distinct(OverlapHit.household_id))), actor)
    homes = homes.where(col(OverlapHit.state) != HitState.FALSE_ALARM).group_by(column)
    false = _narrowed(select(column, func.count(), func.sum(OverlapHit.minutes)), actor)
    false = false.where(col(OverlapHit.state) == HitState.FALSE_ALARM).group_by(column)
    hits = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(real)}
    households = {row[0]: int(row[1]) for row in session.execute(homes)}
    alarms = {row[0]: (int(row[1]), int(row[2] or 0)) for row in session.execute(false)}
    found = [
        Total(
            key=key,
            hits=hits.get(key, (0, 0))[0],
            households=households.get(key, 0),
            value_fen=hits.get(key, (0, 0))[1],
            false_alarms=alarms.get(key, (0, 0))[0],
            cost_fen=alarms.get(key, (0, 0))[1] * MINUTE_FEN,
        )
        for key in hits.keys() | alarms.keys()
    ]
    return sorted(found, key=lambda line: (-line.value_fen, line.key))


def _narrowed(statement: Any, actor: Actor) -> Any:
    return statement.where(col(OverlapHit.district_code).in_(sorted(actor.districts))) if actor.districts else statement


def hits_where(actor: Actor, /, *, code: str = "", giver: str | None = None, state: str = "") -> Any:
    """The rows behind a line of the report: a statement for one page of a list, the newest first."""
    wanted = _narrowed(select(OverlapHit), actor)
    if code:
        wanted = wanted.where(col(OverlapHit.code) == code)
    if giver is not None:
        wanted = wanted.where(col(OverlapHit.giver) == giver)
    if state in set(HitState):
        wanted = wanted.where(col(OverlapHit.state) == HitState(state))
    return wanted.order_by(col(OverlapHit.created_at).desc(), col(OverlapHit.id))


def count_open(session: Session, /, *, actor: Actor) -> int:
    """How many late reports wait for a person."""
    wanted = _narrowed(select(func.count()).select_from(OverlapHit), actor)
    wanted = wanted.where(col(OverlapHit.state) == HitState.OPEN, col(OverlapHit.place) == REPORT)
    return int(session.exec(wanted).one())
