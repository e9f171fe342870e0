"""What the gifts of a table would do, line by line, before the table is stored.

Enters: a giver's people with a checked table of resources. Leaves: a page with the coarse question of each line, its
answer as far as there is one, and a button to have it worked out. The questions are those of `gift`: the same few in a
week, one run, rounded answers; lines that ask the same are one question. What a line changes in a resource that is
posted already is no gift and has no line here.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.intake import ImportKind, get_batch, rows_of
from marketplace.offers.imports import new_terms
from marketplace.offers.terms import Terms
from marketplace.proposals import gift as gifts
from marketplace.proposals.doors import bp
from marketplace.proposals.models import GiftState
from marketplace.reference.needs import need_kind
from marketplace.web import pages
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes


@bp.route("/gifts/table/<batch_id>", methods=["GET"])
@guard("gift:view")
def gift_table(batch_id: str) -> ResponseReturnValue:
    """Each new line of the table with its question and its answer."""
    session, actor, now = current_session(), current_actor(), utc_now()
    lines = _lines(batch_id)
    page = Page(page_number(), len(lines))
    rows = [_row(number, terms) for number, terms in lines[page.offset : page.offset + page.size]]
    return pages.render(
        "proposals/gift_table.html",
        batch_id=batch_id,
        rows=rows,
        page=page,
        waiting=any(row["waiting"] for row in rows),
        left=gifts.left(session, actor=actor, now=now),
        most=gifts.A_WEEK,
    )


@bp.route("/gifts/table/<batch_id>/<int:number>", methods=["POST"])
@guard("gift:ask")
@writes
def gift_table_ask(batch_id: str, number: int) -> ResponseReturnValue:
    """Have one line worked out."""
    terms = dict(_lines(batch_id)).get(number)
    question = gifts.question_of(terms) if terms is not None else None
    if question is None:
        raise NotFound("line")
    try:
        gifts.ask(current_session(), question, actor=current_actor(), now=utc_now())
    except NotFound as error:
        raise WrongState("no_run") from error
    return pages.done(_("It is being worked out."), to=url_for(".gift_table", batch_id=batch_id))


def _lines(batch_id: str) -> list[tuple[int, Terms]]:
    """Row of the file ► terms, of the lines that would post something new."""
    session, now = current_session(), utc_now()
    batch = get_batch(session, batch_id, kind=ImportKind.OFFERS, actor=current_actor())
    return new_terms(session, rows_of(session, batch), org_id=batch.org_id or "", today=local_day(now))


def _row(number: int, terms: Terms) -> dict[str, Any]:
    session, question = current_session(), gifts.question_of(terms)
    asked = gifts.find(session, question, actor=current_actor(), now=utc_now()) if question else None
    lost = asked is not None and gifts.lost(session, asked)
    return {
        "number": number,
        "terms": terms,
        "question": question,
        "unit": need_kind(terms.category).unit,
        "asked": asked,
        "lost": lost,
        "waiting": asked is not None and asked.state is GiftState.WAITING and not lost,
    }
