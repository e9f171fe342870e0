"""The list of a whole city's alerts: 610,000 open ones, the kept rows beside the grouping they replace, in one run.

What enters: how many open alerts. What leaves: a table, and `bench/results/alerts.json`: processor milliseconds, the
best of five, of what the page of alerts asks (how many, the streets before, a page of rows), first with what groups
all open alerts anew, then from the kept rows; and what keeping them cost. Households and alerts are put in directly,
seven alerts for five households, so that nobody is sealed; the rows are kept by the house's own function.

    PYTHONPATH=. .venv/bin/python bench/alerts.py --alerts 610000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, func, select

from bench.measure import machine
from marketplace.actors import Actor, Role
from marketplace.config import demo_settings
from marketplace.db import chunks
from marketplace.households.models import Household
from marketplace.reference.tables import rows as table
from marketplace.signals import homes, lists, rules
from marketplace.signals.models import Alert, AlertState, Rule
from marketplace.signals.sweeping import RANKS
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "alerts.json"
NOW, TODAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC), date(2026, 11, 23)
CITY = Actor(id="bench", role=Role.VERIFIER)
PAGE, TRIES, CHUNK = 25, 5, 5_000


def filled(session: Session, many: int) -> list[str]:
    """So many open alerts, and two closed ones for three of them; the households that have any."""
    pick, streets = Random(7), [(row["district_code"], row["code"]) for row in table("streets")]
    rules.draft_table(session, actor=CITY, now=NOW)
    drafts = session.exec(select(Rule)).all()
    places = {f"{n:032d}": pick.choice(streets) for n in range(many * 5 // 7)}
    for some in chunks(list(places), CHUNK):
        session.execute(insert(Household), [_home(home, *places[home]) for home in some])
    for some in chunks(list(_alerts(places, drafts, many, pick)), CHUNK):
        session.execute(insert(Alert), some)
    return list(places)


def _home(home: str, district: str, street: str) -> dict[str, Any]:
    row = Household(
        id=home, source="bench", source_index=home, district_code=district, street_code=street, size=1, created_at=NOW
    )
    return row.model_dump()


def _alerts(places: dict[str, tuple[str, str]], drafts: Any, many: int, pick: Random) -> Iterator[dict[str, Any]]:
    homes_, order = list(places), list(range(len(places)))
    for n in range(many * 5 // 3):
        home, rule = homes_[order[n % len(order)]], drafts[n // len(order) % len(drafts)]
        district, street = places[home]
        closed = n >= many
        yield {
            "id": f"a{n:031d}",
            "rule_id": rule.id,
            "rule_code": rule.code,
            "kind": rule.kind,
            "colour": rule.colour,
            "rank": RANKS[rule.colour],
            "household_id": home,
            "district_code": district,
            "street_code": street,
            "evidence_fact": 0,
            "state": AlertState.CLOSED if closed else AlertState.OPEN,
            "outcome": "helped" if closed else "",
            "closed_at": NOW if closed else None,
            "raised_at": NOW - timedelta(minutes=pick.randint(0, 500_000)),
        }


def grouped(session: Session, offset: int) -> list[str]:
    """What the page asked before: all open alerts grouped by household, counted, by street, and sorted."""
    open_ones, home = (
        [col(Alert.state) == AlertState.OPEN, col(Alert.household_id).is_not(None)],
        col(Alert.household_id),
    )
    session.exec(select(func.count(home.distinct())).where(*open_ones)).one()
    street = col(Alert.street_code)
    session.exec(select(street, func.count(home.distinct())).where(*open_ones, street != "").group_by(street)).all()
    rank, since = func.min(Alert.rank), func.min(Alert.raised_at)
    asked = select(home, rank, func.count(), since, func.max(Alert.district_code), func.max(street)).where(*open_ones)  # type: ignore[call-overload]
    rows = session.exec(asked.group_by(home).order_by(rank, since, home).offset(offset).limit(PAGE)).all()
    return [row[0] for row in rows]


def kept(session: Session, offset: int) -> list[str]:
    """What the page asks now; streets are chosen from by those who serve districts."""
    total = lists.count_homes(session, actor=CITY)
    found = lists.list_homes(session, actor=CITY, on=TODAY, offset=offset, limit=PAGE, total=total)
    return [row.household_id for row in found]


def best(asked: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """Milliseconds of the processor, and what was found."""
    taken, found = [], []
    for _try in range(TRIES):
        begun = process_time()
        found = asked()
        taken.append(1000 * (process_time() - begun))
    return round(min(taken), 1), found


def measure(many: int) -> dict[str, Any]:
    """Fill, keep, ask both ways for the first page and the last; both must find the same households."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(demo_settings(Path(folder), seed=7))
        with database.transaction() as session:
            held = filled(session, many)
        begun = process_time()
        with database.transaction() as session:
            homes.renew(session, held)
        told: dict[str, Any] = {"alerts": many, "households": len(held), "keeping_s": round(process_time() - begun, 1)}
        with database.reading() as session:
            session.connection().exec_driver_sql("ANALYZE")
            for name, offset in (("first", 0), ("middle", len(held) // 2), ("last", len(held) // PAGE * PAGE)):
                old, before = best(lambda offset=offset: grouped(session, offset))  # type: ignore[misc]
                new, after = best(lambda offset=offset: kept(session, offset))  # type: ignore[misc]
                assert before == after, name
                told[name] = {"grouped_ms": old, "kept_ms": new, "ratio": round(old / new, 1)}
        database.close()
    return told


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How long the list of a whole city's alerts takes.")
    parser.add_argument("--alerts", type=int, default=610_000)
    told = measure(parser.parse_args().alerts)
    print(json.dumps(told, indent=1))
    first, last = told["first"], told["last"]
    figure = (
        f"list of a city's alerts over {told['alerts']:,} open ones: first page {first['kept_ms']} ms CPU "
        f"(grouped anew {first['grouped_ms']} ms), last page {last['kept_ms']} ms"
    )
    goals = {"watch": {"figure": figure, "command": "PYTHONPATH=. .venv/bin/python bench/alerts.py"}}
    RESULTS.write_text(json.dumps({"goals": goals, "machine": machine(), **told}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
