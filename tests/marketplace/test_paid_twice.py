"""A payment that two people stopped and the bank made all the same, beside the one that took its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.consent.ask import is_alive
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.intake import Checked, ImportBatch
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from marketplace.payments import batches, results, stopping, twice
from marketplace.payments.books import Books, books_of
from marketplace.payments.models import LineState, PaymentLine
from tests.marketplace.payment_scene import Month, a_month
from tests.marketplace.test_paid_after_end import ELSEWHERE, OFFICER
from tests.pages.people import client_as, household_client


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def stop(month: Month, line: PaymentLine) -> None:
    """Two people say that the bank will not pay it."""
    for actor in (month.clerk, month.manager):
        stopping.stop_line(month.session, line.batch_id, line.id, actor=actor, now=month.now)


def two_lines(session: Session, now: datetime) -> tuple[Month, PaymentLine, PaymentLine]:
    """One grant: the first payment was stopped, the second is with the bank."""
    month = a_month(session, now, grants=1)
    (first,) = month.lines(month.sent())
    stop(month, first)
    (second,) = month.lines(month.sent())
    return month, first, second


def books(month: Month) -> Books:
    return books_of(month.session, month.organisation.id, "2026-11")


def asked(session: Session, line: PaymentLine) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, twice.ref_of(line.id))]


def test_one_person_alone_stops_nothing_that_is_at_the_bank(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    stopping.stop_line(session, line.batch_id, line.id, actor=month.manager, now=now)
    with pytest.raises(WrongState, match="same_person_twice"):
        stopping.stop_line(session, line.batch_id, line.id, actor=month.manager, now=now)
    assert line.state is LineState.WAITING
    stopping.stop_line(session, line.batch_id, line.id, actor=month.clerk, now=now)
    assert (line.state, line.reason_code) == (LineState.DROPPED, "stopped")


def test_what_the_bank_paid_twice_is_kept_and_a_person_asked_until_one_comes_back(
    session: Session, now: datetime
) -> None:
    month, first, second = two_lines(session, now)
    counts = month.answer([(first.reference, "paid", ""), (second.reference, "paid", "")])
    assert (counts["paid"], counts["paid_twice"]) == (2, 1)
    assert (first.state, second.state) == (LineState.PAID_TWICE, LineState.PAID)
    match = month.grants[0].match
    assert match.state is MatchState.DELIVERED
    assert (books(month).moved_fen, books(month).difference_fen) == (200_000, 100_000)
    assert [row.cause for row in books(month).differences] == ["paid_twice"]
    assert asked(session, first) == ["paid_twice"]
    letters = session.exec(select(Notice.letter).where(Notice.household_id == match.household_id)).all()
    assert letters.count("paid_twice") == 1
    month.answer([(first.reference, "returned", "other")])
    assert (first.state, match.state, asked(session, first)) == (LineState.RETURNED, MatchState.DELIVERED, [])
    told = session.exec(select(Notice.letter).where(Notice.household_id == match.household_id)).all()
    assert told.count("twice_back") == 1, "what happens with it was promised"
    assert (books(month).moved_fen, books(month).difference_fen, books(month).differences) == (100_000, 0, ())


def checked_of(month: Month, *rows: tuple[str, str, str, str, str]) -> tuple[ImportBatch, Checked]:
    """The dry run of the bank's table of (reference, result, reason, its own number, day)."""
    data = write_csv(["reference", "result", "reason_code", "bank_ref", "on_day"], rows)
    return results.check_file(month.session, data, file_name="b.csv", actor=month.manager, now=month.now)


def faults(month: Month, *rows: tuple[str, str, str, str, str]) -> list[str]:
    return [fault.code for fault in checked_of(month, *rows)[1].faults]


def told(month: Month, *rows: tuple[str, str, str, str, str]) -> dict[str, int]:
    """The same, confirmed."""
    batch, checked = checked_of(month, *rows)
    assert checked.faults == [], [fault.code for fault in checked.faults]
    return dict(results.confirm_import(month.session, batch.id, actor=month.manager, now=month.now))


@pytest.mark.parametrize("together", [True, False])
def test_one_reference_that_the_bank_paid_twice_is_two_payments_by_its_own_numbers(
    session: Session, now: datetime, together: bool
) -> None:
    month = a_month(session, now, grants=1)
    batch = month.sent()
    (line,) = month.lines(batch)
    first, second = ((line.reference, "paid", "", ref, "2026-11-23") for ref in ("B1", "B2"))
    counts = [told(month, *rows) for rows in ([(first, second)] if together else [(first,), (second,)])]
    assert (sum(one["paid"] for one in counts), counts[-1]["paid_twice"]) == (2, 1)
    assert told(month, first, second)["same"] == 2, "the same answers again change nothing"
    _line, again = month.lines(batch)
    assert (line.state, again.state, again.reference) == (LineState.PAID, LineState.PAID_TWICE, f"{line.reference}-2")
    assert (books(month).ordered.fen, books(month).moved_fen, books(month).difference_fen) == (
        100_000,
        200_000,
        100_000,
    )
    assert [row.cause for row in books(month).differences] == ["paid_twice"]
    assert asked(session, again) == ["paid_twice"]
    assert batches.fingerprint_of(session, batch) == batch.fingerprint, "nobody ordered it"
    told(month, (line.reference, "returned", "other", "B3", "2026-11-23"))
    assert (books(month).moved_fen, books(month).differences, asked(session, again)) == (100_000, (), [])
    told(month, (line.reference, "returned", "other", "B4", "2026-11-23"))
    assert {one.state for one in month.lines(batch)} == {LineState.RETURNED}
    assert books(month).moved_fen == 0


def test_the_bank_s_number_alone_makes_no_second_payment(session: Session, now: datetime) -> None:
    """A failure that is told twice, and a payment whose number came later, stay what they are."""
    month = a_month(session, now, grants=2)
    batch = month.sent()
    failed, paid = month.lines(batch)
    told(
        month,
        (failed.reference, "failed", "bank_busy", "B1", "2026-11-23"),
        (paid.reference, "paid", "", "", "2026-11-23"),
    )
    counts = told(
        month,
        (failed.reference, "failed", "bank_busy", "B2", "2026-11-23"),
        (paid.reference, "paid", "", "B3", "2026-11-23"),
    )
    assert (counts["new"], counts["numbered"], counts["same"], len(month.lines(batch))) == (0, 1, 1, 2)
    acts = select(AuditRow.object_ref, AuditRow.decision).where(AuditRow.action == "payment:number")
    assert session.exec(acts).all() == [(paid.reference, "paid")]
    third = told(month, (paid.reference, "paid", "", "B4", "2026-11-23"))
    assert (third["paid_twice"], len(month.lines(batch))) == (1, 3), "beside the number that came later it is another"
    assert told(month, (paid.reference, "paid", "", "B3", "2026-11-23"))["same"] == 1


def test_the_bank_s_numbers_tell_the_answers_of_one_payment_apart_where_it_is_found(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month = a_month(session, now, grants=1)
        (line,) = month.lines(month.sent())
        told(month, (line.reference, "paid", "", "", "2026-11-23"))
        told(month, (line.reference, "paid", "", "B-LATE", "2026-11-23"))
        told(month, (line.reference, "paid", "", "B-OTHER", "2026-11-23"))
        org_id, reference = month.organisation.id, line.reference
    giver = client_as(create_app(settings, database=sqlite_database), Role.CHARITY_MANAGER, org_id=org_id)
    page = giver.get(f"/payments/find?reference={reference}").text
    assert ("B-LATE" in page, "B-OTHER" in page) == (True, True)


def test_two_payments_of_which_the_first_came_without_a_number_are_told_apart_in_one_table(
    session: Session, now: datetime
) -> None:
    """By the days too: the other one may be of another day, and stand first."""
    month = a_month(session, now, grants=1)
    batch = month.sent()
    (line,) = month.lines(batch)
    month.now = now + timedelta(days=1)
    told(month, (line.reference, "paid", "", "", "2026-11-23"))
    other = (line.reference, "paid", "", "B2", "2026-11-24")
    assert faults(month, other) == ["payment_told_otherwise"]
    counts = told(month, other, (line.reference, "paid", "", "B1", "2026-11-23"))
    assert (counts["numbered"], counts["paid_twice"]) == (1, 1)
    assert books(month).moved_fen == 200_000


@pytest.mark.parametrize("refs", [("", "B1"), ("B1", "")])
def test_one_reference_twice_in_a_table_of_which_one_has_no_number_is_asked_about(
    session: Session, now: datetime, refs: tuple[str, str]
) -> None:
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    assert faults(month, *((line.reference, "paid", "", ref, "2026-11-23") for ref in refs)) == [
        "payment_number_missing"
    ]


@pytest.mark.parametrize(("result", "reason"), [("failed", "bank_busy"), ("returned", "other")])
def test_where_the_other_one_fails_or_comes_back_the_first_is_the_payment(
    session: Session, now: datetime, result: str, reason: str
) -> None:
    month, first, second = two_lines(session, now)
    rows = [(first.reference, "paid", "")] + ([(second.reference, "paid", "")] if result == "returned" else [])
    month.answer(rows)
    assert first.state is LineState.PAID_TWICE
    month.answer([(second.reference, result, reason)])
    assert (first.state, asked(session, first)) == (LineState.PAID, [])
    match = month.grants[0].match
    assert (match.state, match.paid_at is not None) == (MatchState.DELIVERED, True)
    assert (books(month).moved_fen, books(month).differences) == (100_000, ())
    month.answer([(first.reference, "returned", "other")])
    assert match.state is MatchState.RETURNED


def test_where_the_other_one_is_stopped_too_the_first_is_the_payment_and_is_followed_at_once(
    session: Session, now: datetime
) -> None:
    month, first, second = two_lines(session, now)
    month.answer([(first.reference, "paid", "")])
    stop(month, second)
    assert (first.state, second.state) == (LineState.PAID, LineState.DROPPED)
    match = month.grants[0].match
    assert match.state is MatchState.DELIVERED
    told = session.exec(select(Notice.letter).where(Notice.household_id == match.household_id)).all()
    assert told.count("payment_paid") == 1
    heads = session.exec(select(ConsentHead).where(ConsentHead.purpose == Purpose.PAYMENT)).all()
    assert [is_alive(head, now) for head in heads] == [False], "the giver needs the account no longer"


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("back", ["returned", "reclaimed"])
def test_what_the_bank_pays_after_a_stop_and_a_hand_over_is_asked_about_and_its_return_takes_nothing_away(
    session: Session, now: datetime, back: str, left: bool
) -> None:
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    stop(month, line)
    match = decisions.deliver(session, line.match_id, actor=month.clerk, now=now)
    month.answer([(line.reference, "paid", "")])
    assert asked(session, line) == ["paid_twice"]
    letters = session.exec(select(Notice.letter).where(Notice.household_id == match.household_id)).all()
    assert letters.count("paid_twice") == 1
    assert [row.cause for row in books(month).differences] == ["handed_over_too"]
    if left:
        twice.leave(session, line.id, actor=OFFICER, now=now)
    month.answer([(line.reference, back, "other" if back == "returned" else "")])
    assert (asked(session, line), match.state, match.paid_at) == ([], MatchState.DELIVERED, None)


def handed_over(session: Session, now: datetime) -> tuple[Month, PaymentLine, Match]:
    """Two people stopped the payment, and the grant was handed over otherwise."""
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    stop(month, line)
    return month, line, decisions.deliver(session, line.match_id, actor=month.clerk, now=now)


def test_what_came_after_the_household_said_nothing_came_is_told_and_not_taken_back_unasked(
    session: Session, now: datetime
) -> None:
    month, line, match = handed_over(session, now)
    decisions.not_received(session, match.id, actor=month.grants[0].actor, now=now)
    month.answer([(line.reference, "paid", "")])
    letters = session.exec(select(Notice.letter).where(Notice.household_id == match.household_id)).all()
    assert (asked(session, line), letters.count("payment_paid")) == ([], 1)
    decisions.reclaim_drop(session, match.id, actor=OFFICER, now=now)
    assert match.state is MatchState.DELIVERED
    _batch, checked = month.check([(line.reference, "reclaimed", "")])
    assert [fault.code for fault in checked.faults] == ["payment_not_asked_back"]


def test_where_the_household_says_that_nothing_came_and_the_bank_has_it_back_the_need_is_open_again(
    session: Session, now: datetime
) -> None:
    month, line, match = handed_over(session, now)
    month.answer([(line.reference, "paid", "")])
    decisions.not_received(session, match.id, actor=month.grants[0].actor, now=now)
    assert match.state is MatchState.RECLAIMING
    month.answer([(line.reference, "returned", "other")])
    need = session.get_one(Need, match.need_id, populate_existing=True)
    assert (asked(session, line), clocks.running_of(session, match.id)) == ([], [])
    assert (match.state, match.paid_at, need.state) == (MatchState.RECLAIMED, None, NeedState.VERIFIED)
    assert (need.committed_units, books(month).moved_fen) == (0, 0)


def test_a_payment_that_is_not_at_the_bank_yet_is_taken_out_first(session: Session, now: datetime) -> None:
    month = a_month(session, now, grants=1)
    (first,) = month.lines(month.sent())
    stop(month, first)
    draft = month.prepare()
    _batch, checked = month.check([(first.reference, "paid", "")])
    assert [fault.code for fault in checked.faults] == ["payment_paid_elsewhere"]
    batches.drop_batch(session, draft.id, actor=month.clerk, now=now)
    month.answer([(first.reference, "paid", "")])
    assert first.state is LineState.PAID


def test_an_officer_of_the_area_writes_down_that_it_is_left_to_the_household(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        month, first, second = two_lines(session, now)
        month.answer([(first.reference, "paid", ""), (second.reference, "paid", "")])
        line_id, grant = first.id, month.grants[0]
        with pytest.raises(NotFound):
            twice.leave(session, line_id, actor=ELSEWHERE, now=now)
        assert twice.get_asked(session, line_id, actor=OFFICER)[0].id == line_id
        home_id, name = grant.household.id, grant.name
    app = create_app(settings, database=sqlite_database)
    home = household_client(app, home_id)
    assert "给了您两次" in home.get("/payments/my-account").text
    officer, path = client_as(app, Role.APPROVER), f"/payments/paid-twice/{line_id}"
    assert path in officer.get("/deadlines/").text
    page = officer.get(path).text
    assert ("¥1,000" in page, name in page) == (True, False)
    assert officer.post(path).status_code == 303
    assert officer.get(path).status_code == 404
    assert "给了您两次" not in home.get("/payments/my-account").text, "nothing has to be left untouched any more"
    with sqlite_database.reading() as session:
        rows = books_of(session, month.organisation.id, "2026-11").differences
        assert [row.cause for row in rows] == ["paid_twice"], "the difference stays, with its cause"
        assert "twice_kept" in session.exec(select(Notice.letter).where(Notice.household_id == home_id)).all()
