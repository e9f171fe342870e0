"""Temporary aid that a case grants is a row of the ledger: the rules see it, and a reversal takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import SYSTEM, Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.cases import elsewhere, orders, outcome, steps
from marketplace.cases.again import decide_again
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, WrongState
from marketplace.households import categories
from marketplace.households.models import Household
from marketplace.households.register import source_index
from marketplace.ledger import aided_before, granted_aid, hits
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry, OverlapHit
from marketplace.ledger.reporting import take_in
from marketplace.reference.words import list_codes
from tests import factories as make
from tests.marketplace.match_scene import APPROVER
from tests.marketplace.test_cases import WORKER, pay, send, walk
from tests.marketplace.test_overlap_runs import past
from tests.pages.people import client_as


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
    assert (row.units, row.state, row.giver, row.household_id) == (60_000, AidState.APPROVED, "民政", home.id)
    assert row.person_id == "", "a disaster may be the whole home's"
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
    assert row.person_id == session.get_one(Case, items["LINSHI"].case_id).subject_id, "an illness is one person's"
    pay(session, items["LINSHI"], day)
    assert [one.state for one in booked(session, day + timedelta(days=1))] == [AidState.DELIVERED]


def test_a_grant_that_is_taken_back_counts_no_longer_and_counts_again_once_it_is_granted_anew(session, now):
    item = fast_aid(session, now, make.a_household(session))
    booked(session, now)
    item.state = ItemState.WITHDRAWN
    session.flush()
    assert [row.state for row in booked(session, now)] == [AidState.RETURNED]
    item.state, item.amount_fen = ItemState.GRANTED, 50_000
    session.flush()
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.APPROVED, 50_000)]


def test_a_right_appeal_about_paid_money_keeps_what_was_paid_and_orders_the_difference(session, now):
    item = fast_aid(session, now, make.a_household(session))
    booked(session, now)
    pay(session, item, now, actor=replace(WORKER, id="worker-7"))
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 60_000)]
    assert decide_again(session, item.id, actor=APPROVER, now=now)
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 60_000)]
    other = replace(WORKER, id="worker-9")
    outcome.decide(session, item.id, granted=True, amount_fen=70_000, actor=other, now=now)
    assert (steps.running_step(session, item.id).code, orders.to_pay(item)) == ("payment", 10_000)
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 60_000)]
    pay(session, item, now, actor=replace(WORKER, id="worker-7"))
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 70_000)]
    assert decide_again(session, item.id, actor=APPROVER, now=now)
    with pytest.raises(BadInput, match="less_than_before"):
        outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=replace(WORKER, id="worker-8"), now=now)
    outcome.decide(session, item.id, granted=True, amount_fen=70_000, actor=replace(WORKER, id="worker-8"), now=now)
    with pytest.raises(WrongState):
        steps.running_step(session, item.id)
    assert [(row.state, row.units) for row in booked(session, now)] == [(AidState.DELIVERED, 70_000)]


def told_by_feed(session: Session, now, home, **over) -> int:
    """The government's own feed tells of a payment, in its own words: no giver, another programme and kind."""
    home.source_index = source_index(make.vault_of(session), "test", "H-1")
    cells = {"source_id": "P-1", "household_ref": "H-1", "category": "EMERGENCY.CASH", "units": 600, "unit": "元"}
    cells |= {"given_on": local_day(now).isoformat(), "payer": "TEMPORARY_AID", "programme": "TEMPORARY_AID", **over}
    return take_in(session, [cells], source="gov", rule_id="feed", actor=SYSTEM, now=now).contradicted


def counted(session: Session, home) -> list[tuple[str, int]]:
    return [(row.source, row.units) for row in ledger.live_aid(session, household_ids=[home.id])]


def test_what_a_case_paid_and_a_feed_tells_of_later_counts_once(session, now):
    home = make.a_household(session)
    fast_aid(session, now, home)
    booked(session, now)
    later = now + timedelta(days=9)
    assert told_by_feed(session, later, home) == 1, "one task, for a person"
    assert counted(session, home) == [(granted_aid.SOURCE, 60_000)]
    assert [hit.code for hit in session.exec(select(OverlapHit))] == [hits.TWICE], "no rule is broken by one gift"


def test_what_a_feed_told_of_and_a_case_books_later_counts_once_too(session, now):
    home = make.a_household(session)
    item = fast_aid(session, now, home)
    told_by_feed(session, now, home)
    (row,) = booked(session, now)
    assert (row.state, counted(session, home)) == (AidState.REPEAT, [("gov", 60_000)])
    assert session.exec(select(OverlapHit.code)).one() == hits.TWICE
    item.state = ItemState.WITHDRAWN
    session.flush()
    (row,) = booked(session, now + timedelta(days=1))
    assert (row.state, row.repeats_id) == (AidState.RETURNED, None)


def test_aid_that_the_ledger_knows_of_is_asked_for_before_a_grant_and_the_county_says_why(session, now):
    home = make.a_household(session)
    told_by_feed(session, now, home)
    _case, items = send(session, now, home, wants=["accident"], ticks=["sudden"])
    item, later = items["LINSHI"], now + timedelta(hours=1)
    told = {"granted": True, "amount_fen": 60_000, "now": later}
    assert elsewhere.ASKED["ledger"] is aided_before.aided_before
    assert [one.fen for one in elsewhere.list_aided(session, item, now=later)] == [60_000]
    with pytest.raises(BadInput, match="county_decides"):
        outcome.decide(session, item.id, actor=WORKER, **told)
    with pytest.raises(BadInput, match="aided_this_year"):
        outcome.decide(session, item.id, actor=APPROVER, **told)
    outcome.decide(session, item.id, note="第二次火灾", actor=APPROVER, **told)
    (row,) = booked(session, later)
    assert (row.state, len(counted(session, home))) == (AidState.APPROVED, 2), "a second gift, and a person said so"


@pytest.mark.parametrize(
    ("cause", "payer", "known"),
    [("ILLNESS", "TEMPORARY_AID", 1), ("ACCIDENT", "TEMPORARY_AID", 0), ("ILLNESS", "CHARITY", 0)],
)
def test_illness_aid_is_asked_for_like_any_temporary_aid_of_the_same_cause(session, now, cause, payer, known):
    _case, items = send(session, now)
    item = items["LINSHI"]
    home = session.get_one(Household, item.household_id)
    row = {"payer": payer, "programme": "TEMPORARY_AID", "cause": cause}
    past(session, home, "MEDICAL.MAJOR", 190_000, local_day(now), **row)
    past(session, home, "MEDICAL.MAJOR", 190_000, local_day(now - timedelta(days=365)), **row)
    assert len(elsewhere.list_aided(session, item, now=now)) == known
    other = make.a_person(session, home, name="小二").id
    for entry in session.exec(select(LedgerEntry)):
        entry.person_id = other
    assert elsewhere.list_aided(session, item, now=now) == [], "the illness of another member of the home"


def test_whoever_decides_reads_what_the_ledger_knows(settings: Settings, sqlite_database: Database) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        told_by_feed(session, now, home)
        _case, items = send(session, now, home, wants=["accident"], ticks=["sudden"])
        item_id = items["LINSHI"].id
    client = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    page = client.get(f"/cases/items/{item_id}?lang=en").text
    assert "The ledger knows temporary aid of this year" in page


@pytest.mark.parametrize("over", [{"units": 500}, {"cause": "洪涝 2026-08-12"}, {"payer": "CHARITY"}])
def test_another_amount_event_or_payer_is_another_payment(session, now, over):
    home = make.a_household(session)
    fast_aid(session, now, home)
    booked(session, now)
    told_by_feed(session, now, home, **over)
    assert len(counted(session, home)) == 2


def test_a_repaired_home_is_paid_by_a_fund_of_the_government():
    kind = granted_aid.ONCE["WEIFANG"]
    assert kind.payer in list_codes("payer")
    assert kind.payer != "CHARITY"


def test_medical_assistance_is_of_the_family_s_class_and_a_second_class_for_it_is_a_task(session, now):
    """D16: of several classes the highest pays; two payments under one class are two costs."""
    home = make.a_household(session)
    borderline = categories.Entry(home.id, "DIBIAN_MEMBER", local_day(now) - timedelta(days=30))
    categories.enter(session, borderline, actor=WORKER, now=now)
    _case, items = send(session, now, home, label="DIBIAN", wants=["illness"])
    item = items["YILIAO_JIUZHU"]
    told = {"reason": "", "note": "", "late_cause": "", "actor": SYSTEM, "now": now}
    outcome.settle(session, item, steps.running_step(session, item.id), granted=True, amount_fen=500_000, **told)
    (row,) = booked(session, now)
    assert (row.programme, row.payer) == ("MEDICAL_ASSISTANCE_LOW_INCOME", "MEDICAL_ASSISTANCE")
    feed = {"category": "MEDICAL.MAJOR", "payer": "MEDICAL_ASSISTANCE", "given_on": local_day(now).isoformat()}
    later = now + timedelta(days=1)
    own = {**feed, "source_id": "P-2", "units": 3_000, "programme": "MEDICAL_ASSISTANCE_LOW_INCOME"}
    assert told_by_feed(session, later, home, **own) == 0
    other = {**feed, "source_id": "P-3", "units": 4_000, "programme": "MEDICAL_ASSISTANCE_RIGID"}
    assert told_by_feed(session, later, home, **other) == 1
    assert [hit.code for hit in session.exec(select(OverlapHit))] == ["D16"]
