"""What the city itself brings of its ground: where a street lies, rivers and ridges, the outlines of districts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment


class ShapeKind(StrEnum):
    """A point of a street or district, a line that costs minutes to cross, the outline of a district."""

    PLACE = "place"
    BARRIER = "barrier"
    OUTLINE = "outline"


class CityShape(SQLModel, table=True):
    """One of them; brought again, it replaces what stood there. `shape` holds lists of points, longitude before
    latitude: one point, one line, or the rings of an outline. Only a barrier has `minutes` and a first day."""

    __tablename__ = "city_shape"
    __table_args__ = (check("minutes", "(kind = 'barrier') = (minutes > 0)"),)

    id: str = Field(primary_key=True, max_length=32)
    kind: ShapeKind = Field(sa_column=choice(ShapeKind))
    code: str = Field(max_length=16)
    shape: list[list[Any]] = Field(sa_column=Column(JSON, nullable=False))
    minutes: int = 0
    valid_from: date | None = None
    source: str = Field(max_length=64)
    brought_at: datetime = Field(sa_column=moment())
