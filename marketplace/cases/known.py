"""What is known of an applying family: what it told, and what the house knew already.

Enters: a case and a day. Leaves: its facts, with the class that the register says the family has on that day: what was
granted a moment ago counts for whatever waited for it. Called by `service` and by whoever looks at an application.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlmodel import Session, col, select

from marketplace.cases.evaluate import LABELS, Facts
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.households import categories
from marketplace.households.service import get_household

KNOWN_AS = {"IN_REGISTER": ("DIBAO", "TEKUN"), "DIBIAN_MEMBER": ("DIBIAN",), "EIGHTH_UNKNOWN": ("GANGXING",)}
"""Category of the register ► the labels that it can stand for."""


def facts_of(session: Session, case: Case, /, *, on: date) -> Facts:
    """What the household told, with what the house knew already: a class counts where the register says so, also if the
    household did not tick it; a tick that the register does not know is for staff to look at. Which of two classes
    stands behind a category is what this house granted, else what the register was told, else what the household says,
    else the lesser one."""
    home = get_household(session, case.household_id)
    facts = Facts.read({**case.answers, "label": ""}, size=home.size, urban=home.urban)
    held = categories.categories_on(session, [home.id], on=on).get(home.id, [])
    known = [label for code, labels in KNOWN_AS.items() if code in held for label in labels]
    said = str(case.answers.get("label") or "")
    told = categories.benefits_on(session, home.id, on=on)
    first = next((label for label in (*_granted(session, home.id), *told, said, *known) if label in known), "")
    return replace(facts, label=first)


def _granted(session: Session, household_id: str) -> list[str]:
    """The classes that this house granted to a household, the newest first, as they were found."""
    asked = select(CaseItem.code, CaseItem.found).where(CaseItem.household_id == household_id)
    asked = asked.where(CaseItem.state == ItemState.GRANTED, col(CaseItem.code).in_(set(LABELS.values())))
    newest = session.exec(asked.order_by(col(CaseItem.decided_at).desc(), col(CaseItem.id)))
    return [found or code for code, found in newest]
