"""The weekly demand as pages: for givers and staff, and the public map that anybody may read and take along.

Enters: anybody's request. Leaves: the newest published week and nothing finer: a tile map, a table, and a CSV of its
rounded cells. There is no filter below kind and district, and nothing here counts anew.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from adapters.tabular_writer import write_csv
from marketplace.actors import GIVERS
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.offers.blueprint import bp
from marketplace.offers.demand import Demand, latest_demand
from marketplace.offers.differencing import CITY
from marketplace.reference.districts import current
from marketplace.reference.needs import list_need_kinds
from marketplace.web import _, current_session, render
from marketplace.web.codes import place, word
from marketplace.web.desk import file
from marketplace.web.display import language


@bp.get("/demand")
@guard("demand:view")
def demand() -> ResponseReturnValue:
    """How many households have which need where: the newest weekly counts, nothing finer."""
    return _page(layout="charity" if current_actor().role in GIVERS else "staff", here="offers.demand")


@bp.get("/map")
@guard("demand:map")
def public_map() -> ResponseReturnValue:
    """The same week for everybody, without a sign-in."""
    return _page(layout="public", here="offers.public_map")


@bp.get("/map.csv")
@guard("demand:map")
def public_map_file() -> Response:
    """The rounded cells of the newest week; a cell under ten is not in it."""
    counts = latest_demand(current_session())
    if counts is None:
        raise NotFound("demand")
    columns = [_("Week from"), _("Kind code"), _("Kind of need"), _("District code"), _("District"), _("Households")]
    rows = [
        (counts.week_on.isoformat(), kind, word(kind, "need"), code, place(code) if code else _("whole city"), number)
        for kind, row in sorted(counts.cells.items())
        for code, number in sorted(row.items())
    ]
    return file(write_csv(columns, rows), name=f"demand-{counts.week_on}.csv", content_type="text/csv; charset=utf-8")


def _page(*, layout: str, here: str) -> ResponseReturnValue:
    counts = latest_demand(current_session())
    shown = {kind.code: counts.total(kind.code) for kind in list_need_kinds()} if counts else {}
    chosen = request.args.get("category", "")
    chosen = chosen if shown.get(chosen) else ""
    rows, hidden = _places(counts, chosen) if counts and chosen else (_kinds(shown, here=here), [])
    tiles = _tiles(counts, chosen) if counts and hidden else []
    page: dict[str, Any] = {"counts": counts, "chosen": chosen, "rows": rows, "hidden": hidden, "tiles": tiles}
    return render("offers/demand.html", layout=layout, here=here, **page)


def _kinds(shown: dict[str, int], *, here: str) -> list[dict[str, Any]]:
    """A bar for each kind that has a number, the largest first."""
    ranked = sorted((number, code) for code, number in shown.items() if number)
    return [
        {"label": word(code, "need"), "value": number, "href": url_for(here, category=code)}
        for number, code in reversed(ranked)
    ]


def _places(counts: Demand, chosen: str) -> tuple[list[dict[str, Any]], list[str]]:
    """A bar for each district with a number, the largest first, and the districts whose number is hidden."""
    row = counts.cells[chosen]
    if CITY in row:
        return [], []
    ranked = sorted(row.items(), key=lambda item: (-item[1], item[0]))
    hidden = [district.code for district in current(counts.week_on) if district.code not in row]
    return [{"label": place(code), "value": number} for code, number in ranked], hidden


def _tiles(counts: Demand, chosen: str) -> list[dict[str, Any]]:
    """The districts in their places on the tile map, with a shade from 0 (hidden) to 4 (the most)."""
    row = counts.cells[chosen]
    most = max(row.values())
    return [
        {
            "row": district.tile[0],
            "column": district.tile[1],
            "name": district.short(lang=language()),
            "households": row.get(district.code, 0),
            "shade": -(-4 * row.get(district.code, 0) // most),
        }
        for district in current(counts.week_on)
    ]
