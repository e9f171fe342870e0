"""A photo in pieces: it goes on where it stopped, only the right bytes count, only its own sender and case have it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace.cases import uploads
from marketplace.cases.models import CasePaper
from marketplace.cases.models_uploads import Upload, UploadPiece
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.reference.identity_number import make_id_number
from tests import factories as make
from tests.marketplace.test_cases import WORKER, send
from tests.marketplace.test_cases_pages import app, home, photo, until_signing
from tests.marketplace.test_proxies import session

__all__ = ["app", "home", "session"]
WHOLE = bytes(range(256)) * 600
DIGEST = sha256(WHOLE).hexdigest()
PIECE = uploads.PIECE


def test_what_broke_off_goes_on_where_it_stopped_and_a_repeated_piece_changes_nothing(
    session: Session, now: datetime
) -> None:
    case, _items = send(session, now)
    me = make.as_household(session.get_one(make.Household, case.household_id))
    row = uploads.begin(session, case.id, size=len(WHOLE), digest=DIGEST, actor=me, now=now)
    for _twice in range(2):
        uploads.add_piece(session, row.id, WHOLE[:PIECE], start=0, actor=me, now=now)
    with pytest.raises(Conflict) as caught:
        uploads.add_piece(session, row.id, WHOLE[-9:], start=len(WHOLE) - 9, actor=me, now=now)
    assert caught.value.facts["received"] == PIECE
    again = uploads.begin(session, case.id, size=len(WHOLE), digest=DIGEST, actor=me, now=now + timedelta(hours=3))
    assert (again.id, again.received) == (row.id, PIECE)
    with pytest.raises(BadInput):
        uploads.take(session, row.id, case.id, actor=me)
    while again.received < again.size_bytes:
        start = again.received
        uploads.add_piece(session, row.id, WHOLE[start : start + PIECE], start=start, actor=me, now=now)
    assert all(WHOLE[:40] not in one.body.envelope for one in session.exec(select(UploadPiece)))
    assert uploads.take(session, row.id, case.id, actor=me) == WHOLE
    with pytest.raises(NotFound):
        uploads.take(session, row.id, case.id, actor=me)
    assert session.exec(select(UploadPiece)).all() == []


def test_bytes_that_do_not_fit_the_hash_begin_anew(session: Session, now: datetime) -> None:
    case, _items = send(session, now)
    me = make.as_household(session.get_one(make.Household, case.household_id))
    row = uploads.begin(session, case.id, size=4, digest=sha256(b"true").hexdigest(), actor=me, now=now)
    uploads.add_piece(session, row.id, b"fals", start=0, actor=me, now=now)
    assert row.received == 0
    uploads.add_piece(session, row.id, b"true", start=0, actor=me, now=now)
    assert uploads.take(session, row.id, case.id, actor=me) == b"true"


def test_a_foreign_upload_looks_missing_and_too_much_is_refused(session: Session, now: datetime) -> None:
    case, _items = send(session, now)
    me = make.as_household(session.get_one(make.Household, case.household_id))
    stranger = make.as_household(make.a_household(session, phone="10000000002"))
    row = uploads.begin(session, case.id, size=4, digest=DIGEST, actor=me, now=now)
    for other in (stranger, WORKER):
        with pytest.raises(NotFound):
            uploads.add_piece(session, row.id, b"true", start=0, actor=other, now=now)
    with pytest.raises(NotFound):
        uploads.begin(session, case.id, size=4, digest=DIGEST, actor=stranger, now=now)
    for size, digest in ((0, DIGEST), (uploads.LARGEST + 1, DIGEST), (4, "../../etc")):
        with pytest.raises(BadInput):
            uploads.begin(session, case.id, size=size, digest=digest, actor=me, now=now)
    with pytest.raises(BadInput):
        uploads.add_piece(session, row.id, b"x" * (PIECE + 1), start=0, actor=me, now=now)
    with pytest.raises(Conflict):
        uploads.add_piece(session, row.id, b"12345", start=0, actor=me, now=now)


def test_only_three_wait_at_a_time_and_none_longer_than_a_day(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        case, _items = send(session, now)
        me = make.as_household(session.get_one(make.Household, case.household_id))
        for n in range(5):
            digest = sha256(bytes([n])).hexdigest()
            row = uploads.begin(session, case.id, size=4, digest=digest, actor=me, now=now + timedelta(minutes=n))
            uploads.add_piece(session, row.id, b"12", start=0, actor=me, now=now)
        assert len(session.exec(select(Upload)).all()) == uploads.MOST_OPEN
    assert uploads.sweep(sqlite_database, clock=lambda: now + timedelta(hours=23)) == 0
    assert uploads.sweep(sqlite_database, clock=lambda: now + timedelta(days=2)) == uploads.MOST_OPEN


def test_the_photo_of_a_card_comes_in_pieces_and_is_kept_as_if_it_came_whole(app: Flask, home: FlaskClient) -> None:
    card, data = until_signing(home).replace("/step/sign", "/step/card"), photo()
    page = home.get(card).text
    assert "static/pieces." in page
    case_id = card.split("/")[2]
    told = home.post(f"/cases/{case_id}/uploads", json={"size": len(data), "sha256": sha256(data).hexdigest()}).json
    assert told["received"] == 0
    path = f"/cases/uploads/{told['id']}/pieces"
    assert home.post(f"{path}/5", data=data[5:]).status_code == 409
    assert home.post(f"{path}/0", data=data[:100]).json["received"] == 100
    assert home.post(f"{path}/100", data=data[100:]).json["whole"] is True
    number = make_id_number("509900", date(1960, 3, 4), seq=7)
    assert home.post(card, data={"photo_sent": told["id"], "id_number": number}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(CasePaper.kind)).one() == "id_photo"
        assert session.exec(select(Upload)).all() == []
    assert home.post(card, data={"photo_sent": told["id"], "id_number": number}).status_code == 404
