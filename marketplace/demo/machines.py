"""A machine for the demonstration's charity and insurer, so that `scripts/partner_example.py` runs against the demo.

Enters: the database after the story, its roster and the demo's folder. Leaves: for each of the two a client that two
people let in, and its private key as a file in the folder, readable by its owner only. The city is synthetic, and so
is every key of a demonstration. Called by the demo command.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from joserfc.jwk import ECKey
from sqlmodel import Session, col, select

from marketplace.actors import Role
from marketplace.db import Database
from marketplace.decisions.models import OPEN, Match
from marketplace.decisions.seeing import purpose_of
from marketplace.demo.build import Roster
from marketplace.sharing import clients
from marketplace.sharing.clients import SCOPES

OWNERS = ("demo-charity", "demo-insurer")


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """What the worked example asks for: the client, its key's file, and a purpose that it has open matches for."""

    client_id: str
    key_file: Path
    purpose: str


def let_in(database: Database, roster: Roster, folder: Path, /, *, now: datetime) -> list[DemoMachine]:
    """Ask for each machine and let it in, as on the pages."""
    found = []
    for login in OWNERS:
        owner = roster.staff[login]
        key = ECKey.generate_key("P-256")
        with database.transaction() as session:
            client = clients.ask_client(
                session,
                owner.org_id or "",
                title=f"{login} stock system",
                scopes=SCOPES,
                jwk=json.dumps(key.as_dict(private=False)),
                actor=replace(owner, id=f"accounts-{owner.org_id}"[:64], role=Role.GIVER_ADMIN),
                now=now,
            )
            for person in ("demo-approver", "demo-approver-2"):
                clients.approve_client(session, client.id, actor=roster.staff[person], now=now)
            purpose = _busiest_purpose(session, owner.org_id or "")
        file = folder / f"{login}-machine.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(key.as_dict(private=True)), encoding="utf-8")
        found.append(DemoMachine(client.id, file, purpose))
    return found


def _busiest_purpose(session: Session, org_id: str) -> str:
    """The purpose of most of its matches under way; any house has food to give."""
    open_ones = select(Match).where(col(Match.org_id) == org_id, col(Match.state).in_(OPEN)).order_by(col(Match.id))
    counted = Counter(purpose_of(session, match) for match in session.exec(open_ones))
    return max(counted, key=lambda purpose: (counted[purpose], purpose), default="GOODS")
