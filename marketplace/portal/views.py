"""Start page, homes, messages, audit page and dead letters.

Enters: whoever asks. Leaves: pages gathered from the rooms below; nothing is decided here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, current_app, make_response, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.accounts import service as accounts
from marketplace.accounts.views import settings, with_cookie
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound
from marketplace.guards import guard
from marketplace.households.models import Household, Person
from marketplace.web import pages
from marketplace.web.transactions import current_session, writes

bp = Blueprint("portal", __name__)


@bp.route("/", methods=["GET"])
@guard("start:view")
def start() -> ResponseReturnValue:
    """Three ways in; in demonstration mode also one button a role and the tour."""
    demo: dict[str, Any] = current_app.extensions.get("demo", {}) if settings().demo else {}
    return pages.render("portal/start.html", accounts=demo.get("accounts", ()), tour=demo.get("tour", ()))


@bp.route("/demo/household", methods=["POST"])
@guard("account:demo")
@writes
def demo_household() -> ResponseReturnValue:
    """Demonstration only: sign in as a household that has an offer to answer, else as any."""
    if not settings().demo:
        raise NotFound("not_found")
    session = current_session()
    waiting = select(Match.household_id).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)
    household_id = session.exec(waiting.order_by(col(Match.id))).first()
    household_id = household_id or session.exec(select(Household.id).order_by(col(Household.id))).first()
    people = select(Person).where(col(Person.household_id) == household_id, col(Person.contact).is_(True))
    person = session.exec(people.order_by(col(Person.id))).first()
    if person is None:
        raise NotFound("household")
    token = accounts.open_for_person(session, person.id, person.household_id, now=datetime.now(UTC))
    return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)
