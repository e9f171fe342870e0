"""What follows a delivery: somebody asks how it went and closes the match; or the aid comes back.

Enters: a match whose aid is on its way or has arrived. Leaves: `closed` after a follow-up, with a complaint as a task
of its own until it is settled; `given_back` when household or giver return it before use; `reclaiming` and `reclaimed`
when the giver asks it back with a reason (R1.17). The ledger row follows; where the need must not simply open
again it is closed or held for a person. Called by `decisions.service`, which offers these acts to every other room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import GIVERS, STAFF, Actor
from marketplace.db import flush, new_id
from marketplace.decisions import moves, pieces
from marketplace.decisions.models import FollowUp, Match, MatchState
from marketplace.decisions.moves import locked
from marketplace.errors import BadInput, WrongState
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.reference.needs import MONEY
from marketplace.reference.words import list_codes

RETURNABLE = (MatchState.IN_DELIVERY, MatchState.DELIVERED, MatchState.CONFIRMED)
RECLAIMABLE = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)
PAID_MISSING, GIVEN_BACK = "paid_missing", "given_back"
"""Why money that was paid is on its way back: the household says that it never came, or gives it back."""
OF_THE_HOUSE = (PAID_MISSING, GIVEN_BACK, "paid_after_end")
"""Reasons of a reclaim that follow from an act; no giver chooses them."""
LOOK_AGAIN = ("misuse", "not_entitled")
"""Reasons of a reclaim after which the need is held until a person has looked at it."""
MOST_MINUTES = 600


@dataclass(frozen=True, slots=True)
class Answers:
    """What a follow-up found: satisfaction 1 to 5, what remains (a code), the minutes that staff, and whoever
    helped the household, spent on the match; None where nobody knows."""

    satisfaction: int
    remains: str
    staff_minutes: int | None = None
    helper_minutes: int | None = None
    complaint: bool = False


def follow_up(session: Session, match_id: str, answers: Answers, /, *, actor: Actor, now: datetime) -> Match:
    """Somebody of the district has asked, or the household answers itself: the match is closed, unless it complains.
    Then the complaint becomes a task, and settling it closes the match."""
    match = locked(session, match_id, "match:follow_up", actor=actor, expected=(MatchState.CONFIRMED,))
    _check(session, match, answers)
    row = FollowUp(
        id=new_id(),
        match_id=match.id,
        answered_by=actor.id,
        own_answer=actor.role not in STAFF,
        satisfaction=answers.satisfaction,
        remains=answers.remains,
        staff_minutes=answers.staff_minutes if actor.role in STAFF else None,
        helper_minutes=answers.helper_minutes,
        complaint=answers.complaint,
        created_at=now,
    )
    session.add(row)
    body = {"satisfaction": row.satisfaction, "complaint": int(row.complaint)}
    if row.staff_minutes is not None:
        body["minutes"] = row.staff_minutes
    _record(session, match, "match:follow_up", rule=row.remains, body=body, actor=actor, now=now)
    flush(session)
    if row.complaint:
        moves.wait(session, match, outcome="complaint", now=now)
    else:
        _close(session, match, actor=actor, now=now)
    return match


def _check(session: Session, match: Match, answers: Answers) -> None:
    if not 1 <= answers.satisfaction <= 5:
        raise BadInput("bad_input", field="satisfaction")
    if answers.remains not in list_codes("remains"):
        raise BadInput("bad_input", field="remains")
    for name in ("staff_minutes", "helper_minutes"):
        if not 0 <= (getattr(answers, name) or 0) <= MOST_MINUTES:
            raise BadInput("bad_input", field=name)
    if find_follow_up(session, match.id) is not None:
        raise WrongState("followed_up")


def find_follow_up(session: Session, match_id: str, /) -> FollowUp | None:
    """What was answered about this match."""
    return session.exec(select(FollowUp).where(FollowUp.match_id == match_id)).first()


def settle(session: Session, match_id: str, /, *, settlement: str, actor: Actor, now: datetime) -> Match:
    """A complaint has been looked into; what came of it is kept, and the match is closed."""
    match = locked(session, match_id, "match:settle", actor=actor, expected=(MatchState.CONFIRMED,))
    row = find_follow_up(session, match.id)
    if row is None or not row.complaint or row.settled_at is not None:
        raise WrongState("no_complaint")
    if settlement not in list_codes("settlement"):
        raise BadInput("reason_missing", field="settlement")
    row.settlement, row.settled_by, row.settled_at = settlement, actor.id, now
    session.add(row)
    _record(session, match, "match:settle", rule=settlement, actor=actor, now=now)
    _close(session, match, actor=actor, now=now)
    return match


def _close(session: Session, match: Match, *, actor: Actor, now: datetime) -> None:
    match.closed_at = now
    moves.step(session, match, to=MatchState.CLOSED, actor=actor, now=now)


def give_back(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """Household or giver return the aid before it was used: its units are free, and the need is open again, unless
    the household needs nothing any more. The other side is told; this pair is not proposed again. Money that the bank
    has paid counts as given until the giver or the bank says that it is back. What was served of a service stays
    served; one that is delivered cannot come back."""
    match = locked(session, match_id, "match:give_back", actor=actor, expected=RETURNABLE)
    _known(reason_code, "give_back")
    if match.state is not MatchState.IN_DELIVERY:
        pieces.refuse_given(session, match)
    if match.paid_at is None:
        moves.end(session, match, to=MatchState.GIVEN_BACK, reason_code=reason_code, actor=actor, now=now)
    else:
        match.reason_code = GIVEN_BACK
        moves.step(session, match, to=MatchState.RECLAIMING, actor=actor, now=now)
    if reason_code == "no_longer_needed":
        settling.no_longer_needed(session, match.need_id, actor=actor, now=now)
    tell = moves.tell_household if actor.role in GIVERS else moves.tell_giver
    tell(session, match, moves.ending(match), key="given_back", now=now)
    return match


def bank_sent_back(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The bank sent the money back, perhaps after a follow-up has closed the match: nothing arrived in the end. Nobody
    said no, so the need is open again and this pair may be proposed again; the household is told, and staff find it in
    their list of what did not arrive."""
    match = locked(session, match_id, "match:give_back", actor=actor, expected=RECLAIMABLE)
    moves.end(session, match, to=MatchState.RETURNED, reason_code="other", actor=actor, now=now)
    moves.tell_household(session, match, "match_cancelled", key="bank_sent_back", now=now)
    return match


def stays_given(match: Match, need: Need, /) -> bool:
    """Whether the household's word alone frees nothing: the bank or an insurer says that it paid, or the giver that it
    put money into the household's hands."""
    return match.paid_at is not None or (need.unit == MONEY and not match.help_only)


def paid_missing(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> Match:
    """Money was paid (`stays_given`) and the household says that nothing came: the ledger keeps the payment and the
    need is held, until the bank says that the money came back, two people put an insurer's payout right, or an approver
    who has asked giver and bank lets it stand. Money that no bank paid is back with its giver on the giver's own word,
    and never came on an approver's."""
    match.reason_code = PAID_MISSING
    moves.step(session, match, to=MatchState.RECLAIMING, actor=actor, now=now)
    moves.wait(session, match, outcome=PAID_MISSING, for_step=PAID_MISSING, now=now)
    settling.hold_for_money(session, match.need_id, actor=actor, now=now)
    moves.tell_giver(session, match, "paid_missing", key=f"{PAID_MISSING}:{now.isoformat()}", now=now)
    return match


def never_paid(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """What an insurer told as paid never came, or is back with it, and two people say so: nothing arrived in the end.
    The need is open again and the household is told."""
    match = locked(session, match_id, "payout:settle", actor=actor, expected=(*RECLAIMABLE, MatchState.RECLAIMING))
    if match.reason_code == PAID_MISSING:
        settling.money_settled(session, match.need_id, actor=actor, now=now)
    match.paid_at = None
    moves.end(session, match, to=MatchState.RETURNED, reason_code="not_received", actor=actor, now=now)
    moves.tell_household(session, match, "match_cancelled", key="never_paid", now=now)
    return match


def never_handed_over(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """An approver who asked both sides finds that money which no bank paid was never handed over: nothing arrived. The
    need is open again and giver and household are told."""
    match = locked(session, match_id, "match:reclaim_drop", actor=actor, expected=(MatchState.RECLAIMING,))
    if match.reason_code != PAID_MISSING or match.paid_at is not None or actor.role in GIVERS:
        raise WrongState("bank_says_paid")
    settling.money_settled(session, match.need_id, actor=actor, now=now)
    moves.nothing_came(session, match, actor=actor, now=now)
    moves.tell_household(session, match, "match_cancelled", key="never_handed_over", now=now)
    return match


def reclaim_open(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """The giver asks back what the household has received, with a reason (R1.17). Nothing changes hands in the ledger
    before it says that the aid came back; the household is told and can ask civil affairs."""
    match = locked(session, match_id, "match:reclaim", actor=actor, expected=RECLAIMABLE)
    _known(reason_code, "reclaim")
    if reason_code in OF_THE_HOUSE:
        raise BadInput("reason_missing", field="reason_code")
    pieces.refuse_given(session, match)
    match.reason_code = reason_code
    moves.step(session, match, to=MatchState.RECLAIMING, actor=actor, now=now)
    moves.tell_household(session, match, "aid_asked_back", key=f"reclaim:{now.isoformat()}", now=now)
    return match


def reclaim_done(
    session: Session, match_id: str, /, *, asks: str = "match:reclaim", actor: Actor, now: datetime
) -> Match:
    """The aid is back with its giver: the ledger row is returned. After misuse the need is held for a person; else it
    is open again. `asks` is another action where the bank says so; it alone says so of money that, by the household's
    word, never came."""
    match = locked(session, match_id, asks, actor=actor, expected=(MatchState.RECLAIMING,))
    reason = match.reason_code
    if reason == PAID_MISSING:
        if match.paid_at is not None:
            raise WrongState("bank_says_paid")
        settling.money_settled(session, match.need_id, actor=actor, now=now)
    moves.end(session, match, to=MatchState.RECLAIMED, reason_code=reason, actor=actor, now=now)
    if reason in LOOK_AGAIN:
        settling.look_again(session, match.need_id, actor=actor, now=now)
    moves.tell_household(session, match, "match_cancelled", key="reclaimed", now=now)
    return match


def reclaim_drop(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The giver thinks better of it, or civil affairs finds no ground: the match is where it was before."""
    match = locked(session, match_id, "match:reclaim_drop", actor=actor, expected=(MatchState.RECLAIMING,))
    if match.reason_code == PAID_MISSING:
        if actor.role in GIVERS:
            raise WrongState("bank_says_paid")
        settling.money_settled(session, match.need_id, actor=actor, now=now)
    match.reason_code = ""
    arrived = MatchState.CONFIRMED if match.confirmed_at is not None else MatchState.DELIVERED
    to = MatchState.CLOSED if match.closed_at is not None else arrived
    moves.step(session, match, to=to, actor=actor, now=now)
    return match


def _known(code: str, table: str) -> None:
    if code not in list_codes(table):
        raise BadInput("reason_missing", field="reason_code")


def _record(
    session: Session,
    match: Match,
    action: str,
    *,
    rule: str,
    body: dict[str, int] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    entry = audit.Entry(action, object_ref=match.id, subject=match.household_id, rule_id=rule, body=body)
    audit.record(session, entry, actor=actor, now=now)
