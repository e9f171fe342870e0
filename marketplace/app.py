"""The web application: one factory that puts the rooms behind one door.

Enters: frozen settings and an open database. Leaves: a Flask app with every room's views, one table of errors, strict
headers and hashed static files. It refuses to start while a view has no guard. Called by the commands and the tests.
"""

import logging
import secrets
import traceback
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, default_exceptions

from adapters.face import FaceDoor
from adapters.openid import OpenIdDoor
from adapters.ports import StaffSignIn
from marketplace import errors
from marketplace.calendar import read_own_days
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.guards import current_actor
from marketplace.web import assets, codes, desk, display, formats, headers, nav, paging, stacked, transactions
from marketplace.workdays import service as workdays

ROOMS = (
    "clocks",
    "trail",
    "accounts",
    "organisations",
    "assessments",
    "households",
    "liveness",
    "proxies",
    "signals",
    "visits",
    "cases",
    "needs",
    "portraits",
    "consent",
    "offers",
    "ledger",
    "credentials",
    "sharing",
    "proposals",
    "decisions",
    "payments",
    "proofs",
    "appointments",
    "claims",
    "meetings",
    "incidents",
    "answers",
    "appeals",
    "rights",
    "reports",
    "boards",
    "workdays",
    "portal",
)
DOORS = ("views", "api")
UNGUARDED = {"health", "favicon"}
TEMPLATES = Path(__file__).parent.parent / "templates"
STATUS = {
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.WrongState: 409,
    errors.ConsentMissing: 403,
    errors.Conflict: 409,
    errors.BadInput: 422,
}
SENTENCES: dict[int, Any] = {
    400: _l("This page could not understand the request. Go back, reload the page and try again."),
    403: _l("You may not open this page with the account you are signed in with."),
    404: _l("This page does not exist, or it is not yours to see."),
    405: _l("This page cannot be used in this way."),
    409: _l("Someone or something was faster: this has changed in the meantime. Look at it again before you go on."),
    413: _l("What you sent is too large. Files may be up to 9 MB."),
    422: _l("Something you entered does not fit. Go back and check it."),
    429: _l("Too many tries in a short time. Wait a few minutes and try again."),
    500: _l("Something went wrong on our side. Nothing you entered has been changed."),
}
log = logging.getLogger(__name__)


class UnguardedView(RuntimeError):
    """A view without a guard: the app does not start."""


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    identity: StaffSignIn | None = None,
    face: FaceDoor | None = None,
    wechat: OpenIdDoor | None = None,
) -> Flask:
    """Build the app.

    Raises
    ------
    UnguardedView
        A room registered a view that carries no guard.
    """
    app = Flask("marketplace", template_folder=str(TEMPLATES), static_folder=None)
    app.config.update(_flask_settings(settings))
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["settings"] = settings
    doors = {"identity": identity, "face": face, "wechat": wechat}
    app.extensions.update({name: door for name, door in doors.items() if door is not None})
    transactions.install(app, database=database)
    headers.install(app)
    display.install(app, instance=settings.instance)
    formats.install(app)
    codes.install(app)
    stacked.install(app)
    nav.install(app)
    paging.install(app)
    assets.install(app, instance=settings.instance)
    csrf = CSRFProtect(app)
    app.extensions["sentences"] = dict(desk.SENTENCES)
    app.before_request(_own_days)
    app.teardown_request(lambda _error: read_own_days(dict))
    for room in ROOMS:
        _open_room(app, room, csrf=csrf)
    _own_routes(app)
    _error_table(app)
    refuse_unguarded(app)
    return app


def _flask_settings(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "MAX_CONTENT_LENGTH": 9 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 200,
        "SESSION_COOKIE_NAME": "__Host-form" if settings.base_url.startswith("https") else "form",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https"),
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
    }


def _open_room(app: Flask, room: str, *, csrf: CSRFProtect) -> None:
    """Register a room's blueprints; a room may add sentences for its error codes (`SENTENCES`)."""
    for door in DOORS:
        name = f"marketplace.{room}.{door}"
        if find_spec(f"marketplace.{room}") is None or find_spec(name) is None:
            continue
        module = import_module(name)
        app.register_blueprint(module.bp)
        app.extensions["sentences"].update(getattr(module, "SENTENCES", {}))
        if door == "api":
            csrf.exempt(module.bp)


def refuse_unguarded(app: Flask) -> None:
    """Every view must say which action it needs; the two technical ones are named here."""
    bare = sorted(
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint not in UNGUARDED and not hasattr(view, "guarded_action")
    )
    if bare:
        raise UnguardedView(f"no guard on: {', '.join(bare)}")


def _own_days() -> None:
    """The city's own holidays are read anew in each request that asks for a working day."""
    database = transactions.current_database()
    if database is not None:
        read_own_days(partial(workdays.read_days, database))


def _own_routes(app: Flask) -> None:
    app.add_url_rule("/health", "health", _health)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)


def _health() -> Response:
    """Up, and the database answers."""
    database = transactions.current_database()
    if database is not None:
        with database.reading() as session:
            session.connection().exec_driver_sql("SELECT 1")
    return jsonify(status="ok")


def _favicon() -> ResponseReturnValue:
    return redirect(assets.address("favicon.svg"), code=308)


def _error_table(app: Flask) -> None:
    """The only place where an error becomes an answer: a status, a sentence, a reference, nothing else."""
    app.register_error_handler(errors.DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    for status in default_exceptions:
        app.register_error_handler(status, _http_error)
    app.register_error_handler(Exception, _unforeseen)


def _domain_error(error: errors.DomainError) -> ResponseReturnValue:
    asked = (current_actor().id, g.get("request_id", ""))
    log.info("%s on %s: %s, by %s, request %s", type(error).__name__, request.endpoint, error.code, *asked)
    if error.code == "sign_in" and not _wants_json() and nav.exists("accounts.sign_in"):
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), code=303)
    if error.code == "step_up" and not _wants_json():
        return redirect(url_for("accounts.prove", next=nav.way_back(request.path)), code=303)
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if error.code == "sign_in":
        status = 401
    return _answer(status, code=error.code, facts=error.facts)


def _csrf_error(_error: CSRFError) -> ResponseReturnValue:
    log.info("form without its token on %s", request.endpoint)
    return _answer(
        400, sentence=_("This form was open too long or in another window. Go back, reload it and send again.")
    )


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is not None and 300 <= error.code < 400:
        return error
    response = _answer(error.code or 500)
    if error.code == 405 and (allow := dict(error.get_headers()).get("Allow")):
        response.headers["Allow"] = allow
    return response


def _unforeseen(error: Exception) -> ResponseReturnValue:
    reference = secrets.token_hex(4)
    where = (request.endpoint, current_actor().id, g.get("request_id", ""))
    log.error("reference %s: %s on %s, by %s, request %s\n%s", reference, type(error).__name__, *where, _way_of(error))
    return _answer(500, reference=reference)


def _way_of(error: BaseException | None) -> str:
    """Where it broke, with the kinds of the errors behind it. Never what an error says: a value may stand in it."""
    told: list[str] = []
    while error is not None:
        told += [type(error).__name__, *(line.rstrip() for line in traceback.format_tb(error.__traceback__))]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def _answer(
    status: int, *, code: str = "", facts: Mapping[str, object] | None = None, sentence: str = "", reference: str = ""
) -> Response:
    """A page, or JSON for machines; never what the error said, but for the `facts` that its sentence names."""
    if not sentence:
        known: dict[str, Any] = current_app.extensions["sentences"]
        sentence = str(known.get(code) or SENTENCES.get(status) or SENTENCES[400 if status < 500 else 500])
        sentence = sentence % facts if facts and "%(" in sentence else sentence
    reference = reference or secrets.token_hex(4)
    if _wants_json():
        # A machine learns no more than a person: whether a row is missing or not the asker's stays untold.
        public = "not_found" if status == 404 else code or str(status)
        response = jsonify(error=public, message=sentence, reference=reference)
    else:
        page = render_template("errors/error.html", status=status, sentence=sentence, reference=reference)
        response = Response(page, mimetype="text/html")
    response.status_code = status
    return response


def _wants_json() -> bool:
    """Machines: the API's addresses, or a caller that asks for JSON before HTML."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"
