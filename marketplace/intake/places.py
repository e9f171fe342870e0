"""How a cell names a district or a street: by code or name, an ended code leading to its successor.

Enters: the day. Leaves: readers of cells. Called by the tables that name places.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from adapters.ports import Cell
from marketplace.intake import cells
from marketplace.intake.values import BadCell, Reader
from marketplace.reference import districts
from marketplace.reference.tables import UnknownCode

Place = Callable[[str], str]
"""The district in force for a code or a name; raises UnknownCode."""


def the_places(on: date) -> Place:
    """Districts of the city by code, Chinese or English name; ended codes lead to their successor."""
    named = {name.casefold(): d.code for d in districts.current(on) for name in (d.zh, d.en, d.en.rpartition(" ")[0])}

    def place(text: str) -> str:
        return districts.resolve(named.get(text.casefold(), text), on=on).code

    return place


def district(place: Place) -> Reader:
    """A district, as its code."""
    text = cells.text(40)

    def read(cell: Cell) -> str | None:
        plain = text(cell)
        try:
            return place(plain) if plain else None
        except UnknownCode as error:
            raise BadCell("unknown_district") from error

    return read


def street(today: date) -> Reader:
    """A street or a town, as its code."""
    text = cells.text(12)

    def read(cell: Cell) -> str | None:
        plain = text(cell)
        try:
            return districts.resolve_street(plain, on=today).code if plain else None
        except UnknownCode as error:
            raise BadCell("unknown_street") from error

    return read


def village(cell: Cell) -> str | None:
    """A village or a community of a street, as the twelve digits of the statistics office; the first nine are the
    street's. The house keeps no table of their names."""
    plain: str | None = cells.text(12)(cell)
    if plain and not is_village(plain):
        raise BadCell("unknown_street")
    return plain


def is_village(code: str, /, *, street: str = "") -> bool:
    """Whether this is the code of a village or community, and of that street where one is named."""
    return len(code) == 12 and code.isascii() and code.isdigit() and code.startswith(street)


def street_elsewhere(street_code: str, district_code: str, *, today: date) -> bool:
    """Whether a street lies in another district."""
    return bool(districts.resolve_street(street_code, on=today).district_code != district_code)


def is_town(street_code: str) -> bool:
    """Whether a street is part of a town; where it is unknown, it counts as one."""
    try:
        return not street_code or districts.resolve_street(street_code, on=date.max).kind == "SUBDISTRICT"
    except UnknownCode:
        return True
