"""Temporary aid that a case grants is a row of the ledger: the rules see it, and a reversal takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.cases import outcome, steps
from marketplace.cases.models import CaseItem, ItemState
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.ledger import granted_aid
from marketplace.ledger.models import AidState, LedgerEntry, OverlapHit
from tests import factories as make
from tests.marketplace.match_scene import APPROVER
from tests.marketplace.test_cases import WORKER, send, walk


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def booked(session: Session, now) -> list[LedgerEntry]:
    """What the worker writes down."""
    for item_id in granted_aid.due(session):
        granted_aid.follow(session, item_id, now=now)
    assert granted_aid.due(session) == []
    rows = select(LedgerEntry).where(LedgerEntry.source == granted_aid.SOURCE).order_by(LedgerEntry.units)
    return list(session.exec(rows))


def fast_aid(session: Session, now, home) -> CaseItem:
    _case, items = send(session, now, home, wants=["accident"], ticks=["sudden"])
    item = items["LINSHI"]
    outcome.decide(session, item.id, granted=True, amount_fen=60_000, actor=WORKER, now=now)
    return item


def test_fast_aid_is_in_the_ledger_and_stops_a_second_help_for_the_event(session, now):
    home = make.a_household(session)
    make.auto_match(session, home)
    assert booked(session, now) == []
    fast_aid(session, now, home)
    (row,) = booked(session, now)
    assert (row.category, row.payer, row.programme) == ("EMERGENCY.CASH", "TEMPORARY_AID", "FAST_SMALL_AID")
    assert (row.units, row.state, row.giver, row.household_id) == (60_000, AidState.DELIVERED, "民政", home.id)
    need = make.a_need(session, home, category="EMERGENCY.CASH", unit="FEN", gap_units=100_000, cause="ACCIDENT")
    offer = make.an_offer(
        session, make.an_organisation(session), category="EMERGENCY.CASH", unit="FEN", stock_units=10**7
    )
    line = make.a_line(session, need, offer, units=100_000)
    done = approval.approve(session, [line.id], actor=APPROVER, now=now)
    assert [one.code for one in done.excluded] == ["D13"]
    assert session.exec(select(OverlapHit.because)).one() == [row.id]
    assert audit.verify(session).bad_seq == 0


def test_aid_with_an_order_to_pay_is_approved_until_it_is_paid(session, now):
    _case, items = send(session, now)
    day = walk(session, items["LINSHI"], now)
    outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=200_000, actor=APPROVER, now=day)
    (row,) = booked(session, day)
    assert (row.category, row.state, row.units) == ("MEDICAL.MAJOR", AidState.APPROVED, 200_000)
    steps.finish(session, items["LINSHI"].id, actor=WORKER, now=day)
    assert [one.state for one in booked(session, day + timedelta(days=1))] == [AidState.DELIVERED]


def test_a_grant_that_is_taken_back_counts_no_longer_and_counts_again_once_it_is_granted_anew(session, now):
    item = fast_aid(session, now, make.a_household(session))
    booked(session, now)
    item.state = ItemState.RUNNING
    session.flush()
    assert [row.state for row in booked(session, now)] == [AidState.RETURNED]
    item.state, item.amount_fen = ItemState.GRANTED, 50_000
    session.flush()
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 50_000)]
