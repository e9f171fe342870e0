"""From an accepted grant to paid money: who is paid, who prepares and releases, what the bank answers."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from adapters.tabular_writer import write_csv
from marketplace import audit
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.config import Settings
from marketplace.consent import changes, notice
from marketplace.consent import service as consent
from marketplace.consent.ask import find_head
from marketplace.consent.models import ConsentHead, ConsentState, Mode, Purpose
from marketplace.consent.versions import next_version
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, Conflict, ConsentMissing, NotAllowed, NotFound, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.notices import Notice
from marketplace.payments import after_end, batches, files, own_accounts, payees, stopping
from marketplace.payments.books import months_of
from marketplace.payments.models import AccountKind, BankResult, LineState, PayeeState, PaymentBatch, PaymentLine
from marketplace.payments.open_matches import is_permitted, open_of_giver
from marketplace.proofs import evidence, slips
from marketplace.proofs import table as deliveries
from marketplace.rights import erasing
from marketplace.rights import service as rights
from marketplace.rights.models import RightKind
from marketplace.sealed import Vault
from marketplace.sharing import deletions
from marketplace.sharing.lists import disclose_list
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace.payment_scene import Grant, Month, a_month, card


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, settings: Settings) -> Iterator[Database]:
    """One embedded database for all tests of this file that no engine can change; each rolls back."""
    file = tmp_path_factory.mktemp("payments") / "house.db"
    shutil.copy(sqlite_template, file)
    opened = Database(f"sqlite:///{file}", info={"vault": Vault(settings.kek), "settings": settings})
    yield opened
    opened.close()


@pytest.fixture
def session(embedded: Database) -> Iterator[Session]:
    with embedded.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def month(session: Session, now: datetime) -> Month:
    return a_month(session, now, grants=2)


@pytest.fixture
def on_each_engine(shared_database: Database, now: datetime) -> Iterator[Month]:
    """The same month once on each engine, for the whole way and for what the database itself guards."""
    with shared_database.session(writes=True) as opened:
        yield a_month(opened, now, grants=2)
        opened.rollback()


def blockers(month: Month) -> list[str]:
    return sorted(p.blocker for p in open_of_giver(month.session, month.organisation.id, now=month.now))


def letters(session: Session) -> list[str]:
    return list(session.exec(select(Notice.letter)))


def rows_of(file: files.PaymentFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))


def test_a_grant_is_prepared_released_sent_paid_and_delivered(on_each_engine: Month) -> None:
    session, month = on_each_engine.session, on_each_engine
    batch = month.release(month.prepare())
    shown = rows_of(month.file(batch))
    assert sorted(row["Account holder"] for row in shown) == sorted(grant.name for grant in month.grants)
    assert {row["Account number"] for row in shown} == {card(1), card(2)}
    assert {row["Amount (yuan)"] for row in shown} == {"1000.00"}
    assert batch.state.value == "sent"
    counts = month.answer([(row["Reference"], "paid", "") for row in shown])
    assert {code: number for code, number in counts.items() if number} == {"new": 2, "paid": 2}
    for grant in month.grants:
        assert grant.match.state is MatchState.DELIVERED
        assert session.get_one(LedgerEntry, grant.match.ledger_entry_id).state is AidState.DELIVERED
    assert letters(session).count("payment_paid") == 2
    assert audit.verify(session).bad_seq == 0


def test_the_household_s_consent_to_be_paid_ends_with_the_payment(session: Session, month: Month) -> None:
    batch = month.sent()
    month.answer([(line.reference, "paid", "") for line in month.lines(batch)])
    match = month.grants[0].match
    head = find_head(session, match.household_id, purpose="PAYMENT", org_id=match.org_id, match_id=match.id)
    assert head is not None
    assert head.state.value == "expired"


def test_each_opening_of_the_file_is_one_act_and_a_row_for_each_household(on_each_engine: Month) -> None:
    session, month = on_each_engine.session, on_each_engine
    batch = month.release(month.prepare())
    month.file(batch)
    month.file(batch, form="xlsx")
    acts = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "share:disclose_list")).all()
    assert [act.object_ref for act in acts] == [batch.id, batch.id]
    seen = session.exec(select(Disclosure)).all()
    assert sorted(row.household_id for row in seen) == sorted([grant.household.id for grant in month.grants] * 2)
    assert {tuple(row.data_fields) for row in seen} == {("name", "payee_account")}


def test_who_prepared_a_batch_may_not_release_it(session: Session, month: Month) -> None:
    deputy = replace(month.clerk, id="deputy", on_behalf_of=month.clerk.id)
    batch = batches.prepare(session, month.organisation.id, actor=deputy, now=month.now).batch
    for preparer in (
        deputy,
        month.clerk,
        replace(month.manager, id="deputy"),
        replace(month.manager, id=month.clerk.id),
    ):
        with pytest.raises(WrongState, match="same_person_twice"):
            batches.release(session, batch.id, fingerprint=batch.fingerprint, actor=preparer, now=month.now)
    stands_in = replace(month.manager, id="deputy-2", on_behalf_of=month.manager.id)
    batches.release(session, batch.id, fingerprint=batch.fingerprint, actor=stands_in, now=month.now)
    four = {"deputy", month.clerk.id, "deputy-2", month.manager.id}
    assert after_end.who_paid(session, month.grants[0].match) == four, "none of them settles what becomes of the money"


@pytest.mark.both_engines
def test_the_database_itself_refuses_one_person_for_both(on_each_engine: Month) -> None:
    session, month = on_each_engine.session, on_each_engine
    batch = month.prepare()
    batch.prepared_for, batch.released_by = "head", "head"
    session.add(batch)
    with pytest.raises(DBAPIError, match="two_people"):
        session.flush()
    session.rollback()


def test_who_approved_a_match_may_neither_prepare_nor_release_its_payment(session: Session, month: Month) -> None:
    batch = month.prepare()
    approver = Actor(id="approver-1", role=Role.CHARITY_MANAGER, org_id=month.organisation.id)
    with pytest.raises(WrongState, match="payer_is_approver"):
        batches.release(session, batch.id, fingerprint=batch.fingerprint, actor=approver, now=month.now)


def test_only_what_was_shown_is_released(session: Session, month: Month) -> None:
    batch = month.prepare()
    shown = batch.fingerprint
    batches.leave_out(session, batch.id, month.lines(batch)[0].id, actor=month.clerk, now=month.now)
    with pytest.raises(Conflict, match="batch_changed"):
        batches.release(session, batch.id, fingerprint=shown, actor=month.manager, now=month.now)
    month.release(batch)
    assert len(rows_of(month.file(batch))) == 1


@pytest.mark.both_engines
@pytest.mark.parametrize("column", ["amount_fen", "payee_id", "match_id", "reference", "account_mark"])
def test_the_database_itself_refuses_to_change_what_a_line_says(on_each_engine: Month, column: str) -> None:
    session, month = on_each_engine.session, on_each_engine
    line = month.lines(month.prepare())[0]
    with pytest.raises(DBAPIError, match="written once"):
        session.execute(update(PaymentLine).where(col(PaymentLine.id) == line.id).values({column: "1"}))
    session.rollback()


def test_a_batch_that_was_changed_behind_the_house_is_not_opened(session: Session, month: Month) -> None:
    batch = month.release(month.prepare())
    payee = session.get_one(payees.Payee, month.lines(batch)[0].payee_id)
    payee.account_index = "another account"
    session.add(payee)
    session.flush()
    with pytest.raises(Conflict, match="batch_changed"):
        month.file(batch)


@pytest.mark.parametrize("stage", ["draft", "released", "sent"])
def test_an_erasure_takes_its_own_line_out_and_the_others_are_paid(session: Session, month: Month, stage: str) -> None:
    batch, gone, now = month.prepare(), month.grants[0], month.now
    if stage != "draft":
        month.release(batch)
    if stage == "sent":
        month.file(batch)
    request = rights.ask(session, gone.person, RightKind.ERASE, words="请删除", actor=gone.actor, now=now)
    erasing.agree(session, request.id, actor=Actor(id="approver-1", role=Role.APPROVER), now=now)
    officer = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)
    erasing.carry_out(session, request.id, text="已删除", actor=officer, now=now)
    if stage == "draft":
        month.release(batch)
    assert [row["Account number"] for row in rows_of(month.file(batch))] == [card(2)]
    line = next(line for line in month.lines(batch) if line.household_id == gone.household.id)
    payee = session.get_one(payees.Payee, line.payee_id)
    assert (payee.account, batches.mark_of(payee) == line.account_mark) == (None, False)


@pytest.mark.both_engines
def test_a_match_is_on_its_way_to_the_bank_once(on_each_engine: Month) -> None:
    session, month = on_each_engine.session, on_each_engine
    batch = month.prepare()
    with pytest.raises(BadInput, match="nothing_to_pay"):
        month.prepare()
    line = month.lines(batch)[0]
    again = {**line.model_dump(exclude={"id", "reference"}), "id": "again", "reference": "SQAGAIN"}
    session.add(PaymentLine(**again))
    with pytest.raises(DBAPIError, match=r"uq_payment_line_live|payment_line.match_id"):
        session.flush()
    session.rollback()


def _withdraw_permit(month: Month) -> str:
    match = month.grants[0].match
    head = find_head(month.session, match.household_id, purpose="PAYMENT", org_id=match.org_id, match_id=match.id)
    assert head is not None
    decisions.withdraw_consent(month.session, head.chain_id, actor=month.grants[0].actor, now=month.now)
    return "no_permit"


def _withdraw_help(month: Month) -> str:
    chain_id = month.grants[0].match.consent_chain_id
    assert chain_id is not None
    decisions.withdraw_consent(month.session, chain_id, actor=month.grants[0].actor, now=month.now)
    return "match_ended"


def _change_account(month: Month) -> str:
    month.type_account(month.grants[0], account=card(900))
    return "account_changed"


def _name_as_own(month: Month) -> str:
    own_accounts.add_own(month.session, month.organisation.id, card(1), staff=True, actor=month.clerk, now=month.now)
    return "payee_is_payer"


def _change_amount(month: Month) -> str:
    month.grants[0].match.units -= 1
    month.session.add(month.grants[0].match)
    month.session.flush()
    return "amount_changed"


@pytest.mark.parametrize("change", [_withdraw_permit, _withdraw_help, _change_account, _name_as_own, _change_amount])
def test_what_changed_after_the_release_is_dropped_before_the_file_and_named(
    session: Session, month: Month, change: Callable[[Month], str]
) -> None:
    batch = month.release(month.prepare())
    cause = change(month)
    with pytest.raises(Conflict, match="lines_to_drop"):
        files.open_file(session, batch.id, form="csv", lang="en", actor=month.clerk, now=month.now)
    gone = files.settle(session, batch.id, actor=month.clerk, now=month.now)
    assert [(line.match_id, code) for line, code in gone] == [(month.grants[0].match.id, cause)]
    assert [row["Account number"] for row in rows_of(month.file(batch))] == [card(2)]


def test_a_consent_that_ended_after_the_sending_is_not_shown_again(session: Session, month: Month) -> None:
    batch = month.sent()
    _withdraw_permit(month)
    assert [row["Account number"] for row in rows_of(month.file(batch))] == [card(2)]
    assert {line.state for line in month.lines(batch)} == {LineState.WAITING}


def test_a_failed_payment_asks_the_household_and_is_paid_again_to_the_mended_account(on_each_engine: Month) -> None:
    session, month = on_each_engine.session, on_each_engine
    first, second = month.lines(batch := month.sent())
    month.answer([(first.reference, "failed", "account_not_found"), (second.reference, "paid", "")])
    assert letters(session).count("payment_failed") == 1
    assert blockers(month) == ["account_to_correct"]
    with pytest.raises(BadInput, match="nothing_to_pay"):
        month.prepare()
    grant = next(grant for grant in month.grants if grant.match.id == first.match_id)
    month.type_account(grant, account=card(77))
    again = month.sent()
    assert again.number == batch.number + 1
    (line,) = month.lines(again)
    assert (line.match_id, line.amount_fen) == (first.match_id, first.amount_fen)
    month.answer([(line.reference, "paid", "")])
    assert grant.match.state is MatchState.DELIVERED


@pytest.mark.parametrize("kind", ["failed", "returned"])
def test_an_account_that_a_bank_refused_is_paid_for_no_other_grant_and_by_no_other_giver(
    session: Session, month: Month, kind: str
) -> None:
    first = month.lines(month.sent())[0]
    if kind == "returned":
        month.answer([(first.reference, "paid", "")])
    month.answer([(first.reference, kind, "account_closed")])
    assert letters(session).count("payment_failed") == 1, "the household is asked for another account"
    grant = next(grant for grant in month.grants if grant.match.id == first.match_id)
    other = a_month(session, month.now)
    again = other.grant(household=grant.household)
    (payable,) = open_of_giver(session, other.organisation.id, now=month.now)
    assert (payable.match.id, payable.blocker) == (again.match.id, "account_to_correct")
    month.type_account(grant, account=card(78))
    payees.permit(session, grant.household.id, [again.match.id], actor=grant.actor, now=month.now)
    assert [one.blocker for one in open_of_giver(session, other.organisation.id, now=month.now)] == [""]


def test_a_bank_that_was_busy_is_asked_again_with_the_same_account(session: Session, month: Month) -> None:
    first = month.lines(month.sent())[0]
    month.answer([(first.reference, "failed", "bank_busy")])
    assert blockers(month) == [""]


def test_money_that_was_sent_back_ends_the_match_and_opens_the_need(session: Session, month: Month) -> None:
    first = month.lines(month.sent())[0]
    month.answer([(first.reference, "paid", "")])
    month.answer([(first.reference, "returned", "")])
    match = session.get_one(Match, first.match_id)
    assert match.state not in (MatchState.DELIVERED, MatchState.IN_DELIVERY)
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED


def test_the_same_answer_again_changes_nothing(session: Session, month: Month) -> None:
    rows = [(line.reference, "paid", "") for line in month.lines(month.sent())]
    month.answer(rows)
    assert month.answer(rows) == {
        "new": 0,
        "paid": 0,
        "failed": 0,
        "returned": 0,
        "reclaimed": 0,
        "paid_twice": 0,
        "numbered": 0,
        "same": 2,
        "pending": 0,
    }
    assert len(session.exec(select(BankResult)).all()) == 2


def _faults(month: Month, rows: list[tuple[str, str, str]], **over: str) -> list[tuple[int, str, str]]:
    _batch, checked = month.check(rows, **over)
    return [(fault.row, fault.column, fault.code) for fault in checked.faults]


def test_the_usual_words_of_banks_are_read_and_what_a_bank_still_works_on_is_left_alone(session, month) -> None:
    first, second = (line.reference for line in month.lines(month.sent()))
    counts = month.answer([(first, "交易失败", "账号户名不符"), (second, "处理中", "")])
    assert (counts["failed"], counts["pending"], counts["new"]) == (1, 1, 1)
    counts = month.answer([(first, "交易失败", "账号户名不符"), (second, "支付失败", "商户风控拦截")])
    assert (counts["same"], counts["failed"], counts["pending"]) == (1, 1, 0)
    told = {row.line_id: row.reason_code for row in session.exec(select(BankResult))}
    assert sorted(told.values()) == ["name_mismatch", "other"]


def test_answers_that_do_not_fit_are_named_with_row_and_column(session: Session, month: Month) -> None:
    waiting = month.lines(draft := month.prepare())[0].reference
    assert _faults(month, [("SQUNKNOWN", "paid", ""), (waiting, "paid", "")]) == [
        (2, "reference", "payment_unknown"),
        (3, "reference", "payment_not_sent"),
    ]
    month.file(month.release(draft))
    first, second = month.lines(draft)
    assert _faults(month, [(first.reference, "failed", "")]) == [(2, "reason_code", "payment_reason_missing")]
    assert _faults(month, [(first.reference, "returned", "")]) == [(2, "result", "payment_not_paid")]
    month.answer([(first.reference, "paid", ""), (second.reference, "failed", "limit")])
    assert _faults(month, [(first.reference, "reclaimed", "")]) == [(2, "result", "payment_not_asked_back")]
    assert _faults(month, [(first.reference, "failed", "limit")]) == [(2, "result", "payment_paid_before")]
    assert _faults(month, [(first.reference, "paid", "")], day="2026-11-20") == [
        (2, "result", "payment_told_otherwise")
    ]
    later = month.lines(month.prepare())[0]
    assert later.match_id == second.match_id
    assert _faults(month, [(second.reference, "paid", "")]) == [(2, "result", "payment_paid_elsewhere")]


def test_a_day_before_the_file_or_before_the_payment_is_a_slip(session: Session, month: Month, now: datetime) -> None:
    first, second = month.lines(month.sent())
    early = [(2, "on_day", "payment_day_early")]
    assert _faults(month, [(first.reference, "paid", "")], day="2025-11-23") == early
    assert _faults(month, [(second.reference, "failed", "limit")], day="2026-11-22") == early
    month.now = now + timedelta(days=3)
    month.answer([(first.reference, "paid", "")], day="2026-11-25")
    assert _faults(month, [(first.reference, "returned", "other")], day="2026-11-24") == early
    assert months_of(session, month.organisation.id) == ["2026-11"], "no month before the file has come to be"
    rows = [(second.reference, "paid", "", "2026-11-26"), (second.reference, "returned", "other", "2026-11-25")]
    assert [fault.code for fault in month.check_days(rows)[1].faults] == ["payment_day_early"], "in one file too"
    month.answer([(first.reference, "returned", "other")], day="2026-11-25")


def test_an_answer_for_another_giver_s_line_finds_nothing(session: Session, month: Month, now: datetime) -> None:
    reference = month.lines(month.sent())[0].reference
    other = a_month(session, now)
    assert _faults(other, [(reference, "paid", "")]) == [(2, "reference", "payment_unknown")]
    with pytest.raises(NotFound):
        batches.get_batch(session, session.exec(select(PaymentBatch.id)).first() or "", actor=other.clerk)


def test_a_line_that_the_bank_never_paid_is_stopped_and_tried_again(session: Session, month: Month) -> None:
    batch = month.sent()
    line = month.lines(batch)[0]
    for actor in (month.clerk, month.manager):
        stopping.stop_line(session, batch.id, line.id, actor=actor, now=month.now)
    assert blockers(month) == [""]
    month.answer([(line.reference, "paid", "")])
    assert blockers(month) == []


def test_a_batch_that_is_given_up_frees_its_matches(session: Session, month: Month) -> None:
    batch = month.release(month.prepare())
    batches.drop_batch(session, batch.id, actor=month.clerk, now=month.now)
    assert blockers(month) == ["", ""]


def test_nobody_else_prepares_a_giver_s_batch(session: Session, month: Month, now: datetime) -> None:
    with pytest.raises(NotFound):
        batches.prepare(session, month.organisation.id, actor=a_month(session, now).clerk, now=now)
    with pytest.raises(NotAllowed):
        batches.prepare(session, month.organisation.id, actor=month.grants[0].actor, now=now)


def test_without_an_account_or_a_yes_nothing_is_paid(session: Session, month: Month) -> None:
    grant = month.grant(account=False)
    assert blockers(month) == ["", "", "no_account"]
    month.type_account(grant)
    assert blockers(month) == ["", "", "no_permit"]


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"account": "6200000000000015"}, "account_check_digit"),
        ({"account": "62000000"}, "account_length"),
        ({"account": "62000000000000a5"}, "account_length"),
        ({"kind": AccountKind.PASSBOOK, "account": "123"}, "account_length"),
    ],
)
def test_a_number_that_cannot_be_an_account_is_refused(month: Month, over: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput, match=code):
        month.type_account(month.grants[0], **over)


def test_a_holder_of_the_household_needs_nobody_another_waits_for_a_person(session: Session, month: Month) -> None:
    grant = month.grant(account=False)
    spouse = make.a_person(session, grant.household, name="孙 梅")
    spouse.contact, spouse.relation = False, "SPOUSE"
    session.add(spouse)
    assert month.type_account(grant, holder="孙梅", relation="SPOUSE").state is PayeeState.OK
    assert month.type_account(grant, holder="孙梅").reason_code == "other_holder"
    payee = month.type_account(grant, holder="钱进", relation="GUARDIAN")
    assert (payee.state, payee.reason_code) == (PayeeState.TO_CHECK, "other_holder")
    assert blockers(month)[-1] == "account_to_check"


def test_an_account_of_two_households_waits_for_a_person(month: Month) -> None:
    payee = month.type_account(month.grant(account=False), account=card(1))
    assert (payee.state, payee.reason_code) == (PayeeState.TO_CHECK, "shared_account")


def test_an_account_typed_by_a_worker_is_checked_by_another_person(session: Session, month: Month) -> None:
    worker = Actor(id="worker-1", role=Role.WORKER)
    payee = month.type_account(grant := month.grant(account=False), actor=worker)
    assert payee.reason_code == "typed_by_helper"
    same = Actor(id="worker-1", role=Role.VERIFIER)
    with pytest.raises(WrongState, match="same_person_twice"):
        payees.decide(session, payee.id, accept=True, actor=same, now=month.now)
    verifier = Actor(id="verifier-7", role=Role.VERIFIER)
    assert payees.show(session, payee.id, actor=verifier, now=month.now).account == card(grant.number)
    payees.decide(session, payee.id, accept=True, actor=verifier, now=month.now)
    assert payee.state is PayeeState.OK
    shown = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "payee:show")).one()
    assert shown.fields == "name,payee_account"


def test_a_refused_account_is_gone_and_the_reason_stays(session: Session, month: Month) -> None:
    grant = month.grant(account=False)
    payee = month.type_account(grant, holder="钱进", relation="OTHER")
    verifier = Actor(id="verifier-7", role=Role.VERIFIER)
    with pytest.raises(BadInput, match="reason_missing"):
        payees.decide(session, payee.id, accept=False, actor=verifier, now=month.now)
    payees.decide(session, payee.id, accept=False, reason_code="no_relation", actor=verifier, now=month.now)
    assert payees.find_payee(session, grant.household.id) is None
    assert payee.reason_code == "no_relation"


def test_a_holder_named_like_one_of_the_giver_s_people_waits_for_a_person(session: Session, month: Month) -> None:
    create_account(
        session,
        "somebody",
        display_name=month.grants[0].name,
        role=Role.CHARITY_WORKER,
        org_id=month.organisation.id,
        now=month.now,
    )
    assert blockers(month) == ["", "name_of_staff"]


def test_an_account_is_sealed_and_only_its_last_four_digits_can_be_read(session: Session, month: Month) -> None:
    payee = payees.find_payee(session, month.grants[0].household.id)
    assert payee is not None
    assert card(1) not in repr(payee)
    assert month.grants[0].name not in repr(payee)
    assert payee.last_four == card(1)[-4:]


def test_no_audit_row_or_letter_holds_a_number_or_a_name(session: Session, month: Month) -> None:
    month.answer([(line.reference, "paid", "") for line in month.lines(month.sent())])
    text = " ".join(str(row.model_dump()) for row in session.exec(select(audit.AuditRow)))
    text += " ".join(body.body for body in session.exec(select(audit.AuditBody)))
    text += " ".join(str(notice.model_dump()) for notice in session.exec(select(Notice)))
    assert card(1) not in text
    assert month.grants[0].name not in text


def test_the_columns_of_the_file_are_the_bank_s(session: Session, month: Month) -> None:
    org_id = month.organisation.id
    columns = [("客户参考号", "reference"), ("收款方", "holder"), ("卡号", "account"), ("分", "amount_fen")]
    files.set_layout(session, org_id, columns, actor=month.clerk, now=month.now)
    shown = rows_of(month.file(month.release(month.prepare())))
    assert list(shown[0]) == [head for head, _name in columns]
    assert shown[0]["分"] == "100000"
    for wrong in ([("户名", "holder")], [("a", "reference"), ("a", "holder")], [("a", "reference"), ("b", "id")]):
        with pytest.raises(BadInput):
            files.set_layout(session, org_id, wrong, actor=month.clerk, now=month.now)


def test_a_consent_that_ran_out_is_no_consent(month: Month) -> None:
    later = month.now + timedelta(days=400)
    assert {p.blocker for p in open_of_giver(month.session, month.organisation.id, now=later)} == {"no_permit"}


def test_a_yes_that_a_worker_took_pays_nothing_before_a_colleague_has_called_back(
    session: Session, month: Month
) -> None:
    grant = month.grant(account=False)
    month.type_account(grant)
    worker, colleague = (Actor(id=name, role=Role.WORKER) for name in ("worker-1", "worker-2"))
    capture = consent.Capture("counter", signature_kind="paper", evidence="paper 1", helper_id=worker.id)
    (given,) = payees.permit(
        session, grant.household.id, [grant.match.id], actor=worker, now=month.now, capture=capture
    )
    assert blockers(month) == ["", "", "permit_to_check"]
    with pytest.raises(BadInput, match="helper_cannot_check"):
        consent.confirm_assisted(session, given.chain_id, actor=worker, now=month.now)
    make.proven(session, given, actor=worker, now=month.now, opened_by=colleague)
    consent.confirm_assisted(session, given.chain_id, actor=colleague, now=month.now)
    assert blockers(month) == ["", "", "permit_to_check"]
    month.now += timedelta(days=1)
    assert blockers(month) == ["", "", ""]


def _as_to_the_first_words(session: Session, grant: Grant, month: Month) -> None:
    """The household's living yes as it was before a copy was spoken of."""
    head = _permit_of(session, grant, month)
    next_version(
        session,
        head,
        state=head.state,
        actor=grant.actor,
        now=month.now,
        action="consent:narrow",
        changes={"mode": Mode.VIEW},
    )


def _permit_of(session: Session, grant: Grant, month: Month) -> ConsentHead:
    head = find_head(
        session, grant.household.id, purpose="PAYMENT", org_id=month.organisation.id, match_id=grant.match.id
    )
    assert head is not None
    return head


def test_who_let_a_giver_look_only_is_asked_again_before_a_file_holds_its_account(
    session: Session, month: Month
) -> None:
    batch, (first, second) = month.release(month.prepare()), month.grants
    _as_to_the_first_words(session, first, month)
    assert not is_permitted(session, first.match, now=month.now)
    assert is_permitted(session, second.match, now=month.now)
    gone = files.settle(session, batch.id, actor=month.clerk, now=month.now)
    assert [(line.match_id, code) for line, code in gone] == [(first.match.id, "no_permit")]
    assert [row["Account number"] for row in rows_of(month.file(batch))] == [card(2)]
    (again,) = payees.permit(session, first.household.id, [first.match.id], actor=first.actor, now=month.now)
    assert (again.mode, again.notice_id) == (Mode.STORE, notice.PAYMENT)
    assert "" in blockers(month)


def test_no_file_is_written_under_a_consent_that_lets_look_only(session: Session, month: Month) -> None:
    heads = session.exec(select(ConsentHead.chain_id).where(ConsentHead.purpose == Purpose.PAYMENT)).all()
    _as_to_the_first_words(session, month.grants[0], month)
    with pytest.raises(ConsentMissing, match="mode_not_consented"):
        disclose_list(
            session,
            heads,
            purpose="PAYMENT",
            data_fields=["name"],
            object_ref="a-batch",
            mode=Mode.STORE,
            actor=month.clerk,
            now=month.now,
        )


def test_a_permission_that_was_narrowed_takes_its_line_out_and_leaves_the_others(
    session: Session, month: Month
) -> None:
    batch, first = month.release(month.prepare()), month.grants[0]
    head = _permit_of(session, first, month)
    changes.narrow(session, head.chain_id, keep=["name"], until=head.valid_to, actor=first.actor, now=month.now)
    gone = files.settle(session, batch.id, actor=month.clerk, now=month.now)
    assert [code for _line, code in gone] == ["no_permit"]
    assert len(rows_of(month.file(batch))) == 1
    assert not is_permitted(session, first.match, now=month.now)


def test_a_replaced_consent_to_keep_a_copy_orders_its_deletion_too(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now, grants=2)
        month.sent()
        grant = month.grants[0]
        payees.permit(session, grant.household.id, [grant.match.id], actor=grant.actor, now=now)
        org_id, manager = month.organisation.id, month.manager
    assert deletions.look(sqlite_database, now=now) == 1
    with sqlite_database.transaction() as session:
        (order,) = deletions.orders_of(session, org_id, actor=manager)
        assert order.match_id == grant.match.id
        assert session.get_one(ConsentHead, order.consent_chain_id).state is ConsentState.SUPERSEDED


def test_a_copy_whose_consent_names_no_recipient_is_looked_at_and_nobody_is_ordered(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now, grants=2)
        paid = month.lines(month.sent())[0]
        month.answer([(paid.reference, "paid", "")])
        for head in session.exec(select(ConsentHead).where(ConsentHead.state == ConsentState.EXPIRED)):
            head.recipient_org_id = ""
            session.add(head)
    assert deletions.look(sqlite_database, now=now) == 1
    with sqlite_database.reading() as session:
        assert deletions.orders_of(session, month.organisation.id, actor=month.manager) == []


def test_when_a_payment_is_made_the_giver_has_to_delete_the_account_that_its_file_held(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now, grants=3)
        paid, failed, _waiting = month.lines(month.sent())
        month.answer([(paid.reference, "paid", ""), (failed.reference, "failed", "limit")])
        org_id, manager, match_id = month.organisation.id, month.manager, paid.match_id
    assert deletions.look(sqlite_database, now=now) == 1
    assert deletions.look(sqlite_database, now=now) == 0
    with sqlite_database.transaction() as session:
        (order,) = deletions.orders_of(session, org_id, actor=manager)
        assert (order.match_id, order.disclosures) == (match_id, 1)
        assert letters(session).count("deletion_order") == 1
        assert deletions.attest_all(session, org_id, until=now - timedelta(seconds=1), actor=manager, now=now) == 0
        assert deletions.attest_all(session, org_id, until=now, actor=manager, now=now) == 1
        assert deletions.count_orders(session, org_id, actor=manager) == (1, 0, None)


def test_only_a_household_s_own_money_matches_can_be_permitted(session: Session, month: Month) -> None:
    first, second = month.grants
    with pytest.raises(NotFound):
        payees.permit(session, first.household.id, [second.match.id], actor=first.actor, now=month.now)


def test_what_the_bank_may_be_about_to_pay_is_not_recorded_as_handed_over_by_any_door(
    session: Session, month: Month
) -> None:
    first, second = month.lines(month.sent())
    for act in (decisions.deliver, partial(evidence.hand_over, pieces=[])):
        with pytest.raises(WrongState, match="payment_on_its_way"):
            act(session, first.match_id, actor=month.clerk, now=month.now)
    with pytest.raises(BadInput, match="ticked_paying"):
        evidence.hand_over_many(session, [first.match_id], actor=month.clerk, now=month.now)
    match = session.get_one(Match, first.match_id)
    table = write_csv(["reference", "units"], [(slips.code_of(session, match), 1)])
    _batch, checked = deliveries.check_file(session, table, file_name="d.csv", actor=month.clerk, now=month.now)
    assert "payment_on_its_way" in {fault.code for fault in checked.faults}
    for actor in (month.clerk, month.manager):
        stopping.stop_line(session, second.batch_id, second.id, actor=actor, now=month.now)
    assert decisions.deliver(session, second.match_id, actor=month.clerk, now=month.now).state is MatchState.DELIVERED
