"""The fairness report of a run, as a page and as JSON.

Enters: staff and auditors. Leaves: figures by group, beside what simpler ways and other policy orders would have done.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.guards import current_actor, guard
from marketplace.proposals import service
from marketplace.proposals.doors import bp
from marketplace.proposals.report import shown_to
from marketplace.proposals.results import titles_of
from marketplace.reference.needs import need_kind
from marketplace.web import codes, formats, pages
from marketplace.web.transactions import current_session

LONGEST = 20
"""Queues on the page; the JSON has all."""

HEADINGS = {
    "urgency": _l("By urgency"),
    "district": _l("By district"),
    "category": _l("By kind of need"),
    "household": _l("By kind of household"),
    "sex": _l("By sex of the head of the household"),
    "age": _l("By age of the head of the household"),
}
WORDS = {
    ("household", "alone"): _l("lives alone"),
    ("household", "couple"): _l("couple"),
    ("household", "children"): _l("with children"),
    ("household", "old"): _l("older people only"),
    ("household", "other"): _l("other households"),
    ("sex", "female"): _l("women"),
    ("sex", "male"): _l("men"),
    ("age", "0"): _l("0 to 17"),
    ("age", "18"): _l("18 to 39"),
    ("age", "40"): _l("40 to 59"),
    ("age", "60"): _l("60 to 79"),
    ("age", "80"): _l("80 and older"),
    ("order", "urgency_first"): _l("The most urgent first"),
    ("order", "levels_first"): _l("Everybody a part first"),
    ("order", "own"): _l("The council's own order"),
    ("way", "plan"): _l("This run"),
    ("way", "greedy"): _l("Greedy, without looking ahead"),
    ("way", "first_come"): _l("First come, first served"),
}


def word(kind: str, label: str) -> str:
    """The word for one label of a grouping; what nobody told is "not known"."""
    if kind in ("urgency", "category") and label:
        return codes.word(int(label) if kind == "urgency" else label, "urgency" if kind == "urgency" else "need")
    if kind == "district" and label:
        return codes.place(label)
    return str(WORDS.get((kind, label), _("not known")))


@bp.route("/runs/<run_id>/fairness", methods=["GET"])
@guard("run:view")
def fairness(run_id: str) -> ResponseReturnValue:
    """The report, or that it is not worked out yet, or that it failed."""
    run = service.get_run(current_session(), run_id)
    told = shown_to(current_actor(), run.fairness)
    shown = {**_shown(told), "queues": _queues(told.get("queues", []))} if "plan" in told else {}
    return pages.render("proposals/fairness.html", run=run, told=told, **shown)


@bp.route("/runs/<run_id>/fairness.json", methods=["GET"])
@guard("run:view")
def fairness_json(run_id: str) -> ResponseReturnValue:
    """The same numbers; ``state`` is done, waiting or failed."""
    run = service.get_run(current_session(), run_id)
    told = shown_to(current_actor(), run.fairness)
    state = "failed" if "failed" in told else "done" if told else "waiting"
    return jsonify({"run": run.number, "state": state, **told})


def _shown(told: dict[str, Any]) -> dict[str, Any]:
    """What the template loops over."""
    plan = told["plan"]
    names = [p["order"] for p in told["policies"]]
    return {
        "one": plan["summary"],
        "sections": [(str(HEADINGS[name]), _rows(name, rows)) for name, rows in plan["groups"].items()],
        "spread": [
            {"label": _spread_label(place), "value": households} for place, households in enumerate(plan["spread"])
        ],
        "ways": [
            {"name": word("way", "plan"), "regret": None, **plan["summary"]},
            *({"name": word("way", w["name"]), "regret": w["regret"], **w["summary"]} for w in told["beside"]),
        ],
        "orders": [
            {
                "name": word("order", p["order"]),
                "exact": p["exact"],
                "prices": [p["price"][name] for name in names],
                **p["summary"],
            }
            for p in told["policies"]
        ],
        "price_heads": [(_("Lacks: %(order)s", order=word("order", name)), "num") for name in names],
        "lorenz": [(f"{step * 10}%", formats.percent(fill)) for step, fill in enumerate(plan["lorenz"])],
    }


def _queues(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The longest lines behind used-up resources, each with the resource's title."""
    longest = sorted(told, key=lambda row: (-row["waiting"], row["resource_id"], row["district"]))[:LONGEST]
    titles = titles_of(current_session(), [row["resource_id"] for row in longest])
    return [{**row, "title": titles.get(row["resource_id"], "—")} for row in longest]


def _rows(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one section, the most urgent first; a hidden row has a name only."""
    shown = [{**row, "name": word(name, row["label"])} for row in (reversed(rows) if name == "urgency" else rows)]
    for row in shown:
        if "hidden" not in row:
            served = row["served"] / row["needs"] if row["needs"] else 0
            row["bar"] = {"label": row["name"], "first": served, "second": row["fill"]}
            row["goods"] = [_good(good) for good in row["goods"]]
    return shown


def _good(good: dict[str, Any]) -> dict[str, Any]:
    kind = need_kind(good["category"])
    share = good["given_units"] / good["open_units"] if good["open_units"] else 0
    return {**good, "name": codes.word(good["category"], "need"), "unit": kind.unit, "share": share}


def _spread_label(place: int) -> str:
    if place == 0:
        return str(_("nothing"))
    return str(_("to %(share)s", share=f"{place * 10}%"))
