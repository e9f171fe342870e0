"""A fact that is wrong, or speaks for a household no more.

Enters: references of records; an alert with those of its facts that are wrong; a person. Leaves: facts that count no
more, for the rules, the portrait and the score; what staff found wrong comes back if its department tells it otherwise
or says that it is right. Called by `taking`, the pages of alerts and feeds, and the register.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import chunks, flush
from marketplace.errors import NotFound
from marketplace.households.members import WHEN_LEFT
from marketplace.households.models import Person
from marketplace.households.service import list_people
from marketplace.policy import require
from marketplace.reference.facts import fact_kinds
from marketplace.reference.indicators import indicators
from marketplace.signals.keys import STREET, VISIT, found_ref, source_key
from marketplace.signals.models import Alert, Delivery, Fact, Rule
from marketplace.signals.parts import evidence_kinds
from marketplace.signals.rules import tree_of

SHOWN, _ASKED = 20, 500


def evidence_of(session: Session, alert: Alert, /) -> Sequence[Fact]:
    """The newest facts that speak for an alert."""
    rule = session.get_one(Rule, alert.rule_id)
    kinds = evidence_kinds(tree_of(rule)) if alert.household_id is not None and rule.per != "feed" else ()
    asked = select(Fact).where(
        col(Fact.household_id) == alert.household_id, col(Fact.kind).in_(kinds), col(Fact.replaced_day).is_(None)
    )
    asked = asked.where(col(Fact.person_id) == alert.person_id) if alert.person_id else asked
    return session.exec(asked.order_by(col(Fact.day).desc(), col(Fact.id).desc()).limit(SHOWN)).all()


def call_wrong(session: Session, alert: Alert, wrong: Collection[int], /, *, actor: Actor, now: datetime) -> int:
    """Take these of an alert's facts out; the caller has asked the policy for the alert."""
    found = [one for one in evidence_of(session, alert) if one.id in wrong]
    return _mark(session, found, by=actor.id, actor=actor, now=now)


def _mark(session: Session, found: Sequence[Fact], *, by: str | None, actor: Actor, now: datetime) -> int:
    """They count no more; `by` whom a department may answer, or None where no department told it."""
    for fact in found:
        fact.replaced_day, fact.wrong_by = local_day(now).toordinal(), by
        session.add(fact)
        entry = audit.Entry("fact:wrong", object_ref=str(fact.id), subject=fact.person_id, rule_id=fact.kind)
        audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return len(found)


def call_own_wrong(session: Session, kind: str, ref: str, /, *, actor: Actor, now: datetime) -> None:
    """What a room above told under this reference (`taking.record_fact`) was not so."""
    key = source_key(session, fact_kinds()[kind].feed, ref)
    asked = select(Fact).where(col(Fact.source_key) == key, col(Fact.replaced_day).is_(None))
    _mark(session, session.exec(asked).all(), by=None, actor=actor, now=now)


def list_wrong(session: Session, feed: str, /) -> Sequence[Fact]:
    """What staff found wrong of a feed and its department has not told otherwise, the oldest first."""
    return session.exec(select(Fact).where(*_waits(feed)).order_by(col(Fact.id)).limit(SHOWN)).all()


def count_wrong(session: Session, feed: str, /) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Fact).where(*_waits(feed))).one()


def _waits(feed: str) -> tuple[ColumnElement[bool], ...]:
    return col(Fact.wrong_by).is_not(None), col(Fact.feed) == feed, ~_standing(Fact.source_key).exists()


def get_wrong(session: Session, fact_id: int, /, *, lock: bool = False) -> Fact:
    """What staff found wrong and its department has not told otherwise."""
    fact = session.get(Fact, fact_id, with_for_update=lock, populate_existing=lock)
    if fact is None or fact.wrong_by is None or session.exec(_standing(fact.source_key)).first() is not None:
        raise NotFound("fact")
    return fact


def _standing(source_key: Any) -> Any:
    """What its department tells of this reference now."""
    newer = aliased(Fact)
    return select(newer.id).where(newer.source_key == source_key, col(newer.replaced_day).is_(None))


def uphold(session: Session, fact_id: int, /, *, actor: Actor, now: datetime) -> Fact:
    """The department says that it is right: it counts again, as if it were told today."""
    require(actor, "fact:take")
    fact = get_wrong(session, fact_id, lock=True)
    fact.wrong_by = None
    again = Fact(**{**fact.model_dump(exclude={"id"}), "replaced_day": None, "known_day": local_day(now).toordinal()})
    session.add_all([fact, again])
    flush(session)
    entry = audit.Entry("fact:uphold", object_ref=str(again.id), subject=fact.person_id, rule_id=fact.kind)
    audit.record(session, entry, actor=actor, now=now)
    return again


def take_back(session: Session, keys: Sequence[str], delivery: Delivery) -> None:
    """What a record told of somebody here is true no more."""
    for some in chunks(keys, _ASKED):
        standing = (col(Fact.source_key).in_(some), col(Fact.replaced_day).is_(None))
        mine = select(Fact.id).where(*standing, col(Fact.known_day) <= delivery.as_of_day)
        found = list(session.exec(mine))
        session.execute(update(Fact).where(col(Fact.id).in_(found)).values(replaced_day=delivery.as_of_day))
        delivery.changed += len(found)
    session.add(delivery)
    flush(session)


def found_wrong(session: Session, keys: Sequence[str]) -> dict[str, Fact]:
    """Reference ► what staff found wrong of it last."""
    asked = select(Fact).where(col(Fact.source_key).in_(keys), col(Fact.wrong_by).is_not(None))
    return {fact.source_key: fact for fact in session.exec(asked.order_by(col(Fact.id)))}


def forget_in(session: Session, person: Person, /, *, on: date, actor: Actor, now: datetime) -> None:
    """Somebody lives in a household no more: what was told of the person speaks for that household no longer. Where the
    person lives now, the departments are asked again. What was told of the whole household stays with it."""
    standing = update(Fact).where(col(Fact.person_id) == person.id, col(Fact.replaced_day).is_(None))
    heir = list_people(session, person.household_id)[0]
    session.execute(standing.where(of_the_home(session, person.household_id)).values(person_id=heir.id))
    session.execute(standing.values(replaced_day=local_day(now).toordinal()))


def of_the_home(session: Session, household_id: str, /) -> ColumnElement[bool]:
    """The condition on a fact that it is of the whole household, whomever it names: a visit, what one found, and kinds
    that join as one."""
    refs = [found_ref(household_id, one.code) for one in indicators().values() if one.found]
    keys = [source_key(session, STREET, ref) for ref in refs]
    kinds = [VISIT, *(kind.code for kind in fact_kinds().values() if kind.joins == "home")]
    return or_(col(Fact.kind).in_(kinds), col(Fact.source_key).in_(keys))


WHEN_LEFT.append(forget_in)
