"""What begins with a granted item: the family's place in the register, the days to look again, and the survival checks.

Enters: a granted item. Leaves: a spell in the category that the item stands for, and a duty to see the person now and
then. Both are done once; a family that is in the category already stays in it, and one that got a class is not watched
as a refused one any more. Where something granted ends in a refusal at a new look, all of
that ends with it, and the family is watched as one that left. Called by `outcome`.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import register, reviews
from marketplace.cases.evaluate import BY_LABEL
from marketplace.cases.models import Case, CaseItem, CaseStep, ItemState
from marketplace.cases.once import CLASSES, FOUND_AS, category_of
from marketplace.errors import Conflict
from marketplace.households import categories
from marketplace.households.models import Spell
from marketplace.liveness import duties
from marketplace.reference.monitoring import is_personal

SEEN = {"DIBAO": "DIBAO", "TEKUN": "TEKUN", "CANJI_BUTIE": "DISABLED"}
"""Item that is paid month by month ► kind of survival check."""


def begin(session: Session, item: CaseItem, /, *, now: datetime) -> None:
    """Enter the family, name the day to look again, and ask now and then whether the person is well."""
    case = session.get_one(Case, item.case_id)
    if (category := category_of(item)) is not None:
        benefit = item.code if item.code in categories.BENEFITS else ""
        own: Any = {"source": "case", "source_ref": item.case_id, "benefit": benefit}
        own["person_id"] = case.subject_id if is_personal(category) else None
        entry = categories.Entry(item.household_id, category, local_day(now), **own)
        _other_class(session, item, category, now=now)
        with contextlib.suppress(Conflict):
            categories.enter(session, entry, actor=SYSTEM, now=now)
    if item.code in register.CLASSES:
        register.end(session, item.household_id, now=now)
    if case.review_of is not None:
        reviews.stop(session, case.review_of, outcome="replaced", now=now)
        _over(session, session.get_one(CaseItem, case.review_of), now=now)
    reviews.plan(session, item, now=now)
    if item.code in SEEN:
        person_id = case.subject_id
        duties.enrol(session, person_id, SEEN[item.code], actor=SYSTEM, now=now)


def _other_class(session: Session, item: CaseItem, category: str, *, now: datetime) -> None:
    """Identified as another class than before: the former one ends, and nobody watches the family as one that left."""
    if category not in FOUND_AS.values():
        return
    for spell in _held(session, item.household_id, set(FOUND_AS.values()) - {category}, now=now):
        told: Any = {"reason": "CLASS_CHANGED", "actor": SYSTEM, "now": now}
        categories.leave(session, spell.id, on=local_day(now), watched=False, **told)


def _held(session: Session, household_id: str, wanted: set[str], *, now: datetime) -> list[Spell]:
    """The spells of these categories that somebody can end today: what a list told the end of ends on that day by
    itself, and what is to begin has not begun."""
    today = local_day(now)
    spells = [one for one in categories.list_spells(session, household_id) if one.category in wanted]
    return [
        one
        for one in spells
        if one.ended_at is None and one.from_on <= today and (one.to_on is None or one.to_on > today)
    ]


def end(session: Session, item: CaseItem, /, *, actor: Actor, now: datetime) -> None:
    """This was refused: what it gave before, or what the item gave that was looked at anew, is over from today."""
    case = session.get_one(Case, item.case_id)
    before = [session.get_one(CaseItem, case.review_of)] if case.review_of is not None else []
    held = [*before, item] if was_granted(session, item) else before
    for one in held:
        reviews.stop(session, one.id, outcome="over", actor=actor, now=now)
        _over(session, one, now=now)
    if not held:
        return
    if item.code in SEEN:
        duties.benefit_over(session, case.subject_id, SEEN[item.code], actor=actor, now=now)
    for one in held:
        _leave(session, one, actor=actor, now=now)
    _end_label(session, item.household_id, now=now)


def was_granted(session: Session, item: CaseItem, /) -> bool:
    """Whether it was granted before, and is looked at anew."""
    asked = select(CaseStep.id).where(CaseStep.item_id == item.id, CaseStep.outcome == "granted")
    return session.exec(asked).first() is not None


def _over(session: Session, item: CaseItem, *, now: datetime) -> None:
    if item.state is ItemState.GRANTED and item.over_on is None:
        item.over_on = local_day(now)
        session.add(item)


def _leave(session: Session, item: CaseItem, *, actor: Actor, now: datetime) -> None:
    """The family, or the person, leaves the category that the item stood for, unless another benefit holds it there."""
    category = category_of(item) or ""
    person = session.get_one(Case, item.case_id).subject_id if is_personal(category) else None
    rest = duties.duties_of_household(session, item.household_id)
    held = any(duties.CATEGORIES.get(duty.kind) == category and person in (None, duty.person_id) for duty in rest)
    if not category or held:
        return
    for spell in _held(session, item.household_id, {category}, now=now):
        if spell.person_id == person:
            categories.leave(session, spell.id, on=local_day(now), reason="BENEFIT_OVER", actor=actor, now=now)


def _end_label(session: Session, household_id: str, *, now: datetime) -> None:
    """Without a class of its own the family keeps nothing of what came with the class."""
    tomorrow = local_day(now) + timedelta(days=1)
    if set(CLASSES) & set(categories.categories_on(session, [household_id], on=tomorrow).get(household_id, [])):
        return
    asked = select(CaseItem).where(CaseItem.household_id == household_id, col(CaseItem.code).in_(BY_LABEL))
    for item in session.exec(asked):
        _over(session, item, now=now)
