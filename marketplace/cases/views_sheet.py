"""One sheet of paper about an application, and the same read aloud: what, until when, who has it or decided it.

Enters: requests of the household, its helper, or staff of the district. Leaves: a page that prints on one sheet however
much there is to say, and its sentences one by one.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.cases.doors import bp
from marketplace.cases.models import ENDED, CaseItem, ItemState
from marketplace.cases.rules import FAST
from marketplace.cases.views_apply import qr_of
from marketplace.cases.views_household import followed
from marketplace.cases.whose import who_holds
from marketplace.guards import guard
from marketplace.reference.words import label
from marketplace.web import _, render
from marketplace.web.display import language
from marketplace.web.formats import day, yuan
from marketplace.web.pdf import as_asked

LETTERS_A_LINE = 90
"""So many narrow letters stand on a line of the sheet; a Chinese one is as broad as two."""
SIZES = ((24, "0"), (34, "1"), (54, "2"))
"""Up to so many lines the sheet is printed in this size; more only without the words of who decided."""


@bp.get("/cases/<case_id>/print")
@guard("case:view")
def sheet(case_id: str) -> ResponseReturnValue:
    """One page of paper: what, by whom, until when, who holds it, how to stop."""
    found = followed(case_id)
    picture = qr_of(url_for(".one", case_id=case_id))
    left, more = _elsewhere(found), _details(found["rows"])
    fit = _fit(more, left)
    if not fit:
        more, fit = _details(found["rows"], short=True), SIZES[-1][1]
        left.append(_("The words of who decided stand on each decision."))
    shown: dict[str, Any] = {"picture": picture, "more": more, "left": left, "fit": fit}
    return as_asked(render("cases/print.html", last=how_to_stop(), **shown, **found))


def _details(rows: list[dict[str, Any]], *, short: bool = False) -> list[tuple[str, list[str]]]:
    """Item ► what there is to say of it, without the words of who decided where there is no room for them."""
    return [(label("aid_item", row["item"].code, lang=language()), _more(row, short=short)) for row in rows]


def _fit(more: list[tuple[str, list[str]]], left: list[str]) -> str:
    """The size in which all of it fits on the sheet, if there is one."""
    told = [*(" ".join([name, *lines]) for name, lines in more), *left]
    broad = [sum(2 if letter > "\u2e7f" else 1 for letter in line) for line in told]
    lines = 2 * len(more) + sum(1 + n // LETTERS_A_LINE for n in broad)
    return next((size for most, size in SIZES if lines <= most), "")


@bp.get("/cases/<case_id>/aloud")
@guard("case:view")
def aloud(case_id: str) -> ResponseReturnValue:
    """The printed page sentence by sentence, to be read aloud on the telephone or at a counter."""
    found = followed(case_id)
    return render("cases/aloud.html", script=reading_of(found), last=how_to_stop(), **found)


def reading_of(found: dict[str, Any]) -> list[str]:
    """What stands on the printed page, as sentences; who saw what and how to stop follow on the page itself."""
    case, lang = found["case"], language()
    lines = [_("Your application has the number %(number)s.", number=case.number)]
    for row in found["rows"]:
        item = row["item"]
        words = {
            "item": label("aid_item", item.code, lang=lang),
            "state": label("item_state", item.state.value, lang=lang),
        }
        lines.append(_("%(item)s: %(state)s.", **words))
        lines += _more(row)
    return lines + _elsewhere(found)


def _more(row: dict[str, Any], *, short: bool = False) -> list[str]:
    """What there is to say of one item besides its state: the decision, what is owed, who has it and until when."""
    item, step = row["item"], row["step"]
    lines = _decided(item, row["decider"], short=short)
    if step is not None and step.stopped_at is not None:
        lines.append(_("You still owe: %(papers)s.", papers=step.stopped_for))
    elif step is not None:
        held = {"who": who_holds(step.holder, item), "day": day(step.due_at)}
        lines.append(_("It lies with %(who)s, until %(day)s.", **held))
    if item.due_at is not None and item.state not in ENDED:
        lines.append(_("All of it is to be decided by %(day)s.", day=day(item.due_at)))
    return lines


def _elsewhere(found: dict[str, Any]) -> list[str]:
    """What is left to another application."""
    names = [label("aid_item", code, lang=language()) for code in found["apart"]]
    return [_("%(item)s is granted to you, or is being decided, in another application.", item=name) for name in names]


def _decided(item: CaseItem, decider: str, *, short: bool = False) -> list[str]:
    """What was decided about one item, by whom, and in whose words."""
    lines, lang = [], language()
    if decider:
        lines.append(_("Decided by %(who)s on %(day)s.", who=decider, day=day(item.decided_at)))
    if item.path == FAST and item.state is ItemState.GRANTED:
        lines.append(_("This is the quick help for the first days."))
    if item.found and item.state is ItemState.GRANTED:
        lines.append(_("Identified as: %(family)s", family=label("case_label", item.found, lang=lang)))
    if item.amount_fen:
        lines.append(_("The amount is %(money)s.", money=yuan(item.amount_fen)))
    if item.over_on is not None:
        lines.append(_("It ended on %(day)s.", day=day(item.over_on)))
    if item.reason:
        lines.append(_("The reason is: %(reason)s.", reason=label("case_reason", item.reason, lang=lang)))
    if item.note and not short and item.state in (ItemState.GRANTED, ItemState.REFUSED):
        lines.append(_("In the words of who decided: %(words)s", words=item.note))
    if item.letter:
        told = {"who": label("department", item.department, lang=lang), "number": item.letter}
        lines.append(_("%(who)s answered with its letter %(number)s: name this number when you ask there.", **told))
    return lines


def how_to_stop() -> list[str]:
    """The last sentences of the page, on paper and on the telephone."""
    return [
        _("You can have whoever holds it reminded, appeal against a decision, or take all of it back."),
        _("For this call or visit your street office; it costs nothing, and what was granted stays granted."),
    ]
