"""What a gift would do, on the giver's pages: the scarcest gifts of the newest run, and a draft's question and answer.

Enters: a giver's people. Leaves: pages in coarse and rounded numbers only (see `gift`); an answer that is being worked
out comes as a server-sent event, and without JavaScript by a page that reloads.
"""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import utc_now
from marketplace.errors import NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.offers import drafts
from marketplace.offers.models import OfferDraft
from marketplace.proposals import gift as gifts
from marketplace.proposals.doors import bp
from marketplace.proposals.models import GiftQuestion, GiftState, Run
from marketplace.proposals.scarcity import newest_scarce
from marketplace.reference.needs import need_kind
from marketplace.web import codes, live, pages
from marketplace.web.transactions import current_database, current_session, writes


@bp.route("/gifts/", methods=["GET"])
@guard("gift:view")
def gift_index() -> ResponseReturnValue:
    """The scarcest gifts, and the drafts that can be asked about."""
    session, actor = current_session(), current_actor()
    run, rows = newest_scarce(session, actor=actor)
    mine = [draft for draft in drafts.list_drafts(session, actor=actor) if draft.offer_id is None]
    cells = [
        {
            "label": draft.answers.get("title") or _("Not named yet"),
            "hint": codes.word(draft.answers.get("category"), "need"),
            "href": url_for(".gift", draft_id=draft.id),
            "icon": "box",
        }
        for draft in mine
    ]
    return pages.render("proposals/gifts.html", run=run, rows=rows, drafts=cells)


@bp.route("/gifts/<draft_id>", methods=["GET"])
@guard("gift:view")
def gift(draft_id: str) -> ResponseReturnValue:
    """The question about this draft, and its answer as far as there is one."""
    return pages.render("proposals/gift.html", **_facts(_draft(draft_id)))


@bp.route("/gifts/<draft_id>/ask", methods=["POST"])
@guard("gift:ask")
@writes
def gift_ask(draft_id: str) -> ResponseReturnValue:
    """Have it worked out."""
    here = url_for(".gift", draft_id=draft_id)
    question = gifts.question_of(drafts.terms_in(_draft(draft_id)))
    if question is None:
        return pages.refuse(_("First say what is given and how much of it."), to=here)
    try:
        gifts.ask(current_session(), question, actor=current_actor(), now=utc_now())
    except NotFound as error:
        raise WrongState("no_run") from error
    return pages.done(_("It is being worked out."), to=here)


@bp.route("/gifts/<draft_id>/progress", methods=["GET"])
@guard("gift:view")
def gift_progress(draft_id: str) -> Response:
    """The answer as an event, once it is there."""
    database, actor, facts = current_database(), current_actor(), _facts(_draft(draft_id))
    question, render, before = facts["question"], render_template, _mark(facts["asked"])

    def newer(seen: str) -> live.Event | None:
        with database.reading() as session:
            row = gifts.find(session, question, actor=actor, now=utc_now()) if question else None
            over = row is None or row.state is not GiftState.WAITING or gifts.lost(session, row)
            run = session.get(Run, row.run_id) if row else None
        mark = _mark(row)
        if mark == (seen or before) and not over:
            return None
        shown = facts | {"asked": row, "run": run, "waiting": not over}
        return live.Event(id=mark, data=render("proposals/_gift.html", **shown), last=over)

    return live.stream(newer)


def _mark(row: GiftQuestion | None) -> str:
    return f"{row.id}-{row.state.value}" if row else "none"


def _draft(draft_id: str) -> OfferDraft:
    """A draft of a new offer; a change to a posted one is no gift."""
    draft = drafts.get_draft(current_session(), draft_id, actor=current_actor())
    if draft.offer_id is not None:
        raise NotFound("offer_draft")
    return draft


def _facts(draft: OfferDraft) -> dict[str, Any]:
    session, actor, now = current_session(), current_actor(), utc_now()
    terms = drafts.terms_in(draft)
    question = gifts.question_of(terms)
    asked = gifts.find(session, question, actor=actor, now=now) if question else None
    lost = asked is not None and gifts.lost(session, asked)
    return {
        "draft": draft,
        "terms": terms,
        "question": question,
        "unit": need_kind(question.category).unit if question else "",
        "coarser": question is not None and question.stock != terms.stock_units,
        "narrowed": bool(terms.tags_any or terms.tags_all or terms.tags_none or terms.donor_tags or terms.min_urgency),
        "asked": asked,
        "lost": lost,
        "waiting": asked is not None and asked.state is GiftState.WAITING and not lost,
        "run": session.get(Run, asked.run_id) if asked else None,
        "left": gifts.left(session, actor=actor, now=now),
        "most": gifts.A_WEEK,
    }
