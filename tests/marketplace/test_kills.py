"""Processes are killed in the middle of matches, consents and disclosures: each act is there whole or not at all."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time

import pytest
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.ledger.models import LedgerEntry
from marketplace.sealed import Vault
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace import figures
from tests.marketplace.match_scene import a_scene

KILLS = figures.count(4, torture=450)


def _busy_child(url: str, settings: Settings, number: int, ready: int) -> None:
    """What the killed process does: a match, a consent and looks, household after household, act by act."""
    make._number = itertools.count(100_000 * (number + 1))
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    for i in itertools.count():
        now = utc_now()
        with database.transaction() as session:
            scene = a_scene(session, phone=f"1{number:05d}{i:05d}", now=now)
        with database.transaction() as session:
            match_id = scene.approved(session, now).id
        with database.transaction() as session:
            decisions.giver_accepts(session, match_id, actor=scene.giver, now=now)
        with database.transaction() as session:
            scene.accepts(session, session.get_one(Match, match_id), now)
        for _ in range(3):
            with database.transaction() as session:
                decisions.see_recipient(session, match_id, actor=scene.giver, now=now)
            os.write(ready, b".")


def _kill_one(url: str, settings: Settings, number: int, rng: random.Random) -> None:
    """Start a child, let it look at least once, and kill it somewhere in its next acts."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(here)
            _busy_child(url, settings, number, there)
        finally:
            os._exit(1)
    os.close(there)
    assert os.read(here, 1) == b".", "the child died by itself"
    time.sleep(rng.uniform(0, 0.15))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(here)


def _acts(session: Session, action: str) -> int:
    wanted = select(func.count()).select_from(audit.AuditRow).where(col(audit.AuditRow.action) == action)
    return session.exec(wanted).one()


@pytest.mark.threat("T34")
def test_kills_in_the_middle_of_matches_consents_and_looks_leave_each_whole_or_not_at_all(
    sqlite_database: Database, settings: Settings
) -> None:
    url, rng = str(sqlite_database.engine.url), random.Random(11 + figures.seed())
    sqlite_database.close()
    for number in range(KILLS):
        _kill_one(url, settings, number, rng)
    with sqlite_database.reading() as session:
        assert audit.verify(session).fault == ""
        looks = session.exec(select(Disclosure)).all()
        assert len(looks) == _acts(session, "share:disclose") >= KILLS
        for look in looks:
            row = session.get_one(audit.AuditRow, look.audit_seq)
            assert (row.action, row.consent_ref.partition("@")[0]) == ("share:disclose", look.consent_chain_id)
        for head in session.exec(select(ConsentHead)):
            newest = session.exec(
                select(Consent).where(Consent.chain_id == head.chain_id, Consent.version == head.version)
            )
            assert newest.one().state is head.state
        matches = session.exec(select(Match)).all()
        assert len({match.need_id for match in matches}) == len(matches) == _acts(session, "match:approve")
        consented = {head.match_id for head in session.exec(select(ConsentHead).where(ConsentHead.match_id != ""))}
        for match in matches:
            assert (match.state is MatchState.IN_DELIVERY) == (match.id in consented) == bool(match.consent_chain_id)
            assert session.get(LedgerEntry, match.ledger_entry_id) is not None
        figures.keep(KILLS, matches=len(matches), consents=len(consented), disclosures=len(looks))
