"""How long a need that came after the run waits for its quote: alone on the board, and at the staff's JSON door.

What enters: sizes, on the command line. What leaves: a table, and `bench/results/quote.json` with the machine and the
versions. The board is that of a generated city, solved; the door is the real app under waitress, asked over loopback by
one client, on an embedded database of city size whose rows are drawn at random and put in directly (prices too: here
only the time counts). Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/quote.py --needs 100000 --resources 5000 --offers 5000 --requests 2000
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from flask import Flask
from sqlalchemy import update
from sqlmodel import col
from waitress.server import create_server

from bench import city_rows
from bench.measure import machine
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.needs.models import Need
from marketplace.proposals.models import LineState, ProposedLine, Run, RunPrice, RunState
from marketplace.wiring import open_database
from matching import allocate
from matching.board import Board, Newcomer
from matching.generate import generate
from matching.model import Problem
from matching.quote import quote
from tests.running import running

RESULTS = Path(__file__).parent / "results" / "quote.json"
NEWCOMERS = 2_000
COMMAND = "PYTHONPATH=. .venv/bin/python bench/quote.py"


def spread(seconds: list[float], *, unit: float) -> dict[str, float]:
    """Half, 99 and 100 of 100 answers came within so many milli- or microseconds."""
    at = np.array(seconds) / unit
    return {"p50": round(float(np.quantile(at, 0.5)), 3), "p99": round(float(np.quantile(at, 0.99)), 3)} | {
        "max": round(float(at.max()), 3)
    }


def on_the_board(needs: int, resources: int) -> dict[str, object]:
    """Solve a city, put it on a board, quote needs of another city of the same shape."""
    problem = generate(needs, resources, seed=7)
    start = perf_counter()
    plan = allocate(problem)
    solved = perf_counter() - start
    start = perf_counter()
    board = Board(problem, lines=plan.lines, prices=plan.prices)
    built = perf_counter() - start
    strangers = [Newcomer(row) for row in generate(max(NEWCOMERS, 10_000), resources, seed=8).needs[:NEWCOMERS]]
    rows: dict[str, object] = {"needs": needs, "resources": resources, "lines": len(plan.lines)}
    rows |= {"solve_s": round(solved, 2), "board_s": round(built, 2), "quotes": len(strangers)}
    for name in ("first_us", "again_us"):
        seconds, verdicts = [], Counter[str]()
        for newcomer in strangers:
            start = perf_counter()
            told = quote(board, newcomer)
            seconds.append(perf_counter() - start)
            verdicts[told.verdict] += 1
        rows[name] = spread(seconds, unit=1e-6)
        rows["per_second"] = round(len(seconds) / sum(seconds))
        rows["verdicts"] = dict(verdicts.most_common())
    return rows


def furnish(database: Database, *, offers: int, needs: int, lines: int, now: datetime) -> list[str]:
    """A house of city size after a run; returns the needs that came since."""
    rng = Random(7)
    before = now - timedelta(hours=2)
    city = generate(needs, offers, seed=7)
    city_rows.furnish(database, city, now=before)
    with database.transaction() as session:
        run = Run(id="run-1", number=1, state=RunState.DONE, as_of=local_day(now), created_by="bench")
        run.created_at = run.started_at = run.finished_at = before
        session.add(run)
        session.flush()
        priced = (one.resource_id for n, one in enumerate(city.resources) if n % 10)
        city_rows.put(session, RunPrice, (_price(offer, rng) for offer in priced))
        city_rows.put(session, ProposedLine, (_line(n, city, rng) for n in range(lines)))
        since = update(Need).where(col(Need.id).in_([need.need_id for need in city.needs[-NEWCOMERS:]]))
        session.execute(since.values(created_at=now - timedelta(hours=1)))
    return [need.need_id for need in city.needs[-NEWCOMERS:]]


def _price(offer: str, rng: Random) -> dict[str, Any]:
    return {"run_id": "run-1", "kind": "resource", "ref": offer, "household_id": "", "price": rng.randrange(41)}


def _line(n: int, city: Problem, rng: Random) -> dict[str, Any]:
    """An undecided line of some need that was there before; what it takes of its offer is not committed yet."""
    need = city.needs[rng.randrange(len(city.needs) - NEWCOMERS)]
    offer = city.resources[rng.randrange(len(city.resources))]
    return {
        **{"id": f"line-{n}", "run_id": "run-1", "need_id": need.need_id, "offer_id": offer.resource_id},
        **{"household_id": need.household_id, "district_code": "500103", "units": 1, "reasons": []},
        "state": LineState.PROPOSED,
    }


def at_the_door(place: Path, *, offers: int, needs: int, lines: int, requests: int) -> dict[str, object]:
    """Ask for quotes over loopback, one after the other."""
    settings = demo_settings(place, seed=7)
    database = open_database(settings)
    now = datetime.now(UTC)
    newcomers = furnish(database, offers=offers, needs=needs, lines=lines, now=now)
    with database.transaction() as session:
        words: dict[str, Any] = {"display_name": "bench", "role": Role.VERIFIER, "now": now}
        account = accounts.create_account(session, "bench", password="long enough to measure", **words)
        cookie = accounts.open_for_account(session, account, now=now)
    app = create_app(settings, database=database)
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    asked = Random(3).choices(newcomers, k=requests)
    with running(server) as port:
        seconds, sizes, states = _ask(port, asked, cookie=cookie)
    spent = _cpu(app, asked, cookie=cookie)
    database.close()
    return {
        **{"offers": offers, "needs": needs, "proposed_lines": lines, "requests": requests},
        "first_ms": round(seconds[0] * 1e3, 1),
        "ms": spread(seconds[1:], unit=1e-3),
        "cpu_ms": spread(spent, unit=1e-3),
        "fitting_offers_p50": sizes,
        "states": dict(states.most_common()),
    }


def _cpu(app: Flask, needs: list[str], *, cookie: str) -> list[float]:
    """CPU seconds of each request in this thread: about what a machine that does nothing else would take."""
    client = app.test_client()
    client.set_cookie("sid", cookie)
    seconds = []
    for need_id in needs:
        start = thread_time()
        client.get(f"/quotes/needs/{need_id}.json")
        seconds.append(thread_time() - start)
    return seconds


def _ask(port: int, needs: list[str], *, cookie: str) -> tuple[list[float], int, Counter[str]]:
    client = http.client.HTTPConnection("127.0.0.1", port)
    seconds, sizes, states = [], [], Counter[str]()
    for need_id in needs:
        start = perf_counter()
        client.request("GET", f"/quotes/needs/{need_id}.json", headers={"Cookie": f"sid={cookie}"})
        answer = client.getresponse()
        body = answer.read()
        seconds.append(perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{need_id}: {answer.status}")
        said = json.loads(body)
        sizes.append(said.get("fitting_offers", 0))
        states[said["state"]] += 1
    client.close()
    return seconds, int(np.median(sizes)), states


def goal(door: dict[str, Any], board: dict[str, Any]) -> dict[str, str]:
    """What was seen of goal 9."""
    wall, spent, told = door["ms"], door["cpu_ms"], board["first_us"]
    figure = (
        f"quote at the staff's JSON door, {door['needs']:,} needs, {door['offers']:,} offers: p50 {wall['p50']} ms, "
        f"p99 {wall['p99']} ms ({spent['p99']} CPU ms), {door['fitting_offers_p50']} fitting offers in the middle; on "
        f"the board of a solved city of {board['needs']:,} needs: p99 {told['p99'] / 1e3:.2f} ms"
    )
    return {"figure": figure, "command": COMMAND}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How long a new need waits for its quote.")
    parser.add_argument("--needs", type=int, default=100_000, help="needs of the solved city")
    parser.add_argument("--resources", type=int, default=5_000, help="resources of the solved city")
    parser.add_argument("--offers", type=int, default=5_000, help="offers in the database")
    parser.add_argument("--stored", type=int, default=20_000, help="needs in the database")
    parser.add_argument("--lines", type=int, default=50_000, help="undecided lines in the database")
    parser.add_argument("--requests", type=int, default=2_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sizes = {"offers": asked.offers, "needs": asked.stored, "lines": asked.lines, "requests": asked.requests}
        door = at_the_door(Path(place), **sizes)
    print("at the door ", json.dumps(door, ensure_ascii=False), flush=True)
    board = on_the_board(asked.needs, asked.resources)
    print("on the board", json.dumps(board, ensure_ascii=False), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "goals": {"9": goal(door, board)}, "door": door, "board": board}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print("written: bench/results/quote.json")


if __name__ == "__main__":
    main()
