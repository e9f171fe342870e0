"""A city brings its own ground by one GeoJSON: rounds count with it, boards draw it, a faulty file changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.boards.outlines import WIDTH, draw
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.reference.districts import streets_of
from marketplace.reference.visiting import has_place, minutes_between
from marketplace.visits import commands, places
from marketplace.visits.models_places import CityShape
from tests import factories as make
from tests.marketplace.signal_scene import CLERK
from tests.marketplace.test_signal_pages import a_client

NOW, TODAY = make.NOW, local_day(make.NOW)
HERE = "500106"
ONE, TWO = [street.code for street in streets_of(HERE, on=TODAY) if not has_place(street.code)][:2]
AROUND = [[106.4, 29.5], [106.55, 29.5], [106.55, 29.6], [106.4, 29.6], [106.4, 29.5]]


def feature(kind: str, coordinates: Any, **words: Any) -> dict[str, Any]:
    """One feature of a collection."""
    return {"type": "Feature", "properties": words, "geometry": {"type": kind, "coordinates": coordinates}}


def collection(*features: Any) -> bytes:
    """A file of features."""
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


GOOD = collection(
    feature("Point", [106.45, 29.53], code=ONE),
    feature("Point", [106.48, 29.53, 240], code=TWO),
    feature("LineString", [[106.465, 29.5], [106.465, 29.6]], code="NEW_CUT", minutes=40),
    feature("Polygon", [AROUND], code=HERE),
)


def bring(session: Session, data: bytes) -> list[tuple[int, str]]:
    """Read and keep; the faults."""
    shapes, faults = places.read(data, source="city 2026", now=NOW)
    if not faults:
        places.keep(session, shapes, actor=CLERK, now=NOW)
    return faults


def test_points_and_lines_that_a_city_brought_change_the_way_between_two_streets(session: Session) -> None:
    one, two = (HERE, ONE), (HERE, TWO)
    assert minutes_between(one, two, on=TODAY) == 25, "both stand for the middle of the district"
    assert bring(session, GOOD) == []
    ground = places.ground_of(session, on=TODAY)
    assert has_place(ONE, ground=ground)
    near = minutes_between(one, two, on=TODAY, ground=places.Ground(ground.points))
    assert 10 < near < 40
    assert minutes_between(one, two, on=TODAY, ground=ground) == near + 40
    later = feature(
        "LineString", [[106.465, 29.5], [106.465, 29.6]], code="NEW_CUT", minutes=9, valid_from="2027-01-01"
    )
    assert bring(session, collection(later)) == []
    assert minutes_between(one, two, on=TODAY, ground=places.ground_of(session, on=TODAY)) == near
    assert len(session.exec(select(CityShape)).all()) == 4, "the same code is replaced"
    assert session.exec(select(AuditRow).where(AuditRow.action == "city:bring")).first() is not None


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (feature("Point", [106.45, 29.53], code="500103999"), "bad_code"),
        (feature("Point", [29.55, 106.53], code=ONE), "bad_points"),
        (feature("Point", [116.4, 39.9], code=ONE), "far_away"),
        (feature("Point", ["east", 29.55], code=ONE), "bad_points"),
        (feature("Point", [float("nan"), 29.55], code=ONE), "bad_points"),
        (feature("Circle", [106.45, 29.53], code=ONE), "bad_geometry"),
        (feature("LineString", [[106.5, 29.5], [106.6, 29.6]], code="A", minutes=0), "bad_minutes"),
        (feature("LineString", [[106.5, 29.5]], code="A", minutes=5), "too_short"),
        (feature("LineString", [[106.5, 29.5], [106.6, 29.6]], code="A", minutes=5, valid_from="soon"), "bad_day"),
        (feature("Polygon", [AROUND[:-1]], code=HERE), "too_short"),
        (feature("Polygon", [[[x + 1, y] for x, y in AROUND]], code=HERE), "not_around"),
        (feature("Polygon", [AROUND], code=ONE), "bad_code"),
        (feature("Polygon", [], code=HERE), "bad_points"),
        ("nothing", "bad_geometry"),
    ],
)
def test_a_faulty_feature_is_named_and_nothing_of_its_file_is_kept(session: Session, told: Any, fault: str) -> None:
    good = feature("Point", [106.48, 29.53], code=TWO)
    assert bring(session, collection(good, told)) == [(2, fault)]
    assert session.exec(select(CityShape)).first() is None
    assert set(places.FAULTS) >= {fault}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", collection(), b"[" * 100_000])
def test_what_is_no_collection_is_refused(data: bytes) -> None:
    assert places.read(data, source="x", now=NOW) == ([], [(0, "no_collection")])


def test_two_features_of_one_code_contradict_each_other() -> None:
    point = feature("Point", [106.45, 29.53], code=ONE)
    assert places.read(collection(point, point), source="x", now=NOW)[1] == [(2, "twice")]


def test_outlines_are_scaled_with_the_north_up_and_shaded_by_number() -> None:
    hole = [[106.45, 29.54], [106.46, 29.54], [106.46, 29.55], [106.45, 29.54]]
    drawn = draw({HERE: [AROUND, hole], "500107": [AROUND]}, {HERE: 8, "500107": 1})
    assert drawn is not None
    (code, path, shade), (_other, _path, light) = drawn.paths
    assert (code, shade, light) == (HERE, 4, 1)
    assert path.startswith(f"M0 {drawn.height}L{WIDTH} {drawn.height}L{WIDTH} 0L0 0Z")
    assert path.count("M") == 2
    assert draw({}, {HERE: 1}) is None


@pytest.mark.parametrize(("lang", "word"), [("en", "as it drew its districts"), ("zh", "按本市提供的区县轮廓")])
def test_the_command_keeps_a_file_and_the_board_draws_it(
    sqlite_database: Database, settings: Settings, tmp_path: Path, lang: str, word: str
) -> None:
    app, said = create_app(settings, database=sqlite_database), list[str]()
    client = a_client(app, Role.VERIFIER, lang=lang)
    assert word not in client.get("/boards/").text
    file = tmp_path / "ground.geojson"
    told = {"source": "city", "actor": CLERK, "now": NOW, "lang": lang, "say": said.append, "agree": lambda: True}
    file.write_bytes(collection(feature("Point", [0, 0], code=HERE)))
    assert commands.bring(sqlite_database, file, dry_run=False, **told) == 1  # type: ignore[arg-type]
    assert said.pop().split()[0] == "1"
    file.write_bytes(GOOD)
    assert commands.bring(sqlite_database, file, dry_run=True, **told) == 0  # type: ignore[arg-type]
    assert word not in client.get("/boards/").text, "nothing is kept by a dry run"
    assert commands.bring(sqlite_database, file, dry_run=False, **told) == 0  # type: ignore[arg-type]
    page = client.get("/boards/").text
    assert (word in page, page.count("<path d=")) == (True, 1)
