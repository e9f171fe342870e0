"""The request's database session: reading by default, one writing transaction around a view marked `@writes`.

The edge commits, rooms flush: a view that answers below 400 is committed, everything else is rolled back.
`marketplace.app` puts the database where this module finds it. A refusal that carries its audit row is written after
the roll-back, in a transaction of its own: what was denied is kept as well as what was allowed.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, cast

from flask import Flask, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace import audit
from marketplace.calendar import utc_now
from marketplace.db import Database
from marketplace.errors import DomainError

P = ParamSpec("P")


def install(app: Flask, *, database: Database | None) -> None:
    """Remember the database and close what a request opened."""
    app.extensions["database"] = database
    app.teardown_appcontext(_close)


def current_database() -> Database:
    """The app's database, for views that need a transaction of their own (an audit row, a stream)."""
    return cast(Database, current_app.extensions["database"])


def current_session() -> Session:
    """The session of this request; opened on first use, never committed outside `@writes`."""
    if "session" not in g:
        g.session = current_database().session()
    return cast(Session, g.session)


def writes(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """Run the view in one writing transaction: commit below 400, else roll back. A GET only reads."""

    @wraps(view)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Response:
        if request.method in ("GET", "HEAD"):
            return make_response(view(*args, **kwargs))
        _close()
        try:
            return _in_transaction(lambda: make_response(view(*args, **kwargs)))
        except DomainError as error:
            record_refusal(error)
            raise

    return inside


def _in_transaction(answer: Callable[[], Response]) -> Response:
    with current_database().transaction() as session:
        g.session = session
        try:
            audit.refuse_a_clock_set_back(session, now=utc_now())
            response = answer()
        finally:
            g.pop("session", None)
        if response.status_code >= 400:
            session.rollback()
    return response


def record_refusal(error: DomainError) -> None:
    """Write the audit row that a refusal carries, once, after everything else was rolled back."""
    if isinstance(error.denied, tuple):
        with current_database().transaction() as session:
            _keep(session, error)


def keep_refusal(error: DomainError) -> None:
    """The same inside the transaction of a view that goes on without what was refused."""
    _keep(current_session(), error)


def _keep(session: Session, error: DomainError) -> None:
    if isinstance(error.denied, tuple):
        entry, actor = error.denied
        error.denied = "kept"
        audit.record(session, entry, actor=actor, now=utc_now())


def _close(_error: BaseException | None = None) -> None:
    session = g.pop("session", None)
    if session is not None:
        session.close()
