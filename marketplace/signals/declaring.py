"""What a household said, beside what departments say: agreement, difference, or unknown.

Enters: a household's own words (`declare`, called by the rooms in which they are said). Leaves: one line for each kind
that either side told. A difference is a question for a person and no fault of anybody: it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput
from marketplace.reference.facts import FactKind, fact_kinds
from marketplace.signals.models import LARGEST, Declared, Fact

COMPARED = ("INCOME", "NECESSARY_SPENDING", "MEDICAL_SPENDING", "MONEY", "HOMES", "HOME_AREA", "VEHICLE", "COMPANY")
"""Kinds that households are asked about: each is a state, whose newest value counts."""
NEAR = 10
"""Amounts of money agree if they differ by at most so many per cent."""


class Verdict(StrEnum):
    """How both sides stand to each other."""

    AGREEMENT = "agreement"
    DIFFERENCE = "difference"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One kind: what each side says (None: nothing), when the department said it, and the verdict."""

    kind: FactKind
    declared: int | None
    told: int | None
    told_on: date | None
    verdict: Verdict


def declare(
    session: Session, household_id: str, kind: str, /, *, amount: int, on: date, actor: Actor, now: datetime
) -> None:
    """Keep what the household said; the newest word counts. The caller has asked the policy."""
    if kind not in COMPARED or not 0 <= amount < LARGEST:
        raise BadInput("bad_input", field="kind")
    held = session.get(Declared, (household_id, kind))
    row = held or Declared(household_id=household_id, kind=kind, day=0, declared_at=now)
    row.amount, row.day, row.declared_at = amount, on.toordinal(), now
    session.add(row)
    flush(session)
    entry = audit.Entry("fact:declare", subject=household_id, fields=(kind,))
    audit.record(session, entry, actor=actor, now=now)


def compare(session: Session, household_id: str, /) -> list[Line]:
    """Every kind of which at least one side said something, in the order of the table."""
    said = {row.kind: row.amount for row in session.exec(select(Declared).where(Declared.household_id == household_id))}
    told = told_of_kinds(session, household_id, COMPARED)
    lines = []
    for kind in COMPARED:
        if kind in said or kind in told:
            amount, day = told.get(kind, (None, None))
            verdict = _verdict(fact_kinds()[kind], said.get(kind), amount)
            lines.append(Line(fact_kinds()[kind], said.get(kind), amount, day, verdict))
    return lines


def told_of_kinds(session: Session, household_id: str, kinds: Collection[str], /) -> dict[str, tuple[int, date]]:
    """Kind ► what it amounts to now, and the newest day."""
    asked = select(Fact).where(
        col(Fact.household_id) == household_id, col(Fact.kind).in_(kinds), col(Fact.replaced_day).is_(None)
    )
    found: dict[str, tuple[int, date]] = {}
    for fact in counting(session.exec(asked)):
        amount, day = found.get(fact.kind, (0, date.min))
        found[fact.kind] = (amount + fact.amount, max(day, date.fromordinal(fact.day)))
    return found


def counting(facts: Iterable[Fact], /) -> list[Fact]:
    """The facts of one household that tell how things stand now: each person's newest of a state, every record of what
    people may have several of, and once what is said of the whole household."""
    found: dict[tuple[str, str], Fact] = {}
    for fact in sorted(facts, key=lambda one: (one.day, one.id or 0)):
        joins = fact_kinds()[fact.kind].joins
        who = {"each": fact.source_key, "home": ""}.get(joins, fact.person_id)
        held = found.get((fact.kind, who))
        if joins != "home" or held is None or (held.day, held.amount) <= (fact.day, fact.amount):
            found[(fact.kind, who)] = fact
    return list(found.values())


def _verdict(kind: FactKind, said: int | None, told: int | None) -> Verdict:
    if said is None or told is None:
        return Verdict.UNKNOWN
    slack = max(said, told) * NEAR // 100 if kind.value == "fen" else 0
    return Verdict.AGREEMENT if abs(said - told) <= slack else Verdict.DIFFERENCE
