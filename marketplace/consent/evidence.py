"""What proves a yes that was taken with help: a photo of the signed paper, a finger's stroke, a sheet about a call.

Enters: a consent that waits for its call-back, how it was signed, a photo or strokes. Leaves: a sealed row (the photo
drawn anew without place and time), the kind of signature kept in the consent itself; a look is one audit row first.
Called by this room's pages; `changes.confirm_assisted` asks whose the newest is, and who has opened it.
"""

from __future__ import annotations

import base64
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from adapters.pictures import NotAPicture, clean_jpeg
from marketplace import audit
from marketplace.actors import Actor
from marketplace.consent.ask import lock_head, newest
from marketplace.consent.models import ConsentEvidence, ConsentHead, ConsentState
from marketplace.consent.versions import next_version, require_area
from marketplace.db import flush, new_id
from marketplace.drawing import read_strokes
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.service import contact_of
from marketplace.sealed import vault_of

COLUMN = "consent_evidence.body"
DRAWN = "drawn"
FACE_TO_FACE = ("paper", DRAWN, "thumbprint")
KINDS = {"counter": FACE_TO_FACE, "home_visit": FACE_TO_FACE, "phone": ("recorded_call",)}
"""How a yes can be signed, by the way in which it was taken."""


def attach(
    session: Session, chain_id: str, /, *, kind: str, photo: bytes = b"", drawn: str = "", actor: Actor, now: datetime
) -> ConsentEvidence:
    """Keep the document behind a yes that waits for its call-back, and how it was signed.

    Raises BadInput for a signature that does not go with the way in which the yes was taken, and for what is no
    picture and no stroke.
    """
    head = lock_head(session, chain_id)
    require_area(session, actor, "consent:assist", household_id=head.household_id)
    pending = newest(session, head)
    if head.state is not ConsentState.PENDING_CHECK:
        raise WrongState("consent_not_pending", state=head.state.value)
    if kind not in KINDS.get(pending.channel, ()):
        raise BadInput("signature_kind", field="signature_kind")
    text = read_strokes(drawn) if kind == DRAWN else _picture(photo)
    contact = contact_of(session, head.household_id)
    person_id = pending.person_id or (contact.id if contact is not None else "")
    sealed = vault_of(session).seal(session, person_id, column=COLUMN, text=text)
    row = ConsentEvidence(
        id=new_id(),
        chain_id=chain_id,
        person_id=person_id,
        signature_kind=kind,
        body=sealed,
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(row)
    flush(session)
    marks = {"sha256": sha256(text.encode()).hexdigest(), "sealed": sha256(sealed.envelope).hexdigest()}
    body = {**marks, "kind": kind}
    entry = audit.Entry("consent:evidence", object_ref=row.id, subject=head.household_id, body=body)
    audit.record(session, entry, actor=actor, now=now)
    if pending.signature_kind != kind:
        changes = {"signature_kind": kind}
        state = ConsentState.PENDING_CHECK
        next_version(session, head, state=state, actor=actor, now=now, action="consent:assist", changes=changes)
    return row


def _picture(data: bytes) -> str:
    try:
        return base64.b64encode(clean_jpeg(data)).decode()
    except NotAPicture as error:
        raise BadInput("not_a_picture", field="photo") from error


def was_opened(session: Session, row: ConsentEvidence, /, *, by: str) -> bool:
    """Whether this person has looked at this very document; an earlier one of the same consent does not count."""
    asked = select(audit.AuditRow.seq).where(
        col(audit.AuditRow.object_ref) == row.id,
        col(audit.AuditRow.action) == "consent:evidence_look",
        col(audit.AuditRow.actor_ref) == by,
    )
    return session.exec(asked.limit(1)).first() is not None


def newest_of(session: Session, chain_ids: list[str], /) -> dict[str, ConsentEvidence]:
    """The newest document of each of these consents; its content stays sealed."""
    asked = select(ConsentEvidence).where(col(ConsentEvidence.chain_id).in_(chain_ids))
    rows = session.exec(asked.order_by(col(ConsentEvidence.recorded_at), col(ConsentEvidence.id)))
    return {row.chain_id: row for row in rows}


def look(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> tuple[ConsentEvidence, str]:
    """The document of a consent, for who checks the yes: a picture as base64, or strokes; empty where its time was over
    or the person was erased. The look is written down first."""
    row, head = newest_of(session, [chain_id]).get(chain_id), session.get(ConsentHead, chain_id)
    if row is None or head is None:
        raise NotFound("consent_evidence")
    require_area(session, actor, "consent:check", household_id=head.household_id)
    entry = audit.Entry("consent:evidence_look", object_ref=row.id, subject=head.household_id)
    audit.record(session, entry, actor=actor, now=now)
    return row, vault_of(session).open_if_kept(session, row.person_id, column=COLUMN, sealed=row.body)
