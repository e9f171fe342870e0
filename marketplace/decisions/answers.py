"""A giver's answers to many matches at once, ticked on the page.

Enters: ids of matches that were ticked. Leaves: matches taken on or declined, each through the very act of the page;
one that has moved on is left out with its cause. The same by table is `answers_table`. Called by the giver's pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.decisions import service
from marketplace.decisions.at_once import hold_matches
from marketplace.decisions.outcome import Excluded
from marketplace.errors import BadInput, DomainError
from marketplace.reference.words import list_codes


@dataclass(frozen=True, slots=True)
class Answered:
    """Matches that were answered, and those that were left as they are."""

    done: tuple[str, ...]
    excluded: tuple[Excluded, ...]


def accept_many(session: Session, match_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> Answered:
    """Take on every ticked match that can still be taken on."""
    return _each(session, match_ids, lambda one: service.giver_accepts(session, one, actor=actor, now=now))


def decline_many(
    session: Session, match_ids: Sequence[str], /, *, reason_code: str, actor: Actor, now: datetime
) -> Answered:
    """Say no to every ticked match that still waits for the giver, all with one reason."""
    if reason_code not in list_codes("giver_decline"):
        raise BadInput("reason_missing", field="reason_code")
    return _each(
        session,
        match_ids,
        lambda one: service.giver_declines(session, one, reason_code=reason_code, actor=actor, now=now),
    )


def _each(session: Session, match_ids: Sequence[str], act: Callable[[str], object]) -> Answered:
    if not match_ids:
        raise BadInput("nothing_chosen", field="match")
    done, excluded = [], []
    hold_matches(session, match_ids)  # all of them before the first act
    for match_id in sorted(set(match_ids)):
        try:
            with session.begin_nested():
                act(match_id)
        except DomainError as error:
            excluded.append(Excluded(match_id, error.code))
        else:
            done.append(match_id)
    return Answered(tuple(done), tuple(excluded))
