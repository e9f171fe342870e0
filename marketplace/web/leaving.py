"""Files and prints that leave the house with rows of people: a fresh proof, a count, a bound, a mark.

Enters: a view that answers with such a file or print. Leaves: the same view; each time it hands something out, a row of
the audit chain says who took what, for which act, and how large it was, and nobody takes more than `MOST_A_DAY`. If the
row cannot be written nothing is handed out. `mark` is the sentence that files and prints carry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from functools import wraps
from typing import Any, ParamSpec, cast

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.calendar import HERE, local_day, utc_now
from marketplace.errors import NotAllowed
from marketplace.guards import current_action, current_actor, need_fresh_proof
from marketplace.web.formats import moment
from marketplace.web.transactions import current_database

P = ParamSpec("P")
MOST_A_DAY = 100
"""Files and prints that one account takes away in a day."""
UNMARKED = frozenset({Role.PUBLIC, Role.HOUSEHOLD, Role.HELPER, Role.SERVICE})
"""Whose prints hold nothing but their own."""


def leaves(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """Hand out what this view makes only after a fresh proof, within the day's bound, and with a row in the chain."""

    @wraps(view)
    def taken(*args: P.args, **kwargs: P.kwargs) -> Response:
        need_fresh_proof()
        actor = current_actor()
        with current_database().reading() as session:
            _refuse_more(session, actor, most=MOST_A_DAY - 1)
        response = make_response(view(*args, **kwargs))
        if response.status_code == 200:
            _write_down(actor, response)
        return response

    cast(Any, taken).asks_fresh = True
    return taken


def _refuse_more(session: Session, actor: Actor, *, most: int) -> None:
    if taken_today(session, actor) > most:
        raise NotAllowed("files_used_up")


def taken_today(session: Session, actor: Actor, /) -> int:
    """How often this account took something away since midnight here."""
    begun = datetime.combine(local_day(utc_now()), time(), HERE).astimezone(UTC).isoformat(timespec="microseconds")
    wanted = select(func.count()).where(
        col(audit.AuditRow.actor_ref) == actor.id,
        col(audit.AuditRow.action) == "file:take",
        col(audit.AuditRow.at) >= begun,
    )
    return session.exec(wanted).one()


def _write_down(actor: Actor, response: Response) -> None:
    """The row of the chain, counted again behind its lock: of two that are taken at once only what is left goes out."""
    entry = audit.Entry(
        "file:take",
        object_ref=str(request.endpoint),
        rule_id=current_action(),
        body={"bytes": response.calculate_content_length() or 0},
    )
    with current_database().transaction() as session:
        audit.record(session, entry, actor=actor, now=utc_now())
        _refuse_more(session, actor, most=MOST_A_DAY)


def mark() -> str:
    """Who opens this and when, with the number that joins it to the act in the chain; empty for one's own copy."""
    actor = current_actor()
    if actor.role in UNMARKED or not hasattr(g, "request_id"):
        return ""
    return str(
        _(
            "Taken out by %(who)s on %(moment)s, number %(number)s. Not to be passed on.",
            who=actor.id,
            moment=moment(utc_now()),
            number=g.request_id,
        )
    )
