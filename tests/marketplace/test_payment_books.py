"""The books of a month: the bank and the ledger agree to the fen, or each difference has its cause."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, func, select

from marketplace.clocks import service as clocks
from marketplace.consent.ask import find_head
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.closing import Answers
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from marketplace.payments import after_end, batches, month_table, payees
from marketplace.payments.books import Figure, books_of, months_of
from marketplace.payments.models import BatchState, LineState, PaymentBatch, PaymentLine, PaymentMonth
from marketplace.payments.months import open_month
from marketplace.payments.open_matches import open_of_giver
from marketplace.proposals.models import LineState as ProposedState
from marketplace.proposals.models import ProposedLine
from marketplace.sharing.models import DeletionOrder
from tests.marketplace.payment_scene import Grant, Month, a_month, card

TORTURE = os.environ.get("TORTURE") == "1"
SEEDS = range(200 if TORTURE else 3)
ACTS = 40 if TORTURE else 18
WHEN_PAID = {
    MatchState.DELIVERED: "handed_over_too",
    MatchState.RECLAIMING: "handed_over_too",
    MatchState.RETURNED: "not_received",
    MatchState.GIVEN_BACK: "back_without_bank",
    MatchState.CANCELLED: "paid_after_end",
}
"""What the books must say when the bank pays a line whose match was in this state already."""


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: the books are plain sums that no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


class History:
    """Acts drawn by chance, with a bank of its own that adds up what it paid and took back."""

    def __init__(self, session: Session, now: datetime, seed: int, *, mishaps: bool) -> None:
        self.pick = random.Random(seed)
        self.month, self.session, self.mishaps = a_month(session, now), session, mishaps
        self.bank_fen = self.gross_fen = 0
        self.expected: dict[str, str] = {}
        self.grant()
        self.batch()
        self.answers()

    def act(self) -> None:
        acts = (
            [self.grant] * 3
            + [self.batch] * 3
            + [self.answers] * 5
            + [self.correct, self.come_back, self.permit_ends, self.reclaim, self.follow_up]
        )
        if self.mishaps:
            acts += [self.ends_after_sending, self.nothing_arrived, self.handed_over, self.given_back]
        self.pick.choice(acts)()

    def grant(self) -> None:
        for _ in range(self.pick.randint(1, 3)):
            self.month.grant(fen=self.pick.choice([1, 99, 12_345, 250_000]))

    def batch(self) -> None:
        try:
            batch = self.month.release(self.month.prepare())
            self.month.file(batch)
        except BadInput:
            return

    def lines(self, *states: LineState) -> list[PaymentLine]:
        wanted = (
            select(PaymentLine)
            .join(PaymentBatch)
            .where(col(PaymentLine.state).in_(states), PaymentBatch.state == BatchState.SENT)
            .order_by(PaymentLine.reference)
        )
        return list(self.session.exec(wanted))

    def answers(self) -> None:
        rows = []
        for line in self.lines(LineState.WAITING):
            chance = self.pick.random()
            if chance < 0.5 or not self.gross_fen:
                rows.append((line.reference, "paid", ""))
                self.bank_fen += line.amount_fen
                self.gross_fen += line.amount_fen
                cause = WHEN_PAID.get(session_match(self.session, line).state, "")
                self.expected.update({line.match_id: cause} if cause else {})
            elif chance < 0.7:
                rows.append((line.reference, "failed", self.pick.choice(["account_closed", "bank_busy"])))
        if rows:
            self.month.answer(rows, day=self.day())

    def come_back(self) -> None:
        for line in self.lines(LineState.PAID)[:1]:
            before = session_match(self.session, line).state
            self.month.answer([(line.reference, "returned", "")], day=self.day())
            self.bank_fen -= line.amount_fen
            if before in (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED):
                assert session_match(self.session, line).state is MatchState.RETURNED
            self.expected.pop(line.match_id, None)

    def reclaim(self) -> None:
        for line in self.lines(LineState.PAID)[:1]:
            match = session_match(self.session, line)
            if match.state is not MatchState.DELIVERED:
                continue
            household = next(grant.actor for grant in self.month.grants if grant.match.id == match.id)
            decisions.confirm(self.session, match.id, actor=household, now=self.month.now)
            decisions.reclaim_open(
                self.session, match.id, reason_code="misuse", actor=self.month.manager, now=self.month.now
            )
            self.month.answer([(line.reference, "reclaimed", "")], day=self.day())
            self.bank_fen -= line.amount_fen
            assert session_match(self.session, line).state is MatchState.RECLAIMED

    def follow_up(self) -> None:
        for line in self.lines(LineState.PAID)[:1]:
            for grant in self.month.grants:
                if grant.match.id == line.match_id and grant.match.state is MatchState.DELIVERED:
                    closed_by_household(self.session, grant, now=self.month.now)

    def given_back(self) -> None:
        for grant in self.some(MatchState.DELIVERED):
            paid = grant.match.paid_at is not None
            decisions.give_back(
                self.session, grant.match.id, reason_code="not_fitting", actor=grant.actor, now=self.month.now
            )
            if not paid and self.expected.pop(grant.match.id, "") != "no_bank_result":
                self.expected[grant.match.id] = "back_without_bank"

    def correct(self) -> None:
        failed = {
            p.match.id for p in open_of_giver(self.session, self.month.organisation.id, now=self.month.now) if p.blocker
        }
        for grant in self.month.grants:
            if grant.match.id in failed:
                self.month.type_account(grant, account=card(1000 + self.pick.randint(0, 10**6)))
                payees.permit(self.session, grant.household.id, [grant.match.id], actor=grant.actor, now=self.month.now)

    def permit_ends(self) -> None:
        for grant in self.some(MatchState.IN_DELIVERY):
            match = grant.match
            head = find_head(
                self.session, match.household_id, purpose="PAYMENT", org_id=match.org_id, match_id=match.id
            )
            if head is not None and head.state.value == "active":
                decisions.withdraw_consent(self.session, head.chain_id, actor=grant.actor, now=self.month.now)

    def ends_after_sending(self) -> None:
        for grant in self.some(MatchState.IN_DELIVERY):
            chain_id = grant.match.consent_chain_id
            assert chain_id is not None
            decisions.withdraw_consent(self.session, chain_id, actor=grant.actor, now=self.month.now)

    def nothing_arrived(self) -> None:
        for grant in self.some(MatchState.DELIVERED):
            decisions.not_received(self.session, grant.match.id, actor=grant.actor, now=self.month.now)

    def handed_over(self) -> None:
        for grant in self.some(MatchState.IN_DELIVERY):
            if any(line.match_id == grant.match.id for line in self.lines(LineState.WAITING)):
                with pytest.raises(WrongState, match="payment_on_its_way"):
                    decisions.deliver(self.session, grant.match.id, actor=self.month.clerk, now=self.month.now)
                continue
            decisions.deliver(self.session, grant.match.id, actor=self.month.clerk, now=self.month.now)
            self.expected[grant.match.id] = "no_bank_result"

    def some(self, state: MatchState) -> list:  # type: ignore[type-arg]
        found = [grant for grant in self.month.grants if grant.match.state is state]
        return self.pick.sample(found, 1) if found else []

    def day(self) -> str:
        return self.month.now.date().isoformat()

    def next_month(self) -> None:
        clerk = self.month.clerk
        for order in self.session.exec(select(DeletionOrder).where(col(DeletionOrder.attested_at).is_(None))).all():
            order.attested_at, order.attested_by = self.month.now, clerk.id  # the giver deletes what it was told to
        self.month.now += timedelta(days=31)
        if self.pick.random() < 0.5:
            self.come_back()  # told when the next month has begun and the one before is not closed yet
        self.close()

    def close(self) -> None:
        open_month(self.session, self.month.organisation.id, actor=self.month.clerk, now=self.month.now)


def session_match(session: Session, line: PaymentLine) -> Match:
    return session.get_one(Match, line.match_id)


def closed_by_household(session: Session, grant: Grant, *, now: datetime) -> None:
    """The household says that it arrived, and how it went: the match is closed."""
    decisions.confirm(session, grant.match.id, actor=grant.actor, now=now)
    decisions.follow_up(session, grant.match.id, Answers(5, "nothing"), actor=grant.actor, now=now)
    assert grant.match.state is MatchState.CLOSED


def ledger_fen(session: Session) -> int:
    total = select(func.coalesce(func.sum(col(LedgerEntry.units)), 0)).where(LedgerEntry.state == AidState.DELIVERED)
    return session.exec(total).one()


def frozen_fen(history: History) -> int:
    """What the closed months say together that the bank moved, once the last of them is closed too."""
    history.month.now += timedelta(days=31)
    history.close()
    kept = [row.figures for row in history.session.exec(select(PaymentMonth)) if row.closed_at]
    return sum(row["paid"]["fen"] - row["returned"]["fen"] - row["reclaimed"]["fen"] for row in kept)


def all_books(history: History) -> list:  # type: ignore[type-arg]
    org_id = history.month.organisation.id
    return [books_of(history.session, org_id, month) for month in months_of(history.session, org_id)]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_in_whatever_order_bank_and_ledger_agree_to_the_fen(
    session: Session, now: datetime, seed: int
) -> None:
    history = History(session, now, seed, mishaps=False)
    for turn in range(ACTS):
        history.act()
        if turn % 8 == 7:
            history.next_month()
    books = all_books(history)
    assert history.gross_fen > 0
    assert sum(book.bank_fen for book in books) == history.bank_fen
    assert sum(book.ledger_fen for book in books) == ledger_fen(session)
    assert [book.differences for book in books] == [()] * len(books)
    assert sum(book.moved_fen for book in books) == history.bank_fen
    assert frozen_fen(history) == history.bank_fen


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mishap_is_a_difference_with_its_cause_and_nothing_is_lost_between_the_months(
    session: Session, now: datetime, seed: int
) -> None:
    history = History(session, now, seed, mishaps=True)
    for turn in range(ACTS):
        history.act()
        if turn % 8 == 7:
            history.next_month()
    books = all_books(history)
    assert sum(book.bank_fen for book in books) == history.bank_fen
    assert sum(book.ledger_fen for book in books) == ledger_fen(session)
    found = {row.match_id: row.cause for book in books for row in book.differences}
    assert found == history.expected
    assert frozen_fen(history) == history.bank_fen


@pytest.fixture
def month(session: Session, now: datetime) -> Month:
    return a_month(session, now, grants=3)


def test_the_figures_of_a_month_say_what_became_of_each_grant(session: Session, month: Month) -> None:
    first, second, _third = month.lines(month.sent())
    month.answer([(first.reference, "paid", ""), (second.reference, "failed", "limit")])
    books = books_of(session, month.organisation.id, "2026-11")
    three, one = Figure(3, 300_000), Figure(1, 100_000)
    assert (books.matched, books.accepted, books.ordered) == (three, three, three)
    assert (books.paid, books.failed, books.at_bank) == (one, one, one)
    assert books.open == Figure(2, 200_000)
    assert (books.bank_fen, books.ledger_fen, books.difference_fen) == (100_000, 100_000, 0)


def test_opening_a_month_carries_open_lines_over_and_keeps_the_old_figures(session: Session, month: Month) -> None:
    first, second, third = month.lines(month.sent())
    month.answer([(first.reference, "paid", ""), (second.reference, "failed", "limit")])
    month.grant()
    draft = month.prepare()
    table = [row[0] for row in month_table.rows(session, month.organisation.id, draft.month, lang="en")]
    assert table == [first.reference, second.reference, third.reference], "what was never at the bank waits for nothing"
    month.now += timedelta(days=10)
    opened = open_month(session, month.organisation.id, actor=month.clerk, now=month.now)
    assert draft.state is BatchState.DROPPED
    assert (opened.month, opened.carried_lines, opened.carried_fen) == ("2026-12", 2, 200_000)
    old = session.get_one(PaymentMonth, (month.organisation.id, "2026-11"))
    assert old.closed_at == month.now
    assert old.figures["paid"] == {"count": 1, "fen": 100_000}
    batch = month.prepare()
    assert (batch.month, len(month.lines(batch))) == ("2026-12", 2)
    with pytest.raises(WrongState, match="month_open"):
        open_month(session, month.organisation.id, actor=month.clerk, now=month.now)


def moved(figures: dict) -> tuple:  # type: ignore[type-arg]
    """Of a closed month: paid, sent back, and what of it happened in months closed before."""
    return tuple((figures[name]["count"], figures[name]["fen"]) for name in ("paid", "returned", "late"))


def test_closed_months_say_what_the_statement_of_the_bank_says_of_each(session: Session, month: Month) -> None:
    first, second, third = month.lines(month.sent())
    month.answer([(first.reference, "paid", "")])
    month.grant()
    released = month.release(month.prepare())
    month.now += timedelta(days=10)
    open_month(session, month.organisation.id, actor=month.clerk, now=month.now)
    month.file(released)
    (fourth,) = month.lines(released)
    december = month.now.date().isoformat()
    month.answer([(fourth.reference, "paid", ""), (first.reference, "returned", "")], day=december)
    month.answer([(second.reference, "paid", "")], day="2026-11-23")
    month.now += timedelta(days=31)
    month.answer([(third.reference, "paid", "")], day=december)
    open_month(session, month.organisation.id, actor=month.clerk, now=month.now)
    rows = [session.get_one(PaymentMonth, (month.organisation.id, of)).figures for of in ("2026-11", "2026-12")]
    assert moved(rows[0]) == ((1, 100_000), (0, 0), (0, 0)), "paid on 23 November and told before the close"
    assert moved(rows[1]) == ((3, 300_000), (1, 100_000), (1, 100_000)), "one of the three was paid on 23 November"
    now = books_of(session, month.organisation.id, "2026-11")
    assert (now.paid, now.returned, now.moved_fen) == (Figure(1, 100_000), Figure(), 100_000), "closed is closed"


def test_a_hand_over_without_the_bank_is_told_as_such(session: Session, month: Month) -> None:
    decisions.deliver(session, month.grants[0].match.id, actor=month.clerk, now=month.now)
    books = books_of(session, month.organisation.id, "2026-11")
    assert [(row.cause, row.fen) for row in books.differences] == [("no_bank_result", -100_000)]
    assert books.difference_fen == -100_000


def test_money_paid_after_a_withdrawal_is_a_difference_until_it_comes_back(session: Session, month: Month) -> None:
    line = month.lines(month.sent())[0]
    grant = next(grant for grant in month.grants if grant.match.id == line.match_id)
    decisions.withdraw_consent(session, grant.match.consent_chain_id or "", actor=grant.actor, now=month.now)
    month.answer([(line.reference, "paid", "")])
    (row,) = books_of(session, month.organisation.id, "2026-11").differences
    assert (row.cause, row.reference, row.fen) == ("paid_after_end", line.reference, 100_000)
    need = session.get_one(Need, grant.match.need_id)
    assert (need.state, need.state_reason, need.committed_units) == (NeedState.HELD, "paid_after_end", 0)
    (clock,) = clocks.running_of(session, after_end.ref_of(grant.match.id))
    assert clock.step == "paid_after_end"
    told = select(Notice.letter).where(Notice.household_id == grant.household.id)
    assert "payment_paid" in session.exec(told).all()
    month.answer([(line.reference, "returned", "")])
    assert clocks.running_of(session, after_end.ref_of(grant.match.id)) == []
    assert need.state is NeedState.VERIFIED
    assert books_of(session, month.organisation.id, "2026-11").differences == ()
    assert batches.lines_of(session, line.batch_id, states=(LineState.RETURNED,)) == [line]


def test_money_the_bank_sends_back_after_the_close_leaves_no_difference_and_bars_nobody(
    session: Session, month: Month
) -> None:
    line = month.lines(month.sent())[0]
    grant = next(grant for grant in month.grants if grant.match.id == line.match_id)
    month.answer([(line.reference, "paid", "")])
    closed_by_household(session, grant, now=month.now)
    month.answer([(line.reference, "returned", "")])
    match = session_match(session, line)
    assert match.state is MatchState.RETURNED
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED
    assert session.get_one(Need, match.need_id).state is NeedState.VERIFIED
    assert books_of(session, month.organisation.id, "2026-11").differences == ()
    told = select(Notice.household_id).where(Notice.letter == "match_cancelled", Notice.key.endswith("bank_sent_back"))  # type: ignore[attr-defined]
    assert session.exec(told).all() == [grant.household.id]
    proposed = session.get_one(ProposedLine, match.line_id)
    assert proposed.state is ProposedState.STALE, "nobody said no: the pair may be proposed again"
