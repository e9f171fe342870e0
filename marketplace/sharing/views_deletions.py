"""What a giver has to delete, and its word that it did.

Enters: a person of the organisation. Leaves: the attestation; without it nothing new is shown to that organisation.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard, own_org
from marketplace.sharing import deletions
from marketplace.sharing.doors import bp
from marketplace.web import _, current_session, done, render, writes


@bp.get("/our-deletions/")
@guard("deletion:attest")
def own_deletions() -> ResponseReturnValue:
    """The orders, the unanswered ones first."""
    rows = deletions.orders_of(current_session(), own_org(), actor=current_actor())
    return render("sharing/deletions.html", orders=rows, now=utc_now())


@bp.post("/our-deletions/<order_id>/attest")
@guard("deletion:attest")
@writes
def attest(order_id: str) -> ResponseReturnValue:
    """We have deleted it."""
    deletions.attest(current_session(), order_id, actor=current_actor(), now=utc_now())
    return done(_("Noted. Thank you."), to=url_for(".own_deletions"))
