"""What may be shown in public, and only by a consent of its own (R1.28).

Enters: a household's separate yes for one match, with photo, first name and story each ticked by itself; or a giver's
wish to show a photo. Leaves: a PUBLICITY consent, or a mark on a photo. A mark means nothing without a living consent
that names the photo, which is asked anew at each use, so a withdrawal takes effect at once and everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.consent import service as consent
from marketplace.consent.ask import find_head, is_alive, newest
from marketplace.consent.capacity import speaks_for
from marketplace.consent.models import Consent, Purpose
from marketplace.db import flush
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, ConsentMissing, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proofs.evidence import match_for
from marketplace.proofs.models import Proof, ProofKind
from marketplace.reference import purposes

PHOTO = "photo"
AFTER = (MatchState.IN_DELIVERY, MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)
"""When a household may be asked: never before it has accepted, so that the help cannot hang on it."""


def fields() -> tuple[str, ...]:
    """What can be allowed, each by a tick of its own."""
    return purposes.purpose(Purpose.PUBLICITY.value).fields


def allow(
    session: Session,
    match_id: str,
    /,
    *,
    data_fields: Iterable[str],
    person_id: str = "",
    actor: Actor,
    now: datetime,
    capture: consent.Capture | None = None,
) -> Consent:
    """The household lets the giver of this match show what it ticked of one person, who is the one who acts unless it
    says otherwise; nothing ticked is no consent."""
    match = match_for(session, match_id, actor=actor)
    require(actor, "publicity:give", household_id=match.household_id)
    if match.state not in AFTER:
        raise WrongState("match_moved_on", state=match.state.value)
    wanted = list(data_fields)
    if not wanted:
        raise BadInput("nothing_allowed", field="data_fields")
    people = [one.id for one in speaks_for(session, match.household_id, actor=actor, now=now)]
    if person_id and person_id not in people:
        raise NotFound("person")
    return consent.give_for_match(
        session,
        session.get_one(Household, match.household_id),
        organisation=session.get_one(Organisation, match.org_id),
        match_id=match.id,
        purpose=Purpose.PUBLICITY.value,
        data_fields=wanted,
        person_id=person_id or people[0],
        actor=actor,
        now=now,
        capture=capture,
    )


def living(session: Session, match: Match, /, *, now: datetime) -> Consent | None:
    """The publicity consent of this match that is in force now."""
    head = find_head(
        session, match.household_id, purpose=Purpose.PUBLICITY.value, org_id=match.org_id, match_id=match.id
    )
    return newest(session, head) if head is not None and is_alive(head, now) else None


def may_show(session: Session, match: Match, /, *, field: str = PHOTO, now: datetime) -> bool:
    """Whether this of the match may be shown in public at this moment."""
    given = living(session, match, now=now)
    return given is not None and field in given.data_fields


def mark(session: Session, proof_id: str, /, *, wanted: bool, actor: Actor, now: datetime) -> Proof:
    """The giver wants to show a photo in public, or no longer. Wanting it needs the living consent that names it."""
    proof = session.get(Proof, proof_id)
    if proof is None:
        raise NotFound("proof")
    match = match_for(session, proof.match_id, actor=actor)
    require(actor, "proof:publish", org_id=match.org_id)
    if proof.kind is not ProofKind.PHOTO:
        raise BadInput("only_photos", field="photo")
    if wanted and not may_show(session, match, now=now):
        raise ConsentMissing("no_publicity")
    proof.for_publicity = wanted
    session.add(proof)
    flush(session)
    action = "proof:mark" if wanted else "proof:unmark"
    audit.record(session, audit.Entry(action, object_ref=proof.id, subject=match.household_id), actor=actor, now=now)
    return proof


def shown_photos(session: Session, match_ids: Iterable[str], /, *, now: datetime) -> list[Proof]:
    """The marked photos of these matches whose household allows it at this moment."""
    statement = select(Proof, Match).join(Match, col(Match.id) == col(Proof.match_id))
    statement = statement.where(col(Proof.match_id).in_(list(match_ids)), col(Proof.for_publicity).is_(True))
    rows = session.exec(statement.order_by(col(Proof.recorded_at), col(Proof.id))).all()
    return [proof for proof, match in rows if may_show(session, match, now=now)]
