"""The fairness report of a run: labels from the register, figures from `matching`, stored as JSON on the run.

Enters: a stored run with its problem and plan, from the background job; later a reader. Leaves: the run's `fairness`,
without any id of a person, and the view of it that this reader may have. What kind a household is gets worked out here,
on the run's date, and is not kept in the register: there it would be wrong from the next birthday on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import STAFF, Actor
from marketplace.db import Database, chunks
from marketplace.households.models import Household, Person, Sex
from marketplace.households.same import all_same
from marketplace.needs.models import Need
from marketplace.proposals.models import Run
from marketplace.signals.models import Fact
from matching.beside import report
from matching.model import Problem
from matching.plan import Plan

AGES = ((0, 17), (18, 39), (40, 59), (60, 79), (80, 200))
CHILD_UNTIL, OLD_FROM = 17, 60
SMALL = 10
"""Groups of fewer households are not shown to readers who are no staff."""

_ASKED = 500


@dataclass(frozen=True, slots=True)
class Member:
    """What the report needs of a person, all of it unsealed."""

    relation: str
    contact: bool
    sex: Sex
    birth_year: int | None


def add_report(
    database: Database, run_id: str, /, *, problem: Problem, plan: Plan, clock: Callable[[], datetime], actor: Actor
) -> None:
    """Work the report out and store it; what goes wrong is stored and told, and never touches the run's plan."""
    code = ""
    try:
        with database.reading() as session:
            known = labels(session, {need.household_id for need in problem.needs}, year=problem.policy.as_of.year)
            arrivals, gaps = _arrivals(session, problem)
        stopped = plan.certificate.interrupted
        told = report(problem, plan.lines, labels=known, arrivals=arrivals, gaps=gaps, interrupted=stopped).as_json()
    except Exception as error:  # noqa: BLE001 - a plan that was judged and stored stands, with or without its report
        code = type(error).__name__
        told = {"failed": code}
    with database.transaction() as session:
        run = session.get_one(Run, run_id)
        run.fairness = told
        session.add(run)
        entry = audit.Entry("run:report", object_ref=run_id, rule_id=code)
        audit.record(session, entry, actor=actor, now=clock())


def _arrivals(session: Session, problem: Problem) -> tuple[list[str], dict[str, int]]:
    """Needs in the order in which the house was told of them, and what each lacks, also where a rule against helping
    twice allows less."""
    came: dict[str, datetime] = {}
    gaps: dict[str, int] = {}
    for some in chunks(sorted(need.need_id for need in problem.needs), _ASKED):
        for need_id, at, gap in session.exec(
            select(Need.id, Need.created_at, Need.gap_units).where(col(Need.id).in_(some))
        ):
            came[need_id], gaps[need_id] = at, gap
    return sorted(came, key=lambda need_id: (came[need_id], need_id)), gaps


def labels(session: Session, households: Iterable[str], /, *, year: int) -> dict[str, dict[str, str]]:
    """Grouping ► household ► label: kind of household, sex and age of its head."""
    found: dict[str, dict[str, str]] = {"household": {}, "sex": {}, "age": {}}
    for home, size, members in _homes(session, sorted(households)):
        head = min(members, key=lambda one: (one.relation != "HEAD", not one.contact), default=None)
        found["household"][home] = kind_of(members, size=size, year=year)
        found["sex"][home] = head.sex.value if head else Sex.UNKNOWN.value
        found["age"][home] = age_band(head.birth_year if head else None, year=year)
    return found


def _homes(session: Session, ids: list[str]) -> Iterator[tuple[str, int, list[Member]]]:
    """Each household with its size and the people who live there; of several that count as one, those of all."""
    same = all_same(session)
    names = {home: name for name in ids for home in same.of(name)}
    members: dict[str, dict[str, Member]] = {name: {} for name in ids}
    sizes = {name: -same.twice(name) for name in ids}
    for some in chunks(sorted(names), _ASKED):
        for person_id, home, *facts in _living(session, some):
            members[names[home]].setdefault(same.person(person_id), Member(*facts))
        for home, size in session.exec(select(Household.id, Household.size).where(col(Household.id).in_(some))):
            sizes[names[home]] += size
    for name in ids:
        yield name, sizes[name], list(members[name].values())


def _living(session: Session, homes: Sequence[str]) -> Iterator[Any]:
    """The people of these households who neither left nor died, as far as a department has told."""
    told = (col(Fact.kind) == "DEATH", col(Fact.household_id).in_(homes), col(Fact.replaced_day).is_(None))
    died = set(session.exec(select(Fact.person_id).where(*told)))
    columns = (Person.id, Person.household_id, Person.relation, Person.contact, Person.sex, Person.birth_year)
    asked = select(*columns).where(col(Person.household_id).in_(homes), col(Person.left_on).is_(None))  # type: ignore[call-overload]
    for row in session.exec(asked.order_by(col(Person.household_id), col(Person.id))):
        if row[0] not in died:
            yield row


def kind_of(members: list[Member], *, size: int, year: int) -> str:
    """children (one is known), old (all are known to be 60 or more, two at least), alone, couple, other or unknown."""
    people = max(size, len(members))
    ages = [year - one.birth_year for one in members if one.birth_year is not None]
    if any(age <= CHILD_UNTIL for age in ages):
        return "children"
    if people == 1:
        return "alone"
    if people and len(ages) == people and min(ages) >= OLD_FROM:
        return "old"
    if people == 2 and any(one.relation == "SPOUSE" for one in members):
        return "couple"
    return "other" if people else "unknown"


def age_band(birth_year: int | None, *, year: int) -> str:
    """The first age of the band, as text; empty if the year of birth is not known or makes no sense."""
    age = -1 if birth_year is None else year - birth_year
    return next((str(low) for low, high in AGES if low <= age <= high), "")


def shown_to(actor: Actor, stored: Mapping[str, Any], /) -> dict[str, Any]:
    """The stored report as this reader may see it: small groups and short queues only for staff."""
    if actor.role in STAFF or "plan" not in stored:
        return dict(stored)
    groups = {name: _without_small(rows) for name, rows in stored["plan"]["groups"].items()}
    queues = [row for row in stored.get("queues", []) if row["waiting"] >= SMALL]
    return {**stored, "plan": {**stored["plan"], "groups": groups}, "queues": queues}


def _without_small(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the small ones blank; one alone would follow from the total, so the next smallest goes with it."""
    small = {row["label"] for row in rows if row["households"] < SMALL}
    if len(small) == 1 and len(rows) > 1:
        rest = [row for row in rows if row["label"] not in small]
        small.add(min(rest, key=lambda row: (row["households"], row["label"]))["label"])
    return [{"label": row["label"], "hidden": True} if row["label"] in small else row for row in rows]
