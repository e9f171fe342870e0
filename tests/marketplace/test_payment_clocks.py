"""A payment waits for a release, the bank and its answer; a failed one for the account, then for a second try."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.payments import batches, payees, waiting
from marketplace.payments.models import PaymentLine
from tests.marketplace.payment_scene import Month, a_month, card

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
