"""Leaving for the identity provider and coming back.

Enters: a click, and the browser's return with a code. Leaves: a redirect, a session's cookie, or one plain page that
says that it did not work; why is in the log only. What must come back is kept in the signed form cookie and used once.
Only the sign-in page of the same browser leads away, so that no link from elsewhere opens a session unasked.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from dataclasses import asdict

from flask import current_app, make_response, redirect, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue

from adapters.ports import Departure, OutsideError, StaffSignIn
from marketplace.accounts import proving, service, sso
from marketplace.accounts.blueprint import bp
from marketplace.accounts.cookies import after_sign_in, cookie_name, settings
from marketplace.accounts.models import Account
from marketplace.calendar import utc_now
from marketplace.errors import NotAllowed, NotFound
from marketplace.guards import guard
from marketplace.web import _, current_database, render

KEPT, PRESSED = "departure", "pressed"
log = logging.getLogger(__name__)


def door() -> StaffSignIn:
    """The identity provider of this installation; without one these addresses do not exist."""
    known: StaffSignIn | None = current_app.extensions.get("identity")
    if known is None:
        raise NotFound("not_found")
    return known


def way_out() -> str:
    """The address behind the button of the sign-in page: its word stands in this browser's cookie alone."""
    word = form_session.setdefault(PRESSED, secrets.token_urlsafe(16))
    return url_for("accounts.sso_leave", word=word)


@bp.get("/sign-in/office")
@guard("account:sign_in")
def sso_leave() -> ResponseReturnValue:
    """Off to the provider, which may know the person and sign in unasked: only from the button of the sign-in page."""
    provider = door()
    known: str = form_session.get(PRESSED, "")
    if not known or not hmac.compare_digest(request.args.get("word", "").encode(), known.encode()):
        return redirect(url_for(".sign_in"), code=303)
    try:
        departure = provider.begin(settings().base_url + url_for(".sso_return"))
    except OutsideError as error:
        return _failed(error)
    form_session[KEPT] = asdict(departure) | {"address": ""}
    return redirect(departure.address, code=303)


@bp.get("/sign-in/office/return")
@guard("account:sign_in")
def sso_return() -> ResponseReturnValue:
    """Back again: checked, then in. A session row and its audit row are what this GET writes."""
    kept, provider = form_session.pop(KEPT, None), door()
    try:
        if kept is None:
            raise NotAllowed("not_asked")
        identity = provider.finish(request.args, departure=Departure(**kept))
        with current_database().transaction() as session:
            service.sign_out(session, request.cookies.get(cookie_name(), ""))
            token = sso.arrive(session, identity, now=utc_now())
            held = proving.held_by(session, token, now=utc_now())
            role = session.get_one(Account, held.account_id).role
    except (OutsideError, NotAllowed) as error:
        return _failed(error)
    return after_sign_in(token, role, pending=held.pending)


def _failed(error: Exception) -> ResponseReturnValue:
    log.warning("staff sign-in refused: %s", error)
    title, sentence = _("Signing in did not work"), _("Try again. If it goes on, ask those who look after accounts.")
    response = make_response(render("accounts/plain.html", title=title, sentence=sentence, back=url_for(".sign_in")))
    response.status_code = 403
    return response
