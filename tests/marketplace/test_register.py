"""The register: dated categories that overlap, two years of watching after an exit, and search without opening."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from adapters.tabular_long import Piece
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day, utc_now
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households import bringing, categories, facts, foreseen, lists, long_lists, members, search
from marketplace.households.commands import import_categories, import_households
from marketplace.households.comparing import compare_waiting
from marketplace.households.former import FORMER
from marketplace.households.models import Household, Person, SearchKey, Spell, Trace
from marketplace.households.search import Query
from marketplace.households.service import PersonFacts, find_person_by_id_number, list_people
from marketplace.intake import ImportBatch, ImportState
from marketplace.sealed import number_index, vault_of
from marketplace.signals import declaring
from marketplace.visits import quota
from tests.marketplace.signal_scene import CLERK, a_home, a_number, head, into, told

TODAY = date(2026, 11, 23)
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
FAR = Actor(id="verifier-2", role=Role.VERIFIER, districts=frozenset({"500106"}))


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


def listed(
    session: Session, *rows: tuple[str, str, str, str], as_of: date | None = None, now: datetime
) -> lists.Counts:
    """A department's list: ID number, category, first day, last day."""
    table = "\n".join(["身份证号,类别,开始日期,结束日期", *(",".join(row) for row in rows)]).encode()
    foresaw, _faults = foreseen.of_pieces(session, [Piece(table, ())], as_of=as_of, actor=CLERK, now=now)
    found = lists.take_list(session, table, source="mca", as_of=as_of, actor=CLERK, now=now)
    assert foresaw == found, "the dry run tells what storing does"
    return found


@pytest.mark.parametrize("turned", [False, True])
def test_a_household_stays_in_its_category_as_long_as_a_list_tells_anybody_of_it(
    session: Session, now: datetime, turned: bool
) -> None:
    father, son = a_number(), a_number(date(2000, 1, 1))
    home = a_home(session, numbers=(father, son), now=now)
    assert listed(session, (father, "IN_REGISTER", "2025-01-01", ""), now=now).begun == 1
    rows = [(father, "IN_REGISTER", "2025-01-01", ""), (son, "IN_REGISTER", "2025-01-01", "2026-10-31")]
    assert listed(session, *(reversed(rows) if turned else rows), now=now).ended == 0
    assert categories.categories_on(session, [home.id], on=TODAY) == {home.id: ["IN_REGISTER"]}
    rows[0] = (father, "IN_REGISTER", "2025-01-01", "2026-11-10")
    assert listed(session, *rows, now=now).ended == 1
    [watch, spell] = categories.list_spells(session, home.id)
    assert (spell.to_on, watch.category, watch.from_on) == (date(2026, 11, 10), "EXITED_2Y", date(2026, 11, 11))


def test_a_list_that_tells_one_member_s_end_ends_nothing_for_whom_an_earlier_list_told(
    session: Session, now: datetime
) -> None:
    father, son = a_number(), a_number(date(2000, 1, 1))
    home = a_home(session, numbers=(father, son), now=now)
    for number in (father, son):
        listed(session, (number, "IN_REGISTER", "2025-01-01", ""), now=now)
    assert listed(session, (son, "IN_REGISTER", "2025-01-01", "2026-10-31"), now=now).ended == 0
    assert categories.categories_on(session, [home.id], on=TODAY) == {home.id: ["IN_REGISTER"]}
    assert listed(session, (father, "IN_REGISTER", "2025-01-01", "2026-11-10"), now=now).ended == 1
    assert categories.categories_on(session, [home.id], on=TODAY) == {home.id: ["EXITED_2Y"]}
    assert listed(session, (son, "IN_REGISTER", "2025-01-01", "2026-10-31"), now=now).known == 1


def test_a_list_of_any_length_hears_who_stays_before_who_has_left(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PIECE", 3)
    now, pairs = utc_now(), [(a_number(), a_number(date(2000, 1, 1))) for _ in range(6)]
    with sqlite_database.transaction() as session:
        homes = [a_home(session, numbers=pair, now=now).id for pair in pairs]
    file, first = tmp_path / "list.csv", "IN_REGISTER,2025-01-01"
    rows = [
        f"{one},{first},2026-10-31\n{two},{first},{'2026-10-31' if one == pairs[0][0] else ''}" for one, two in pairs
    ]
    file.write_text("\n".join(["身份证号,类别,开始日期,结束日期", *rows, "1,IN_REGISTER,2025-01-01,"]), "utf-8")
    foresaw, faults = foreseen.look(sqlite_database, file, as_of=None, actor=CLERK, now=now)
    found = lists.take_file(sqlite_database, file, source="mca", actor=CLERK, now=now)
    assert (foresaw, [fault.row for fault in faults]) == (replace(found, bad=()), [14])
    assert (found.begun, found.ended, found.known, found.bad) == (6, 0, 6, ((14, "id_length"),))
    with sqlite_database.reading() as session:
        inside = categories.categories_on(session, homes, on=date(2026, 11, 1))
    assert sorted(inside.values()) == [["EXITED_2Y"], *[["IN_REGISTER"]] * 5]
    assert inside[homes[0]] == ["EXITED_2Y"]
    again = lists.take_file(sqlite_database, file, source="mca", actor=CLERK, now=now)
    assert (again.begun, again.ended, again.known) == (0, 0, 12)


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ("categories that begin", "Nothing was stored.", "Stored.")), ("zh", ("新进类别", "没有保存", "已保存"))],
)
def test_a_list_of_categories_is_told_before_it_is_stored_in_both_languages(
    sqlite_database: Database, tmp_path: Path, lang: str, words: tuple[str, ...]
) -> None:
    now, file, number = utc_now(), tmp_path / "list.csv", a_number()
    with sqlite_database.transaction() as session:
        home = a_home(session, numbers=(number,), now=now).id

    def bring_list(
        *rows: str, agreed: bool = True, dry_run: bool = False, as_of: date | None = None
    ) -> tuple[int, str]:
        said = list[str]()
        file.write_text("\n".join(rows), "utf-8")
        told: dict[str, Any] = {"as_of": as_of, "dry_run": dry_run, "agree": lambda: agreed, "say": said.append}
        code = import_categories(sqlite_database, file, source="mca", actor=CLERK, now=now, lang=lang, **told)
        return code, "\n".join(said)

    head_line, row = "身份证号,类别,开始日期,结束日期", f"{number},IN_REGISTER,2025-01-01,"
    for over in ({"dry_run": True}, {"agreed": False}):
        code, said = bring_list(head_line, row, **over)
        assert (code, f"       1  {words[0]}" in said, words[1] in said) == (0, True, True)
    with sqlite_database.reading() as session:
        assert categories.list_spells(session, home) == []
    code, said = bring_list(head_line, row, "1,IN_REGISTER,2025-01-01,")
    assert (code, words[2] in said, "3" in said, number in said) == (1, True, True, False), "the good row counts"
    with sqlite_database.reading() as session:
        assert [one.category for one in categories.list_spells(session, home)] == ["IN_REGISTER"]
    assert bring_list("a,b", "1,2")[0] == 2
    assert bring_list(head_line, row, as_of=local_day(now) + timedelta(days=1))[0] == 2


def test_of_who_lives_there_no_more_an_earlier_list_says_nothing(session: Session, now: datetime) -> None:
    mother, son = a_number(), a_number(date(2000, 1, 1))
    home = a_home(session, numbers=(mother, son), now=now)
    listed(session, *((number, "IN_REGISTER", "2025-01-01", "") for number in (mother, son)), now=now)
    members.end(session, list_people(session, home.id)[1].id, on=TODAY, reason="MARRIED", actor=CLERK, now=now)
    assert listed(session, (mother, "IN_REGISTER", "2025-01-01", "2026-11-10"), now=now).ended == 1


@pytest.mark.parametrize(("first", "last_b"), [("2024-12-15", "2026-10-31"), ("2025-03-01", "2026-11-10")])
def test_what_people_or_a_case_have_ended_no_end_in_a_list_begins_again(
    session: Session, now: datetime, first: str, last_b: str
) -> None:
    father, son = a_number(), a_number(date(2000, 1, 1))
    home = a_home(session, numbers=(father, son), now=now)
    spell = into(session, home, "IN_REGISTER", from_on=date.fromisoformat(first), now=now)
    for number in (father, son):
        assert listed(session, (number, "IN_REGISTER", "2025-01-01", ""), now=now).known == 1
    categories.leave(session, spell.id, on=date(2026, 11, 1), reason="BENEFIT_OVER", actor=CLERK, now=now)
    assert listed(session, (son, "IN_REGISTER", "2025-01-01", last_b), now=now).known == 1
    [watch, old] = categories.list_spells(session, home.id)
    assert (old.to_on, watch.category, watch.from_on) == (date(2026, 11, 1), "EXITED_2Y", date(2026, 11, 2))
    assert watch.ended_at is None, "a list that tells an end begins no guarantee"
    anew = into(session, home, "IN_REGISTER", from_on=date(2026, 11, 12), now=now)
    assert listed(session, (son, "IN_REGISTER", "2026-11-12", "2026-11-20"), now=now).ended == 1
    assert anew.to_on == date(2026, 11, 20), "what a list told of the former stay keeps nobody in the new one"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_undated_old_list_opens_no_kept_word_again_that_people_have_ended(
    session: Session, now: datetime, when: str
) -> None:
    father, son, aunt = a_number(), a_number(date(2000, 1, 1)), a_number(date(1970, 1, 1))
    home = a_home(session, numbers=(father, son, aunt), now=now)
    old = [(number, "IN_REGISTER", "2025-01-01", "") for number in (father, son)]
    spell = into(session, home, "IN_REGISTER", from_on=date(2025, 1, 1), now=now)
    listed(session, *old, now=now)
    categories.leave(session, spell.id, on=date(2026, 11, 1), reason="BENEFIT_OVER", actor=CLERK, now=now)
    if when == "before":  # of the aunt no list has told until now
        assert listed(session, *old, (aunt, *old[0][1:]), now=now).known == 3
    anew = into(session, home, "IN_REGISTER", from_on=date(2026, 11, 5), now=now)
    if when == "after":
        assert listed(session, *old, now=now).known == 2
        later = [old[0], (son, "IN_REGISTER", "2025-01-01", "2026-11-10")]
        assert listed(session, *later, now=now).ended == 0, "this list knows of the new stay"
        categories.leave(session, anew.id, on=date(2026, 11, 12), reason="BENEFIT_OVER", actor=CLERK, now=now)
        assert listed(session, *old, as_of=TODAY, now=now).known == 2, "what people have ended, no day opens"
        anew = into(session, home, "IN_REGISTER", from_on=date(2026, 11, 15), now=now)
    first = anew.from_on.isoformat()
    assert listed(session, (son, "IN_REGISTER", first, "2026-11-20"), now=now).ended == 1
    assert anew.to_on == date(2026, 11, 20)


def test_an_end_that_a_list_told_by_mistake_is_corrected_by_a_list_of_a_later_day(
    session: Session, now: datetime
) -> None:
    number, other = a_number(), a_number(date(2000, 1, 1))
    home = a_home(session, numbers=(number, other), now=now)
    rows = [(number, "IN_REGISTER", "2025-01-01", last) for last in ("", "2026-09-30", "2026-10-31")]
    own = [(number, "DISABILITY_SUBSIDY", "2025-01-01", last) for last in ("", "2026-09-30")]
    for row in (rows[0], rows[1], *own):
        listed(session, row, now=now)
    for day in (None, TODAY - timedelta(days=1)):
        assert listed(session, rows[0], own[0], as_of=day, now=now).known == 2, "an older list takes nothing back"
    assert listed(session, (other, "IN_REGISTER", "2025-01-01", "2026-09-15"), as_of=TODAY, now=now).corrected == 0
    with pytest.raises(BadInput, match="date_in_future"):
        listed(session, rows[0], as_of=TODAY + timedelta(days=1), now=now)
    found = listed(session, rows[0], own[0], as_of=TODAY, now=now)
    assert (found.corrected, found.begun, found.ended, found.known) == (2, 0, 0, 0)
    assert categories.categories_on(session, [home.id], on=TODAY) == {home.id: ["DISABILITY_SUBSIDY", "IN_REGISTER"]}
    assert listed(session, rows[0], as_of=TODAY, now=now).known == 1
    listed(session, rows[1], now=now)
    assert listed(session, rows[2], as_of=TODAY, now=now).ended == 1, "it was another day"
    spells = categories.list_spells(session, home.id)
    assert [one.to_on for one in spells if one.category == "IN_REGISTER"] == [date(2026, 10, 31)]
    running = [one.from_on for one in spells if one.category == "EXITED_2Y" and one.ended_at is None]
    assert running == [date(2026, 11, 1)]
    ended = next(one for one in spells if one.category == "IN_REGISTER")
    ended.reason = "BENEFIT_OVER"
    assert listed(session, rows[0], as_of=TODAY, now=now).corrected == 0, "what people ended stays ended"


def test_a_person_s_own_category_is_the_person_s_and_ends_with_it_alone(session: Session, now: datetime) -> None:
    one, two = a_number(), a_number()
    home = a_home(session, numbers=(one, two), names=("赵一", "赵二"), now=now)
    rows = [(number, "DISABILITY_SUBSIDY", "2025-01-01", "") for number in (one, two)]
    assert listed(session, *rows, (one, "IN_REGISTER", "2025-03-01", ""), now=now).begun == 3
    people = {index: person.id for index, person in enumerate(list_people(session, home.id))}
    own = {spell.person_id for spell in categories.list_spells(session, home.id)}
    assert own == {None, *people.values()}
    assert listed(session, (two, "DISABILITY_SUBSIDY", "2025-01-01", "2026-10-31"), now=now).ended == 1
    told = categories.people_on(session, list_people(session, home.id), on=TODAY)
    assert sorted(told.values()) == [["DISABILITY_SUBSIDY", "IN_REGISTER"], ["IN_REGISTER"]]
    assert quota.due_homes(session, on=TODAY + timedelta(days=2)) == [home.id], "one door, whoever is behind it"
    assert listed(session, *rows[:1], now=now).known == 1


def test_a_list_begins_and_ends_the_watch_of_those_who_left(session: Session, now: datetime) -> None:
    back, gone, long_gone, changed = (a_number() for _ in range(4))
    homes = [a_home(session, numbers=(number,), now=now) for number in (back, gone, long_gone, changed)]
    into(session, homes[0], "EXITED_2Y", from_on=date(2026, 1, 1), now=now)
    rows = [
        (back, "IN_REGISTER", "2026-11-01", ""),
        (gone, "IN_REGISTER", "2024-05-01", "2026-09-30"),
        (long_gone, "IN_REGISTER", "2020-05-01", "2022-09-30"),
        (changed, "DIBIAN_MEMBER", "2024-05-01", "2026-09-30"),
        (changed, "IN_REGISTER", "2026-10-01", ""),
    ]
    assert listed(session, *rows, now=now).begun == 5
    inside = categories.categories_on(session, [home.id for home in homes], on=TODAY)
    assert inside == {homes[0].id: ["IN_REGISTER"], homes[1].id: ["EXITED_2Y"], homes[3].id: ["IN_REGISTER"]}
    watches = session.exec(select(Spell).where(Spell.category == "EXITED_2Y").order_by(col(Spell.from_on))).all()
    assert [(one.from_on, one.to_on) for one in watches] == [
        (date(2026, 1, 1), date(2026, 10, 31)),
        (date(2026, 10, 1), date(2028, 9, 30)),
    ]
    assert listed(session, *rows, now=now).known == 5, "the same list again changes nothing"


HEADER = "家庭编号,姓名,身份证号,与户主关系,区县,类别,开始日期,联系电话"


def bring(
    session: Session, *lines: str, as_of: date | None = None, now: datetime, actor: Actor = CLERK
) -> dict[str, int]:
    """Check a table of people, store it, and say what was counted."""
    data = "\n".join([HEADER, *lines]).encode()
    told = {"file_name": "people.csv", "source": "civil-affairs", "actor": actor, "now": now}
    batch, checked = bringing.check_file(session, data, as_of=as_of, **told)  # type: ignore[arg-type]
    assert checked.faults == []
    counts = dict(bringing.confirm_import(session, batch.id, as_of=as_of, actor=actor, now=now))
    return {name: number for name, number in counts.items() if number}


def test_what_one_person_draws_is_nobody_else_s_when_a_list_of_people_brings_it(
    session: Session, now: datetime
) -> None:
    applicant, cousin, second = a_number(), a_number(), a_number(date(1960, 1, 1))
    other = a_home(session, numbers=(cousin,), names=("张二",), now=now)
    own = "DISABILITY_SUBSIDY,2026-01-01,"
    lines = [
        f"H1,张伟,{applicant},户主,渝中区,{own}",
        f"H1,张三,{second},配偶,渝中区,{own}",
        f"H1,张小,,子女,渝中区,IN_REGISTER;{own}",
        f"H1,张二,{cousin},其他,渝中区,{own}",
    ]
    told = {"new": 1, "people": 3, "begun": 3, "elsewhere": 1, "unnamed": 1}
    assert bring(session, *lines, now=now) == told, "what was shown is what is stored"
    home = session.get_one(Household, find_person_by_id_number(session, applicant).household_id)  # type: ignore[union-attr]
    known = {index: find_person_by_id_number(session, index).id for index in (applicant, second)}  # type: ignore[union-attr]
    spells = {(one.category, one.person_id) for one in categories.list_spells(session, home.id)}
    assert spells == {("IN_REGISTER", None), *(("DISABILITY_SUBSIDY", one) for one in known.values())}
    assert categories.list_spells(session, other.id) == []
    assert bring(session, *lines, now=now) == {"known": 1, "elsewhere": 1, "unnamed": 1}


def test_who_was_erased_comes_back_by_no_list_and_stops_nobody_else_s_row(session: Session, now: datetime) -> None:
    gone, wife, alone = a_number(), a_number(date(1961, 1, 1)), a_number(date(1940, 1, 1))
    lines = [f"H1,赵一,{gone},户主,渝中区,IN_REGISTER,2026-01-01,13800000001", f"H1,钱二,{wife},配偶,渝中区,,,"]
    lines.append(f"H2,李老,{alone},户主,渝中区,IN_REGISTER,2026-01-01,")
    assert bring(session, *lines, now=now) == {"new": 2, "people": 3, "begun": 2}
    people = [find_person_by_id_number(session, number) for number in (gone, alone)]
    for person in people:
        facts.erase(session, person, actor=CLERK, now=now)  # type: ignore[arg-type]
    lines.append(f"H3,孙新,{a_number(date(1950, 1, 1))},户主,渝中区,,,")
    told = {"new": 1, "known": 1, "people": 1, "erased": 2}
    assert bring(session, *lines, now=now) == told, "what was shown is what is stored"
    assert bring(session, *lines, now=now) == {"known": 2, "erased": 2}
    assert [(one.name, one.id_number_index, one.phone_index) for one in people if one] == [(None, None, None)] * 2
    assert find_person_by_id_number(session, wife).household_id == people[0].household_id  # type: ignore[union-attr]


def test_families_who_never_asked_come_into_the_register_by_a_list_with_all_their_people(
    session: Session, now: datetime
) -> None:
    father, child, alone = a_number(), a_number(date(2016, 5, 1)), a_number(date(1940, 1, 1))
    lines = [
        f"H1,张伟,{father},户主,渝中区,低保;残疾人补贴,2026-01-01,13800000001",
        f"H1,张小,{child},子女,渝中区,,,",
        f"H2,李老,{alone},户主,沙坪坝区,,,",
    ]
    lines[0] = lines[0].replace("低保;残疾人补贴", "IN_REGISTER;DISABILITY_SUBSIDY")
    assert bring(session, *lines, now=now) == {"new": 2, "people": 3, "begun": 2}
    assert bring(session, *lines, now=now) == {"known": 2}, "the same list again changes nothing"
    home = session.get_one(Household, find_person_by_id_number(session, child).household_id)  # type: ignore[union-attr]
    assert (home.size, home.district_code) == (2, "500103")
    assert categories.categories_on(session, [home.id], on=TODAY)[home.id] == ["DISABILITY_SUBSIDY", "IN_REGISTER"]
    found = told(session, "CIVIL_RECORDS", (child, "GUARDIAN_ABSENT", TODAY, 2), as_of=TODAY, now=now)
    assert (found.new, found.strangers) == (1, 0), "what departments tell of the child is heard"
    assert audit.verify(session).bad_seq == 0


def test_a_list_of_households_with_its_day_corrects_an_end_that_a_list_told(session: Session, now: datetime) -> None:
    number = a_number()
    line = f"H1,张伟,{number},户主,渝中区,IN_REGISTER,2025-01-01,"
    bring(session, line, now=now)
    listed(session, (number, "IN_REGISTER", "2025-01-01", "2026-10-31"), now=now)
    assert bring(session, line, now=now) == {"known": 1}, "without a day a list takes nothing back"
    assert bring(session, line, as_of=TODAY, now=now) == {"known": 1, "corrected": 1}
    with pytest.raises(BadInput, match="date_in_future"):
        bring(session, line, as_of=TODAY + timedelta(days=1), now=now)


def test_a_list_names_the_village_which_lies_in_its_street(session: Session, now: datetime) -> None:
    header, number = "家庭编号,姓名,身份证号,与户主关系,区县,街道,村（社区）", a_number(date(1950, 1, 1))
    told = {"file_name": "people.csv", "source": "civil-affairs", "actor": CLERK, "now": now}
    for village, faults in (("500101110001", 1), ("50010110900", 1), ("500101109012", 0)):
        lines = f"{header}\nH9,赵一,{number},户主,500101,500101109,{village}"
        batch, checked = bringing.check_file(session, lines.encode(), **told)  # type: ignore[arg-type]
        assert len(checked.faults) == faults, village
    bringing.confirm_import(session, batch.id, actor=CLERK, now=now)
    home = session.get_one(Household, find_person_by_id_number(session, number).household_id)  # type: ignore[union-attr]
    assert (home.street_code, home.village_code, home.urban) == ("500101109", "500101109012", False)
    moved = f"{header}\nH9,赵一,{number},户主,500101,500101001,"
    batch, _checked = bringing.check_file(session, moved.encode(), **told)  # type: ignore[arg-type]
    bringing.confirm_import(session, batch.id, actor=CLERK, now=now)
    session.refresh(home)
    assert (home.street_code, home.village_code, home.urban) == ("500101001", "", True), "the town's standards now"


def test_a_list_completes_an_applicants_household_and_takes_nobody_out_of_another_one(
    session: Session, now: datetime
) -> None:
    applicant, child, cousin = a_number(), a_number(date(2016, 5, 1)), a_number()
    home = a_home(session, numbers=(applicant,), names=("张伟",), now=now)
    other = a_home(session, numbers=(cousin,), names=("张二",), now=now)
    lines = [
        f"H1,张伟,{applicant},户主,渝中区,,,",
        f"H1,张小,{child},子女,渝中区,,,",
        f"H1,张二,{cousin},其他,渝中区,,,",
    ]
    assert bring(session, *lines, now=now) == {"known": 1, "people": 1, "elsewhere": 1}
    assert find_person_by_id_number(session, child).household_id == home.id  # type: ignore[union-attr]
    assert find_person_by_id_number(session, cousin).household_id == other.id  # type: ignore[union-attr]
    assert session.get_one(Household, home.id).size == 2
    far = replace(CLERK, districts=frozenset({"500106"}))
    assert bring(session, lines[0], now=now, actor=far) == {"others": 1}
    two_heads = "\n".join([HEADER, lines[0], lines[1].replace("子女", "户主")]).encode()
    told_so = {"file_name": "people.csv", "source": "civil-affairs", "actor": CLERK, "now": now}
    _batch, checked = bringing.check_file(session, two_heads, **told_so)  # type: ignore[arg-type]
    assert [(fault.row, fault.code) for fault in checked.faults] == [(3, "two_heads")]


def test_a_member_who_moves_out_counts_no_more_and_is_found_in_the_new_household(
    session: Session, now: datetime
) -> None:
    mother, son = a_number(), a_number(date(1990, 1, 1))
    lines = [f"H1,王母,{mother},户主,渝中区,,,", f"H1,王子,{son},子女,渝中区,,,"]
    bring(session, *lines, now=now)
    home = session.get_one(Household, find_person_by_id_number(session, mother).household_id)  # type: ignore[union-attr]
    new_home = a_home(session, numbers=(a_number(),), names=("刘女",), now=now)
    told(session, "ASSETS", (son, "MONEY", TODAY, 5_000), as_of=TODAY, now=now)
    leaving = find_person_by_id_number(session, son)
    assert leaving is not None
    with pytest.raises(Conflict, match="member_elsewhere"):
        members.add(
            session, new_home.id, PersonFacts(name="王子", id_number=son, relation="SPOUSE"), actor=CLERK, now=now
        )
    members.end(session, leaving.id, on=TODAY, reason="MARRIED", actor=CLERK, now=now)
    assert ([one.id for one in list_people(session, home.id)], home.size) == ([head(session, home).id], 1)
    assert declaring.told_of_kinds(session, home.id, ("MONEY",)) == {}
    assert search.search(session, Query(name="王子"), actor=WORKER, now=now) == ([], False)
    here = members.add(
        session, new_home.id, PersonFacts(name="王子", id_number=son, relation="SPOUSE"), actor=CLERK, now=now
    )
    assert (here.household_id, new_home.size, here.birth_year) == (new_home.id, 2, 1990)
    assert told(session, "ASSETS", (son, "MONEY", TODAY, 5_000), as_of=TODAY, now=now).new == 1
    assert bring(session, *lines, now=now) == {"known": 1, "elsewhere": 1}, "an old list takes nobody back"
    assert find_person_by_id_number(session, son).household_id == new_home.id  # type: ignore[union-attr]
    for person, on, reason, error in (
        (head(session, home).id, TODAY, "MOVED_OUT", "last_member"),
        (leaving.id, TODAY, "MOVED_OUT", "member_left"),
        (here.id, TODAY + timedelta(days=1), "MOVED_OUT", "date_in_future"),
        (here.id, TODAY, "", "reason_missing"),
    ):
        with pytest.raises((WrongState, BadInput), match=error):
            members.end(session, person, on=on, reason=reason, actor=CLERK, now=now)
    with pytest.raises(NotFound):
        members.end(session, here.id, on=TODAY, reason="MOVED_OUT", actor=FAR, now=now)


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
    compare_waiting(session, actor=CLERK, now=now)
    assert session.exec(select(Trace.use).where(col(Trace.person_id) == person.id)).all() != []
    facts.erase(session, person, actor=CLERK, now=now)
    assert search.search(session, Query(name="赵二娃"), actor=WORKER, now=now)[0] == []
    for table in (SearchKey, Trace):
        assert session.exec(select(table).where(col(table.person_id) == person.id)).all() == []


def test_of_who_moved_and_is_erased_no_index_of_the_number_is_left(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(), a_number()), names=("赵一", "赵二"), now=now)
    moved = list_people(session, home.id)[-1]
    members.end(session, moved.id, on=TODAY, reason="MOVED_OUT", actor=CLERK, now=now)
    kept = select(Trace.use).where(col(Trace.person_id) == moved.id)
    assert session.exec(kept).all() == [FORMER]
    number, before = a_number(), session.exec(select(Trace.value).where(col(Trace.person_id) == moved.id)).one()
    for field, text in (("id_number", number), ("name", "赵三"), ("phone", "13800009999")):
        facts.correct(session, moved, field, text, actor=CLERK, now=now)
    assert (moved.id_number_index, moved.phone_index, moved.name_index) == (None, None, None)
    assert session.exec(select(SearchKey).where(col(SearchKey.person_id) == moved.id)).all() == []
    told = session.exec(select(Trace.value).where(col(Trace.person_id) == moved.id)).one()
    assert told == number_index(vault_of(session), number) != before, "its aid stays its own by the corrected number"
    facts.erase(session, moved, actor=CLERK, now=now)
    assert session.exec(kept).all() == []


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


def a_long_list(file: Path, homes: int, *, encoding: str = "utf-8") -> list[str]:
    """Households of two whose rows stand apart: first all heads, then, after a blank line, all children."""
    numbers = [a_number() for _ in range(2 * homes)]
    heads = [f"H{n},张{n},{numbers[n]},户主,渝中区,IN_REGISTER,2026-01-01,1380000{n:04d}" for n in range(homes)]
    children = [f"H{n} ,张小{n},{numbers[homes + n]},子女,渝中区,,," for n in range(homes)]
    file.write_text("\r\n".join(["某区名单", HEADER, *heads, "", *children]), encoding=encoding)
    return numbers


def import_list(database: Database, file: Path, **over: Any) -> tuple[int, list[str]]:
    """The command's exit code and what it said."""
    said = list[str]()
    told = {"source": "civil-affairs", "mapping": None, "dry_run": False, "actor": CLERK, "now": utc_now()}
    asked = {"lang": "en", "say": said.append, "agree": lambda: True}
    return import_households(database, file, **{**told, **asked, **over}), said


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_list_of_any_length_comes_in_by_pieces_of_whole_households(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(long_lists, "PIECE", 8)
    file = tmp_path / "people.csv"
    a_long_list(file, 12, encoding=encoding)
    code, said = import_list(sqlite_database, file, dry_run=True)
    assert (code, said[:2]) == (0, ["      24  rows", "      12  new households"])
    with sqlite_database.reading() as session:
        assert session.exec(select(func.count(col(Household.id)))).one() == 0, "a dry run stores nothing"
        assert {one.state for one in session.exec(select(ImportBatch))} == {ImportState.DROPPED}
    code, said = import_list(sqlite_database, file)
    assert (code, sum(line.startswith("Stored") for line in said)) == (0, 3)
    with sqlite_database.reading() as session:
        assert list(session.exec(select(Household.size).distinct())) == [2], "no household is cut apart"
        assert session.exec(select(func.count(col(Person.id)))).one() == 24
        assert session.exec(select(func.count(col(Spell.id)))).one() == 12
    assert import_list(sqlite_database, file)[1][1:4] == [
        "       0  new households",
        "      12  households known already, changed where they differ",
        "       0  new people",
    ]


def test_faults_of_a_long_list_name_the_rows_of_the_file_and_store_none_of_its_pieces(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "PIECE", 8)
    file = tmp_path / "people.csv"
    numbers = a_long_list(file, 12)
    sound = file.read_text("utf-8")
    repeated = sound.replace(numbers[13], numbers[3])
    for text, words in (
        (sound.replace("张小1,", ",", 1), ["row 17", "姓名"]),
        (repeated, ["row 17", "row 6", "id_number"]),
        (sound.replace("H3 ,张小3", "H3 ,张小3,,,,,,,,,,", 1), ["Row 19"]),
    ):
        file.write_text(text, encoding="utf-8")
        code, said = import_list(sqlite_database, file)
        assert code in (1, 2), words
        assert all(word in " ".join(said) for word in words), said
        assert numbers[3] not in " ".join(said)
    with sqlite_database.reading() as session:
        assert session.exec(select(func.count(col(Household.id)))).one() == 0
        assert {one.state for one in session.exec(select(ImportBatch))} == {ImportState.DROPPED}
