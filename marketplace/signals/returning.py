"""Whether a closed alert comes back.

Enters: the alert as it stands, its rule, the household or person, and the newest evidence. Leaves: yes or no. Within
the rule's quiet days only a newer event or an amount that has moved by a fifth says yes; after them new evidence does,
and a need as long as it is met. One that was closed because nobody needs anything rests for at least three months, one
that was closed because the data are wrong until its source tells something new, and no longer. A rule that rests on no
fact comes back after its quiet days, or when the household enters its category anew. Called by `sweeping` for those who
meet a rule and have no open alert of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.households.models import Spell
from marketplace.reference.facts import fact_kinds
from marketplace.signals.answering import CAME
from marketplace.signals.models import Fact, Rule, RuleClass
from marketplace.signals.parts import Aggregate, InCategory, evidence_kinds, parts_of
from marketplace.signals.rules import tree_of

NO_NEED, WRONG_DATA = "no_need", "wrong_data"
REST_DAYS = 90
"""So long nobody is asked again who needed nothing, if nothing new is told; a rule may say longer."""

Unit = tuple[str, str | None]
"""A household, and its person where the rule is about one."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is asked of an alert that is there already; many are read at once, so no object of the session is made."""

    id: str
    evidence_fact: int
    evidence_day: int
    closed_at: datetime | None
    outcome: str = ""


def comes_back(
    session: Session, alert: Held, rule: Rule, unit: Unit, newest: tuple[int, int], /, *, now: datetime
) -> bool:
    """After its quiet days on new evidence, a need also without any; before, if something newer weighs something. A
    newer word on data that were called wrong brings it back at once: the department has answered."""
    newer, closed = newest[0] > alert.evidence_fact, alert.closed_at or now
    rested = closed + timedelta(days=rule.quiet_days) <= now
    if rule.per == "feed":
        return rested or alert.outcome == CAME
    if not evidence_kinds(tree_of(rule)):
        return rested or _entered_anew(session, rule, unit, since=closed)
    if newer and (rested or alert.outcome == WRONG_DATA):
        return True
    if not rested:
        return newer and newest[1] > alert.evidence_day and _weighs(session, alert, rule, unit)
    needy = rule.kind is RuleClass.NEED and alert.outcome != WRONG_DATA
    return needy and (alert.outcome != NO_NEED or closed + timedelta(days=REST_DAYS) <= now)


def _entered_anew(session: Session, rule: Rule, unit: Unit, *, since: datetime) -> bool:
    """Whether the household was put into a category of a rule of nothing but categories, since its alert was closed."""
    tree = tree_of(rule)
    if not isinstance(tree, InCategory):
        return False
    asked = select(Spell.id).where(col(Spell.household_id) == unit[0], col(Spell.category).in_(tree.codes))
    return session.exec(asked.where(col(Spell.entered_at) > since).limit(1)).first() is not None


def _weighs(session: Session, alert: Held, rule: Rule, unit: Unit) -> bool:
    """Whether what was told of later days is an event, or has moved an amount by a fifth of what stood before."""
    parts = [part for part in parts_of(tree_of(rule)) if isinstance(part, Aggregate)]
    steady = {part.kind: part.name for part in parts if part.name in ("latest", "total", "count")}
    asked = select(Fact.kind, Fact.day, Fact.amount).where(
        col(Fact.household_id) == unit[0],
        col(Fact.kind).in_(evidence_kinds(tree_of(rule))),
        col(Fact.replaced_day).is_(None),
        col(Fact.day) > alert.evidence_day - 366,
    )
    asked = asked.where(col(Fact.person_id) == unit[1]) if unit[1] else asked
    before, since = dict[str, list[int]](), dict[str, list[int]]()
    for kind, day, amount in session.exec(asked.order_by(col(Fact.day), col(Fact.id))):
        (since if day > alert.evidence_day else before).setdefault(kind, []).append(amount)
    return any(
        kind not in steady or _moved(before.get(kind, []), amounts, latest=steady[kind] == "latest" and _one(kind))
        for kind, amounts in since.items()
    )


def _one(kind: str) -> bool:
    """Whether one record of a kind tells the whole of it."""
    return fact_kinds()[kind].joins != "each"


def _moved(before: Sequence[int], since: Sequence[int], *, latest: bool) -> bool:
    """Whether it has moved by a fifth, up or down; a state that ended and began again has moved, too."""
    if not before or not latest:
        return not before or 5 * sum(since) >= max(sum(before), 1)
    return any(amount != before[-1] and 5 * abs(amount - before[-1]) >= before[-1] for amount in since)
