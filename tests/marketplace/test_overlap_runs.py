"""Each rule as rows of the allocator's problem: solved for real, judged by the independent checker."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.db import new_id
from marketplace.households import members
from marketplace.households.models import Household, Suspicion, SuspicionState
from marketplace.households.register import PersonFacts, source_index
from marketplace.ledger import bills, hits, late, late_ends, overlap, rules
from marketplace.ledger.models import AidState, HitState, LayerState, LedgerEntry, OverlapHit
from marketplace.ledger.reporting import take_in
from marketplace.ledger.rules import Draft
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.problem import Built, Scope, build, policy_of
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import number_index, vault_of
from matching.checker import check
from matching.model import Problem
from matching.solve import allocate
from tests import factories as make

TODAY = date(2026, 11, 23)
WORKER = Actor(id="worker-1", role=Role.WORKER)
UNITS = {
    "LIVING.FOOD_PACK": "PACK",
    "INSURANCE.PREMIUM": "POLICY",
    "CARE.HOME_CARE": "HOUR",
    "CARE.VISIT": "VISIT",
    "JOB.TRAINING": "COURSE",
}
UNITS |= {"DISABILITY.AID_DEVICE": "ITEM", "CARE.VISIT": "VISIT"}


@pytest.fixture
def household(session: Session) -> Household:
    """A household that may be matched."""
    home = make.a_household(session)
    make.auto_match(session, home)
    return home


def need(session: Session, home: Household, category: str, gap: int, **over: Any) -> Need:
    return make.a_need(session, home, category=category, unit=UNITS.get(category, "FEN"), gap_units=gap, **over)


def offer(session: Session, category: str, *, giver: Organisation | None = None, stock: int = 10**8) -> Organisation:
    giver = giver or make.an_organisation(session)
    make.an_offer(session, giver, category=category, unit=UNITS.get(category, "FEN"), stock_units=stock)
    return giver


def past(session: Session, home: Household, category: str, units: int, on: date, **over: Any) -> LedgerEntry:
    values: dict[str, Any] = {"org_id": None, "giver": "红十字会", "cause": "", "programme": "", "payer": "CHARITY"}
    row = LedgerEntry(
        id=f"past-{new_id()}"[:32],
        source="redcross",
        source_index=f"past-{home.id}-{category}-{on}-{units}",
        household_id=home.id,
        category=category,
        units=units,
        given_on=on,
        **{"state": AidState.DELIVERED, "created_at": make.NOW, "updated_at": make.NOW, **values, **over},
    )
    session.add(row)
    session.flush()
    return row


def solved(session: Session, now: datetime) -> tuple[Built, dict[str, int]]:
    """The problem of a run and need ► units of its plan; the independent judge finds no fault."""
    built = build(session, Scope(), policy=policy_of({}, TODAY), now=now)
    plan = allocate(built.problem)
    assert check(built.problem, plan) == ()
    given: dict[str, int] = {}
    for line in plan.lines:
        given[line.need_id] = given.get(line.need_id, 0) + line.units
    return built, given


def test_without_a_rule_in_the_way_the_need_is_served(session: Session, household: Household, now: datetime) -> None:
    wanted = need(session, household, "LIVING.FOOD_PACK", 5)
    offer(session, "LIVING.FOOD_PACK")
    assert solved(session, now)[1] == {wanted.id: 5}


@pytest.mark.parametrize(
    ("category", "gap", "days", "code"),
    [
        ("LIVING.FOOD_PACK", 5, 179, "D08"),
        ("JOB.TRAINING", 1, 364, "D12"),
        ("DISABILITY.AID_DEVICE", 1, 1094, "D10"),
    ],
)
def test_a_cool_off_is_held_to_the_day_and_kept_as_evidence(
    session: Session, household: Household, now: datetime, category: str, gap: int, days: int, code: str
) -> None:
    wanted = need(session, household, category, gap)
    offer(session, category)
    row = past(session, household, category, 1, date.fromordinal(TODAY.toordinal() - days))
    built, given = solved(session, now)
    assert given == {}
    assert [(one.need_id, one.code, one.because) for one in built.stopped] == [(wanted.id, code, (row.id,))]
    row.given_on = date.fromordinal(TODAY.toordinal() - days - 1)
    session.flush()
    assert solved(session, now)[1] == {wanted.id: gap}


def test_charity_is_proposed_only_up_to_what_cover_cannot_pay_and_not_before_all_have_answered(
    session: Session, household: Household, now: datetime
) -> None:
    """50,000 − 30,000 paid − 8,000 expected = 12,000 (in fen: ×100)."""
    wanted = need(session, household, "MEDICAL.MAJOR", 3_000_000)
    offer(session, "MEDICAL.MAJOR")
    bill = bills.record(session, wanted.id, cost_fen=5_000_000, paper="结算单", actor=WORKER, now=now)
    assert solved(session, now)[1] == {}
    for payer in bills.BEFORE_CHARITY:
        state, fen = {
            "BASIC_INSURANCE": (LayerState.PAID, 3_000_000),
            "COMMERCIAL_SUPPLEMENT": (LayerState.EXPECTED, 800_000),
        }.get(payer, (LayerState.NONE, 0))
        bills.answer(session, bill.id, payer, state=state, fen=fen, actor=WORKER, now=now)
    assert solved(session, now)[1] == {wanted.id: 1_200_000}


def test_the_rest_of_a_lifetime_cap_is_a_household_cap_and_a_used_one_bans_only_that_programme(
    session: Session, household: Household, now: datetime
) -> None:
    wanted = need(session, household, "MEDICAL.CHILD_CHD", 2_500_000, cause="heart")
    make.a_cost(session, wanted)
    giver = offer(session, "MEDICAL.CHILD_CHD")
    row = past(session, household, "MEDICAL.CHILD_CHD", 1_800_000, date(2020, 1, 1), org_id=giver.id)
    built, given = solved(session, now)
    assert given == {wanted.id: 1_200_000}
    assert [(cap.max_units, cap.household_id) for cap in built.problem.caps] == [(1_200_000, household.id)]
    row.units = 3_000_000
    offer(session, "MEDICAL.CHILD_CHD")
    built, given = solved(session, now)
    assert given == {wanted.id: 2_500_000}
    assert [ban.code for ban in built.problem.bans] == ["D04"]


@pytest.mark.parametrize("named", [False, True])
def test_a_nearly_used_programme_of_one_giver_holds_no_other_giver_down(
    session: Session, household: Household, now: datetime, named: bool
) -> None:
    """A gave 29,900 of its 30,000 yuan, B nothing yet: B gives 25,000 whole. Has B 50 left only, A's 100 are more."""
    person = make.a_person(session, household, name="小一").id if named else ""
    wanted = need(session, household, "MEDICAL.CHILD_CHD", 2_500_000, cause="heart", person_id=person)
    make.a_cost(session, wanted)
    first, second = offer(session, "MEDICAL.CHILD_CHD"), make.an_organisation(session)
    terms: dict[str, Any] = {"category": "MEDICAL.CHILD_CHD", "unit": "FEN"}
    other = make.an_offer(session, second, stock_units=10**8, **terms)
    told: dict[str, Any] = {"org_id": first.id, "cause": "heart", "person_id": person}
    past(session, household, "MEDICAL.CHILD_CHD", 2_990_000, date(2020, 1, 1), **told)
    assert overlap.verdict(session, wanted, org_id=second.id, units=2_500_000, on=TODAY).allowed == 2_500_000
    assert solved(session, now)[1] == {wanted.id: 2_500_000}
    other.stock_units = 5_000
    session.flush()
    assert solved(session, now)[1] == {wanted.id: 10_000}


def test_a_lifetime_cap_counts_for_the_programme_where_it_is_told(
    session: Session, household: Household, now: datetime
) -> None:
    """30,000 yuan of programme X: nothing more of X from anybody; 25,000 yuan from the same giver's programme Y."""
    wanted = need(session, household, "MEDICAL.CHILD_CHD", 2_500_000, cause="heart")
    make.a_cost(session, wanted)
    giver, rival = offer(session, "MEDICAL.CHILD_CHD"), make.an_organisation(session)
    (first,) = session.exec(select(Offer)).all()
    first.project = "天使 阳光"
    terms: dict[str, Any] = {"category": "MEDICAL.CHILD_CHD", "unit": "FEN", "stock_units": 10**8}
    other = make.an_offer(session, giver, project="天使之旅", **terms)
    make.an_offer(session, rival, project="天使阳光", **terms)
    told: dict[str, Any] = {"org_id": giver.id, "project": "天使阳光", "cause": "heart"}
    past(session, household, "MEDICAL.CHILD_CHD", 3_000_000, date(2020, 1, 1), **told)
    built = build(session, Scope(), policy=policy_of({}, TODAY), now=now)
    banned = {ban.resource_id for ban in built.problem.bans if ban.code == "D04"}
    assert banned == {row.id for row in session.exec(select(Offer))} - {other.id}
    assert solved(session, now)[1] == {wanted.id: 2_500_000}


def test_two_pupils_of_a_household_both_get_help_with_school_and_neither_gets_it_twice(
    session: Session, household: Household, now: datetime
) -> None:
    one, two = (make.a_person(session, household, name=name).id for name in ("小一", "小二"))
    first = need(session, household, "EDU.TERM_SUPPORT", 200_000, person_id=one)
    second = need(session, household, "EDU.TERM_SUPPORT", 300_000, person_id=two)
    offer(session, "EDU.TERM_SUPPORT")
    assert solved(session, now)[1] == {first.id: 200_000, second.id: 300_000}
    had = past(session, household, "EDU.TERM_SUPPORT", 100_000, date(2026, 9, 1), person_id=one)
    built, given = solved(session, now)
    assert (given, [(ban.need_id, ban.code) for ban in built.problem.bans]) == (
        {second.id: 300_000},
        [(first.id, "D06")],
    )
    had.person_id = ""
    assert solved(session, now)[1] == {}, "what names no pupil may have been either's"


def test_who_moves_takes_the_own_history_along_and_leaves_the_home_s(
    session: Session, household: Household, now: datetime
) -> None:
    """A child with a device moves to the grandmother: no second device there, food for her all the same. A verdict on
    two records joins their homes only while the person lives in both."""
    clerk, number = Actor(id="w", role=Role.VERIFIER), make_id_number("509900", date(2015, 5, 6), seq=7)
    child = make.a_person(session, household, name="小一")
    child.id_number_index = number_index(vault_of(session), number)
    past(session, household, "DISABILITY.AID_DEVICE", 1, date(2025, 12, 1), person_id=child.id)
    past(session, household, "LIVING.FOOD_PACK", 1, TODAY, person_id=child.id)
    grandmother = make.a_household(session)
    make.auto_match(session, grandmother)
    members.end(session, child.id, on=TODAY, reason="MOVED_OUT", actor=clerk, now=now)
    facts = PersonFacts(name="小一", id_number=number, relation="CHILD")
    here = members.add(session, grandmother.id, facts, actor=clerk, now=now)
    chair = need(session, grandmother, "DISABILITY.AID_DEVICE", 1, person_id=here.id)
    food = need(session, grandmother, "LIVING.FOOD_PACK", 1, person_id=here.id)
    for category in (chair.category, food.category):
        offer(session, category, stock=9)
    said = overlap.verdict(session, chair, org_id="", units=1, on=TODAY)
    assert (said.allowed, said.code) == (0, "D10")
    built, given = solved(session, now)
    assert given == {food.id: 1}
    assert [(ban.need_id, ban.code) for ban in built.problem.bans] == [(chair.id, "D10")]
    late_row = past(session, grandmother, "DISABILITY.AID_DEVICE", 1, TODAY, person_id=here.id)
    assert late.look_again(session, [late_row.id], actor=clerk, now=now) == 1, "a second device, told afterwards"
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.household_id, len(hit.because)) == ("D10", grandmother.id, 2)
    assert late_ends.gone(session) == [], "the row of the former home is no reason to end it"
    session.delete(late_row)
    session.flush()
    assert late_ends.gone(session) == [hit.id]
    household.source_index = source_index(vault_of(session), "test", "H-1")
    told = {"household_ref": "H-1", "person_id_number": number, "category": "DISABILITY.AID_DEVICE", "units": 1}
    record = {"source_id": "R-1", **told, "given_on": "2026-05-01"}
    take_in(session, [record], source="federation", rule_id="file", actor=clerk, now=now)
    theirs = session.exec(select(LedgerEntry).where(LedgerEntry.source == "federation")).one()
    assert (theirs.household_id, theirs.person_id) == (household.id, child.id), "told afterwards, of before"
    session.delete(theirs)
    second = past(session, grandmother, "DISABILITY.AID_DEVICE", 1, TODAY, person_id=here.id)
    told_late = past(session, household, "DISABILITY.AID_DEVICE", 1, TODAY - timedelta(days=9), person_id=child.id)
    food_late = past(session, household, "LIVING.FOOD_PACK", 1, TODAY - timedelta(days=9), person_id=child.id)
    late.look_again(session, [told_late.id, food_late.id], actor=clerk, now=now)
    there = {(one.code, one.household_id) for one in session.exec(select(OverlapHit).where(OverlapHit.id != hit.id))}
    assert ("D10", grandmother.id) in there, "told late for the home of then, it meets what came in that of now"
    assert ("D08", grandmother.id) not in there, "a home's goods are no other home's"
    for row in (second, told_late, food_late):
        session.delete(row)
    session.flush()
    here.id_number_index = None
    one, two = sorted((child.id, here.id))
    told = {"one_district": "500103", "two_district": "500103", "agreement": "", "facts_index": "", "raised_at": now}
    session.add(Suspicion(id=new_id(), one_id=one, two_id=two, state=SuspicionState.SAME, **told))
    session.flush()
    assert overlap.verdict(session, chair, org_id="", units=1, on=TODAY).allowed == 0, "by the verdict too"
    assert overlap.homes_of(session, household.id).ids == {household.id}
    here.id_number_index = number_index(vault_of(session), number)
    members.end(session, here.id, on=TODAY, reason="MOVED_OUT", actor=clerk, now=now)
    back = members.add(session, household.id, facts, actor=clerk, now=now)
    chair = need(session, household, "DISABILITY.AID_DEVICE", 1, person_id=back.id)
    said = overlap.verdict(session, chair, org_id="", units=1, on=TODAY)
    assert (said.allowed, said.code) == (0, "D10"), "who comes back has had here what it had here"
    assert (chair.id, "D10") in [(ban.need_id, ban.code) for ban in solved(session, now)[0].problem.bans]


def test_what_a_person_called_no_duplicate_or_a_district_excepts_reaches_the_run(
    session: Session, household: Household, now: datetime
) -> None:
    """Blankets then, a stove now: the wait of goods holds the other home only. An exception frees a course."""
    stove, course = need(session, household, "LIVING.GOODS", 1), need(session, household, "JOB.TRAINING", 1)
    other = make.a_household(session)
    make.auto_match(session, other)
    held = need(session, other, "LIVING.GOODS", 1)
    for category in ("LIVING.GOODS", "JOB.TRAINING"):
        offer(session, category, stock=9)
    past(session, household, "JOB.TRAINING", 1, TODAY)
    past(session, other, "LIVING.GOODS", 1, TODAY)
    row = past(session, household, "LIVING.GOODS", 1, TODAY)
    assert solved(session, now)[1] == {}
    first, second = (Actor(id=f"a-{n}", role=Role.APPROVER) for n in (1, 2))
    met = hits.of_need(stove, code="D08", place=hits.APPROVAL, units=1, because=[row.id], org_id=None)
    (hit,) = hits.keep(session, [met], actor=first, now=now)
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=first, now=now)
    free = Draft("D12", "", now.date(), "渝民发〔2026〕1号", may_except=True)
    rules.approve(session, rules.draft(session, free, actor=first, now=now).id, actor=second, now=now)
    overlap.allow(session, course.id, "D12", reason="另一工种", actor=first, now=now)
    built, given = solved(session, now)
    assert given == {stove.id: 1, course.id: 1}
    assert [(ban.need_id, ban.code) for ban in built.problem.bans] == [(held.id, "D08")]


def test_a_device_of_one_bars_no_other_and_a_lifetime_is_one_person_s(
    session: Session, household: Household, now: datetime
) -> None:
    """One giver's 30,000 yuan for the first child's heart leave its 30,000 for the second; of 3 years' wait nothing."""
    one, two = (make.a_person(session, household, name=name).id for name in ("小一", "小二"))
    mine, chair = (need(session, household, "DISABILITY.AID_DEVICE", 1, person_id=who) for who in (one, two))
    heart = need(session, household, "MEDICAL.CHILD_CHD", 2_500_000, person_id=two)
    make.a_cost(session, heart)
    giver = offer(session, "MEDICAL.CHILD_CHD")
    offer(session, "DISABILITY.AID_DEVICE", stock=9)
    past(session, household, "DISABILITY.AID_DEVICE", 1, date(2025, 12, 1), person_id=one)
    paid = past(session, household, "MEDICAL.CHILD_CHD", 3_000_000, date(2020, 1, 1), org_id=giver.id, person_id=one)
    built, given = solved(session, now)
    assert given == {chair.id: 1, heart.id: 2_500_000}
    assert [(ban.need_id, ban.code) for ban in built.problem.bans] == [(mine.id, "D10")]
    paid.person_id, paid.units = two, 1_000_000
    built, given = solved(session, now)
    assert (given[heart.id], built.problem.caps) == (2_000_000, ())
    home = Draft("D04", "", now.date(), "渝民发〔2026〕1号", by_person=frozenset())
    first, second = (Actor(id=f"a-{n}", role=Role.APPROVER) for n in (1, 2))
    rules.approve(session, rules.draft(session, home, actor=first, now=now).id, actor=second, now=now)
    paid.person_id = one
    built, given = solved(session, now)
    assert (given[heart.id], len(built.problem.caps)) == (2_000_000, 1), "of the household: the limit is all of theirs"


def test_one_programme_never_gives_a_new_household_more_than_its_cap_even_from_two_offers(
    session: Session, household: Household, now: datetime
) -> None:
    wanted = need(session, household, "MEDICAL.CHILD_CHD", 5_000_000)
    make.a_cost(session, wanted)
    giver = offer(session, "MEDICAL.CHILD_CHD")
    offer(session, "MEDICAL.CHILD_CHD", giver=giver)
    built, given = solved(session, now)
    assert given == {wanted.id: 3_000_000}
    assert {resource.exclusive_group for resource in built.problem.resources} == {f"D04:{giver.id}:MEDICAL.CHILD_CHD"}


def test_a_second_charity_for_the_same_illness_gets_what_the_papers_leave(
    session: Session, household: Household, now: datetime
) -> None:
    wanted = need(session, household, "MEDICAL.MAJOR", 500_000, cause="kidney")
    bill = make.a_cost(session, wanted, fen=100_000)
    offer(session, "MEDICAL.MAJOR")
    past(session, household, "MEDICAL.MAJOR", 100_000, date(2026, 10, 1), cause="kidney")
    assert solved(session, now)[1] == {}
    said = overlap.verdict(session, wanted, org_id="", units=1, on=TODAY)
    assert "D05" in {finding.code for finding in said.findings}
    bill.cost_fen = 300_000
    session.flush()
    assert solved(session, now)[1] == {wanted.id: 200_000}


@pytest.mark.parametrize(
    ("category", "gap", "row", "code"),
    [
        ("EDU.TERM_SUPPORT", 300_000, {"cause": "s1"}, "D06"),
        ("HOUSING.REPAIR", 900_000, {}, "D11"),
        ("EMERGENCY.CASH", 90_000, {"cause": "s1"}, "D13"),
    ],
)
def test_what_excludes_each_other_is_banned_with_the_rule_s_code(
    session: Session, household: Household, now: datetime, category: str, gap: int, row: dict[str, Any], code: str
) -> None:
    need(session, household, category, gap, cause="s1")
    offer(session, category)
    past(session, household, category, 1_000, date(2026, 3, 1), **row)
    built, given = solved(session, now)
    assert given == {}
    assert [ban.code for ban in built.problem.bans] == [code]


def test_a_need_is_cut_to_the_floor_to_free_hours_and_to_a_policy_for_each_person(
    session: Session, household: Household, now: datetime
) -> None:
    """5,000 − 1,200 = 3,800 yuan; 30 − 12 = 18 hours; a household of one gets one policy."""
    entry = need(session, household, "EDU.UNIVERSITY_ENTRY", 500_000, cause="s1")
    care = need(session, household, "CARE.HOME_CARE", 30)
    policy = need(session, household, "INSURANCE.PREMIUM", 3)
    for category in ("EDU.UNIVERSITY_ENTRY", "CARE.HOME_CARE", "INSURANCE.PREMIUM"):
        offer(session, category)
    past(session, household, "EDU.UNIVERSITY_ENTRY", 120_000, date(2026, 9, 1), cause="s1", programme="TEMPORARY_AID")
    past(session, household, "CARE.HOME_CARE", 12, date(2026, 11, 1), programme="LTC_INSURANCE")
    assert solved(session, now)[1] == {entry.id: 380_000, care.id: 18, policy.id: 1}


def test_minimum_living_money_lowers_nothing(session: Session, household: Household, now: datetime) -> None:
    wanted = need(session, household, "EMERGENCY.CASH", 90_000, cause="s1")
    offer(session, "EMERGENCY.CASH")
    past(session, household, "EMERGENCY.CASH", 60_000, date(2026, 11, 1), programme="DIBAO")
    assert solved(session, now)[1] == {wanted.id: 90_000}


def test_of_two_like_needs_the_more_urgent_is_served_in_one_run(
    session: Session, household: Household, now: datetime
) -> None:
    need(session, household, "LIVING.FOOD_PACK", 5, urgency=1)
    urgent = need(session, household, "LIVING.FOOD_PACK", 5, urgency=3)
    offer(session, "LIVING.FOOD_PACK")
    assert solved(session, now)[1] == {urgent.id: 5}


@pytest.mark.parametrize(
    ("category", "first", "second", "left"),
    [
        ("MEDICAL.MAJOR", 2_000_000, 2_000_000, 800_000),  # one illness, one cost of 28,000 yuan
        ("EMERGENCY.CASH", 30_000, 60_000, 0),  # one event: once
        ("EDU.UNIVERSITY_ENTRY", 300_000, 400_000, 200_000),  # the floor of 5,000 yuan for both together
        ("CARE.VISIT", 6, 10, 4),  # hours of one service in the same time are not counted twice
    ],
)
def test_what_approval_would_refuse_beside_a_like_need_is_not_planned_in_the_same_run(
    session: Session, household: Household, now: datetime, category: str, first: int, second: int, left: int
) -> None:
    for _giver in range(2):
        offer(session, category)
    before = need(session, household, category, first, urgency=3, cause="C50")
    after = need(session, household, category, second, urgency=1, cause="")  # perhaps the same one
    if category.startswith("MEDICAL"):
        make.a_cost(session, before, fen=2_800_000)
    told = {before.id: first} | ({after.id: left} if left else {})
    assert solved(session, now)[1] == told


def test_two_events_of_a_year_are_planned_both(session: Session, household: Household, now: datetime) -> None:
    """The limit of a year is an event's own."""
    offer(session, "EDU.UNIVERSITY_ENTRY")
    wanted = [
        need(session, household, "EDU.UNIVERSITY_ENTRY", 300_000, cause=cause)
        for cause in ("SCHOOLING:1", "SCHOOLING:2")
    ]
    assert solved(session, now)[1] == {one.id: 300_000 for one in wanted}


def test_a_district_s_exception_lets_a_second_aid_for_the_same_event_through(
    session: Session, household: Household, now: datetime
) -> None:
    wanted = need(session, household, "EMERGENCY.CASH", 90_000, cause="fire")
    offer(session, "EMERGENCY.CASH")
    past(session, household, "EMERGENCY.CASH", 50_000, date(2026, 2, 1), cause="fire")
    assert solved(session, now)[1] == {}
    approver = Actor(id="a-1", role=Role.APPROVER)
    overlap.allow(session, wanted.id, "D13", reason="再次受灾", actor=approver, now=now)
    assert solved(session, now)[1] == {wanted.id: 90_000}


@pytest.mark.parametrize(("urban", "standard"), [(True, 77_000), (False, 63_000)])
def test_fast_small_aid_is_at_most_one_month_of_the_minimum_living_standard(
    session: Session, household: Household, now: datetime, urban: bool, standard: int
) -> None:
    """770 yuan a month in towns, 630 in the country, since July 2025."""
    household.urban = urban
    session.add(household)
    wanted = need(session, household, "EMERGENCY.CASH", 90_000, tags=["FAST_SMALL_AID"])
    offer(session, "EMERGENCY.CASH")
    assert solved(session, now)[1] == {wanted.id: standard}


@pytest.mark.parametrize("category", ["MEDICAL.MAJOR", "MEDICAL.CHILD_LEUKEMIA", "MEDICAL.LONGTERM_DRUG"])
def test_charity_promises_nothing_for_an_illness_before_papers_show_its_cost(
    session: Session, household: Household, now: datetime, category: str
) -> None:
    wanted = need(session, household, category, 90_000)
    giver = offer(session, category)
    built, given = solved(session, now)
    assert (given, [ban.code for ban in built.problem.bans]) == ({}, ["D01"])
    said = overlap.verdict(session, wanted, org_id=giver.id, units=90_000, on=TODAY)
    assert (said.allowed, said.findings[0].waits) == (0, ("PAPERS",))
    past(session, household, category, 1_000, TODAY)
    make.a_cost(session, wanted, fen=51_000)
    assert solved(session, now)[1] == {wanted.id: 50_000}


def test_sudden_need_is_helped_before_papers_show_a_cost(session: Session, household: Household, now: datetime) -> None:
    """5,000 yuan a year for one event until a cost is written down."""
    wanted = need(session, household, "EMERGENCY.CASH", 600_000)
    offer(session, "EMERGENCY.CASH")
    assert solved(session, now)[1] == {wanted.id: 500_000}


def test_the_evidence_of_a_run_is_kept_once_however_often_it_runs(
    session: Session, household: Household, now: datetime
) -> None:
    wanted = need(session, household, "LIVING.FOOD_PACK", 5)
    row = past(session, household, "LIVING.FOOD_PACK", 1, date(2026, 10, 1))
    met = hits.of_need(wanted, code="D08", place=hits.RUN, units=5, because=[row.id], org_id=None)
    assert [hit.giver for hit in hits.keep(session, [met, met], actor=WORKER, now=now)] == ["红十字会"]
    assert hits.keep(session, [met], actor=WORKER, now=now) == []


def test_a_problem_names_nobody(session: Session, household: Household, now: datetime) -> None:
    need(session, household, "LIVING.FOOD_PACK", 5)
    built: Problem = solved(session, now)[0].problem
    assert "王" not in repr(built)
