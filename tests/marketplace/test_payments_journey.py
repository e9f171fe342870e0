"""A foundation's month without the API, through the pages that its people, the households and civil affairs press:
grants posted by spreadsheet, matched, approved, taken on by a table, paid by a file, some paid again, proven by one
table, their results told in one press, reported; with a ledger and reports that equal the bank to the fen. Each
household says yes, types its account and lets the foundation see it on its own pages, one in twenty with a worker. Only
their verified needs are put in by their services. 60 grants in the ordinary suite, 800 with TORTURE=1.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import Session, col, func, select

from adapters.tabular import read_table
from adapters.tabular_writer import write_csv, write_xlsx
from marketplace import audit
from marketplace.actors import SYSTEM, Role
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import GiverResult, Match, MatchState
from marketplace.households.models import Household
from marketplace.jobs import work_once
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.offers.models import Offer
from marketplace.payments.books import Figure, books_of
from marketplace.payments.models import PaymentBatch
from marketplace.proofs.models import Proof, ProofKind
from marketplace.proposals import service as proposals
from marketplace.proposals.models import ProposedLine
from marketplace.reports import figures as monthly
from marketplace.reports.models import Figure as Reported
from marketplace.reports.models import Report
from marketplace.reports.months import month_of
from tests import factories as make
from tests.marketplace.payment_scene import card
from tests.pages.people import client_as, household_client

GRANTS = 800 if os.environ.get("TORTURE") == "1" else 60
FEN = 200_000
HEAD = ("资源编号", "名称", "类别", "单位", "总量", "每项最低", "每项最高", "区县", "有效期止", "答复方式")
MORE = ("救助标准", "工作流程", "工作规范")
FAILS_EACH = 50
"""Every fiftieth payment fails: 2 %."""
BY_WORKER = 20
"""Every twentieth account is typed at the street office."""
FAILED = GRANTS // FAILS_EACH + (GRANTS % FAILS_EACH > 0)


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


@dataclass
class Month:
    """The people of the foundation and of civil affairs, each with a window."""

    database: Database
    org_id: str
    clerk: FlaskClient
    manager: FlaskClient
    verifier: FlaskClient
    approver: FlaskClient
    worker: FlaskClient
    app: Flask

    def home(self, match: Match) -> FlaskClient:
        """The window of the household of a match."""
        return household_client(self.app, match.household_id)

    def bring(self, who: FlaskClient, desk: str, data: bytes, *, name: str) -> str:
        """Upload a table, look at what it would do, confirm it; return what the page said before."""
        sent = who.post(f"{desk}/import", data={"file": (io.BytesIO(data), name)})
        assert sent.status_code == 303, sent.text
        seen = who.get(sent.location).text
        confirmed = who.post(f"{sent.location}/confirm")
        assert confirmed.status_code == 303, confirmed.text
        return seen

    def matches(self, state: MatchState) -> list[Match]:
        with self.database.reading() as session:
            wanted = select(Match).where(col(Match.state) == state).order_by(Match.household_id)
            return list(session.exec(wanted))


@pytest.fixture
def month(settings: Settings, sqlite_database: Database) -> Iterator[Month]:
    now = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        org_id = make.an_organisation(session).id
        for number in range(GRANTS):
            household = make.a_household(session, name=f"学生{number}", phone=f"1{number:010d}")
            make.auto_match(session, household, now=now)
            make.a_need(session, household, category="EDU.TERM_SUPPORT", unit="FEN", gap_units=FEN)
    app: Flask = create_app(settings, database=sqlite_database)
    giver = {"org_id": org_id}
    civil_affairs = [client_as(app, role) for role in (Role.VERIFIER, Role.APPROVER, Role.WORKER)]
    for window in civil_affairs:
        window.set_cookie("lang", "en")
    return Month(
        sqlite_database,
        org_id,
        clerk=client_as(app, Role.CHARITY_WORKER, **giver),
        manager=client_as(app, Role.CHARITY_MANAGER, **giver),
        **dict(zip(("verifier", "approver", "worker"), civil_affairs, strict=True)),
        app=app,
    )


def test_a_foundation_s_month_through_the_pages_ends_with_a_ledger_that_equals_the_bank(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted(month)
    matched(month)
    taken_on(month)
    bank = Bank(closed={card(number) for number in range(0, GRANTS, FAILS_EACH)})
    accounts_typed(month, range(GRANTS))
    paid(month, bank)
    assert len(month.matches(MatchState.IN_DELIVERY)) == FAILED
    accounts_typed(month, range(10_000, 10_000 + FAILED), again=True)
    paid(month, bank)
    agreed(month, bank)
    proven(month)
    reported(month, bank, monkeypatch)


def posted(month: Month) -> None:
    """Ten rows of money by spreadsheet."""
    ends = f"{local_day(datetime.now(UTC)) + timedelta(days=300)}"
    month.bring(
        month.manager,
        "/offers",
        write_csv((*HEAD, *MORE), [a_row(number, GRANTS // 10 * FEN // 100, ends) for number in range(10)]),
        name="grants.csv",
    )
    with month.database.reading() as session:
        stock = session.exec(select(func.sum(col(Offer.stock_units))).where(Offer.org_id == month.org_id)).one()
    assert stock == GRANTS * FEN


def a_row(number: int, yuan: int, ends: str) -> Sequence[str | int]:
    terms = ("每人 2000 元", "街道通知，转账支付", "不收取任何费用")
    return (f"G-{number}", "在读助学金", "在读助学", "元", yuan, 1000, 2000, "全市", ends, "逐项答复", *terms)


def matched(month: Month) -> None:
    """A verifier starts a run, the worker does it, an approver ticks whole pages and confirms."""
    begun = month.verifier.post("/runs/start", data={"order": "urgency_first", "budget_s": "10"})
    assert begun.status_code == 303, begun.text
    clock = lambda: datetime.now(UTC)  # noqa: E731  the worker's clock
    job = {proposals.JOB: lambda run: proposals.work(month.database, run, clock=clock, actor=SYSTEM)}
    assert work_once(month.database, job, clock=clock)
    with month.database.reading() as session:
        assert session.exec(select(func.count()).select_from(ProposedLine)).one() == GRANTS
    for _page in range(-(-GRANTS // 100)):
        ticked = re.findall(r'name="line" value="([^"]+)"', month.approver.get("/matches/?size=100").text)
        shown = month.approver.post("/matches/confirm", data={"line": ticked})
        kept = re.findall(r'name="line" value="([^"]+)"', shown.text)
        assert sorted(kept) == sorted(ticked)
        assert month.approver.post("/matches/approve", data={"line": kept}).status_code == 303
    assert len(month.matches(MatchState.AWAITING_GIVER)) == GRANTS
    assert "At most 200 lines" in month.approver.post("/matches/confirm", data={"line": ["x"] * 201}).text


def taken_on(month: Month) -> None:
    """The foundation answers in its own table of matches and brings it back; then each household says yes."""
    file = month.clerk.get("/our-matches/export.csv").data.decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(file))
    filled = write_csv(head, [[*row[: head.index("答复")], "接受", ""] for row in rows])
    month.bring(month.manager, "/our-matches", filled, name="matches.csv")
    waiting = month.matches(MatchState.AWAITING_HOUSEHOLD)
    assert len(waiting) == GRANTS
    for match in waiting:
        yes = {"agrees_to_terms": "y", "agrees_to_share": "y", "data_fields": ["name"]}
        assert month.home(match).post(f"/offers-to-me/{match.id}/accept", data=yes).status_code == 303


def accounts_typed(month: Month, numbers: range, *, again: bool = False) -> None:
    """Every household that waits for its money reads so on its offer, types an account on its own page and lets the
    foundation see it there. One in twenty comes to the street office instead: a worker types the account with it, a
    second person looks at it, and the household lets the foundation see it by itself. Who corrects an account has let
    the foundation see it already."""
    with month.database.reading() as session:
        names = {home: f"学生{number}" for number, home in enumerate(homes(session))}
    waiting = month.matches(MatchState.IN_DELIVERY)
    for number, match in zip(numbers, waiting, strict=True):
        home, own = month.home(match), {} if again else {"matches": [match.id]}
        assert number % BY_WORKER or "现在需要您办理" in home.get(f"/offers-to-me/{match.id}").text
        typed = {"holder": names[match.household_id], "relation": "SELF", "bank": "示例银行", "kind": "card"}
        typed |= {"account": card(number), "again": card(number)}
        if number % BY_WORKER:
            assert home.post("/payments/my-account/edit", data=typed | own).status_code == 303
            continue
        at = f"/payments/households/{match.household_id}/account"
        assert month.worker.post(at, data=typed).status_code == 303
        assert again or home.post("/payments/my-account/allow", data=own).status_code == 303
        looked_at(month)


def looked_at(month: Month) -> None:
    """A verifier opens each account that waits and says that it is right."""
    listed = re.findall(r"/payments/accounts/([0-9a-z]+)", month.verifier.get("/payments/accounts").text)
    assert listed
    for payee_id in dict.fromkeys(listed):
        at = f"/payments/accounts/{payee_id}"
        assert month.verifier.post(f"{at}/show").status_code == 200
        assert month.verifier.post(f"{at}/decide", data={"verdict": "accept"}).status_code == 303


def homes(session: Session) -> list[str]:
    """The households as the factory numbered them."""
    return sorted(session.exec(select(Household.id)), key=lambda home: int(home.split("-")[1]))


def paid(month: Month, bank: Bank) -> None:
    """One batch: prepared, released by another, its XLSX taken to the bank, the answers brought back."""
    assert month.clerk.post("/payments/prepare").status_code == 303
    with month.database.reading() as session:
        batch = session.exec(select(PaymentBatch).order_by(col(PaymentBatch.number).desc())).first()
        assert batch is not None
    at = f"/payments/batches/{batch.id}"
    seen = re.search(r'name="fingerprint" value="([0-9a-f]+)"', month.manager.get(at).text)
    assert seen is not None
    assert month.manager.post(f"{at}/release", data={"fingerprint": seen[1]}).status_code == 303
    file = month.clerk.post(f"{at}/file.xlsx")
    assert file.status_code == 200
    answers = bank.answer(file.data, day=f"{local_day(datetime.now(UTC))}")
    month.bring(month.clerk, "/payments", answers, name="bank.xlsx")


def agreed(month: Month, bank: Bank) -> None:
    """Bank, books and ledger say the same, to the fen."""
    this = month_of(datetime.now(UTC)).text
    assert "台账与银行分毫不差" in month.manager.get(f"/payments/months/{this}").text
    with month.database.reading() as session:
        books = books_of(session, month.org_id, this)
        delivered = col(LedgerEntry.state) == AidState.DELIVERED
        ledger = session.exec(select(func.sum(col(LedgerEntry.units))).where(delivered)).one()
        batches = session.exec(select(func.count()).select_from(PaymentBatch)).one()
    assert books.differences == ()
    assert (books.paid, books.failed.count, books.open.count) == (Figure(GRANTS, GRANTS * FEN), FAILED, 0)
    assert bank.paid_fen == books.bank_fen == books.ledger_fen == ledger == GRANTS * FEN
    assert batches == 2


def proven(month: Month) -> None:
    """One table brings every slip, one press every result; each household confirms on its own page."""
    table = read_table(month.clerk.get("/proofs/unproven.xlsx").data)
    slip = table.columns.index("纸质回执号")
    rows = [[*row[:slip], f"S-{number:04}", *row[slip + 1 :]] for number, row in enumerate(table.rows)]
    assert len(rows) == GRANTS
    filled = write_xlsx(table.columns, rows)
    month.bring(month.clerk, "/proofs", filled, name="slips.xlsx")
    assert sheet_of(month.clerk, "/proofs/unproven.xlsx")[1:] == [], "every delivery has its slip now"
    told = month.clerk.post("/deliveries/results", data={"outcome": "reached", "minutes": "12", "every": "y"})
    assert told.status_code == 303, told.text
    for match in month.matches(MatchState.DELIVERED):
        assert month.home(match).post(f"/offers-to-me/{match.id}/received").status_code == 303
    assert len(month.matches(MatchState.CONFIRMED)) == GRANTS
    with month.database.reading() as session:
        slips = select(func.count(func.distinct(Proof.match_id))).where(col(Proof.kind) == ProofKind.SLIP)
        assert session.exec(slips).one() == GRANTS
        assert session.exec(select(func.count()).select_from(GiverResult)).one() == GRANTS
        first = session.exec(select(Match.id).order_by(Match.id)).first()
    assert "纸质回执号" in month.clerk.get(f"/proofs/grants/{first}").text


def reported(month: Month, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The month's report, its table and its paper, published after the month has ended."""
    now = datetime.now(UTC)
    this = month_of(now)
    counted = month.manager.post("/reports/count", data={"month": this.text})
    assert counted.status_code == 303, counted.text
    assert month.manager.post(f"{counted.location}/publish").status_code == 409, "the month still runs"
    later = this.ends + timedelta(hours=3)
    monkeypatch.setattr("marketplace.reports.views.utc_now", lambda: later)
    again = month.manager.post("/reports/count", data={"month": this.text}).location
    assert month.manager.post(f"{again}/publish").status_code == 303
    assert "SHA-256" in month.manager.get(f"{again}/print").text
    with month.database.reading() as session:
        report = session.get_one(Report, again.rpartition("/")[2])
        totals, effort = monthly.totals(session, report), monthly.effort(session, report)
        assert audit.verify(session).bad_seq == 0
    assert (totals[Reported.GIVEN].rows, totals[Reported.GIVEN].fen) == (GRANTS, bank.paid_fen)
    assert effort.givers == monthly.Told(12.0, GRANTS, GRANTS)
    sheet = sheet_of(month.manager, f"{again}/rows.xlsx")
    worth = sheet[0].index("价值（元）")
    given = [row for row in sheet[1:] if row[0] == "通过善桥发放"]
    assert round(100 * sum(float(str(row[worth])) for row in given)) == bank.paid_fen


def sheet_of(who: FlaskClient, path: str) -> list[list[object]]:
    """The first sheet of a file that a page gives."""
    return CalamineWorkbook.from_filelike(io.BytesIO(who.get(path).data)).get_sheet_by_index(0).to_python()
