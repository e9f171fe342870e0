"""Photos of a visit: drawn anew without place and time, sealed, and looked at under a log.

Enters: a photo, on the page of a visit that is under way (never from a telephone's store: there it would lie open).
Leaves: sealed rows; a look is one audit row first. Called by this room's pages.
"""

from __future__ import annotations

import base64
from datetime import datetime

from sqlmodel import Session, col, select

from adapters.pictures import NotAPicture, clean_jpeg
from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound
from marketplace.households.service import list_people
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of
from marketplace.visits import service
from marketplace.visits.models import HomeVisit, VisitPhoto

COLUMN = "visit_photo.body"
MOST = 6


def add(session: Session, visit_id: str, data: bytes, /, *, actor: Actor, now: datetime) -> VisitPhoto:
    """Keep one photo."""
    visit = service.open_visit(session, visit_id, actor=actor)
    if len(of_visit(session, visit.id)) >= MOST:
        raise BadInput("enough_photos", field="photo")
    try:
        text = base64.b64encode(clean_jpeg(data)).decode()
    except NotAPicture as error:
        raise BadInput("not_a_picture", field="photo") from error
    person = list_people(session, visit.household_id)[0]
    sealed = vault_of(session).seal(session, person.id, column=COLUMN, text=text)
    photo = VisitPhoto(
        id=new_id(), visit_id=visit.id, person_id=person.id, body=sealed, recorded_by=actor.id, recorded_at=now
    )
    session.add(photo)
    flush(session)
    _tell(session, photo, visit.household_id, "visit:photo", actor=actor, now=now)
    return photo


def visit_of(session: Session, photo_id: str, /, *, actor: Actor) -> HomeVisit:
    """The visit of a photo, for who may look at it."""
    photo = session.get(VisitPhoto, photo_id)
    return service.get_visit(session, photo.visit_id if photo is not None else "", actor=actor, asks="visit:look")


def look(session: Session, photo_id: str, /, *, reason: str, actor: Actor, now: datetime) -> str:
    """The photo as base64; why is asked, and the look is written down first."""
    photo = session.get(VisitPhoto, photo_id)
    visit = visit_of(session, photo_id, actor=actor)
    if photo is None or photo.body is None:
        raise NotFound("visit_photo")
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    _tell(session, photo, visit.household_id, "visit:look", reason=reason, actor=actor, now=now)
    return vault_of(session).open(session, photo.person_id, column=COLUMN, sealed=photo.body)


def of_visit(session: Session, visit_id: str, /) -> list[VisitPhoto]:
    """The photos of a visit, the oldest first; their pictures stay sealed."""
    asked = select(VisitPhoto).where(VisitPhoto.visit_id == visit_id)
    return list(session.exec(asked.order_by(col(VisitPhoto.recorded_at), col(VisitPhoto.id))))


def _tell(
    session: Session,
    photo: VisitPhoto,
    household_id: str,
    action: str,
    *,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    entry = audit.Entry(action, object_ref=photo.id, subject=household_id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
