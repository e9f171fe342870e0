"""A foundation's month without the API: grants posted by spreadsheet, matched, accepted by spreadsheet, paid, some paid
again, proven, confirmed and reported, with a ledger and reports that equal the bank to the fen. 80 grants in the
ordinary suite, 800 with TORTURE=1."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from adapters.tabular import read_table
from adapters.tabular_writer import write_csv, write_xlsx
from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database
from marketplace.decisions import answers
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.sheet import matches_file
from marketplace.households.models import Household, Person
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.offers import imports as offers
from marketplace.offers.models import Offer
from marketplace.payments import batches, files, months, payees, results
from marketplace.payments.books import Figure, books_of
from marketplace.payments.models import AccountKind, PaymentBatch
from marketplace.proofs import archive, evidence, papers, projects
from marketplace.proofs.evidence import Piece
from marketplace.proofs.models import PaperKind, ProofKind
from marketplace.proposals import service as proposals
from marketplace.proposals.models import ProposedLine
from marketplace.proposals.problem import Scope
from marketplace.reports import figures as monthly
from marketplace.reports import service as reports
from marketplace.reports.models import Figure as Reported
from marketplace.reports.months import Month
from tests import factories as make
from tests.marketplace.payment_scene import APPROVER, card

GRANTS = 800 if os.environ.get("TORTURE") == "1" else 80
FEN = 200_000
HEAD = ("资源编号", "名称", "类别", "单位", "总量", "每项最低", "每项最高", "区县", "有效期止", "答复方式")
MORE = ("救助标准", "工作流程", "工作规范")
FAILS_EACH = 50
"""Every fiftieth payment fails: 2 %."""


@dataclass
class Bank:
    """A bank that knows accounts that were closed, and adds up what it paid; it reads and writes spreadsheets only."""

    closed: set[str]
    paid_fen: int = 0
    books: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, file: bytes, *, day: str) -> bytes:
        """The result table for a payment file."""
        table = read_table(file)
        place = {name: index for index, name in enumerate(table.columns)}
        rows = []
        for row in table.rows:
            reference, account = str(row[place["付款编号"]]), str(row[place["收款账号"]])
            refused = account in self.closed
            if not refused:
                whole, cents = str(row[place["金额（元）"]]).split(".")
                self.paid_fen += int(whole) * 100 + int(cents)
            rows.append((reference, "付款失败" if refused else "成功", "账户已注销" if refused else None, day))
        return write_xlsx(("付款编号", "结果", "失败原因", "日期"), rows)


def test_a_foundation_s_month_by_spreadsheet_ends_with_a_ledger_that_equals_the_bank(
    sqlite_database: Database, now: datetime
) -> None:
    org_id = _posted(sqlite_database, now)
    _matched(sqlite_database, now)
    _accepted(sqlite_database, org_id, now)
    bank = Bank(closed={card(number) for number in range(0, GRANTS, FAILS_EACH)})
    _accounts(sqlite_database, now)
    first = _pay(sqlite_database, org_id, bank, now=now)
    failed = GRANTS // FAILS_EACH + (GRANTS % FAILS_EACH > 0)
    assert first == {"new": GRANTS, "paid": GRANTS - failed, "failed": failed, "returned": 0, "reclaimed": 0, "same": 0}
    later = now + timedelta(days=10)
    with sqlite_database.transaction() as session:
        opened = months.open_month(session, org_id, actor=_person(org_id, "clerk"), now=later)
        assert (opened.carried_lines, opened.carried_fen) == (failed, failed * FEN)
    _corrected(sqlite_database, failed, now=later)
    assert _pay(sqlite_database, org_id, bank, now=later)["paid"] == failed
    with sqlite_database.reading() as session:
        _agree(session, org_id, bank, failed=failed)
    _proven(sqlite_database, org_id, now=later)
    _reported(sqlite_database, org_id, bank)


def _person(org_id: str, name: str) -> Actor:
    return Actor(id=f"{name}-1", role=Role.CHARITY_MANAGER, org_id=org_id)


def _posted(database: Database, now: datetime) -> str:
    """The foundation posts its grants by spreadsheet, ten rows of money; as many students have a verified need."""
    with database.transaction() as session:
        org_id = make.an_organisation(session).id
        clerk = _person(org_id, "clerk")
        rows = [_row(number, GRANTS // 10 * FEN // 100) for number in range(10)]
        batch, checked = offers.check_file(
            session, write_csv((*HEAD, *MORE), rows), file_name="grants.csv", actor=clerk, now=now
        )
        assert checked.faults == []
        offers.confirm_import(session, batch.id, actor=clerk, now=now)
        for number in range(GRANTS):
            household = make.a_household(session, name=f"学生{number}", phone=f"1{number:010d}")
            make.auto_match(session, household, now=now)
            make.a_need(session, household, category="EDU.TERM_SUPPORT", unit="FEN", gap_units=FEN)
        return org_id


def _row(number: int, yuan: int) -> Sequence[str | int]:
    terms = ("每人 2000 元", "街道通知，转账支付", "不收取任何费用")
    return (f"G-{number}", "在读助学金", "在读助学", "元", yuan, 1000, 2000, "全市", "2027-05-01", "逐项答复", *terms)


def _matched(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        verifier = Actor(id="verifier-1", role=Role.VERIFIER)
        run = proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
    proposals.work(database, run.id, clock=lambda: now, actor=SYSTEM)
    with database.transaction() as session:
        lines = session.exec(select(ProposedLine.id)).all()
        assert len(approval.approve(session, lines, actor=APPROVER, now=now).approved) == GRANTS


def _accepted(database: Database, org_id: str, now: datetime) -> None:
    """The foundation answers in its own table of matches and brings it back; then each household says yes."""
    clerk = _person(org_id, "clerk")
    with database.transaction() as session:
        head, *rows = csv.reader(
            io.StringIO(matches_file(session, "csv", actor=clerk, lang="zh_Hans").decode("utf-8-sig"))
        )
        filled = [[*row[: head.index("答复")], "接受", ""] for row in rows]
        table = write_csv(head, filled)
        batch, checked = answers.check_file(session, table, file_name="matches.csv", actor=clerk, now=now)
        assert checked.faults == []
        told = answers.confirm_import(session, batch.id, actor=clerk, now=now)
        assert (told["accepted"], told["declined"]) == (GRANTS, 0)
        again, _checked = answers.check_file(session, table, file_name="matches.csv", actor=clerk, now=now)
        assert (again.counts["new"], again.counts["same"]) == (0, GRANTS)
        for match in session.exec(select(Match).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)).all():
            household = session.get_one(Household, match.household_id)
            person = session.exec(select(Person).where(Person.household_id == household.id)).one()
            decisions.household_accepts(
                session,
                match.id,
                data_fields=["name"],
                agrees_to_share=True,
                agrees_to_terms=True,
                person_id=person.id,
                actor=make.as_household(household),
                now=now,
            )


def _type(session: Session, match: Match, *, number: int, name: str, now: datetime) -> None:
    actor = Actor(id=f"home-{number}", role=Role.HOUSEHOLD, household_id=match.household_id)
    typed = payees.Typed(name, "SELF", "示例银行", AccountKind.CARD, card(number))
    payees.save_account(session, match.household_id, typed, actor=actor, now=now)
    payees.permit(session, match.household_id, [match.id], actor=actor, now=now)


def _accounts(database: Database, now: datetime) -> None:
    """Every household types its account and lets the foundation see it."""
    with database.transaction() as session:
        found = session.exec(select(Match).order_by(Match.household_id)).all()
        assert len(found) == GRANTS
        names = dict(_names(session))
        for number, match in enumerate(found):
            _type(session, match, number=number, name=names[match.household_id], now=now)


def _names(session: Session) -> list[tuple[str, str]]:
    """Household ► name, as the factory numbered them."""
    homes = session.exec(select(Household)).all()
    ordered = sorted(homes, key=lambda home: int(home.id.split("-")[1]))
    return [(home.id, f"学生{number}") for number, home in enumerate(ordered)]


def _pay(database: Database, org_id: str, bank: Bank, *, now: datetime) -> dict[str, int]:
    """One batch: prepared, released by another, its XLSX taken to the bank, the answers brought back."""
    clerk, manager = _person(org_id, "clerk"), _person(org_id, "manager")
    with database.transaction() as session:
        batch = batches.prepare(session, org_id, actor=clerk, now=now).batch
    with database.transaction() as session:
        batches.release(session, batch.id, fingerprint=batch.fingerprint, actor=manager, now=now)
    with database.transaction() as session:
        assert files.settle(session, batch.id, actor=clerk, now=now) == []
        file = files.open_file(session, batch.id, form="xlsx", lang="zh_Hans", actor=clerk, now=now)
    answers = bank.answer(file.data, day=f"{now:%Y-%m-%d}")
    with database.transaction() as session:
        upload, checked = results.check_file(session, answers, file_name="bank.xlsx", actor=clerk, now=now)
        assert checked.faults == []
        return dict(results.confirm_import(session, upload.id, actor=clerk, now=now))


def _corrected(database: Database, failed: int, *, now: datetime) -> None:
    """Those whose payment failed correct their account."""
    with database.transaction() as session:
        names = dict(_names(session))
        open_ = session.exec(select(Match).where(col(Match.state) == MatchState.IN_DELIVERY)).all()
        assert len(open_) == failed
        for place, match in enumerate(open_):
            _type(session, match, number=10_000 + place, name=names[match.household_id], now=now)


def _agree(session: Session, org_id: str, bank: Bank, *, failed: int) -> None:
    first, second = (books_of(session, org_id, month) for month in ("2026-11", "2026-12"))
    assert (first.differences, second.differences) == ((), ())
    assert first.paid == Figure(GRANTS - failed, (GRANTS - failed) * FEN)
    assert (first.failed.count, second.paid.count, second.open.count) == (failed, failed, 0)
    ledger = session.exec(
        select(func.sum(col(LedgerEntry.units))).where(col(LedgerEntry.state) == AidState.DELIVERED)
    ).one()
    assert bank.paid_fen == first.bank_fen + second.bank_fen == first.ledger_fen + second.ledger_fen == ledger
    assert bank.paid_fen == GRANTS * FEN
    assert len(session.exec(select(PaymentBatch)).all()) == 2
    assert audit.verify(session).bad_seq == 0


def _proven(database: Database, org_id: str, *, now: datetime) -> None:
    """Each grant gets its slip, each household confirms, and each file of a grant is whole."""
    clerk = _person(org_id, "clerk")
    with database.transaction() as session:
        matches = session.exec(select(Match).order_by(Match.id)).all()
        assert {match.state for match in matches} == {MatchState.DELIVERED}
        for number, match in enumerate(matches):
            evidence.add(session, match.id, Piece(ProofKind.SLIP, text=f"S-{number:04}"), actor=clerk, now=now)
            home = Actor(id=f"home-{number}", role=Role.HOUSEHOLD, household_id=match.household_id)
            decisions.confirm(session, match.id, actor=home, now=now)
        for match in matches:
            file = archive.grant_file(session, match.id, actor=clerk)
            assert [proof.kind for proof in file.proofs] == [ProofKind.SLIP]
            assert file.consent_ref


def _reported(database: Database, org_id: str, bank: Bank) -> None:
    """The project's report and the two monthly ones say what the bank paid."""
    clerk, manager = _person(org_id, "clerk"), _person(org_id, "manager")
    ended = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
    with database.transaction() as session:
        offer_ids = list(session.exec(select(Offer.id).where(Offer.org_id == org_id).order_by(Offer.id)))
        facts = papers.PaperFacts(
            PaperKind.DONATION_RECEIPT, "CQ-1", GRANTS * FEN, datetime(2026, 11, 30, tzinfo=UTC).date(), offer_ids[0]
        )
        papers.store(session, facts, actor=clerk, now=ended)
        project = projects.plan_project(
            session,
            "助学金",
            offer_ids=offer_ids,
            starts_on=datetime(2026, 11, 1, tzinfo=UTC).date(),
            ends_on=None,
            actor=manager,
            now=ended,
        )
        due = projects.dues(session, project, now=ended)[0]
        filed = projects.file_report(session, project, due, actor=manager, now=ended)
        totals = json.loads(filed.content)["totals"]
        assert (totals["deliveries"], totals["households"], totals["returned"]) == (GRANTS, GRANTS, 0)
        assert totals["in_fen"] == totals["out_fen"] == bank.paid_fen
        given = []
        for month in (Month(2026, 11), Month(2026, 12)):
            report = reports.prepare(session, month, org_id=org_id, actor=manager, now=ended)
            reports.publish(session, report.id, actor=manager, now=ended)
            given.append(monthly.totals(session, report)[Reported.GIVEN])
        assert sum(total.rows for total in given) == GRANTS
        assert sum(total.fen for total in given) == bank.paid_fen
        assert audit.verify(session).bad_seq == 0
