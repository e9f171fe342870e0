"""From the number of a match, as letters, books and tables give it, to its page; for the giver's people.

Enters: the beginning of a number. Leaves: the page of the one match that has it, or a list of those that begin so,
which says where there are more, or where too little was typed to look.
"""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.decisions import queues
from marketplace.decisions.doors import bp
from marketplace.decisions.showing import giver_cards
from marketplace.guards import guard, own_org
from marketplace.web import pages
from marketplace.web.transactions import current_session


@bp.get("/our-matches/find")
@guard("match:answer")
def find_match() -> ResponseReturnValue:
    """The giver's own match of this number, whatever its state."""
    session, number = current_session(), request.args.get("number", "").strip()[:40]
    found, more = queues.find_of_giver(session, own_org(), number)
    if len(found) == 1:
        return redirect(url_for("decisions.charity_match", match_id=found[0].id), code=303)
    cards, short = giver_cards(session, found, now=utc_now()), len(number) < queues.LEAST_TYPED
    return pages.render("decisions/found.html", cards=cards, more=more, short=short, number=number)
