"""Every view that sends a file or a print to take away asks for a fresh proof, or is named here with its reason.

The views are found in their code: whatever they call that sets the header of an attachment, or the template of a sheet
of paper, whichever room it lies in. A new one that is in neither list fails here.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest
from flask import Flask

from marketplace import guards, policy
from marketplace.app import UNGUARDED, create_app
from marketplace.config import Settings
from marketplace.consent import evidence
from marketplace.decisions import seeing
from marketplace.sharing import emergency

SENDS = {"send_file", "send_from_directory"}
"""Flask's own ways of making an attachment."""
PAPERS = ("print.html", "paper.html", "slips.html", "certificate.html")
FREE = {
    "credentials.receipt_file": "a household's own receipt; it holds codes of fields, no value",
    "rights.copy_file": "a household's own copy: the right of access, and households have no second factor",
    "portal.proof": "a household's own row of the log, keyed marks only",
    "offers.public_map_file": "the public map: rounded counts, hidden below ten",
    "appointments.calendar": "one appointment of the giver: day, hour and place, no household",
    "cases.on_paper": "an empty form",
    "cases.sheet": "a household's own case on paper",
    "cases.paper": "the notice, receipt or deed of one case, handed to the one it is about at the counter",
    "cases.item_paper": "the same for one item of a case",
    "cases.order": "the order to pay with a masked name and no account",
    "cases.signed_paper": "the application that the applicant signs at the counter",
    "appeals.paper": "a household's own appeal",
    "appeals.item_paper": "the same for one item of its case",
    "boards.paper_form": "compares a figure on paper with the house; counts, no row of a person",
    "boards.paper_result": "the same with its answer",
    "meetings.paper": "one approved line without a name, opened from its decision",
    "proofs.papers_file": "numbers, days and sums of receipts and invoices; no name of anybody",
    "proofs.print_slips": "slips that say nobody's name and lie in every parcel",
    "proofs.project_print": "rounded figures of a project, hidden below ten",
    "proxies.blank": "an empty form",
    "proxies.paper": "one power with masked names",
    "proxies.paper_names": "the same with its names, by hand and with a reason that the household reads",
    "reports.show_print": "figures of a report; its rows are reports.rows_file",
}
OPENING = {
    "decisions.recipient",
    "appointments.recipient",
    "sharing.look",
    "consent.evidence_look",
}
MACHINES = {"matches_api.recipient"}
"""What a partner's machine opens: it signs each access with its own key, and no person presses anything."""
OF_A_DESK = {
    "template": "an empty table to fill in",
    "errors": "what is wrong with the rows of a file that the asker brought in; secret cells are hidden",
}


@pytest.fixture(scope="module")
def app(settings: Settings) -> Flask:
    return create_app(settings)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


@cache
def _plain(view: Callable[..., Any]) -> FunctionType | None:
    """The function of the house behind its decorators."""
    plain = inspect.unwrap(view)
    fn = plain.__func__ if isinstance(plain, MethodType) else plain
    return fn if isinstance(fn, FunctionType) and fn.__module__.startswith("marketplace.") else None


@cache
def _all_called(fn: FunctionType) -> tuple[FunctionType, ...]:
    """What a function or a function within it calls, worked out once for all views."""
    return tuple(called for code in _codes(fn.__code__) for called in _called(fn, code))


def _called(fn: FunctionType, code: CodeType) -> Iterator[FunctionType]:
    """The house's own functions that this code names: plainly, through a module, or as methods of its own class."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    for found in (fn.__globals__.get(name) for name in names):
        if isinstance(found, FunctionType):
            yield found
        if isinstance(found, ModuleType) and found.__name__.startswith("marketplace"):
            held = (getattr(found, name, None) for name in code.co_names)
            yield from (one for one in held if isinstance(one, FunctionType))


def _makes(code: CodeType) -> bool:
    """Whether this code itself makes an attachment or a sheet of paper."""
    words = [const for const in code.co_consts if isinstance(const, str)]
    on_paper = any("/" in word and word.endswith(PAPERS) for word in words)
    return on_paper or "Content-Disposition" in words or bool(SENDS & set(code.co_names))


@cache
def _makes_itself(fn: FunctionType) -> bool:
    return any(map(_makes, _codes(fn.__code__)))


def _takes_away(view: Callable[..., Any], seen: set[FunctionType]) -> bool:
    """Whether a view, or what it calls in this house, makes an attachment or a sheet of paper."""
    fn = _plain(view)
    if fn is None or fn in seen:
        return False
    seen.add(fn)
    return _makes_itself(fn) or any(_takes_away(called, seen) for called in _all_called(fn))


def _reaches(view: Callable[..., Any], wanted: frozenset[Callable[..., Any]], seen: set[FunctionType]) -> bool:
    """Whether a view calls one of these, itself or through the house's own functions."""
    fn = _plain(view)
    if fn is None or fn in seen:
        return False
    seen.add(fn)
    return fn in wanted or any(_reaches(called, wanted, seen) for called in _all_called(fn))


def _leaving(app: Flask) -> dict[str, Callable[..., Any]]:
    views = {name: view for name, view in app.view_functions.items() if name not in UNGUARDED}
    return {name: view for name, view in views.items() if _takes_away(view, set())}


def _bare(app: Flask, views: dict[str, Callable[..., Any]]) -> set[str]:
    """Those that do not ask: a guard asks by itself only for what is pressed, never for a page that is opened."""
    opened = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    pressed = {name: view for name, view in views.items() if name not in opened}
    asked = {name for name, view in pressed.items() if view.guarded_action in policy.FRESH}  # type: ignore[attr-defined]
    return {name for name, view in views.items() if not getattr(view, "asks_fresh", False)} - asked


@pytest.mark.threat("T17")
@pytest.mark.threat("T23")
def test_whatever_leaves_as_a_file_or_on_paper_asks_for_a_fresh_proof_or_has_its_reason(app: Flask) -> None:
    leaving = _leaving(app)
    bare = _bare(app, leaving)
    named = {name for name in bare if name.rpartition(".")[2] in OF_A_DESK}
    assert bare - named == set(FREE)
    assert len(leaving) - len(bare) >= 14
    assert all(reason.strip() for reason in (*FREE.values(), *OF_A_DESK.values()))


@pytest.mark.threat("T17")
def test_whatever_opens_what_a_consent_or_an_emergency_allows_asks_for_a_fresh_proof(app: Flask) -> None:
    opens = frozenset(map(_plain, (seeing.see_recipient, emergency.look, evidence.look)))
    asks = frozenset({_plain(guards.need_fresh_proof)})
    assert None not in opens | asks
    views = {name: view for name, view in app.view_functions.items() if name not in UNGUARDED}
    opening = {name: view for name, view in views.items() if _reaches(view, opens, set())}
    bare = {name for name in _bare(app, opening) if not _reaches(opening[name], asks, set())}
    assert bare == MACHINES
    assert opening.keys() >= OPENING


def test_every_act_that_asks_for_a_fresh_proof_guards_a_view_or_is_asked_inside_one(app: Flask) -> None:
    guards = {getattr(view, "guarded_action", "") for view in app.view_functions.values()}
    assert policy.FRESH - guards == {"right:erase"}  # the answer's page erases; see test_rights_pages
