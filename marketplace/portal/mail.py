"""The newest letters to a member of staff, each with the step that it is about and the page to act on.

Enters: who looks. Leaves: letters to its account and to those it stands in for; a reminder names its step, the last day
and, while the step still waits, where it is done. Shown on the home page of staff.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.accounts.standins import seats_of
from marketplace.actors import Actor
from marketplace.clocks.models import Clock
from marketplace.decisions import deadlines
from marketplace.notices import Notice

NEWEST = 5


@dataclass(frozen=True, slots=True)
class Mail:
    """One letter; `step` and `by` where it reminds of a step, `row` while that step waits."""

    letter: Notice
    step: str = ""
    by: date | None = None
    row: deadlines.Row | None = None


def of_staff(session: Session, actor: Actor, /, *, now: datetime) -> list[Mail]:
    """The newest of them."""
    letters = notices.of_accounts(session, seats_of(session, actor, now=now), limit=NEWEST)
    about = {letter.id: letter.key.partition(":")[0] for letter in letters if letter.params.get("by")}
    clocks = {one.id: one for one in session.exec(select(Clock).where(col(Clock.id).in_(about.values())))}
    waiting = [clock for clock in clocks.values() if clock.ended_at is None]
    rows = {row.clock.id: row for row in deadlines.rows_of(session, waiting, actor=actor, now=now)}
    return [_mail(one, clocks.get(about.get(one.id, "")), rows) for one in letters]


def _mail(letter: Notice, clock: Clock | None, rows: dict[str, deadlines.Row]) -> Mail:
    if clock is None:
        return Mail(letter)
    return Mail(letter, clock.step, date.fromisoformat(letter.params["by"]), rows.get(clock.id))
