"""The watch at size: a register with a year of departments' facts; a whole sweep, a day's sweep, a search, in CPU time.

People come in through the house's own load path, sealed and indexed; the facts of a year are written in bulk beside
it, about thirty-two for each person. Then the rules of the table are asked as the worker asks them: all of them about
everybody, then again after one more day of facts; last, people are looked up by name, pinyin, birth date and telephone.
Prints a table and writes results/monitor.json. The published size is 1,550,000 people and 50 million facts; what was
run stands in the table.

    PYTHONPATH=. python bench/monitor.py [--people 100000] [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.demo.phases import peak_mb
from marketplace.households import categories, search
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.search import Query
from marketplace.reference.facts import fact_kinds
from marketplace.reference.identity_number import make_id_number
from marketplace.signals import rules, sweeping, trying
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "monitor.json"
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
NEXT, LATER = NOW + timedelta(days=1), NOW + timedelta(days=1, hours=8)
CLERK, SECOND = Actor(id="clerk", role=Role.VERIFIER), Actor(id="second", role=Role.APPROVER)
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉建国红志春梅海燕"
DISTRICTS = ("500101", "500103", "500106", "500107", "500108", "500110", "500113", "500118")
PER_YEAR = {
    "PAYMENT": 12.0,
    "USE": 12.0,
    "PENSION": 3.6,
    "OWN_COST": 2.6,
    "OWN_COST_STAY": 0.25,
    "INCOME": 0.55,
    "NECESSARY_SPENDING": 0.55,
    "MEDICAL_SPENDING": 0.3,
    "VISIT": 1.2,
    "STUDENT": 0.1,
    "LIVES_ALONE": 0.2,
    "HOMES": 0.4,
    "MONEY": 0.4,
    "VEHICLE": 0.02,
    "JOB_STOPPED": 0.02,
    "JOB_STARTED": 0.02,
    "SERIOUS_ILLNESS": 0.01,
    "DISABILITY_1_2": 0.01,
    "DEATH": 0.006,
    "DISASTER": 0.002,
    "TRAFFIC_INJURY": 0.002,
    "COMPANY": 0.002,
    "DETAINED": 0.001,
    "GUARDIAN_ABSENT": 0.001,
}
"""Facts for each person in a year, by kind."""
PORTION = 500_000
MEDIAN_FEN = {"OWN_COST": 60_000, "OWN_COST_STAY": 220_000, "INCOME": 1_900_000, "NECESSARY_SPENDING": 900_000}


class Timed:
    """Clock and CPU seconds of a block."""

    def __enter__(self) -> Timed:
        self._wall, self._cpu = perf_counter(), process_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self.wall, self.cpu = round(perf_counter() - self._wall, 2), round(process_time() - self._cpu, 2)


def homes(people: int, rng: np.random.Generator) -> Iterator[HouseholdFacts]:
    """Households of one to four until there are so many people."""
    made = place = 0
    while made < people:
        size = min(int(rng.choice([1, 2, 3, 4], p=[0.5, 0.3, 0.13, 0.07])), people - made)
        members = tuple(_person(made + n, n, rng) for n in range(size))
        yield HouseholdFacts(
            source="bench",
            source_ref=str(place),
            district_code=DISTRICTS[place % len(DISTRICTS)],
            size=size,
            urban=bool(rng.random() < 0.4),
            people=members,
        )
        made, place = made + size, place + 1


def _person(number: int, place: int, rng: np.random.Generator) -> PersonFacts:
    born = date(1935, 1, 1) + timedelta(days=number * 7919 % 31_000)
    name = SURNAMES[int(rng.integers(len(SURNAMES)))] + "".join(rng.choice(list(GIVEN), size=2))
    number_text = make_id_number(f"5099{number // 31_000 % 100:02d}", born, seq=number // 3_100_000 + 1)
    return PersonFacts(ref=str(place), name=name, phone=f"1990{number:07d}", id_number=number_text, contact=place == 0)


def load(database: Database, people: int, *, seed: int) -> int:
    """People and categories through the house's own doors; returns the households."""
    rng, some, count = np.random.default_rng(seed), [], 0
    for home in homes(people, rng):
        some.append(home)
        if len(some) == 20_000:
            count += _store(database, some, rng)
            some = []
    return count + _store(database, some, rng)


def _store(database: Database, some: list[HouseholdFacts], rng: np.random.Generator) -> int:
    codes = ["IN_REGISTER", "DISABILITY_SUBSIDY", "DIBIAN_MEMBER", "TEMP_AID", "EXITED_2Y", "ANTI_RELAPSE", "REJECTED"]
    shares = np.array([0.57, 0.16, 0.07, 0.06, 0.05, 0.04, 0.05])
    with database.transaction() as session:
        ids = register_many(session, some, actor=SYSTEM, now=NOW)
        chosen = rng.choice(codes, size=len(ids), p=shares)
        begun = TODAY - timedelta(days=300)
        entries = [
            categories.Entry(home, str(code), begun, source="bench")
            for home, code in zip(ids.values(), chosen, strict=True)
        ]
        categories.enter_many(session, entries, actor=SYSTEM, now=NOW)
    return len(ids)


BULK = ("uq_fact_source", "ix_fact_kind", "ix_fact_home")
"""Indexes that are made once after a year's facts, and not kept up fact by fact."""


def tell(file: Path, rng: np.random.Generator, *, days: tuple[int, int], share: float, known: int) -> int:
    """Facts of the days from the first to the last, as `share` of a year's, straight into the table."""
    connection = sqlite3.connect(file)
    who = connection.execute("SELECT household_id, id FROM person ORDER BY id").fetchall()
    first = number = connection.execute("SELECT coalesce(max(id), 0) FROM fact").fetchone()[0]
    for kind, yearly in PER_YEAR.items():
        for count in _portions(round(len(who) * yearly * share)):
            connection.executemany(
                "INSERT INTO fact (id, household_id, person_id, feed, kind, day, known_day, amount, source_key) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _facts(kind, who, rng, first=number + 1, count=count, days=days, known=known),
            )
            connection.commit()
            number += count
    connection.executemany(
        "INSERT OR REPLACE INTO feed_state (feed, as_of_day, received_at) VALUES (?, ?, ?)",
        [(feed, known, "2026-11-23 00:00:00.000000") for feed in {kind.feed for kind in fact_kinds().values()}],
    )
    connection.commit()
    connection.close()
    return int(number - first)


def _portions(count: int) -> list[int]:
    return [min(PORTION, count - done) for done in range(0, count, PORTION)]


def _facts(
    kind: str,
    who: list[tuple[str, str]],
    rng: np.random.Generator,
    *,
    first: int,
    count: int,
    days: tuple[int, int],
    known: int,
) -> Iterator[tuple[object, ...]]:
    feed, numbers = fact_kinds()[kind].feed, range(first, first + count)
    chosen, on = rng.integers(len(who), size=count).tolist(), rng.integers(days[0], days[1] + 1, size=count).tolist()
    drawn = zip(numbers, chosen, on, _amounts(kind, count, rng), strict=True)
    return ((n, *who[place], feed, kind, day, known, amount, f"b{n:031d}") for n, place, day, amount in drawn)


def tell_year(file: Path, rng: np.random.Generator, *, last: int) -> int:
    """A year's facts with nothing else open: the indexes are taken away, and made anew when all is in."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=OFF")
    asked = f"SELECT name, sql FROM sqlite_master WHERE name IN ({', '.join('?' * len(BULK))})"
    made = connection.execute(asked, BULK).fetchall()
    for name, _text in made:
        connection.execute(f"DROP INDEX {name}")
    connection.commit()
    connection.close()
    count = tell(file, rng, days=(last - 364, last - 1), share=1.0, known=last - 1)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous=OFF")
    for _name, text in made:
        connection.execute(text)
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    return count


def _amounts(kind: str, count: int, rng: np.random.Generator) -> list[int]:
    if fact_kinds()[kind].value == "none":
        return [0] * count
    if fact_kinds()[kind].value == "number":
        return [1] * count
    drawn = np.exp(rng.normal(np.log(MEDIAN_FEN.get(kind, 50_000)), 1.1, size=count))
    return [int(value) for value in np.minimum(drawn, 10**11)]


def switch_on(database: Database) -> int:
    """All rules of the table but W16, which the street's own rhythm decides."""
    with database.transaction() as session:
        made = [rule for rule in rules.draft_table(session, actor=CLERK, now=NOW) if rule.code != "W16"]
        for rule in made:
            trying.try_rule(session, rule.id, from_on=TODAY, to_on=TODAY, actor=CLERK, now=NOW)
            rules.activate(session, rule.id, actor=SECOND, now=NOW)
    return len(made)


def look_up(database: Database, rng: np.random.Generator, *, times: int) -> list[float]:
    """CPU milliseconds of searches by name, pinyin, birth date with name, and telephone."""
    with database.reading() as session:
        people = int(session.connection().exec_driver_sql("SELECT count(*) FROM person").scalar_one())
    spent = []
    for n in range(times):
        number = int(rng.integers(people))
        born = date(1935, 1, 1) + timedelta(days=number * 7919 % 31_000)
        name = SURNAMES[n % len(SURNAMES)] + GIVEN[n % 7] + GIVEN[n % 5]
        queries = (
            Query(name=name),
            Query(name=search.pinyin_of(name)),
            Query(birth_on=born),
            Query(phone=f"1990{number:07d}"),
        )
        with database.transaction() as session:
            begun = process_time()
            search.search(session, queries[n % 4], actor=CLERK, now=NOW)
            spent.append((process_time() - begun) * 1000)
    return spent


def run(people: int, *, seed: int) -> dict[str, Any]:
    """Everything once; returns the figures."""
    told: dict[str, Any] = {"people": people, "seed": seed, "engine": "sqlite"}
    with tempfile.TemporaryDirectory(prefix="shanqiao-monitor-") as folder:
        settings = demo_settings(Path(folder), seed=seed)
        database, file = open_database(settings), settings.instance / "shanqiao.db"
        rng, last = np.random.default_rng(seed + 1), TODAY.toordinal()
        told["rules"] = switch_on(database)
        with Timed() as loaded:
            told["households"] = load(database, people, seed=seed)
        database.close()
        with Timed() as written:
            told["facts"] = tell_year(file, rng, last=last)
        told["file_mb"] = round(file.stat().st_size / 1e6)
        database = open_database(settings)
        found = {"first": night(database, told, "first", at=NOW), "again": night(database, told, "again", at=NEXT)}
        told["day_facts"] = tell(file, rng, days=(last, last + 1), share=1 / 365, known=last + 1)
        found["day"] = night(database, told, "day", at=LATER)
        spent = sorted(look_up(database, rng, times=200))
        database.close()
    told["seconds"] = {name: {"wall": one.wall, "cpu": one.cpu} for name, one in found.items()}
    told["load"], told["write_facts"] = vars(loaded)["cpu"], vars(written)["cpu"]
    told["search_ms"] = {"p50": round(spent[100], 2), "p95": round(spent[190], 2), "most": round(spent[-1], 2)}
    told["peak_mb"], told["load_average"] = peak_mb(), round(resource_load(), 1)
    told["on"] = date.today().isoformat()  # noqa: DTZ011 - the day of the measurement, not of the house
    return told


def night(database: Database, told: dict[str, Any], name: str, *, at: datetime) -> Timed:
    """One pass as the worker makes it: finding is a read, alerts are written two thousand at a time."""
    with Timed() as spent:
        sweeping.Nightly(database, clock=lambda: at)()
    with database.reading() as session:
        row = sweeping.last_sweep(session)
        assert row is not None
        told[f"{name}_met"], told[f"{name}_raised"], told[f"{name}_whole"] = row.met, row.raised, row.whole
    print(f"{name}: {spent.cpu} CPU s, {spent.wall} s", flush=True)
    return spent


def resource_load() -> float:
    """How busy the machine was: wall times under load mean little."""
    import os

    return os.getloadavg()[0]


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    told = run(asked.people, seed=asked.seed)
    print(
        f"{told['people']:,} people, {told['households']:,} households, {told['facts']:,} facts, {told['file_mb']:,} MB"
    )
    for name, words in (("first", "first whole sweep"), ("again", "whole sweep"), ("day", "one day's facts")):
        spent = told["seconds"][name]
        print(
            f"{words}: {spent['cpu']} CPU s, {spent['wall']} s; "
            f"{told[f'{name}_met']:,} met, {told[f'{name}_raised']:,} new"
        )
    print(f"search: p50 {told['search_ms']['p50']} ms, p95 {told['search_ms']['p95']} ms; peak {told['peak_mb']:,} MB")
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"] if RESULTS.exists() else []
    rows = sorted([row for row in rows if row["people"] != told["people"]] + [told], key=lambda row: row["people"])
    RESULTS.write_text(json.dumps({"rows": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
