"""How a person wants to read: language and text size, kept in two cookies and offered on every page.

`?lang=en` and `?text=large` on any address set the cookie and show the page at once, without JavaScript.
A room that keeps the choice in the account calls `remember_display` when the person signs in.
"""

from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, get_locale

from marketplace.web import catalogues

LANGUAGE_COOKIE, TEXT_COOKIE = "lang", "text"
TEXT_SIZES = ("standard", "large")
YEAR = 365 * 24 * 3600
HTML_LANGUAGE = {"zh_Hans": "zh-Hans", "en": "en"}


def install(app: Flask, *, instance: Path) -> None:
    """Give the app its catalogues, its locale and the switches of the page head."""
    folder = catalogues.compiled(instance.resolve() / "i18n")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(folder)
    app.config["BABEL_DEFAULT_LOCALE"] = catalogues.DEFAULT
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Shanghai"
    Babel(app, locale_selector=language)
    app.jinja_env.globals.update(
        language=language, large_text=large_text, html_language=html_language, with_choice=with_choice
    )
    app.after_request(_keep_choice)


def language() -> str:
    """The language of this request; Chinese unless the person chose otherwise."""
    return _chosen(LANGUAGE_COOKIE, catalogues.LANGUAGES)


def large_text() -> bool:
    """Whether this request asked for the large-text edition (大字版)."""
    return _chosen(TEXT_COOKIE, TEXT_SIZES) == "large"


def html_language() -> str:
    """The language tag for `<html lang>`."""
    return HTML_LANGUAGE[str(get_locale())]


def with_choice(**choice: str) -> str:
    """This page's address with one display choice changed; other query arguments stay."""
    kept = [(k, v) for k, v in request.args.items(multi=True) if k not in (LANGUAGE_COOKIE, TEXT_COOKIE)]
    return "?" + urlencode([*kept, *choice.items()])


def remember_display(response: Response, *, language: str, text: str) -> Response:
    """Set both cookies, as after a sign-in to an account that keeps them."""
    for name, value, allowed in (
        (LANGUAGE_COOKIE, language, catalogues.LANGUAGES),
        (TEXT_COOKIE, text, TEXT_SIZES),
    ):
        if value in allowed:
            cookie, safe = _cookie(name), request.is_secure
            response.set_cookie(cookie, value, max_age=YEAR, samesite="Lax", secure=safe, httponly=True)
    return response


def _cookie(name: str) -> str:
    """`__Host-` over TLS: no other host may set it."""
    return f"__Host-{name}" if request.is_secure else name


def _chosen(name: str, allowed: tuple[str, ...]) -> str:
    if not has_request_context():
        return allowed[0]
    for value in (request.args.get(name), request.cookies.get(_cookie(name))):
        if value in allowed:
            return value
    return allowed[0]


def _keep_choice(response: Response) -> Response:
    """A choice made in the address is kept for the next page."""
    if g.get("keep_display", True) and {LANGUAGE_COOKIE, TEXT_COOKIE} & request.args.keys():
        text = "large" if large_text() else "standard"
        remember_display(response, language=language(), text=text)
    return response
