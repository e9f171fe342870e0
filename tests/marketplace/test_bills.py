"""The waterfall of a documented cost, step by step, and insurers asked before charity money is proposed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, delete, select

from adapters.fakes import FakeCoverDoor
from adapters.ports import CoverAnswer, CoverQuestion, TryAgainLater
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.assessments.models import Assessment
from marketplace.audit import AuditRow, verify
from marketplace.calendar import local_day, utc_now
from marketplace.claims import cover
from marketplace.claims.told import DESK
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.consent.ask import newest
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.ledger import billed, bills, claiming, hits, late, overlap, rules
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, CostBill, HitState, LayerState, OverlapHit
from marketplace.ledger.payouts import Payout, book
from marketplace.ledger.rules import Draft
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.reference.words import list_codes
from marketplace.sealed import number_index, vault_of
from marketplace.sharing.looks import looks_of
from matching.overlap_rules import PAYERS
from tests import factories as make
from tests.pages.people import household_client

WORKER = Actor(id="worker-1", role=Role.WORKER)
KEY = "a key that the insurers share, 32+"
NUMBER = "509900196003070013"
OTHER = "50990019600307003X"
INSURER = "91500000MA5U0C0V0X"


def a_bill(session: Session, now: datetime, *, cost: int = 10_000_000) -> tuple[Need, CostBill]:
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=2_500_000)
    return need, bills.record(session, need.id, cost_fen=cost, paper="结算单 2026-10-31", actor=WORKER, now=now)


def told(session: Session, bill: CostBill, now: datetime, **answers: int) -> None:
    """Every payer answers: an amount paid, or nothing."""
    for payer in bills.BEFORE_CHARITY:
        fen = answers.get(payer, 0)
        state = LayerState.PAID if fen else LayerState.NONE
        bills.answer(session, bill.id, payer, state=state, fen=fen, actor=WORKER, now=now)


def test_each_step_leaves_less_and_the_last_is_what_charity_may_cover(session: Session, now: datetime) -> None:
    """100,000 − 60,000 − 10,000 − 8,000 = 22,000 yuan."""
    need, bill = a_bill(session, now)
    told(
        session,
        bill,
        now,
        BASIC_INSURANCE=6_000_000,
        SERIOUS_ILLNESS_INSURANCE=1_000_000,
        MEDICAL_ASSISTANCE=800_000,
    )
    known = billed.bills_of(session, [need.id])[need.id]
    steps = bills.steps(known, [], need=need)
    assert [step.left for step in steps] == [
        10_000_000,
        4_000_000,
        3_000_000,
        3_000_000,
        2_200_000,
        2_200_000,
        2_200_000,
    ]
    said = overlap.verdict(session, need, org_id="", units=2_500_000, on=now.date())
    assert (said.allowed, said.code) == (2_200_000, "D01")


def test_a_payout_of_an_insurer_lowers_what_is_left_though_nobody_wrote_it_on_the_bill(
    session: Session, now: datetime
) -> None:
    need, bill = a_bill(session, now)
    told(session, bill, now, BASIC_INSURANCE=8_000_000)
    giver = make.an_organisation(session)
    payout = Payout("c", need.household_id, giver.id, giver.name, "MEDICAL.MAJOR", 500_000, now.date())
    book(session, payout, actor=WORKER, now=now)
    rows = [overlap.given(entry) for entry in ledger.live_aid(session, household_ids=[need.household_id])]
    assert bills.steps(billed.bills_of(session, [need.id])[need.id], rows, need=need)[-1].left == 1_500_000


def test_the_clock_runs_until_the_last_payer_has_answered(session: Session, now: datetime) -> None:
    _need, bill = a_bill(session, now)
    assert [clock.step for clock in clocks.running_of(session, bill.need_id)] == ["cover_answer"]
    told(session, bill, now)
    assert clocks.running_of(session, bill.need_id) == []
    bills.answer(session, bill.id, "TEMPORARY_AID", state=LayerState.WAITING, actor=WORKER, now=now)
    assert len(clocks.running_of(session, bill.need_id)) == 1


def test_payers_together_never_pay_more_than_the_cost_and_amounts_go_with_payments_only(
    session: Session, now: datetime
) -> None:
    _need, bill = a_bill(session, now, cost=100)
    bills.answer(session, bill.id, "BASIC_INSURANCE", state=LayerState.PAID, fen=70, actor=WORKER, now=now)
    for state, fen in ((LayerState.PAID, 31), (LayerState.NONE, 5), (LayerState.EXPECTED, 0)):
        with pytest.raises(BadInput, match="layer_outside"):
            bills.answer(session, bill.id, "MEDICAL_ASSISTANCE", state=state, fen=fen, actor=WORKER, now=now)
    bills.answer(session, bill.id, "MEDICAL_ASSISTANCE", state=LayerState.PAID, fen=30, actor=WORKER, now=now)


def test_a_larger_cost_asks_every_payer_that_has_not_paid_anew_and_none_is_less_than_what_was_paid(
    session: Session, now: datetime
) -> None:
    """Of 10,000 yuan basic insurance paid 6,000 and medical assistance promised 1,000; it turns out to be 40,000."""
    need, bill = a_bill(session, now, cost=1_000_000)
    told(session, bill, now, BASIC_INSURANCE=600_000)
    expected = {"state": LayerState.EXPECTED, "fen": 100_000}
    bills.answer(session, bill.id, "MEDICAL_ASSISTANCE", actor=WORKER, now=now, **expected)

    def corrected(cost: int) -> frozenset[str]:
        bills.record(session, need.id, cost_fen=cost, paper="结算单", actor=WORKER, now=now)
        return billed.bills_of(session, [need.id])[need.id].waiting

    assert corrected(900_000) == {"MEDICAL_ASSISTANCE"}, "whoever gives nothing of more gives nothing of less"
    assert corrected(4_000_000) == set(bills.BEFORE_CHARITY) - {"BASIC_INSURANCE"}
    assert "cover_answer" in [clock.step for clock in clocks.running_of(session, need.id)]
    assert overlap.verdict(session, need, org_id="", units=2_500_000, on=now.date()).allowed == 0
    with pytest.raises(BadInput, match="cost_below_paid"):
        corrected(500_000)


@pytest.mark.parametrize("illness", [True, False], ids=["illness", "sudden cash"])
def test_a_cost_or_an_answer_that_comes_after_charity_has_given_is_a_task(
    session: Session, now: datetime, illness: bool
) -> None:
    """Charity gave 4,000 of the 4,000 that basic insurance left; then the supplement has paid 4,000 as well. Fast cash
    of 3,000 was for a cost of 2,000, as papers show afterwards."""
    home = make.a_household(session)
    make.auto_match(session, home)
    kind, units = ("MEDICAL.MAJOR", 400_000) if illness else ("EMERGENCY.CASH", 300_000)
    need = make.a_need(session, home, category=kind, unit="FEN", gap_units=units + 100_000)
    offer = make.an_offer(session, make.an_organisation(session), category=kind, unit="FEN", stock_units=10**8)

    def tasks() -> set[tuple[str, int, bool]]:
        found = session.exec(select(OverlapHit).where(OverlapHit.place == hits.REPORT)).all()
        return {(hit.code, hit.units, hit.because == [row.id]) for hit in found}

    if not illness:
        row = make.a_ledger_entry(session, need, offer, units=units, state=AidState.DELIVERED)
        bills.record(session, need.id, cost_fen=200_000, paper="收据", actor=WORKER, now=now)
        assert tasks() == {("D02", 100_000, True)}, "that nobody has been asked yet is no finding"
        return
    bill = bills.record(session, need.id, cost_fen=1_000_000, paper="结算单", actor=WORKER, now=now)
    told(session, bill, now, BASIC_INSURANCE=600_000)
    row = make.a_ledger_entry(session, need, offer, units=units, state=AidState.DELIVERED)
    paid = {"state": LayerState.PAID, "actor": WORKER, "now": now}
    bills.answer(session, bill.id, "TEMPORARY_AID", **{**paid, "state": LayerState.NONE})
    assert tasks() == set()
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", fen=400_000, **paid)
    assert tasks() == {("D01", units, True), ("D02", units, True)}
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", fen=400_000, **paid)
    assert len(tasks()) == 2

    def open_ones() -> dict[str, int]:
        rows = session.exec(select(OverlapHit).where(OverlapHit.state == HitState.OPEN)).all()
        for hit in rows:
            assert [clock.step for clock in clocks.running_of(session, hit.id)] == [hits.STEP]
        return {hit.code: hit.units for hit in rows}

    assert len(open_ones()) == 2
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", fen=100_000, **paid)
    assert open_ones() == {"D01": 100_000, "D02": 100_000}, "less is too much"
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", **{**paid, "state": LayerState.NONE})
    assert open_ones() == {}, "an answer that was put right leaves no task, and none is called a false alarm"
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", fen=400_000, **paid)
    assert open_ones() == {"D01": units, "D02": units}
    bills.record(session, need.id, cost_fen=1_400_000, paper="结算单", actor=WORKER, now=now)
    assert open_ones() == {}, "so does a cost"
    row.state = AidState.APPROVED
    over = {"source": "others", "need_id": None, "offer_id": None, "units": 100_000, "state": AidState.DELIVERED}
    one = make.a_ledger_entry(session, need, offer, given_on=row.given_on - timedelta(days=1), **over)
    late.look_again(session, [one.id], actor=WORKER, now=now)
    founded = open_ones()
    assert founded["D02"] == 100_000, "what is promised goes over the cost with it"
    bills.answer(session, bill.id, "TEMPORARY_AID", **{**paid, "state": LayerState.NONE})
    assert open_ones() == founded, "an answer that changes nothing ends no task"


def test_what_cannot_be_kept_of_one_household_stops_no_other_s_question(
    sqlite_database: Database, now: datetime
) -> None:
    """Of two bills the first was wedged by an older correction: its payers have paid more than it shows."""
    door = FakeCoverDoor()
    with sqlite_database.transaction() as session:
        told_ = []
        for number in (NUMBER, OTHER):
            need, bill = a_bill(session, now)
            told_.append((need, bill))
            _insured(session, need, number)
            _may_ask(session, need, now)
            door.answers[cover.mark_of(number, key=KEY)] = [CoverAnswer("COMMERCIAL_SUPPLEMENT", "paid", 1_000)]
        first = min(told_, key=lambda one: one[0].household_id)[1]
        bills.answer(session, first.id, "BASIC_INSURANCE", state=LayerState.PAID, fen=8_000, actor=WORKER, now=now)
        first.cost_fen = 7_000
        session.add(first)
    assert cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now) == 2
    with sqlite_database.reading() as session:
        assert [len(one.paid) for one in billed.bills_of(session).values()] == [1, 1], "the wedged one says nothing"


def test_goods_have_no_bill_and_another_district_s_worker_writes_none(session: Session, now: datetime) -> None:
    need, _bill = a_bill(session, now)
    packs = make.a_need(session, make.a_household(session))
    with pytest.raises(WrongState, match="no_bill_here"):
        bills.record(session, packs.id, cost_fen=1, paper="x", actor=WORKER, now=now)
    far = Actor(id="w-2", role=Role.WORKER, districts=frozenset({"500229"}))
    with pytest.raises(NotFound):
        bills.record(session, need.id, cost_fen=1, paper="x", actor=far, now=now)


def _insured(session: Session, need: Need, number: str = NUMBER) -> None:
    """The household's person has an ID number."""
    vault = vault_of(session)
    person = session.exec(select(Person).where(Person.household_id == need.household_id)).one()
    person.id_number = vault.seal(session, person.id, column="person.id_number", text=number)
    person.id_number_index = number_index(vault, number)
    session.add(person)


def _may_ask(
    session: Session, need: Need, now: datetime, *, person: Person | None = None
) -> tuple[Consent, Organisation]:
    """The household's person lets the insurer that runs the door be asked."""
    insurer = cover.find_insurer(session, INSURER) or make.an_organisation(
        session, kind=OrganisationKind.INSURER, credit_code=INSURER
    )
    home = session.get_one(Household, need.household_id)
    person = person or session.exec(select(Person).where(Person.household_id == home.id)).one()
    own = Actor(id=person.id, role=Role.HOUSEHOLD, household_id=home.id)
    given = consent.give_for_match(
        session,
        home,
        organisation=insurer,
        match_id=person.id,
        purpose=cover.PURPOSE,
        data_fields=(),
        person_id=person.id,
        actor=own,
        now=now,
    )
    return given, insurer


def test_unclaimed_cover_is_found_before_charity_and_only_a_mark_crosses(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        _may_ask(session, need, now)
    mark = cover.mark_of(NUMBER, key=KEY)
    door = FakeCoverDoor(
        {
            mark: [
                CoverAnswer("BASIC_INSURANCE", "paid", 7_000_000),
                CoverAnswer("COMMERCIAL_SUPPLEMENT", "expected", 1_400_000),
                CoverAnswer("SERIOUS_ILLNESS_INSURANCE", "none"),
            ]
        }
    )
    assert cover.ask(database, door, key=KEY, org=INSURER, now=now) == 3
    assert [question.subject for question in door.asked] == [mark]
    assert NUMBER not in repr(door.asked)
    with database.reading() as session:
        known = billed.bills_of(session, [need.id])[need.id]
    assert (known.paid, known.expected) == (
        {"BASIC_INSURANCE": 7_000_000},
        {"COMMERCIAL_SUPPLEMENT": 1_400_000},
    )
    assert known.waiting == {"THIRD_PARTY_COMPENSATION", "MEDICAL_ASSISTANCE", "TEMPORARY_AID"}


@pytest.mark.parametrize("answer", ["paid", "none", "refused first"])
def test_cover_that_was_to_come_is_asked_about_again_after_a_week(
    sqlite_database: Database, now: datetime, answer: str
) -> None:
    """The door said 8,000 yuan are to come; a week later 6,000 are paid, or nothing is. What an insurer refused
    meanwhile the door does not promise again: a person looks."""
    database, payer = sqlite_database, "COMMERCIAL_SUPPLEMENT"
    with database.transaction() as session:
        need, bill = a_bill(session, now)
        told(session, bill, now)
        bills.answer(session, bill.id, payer, state=LayerState.WAITING, actor=WORKER, now=now)
        _insured(session, need)
        _may_ask(session, need, now)
    door = FakeCoverDoor({cover.mark_of(NUMBER, key=KEY): [CoverAnswer(payer, "expected", 800_000)]})
    for day, asked in ((0, 1), (6, 1), (7, 2), (13, 2)):
        cover.ask(database, door, key=KEY, org=INSURER, now=now + timedelta(days=day))
        assert len(door.asked) == asked
    with database.transaction() as session:
        acts = session.exec(select(AuditRow).where(AuditRow.action == "bill:answer", AuditRow.actor_role == "service"))
        assert len(acts.all()) == 1, "no news is no act"
        if answer == "refused first":
            bills.answer(session, bill.id, payer, state=LayerState.WAITING, actor=DESK, now=now)
    if answer != "refused first":
        said = CoverAnswer(payer, answer, 600_000 if answer == "paid" else 0)
        door.answers[cover.mark_of(NUMBER, key=KEY)] = [said]
    cover.ask(database, door, key=KEY, org=INSURER, now=now + timedelta(days=14))
    with database.reading() as session:
        known = billed.bills_of(session, [need.id])[need.id]
    assert (len(door.asked), known.expected) == (3, {})
    assert (known.paid.get(payer, 0), payer in known.waiting) == (600_000 * (answer == "paid"), answer[0] == "r")
    cover.ask(database, door, key=KEY, org=INSURER, now=now + timedelta(days=15))
    assert len(door.asked) == 3, "a refusal uses no yes up either"


def test_what_one_payer_s_paying_leaves_another_is_lowered_before_it_is_written(
    sqlite_database: Database, now: datetime
) -> None:
    """Of 7,000 yuan the supplement's 5,000 were to come; then basic insurance has paid 4,000, and 3,000 are left."""
    supplement = CoverAnswer("COMMERCIAL_SUPPLEMENT", "expected", 500_000)
    with sqlite_database.transaction() as session:
        need, _bill = a_bill(session, now, cost=700_000)
        _insured(session, need)
        _may_ask(session, need, now)
    door = FakeCoverDoor({cover.mark_of(NUMBER, key=KEY): [supplement]})
    assert cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now) == 1
    door.answers[cover.mark_of(NUMBER, key=KEY)] = [CoverAnswer("BASIC_INSURANCE", "paid", 400_000), supplement]
    assert cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now + timedelta(days=7)) == 2
    with sqlite_database.reading() as session:
        known = billed.bills_of(session, [need.id])[need.id]
    assert (known.paid, known.expected) == ({"BASIC_INSURANCE": 400_000}, {"COMMERCIAL_SUPPLEMENT": 300_000})


@pytest.mark.parametrize(
    ("where", "from_day", "supplement", "basic"),
    [("500103", 0, 8_000_000, 2_000_000), ("500229", 0, 3_000_000, 7_000_000), ("500103", 1, 3_000_000, 7_000_000)],
)
def test_what_would_exceed_the_cost_is_cut_in_the_order_of_payers_that_holds_there_on_that_day(
    sqlite_database: Database, now: datetime, where: str, from_day: int, supplement: int, basic: int
) -> None:
    """A cost of 100,000 yuan; basic insurance says 70,000, the supplement 80,000. A district has the supplement first:
    it gives 80,000 and basic insurance the 20,000 that are left; elsewhere, and before that day, 70,000 and 30,000."""
    with sqlite_database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        _may_ask(session, need, now)
        order = ("COMMERCIAL_SUPPLEMENT", *(payer for payer in PAYERS if payer != "COMMERCIAL_SUPPLEMENT"))
        day = local_day(now) + timedelta(days=from_day)
        wanted = Draft(code="D01", district_code=where, valid_from=day, source="渝民〔2026〕9号", order=order)
        draft = rules.draft(session, wanted, actor=Actor(id="a-1", role=Role.APPROVER), now=now)
        rules.approve(session, draft.id, actor=Actor(id="a-2", role=Role.APPROVER), now=now)
    said = [
        CoverAnswer("BASIC_INSURANCE", "paid", 7_000_000),
        CoverAnswer("COMMERCIAL_SUPPLEMENT", "expected", 8_000_000),
    ]
    door = FakeCoverDoor({cover.mark_of(NUMBER, key=KEY): said})
    assert cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now) == 2
    with sqlite_database.reading() as session:
        known = billed.bills_of(session, [need.id])[need.id]
    assert (known.expected, known.paid) == ({"COMMERCIAL_SUPPLEMENT": supplement}, {"BASIC_INSURANCE": basic})


def test_a_door_that_fails_writes_nothing_and_is_asked_again_after_the_pause(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        _may_ask(session, need, now)
    door, moment = FakeCoverDoor(), [now]
    door.faults.play(TryAgainLater("Busy.", code="busy"))
    watch = cover.Watch(database, door, key=KEY, org=INSURER, clock=lambda: moment[0])
    assert (watch(), watch(), len(door.asked)) == (0, 0, 0)
    moment[0] += timedelta(minutes=31)
    assert (watch(), len(door.asked)) == (0, 0), "the household allows one question a day"
    moment[0] += timedelta(days=1)
    assert (watch(), len(door.asked)) == (0, 1)


@pytest.mark.threat("T06")
def test_nobody_is_asked_about_who_has_not_said_yes_to_this_question_itself(
    sqlite_database: Database, now: datetime
) -> None:
    database, door = sqlite_database, FakeCoverDoor()
    with database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        first = session.exec(select(Person)).one()
        other = make.a_person(session, session.get_one(Household, need.household_id), phone="10000000003")
        other.contact = False
        other.id_number = vault_of(session).seal(session, other.id, column="person.id_number", text=OTHER)
        session.add(other)
    assert (cover.ask(database, door, key=KEY, org=INSURER, now=now), door.asked) == (0, [])
    with database.transaction() as session:
        given, insurer = _may_ask(session, need, now, person=first)
    cover.ask(database, door, key=KEY, org=INSURER, now=now)
    assert [question.subject for question in door.asked] == [cover.mark_of(NUMBER, key=KEY)], "not of the other one"
    with database.reading() as session:
        (look,) = looks_of(session, need.household_id)
        assert (look.organisation, look.purpose, look.fields) == (insurer.name, cover.PURPOSE, ())
        assert look.consent == f"{given.chain_id}@1"


@pytest.mark.threat("T03")
def test_one_adult_s_yes_opens_no_question_about_another_s_bill(sqlite_database: Database, now: datetime) -> None:
    database, door = sqlite_database, FakeCoverDoor()
    with database.transaction() as session:
        need, bill = a_bill(session, now)
        _insured(session, need)
        treated = session.get_one(Person, bill.person_id)
        other = make.a_person(session, session.get_one(Household, need.household_id), phone="10000000003")
        other.id_number = vault_of(session).seal(session, other.id, column="person.id_number", text=OTHER)
        session.add(other)
        told = {"cost_fen": 9_000_000, "paper": "结算单", "actor": WORKER, "now": now}
        with pytest.raises(BadInput, match="whose_bill"):
            bills.record(session, need.id, **told)
        with pytest.raises(BadInput, match="whose_bill"):
            bills.record(session, need.id, person_id="somebody", **told)
        _may_ask(session, need, now, person=other)
    assert (cover.ask(database, door, key=KEY, org=INSURER, now=now), door.asked) == (0, [])
    with database.reading() as session:
        assert looks_of(session, need.household_id) == []
    with database.transaction() as session:
        bills.answer(session, bill.id, "BASIC_INSURANCE", state=LayerState.PAID, fen=1, actor=WORKER, now=now)
        moved = bills.record(session, need.id, person_id=other.id, **told)
        assert {layer.state for layer in bills.layers_of(session, moved.id)} == {LayerState.WAITING}
    cover.ask(database, door, key=KEY, org=INSURER, now=now)
    assert [question.subject for question in door.asked] == [cover.mark_of(OTHER, key=KEY)]
    assert treated.id != other.id


def test_a_bill_of_another_person_names_need_and_aid_anew_unless_that_one_has_a_need_of_its_own(
    session: Session, now: datetime
) -> None:
    need, bill = a_bill(session, now)
    other = make.a_person(session, session.get_one(Household, need.household_id), phone="10000000003")
    offer = make.an_offer(session, make.an_organisation(session), category=need.category, unit="FEN", stock_units=10**7)
    row = make.a_ledger_entry(session, need, offer, units=100, person_id=bill.person_id)
    kept = make.a_ledger_entry(session, need, offer, units=100, person_id="insured", period="x")
    told = {"cost_fen": 9_000_000, "paper": "结算单", "person_id": other.id, "actor": WORKER}
    same = {"category": need.category, "unit": "FEN", "cause": need.cause, "person_id": other.id}
    own = make.a_need(session, session.get_one(Household, need.household_id), **same)
    with pytest.raises(BadInput, match="whose_bill"):
        bills.record(session, need.id, now=now, **told)
    assert (need.person_id, bill.person_id, row.person_id) == (bill.person_id, bill.person_id, bill.person_id)
    own.state = NeedState.CLOSED
    later = now + timedelta(hours=1)
    bills.record(session, need.id, now=later, **told)
    assert (need.person_id, row.person_id, row.updated_at, kept.person_id) == (other.id, other.id, later, "insured")
    acts = select(AuditRow.action).where(AuditRow.object_ref == row.id)
    assert session.exec(acts).all() == ["aid:update"]
    assert verify(session).bad_seq == 0


class _Withdrawing(FakeCoverDoor):
    """A door while whose first question the household takes back every yes that `of` names."""

    def __init__(self, database: Database, of: Callable[[str], list[tuple[str, Actor]]], now: datetime) -> None:
        super().__init__()
        self._database, self._of, self._now = database, of, now

    def ask_cover(self, question: CoverQuestion, /) -> tuple[CoverAnswer, ...]:
        if not self.asked:
            with self._database.transaction() as session:
                for chain_id, own in self._of(question.subject):
                    decisions.withdraw_consent(session, chain_id, actor=own, now=self._now)
        super().ask_cover(question)
        return (CoverAnswer("BASIC_INSURANCE", "paid", 7_000_000),)


@pytest.mark.threat("T04")
@pytest.mark.parametrize("whose", ["the next", "its own"])
def test_a_yes_taken_back_between_two_questions_stops_the_second_and_takes_its_answer_along(
    sqlite_database: Database, now: datetime, whose: str
) -> None:
    database, yes = sqlite_database, {}
    with database.transaction() as session:
        for number in (NUMBER, OTHER):
            need, _bill = a_bill(session, now)
            _insured(session, need, number)
            given, _insurer = _may_ask(session, need, now)
            home = session.get_one(Household, need.household_id)
            yes[cover.mark_of(number, key=KEY)] = (given.chain_id, make.as_household(home))
    door = _Withdrawing(
        database, lambda asked: [one for mark, one in yes.items() if (mark == asked) is (whose == "its own")], now
    )
    written = cover.ask(database, door, key=KEY, org=INSURER, now=now)
    assert (written, len(door.asked)) == ((1, 1) if whose == "the next" else (1, 2))


@pytest.mark.threat("T04")
@pytest.mark.parametrize("stays", [True, False])
def test_each_bill_of_one_person_is_a_question_of_its_own_and_a_yes_taken_back_stops_the_next(
    sqlite_database: Database, now: datetime, stays: bool
) -> None:
    with sqlite_database.transaction() as session:
        need, bill = a_bill(session, now)
        _insured(session, need)
        home = session.get_one(Household, need.household_id)
        told = {"category": "MEDICAL.LONGTERM_DRUG", "unit": "FEN", "gap_units": 9}
        more = make.a_need(session, home, person_id=bill.person_id, **told)
        bills.record(session, more.id, person_id=bill.person_id, cost_fen=900, paper="x", actor=WORKER, now=now)
        given, _insurer = _may_ask(session, need, now)
    own = make.as_household(home)
    door = _Withdrawing(sqlite_database, lambda _asked: [] if stays else [(given.chain_id, own)], now)
    assert cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now) == (2 if stays else 0)
    with sqlite_database.reading() as session:
        looks = looks_of(session, need.household_id)
        rows = [session.get_one(AuditRow, look.audit_seq).object_ref for look in looks]
    assert len(door.asked) == len(rows) == len(set(rows)) == (2 if stays else 1)
    later = now + timedelta(hours=1)
    cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=later)
    assert len(door.asked) == len(rows), "one asking a day"


def test_of_a_person_without_a_number_nothing_is_asked_and_nothing_is_written(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        need, _bill = a_bill(session, now)
        _may_ask(session, need, now)
    door = FakeCoverDoor()
    assert (cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now), door.asked) == (0, [])
    with sqlite_database.reading() as session:
        assert looks_of(session, need.household_id) == []


def test_a_question_of_another_day_is_not_taken_for_a_repeat(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        _may_ask(session, need, now)
    door = FakeCoverDoor()
    for day in range(2):
        cover.ask(sqlite_database, door, key=KEY, org=INSURER, now=now + timedelta(days=day))
    assert len({question.idempotency_key for question in door.asked}) == 2


@pytest.mark.threat("T04")
@pytest.mark.parametrize("stops", ["withdrawn", "log not watched", "not assessed", "asked thirty times", "no org"])
def test_nothing_is_asked_any_more(sqlite_database: Database, now: datetime, stops: str) -> None:
    database, door, org = sqlite_database, FakeCoverDoor(), INSURER
    with database.transaction() as session:
        need, _bill = a_bill(session, now)
        _insured(session, need)
        given, _insurer = _may_ask(session, need, now)
        if stops == "withdrawn":
            home = session.get_one(Household, need.household_id)
            decisions.withdraw_consent(session, given.chain_id, actor=make.as_household(home), now=now)
        if stops == "not assessed":
            session.execute(delete(Assessment))
    if stops == "log not watched":
        database.info["audit_fresh"] = lambda _session, _now: False
    if stops == "no org":
        org = ""
    if stops == "asked thirty times":
        for day in range(40):
            cover.ask(database, door, key=KEY, org=org, now=now + timedelta(days=day))
        assert len(door.asked) == 30
        with database.transaction() as session:
            assert len(session.exec(select(Notice).where(Notice.letter == "consent_ended")).all()) == 1
            ended = newest(session, session.get_one(ConsentHead, given.chain_id))
            assert (ended.state.value, ended.reason_code) == ("expired", "used_up")
            again, _insurer = _may_ask(session, need, now + timedelta(days=40))
        cover.ask(database, door, key=KEY, org=org, now=now + timedelta(days=40))
        assert (len(door.asked), again.state.value) == (31, "active")
        return
    assert (cover.ask(database, door, key=KEY, org=org, now=now), door.asked) == (0, [])


def test_the_household_lets_the_door_be_asked_on_its_page_and_takes_it_back(
    sqlite_database: Database, settings: Settings
) -> None:
    now = utc_now()
    sqlite_database.info["settings"] = replace(settings, cover_org=INSURER)
    with sqlite_database.transaction() as session:
        need, _bill = a_bill(session, now)
        home_id, person = need.household_id, session.exec(select(Person)).one()
        make.an_organisation(session, kind=OrganisationKind.INSURER, credit_code=INSURER)
    client = household_client(create_app(settings, database=sqlite_database), home_id)
    assert "/insurance/my-cover" in client.get("/home").text
    assert "thirty times" in client.get("/insurance/my-cover?lang=en").text
    assert client.post("/insurance/my-cover", data={"person": "nobody"}).status_code == 422
    assert client.post("/insurance/my-cover", data={"person": person.id}).status_code == 303
    with sqlite_database.reading() as session:
        given = session.exec(select(Consent).where(Consent.purpose == cover.PURPOSE)).one()
    assert (given.mode.value, given.max_reads, given.min_interval_s) == ("query", 30, 86_400)
    assert (given.person_id, given.data_fields, given.state.value) == (person.id, [], "active")
    assert client.post(f"/my-consents/{given.chain_id}/withdraw").status_code == 303


def test_a_need_without_a_recorded_cost_is_a_task_until_somebody_records_it(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    bare = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=50_000)
    make.a_need(session, home)
    assert claiming.ask_for_costs(session, now=now) == 1
    assert claiming.ask_for_costs(session, now=now) == 0, "once"
    assert [clock.step for clock in clocks.running_of(session, bare.id)] == ["record_cost"]
    bills.record(session, bare.id, cost_fen=90_000, paper="结算单", actor=WORKER, now=now)
    assert [clock.step for clock in clocks.running_of(session, bare.id)] == ["cover_answer"]


def test_the_task_ends_where_the_need_is_closed(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    bare = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=50_000)
    claiming.ask_for_costs(session, now=now)
    bare.state = NeedState.CLOSED
    session.add(bare)
    session.flush()
    assert claiming.ask_for_costs(session, now=now) == 1
    assert clocks.running_of(session, bare.id) == []


def test_cover_that_nobody_has_claimed_is_a_task_for_staff_and_a_list_of_papers_for_the_household(
    session: Session, now: datetime
) -> None:
    need, bill = a_bill(session, now)
    bills.answer(
        session, bill.id, "COMMERCIAL_SUPPLEMENT", state=LayerState.EXPECTED, fen=800_000, actor=WORKER, now=now
    )
    [clock] = [one for one in clocks.running_of(session, need.id) if one.step == "claim_help"]
    [claim] = claiming.claims_of(session, need.household_id)
    assert (claim.payer, claim.fen, claim.due) == ("COMMERCIAL_SUPPLEMENT", 800_000, clocks.last_day(clock))
    assert {"invoice", "settlement"} <= set(claim.papers) <= set(list_codes("claim_paper"))
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", state=LayerState.PAID, fen=800_000, actor=WORKER, now=now)
    assert claiming.claims_of(session, need.household_id) == []
    assert "claim_help" not in [one.step for one in clocks.running_of(session, need.id)]


def test_every_payer_before_charity_has_its_list_of_papers() -> None:
    assert set(claiming.PAPERS) == set(bills.BEFORE_CHARITY)
    assert {paper for papers in claiming.PAPERS.values() for paper in papers} <= set(list_codes("claim_paper"))
