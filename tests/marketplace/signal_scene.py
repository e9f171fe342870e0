"""A small register for the tests of signals: households with ID numbers, facts of departments, rules at work."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from itertools import count

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.households import categories
from marketplace.households.models import Household, Person, Spell
from marketplace.households.service import PersonFacts, list_people, register_household
from marketplace.reference.identity_number import make_id_number
from marketplace.signals import rules, trying
from marketplace.signals.models import Alert, AlertState, Delivery, Rule
from marketplace.signals.models_homes import ANY, AlertHome
from marketplace.signals.taking import take_in

CLERK = Actor(id="clerk-1", role=Role.VERIFIER)
SECOND = Actor(id="approver-2", role=Role.APPROVER)
_number = count(100)


def a_number(born: date = date(1950, 3, 7)) -> str:
    """A synthetic ID number that nobody else has in this test."""
    n = next(_number)
    return make_id_number(f"5099{n // 800 % 90 + 10}", born, seq=n % 800 + 1)


def a_home(
    session: Session,
    *,
    numbers: tuple[str, ...],
    now: datetime,
    names: tuple[str, ...] = (),
    urban: bool = True,
    district: str = "500103",
) -> Household:
    """One household with a person for each ID number."""
    people = tuple(
        PersonFacts(ref=str(n), name=names[n] if n < len(names) else "测试人", id_number=number, contact=n == 0)
        for n, number in enumerate(numbers)
    )
    ref = f"home-{next(_number)}"
    return register_household(
        session,
        source="test",
        source_ref=ref,
        district_code=district,
        people=people,
        urban=urban,
        actor=CLERK,
        now=now,
    )


def into(session: Session, home: Household, category: str, *, from_on: date, now: datetime) -> Spell:
    """Put a household into a category."""
    entry = categories.Entry(home.id, category, from_on, source="test")
    return categories.enter(session, entry, actor=CLERK, now=now)


def told(
    session: Session, feed: str, *rows: tuple[str, str, date, object], as_of: date, now: datetime, ref: str = ""
) -> Delivery:
    """A delivery of a feed: (ID number, kind, day, number or yuan or None) each."""
    n = next(_number)
    records = [
        {
            "source_id": ref or f"{feed}-{n}-{place}",
            "id_number": number,
            "kind": kind,
            "happened_on": day.isoformat(),
            "amount": str(amount) if amount is not None else None,
        }
        for place, (number, kind, day, amount) in enumerate(rows)
    ]
    return take_in(session, feed, records, digest=f"digest-{n}", as_of=as_of, actor=CLERK, now=now)


def at_work(session: Session, *codes: str, now: datetime) -> list[Rule]:
    """These rules of the table, drafted and tried by one person and switched on by another."""
    made = []
    for rule in rules.draft_table(session, actor=CLERK, now=now):
        if rule.code in codes:
            today = local_day(now)
            trying.try_rule(session, rule.id, from_on=today, to_on=today, actor=CLERK, now=now)
            made.append(rules.activate(session, rule.id, actor=SECOND, now=now))
    return made


def head(session: Session, home: Household) -> Person:
    """The first person of a household."""
    return list_people(session, home.id)[0]


def listed(session: Session) -> list[tuple[object, ...]]:
    """The kept lists of alerts in their order, each row checked against the open alerts that it stands for."""
    said: dict[tuple[str, int], list[Alert]] = defaultdict(list)
    for alert in session.exec(
        select(Alert).where(Alert.state == AlertState.OPEN, col(Alert.household_id).is_not(None))
    ):
        for under in (ANY, alert.rank):
            said[str(alert.household_id), under].append(alert)
    order = (col(AlertHome.under), col(AlertHome.rank), col(AlertHome.since), col(AlertHome.household_id))
    kept = {(row.household_id, row.under): row for row in session.exec(select(AlertHome).order_by(*order))}
    assert kept.keys() == said.keys()
    for key, row in kept.items():
        first, *_rest = sorted(said[key], key=lambda alert: (alert.rank, alert.raised_at))
        assert (row.rank, row.alerts) == (first.rank, len(said[key]))
        assert row.since == min(alert.raised_at for alert in said[key])
        assert (row.district_code, row.street_code) == (first.district_code, first.street_code)
    return [(row.under, row.rank, row.alerts) for row in kept.values()]
