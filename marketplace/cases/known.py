"""What is known of an applying family: what it told, and what the house knew already.

Enters: a case. Leaves: its facts, with the class that the register says the family has. Called by `service` and by
whoever looks at an application.
"""

from __future__ import annotations

from sqlmodel import Session

from marketplace.calendar import local_day
from marketplace.cases.evaluate import Facts
from marketplace.cases.models import Case
from marketplace.households import categories
from marketplace.households.service import get_household

KNOWN_AS = {"IN_REGISTER": ("DIBAO", "TEKUN"), "DIBIAN_MEMBER": ("DIBIAN", "GANGXING")}
"""Category of the register ► the labels that it can stand for."""


def facts_of(session: Session, case: Case, /) -> Facts:
    """What the household told, with what the house knew already: a class counts where the register says so, also if the
    household did not tick it; a tick that the register does not know is for staff to look at."""
    home = get_household(session, case.household_id)
    on = local_day(case.submitted_at or case.created_at)
    held = categories.categories_on(session, [home.id], on=on).get(home.id, [])
    known = [label for code in held for label in KNOWN_AS.get(code, ())]
    said = str(case.answers.get("label") or "")
    label = said if said in known else next(iter(known), "")
    return Facts.read({**case.answers, "label": label}, size=home.size, urban=home.urban)
