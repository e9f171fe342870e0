"""The watch at size: a register with a year of departments' facts; a whole sweep, a day's sweep, a search, in CPU time.

People come in through the house's own load path, sealed and indexed; the facts of a year are written in bulk beside
it, about thirty-two for each person. Then the rules of the table are asked as the worker asks them: all of them about
everybody, then again after one more day of facts; then the boards are counted and opened; last, people are looked up
by name, pinyin, birth date and telephone.
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
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sqlmodel import func, select

from bench.measure import machine
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.boards import counting, keeping
from marketplace.boards.counting import Moment, Place
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.demo.phases import peak_mb
from marketplace.households import categories, search
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.search import Query
from marketplace.reference.facts import fact_kinds
from marketplace.reference.identity_number import make_id_number
from marketplace.signals import lists, rules, sweeping, trying
from marketplace.signals.models import Alert
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "monitor.json"
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BEGUN = NOW - timedelta(days=300)
"""When all households came into the register."""
NEXT, LATER = NOW + timedelta(days=1), NOW + timedelta(days=1, hours=8)
CLERK, SECOND = Actor(id="clerk", role=Role.VERIFIER), Actor(id="second", role=Role.APPROVER)
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉建国红志春梅海燕"
PRIME = 2_147_483_647
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
    "GUARDIAN_ABSENT": 0.004,
    "DISABILITY_3_MENTAL": 0.002,
    "FIRST_YEAR": 0.01,
    "HOME_AREA": 0.4,
    "VEHICLE_DISABLED": 0.002,
    "IN_INSTITUTION": 0.01,
    "KIN_OF_STAFF": 0.001,
    "LIVENESS_OVERDUE": 0.02,
    "DOUBLE_AID": 0.002,
    "STEP_SHARE": 0.02,
}
"""Facts for each person in a year, by kind."""
MOST = {"GUARDIAN_ABSENT": 2, "HOMES": 2, "HOME_AREA": 300, "LIVENESS_OVERDUE": 60, "STEP_SHARE": 150}
"""Number ► the most that is drawn of it; of the others, one."""
LATE = "DETENTION"
"""The feed that was last heard of two months ago."""
MEDIAN_FEN = {"OWN_COST": 60_000, "OWN_COST_STAY": 220_000, "INCOME": 1_900_000, "NECESSARY_SPENDING": 900_000}
SPREAD, WIDER = 1.1, {"OWN_COST": 1.3}
"""How far amounts lie around their middle; a year's own cost reaches further up."""


class Timed:
    """Clock and CPU seconds of a block."""

    def __enter__(self) -> Timed:
        self._wall, self._cpu = perf_counter(), process_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self.wall, self.cpu = round(perf_counter() - self._wall, 2), round(process_time() - self._cpu, 2)

    @property
    def told(self) -> dict[str, float]:
        """Both figures."""
        return {"wall": self.wall, "cpu": self.cpu}


def homes(people: int, rng: np.random.Generator) -> Iterator[HouseholdFacts]:
    """Households of one to four until there are so many people."""
    made = place = 0
    while made < people:
        size = min(1 + int(np.searchsorted((0.5, 0.8, 0.93), rng.random())), people - made)
        members = tuple(_person(made + n, n) for n in range(size))
        yield HouseholdFacts(
            source="bench",
            source_ref=str(place),
            district_code=DISTRICTS[place % len(DISTRICTS)],
            size=size,
            urban=bool(rng.random() < 0.4),
            people=members,
        )
        made, place = made + size, place + 1


def _person(number: int, place: int) -> PersonFacts:
    born = date(1935, 1, 1) + timedelta(days=number * 7919 % 31_000)
    name = _name(number * 48_271 % PRIME)
    number_text = make_id_number(f"5099{number // 31_000 % 100:02d}", born, seq=number // 3_100_000 + 1)
    return PersonFacts(ref=str(place), name=name, phone=f"1990{number:07d}", id_number=number_text, contact=place == 0)


def _name(stirred: int) -> str:
    first, second = divmod(stirred // len(SURNAMES), len(GIVEN))
    return SURNAMES[stirred % len(SURNAMES)] + GIVEN[first % len(GIVEN)] + GIVEN[second]


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
        ids = register_many(session, some, actor=SYSTEM, now=BEGUN)
        chosen = rng.choice(codes, size=len(ids), p=shares)
        entries = [
            categories.Entry(home, str(code), BEGUN.date(), source="bench")
            for home, code in zip(ids.values(), chosen, strict=True)
        ]
        categories.enter_many(session, entries, actor=SYSTEM, now=BEGUN)
    return len(ids)


DOOR = 100_000
"""So many people come in through the house's own door, sealed and indexed one by one; a larger register is filled up
with copies of their rows under ids of their own, whose envelopes nobody can open: the watch reads none."""
COPIED = {
    "household": {"id": ":mark || id", "source_index": ":mark || substr(source_index, 3)"},
    "person": {
        "id": ":mark || id",
        "household_id": ":mark || household_id",
        "id_number_index": ":mark || substr(id_number_index, 3)",
        "phone_index": ":mark || substr(phone_index, 3)",
    },
    "person_search": {"person_id": ":mark || person_id"},
    "category_spell": {
        "id": ":mark || id",
        "household_id": ":mark || household_id",
        "person_id": ":mark || person_id",
    },
}
"""What is made anew in a copy of a row: ids, and the indexes that only one person can have."""
SETTLED = {
    "load": ("ix_person_search_value", "ix_person_compared_at", "ix_person_phone_index", "ix_person_household_id"),
    "facts": ("uq_fact_source", "ix_fact_kind", "ix_fact_home"),
}
"""Indexes that are made once after all rows are in, and not kept up row by row."""
DRAWN = 4096
"""So many amounts of each kind are drawn; a fact takes one of them."""
MIXED = f"""
WITH RECURSIVE step(i) AS (VALUES(:first) UNION ALL SELECT i + 1 FROM step WHERE i < :first + :count - 1),
a(i, x) AS (SELECT i, (i % {PRIME} * 48271 + :seed) % {PRIME} FROM step),
b(i, x) AS (SELECT i, (x * x + 12345) % {PRIME} FROM a),
c(i, x, y) AS (SELECT i, (x * x + i) % {PRIME}, x FROM b)
INSERT INTO fact (id, household_id, person_id, feed, kind, day, known_day, amount, source_key)
SELECT i, who.home, who.person, :feed, :kind, :from + y % :span, :known, drawn.amount, printf('b%031d', i)
FROM c JOIN who ON who.n = 1 + x % :people JOIN drawn ON drawn.n = (x + y) % :drawn
"""
"""Facts made by the database itself: numbers stirred by squaring choose who, when and how much."""


def multiply(file: Path, people: int) -> int:
    """Copies of all rows until there are so many people, the last time of some only; returns the households."""
    connection = _open(file)
    base = connection.execute("SELECT count(*) FROM person").fetchone()[0]
    connection.execute("CREATE TEMP TABLE ours AS SELECT household_id AS id, min(rowid) AS n FROM person GROUP BY 1")
    for number in range(1, -(-people // base)):
        mark, last = f"z{chr(96 + number)}", min(base, people - number * base)
        for table, made in COPIED.items():
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join(f"t.{name}" if name not in made else _of_copy(made[name], name) for name in names)
            where = _original(table)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {table} t WHERE {where}",
                {"mark": mark, "last": last},
            )
        connection.commit()
    homes = connection.execute("SELECT count(*) FROM household").fetchone()[0]
    connection.close()
    return int(homes)


def _of_copy(text: str, name: str) -> str:
    return text.replace(name, f"t.{name}")


def _original(table: str) -> str:
    """Rows that came through the door, of the households that are copied this time."""
    homes = "(SELECT id FROM ours WHERE n <= :last)"
    if table == "household":
        return f"t.id IN {homes}"
    if table == "person_search":
        return f"t.person_id IN (SELECT id FROM person WHERE household_id IN {homes})"
    return f"t.household_id IN {homes}"


def tell(file: Path, rng: np.random.Generator, *, days: tuple[int, int], share: float, known: int) -> int:
    """Facts of the days from the first to the last, as `share` of a year's, straight into the table."""
    connection = _open(file)
    connection.execute("CREATE TEMP TABLE who (n INTEGER PRIMARY KEY, home TEXT, person TEXT)")
    connection.execute("INSERT INTO who (home, person) SELECT household_id, id FROM person ORDER BY id")
    connection.execute("CREATE TEMP TABLE drawn (n INTEGER PRIMARY KEY, amount INTEGER)")
    people = connection.execute("SELECT count(*) FROM who").fetchone()[0]
    first = number = connection.execute("SELECT coalesce(max(id), 0) FROM fact").fetchone()[0]
    told = {"from": days[0], "span": days[1] - days[0] + 1, "known": known, "people": people, "drawn": DRAWN}
    for kind, yearly in PER_YEAR.items():
        count = round(people * yearly * share)
        connection.executemany("INSERT OR REPLACE INTO drawn VALUES (?, ?)", enumerate(_amounts(kind, DRAWN, rng)))
        own = {"feed": fact_kinds()[kind].feed, "kind": kind, "seed": int(rng.integers(PRIME))}
        if count:
            connection.execute(MIXED, {**told, **own, "first": number + 1, "count": count})
        connection.commit()
        number += count
    connection.executemany(
        "INSERT OR REPLACE INTO feed_state (feed, first_day, as_of_day, received_at, asked_person)"
        " VALUES (?, ?, ?, ?, '')",
        [
            (feed, days[0], known - 60 * (feed == LATE), "2026-11-23 00:00:00.000000")
            for feed in {kind.feed for kind in fact_kinds().values()}
        ],
    )
    connection.commit()
    connection.close()
    return int(number - first)


def _open(file: Path) -> sqlite3.Connection:
    """A connection for writing much at once: quick, and not safe against a power cut."""
    connection = sqlite3.connect(file)
    for pragma in ("synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY", "threads=2"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def without(file: Path, part: str) -> list[str]:
    """Take the indexes of a part away; returns how they are made."""
    connection = _open(file)
    asked = f"SELECT name, sql FROM sqlite_master WHERE name IN ({', '.join('?' * len(SETTLED[part]))})"
    found = connection.execute(asked, SETTLED[part]).fetchall()
    for name, _text in found:
        connection.execute(f"DROP INDEX {name}")
    connection.commit()
    connection.close()
    return [text for _name, text in found]


def settle(file: Path, made: list[str]) -> None:
    """Make the indexes, and let the database look at its tables."""
    connection = _open(file)
    for text in made:
        connection.execute(text)
        connection.commit()
        print(text.split()[2] if "UNIQUE" not in text else text.split()[3], round(perf_counter()), flush=True)
    connection.execute("PRAGMA analysis_limit=2000")
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _amounts(kind: str, count: int, rng: np.random.Generator) -> list[int]:
    if fact_kinds()[kind].value == "none":
        return [0] * count
    if fact_kinds()[kind].value == "number":
        return [int(value) for value in rng.integers(1, MOST.get(kind, 1) + 1, size=count)]
    drawn = np.exp(rng.normal(np.log(MEDIAN_FEN.get(kind, 50_000)), WIDER.get(kind, SPREAD), size=count))
    return [int(value) for value in np.minimum(drawn, 10**11)]


def switch_on(database: Database) -> int:
    """All rules of the table."""
    with database.transaction() as session:
        made = rules.draft_table(session, actor=CLERK, now=NOW)
        for rule in made:
            trying.try_rule(session, rule.id, from_on=TODAY, to_on=TODAY, actor=CLERK, now=NOW)
            rules.activate(session, rule.id, actor=SECOND, now=NOW)
    return len(made)


def look_up(database: Database, rng: np.random.Generator, *, times: int) -> list[float]:
    """CPU milliseconds of searches by name, pinyin, birth date with name, and telephone."""
    with database.reading() as session:
        people = min(DOOR, int(session.connection().exec_driver_sql("SELECT count(*) FROM person").scalar_one()))
    spent = []
    for n in range(times):
        number = int(rng.integers(people))
        born = date(1935, 1, 1) + timedelta(days=number * 7919 % 31_000)
        name = _name(number * 48_271 % PRIME)
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


def pages(database: Database) -> dict[str, float]:
    """Page ► CPU milliseconds of what it asks after the worker has counted: the boards of the city and of a district, a
    page of the households behind a number there, the first page of alerts. `counting` is what the worker counts."""
    at, found, actor = Moment(LATER, TODAY), {}, CLERK
    district = Place(DISTRICTS[0])
    begun = process_time()
    with database.reading() as session:
        counted = keeping.count(session, at=at)
    with database.transaction() as session:
        keeping.keep(session, counted, seq=0, now=at.now)
    found["counting"] = _since(begun)
    with database.reading() as session:
        for name, place in (("board", Place()), ("board_district", district)):
            begun = process_time()
            keeping.board_of(session, place, at=at, actor=actor)
            found[name] = _since(begun)
        for measure in ("red", "unseen"):
            begun = process_time()
            kept = keeping.kept_total(session, measure, district, actor=actor)
            counting.rows_of(session, measure, district, at=at, actor=actor, offset=0, limit=50, kept=kept)
            found[f"rows_{measure}"] = _since(begun)
        begun = process_time()
        lists.count_homes(session, actor=actor)
        lists.list_homes(session, actor=actor, on=TODAY, offset=0, limit=50)
        found["alerts"] = _since(begun)
    return found


def _since(begun: float) -> float:
    """CPU milliseconds since then."""
    return round((process_time() - begun) * 1000, 1)


def fill(folder: Path, people: int, *, seed: int) -> dict[str, Any]:
    """A register with a year of facts in the folder; what lies there from an earlier run is taken as it is."""
    kept = folder / "filled.json"
    if kept.exists():
        told: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return told
    settings, last = demo_settings(folder, seed=seed), TODAY.toordinal()
    file = settings.instance / "shanqiao.db"
    database = open_database(settings)
    told = {
        "people": people,
        "through_the_door": min(people, DOOR),
        "seed": seed,
        "engine": "sqlite",
        "rules": switch_on(database),
    }
    database.close()
    made = without(file, "load") + without(file, "facts")
    with Timed() as loaded:
        database = open_database(settings)
        load(database, min(people, DOOR), seed=seed)
        database.close()
    with Timed() as copied:
        told["households"] = multiply(file, people)
    print("copied", copied.told, flush=True)
    with Timed() as written:
        rng = np.random.default_rng(seed + 1)
        told["facts"] = tell(file, rng, days=(last - 364, last - 1), share=1.0, known=last - 1)
    print("facts", written.told, flush=True)
    with Timed() as settled:
        settle(file, made)
    told["fill_seconds"] = {
        "people": loaded.told,
        "copies": copied.told,
        "facts": written.told,
        "indexes": settled.told,
    }
    told["file_mb"] = round(file.stat().st_size / 1e6)
    kept.write_text(json.dumps(told), "utf-8")
    return told


def run(folder: Path, people: int, *, seed: int) -> dict[str, Any]:
    """Everything once; returns the figures. The filling has a process of its own: its memory is not the watch's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        told = apart.submit(fill, folder, people, seed=seed).result()
    settings, last = demo_settings(folder, seed=seed), TODAY.toordinal()
    database, file = open_database(settings), settings.instance / "shanqiao.db"
    rng = np.random.default_rng(seed + 2)
    found = {"first": night(database, told, "first", at=NOW), "again": night(database, told, "again", at=NEXT)}
    told["day_facts"] = tell(file, rng, days=(last, last + 1), share=1 / 365, known=last + 1)
    found["day"] = night(database, told, "day", at=LATER)
    told["page_ms"] = pages(database)
    spent = sorted(look_up(database, rng, times=200))
    database.close()
    told["seconds"] = {name: one.told for name, one in found.items()}
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
        told["failed"] = sorted({*told.get("failed", ()), *row.failed})
        alerts = select(Alert.rule_code, func.count()).group_by(Alert.rule_code).order_by(Alert.rule_code)
        told["alerts"] = dict(session.exec(alerts).all())
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
    parser.add_argument("--folder", type=Path, help="where the database is made and kept; without it, nothing is kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shanqiao-monitor-") as passing:
        told = run(asked.folder or Path(passing), asked.people, seed=asked.seed)
    print(
        f"{told['people']:,} people, {told['households']:,} households, {told['facts']:,} facts, {told['file_mb']:,} MB"
    )
    for name, words in (("first", "first whole sweep"), ("again", "whole sweep"), ("day", "one day's facts")):
        spent = told["seconds"][name]
        print(
            f"{words}: {spent['cpu']} CPU s, {spent['wall']} s; "
            f"{told[f'{name}_met']:,} met, {told[f'{name}_raised']:,} new"
        )
    print("alerts:", ", ".join(f"{code} {many:,}" for code, many in told["alerts"].items()), "failed:", told["failed"])
    print(f"search: p50 {told['search_ms']['p50']} ms, p95 {told['search_ms']['p95']} ms; peak {told['peak_mb']:,} MB")
    before = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"rows": []}
    rows = [row for row in before["rows"] if row["people"] != told["people"]] + [told]
    rows.sort(key=lambda row: row["people"])
    where = machine() if rows[-1] is told else before["machine"]  # the day of the largest run, whose figure is told
    kept = {"goals": {"watch": goal(rows[-1])}, "machine": where, "rows": rows}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def goal(row: dict[str, Any]) -> dict[str, str]:
    """The figures of one row in a sentence, and the command that prints them."""
    spent = row["seconds"]
    sweeps = ", ".join(
        f"{words} {spent[name]['cpu']:.0f} CPU s ({spent[name]['wall']:.0f} s by the clock)"
        for name, words in (("first", "first sweep"), ("again", "a night's sweep"), ("day", "one day"))
    )
    figure = (
        f"{row['people']:,} people, {row['facts']:,} facts, {row['rules']} rules, under a load of "
        f"{row['load_average']}: {sweeps}; search p95 {row['search_ms']['p95']} ms CPU; {row['peak_mb']:,} MB"
    )
    return {"figure": figure, "command": f"PYTHONPATH=. .venv/bin/python bench/monitor.py --people {row['people']}"}


if __name__ == "__main__":
    main()
