"""The city's own ground as data: points of streets, rivers and ridges, outlines of districts, brought by one GeoJSON.

Enters: the bytes of a FeatureCollection: a Point with the `code` of a street or district; a LineString with a `code`,
its `minutes` and, if it is not of always, `valid_from`; a Polygon or MultiPolygon with the code of a district. Leaves:
nothing but faults, or all of it kept; what has the same code is replaced. Rounds are planned with the points and lines
beside those of the tables, boards draw the outlines. Called by `shanqiao import places` and by both rooms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise
from math import isfinite
from typing import Any

from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.reference.districts import resolve, resolve_street
from marketplace.reference.tables import UnknownCode
from marketplace.reference.visiting import Ground, Point, middle_of
from marketplace.visits.models_places import CityShape, ShapeKind

LARGEST, MOST, NEAR = 20_000_000, 400_000, 2.0
"""Bytes and points of a file; so many degrees at most lie between a place and the middle of its district."""
KINDS = {
    "Point": ShapeKind.PLACE,
    "LineString": ShapeKind.BARRIER,
    "Polygon": ShapeKind.OUTLINE,
    "MultiPolygon": ShapeKind.OUTLINE,
}


class ShapeFault(ValueError):
    """What is wrong with a file or one of its features, as a word of `FAULTS`."""


FAULTS = {
    "no_collection": ("不是 GeoJSON 要素集合", "no GeoJSON FeatureCollection"),
    "too_large": ("文件过大", "the file is too large"),
    "bad_geometry": ("几何类型不认识", "a geometry that is not known here"),
    "bad_code": ("代码不在街道或区县表中", "its code is that of no street or district of today"),
    "bad_points": ("坐标有误", "its coordinates are not pairs of longitude and latitude"),
    "too_short": ("点太少，或环未闭合", "too few points, or a ring that does not close"),
    "far_away": ("离所属区县太远", "it lies too far from its district"),
    "not_around": ("区县中心不在轮廓内", "the middle of the district lies outside it"),
    "bad_minutes": ("障碍须有 1 至 120 分钟", "a barrier needs 1 to 120 minutes"),
    "bad_day": ("起始日有误", "its first day is not a date"),
    "twice": ("同一代码出现两次", "the same code stands there twice"),
}


def read(data: bytes, /, *, source: str, now: datetime) -> tuple[list[CityShape], list[tuple[int, str]]]:
    """The shapes of a file, and its faults with the number of the feature (0: of the file)."""
    found: dict[str, CityShape] = {}
    faults: list[tuple[int, str]] = []
    try:
        features = _features(data)
    except ShapeFault as fault:
        return [], [(0, str(fault))]
    for number, feature in enumerate(features, start=1):
        try:
            row = _shape(feature, source=source, now=now)
            if row.id in found:
                raise ShapeFault("twice")
            found[row.id] = row
        except ShapeFault as fault:
            faults.append((number, str(fault)))
    return list(found.values()), faults


def keep(session: Session, shapes: list[CityShape], /, *, actor: Actor, now: datetime) -> None:
    """Write them down; what stood under the same codes is replaced."""
    for row in shapes:
        session.merge(row)
    flush(session)
    body = {kind.value: sum(row.kind is kind for row in shapes) for kind in ShapeKind}
    audit.record(session, audit.Entry("city:bring", object_ref="city_shape", body=body), actor=actor, now=now)


def ground_of(session: Session, /, *, on: date) -> Ground:
    """Points and barriers that the city brought, as they hold on a day."""
    rows = session.exec(select(CityShape).where(CityShape.kind != ShapeKind.OUTLINE)).all()
    points = {row.code: (row.shape[0][0], row.shape[0][1]) for row in rows if row.kind is ShapeKind.PLACE}
    lines = tuple(
        (row.minutes, tuple((point[0], point[1]) for point in row.shape))
        for row in rows
        if row.kind is ShapeKind.BARRIER and (row.valid_from is None or row.valid_from <= on)
    )
    return Ground(points, lines)


def outlines_of(session: Session, /) -> dict[str, list[list[Point]]]:
    """District ► the rings of its outline, for those of which the city brought one."""
    rows = session.exec(select(CityShape).where(CityShape.kind == ShapeKind.OUTLINE).order_by(CityShape.code))
    return {row.code: [[(point[0], point[1]) for point in ring] for ring in row.shape] for row in rows}


def _features(data: bytes) -> list[Any]:
    if len(data) > LARGEST:
        raise ShapeFault("too_large")
    try:
        told = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ShapeFault("no_collection") from error
    features = told.get("features") if isinstance(told, dict) else None
    if not isinstance(features, list) or told.get("type") != "FeatureCollection" or not features:
        raise ShapeFault("no_collection")
    return features


def _shape(feature: Any, *, source: str, now: datetime) -> CityShape:
    told = feature if isinstance(feature, dict) else {}
    geometry, given = told.get("geometry"), told.get("properties")
    words: Mapping[str, Any] = given if isinstance(given, dict) else {}
    kind = KINDS.get(str(geometry.get("type"))) if isinstance(geometry, dict) else None
    if kind is None or not isinstance(geometry, dict):
        raise ShapeFault("bad_geometry")
    code, rings = str(words.get("code") or told.get("id") or ""), list(_rings(geometry, kind))
    row = CityShape(
        id=f"{kind.value}:{code[:16]}", kind=kind, code=code[:16], shape=rings, source=source, brought_at=now
    )
    if kind is ShapeKind.BARRIER:
        row.shape, row.minutes, row.valid_from = rings[0], _minutes(words), _first_day(words)
        if not code.isascii() or not 0 < len(code) <= 16 or len(rings[0]) < 2:
            raise ShapeFault("bad_code" if len(rings[0]) > 1 else "too_short")
        return row
    district = _district(code, outline=kind is ShapeKind.OUTLINE, on=local_day(now))
    middle = middle_of(district)
    if kind is ShapeKind.PLACE:
        row.shape = rings[0]
        if middle and max(abs(middle[0] - rings[0][0][0]), abs(middle[1] - rings[0][0][1])) > NEAR:
            raise ShapeFault("far_away")
        return row
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise ShapeFault("too_short")
    if middle and sum(_around(ring, middle) for ring in rings) % 2 == 0:
        raise ShapeFault("not_around")
    return row


def _rings(geometry: Mapping[str, Any], kind: ShapeKind) -> Iterator[list[list[float]]]:
    """The points of a geometry as lists of pairs."""
    told = geometry.get("coordinates")
    try:
        many: Any = {"Point": [[told]], "LineString": [told], "Polygon": told}.get(str(geometry["type"]))
        many = [ring for polygon in told for ring in polygon] if many is None else many  # type: ignore[union-attr]
        rings = [[[float(lon), float(lat)] for lon, lat, *_height in ring] for ring in many]
    except (TypeError, ValueError, KeyError) as error:
        raise ShapeFault("bad_points") from error
    points = [point for ring in rings for point in ring]
    sound = all(isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in points)
    if not points or not sound or len(points) > MOST or any(not ring for ring in rings):
        raise ShapeFault("bad_points")
    yield from rings


def _minutes(words: Mapping[str, Any]) -> int:
    told = words.get("minutes")
    if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= 120:
        raise ShapeFault("bad_minutes")
    return told


def _first_day(words: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str(words["valid_from"])) if words.get("valid_from") else None
    except ValueError as error:
        raise ShapeFault("bad_day") from error


def _district(code: str, *, outline: bool, on: date) -> str:
    """The district of a code: of a street by its table, of a district itself, as it holds today."""
    try:
        if len(code) == 9 and not outline:
            return resolve_street(code, on=on).district_code
        if resolve(code, on=on).code == code:
            return code
    except UnknownCode:
        pass
    raise ShapeFault("bad_code")


def _around(ring: list[list[float]], at: Point) -> bool:
    """Whether a ring goes around a point."""
    crossed = (
        (one[1] > at[1]) != (two[1] > at[1])
        and at[0] < (two[0] - one[0]) * (at[1] - one[1]) / (two[1] - one[1]) + one[0]
        for one, two in pairwise(ring)
    )
    return sum(crossed) % 2 == 1
