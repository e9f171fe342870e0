"""Where each role begins, and the cookie in which a sign-in travels.

Enters: the app's settings. Leaves: addresses, the cookie's name, answers that carry it. Called by this room's views and
by the rooms that sign somebody in.
"""

from __future__ import annotations

from flask import Response, current_app, url_for

from marketplace.actors import Role
from marketplace.config import Settings

HOME = {
    Role.HOUSEHOLD: "portal.household_home",
    Role.HELPER: "portal.household_home",
    Role.CHARITY_WORKER: "portal.charity_home",
    Role.CHARITY_MANAGER: "portal.charity_home",
    Role.INSURER: "portal.charity_home",
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
