"""Answer headers: a strict content policy, no framing, no referrer, no storing of pages with personal data.

Put on every answer by `marketplace.app`. The policy allows this host only and no inline script or style;
static files are marked immutable by their own server and left alone here. Where the public address is https, nothing
is answered to a request that came without.
"""

import logging
import re

from flask import Flask, Response, request

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
}
TWO_YEARS = 63_072_000
PLAIN_ALLOWED = ("health",)
"""What a machine beside this one asks without TLS; it says nothing of anybody."""
PLAIN_NAME = re.compile(r'attachment(; filename="[A-Za-z0-9][A-Za-z0-9._-]{0,99}")?')
"""A file goes out under a name of plain signs, or under none."""


log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Put the headers on every answer of the app."""
    app.after_request(protect)
    if app.config["SESSION_COOKIE_SECURE"]:
        app.before_request(refuse_plain)


def refuse_plain() -> Response | None:
    """No page and no redirect for who comes without TLS: what such a request carries, everybody on its way has read."""
    if request.is_secure or request.endpoint in PLAIN_ALLOWED:
        return None
    log.warning("a request came without TLS, or its proxy is not named in SHANQIAO_TRUSTED_PROXY")
    return Response("只接受 HTTPS 访问。HTTPS only.\n", status=403, mimetype="text/plain")


def protect(response: Response) -> Response:
    """Set what is missing; a view may set a stricter header of its own."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={TWO_YEARS}; includeSubDomains")
    response.headers.setdefault("Cache-Control", "no-store")
    if not PLAIN_NAME.fullmatch(response.headers.get("Content-Disposition", "attachment")):
        response.headers["Content-Disposition"] = "attachment"
    return response
