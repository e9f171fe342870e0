"""Pieces of a photo as JSON, for `static/pieces.js`; the pages that take photos work without it.

Enters: length and hash, then raw pieces with their place. Leaves: how much is here. `photo_of` gives the pages the
photo, whichever way it came.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.cases import uploads
from marketplace.cases.doors import bp
from marketplace.cases.models_uploads import Upload
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard
from marketplace.web import current_session, writes


@bp.post("/cases/<case_id>/uploads")
@guard("case:answer")
@writes
def upload_begin(case_id: str) -> ResponseReturnValue:
    """Say what will come; hear where to go on."""
    told: Any = request.get_json(silent=True)
    size, digest = (told.get("size"), told.get("sha256")) if isinstance(told, dict) else (None, None)
    if not isinstance(size, int) or not isinstance(digest, str):
        raise BadInput("bad_upload", field="photo")
    row = uploads.begin(current_session(), case_id, size=size, digest=digest, actor=current_actor(), now=utc_now())
    return _so_far(row)


@bp.post("/cases/uploads/<upload_id>/pieces/<int:start>")
@guard("case:answer")
@writes
def upload_piece(upload_id: str, start: int) -> ResponseReturnValue:
    """One piece as it is."""
    data = request.get_data(cache=False)
    try:
        row = uploads.add_piece(current_session(), upload_id, data, start=start, actor=current_actor(), now=utc_now())
    except Conflict as error:
        return jsonify(id=upload_id, received=error.facts["received"], piece=uploads.PIECE, whole=False), 409
    return _so_far(row)


def _so_far(row: Upload) -> ResponseReturnValue:
    whole = row.received == row.size_bytes
    return jsonify(id=row.id, received=row.received, piece=uploads.PIECE, whole=whole)


def photo_of(form: Any, case_id: str, /) -> bytes:
    """The photo of a form: the one that came in pieces, or the file that came with it; nothing where there is none."""
    if form.photo_sent.data:
        return uploads.take(current_session(), form.photo_sent.data, case_id, actor=current_actor())
    return form.photo.data.read() if form.photo.data else b""
