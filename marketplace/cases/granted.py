"""What begins with a granted item: the family's place in the register, the days to look again, and the survival checks.

Enters: a granted item. Leaves: a spell in the category that the item stands for, and a duty to see the person now and
then. Both are done once; a family that is in the category already stays in it, and one that got a class is not watched
as a refused one any more. Called by `outcome`.
"""

from __future__ import annotations

import contextlib
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import register, reviews
from marketplace.cases.models import Case, CaseItem
from marketplace.errors import Conflict
from marketplace.households import categories
from marketplace.liveness import duties

CATEGORIES = {
    "DIBAO": "IN_REGISTER",
    "TEKUN": "IN_REGISTER",
    "DIBIAN_GANGXING": "DIBIAN_MEMBER",
    "CANJI_BUTIE": "DISABILITY_SUBSIDY",
    "LINSHI": "TEMP_AID",
    "FANGPIN_BANGFU": "ANTI_RELAPSE",
}
"""Item ► category of the register."""
SEEN = {"DIBAO": "DIBAO", "TEKUN": "TEKUN", "CANJI_BUTIE": "DISABLED"}
"""Item that is paid month by month ► kind of survival check."""


def begin(session: Session, item: CaseItem, /, *, now: datetime) -> None:
    """Enter the family, name the day to look again, and ask now and then whether the person is well."""
    if item.code in CATEGORIES:
        entry = categories.Entry(
            item.household_id, CATEGORIES[item.code], local_day(now), source="case", source_ref=item.case_id
        )
        with contextlib.suppress(Conflict):
            categories.enter(session, entry, actor=SYSTEM, now=now)
    if item.code in register.CLASSES:
        register.end(session, item.household_id, now=now)
    case = session.get_one(Case, item.case_id)
    if case.review_of is not None:
        reviews.replace(session, case, now=now)
    reviews.plan(session, item, now=now)
    if item.code in SEEN:
        person_id = case.subject_id
        duties.enrol(session, person_id, SEEN[item.code], actor=SYSTEM, now=now)
