"""The telephone or the address of whoever is to be called or visited: shown once, to staff of the district.

Enters: a tap on the visit's page. Leaves: one value, never kept by the browser, and a row that the household sees.
"""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names
from marketplace.visits import whom
from marketplace.visits.doors import bp
from marketplace.web import current_session, render, writes


@bp.post("/<home_visit_id>/reach/<any(phone, address):field>")
@guard("household:reveal")
@writes
def reach(home_visit_id: str, field: str) -> ResponseReturnValue:
    """Show it once; the look is in the record."""
    session = current_session()
    visit, text = whom.look(session, home_visit_id, field, actor=current_actor(), now=utc_now())
    name = masked_names(session, [visit.household_id])[visit.household_id]
    return render("visits/reach.html", visit=visit, name=name, field=field, text=text)
