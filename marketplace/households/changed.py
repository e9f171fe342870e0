"""What a source tells otherwise now of households that are known, and who hears of it.

Enters: the households of one delivery, new ones and those in which fields differ. Leaves: what said the old values
ended, one act for each household, and its work taken along where it lives elsewhere. Called by `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import chunks
from marketplace.households import moved
from marketplace.households.models import Household

_WRITTEN = 2000


@dataclass(frozen=True, slots=True)
class Changed:
    """One fact that is told otherwise now: of a person, or of the household as a whole."""

    household_id: str
    person_id: str | None
    field: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in one household, and the district in which it was."""

    home: Household
    was: str
    fields: tuple[str, ...]
    facts: tuple[Changed, ...]


WHEN_CHANGED: list[Callable[..., object]] = []
"""Called with all facts that are told otherwise now; filled by whoever has said the old values to somebody."""


def record(session: Session, came: Sequence[str], changes: Sequence[Change], /, *, actor: Actor, now: datetime) -> None:
    """Write down which households came in and what changed in others. What said the old values ends before the first
    act: the log is locked last."""
    gone = [one for change in changes for one in change.facts]
    for each in WHEN_CHANGED if gone else ():
        each(session, gone, actor=actor, now=now)
    for some in chunks(came, _WRITTEN):
        entries = (audit.Entry("household:register", subject=home) for home in some)
        audit.record_many(session, entries, actor=actor, now=now)
    for change in changes:
        entry = audit.Entry("household:update", subject=change.home.id, fields=change.fields)
        audit.record(session, entry, actor=actor, now=now)
        if {"district_code", "street_code"} & set(change.fields):
            session.flush()
            moved.follow(session, change.home, was=change.was, actor=actor, now=now)
