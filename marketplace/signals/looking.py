"""Somebody opens what a department told wrongly, so that the department can be told which record it is.

Enters: a row in quarantine or a fact that staff found wrong, the reason, and who asks. Leaves: the row's cells, or the
ID number under which the department finds its record; the look is written down first, and who is in the register sees
it. Called by `views_looks`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.errors import BadInput, NotFound
from marketplace.households import service as households
from marketplace.households.models import Household, Person
from marketplace.policy import decide, require
from marketplace.reference.words import list_codes
from marketplace.sealed import number_index, vault_of
from marketplace.signals import wrong
from marketplace.signals.models import Fact, HeldRow, HeldState
from marketplace.signals.taking import BLOB

LOOK = "fact:look"


def held_row(session: Session, row_id: str, /, *, actor: Actor) -> HeldRow:
    """The row, for who serves the whole city: nobody knows of which district it tells before it is open."""
    row = session.get(HeldRow, row_id)
    require(actor, LOOK, district="" if row is not None else None)
    if row is None or row.state is not HeldState.HELD:
        raise NotFound("held_row")
    return row


def open_held(session: Session, row: HeldRow, /, *, reason: str, actor: Actor, now: datetime) -> Mapping[str, str]:
    """Column ► what stands there. Why is asked; the look stands on the page of whom the row names."""
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    cells = json.loads(vault_of(session).open_blob(BLOB, row.cells))
    index = number_index(vault_of(session), str(cells.get("id_number", "")).strip().upper())
    person = session.exec(select(Person.id).where(Person.id_number_index == index)).first()
    entry = audit.Entry(LOOK, object_ref=row.id, subject=person or "", rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return {str(name): str(value) for name, value in cells.items()}


def wrong_fact(session: Session, fact_id: int, /, *, actor: Actor) -> Fact:
    """The fact that staff found wrong and its department has not answered, if it is of the actor's district."""
    fact = wrong.get_wrong(session, fact_id)
    home = session.get(Household, fact.household_id)
    if not decide(actor, "household:reveal", district=home.district_code if home is not None else None).allow:
        raise NotFound("fact")
    return fact


def open_wrong(session: Session, fact: Fact, /, *, reason: str, actor: Actor, now: datetime) -> str:
    """The ID number of whom it was told."""
    told = {"field": "id_number", "purpose": "verification", "reason": reason}
    return households.reveal(session, fact.person_id, **told, actor=actor, now=now)
