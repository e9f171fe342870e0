"""The register: dated categories that overlap, two years of watching after an exit, and search without opening."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households import categories, facts, lists, search
from marketplace.households.models import Person, SearchKey, Spell
from marketplace.households.search import Query
from tests.marketplace.signal_scene import CLERK, a_home, a_number, head, into

TODAY = date(2026, 11, 23)
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))


def test_categories_overlap_but_the_same_one_runs_once(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    into(session, home, "IN_REGISTER", from_on=date(2025, 1, 1), now=now)
    into(session, home, "DISABILITY_SUBSIDY", from_on=date(2025, 6, 1), now=now)
    assert categories.categories_on(session, [home.id], on=TODAY) == {home.id: ["DISABILITY_SUBSIDY", "IN_REGISTER"]}
    assert categories.categories_on(session, [home.id], on=date(2025, 2, 1)) == {home.id: ["IN_REGISTER"]}
    with pytest.raises(Conflict):
        into(session, home, "IN_REGISTER", from_on=TODAY, now=now)


def test_who_leaves_a_guarantee_is_watched_for_two_years_to_the_day(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    spell = into(session, home, "IN_REGISTER", from_on=date(2024, 5, 1), now=now)
    watch = categories.leave(session, spell.id, on=date(2026, 10, 31), reason="INCOME", actor=CLERK, now=now)
    assert watch is not None
    assert (watch.category, watch.from_on, watch.to_on) == ("EXITED_2Y", date(2026, 11, 1), date(2028, 10, 31))
    with pytest.raises(WrongState):
        categories.leave(session, spell.id, on=date(2026, 10, 31), reason="INCOME", actor=CLERK, now=now)
    subsidy = into(session, home, "DISABILITY_SUBSIDY", from_on=date(2026, 1, 1), now=now)
    assert categories.leave(session, subsidy.id, on=TODAY, reason="INCOME", actor=CLERK, now=now) is None


def test_a_refused_applicant_stays_in_view_for_a_year_and_a_second_refusal_draws_it_out(
    session: Session, now: datetime
) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    first = into(session, home, "REJECTED", from_on=date(2026, 3, 1), now=now)
    assert first.to_on == date(2027, 2, 28)
    second = into(session, home, "REJECTED", from_on=date(2026, 9, 1), now=now)
    assert (second.id, second.to_on) == (first.id, date(2027, 8, 31))
    with pytest.raises(BadInput):
        into(session, home, "NO_SUCH", from_on=TODAY, now=now)


def test_a_departments_list_begins_and_ends_categories_once_and_keeps_nobody_else(
    session: Session, now: datetime
) -> None:
    one, two = a_number(), a_number()
    homes = [a_home(session, numbers=(number,), now=now) for number in (one, two)]
    far = a_number()
    a_home(session, numbers=(far,), district="500101", now=now)
    rows = [(one, "在册救助对象", "2025-01-01", ""), (two, "EIGHTH_UNKNOWN", "2026-02-01", "")]
    rows += [(a_number(), "IN_REGISTER", "2025-01-01", ""), (far, "IN_REGISTER", "2025-01-01", "")]
    head_line = "身份证号,类别,开始日期,结束日期"
    table = "\n".join([head_line, *(",".join(row) for row in rows), f"{one},NO_SUCH,2025-01-01,"]).encode()
    near = Actor(id="v", role=Role.VERIFIER, districts=frozenset({"500103"}))
    found = lists.take_list(session, table, source="mca", actor=near, now=now)
    assert (found.begun, found.ended, found.strangers, found.bad) == (2, 0, 2, ((6, "unknown_category"),))
    again = lists.take_list(session, table, source="mca", actor=near, now=now)
    assert (again.begun, again.known) == (0, 2)
    ends = f"{head_line}\n{one},IN_REGISTER,2025-01-01,2026-10-31\n".encode()
    assert lists.take_list(session, ends, source="mca", actor=near, now=now).ended == 1
    assert lists.take_list(session, ends, source="mca", actor=near, now=now).known == 1
    inside = categories.categories_on(session, [home.id for home in homes], on=TODAY)
    assert inside == {homes[0].id: ["EXITED_2Y"], homes[1].id: ["EIGHTH_UNKNOWN"]}
    with pytest.raises(BadInput):
        lists.take_list(session, b"a,b\n1,2\n", source="mca", actor=near, now=now)


def test_a_list_comes_in_at_once_and_one_spell_twice_is_refused(session: Session, now: datetime) -> None:
    homes = [a_home(session, numbers=(a_number(),), now=now) for _ in range(3)]
    entries = [categories.Entry(home.id, "IN_REGISTER", TODAY, source="list") for home in homes]
    assert categories.enter_many(session, entries, actor=CLERK, now=now) == 3
    assert session.exec(select(func.count()).select_from(Spell)).one() == 3
    assert audit.verify(session).bad_seq == 0


@pytest.mark.parametrize(
    "query",
    [
        Query(name="欧阳小芳"),
        Query(name="ouyang xiaofang"),
        Query(name="OuYangXiaoFang", district="500103"),
        Query(birth_on=date(1961, 2, 3)),
        Query(name="欧阳小芳", birth_on=date(1961, 2, 3), street=""),
    ],
)
def test_a_person_is_found_by_name_pinyin_or_birth_date(session: Session, now: datetime, query: Query) -> None:
    home = a_home(session, numbers=(a_number(date(1961, 2, 3)),), names=("欧阳小芳",), now=now)
    a_home(session, numbers=(a_number(),), names=("欧阳大芳",), now=now)
    found, more = search.search(session, query, actor=WORKER, now=now)
    assert ([person.household_id for person in found], more) == ([home.id], False)


def test_a_search_stays_in_the_actors_districts_and_is_written_down_without_what_was_typed(
    session: Session, now: datetime
) -> None:
    number = a_number(date(1961, 2, 3))
    a_home(session, numbers=(number,), names=("欧阳小芳",), district="500106", now=now)
    assert search.search(session, Query(id_number=number), actor=WORKER, now=now) == ([], False)
    city = replace(WORKER, districts=frozenset())
    assert len(search.search(session, Query(id_number=number), actor=city, now=now)[0]) == 1
    with pytest.raises(BadInput):
        search.search(session, Query(district="500103"), actor=WORKER, now=now)
    with pytest.raises(NotFound):
        search.search(session, Query(name="欧阳小芳", district="500106"), actor=WORKER, now=now)
    rows = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "register:search")).all()
    assert [row.fields for row in rows] == ["id_number", "id_number"]


def test_a_renamed_person_is_found_by_the_new_name_and_an_erased_one_by_none(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), names=("赵一",), now=now)
    person = head(session, home)
    facts.correct(session, person, "name", "赵二娃", actor=CLERK, now=now)
    assert [len(search.search(session, Query(name=name), actor=WORKER, now=now)[0]) for name in ("赵一", "赵二娃")] == [
        0,
        1,
    ]
    facts.erase(session, person, actor=CLERK, now=now)
    assert search.search(session, Query(name="赵二娃"), actor=WORKER, now=now)[0] == []
    assert session.exec(select(SearchKey).where(col(SearchKey.person_id) == person.id)).all() == []


def test_the_keys_of_a_search_hold_no_plain_word(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), names=("赵一",), now=now)
    person = session.get_one(Person, head(session, home).id)
    keys = session.exec(select(SearchKey.value).where(col(SearchKey.person_id) == person.id)).all()
    assert len(keys) == 3
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)


def test_a_watch_ends_by_itself(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    spell = into(session, home, "IN_REGISTER", from_on=date(2024, 5, 1), now=now)
    categories.leave(session, spell.id, on=TODAY, reason="INCOME", actor=CLERK, now=now)
    last = date(2028, 11, 23)
    assert categories.categories_on(session, [home.id], on=last) == {home.id: ["EXITED_2Y"]}
    assert categories.categories_on(session, [home.id], on=last + timedelta(days=1)) == {}
