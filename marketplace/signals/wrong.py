"""A fact that is wrong: staff who were there say so, and its department answers.

Enters: an alert with the facts it rests on, and those of them that are wrong. Leaves: facts that count no more, for the
rules, the portrait and the score, until their department tells them otherwise or says that they are right. Called by
the pages of alerts and feeds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import NotFound
from marketplace.policy import require
from marketplace.signals.models import Alert, Fact, Rule
from marketplace.signals.parts import evidence_kinds
from marketplace.signals.rules import tree_of

SHOWN = 20


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
    found = [fact for fact in evidence_of(session, alert) if fact.id in wrong]
    for fact in found:
        fact.replaced_day, fact.wrong_by = local_day(now).toordinal(), actor.id
        session.add(fact)
        entry = audit.Entry("fact:wrong", object_ref=str(fact.id), subject=fact.person_id, rule_id=fact.kind)
        audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return len(found)


def list_wrong(session: Session, feed: str, /) -> Sequence[Fact]:
    """What staff found wrong of a feed and its department has not told otherwise, the oldest first."""
    newer = select(Fact.source_key).where(col(Fact.replaced_day).is_(None), col(Fact.feed) == feed)
    asked = select(Fact).where(col(Fact.wrong_by) != "", col(Fact.feed) == feed, col(Fact.source_key).not_in(newer))
    return session.exec(asked.order_by(col(Fact.id)).limit(SHOWN)).all()


def uphold(session: Session, fact_id: int, /, *, actor: Actor, now: datetime) -> Fact:
    """The department says that it is right: it counts again, as if it were told today."""
    require(actor, "fact:take")
    fact = session.get(Fact, fact_id, with_for_update=True, populate_existing=True)
    told = select(Fact.id).where(Fact.source_key == fact.source_key, col(Fact.replaced_day).is_(None)) if fact else None
    if fact is None or told is None or not fact.wrong_by or session.exec(told).first() is not None:
        raise NotFound("fact")
    fact.wrong_by = ""
    again = Fact(**{**fact.model_dump(exclude={"id"}), "replaced_day": None, "known_day": local_day(now).toordinal()})
    session.add_all([fact, again])
    flush(session)
    entry = audit.Entry("fact:uphold", object_ref=str(again.id), subject=fact.person_id, rule_id=fact.kind)
    audit.record(session, entry, actor=actor, now=now)
    return again
