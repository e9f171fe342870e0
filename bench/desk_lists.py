"""How long the long lists of staff and givers take at 100,000 rows: their first, middle and last page.

What enters: the number of rows. What leaves: a table, and `bench/results/desk_lists.json` with the machine. Needs,
lines, matches and offers are put in directly; each page is asked through the real app, so its templates count too.
Beside each page stands, from the same run, what a bare COUNT of the same rows takes in the database, and the ratio of
its last page to its first. Processor milliseconds, the best of three, and the slowest page by the clock, which under
load says little. Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/desk_lists.py --rows 100000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, insert, text
from sqlmodel import Session, select

from bench.measure import machine
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.households.models import Household
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.organisations.agreements import purposes_of_needs
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.proposals.models import LineState, ProposedLine, Run, RunState
from marketplace.reference.districts import current
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "desk_lists.json"
GOAL_MS = 300.0
CHUNK = 5_000
TRIES = 3
SIZE = 25
ORG, RUN, OFFER = "bench-org", "bench-run", "offer-0"
LISTS: tuple[tuple[str, Role, str, Any, Any], ...] = (
    ("needs", Role.APPROVER, "/needs/", Need, None),
    ("lines to decide", Role.APPROVER, "/matches/", ProposedLine, ProposedLine.state == LineState.PROPOSED),
    ("matches under way", Role.APPROVER, "/matches/running", Match, None),
    ("resources, staff", Role.APPROVER, "/offers/", Offer, None),
    ("matches to answer, giver", Role.CHARITY_WORKER, "/our-matches/", Match, Match.state == MatchState.AWAITING_GIVER),
    ("deliveries, giver", Role.CHARITY_WORKER, "/deliveries/", Match, Match.state == MatchState.IN_DELIVERY),
)
"""Name, who looks, address, table and which of its rows the list shows."""


def fill(session: Session, many: int, *, now: datetime) -> None:
    """So many needs, lines and offers; as many matches again, half of them waiting for the giver."""
    pick, places = Random(7), [place.code for place in current(now.date())]
    session.add(
        Organisation(
            id=ORG,
            name="基准慈善会",
            kind=OrganisationKind.CHARITY,
            credit_code="bench",
            purposes=list(purposes_of_needs()),
            created_at=now,
        )
    )
    session.add(Run(id=RUN, number=1, state=RunState.DONE, as_of=now.date(), created_by="bench", created_at=now))
    session.flush()
    at = [now - timedelta(seconds=pick.randrange(10**7)) for _n in range(many)]
    where = [pick.choice(places) for _n in range(many)]
    urgency = [pick.randrange(4) for _n in range(many)]
    _put(session, Household, (_household(n, where[n], at[n]) for n in range(many)))
    _put(session, Need, (_need(n, where[n], urgency[n], at[n]) for n in range(many)))
    _put(session, Offer, (_offer(n, at[n]) for n in range(many)))
    _put(session, ProposedLine, (_line(n, where[n], urgency[n], LineState.PROPOSED) for n in range(many)))
    _put(session, ProposedLine, (_line(n, where[n], urgency[n], LineState.APPROVED) for n in range(many)))
    _put(session, LedgerEntry, (_entry(n, at[n]) for n in range(many)))
    _put(session, Match, (_match(n, where[n], at[n]) for n in range(many)))


def _put(session: Session, kind: Any, rows: Iterator[dict[str, Any]]) -> None:
    drawn = list(rows)
    for start in range(0, len(drawn), CHUNK):
        session.execute(insert(kind), drawn[start : start + CHUNK])


def _household(n: int, place: str, at: datetime) -> dict[str, Any]:
    return {
        "id": f"home-{n}",
        "source": "bench",
        "source_index": f"home-{n}",
        "district_code": place,
        "size": 1,
        "created_at": at,
    }


def _need(n: int, place: str, urgency: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"need-{n:06}",
        "source": "bench",
        "source_index": f"need-{n}",
        "household_id": f"home-{n}",
        "district_code": place,
        "category": "LIVING.FOOD_PACK",
        "unit": "PACK",
        "gap_units": 12,
        "urgency": urgency,
        "period": "2026",
        "cause": str(n),
        "verification_level": 3,
        "verifier_id": "bench",
        "verified_on": date(2026, 11, 1),
        "tags": [],
        "state": NeedState.VERIFIED,
        "created_at": at,
        "updated_at": at,
    }


def _offer(n: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"offer-{n}",
        "org_id": ORG,
        "source_index": f"offer-{n}",
        "title": f"米面油食品包 {n}",
        "category": "LIVING.FOOD_PACK",
        "unit": "PACK",
        "stock_units": 10**7,
        "lot": 1,
        "min_per_need": 1,
        "min_urgency": 0,
        "unit_cost_fen": 0,
        "reminded": False,
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2027, 6, 1),
        "districts": ["*"],
        "standard": "每户 1 至 12 份",
        "steps": "街道通知",
        "rules": "不收取任何费用",
        "acceptance": Acceptance.EACH,
        **{name: [] for name in ("tags_any", "tags_all", "tags_none", "donor_districts", "donor_tags")},
        "state": OfferState.OPEN,
        "created_by": "bench",
        "created_at": at,
        "updated_at": at,
    }


def _line(n: int, place: str, urgency: int, state: LineState) -> dict[str, Any]:
    return {
        "id": f"line-{n:06}-{state.value}",
        "run_id": RUN,
        "need_id": f"need-{n:06}",
        "offer_id": OFFER,
        "household_id": f"home-{n}",
        "district_code": place,
        "urgency": urgency,
        "units": 4,
        "value_fen": 40_000,
        "reasons": [{"code": "chosen", "rank": 1}],
        "state": state,
    }


def _entry(n: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"entry-{n}",
        "source": "platform",
        "source_index": f"entry-{n}",
        "household_id": f"home-{n}",
        "need_id": f"need-{n:06}",
        "offer_id": OFFER,
        "org_id": ORG,
        "category": "LIVING.FOOD_PACK",
        "period": "2026",
        "units": 4,
        "given_on": at.date(),
        "state": AidState.RESERVED,
        "created_at": at,
        "updated_at": at,
    }


def _match(n: int, place: str, at: datetime) -> dict[str, Any]:
    return {
        "id": f"match-{n:06}",
        "line_id": f"line-{n:06}-approved",
        "need_id": f"need-{n:06}",
        "offer_id": OFFER,
        "org_id": ORG,
        "household_id": f"home-{n}",
        "district_code": place,
        "units": 4,
        "state": MatchState.AWAITING_GIVER if n % 2 else MatchState.IN_DELIVERY,
        "ledger_entry_id": f"entry-{n}",
        "approver_id": "bench",
        "created_at": at,
        "updated_at": at,
    }


def measure(many: int) -> list[dict[str, Any]]:
    """One row a list: its three pages, the bare count, and the ratios."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        settings = demo_settings(Path(folder), seed=7)
        database = open_database(settings)
        with database.transaction() as session:
            fill(session, many, now=now)
            clients = {role: token_of(session, role, now=now) for role in (Role.APPROVER, Role.CHARITY_WORKER)}
        with database.transaction() as session:
            session.execute(text("ANALYZE"))
        app = create_app(settings, database=database)
        told = []
        for name, role, path, kind, which in LISTS:
            client = app.test_client()
            client.set_cookie("sid", clients[role])
            told.append({"list": name} | _one(database, client, path, kind, which))
        database.close()
        return told


def token_of(session: Session, role: Role, *, now: datetime) -> str:
    """A signed-in person of this role."""
    org_id = ORG if role is Role.CHARITY_WORKER else None
    account = accounts.create_account(session, role.value, display_name="bench", role=role, org_id=org_id, now=now)
    return accounts.open_for_account(session, account, now=now)


def _one(database: Database, client: FlaskClient, path: str, kind: Any, which: Any) -> dict[str, Any]:
    def count() -> int:
        with database.reading() as session:
            asked = select(func.count()).select_from(kind)
            return int(session.exec(asked if which is None else asked.where(which)).one())

    rows, bare = count(), _best(count)
    last = -(-rows // SIZE)
    pages = [_timed_best(lambda number=number: _asked(client, path, number)) for number in (1, last // 2, last)]
    times, walls = [cpu for cpu, _wall in pages], [wall for _cpu, wall in pages]
    first, middle, end = times
    return {
        "rows": rows,
        "first_ms": first,
        "middle_ms": middle,
        "last_ms": end,
        "count_ms": bare,
        "last_over_first": round(end / first, 2),
        "wall_ms": max(walls),
        "within_goal": max(times) <= GOAL_MS,
    }


def _asked(client: FlaskClient, path: str, number: int) -> None:
    answer = client.get(f"{path}?page={number}")
    assert answer.status_code == 200, (path, number, answer.status_code)


def _best(work: Callable[[], Any]) -> float:
    return _timed_best(work)[0]


def _timed_best(work: Callable[[], Any]) -> tuple[float, float]:
    """Processor and clock, each the best of a few tries."""
    taken = [_timed(work) for _try in range(TRIES)]
    return round(min(cpu for cpu, _wall in taken), 1), round(min(wall for _cpu, wall in taken), 1)


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    cpu, wall = process_time(), perf_counter()
    work()
    return 1000 * (process_time() - cpu), 1000 * (perf_counter() - wall)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How long the long lists take.")
    parser.add_argument("--rows", type=int, default=100_000)
    many = parser.parse_args().rows
    told = measure(many)
    for row in told:
        print(
            f"{row['list']:26}{row['rows']:>9,}{row['first_ms']:>9.1f}{row['middle_ms']:>9.1f}{row['last_ms']:>9.1f} ms"
            f"{row['wall_ms']:>9.1f} ms wall{row['count_ms']:>9.1f} ms count{row['last_over_first']:>7.2f}×"
        )
    slowest = max(max(row["first_ms"], row["middle_ms"], row["last_ms"]) for row in told)
    wall = max(row["wall_ms"] for row in told)
    figure = (
        f"slowest page of {len(told)} lists of up to {many:,} rows: {slowest:.0f} ms CPU, {wall:.0f} ms by the clock"
    )
    goals = {"lists": {"figure": figure, "command": "PYTHONPATH=. .venv/bin/python bench/desk_lists.py"}}
    RESULTS.write_text(json.dumps({"goals": goals, "machine": machine(), "rows": told}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
