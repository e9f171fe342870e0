"""An alert in words for whoever answers it: about whom it is, and what was told last, by which department.

Enters: an alert or a fact. Leaves: a `Line`, or one line of text, with masked names. Called by the pages of alerts and
of visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from marketplace.households.models import Household, Person
from marketplace.households.naming import told
from marketplace.reference.facts import fact_kinds
from marketplace.signals import wrong
from marketplace.signals.models import Alert, Fact, Rule
from marketplace.web.codes import word
from marketplace.web.formats import count, day, yuan


@dataclass(frozen=True, slots=True)
class Line:
    """An alert: its rule, the day of its evidence, the person it is about (empty: the household, or a feed), and the
    newest fact that speaks for it."""

    alert: Alert
    rule: Rule
    day: date | None
    about: str
    evidence: str


def line_of(session: Session, alert: Alert, /) -> Line:
    """One alert for a page of staff."""
    [newest, *_others] = [*wrong.evidence_of(session, alert), None]
    return Line(
        alert,
        session.get_one(Rule, alert.rule_id),
        date.fromordinal(alert.evidence_day) if alert.evidence_day else None,
        told(session, session.get(Person, alert.person_id) if alert.person_id else None),
        fact_told(session, newest, named=alert.person_id is None, source=True) if newest else "",
    )


def fact_told(session: Session, fact: Fact, /, *, named: bool = True, source: bool = False) -> str:
    """A fact: its kind, its day, its number; of several people, of whom; and who told it."""
    kind, said = word(fact.kind, "fact_kind"), day(date.fromordinal(fact.day))
    number = {"none": "", "fen": yuan(fact.amount)}.get(fact_kinds()[fact.kind].value, count(fact.amount))
    several = named and session.get_one(Household, fact.household_id).size > 1
    who = told(session, session.get_one(Person, fact.person_id)) if several else ""
    feed = word(fact.feed, "feed") if source else ""
    return " · ".join(part for part in (kind, said, number, who, feed) if part)
