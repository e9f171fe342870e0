"""Codes as people read them: words of the reference tables, districts, amounts with their unit.

Template filters and plain functions; the words follow the language of the request. A code that no table knows is shown
as it is, because an old row must not break a page.
"""

import re
from contextlib import suppress

from flask import Flask
from flask_babel import gettext as _

from marketplace.calendar import local_day, utc_now
from marketplace.reference.districts import district_name, resolve_street
from marketplace.reference.needs import MONEY
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import label, words
from marketplace.web.display import language
from marketplace.web.formats import NOTHING, anew, count, yuan

STREET_DIGITS = 9


def install(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(
        word=anew(word), place=anew(place), office=anew(office), amount=anew(amount), sources=anew(sources)
    )


def word(code: str | int | None, table: str) -> str:
    """The label of a code of one table, such as `{{ need.category|word("need") }}`."""
    if code is None or code == "":
        return NOTHING
    for spelling in (code, str(code).upper()):
        with suppress(UnknownCode):
            return label(table, spelling, lang=language())
    return str(code)


def sources(codes: str, mark: str = "") -> str:
    """What a row of the tables rests on, and how well that is known; a source in words of its own stays as written."""
    known, parts = words("source"), re.split(r"[; ]+", codes)
    told = str(_("; ")).join(word(part, "source") for part in parts) if all(part in known for part in parts) else codes
    how = word(mark, "source_mark")
    return f"{told} ({how})" if mark and how.casefold() != told.casefold() else told


def place(code: str) -> str:
    """The name of a district; an ended code shows the one that took over."""
    try:
        return district_name(code, on=local_day(utc_now()), lang=language())
    except UnknownCode:
        return code


def office(code: str) -> str:
    """The name of an office: its district, and its street or town where the code has nine digits."""
    if len(code) != STREET_DIGITS:
        return place(code)
    with suppress(UnknownCode):
        return f"{place(code[:6])} · {resolve_street(code, on=local_day(utc_now())).zh}"
    return f"{place(code[:6])} · {code[6:]}"


def amount(units: int | None, unit: str) -> str:
    """Units with their unit: ¥1,200 for fen, 12 packs for packs, 1 pack for one."""
    if units is None or unit == MONEY:
        return yuan(units)
    return f"{count(units)} {word(unit, 'unit_one' if units == 1 else 'unit')}"
