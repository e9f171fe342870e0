"""Every page of the product, found by following links, checked in the browser by a role that may see it.

Half of the roles walk here, the other half in `test_every_other_page.py`, beside which it runs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.cases.models import CaseItem, ItemState
from marketplace.claims import corrections
from marketplace.claims.models import CaseState, InsuranceCase, PayoutOverlap
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import Database, new_id
from marketplace.decisions import paid_late
from marketplace.decisions.models import Match, MatchState
from marketplace.meetings import reclaims
from marketplace.meetings.models import ReviewState, UrgentApproval
from marketplace.payments import after_end, late, twice
from marketplace.payments.models import Payee, PaymentBatch, PaymentLine
from tests.browser.walked import LOGINS, Claim, an_untouched_demo, check_all, claims
from tests.pages.checker import check_page
from tests.pages.fixtures import Walk, Windows
from tests.pages.people import sign_in, sign_in_household

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """A demonstration of this file's own, and its address."""
    with an_untouched_demo(tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def claim(tmp_path_factory: pytest.TempPathFactory) -> Claim:
    """Tells which pages no other role and worker has checked yet."""
    return claims(tmp_path_factory)


@pytest.mark.parametrize("login", LOGINS[::2])
def test_every_page_within_reach_is_sound(
    chromium: Browser, walk: Walk, demo: tuple[Flask, str], claim: Claim, login: str
) -> None:
    check_all(chromium, demo[1], pages=walk(login), claim=claim, login=login)


def a_match(session: Session, *wanted: Any) -> Match:
    """A match of the demonstration for which all of this holds."""
    found = session.exec(select(Match).where(*wanted).order_by(col(Match.id))).first()
    assert found is not None
    return found


def household_pages(session: Session) -> list[tuple[str, str]]:
    """Household ► address of pages that one state of one match opens, which no link of the walk reaches."""
    confirmed = a_match(session, Match.state == MatchState.CONFIRMED)
    coming = a_match(session, Match.state == MatchState.IN_DELIVERY)
    paid = session.exec(select(Payee.household_id).order_by(col(Payee.id))).first()
    assert paid is not None
    refused = session.exec(select(CaseItem).where(CaseItem.state == ItemState.REFUSED)).first()
    assert refused is not None
    return [
        (refused.household_id, f"/appeals/about-item/{refused.id}"),
        (refused.household_id, f"/appeals/about-item/{refused.id}/paper"),
        (refused.household_id, f"/cases/items/{refused.id}/papers/decision"),
        (confirmed.household_id, f"/offers-to-me/{confirmed.id}/how-it-went"),
        (coming.household_id, f"/offers-to-me/{coming.id}/give-back"),
        (confirmed.household_id, f"/proofs/mine/{confirmed.id}/publicity"),
        (paid, "/payments/my-account/allow"),
    ]


def test_pages_of_a_household_that_one_state_opens_are_sound(windows: Windows, demo: tuple[Flask, str]) -> None:
    app, demo_server = demo
    database: Database = app.extensions["database"]
    with database.reading() as session:
        wanted = household_pages(session)
    for household_id, path in wanted:
        with windows.lent(demo_server) as page:
            sign_in_household(page, database, household_id, address=demo_server)
            check_page(page, path)


def an_overlap(database: Database) -> str:
    """A payout and open charity money for one need, waiting for a person."""
    with database.transaction() as session:
        case = session.exec(select(InsuranceCase).order_by(col(InsuranceCase.id))).first()
        assert case is not None
        match = a_match(session, col(Match.state).in_((MatchState.AWAITING_HOUSEHOLD, MatchState.IN_DELIVERY)))
        overlap = PayoutOverlap(
            id=new_id(),
            case_id=case.id,
            need_id=match.need_id,
            district_code=match.district_code,
            over_fen=1,
            created_at=datetime.now(UTC),
        )
        session.add(overlap)
        session.flush()
        return overlap.id


def a_late_batch(database: Database) -> str:
    """A batch of payments that an officer is to speak about with its giver."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        batch = session.exec(select(PaymentBatch).order_by(col(PaymentBatch.id))).first()
        assert batch is not None
        clocks.start(session, late.STEP, batch.id, holder=Holder(), now=now)
        return batch.id


def a_late_payment(database: Database) -> str:
    """A match that had ended when the bank paid: an officer settles it."""
    with database.transaction() as session:
        match = a_match(session, col(Match.state).in_(paid_late.OVER))
        after_end.ask(session, match, actor=SYSTEM, now=datetime.now(UTC))
        return match.id


def a_second_payment(database: Database) -> str:
    """A line that the bank paid beside another of the same match: an officer settles it."""
    with database.transaction() as session:
        line = session.exec(select(PaymentLine).order_by(col(PaymentLine.reference))).first()
        assert line is not None
        twice.ask(session, line, session.get_one(Match, line.match_id), actor=SYSTEM, now=datetime.now(UTC))
        return line.id


def a_payout_to_correct(database: Database) -> tuple[str, str]:
    """A paid case of an insurer, and a correction that waits for a second person: its match, and the correction."""
    with database.transaction() as session:
        case = session.exec(select(InsuranceCase).where(InsuranceCase.state == CaseState.PAID)).first()
        assert case is not None
        asked = corrections.ask(
            session,
            case.match_id,
            None,
            reason_code="never_paid",
            actor=Actor(id="asks", role=Role.APPROVER),
            now=datetime.now(UTC),
        )
        return case.match_id, asked.id


def an_urgent_one_to_claim_back(database: Database, match: Match) -> None:
    """A review found that this match should not have been given; its giver is asked."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        row = UrgentApproval(
            id=new_id(),
            match_id=match.id,
            need_id=match.need_id,
            household_id=match.household_id,
            district_code=match.district_code,
            night_on=now.date(),
            value_fen=100,
            verifier_id="verifier",
            approver_id="approver",
            reason="夜间断粮",
            approved_at=now,
            state=ReviewState.RECLAIM,
            review_reason="户籍不符",
            reviewed_by="reviewer",
            reviewed_at=now,
        )
        session.add(row)
        session.flush()
        reclaims.ask(session, row, match, now=now)


def test_asking_back_and_a_payout_above_the_need_are_sound(windows: Windows, demo: tuple[Flask, str]) -> None:
    app, demo_server = demo
    database: Database = app.extensions["database"]
    with database.reading() as session:
        match = a_match(session, Match.state == MatchState.CONFIRMED)
    overlap_id, batch_id = an_overlap(database), a_late_batch(database)
    paid_match_id, change_id = a_payout_to_correct(database)
    an_urgent_one_to_claim_back(database, match)
    for role, org_id, path in (
        (Role.CHARITY_MANAGER, match.org_id, f"/deliveries/{match.id}/reclaim"),
        (Role.CHARITY_MANAGER, match.org_id, f"/meetings/urgent/asked-back/{match.id}"),
        (Role.APPROVER, None, f"/insurance/overlaps/{overlap_id}"),
        (Role.APPROVER, None, f"/payments/late/{batch_id}"),
        (Role.APPROVER, None, f"/payments/paid-after-end/{a_late_payment(database)}"),
        (Role.APPROVER, None, f"/payments/paid-twice/{a_second_payment(database)}"),
        (Role.APPROVER, None, f"/insurance/matches/{paid_match_id}/correct"),
        (Role.APPROVER, None, f"/insurance/changes/{change_id}"),
    ):
        with windows.lent(demo_server) as page:
            sign_in(page, database, role, address=demo_server, org_id=org_id)
            check_page(page, path)
