"""The board of the city, of a district, of a street: who is new, what changed, alerts, answers, visits, a tile map.

Enters: staff and a place. Leaves: numbers within their districts, each with the way to its rows; the page prints as it
is. Households are shown by masked name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.boards import counting
from marketplace.boards.counting import AGED, ANSWERED, MEASURES, UNKNOWN, Answered, Moment, Place
from marketplace.boards.doors import AGE_TITLES, ANSWER_TITLES, TITLES, bp
from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.categories import categories_on
from marketplace.households.service import masked_names
from marketplace.reference.districts import current, resolve_street
from marketplace.reference.tables import UnknownCode
from marketplace.signals.lists import feed_alerts
from marketplace.signals.models import Colour
from marketplace.web import Page, _, current_session, page_number, render
from marketplace.web.codes import place as district_name
from marketplace.web.display import language

SHOWN = ("register", "new", "changed", "red", "late", "unseen", "overdue")
"""The columns of the table by place."""


def _moment() -> Moment:
    now = utc_now()
    return Moment(now, local_day(now))


def _place() -> Place:
    """The place that the address names; one that the actor does not serve is not found."""
    found = Place(request.args.get("district", "")[:6], request.args.get("street", "")[:9])
    if found.district and not current_actor().serves(found.district):
        raise NotFound("district")
    return found


def _measure() -> str:
    wanted = request.args.get("measure", "red")
    return wanted if wanted in MEASURES or wanted in AGED or wanted in ANSWERED else "red"


def name_of(found: Place, /) -> str:
    """What a place is called; streets have their Chinese name only."""
    if found.street:
        return str(_("Street not known")) if found.street == UNKNOWN else _street(found.street)
    return district_name(found.district) if found.district else str(_("The whole city"))


def _street(code: str) -> str:
    with suppress(UnknownCode):
        return resolve_street(code, on=_moment().today).zh
    return str(_("Street not known"))


@bp.get("/")
@guard("board:view")
def board() -> ResponseReturnValue:
    """One place with everything about it."""
    session, actor, at, found = current_session(), current_actor(), _moment(), _place()
    chosen = _measure() if _measure() in MEASURES else "red"
    counts = {code: counting.by_place(session, code, found, at=at, actor=actor) for code in MEASURES}
    totals = {code: sum(cells.values()) for code, cells in counts.items()}
    return render(
        "boards/board.html",
        place=found,
        name=name_of(found),
        measures=[{"value": totals[code], "label": TITLES[code], "href": _rows(code, found)} for code in MEASURES],
        covered={code: _rows(code, found) for code in ("visited", "unseen")},
        coverage=totals["visited"] / totals["register"] if totals["register"] else None,
        ages=_ages(counting.ages(session, found, at=at, actor=actor), found),
        waits=[{"label": TITLES[code], "value": totals[code]} for code in ("red", "orange", "yellow", "blue")],
        answers=_answers(counting.answers(session, found, at=at, actor=actor), found),
        rows=_table(counts, found),
        columns=[TITLES[code] for code in SHOWN],
        chosen=chosen,
        choices=[(code, TITLES[code]) for code in SHOWN],
        tiles=[] if found.district else _tiles(counts[chosen]),
        feeds=feed_alerts(session),
        at=at.now,
    )


def _rows(measure: str, found: Place) -> str:
    return url_for(".rows", measure=measure, district=found.district or None, street=found.street or None)


def _ages(found: dict[Colour, list[int]], place: Place) -> list[dict[str, Any]]:
    """One row for each colour; each number with the way to its households."""
    return [
        {
            "colour": colour,
            "cells": [
                {"value": n, "href": _rows(f"{colour.value.lower()}_{band}", place)} for band, n in enumerate(numbers)
            ],
        }
        for colour, numbers in found.items()
    ]


def _answers(found: list[Answered], place: Place) -> list[dict[str, Any]]:
    """One row for each colour; both numbers with the way to their households."""
    return [
        {
            "colour": one.colour,
            "cells": [
                {"value": number, "href": _rows(f"{name}_{one.colour.value.lower()}", place)}
                for name, number in (("answered", one.ended), ("in_time", one.in_time))
            ],
            "share": one.in_time / one.ended if one.ended else None,
        }
        for one in found
    ]


def _title(measure: str) -> Any:
    """A measure in words; of a colour and age, or of an answer, both."""
    if measure in TITLES:
        return TITLES[measure]
    if measure in ANSWERED:
        name, _sign, colour = measure.rpartition("_")
        return _("%(what)s, %(age)s", what=TITLES[colour], age=ANSWER_TITLES[name])
    colour, _sign, band = measure.partition("_")
    return _("%(what)s, %(age)s", what=TITLES[colour], age=AGE_TITLES[int(band)])


def _table(counts: dict[str, dict[str, int]], found: Place) -> list[dict[str, Any]]:
    """One row for each district, or each street of a district; none below a street."""
    if found.street:
        return []
    codes = sorted({code for measure in SHOWN for code in counts[measure]})
    below = [Place(found.district, code or UNKNOWN) if found.district else Place(code) for code in codes]
    return [
        {
            "name": name_of(one),
            "href": url_for(".board", district=one.district, street=one.street or None),
            "cells": [
                {
                    "value": counts[code].get(below_code, 0),
                    "href": _rows(code, one),
                }
                for code in SHOWN
            ],
        }
        for below_code, one in zip(codes, below, strict=True)
    ]


def _tiles(cells: dict[str, int]) -> list[dict[str, Any]]:
    """The districts in their places, with a shade from 0 (none) to 4 (the most)."""
    most = max(cells.values(), default=0)
    return [
        {
            "row": one.tile[0],
            "column": one.tile[1],
            "name": one.short(lang=language()),
            "households": cells.get(one.code, 0),
            "shade": -(-4 * cells.get(one.code, 0) // most) if most else 0,
        }
        for one in current(_moment().today)
    ]


@bp.get("/rows")
@guard("board:view")
def rows() -> ResponseReturnValue:
    """The households behind a number."""
    session, actor, at, found, chosen = current_session(), current_actor(), _moment(), _place(), _measure()
    number = page_number()
    size = Page(1, 0).size
    homes, total = counting.rows_of(session, chosen, found, at=at, actor=actor, offset=(number - 1) * size, limit=size)
    ids = [home.id for home in homes]
    return render(
        "boards/rows.html",
        rows=homes,
        names=masked_names(session, ids),
        inside=categories_on(session, ids, on=at.today),
        title=_title(chosen),
        name=name_of(found),
        place=found,
        street=_street,
        page=Page(number, total),
    )
