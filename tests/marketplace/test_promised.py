"""A promise of another giver reminds, runs out, and leaves the need open for the next run."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import select

from marketplace import audit
from marketplace.db import Database
from marketplace.households.register import source_index
from marketplace.ledger import promised
from marketplace.ledger.handing_in import report_given
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.test_all_givers_report import packs
from tests.marketplace.test_overlap_runs import past

DAY = timedelta(days=1)


def test_a_promise_from_outside_reminds_its_giver_and_then_frees_the_need(
    sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    with database.transaction() as session:
        home, giver = make.a_household(session), make.an_organisation(session)
        need = make.a_need(session, home)
        over = {"org_id": giver.id, "state": AidState.RESERVED, "updated_at": now, "need_id": need.id}
        past(session, home, "LIVING.FOOD_PACK", 4, now.date(), **over)
        need_id = need.id
    assert [promised.sweep(database, clock=lambda d=d: now + d * DAY) for d in (22, 24, 25)] == [0, 0, 0]
    with database.reading() as session:
        assert session.get_one(Need, need_id).committed_units == 4
        (letter,) = session.exec(select(Notice).where(Notice.letter == "promise_due")).all()
        assert letter.params["by"] == "2026-12-23"
    assert promised.sweep(database, clock=lambda: now + 30 * DAY) == 1
    assert promised.sweep(database, clock=lambda: now + 31 * DAY) == 0
    with database.reading() as session:
        assert session.get_one(Need, need_id).committed_units == 0
        assert session.exec(select(LedgerEntry.state)).one() is AidState.RETURNED
        assert audit.verify(session).bad_seq == 0


def test_a_promise_that_its_giver_tells_of_again_stands_for_its_whole_time(
    sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    with database.transaction() as session:
        make.a_household(session).source_index = source_index(vault_of(session), "test", "H-1")
        giver = make.as_giver(make.an_organisation(session))

    def told(day: int) -> int:
        with database.transaction() as session:
            return report_given(session, [packs(state="reserved")], actor=giver, now=now + day * DAY).same

    assert [told(day) for day in (0, 14, 14, 28)] == [0, 1, 1, 1]
    assert promised.sweep(database, clock=lambda: now + 57 * DAY) == 0
    with database.reading() as session:
        confirmed = select(audit.AuditRow).where(audit.AuditRow.action == "aid:confirm")
        assert len(session.exec(confirmed).all()) == 2, "once a day"
    assert promised.sweep(database, clock=lambda: now + 58 * DAY) == 1
    assert told(59) == 0, "let go, and promised anew"
    with database.reading() as session:
        assert session.exec(select(LedgerEntry.state)).one() is AidState.RESERVED
