"""A payment waits for a release, the bank and its answer; a failed one for the account, then for a second try."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.consent import service as consent
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions import waiting as matches
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.offers.models import Offer, OfferState
from marketplace.payments import batches, files, late, payees, waiting
from marketplace.payments.models import BatchState, Payee, PaymentLine
from marketplace.payments.open_matches import open_of_giver
from tests import factories as make
from tests.marketplace.payment_scene import APPROVER, Grant, Month, a_month, card

WORKER = Actor(id="worker-1", role=Role.WORKER)
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER)


def steps(session: Session, ref: str) -> list[str]:
    """What runs for an object."""
    wanted = select(Clock.step).where(col(Clock.object_ref) == ref, col(Clock.ended_at).is_(None))
    return list(session.exec(wanted))


def a_failed_one(session: Session, now: datetime, reason: str) -> tuple[Month, str]:
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    month.answer([(line.reference, "failed", reason)])
    return month, waiting.ref_of(line.match_id)


def test_a_batch_waits_for_its_release_then_for_the_bank_then_for_its_answer(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=2)
    batch = month.prepare()
    assert steps(session, batch.id) == ["payment_release"]
    month.release(batch)
    assert steps(session, batch.id) == ["payment_send"]
    month.file(batch)
    month.file(batch)
    assert steps(session, batch.id) == ["bank_answer"]
    first, second = (line.reference for line in month.lines(batch))
    month.answer([(first, "paid", "")])
    assert steps(session, batch.id) == ["bank_answer"], "the second line still waits"
    month.answer([(second, "failed", "bank_busy")])
    assert steps(session, batch.id) == []


def test_a_batch_that_is_given_up_waits_for_nobody(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=1)
    batch = month.prepare()
    batches.drop_batch(session, batch.id, actor=month.clerk, now=now)
    assert steps(session, batch.id) == []


def test_a_batch_of_which_nothing_is_left_is_over(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=1)
    batch = month.prepare()
    batches.leave_out(session, batch.id, month.lines(batch)[0].id, actor=month.clerk, now=now)
    assert (batch.state, steps(session, batch.id)) == (BatchState.DROPPED, [])
    batch = month.prepare()
    month.release(batch)
    month.type_account(month.grants[0], account=card(900))
    assert len(files.settle(session, batch.id, actor=month.clerk, now=now)) == 1
    assert (batch.state, steps(session, batch.id)) == (BatchState.DROPPED, [])


def test_an_account_at_fault_waits_for_the_household_and_a_new_one_for_the_giver(
    session: Session, now: datetime
) -> None:
    month, ref = a_failed_one(session, now, "account_not_found")
    match_id = ref.partition(":")[2]
    assert steps(session, ref) == ["correct_account"]
    assert steps(session, match_id) == ["deliver"], "the delivery's own limit runs on"
    month.type_account(month.grants[0], account=card(77))
    assert steps(session, ref) == ["pay_again"]
    payees.permit(session, month.grants[0].household.id, [match_id], actor=month.grants[0].actor, now=now)
    month.prepare()
    assert steps(session, ref) == []


def test_where_the_account_was_not_at_fault_the_giver_pays_again(session: Session, now: datetime) -> None:
    _month, ref = a_failed_one(session, now, "bank_busy")
    assert steps(session, ref) == ["pay_again"]


def test_a_household_that_does_not_correct_its_account_is_helped_by_a_worker(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        _month, ref = a_failed_one(session, now, "account_closed")
    assert waiting.sweep(database, clock=lambda: now + timedelta(days=1)) == 0
    late = now + timedelta(days=20)
    assert waiting.sweep(database, clock=lambda: late) == 1
    assert waiting.sweep(database, clock=lambda: late) == 0
    with database.reading() as session:
        assert steps(session, ref) == ["payee_help"]


def test_a_later_grant_with_an_account_that_a_bank_refused_asks_the_household_too(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        month, _ref = a_failed_one(session, now, "account_closed")
        again = month.grant(household=month.grants[0].household).match.id
    assert waiting.look(database, now=now) == 1
    assert waiting.look(database, now=now) == 0
    with database.reading() as session:
        assert steps(session, waiting.ref_of(again)) == ["correct_account"]


def test_nothing_waits_for_a_payment_whose_match_is_over(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        month, ref = a_failed_one(session, now, "bank_busy")
        match_id = session.exec(select(PaymentLine.match_id)).one()
        decisions.giver_gives_up(session, match_id, reason_code="other", actor=month.manager, now=now)
    assert waiting.sweep(database, clock=lambda: now) == 1
    with database.reading() as session:
        assert steps(session, ref) == []


def test_an_account_typed_by_a_worker_waits_for_another_to_check_it(session: Session, now: datetime) -> None:
    month = a_month(session, now)
    grant = month.grant(account=False)
    first = month.type_account(grant, actor=WORKER)
    assert steps(session, first.id) == ["payee_check"]
    second = month.type_account(grant, actor=WORKER, account=card(5))
    assert (steps(session, first.id), steps(session, second.id)) == ([], ["payee_check"])
    payees.decide(session, second.id, accept=True, actor=VERIFIER, now=now)
    assert steps(session, second.id) == []


APPROVER_HERE = Actor(id="officer-1", role=Role.APPROVER, districts=frozenset({"500103"}))


def a_late_batch(database: Database, now: datetime, *, stage: str) -> tuple[Month, str, datetime]:
    """A batch that stayed at a stage (prepare, released, sent) until its step was late, and was swept twice."""
    with database.transaction() as session:
        month = a_month(session, now, grants=2)
        batch = month.sent() if stage == "sent" else month.prepare()
        if stage == "released":
            month.release(batch)
    later = now + timedelta(days=8)
    assert late.sweep(database, clock=lambda: later) == 1
    assert late.sweep(database, clock=lambda: later) == 0
    return month, batch.id, later


@pytest.mark.parametrize("stage", ["prepare", "released", "sent"])
def test_a_late_batch_goes_to_a_person_and_the_giver_is_told(database: Database, now: datetime, stage: str) -> None:
    month, batch_id, _later = a_late_batch(database, now, stage=stage)
    with database.reading() as session:
        assert steps(session, batch_id) == ["payment_late"]
        told = session.exec(select(Notice.org_id).where(col(Notice.letter) == "payment_late")).all()
        assert list(told) == [month.organisation.id]
        assert {clock for grant in month.grants for clock in steps(session, grant.match.id)} == {"deliver"}


def test_more_time_is_given_once_for_a_step_and_the_next_step_has_its_own(database: Database, now: datetime) -> None:
    month, batch_id, later = a_late_batch(database, now, stage="prepare")
    with database.transaction() as session:
        late.extend(session, batch_id, actor=APPROVER_HERE, now=later)
        assert steps(session, batch_id) == ["payment_release"]
    again = later + timedelta(days=8)
    assert late.sweep(database, clock=lambda: again) == 1
    with database.transaction() as session:
        batch, _clock = late.get_late(session, batch_id, actor=APPROVER_HERE)
        assert not late.may_extend(session, batch)
        with pytest.raises(WrongState, match="batch_no_more_time"):
            late.extend(session, batch_id, actor=APPROVER_HERE, now=again)
        batches.release(session, batch_id, fingerprint=batch.fingerprint, actor=month.manager, now=again)
        assert steps(session, batch_id) == ["payment_send"], "the giver acted: nobody needs to speak with it"
        assert late.may_extend(session, batch)


def test_a_batch_that_will_not_be_paid_is_given_up_and_its_grants_are_free(database: Database, now: datetime) -> None:
    month, batch_id, later = a_late_batch(database, now, stage="released")
    with database.transaction() as session:
        stranger = Actor(id="officer-2", role=Role.APPROVER, districts=frozenset({"500112"}))
        with pytest.raises((NotFound, NotAllowed)):
            late.stop(session, batch_id, actor=stranger, now=later)
        late.stop(session, batch_id, actor=APPROVER_HERE, now=later)
        assert steps(session, batch_id) == []
        again = batches.prepare(session, month.organisation.id, actor=month.clerk, now=later)
        assert again.lines == 2


def test_what_is_at_the_bank_is_not_given_up(database: Database, now: datetime) -> None:
    _month, batch_id, later = a_late_batch(database, now, stage="sent")
    with database.transaction() as session, pytest.raises(WrongState, match="batch_moved_on"):
        late.stop(session, batch_id, actor=APPROVER_HERE, now=later)


def test_a_grant_that_is_not_paid_again_in_time_is_a_late_delivery_at_once(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        _month, ref = a_failed_one(session, now, "bank_busy")
        match_id = ref.partition(":")[2]
    soon = now + timedelta(days=8)
    assert waiting.sweep(database, clock=lambda: soon) == 1
    with database.reading() as session:
        assert steps(session, ref) == []
        assert steps(session, match_id) == ["late_delivery"]


def letters_to(session: Session, household_id: str) -> list[tuple[str, str]]:
    """Which letters about its account this household has got, each with its cause."""
    mine = select(Notice).where(Notice.household_id == household_id, col(Notice.letter) == "account_needed")
    return [(one.letter, one.params["cause"]) for one in session.exec(mine.order_by(col(Notice.created_at)))]


def test_a_household_that_said_yes_to_money_is_asked_for_its_account_and_its_giver_is_not_blamed(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now)
        grants = [month.grant(account=False) for _ in range(3)]
        ids, offer_id = [grant.match.id for grant in grants], month.offer.id
    assert (waiting.look(sqlite_database, now=now), waiting.look(sqlite_database, now=now)) == (3, 0)
    for days in range(0, 40, 3):
        later = now + timedelta(days=days)
        matches.sweep(sqlite_database, clock=lambda later=later: later)
        waiting.sweep(sqlite_database, clock=lambda later=later: later)
    with sqlite_database.transaction() as session:
        assert [letters_to(session, grant.household.id) for grant in grants] == [[("account_needed", "no_account")]] * 3
        assert [steps(session, one) for one in ids] == [["deliver"]] * 3, "it is the household's turn, not the giver's"
        assert [steps(session, waiting.ref_of(one)) for one in ids] == [["payee_help"]] * 3
        to_giver = session.exec(select(Notice.letter).where(col(Notice.org_id).is_not(None))).all()
        assert set(to_giver) == {"delivery_expected"}
        for match_id in ids:
            clocks.start(session, "late_delivery", match_id, holder=Holder(district_code="500103"), now=later)
            decisions.cancel(session, match_id, reason_code="late", actor=APPROVER, now=later)
    waiting.sweep(sqlite_database, clock=lambda: later)
    with sqlite_database.reading() as session:
        assert session.get_one(Offer, offer_id).state is OfferState.OPEN


def test_the_giver_s_time_begins_when_account_and_permission_are_there(session: Session, now: datetime) -> None:
    month = a_month(session, now)
    grant = month.grant(account=False)
    ref, match_id = waiting.ref_of(grant.match.id), grant.match.id
    assert waiting.ask_for_account(session, now=now) == 1
    first = clocks.running_of(session, match_id)[0].due_at
    month.now = later = now + timedelta(days=30)
    month.type_account(grant)
    assert steps(session, ref) == ["correct_account"], "the giver may not see it yet"
    (consent,) = payees.permit(session, grant.household.id, [match_id], actor=grant.actor, now=later)
    assert steps(session, ref) == []
    (clock,) = clocks.running_of(session, match_id)
    assert (clock.step, clock.due_at > first) == ("deliver", True)
    assert waiting.ask_for_account(session, now=later) == 0
    payees.end_permit(session, consent.chain_id, actor=grant.actor, now=later)
    assert waiting.ask_for_account(session, now=later) == 1
    assert letters_to(session, grant.household.id)[-1] == ("account_needed", "no_permit")


def test_a_household_whose_account_was_refused_is_told_at_once(session: Session, now: datetime) -> None:
    month = a_month(session, now)
    grant = month.grant(account=False)
    payee = month.type_account(grant, holder="钱进", relation="OTHER")
    payees.permit(session, grant.household.id, [grant.match.id], actor=grant.actor, now=now)
    payees.decide(session, payee.id, accept=False, reason_code="no_relation", actor=VERIFIER, now=now)
    assert letters_to(session, grant.household.id) == [("account_needed", "account_refused")]
    assert steps(session, waiting.ref_of(grant.match.id)) == ["correct_account"]


def test_a_holder_named_like_the_giver_s_staff_is_decided_on_once(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now)
        grant = month.grant()
        create_account(
            session,
            "somebody",
            display_name=grant.name,
            role=Role.CHARITY_WORKER,
            org_id=month.organisation.id,
            now=now,
        )
    assert (waiting.look(sqlite_database, now=now), waiting.look(sqlite_database, now=now)) == (1, 0)
    with sqlite_database.transaction() as session:
        ((payee, _home),) = payees.list_to_check(session, actor=VERIFIER)
        assert (payee.reason_code, steps(session, payee.id)) == ("name_of_staff", ["payee_check"])
        payees.decide(session, payee.id, accept=True, actor=VERIFIER, now=now)
        assert [one.blocker for one in open_of_giver(session, month.organisation.id, now=now)] == [""]
    assert waiting.look(sqlite_database, now=now) == 0
    with sqlite_database.transaction() as session:
        month.session = session
        assert month.type_account(grant).reason_code == "name_of_staff", "another account is another question"


def by_worker(month: Month) -> Grant:
    """A grant whose account and leave a worker took down at the counter: both wait for a second person."""
    grant = month.grant(account=False)
    month.type_account(grant, actor=WORKER)
    capture = consent.Capture("counter", signature_kind="paper", evidence="paper 1", helper_id=WORKER.id)
    ids = [grant.match.id]
    (given,) = payees.permit(month.session, grant.household.id, ids, actor=WORKER, now=month.now, capture=capture)
    colleague = Actor(id="worker-2", role=Role.WORKER)
    make.proven(month.session, given, actor=WORKER, now=month.now, opened_by=colleague)
    return grant


def test_while_civil_affairs_looks_at_account_and_leave_nobody_is_late_and_the_giver_s_time_begins_afterwards(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now)
        grant = by_worker(month)
        match_id, ref = grant.match.id, waiting.ref_of(grant.match.id)
    for days in range(0, 40, 3):
        later = now + timedelta(days=days)
        assert waiting.look(sqlite_database, now=later) == 0, "the household has done its part"
        matches.sweep(sqlite_database, clock=lambda later=later: later)
    with sqlite_database.transaction() as session:
        assert (steps(session, match_id), steps(session, ref)) == (["deliver"], [])
        to_giver = session.exec(select(Notice.letter).where(col(Notice.org_id).is_not(None))).all()
        assert set(to_giver) == {"delivery_expected"}, "a giver that can do nothing is not reminded"
        month.session = session
        payee = session.exec(select(Payee).where(Payee.household_id == grant.household.id)).one()
        payees.decide(session, payee.id, accept=True, actor=VERIFIER, now=later)
        (clock,) = clocks.running_of(session, match_id)
        assert clock.started_at == later, "the account is settled"
        chain = session.exec(select(ConsentHead.chain_id).where(ConsentHead.match_id == match_id)).all()
        (permit,) = {one for one in chain if session.get_one(ConsentHead, one).purpose is Purpose.PAYMENT}
        consent.confirm_assisted(session, permit, actor=Actor(id="worker-2", role=Role.WORKER), now=later)
        assert open_of_giver(session, month.organisation.id, now=later)[0].blocker == "permit_to_check"
    begun = later + timedelta(days=1, minutes=1)
    assert (waiting.look(sqlite_database, now=begun), waiting.look(sqlite_database, now=begun)) == (1, 0)
    with sqlite_database.reading() as session:
        (clock,) = clocks.running_of(session, match_id)
        assert (clock.step, clock.started_at) == ("deliver", begun)
        assert open_of_giver(session, clock.org_id or "", now=begun)[0].blocker == ""
