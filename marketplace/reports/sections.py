"""The figures of a report as a page or a paper shows them: totals, and their parts by kind, district and reason.

Enters: a report, and whether its reader may open rows. Leaves: plain values with words and addresses; numbers of fewer
than ten households are hidden from who may not open rows. Called by `views`.
"""

from __future__ import annotations

from typing import Any

from flask import url_for

from marketplace.reports import figures
from marketplace.reports.models import Figure, Report
from marketplace.reports.months import read_period
from marketplace.reports.words import CELLS, FIGURES, reason
from marketplace.web import _, current_session
from marketplace.web import codes as words
from marketplace.web.formats import month as month_name

YEAR = 4
"""So many characters has the period of a yearly report."""


def totals_of(report: Report, *, opens: bool) -> list[dict[str, Any]]:
    """Each figure with its total; small ones hidden from who may not open rows."""
    found = figures.totals(current_session(), report)
    shown = []
    for figure, total in found.items():
        hidden = not opens and 0 < total.households < figures.SMALL
        cells = report.org_id is not None and figure is Figure.UNMET
        if (report.org_id is None and figure is Figure.RECEIVED) or (cells and _ran(report)):
            continue
        hidden = (cells and not total.households) or hidden
        shown.append(
            {
                "name": CELLS if cells else FIGURES[figure],
                "total": total,
                "hidden": hidden,
                "cells": cells,
                "href": url_for("reports.rows", report_id=report.id, figure=figure.value)
                if opens and total.rows
                else "",
            }
        )
    return shown


def sections_of(report: Report, *, opens: bool) -> list[dict[str, Any]]:
    """Given by kind and by district, unmet by kind, and why aid was declined, ended or returned."""
    wanted = [(_("Given, by month"), Figure.GIVEN, "month")] if len(report.month) == YEAR else []
    wanted += [
        (_("Given, by kind"), Figure.GIVEN, "category"),
        (_("Given, by district"), Figure.GIVEN, "district_code"),
        *_unmet(report),
        (_("Declined, by reason"), Figure.DECLINED, "reason"),
        (_("Ended before delivery, by reason"), Figure.ENDED, "reason"),
        (_("Returned or taken back, by reason"), Figure.RETURNED, "reason"),
        (_("Results, as givers reported them"), Figure.RESULT, "reason"),
    ]
    sections = []
    for title, figure, by in wanted:
        parts = figures.parts(current_session(), report, figure=figure, by=by, small_hidden=not opens)
        if parts:
            sections.append({"title": title, "rows": [_part(report, figure, by, part, opens) for part in parts]})
    return sections


def _ran(report: Report) -> bool:
    """Whether the month still ran when it was counted: a giver's report of it does not say what is unmet."""
    return report.prepared_at < read_period(report.month, now=report.prepared_at).ends


def _unmet(report: Report) -> list[tuple[str, Figure, str]]:
    """By kind; for a giver, whose numbers are rounded cells, by district too."""
    if report.org_id is None:
        return [(_("Not fully covered, by kind"), Figure.UNMET, "category")]
    return [
        (
            _("Not fully covered where we serve, by kind (rounded, under ten left out)"),
            Figure.UNMET,
            "category",
        ),
        (_("The same by district; a household counts once for each kind"), Figure.UNMET, "district_code"),
    ]


def _part(report: Report, figure: Figure, by: str, part: figures.Part, opens: bool) -> dict[str, Any]:
    asked: Any = {by: part.key}
    where = url_for("reports.rows", report_id=report.id, figure=figure.value, **asked)
    return {
        "label": _name(part.key, figure, by),
        "value": part.households,
        "part": part,
        "href": where if opens and not part.hidden else "",
    }


def _name(key: str, figure: Figure, by: str) -> str:
    if by == "month":
        return month_name(key)
    if by == "category":
        return words.word(key, "need")
    if by == "district_code":
        return words.place(key) if key else _("the whole city")
    return reason(key, figure)
