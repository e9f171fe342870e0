"""Evidence of deliveries: handed over with proof, added later, looked at under a log.

Enters: a giver's act for a match, with what proves it. Leaves: the match delivered and `Proof` rows whose content is
sealed; or the content of one proof for the giver of the match while the consent lives, the household, or staff of the
district with a reason, each look written to the audit chain first, and a giver's also among the disclosures that its
household sees. Called by
the pages and by the table of deliveries.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, func, select

from adapters.pictures import NotAPicture, clean_jpeg
from marketplace import audit
from marketplace.actors import GIVERS, STAFF, Actor
from marketplace.consent.ask import find_head, is_alive, newest
from marketplace.consent.models import Purpose
from marketplace.db import flush, new_id
from marketplace.decisions import paying
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import Card
from marketplace.decisions.models import Match, MatchState
from marketplace.drawing import read_strokes
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.service import list_people
from marketplace.policy import require
from marketplace.proofs.models import Proof, ProofKind
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of
from marketplace.sharing import deletions
from marketplace.sharing import service as sharing

COLUMN = "proof.body"
MOST_OF_A_MATCH = 8
MOST_AT_ONCE = 200
PROVABLE = (MatchState.IN_DELIVERY, MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)
SHOWS = {
    ProofKind.PHOTO: "photo",
    ProofKind.TYPED: "name",
    ProofKind.DRAWN: "name",
    ProofKind.SLIP: "pickup_code",
}
"""What of the household a piece of evidence shows whoever opens it."""
NAME_LENGTH = 60
SLIP_LENGTH = 32


def comes_otherwise(card: Card, /) -> bool:
    """Whether visits or a case have yet to deliver it: until then nobody records or proves it by hand."""
    return card.match.state is MatchState.IN_DELIVERY and not card.by_press


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence as it comes in: the photo's bytes, or a text."""

    kind: ProofKind
    data: bytes = b""
    text: str = ""


def hand_over(
    session: Session,
    match_id: str,
    /,
    *,
    pieces: Iterable[Piece],
    units: int | None = None,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> Match:
    """The aid was handed over, and this proves it: both in one transaction."""
    match = decisions.deliver(session, match_id, units=units, note=note, actor=actor, now=now)
    for piece in pieces:
        add(session, match.id, piece, actor=actor, now=now)
    return match


def hand_over_many(session: Session, match_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> int:
    """Several matches were handed over as ticked; all of them, or none if one has moved on or is held."""
    wanted = sorted(set(match_ids))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise BadInput("nothing_ticked", field="chosen")
    own = select(Match.id).where(col(Match.org_id) == actor.org_id, col(Match.id).in_(wanted))
    if session.exec(own.where(col(Match.held_for) != "").limit(1)).first() is not None:
        raise BadInput("ticked_held", field="chosen")
    if paying.at_the_bank(session, wanted):
        raise BadInput("ticked_paying", field="chosen")
    for match_id in wanted:
        hand_over(session, match_id, pieces=[Piece(ProofKind.BATCH)], actor=actor, now=now)
    return len(wanted)


def add(session: Session, match_id: str, piece: Piece, /, *, actor: Actor, now: datetime) -> Proof:
    """Keep one piece of evidence, sealed; a photo is drawn anew first, so that no place and no time travels in it."""
    match = match_for(session, match_id, actor=actor)
    require(actor, "proof:add", org_id=match.org_id)
    if match.state not in PROVABLE:
        raise WrongState("match_moved_on", state=match.state.value)
    if session.exec(select(func.count()).where(col(Proof.match_id) == match.id)).one() >= MOST_OF_A_MATCH:
        raise BadInput("enough_proofs", field="photo")
    text = _content(piece)
    person = list_people(session, match.household_id)[0]
    sealed = vault_of(session).seal(session, person.id, column=COLUMN, text=text) if text else None
    proof = Proof(
        id=new_id(),
        match_id=match.id,
        org_id=match.org_id,
        kind=piece.kind,
        person_id=person.id,
        body=sealed,
        size_bytes=len(text),
        envelope_sha256=sha256(sealed.envelope).hexdigest() if sealed else "",
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(proof)
    flush(session)
    _record(session, proof, match, "proof:add", actor=actor, now=now)
    return proof


def _content(piece: Piece) -> str:
    """What is sealed; empty for a tick or a scan, where the act itself is the proof."""
    match piece.kind:
        case ProofKind.BATCH | ProofKind.SCAN:
            return ""
        case ProofKind.PHOTO:
            try:
                return base64.b64encode(clean_jpeg(piece.data)).decode()
            except NotAPicture as error:
                raise BadInput("not_a_picture", field="photo") from error
        case ProofKind.DRAWN:
            return read_strokes(piece.text)
        case ProofKind.TYPED:
            return _line(piece.text, field="typed_name", longest=NAME_LENGTH)
        case ProofKind.SLIP:
            return _line(piece.text, field="slip_number", longest=SLIP_LENGTH)


def _line(text: str, *, field: str, longest: int) -> str:
    plain = " ".join(text.split())
    if not 1 <= len(plain) <= longest or not plain.isprintable():
        raise BadInput("bad_line", field=field)
    return plain


def list_proofs(session: Session, match_id: str, /) -> list[Proof]:
    """The evidence of a match in the order it came; the caller has asked for the match."""
    statement = select(Proof).where(col(Proof.match_id) == match_id)
    return list(session.exec(statement.order_by(col(Proof.recorded_at), col(Proof.id))))


def look(session: Session, proof_id: str, /, *, reason: str = "", actor: Actor, now: datetime) -> tuple[Proof, str]:
    """One proof and what it holds (a photo as base64 of a JPEG). Staff must say why; each look is logged first."""
    proof = session.get(Proof, proof_id)
    if proof is None:
        raise NotFound("proof")
    match = match_for(session, proof.match_id, actor=actor)
    if actor.role in STAFF and reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    if proof.body is None:
        raise NotFound("proof")
    if actor.role in GIVERS:
        _may_see(session, proof, match, actor=actor, now=now)
    _record(session, proof, match, "proof:look", reason=reason, actor=actor, now=now)
    return proof, vault_of(session).open(session, proof.person_id, column=COLUMN, sealed=proof.body)


def _may_see(session: Session, proof: Proof, match: Match, *, actor: Actor, now: datetime) -> None:
    """A giver's look passes every question of a look at the household and stands on its page of who saw what. After the
    consent has ended the giver keeps day and hash; a photo is seen as long as the household lets it be shown."""
    field = SHOWS[proof.kind]
    public = Purpose.PUBLICITY.value
    head = find_head(session, match.household_id, purpose=public, org_id=match.org_id, match_id=match.id)
    if head is not None and is_alive(head, now) and field in newest(session, head).data_fields:
        sharing.own_record_seen(session, head.chain_id, field, match_id=match.id, purpose=public, actor=actor, now=now)
    else:
        decisions.see_own_record(session, match.id, field, actor=actor, now=now)


def _kept_under(session: Session, chain_id: str) -> int:
    """How many pieces of evidence with something of the household in them the giver recorded under this consent."""
    kept = select(func.count()).select_from(Proof).join(Match, col(Match.id) == col(Proof.match_id))
    return session.exec(kept.where(col(Match.consent_chain_id) == chain_id, col(Proof.body).is_not(None))).one()


deletions.HELD_BESIDES["proof"] = _kept_under


def match_for(session: Session, match_id: str, /, *, actor: Actor) -> Match:
    """The match, if its evidence may be listed by the actor; a foreign one looks like a missing one."""
    match = session.get(Match, match_id)
    if match is None:
        raise NotFound("match")
    require(actor, "proof:view", household_id=match.household_id, org_id=match.org_id, district=match.district_code)
    return match


def _record(
    session: Session, proof: Proof, match: Match, action: str, *, reason: str = "", actor: Actor, now: datetime
) -> None:
    entry = audit.Entry(
        action,
        object_ref=proof.id,
        subject=match.household_id,
        decision=proof.kind.value[:16],
        rule_id=reason,
        body={"bytes": proof.size_bytes},
    )
    audit.record(session, entry, actor=actor, now=now)
