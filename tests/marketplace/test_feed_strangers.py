"""A government payment to somebody who is not in the register is kept sealed, and counts once the person enters it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import select

from adapters.fakes import FakePaymentFeed
from adapters.ports import PaymentRecord
from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import NotFound
from marketplace.households.register import source_index
from marketplace.ledger import imports, strangers
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.models_reports import FeedStranger
from marketplace.ledger.reporting import Reported, pull_payments, sweep_strangers
from marketplace.sealed import vault_of
from tests import factories as make
from tests.pages.people import client_as

DAY = timedelta(days=1)


def pulled(database: Database, now: datetime, *, times: int = 1) -> None:
    cells = {"household_ref": "H-LATER", "category": "EMERGENCY.CASH", "units": 600, "given_on": "2026-11-10"}
    for _ in range(times):
        feed = FakePaymentFeed([PaymentRecord("P-1", cells)])
        pull_payments(database, feed, source="gov", actor=SYSTEM, clock=lambda: now, afresh=True)


def kept(database: Database) -> list[FeedStranger]:
    with database.reading() as session:
        return list(session.exec(select(FeedStranger)))


def test_a_payment_waits_sealed_until_its_person_enters_the_register(sqlite_database: Database, now: datetime) -> None:
    database = sqlite_database
    pulled(database, now, times=2)
    (row,) = kept(database)
    assert b"H-LATER" not in row.payload
    assert sweep_strangers(database, clock=lambda: now + DAY) == 0
    with database.transaction() as session:
        home = make.a_household(session)
        home.source_index = source_index(vault_of(session), "test", "H-LATER")
        home_id = home.id
    assert sweep_strangers(database, clock=lambda: now + DAY) == 0, "once a day"
    assert sweep_strangers(database, clock=lambda: now + 2 * DAY) == 1
    assert kept(database) == []
    with database.reading() as session:
        entry = session.exec(select(LedgerEntry)).one()
        assert (entry.household_id, entry.source, entry.given_on) == (home_id, "gov", date(2026, 11, 10))
        assert audit.verify(session).bad_seq == 0


def from_file(database: Database, now: datetime, *, units: int = 600) -> None:
    """A department's file tells of one payment to a household."""
    data = f"source_id,household_ref,category,units,given_on\nP-1,H-LATER,EMERGENCY.CASH,{units},2026-11-10\n".encode()
    told = {"file_name": "aid.csv", "source": "dpf", "seen_from": date(2026, 1, 1), "actor": SYSTEM, "now": now}
    with database.transaction() as session:
        batch, _checked = imports.check_file(session, data, **told)  # type: ignore[arg-type]
        imports.confirm_import(session, batch.id, actor=SYSTEM, now=now)


def test_a_row_of_a_file_waits_like_one_of_a_feed_and_the_newest_word_counts(
    sqlite_database: Database, now: datetime
) -> None:
    """Told by file before the household came: found the day after; told anew, the older words do not come back."""
    database = sqlite_database
    from_file(database, now)
    assert [row.source for row in kept(database)] == ["dpf"]
    with database.transaction() as session:
        home = make.a_household(session)
        home.source_index = source_index(vault_of(session), "test", "H-LATER")
    from_file(database, now, units=700)
    assert kept(database) == []
    assert sweep_strangers(database, clock=lambda: now + DAY) == 0
    with database.reading() as session:
        assert session.exec(select(LedgerEntry)).one().units == 70_000


def test_what_finds_nobody_is_destroyed_in_the_end(sqlite_database: Database, now: datetime) -> None:
    pulled(sqlite_database, now)
    assert sweep_strangers(sqlite_database, clock=lambda: now + strangers.KEPT) == 0
    assert kept(sqlite_database) == []


def test_staff_see_how_many_wait_and_nothing_of_whom(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    client = client_as(create_app(settings, database=sqlite_database), Role.VERIFIER)
    assert "Payments of feeds" not in client.get("/aid/unplaced?lang=en").text
    pulled(sqlite_database, now)
    page = client.get("/aid/unplaced?lang=en").text
    assert "Payments of feeds and files to people not in the register" in page
    assert "H-LATER" not in page


def pull_for_need(database: Database, now: datetime) -> Reported:
    cells = {"household_ref": "H-LATER", "need_source_id": "N-9", "category": "EMERGENCY.CASH", "units": 600}
    feed = FakePaymentFeed([PaymentRecord("P-1", {**cells, "given_on": "2026-11-10"})])
    return pull_payments(database, feed, source="gov", actor=SYSTEM, clock=lambda: now, afresh=True)


def contradicted(database: Database) -> None:
    """A person enters the register whose payment names the need of another household."""
    with database.transaction() as session:
        home = make.a_household(session)
        home.source_index = source_index(vault_of(session), "test", "H-LATER")
        other = make.a_household(session, phone="10000000002")
        index = vault_of(session).index("need-source", "gov\x00N-9")
        money = {"category": "EMERGENCY.CASH", "unit": "FEN", "gap_units": 100_000}
        make.a_need(session, other, source="gov", source_id="N-9", source_index=index, **money)


def ledger_of(database: Database) -> list[tuple[int, str | None]]:
    with database.reading() as session:
        return [(row.units, row.need_id) for row in session.exec(select(LedgerEntry))]


def steps_of(database: Database, number: int) -> list[str]:
    with database.reading() as session:
        return [clock.step for clock in clocks.running_of(session, f"feed-payment:{number}")]


def test_a_payment_that_contradicts_a_need_is_kept_for_a_person_who_counts_it(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    pull_for_need(database, now)
    contradicted(database)
    assert sweep_strangers(database, clock=lambda: now + 2 * DAY) == 0
    (row,) = kept(database)
    assert (row.cause, steps_of(database, row.number)) == ("need_of_another", ["feed_look"])
    later = now + strangers.KEPT + 3 * DAY
    assert sweep_strangers(database, clock=lambda: later) == 0
    assert len(kept(database)) == 1, "a contradiction is never destroyed by itself"
    far = Actor(id="far", role=Role.VERIFIER, districts=frozenset({"500229"}))
    with database.transaction() as session:
        assert strangers.list_contrary(session, actor=far) == []
        with pytest.raises(NotFound):
            strangers.set_aside(session, row.number, actor=far, now=now)
    client = client_as(create_app(settings, database=database), Role.VERIFIER)
    page = client.get("/aid/unplaced?lang=en").text
    assert "Payments of feeds and files that contradict a need" in page
    assert "Payments of feeds and files to people not in the register" not in page
    assert "H-LATER" not in page
    assert client.post(f"/aid/unplaced/payments/{row.number}/count").status_code == 303
    assert (kept(database), steps_of(database, row.number)) == ([], [])
    assert ledger_of(database) == [(60_000, None)]
    assert (pull_for_need(database, now).same, kept(database)) == (1, []), "what a person counted is not asked again"


def test_a_payment_that_contradicts_a_need_at_once_may_be_set_aside(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    contradicted(database)
    done = pull_for_need(database, now)
    (row,) = kept(database)
    assert (len(done.unplaced), steps_of(database, row.number)) == (1, ["feed_look"])
    client = client_as(create_app(settings, database=database), Role.VERIFIER)
    aside = f"/aid/unplaced/payments/{row.number}/aside"
    assert "Set this payment aside" in client.get(f"{aside}?lang=en").text
    assert client.post(aside, data={}).status_code == 303
    assert (kept(database), steps_of(database, row.number), ledger_of(database)) == ([], [], [])
    assert client.get(aside).status_code == 404
