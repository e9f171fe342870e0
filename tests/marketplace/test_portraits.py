"""A portrait tells what is known and by whom and guesses nothing; a department's task ends in a result or a need."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from adapters.fakes_departments import FakeTasks
from adapters.items import TaskWord
from adapters.ports import WillNeverWork
from marketplace import audit, policy
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, DomainError, WrongState
from marketplace.households import members
from marketplace.households.service import list_people
from marketplace.needs import service as service_of_needs
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.portraits import answering, exchange, pushing, scoring, service
from marketplace.portraits.models import Push, PushState
from marketplace.portraits.pushing import Asked
from marketplace.reference.facts import fact_kinds
from marketplace.reference.indicators import indicators, need_errors
from marketplace.reference.need_points import points
from marketplace.reference.words import list_codes
from marketplace.signals.reading import OF_THE_LIVING, Reading, scene_of
from tests.marketplace.signal_scene import CLERK, a_home, a_number, told

NOW = utc_now()
TODAY = local_day(NOW)
REPAIR = Asked("HUD", "dwelling_safety", "HOUSING.REPAIR", 600_000)
OUTSIDERS = sorted(set(Role) - {Role.WORKER, Role.VERIFIER, Role.APPROVER})


@pytest.fixture
def store(sqlite_database: Database) -> Session:
    """A writing session on the embedded engine."""
    return sqlite_database.session(writes=True)


def read(session: Session, home_id: str) -> dict[str, Reading]:
    """Indicator ► reading."""
    shown = service.portrait_of(session, home_id, actor=CLERK, today=TODAY)
    return {one.indicator.code: one for part in shown.dimensions for one in part.readings}


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_what_departments_told_stands_with_its_source_its_day_and_its_age(store: Session) -> None:
    number = a_number(date(1950, 3, 7))
    home = a_home(store, numbers=(number,), now=NOW)
    told(store, "SPENDING", (number, "INCOME", days_ago(10), 24_000), as_of=TODAY, now=NOW)
    told(store, "SPENDING", (number, "NECESSARY_SPENDING", days_ago(9), 12_000), as_of=TODAY, now=NOW)
    told(store, "MEDICAL_BILLS", (number, "OWN_COST", days_ago(100), 3_000), as_of=TODAY, now=NOW)
    told(store, "MEDICAL_BILLS", (number, "OWN_COST", days_ago(400), 9_000), as_of=TODAY, now=NOW)
    found = read(store, home.id)
    # 24,000 yuan a year for one head are 2,000 a month; 12,000 of 24,000 is half
    assert (found["income_per_head"].value, found["income_per_head"].source) == (200_000, "SPENDING")
    assert found["rigid_spending_ratio"].value == 50
    # only the bill of the last twelve months counts, and 100 days are too old for bills
    assert (found["own_cost_12m"].value, found["own_cost_12m"].on) == (300_000, days_ago(100))
    assert (found["income_per_head"].fresh, found["own_cost_12m"].fresh) == (True, False)


def test_the_dead_are_no_members_and_the_income_of_a_household_is_one(store: Session) -> None:
    numbers = (a_number(date(1950, 3, 7)), a_number(date(1952, 3, 7)))
    home = a_home(store, numbers=numbers, now=NOW)
    told(store, "SPENDING", *((one, "INCOME", days_ago(10), 24_000) for one in numbers), as_of=TODAY, now=NOW)
    found = read(store, home.id)
    assert (found["income_per_head"].value, found["elders"].value) == (100_000, 2)
    told(store, "CIVIL_RECORDS", (numbers[0], "DEATH", days_ago(3), None), as_of=TODAY, now=NOW)
    found = read(store, home.id)
    assert (found["income_per_head"].value, found["elders"].value) == (200_000, 1)
    home.size = 1  # a list told the number anew: it leaves the dead out
    found = read(store, home.id)
    assert (found["income_per_head"].value, found["elders"].value) == (200_000, 1)


def test_nothing_that_ended_with_somebody_is_told_of_who_lives_on(store: Session) -> None:
    dead, retired = a_number(date(TODAY.year - 60, 3, 7)), a_number(date(TODAY.year - 74, 3, 7))
    home = a_home(store, numbers=(dead, retired), now=NOW)
    for code in sorted(OF_THE_LIVING):
        kind = fact_kinds()[code]
        amount = None if kind.value == "none" else 1
        told(store, kind.feed, (dead, code, days_ago(30), amount), as_of=TODAY, now=NOW)
    told(store, "EMPLOYMENT", (retired, "JOB_STOPPED", days_ago(30), None), as_of=TODAY, now=NOW)
    ended = {
        "serious_illness",
        "disability_grade",
        "students_by_stage",
        "able_unemployed",
        "guardianship",
        "lives_alone",
    }
    assert {code for code, one in read(store, home.id).items() if one.value and one.source != "REGISTER"} == ended
    told(store, "CIVIL_RECORDS", (dead, "DEATH", days_ago(9), None), as_of=TODAY, now=NOW)
    found = read(store, home.id)
    assert [found[code].value for code in sorted(ended)] == [None] * len(ended)
    assert scoring.facts_of(scene_of(store, home, today=TODAY))["unfit_for_work"] is None


def test_what_nobody_told_is_unknown_and_not_nought(store: Session) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    found = read(store, home.id)
    assert [code for code, one in found.items() if one.value is not None] == [
        code for code, one in indicators().items() if one.how == "register"
    ]


def test_the_register_tells_of_the_family_only_when_every_age_is_known(store: Session) -> None:
    child = a_number(date(TODAY.year - 8, 1, 5))
    home = a_home(store, numbers=(a_number(date(1950, 3, 7)), child), now=NOW)
    found = read(store, home.id)
    told_of = ("elders", "children", "single_parent", "grandparent_raising")
    assert [found[code].value for code in told_of] == [1, 1, 1, 1]
    home.size = 3
    store.add(home)
    store.flush()
    assert [read(store, home.id)[code].value for code in told_of] == [None] * 4


def test_who_lives_there_no_more_is_no_member(store: Session) -> None:
    husband, mother = a_number(date(TODAY.year - 41, 3, 7)), a_number(date(TODAY.year - 38, 3, 7))
    children = tuple(a_number(date(TODAY.year - age, 1, 5)) for age in (3, 6, 9))
    home = a_home(store, numbers=(husband, mother, *children), now=NOW)
    leaves = list_people(store, home.id)[0]
    members.end(store, leaves.id, on=TODAY, reason=list_codes(members.REASONS)[0], actor=CLERK, now=NOW)
    scene = scene_of(store, home, today=TODAY)
    held = scoring.facts_of(scene)
    assert leaves.id not in [person.id for person in scene.people]
    assert (held["single_parent"], held["three_children"]) == (True, True)
    assert read(store, home.id)["single_parent"].value == 1


def test_the_score_is_a_range_as_long_as_something_is_unknown(store: Session) -> None:
    number = a_number(date(TODAY.year - 70, 3, 7))
    home = a_home(store, numbers=(number,), now=NOW)
    shown = service.portrait_of(store, home.id, actor=CLERK, today=TODAY).score
    held = {line.fact: line.holds for line in shown.lines}
    # alone (2) and alone and old (5); nobody of 70 could work; a sick or foreign member is unknown, a woman maybe
    assert (held["alone"], held["alone_and_old"], held["nobody_works"]) == (True, True, False)
    assert held["from_elsewhere"] is None
    assert shown.least >= 7
    assert shown.most == shown.least + sum(line.points for line in shown.lines if line.holds is None) > shown.least


def test_the_errors_on_the_page_are_those_that_the_bench_wrote() -> None:
    file = Path(__file__).parents[2] / "bench" / "results" / "need_score.json"
    written = json.loads(file.read_text("utf-8"))
    groups = written["of each group's poor found [share, households]"]
    known, untold = groups["as the house knows it"], groups["where nobody tells of work"]
    shown = {row.code: (row.found_permille, row.untold_permille, row.households) for row in need_errors()}
    found = written["share of the poorest fifth found"]
    overall = [round(found[name] * 1000) for name in ("as the house knows it", "where nobody tells of work")]
    assert shown.pop("all") == (*overall, sum(row[1] for name, row in known.items() if name[0].isupper()))
    assert shown == {
        name.replace(" ", "_"): (round(share * 1000), round(untold[name][0] * 1000), homes)
        for name, (share, homes) in known.items()
    }


def test_the_score_was_measured_with_the_facts_that_this_house_can_know(store: Session) -> None:
    number = a_number(date(TODAY.year - 40, 3, 7))
    home = a_home(store, numbers=(number,), now=NOW)
    scene = scene_of(store, home, today=TODAY)
    assert set(points()) - set(scoring.facts_of(scene)) == set(scoring.NEVER_TOLD)
    assert set(scoring.OF_WORK) <= set(scoring.facts_of(scene))


@pytest.mark.parametrize("role", OUTSIDERS)
def test_nobody_but_staff_of_the_street_opens_a_portrait(role: Role) -> None:
    actor = Actor(id="x", role=role, household_id="h", org_id="o")
    acts = [act for act in policy.matrix() if act.partition(":")[0] in ("portrait", "board")]
    assert len(acts) >= 6
    theirs = {"board:paper", *({"portrait:answer"} if role is Role.SERVICE else ())} | (
        {"board:outliers"} if role is Role.AUDITOR else set()
    )
    assert [act for act in acts if policy.may(actor, act).allow and act not in theirs] == []


def test_a_look_has_a_purpose_and_is_written_before_anything_is_shown(store: Session) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    with pytest.raises(BadInput):
        service.write_look(store, home.id, rule="portrait:view", purpose="curiosity", actor=CLERK, now=NOW)
    service.write_look(store, home.id, rule="portrait:view", purpose="VISIT", actor=CLERK, now=NOW)
    row = store.exec(select(audit.AuditRow).where(audit.AuditRow.action == "portrait:view")).one()
    assert row.purpose == "VISIT"
    elsewhere = Actor(id="w", role=Role.WORKER, districts=frozenset({"500101"}))
    with pytest.raises(DomainError):
        service.portrait_of(store, home.id, actor=elsewhere, today=TODAY)


def running(session: Session, row: object) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, pushing.ref_of(row))]  # type: ignore[arg-type]


def test_a_department_takes_a_task_and_what_it_leaves_becomes_a_need_of_the_market(store: Session) -> None:
    home = a_home(store, numbers=(number := a_number(),), now=NOW)
    row = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    assert a_home(store, numbers=(number,), district="500106", now=NOW).id == home.id, "it moves, and its task with it"
    assert row.district_code == clocks.running_of(store, pushing.ref_of(row))[0].district_code == "500106"
    assert running(store, row) == ["push_answer"]
    with pytest.raises(WrongState):
        pushing.finish(store, row.id, covered=1, actor=CLERK, now=NOW)
    pushing.accept(store, row.id, actor=CLERK, now=NOW)
    assert running(store, row) == ["push_result"]
    done = pushing.finish(store, row.id, covered=450_000, actor=CLERK, now=NOW)
    need = store.exec(select(Need).where(Need.household_id == home.id)).one()
    assert (done.state, done.need_id, need.gap_units, need.state) == (
        PushState.DONE,
        need.id,
        150_000,
        NeedState.UNVERIFIED,
    )
    assert need.referral_reason is ReferralReason.STILL_IN_NEED
    assert running(store, row) == []
    assert service.portrait_of(store, home.id, actor=CLERK, today=TODAY).pushes == (done,)


def test_a_department_answers_over_http_in_any_order_and_twice_without_harm(sqlite_database: Database) -> None:
    door = FakeTasks()

    def sweep() -> int:
        return exchange.sweep(sqlite_database, {"HUD": door}, clock=lambda: NOW)

    assert sweep() == 0
    with sqlite_database.transaction() as session:
        rows = []
        for _n in range(3):
            home = a_home(session, numbers=(a_number(),), now=NOW)
            rows.append(pushing.push(session, home.id, REPAIR, actor=CLERK, now=NOW).id)
    one, two, three = rows
    door.faults.play(WillNeverWork("Not of ours.", code="request_refused"))
    assert (sweep(), len(door.tasks)) == (3, 2), "one was refused for good, the others were taken"
    with sqlite_database.reading() as session:
        acts = session.exec(select(audit.AuditRow.seq).where(audit.AuditRow.action == "portrait:push_refused")).all()
    assert len(acts) == 1
    door.said = [
        TaskWord(one, 2, "done", 450_000),
        TaskWord(one, 1, "accepted"),
        TaskWord(one, 2, "done", 450_000),
        TaskWord(two, 1, "accepted"),
        TaskWord(two, 3, "returned", reason="NO_MEANS"),
        TaskWord(three, 1, "done", REPAIR.units + 1),
        TaskWord("nobody", 1, "accepted"),
    ]
    door.faults.play("lost reply")
    assert sweep() == 0
    assert (sweep(), sweep()) == (3, 0)
    with sqlite_database.reading() as session:
        found = [session.get_one(Push, row) for row in rows]
        assert [row.state for row in found] == [PushState.DONE, PushState.RETURNED, PushState.ASKED]
        assert [row.covered_units for row in found] == [450_000, 0, 0]
        assert [session.get_one(Need, row.need_id).gap_units for row in found if row.need_id] == [150_000, 600_000]


@pytest.mark.parametrize(
    ("reason", "left"), [("NOT_ELIGIBLE", ReferralReason.NOT_ELIGIBLE), ("NO_MEANS", ReferralReason.STILL_IN_NEED)]
)
def test_a_returned_task_goes_to_the_market_with_its_reason(store: Session, reason: str, left: ReferralReason) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    row = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    pushing.give_back(store, row.id, reason=reason, actor=CLERK, now=NOW)
    need = store.exec(select(Need)).one()
    assert (need.gap_units, need.referral_reason) == (600_000, left)


@pytest.mark.parametrize(
    ("asked", "refused", "covered", "left"),
    [
        (1_000, True, 450_000, [(1_000, "refused"), (150_000, "unverified")]),
        (1_000, False, 450_000, [(1_000, "held"), (150_000, "unverified")]),
        (REPAIR.units, False, 450_000, [(REPAIR.units, "held")]),
        (REPAIR.units, False, REPAIR.units, [(REPAIR.units, "held")]),
        (REPAIR.units, False, 0, [(REPAIR.units, "unverified")]),
    ],
)
def test_a_rest_is_never_lost_and_what_was_covered_is_not_asked_for_again(
    store: Session, asked: int, refused: bool, covered: int, left: list[tuple[int, str]]
) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    facts = service_of_needs.NeedFacts(REPAIR.category, asked, period=str(TODAY.year - 1))
    before = service_of_needs.create_need(store, facts, household_id=home.id, actor=CLERK, now=NOW)
    if refused:
        reason = list_codes("need_refusal")[0]
        service_of_needs.refuse_need(store, before.id, actor=CLERK, now=NOW, reason=reason)
    row = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    pushing.accept(store, row.id, actor=CLERK, now=NOW)
    done = pushing.finish(store, row.id, covered=covered, actor=CLERK, now=NOW)
    held = [need.id for need in store.exec(select(Need)) if need.state is NeedState.HELD]
    assert (pushing.held_by(store, done), {store.get_one(Need, one).state_reason for one in held}) == (
        held,
        {"department_covered"} if held else set(),
    )
    found = sorted((need.gap_units, need.state.value) for need in store.exec(select(Need)))
    assert found == left
    if covered < REPAIR.units:
        assert store.get_one(Need, done.need_id).gap_units >= REPAIR.units - covered


def test_a_rest_is_of_the_year_in_which_it_is_heard_here(store: Session) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    new_year = datetime(2026, 12, 31, 23, tzinfo=UTC)
    row = pushing.push(store, home.id, REPAIR, actor=CLERK, now=new_year)
    returned = pushing.give_back(store, row.id, reason="NO_MEANS", actor=CLERK, now=new_year)
    assert store.get_one(Need, returned.need_id).period == "2027"


@pytest.mark.parametrize(("reason", "left"), [("NOT_ELIGIBLE", ReferralReason.NOT_ELIGIBLE), ("WRONG_DATA", None)])
def test_a_task_that_is_returned_after_it_was_taken_keeps_its_reason(
    store: Session, reason: str, left: ReferralReason | None
) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    row = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    assert answering.answer(store, row, answering.Word("accepted"), now=NOW)
    with pytest.raises(BadInput):
        answering.answer(store, row, answering.Word("returned", reason="BECAUSE"), now=NOW)
    assert answering.answer(store, row, answering.Word("returned", reason=reason), now=NOW + timedelta(days=2))
    assert (row.state, row.reason, row.answered_at) == (PushState.RETURNED, reason, NOW)
    assert [need.referral_reason for need in store.exec(select(Need))] == ([left] if left else [])
    assert running(store, row) == []


def test_wrong_data_and_a_whole_cover_leave_no_need(store: Session) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    first = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    with pytest.raises(Conflict):
        pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    store.rollback()
    home = a_home(store, numbers=(a_number(),), now=NOW)
    first = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    pushing.give_back(store, first.id, reason="WRONG_DATA", actor=CLERK, now=NOW)
    second = pushing.push(store, home.id, REPAIR, actor=CLERK, now=NOW)
    pushing.accept(store, second.id, actor=CLERK, now=NOW)
    pushing.finish(store, second.id, covered=REPAIR.units, actor=CLERK, now=NOW)
    assert store.exec(select(Need)).all() == []


@pytest.mark.parametrize(
    "asked",
    [
        Asked("NOBODY", "debt", "HOUSING.REPAIR", 1),
        Asked("HUD", "luck", "HOUSING.REPAIR", 1),
        Asked("HUD", "debt", "HOUSING.CASTLE", 1),
        Asked("HUD", "debt", "HOUSING.REPAIR", 0),
        Asked("HUD", "debt", "HOUSING.REPAIR", 10**11),
    ],
)
def test_a_task_names_a_department_an_indicator_a_kind_and_a_likely_amount(store: Session, asked: Asked) -> None:
    home = a_home(store, numbers=(a_number(),), now=NOW)
    with pytest.raises(BadInput):
        pushing.push(store, home.id, asked, actor=CLERK, now=NOW)
