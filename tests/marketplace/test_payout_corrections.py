"""A payout that was mistyped, never came, or went back: it holds the need, and two people put it right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import verify
from marketplace.claims import corrections, service
from marketplace.claims.models import CaseState, PayoutChange, PayoutOverlap
from marketplace.claims.service import Paid
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from tests import factories as make
from tests.marketplace.claim_scene import Cover, a_case, a_home, charity_money
from tests.marketplace.test_claims import TODAY, pay, to_answer
from tests.pages.people import client_as, household_client

OFFICER = Actor(id="officer-1", role=Role.APPROVER, districts=frozenset({"500103"}))
ELSEWHERE = Actor(id="officer-2", role=Role.APPROVER, districts=frozenset({"500112"}))
TOO_MUCH = Paid("MEDICAL.MAJOR", 900_000, TODAY)
TRUE = replace(TOO_MUCH, fen=90_000)


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def too_high(session: Session, now) -> tuple[Cover, Need]:
    """Nine thousand yuan were typed for nine hundred, and cover a need of ten thousand."""
    cover = a_case(session, now)
    need = make.a_need(session, cover.household, category="MEDICAL.MAJOR", unit="FEN", gap_units=1_000_000)
    make.a_cost(session, need)
    pay(session, cover, now, TOO_MUCH)
    session.refresh(need)
    assert need.committed_units == 900_000
    return cover, need


def ask(session: Session, cover: Cover, now, *, payout: Paid | None = TRUE, reason: str = "mistyped") -> PayoutChange:
    return corrections.ask(session, cover.match.id, payout, reason_code=reason, actor=cover.clerk, now=now)


def counted(session: Session) -> int:
    rows = session.exec(select(LedgerEntry).where(LedgerEntry.source == "INSURANCE"))
    return sum(row.units for row in rows if row.state is AidState.DELIVERED)


def running(session: Session, ref: str) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, ref)]


def test_a_payout_that_never_came_holds_the_need_and_somebody_asks(session, now):
    cover, _need = too_high(session, now)
    decisions.not_received(session, cover.match.id, actor=cover.home, now=now)
    assert cover.match.state is MatchState.RECLAIMING, "the insurer's word stands until somebody has asked"
    assert running(session, cover.match.id) == ["paid_missing"]
    assert session.get_one(Need, cover.match.need_id).state is NeedState.HELD
    told = select(Notice.letter).where(Notice.org_id == cover.insurer.id)
    assert "paid_missing" in session.exec(told).all()
    with pytest.raises(WrongState, match="bank_says_paid"):
        decisions.reclaim_done(session, cover.match.id, actor=cover.clerk, now=now)


def test_what_was_never_paid_covers_nothing_once_a_second_person_agrees(session, now):
    cover, need = too_high(session, now)
    decisions.not_received(session, cover.match.id, actor=cover.home, now=now)
    change = ask(session, cover, now, payout=None, reason="never_paid")
    assert (running(session, change.id), counted(session)) == (["payout_change"], 900_000)
    with pytest.raises(NotFound):
        corrections.decide(session, change.id, agrees=True, actor=ELSEWHERE, now=now)
    corrections.decide(session, change.id, agrees=True, actor=OFFICER, now=now)
    session.refresh(need)
    assert (counted(session), need.committed_units, running(session, change.id)) == (0, 0, [])
    assert (cover.case.state, cover.case.payout_fen, cover.match.state) == (CaseState.ENDED, 0, MatchState.RETURNED)
    own = session.get_one(Need, cover.match.need_id, populate_existing=True)
    assert (own.state, own.committed_units, running(session, cover.match.id)) == (NeedState.VERIFIED, 0, [])
    assert verify(session).bad_seq == 0


def test_a_mistyped_payout_is_booked_anew_once_a_second_person_agrees(session, now):
    cover, need = too_high(session, now)
    with pytest.raises(BadInput, match="payout_same"):
        ask(session, cover, now, payout=TOO_MUCH)
    with pytest.raises(BadInput, match="payout_missing"):
        ask(session, cover, now, payout=None)
    with pytest.raises(BadInput, match="payout_and_none"):
        ask(session, cover, now, reason="never_paid")
    change = ask(session, cover, now)
    corrections.decide(session, change.id, agrees=False, actor=OFFICER, now=now)
    assert (counted(session), cover.case.payout_fen) == (900_000, 900_000), "a no leaves it as it was"
    corrections.decide(session, ask(session, cover, now).id, agrees=True, actor=OFFICER, now=now)
    session.refresh(need)
    assert (counted(session), need.committed_units, cover.case.payout_fen) == (90_000, 90_000, 90_000)
    assert (cover.case.state, cover.match.state) == (CaseState.PAID, MatchState.DELIVERED)
    again = ask(session, cover, now, payout=replace(TRUE, fen=80_000))
    corrections.decide(session, again.id, agrees=True, actor=OFFICER, now=now)
    assert counted(session) == 80_000, "a correction can be corrected"
    decisions.confirm(session, cover.match.id, actor=cover.home, now=now)
    assert verify(session).bad_seq == 0


def test_whoever_asked_does_not_agree(session, now):
    cover, _need = too_high(session, now)
    change = corrections.ask(session, cover.match.id, TRUE, reason_code="mistyped", actor=OFFICER, now=now)
    with pytest.raises(WrongState, match="same_person_twice"):
        corrections.decide(session, change.id, agrees=True, actor=OFFICER, now=now)
    with pytest.raises(NotFound):
        corrections.ask(session, cover.match.id, TRUE, reason_code="mistyped", actor=ELSEWHERE, now=now)


def test_a_payout_that_the_insurer_asks_back_and_gets_covers_nothing(session, now):
    cover, need = too_high(session, now)
    change = ask(session, cover, now)
    decisions.reclaim_open(session, cover.match.id, reason_code="wrong_payee", actor=cover.clerk, now=now)
    decisions.reclaim_done(session, cover.match.id, actor=cover.clerk, now=now)
    session.refresh(need)
    assert (counted(session), need.committed_units, cover.case.state) == (0, 0, CaseState.ENDED)
    assert session.exec(select(Clock).where(Clock.object_ref == change.id, Clock.ended_at.is_(None))).all() == []


def test_what_the_old_amount_had_made_too_much_is_counted_anew(session, now):
    home = a_home(session)
    _need, match = charity_money(session, home[0], now, gap=1_000_000, fen=600_000)
    cover = a_case(session, now, home=home)
    pay(session, cover, now, TOO_MUCH)
    (old,) = session.exec(select(PayoutOverlap)).all()
    assert old.over_fen == 500_000
    corrections.decide(session, ask(session, cover, now).id, agrees=True, actor=OFFICER, now=now)
    assert (old.decision, running(session, old.id)) == ("payout_changed", [])
    assert len(session.exec(select(PayoutOverlap)).all()) == 1, "six thousand and nine hundred fit"
    assert match.units == 600_000


def test_a_day_before_the_case_is_a_slip(session, now):
    cover = a_case(session, now)
    to_answer(session, cover, now)
    with pytest.raises(BadInput, match="payout_before_case"):
        service.paid(session, cover.case.id, replace(TRUE, paid_on=date(2006, 11, 23)), actor=cover.clerk, now=now)


def test_insurer_and_two_approvers_put_it_right_in_the_browser(settings: Settings, sqlite_database: Database, now):
    with sqlite_database.transaction() as session:
        cover, _need = too_high(session, now)
        case_id, match_id, name = cover.case.id, cover.match.id, cover.person.id
        org_id, home_id = cover.insurer.id, cover.household.id
    app = create_app(settings, database=sqlite_database)
    insurer, officer = client_as(app, Role.INSURER, org_id=org_id), client_as(app, Role.APPROVER)
    path = f"/insurance/cases/{case_id}/correct"
    assert path in insurer.get(f"/insurance/cases/{case_id}").text
    assert insurer.post(path, data={"reason_code": "mistyped", "category": "MEDICAL.MAJOR"}).status_code == 422
    home = household_client(app, home_id)
    assert home.post(f"/offers-to-me/{match_id}/not-received").status_code == 303
    form = {"reason_code": "mistyped", "category": "MEDICAL.MAJOR", "amount": "900", "paid_on": TODAY.isoformat()}
    assert f"/insurance/matches/{match_id}/correct" in officer.get(f"/matches/{match_id}/drop-reclaim").text
    assert officer.post(f"/insurance/matches/{match_id}/correct", data=form).status_code == 303
    assert path not in insurer.get(f"/insurance/cases/{case_id}").text, "one at a time"
    with sqlite_database.reading() as session:
        change_id = session.exec(select(PayoutChange.id)).one()
    second = client_as(app, Role.APPROVER)
    where = f"/insurance/changes/{change_id}"
    assert where in second.get("/deadlines/").text
    page = second.get(where).text
    assert ("¥9,000" in page, "¥900" in page, name in page) == (True, True, False)
    assert officer.post(where, data={"answer": "agree"}).status_code == 409
    assert second.post(where, data={"answer": "agree"}).status_code == 303
    assert second.get(where).status_code == 404
    with sqlite_database.reading() as session:
        assert counted(session) == 90_000
