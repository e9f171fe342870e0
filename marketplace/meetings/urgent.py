"""Urgent, day or night: the approver on call approves free stock up to a cap, and another looks at it the next day.

Enters: a critical need that somebody else has verified. Leaves: matches like any other, each marked as urgent-approved,
the household told at once, and a clock until the review, held by an approver named for it who is none of the pair. The
cap stands in `cap`. The review ends in one of three verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.decisions import approve as approval
from marketplace.decisions import moves, officers
from marketplace.decisions import service as decisions
from marketplace.decisions.at_once import hold_home
from marketplace.decisions.closing import RECLAIMABLE
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake.cells import names_somebody
from marketplace.ledger.overlap import homes_of
from marketplace.meetings import duties, reclaims, roster
from marketplace.meetings.cap import night_of, room_for
from marketplace.meetings.models import ReviewState, UrgentApproval
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.policy import require
from marketplace.proposals import quotes
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.proposals.quotes import CRITICAL

STEP, ASKED = "urgent_review", "urgent_answer"


def refusal(session: Session, need: Need, /, *, actor: Actor, now: datetime) -> str:
    """The code of the reason why this actor may not approve this need alone now; empty if nothing stands against it."""
    on_call = {row.approver_id for row in roster.running(session, now, districts=(need.district_code,))}
    if not on_call & actor.people:
        return "not_on_call"
    if need.urgency < CRITICAL:
        return "not_critical"
    if not need.verifier_id or need.vouched_by & actor.people:
        return "verifier_is_approver"
    return "" if room_for(session, need.household_id, night=night_of(now)).left_fen else "cap_used"


def approve(session: Session, need_id: str, /, *, reason: str, actor: Actor, now: datetime) -> list[UrgentApproval]:
    """Approve what is proposed or free for this need, as far as the cap of this household and night allows; asked again
    at the end with the household locked, which nobody waits for before its needs and offers (adr/0066)."""
    need = session.get(Need, need_id)
    require(actor, "urgent:approve", district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("need")
    _sound_reason(reason)
    if code := refusal(session, need, actor=actor, now=now):
        raise WrongState(code)
    left = room_for(session, need.household_id, night=night_of(now)).left_fen
    chosen = lines_within(session, need, left=left, actor=actor, now=now)
    matches = approved(session, need, chosen, night=night_of(now), actor=actor, now=now)
    return [mark(session, match, need=need, reason=reason, actor=actor, now=now) for match in matches]


def approved(
    session: Session, need: Need, chosen: Sequence[ProposedLine], /, *, night: date, actor: Actor, now: datetime
) -> list[Match]:
    """The matches of these lines; WrongState where none holds, or where somebody else has used the cap meanwhile."""
    outcome = approval.approve(session, [line.id for line in chosen], actor=actor, now=now)
    if not outcome.approved:
        raise WrongState(outcome.excluded[0].code)
    homes_of(session, need.household_id, lock=True)
    if outcome.value_fen > room_for(session, need.household_id, night=night).left_fen:
        raise WrongState("cap_used")
    matches = select(Match).where(col(Match.line_id).in_(outcome.approved))
    return list(session.exec(matches.order_by(col(Match.id))))


def _sound_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("reason_missing", field="reason")
    if names_somebody(reason):
        raise BadInput("personal_in_text", field="reason")


def lines_within(
    session: Session, need: Need, /, *, left: int, without: frozenset[str] = frozenset(), actor: Actor, now: datetime
) -> list[ProposedLine]:
    """Lines that still hold and fit under what is `left`: of those proposed already, else of what is free at this
    moment as if nothing were proposed; `without` some organisations. What does not hold stands in nobody's way, and of
    the free stock nothing stays proposed that is not chosen: the pair may have a line already."""
    wanted = select(ProposedLine).where(ProposedLine.need_id == need.id, ProposedLine.state == LineState.PROPOSED)
    waiting = session.exec(wanted.order_by(col(ProposedLine.id)).with_for_update()).all()
    waiting = [line for line in waiting if session.get_one(Offer, line.offer_id).org_id not in without]
    said = approval.preview(session, [line.id for line in waiting], actor=actor, now=now) if waiting else None
    sound = [line for line in waiting if said and line.id in said.approved]
    if chosen := _within(session, sound, left=left):
        return chosen
    hold = partial(hold_home, session, need.household_id, now=now)
    try:
        free = quotes.take_free_stock(session, need.id, without=without, anew=True, hold=hold, actor=actor, now=now)
    except WrongState:
        if said is None:
            raise
        raise WrongState("above_cap" if sound else said.excluded[0].code) from None
    chosen = _within(session, free, left=left)
    for line in free:
        line.state = line.state if line in chosen else LineState.STALE
    flush(session)
    if not chosen:
        raise WrongState("above_cap")
    return chosen


def _within(session: Session, lines: Sequence[ProposedLine], /, *, left: int) -> list[ProposedLine]:
    """Lines that fit under what is left. One from free stock is cut to whole lots that fit; a run's line is not cut,
    for the plan's hash tells its units."""
    chosen = []
    for line in sorted(lines, key=lambda line: (line.value_fen, line.id)):
        if line.value_fen > left and not _cut(session, line, left=left):
            continue
        left -= line.value_fen
        chosen.append(line)
    return chosen


def _cut(session: Session, line: ProposedLine, *, left: int) -> bool:
    need, offer = session.get_one(Need, line.need_id), session.get_one(Offer, line.offer_id)
    each = -(-line.value_fen // line.units)
    units = left // each // offer.lot * offer.lot
    if not line.free_stock or need.all_or_nothing or units < max(1, offer.min_per_need):
        return False
    line.units, line.value_fen = units, units * each
    session.add(line)
    flush(session)
    return True


def mark(
    session: Session,
    match: Match,
    /,
    *,
    need: Need,
    reason: str,
    actor: Actor,
    now: datetime,
    follows: UrgentApproval | None = None,
) -> UrgentApproval:
    """Keep that a match was approved at once, and begin its review. What follows another case is of the same night,
    however late it is passed on. A giver without a standing yes is asked at once:
    its contact on call has hours, not days."""
    line = session.get_one(ProposedLine, match.line_id)
    row = UrgentApproval(
        id=new_id(),
        match_id=match.id,
        need_id=need.id,
        household_id=need.household_id,
        district_code=need.district_code,
        night_on=follows.night_on if follows is not None else night_of(now),
        value_fen=line.value_fen,
        verifier_id=need.brought_by or need.verifier_id,
        verifier_for=need.brought_for if need.brought_by else need.verifier_for,
        approver_id=actor.id,
        approver_for=actor.stood_for,
        reason=reason.strip()[:200],
        approved_at=now,
        state=ReviewState.WAITING,
        asked=match.state is MatchState.AWAITING_GIVER,
        follows_id=follows.id if follows is not None else None,
    )
    match.at_once = True
    session.add_all((row, match))
    if row.asked:
        moves.wait(session, match, outcome="asked_at_once", for_step=ASKED, now=now)
        notices.post(session, "urgent_asked", key=f"{row.id}:asked", org_id=match.org_id, now=now)
    reviewer = officers.choose(officers.load(session, STEP), need.district_code, but=tuple(row.pair))
    holder = Holder(account_id=reviewer, district_code=need.district_code)
    clocks.start(session, STEP, row.id, holder=holder, now=now, urgent=True)
    notices.post(session, "urgent_approved", key=f"{row.id}:urgent", household_id=need.household_id, now=now)
    _record(session, row, "urgent:approve", actor=actor, now=now)
    return row


def pair_of(session: Session, urgent_id: str, /) -> tuple[str, ...]:
    """Who verified and approved it that night: another person reviews it."""
    row = session.get(UrgentApproval, urgent_id)
    return tuple(sorted(row.pair)) if row is not None else ()


def review(
    session: Session, urgent_id: str, /, *, verdict: ReviewState, reason: str, actor: Actor, now: datetime
) -> UrgentApproval:
    """Another approver looks at it: it stands, it is to be reclaimed, or its papers are to be brought afterwards."""
    row = session.get(UrgentApproval, urgent_id, with_for_update=True, populate_existing=True)
    require(actor, "urgent:review", district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("urgent_approval")
    if row.state is not ReviewState.WAITING:
        raise WrongState("urgent_reviewed")
    if actor.people & row.pair:
        raise WrongState("same_person_twice")
    if verdict is ReviewState.WAITING:
        raise BadInput("bad_input", field="verdict")
    _sound_reason(reason)
    row.state, row.review_reason = verdict, reason.strip()[:200]
    row.reviewed_by, row.reviewed_at = actor.id, now
    session.add(row)
    clocks.end(session, row.id, outcome=verdict.value, now=now)
    if verdict is ReviewState.RECLAIM:
        _reclaim(session, row, actor=actor, now=now)
    if verdict is ReviewState.REGULARISE:
        _regularise(session, row, actor=actor, now=now)
    _record(session, row, "urgent:review", actor=actor, now=now)
    return row


def _reclaim(session: Session, row: UrgentApproval, *, actor: Actor, now: datetime) -> None:
    """Aid that has not arrived is stopped at once; for what has, the giver is asked to claim it back. What has ended
    otherwise needs neither."""
    match = session.get_one(Match, row.match_id)
    if match.state in decisions.CANCELLABLE:
        decisions.cancel(session, match.id, reason_code="doubt", actor=actor, now=now)
        return
    if match.state in RECLAIMABLE:
        reclaims.ask(session, row, match, now=now)


def _regularise(session: Session, row: UrgentApproval, *, actor: Actor, now: datetime) -> None:
    """Whoever approved brings the papers; if that account is gone, the reviewer does."""
    known = {one.id for one in duties.officers(session, row.district_code)}
    officer = row.approver_id if row.approver_id in known else actor.id
    duties.give(session, duties.Task(row.need_id, officer, row.review_reason), actor=actor, now=now)


def get_urgent(session: Session, urgent_id: str, /, *, actor: Actor) -> UrgentApproval:
    """One case of the actor's area."""
    row = session.get(UrgentApproval, urgent_id)
    require(actor, "urgent:list")
    if row is None or not actor.serves(row.district_code):
        raise NotFound("urgent_approval")
    return row


def list_urgent(
    session: Session, state: ReviewState | None, /, *, actor: Actor, offset: int, limit: int
) -> list[UrgentApproval]:
    """One page: those that wait first, the oldest of them first; of the others the newest."""
    require(actor, "urgent:list")
    order = col(UrgentApproval.approved_at)
    wanted = select(UrgentApproval).where(*_seen(state, actor))
    wanted = wanted.order_by(order if state is ReviewState.WAITING else order.desc(), col(UrgentApproval.id))
    return list(session.exec(wanted.offset(offset).limit(limit)))


def count_urgent(session: Session, state: ReviewState | None, /, *, actor: Actor) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(UrgentApproval).where(*_seen(state, actor))).one()


def _seen(state: ReviewState | None, actor: Actor) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(col(UrgentApproval.state) == state)
    if actor.districts:
        wanted.append(col(UrgentApproval.district_code).in_(sorted(actor.districts)))
    return wanted


def _record(session: Session, row: UrgentApproval, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"match": row.match_id, "fen": row.value_fen, "night": row.night_on.isoformat()}
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, decision=row.state.value, body=body)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
