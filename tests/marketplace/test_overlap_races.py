"""Five processes at once on each engine: approvals of rival givers, a giver that reports, a government feed, releases.

What must hold at the end: no need and no offer over its units; and no approval within 180 days of any live aid of the
same goods that was in the ledger before it, ours or anybody else's. Some households are two records of one person:
what either was given counts for both.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from adapters.fakes import FakePaymentFeed
from adapters.ports import PaymentRecord
from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import DomainError
from marketplace.households.models import Household, SuspicionState
from marketplace.households.register import source_index
from marketplace.households.same import all_same
from marketplace.ledger.handing_in import report_given
from marketplace.ledger.models import LedgerEntry, OverlapHit
from marketplace.ledger.reporting import pull_payments
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.sealed import Vault, vault_of
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.test_same_households import a_suspicion

pytestmark = pytest.mark.both_engines

PROCESSES = 5
TRIES = int(os.environ.get("RACE_ACTS") or (100_000 if os.environ.get("TORTURE") else 150))
"""Acts of all processes together: approvals tried, aid reported, payments fed, reservations released."""
SEED = int(os.environ.get("RACE_SEED", "0"))
HOMES = max(40, TRIES // 25)
TWO_RECORDS = 4
"""Every so many-th household is two records of one person."""
GIVERS = 3
DAY = date(2026, 11, 23)


def _in_processes(url: str, settings: Settings, act: Callable[[Database, random.Random, int], None]) -> None:
    """Fork, act with a connection of one's own, and end; a child that fails makes the test fail."""
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
                act(database, random.Random(SEED * PROCESSES + number), number)
                database.close()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES


def _try(database: Database, work: Callable[[Session], object]) -> None:
    """One transaction; a refusal or a lock that another process won is a fair answer."""
    with suppress(DomainError, OperationalError), database.transaction() as session:
        work(session)


def _town(session: Session) -> tuple[list[list[str]], list[str]]:
    """Households with two needs for the same goods, each proposed by every giver."""
    givers = [make.an_organisation(session) for _ in range(GIVERS)]
    offers = [make.an_offer(session, giver, stock_units=HOMES * 6) for giver in givers]
    lines = []
    for i in range(HOMES):
        home = make.a_household(session, phone=f"1{i:010d}")
        home.source_index = source_index(vault_of(session), "test", f"H-{i}")
        session.add(home)
        make.auto_match(session, home)
        needs = [make.a_need(session, home)]
        needs.append(make.a_need(session, _second_record(session, home, i) if i % TWO_RECORDS == 0 else home))
        lines.append([make.a_line(session, need, offer).id for need in needs for offer in offers])
    return lines, [giver.id for giver in givers]


def _second_record(session: Session, home: Household, number: int) -> Household:
    """Another household of the same person, as a person has confirmed."""
    other = make.a_household(session, phone=f"2{number:010d}")
    make.auto_match(session, other)
    pair = a_suspicion(session, home, other, make.NOW)
    pair.state = SuspicionState.SAME
    session.add(pair)
    return other


def _aid(number: int, home: int, on: date = DAY) -> dict[str, Any]:
    return {
        "source_id": f"A-{number}",
        "household_ref": f"H-{home}",
        "category": "LIVING.FOOD_PACK",
        "units": 2,
        "given_on": on.isoformat(),
    }


def _fed(database: Database, source: str, number: int, home: int, now: datetime) -> None:
    """One government payment comes by feed."""
    cells = {key: value for key, value in _aid(number, home).items() if key != "source_id"}
    feed = FakePaymentFeed([PaymentRecord(f"P-{number}", cells)])
    with suppress(DomainError, OperationalError):
        pull_payments(database, feed, source=f"{source}{number}", actor=SYSTEM, clock=lambda: now)


def _release(session: Session, rng: random.Random, actor: Actor, now: datetime) -> None:
    """A reservation is given back: its units are free, and its line may not be approved again by itself."""
    waiting = select(Match.id).where(col(Match.state) == MatchState.AWAITING_GIVER).order_by(col(Match.id)).limit(50)
    ids = list(session.exec(waiting))
    if ids:
        decisions.cancel(session, rng.choice(ids), reason_code="duplicate", actor=actor, now=now)


@pytest.mark.threat("T30")
def test_rival_givers_a_reporting_giver_and_a_government_feed_never_give_the_same_twice(
    database: Database, settings: Settings, now: datetime
) -> None:
    with database.transaction() as session:
        lines, givers = _town(session)
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()

    def act(own: Database, rng: random.Random, number: int) -> None:
        approver = Actor(id=f"approver-{number}", role=Role.APPROVER)
        partner = Actor(id=f"partner-{number}", role=Role.CHARITY_WORKER, org_id=givers[number % GIVERS])
        for turn in range(TRIES // PROCESSES):
            home, key, chance = rng.randrange(HOMES), number * 10**6 + turn, rng.random()
            if chance < 0.02 and rng.random() < 0.5:
                _fed(own, "gov", key, home, now)
            elif chance < 0.02:
                _try(own, lambda s, k=key, h=home: report_given(s, [_aid(k, h)], actor=partner, now=now))  # type: ignore[misc]
            elif chance < 0.06:
                _try(own, lambda s: _release(s, rng, approver, now))
            else:
                line = rng.choice(lines[home])
                _try(own, lambda s, one=line: approval.approve(s, [one], actor=approver, now=now))  # type: ignore[misc]

    _in_processes(url, settings, act)
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Match)).one() >= HOMES / 3
        assert session.exec(select(Need).where(col(Need.committed_units) > col(Need.gap_units))).all() == []
        assert session.exec(select(Offer).where(col(Offer.committed_units) > col(Offer.stock_units))).all() == []
        assert _violations(session) == []
        assert audit.verify(session).bad_seq == 0
        _tell(session, engine=database.engine.dialect.name)


def _tell(session: Session, *, engine: str) -> None:
    """One line of what happened, where `bench/races.py` asks for it; written only once nothing was found."""
    tally = os.environ.get("RACE_TALLY")
    if not tally:
        return
    row: dict[str, Any] = {"engine": engine, "processes": PROCESSES, "givers": GIVERS, "acts": TRIES, "seed": SEED}
    row["households"] = HOMES
    for name, action in {"reserved": "aid:reserved", "reported": "aid:load", "released": "aid:returned"}.items():
        counted = select(func.count()).select_from(audit.AuditRow).where(audit.AuditRow.action == action)
        row[name] = session.exec(counted).one()
    row["refused_by_rule"] = session.exec(select(func.count()).select_from(OverlapHit)).one()
    with Path(tally).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | {"over_allocated": 0, "violations": 0}) + "\n")


def _violations(session: Session) -> list[str]:
    """Approvals of ours that came when another live aid of the same goods of the household was there already.

    The chain tells the order: a row's first audit row is when it came, its last one when it was returned.
    """
    came: dict[str, int] = {}
    gone: dict[str, int] = {}
    acts = select(audit.AuditRow.object_ref, audit.AuditRow.action, audit.AuditRow.seq)
    for ref, action, seq in session.exec(acts.where(col(audit.AuditRow.action).in_(_LEDGER_ACTS))):
        if action == "aid:returned":
            gone[ref] = seq
        else:
            came.setdefault(ref, seq)
    by_home: dict[str, list[LedgerEntry]] = {}
    same = all_same(session)
    for row in session.exec(select(LedgerEntry)):
        by_home.setdefault(same.one(row.household_id), []).append(row)
    found = []
    for rows in by_home.values():
        for ours in (row for row in rows if row.source == "platform"):
            for other in rows:
                near = abs(ours.given_on - other.given_on) < timedelta(days=180)
                alive = came[other.id] < came[ours.id] < gone.get(other.id, 10**12)
                if other.id != ours.id and near and alive and (other.need_id is None or other.need_id != ours.need_id):
                    found.append(ours.id)
    return found


_LEDGER_ACTS = ("aid:reserved", "aid:load", "aid:returned")


def test_the_check_of_this_file_sees_a_second_aid(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    offer = make.an_offer(session, make.an_organisation(session))
    for number in range(2):
        entry = make.a_ledger_entry(session, make.a_need(session, home), offer, id=f"entry-seen-{number}")
        seen = audit.Entry("aid:reserved", object_ref=entry.id, subject=home.id)
        audit.record(session, seen, actor=SYSTEM, now=now)
    assert _violations(session) == ["entry-seen-1"]


def test_an_approval_waits_for_a_report_that_is_being_written_and_then_sees_it(
    database: Database, now: datetime
) -> None:
    """The giver's row is written but not committed when approval asks: the household's lock makes approval wait."""
    with database.transaction() as session:
        scene = a_scene(session)
        scene.household.source_index = source_index(vault_of(session), "test", "H-0")
        session.add(scene.household)
        giver = make.as_giver(make.an_organisation(session))
    told: list[str] = []

    def second() -> None:
        with database.transaction() as own:
            done = approval.approve(own, [scene.line.id], actor=APPROVER, now=now)
            told.extend(one.code for one in done.excluded)

    with database.session(writes=True) as first:
        assert report_given(first, [_aid(1, 0)], actor=giver, now=now).new == 1
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=1)
        first.commit()
    thread.join(timeout=30)
    assert told == ["D08"]
