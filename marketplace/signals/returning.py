"""Whether a closed alert comes back.

Enters: the alert as it stands, its rule, the household or person, and the newest evidence. Leaves: yes or no. Within
the rule's quiet days only a newer event or an amount that has moved by a fifth says yes; after them new evidence does,
and a need as long as it is met. One that was closed because nobody needs anything rests for at least three months, one
that was closed because the data are wrong until its source tells something new. Called by `sweeping` for those who meet
a rule and have no open alert of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.reference.facts import fact_kinds
from marketplace.signals.models import Fact, Rule, RuleClass
from marketplace.signals.parts import Aggregate, evidence_kinds, parts_of
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
    """After its quiet days on new evidence, a need also without any; before, if something newer weighs something."""
    if alert.closed_at is not None and alert.closed_at + timedelta(days=rule.quiet_days) <= now:
        if not newest[0] or newest[0] > alert.evidence_fact:
            return alert.outcome != WRONG_DATA or bool(newest[0])
        rested = alert.outcome != NO_NEED or alert.closed_at + timedelta(days=REST_DAYS) <= now
        return rule.kind is RuleClass.NEED and alert.outcome != WRONG_DATA and rested
    return newest[0] > alert.evidence_fact and newest[1] > alert.evidence_day and _weighs(session, alert, rule, unit)


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
    if not before:
        return True
    return 5 * since[-1] >= 6 * before[-1] > 0 if latest else 5 * sum(since) >= sum(before) > 0
