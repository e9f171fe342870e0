"""Districts and streets of Chongqing by date.

What enters: a code and a date. What leaves: the district or street in force on that date, its names and its
place on the tile map. An ended code leads to its successor: 500105 and 500112 ended on 2025-11-06 and lead to
500157, and the streets that belonged to them belong to 500157 since. Called by imports, forms, boards and the
demo.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

from marketplace.reference.tables import UnknownCode, day, in_force, rows


@dataclass(frozen=True, slots=True)
class District:
    """A district or county for one period; `tile` is its (row, column) on the tile map."""

    code: str
    zh: str
    en: str
    kind: str
    valid_from: date | None
    valid_to: date | None
    successor: str
    tile: tuple[int, int]

    def name(self, *, lang: str = "zh_Hans") -> str:
        """English for languages that begin with ``en``, Chinese for all others."""
        return self.en if lang.startswith("en") else self.zh

    def short(self, *, lang: str = "zh_Hans") -> str:
        """A name that fits a tile: 彭水 for 彭水苗族土家族自治县, Pengshui in English."""
        if lang.startswith("en"):
            return self.en.split()[0]
        return self.zh[:2] if self.zh.endswith("自治县") else self.zh.removesuffix("新区").rstrip("区县")


@dataclass(frozen=True, slots=True)
class Street:
    """A subdistrict, town or township (nine-digit code) and the district it belongs to for one period."""

    code: str
    zh: str
    kind: str
    district_code: str
    valid_from: date | None
    valid_to: date | None


@cache
def _districts() -> dict[str, list[District]]:
    found: dict[str, list[District]] = {}
    for row in rows("districts"):
        district = District(
            code=row["code"],
            zh=row["zh"],
            en=row["en"],
            kind=row["kind"],
            valid_from=day(row["valid_from"]),
            valid_to=day(row["valid_to"]),
            successor=row["successor"],
            tile=(int(row["tile_row"]), int(row["tile_col"])),
        )
        found.setdefault(district.code, []).append(district)
    return found


@cache
def _streets() -> dict[str, list[Street]]:
    found: dict[str, list[Street]] = {}
    for row in rows("streets"):
        period = day(row["valid_from"]), day(row["valid_to"])
        street = Street(row["code"], row["zh"], row["kind"], row["district_code"], *period)
        found.setdefault(street.code, []).append(street)
    return found


def every_code() -> tuple[str, ...]:
    """The codes of all districts and counties that are or were: what an office signed outlives its code."""
    return tuple(_districts())


@cache
def current(on: date) -> tuple[District, ...]:
    """The districts and counties in force on a date, by code."""
    versions = (district for versions in _districts().values() for district in versions)
    return tuple(d for d in versions if in_force(d.valid_from, d.valid_to, on=on))


def resolve(code: str, *, on: date) -> District:
    """The district that carries this code on that date, or the one that took over from it.

    Raises UnknownCode for a code that never was, and for a date before the code and all its successors began.
    """
    seen = code
    while versions := _districts().get(seen):
        for district in versions:
            if in_force(district.valid_from, district.valid_to, on=on):
                return district
        after = versions[-1].successor
        if not after or after == seen:
            break
        seen = after
    raise UnknownCode("district", code)


def district_name(code: str, *, on: date, lang: str = "zh_Hans") -> str:
    """The name to show for a code that may have ended."""
    return resolve(code, on=on).name(lang=lang)


def resolve_street(code: str, *, on: date) -> Street:
    """The street with this nine-digit code as it stood on that date."""
    for street in _streets().get(code, []):
        if in_force(street.valid_from, street.valid_to, on=on):
            return street
    raise UnknownCode("street", code)


@cache
def streets_of(district_code: str, *, on: date) -> tuple[Street, ...]:
    """All streets of the district that this code means on that date, by code."""
    wanted = resolve(district_code, on=on).code
    versions = (street for versions in _streets().values() for street in versions)
    return tuple(s for s in versions if s.district_code == wanted and in_force(s.valid_from, s.valid_to, on=on))


def street_name(code: str, /, *, on: date) -> str:
    """A street's name; empty for none or one that ended."""
    try:
        return resolve_street(code, on=on).zh if code else ""
    except UnknownCode:
        return ""
