"""A payout that the insurer made while a person looked at the match, after it had ended, or after it had refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import verify
from marketplace.claims import after_end, cases, corrections, imports, service
from marketplace.claims.models import CaseState, InsuranceCase, PayoutOverlap
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import holding, paid_late
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.withdrawing import Then
from marketplace.errors import NotFound, WrongState
from marketplace.needs.models import Need, NeedState
from marketplace.reports import sources
from marketplace.reports.models import Figure
from marketplace.reports.months import Month, month_of
from marketplace.reports.sources import rows_of_month
from tests.marketplace.claim_scene import PREMIUM, Cover, a_case, a_home, accept, charity_money
from tests.marketplace.payment_scene import a_month
from tests.marketplace.test_claims import PAID, to_answer
from tests.marketplace.test_payout_corrections import OFFICER, counted
from tests.pages.people import client_as


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def steps_of(session: Session, ref: str) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, ref)]


def pay(session: Session, cover: Cover, now) -> InsuranceCase:
    return service.paid(session, cover.case.id, PAID, actor=cover.clerk, now=now)


def need_of(session: Session, cover: Cover) -> Need:
    return session.get_one(Need, cover.match.need_id, populate_existing=True)


def ended(session: Session, now) -> Cover:
    """The household withdrew while the insurer was paying."""
    cover = a_case(session, now)
    to_answer(session, cover, now)
    chain = cover.match.consent_chain_id or ""
    decisions.withdraw_consent(session, chain, actor=cover.home, now=now, then=Then.STOP)
    assert cases.close_cases(session, now=now) == 1
    return cover


@pytest.mark.parametrize("after", ["release", "end"])
def test_a_payout_on_a_held_match_counts_at_once_and_the_match_follows_the_person_who_looks(
    sqlite_database: Database, now, after
):
    with sqlite_database.transaction() as session:
        cover = a_case(session, now)
        to_answer(session, cover, now)
        holding.hold(session, cover.match.id, cause="correction", actor=OFFICER, now=now)
        pay(session, cover, now)
        assert (cover.case.state, cover.match.state) == (CaseState.PAID, MatchState.IN_DELIVERY)
        assert (counted(session), steps_of(session, cover.match.id)) == (500_000, ["match_review"])
        match_id = cover.match.id
    assert after_end.sweep(sqlite_database, clock=lambda: now) == 0, "a person is still looking"
    with sqlite_database.transaction() as session:
        if after == "release":
            holding.release(session, match_id, actor=OFFICER, now=now)
        else:
            decisions.cancel(session, match_id, reason_code="correction", actor=OFFICER, now=now)
    assert [after_end.sweep(sqlite_database, clock=lambda: now) for _ in range(2)] == [1, 0]
    with sqlite_database.reading() as session:
        match = session.get_one(Match, match_id)
        assert counted(session) == 500_000, "what was paid is paid, however the match ends"
        if after == "release":
            assert (match.state, steps_of(session, match_id)) == (MatchState.DELIVERED, ["household_confirm"])
        else:
            assert match.state is MatchState.CANCELLED
            assert steps_of(session, paid_late.ref_of(match_id)) == ["paid_after_end"]
        assert verify(session).bad_seq == 0


def test_a_payout_on_an_ended_match_enters_the_ledger_and_contradictions_are_tasks(session, now):
    home = a_home(session)
    _need, match = charity_money(session, home[0], now, gap=600_000, fen=600_000)
    cover = a_case(session, now, home=home)
    decisions.withdraw_consent(session, cover.match.consent_chain_id, actor=cover.home, now=now, then=Then.STOP)
    cases.close_cases(session, now=now)
    pay(session, cover, now)
    assert (cover.case.state, counted(session), match.units) == (CaseState.PAID, 500_000, 600_000)
    assert [one.over_fen for one in session.exec(select(PayoutOverlap))] == [500_000], "a person lowers the charity's"
    assert steps_of(session, paid_late.ref_of(cover.match.id)) == ["paid_after_end"]
    need = need_of(session, cover)
    assert (need.state, need.state_reason) == (NeedState.HELD, "paid_after_end")
    with pytest.raises(WrongState):
        pay(session, cover, now)
    assert verify(session).bad_seq == 0


@pytest.mark.parametrize(
    ("outcome", "state", "fen"),
    [("deliver", MatchState.DELIVERED, 500_000), ("stands", MatchState.CANCELLED, 500_000)],
)
def test_an_officer_books_it_as_delivered_or_leaves_it_ended(session, now, outcome, state, fen):
    cover = ended(session, now)
    pay(session, cover, now)
    paid_late.decide(session, cover.match.id, outcome=outcome, actor=OFFICER, now=now)
    assert (cover.match.state, counted(session)) == (state, fen)
    assert (need_of(session, cover).state, steps_of(session, paid_late.ref_of(cover.match.id))) == (
        NeedState.VERIFIED,
        [],
    )


def test_a_payout_that_is_asked_back_counts_until_it_is_back(session, now):
    cover = ended(session, now)
    pay(session, cover, now)
    paid_late.decide(session, cover.match.id, outcome="ask_back", actor=OFFICER, now=now)
    assert (cover.match.state, counted(session)) == (MatchState.RECLAIMING, 500_000)
    decisions.reclaim_done(session, cover.match.id, actor=cover.clerk, now=now)
    assert (cover.match.state, counted(session), cover.case.state) == (MatchState.RECLAIMED, 0, CaseState.ENDED)
    pay(session, cover, now)
    assert counted(session) == 500_000, "and may be paid once more"


@pytest.mark.parametrize("held", [True, False])
def test_a_payout_of_these_that_was_never_made_covers_nothing_once_two_people_agree(session, now, held):
    cover = a_case(session, now) if held else ended(session, now)
    if held:
        to_answer(session, cover, now)
        holding.hold(session, cover.match.id, cause="correction", actor=OFFICER, now=now)
    pay(session, cover, now)
    change = corrections.ask(session, cover.match.id, None, reason_code="never_paid", actor=cover.clerk, now=now)
    corrections.decide(session, change.id, agrees=True, actor=OFFICER, now=now)
    assert (counted(session), cover.match.paid_at) == (0, None)
    assert cover.case.state is (CaseState.ANSWER if held else CaseState.ENDED)
    assert need_of(session, cover).state is NeedState.VERIFIED
    assert steps_of(session, paid_late.ref_of(cover.match.id)) == []


def test_a_refusal_that_the_insurer_takes_back_is_a_payout(session, now):
    cover = a_case(session, now)
    to_answer(session, cover, now)
    service.refused(session, cover.case.id, reason_code="deductible", actor=cover.clerk, now=now)
    later = now + timedelta(days=70)
    pay(session, cover, later)
    assert (cover.case.state, cover.case.reason_code, counted(session)) == (CaseState.PAID, "", 500_000)
    assert (cover.match.state, cover.match.help_only) == (MatchState.DELIVERED, False)
    for org_id in (None, cover.match.org_id):
        given = {
            month: given_in(session, month, org_id=org_id, now=later) for month in (month_of(now), month_of(later))
        }
        assert given == {month_of(now): [], month_of(later): [cover.match.id]}, "given in the month of the payout"


def given_in(session: Session, month: Month, *, org_id: str | None, now) -> list[str]:
    rows = rows_of_month(session, month, org_id=org_id, now=now)
    found = [row["object_ref"] for row in rows if row["figure"] is Figure.GIVEN]
    counting = select(Match.id).where(*sources.given_in(month, org_id=org_id))
    assert list(session.exec(counting)) == found, "as a published month is compared"
    return found


def test_only_a_claim_pays_and_on_its_way_only_after_its_steps(session, now):
    place = a_case(session, now, category=PREMIUM)
    decisions.withdraw_consent(session, place.match.consent_chain_id, actor=place.home, now=now, then=Then.STOP)
    claim = a_case(session, now, home=a_home(session, name="李四", phone="10000000002"), insurer=place.insurer)
    for cover in (place, claim):
        with pytest.raises(WrongState):
            pay(session, cover, now)


def test_a_case_outlives_a_hold_and_its_clock_is_its_own_again(session, now):
    cover = a_case(session, now)
    chain = cover.match.consent_chain_id or ""
    decisions.withdraw_consent(session, chain, actor=cover.home, now=now, then=Then.HOLD)
    assert cases.close_cases(session, now=now) == 0, "the match may go on"
    accept(session, cover.match, cover.person, now=now)
    assert (steps_of(session, cover.match.id), cases.resume(session, now=now)) == (["deliver"], 1)
    assert (steps_of(session, cover.match.id), cases.resume(session, now=now)) == (["insure_find"], 0)
    holding.hold(session, cover.match.id, cause="correction", actor=OFFICER, now=now)
    service.cover_found(session, cover.case.id, scheme="YKB", policy_number="P-1", actor=cover.clerk, now=now)
    assert steps_of(session, cover.match.id) == ["match_review"], "an answer ends no review"
    holding.release(session, cover.match.id, actor=OFFICER, now=now)
    cases.resume(session, now=now)
    assert steps_of(session, cover.match.id) == ["insure_help"]


def test_a_table_of_answers_tells_it_too(session, now):
    cover = ended(session, now)
    row = (cover.case.reference, "paid", "MEDICAL.MAJOR", "5000", PAID.paid_on.isoformat())
    columns = ["reference", "answer", "category", "amount", "paid_on"]
    asked = {"file_name": "a.csv", "actor": cover.clerk, "now": now}
    batch, checked = imports.check_file(session, write_csv(columns, [row]), **asked)
    assert checked.faults == []
    imports.confirm_import(session, batch.id, actor=cover.clerk, now=now)
    assert (cover.case.state, counted(session)) == (CaseState.PAID, 500_000)


def test_insurer_and_officer_do_it_in_the_browser(settings: Settings, sqlite_database: Database, now):
    with sqlite_database.transaction() as session:
        cover = ended(session, now)
        case_id, match_id, org_id, name = cover.case.id, cover.match.id, cover.insurer.id, cover.person.id
    app = create_app(settings, database=sqlite_database)
    insurer, officer = client_as(app, Role.INSURER, org_id=org_id), client_as(app, Role.APPROVER)
    path = f"/insurance/cases/{case_id}/paid"
    assert path in insurer.get(f"/insurance/cases/{case_id}").text
    form = {"category": "MEDICAL.MAJOR", "amount": "5000", "paid_on": PAID.paid_on.isoformat()}
    assert insurer.post(path, data=form).status_code == 303
    assert insurer.get(path).status_code == 409
    where = f"/payments/paid-after-end/{match_id}"
    assert where in officer.get("/deadlines/").text
    page = officer.get(where).text
    assert ("stands" in page, name in page) == (True, False)
    assert officer.post(where, data={"outcome": "stands"}).status_code == 303
    assert officer.get(where).status_code == 404


def test_a_bank_s_payment_never_just_stands(session, now):
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    grant = month.grants[0]
    decisions.withdraw_consent(session, grant.match.consent_chain_id, actor=grant.actor, now=now, then=Then.STOP)
    month.answer([(line.reference, "paid", "")])
    with pytest.raises(NotFound):
        paid_late.decide(session, grant.match.id, outcome="stands", actor=OFFICER, now=now)
