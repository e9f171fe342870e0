"""Nobody approves an act of their own, or for somebody close: random people in random roles, no self-approval."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, func, select

from marketplace.accounts import service as accounts
from marketplace.accounts import ties
from marketplace.accounts.models import Account, StaffTie
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import suspicions
from marketplace.households.kin import is_close
from marketplace.households.models import SuspicionState
from marketplace.ledger import hits, overlap
from marketplace.ledger.models import HitState
from marketplace.payments import payees
from marketplace.payments.models import Payee, PayeeState
from marketplace.reference.organisation_number import make_uscc
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.marketplace.payment_scene import a_month, card
from tests.marketplace.test_same_households import a_suspicion
from tests.pages.people import client_as

PHONE = "10000000042"
CHECKER = Actor(id="checker", role=Role.VERIFIER)


@pytest.mark.threat("T24")
def test_of_many_random_castings_no_one_approves_twice_or_what_they_verified(session: Session, now: datetime) -> None:
    chance, scene = random.Random(7), a_scene(session, now=now)
    allowed = refused = 0
    castings = 1_000 if os.environ.get("TORTURE") == "1" else 60
    for _ in range(castings):
        verifier, first, second, head = (f"person-{chance.randrange(4)}" for _ in range(4))
        acts_for = head if chance.random() < 0.3 else None
        with session.begin_nested() as trial:
            scene.need.verifier_id = verifier
            session.add(scene.need)
            actor = Actor(id=first, role=Role.APPROVER, on_behalf_of=acts_for)
            approved = approval.approve(session, [scene.line.id], actor=actor, now=now).approved
            assert bool(approved) == (verifier not in actor.people)
            if approved:
                match = session.exec(select(Match).where(Match.line_id == scene.line.id)).one()
                match.state = MatchState.AWAITING_SECOND
                session.add(match)
                other = Actor(id=second, role=Role.APPROVER)
                try:
                    approval.second_approve(session, match.id, actor=other, now=now)
                    allowed += 1
                    assert second not in {*actor.people, verifier}
                except WrongState:
                    refused += 1
                    assert second in {*actor.people, verifier}
            trial.rollback()
        session.expire_all()
    assert min(allowed, refused) > castings // 10


@pytest.mark.threat("T24")
@pytest.mark.parametrize("stands_in", [False, True])
def test_who_is_close_to_a_household_does_not_approve_for_it(session: Session, now: datetime, stands_in: bool) -> None:
    scene = a_scene(session, phone=PHONE, now=now)
    account = accounts.create_account(session, "kin", display_name="kin", role=Role.APPROVER, now=now)
    kin = Actor(id=account.id, role=Role.APPROVER)
    tie = ties.declare(session, "100 0000 0042", reference="表姐", actor=kin, now=now)
    assert PHONE not in str(tie.model_dump())
    actor = Actor(id="deputy", role=Role.APPROVER, on_behalf_of=account.id) if stands_in else kin
    outcome = approval.approve(session, [scene.line.id], actor=actor, now=now)
    assert [one.code for one in outcome.excluded] == ["approver_is_kin"]
    ties.untie(session, tie.id, actor=kin, now=now)
    again = approval.approve(session, [scene.line.id], actor=actor, now=now)
    assert [one.code for one in again.excluded] == ["approver_is_kin"], "nobody unties itself to approve for its own"
    met = hits.of_need(scene.need, code="D08", place=hits.APPROVAL, units=1, because=("x",), org_id=None)
    (hit,) = hits.keep(session, [met], actor=actor, now=now)
    pair = a_suspicion(session, make.a_household(session), scene.household, now)
    false, told = HitState.FALSE_ALARM, {"actor": replace(actor, role=Role.VERIFIER), "now": now}
    with pytest.raises(WrongState, match="officer_is_kin"):
        hits.decide(session, hit.id, state=false, minutes=1, actor=actor, now=now)
    with pytest.raises(WrongState, match="officer_is_kin"):
        overlap.allow(session, scene.need.id, "D13", reason="x", actor=actor, now=now)
    with pytest.raises(WrongState, match="officer_is_kin"):
        suspicions.decide(session, pair.id, verdict=SuspicionState.DIFFERENT, reason="PAPERS", **told)


def test_a_tie_that_was_taken_back_counts_for_a_year_and_is_gone_then(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, phone=PHONE, now=now)
        account = accounts.create_account(session, "kin", display_name="kin", role=Role.APPROVER, now=now)
        kin = Actor(id=account.id, role=Role.APPROVER)
        for reference in ("表姐", "again"):
            tie = ties.declare(session, PHONE, reference=reference, actor=kin, now=now)
            assert tie.ended_at is None, "who declares it again takes that back"
            ties.untie(session, tie.id, actor=kin, now=now)
    year = now + timedelta(days=365)
    assert ties.forget(sqlite_database, now=year - timedelta(seconds=1)) == 0
    with sqlite_database.reading() as session:
        assert is_close(session, scene.household.id, actor=kin)
    assert (ties.forget(sqlite_database, now=year), ties.forget(sqlite_database, now=year)) == (1, 0)
    with sqlite_database.reading() as session:
        assert not is_close(session, scene.household.id, actor=kin)


@pytest.mark.threat("T24")
def test_who_belongs_to_the_giver_does_not_approve_what_it_gives(session: Session, now: datetime) -> None:
    code = make_uscc(77)
    scene = a_scene(session, organisation=make.an_organisation(session, credit_code=code), now=now)
    account = accounts.create_account(session, "board", display_name="board", role=Role.APPROVER, now=now)
    member = Actor(id=account.id, role=Role.APPROVER)
    tie = ties.declare(session, code, reference="理事", actor=member, now=now)
    assert code not in str(tie.model_dump())
    outcome = approval.approve(session, [scene.line.id], actor=member, now=now)
    assert [one.code for one in outcome.excluded] == ["approver_of_giver"]
    match = scene.approved(session, now)
    match.state = MatchState.AWAITING_SECOND
    session.add(match)
    with pytest.raises(WrongState, match="approver_of_giver"):
        approval.second_approve(session, match.id, actor=member, now=now)


@pytest.mark.threat("T24")
def test_who_shares_the_account_that_is_paid_neither_checks_it_nor_pays_to_it(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=1)
    batch, number = month.prepare(), card(month.grants[0].number)
    for who in (month.manager, month.clerk, CHECKER):
        session.add(Account(id=who.id, login=who.id, display_name=who.id, role=who.role, created_at=now))
    session.flush()
    for who in (month.manager, month.clerk):
        with session.begin_nested() as trial:
            ties.declare(session, number, reference="伴侣", actor=who, now=now)
            with pytest.raises(WrongState, match="payee_is_kin"):
                month.release(batch)
            trial.rollback()
        session.expire_all()
    paid = session.exec(select(Payee)).one()
    paid.state = PayeeState.TO_CHECK
    session.add(paid)
    ties.declare(session, number, reference="伴侣", actor=CHECKER, now=now)
    with pytest.raises(WrongState, match="payee_is_kin"):
        payees.decide(session, paid.id, accept=True, actor=CHECKER, now=now)


def test_a_tie_is_one_s_own_is_kept_once_and_must_be_a_number(session: Session, now: datetime) -> None:
    made = (accounts.create_account(session, n, display_name=n, role=Role.APPROVER, now=now) for n in ("one", "two"))
    one, two = (Actor(id=account.id, role=Role.APPROVER) for account in made)
    tie = ties.declare(session, PHONE, reference="x", actor=one, now=now)
    for words in ("x", "y", "y"):
        again = ties.declare(session, PHONE, reference=words, actor=one, now=now)
        assert (again.id, again.reference) == (tie.id, words), "known by the word by which it was told last"
    acts = select(func.count()).select_from(AuditRow).where(AuditRow.action == "account:tie")
    assert session.exec(acts).one() == 2
    assert ties.list_ties(session, actor=two) == []
    with pytest.raises(NotFound):
        ties.untie(session, tie.id, actor=two, now=now)
    with pytest.raises(BadInput, match="tie_unreadable"):
        ties.declare(session, "my cousin", reference="x", actor=one, now=now)


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_the_page_says_until_when_a_tie_that_was_taken_back_counts(
    settings: Settings, sqlite_database: Database, lang: str
) -> None:
    client = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    client.set_cookie("lang", lang)
    assert client.post("/security/ties", data={"value": PHONE, "reference": "表姐"}).status_code == 303
    with sqlite_database.reading() as session:
        tie = session.exec(select(StaffTie.id)).one()
    assert tie in client.get("/security/ties").text
    assert client.post("/security/ties/remove", data={"tie": tie}).status_code == 303
    page = client.get("/security/ties").text
    assert tie not in page, "there is nothing left to press"
    assert ("counts until" if lang == "en" else "计至") in page
    assert PHONE not in page
