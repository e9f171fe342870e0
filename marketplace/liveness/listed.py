"""Running benefits that a list or a feed told the register of: whoever draws one is seen as one whom a case granted it.

Enters: the clock and the register. Leaves: duties for people of running categories that stand for a benefit, and the
end of duties whose category has ended. Of a household's category everybody whom lists named is asked in extreme
hardship, of a family with the allowance one: whom messages reach, if it is named. A registered family of whom no list
says which benefit it draws counts as one with the allowance. What a person of the staff ended is not begun again.
Called by the worker, which looks at the whole register and therefore only now and then.
"""

from __future__ import annotations

import logging
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, literal, not_, or_
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.db import Database, one_by_one
from marketplace.households.categories import REGISTERED, runs_on
from marketplace.households.models import Listed, Person, Spell
from marketplace.households.service import list_people
from marketplace.liveness import duties
from marketplace.liveness.dead import is_told_dead
from marketplace.liveness.models import SurvivalDuty

log = logging.getLogger("shanqiao.liveness")
ALLOWANCE, HARDSHIP = "DIBAO", "TEKUN"
OWN = {category: kind for kind, category in duties.CATEGORIES.items() if category != REGISTERED}
"""Category of one person's own ► the benefit that it is."""
BATCH = 200
_KIND = case((col(Spell.benefit) != "", col(Spell.benefit)), else_=literal(ALLOWANCE))
_ALIKE = case({kind: literal(category) for kind, category in duties.CATEGORIES.items()}, value=col(SurvivalDuty.kind))
_THEIRS = and_(
    col(Spell.household_id) == col(SurvivalDuty.household_id),
    col(Spell.category) == _ALIKE,
    or_(col(Spell.person_id).is_(None), col(Spell.person_id) == col(SurvivalDuty.person_id)),
)
"""The spells on which a duty rests."""


def look(database: Database, /, *, now: datetime) -> int:
    """Ask whom a list told of, ask no longer whose benefit a list has ended; how many households and duties."""
    with database.reading() as session:
        begun, over = due(session, on=local_day(now)), ended(session, on=local_day(now))
    return one_by_one(database, begun, partial(begin, now=now), failed=_failed) + one_by_one(
        database, over, partial(end, now=now), failed=_failed
    )


def _failed(_ref: str, error: str) -> None:
    log.warning("who is asked now and then follows the register at the next look: %s", error)


def due(session: Session, /, *, on: date) -> list[str]:
    """Households in which somebody draws a benefit by the register and is not asked."""
    lives = and_(col(Person.household_id) == col(Spell.household_id), col(Person.left_on).is_(None))
    own = case({category: literal(kind) for category, kind in OWN.items()}, value=col(Spell.category))
    personal = and_(col(Spell.category).in_(OWN), _not_asked(own, col(Spell.person_id), since=col(Spell.entered_at)))
    whole = and_(col(Spell.category) == REGISTERED, _not_asked(_KIND, None, since=col(Spell.entered_at)))
    named = and_(
        col(Spell.category) == REGISTERED,
        _KIND == HARDSHIP,
        _named(on),
        _not_asked(literal(HARDSHIP), col(Person.id), since=col(Listed.told_at)),
    )
    wanted = select(Spell.household_id).join(Person, lives).outerjoin(Listed, col(Listed.person_id) == col(Person.id))
    who = or_(col(Spell.person_id).is_(None), col(Spell.person_id) == col(Person.id))
    wanted = wanted.where(runs_on(on), who, or_(personal, whole, named)).distinct()
    return list(session.exec(wanted.order_by(col(Spell.household_id)).limit(BATCH)))


def _named(on: date) -> ColumnElement[bool]:
    """A list's newest word on the person is that it is in the household's category."""
    return and_(col(Listed.category) == REGISTERED, or_(col(Listed.to_on).is_(None), col(Listed.to_on) >= on))


def _not_asked(kind: Any, person: Any, *, since: Any) -> ColumnElement[bool]:
    """That no duty of this kind runs, and no person of the staff ended one since the register knows of the benefit."""
    found = exists().where(col(SurvivalDuty.household_id) == col(Spell.household_id), col(SurvivalDuty.kind) == kind)
    by_hand = and_(col(SurvivalDuty.ended_by) != SYSTEM.id, col(SurvivalDuty.ended_at) >= since)
    found = found.where(or_(col(SurvivalDuty.ended_at).is_(None), by_hand))
    return not_(found if person is None else found.where(col(SurvivalDuty.person_id) == person))


def begin(session: Session, household_id: str, /, *, now: datetime) -> bool:
    """Ask everybody of the household who is to be asked; whether anybody is new."""
    on, before = local_day(now), len(duties.duties_of_household(session, household_id))
    people = list_people(session, household_id)
    for spell in session.exec(select(Spell).where(Spell.household_id == household_id, runs_on(on))).all():
        kind = OWN.get(spell.category) or ((spell.benefit or ALLOWANCE) if spell.category == REGISTERED else "")
        if not kind:
            continue
        own = {one.id: spell.entered_at for one in people if one.id == spell.person_id}
        who = own if spell.person_id else _who(session, people, kind, spell.entered_at, on=on)
        for person_id, since in who.items():
            if not _ended_by_hand(session, person_id, kind, since=since):
                duties.enrol(session, person_id, kind, since=spell.from_on, actor=SYSTEM, now=now)
    return len(duties.duties_of_household(session, household_id)) > before


def _who(session: Session, people: list[Person], kind: str, known: datetime, *, on: date) -> dict[str, datetime]:
    """Whom lists named; one who lives and is grown up before others, where one answers for all. And since when the
    register knows that this person is the one."""
    ids = col(Listed.person_id).in_([person.id for person in people])
    named = dict(session.exec(select(Listed.person_id, Listed.told_at).where(ids, _named(on))).all())
    if kind == HARDSHIP and named:
        return named
    grown = [person for person in people if person.birth_year is None or on.year - person.birth_year >= 18]
    ordered = [*(one for one in grown if one.id in named), *grown, *people]
    living = next((one for one in ordered if not is_told_dead(session, one.id)), None)
    return {one.id: known for one in ([living] if living else ordered[:1])}


def _ended_by_hand(session: Session, person_id: str, kind: str, *, since: datetime) -> bool:
    """Whether staff said since that nobody is to ask this person."""
    wanted = select(SurvivalDuty.id).where(SurvivalDuty.person_id == person_id, SurvivalDuty.kind == kind)
    wanted = wanted.where(SurvivalDuty.ended_by != SYSTEM.id, col(SurvivalDuty.ended_at) >= since)
    return session.exec(wanted).first() is not None


def ended(session: Session, /, *, on: date) -> list[str]:
    """Duties whose category has ended since they began, or whose person a list has taken out of the household's."""
    since = col(SurvivalDuty.begun_at)
    told_ahead = and_(col(Spell.ended_at).is_(None), col(Spell.entered_at) <= since)
    told_ahead = and_(told_ahead, col(SurvivalDuty.begun_by) == SYSTEM.id)
    over = and_(_THEIRS, col(Spell.to_on) < on, or_(col(Spell.ended_at) >= since, told_ahead))
    gone = and_(exists().where(over), ~exists().where(_THEIRS, runs_on(on)))
    word = and_(col(Listed.person_id) == col(SurvivalDuty.person_id), col(Listed.category) == _ALIKE)
    left = exists().where(word, col(Listed.to_on) < on, col(Listed.told_at) >= since)
    wanted = select(SurvivalDuty.id).where(col(SurvivalDuty.ended_at).is_(None), or_(gone, left))
    return list(session.exec(wanted.order_by(col(SurvivalDuty.id)).limit(BATCH)))


def end(session: Session, duty_id: str, /, *, now: datetime) -> bool:
    """Nobody asks because of this benefit any longer."""
    duties.hold_check(session, session.get_one(SurvivalDuty, duty_id).person_id)
    duty = session.get_one(SurvivalDuty, duty_id, with_for_update=True, populate_existing=True)
    if duty.ended_at is not None:
        return False
    duties.register_over(session, duty, now=now)
    return True
