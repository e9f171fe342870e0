"""A photo that comes in pieces, so that a network that breaks costs one piece and not the whole.

Enters: length and hash of a file, then its pieces, each with the place where it begins. Leaves: how much is here, and
at the end the file itself, once, if its hash fits. The same file begun again by the same person goes on where it
stopped. Pieces lie sealed; what is not finished within a day is dropped. Called by `views_uploads`, the pages that
take photos and the worker.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.cases.models import Case, CaseState
from marketplace.cases.models_uploads import Upload, UploadPiece
from marketplace.cases.service import get_case
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.sealed import vault_of

COLUMN = "aid_upload_piece.body"
LARGEST = 8 * 1024 * 1024
PIECE = 64 * 1024
MOST_OPEN = 3
KEPT = timedelta(days=1)


def begin(session: Session, case_id: str, /, *, size: int, digest: str, actor: Actor, now: datetime) -> Upload:
    """A new one, or the one of this very file that was begun before: `received` says where to go on."""
    case = _open_case(session, case_id, actor=actor)
    if not 1 <= size <= LARGEST or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise BadInput("bad_upload", field="photo")
    mine = (Upload.case_id == case.id, Upload.sent_by == actor.id)
    found = session.exec(select(Upload).where(*mine, Upload.sha256 == digest)).one_or_none()
    if found is not None:
        return found
    if session.exec(select(func.count()).select_from(Upload).where(*mine)).one() >= MOST_OPEN:
        oldest = session.exec(select(Upload).where(*mine).order_by(col(Upload.begun_at), col(Upload.id))).first()
        _drop(session, [oldest.id] if oldest is not None else [])
    row = Upload(
        id=new_id(),
        case_id=case.id,
        person_id=case.subject_id,
        sent_by=actor.id,
        size_bytes=size,
        sha256=digest,
        begun_at=now,
    )
    return _record(session, row, case, "upload:begin", actor=actor, now=now)


def _open_case(session: Session, case_id: str, *, actor: Actor) -> Case:
    """A draft takes the photo of a card, a running application takes bills; a finished one takes nothing."""
    found = session.get(Case, case_id)
    draft = found is None or found.state is CaseState.DRAFT
    case = get_case(session, case_id, actor=actor, asks="case:apply" if draft else "case:answer")
    if case.state not in (CaseState.DRAFT, CaseState.OPEN):
        raise NotFound("case")
    return case


def add_piece(session: Session, upload_id: str, data: bytes, /, *, start: int, actor: Actor, now: datetime) -> Upload:
    """The next piece. One that was here already changes nothing; one that leaves a gap is refused with the place.

    When all are here the hash is compared; if it differs everything is dropped and begins at 0 again.
    """
    row, case = _own(session, upload_id, actor=actor, lock=True)
    if not 0 < len(data) <= PIECE:
        raise BadInput("bad_upload", field="photo")
    if start + len(data) <= row.received:
        return row
    if start != row.received or start + len(data) > row.size_bytes:
        raise Conflict("piece_elsewhere", received=row.received)
    text = base64.b64encode(data).decode()
    sealed = vault_of(session).seal(session, row.person_id, column=COLUMN, text=text)
    session.add(UploadPiece(upload_id=row.id, starts_at=start, body=sealed))
    row.received += len(data)
    session.add(row)
    flush(session)
    if row.received < row.size_bytes:
        return row
    fits = sha256(_joined(session, row)).hexdigest() == row.sha256
    if not fits:
        session.execute(delete(UploadPiece).where(col(UploadPiece.upload_id) == row.id))
        row.received = 0
    return _record(session, row, case, "upload:whole" if fits else "upload:differs", actor=actor, now=now)


def take(session: Session, upload_id: str, case_id: str, /, *, actor: Actor) -> bytes:
    """The whole file, once; the caller seals it as a paper, which is written down there."""
    row, case = _own(session, upload_id, actor=actor, lock=True)
    if case.id != case_id or row.received < row.size_bytes:
        raise BadInput("bad_upload", field="photo")
    whole = _joined(session, row)
    _drop(session, [row.id])
    return whole


def _own(session: Session, upload_id: str, *, actor: Actor, lock: bool) -> tuple[Upload, Case]:
    row = session.get(Upload, upload_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.sent_by != actor.id:
        raise NotFound("upload")
    return row, _open_case(session, row.case_id, actor=actor)


def _joined(session: Session, row: Upload) -> bytes:
    wanted = select(UploadPiece).where(UploadPiece.upload_id == row.id).order_by(col(UploadPiece.starts_at))
    vault = vault_of(session)
    texts = [vault.open(session, row.person_id, column=COLUMN, sealed=piece.body) for piece in session.exec(wanted)]
    return b"".join(base64.b64decode(text) for text in texts)


def _drop(session: Session, ids: list[str]) -> None:
    session.execute(delete(UploadPiece).where(col(UploadPiece.upload_id).in_(ids)))
    session.execute(delete(Upload).where(col(Upload.id).in_(ids)))
    flush(session)


def sweep(database: Database, /, *, clock: Callable[[], datetime], most: int = 100) -> int:
    """Drop what nobody finished within a day; how many."""
    old = select(Upload.id).where(col(Upload.begun_at) < clock() - KEPT).limit(most)
    with database.reading() as session:
        ids = list(session.exec(old))
    if ids:
        with database.transaction() as session:
            _drop(session, ids)
    return len(ids)


def _record(session: Session, row: Upload, case: Case, act: str, *, actor: Actor, now: datetime) -> Upload:
    session.add(row)
    flush(session)
    entry = audit.Entry(act, object_ref=row.id, subject=case.household_id)
    audit.record(session, entry, actor=actor, now=now)
    return row
