"""The events that a need or a piece of aid comes from, as dated data, and one way to write each of them.

Enters: what a person, a spreadsheet or a giver wrote. Leaves: ``CODE``, ``CODE:NUMBER`` or ``CODE:DAY/DISTRICT``, so
that two people who describe one flood write the same; or the text as it was, which a person maps (`ledger.events`).
What is no event of the list is unknown to every rule. Called by tables, forms, the ledger and pages.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache

from marketplace.reference import districts
from marketplace.reference.tables import UnknownCode, day, in_force, rows

LONGEST = 32
_DAY = re.compile(r"((?:19|20)\d\d)[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?!\d)")
_WRITTEN = re.compile(r"[A-Z_]+(:([0-9A-Z]*[0-9][0-9A-Z]*|(\d{4}-\d\d-\d\d)?/(\d{6})?))?")


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event. `told_by` says what tells two of a kind apart: a `number` (the code of an illness, the file
    of a case, a pupil's number) or the day and `place`."""

    code: str
    zh: str
    en: str
    told_by: str
    valid_from: date | None
    valid_to: date | None

    def name(self, *, lang: str) -> str:
        """English for languages that begin with ``en``, Chinese for all others."""
        return self.en if lang.startswith("en") else self.zh


@cache
def _events() -> tuple[Event, ...]:
    return tuple(
        Event(row["code"], row["zh"], row["en"], row["told_by"], day(row["valid_from"]), day(row["valid_to"]))
        for row in rows("events")
    )


def list_events(*, on: date) -> tuple[Event, ...]:
    """The kinds of event in force on a day, in the order of the list."""
    return tuple(event for event in _events() if in_force(event.valid_from, event.valid_to, on=on))


def codes() -> tuple[str, ...]:
    """Every code that ever was: what is written stays known when its code ends."""
    return tuple(event.code for event in _events())


def known(written: str, /) -> str:
    """The text where it names an event of the list in the one way to write it; otherwise nothing.

    >>> known("FLOOD:2026-08-12/500109"), known("big flood")
    ('FLOOD:2026-08-12/500109', '')
    """
    return written if _WRITTEN.fullmatch(written) and written.partition(":")[0] in codes() else ""


def tidy(text: str, /, *, on: date) -> str:
    """The one way to write it, where it can be read; the text itself where a person has to look."""
    try:
        return read(text, on=on)
    except UnknownCode:
        return text


def read(text: str, /, *, on: date) -> str:
    """An event by its code or name, then a number, or a day and a district, in any usual writing.

    >>> read("洪涝 ２０２６年8月12日 北碚", on=date(2026, 9, 1)) == read("flood 2026-08-12 Beibei", on=date(2026, 9, 1))
    True
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    for event in list_events(on=on):
        for name in (event.code, event.zh, event.en):
            if plain.casefold().startswith(name.casefold()):
                return write(event.code, plain[len(name) :], on=on)
    raise UnknownCode("event", text)


def write(code: str, reference: str = "", /, *, on: date) -> str:
    """The one way to write a code and what was said to tell it apart; UnknownCode where that cannot be read."""
    event = next((one for one in list_events(on=on) if one.code == code), None)
    if event is None:
        raise UnknownCode("event", code)
    plain = unicodedata.normalize("NFKC", reference)
    told = _place(plain, on=on) if event.told_by == "place" else _signs(plain).upper()
    written = f"{code}:{told}" if told.strip("/") else code
    if len(written) > LONGEST or not known(written):
        raise UnknownCode("event", reference)
    return written


def _place(reference: str, *, on: date) -> str:
    found = _DAY.search(reference)
    told = ""
    if found:
        try:
            told = date(*(int(part) for part in found.groups())).isoformat()
        except ValueError as error:
            raise UnknownCode("event", reference) from error
        reference = reference[: found.start()] + reference[found.end() :]
    return f"{told}/{_district(_signs(reference), on=on)}"


def _district(name: str, *, on: date) -> str:
    if not name:
        return ""
    for place in districts.current(on):
        if name.casefold() in {_signs(one).casefold() for one in _names(place)}:
            return place.code
    return districts.resolve(name, on=on).code


def _names(place: districts.District) -> tuple[str, ...]:
    return place.code, place.zh, place.zh.rstrip("区县"), place.en, place.en.rpartition(" ")[0]


def _signs(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def words(written: str, /, *, lang: str) -> str:
    """An event for people; a text that is none of the list as it stands."""
    if not known(written):
        return written
    code, _colon, told = written.partition(":")
    name = next(event.name(lang=lang) for event in _events() if event.code == code)
    on, slash, place = told.partition("/")
    if slash and place:
        place = districts.district_name(place, on=date.fromisoformat(on) if on else date.max, lang=lang)
    return " ".join(part for part in (name, on, place) if part)
