"""A giver accepts while the sweep ends its match: exactly one of them wins, on each engine, with rival sweeps."""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, func, select

from marketplace import audit
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import service, waiting
from marketplace.decisions.models import Match, MatchState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.notices import Notice
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_races import _in_processes, _try

pytestmark = pytest.mark.both_engines

ROUNDS = 400 if os.environ.get("TORTURE") else 24


def test_a_giver_that_accepts_and_the_sweep_never_both_win(
    database: Database, settings: Settings, now: datetime
) -> None:
    pairs = []
    with database.transaction() as session:
        for i in range(ROUNDS):
            scene = a_scene(session, phone=f"1{i:010d}")
            pairs.append((scene.approved(session, now).id, scene.giver))
    for hours in (100, 160):
        waiting.sweep(database, clock=lambda h=hours: now + timedelta(hours=h))  # type: ignore[misc]
    late = now + timedelta(days=9)
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()

    def act(own: Database, rng: random.Random, _number: int) -> None:
        order = list(pairs)
        rng.shuffle(order)
        for at, (match_id, giver) in enumerate(order):
            if at % 6 == 3:
                waiting.sweep(own, clock=lambda: late)
            _try(own, lambda s, m=match_id, g=giver: service.giver_accepts(s, m, actor=g, now=late))  # type: ignore[misc]

    _in_processes(url, settings, act)
    with database.reading() as session:
        wins: dict[str, list[str]] = {match_id: [] for match_id, _giver in pairs}
        won = ("match:awaiting_household", "match:expired_giver")
        for row in session.exec(select(audit.AuditRow).where(col(audit.AuditRow.action).in_(won))):
            wins[row.object_ref].append(row.action)
        assert all(len(winners) == 1 for winners in wins.values())
        assert {winners[0] for winners in wins.values()} == set(won), "both sides won something, or nothing was raced"
        for match in session.exec(select(Match)):
            running = select(func.count()).select_from(Clock)
            running = running.where(col(Clock.object_ref) == match.id, col(Clock.ended_at).is_(None))
            expired = match.state is MatchState.EXPIRED_GIVER
            entry = session.get_one(LedgerEntry, match.ledger_entry_id)
            assert entry.state is (AidState.RETURNED if expired else AidState.RESERVED)
            assert session.exec(running).one() == (0 if expired else 1)
            assert session.get_one(Need, match.need_id).committed_units == (0 if expired else 10)
        told = session.exec(select(func.count()).select_from(Notice).where(Notice.letter == "match_expired")).one()
        assert told == sum(winners == ["match:expired_giver"] for winners in wins.values())
        assert audit.verify(session).bad_seq == 0
