"""Money that the bank paid while the household held its help, after the match had ended, or while it was asked back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import verify
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import asking, holding, news
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.withdrawing import Then
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import hits
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry, OverlapHit
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from marketplace.payments import after_end, results
from marketplace.payments.books import books_of
from marketplace.payments.models import LineState, PaymentLine
from tests import factories as make
from tests.marketplace.payment_scene import APPROVER, Grant, Month, a_month
from tests.pages.people import client_as

OFFICER = Actor(id="officer-1", role=Role.APPROVER, districts=frozenset({"500103"}))
ELSEWHERE = Actor(id="officer-2", role=Role.APPROVER, districts=frozenset({"500112"}))
SECOND = timedelta(seconds=1)


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def at_the_bank(session: Session, now: datetime) -> tuple[Month, Grant, PaymentLine]:
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    return month, month.grants[0], line


def withdrawn(session: Session, now: datetime, then: Then) -> tuple[Month, Grant, PaymentLine]:
    month, grant, line = at_the_bank(session, now)
    chain = grant.match.consent_chain_id or ""
    decisions.withdraw_consent(session, chain, actor=grant.actor, now=now, then=then)
    return month, grant, line


def difference(month: Month) -> int:
    return books_of(month.session, month.organisation.id, "2026-11").difference_fen


def need_of(session: Session, grant: Grant) -> Need:
    return session.get_one(Need, grant.match.need_id, populate_existing=True)


def letters(session: Session, grant: Grant) -> list[str]:
    return list(session.exec(select(Notice.letter).where(Notice.household_id == grant.household.id)))


def test_money_paid_while_the_household_has_it_held_is_delivered_and_told(session, now):
    month, grant, line = withdrawn(session, now, Then.HOLD)
    assert grant.match.state is MatchState.HELD
    month.answer([(line.reference, "paid", "")])
    assert grant.match.state is MatchState.DELIVERED
    assert {"payment_paid", "confirm_receipt"} <= set(letters(session, grant))
    assert [clock.step for clock in clocks.running_of(session, grant.match.id)] == ["household_confirm"]
    assert difference(month) == 0


def test_money_paid_after_the_end_waits_for_a_person_of_the_district_and_nobody_else_gives(session, now):
    month, grant, line = withdrawn(session, now, Then.STOP)
    month.answer([(line.reference, "paid", "")])
    need = need_of(session, grant)
    assert (need.state, need.state_reason) == (NeedState.HELD, "paid_after_end")
    assert "payment_paid" in letters(session, grant)
    with pytest.raises(NotFound):
        after_end.decide(session, "nobody", outcome=after_end.DELIVER, actor=APPROVER, now=now)
    with pytest.raises(NotFound):
        after_end.decide(session, grant.match.id, outcome=after_end.DELIVER, actor=ELSEWHERE, now=now)
    after_end.decide(session, grant.match.id, outcome=after_end.DELIVER, actor=OFFICER, now=now)
    entry = session.get_one(LedgerEntry, grant.match.ledger_entry_id)
    assert (grant.match.state, entry.state) == (MatchState.DELIVERED, AidState.DELIVERED)
    session.refresh(need)
    assert (need.state, need.committed_units) == (NeedState.VERIFIED, 100_000)
    assert difference(month) == 0
    with pytest.raises(NotFound):
        after_end.decide(session, grant.match.id, outcome=after_end.DELIVER, actor=OFFICER, now=now)


def met_otherwise(session: Session, grant: Grant, month: Month, *, by: str) -> LedgerEntry:
    """The need is covered by another giver, or the offer's stock is used up for another household, after the end."""
    need, offer = need_of(session, grant), month.offer
    if by == "need":
        offer = make.an_offer(
            session, make.an_organisation(session), category=need.category, unit=need.unit, stock_units=10**9
        )
    else:
        offer.stock_units = need.gap_units
        session.add(offer)
        other = make.a_household(session, name="孙悦", phone="19000000001")
        need = make.a_need(session, other, category=need.category, unit=need.unit, gap_units=need.gap_units)
    giver = {"offer_id": offer.id, "org_id": offer.org_id, "giver": "慈善会"}
    return ledger.reserve(session, need, **giver, units=need.gap_units, actor=APPROVER, now=month.now)


@pytest.mark.parametrize("by", ["need", "offer"])
def test_what_nothing_is_left_for_is_additional_aid_with_a_reason_by_somebody_who_did_not_pay(session, now, by):
    month, grant, line = withdrawn(session, now, Then.STOP)
    met_otherwise(session, grant, month, by=by)
    committed = need_of(session, grant).committed_units
    month.answer([(line.reference, "paid", "")])
    assert after_end.outcomes_of(session, grant.match) == (after_end.EXTRA, after_end.ASK_BACK)
    settle = partial(after_end.decide, session, grant.match.id, outcome=after_end.EXTRA, actor=OFFICER, now=now)
    with pytest.raises(BadInput, match="reason_missing"):
        settle()
    with pytest.raises(WrongState, match="same_person_twice"):
        settle(reason_code="spent", not_by={OFFICER.id})
    assert after_end.who_paid(session, grant.match) == {month.clerk.id, month.manager.id}
    settle(reason_code="spent", not_by=after_end.who_paid(session, grant.match))
    entry = entry_of(session, grant)
    assert (grant.match.state, entry.state, entry.units) == (MatchState.DELIVERED, AidState.DELIVERED, 100_000)
    assert (entry.need_id, entry.offer_id) == (None, month.offer.id if by == "need" else None)
    assert (need_of(session, grant).committed_units, difference(month)) == (committed, 0)
    assert verify(session).bad_seq == 0


@pytest.mark.parametrize("outcome", [after_end.DELIVER, after_end.EXTRA, after_end.ASK_BACK])
def test_what_is_booked_late_is_held_against_the_rules_and_against_what_is_under_way(session, now, outcome):
    """A second grant for school was approved in between, when the first counted nothing any more."""
    month, grant, line = withdrawn(session, now, Then.STOP)
    need_of(session, grant).cause = ""
    if outcome == after_end.EXTRA:
        met_otherwise(session, grant, month, by="offer")
        month.offer.stock_units += 100_000
    month.now = now + SECOND
    second = month.grant(household=grant.household)
    month.now = now + 2 * SECOND
    month.answer([(line.reference, "paid", "")])
    reason = "spent" if outcome == after_end.EXTRA else ""
    after_end.decide(session, grant.match.id, outcome=outcome, reason_code=reason, actor=OFFICER, now=month.now)
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.place, hit.subject) == ("D06", hits.REPORT, grant.match.ledger_entry_id)
    assert news.due(session, now=month.now) == [second.match.id]
    assert asking.hold_broken(session, second.match, actor=APPROVER, now=month.now)
    assert verify(session).bad_seq == 0


def test_what_nothing_is_left_for_is_asked_back_and_the_need_keeps_what_met_it(session, now):
    month, grant, line = withdrawn(session, now, Then.STOP)
    met_otherwise(session, grant, month, by="need")
    month.answer([(line.reference, "paid", "")])
    after_end.decide(session, grant.match.id, outcome=after_end.ASK_BACK, actor=OFFICER, now=now)
    assert (grant.match.state, entry_of(session, grant).state) == (MatchState.RECLAIMING, AidState.DELIVERED)
    month.answer([(line.reference, "reclaimed", "")])
    assert (grant.match.state, entry_of(session, grant).state) == (MatchState.RECLAIMED, AidState.RETURNED)
    assert (need_of(session, grant).committed_units, difference(month)) == (100_000, 0)


@pytest.mark.parametrize("answer", ["reclaimed", "returned"])
def test_money_that_the_giver_is_to_ask_back_counts_as_paid_until_it_is_back(session, now, answer):
    month, grant, line = withdrawn(session, now, Then.STOP)
    month.answer([(line.reference, "paid", "")])
    after_end.decide(session, grant.match.id, outcome=after_end.ASK_BACK, actor=OFFICER, now=now)
    need = need_of(session, grant)
    assert (grant.match.state, need.committed_units, difference(month)) == (MatchState.RECLAIMING, 100_000, 0)
    assert "aid_asked_back" in letters(session, grant)
    (clock,) = clocks.running_of(session, grant.match.id)
    assert (clock.step, clock.org_id) == ("reclaim", month.organisation.id)
    month.answer([(line.reference, answer, "")])
    session.refresh(need)
    assert (grant.match.state, need.state, need.committed_units) == (MatchState.RECLAIMED, NeedState.VERIFIED, 0)
    assert difference(month) == 0


def held_and_paid(database: Database, now: datetime) -> str:
    with database.transaction() as session:
        month, grant, line = at_the_bank(session, now)
        holding.hold(session, grant.match.id, cause="correction", actor=APPROVER, now=now)
        month.answer([(line.reference, "paid", "")])
        match_id = grant.match.id
    assert after_end.sweep(database, clock=lambda: now) == 0, "a person is still looking"
    return match_id


def test_a_paid_match_is_delivered_as_soon_as_its_hold_ends(sqlite_database, now):
    match_id = held_and_paid(sqlite_database, now)
    with sqlite_database.transaction() as session:
        holding.release(session, match_id, actor=OFFICER, now=now)
    assert after_end.sweep(sqlite_database, clock=lambda: now) == 1
    assert after_end.sweep(sqlite_database, clock=lambda: now) == 0
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.DELIVERED


def test_a_paid_match_that_is_ended_instead_waits_for_a_person_once(sqlite_database, now):
    match_id = held_and_paid(sqlite_database, now)
    with sqlite_database.transaction() as session:
        decisions.cancel(session, match_id, reason_code="correction", actor=OFFICER, now=now)
    assert after_end.sweep(sqlite_database, clock=lambda: now) == 1
    assert after_end.sweep(sqlite_database, clock=lambda: now) == 0
    with sqlite_database.reading() as session:
        (clock,) = clocks.running_of(session, after_end.ref_of(match_id))
        assert clock.step == "paid_after_end"


@pytest.mark.parametrize(("outcome", "state"), [("deliver", "delivered"), ("ask_back", "reclaiming")])
def test_an_officer_settles_it_from_the_board_of_deadlines(settings: Settings, sqlite_database, now, outcome, state):
    with sqlite_database.transaction() as session:
        month, grant, line = withdrawn(session, now, Then.STOP)
        month.answer([(line.reference, "paid", "")])
        match_id, name = grant.match.id, grant.name
    officer = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    path = f"/payments/paid-after-end/{match_id}"
    assert path in officer.get("/deadlines/").text
    page = officer.get(path).text
    assert "¥1,000" in page
    assert name not in page
    assert officer.post(path, data={"confirmed": "yes", "outcome": outcome}).status_code == 303
    assert officer.get(path).status_code == 404
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state.value == state
        assert session.exec(select(PaymentLine.state)).one() is LineState.PAID


def test_the_page_asks_why_it_stays_where_nothing_is_left_for_it(settings: Settings, sqlite_database, now):
    with sqlite_database.transaction() as session:
        month, grant, line = withdrawn(session, now, Then.STOP)
        met_otherwise(session, grant, month, by="need")
        month.answer([(line.reference, "paid", "")])
        match_id = grant.match.id
    officer = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    path = f"/payments/paid-after-end/{match_id}"
    asked = officer.post(path, data={"outcome": "extra"})
    assert (asked.status_code, 'aria-invalid="true"' in asked.text) == (422, True)
    assert officer.post(path, data={"outcome": "extra", "reason": "giver_waives"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.DELIVERED


@pytest.mark.parametrize("asked_by", ["clerk", "manager"])
def test_money_that_the_bank_sends_back_while_it_is_asked_back_ends_the_reclaim(session, now, asked_by):
    month, grant, line = at_the_bank(session, now)
    month.answer([(line.reference, "paid", "")])
    decisions.reclaim_open(session, grant.match.id, reason_code="wrong_payee", actor=month.manager, now=now)
    who = getattr(month, asked_by)
    data = write_csv(["reference", "result", "reason_code", "on_day"], [(line.reference, "returned", "", "2026-11-23")])
    batch, checked = results.check_file(session, data, file_name="bank.csv", actor=who, now=now)
    assert checked.faults == []
    results.confirm_import(session, batch.id, actor=who, now=now)
    need = need_of(session, grant)
    assert (grant.match.state, need.state, need.committed_units) == (MatchState.RECLAIMED, NeedState.VERIFIED, 0)
    assert clocks.running_of(session, grant.match.id) == []
    assert difference(month) == 0
    assert books_of(session, month.organisation.id, "2026-11").differences == ()


def paid(session: Session, now: datetime) -> tuple[Month, Grant, PaymentLine]:
    month, grant, line = at_the_bank(session, now)
    month.answer([(line.reference, "paid", "")])
    return month, grant, line


def entry_of(session: Session, grant: Grant) -> LedgerEntry:
    return session.get_one(LedgerEntry, grant.match.ledger_entry_id, populate_existing=True)


def test_paid_money_that_never_came_counts_as_given_until_the_bank_says_that_it_is_back(session, now):
    month, grant, line = paid(session, now)
    decisions.not_received(session, grant.match.id, actor=grant.actor, now=now)
    need = need_of(session, grant)
    assert (grant.match.state, entry_of(session, grant).state) == (MatchState.RECLAIMING, AidState.DELIVERED)
    assert (need.state, need.state_reason, need.committed_units) == (NeedState.HELD, "paid_after_end", 100_000)
    assert [clock.step for clock in clocks.running_of(session, grant.match.id)] == ["paid_missing"]
    assert difference(month) == 0
    for word in (decisions.reclaim_done, decisions.reclaim_drop):
        with pytest.raises(WrongState, match="bank_says_paid"):
            word(session, grant.match.id, actor=month.manager, now=now)
    month.answer([(line.reference, "returned", "")])
    need = need_of(session, grant)
    assert (grant.match.state, entry_of(session, grant).state) == (MatchState.RECLAIMED, AidState.RETURNED)
    assert (need.state, need.committed_units, difference(month)) == (NeedState.VERIFIED, 0, 0)


def test_an_approver_who_asked_giver_and_bank_lets_the_payment_stand_and_the_household_is_asked_again(session, now):
    _month, grant, _line = paid(session, now)
    decisions.not_received(session, grant.match.id, actor=grant.actor, now=now)
    decisions.reclaim_drop(session, grant.match.id, actor=OFFICER, now=now)
    assert (grant.match.state, need_of(session, grant).state) == (MatchState.DELIVERED, NeedState.VERIFIED)
    assert [clock.step for clock in clocks.running_of(session, grant.match.id)] == ["household_confirm"]


def test_paid_money_that_is_given_back_frees_the_need_only_once_it_is_back(session, now):
    month, grant, _line = paid(session, now)
    decisions.give_back(session, grant.match.id, reason_code="not_fitting", actor=grant.actor, now=now)
    assert (grant.match.state, need_of(session, grant).committed_units) == (MatchState.RECLAIMING, 100_000)
    decisions.reclaim_done(session, grant.match.id, actor=month.manager, now=now)
    assert (grant.match.state, need_of(session, grant).committed_units) == (MatchState.RECLAIMED, 0)
