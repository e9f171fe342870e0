"""The portrait of a household: its purpose is chosen first, the look is written down, then the page or the file.

Enters: staff of the district. Leaves: eight dimensions with evidence and age as bars and tables, the need score with
its errors, what was said, what was pushed; the same as XLSX. No page of a recipient leads here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from adapters.ports import Cell
from adapters.tabular_writer import Column, write_book
from marketplace.calendar import local_day, utc_now
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names, require_household
from marketplace.portraits import service
from marketplace.portraits.doors import STATES, bp
from marketplace.portraits.models import PushState
from marketplace.portraits.service import PURPOSES, Portrait
from marketplace.reference.indicators import need_errors
from marketplace.reference.need_points import points
from marketplace.reference.needs import need_kind
from marketplace.reference.words import choices
from marketplace.signals.declaring import Line
from marketplace.signals.reading import REGISTER, Reading
from marketplace.web import _, current_database, current_session, render
from marketplace.web.codes import amount, word
from marketplace.web.desk import XLSX, file
from marketplace.web.display import language
from marketplace.web.formats import count, day, yuan
from marketplace.web.leaving import leaves, mark

Sheet = tuple[str, Sequence[Column], Iterable[Sequence[Cell]]]
"""Name, columns and rows of one table of the file."""


@bp.get("/score")
@guard("portrait:list")
def score() -> ResponseReturnValue:
    """The points table, and how well it finds whom."""
    return render("portraits/score.html", points=_points(), errors=need_errors())


def _points() -> list[dict[str, Any]]:
    ranked = sorted(points().items(), key=lambda item: -item[1])
    return [{"label": word(fact, "need_point"), "value": worth} for fact, worth in ranked if worth]


@bp.get("/households/<household_id>/open")
@guard("portrait:view")
def purpose(household_id: str) -> ResponseReturnValue:
    """What is it looked at for?"""
    home = require_household(current_session(), household_id, "portrait:view", actor=current_actor())
    ways = [
        {"label": text, "href": url_for(".portrait", household_id=home.id, purpose=code)}
        for code, text in choices(PURPOSES, lang=language())
    ]
    return render("portraits/purpose.html", ways=ways, home=home)


def _opened(household_id: str, *, rule: str) -> Portrait:
    """The portrait, after the look was written and committed."""
    actor, now = current_actor(), utc_now()
    with current_database().transaction() as session:
        why = request.args.get("purpose", "")[:32]
        service.write_look(session, household_id, rule=rule, purpose=why, actor=actor, now=now)
    return service.portrait_of(current_session(), household_id, actor=actor, today=local_day(now))


@bp.get("/households/<household_id>")
@guard("portrait:view")
def portrait(household_id: str) -> ResponseReturnValue:
    """Everything that is known, with who told it and how old it is."""
    shown = _opened(household_id, rule="portrait:view")
    return render(
        "portraits/portrait.html",
        drawn=shown,
        name=masked_names(current_session(), [household_id])[household_id],
        purpose=request.args["purpose"],
        value_of=value_of,
        source_of=source_of,
        tones=STATES,
        unit_of=lambda category: need_kind(category).unit,
        bars=[_bar(one.code, one.known, one.fresh, len(one.readings)) for one in shown.dimensions],
        costs=[{"label": f"{on:%Y-%m}", "value": fen, "text": yuan(fen)} for on, fen in shown.costs],
    )


def _bar(code: str, known: int, fresh_ones: int, all_of_them: int) -> dict[str, Any]:
    return {"label": word(code, "dimension"), "first": known / all_of_them, "second": fresh_ones / all_of_them}


def value_of(reading: Reading, /) -> str:
    """An indicator's value in words."""
    kind, value = reading.indicator.value, reading.value
    if value is None:
        return str(_("unknown"))
    if kind == "fen":
        return str(yuan(value))
    if kind == "yes":
        return str(_("yes") if value else _("no"))
    return f"{count(value)} %" if kind == "percent" else str(count(value))


def source_of(reading: Reading, /) -> str:
    """Who told it."""
    if not reading.source:
        return "—"
    return str(_("Register")) if reading.source == REGISTER else word(reading.source, "feed")


@bp.get("/households/<household_id>/portrait.xlsx")
@guard("portrait:export")
@leaves
def portrait_file(household_id: str) -> ResponseReturnValue:
    """The portrait as sheets of one file; whoever takes it along is written down."""
    shown = _opened(household_id, rule="portrait:export")
    sheets = (_indicators(shown), _score(shown), _months(shown), _pushed(shown), _said(shown))
    return file(write_book(sheets, mark=mark()), name=f"portrait-{household_id[:8]}.xlsx", content_type=XLSX)


def _indicators(shown: Portrait) -> Sheet:
    columns = (
        Column(_("Dimension"), width=16),
        Column(_("Indicator"), width=36),
        Column(_("Value"), width=16),
        Column(_("Told by"), width=28),
        Column(_("On"), width=14),
        Column(_("Fresh"), width=10),
        Column(_("At the last visit"), width=24),
    )
    lines = (
        (
            word(part.code, "dimension"),
            word(one.indicator.code, "indicator"),
            value_of(one),
            source_of(one),
            str(day(one.on)) if one.on else "",
            (_("yes") if one.fresh else _("no")) if one.value is not None else "",
            _at_the_door(shown, one.indicator.code),
        )
        for part in shown.dimensions
        for one in part.readings
    )
    return str(_("Indicators")), columns, lines


def _at_the_door(shown: Portrait, code: str) -> str:
    if code not in shown.found:
        return ""
    answer, on = shown.found[code]
    return f"{word(answer, 'visit_answer')} · {day(on)}"


def _score(shown: Portrait) -> Sheet:
    columns = (Column(_("Fact"), width=36), Column(_("Points"), width=10), Column(_("Holds"), width=12))
    holds = {True: _("yes"), False: _("no"), None: _("unknown")}
    lines = [(word(one.fact, "need_point"), one.points, str(holds[one.holds])) for one in shown.score.lines]
    ends = ((_("Points for certain"), shown.score.least, ""), (_("Points at most"), shown.score.most, ""))
    return str(_("Need score")), columns, [*lines, *((str(name), points, none) for name, points, none in ends)]


def _months(shown: Portrait) -> Sheet:
    columns = (Column(_("Month"), width=12), Column(_("Own medical cost by month"), width=28))
    return str(_("Costs")), columns, [(f"{on:%Y-%m}", str(yuan(fen))) for on, fen in shown.costs]


def _pushed(shown: Portrait) -> Sheet:
    heads = (
        _("Department"),
        _("Kind of need"),
        _("Begun"),
        _("State"),
        _("Asked for"),
        _("Covered"),
        _("Why returned"),
    )
    lines = (
        (
            word(row.department, "department"),
            word(row.category, "need"),
            str(day(row.asked_at)),
            word(row.state.value, "push_state"),
            amount(row.asked_units, need_kind(row.category).unit),
            amount(row.covered_units, need_kind(row.category).unit) if row.state is PushState.DONE else "",
            word(row.reason, "push_reason") if row.reason else "",
        )
        for row in shown.pushes
    )
    return str(_("Tasks of departments")), [Column(str(head), width=22) for head in heads], lines


def _said(shown: Portrait) -> Sheet:
    heads = (_("Kind"), _("The household said"), _("Departments tell"), _("On"), _("Comparison"))

    def told(line: Line, number: int | None) -> str:
        return "" if number is None else str(yuan(number) if line.kind.value == "fen" else count(number))

    lines = (
        (
            word(line.kind.code, "fact_kind"),
            told(line, line.declared),
            told(line, line.told),
            str(day(line.told_on)) if line.told_on else "",
            word(line.verdict.value, "fact_verdict"),
        )
        for line in shown.said
    )
    return str(_("What was said")), [Column(str(head), width=22) for head in heads], lines
