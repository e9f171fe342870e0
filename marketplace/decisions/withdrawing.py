"""Withdrawing a consent in the middle of a match, and what becomes of everything that stood on it.

Enters: the household's word that a consent ends. Leaves, in one transaction: the consent revoked, matches freed or
held, the recipient's deletion order, both sides told. `decisions.service` offers it to every other room.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks.models import Clock
from marketplace.consent import changes
from marketplace.consent import service as consent
from marketplace.consent.ask import MATCHES, lock_with_all, others_say_yes
from marketplace.consent.models import Consent, ConsentHead, Purpose
from marketplace.decisions import moves
from marketplace.decisions.at_once import lock_open
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import WrongState
from marketplace.incidents.service import Reach, open_found
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.sharing import deletions

FREED_BY_BASE_CARD = (MatchState.AWAITING_SECOND, MatchState.AWAITING_GIVER, MatchState.AWAITING_HOUSEHOLD)
"""Where nothing but the base card has been used: withdrawing it ends the match."""


COMPLETION = timedelta(days=7)
"""So long a delivery that is on its way may be finished with the least that it takes."""
LEAST = ("name", "pickup_code")
"""What a delivery takes at the least."""


class Then(StrEnum):
    """What the household wants of help that is on its way when it withdraws."""

    STOP = "stop"
    HOLD = "hold"
    FINISH = "finish"


def withdraw_consent(
    session: Session, chain_id: str, /, *, actor: Actor, now: datetime, then: Then = Then.STOP, way: str = ""
) -> Consent:
    """End a consent and free what stood on it, in one transaction.

    Without the base card no match may wait any longer; where another adult says yes to being matched it waits on. Of
    help on its way under a giver's own consent the household picks: stop it, hold it until somebody has called, or let
    this one delivery be finished with name and pick-up code. Aid that was delivered stays, and government aid is never
    touched. `way` says how it asked staff, if it did.
    """
    head = lock_with_all(session, chain_id)  # so two adults who take their words back at one moment see each other, too
    if then is Then.FINISH and head.purpose is not Purpose.AUTO_MATCH:
        return _finish(session, head, actor=actor, now=now)
    ended = consent.withdraw(session, chain_id, actor=actor, now=now, reason_code=way)
    _free(session, head, then=then, reason_code="consent_withdrawn", actor=actor, now=now)
    notices.post(
        session, "consent_withdrawn", key=f"{ended.chain_id}@{ended.version}", household_id=head.household_id, now=now
    )
    return ended


def void_consent(session: Session, chain_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Consent:
    """A consent that was never a free yes ends as a withdrawn one does, whatever is on its way; what was seen under it
    is an incident."""
    head = lock_with_all(session, chain_id)
    ended = changes.void(session, chain_id, reason_code=reason_code, actor=actor, now=now)
    _free(session, head, then=Then.STOP, reason_code="consent_void", actor=actor, now=now)
    begun = session.get_one(Consent, (chain_id, 1)).created_at
    reach = Reach(begun, now + timedelta(seconds=1), org_id=head.recipient_org_id, consent_chain_id=chain_id)
    open_found(session, reach, what=f"consent void: {reason_code}", actor=actor, now=now)
    return ended


def _finish(session: Session, head: ConsentHead, *, actor: Actor, now: datetime) -> Consent:
    """The consent shrinks to what this delivery takes, for seven days; afterwards it has ended."""
    under_way = _on_consent(session, head, MatchState.IN_DELIVERY)
    if not under_way:
        raise WrongState("nothing_on_its_way")
    until = now + COMPLETION
    left = changes.narrow(
        session, head.chain_id, keep=LEAST, until=until, actor=actor, now=now, action="consent:finish"
    )
    key = f"{left.chain_id}@{left.version}"
    notices.post(session, "consent_withdrawn", key=key, household_id=head.household_id, now=now)
    return left


def _free(session: Session, head: ConsentHead, *, then: Then, reason_code: str, actor: Actor, now: datetime) -> None:
    """Matches that stood on this consent end or are held; proposals are stale; the recipient gets its order."""
    if head.purpose is Purpose.AUTO_MATCH:
        if others_say_yes(session, head, now=now):
            return
        session.execute(
            update(ProposedLine)
            .where(col(ProposedLine.household_id) == head.household_id)
            .where(col(ProposedLine.state) == LineState.PROPOSED)
            .values(state=LineState.STALE)
        )
        stood = _waiting(session, head.household_id)
    else:
        stood = _on_consent(session, head, MatchState.IN_DELIVERY)
    for match in stood:
        if then is Then.HOLD and match.state is MatchState.IN_DELIVERY:
            _hold(session, match, reason_code=reason_code, actor=actor, now=now)
        else:
            moves.end(session, match, to=MatchState.CANCELLED, reason_code=reason_code, actor=actor, now=now)
    deletions.order(session, head, actor=actor, now=now)


def _hold(session: Session, match: Match, *, reason_code: str, actor: Actor, now: datetime) -> Clock | None:
    """Nothing more of it is planned, sent or paid until the household has said yes again."""
    match.reason_code = reason_code
    clock = moves.step(session, match, to=MatchState.HELD, actor=actor, now=now)
    moves.tell_giver(session, match, "match_held", key=f"held:{now.isoformat()}", now=now)
    return clock


def _ran_out(session: Session, head: ConsentHead, now: datetime) -> None:
    """Silence never renews: help on its way under a consent whose period is over is held, and the household asked."""
    for match in _on_consent(session, head, MatchState.IN_DELIVERY):
        clock = _hold(session, match, reason_code="consent_over", actor=SYSTEM, now=now)
        moves.tell_household(session, match, "offer_waiting", key=f"renew:{head.chain_id}", now=now, clock=clock)


changes.RAN_OUT.append(_ran_out)


def _left_out(session: Session, head: ConsentHead, org_ids: frozenset[str], actor: Actor, now: datetime) -> None:
    """What waits for or with a giver that the household leaves out from now on ends, as after a withdrawal."""
    for match in _waiting(session, head.household_id, col(Match.org_id).in_(org_ids)):
        moves.end(session, match, to=MatchState.CANCELLED, reason_code="consent_withdrawn", actor=actor, now=now)


changes.LEFT_OUT.append(_left_out)


MATCHES.append(lock_open)


def _waiting(session: Session, household_id: str, *where: ColumnElement[bool]) -> list[Match]:
    """The household's matches that stand on the base card alone, locked."""
    rows = select(Match).where(col(Match.household_id) == household_id, col(Match.state).in_(FREED_BY_BASE_CARD))
    return list(session.exec(rows.where(*where).order_by(col(Match.id)).with_for_update()))


def is_on_its_way(session: Session, head: ConsentHead, /) -> bool:
    """Whether help is on its way under this very consent."""
    rows = select(Match.id).where(
        col(Match.consent_chain_id) == head.chain_id, col(Match.state) == MatchState.IN_DELIVERY
    )
    return session.exec(rows.limit(1)).first() is not None


def _on_consent(session: Session, head: ConsentHead, *states: MatchState) -> list[Match]:
    """The matches that stand on this very consent, locked."""
    rows = select(Match).where(col(Match.consent_chain_id) == head.chain_id, col(Match.state).in_(states))
    return list(session.exec(rows.order_by(col(Match.id)).with_for_update()))
