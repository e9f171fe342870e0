"""What a source tells otherwise now of households that are known, and who hears of it.

Enters: the households of one delivery, new ones and those in which fields differ. Leaves: what said the old values
ended, one act for each household, and its work taken along where it lives elsewhere. Called by `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import chunks
from marketplace.households import moved
from marketplace.households.models import Household

if TYPE_CHECKING:  # the register calls this module
    from marketplace.households.register import HouseholdFacts

_WRITTEN = 2000
PLACE = {"district_code", "street_code"}


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
    """Write down which households came in and what changed in others. What waits goes along, and what said the old
    values ends, before the first act: the log is locked last."""
    acts = list[audit.Entry]()
    for change in changes:
        acts.append(audit.Entry("household:update", subject=change.home.id, fields=change.fields))
        if set(change.fields) & PLACE:
            session.flush()
            acts += moved.follow(session, change.home, was=change.was, now=now)
    gone = [one for change in changes for one in change.facts]
    for each in WHEN_CHANGED if gone else ():
        each(session, gone, actor=actor, now=now)
    for some in chunks(came, _WRITTEN):
        entries = (audit.Entry("household:register", subject=home) for home in some)
        audit.record_many(session, entries, actor=actor, now=now)
    for more in chunks(acts, _WRITTEN):
        audit.record_many(session, more, actor=actor, now=now)


def values_told(home: Household, item: HouseholdFacts, /) -> dict[str, Any]:
    """What the row of a household holds once its source has told it."""
    place = {"district": item.district_code, "street": item.street_code, "village": item.village_code}
    return {
        "source": item.source,
        **moved.place_told(home, **place),
        "size": max(item.size, len(item.people), home.size if not item.size else 0),
        "kind": item.kind or home.kind,
    }


def hold_differing(session: Session, told: Iterable[tuple[Household, HouseholdFacts]], /) -> None:
    """Lock what everybody locks before a household, of those whose row is about to differ."""
    differ: dict[str, set[str]] = {}
    for home, item in told:
        if fields := {name for name, value in values_told(home, item).items() if getattr(home, name) != value}:
            differ[home.id] = fields
    moved.hold(session, sorted(differ), sorted(home for home, fields in differ.items() if fields & PLACE))
