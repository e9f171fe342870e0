"""How long it takes to list everybody behind a stolen key over a million disclosure rows; the law gives one hour.

Fills a fresh embedded database with made-up rows of 40 recipients, opens an incident for one of them and reports the
CPU seconds of the list, and of the letters. Run `PYTHONPATH=. python bench/incident.py [--rows N] [--out FILE]`.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.households.models import Household
from marketplace.incidents import service
from marketplace.incidents.models import OperatorKind
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.sharing.models import Disclosure
from marketplace.wiring import open_database

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
OFFICER = Actor(id="officer", role=Role.PROTECTION_OFFICER)
SPAN = timedelta(days=365)
STOLEN = "org-0"


def fill(database: Database, *, rows: int, households: int, seed: int = 3, recipients: int = 40) -> int:
    """Make the rows; return how many households the stolen key could see in the last 180 days."""
    pick, affected = random.Random(seed), set()
    with database.transaction() as session:
        seq = audit.record(session, audit.Entry("share:disclose"), actor=SYSTEM, now=NOW)
        for number in range(recipients):
            session.add(
                Organisation(
                    id=f"org-{number}",
                    name=f"演示机构{number}",
                    kind=OrganisationKind.CHARITY,
                    credit_code=f"code-{number}",
                    created_at=NOW,
                )
            )
        homes = [
            {
                "id": f"h{n}",
                "source": "bench",
                "source_index": f"i{n}",
                "district_code": "500103",
                "size": 1,
                "urban": True,
                "kind": "",
                "street_code": "",
                "created_at": NOW,
            }
            for n in range(households)
        ]
        session.execute(insert(Household), homes)
    for start in range(0, rows, 50_000):
        with database.transaction() as session:
            some = []
            for number in range(start, min(rows, start + 50_000)):
                org, home = f"org-{pick.randrange(recipients)}", f"h{pick.randrange(households)}"
                at = NOW - SPAN * pick.random()
                if org == STOLEN and at >= NOW - timedelta(days=180):
                    affected.add(home)
                some.append(_row(number, org=org, home=home, at=at, seq=seq))
            session.execute(insert(Disclosure), some)
    return len(affected)


def _row(number: int, *, org: str, home: str, at: datetime, seq: int) -> dict[str, object]:
    return {
        "id": f"d{number}",
        "at": at,
        "household_id": home,
        "person_id": None,
        "recipient_org_id": org,
        "actor_id": f"client-of-{org}",
        "match_id": "",
        "purpose": "GOODS",
        "data_fields": ["name", "phone"],
        "consent_chain_id": "chain",
        "consent_version": 1,
        "emergency_id": None,
        "audit_seq": seq,
    }


def find(database: Database) -> tuple[int, float]:
    """Open the incident; return how many households are listed, and the CPU seconds."""
    begun = time.process_time()
    with database.transaction() as session:
        reach = service.Reach(since=NOW - timedelta(days=180), until=NOW, org_id=STOLEN)
        incident = service.open_incident(
            session, reach, what="drill", operator=OperatorKind.STATE, found_at=NOW, actor=OFFICER, now=NOW
        )
        found = service.count_affected(session, incident.id)
    return found, time.process_time() - begun


def main() -> None:
    """Fill, find, print."""
    rows = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(demo_settings(Path(folder), seed=1))
        expected = fill(database, rows=rows, households=rows // 10)
        found, seconds = find(database)
        database.close()
    told = {"rows": rows, "households": found, "expected": expected, "cpu_seconds": round(seconds, 2)}
    print(f"{rows:,} disclosure rows: {found:,} households listed ({expected:,} expected) in {seconds:.2f} CPU seconds")
    if "--out" in sys.argv:
        Path(sys.argv[sys.argv.index("--out") + 1]).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
