"""What the watch holds of one person or household: told to that person on request, and destroyed with the person.

Enters: a household or a person. Leaves: plain values for the copy of one's own data, whether the household is still
watched, or no fact of the person any more, but that of its death. Alerts stay as pseudonyms, as needs and matches do.
Called by `rights`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, update
from sqlmodel import Session, col, select

from marketplace.db import flush, new_id
from marketplace.households.categories import list_spells, runs_on
from marketplace.households.models import Person, Spell
from marketplace.households.service import list_people
from marketplace.reference.facts import fact_kinds
from marketplace.signals.models import Alert, AlertState, Declared, Fact
from marketplace.signals.scene import DEATH
from marketplace.signals.wrong import of_the_home


def told_of(
    session: Session, household_id: str, /, *, heard: frozenset[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Categories, facts of departments and own words, as those of the household who are `heard` may see them (None:
    everybody): what was said of one person is that person's own, what was said of the home is everybody's."""

    def is_theirs(person_id: str | None) -> bool:
        return heard is None or person_id is None or person_id in heard

    of_home = {code for code, kind in fact_kinds().items() if kind.joins == "home"}
    facts = select(Fact).where(Fact.household_id == household_id, col(Fact.replaced_day).is_(None))
    said = select(Declared).where(Declared.household_id == household_id)
    return {
        "categories": [
            {
                "category": one.category,
                "from": one.from_on.isoformat(),
                "to": one.to_on.isoformat() if one.to_on else "",
            }
            for one in list_spells(session, household_id)
            if is_theirs(one.person_id)
        ],
        "facts_of_departments": [
            {"feed": one.feed, "kind": one.kind, "on": date.fromordinal(one.day).isoformat(), "amount": one.amount}
            for one in session.exec(facts.order_by(col(Fact.day), col(Fact.id)))
            if one.kind in of_home or is_theirs(one.person_id)
        ],
        "said": [
            {"kind": one.kind, "on": date.fromordinal(one.day).isoformat(), "amount": one.amount}
            for one in session.exec(said.order_by(col(Declared.kind)))
        ],
    }


def is_watched(household: Any, /, *, on: date) -> ColumnElement[bool]:
    """The condition that a household is in a category or has an open alert: it is not forgotten yet."""
    spell = exists().where(col(Spell.household_id) == household, runs_on(on))
    alert = exists().where(col(Alert.household_id) == household, col(Alert.state) != AlertState.CLOSED)
    return spell | alert


def forget(session: Session, person: Person, /, *, alone: bool) -> None:
    """Delete every fact of the person, the former states too, and what its household said of itself, where nobody else
    lives there. What was told of the whole home goes to somebody who lives on in it. That the person has died stays,
    tied to no record of a department any more: else somebody would be sent to the door of the dead, or count them."""
    gone, now_true = col(Fact.person_id) == person.id, col(Fact.replaced_day).is_(None)
    if not alone and (heir := _heir(session, person)) is not None:
        of_home = now_true & of_the_home(session, person.household_id)
        session.execute(update(Fact).where(gone, of_home).values(person_id=heir.id))
    died = now_true & (col(Fact.kind) == DEATH)
    session.execute(delete(Fact).where(gone, ~died))
    for fact in session.exec(select(Fact).where(gone)):
        fact.source_key, fact.delivery_id = new_id(), None
        session.add(fact)
    flush(session)
    if alone:
        session.execute(delete(Declared).where(col(Declared.household_id) == person.household_id))


def _heir(session: Session, person: Person) -> Person | None:
    """Somebody else who lives in the household and was not erased."""
    dead = select(Fact.person_id).where(
        Fact.household_id == person.household_id, Fact.kind == DEATH, col(Fact.replaced_day).is_(None)
    )
    gone = {person.id, *session.exec(dead)}
    rest = (one for one in list_people(session, person.household_id) if one.id not in gone)
    return next((one for one in rest if one.name is not None), None)
