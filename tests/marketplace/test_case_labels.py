"""One result feeds another: what a family was granted is its label for the amounts, the departments and what begins by
itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from adapters.fakes_departments import FakeDepartment
from adapters.items import ItemResult
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import by_label, departments, granted, once, outcome, register, reviews, rules, service
from marketplace.cases.amounts import illness_class, proposed
from marketplace.cases.evaluate import BY_LABEL, Facts, plan
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.households import categories
from marketplace.notices import Notice
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, CITY, ON, WORKER, send, walk


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.mark.parametrize(
    ("code", "ticks", "label", "amount"),
    [("DIBAO", [], "DIBAO", 2_280_000), ("TEKUN", ["no_kin"], "TEKUN", 5_000_000)],
)
def test_what_was_granted_is_the_label_of_what_waits_and_of_the_amounts(
    session: Session, now: datetime, code: str, ticks: list[str], label: str, amount: int
) -> None:
    case, items = send(session, now, ticks=ticks)
    assert service.facts_of(session, case, on=ON).label == ""
    day = walk(session, items[code], now)
    outcome.decide(session, items[code].id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    facts = service.facts_of(session, case, on=local_day(day))
    assert facts.label == label
    assert proposed("LINSHI", facts, path="LINSHI_GENERAL", district=CITY, on=ON) == amount


def identify(session: Session, now: datetime, label: str, **over: Any) -> tuple[Case, CaseItem, datetime]:
    """Refused as 低保, then identified as what the officer found."""
    case, items = send(session, now, **over)
    day = walk(session, items["DIBAO"], now)
    told: dict[str, Any] = {"actor": APPROVER, "late_cause": "backlog"}
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", now=day, **told)
    item = items["DIBIAN_GANGXING"]
    day = walk(session, item, day)
    for none in ("", "DIBAO"):
        with pytest.raises(BadInput, match="class_missing"):
            outcome.decide(session, item.id, granted=True, found=none, now=day, **told)
    outcome.decide(session, item.id, granted=True, found=label, now=day, **told)
    return case, item, day


@pytest.mark.parametrize(("label", "category"), [("DIBIAN", "DIBIAN_MEMBER"), ("GANGXING", "EIGHTH_UNKNOWN")])
@pytest.mark.parametrize("income", [50_000, 250_000])
def test_whoever_identifies_a_family_says_as_which_and_the_register_says_the_same(
    session: Session, now: datetime, income: int, label: str, category: str
) -> None:
    case, item, day = identify(session, now, label, income_fen=income)
    on = local_day(day)
    assert categories.categories_on(session, [case.household_id], on=on) == {case.household_id: [category]}
    assert service.facts_of(session, case, on=on).label == label
    assert once.granted_besides(session, item.model_copy(update={"id": "another"}), on=on) is item
    assert register.list_entries(session, case.household_id, on=on) == [], "it is not watched as a refused one"


@pytest.mark.parametrize(("label", "other"), [("DIBIAN", "GANGXING"), ("GANGXING", "DIBIAN")])
def test_identified_as_another_class_at_a_look_the_family_left_nothing(
    session: Session, now: datetime, label: str, other: str
) -> None:
    case, item, day = identify(session, now, label)
    review = reviews.report_change(session, item.id, actor=WORKER, now=day)
    told: dict[str, Any] = {"kind": review.kind, "finding": "数字变了", "actor": WORKER, "now": day}
    reviews.finish(session, item.id, "changed", **told)
    anew = session.exec(select(CaseItem).join(Case).where(Case.review_of == item.id)).one()
    day = walk(session, anew, day + timedelta(days=1))
    outcome.decide(session, anew.id, granted=True, found=other, late_cause="backlog", actor=APPROVER, now=day)
    homes, tomorrow = [case.household_id], local_day(day) + timedelta(days=1)
    assert service.facts_of(session, case, on=local_day(day)).label == other
    assert categories.categories_on(session, homes, on=tomorrow) == {homes[0]: [once.FOUND_AS[other]]}


@pytest.mark.parametrize(("begins", "ends"), [(-90, 30), (30, 400)])
def test_a_class_whose_end_or_beginning_is_told_already_lets_another_be_decided(
    session: Session, now: datetime, begins: int, ends: int
) -> None:
    home = make.a_household(session)
    item = send(session, now, home)[1]["DIBIAN_GANGXING"]
    from_on, to_on = (local_day(now) + timedelta(days=days) for days in (begins, ends))
    listed = categories.Entry(home.id, "DIBIAN_MEMBER", from_on, source="list")
    spell = categories.enter(session, listed, actor=SYSTEM, now=now)
    spell.to_on, spell.ended_at = (to_on, now) if begins < 0 else (None, None)
    item.found = "GANGXING"
    granted.begin(session, item, now=now)
    assert spell.to_on == (to_on if begins < 0 else None), "what the list told stays"
    held = categories.categories_on(session, [home.id], on=local_day(now))[home.id]
    assert "EIGHTH_UNKNOWN" in held


@pytest.mark.parametrize(("income", "kind"), [(154_000, "C"), (154_001, "D")])
def test_a_small_income_alone_is_class_c_of_the_illness_table(income: int, kind: str) -> None:
    assert illness_class(Facts(income_fen=income), district=CITY, on=ON) == kind
    assert illness_class(Facts(income_fen=income, label="DIBAO"), district=CITY, on=ON) == "B"


def listed(session: Session, now: datetime, category: str, **over: Any) -> str:
    """A family that a list brings into the register."""
    home = make.a_household(session, **over)
    entry = categories.Entry(home.id, category, local_day(now), source="feed", source_ref="row-1")
    categories.enter(session, entry, actor=SYSTEM, now=now)
    return home.id


def test_who_comes_into_the_register_by_a_list_gets_its_benefits_without_an_application(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        basic, edge = listed(session, now, "IN_REGISTER"), listed(session, now, "DIBIAN_MEMBER", phone="10000000071")
        listed(session, now, "TEMP_AID", phone="10000000072")
    assert by_label.look(sqlite_database, now=now) == 2
    assert by_label.look(sqlite_database, now=now + timedelta(days=1)) == 0
    with sqlite_database.transaction() as session:
        begun = {
            home: {one.code for one in session.exec(select(CaseItem).where(CaseItem.household_id == home))}
            for home in (basic, edge)
        }
        assert begun == {basic: set(BY_LABEL), edge: {"YANGLAO_DAIJIAO"}}
        assert {one.state for one in session.exec(select(CaseItem))} == {ItemState.RUNNING}
        letters = session.exec(select(Notice.letter).where(Notice.household_id == basic)).all()
        assert letters == ["label_begun"]
    door = FakeDepartment()
    departments.push_due(sqlite_database, "HRSS", door, now=now)
    assert {item.facts["label"] for item in door.items.values()} == {"DIBAO", "DIBIAN"}


def test_a_refused_benefit_by_label_makes_nobody_a_refused_applicant(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        home = listed(session, now, "DIBIAN_MEMBER")
    by_label.look(sqlite_database, now=now)
    with sqlite_database.transaction() as session:
        item = session.exec(select(CaseItem)).one()
        departments.take(session, "HRSS", ItemResult(item.id, 1, "refused", 0, "income_over"), now=now)
        assert [one.category for one in categories.list_spells(session, home)] == ["DIBIAN_MEMBER"]
    assert by_label.look(sqlite_database, now=now) == 0


def test_a_class_that_this_house_granted_begins_nothing_twice(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        _case, items = send(session, now)
        day = walk(session, items["DIBAO"], now)
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    assert by_label.look(sqlite_database, now=day) == 0


def test_who_has_all_that_a_class_brings_gets_no_empty_application(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        home = listed(session, now, "IN_REGISTER")
    by_label.look(sqlite_database, now=now)
    later = now + timedelta(days=2)
    with sqlite_database.transaction() as session:
        for item in session.exec(select(CaseItem)).all():
            departments.take(session, item.department, ItemResult(item.id, 1, "granted", 0, ""), now=now)
        entry = categories.Entry(home, "DIBIAN_MEMBER", local_day(later), source="other", source_ref="row-2")
        categories.enter(session, entry, actor=SYSTEM, now=later)
        assert by_label.due(session, on=local_day(later)) == [home], "a class was told anew"
    assert by_label.look(sqlite_database, now=later) == 0
    with sqlite_database.reading() as session:
        assert len(service.list_cases(session, home)) == 1


def test_what_waits_for_what_is_that_of_the_day_and_of_the_district(monkeypatch: pytest.MonkeyPatch) -> None:
    known, day = rules.rows, date(2026, 11, 23)
    own: list[dict[str, str]] = []
    monkeypatch.setattr(rules, "rows", lambda table: (*known(table), *(own if table == "item_edges" else ())))

    def says(code: str, after: str, when: str) -> None:
        dates = {"district": "500101", "valid_from": f"{day}", "valid_to": "2026-12-31"}
        own.append({"item": code, "after": after, "when": when, **dates})

    says("GONGZU", "", "")
    says("LAJI_JIANMIAN", "GONGZU", "granted")
    facts = Facts(income_fen=50_000, wants=("living", "housing"), label="")

    def here(district: str, on: date) -> dict[str, tuple[str, ...]]:
        return {one.code: one.after for one in plan(facts, district=district, on=on)}

    changed = here("500101", day)
    assert (changed["GONGZU"], changed["LAJI_JIANMIAN"]) == ((), ("GONGZU",))
    for district, on in (("500101", day - timedelta(days=1)), ("500101", date(2027, 1, 1)), (CITY, day)):
        told = here(district, on)
        assert (told["GONGZU"], told["LAJI_JIANMIAN"]) == (("DIBAO", "DIBIAN_GANGXING"), ("DIBAO",))
    says("GONGZU", "LAJI_JIANMIAN", "ended")
    with pytest.raises(ValueError, match="in a circle"):
        here("500101", day)


def test_amounts_and_departments_are_those_of_the_day_and_of_the_district(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "illness_aid": ("B", {"from_fen": "0", "base_fen": "0", "percent": "60", "cap_fen": "99"}),
        "item_rules": ("GONGZU", {"department": "MCA", "once_for": "person", "lasts": "1"}),
    }
    known = rules.rows

    def with_own(table: str) -> Any:
        if table not in own:
            return known(table)
        code, told = own[table]
        row = {"class": code, "code": code, "district": "500101", "valid_from": "2026-11-23", "valid_to": "", **told}
        return (*known(table), row)

    monkeypatch.setattr(rules, "rows", with_own)
    facts = Facts(label="DIBAO", medical_fen=1_000_000)

    def here(district: str, on: date) -> tuple[int, str]:
        told: dict[str, Any] = {"district": district, "on": on}
        return proposed("LINSHI", facts, path="LINSHI_GENERAL", **told), rules.item_rule("GONGZU", **told).department

    day = date(2026, 11, 23)
    assert here("500101", day) == (99, "MCA")
    assert here("500101", day - timedelta(days=1)) == here(CITY, day) == (280_000, "HUD")
    assert proposed("LINSHI", Facts(medical_fen=1), path="LINSHI_GENERAL", district=CITY, on=date(2027, 1, 1)) == 0
