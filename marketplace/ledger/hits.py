"""Every time a rule against helping twice met a piece of aid: kept as evidence, judged by a person, counted.

Enters: what a run left out, what approval refused, what a late report contradicts. Leaves: one row for each rule and
subject, its clock where a person has to look, and the person's finding with what it cost. Called by decisions, runs,
the givers' reports and pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.kin import refuse_close
from marketplace.ledger.models import HitState, LedgerEntry, OverlapHit
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.reference.needs import need_kind, reckoned_value

STEP = "overlap_look"
"""The clock of a hit that a person has to look at."""
APPROVAL, RUN, REPORT, HELD = "approval", "run", "report", "held"
OPEN_REPORT = (col(OverlapHit.place) == REPORT, col(OverlapHit.state) == HitState.OPEN)
"""A late report's task that waits."""
TWICE = "TWICE"
"""The code of a gift that two sources tell of: no rule, and nothing was given twice (see `ledger.repeats`)."""
QUESTIONS = frozenset({"D21"})
"""Rules that stop help only until a person has answered: wherever they meet it, somebody is asked."""
SUM_CAPS = frozenset({"D01", "D02", "D04", "D07", "D09", "D13", "D14", "D15", "D16"})
"""Rules that add money or hours up, or that the county alone may lift: a row that counts there counts whoever looked at
it. Only an exception lifts them."""
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
    """Write down what is new, and what is known as it stands now; a late report that contradicts aid given before
    becomes a task with a clock. What was decided is asked again once its facts change. Returns the rows that are new or
    asked again."""
    wanted = {(one.code, one.place, one.subject): one for one in map(_once, met)}
    known = _known(session, {one.subject for one in wanted.values()})
    old = [(known[key], one) for key, one in wanted.items() if key in known]
    over = {row.id: row for row, one in old if _asks_anew(row, one)}
    _set_aside(session, over.values(), now=now)
    new = [one for key, one in wanted.items() if key not in known or known[key].id in over]
    givers = _givers(session, {ref for one in new for ref in one.because[:1]})
    kept = [_row(one, giver=givers.get(one.because[0], "") if one.because else "", now=now) for one in new]
    changed = [(row, one) for row, one in old if row.id not in over and not _as_known(row, one)]
    renewed = [_renewed(row, one) for row, one in changed if row.state is HitState.OPEN]
    kept += [_reopened(row, one) for row, one in changed if _is_more(row, one)]
    session.add_all([*kept, *renewed])
    flush(session)
    entries = [
        audit.Entry("overlap:found", object_ref=row.id, subject=row.household_id, rule_id=row.code)
        for row in (*kept, *renewed)
    ]
    audit.record_many(session, entries, actor=actor, now=now)
    for row in kept:
        if row.place == REPORT or (row.code in QUESTIONS and row.place != HELD):
            clocks.start(session, STEP, row.id, holder=Holder(district_code=row.district_code), now=now)
    return kept


def _once(one: Met) -> Met:
    """A question about a need is one, whoever was to give and wherever it came up."""
    if one.code in QUESTIONS and one.need_id and one.place in (RUN, APPROVAL):
        return replace(one, place=APPROVAL, subject=one.need_id, org_id=None)
    return one


def _known(session: Session, subjects: set[str]) -> dict[tuple[str, str, str], OverlapHit]:
    found: dict[tuple[str, str, str], OverlapHit] = {}
    for some in chunks(sorted(subjects), _ASKED):
        for row in session.exec(select(OverlapHit).where(col(OverlapHit.subject).in_(some))):
            found[row.code, row.place, row.subject] = row
    return found


def _as_known(row: OverlapHit, one: Met) -> bool:
    """Whether nothing is new; a late report's task that ended by itself was never looked at."""
    ended = row.place == REPORT and row.state is HitState.GONE
    return not ended and (row.units, set(row.because)) == (one.units, set(one.because))


def _is_more(row: OverlapHit, one: Met) -> bool:
    """Whether a task of a late report that is over tells of more than a person looked at; less is settled with it."""
    told = row.state is HitState.GONE or row.units < one.units or not set(one.because) <= set(row.because)
    return row.place == REPORT and row.state is not HitState.OPEN and told


def report_behind(hit: OverlapHit, /) -> str:
    """The ledger row that a late report's task is about."""
    return hit.subject.partition("@")[0]


def waits_for_somebody() -> ColumnElement[bool]:
    """Late reports, and questions about a need; what holds a match waits on the match's own page."""
    question = col(OverlapHit.code).in_(QUESTIONS) & (col(OverlapHit.place) == APPROVAL)
    return (col(OverlapHit.place) == REPORT) | question


def _asks_anew(row: OverlapHit, one: Met) -> bool:
    """Whether this is a question of its own: a match is held again, a hit is met by rows that nobody looked at, or aid
    turned out to be another household's; what ended by itself was never looked at. The old one keeps its rows and its
    finding. A late report of one household stays one task."""
    answered = row.state is not HitState.GONE and set(one.because) <= set(row.because)
    looked_at = row.state is HitState.OPEN or answered
    elsewhere = row.household_id != one.household_id
    return row.place == HELD or elsewhere or (row.place != REPORT and not looked_at)


def _set_aside(session: Session, rows: Collection[OverlapHit], *, now: datetime) -> None:
    """They stand for themselves; a question that nobody answered has gone."""
    for row in rows:
        row.subject = row.id
        if row.state is HitState.OPEN:
            row.state, row.decided_at = HitState.GONE, now
            clocks.end(session, row.id, step=STEP, outcome=HitState.GONE.value, now=now)
        session.add(row)
    if rows:
        flush(session)


def _renewed(row: OverlapHit, one: Met) -> OverlapHit:
    row.units, row.because = one.units, list(one.because)
    row.value_fen = one.units * reckoned_value(need_kind(one.category).unit)
    return row


def _reopened(row: OverlapHit, one: Met) -> OverlapHit:
    row.state, row.decided_by, row.decided_at = HitState.OPEN, "", None
    return _renewed(row, one)


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
    session: Session,
    hit_id: str,
    /,
    *,
    state: HitState,
    minutes: int,
    otherwise: bool = False,
    actor: Actor,
    now: datetime,
) -> OverlapHit:
    """A person has looked: it is a duplicate, or it is none; `otherwise` says another thing than was found before.
    Money already given is left alone either way."""
    hit = get_hit(session, hit_id, actor=actor, lock=True)
    require(actor, "overlap:decide", district=hit.district_code)
    refuse_close(session, hit.household_id, actor=actor)
    if hit.state is not HitState.OPEN and not (otherwise and can_be_otherwise(hit) and hit.state is not state):
        raise WrongState("hit_decided")
    if state not in (HitState.DUPLICATE, HitState.FALSE_ALARM):
        raise BadInput("not_in_list", field="state")
    if not 0 <= minutes <= 600:
        raise BadInput("minutes_outside", field="minutes")
    need = session.get(Need, hit.need_id) if hit.need_id else None
    if state is HitState.FALSE_ALARM and need is not None and need.vouched_by & actor.people:
        raise WrongState("verifier_is_approver")
    hit.state, hit.minutes, hit.decided_by, hit.decided_at = state, hit.minutes + minutes, actor.id, now
    session.add(hit)
    flush(session)
    body = {"minutes": minutes}
    entry = audit.Entry(
        f"overlap:{state.value}", object_ref=hit.id, subject=hit.household_id, rule_id=hit.code, body=body
    )
    audit.record(session, entry, actor=actor, now=now)
    clocks.end(session, hit.id, step=STEP, outcome=state.value, now=now)
    return hit


def can_be_otherwise(hit: OverlapHit, /) -> bool:
    """Whether what a person found may be put right; two tellings of one gift have been counted as they were found."""
    return hit.code != TWICE and hit.state in (HitState.DUPLICATE, HitState.FALSE_ALARM)


def end_gone(session: Session, hit_id: str, /, *, now: datetime) -> None:
    """A task whose rows were taken back ends by itself."""
    hit = session.get(OverlapHit, hit_id, with_for_update=True, populate_existing=True)
    if hit is None or hit.state is not HitState.OPEN:
        return
    hit.state, hit.decided_at = HitState.GONE, now
    session.add(hit)
    flush(session)
    entry = audit.Entry("overlap:gone", object_ref=hit.id, subject=hit.household_id, rule_id=hit.code)
    audit.record(session, entry, actor=SYSTEM, now=now)
    clocks.end(session, hit.id, step=STEP, outcome=HitState.GONE.value, now=now)


def set_apart(session: Session, need_ids: Iterable[str] | None = None, /) -> dict[str, frozenset[tuple[str, str]]]:
    """Need ► the (rule, ledger row) pairs that a person called no duplicate; of all needs, or of these. No sum of money
    is lifted in this way."""
    wanted = select(OverlapHit.need_id, OverlapHit.code, OverlapHit.because).where(
        col(OverlapHit.code).not_in(SUM_CAPS)
    )
    wanted = wanted.where(col(OverlapHit.state) == HitState.FALSE_ALARM, col(OverlapHit.need_id).is_not(None))
    if need_ids is not None:
        wanted = wanted.where(col(OverlapHit.need_id).in_(list(need_ids)))
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for need_id, code, because in session.exec(wanted):
        found[str(need_id)] = found.get(str(need_id), frozenset()) | {(code, ref) for ref in because}
    return found


def rows_behind(session: Session, hit: OverlapHit, /) -> list[LedgerEntry]:
    """The ledger rows that the rule named, the newest first."""
    wanted = select(LedgerEntry).where(col(LedgerEntry.id).in_(hit.because))
    return list(session.exec(wanted.order_by(col(LedgerEntry.given_on).desc(), col(LedgerEntry.id))))
