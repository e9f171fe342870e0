"""How long a need that came after the run waits for its quote: alone on the board, and at the staff's JSON door.

What enters: sizes, on the command line. What leaves: a table, and `bench/results/quote.json` with the machine and the
versions. The board is that of a generated city, solved; the door is the real app under waitress, asked over loopback by
one client, on an embedded database of city size whose rows are drawn at random and put in directly (prices too: here
only the time counts). Never part of the tests.

    .venv/bin/python bench/quote.py --needs 100000 --resources 5000 --offers 5000 --requests 2000
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from random import Random
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from flask import Flask
from sqlalchemy import insert
from sqlmodel import Session
from waitress.server import create_server

from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import Database
from marketplace.households.models import Household
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.proposals.models import LineState, ProposedLine, Run, RunPrice, RunState
from marketplace.reference.districts import current
from marketplace.reference.needs import list_need_kinds
from marketplace.wiring import open_database
from matching import allocate
from matching.board import Board, Newcomer
from matching.generate import generate
from matching.quote import quote
from tests.running import running

RESULTS = Path(__file__).parent / "results" / "quote.json"
ORGANISATIONS, KINDS, NEWCOMERS, BATCH = 120, 12, 2_000, 5_000
HASH = "0" * 64


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


def _put(session: Session, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    kept = [table(**row).model_dump() for row in rows]
    for at in range(0, len(kept), BATCH):
        session.execute(insert(table), kept[at : at + BATCH])
    session.flush()


def furnish(database: Database, *, offers: int, needs: int, lines: int, now: datetime) -> list[str]:
    """A house of city size; returns the needs that came after the run."""
    rng = Random(7)
    kinds = [kind for kind in list_need_kinds() if kind.unit != "FEN"][:KINDS]
    districts = [district.code for district in current(now.date())]
    before, after = now - timedelta(hours=2), now - timedelta(hours=1)
    newcomers = [f"need-{n}" for n in range(needs - NEWCOMERS, needs)]
    with database.transaction() as session:
        _put(session, Organisation, (_organisation(n, before) for n in range(ORGANISATIONS)))
        _put(session, Household, (_household(n, rng.choice(districts), before) for n in range(needs)))
        _put(session, Offer, (_offer(n, rng, kinds=kinds, districts=districts, at=before) for n in range(offers)))
        run = Run(id="run-1", number=1, state=RunState.DONE, as_of=now.date(), created_by="bench", created_at=before)
        run.started_at = run.finished_at = before
        session.add(run)
        session.flush()
        _put(session, RunPrice, (_price(n, rng) for n in range(offers) if n % 10))
        homes = session.connection().exec_driver_sql("SELECT id, district_code FROM household").all()
        _put(session, Need, (_need(n, home, rng, kinds=kinds, at=after) for n, home in enumerate(homes)))
        _consents(session, [home[0] for home in homes], now=before)
        _put(session, ProposedLine, (_line(n, rng, needs=needs - NEWCOMERS, offers=offers) for n in range(lines)))
    return newcomers


def _organisation(n: int, at: datetime) -> dict[str, Any]:
    state = {"kind": OrganisationKind.CHARITY, "state": OrganisationState.ACTIVE, "created_at": at}
    return {"id": f"org-{n}", "name": f"测试慈善会{n}", "credit_code": f"bench-{n:08d}", **state}


def _household(n: int, district: str, at: datetime) -> dict[str, Any]:
    return {
        "id": f"home-{n}",
        "source": "bench",
        "source_index": f"h{n}",
        "district_code": district,
        "size": 1,
        "created_at": at,
    }


def _offer(n: int, rng: Random, *, kinds: list[Any], districts: list[str], at: datetime) -> dict[str, Any]:
    kind = kinds[n % len(kinds)]
    return {
        **{
            "id": f"offer-{n}",
            "org_id": f"org-{rng.randrange(ORGANISATIONS)}",
            "source_index": f"o{n}",
            "title": "测试资源",
        },
        **{"category": kind.code, "unit": kind.unit, "stock_units": 10_000, "lot": rng.choice((1, 1, 1, 2))},
        "committed_units": 0 if n % 10 == 0 else 9_900,
        "districts": ["*"] if n % 2 else rng.sample(districts, 4),
        "unit_cost_fen": rng.randrange(500),
        **{
            "tags_any": [],
            "tags_all": [],
            "tags_none": [],
            "acceptance": Acceptance.STANDING,
            "state": OfferState.OPEN,
        },
        **{"created_by": "bench", "created_at": at, "updated_at": at},
    }


def _price(n: int, rng: Random) -> dict[str, Any]:
    return {"run_id": "run-1", "kind": "resource", "ref": f"offer-{n}", "household_id": "", "price": rng.randrange(41)}


def _need(n: int, home: Any, rng: Random, *, kinds: list[Any], at: datetime) -> dict[str, Any]:
    kind = kinds[rng.randrange(len(kinds))]
    return {
        **{"id": f"need-{n}", "source": "bench", "source_index": f"n{n}", "household_id": home[0]},
        **{"district_code": home[1], "category": kind.code, "unit": kind.unit, "gap_units": rng.randint(1, 30)},
        **{"urgency": rng.randrange(4), "period": "2026", "tags": [], "state": NeedState.VERIFIED},
        **{"one_provider": kind.one_provider, "verification_level": 3, "created_at": at, "updated_at": at},
    }


def _line(n: int, rng: Random, *, needs: int, offers: int) -> dict[str, Any]:
    home = rng.randrange(needs)
    offer = rng.randrange(offers)
    return {
        **{"id": f"line-{n}", "run_id": "run-1", "need_id": f"need-{home}", "offer_id": f"offer-{offer}"},
        **{"household_id": f"home-{home}", "district_code": "500103", "units": 10, "reasons": []},
        "state": LineState.PROPOSED,
    }


def _consents(session: Session, homes: list[str], *, now: datetime) -> None:
    """One real consent, and as many copies as there are other households."""
    first = session.get_one(Household, homes[0])
    actor = Actor(id="bench", role=Role.HOUSEHOLD, household_id=first.id)
    given = consent.give_auto_match(session, first, actor=actor, now=now)
    head = session.get_one(ConsentHead, given.chain_id)
    whole = (given.model_dump() | {"chain_id": f"chain-{n}", "household_id": home} for n, home in enumerate(homes[1:]))
    heads = (head.model_dump() | {"chain_id": f"chain-{n}", "household_id": home} for n, home in enumerate(homes[1:]))
    _put(session, Consent, whole)
    _put(session, ConsentHead, heads)


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


def machine() -> dict[str, object]:
    """Where and with what this was measured."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "ortools", "sqlalchemy", "flask", "waitress")},
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


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
    RESULTS.write_text(json.dumps({"machine": machine(), "door": door, "board": board}, indent=2) + "\n", "utf-8")
    print("written: bench/results/quote.json")


if __name__ == "__main__":
    main()
