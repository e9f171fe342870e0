"""The board of the city, of a district, of a street: who is new, what changed, alerts, answers, visits, a tile map.

Enters: staff and a place. Leaves: numbers within their districts and when they were counted, each with the way to its
rows of now; the page prints as it is. Households are shown by masked name.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.boards import counting, keeping, response
from marketplace.boards.counting import AGES, ALL, ANSWERED, MEASURES, UNKNOWN, Moment, Place
from marketplace.boards.doors import AGE_TITLES, ANSWER_TITLES, TITLES, bp
from marketplace.boards.keeping import Board
from marketplace.boards.outlines import draw
from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.categories import categories_on
from marketplace.households.service import masked_names
from marketplace.reference.districts import current, resolve_street
from marketplace.reference.tables import UnknownCode
from marketplace.signals.lists import feed_alerts
from marketplace.signals.sweeping import RANKS
from marketplace.visits.places import outlines_of
from marketplace.web import Page, _, current_session, page_number, render
from marketplace.web.codes import place as district_name
from marketplace.web.display import language

SHOWN = ("register", "new", "changed", "red", "late", "unseen", "overdue")
"""The columns of the table by place."""


def _moment() -> Moment:
    now = utc_now()
    return Moment(now, local_day(now))


def _place() -> Place:
    """The place that the address names, or else the one district that the actor serves; one that the actor does not
    serve is not found."""
    mine = current_actor().districts
    named = request.args.get("district", "")[:6] or (next(iter(mine)) if len(mine) == 1 else "")
    found = Place(named, request.args.get("street", "")[:9])
    if found.district and not current_actor().serves(found.district):
        raise NotFound("district")
    return found


def _measure() -> str:
    wanted = request.args.get("measure", "red")
    return wanted if wanted in ALL else "red"


def name_of(found: Place, /) -> str:
    """What a place is called; streets have their Chinese name only. The city of somebody who serves some districts is
    these districts: its numbers are cut to them."""
    if found.street:
        return str(_("Street not known")) if found.street == UNKNOWN else _street(found.street)
    if found.district:
        return district_name(found.district)
    mine = sorted(current_actor().districts)
    return str(_(", ")).join(district_name(code) for code in mine) if mine else str(_("The whole city"))


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
    counted = keeping.board_of(session, found, at=at, actor=actor)
    totals = {code: counted.total(code) for code in MEASURES}
    served = {code: lines for code, lines in outlines_of(session).items() if actor.serves(code)}
    return render(
        "boards/board.html",
        place=found,
        name=name_of(found),
        measures=[{"code": code, "label": TITLES[code], **_cell(counted, code, found)} for code in MEASURES],
        covered={code: _rows(code, found) for code in ("visited", "unseen")},
        coverage=totals["visited"] / totals["register"] if totals["register"] else None,
        ages=_ages(counted, found),
        waits=[{"label": TITLES[code], "value": totals[code]} for code in ("red", "orange", "yellow", "blue")],
        answers=_answers(counted, found),
        rows=_table(counted, found),
        columns=[TITLES[code] for code in SHOWN],
        chosen=chosen,
        choices=[(code, TITLES[code]) for code in SHOWN],
        tiles=[] if found.district else _tiles(counted.numbers[chosen]),
        drawn=None if found.district else draw(served, counted.numbers[chosen]),
        above=len(actor.districts) != 1,
        mine=bool(actor.districts),
        feeds=feed_alerts(session),
        counted=counted,
        before=keeping.month_ago(session, found, on=at.today, actor=actor),
    )


def _rows(measure: str, found: Place) -> str:
    return url_for(".rows", measure=measure, district=found.district or None, street=found.street or None)


def _cell(counted: Board, measure: str, place: Place) -> dict[str, Any]:
    """One number with the way to its households."""
    return {"value": counted.total(measure), "href": _rows(measure, place)}


def _ages(counted: Board, place: Place) -> list[dict[str, Any]]:
    """One row for each colour, the youngest alerts first."""
    return [
        {
            "colour": colour,
            "cells": [_cell(counted, f"{colour.value.lower()}_{n}", place) for n in range(len(AGES) + 1)],
        }
        for colour in RANKS
    ]


def _answers(counted: Board, place: Place) -> list[dict[str, Any]]:
    """One row for each colour: households answered, those of them always in time, and how long alerts took."""
    found = []
    for colour in RANKS:
        ended, in_time = (_cell(counted, f"{name}_{colour.value.lower()}", place) for name in ("answered", "in_time"))
        share = in_time["value"] / ended["value"] if ended["value"] else None
        days = [response.days_within(counted.numbers, colour, part) for part in (response.HALF, response.MOST)]
        found.append({"colour": colour, "cells": [ended, in_time], "share": share, "days": days})
    return found


def _title(measure: str) -> Any:
    """A measure in words; of a colour and age, or of an answer, both."""
    if measure in TITLES:
        return TITLES[measure]
    if measure in ANSWERED:
        name, _sign, colour = measure.rpartition("_")
        return _("%(what)s, %(age)s", what=TITLES[colour], age=ANSWER_TITLES[name])
    colour, _sign, band = measure.partition("_")
    return _("%(what)s, %(age)s", what=TITLES[colour], age=AGE_TITLES[int(band)])


def _table(counted: Board, found: Place) -> list[dict[str, Any]]:
    """One row for each district, or each street of a district; none below a street."""
    if found.street:
        return []
    codes = sorted({code for measure in SHOWN for code in counted.numbers[measure]})
    below = [Place(found.district, code or UNKNOWN) if found.district else Place(code) for code in codes]
    return [
        {
            "name": name_of(one),
            "href": url_for(".board", district=one.district, street=one.street or None),
            "cells": [
                {
                    "value": counted.numbers[code].get(below_code, 0),
                    "href": _rows(code, one),
                }
                for code in SHOWN
            ],
        }
        for below_code, one in zip(codes, below, strict=True)
    ]


def _tiles(cells: Mapping[str, int]) -> list[dict[str, Any]]:
    """The districts in their places, with a shade from 0 (none) to 4 (the most); `other` are those that the actor does
    not serve: of them nothing was counted."""
    most = max(cells.values(), default=0)
    return [
        {
            "row": one.tile[0],
            "column": one.tile[1],
            "name": one.short(lang=language()),
            "households": cells.get(one.code, 0),
            "other": not current_actor().serves(one.code),
            "shade": -(-4 * cells.get(one.code, 0) // most) if most else 0,
        }
        for one in current(_moment().today)
    ]


@bp.get("/rows")
@guard("board:view")
def rows() -> ResponseReturnValue:
    """The households of now behind a number."""
    session, actor, at, found, chosen = current_session(), current_actor(), _moment(), _place(), _measure()
    number = page_number()
    counted_at, first = keeping.kept_at(session), Page(number, 0)
    kept = None if counted_at is None else keeping.kept_total(session, chosen, found, actor=actor)
    homes, total = counting.rows_of(
        session, chosen, found, at=at, actor=actor, offset=first.offset, limit=first.size, kept=kept
    )
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
        counted_at=counted_at,
    )
