"""Approval forms (审批表) as printed pages, each with a code that leads to the page on which its hash is compared.

Enters: staff of the district, auditors. Leaves: pages for A4; kind, district, amounts and colleagues, no household's
name.
"""

from __future__ import annotations

from typing import Any

import segno
from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.config import Settings
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.meetings import papers, words
from marketplace.meetings.doors import bp
from marketplace.meetings.named import name_of
from marketplace.meetings.papers import Paper
from marketplace.proposals.models import Run
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.leaving import leaves
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session

AT_ONCE = 10


@bp.get("/papers/<line_id>")
@guard("paper:view")
def paper(line_id: str) -> ResponseReturnValue:
    """The form of one approved line."""
    return pages.render("meetings/paper.html", forms_of=[_form(line_id)], run=None, page=None, words=words)


@bp.get("/papers/runs/<run_id>")
@guard("paper:view")
@leaves
def papers_of_run(run_id: str) -> ResponseReturnValue:
    """The forms of all approved lines of a run, one on a sheet, ten on a page of the browser."""
    session, actor = current_session(), current_actor()
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound("run")
    number = page_number()
    ids, total = papers.lines_of_run(session, run, actor=actor, offset=(number - 1) * AT_ONCE, limit=AT_ONCE)
    forms_of = [_form(line_id) for line_id in ids]
    return pages.render(
        "meetings/paper.html", forms_of=forms_of, run=run, page=Page(number, total, AT_ONCE), words=words
    )


def _form(line_id: str) -> dict[str, Any]:
    session = current_session()
    found = papers.paper_of(session, line_id, actor=current_actor(), lang=language())
    return {
        "paper": found,
        "code": _code(found),
        "who": {row.id: name_of(session, row.decided_by) for row in found.decisions},
        "verifier": name_of(session, found.story.need.verifier_id),
    }


def _code(found: Paper) -> Markup:
    """The square code: the public address of the page that compares the hash."""
    settings: Settings = current_session().info["settings"]
    path = url_for(".paper_check", line_id=found.story.line.id, digest=found.digest)
    drawn = segno.make(settings.base_url.rstrip("/") + path, error="m")
    picture = drawn.svg_inline(scale=3, svgclass=None, lineclass=None)
    return Markup(picture.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))


@bp.get("/papers/<line_id>/check/<digest>")
@guard("paper:view")
def paper_check(line_id: str, digest: str) -> ResponseReturnValue:
    """Whether the paper in somebody's hand says what is on record."""
    session, actor = current_session(), current_actor()
    holds = papers.holds(session, line_id, digest, actor=actor)
    found = papers.paper_of(session, line_id, actor=actor, lang=language()) if holds else None
    return pages.render("meetings/paper_check.html", holds=holds, paper=found, digest=digest[:64], line_id=line_id)
