"""No item of an application is left without somebody who can end it, and no household without a way on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlmodel import Session, select

from adapters.fakes_departments import FakeDepartment
from adapters.items import ItemOut, ItemResult
from adapters.ports import WillNeverWork
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.appeals import service as appeals
from marketplace.appeals.models import AppealKind, AppealState
from marketplace.calendar import local_day
from marketplace.cases import (
    board,
    days,
    departments,
    lateness,
    notice,
    orders,
    outcome,
    register,
    service,
    steps,
    withdrawing,
)
from marketplace.cases.again import decide_again
from marketplace.cases.amounts import illness_class, proposed
from marketplace.cases.evaluate import LABELS, WANTS, Facts, plan
from marketplace.cases.models import CaseItem, CaseStep, ItemState, Unit
from marketplace.cases.progress import stages_of
from marketplace.cases.rules import in_order, item_rule, path_of, standard, steps_of
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.households import categories, lists
from marketplace.households import facts as people_facts
from marketplace.households.models import Person
from marketplace.liveness import schedule
from marketplace.liveness import service as survival
from marketplace.liveness.models import CheckCause, CheckState, SurvivalCheck, SurvivalDuty, Way
from marketplace.notices import Notice
from marketplace.proxies import agents
from marketplace.proxies import service as proxies
from marketplace.reference.identity_number import make_id_number
from marketplace.rights import deaths
from marketplace.rights import told as feeds_told
from marketplace.signals.taking import record_fact
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit, TaskKind, VisitState
from tests import factories as make
from tests.marketplace.figures import count as count_of
from tests.marketplace.test_case_days import DAY, at, oracle
from tests.marketplace.test_cases import APPROVER, CITY, ON, VERIFIER, WORKER, pay, send, walk
from tests.marketplace.test_liveness import asked
from tests.marketplace.test_proxies import a_paper, a_person, in_force

OTHER = Actor(id="approver-2", role=Role.APPROVER, districts=frozenset({CITY}))
CHECKER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({CITY}))
SECOND = Actor(id="worker-9", role=Role.WORKER, districts=frozenset({CITY}))
SUDDEN = {"wants": ["accident"], "ticks": ["sudden"], "income_fen": 300_000, "medical_fen": 0}


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def an_item(session: Session, code: str, now: datetime) -> CaseItem:
    """One item of the table, on the path that it gets."""
    case, _items = send(session, now)
    item = session.exec(select(CaseItem).where(CaseItem.case_id == case.id)).first()
    assert item is not None
    old = service.list_items(session, case.id)
    found = next((one for one in old if one.code == code), item)
    for step in steps.list_steps(session, case.id):
        if step.item_id == found.id:
            session.delete(step)
    session.flush()
    found.code, found.path = code, path_of(code, district=CITY, on=ON).name
    found.department = item_rule(code, district=CITY, on=ON).department
    steps.begin(session, found, now=now)
    return found


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("code", in_order(district=CITY, on=ON))
def test_every_item_of_the_table_is_ended_by_somebody_without_any_exchange(
    session: Session, now: datetime, code: str, granted: bool
) -> None:
    item = an_item(session, code, now)
    last = "department_answer" if item.path in ("DEPARTMENT", "BY_LABEL") else "confirm"
    day = walk(session, item, now, to=last)
    said = {"granted": granted, "amount_fen": 100 * granted, "reason": "" if granted else "income_over"}
    said["found"] = "GANGXING" if code == "DIBIAN_GANGXING" else ""
    if last == "department_answer":
        with pytest.raises(BadInput, match="letter_missing"):
            outcome.decide(session, item.id, actor=APPROVER, now=day, **said)
    outcome.decide(session, item.id, letter="信 12", actor=APPROVER, now=day, **said)
    assert item.letter == "信 12"
    assert item.state is (ItemState.GRANTED if granted else ItemState.REFUSED)
    assert "department_answer" not in {rule.code for rule in steps_of("CANJI", district=CITY, on=ON)}


def test_a_notice_that_ended_by_the_sweep_makes_no_decision_late(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    walk(session, items["DIBAO"], now, to="public_notice")
    step = steps.running_step(session, items["DIBAO"].id)
    swept = step.due_at + timedelta(minutes=1)
    notice._go_on(session, items["DIBAO"].id, now=swept)
    assert not lateness.is_late(session, items["DIBAO"], now=swept)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=100, actor=APPROVER, now=swept)


def appealed(session: Session, item: CaseItem, now: datetime) -> None:
    """An appeal against the decision, found right."""
    home = Actor(id=f"actor-{item.household_id}", role=Role.HOUSEHOLD, household_id=item.household_id)
    row = appeals.raise_about(session, item.id, AppealKind.APPEAL, about="item", words="不对", actor=home, now=now)
    appeals.answer(session, row.id, AppealState.UPHELD, text="对", actor=CHECKER, now=now)


def test_an_appeal_that_is_right_begins_an_amount_and_a_departments_answer_anew(
    session: Session, now: datetime
) -> None:
    _case, items = send(session, now, ticks=["no_pension"])
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=1, actor=APPROVER, now=day)
    medical = items["YILIAO_JIUZHU"]
    medical.pushed_at = day
    departments.take(session, "HSA", ItemResult(medical.id, 1, "refused", 0, "income_over"), now=day)
    for item, step in ((items["DIBAO"], "confirm"), (medical, "department_answer")):
        appealed(session, item, day)
        assert (item.state, steps.running_step(session, item.id).code) == (ItemState.RUNNING, step)
    assert medical.pushed_at is None
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=90_000, actor=OTHER, now=day)
    assert items["DIBAO"].amount_fen == 90_000
    assert steps.running_step(session, items["DIBAO"].id).code == "payment"


def test_what_fell_with_a_wrong_refusal_comes_back_with_the_right_decision(session: Session, now: datetime) -> None:
    _case, items = send(session, now, ticks=["no_pension"], all_classes=False)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    assert items["LAJI_JIANMIAN"].state is ItemState.NOT_NEEDED
    appealed(session, items["DIBAO"], day)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=100, actor=OTHER, now=day)
    assert items["LAJI_JIANMIAN"].state is ItemState.RUNNING


def test_after_a_right_appeal_an_item_is_refused_again_or_taken_back(session: Session, now: datetime) -> None:
    """Each time the family is told that it is on the list, and what stays uncovered waits for the last decision."""
    for n, ends in enumerate(("refused", "withdrawn")):
        home = make.a_household(session, phone=f"1000000007{n}")
        case, items = send(session, now, home, all_classes=False, wants=["living"], medical_fen=0)
        item, ref = items["DIBAO"], f"case:{case.id}"
        day = walk(session, item, now)
        outcome.decide(session, item.id, granted=False, reason="income_over", actor=APPROVER, now=day)
        assert [one.step for one in clocks.running_of(session, ref)] == ["case_remainder"]
        appealed(session, item, day)
        assert clocks.running_of(session, ref) == []
        if ends == "refused":
            outcome.decide(session, item.id, granted=False, reason="property_over", actor=OTHER, now=day)
        else:
            withdrawing.withdraw(session, case.id, actor=make.as_household(home), now=day)
            appealed_again = decide_again(session, item.id, actor=CHECKER, now=day)
            assert not appealed_again, "what was taken back is not decided anew"
        assert (item.state.value, case.state.value) == (ends, "closed" if ends == "refused" else "withdrawn")
        told = select(Notice.id).where(Notice.household_id == home.id, Notice.letter == "register_told")
        assert len(session.exec(told).all()) == 2
        assert len(register.list_entries(session, home.id)) == 1


def test_who_gets_a_class_is_not_watched_as_a_refused_family_any_more(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, all_classes=False, wants=["living"], medical_fen=0)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    (entry,) = register.list_entries(session, home.id)
    appealed(session, items["DIBAO"], day)
    later = day + timedelta(days=3)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=50_000, actor=OTHER, now=later)
    assert register.list_entries(session, home.id) == []
    assert (entry.to_on, entry.reason) == (local_day(later), "GRANTED")
    assert categories.categories_on(session, [home.id], on=local_day(later + timedelta(days=1))) == {
        home.id: ["IN_REGISTER"]
    }


def test_the_dead_are_neither_granted_nor_paid_anything_until_a_person_has_looked(
    session: Session, now: datetime
) -> None:
    case, items = send(session, now)
    item, day = items["DIBAO"], walk(session, items["DIBAO"], now)
    told: dict[str, Any] = {"granted": True, "amount_fen": 50_000, "actor": APPROVER}
    person = session.get_one(Person, case.subject_id)
    record_fact(session, person, "DEATH", ref="1", on=local_day(day), actor=WORKER, now=day)
    assert [one.person_id for one in feeds_told.list_unseen(session)] == [person.id], "a feed tells it first"
    deaths.record_death(session, case.subject_id, died_on=local_day(day), evidence="证明 1", actor=WORKER, now=day)
    assert feeds_told.list_unseen(session) == []
    check = session.exec(select(SurvivalCheck)).one()
    assert check.person_id == case.subject_id, "who applies is looked at too, though nothing is drawn yet"
    with pytest.raises(BadInput, match="told_dead"):
        outcome.decide(session, item.id, now=day, **told)
    survival.record_seen(session, check.id, way=Way.HOME, actor=WORKER, now=day)
    outcome.decide(session, item.id, now=day, **told)
    survival.report(session, case.subject_id, CheckCause.DEATH, evidence="火化证明", actor=WORKER, now=day)
    with pytest.raises(WrongState, match="told_dead"):
        pay(session, item, day)
    tomorrow = day + timedelta(days=1)
    record_fact(session, person, "DEATH", ref="1", amount=1, on=local_day(day), actor=WORKER, now=tomorrow)
    assert feeds_told.list_unseen(session) == [], "somebody is on the way"
    last = session.exec(select(SurvivalCheck).where(SurvivalCheck.state == CheckState.VISIT)).one()
    survival.record_died(session, last.id, note="邻居告知", actor=WORKER, now=tomorrow)
    assert feeds_told.list_unseen(session) == [], "and somebody was told there"
    later = tomorrow + timedelta(days=9)
    record_fact(session, person, "DEATH", ref="2", on=local_day(day), actor=WORKER, now=later)
    assert feeds_told.list_unseen(session) == [], "nobody goes again when the register follows"
    with pytest.raises(WrongState, match="told_dead"):
        pay(session, item, day)


def test_who_appeals_about_an_amount_never_gets_less_than_before(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, all_classes=False, wants=["living"], medical_fen=0)
    item, day = items["DIBAO"], walk(session, items["DIBAO"], now)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    appealed(session, item, day)
    told: dict[str, Any] = {"actor": OTHER, "now": day}
    with pytest.raises(BadInput, match="less_than_before"):
        outcome.decide(session, item.id, granted=False, reason="income_over", **told)
    with pytest.raises(BadInput, match="less_than_before"):
        outcome.decide(session, item.id, granted=True, amount_fen=49_999, **told)
    assert orders.payable(session, item) is not None, "what was granted is paid meanwhile"
    with pytest.raises(NotAllowed, match="second_person_needed"):
        pay(session, item, day, actor=APPROVER)
    assert pay(session, item, day).amount_fen == 50_000
    assert (item.state, item.paid_fen) == (ItemState.RUNNING, 50_000)
    outcome.decide(session, item.id, granted=True, amount_fen=80_000, **told)
    assert pay(session, item, day).amount_fen == 30_000
    assert categories.categories_on(session, [home.id], on=local_day(day)) == {home.id: ["IN_REGISTER"]}


def test_an_application_taken_back_while_its_grant_is_decided_anew_keeps_the_grant(
    session: Session, now: datetime
) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home, all_classes=False, wants=["living"], medical_fen=0)
    item, day = items["DIBAO"], walk(session, items["DIBAO"], now)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    first = steps.running_step(session, item.id)
    before = item.month, item.days_taken, first.due_at
    later = day + timedelta(days=9)
    appealed(session, item, later)
    withdrawing.withdraw(session, case.id, actor=make.as_household(home), now=later)
    assert (item.state, item.decided_by, item.amount_fen) == (ItemState.GRANTED, APPROVER.id, 50_000)
    assert (item.month, item.days_taken, steps.running_step(session, item.id).due_at) == before
    (clock,) = clocks.running_of(session, steps.clock_ref(item.id))
    assert (clock.started_at, clock.due_at) == (first.ran_from, before[2]), "supervision sees the limit of the page"
    assert pay(session, item, later).amount_fen == 50_000


def test_the_days_between_a_decision_and_a_right_appeal_are_nobodys(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    item, day = items["DIBAO"], walk(session, items["DIBAO"], now)
    outcome.decide(session, item.id, granted=False, reason="income_over", actor=APPROVER, now=day)
    first, late = item.days_taken, day + timedelta(days=100)
    decide_again(session, item.id, actor=CHECKER, now=late)
    last = days.due_after(late, 2, unit=Unit.WORKING) - timedelta(hours=9)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=OTHER, now=last)
    assert item.days_taken == first + 2


class Picky(FakeDepartment):
    """A department that will never take its first item."""

    def push(self, item: ItemOut, /) -> None:
        """Refuse the first, keep the others."""
        if not self.faults.coming and not hasattr(self, "refused"):
            self.refused = item.ref
            raise WillNeverWork("no", code="request_refused")
        super().push(item)


def test_an_item_that_a_department_never_takes_holds_no_other_up(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        for _n in range(3):
            send(session, now, wants=["housing"], income_fen=10_000_000, medical_fen=0)
    door = Picky()
    departments.sweep(sqlite_database, {"HUD": door}, clock=lambda: now)
    assert len(door.items) == 2
    departments.sweep(sqlite_database, {"HUD": door}, clock=lambda: now)
    assert door.refused not in door.items


def test_nobody_is_asked_again_about_a_person_who_died(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        _person, check = asked(session, now)
        survival.record_died(session, check.id, note="邻居告知", actor=WORKER, now=now)
    schedule.sweep(sqlite_database, clock=lambda: now + timedelta(days=400))
    with sqlite_database.reading() as session:
        assert len(session.exec(select(SurvivalCheck)).all()) == 1
        assert session.exec(select(SurvivalDuty.ended_at)).one() is None, "a verifier ends it"


def test_letters_for_which_no_agent_is_told_hide_nobody_elses(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "BATCH", 3)
    with sqlite_database.transaction() as session:
        silent = proxies.record_paper(session, a_person(session).id, a_paper(now, acts=("see",)), actor=WORKER, now=now)
        proxies.confirm(session, silent.id, actor=CHECKER, now=now)
        told = in_force(session, a_person(session, phone="10000000044"), now, matters=("applications",))
        later = now + timedelta(minutes=1)
        for n in range(3):
            _letter(session, f"a{n}", silent.household_id, later)
        for n in range(4):
            _letter(session, f"b{n}", told.household_id, later + timedelta(minutes=n // 2))
    for _sweep in range(3):
        agents.sweep(sqlite_database, clock=lambda: now + timedelta(hours=1))
    with sqlite_database.reading() as session:
        assert len(session.exec(select(Notice).where(Notice.letter == "agent_told")).all()) == 4


def _letter(session: Session, key: str, household_id: str, now: datetime) -> None:
    from marketplace import notices

    notices.post(session, "case_decided", key=key, household_id=household_id, now=now)


def test_who_fits_nothing_is_answered_in_writing_and_a_class_that_is_held_is_not_asked_below() -> None:
    rich = Facts(wants=("living",), savings_fen=10**9)
    assert [one.code for one in plan(rich, district=CITY, on=ON)] == ["DIBAO"]
    jobless = Facts(wants=("work",), ticks=("jobless",))
    assert {"DIBAO", "JIUYE_KUNNAN"} <= {one.code for one in plan(jobless, district=CITY, on=ON)}
    held = Facts(wants=("living", "illness"), label="DIBAO", income_fen=50_000)
    assert "DIBIAN_GANGXING" not in {one.code for one in plan(held, district=CITY, on=ON)}
    hardest = replace(held, label="TEKUN", ticks=("no_kin",))
    kept = {one.code: one.after for one in plan(hardest, district=CITY, on=ON)}
    assert kept == dict.fromkeys(("LINSHI", "JIAGE_SHUIDIANQI", "LAJI_JIANMIAN", "YILIAO_JIUZHU"), ())


@pytest.mark.parametrize(
    ("only", "wants", "planned"),
    [
        ("GONGZU", ("housing",), {"GONGZU"}),
        ("GONGZU", ("work",), {"GONGZU", "JIUYE_KUNNAN", "DIBAO"}),
        ("WEIFANG", ("housing",), {"WEIFANG"}),
        ("JIUYE_KUNNAN", ("illness",), {"JIUYE_KUNNAN", "LINSHI", "YILIAO_JIUZHU", "DIBAO"}),
        ("CANJI_BUTIE", ("disability", "illness"), {"CANJI_BUTIE", "LINSHI", "YILIAO_JIUZHU", "DIBAO"}),
        ("DIBAO", ("living",), {"DIBAO", "DIBIAN_GANGXING", "JIAGE_SHUIDIANQI", "LAJI_JIANMIAN"}),
    ],
)
def test_what_was_asked_for_by_its_code_is_always_asked_about_and_other_wishes_are_too(
    only: str, wants: tuple[str, ...], planned: set[str]
) -> None:
    found = {one.code for one in plan(Facts(wants=wants), district=CITY, on=ON, only=[only])}
    assert planned <= found
    assert len(wants) > 1 or only in ("JIUYE_KUNNAN", "DIBAO") or wants == ("work",) or found == planned


def test_no_plan_waits_for_an_item_that_nobody_is_asked_about() -> None:
    """Whatever label, wish, tick and scanned code: what an item waits for is in the plan or runs elsewhere."""
    chosen = [WANTS, *((want,) for want in ("living", "illness", "disability", "housing"))]
    for label, ticks, only, running in product(
        ("", *LABELS), ((), ("no_kin", "disabled")), ((), ("YILIAO_JIUZHU",), ("CANJI_BUTIE",)), ((), ("DIBAO",))
    ):
        for wants in chosen:
            facts = Facts(label=label, wants=wants, ticks=ticks)
            found = plan(facts, district=CITY, on=ON, only=only, running=running)
            asked = {*running, *(one.code for one in found)}
            assert all(set(one.after) <= asked for one in found), (label, wants, ticks, only)


def test_a_family_in_extreme_hardship_is_decided_like_every_other(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    held = categories.Entry(home.id, "IN_REGISTER", now.date() - timedelta(days=9), benefit="TEKUN")
    categories.enter(session, held, actor=WORKER, now=now)
    _case, items = send(session, now, home, ticks=["disabled"], wants=["living", "illness", "disability"])
    assert "DIBIAN_GANGXING" not in items
    step = steps.running_step(session, items["YILIAO_JIUZHU"].id)
    told: Any = {"note": "", "late_cause": "", "actor": SYSTEM, "now": now}
    outcome.settle(session, items["YILIAO_JIUZHU"], step, granted=True, amount_fen=9, reason="", **told)
    assert items["YILIAO_JIUZHU"].state is ItemState.GRANTED


def test_a_label_counts_where_the_register_says_so(session: Session, now: datetime) -> None:
    case, _items = send(session, now, label="DIBAO")
    assert service.facts_of(session, case, on=local_day(now)).label == ""
    entry = categories.Entry(case.household_id, "IN_REGISTER", now.date() - timedelta(days=9))
    categories.enter(session, entry, actor=WORKER, now=now)
    assert service.facts_of(session, case, on=local_day(now)).label == "DIBAO"
    case.answers = {**case.answers, "label": ""}
    assert service.facts_of(session, case, on=local_day(now)).label == "DIBAO"


def test_a_family_in_extreme_hardship_is_known_as_one_by_a_departments_list(session: Session, now: datetime) -> None:
    """Also where an earlier list only said that it is a registered recipient."""
    home, number = make.a_household(session), make_id_number("509900", date(1950, 3, 4), seq=61)
    person = service.list_people(session, home.id)[0]
    people_facts.correct(session, person, "id_number", number, actor=WORKER, now=now)
    plain = f"身份证号,类别,开始日期\n{number},IN_REGISTER,2026-01-01\n"
    named = f"身份证号,类别,开始日期,救助类型\n{number},IN_REGISTER,2026-01-01,特困人员\n"
    case, items = send(session, now, home, wants=["illness"])
    labels, amounts = [], []
    for table in (plain, named):
        lists.take_list(session, table.encode(), source="mca", actor=VERIFIER, now=now)
        facts = service.facts_of(session, case, on=local_day(now))
        labels.append(facts.label)
        told: Any = {"path": items["LINSHI"].path, "district": CITY, "on": local_day(now)}
        amounts.append((illness_class(facts, district=CITY, on=local_day(now)), proposed("LINSHI", facts, **told)))
    assert labels == ["DIBAO", "TEKUN"]
    assert [kind for kind, _fen in amounts] == ["B", "A"]
    assert amounts[1][1] > amounts[0][1], "the amount table knows it too"
    on = {"district": CITY, "on": local_day(now)}
    assert proposed("TEKUN", facts, path="TEKUN", **on) == standard("TEKUN_MONTH", **on)
    case.answers = {**case.answers, "label": "DIBAO"}
    assert service.facts_of(session, case, on=local_day(now)).label == "TEKUN", "the register goes before a tick"


def test_fast_aid_is_paid_when_somebody_paid_it_and_is_urged_until_then(session: Session, now: datetime) -> None:
    case, items = send(session, now, **SUDDEN)
    item, home = items["LINSHI"], make.as_household(make.a_household(session))
    home = replace(home, household_id=item.household_id)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=WORKER, now=now)
    own = [step for step in steps.list_steps(session, case.id) if step.item_id == item.id]
    assert stages_of(item, own, now=now)[-1].state == "current"
    late = now + timedelta(days=60)
    assert steps.urge(session, item.id, actor=home, now=late).urged == 1
    assert [row[0].id for row in board.list_unpaid(session, actor=APPROVER, now=late)] == [item.id]
    with pytest.raises(NotAllowed, match="second_person_needed"):
        pay(session, item, late, actor=replace(VERIFIER, on_behalf_of=WORKER.id), late_cause="backlog")
    pay(session, item, late, actor=VERIFIER, late_cause="backlog")
    own = [step for step in steps.list_steps(session, case.id) if step.item_id == item.id]
    assert stages_of(item, own, now=late)[-1].state == "done"
    assert board.list_unpaid(session, actor=APPROVER, now=late) == []


STAGES_OF: Any = {
    "a no of the first opinion hung out nowhere": (
        ("DIBAO", ItemState.RUNNING, ["check_papers", "start_check", "check_and_visit"], "confirm"),
        "received 0 TOWNSHIP, checked 3 TOWNSHIP, decided - COUNTY, paid - -",
    ),
    "what hangs out": (
        ("TEKUN", ItemState.RUNNING, ["check_and_visit"], "public_notice"),
        "received 0 TOWNSHIP, checked 1 TOWNSHIP, noticed - TOWNSHIP, decided - -, paid - -",
    ),
    "a department alone": (
        ("DEPARTMENT", ItemState.GRANTED, ["department_answer"], ""),
        "received 0 DEPARTMENT, checked 1 DEPARTMENT, decided 9 DEPARTMENT",
    ),
    "the quick help": (
        ("LINSHI_FAST", ItemState.GRANTED, ["fast_aid", "payment"], ""),
        "received 0 TOWNSHIP, checked 1 TOWNSHIP, decided 9 TOWNSHIP, paid 2 TOWNSHIP",
    ),
    "an identification": (
        ("IDENTIFY", ItemState.REFUSED, ["check_and_visit", "confirm"], ""),
        "received 0 TOWNSHIP, checked 1 TOWNSHIP, decided 9 COUNTY",
    ),
    "taken back before it was decided": (
        ("TEKUN", ItemState.WITHDRAWN, ["check_and_visit", "public_notice", "confirm"], ""),
        "received 0 TOWNSHIP, checked 1 TOWNSHIP, noticed 2 TOWNSHIP, decided - -, paid - -",
    ),
}


@pytest.mark.parametrize(("scene", "shown"), STAGES_OF.values(), ids=STAGES_OF)
def test_each_stage_has_its_day_and_who_held_it_and_none_is_told_that_never_was(
    scene: Any, shown: str, now: datetime
) -> None:
    (path, state, ended, runs) = scene
    rules = {rule.code: rule for rule in steps_of(path, district=CITY, on=local_day(now))}
    item = CaseItem(path=path, state=state, district_code=CITY, started_at=now)
    item.decided_at = now + timedelta(days=9) if state in (ItemState.GRANTED, ItemState.REFUSED) else None
    own = []
    for day, code in enumerate([*ended, *[runs] * bool(runs)]):
        done = now + timedelta(days=day + 1) if code != runs else None
        begun = now + timedelta(days=day)
        at: Any = {"started_at": begun, "due_at": begun + timedelta(days=30), "ended_at": done}
        at["outcome"] = state.value if item.decided_at and code in steps.DECIDES else "done"
        own.append(CaseStep(no=rules[code].no, code=code, holder=rules[code].holder, **at))
    found = stages_of(item, own, now=now)
    told = [
        (one.code, str((one.at - now).days) if one.at and not one.until else "-", one.holder or "-") for one in found
    ]
    assert ", ".join(" ".join(one) for one in told) == shown


def test_what_is_granted_but_not_paid_here_shows_no_payment(session: Session, now: datetime) -> None:
    case, items = send(session, now)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=100, actor=APPROVER, now=day)
    departments.take(session, "HSA", ItemResult(items["YILIAO_JIUZHU"].id, 1, "granted", 5), now=day)
    own = [step for step in steps.list_steps(session, case.id) if step.item_id == items["YILIAO_JIUZHU"].id]
    assert "paid" not in {stage.code for stage in stages_of(items["YILIAO_JIUZHU"], own, now=day)}


def test_the_clock_of_a_step_stands_while_its_household_owes_and_ends_on_the_oracles_day(session: Session) -> None:
    """Steps as the offices drive them: stopped and run on at random, with their clock rows and the item's own limit."""
    pick = random.Random(27)
    begun = at(date(2026, 2, 2))
    _case, items = send(session, begun)
    item = items["DIBAO"]
    for _turn in range(count_of(8, torture=10_000)):
        old = steps.running_step(session, item.id)
        steps.end_step(session, item, old, outcome="done", actor=WORKER, now=begun)
        _a_history(session, item, pick)


def _a_history(session: Session, item: CaseItem, pick: random.Random) -> None:
    unit = pick.choice([Unit.WORKING, Unit.CALENDAR])
    start, limit = date(2026, 2, 2) + pick.randrange(200) * DAY, pick.randint(1, 25)
    rule = steps.StepRule(1, "check_papers", "TOWNSHIP", limit, unit)
    step = steps.start_step(session, item, rule, no=1, now=at(start))
    stops: list[tuple[date, date]] = []
    now = start
    for _stop in range(pick.randint(0, 3)):
        last = days.last_day(step.due_at)
        if now >= last:
            break
        stopped = now + pick.randint(0, (last - now).days) * DAY
        now = stopped + pick.randint(0, 20) * DAY
        whole = item.due_at
        steps.stop(session, item.id, missing="户口簿", actor=CHECKER, now=at(stopped))
        assert (item.state, _running(session, item)) == (ItemState.STOPPED, {"case_papers"})
        steps.run_on(session, item.id, actor=WORKER, now=at(now))
        assert (item.state, _running(session, item)) == (ItemState.RUNNING, {"case_step"})
        assert whole is not None
        assert item.due_at is not None
        assert item.due_at >= whole, "the item's own limit never shrinks by standing still"
        stops.append((stopped, now))
    assert days.last_day(step.due_at) == oracle(start, limit, stops, unit), (start, limit, stops, unit)
    [clock] = [one for one in clocks.running_of(session, steps.clock_ref(item.id)) if one.step == "case_step"]
    assert clock.due_at == step.due_at


def _running(session: Session, item: CaseItem) -> set[str]:
    return {one.step for one in clocks.running_of(session, steps.clock_ref(item.id))}


@pytest.mark.parametrize("label", ["", "GANGXING"])
def test_school_cost_opens_temporary_aid_and_an_identified_family_has_only_its_spending_checked(label: str) -> None:
    school = Facts(size=3, income_fen=300_000, schooling_fen=2_000_000, label=label, wants=("schooling",))
    paths = {one.code: one.path for one in plan(school, district=CITY, on=ON)}
    assert paths["LINSHI"] == ("LINSHI_SPENDING" if label else "LINSHI_GENERAL")
    assert "LINSHI" not in {one.code for one in plan(replace(school, schooling_fen=0), district=CITY, on=ON)}


def test_a_family_with_a_class_is_no_refused_applicant_whatever_else_was_refused(
    session: Session, now: datetime
) -> None:
    home = make.a_household(session)
    own: dict[str, Any] = {"source": "list", "source_ref": "x", "benefit": "DIBAO"}
    categories.enter(session, categories.Entry(home.id, "IN_REGISTER", date(2026, 1, 1), **own), actor=SYSTEM, now=now)
    told: dict[str, Any] = {"granted": False, "amount_fen": 0, "reason": "income_over", "note": "", "late_cause": ""}
    case, items = send(session, now, home, wants=["housing"], medical_fen=0, income_fen=500_000)
    for item in list(items.values()):
        if item.state is ItemState.RUNNING:
            outcome.settle(session, item, steps.running_step(session, item.id), **told, actor=SYSTEM, now=now)
    assert (case.state.value, case.decision) == ("closed", "refused")
    assert register.list_entries(session, home.id) == []


def test_what_is_taken_back_leaves_no_call_and_its_objector_an_answer(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home)
    dibao, fast = items["DIBAO"], items["LINSHI"]
    steps.stop(session, fast.id, missing="户口簿", actor=WORKER, now=now)
    visits.ask(session, home.id, "PAPERS", ref=steps.call_ref(fast.id), kind=TaskKind.CALL, actor=WORKER, now=now)
    hung = walk(session, dibao, now, to="public_notice")
    objection = notice.object_to(session, dibao.id, "他家有车", actor=Actor(id="public", role=Role.PUBLIC), now=hung)
    code = notice.give_code(session, objection)
    withdrawing.withdraw(session, case.id, actor=make.as_household(home), now=hung)
    left = select(HomeVisit).where(HomeVisit.household_id == home.id, HomeVisit.state == VisitState.OPEN)
    assert [visit.cause for visit in session.exec(left)] == []
    notice.read_objection(session, objection.id, actor=WORKER, now=hung)
    notice.answer(session, objection.id, "申请人已撤回。", upheld=False, actor=WORKER, now=hung)
    found = notice.find_by_code(session, code, network="1", now=hung)
    assert found is not None
    assert found.finding == "申请人已撤回。"
    assert notice.open_objections(session, dibao.id) == []
