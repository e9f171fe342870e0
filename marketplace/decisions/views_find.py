"""From the number of a match, as letters, books and tables give it, to the match; for the giver's people and for staff.

Enters: the beginning of a number. Leaves: for a giver the page of the one match that has it; else a list of those that
begin so, which says where there are more, or where too little was typed to look. Staff find those of their districts.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.decisions import queues
from marketplace.decisions.cards import cards_of
from marketplace.decisions.doors import bp
from marketplace.decisions.showing import giver_cards
from marketplace.guards import current_actor, guard, own_org
from marketplace.web import pages
from marketplace.web.transactions import current_session


@bp.get("/our-matches/find")
@guard("match:answer")
def find_match() -> ResponseReturnValue:
    """The giver's own match of this number, whatever its state."""
    session, number = current_session(), _number()
    found, more = queues.find_of_giver(session, own_org(), number)
    if len(found) == 1:
        return redirect(url_for("decisions.charity_match", match_id=found[0].id), code=303)
    cards, short = giver_cards(session, found, now=utc_now()), len(number) < queues.LEAST_TYPED
    return pages.render("decisions/found.html", cards=cards, more=more, short=short, number=number)


@bp.get("/matches/find")
@guard("match:list")
def find_any_match() -> ResponseReturnValue:
    """Matches of the staff's districts whose number begins so, whatever their state, with what can be done there."""
    session, number = current_session(), _number()
    found, more = queues.find_for_staff(session, number, actor=current_actor())
    told: dict[str, Any] = {"more": more, "short": len(number) < queues.LEAST_TYPED, "number": number}
    return pages.render("decisions/matches.html", cards=cards_of(session, found), page=None, tab="found", **told)


def _number() -> str:
    return request.args.get("number", "").strip()[:40]
