"""Insurers' cases move one step at a time, each with its clock and holder; payouts come before charity."""

from __future__ import annotations

import io
from datetime import date

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from adapters.tabular_writer import write_csv
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.audit import verify
from marketplace.claims import cases, corrections, imports, ordering, service
from marketplace.claims.models import CaseState, InsuranceCase, PayoutOverlap
from marketplace.claims.service import Paid
from marketplace.claims.told import DESK
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.consent import notice
from marketplace.consent.models import Consent, Mode
from marketplace.decisions import holding
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import cards_of
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, ConsentMissing, NotFound, WrongState
from marketplace.intake import check_table
from marketplace.ledger import bills, claiming, overlap
from marketplace.ledger.models import AidState, CostLayer, LayerState, LedgerEntry, OverlapHit
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.proofs import evidence, slips, table
from marketplace.proposals.problem import Scope, build_problem, policy_of
from marketplace.reports import figures
from marketplace.reports import service as reports
from marketplace.reports.models import Figure
from marketplace.reports.months import Month
from tests import factories as make
from tests.marketplace.claim_scene import CLAIM, PREMIUM, a_case, a_home, an_insurer, as_insurer, charity_money
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.test_overlap_runs import past
from tests.marketplace.test_same_households import called_same

TODAY = date(2026, 11, 23)
PAID = Paid("MEDICAL.MAJOR", 500_000, TODAY)
WORKER = Actor(id="worker-1", role=Role.WORKER)


def running(session, match_id: str) -> Clock:
    return session.exec(select(Clock).where(Clock.object_ref == match_id, Clock.ended_at.is_(None))).one()


def to_answer(session, cover, now) -> InsuranceCase:
    service.cover_found(session, cover.case.id, scheme="YKB", policy_number="P-1", actor=cover.clerk, now=now)
    return service.ask_papers(session, cover.case.id, papers=[], actor=cover.clerk, now=now)


def pay(session, cover, now, payout=PAID) -> None:
    to_answer(session, cover, now)
    service.paid(session, cover.case.id, payout, actor=cover.clerk, now=now)


def test_a_place_in_a_policy_is_filled_and_the_household_confirms(session, now):
    cover = a_case(session, now, category=PREMIUM)
    clock = running(session, cover.match.id)
    assert (clock.step, clock.side, clock.org_id) == ("insure_enrol", Side.GIVER, cover.insurer.id)
    service.enrolled(session, cover.case.id, scheme="YKB", policy_number="YKB-2026-001", actor=cover.clerk, now=now)
    assert (cover.case.state, cover.match.state) == (CaseState.ENROLLED, MatchState.DELIVERED)
    assert service.policy_number_of(session, cover.case) == "YKB-2026-001"
    assert b"YKB-2026-001" not in cover.case.policy_number.envelope
    decisions.confirm(session, cover.match.id, actor=cover.home, now=now)
    assert cases.close_cases(session, now=now) == 0
    assert verify(session).bad_seq == 0


def test_a_claim_goes_from_cover_to_papers_to_the_payout_and_each_step_names_its_holder(session, now):
    cover = a_case(session, now, urgency=3)
    case, clerk = cover.case, cover.clerk
    seen = [running(session, cover.match.id).step]
    service.cover_found(session, case.id, scheme="HMJK", policy_number="H7", actor=clerk, now=now)
    seen.append(running(session, cover.match.id).step)
    service.ask_papers(session, case.id, papers=["invoice", "id_copy", "invoice"], actor=clerk, now=now)
    papers = running(session, cover.match.id)
    assert (papers.step, papers.household_id, papers.org_id) == ("insure_papers", cover.household.id, None)
    assert case.papers == ["invoice", "id_copy"]
    service.papers_handed(session, case.id, actor=cover.home, now=now)
    seen.append(running(session, cover.match.id).step)
    service.ask_papers(session, case.id, papers=["discharge"], actor=clerk, now=now)
    assert case.state is CaseState.PAPERS
    service.papers_handed(session, case.id, actor=cover.home, now=now)
    service.paid(session, case.id, PAID, actor=clerk, now=now)
    assert seen == ["insure_find", "insure_help", "insure_answer"]
    assert (case.state, case.payout_fen, cover.match.state) == (CaseState.PAID, 500_000, MatchState.DELIVERED)
    assert running(session, cover.match.id).step == "household_confirm"


@pytest.mark.parametrize("category", [CLAIM, PREMIUM])
def test_no_press_tick_or_table_ends_a_case_that_nobody_answered(session, now, category):
    cover = a_case(session, now, category=category)
    code = slips.code_of(session, cover.match)
    with pytest.raises(WrongState, match="needs_case"):
        decisions.deliver(session, cover.match.id, actor=cover.clerk, now=now)
    with pytest.raises(WrongState, match="needs_case"):
        evidence.hand_over_many(session, [cover.match.id], actor=cover.clerk, now=now)
    found = table.plan(session, _rows(code), org_id=cover.insurer.id)
    assert [fault.code for fault in found.faults] == ["needs_case"]
    assert found.counts["new"] == 0
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(table.open_lines(session, actor=cover.clerk, lang="en")))
    assert all(code not in row for row in sheet.get_sheet_by_index(0).to_python())
    assert (cover.match.state, cases.close_cases(session, now=now)) == (MatchState.IN_DELIVERY, 0)
    card = cards_of(session, [cover.match])[0]
    assert (card.by_case, card.by_press) == (True, False)


def _rows(code: str):
    return check_table(write_csv(["发放编号"], [(code,)]), table.delivery_schema()).rows


def test_without_cover_the_need_is_open_again_for_another_insurer(session, now):
    cover = a_case(session, now)
    service.no_cover(session, cover.case.id, actor=cover.clerk, now=now)
    assert (cover.case.state, cover.match.state) == (CaseState.NO_COVER, MatchState.GIVEN_BACK)
    assert session.get_one(Need, cover.match.need_id, populate_existing=True).committed_units == 0
    with pytest.raises(ConsentMissing):
        service_look(session, cover, now)


def service_look(session, cover, now):
    try:
        decisions.see_recipient(session, cover.match.id, actor=cover.clerk, now=now)
    except WrongState as error:
        raise ConsentMissing("moved_on") from error


def test_a_refused_claim_says_why(session, now):
    cover = a_case(session, now)
    to_answer(session, cover, now)
    with pytest.raises(BadInput):
        service.refused(session, cover.case.id, reason_code="we do not like it", actor=cover.clerk, now=now)
    service.refused(session, cover.case.id, reason_code="deductible", actor=cover.clerk, now=now)
    assert (cover.case.state, cover.case.reason_code) == (CaseState.REFUSED, "deductible")
    assert session.exec(select(LedgerEntry).where(LedgerEntry.source == "INSURANCE")).all() == []
    letters = session.exec(select(Notice.letter).where(Notice.household_id == cover.case.household_id)).all()
    assert ("help_done" in letters, "confirm_receipt" in letters) == (True, False), "nothing came that could arrive"


def test_a_refused_claim_is_no_aid_in_the_reports_of_the_insurer_and_of_the_city(session, now):
    insurer = an_insurer(session)
    cover, insured = a_case(session, now, insurer=insurer), a_case(session, now, insurer=insurer, category=PREMIUM)
    to_answer(session, cover, now)
    service.refused(session, cover.case.id, reason_code="deductible", actor=cover.clerk, now=now)
    service.enrolled(session, insured.case.id, scheme="YKB", policy_number="Y-1", actor=cover.clerk, now=now)
    for org_id, actor in ((insurer.id, cover.clerk), (None, APPROVER)):
        report = reports.prepare(session, Month(now.year, now.month), org_id=org_id, actor=actor, now=now)
        totals = figures.totals(session, report)
        assert (totals[Figure.GIVEN].rows, totals[Figure.GIVEN].households, totals[Figure.RETURNED].rows) == (1, 1, 1)
        assert [part.key for part in figures.parts(session, report, figure=Figure.RETURNED, by="reason")] == [
            "deductible"
        ]


def test_steps_are_not_skipped_and_another_insurer_finds_nothing(session, now):
    cover = a_case(session, now)
    with pytest.raises(WrongState):
        service.paid(session, cover.case.id, PAID, actor=cover.clerk, now=now)
    with pytest.raises(WrongState):
        service.enrolled(session, cover.case.id, scheme="YKB", policy_number="1", actor=cover.clerk, now=now)
    stranger = as_insurer(an_insurer(session, name="普惠保险乙"))
    with pytest.raises(NotFound):
        service.no_cover(session, cover.case.id, actor=stranger, now=now)
    with pytest.raises(NotFound):
        service.get_case(session, cover.case.id, actor=stranger)


@pytest.mark.parametrize("number", ["", "a b", "x" * 41, "<b>"])
def test_a_policy_number_is_letters_digits_and_dashes(session, now, number):
    cover = a_case(session, now)
    with pytest.raises(BadInput):
        service.cover_found(session, cover.case.id, scheme="YKB", policy_number=number, actor=cover.clerk, now=now)


@pytest.mark.parametrize(
    "payout",
    [
        Paid("LIVING.GOODS", 100, TODAY),
        Paid("MEDICAL.MAJOR", 0, TODAY),
        Paid("MEDICAL.MAJOR", 100_000_001, TODAY),
        Paid("MEDICAL.MAJOR", 100, date(2026, 11, 25)),
    ],
)
def test_a_payout_is_medical_positive_bounded_and_not_of_tomorrow(session, now, payout):
    cover = a_case(session, now)
    to_answer(session, cover, now)
    with pytest.raises(BadInput):
        service.paid(session, cover.case.id, payout, actor=cover.clerk, now=now)


def test_a_withdrawn_consent_ends_the_case_with_the_match(session, now):
    cover = a_case(session, now)
    decisions.withdraw_consent(session, cover.match.consent_chain_id, actor=cover.home, now=now)
    with pytest.raises(WrongState):
        service.no_cover(session, cover.case.id, actor=cover.clerk, now=now)
    assert cases.close_cases(session, now=now) == 1
    assert cover.case.state is CaseState.ENDED


@pytest.mark.parametrize("answer", ["paid", "refused", "no cover"])
def test_what_an_insurer_answers_on_a_claim_reaches_the_cost_that_it_was_to_pay(session, now, answer):
    """8,000 yuan of a cost of 20,000 were to come: 5,000 did, or nothing does and a person looks."""
    home = a_home(session)
    need = make.a_need(session, home[0], category="MEDICAL.MAJOR", unit="FEN", gap_units=2_000_000)
    bill = make.a_cost(session, need, fen=2_000_000)
    to_come = {"state": LayerState.EXPECTED, "fen": 800_000, "actor": WORKER, "now": now}
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", **to_come)
    cover = a_case(session, now, home=home)

    def supplement() -> CostLayer:
        return next(one for one in bills.layers_of(session, bill.id) if one.payer == "COMMERCIAL_SUPPLEMENT")

    def told() -> tuple[LayerState, int, list[str]]:
        layer = supplement()
        return layer.state, layer.fen, sorted(clock.step for clock in clocks.running_of(session, need.id))

    assert told() == (LayerState.EXPECTED, 800_000, ["claim_help"])
    if answer == "paid":
        pay(session, cover, now)
    elif answer == "refused":
        to_answer(session, cover, now)
        service.refused(session, cover.case.id, reason_code="deductible", actor=cover.clerk, now=now)
    else:
        service.no_cover(session, cover.case.id, actor=cover.clerk, now=now)
    assert told() == ((LayerState.PAID, 500_000, []) if answer == "paid" else (LayerState.WAITING, 0, ["cover_answer"]))
    assert claiming.claims_of(session, home[0].id) == [], "nobody reads that it can claim"
    assert overlap.verdict(session, need, org_id="", units=1_500_000, on=TODAY).allowed == (
        1_500_000 if answer == "paid" else 0
    )
    if answer == "paid":
        less = corrections.ask(session, cover.match.id, Paid("MEDICAL.MAJOR", 90_000, TODAY), **_because(cover, now))
        corrections.decide(session, less.id, agrees=True, actor=APPROVER, now=now)
        assert told() == (LayerState.PAID, 90_000, [])
        papers = {"paper": bill.paper, "person_id": bill.person_id, "actor": WORKER, "now": now}
        for row in (*bills.layers_of(session, bill.id), bill):
            session.delete(row)
            session.flush()
        bill = bills.record(session, need.id, cost_fen=2_000_000, **papers)
        assert told()[:2] == (LayerState.PAID, 90_000), "papers may come after the payout"
        never = corrections.ask(session, cover.match.id, None, **_because(cover, now, reason="never_paid"))
        corrections.decide(session, never.id, agrees=True, actor=APPROVER, now=now)
        assert told() == (LayerState.WAITING, 0, ["cover_answer"]), "what never came is asked about anew"
        assert supplement().told_by == SYSTEM.id, "and nobody refused"
        return
    assert supplement().told_by == DESK.id
    more = {"cost_fen": 3_000_000, "paper": "S-2", "person_id": bill.person_id, "actor": WORKER, "now": now}
    bills.record(session, need.id, **more)
    assert supplement().told_by == "", "another cost is another question"


def _because(cover, now, *, reason="mistyped"):
    return {"reason_code": reason, "actor": cover.clerk, "now": now}


def test_only_an_insurers_insurance_matches_become_cases(session, now):
    a_scene(session).in_delivery(session, now)
    assert cases.open_cases(session, now=now) == 0


def test_the_worker_opens_a_case_once_and_closes_it_after_its_match(sqlite_database, now):
    with sqlite_database.transaction() as session:
        cover = a_case(session, now)
        session.delete(cover.case)
    assert [cases.sweep(sqlite_database, clock=lambda: now) for _ in range(2)] == [1, 0]
    with sqlite_database.transaction() as session:
        match = session.get_one(Match, cover.match.id)
        decisions.giver_gives_up(session, match.id, reason_code="no_capacity", actor=cover.clerk, now=now)
    assert [cases.sweep(sqlite_database, clock=lambda: now) for _ in range(2)] == [1, 0]


def gap_left(session, need_id: str, now) -> int:
    problem = build_problem(session, Scope(), policy=policy_of({}, TODAY), now=now)
    given = sum(row.units for row in problem.ledger if row.need_id == need_id)
    return next(need.gap for need in problem.needs if need.need_id == need_id) - given


def entries(session) -> list[tuple[int, bool]]:
    rows = session.exec(select(LedgerEntry).where(LedgerEntry.source == "INSURANCE").order_by(LedgerEntry.units))
    return [(row.units, row.need_id is not None) for row in rows]


def test_a_payout_comes_before_charity_so_that_later_runs_see_only_what_it_left(session, now):
    home = a_home(session)
    need = make.a_need(session, home[0], category="MEDICAL.MAJOR", unit="FEN", gap_units=800_000)
    cover = a_case(session, now, home=home)
    pay(session, cover, now)
    # 8,000 yuan of cost, 5,000 paid by the insurer: charity is asked for 3,000.
    assert gap_left(session, need.id, now) == 300_000
    assert entries(session) == [(500_000, True)]
    assert session.exec(select(PayoutOverlap)).all() == []


def test_a_payout_larger_than_the_need_covers_it_and_the_rest_is_history(session, now):
    home = a_home(session)
    need = make.a_need(session, home[0], category="MEDICAL.MAJOR", unit="FEN", gap_units=200_000)
    pay(session, a_case(session, now, home=home), now)
    assert gap_left(session, need.id, now) == 0
    assert entries(session) == [(200_000, True), (300_000, False)]


def overlap_of(session, now):
    """10,000 yuan of cost, 8,000 open with a charity; the insurer pays 5,000: 3,000 are too much."""
    home = a_home(session)
    need, match = charity_money(session, home[0], now, gap=1_000_000, fen=800_000)
    pay(session, a_case(session, now, home=home), now)
    return need, match, session.exec(select(PayoutOverlap)).one()


def test_charity_that_no_longer_fits_is_a_task_for_a_person_and_nothing_is_taken_back_by_itself(session, now):
    need, match, overlap = overlap_of(session, now)
    assert (overlap.over_fen, overlap.need_id, overlap.settled_at) == (300_000, need.id, None)
    assert (match.units, match.state) == (800_000, MatchState.AWAITING_GIVER)
    assert entries(session) == [(200_000, True), (300_000, False)]
    assert running(session, overlap.id).side is Side.STAFF


def test_lowering_the_match_lets_the_payout_cover_the_need(session, now):
    need, match, overlap = overlap_of(session, now)
    ordering.lower(session, overlap.id, match.id, actor=APPROVER, now=now)
    assert (match.units, match.short_units, match.state) == (500_000, 300_000, MatchState.AWAITING_GIVER)
    assert (overlap.over_fen, overlap.decision) == (0, "lowered")
    assert entries(session) == [(500_000, True)]
    assert session.get_one(Need, need.id, populate_existing=True).committed_units == 1_000_000
    with pytest.raises(WrongState):
        ordering.leave(session, overlap.id, reason_code="other_costs", actor=APPROVER, now=now)


def test_ending_the_match_leaves_the_difference_to_the_next_run(session, now):
    need, match, overlap = overlap_of(session, now)
    ordering.end(session, overlap.id, match.id, actor=APPROVER, now=now)
    assert match.state is MatchState.CANCELLED
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED
    assert gap_left(session, need.id, now) == 500_000
    assert entries(session) == [(500_000, True)]


def test_leaving_it_needs_a_reason_and_changes_no_sum(session, now):
    need, match, overlap = overlap_of(session, now)
    with pytest.raises(BadInput):
        ordering.leave(session, overlap.id, reason_code="lowered", actor=APPROVER, now=now)
    ordering.leave(session, overlap.id, reason_code="other_costs", actor=APPROVER, now=now)
    assert (overlap.decision, match.units) == ("other_costs", 800_000)
    assert entries(session) == [(200_000, True), (300_000, False)]
    assert session.get_one(Need, need.id, populate_existing=True).committed_units == 1_000_000


def test_what_is_on_its_way_is_not_lowered_and_a_whole_match_is_ended_instead(session, now):
    home = a_home(session)
    _need, match = charity_money(session, home[0], now, gap=300_000, fen=300_000)
    pay(session, a_case(session, now, home=home), now)
    overlap = session.exec(select(PayoutOverlap)).one()
    assert overlap.over_fen == 300_000
    with pytest.raises(WrongState, match="nothing_left"):
        ordering.lower(session, overlap.id, match.id, actor=APPROVER, now=now)


def test_only_an_approver_of_the_district_decides(session, now):
    _need, match, overlap = overlap_of(session, now)
    elsewhere = Actor(id="a", role=Role.APPROVER, districts=frozenset({"500101"}))
    for act in (ordering.lower, ordering.end):
        with pytest.raises(NotFound):
            act(session, overlap.id, match.id, actor=elsewhere, now=now)
    assert ordering.open_overlaps(session, actor=elsewhere) == []
    pages = [ordering.open_overlaps(session, actor=APPROVER, offset=offset, limit=1) for offset in (0, 1)]
    assert [[one.id for one in page] for page in pages] == [[overlap.id], []]
    assert ordering.count_open(session, actor=APPROVER) == 1


def test_a_match_that_ended_by_itself_makes_room_too(session, now):
    _need, match, overlap = overlap_of(session, now)
    decisions.cancel(session, match.id, reason_code="doubt", actor=APPROVER, now=now)
    ordering.refresh(session, overlap.id, actor=APPROVER, now=now)
    assert (overlap.decision, overlap.over_fen) == ("moved_on", 0)


def test_the_consent_names_one_insurer_one_purpose_and_forbids_underwriting(session, now):
    cover = a_case(session, now)
    consent = session.exec(select(Consent).where(Consent.chain_id == cover.match.consent_chain_id)).one()
    assert (consent.recipient_org_id, consent.purpose.value) == (cover.insurer.id, "INSURE_CLAIM")
    assert "no_underwriting" in consent.modifiers
    assert (consent.notice_id, consent.mode) == ("share-notice-insurer/2", Mode.STORE)
    assert "必须删除" in "".join(notice.paragraphs(consent.notice_id, lang="zh_Hans"))
    assert consent.data_fields == ["name", "id_number"]


def test_a_payout_that_a_giver_told_of_already_is_counted_once_and_a_person_looks(session, now):
    home = a_home(session)
    need = make.a_need(session, home[0], category="MEDICAL.MAJOR", unit="FEN", gap_units=800_000)
    cover = a_case(session, now, home=home)
    told = past(session, home[0], "MEDICAL.MAJOR", 500_000, TODAY, giver=cover.insurer.name, org_id=cover.insurer.id)
    pay(session, cover, now)
    rows = session.exec(select(LedgerEntry).where(LedgerEntry.source == "INSURANCE")).all()
    assert [(row.state, row.repeats_id, row.need_id) for row in rows] == [(AidState.REPEAT, told.id, None)]
    assert [hit.code for hit in session.exec(select(OverlapHit))] == ["TWICE"]
    assert session.get_one(Need, need.id).committed_units == 0


def test_a_payout_over_the_cost_of_the_event_is_held_against_the_rules_like_a_late_report(session, now):
    """26,000 yuan of 30,000 were given for illness this year: 5,000 more are a task for a person."""
    home = a_home(session)
    past(session, home[0], "MEDICAL.MAJOR", 2_600_000, TODAY)
    pay(session, a_case(session, now, home=home), now)
    assert [(hit.code, hit.place) for hit in session.exec(select(OverlapHit))] == [("D02", "report")]


def test_a_payout_covers_the_need_of_another_record_of_the_same_person(session, now):
    cover = a_case(session, now)
    other = make.a_household(session, name="王小明", phone="10000000077")
    need = make.a_need(session, other, category="MEDICAL.MAJOR", unit="FEN", gap_units=500_000)
    called_same(session, cover.household, other, now)
    pay(session, cover, now)
    session.refresh(need)
    assert need.committed_units == 500_000


def test_a_payout_covers_the_need_of_whoever_is_insured_then_what_names_nobody_and_never_another_s(session, now):
    home = a_home(session)
    other = make.a_person(session, home[0], name="王小红", phone="10000000078")
    wanted = {"category": "MEDICAL.MAJOR", "unit": "FEN", "gap_units": 200_000}
    theirs = make.a_need(session, home[0], person_id=other.id, **wanted)
    unnamed = make.a_need(session, home[0], **wanted)
    own = make.a_need(session, home[0], person_id=home[1].id, created_at=now, **wanted)
    pay(session, a_case(session, now, home=home), now)
    rows = session.exec(select(LedgerEntry).where(LedgerEntry.source == "INSURANCE")).all()
    assert {(row.need_id, row.units) for row in rows} == {(own.id, 200_000), (unnamed.id, 200_000), (None, 100_000)}
    assert {row.person_id for row in rows} == {home[1].id}
    assert session.get_one(Need, theirs.id).committed_units == 0


def test_a_row_of_a_match_that_civil_affairs_looks_at_first_is_named_and_stops_no_file_later(session, now):
    insurer = an_insurer(session)
    one = a_case(session, now, insurer=insurer)
    two = a_case(session, now, insurer=insurer, home=a_home(session, name="李四", phone="10000000002"))
    for found in (one, two):
        to_answer(session, found, now)
    holding.hold(session, two.match.id, cause="correction", actor=Actor(id="v", role=Role.APPROVER), now=now)
    day, columns = now.date().isoformat(), ["reference", "answer", "reason", "category", "amount", "paid_on"]
    refused = [(found.case.reference, "refused", "deductible", "", "", "") for found in (one, two)]
    paid = [(found.case.reference, "paid", "", "MEDICAL.MAJOR", "1000", day) for found in (one, two)]
    asked = {"file_name": "a.csv", "actor": one.clerk, "now": now}
    _batch, checked = imports.check_file(session, write_csv(columns, refused), **asked)
    assert [(fault.row, fault.column, fault.code) for fault in checked.faults] == [(3, "reference", "match_held")]
    batch, _checked = imports.check_file(session, write_csv(columns, [refused[0], paid[1]]), **asked)
    assert imports.confirm_import(session, batch.id, actor=one.clerk, now=now) == {"new": 2}
    assert (one.case.state, two.case.state) == (CaseState.REFUSED, CaseState.PAID), "what is paid is paid"
