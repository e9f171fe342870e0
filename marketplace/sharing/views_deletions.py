"""What a giver has to delete, and its word that it did.

Enters: a person of the organisation. Leaves: the attestation; without it nothing new is shown to that organisation.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_org
from marketplace.sharing import deletions
from marketplace.sharing.doors import bp
from marketplace.web import Page, _, current_session, done, ngettext, page_number, render, writes


@bp.get("/our-deletions/")
@guard("deletion:attest")
def own_deletions() -> ResponseReturnValue:
    """The orders, the unanswered ones first."""
    session, org_id, actor = current_session(), own_org(), current_actor()
    total, owed, until = deletions.count_orders(session, org_id, actor=actor)
    page = Page(page_number(), total)
    rows = deletions.orders_of(session, org_id, actor=actor, offset=page.offset, most=page.size)
    return render("sharing/deletions.html", orders=rows, page=page, owed=owed, until=until, now=utc_now())


@bp.post("/our-deletions/attest")
@guard("deletion:attest")
@writes
def attest_all() -> ResponseReturnValue:
    """We have deleted all that the page listed; what was ordered since then stays open."""
    try:
        until = datetime.fromisoformat(request.form.get("until", "")).astimezone(UTC)
    except ValueError as error:
        raise BadInput("bad_input", field="until") from error
    many = deletions.attest_all(current_session(), own_org(), until=until, actor=current_actor(), now=utc_now())
    return done(
        ngettext("Noted: %(num)d deletion. Thank you.", "Noted: %(num)d deletions. Thank you.", many),
        to=url_for(".own_deletions"),
    )


@bp.post("/our-deletions/<order_id>/attest")
@guard("deletion:attest")
@writes
def attest(order_id: str) -> ResponseReturnValue:
    """We have deleted it."""
    deletions.attest(current_session(), order_id, actor=current_actor(), now=utc_now())
    return done(_("Noted. Thank you."), to=url_for(".own_deletions"))
