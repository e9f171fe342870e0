"""Answer headers: a strict content policy, no framing, no referrer, no storing of pages with personal data.

Put on every answer by `marketplace.app`. The policy allows this host only and no inline script or style;
static files are marked immutable by their own server and left alone here.
"""

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
PLAIN_NAME = re.compile(r'attachment(; filename="[A-Za-z0-9][A-Za-z0-9._-]{0,99}")?')
"""A file goes out under a name of plain signs, or under none."""


def install(app: Flask) -> None:
    """Put the headers on every answer of the app."""
    app.after_request(protect)


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
