"""How long supervision takes over 88,000 households and 586,000 items: the board's count, its first and a far page, the
late ones by district, the rungs and steps of a page, what was not paid in time, and a month's mean, median, 90th
percentile and holder.

What enters: the numbers of households and items. What leaves: a table, and `bench/results/cases.json` with the machine.
The rows are drawn at random and put in directly: a year of ended items, and the open ones of the last weeks, some of
them late, with the step of each, the rungs of the late ones, and an order to pay for every fourth that ended. Each
answer is checked against the same figure counted in Python. Processor milliseconds, the best of five.
Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/cases.py --households 88000 --items 586000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from sqlalchemy import insert
from sqlmodel import SQLModel

from bench.measure import machine
from marketplace.actors import Actor, Role
from marketplace.cases import board, supervision
from marketplace.cases.models import Case, CaseItem, CaseState, CaseStep, Escalation, ItemState, Unit
from marketplace.cases.models_orders import PaymentOrder
from marketplace.config import demo_settings
from marketplace.households.models import Household, Person, Sex
from marketplace.reference.districts import current
from marketplace.reference.words import list_codes
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "cases.json"
HOUSEHOLDS = 88_000
"""The published load; another (365,000: a year of 1,000 applications a day) goes into a file of its own."""
CHUNK = 10_000
TRIES = 5
GOAL_MS = 300
HOLDERS = tuple(list_codes("case_holder"))
WHOLE_CITY = Actor(id="bench", role=Role.APPROVER)


def homes(many: int, *, now: datetime) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Household, person and case of each."""
    pick, places = Random(7), [d.code for d in current(now.date())]
    for n in range(many):
        place, at = pick.choice(places), now - timedelta(days=pick.randint(1, 365))
        home, person, case = f"h{n}", f"p{n}", f"c{n}"
        yield (
            {"id": home, "source": "bench", "source_index": home, "district_code": place, "size": 1, "created_at": at},
            {"id": person, "household_id": home, "sex": Sex.UNKNOWN, "created_at": at},
            {
                "id": case,
                "number": f"SQ{n:010d}",
                "household_id": home,
                "subject_id": person,
                "signer_id": person,
                "opened_by": person,
                "opened_role": Role.HOUSEHOLD,
                "channel": "phone",
                "district_code": place,
                "office": f"{place}{n % 25:03d}",
                "state": CaseState.OPEN,
                "answers": {},
                "signed_at": at,
                "created_at": at,
                "submitted_at": at,
            },
        )


def items(cases: list[dict[str, Any]], many: int, *, now: datetime) -> Iterator[dict[str, Any]]:
    """So many items over the cases: those of the last four weeks are open, three in ten of them late."""
    pick, codes = Random(8), list_codes("aid_item")
    for n in range(many):
        case, code = cases[n % len(cases)], codes[n // len(cases)]
        begun = case["submitted_at"]
        running = now - begun < timedelta(days=28)
        days = min(pick.randint(1, 14) + pick.randint(0, 14), max(1, (now - begun).days))
        ended = begun + timedelta(days=days)
        yield {
            "id": f"i{n}",
            "case_id": case["id"],
            "household_id": case["household_id"],
            "code": code,
            "once_for": case["household_id"],
            "department": "MCA",
            "path": "DIBAO",
            "district_code": case["district_code"],
            "office": case["office"],
            "after": [],
            "state": ItemState.RUNNING if running else ItemState.GRANTED,
            "holder": "COUNTY",
            "started_at": begun,
            "due_at": begun + timedelta(days=20),
            "decided_at": None if running else ended,
            "decided_by": "" if running else "bench",
            "days_taken": 0 if running else days,
            "month": "" if running else f"{ended:%Y-%m}",
            "late_cause": "backlog" if not running and days > 20 else "",
            "late_with": pick.choice(HOLDERS) if not running and days > 20 else "",
            "stops": pick.choice((0, 0, 1, 2)),
        }


def step_due(item: dict[str, Any]) -> datetime:
    """The limit of the step that runs: with the item's own, but for every tenth long before it."""
    early: datetime = item["started_at"] + timedelta(days=5)
    whole: datetime = item["due_at"]
    return whole if int(item["id"][1:]) % 10 else early


def pending(item: dict[str, Any], *, now: datetime) -> Iterator[tuple[type[SQLModel], dict[str, Any]]]:
    """What belongs to one item: the step that runs and its rung, or the order to pay with its step."""
    n, running = int(item["id"][1:]), item["state"] is ItemState.RUNNING
    if not running and n % 4:
        return
    begun = item["started_at"] if running else item["decided_at"]
    due, paid = (step_due(item) if running else begun + timedelta(days=10)), not running and n % 8 == 0
    late = paid and n % 16 == 0
    at = due + timedelta(days=1) if late else begun
    step = {"id": f"s{n}", "item_id": item["id"], "case_id": item["case_id"], "no": 9, "holder": "COUNTY"}
    told = {"code": "confirm" if running else "payment", "limit_days": 10, "unit": Unit.WORKING, "started_at": begun}
    yield CaseStep, {**step, **told, "ran_from": begun, "due_at": due, "ended_at": at if paid else None}
    if running and due <= now:
        rung = {"id": f"e{n}", "step_id": f"s{n}", "item_id": item["id"], "level": 1 + n % 4, "raised_at": due}
        yield Escalation, rung
    if not running:
        order = {"id": f"o{n}", "number": f"ZF{n:010d}", "step_id": f"s{n}", "item_id": item["id"]}
        whose = {"household_id": item["household_id"], "person_id": f"p{item['household_id'][1:]}"}
        kind = {"office": item["office"], "code": item["code"], "amount_fen": 50_000, "ordered_at": begun}
        done = {"voucher": "bench", "paid_on": at.date(), "paid_by": "bench", "paid_at": at, "month": f"{at:%Y-%m}"}
        open_ = {"voucher": "", "paid_on": None, "paid_by": "", "paid_at": None, "month": ""}
        cause = {"late_cause": "backlog" if late else ""}
        yield PaymentOrder, {**order, **whose, **kind, **(done if paid else open_), **cause}


def expected(drawn: list[dict[str, Any]], orders: list[dict[str, Any]], month: str) -> list[supervision.Times]:
    """The month's rows, counted in Python: of two that held as many late ones, the first of the table is named."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in drawn:
        if row["month"] == month:
            groups[row["office"], row["code"]].append(row)
    unpunctual = Counter((row["office"], row["code"]) for row in orders if row["month"] == month and row["late_cause"])
    found = []
    for key in sorted({*groups, *unpunctual}):
        rows, days = groups[key], sorted(row["days_taken"] for row in groups[key])
        n, held = len(rows), Counter(row["late_with"] for row in rows if row["late_with"])
        late, again = sum(row["late_cause"] != "" for row in rows), sum(row["stops"] > 1 for row in rows)
        holder = max(HOLDERS, key=lambda code: (held[code], -HOLDERS.index(code))) if held else ""
        middle = (round(10 * sum(days) / n), days[(n + 1) // 2 - 1], days[-(-9 * n // 10) - 1]) if n else (0, 0, 0)
        found.append(supervision.Times(*key, holder, n, late, *middle, again, unpunctual[key]))
    return found


def best(act: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of the processor, the best of a few tries, and what it gave."""
    taken, found = [], None
    for _try in range(TRIES):
        begun = process_time()
        found = act()
        taken.append(1000 * (process_time() - begun))
    return round(min(taken), 1), found


def measure(households: int, many: int) -> dict[str, float]:
    """Question ► milliseconds; an answer that differs from Python's stops everything."""
    now = datetime.now(UTC)
    month = f"{(now.replace(day=1) - timedelta(days=35)):%Y-%m}"
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(demo_settings(Path(folder), seed=7))
        drawn_homes = list(homes(households, now=now))
        drawn = list(items([case for _home, _person, case in drawn_homes], many, now=now))
        owned: dict[type[SQLModel], list[dict[str, Any]]] = defaultdict(list)
        for row in drawn:
            for kind, one in pending(row, now=now):
                owned[kind].append(one)
        with database.transaction() as session:
            for table, which in ((Household, 0), (Person, 1), (Case, 2)):
                for start in range(0, households, CHUNK):
                    session.execute(insert(table), [one[which] for one in drawn_homes[start : start + CHUNK]])
            for start in range(0, many, CHUNK):
                session.execute(insert(CaseItem), drawn[start : start + CHUNK])
            for kind in (CaseStep, Escalation, PaymentOrder):
                for start in range(0, len(owned[kind]), CHUNK):
                    session.execute(insert(kind), owned[kind][start : start + CHUNK])
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        told: dict[str, float] = {}
        with database.reading() as session:
            asked = {"actor": WHOLE_CITY, "now": now}
            told["count all open"], running = best(lambda: board.count_open(session, **asked))
            told["count late"], late = best(lambda: board.count_open(session, late=True, **asked))
            told["first page"], _rows = best(lambda: board.list_open(session, **asked))
            told["first page of late"], rows = best(lambda: board.list_open(session, late=True, **asked))
            far = max(0, late - 50)
            told["last page of late"], _rows = best(lambda: board.list_open(session, late=True, offset=far, **asked))
            told["late by district"], by_place = best(lambda: supervision.count_late(session, **asked))
            shown = [row.id for row in rows]
            told["steps of a page"], at = best(lambda: board.running_of(session, shown))
            told["rungs of a page"], rungs = best(lambda: supervision.latest_rung(session, shown))
            told["unpaid in time"], unpaid = best(lambda: board.list_unpaid(session, **asked))
            told["month"], times = best(lambda: supervision.times_of(session, month))
        want = expected(drawn, owned[PaymentOrder], month)
        assert running == sum(row["state"] is ItemState.RUNNING for row in drawn)
        assert late == sum(row["state"] is ItemState.RUNNING and step_due(row) <= now for row in drawn)
        assert sum(by_place.values()) == late
        assert times == want
        assert {key: step.id for key, step in at.items()} == {key: f"s{key[1:]}" for key in shown}
        assert rungs == {row["item_id"]: row["level"] for row in owned[Escalation] if row["item_id"] in set(shown)}
        waits = [step for step in owned[CaseStep] if step["code"] == "payment" and not step["ended_at"]]
        over = sorted((step["due_at"], step["item_id"]) for step in waits if step["due_at"] <= now)[: len(unpaid)]
        assert [item.id for item, _step in unpaid] == [item_id for _due, item_id in over]
        assert len(unpaid) == min(50, sum(step["due_at"] <= now for step in waits))
        print(f"{running} open, {late} late, {sum(row.ended for row in want)} ended in {month}")
        database.close()
    return told


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How long supervision takes over a big city.")
    parser.add_argument("--households", type=int, default=HOUSEHOLDS)
    parser.add_argument("--items", type=int, default=586_000)
    given = parser.parse_args()
    told = measure(given.households, given.items)
    for name, milliseconds in told.items():
        print(f"{name:>20}: {milliseconds:7.1f} ms{'' if milliseconds <= GOAL_MS else '  over the goal'}")
    slowest = max(told, key=lambda name: told[name])
    figure = (
        f"{given.items:,} items of {given.households:,} households: the slowest of {len(told)} views, "
        f"{slowest}, {told[slowest]:.0f} ms CPU"
    )
    command = f"PYTHONPATH=. .venv/bin/python bench/cases.py --households {given.households} --items {given.items}"
    found = {
        "goals": {"cases": {"figure": figure, "command": command}},
        "machine": machine(),
        "households": given.households,
        "items": given.items,
        "cpu_ms": told,
    }
    out = RESULTS if given.households == HOUSEHOLDS else RESULTS.with_name(f"cases-{given.households}.json")
    out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
