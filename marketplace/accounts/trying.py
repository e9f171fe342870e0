"""Counting the tries of a public form, so that a lock stays whatever becomes of the form.

Enters: what is tried, by the request's network. Leaves: whether it may be tried; the count is committed by itself,
because a form that is refused rolls back what it wrote. Called by the views of public forms, before they write.
"""

from __future__ import annotations

from flask import request

from marketplace.accounts.service import count_try
from marketplace.calendar import utc_now
from marketplace.errors import NotAllowed
from marketplace.web import _l, current_database

TOO_MANY = _l("Too many tries. Wait a quarter of an hour and try again.")


def may_try(what: str, /, *, crowd: bool = False) -> bool:
    """Count one more try; False where the network is locked, or is from now on."""
    with current_database().transaction() as session:
        try:
            count_try(session, what, network=request.remote_addr or "", now=utc_now(), crowd=crowd)
        except NotAllowed:
            return False
    return True
