"""Where each role begins, and the cookie in which a sign-in travels.

Enters: the app's settings. Leaves: addresses, the cookie's name, answers that carry it. Called by this room's views and
by the rooms that sign somebody in.
"""

from __future__ import annotations

from flask import Response, current_app, make_response, redirect, url_for

from marketplace.actors import Role
from marketplace.config import Settings

HOME = {
    Role.HOUSEHOLD: "portal.household_home",
    Role.HELPER: "portal.household_home",
    Role.CHARITY_WORKER: "portal.charity_home",
    Role.CHARITY_MANAGER: "portal.charity_home",
    Role.INSURER: "portal.charity_home",
    Role.GIVER_ADMIN: "accounts.team_index",
    Role.AUDITOR: "portal.audit",
    Role.OPERATOR: "portal.dead_letters",
    Role.SECURITY_ADMIN: "accounts.accounts_index",
}


def settings() -> Settings:
    """The app's settings."""
    held: Settings = current_app.extensions["settings"]
    return held


def cookie_name() -> str:
    """`__Host-` where the site is served over TLS; browsers refuse that prefix on plain http."""
    return "__Host-sid" if settings().base_url.startswith("https") else "sid"


def with_cookie(response: Response, token: str) -> Response:
    """The answer with the session's cookie: http-only, same site, and secure wherever TLS is."""
    secure = settings().base_url.startswith("https")
    response.set_cookie(cookie_name(), token, httponly=True, samesite="Lax", secure=secure, path="/")
    return response


def home_address(role: Role) -> str:
    """Where this role begins."""
    return url_for(HOME.get(role, "portal.staff_home"))


def after_sign_in(token: str, role: Role, *, to: str | None = None, pending: bool) -> Response:
    """On to the page that was asked for; or first to the page that asks for the second factor."""
    goal = safe_next(to, role)
    if pending:
        goal = url_for("accounts.prove", next=goal)
    return with_cookie(make_response(redirect(goal, code=303)), token)


def safe_next(target: str | None, role: Role) -> str:
    """A page of this site to return to, or the role's home; never another site."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return home_address(role)
