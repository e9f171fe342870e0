"""The watch of the demonstration: the register's categories, departments' facts, rules at work, alerts in every state.

Enters: the database and its roster after the whole job. Leaves: households in categories, deliveries with a row held
back, a late feed, alerts of all colours of which some are put off or closed, and tasks. Called by `demo.story`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.households import categories
from marketplace.households.models import Household, Person
from marketplace.sealed import vault_of
from marketplace.signals import answering, declaring, rules, sweeping, trying
from marketplace.signals.models import TaskKind
from marketplace.signals.taking import take_in
from marketplace.visits import entries, service

HOMES = 60
NOT_AT_WORK = ("W16", "W30")
"""One rule of the table is only tried, one is left a draft, so that both states can be seen."""
_CATEGORIES = ("IN_REGISTER", "DIBIAN_MEMBER", "ANTI_RELAPSE", "REJECTED")
_FACTS = (
    ("MEDICAL_BILLS", "OWN_COST", 12, 15_800),
    ("MEDICAL_BILLS", "OWN_COST", 3, 61_000),
    ("MEDICAL_BILLS", "OWN_COST_STAY", 9, 12_300),
    ("DISASTERS", "DISASTER", 1, None),
    ("DISABILITY", "DISABILITY_1_2", 2, None),
    ("DIAGNOSES", "SERIOUS_ILLNESS", 2, None),
    ("SPENDING", "INCOME", 6, 28_000),
    ("SPENDING", "NECESSARY_SPENDING", 4, 25_000),
    ("VEHICLES", "VEHICLE", 2, 1),
    ("HOMES", "HOMES", 5, 1),
)
"""Feed, kind, of how many households, number or yuan."""


def watch(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Fill the room of signals through its own doors."""
    clerk, today = roster.staff["demo-verifier"], local_day(now)
    with database.transaction() as session:
        homes = _enter(session, roster, today=today, now=now)
        _rules(session, roster, today=today, now=now)
        _tell(session, roster, homes, today=today, now=now)
        for home, amount in zip(homes[:3], (2_900_000, 900_000, 2_800_000), strict=False):
            declaring.declare(session, home.id, "INCOME", amount=amount, on=today, actor=clerk, now=now)
        sweeping.sweep(session, actor=clerk, now=now)
        _answer(session, roster, homes, today=today, now=now)


def _enter(session: Session, roster: Roster, *, today: date, now: datetime) -> Sequence[Household]:
    """Some households of the city into the register; one has left it since."""
    known = select(Person.household_id).where(col(Person.id_number).is_not(None))
    asked = select(Household).where(col(Household.id).in_(known)).order_by(col(Household.id)).limit(HOMES)
    homes, clerk = session.exec(asked).all(), roster.staff["demo-verifier"]
    begun = today - timedelta(days=400)
    for place, home in enumerate(homes):
        entry = categories.Entry(home.id, _CATEGORIES[place % 4], begun, source="demo")
        spell = categories.enter(session, entry, actor=clerk, now=now)
        if place == 0:
            categories.leave(session, spell.id, on=today, reason="INCOME_ROSE", actor=clerk, now=now)
    return homes


def _rules(session: Session, roster: Roster, *, today: date, now: datetime) -> None:
    clerk, second = roster.staff["demo-verifier"], roster.staff["demo-approver"]
    for rule in rules.draft_table(session, actor=clerk, now=now):
        if rule.code == NOT_AT_WORK[1]:
            continue
        trying.try_rule(session, rule.id, from_on=today, to_on=today, actor=clerk, now=now)
        if rule.code != NOT_AT_WORK[0]:
            rules.activate(session, rule.id, actor=second, now=now)


def _tell(session: Session, roster: Roster, homes: Sequence[Household], *, today: date, now: datetime) -> None:
    """What departments told; the utilities are late, and one row of each feed of bills cannot be read."""
    numbers, clerk, place = _numbers(session, homes), roster.staff["demo-verifier"], 0
    for feed in dict.fromkeys(fact[0] for fact in _FACTS):
        records: list[dict[str, str | int | None]] = []
        for _feed, kind, count, amount in (fact for fact in _FACTS if fact[0] == feed):
            for number in (numbers[(place + n) % len(numbers)] for n in range(count)):
                records.append(_record(f"{feed}-{len(records)}", number, kind, today, amount))
            place += count
        if feed == "MEDICAL_BILLS":
            records.append(_record(f"{feed}-x", "509900", "OWN_COST", today, 1))
        take_in(session, feed, records, digest=f"demo-{feed}", as_of=today, actor=clerk, now=now)
    old = today - timedelta(days=9)
    use = [_record(f"U-{n}", number, "USE", old, None) for n, number in enumerate(numbers[:5])]
    take_in(session, "UTILITIES", use, digest="demo-UTILITIES", as_of=old, actor=clerk, now=now)


def _record(ref: str, number: str, kind: str, day: date, amount: int | None) -> dict[str, str | int | None]:
    return {"source_id": ref, "id_number": number, "kind": kind, "happened_on": day.isoformat(), "amount": amount}


def _numbers(session: Session, homes: Sequence[Household]) -> list[str]:
    """The ID numbers of the heads: departments know them, and here there is nobody else to ask."""
    vault, found = vault_of(session), []
    for home in homes:
        asked = select(Person).where(col(Person.household_id) == home.id, col(Person.id_number).is_not(None))
        person = session.exec(asked.order_by(col(Person.id))).first()
        if person is not None and person.id_number is not None:
            text = vault.open(session, person.id, column="person.id_number", sealed=person.id_number)
            found.append(text)
    return found


def _answer(session: Session, roster: Roster, homes: Sequence[Household], *, today: date, now: datetime) -> None:
    """Staff call, visit, close and put off, so that each state can be seen."""
    clerk = roster.staff["demo-verifier"]
    waiting = [home for home in homes if answering.open_alerts(session, home.id)]
    for place, home in enumerate(waiting[:8]):
        alert = answering.open_alerts(session, home.id)[-1]
        if place % 4 == 0:
            call = service.from_alert(session, home.id, TaskKind.CALL, actor=clerk, now=now)
            wrote = {"outcome": entries.Change("REACHED_NEEDS_HELP", now)}
            entries.write(session, call.id, wrote, base=0, actor=clerk, now=now)
            entries.complete(session, call.id, actor=clerk, now=now)
            answering.start_task(session, home.id, TaskKind.NEED, actor=clerk, now=now)
        elif place % 4 == 1:
            service.from_alert(session, home.id, TaskKind.VISIT, actor=clerk, now=now)
        elif place % 4 == 2:
            answering.close(session, alert.id, outcome="helped", actor=clerk, now=now)
        elif alert.colour.value != "RED":
            until = today + timedelta(days=14)
            answering.snooze(session, alert.id, until=until, reason="AID_UNDER_WAY", actor=clerk, now=now)
