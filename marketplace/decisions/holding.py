"""A match that nobody may move before a person has looked: held for a cause, released, or ended by that person.

Enters: a match, a cause (a correction, a death, a rule against helping twice), the actor. Leaves: the match held with
one staff clock in the place of the one that ran, so that nothing expires meanwhile; or let go on with the clock of its
state begun anew. Delivered aid is never held. Called by `rights` and by `asking`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.credentials import service as credentials
from marketplace.db import flush
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require

RULE = "rule"
CAUSES = ("correction", "death", RULE)
HOLDABLE = (
    MatchState.AWAITING_SECOND,
    MatchState.AWAITING_GIVER,
    MatchState.AWAITING_HOUSEHOLD,
    MatchState.IN_DELIVERY,
)
"""Before aid has been handed over."""


def hold(session: Session, match_id: str, /, *, cause: str, actor: Actor, now: datetime) -> bool:
    """Stop a match until a person decides; a match that is over or delivered is left alone (False)."""
    match = session.get(Match, match_id, with_for_update=True, populate_existing=True)
    if match is None or match.state not in HOLDABLE:
        return False
    match.held_for = cause
    if match.consent_chain_id is not None:
        credentials.hold(session, match.consent_chain_id, actor=actor, now=now)
    _record(session, match, "match:hold", rule=cause, actor=actor, now=now)
    step = moves.BY_RULE if cause == RULE else moves.REVIEW
    moves.wait(session, match, outcome="held", now=now, for_step=step)
    return True


def release(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """A person has looked: the match goes on where it stood, with its full time."""
    match = session.get(Match, match_id, with_for_update=True, populate_existing=True)
    require(actor, "match:hold", district=match.district_code if match is not None else None)
    if match is None:
        raise NotFound("match")
    if not match.held_for:
        raise WrongState("match_not_held")
    match.held_for = ""
    if match.consent_chain_id is not None:
        credentials.release(session, match.consent_chain_id, actor=actor, now=now)
    _record(session, match, "match:release", rule="", actor=actor, now=now)
    moves.wait(session, match, outcome="released", now=now)
    return match


def _record(session: Session, match: Match, action: str, *, rule: str, actor: Actor, now: datetime) -> None:
    match.updated_at = now
    session.add(match)
    entry = audit.Entry(action, object_ref=match.id, subject=match.household_id, rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
