"""One application, many items: what begins, what waits, who decides, what follows, and what the household can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.audit import AuditBody, AuditRow
from marketplace.calendar import local_day, working_days_between
from marketplace.cases import (
    board,
    handing_on,
    hands,
    looking,
    notice,
    orders,
    outcome,
    papers,
    register,
    service,
    silent,
    steps,
    supervision,
    withdrawing,
)
from marketplace.cases import granted as beginning
from marketplace.cases.again import decide_again
from marketplace.cases.ended import mark_ended
from marketplace.cases.evaluate import Facts, class_tests, plan
from marketplace.cases.lateness import who_decides
from marketplace.cases.models import Case, CaseDecision, CaseItem, CaseState, CaseStep, Escalation, ItemState
from marketplace.cases.models_orders import PaymentOrder
from marketplace.cases.rules import graph, steps_of
from marketplace.cases.uncovered import uncovered
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import BadInput, ConsentMissing, NotAllowed, NotFound, WrongState
from marketplace.households import categories, reaching
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.liveness.duties import duties_of
from marketplace.needs.remainder import let_go, need_of_case
from marketplace.notices import Notice
from marketplace.reference.words import list_codes
from marketplace.signals import declaring, taking
from marketplace.signals.declaring import Verdict
from marketplace.signals.models import TaskKind
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit
from tests import factories as make

ON = date(2026, 11, 23)
CITY = "500103"
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({CITY}))
OTHER = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500112"}))
APPROVER = Actor(id="approver-1", role=Role.APPROVER, districts=frozenset({CITY}))
PAYER = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({CITY}))
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({CITY}))
HUNG = 200_000
"""What the public notice names."""
POOR = {"wants": ["living", "illness"], "size": 2, "income_fen": 50_000, "medical_fen": 6_000_000}


def send(
    session: Session, now: datetime, home: Household | None = None, **over: Any
) -> tuple[Case, dict[str, CaseItem]]:
    """A household applies and signs; its case with its items by code."""
    home = home or make.a_household(session)
    me = make.as_household(home)
    case = service.start(session, home.id, actor=me, now=now)
    switches = {"all_classes": over.pop("all_classes", True), "hand_on": over.pop("hand_on", True)}
    service.save(session, case, {**POOR, **over}, actor=me, now=now)
    service.sign(session, case, "王小明", actor=me, now=now, **switches)
    items = service.submit(session, case, actor=me, now=now)
    return case, {item.code: item for item in items}


def walk(session: Session, item: CaseItem, now: datetime, *, to: str = "confirm") -> datetime:
    """Do every step in time until the item stands at the wanted one; notices end by themselves."""
    while (step := steps.running_step(session, item.id)).code != to:
        if step.code in notice.NOTICES:
            now = step.due_at
            notice._go_on(session, item.id, now=now)
        else:
            steps.finish(session, item.id, opinion="for", amount_fen=HUNG, actor=WORKER, now=now)
    return now


def pay(session: Session, item: CaseItem, now: datetime, *, actor: Actor = PAYER, **over: Any) -> PaymentOrder:
    """The money is on its way, written down by somebody of the office that holds it."""
    told = orders.Paid(**{"voucher": "记-2026-118", "paid_on": local_day(now), **over})
    return orders.pay(session, item.id, told, actor=actor, now=now)


def test_one_application_begins_what_can_begin_and_lets_the_rest_wait(session: Session, now: datetime) -> None:
    case, items = send(session, now, ticks=["no_pension"])
    assert case.state is CaseState.OPEN
    assert {code for code, item in items.items() if item.state is ItemState.RUNNING} == {"DIBAO", "LINSHI"}
    assert items["DIBIAN_GANGXING"].after == ["DIBAO"]
    assert items["YANGLAO_DAIJIAO"].state is ItemState.WAITING
    letters = session.exec(select(Notice.letter).where(Notice.household_id == case.household_id)).all()
    assert letters == ["case_received"]


def test_what_an_application_says_is_compared_with_what_departments_tell(session: Session, now: datetime) -> None:
    case, _items = send(session, now, savings_fen=900_000, schooling_fen=None)
    person, today = list_people(session, case.household_id)[0], local_day(now)
    for kind, amount in (("INCOME", 620_000), ("MONEY", 5_000_000)):
        taking.record_fact(session, person, kind, ref=kind, amount=amount, on=today, actor=SYSTEM, now=now)
    found = {line.kind.code: (line.declared, line.verdict) for line in declaring.compare(session, case.household_id)}
    assert found == {
        "INCOME": (600_000, Verdict.AGREEMENT),
        "MEDICAL_SPENDING": (6_000_000, Verdict.UNKNOWN),
        "MONEY": (900_000, Verdict.DIFFERENCE),
    }, "an income of a month is that of a year; what was left empty was not said"
    send(session, now, income_fen=10**12)


def test_the_graph_of_items_has_no_circle_and_knows_all_thirteen() -> None:
    drawn = graph(district=CITY, on=ON)
    assert set(drawn) == set(list_codes("aid_item"))
    assert len(drawn) == 13


def test_a_draft_is_come_back_to_and_cannot_be_sent_unsigned(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    me = make.as_household(home)
    case = service.start(session, home.id, actor=me, now=now)
    service.save(session, case, {"wants": ["living"]}, actor=me, now=now)
    again = service.start(session, home.id, actor=me, now=now + timedelta(days=3))
    assert again.id == case.id
    assert again.answers == {"wants": ["living"]}
    with pytest.raises(BadInput, match="not_signed"):
        service.submit(session, case, actor=me, now=now)


def test_a_foreign_case_looks_like_a_missing_one(session: Session, now: datetime) -> None:
    case, items = send(session, now)
    stranger = make.as_household(make.a_household(session, phone="10000000002"))
    for who in (stranger, OTHER):
        with pytest.raises(NotFound):
            service.get_case(session, case.id, actor=who)
    with pytest.raises(NotFound):
        steps.finish(session, items["DIBAO"].id, actor=OTHER, now=now)


def test_a_label_brings_its_benefits_without_another_application(session: Session, now: datetime) -> None:
    _case, items = send(session, now, ticks=["no_pension"])
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=104_000, actor=APPROVER, now=day)
    states = {code: item.state for code, item in items.items()}
    assert states["DIBIAN_GANGXING"] is ItemState.NOT_NEEDED
    by_label = ("JIAGE_SHUIDIANQI", "YANGLAO_DAIJIAO", "LAJI_JIANMIAN", "YILIAO_JIUZHU")
    assert {states[code] for code in by_label} == {ItemState.RUNNING}
    assert steps.running_step(session, items["DIBAO"].id).code == "payment"


@pytest.mark.parametrize(("yes", "state"), [(True, ItemState.RUNNING), (False, ItemState.NOT_NEEDED)])
def test_a_refused_family_goes_on_to_the_next_class_only_with_its_yes(
    session: Session, now: datetime, yes: bool, state: ItemState
) -> None:
    case, items = send(session, now, all_classes=yes)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    assert items["DIBIAN_GANGXING"].state is state
    assert len(session.exec(select(CaseItem).where(CaseItem.case_id == case.id)).all()) == len(items)


def test_who_gave_the_first_opinion_does_not_confirm(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    day = walk(session, items["DIBAO"], now)
    step = session.exec(
        select(CaseStep).where(CaseStep.item_id == items["DIBAO"].id, CaseStep.code == "check_and_visit")
    ).one()
    deputy = replace(APPROVER, id="deputy", on_behalf_of=APPROVER.id)
    for first in (APPROVER, deputy):
        mark_ended(step, outcome="done", actor=first, now=day)
        assert (step.ended_by, step.ended_for) == (first.id, first.on_behalf_of or "")
        for same in (APPROVER, deputy):
            with pytest.raises(NotAllowed, match="second_person_needed"):
                outcome.decide(session, items["DIBAO"].id, granted=True, actor=same, now=day)


def test_for_whom_a_stand_in_granted_neither_decides_anew_nor_pays(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item = items["DIBAO"]
    day, deputy = walk(session, item, now), replace(APPROVER, id="deputy", on_behalf_of="head-1")
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=deputy, now=day)
    head = replace(APPROVER, id="head-1")
    assert {"deputy", "head-1"} <= outcome._decided_before(session, item.id)
    assert hands.was_in_it(session, item, "payment", actor=head)
    assert not hands.was_in_it(session, item, "payment", actor=replace(APPROVER, id="cashier-1"))


def test_a_refusal_needs_its_reason_and_a_late_end_its_cause(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    day = walk(session, items["DIBAO"], now)
    with pytest.raises(BadInput, match="reason_missing"):
        outcome.decide(session, items["DIBAO"].id, granted=False, actor=APPROVER, now=day)
    late = day + timedelta(days=60)
    with pytest.raises(BadInput, match="late_cause_missing"):
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=9, actor=APPROVER, now=late)
    told: Any = {"late_cause": "backlog", "actor": APPROVER, "now": late}
    item = outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=9, **told)
    assert (item.late_cause, item.late_with, item.holder) == ("backlog", "COUNTY", "COUNTY")
    assert item.month == "2027-01"


def test_fast_aid_is_one_step_of_three_days_capped_and_once_a_year(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, wants=["accident"], ticks=["sudden"], medical_fen=0)
    fast = items["LINSHI"]
    assert fast.path == "LINSHI_FAST"
    assert fast.due_at == datetime(2026, 11, 26, 16, tzinfo=now.tzinfo)
    with pytest.raises(BadInput, match="above_cap"):
        outcome.decide(session, fast.id, granted=True, amount_fen=77_001, actor=WORKER, now=now)
    outcome.decide(session, fast.id, granted=True, amount_fen=77_000, actor=WORKER, now=now)
    assert fast.state is ItemState.GRANTED
    assert steps.running_step(session, fast.id).due_at == fast.due_at, "and paid within the same three days"
    _again, more = send(session, now, home, wants=["accident"], ticks=["sudden"], medical_fen=0)
    told: dict[str, Any] = {"granted": True, "amount_fen": 1_000, "now": fast.due_at - timedelta(hours=1)}
    with pytest.raises(BadInput, match="county_decides"):
        outcome.decide(session, more["LINSHI"].id, actor=WORKER, **told)
    with pytest.raises(BadInput, match="aided_this_year"):
        outcome.decide(session, more["LINSHI"].id, actor=APPROVER, **told)
    outcome.decide(session, more["LINSHI"].id, note="第二次火灾", actor=APPROVER, **told)
    assert more["LINSHI"].state is ItemState.GRANTED
    assert steps.running_step(session, more["LINSHI"].id).due_at == fast.due_at, "also what is decided on the last day"


def test_one_emergency_shuts_out_neither_another_person_nor_another_cause(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    told: dict[str, Any] = {"granted": True, "amount_fen": 1_000, "actor": WORKER, "now": now}
    _case, items = send(session, now, home, wants=["living"], ticks=["sudden"], medical_fen=0)
    outcome.decide(session, items["LINSHI"].id, **told)
    _case, items = send(session, now, home, wants=["schooling"], ticks=["sudden"], medical_fen=0)
    outcome.decide(session, items["LINSHI"].id, **told)
    wife = make.a_person(session, home, name="李四", phone="10000000055")
    me = Actor(id=wife.id, role=Role.HOUSEHOLD, household_id=home.id)
    case = service.start(session, home.id, subject_id=wife.id, actor=me, now=now)
    service.save(session, case, {"wants": ["living"], "ticks": ["sudden"]}, actor=me, now=now)
    service.sign(session, case, "李四", all_classes=True, hand_on=True, actor=me, now=now)
    (item,) = [one for one in service.submit(session, case, actor=me, now=now) if one.code == "LINSHI"]
    assert outcome.decide(session, item.id, **told).state is ItemState.GRANTED


def test_while_the_household_owes_a_paper_no_clock_runs_against_the_office(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item = items["DIBAO"]
    steps.finish(session, item.id, actor=WORKER, now=now)
    before = steps.running_step(session, item.id).due_at
    steps.stop(session, item.id, missing="收入证明", actor=WORKER, now=now + timedelta(days=1))
    (waiting,) = clocks.running_of(session, steps.clock_ref(item.id))
    assert waiting.step == "case_papers"
    assert waiting.household_id == item.household_id
    assert supervision.count_late(session, actor=APPROVER, now=now + timedelta(days=365)) == {CITY: 1}
    back = now + timedelta(days=8)
    steps.run_on(session, item.id, actor=make.as_household(session.get_one(Household, item.household_id)), now=back)
    assert steps.running_step(session, item.id).due_at == before + timedelta(days=7)
    (waiting,) = clocks.running_of(session, steps.clock_ref(item.id))
    assert waiting.step == "case_step"


def test_who_owes_papers_and_is_silent_is_called_and_then_refused_in_writing(database: Any, now: datetime) -> None:
    with database.transaction() as session:
        case, items = send(session, now, wants=["living"])
        item_id = items["DIBAO"].id
        steps.stop(session, item_id, missing="收入证明", actor=WORKER, now=now)
    later = now + timedelta(days=40)
    assert silent.sweep(database, now=later) == 1
    assert silent.sweep(database, now=later) == 0
    told: dict[str, Any] = {"note": "电话后仍未补齐", "late_cause": "backlog", "actor": APPROVER, "now": later}
    with database.transaction() as session:
        (row,), total = silent.list_owing(session, actor=WORKER)
        assert (row[0].id, total) == (item_id, 1)
        assert silent.list_owing(session, actor=OTHER) == ([], 0)
        with pytest.raises(WrongState, match="not_called_yet"):
            silent.refuse(session, item_id, **told)
        call = silent.call_of(session, item_id)
        assert call is not None
        assert call.kind is TaskKind.CALL
        for _click in range(2):
            visits.finish(session, call, "NOT_REACHED", actor=WORKER, now=later)
        with pytest.raises(WrongState, match="not_called_yet"):
            silent.refuse(session, item_id, **told)
        visits.finish(session, call, "NOT_REACHED", actor=WORKER, now=later + timedelta(days=20))
        [person] = list_people(session, call.household_id)
        reaching.keep_for(session, person.id, reaching.OWN, actor=WORKER, now=later)
        with pytest.raises(WrongState, match="not_called_yet"):
            silent.refuse(session, item_id, **told)
        reaching.keep_for(session, person.id, reaching.USUAL, actor=WORKER, now=later)
        item = silent.refuse(session, item_id, **told)
        assert (item.state, item.reason) == (ItemState.REFUSED, "papers_not_given")
        assert item.late_cause == "", "the household's silence is no delay of the office"
        assert clocks.running_of(session, steps.clock_ref(item_id)) == []
        assert session.get_one(Case, case.id).state is CaseState.OPEN


def test_who_may_not_be_called_at_all_is_neither_called_nor_visited_for_papers(session: Session, now: datetime) -> None:
    for way, kinds in ((reaching.OWN, [TaskKind.CALL]), (reaching.QUIET, [])):
        case, items = send(session, now, wants=["living"])
        item_id = items["DIBAO"].id
        steps.stop(session, item_id, missing="收入证明", actor=WORKER, now=now)
        [person] = list_people(session, case.household_id)
        reaching.keep_for(session, person.id, way, actor=WORKER, now=now)
        silent._ask_to_call(session, item_id, now=now)
        asked = select(HomeVisit).where(HomeVisit.source_ref == steps.call_ref(item_id))
        assert [one.kind for one in session.exec(asked)] == kinds
        assert len(clocks.running_of(session, steps.clock_ref(item_id))) == len(kinds)
        reaching.keep_for(session, person.id, reaching.QUIET, actor=WORKER, now=now)
        assert clocks.running_of(session, steps.clock_ref(item_id)) == [], "nobody is late with what nobody may do"
        assert {one.state.value for one in session.exec(asked)} <= {"dropped"}
        reaching.keep_for(session, person.id, reaching.USUAL, actor=WORKER, now=now + timedelta(days=1))
        again = silent.call_of(session, item_id)
        assert again is not None
        assert (again.kind, again.state.value) == (TaskKind.CALL, "open"), "it may be called again, and is"
        assert [one.step for one in clocks.running_of(session, steps.clock_ref(item_id))] == ["case_papers_call"]


def test_where_the_township_confirms_the_township_refuses_who_is_silent(session: Session, now: datetime) -> None:
    place, sudden = "500116", {"wants": ["accident"], "ticks": ["sudden"], "medical_fen": 0}
    clerk, verifier, county = (
        Actor(id=f"town-{role}", role=role, districts=frozenset({place}))
        for role in (Role.WORKER, Role.VERIFIER, Role.APPROVER)
    )
    told: dict[str, Any] = {"note": "电话后仍未补齐", "late_cause": "", "now": now}
    ways: Any = (({"wants": ["living"]}, "DIBAO", verifier, clerk), (sudden, "LINSHI", clerk, county))
    for wants, code, right, wrong in ways:
        home = make.a_household(session, district_code=place, phone=f"1000000081{len(code)}")
        _case, items = send(session, now, home, **wants)
        steps.stop(session, items[code].id, missing="收入证明", actor=clerk, now=now)
        ref = steps.call_ref(items[code].id)
        call = visits.ask(session, home.id, "PAPERS", ref=ref, kind=TaskKind.CALL, actor=SYSTEM, now=now)
        for day in (0, 20):
            visits.finish(session, call, "NOT_REACHED", actor=clerk, now=now + timedelta(days=day))
        with pytest.raises(NotAllowed):
            silent.refuse(session, items[code].id, actor=wrong, **told)
        item = silent.refuse(session, items[code].id, actor=right, **told)
        last = [one for one in steps.list_steps(session, item.case_id) if one.item_id == item.id][-1]
        assert (item.state, who_decides(item, last)) == (ItemState.REFUSED, "TOWNSHIP")
        assert decide_again(session, item.id, actor=wrong, now=now), "it was silent for a reason: it goes on there"
        assert steps.running_step(session, item.id).code == last.code
        assert (item.due_at or now) >= steps.running_step(session, item.id).due_at
        with pytest.raises(NotAllowed, match="second_person_needed"):
            outcome.refuse_part(session, item, actor=right)
    item = send(session, now, wants=["living"])[1]["DIBAO"]
    assert silent.right_to_refuse(item, steps.running_step(session, item.id)) == "case:decide"


def test_papers_are_asked_for_again_only_by_a_verifier_and_the_month_counts_it(session: Session, now: datetime) -> None:
    _case, items = send(session, now, wants=["accident"], ticks=["sudden"], medical_fen=0)
    item = items["LINSHI"]
    verifier = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({CITY}))
    for who in (WORKER, verifier):
        steps.stop(session, item.id, missing="户口簿", actor=who, now=now)
        steps.run_on(session, item.id, actor=WORKER, now=now)
        with pytest.raises(BadInput, match="asked_before"):
            steps.stop(session, item.id, missing="收入证明", actor=WORKER, now=now)
    outcome.decide(session, item.id, granted=True, amount_fen=1_000, actor=WORKER, now=now)
    (row,) = supervision.times_of(session, item.month)
    assert row.asked_again == 1


def test_the_total_of_the_fast_path_runs_on_with_its_only_step(session: Session) -> None:
    """Begun on a Thursday, stopped on Friday with two days left, on again on Monday: until the end of Wednesday."""
    thursday = datetime(2026, 11, 19, 2, tzinfo=UTC)
    _case, items = send(session, thursday, wants=["accident"], ticks=["sudden"], medical_fen=0)
    item = items["LINSHI"]
    steps.stop(session, item.id, missing="收入证明", actor=WORKER, now=thursday + timedelta(days=1))
    step = steps.run_on(session, item.id, actor=WORKER, now=thursday + timedelta(days=4))
    assert item.due_at == step.due_at == datetime(2026, 11, 25, 16, tzinfo=UTC)


@pytest.mark.parametrize(("waited", "cause"), [(200, "withdrawn"), (0, "")])
def test_what_was_late_before_its_clock_stood_still_is_counted_when_it_is_taken_back(
    session: Session, now: datetime, waited: int, cause: str
) -> None:
    case, items = send(session, now, wants=["living"], medical_fen=0)
    stopped = now + timedelta(days=waited)
    steps.stop(session, items["DIBAO"].id, missing="收入证明", actor=WORKER, now=stopped)
    me = make.as_household(session.get_one(Household, case.household_id))
    withdrawing.withdraw(session, case.id, actor=me, now=stopped + timedelta(days=60))
    assert (items["DIBAO"].state, items["DIBAO"].late_cause) == (ItemState.WITHDRAWN, cause)
    if cause:
        assert items["DIBAO"].days_taken == working_days_between(local_day(now), local_day(stopped), district=CITY)


def test_the_household_reminds_the_holder_once_a_day(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    me = make.as_household(session.get_one(Household, items["DIBAO"].household_id))
    named = accounts.create_account(
        session, "street", role=Role.WORKER, display_name="李干部", districts=[CITY], now=now
    )
    other = {"display_name": "外区", "districts": ["500112"], "now": now}
    accounts.create_account(session, "a-far", role=Role.WORKER, **other)  # type: ignore[arg-type]
    assert steps.urge(session, items["DIBAO"].id, actor=me, now=now).urged == 1
    with pytest.raises(WrongState, match="urged_today"):
        steps.urge(session, items["DIBAO"].id, actor=me, now=now + timedelta(hours=3))
    assert steps.urge(session, items["DIBAO"].id, actor=me, now=now + timedelta(days=1)).urged == 2
    told = session.exec(select(Notice.account_id).where(Notice.letter == "reminder_staff")).all()
    assert told == [named.id, named.id], "whoever holds it has a letter, each time"


def test_an_objection_makes_the_notice_stand_three_days_more_and_the_total_longer(
    session: Session, now: datetime
) -> None:
    _case, items = send(session, now)
    item = items["DIBAO"]
    day = walk(session, item, now, to="public_notice")
    (shown,) = notice.list_notices(session, CITY, now=day)
    assert (shown.item_id, shown.name) == (item.id, "王*明")
    total = item.due_at
    neighbour = Actor(id="the-neighbour", role=Role.HOUSEHOLD, household_id="next-door", request_id="request-7")
    row = notice.object_to(session, item.id, "他家有车", actor=neighbour, now=day)
    kept = [*session.exec(select(AuditRow)), *session.exec(select(AuditBody)), row]
    assert not any(word in str(one.model_dump()) for one in kept for word in ("the-neighbour", "request-7"))
    with pytest.raises(WrongState, match="objection_not_read"):
        notice.answer(session, row.id, "车已报废", upheld=False, actor=WORKER, now=day + timedelta(days=2))
    assert notice.read_objection(session, row.id, actor=WORKER, now=day) == (row, "他家有车")
    notice.answer(session, row.id, "车已报废", upheld=False, actor=WORKER, now=day + timedelta(days=2))
    step = steps.running_step(session, item.id)
    assert [(one.id, one.finding) for one in notice.list_answered(session, [item.id])] == [(row.id, "车已报废")]
    letters = session.exec(select(Notice.letter).where(Notice.household_id == item.household_id)).all()
    assert sorted(letters) == ["case_objected", "case_received"]
    code = notice.give_code(session, row)
    assert notice.find_by_code(session, f"{code[:4]} {code[4:].lower()}", network="a", now=day) == row
    assert notice.find_by_code(session, "AAAABBBBCCCC", network="a", now=day) is None
    assert (step.code, step.limit_days) == ("re_notice", 3)
    assert item.special
    assert total is not None
    assert item.due_at is not None
    assert item.due_at > total
    walk(session, item, day, to="confirm")


def test_a_no_of_the_first_opinion_hangs_nowhere_and_a_yes_after_it_hangs_out_first(
    session: Session, now: datetime
) -> None:
    case, items = send(session, now)
    item = items["DIBAO"]
    day = walk(session, item, now, to="check_and_visit")
    step = steps.finish(session, item.id, opinion="against", actor=WORKER, now=day)
    assert (step.code, notice.list_notices(session, CITY, now=day)) == ("confirm", [])
    with pytest.raises(BadInput, match="amount_missing"):
        outcome.decide(session, item.id, granted=True, actor=APPROVER, now=day)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    (shown,) = notice.list_notices(session, CITY, now=day)
    assert (item.state, shown.amount_fen, shown.office) == (ItemState.RUNNING, 50_000, case.office)
    day = walk(session, item, day)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, late_cause="backlog", actor=APPROVER, now=day)
    assert item.state is ItemState.GRANTED


def test_no_more_is_granted_than_hung_out_and_never_nothing(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item = items["DIBAO"]
    day = walk(session, item, now)
    told: dict[str, Any] = {"granted": True, "late_cause": "backlog", "actor": APPROVER}
    with pytest.raises(BadInput, match="amount_missing"):
        outcome.decide(session, item.id, amount_fen=0, now=day, **told)
    outcome.decide(session, item.id, amount_fen=5_000_000, now=day, **told)
    (shown,) = notice.list_notices(session, CITY, now=day)
    assert (item.state, shown.code, shown.amount_fen) == (ItemState.RUNNING, "DIBAO", 5_000_000)
    day = walk(session, item, day)
    outcome.decide(session, item.id, amount_fen=4_999_999, now=day, **told)
    order = session.exec(select(PaymentOrder)).one()
    assert (item.state, item.amount_fen, order.amount_fen) == (ItemState.GRANTED, 4_999_999, 4_999_999)


def test_no_clock_of_staff_runs_on_a_notice_until_somebody_objects(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item = items["DIBAO"]
    day = walk(session, item, now, to="public_notice")
    assert clocks.running_of(session, steps.clock_ref(item.id)) == []
    rows = [notice.object_to(session, item.id, "他家有车", actor=Actor(id="", role=Role.PUBLIC), now=day)]
    (clock,) = clocks.running_of(session, steps.clock_ref(item.id))
    later = day + timedelta(days=1)
    rows.append(notice.object_to(session, item.id, "还有房", actor=Actor(id="", role=Role.PUBLIC), now=later))
    assert clocks.running_of(session, steps.clock_ref(item.id)) == [clock], "a second objection gives no more time"
    for row, left in zip(rows, (1, 0), strict=True):
        notice.read_objection(session, row.id, actor=WORKER, now=later)
        notice.answer(session, row.id, "已核实", upheld=False, actor=WORKER, now=later)
        assert len(clocks.running_of(session, steps.clock_ref(item.id))) == left
    walk(session, item, later)
    assert len(clocks.running_of(session, steps.clock_ref(item.id))) == 1


def test_a_child_never_stands_on_a_notice(session: Session, now: datetime) -> None:
    case, items = send(session, now)
    day = walk(session, items["DIBAO"], now, to="public_notice")
    session.get_one(Person, case.subject_id).birth_year = 2013
    assert notice.list_notices(session, CITY, now=day) == []


def test_objections_and_many_notices_hold_up_nobody_else(database: Any, now: datetime) -> None:
    hung: list[str] = []
    with database.transaction() as session:
        for n in range(4):
            case, items = send(session, now, make.a_household(session, phone=f"1000000010{n}"), wants=["living"])
            day = walk(session, items["DIBAO"], now, to="public_notice")
            hung.append(items["DIBAO"].id)
            if n < 2:
                notice.object_to(session, hung[n], "他家有车", actor=Actor(id="", role=Role.PUBLIC), now=day)
        session.get_one(Person, case.subject_id).birth_year = 2013
        session.flush()
        assert notice.count_notices(session, CITY, now=day) == 3
        (last,) = notice.list_notices(session, CITY, now=day, offset=2, most=2)
        assert notice.find_notice(session, CITY, last.item_id, now=day) == last
        with pytest.raises(NotFound):
            notice.find_notice(session, CITY, hung[3], now=day)
    assert notice.over(database, now=day, most=1) == 1
    with database.reading() as session:
        assert steps.running_step(session, hung[3]).code == "confirm"
    assert notice.over(database, now=day + timedelta(days=8), most=1) == 1
    with database.reading() as session:
        assert [steps.running_step(session, one).code for one in hung] == [*["public_notice"] * 2, *["confirm"] * 2]


def test_a_granted_family_stands_in_the_register_and_is_seen_now_and_then(session: Session, now: datetime) -> None:
    case, items = send(session, now)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=104_000, actor=APPROVER, now=day)
    assert [spell.category for spell in categories.list_spells(session, case.household_id)] == ["IN_REGISTER"]
    (duty,) = duties_of(session, case.subject_id)
    assert (duty.kind, duty.ended_at) == ("DIBAO", None)
    beginning.begin(session, items["DIBAO"], now=day)
    assert len(categories.list_spells(session, case.household_id)) == len(duties_of(session, case.subject_id)) == 1


def test_a_refused_household_is_watched_told_and_may_say_no(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home, wants=["living"], medical_fen=0, income_fen=400_000)
    for code in ("DIBAO", "DIBIAN_GANGXING"):
        day = walk(session, items[code], now)
        outcome.decide(
            session, items[code].id, granted=False, reason="income_over", late_cause="backlog", actor=APPROVER, now=day
        )
    assert (case.state, case.decision) == (CaseState.CLOSED, CaseDecision.REFUSED)
    (entry,) = register.list_entries(session, home.id)
    assert entry.category == "REJECTED"
    assert entry.ended_at is None
    register.leave(session, entry.id, actor=make.as_household(home), now=now)
    assert entry.ended_at == now


def test_a_won_appeal_gives_back_what_fell_with_the_refusal(session: Session, now: datetime) -> None:
    _case, items = send(session, now, ticks=["no_pension"], all_classes=False)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    by_label = ("JIAGE_SHUIDIANQI", "YANGLAO_DAIJIAO", "LAJI_JIANMIAN")
    assert {items[code].state for code in by_label} == {ItemState.NOT_NEEDED}
    assert decide_again(session, items["DIBAO"].id, actor=APPROVER, now=day)
    other = Actor(id="approver-2", role=Role.APPROVER, districts=frozenset({CITY}))
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=5_000, actor=other, now=day)
    assert {items[code].state for code in by_label} == {ItemState.RUNNING}
    assert items["DIBIAN_GANGXING"].state is ItemState.NOT_NEEDED


def test_who_takes_it_back_is_watched_too_and_a_late_one_is_counted(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    me = make.as_household(home)
    case, items = send(session, now, home)
    late = now + timedelta(days=200)
    withdrawing.withdraw(session, case.id, actor=me, now=late)
    item = items["DIBAO"]
    assert (item.state, item.late_cause, item.month) == (ItemState.WITHDRAWN, "withdrawn", "2027-06")
    assert {(row.code, row.late) for row in supervision.times_of(session, "2027-06")} == {("DIBAO", 1), ("LINSHI", 1)}
    assert [entry.category for entry in register.list_entries(session, home.id)] == ["REJECTED"]
    other = make.a_household(session, phone="10000000055")
    draft = service.start(session, other.id, actor=make.as_household(other), now=now)
    withdrawing.withdraw(session, draft.id, actor=make.as_household(other), now=now)
    assert (draft.state, draft.signed_at, draft.submitted_at) == (CaseState.WITHDRAWN, None, None), "it signed nothing"
    assert register.list_entries(session, other.id) == []
    _case, items = send(session, now, other)
    day = walk(session, items["DIBAO"], now) + timedelta(days=200)
    told: dict[str, Any] = {"actor": APPROVER, "now": day}
    with pytest.raises(BadInput, match="late_cause_missing"):
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=9, late_cause="withdrawn", **told)


def test_what_was_refused_before_the_rest_is_taken_back_is_handed_on_with_its_yes(
    session: Session, now: datetime
) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home)
    day = walk(session, items["LINSHI"], now)
    outcome.decide(session, items["LINSHI"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    me = make.as_household(home)
    withdrawing.withdraw(session, case.id, actor=me, now=day)
    assert [(one.want, one.units) for one in uncovered(session, case)] == [("illness", 6_000_000)]
    assert [clock.step for clock in clocks.running_of(session, f"case:{case.id}")] == ["case_remainder"]
    handing_on.say(session, case.id, yes=False, actor=me, now=day)
    assert (uncovered(session, case), clocks.running_of(session, f"case:{case.id}")) == ([], [])
    case.hand_on = True
    worker = Actor(id="verifier-9", role=Role.VERIFIER, districts=frozenset({CITY}))
    with pytest.raises(BadInput, match="no_need_apart"):
        let_go(session, case.id, "recorded_apart", actor=worker, now=day)
    assert need_of_case(session, case.id, actor=worker, now=day).gap_units == 6_000_000


def test_who_takes_back_help_without_a_class_is_watched_too(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home, wants=["accident"], ticks=["sudden"], medical_fen=0, income_fen=300_000)
    assert not set(items) & set(register.CLASSES)
    withdrawing.withdraw(session, case.id, actor=make.as_household(home), now=now)
    assert [entry.category for entry in register.list_entries(session, home.id)] == ["REJECTED"]
    assert uncovered(session, case) == [], "nothing of it was decided"


def test_a_late_step_climbs_the_ladder_one_rung_once(database: Any, now: datetime) -> None:
    with database.transaction() as session:
        people = {
            role: accounts.create_account(
                session, role.value, role=role, display_name=role.value, districts=[CITY], now=now
            ).id
            for role in (Role.WORKER, Role.VERIFIER, Role.APPROVER)
        }
        _case, items = send(session, now)
        item_id = items["DIBAO"].id
        begun = walk(session, items["LINSHI"], now)
        held = steps.running_step(session, items["LINSHI"].id)
        assert (held.code, held.holder) == ("confirm", "COUNTY")
    later = begun + timedelta(days=9)
    with database.transaction() as session:
        clocks.due_reminders(session, now=later)
    for _turn in range(2):
        supervision.climb(database, now=later)
    with database.reading() as session:
        rungs = session.exec(select(Escalation).where(Escalation.item_id == item_id)).all()
        told = {row.level: row.account_id for row in rungs}
        assert sorted(row.level for row in rungs) == [1, 2, 3, 4], "none is left out because nobody looked in between"
        assert [told[1], told[2], told[3]] == [people[role] for role in (Role.WORKER, Role.VERIFIER, Role.APPROVER)]
        first = select(Escalation.account_id).where(Escalation.step_id == held.id, Escalation.level == 1)
        assert session.exec(first).one() == people[Role.APPROVER], "who holds it is reminded first, not the street"


def test_the_month_gives_mean_median_and_ninetieth_percentile_of_its_own_rows(session: Session, now: datetime) -> None:
    case, items = send(session, now)
    made = list(range(1, 11))
    for n in made:
        session.add(
            CaseItem(
                id=f"t{n}",
                case_id=case.id,
                household_id=case.household_id,
                code=f"T{n}" if n > 10 else "DIBAO",
                department="MCA",
                once_for=case.household_id,
                path="DIBAO",
                district_code=CITY,
                office=CITY,
                state=ItemState.GRANTED,
                decided_at=now,
                decided_by="x",
                holder="COUNTY",
                days_taken=n,
                month="2026-10",
            )
            if n == 1
            else _other_case(session, case, n, now)
        )
        items["DIBAO"].code = "OLD"
        session.flush()
    (row,) = supervision.times_of(session, "2026-10")
    assert (row.ended, row.mean_tenths, row.median, row.p90) == (10, 55, 5, 9)


def _other_case(session: Session, case: Case, n: int, now: datetime) -> CaseItem:
    other = Case(
        **{**case.model_dump(exclude={"id", "number"}), "id": f"c{n}", "number": f"N{n}", "state": CaseState.WITHDRAWN}
    )
    session.add(other)
    session.flush()
    return CaseItem(
        id=f"t{n}",
        case_id=other.id,
        household_id=case.household_id,
        code="DIBAO",
        department="MCA",
        once_for=case.household_id,
        path="DIBAO",
        district_code=CITY,
        office=CITY,
        state=ItemState.GRANTED,
        decided_at=now,
        decided_by="x",
        holder="COUNTY",
        days_taken=n,
        month="2026-10",
    )


def test_the_month_names_who_held_what_was_late(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item, week = items["DIBAO"], now + timedelta(days=6)
    on_board = board.list_open(session, actor=APPROVER, now=week, late=True)
    assert {one.code for one in on_board} == {"DIBAO", "LINSHI"}, "papers lie there for longer than a day"
    assert all(one.due_at is not None and one.due_at > week for one in on_board)
    assert supervision.count_late(session, actor=APPROVER, now=week) == {CITY: 2}
    step = steps.running_step(session, item.id)
    assert (board.passed(item, step, now=week), board.passed(item, step, now=now)) == (step.due_at, None)
    steps.finish(session, item.id, actor=WORKER, now=week + timedelta(days=24))
    day = walk(session, item, now + timedelta(days=30))
    outcome.decide(session, item.id, granted=True, amount_fen=1, late_cause="backlog", actor=APPROVER, now=day)
    (row,) = supervision.times_of(session, item.month)
    assert (item.holder, row.holder, row.late) == ("COUNTY", "TOWNSHIP", 1)


def test_a_month_that_is_over_is_published_by_the_house_itself_once(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        _case, items = send(session, now, wants=["accident"], ticks=["sudden"], medical_fen=0)
        outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=1_000, actor=WORKER, now=now)
    last, first = (datetime(2026, 11, 30, hour, tzinfo=UTC) for hour in (15, 16))
    assert supervision.publish_due(sqlite_database, now=last) == 0, "October told nothing, and November runs"
    assert [supervision.publish_due(sqlite_database, now=first) for _twice in range(2)] == [1, 0]
    with sqlite_database.reading() as session:
        (report,) = supervision.published(session)
        assert (report.month, report.version, report.published_by) == ("2026-11", 1, SYSTEM.id)
        november = report.rows
        assert [(row["code"], row["ended"]) for row in november] == [("LINSHI", 1)]
    away = datetime(2027, 2, 1, tzinfo=UTC)
    assert [supervision.publish_due(sqlite_database, now=away) for _twice in range(2)] == [2, 0]
    with sqlite_database.reading() as session:
        told = {one.month: one.rows for one in supervision.published(session)}
    assert told == {"2027-01": [], "2026-12": [], "2026-11": november}, "a month without an end is told, too"


def test_a_published_month_is_frozen_and_a_correction_is_a_new_version(session: Session, now: datetime) -> None:
    first = supervision.publish(session, "2026-10", actor=APPROVER, now=now)
    second = supervision.publish(session, "2026-10", actor=APPROVER, now=now)
    assert (first.version, second.version) == (1, 2)
    with pytest.raises(BadInput, match="month_runs"):
        supervision.publish(session, "2026-11", actor=APPROVER, now=now)


def test_an_identified_family_has_only_its_spending_checked() -> None:
    facts = Facts(wants=("illness",), label="DIBIAN", medical_fen=3_000_000)
    planned = {one.code: one for one in plan(facts, district=CITY, on=ON)}
    assert planned["LINSHI"].path == "LINSHI_SPENDING"
    assert "DIBIAN_GANGXING" not in planned


def test_a_district_has_steps_of_its_own() -> None:
    own = {rule.code: rule for rule in steps_of("DIBAO", district="500116", on=ON)}
    assert (own["confirm"].holder, own["confirm"].limit) == ("TOWNSHIP", 5)
    assert {rule.code: rule for rule in steps_of("DIBAO", district=CITY, on=ON)}["confirm"].holder == "COUNTY"


def test_one_set_of_numbers_is_looked_at_for_every_class() -> None:
    def looked(income: int, medical: int) -> tuple[bool, bool, bool]:
        found = class_tests(Facts(size=1, income_fen=income, medical_fen=medical), district=CITY, on=ON)
        return found.dibao, found.borderline, found.rigid

    assert looked(76_999, 0) == (True, True, False)
    assert looked(77_000, 0) == (False, True, False)
    assert looked(115_500, 0) == (False, False, False)
    assert looked(200_000, 1_440_001) == (False, False, True)


def _all_refused(session: Session, case: Case, items: dict[str, CaseItem], now: datetime) -> None:
    """Every item of the case is refused, each in its turn."""
    while case.state is CaseState.OPEN:
        item = next(one for one in service.list_items(session, case.id) if one.state is ItemState.RUNNING)
        step = steps.running_step(session, item.id)
        told = {"granted": False, "reason": "income_over", "late_cause": "backlog", "actor": APPROVER, "now": now}
        if step.code == "department_answer":
            outcome.settle(session, item, step, amount_fen=0, note="", **told)
        else:
            outcome.decide(session, item.id, **{**told, "now": walk(session, item, now)})


def _a_bill(session: Session, case: Case, item: CaseItem, now: datetime, *, fits: bool) -> None:
    """The household hands in a photo; who handed it in, or did not look, says nothing about it; an officer does."""
    home = make.as_household(session.get_one(Household, case.household_id))
    papers.add_bill(session, case, make.a_picture(), actor=home, now=now)
    papers.add_bill(session, case, make.a_picture(), actor=WORKER, now=now)
    told: dict[str, Any] = {"fits": True, "actor": WORKER, "now": now}
    for paper, check in looking.list_uploads(session, case):
        assert check is None
        if paper.recorded_by == WORKER.id:
            looking.look(session, item.id, paper.id, actor=WORKER, now=now)
            with pytest.raises(NotAllowed, match="second_person_needed"):
                looking.judge(session, item.id, paper.id, **told)
            continue
        with pytest.raises(WrongState, match="paper_not_opened"):
            looking.judge(session, item.id, paper.id, **told)
        with pytest.raises(NotFound):
            looking.look(session, item.id, paper.id, actor=OTHER, now=now)
        assert looking.look(session, item.id, paper.id, actor=WORKER, now=now)[1].startswith("/9j/")
        looking.judge(session, item.id, paper.id, **{**told, "fits": fits})
    assert looking.count_fitting(session, case) == fits


@pytest.mark.parametrize(("yes", "fits"), [(True, True), (True, False), (False, False)])
def test_what_stays_uncovered_becomes_a_verified_need_with_its_reason_only_with_a_yes(
    session: Session, now: datetime, yes: bool, fits: bool
) -> None:
    case, items = send(session, now, hand_on=yes)
    _a_bill(session, case, items["DIBAO"], now, fits=fits)
    _all_refused(session, case, items, now)
    worker = Actor(id="verifier-9", role=Role.VERIFIER, districts=frozenset({CITY}))
    waits = clocks.running_of(session, f"case:{case.id}")
    assert [clock.step for clock in waits] == (["case_remainder"] if yes else [])
    if not yes:
        with pytest.raises(ConsentMissing):
            need_of_case(session, case.id, actor=worker, now=now)
        return
    need = need_of_case(session, case.id, actor=worker, now=now)
    assert (need.gap_units, need.state, need.referral_reason) == (6_000_000, "verified", "NOT_ELIGIBLE")
    assert need.verification_level == (3 if fits else 2), "with bills only where somebody looked at one"
    assert len(clocks.running_of(session, f"case:{case.id}")) == 1, "the wish for a living is not written down yet"
    with pytest.raises(BadInput, match="not_positive"):
        need_of_case(session, case.id, want="living", actor=worker, now=now)
    with pytest.raises(BadInput, match="nothing_left"):
        need_of_case(session, case.id, want="work", actor=worker, now=now)
    other = need_of_case(session, case.id, want="living", units=3, actor=worker, now=now)
    assert (other.category, other.gap_units, other.state) == ("LIVING.GOODS", 3, "verified")
    assert clocks.running_of(session, f"case:{case.id}") == []
    assert need_of_case(session, case.id, actor=worker, now=now).id == need.id


@pytest.mark.parametrize(
    ("over", "left"),
    [
        ({"wants": ["living", "schooling"], "schooling_fen": 800_000}, [("living", 0), ("schooling", 800_000)]),
        ({"wants": ["housing"], "medical_fen": 0}, [("housing", 0)]),
    ],
)
def test_every_wish_that_nothing_covered_is_left(
    session: Session, now: datetime, over: dict[str, Any], left: list[tuple[str, int]]
) -> None:
    case, items = send(session, now, **{"medical_fen": 0, **over})
    assert uncovered(session, case) == []
    _all_refused(session, case, items, now)
    assert [(one.want, one.units) for one in uncovered(session, case)] == left


def test_nothing_to_hand_on_is_said_with_a_reason(session: Session, now: datetime) -> None:
    case, items = send(session, now, wants=["accident"], ticks=["sudden"], medical_fen=0)
    outcome.decide(session, items["LINSHI"].id, granted=False, reason="not_true", actor=WORKER, now=now)
    verifier = Actor(id="verifier-9", role=Role.VERIFIER, districts=frozenset({CITY}))
    with pytest.raises(BadInput):
        let_go(session, case.id, "", actor=verifier, now=now)
    assert len(clocks.running_of(session, f"case:{case.id}")) == 1
    with pytest.raises(BadInput, match="no_need_apart"):
        let_go(session, case.id, "recorded_apart", actor=verifier, now=now)
    let_go(session, case.id, "not_wanted", actor=verifier, now=now)
    assert clocks.running_of(session, f"case:{case.id}") == []
