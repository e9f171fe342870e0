"""Sign-in pages and the request's actor.

Enters: a cookie, or a form with a login and password. Leaves: `g.actor` for every request, and the cookie. In
demonstration mode one button a role signs in without a password; outside it those addresses do not exist.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask import current_app, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import select
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired

from marketplace.accounts import (
    limits,
    proving,
    service,
    views_closing,
    views_password,
    views_proving,
    views_security,
    views_sso,
    views_standins,
    views_team,
)
from marketplace.accounts.blueprint import bp
from marketplace.accounts.cookies import after_sign_in, cookie_name, safe_next, settings, with_cookie
from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.errors import NotAllowed, NotFound
from marketplace.guards import current_actor, guard
from marketplace.web import pages
from marketplace.web.fields import Form, TextField
from marketplace.web.leaving import mark
from marketplace.web.transactions import current_database, current_session, writes

__all__ = ["bp", "settings", "views_closing", "views_password", "views_security", "views_sso", "with_cookie"]
SENTENCES = {
    "sign_in": _l("Sign in first, then open this page again."),
    "sign_in_failed": _l("This name and password do not belong together. Check both and try again."),
    "too_many_tries": _l("Too many tries. Wait a quarter of an hour and try again."),
} | (views_team.TEAM_SENTENCES | views_standins.STAND_IN_SENTENCES | views_proving.PROVING_SENTENCES)


class SignInForm(Form):
    """A login and a password."""

    next = HiddenField()
    login = TextField(_l("User name"), longest=64)
    password = PasswordField(_l("Password"), validators=[InputRequired(message=_l("Please fill this in"))])


@bp.before_app_request
def load_actor() -> None:
    """Put the actor behind the cookie on `g`; without one the request is public."""
    token = request.cookies.get(cookie_name(), "")
    g.request_id = secrets.token_hex(8)
    if not token or request.endpoint in (None, "static"):
        return
    now = datetime.now(UTC)
    session = current_session()
    held, account = service.held_by(session, token)
    g.held = (held, account)  # rows that somebody holds are not read again by who asks for them next
    g.own_name = account.display_name if account is not None else ""
    g.actor = service.actor_of(session, token, now=now, request_id=g.request_id)
    g.proved = settings().demo or proving.is_fresh(held, now=now)
    if held is None or g.actor.role is Role.PUBLIC or request.method != "GET":
        return
    if now - held.seen_at > service.STALE:
        with current_database().transaction() as session:  # a session row is the one thing a GET may write
            service.touch(session, token, now=now)


@bp.route("/sign-in", methods=["GET"])
@guard("account:sign_in")
def sign_in() -> ResponseReturnValue:
    """The form for staff and givers; households are sent to their own."""
    form = SignInForm(data={"next": request.args.get("next", "")})
    return _ask(form)


def _ask(form: SignInForm) -> ResponseReturnValue:
    office = views_sso.way_out() if "identity" in current_app.extensions else ""
    return pages.render("accounts/sign_in.html", form=form, office=office)


@bp.route("/sign-in", methods=["POST"])
@guard("account:sign_in")
def sign_in_submit() -> ResponseReturnValue:
    """Check the password. The count of tries is kept even when the answer is no."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _ask(form)
    now, refused = datetime.now(UTC), ""
    with current_database().transaction() as session:
        given = (form.login.data, form.password.data)
        try:
            token = service.sign_in(session, *given, network=request.remote_addr or "", now=now)
        except NotAllowed as error:
            refused = error.code
            limits.note_refused(session, "password", given[0] or "", code=refused, request_id=g.request_id)
        else:
            service.sign_out(session, request.cookies.get(cookie_name(), ""))
            held = proving.held_by(session, token, now=now)
            role, pending = session.get_one(Account, held.account_id).role, held.pending
    if refused:
        form.password.errors = [SENTENCES[refused]]
        return _ask(form)
    return after_sign_in(token, role, to=form.next.data, pending=pending)


@bp.route("/sign-out", methods=["POST"])
@guard("account:sign_out")
@writes
def sign_out() -> ResponseReturnValue:
    """End the session and clear what the browser kept."""
    service.sign_out(current_session(), request.cookies.get(cookie_name(), ""))
    response = make_response(pages.done(_("You are signed out."), to=url_for("portal.start")))
    response.delete_cookie(cookie_name())
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.route("/demo/sign-in/<login>", methods=["POST"])
@guard("account:demo")
@writes
def demo_sign_in(login: str) -> ResponseReturnValue:
    """One press a role, in demonstration mode only."""
    if not settings().demo:
        raise NotFound("not_found")
    session = current_session()
    account = session.exec(select(Account).where(Account.login == login)).one_or_none()
    if account is None or account.password_hash:
        raise NotFound("account")
    token = service.open_for_account(session, account, now=datetime.now(UTC))
    wanted = safe_next(request.args.get("next"), account.role)
    return with_cookie(make_response(redirect(wanted, code=303)), token)


@bp.app_context_processor
def who() -> dict[str, Any]:
    """What every page may show of the signed-in person: the account's own display name, nothing else."""
    actor = current_actor()
    name = g.get("own_name", "") if actor.role is not Role.PUBLIC else ""
    head = current_session().get(Account, actor.on_behalf_of) if actor.on_behalf_of else None
    if head is not None:
        name = _("%(name)s, for %(head)s", name=name, head=head.display_name)
    return {"signed_in_as": name, "is_demo": settings().demo, "seen_by": mark}
