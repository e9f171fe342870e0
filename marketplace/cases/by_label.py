"""Benefits without an application (免申即享): they begin when a list or a feed brings a family into the register.

Enters: families whose fitting class came from outside this house, and what they have already. Leaves: a case of the
house's own with the items that the class brings, and a letter; the household may take it back like any other. No means
are checked and nothing is signed: the department answers for the class alone. Called by the worker,
which looks at the whole register and therefore only now and then.
"""

from __future__ import annotations

import logging
from datetime import date, datetime
from functools import partial

from sqlmodel import Session, col, exists, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import once, service
from marketplace.cases.evaluate import BY_LABEL, LABEL_CHANNEL, by_label
from marketplace.cases.known import KNOWN_AS, facts_of
from marketplace.cases.models import OPEN, Case, CaseItem, CaseState, ItemState
from marketplace.db import Database, flush, new_id, one_by_one
from marketplace.households.categories import runs_on
from marketplace.households.models import Person, Spell
from marketplace.households.service import get_household

log = logging.getLogger("shanqiao.cases")
OWN = "case"
"""The source of a class that this house granted: its case has these items already."""
BATCH = 200


def look(database: Database, /, *, now: datetime) -> int:
    """Begin what a class brings, for families that have nothing of it yet; how many."""
    with database.reading() as session:
        found = due(session, on=local_day(now))
    return one_by_one(database, found, partial(begin, now=now), failed=_failed)


def _failed(_household_id: str, error: str) -> None:
    log.warning("benefits of a class begin at the next look: %s", error)


def due(session: Session, /, *, on: date) -> list[str]:
    """Households in a fitting class by a list or a feed, for which nothing of it was begun since."""
    home, since = col(Spell.household_id), col(Spell.entered_at)
    has = exists().where(col(CaseItem.household_id) == home, col(CaseItem.code).in_(BY_LABEL))
    granted = (col(CaseItem.state) == ItemState.GRANTED) & (col(CaseItem.started_at) >= since)
    has = has.where(col(CaseItem.state).in_(OPEN) | granted)
    begun = exists().where(
        col(Case.household_id) == home, col(Case.channel) == LABEL_CHANNEL, col(Case.created_at) >= since
    )
    somebody = exists().where(col(Person.household_id) == home)
    asked = select(Spell.household_id).where(col(Spell.category).in_(list(KNOWN_AS)), Spell.source != OWN, runs_on(on))
    asked = asked.where(~has, ~begun, somebody).distinct()
    return list(session.exec(asked.order_by(home).limit(BATCH)))


def begin(session: Session, household_id: str, /, *, now: datetime) -> bool:
    """One case of the house's own with the items that the family's class brings."""
    home, person = get_household(session, household_id), service.first_of(session, household_id)
    if person is None:
        return False
    case = Case(
        id=new_id(),
        number=service.new_number(),
        household_id=home.id,
        subject_id=person.id,
        signer_id=person.id,
        opened_by=SYSTEM.id,
        opened_role=SYSTEM.role,
        channel=LABEL_CHANNEL,
        district_code=home.district_code,
        office=home.street_code or home.district_code,
        state=CaseState.OPEN,
        created_at=now,
        submitted_at=now,
    )
    on = local_day(now)
    facts, apart = facts_of(session, case, on=on), once.elsewhere(session, case, cause="", on=on)
    planned = [one for one in by_label(facts, district=case.district_code, on=on) if one.code not in apart]
    if not planned:
        return False
    session.add(case)
    flush(session)
    for one in planned:
        service.add_item(session, case, one.code, path=one.path, after=(), facts=facts, now=now)
    entry = audit.Entry("case:by_label", object_ref=case.id, subject=home.id, rule_id=facts.label)
    audit.record(session, entry, actor=SYSTEM, now=now)
    notices.post(session, "label_begun", key=f"case:{case.id}", household_id=home.id, now=now)
    return True
