"""What a giver may see of the household behind its match, and for what.

Enters: a match and the giver's actor. Leaves: the consented fields, or a credential, through the pipeline of `sharing`;
or a refusal that carries its audit row. Called by the giver's pages and by the partner API; `decisions.service` offers
it to others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.consent.ask import lock_head
from marketplace.consent.models import Mode
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import get_match
from marketplace.errors import ConsentMissing, DomainError, WrongState
from marketplace.households.models import Person
from marketplace.needs.models import Need
from marketplace.reference import needs as taxonomy
from marketplace.reference import purposes
from marketplace.sharing import papers
from marketplace.sharing import service as sharing

UNDER_WAY = (MatchState.IN_DELIVERY, MatchState.DELIVERED)
"""Only now may the giver see the consented fields."""


def purpose_of(session: Session, match: Match, /) -> str:
    """What a separate consent for this match is for: the purpose of its kind of need."""
    return taxonomy.need_kind(session.get_one(Need, match.need_id).category).purpose


def fields_to_ask(session: Session, match: Match, person_id: str, /) -> tuple[str, ...]:
    """The fields that the purpose allows and the record can answer; nothing else is asked."""
    ceiling = purposes.purpose(purpose_of(session, match))
    held = sharing.fields_on_record(session.get_one(Person, person_id))
    return tuple(code for code in ceiling.fields if code in held)


def see_recipient(
    session: Session,
    match_id: str,
    /,
    *,
    actor: Actor,
    now: datetime,
    purpose: str = "",
    wanted: Collection[str] | None = None,
    mode: Mode = Mode.VIEW,
) -> dict[str, str]:
    """The consented fields of the household behind a match under way, for its giver; each look is logged, and so is
    each refusal. A person on our pages looks for the match's own purpose; a machine has to name it.

    Before the household has accepted, and after the match is over, nothing can be seen.
    """
    match, chain_id, purpose = _to_look_at(session, match_id, actor=actor, purpose=purpose)
    return sharing.disclose(
        session,
        chain_id,
        match_id=match.id,
        purpose=purpose,
        actor=actor,
        now=now,
        wanted=wanted,
        mode=mode,
    )


def see_own_record(session: Session, match_id: str, field: str, /, *, actor: Actor, now: datetime) -> None:
    """The giver opens again what it recorded itself of the household behind a match under way; refused and logged like
    every look."""
    match, chain_id, purpose = _to_look_at(session, match_id, actor=actor, purpose="")
    sharing.own_record_seen(session, chain_id, field, match_id=match.id, purpose=purpose, actor=actor, now=now)


def credential_for(
    session: Session,
    match_id: str,
    /,
    *,
    purpose: str,
    holder_jwk: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    wanted: Collection[str] = (),
) -> str:
    """A signed credential of the need behind a match under way, for this giver and this key only."""
    match, chain_id, _named = _to_look_at(session, match_id, actor=actor, purpose=purpose)
    return papers.issue_credential(
        session,
        chain_id,
        match_id=match.id,
        purpose=purpose,
        holder_jwk=holder_jwk,
        need_id=match.need_id,
        actor=actor,
        now=now,
        wanted=wanted,
    )


def _to_look_at(session: Session, match_id: str, *, actor: Actor, purpose: str) -> tuple[Match, str, str]:
    """The giver's own match under way, the consent of its household, and what the look is for: the match's own purpose
    where none is named. Whoever holds a match locks its consent first: under that lock it is read again."""
    match = get_match(session, match_id, actor=actor)
    if match.consent_chain_id is not None:
        lock_head(session, match.consent_chain_id)
        session.refresh(match, ["held_for", "state", "consent_chain_id"])
    purpose = purpose or purpose_of(session, match)
    if match.consent_chain_id is None:
        raise _unseen(match, WrongState("not_accepted_yet"), reason="NO_CONSENT", purpose=purpose, actor=actor)
    if match.held_for:
        held = WrongState("match_held", cause=match.held_for)
        raise _unseen(match, held, reason="STATE", purpose=purpose, actor=actor)
    if match.state is MatchState.CANCELLED:
        raise _unseen(match, ConsentMissing("consent_not_living"), reason="STATE", purpose=purpose, actor=actor)
    if match.state not in UNDER_WAY:
        raise _unseen(match, WrongState("match_moved_on"), reason="STATE", purpose=purpose, actor=actor)
    return match, match.consent_chain_id, purpose


def _unseen(match: Match, error: DomainError, *, reason: str, purpose: str, actor: Actor) -> DomainError:
    """The same error with the audit row of its refusal."""
    entry = audit.Entry(
        "share:deny",
        object_ref=match.id,
        subject=match.household_id,
        purpose=purpose,
        decision="deny",
        rule_id=reason,
    )
    error.denied = (entry, actor)
    return error
