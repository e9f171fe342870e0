"""Refused, or taken back, is not the end: the family is watched as a category of its own, is told, and may object.

Enters: a case that ended without one of the classes. Leaves: its spell in the low-income register, the letter that says
so, and the end of the spell as soon as the family objects or gets a class. Called by `outcome`, `granted`,
`withdrawing` and the pages.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.db import flush
from marketplace.errors import NotFound
from marketplace.households import categories
from marketplace.households.models import Household, Spell
from marketplace.notices import Notice
from marketplace.policy import require

REJECTED = "REJECTED"
CLASSES = ("DIBAO", "TEKUN", "DIBIAN_GANGXING")
HELD = ("IN_REGISTER", "DIBIAN_MEMBER", "EIGHTH_UNKNOWN")
"""Categories of a family that has one of the classes."""


def is_left_out(items: list[CaseItem], /) -> bool:
    """Whether one of the classes was refused or taken back and none was granted, or the same of all that was asked."""
    classes, every = {item.state for item in items if item.code in CLASSES}, {item.state for item in items}
    return any(
        states & {ItemState.REFUSED, ItemState.WITHDRAWN} and ItemState.GRANTED not in states
        for states in (classes, every)
    )


def enter(session: Session, case: Case, /, *, now: datetime) -> None:
    """Refused, or taken back, is not the end: the family is watched as its own category, knows it, and may object. One
    that has a class stays what it is, whatever else was refused to it."""
    today = local_day(now)
    if set(HELD) & set(categories.categories_on(session, [case.household_id], on=today).get(case.household_id, [])):
        return
    entry = categories.Entry(case.household_id, REJECTED, today, source="case", source_ref=case.id)
    spell = categories.enter(session, entry, actor=SYSTEM, now=now)
    key = f"register:{case.id}:{_told(session, case) + 1}"
    notices.post(session, "register_told", key=key, household_id=spell.household_id, now=now)
    flush(session)


def _told(session: Session, case: Case) -> int:
    """How often this case has put its family on the list: a decision made anew after an appeal may do so once more."""
    asked = select(func.count()).select_from(Notice)
    return session.exec(asked.where(col(Notice.key).startswith(f"register:{case.id}:", autoescape=True))).one()


def leave(session: Session, spell_id: str, /, *, asks: str = "register:object", actor: Actor, now: datetime) -> Spell:
    """The family objects: the spell ends at once, nobody has to agree."""
    row = session.get(Spell, spell_id)
    if row is None or row.category != REJECTED:
        raise NotFound("entry")
    district = session.get_one(Household, row.household_id).district_code
    require(actor, asks, household_id=row.household_id, district=district)
    categories.leave(session, row.id, on=local_day(now), reason="OBJECTED", actor=actor, now=now)
    told = audit.Entry("register:object", object_ref=row.id, subject=row.household_id, rule_id=row.category)
    audit.record(session, told, actor=actor, now=now)
    return row


def end(session: Session, household_id: str, /, *, now: datetime) -> None:
    """One of the classes was granted: the family is not watched as a refused one any more."""
    today = local_day(now)
    for row in list_entries(session, household_id):
        if row.to_on is None or row.to_on > today:
            categories.leave(session, row.id, on=today, reason="GRANTED", actor=SYSTEM, now=now)


def list_entries(session: Session, household_id: str, /, *, on: date | None = None) -> list[Spell]:
    """The household's spells as a refused one that have not been ended; with a day, those that run on it still."""
    found = categories.list_spells(session, household_id)
    rows = [row for row in found if row.category == REJECTED and row.ended_at is None]
    return [row for row in rows if on is None or row.to_on is None or row.to_on > on]
