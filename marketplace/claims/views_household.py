"""The household's part of an insurance case: a block on the page of its match, and "the papers are handed in".

Enters: a household on the page of one of its matches. Leaves: the block's values, for the template of that page to ask
for by `cover_of`, because the page belongs to a room below this one.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.claims import service, worklists
from marketplace.claims.doors import bp, tone, why
from marketplace.decisions.models import Match
from marketplace.guards import current_actor, guard
from marketplace.web import _, current_session, done, writes


@bp.app_template_global()
def cover_of(match: Match) -> dict[str, Any] | None:
    """The insurance case of a match that was shown to this household already; None where there is none."""
    session = current_session()
    case = service.find_case_of(session, match.id)
    if case is None or case.household_id != current_actor().household_id:
        return None
    return {
        "row": worklists.rows_of(session, [case], now=utc_now())[0],
        "policy": service.policy_number_of(session, case),
        "why": why(case),
        "tone": tone(case.state.value),
    }


@bp.post("/papers/<case_id>")
@guard("claim:papers")
@writes
def papers_handed(case_id: str) -> ResponseReturnValue:
    """The papers are with the insurer."""
    case = service.papers_handed(current_session(), case_id, actor=current_actor(), now=utc_now())
    to = url_for("decisions.household_offer", match_id=case.match_id)
    if current_actor().household_id is None:
        to = url_for("portal.staff_home")
    return done(_("Noted. Now the insurer answers."), to=to)
