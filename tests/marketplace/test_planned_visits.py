"""A volunteer group's month of visits as a spreadsheet: dry run, faults by row and column, stored once, out again."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import Session, col, select

from adapters.tabular_writer import write_csv
from marketplace import audit
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.appointments import (
    booking,
    fitness,
    outcomes,
    planned,
    planned_changes,
    planned_known,
    planned_said,
    sayable,
    service,
    times,
)
from marketplace.appointments.models import Appointment, AppointmentState, Place, ServiceRecord
from marketplace.appointments.planned_table import month_file, numbers_of
from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import holding
from marketplace.errors import Conflict, WrongState
from marketplace.intake import Checked, told
from marketplace.intake.sentences import codes
from marketplace.notices import Notice
from marketplace.web import desk
from tests.marketplace.test_paid_after_end import OFFICER
from tests.marketplace.visiting import NOW, Scene, a_scene, a_volunteer, proposed, window
from tests.pages.people import client_as

HEADS = ["service", "day", "begins", "ends", "place", "volunteers"]
MORE = [*HEADS, "choice", "visit", "call_off"]
FIRST = ("2026-11-24", "09:00", "11:00", "到家")


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def check(session: Session, scene: Scene, rows: list[tuple[str, ...]], *, data: bytes = b"", now: datetime = NOW):
    table = data or write_csv(MORE[: len(rows[0])], rows)
    return planned.check_file(session, table, file_name="month.csv", actor=scene.manager, now=now)


def visits(session: Session, scene: Scene) -> list[Appointment]:
    wanted = select(Appointment).where(col(Appointment.match_id) == scene.match.id)
    return list(session.exec(wanted.order_by(col(Appointment.starts_at))))


def test_a_month_comes_in_is_asked_about_once_and_goes_out_to_come_back_unchanged(session: Session) -> None:
    scene = a_scene(session, people=2)
    first, second = (person.registration_no for person in scene.people)
    rows = [
        (scene.match.id, *FIRST, first),
        (scene.match.id[:8].upper(), "2026/11/25", "14:00", "15:00", "", f"{first}；{second}"),
        (scene.match.id, "2026-12-01", "9:00", "10:00", "电话", second),
    ]
    batch, checked = check(session, scene, rows)
    assert (checked.faults, visits(session, scene)) == ([], []), "a dry run stores nothing"
    counts = planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    assert {name: count for name, count in counts.items() if count} == {"new": 3, "homes": 1}
    made = visits(session, scene)
    assert [(one.state, one.units, one.place) for one in made] == [
        (AppointmentState.PROPOSED, 2, Place.HOME),
        (AppointmentState.PROPOSED, 1, Place.HOME),
        (AppointmentState.PROPOSED, 1, Place.PHONE),
    ]
    assert list(session.exec(select(Notice.letter).where(Notice.letter == "visit_proposed"))) == ["visit_proposed"]
    assert all(clocks.running_of(session, one.choice_id) for one in made)
    out = month_file(session, scene.organisation.id, date(2026, 11, 9), lang="zh_Hans")
    assert scene.household.id.encode() not in out
    batch, checked = check(session, scene, [], data=out)
    assert (checked.faults, batch.counts["same"], batch.counts["new"]) == ([], 2, 0), "two of the three are of November"
    assert audit.verify(session).bad_seq == 0


def test_every_fault_names_row_column_and_mend_and_nothing_is_stored(session: Session) -> None:
    scene = a_scene(session, units=4)
    service_no, number = scene.match.id, scene.people[0].registration_no
    weak = a_volunteer(session, scene.organisation, skills=("COMPANY",)).registration_no
    proposed(session, scene, window(day=9))
    rows = {
        "visit_service_unknown": ("00000000", *FIRST, number),
        "visit_volunteer_unknown": (service_no, *FIRST, "V-nobody"),
        "volunteer_skill": (service_no, "2026-11-24", "08:00", "09:00", "", weak),
        "time_out_of_reach": (service_no, "2026-11-23", "08:00", "09:00", "", number),
        "not_on_the_half_hour": (service_no, "2026-11-24", "09:10", "11:00", "", number),
        "window_length": (service_no, "2026-11-24", "11:00", "10:00", "", number),
        "visit_planned_otherwise": (service_no, "2026-12-03", "09:00", "10:00", "", number),
    }
    columns = ["service", "volunteers", "volunteers", "day", "begins", "ends", "begins"]
    batch, checked = check(session, scene, list(rows.values()))
    found = [(fault.row, fault.column, fault.code) for fault in checked.faults]
    assert found == list(zip(range(2, 9), columns, rows, strict=True))
    for lang in ("zh_Hans", "en"):
        assert all(one.mend for one in told(checked.faults, lang=lang))
    with pytest.raises(WrongState, match="import_faulty"):
        planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    assert len(visits(session, scene)) == 1


def test_every_row_that_does_something_gives_the_page_its_button() -> None:
    assert set(planned.COUNTED) - {"same"} <= set(desk.DOES)


def test_whatever_the_checks_of_the_page_can_say_the_table_says_with_a_mend() -> None:
    said = {
        code
        for module in (booking, fitness, planned, planned_said, sayable, times)
        for code in re.findall(r"(?:BadInput|WrongState)\(\s*\"(\w+)\"", source_of(module))
    }
    said |= set(re.findall(r"\"(visit_\w+)\"", source_of(planned_changes) + source_of(planned_known)))
    said |= {"two_people", "nobody_chosen", *re.findall(r"\"(volunteer_\w+|insurance_missing)\"", source_of(fitness))}
    of_one_row = said - {"appointment_moved_on", "too_many_times", "nobody_came", "content_missing"}
    assert {planned.CODES.get(one, one) for one in of_one_row} - set(codes()) == set()


def source_of(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text("utf-8")


def test_rows_of_one_file_do_not_promise_a_person_a_home_or_a_unit_twice(session: Session) -> None:
    scene = a_scene(session, units=4)
    other = a_scene(session, organisation=scene.organisation)
    mine, theirs = scene.people[0].registration_no, other.people[0].registration_no
    rows = [
        (scene.match.id, *FIRST, mine),
        (scene.match.id, "2026-11-24", "10:00", "11:00", "", theirs),
        (other.match.id, "2026-11-24", "10:30", "11:30", "", mine),
        (scene.match.id, "2026-11-25", "09:00", "12:00", "", mine),
    ]
    _batch, checked = check(session, scene, rows)
    assert [(fault.row, fault.code) for fault in checked.faults] == [
        (3, "household_busy"),
        (4, "volunteer_busy"),
        (5, "visit_over_match"),
    ]


def test_alternatives_of_a_table_are_one_choice_and_come_back_as_one(session: Session) -> None:
    scene = a_scene(session, units=2)
    number = scene.people[0].registration_no
    days = ("2026-11-24", "2026-11-25", "2026-11-26")
    rows = [(scene.match.id, day, "09:00", "11:00", "", number, "A") for day in days]
    batch, checked = check(session, scene, rows)
    assert checked.faults == [], "two units stand for three times: the household takes one"
    planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    made = visits(session, scene)
    assert len({one.choice_id for one in made}) == 1
    for data, some in ((b"", rows), (month_file(session, scene.organisation.id, NOW.date(), lang="en"), rows)):
        batch, checked = check(session, scene, some, data=data)
        assert (checked.faults, batch.counts["same"]) == ([], 3)
    parted = [(*rows[0][:6], "A"), (*rows[1][:6], ""), (scene.match.id, "2026-11-27", *rows[0][2:])]
    moved = [(scene.match.id, "2026-11-28", *rows[0][2:], made[0].id)]
    assert codes_of(check(session, scene, parted)) == ["visit_choice_otherwise"] * 3
    assert codes_of(check(session, scene, moved)) == ["visit_choice_stands"]
    service.agree(session, made[1].id, actor=scene.home, now=NOW)
    assert [one.state for one in visits(session, scene)].count(AppointmentState.CANCELLED) == 2


def test_alternatives_of_a_table_have_one_plan_and_are_not_too_many(session: Session) -> None:
    scene = a_scene(session, people=2, units=200)
    first, second = (person.registration_no for person in scene.people)
    rows = [(scene.match.id, *FIRST, first, "A"), (scene.match.id, "2026-11-25", *FIRST[1:], second, "A")]
    assert codes_of(check(session, scene, rows)) == ["visit_choice_differs"]
    days = [f"2026-12-{1 + day // 12:02d}" for day in range(37)]
    many = [
        (scene.match.id, day, f"{8 + n % 12:02d}:00", f"{9 + n % 12:02d}:00", "", first, "B")
        for n, day in enumerate(days)
    ]
    assert codes_of(check(session, scene, many)) == ["visit_choice_too_long"]


def codes_of(found: tuple[object, Checked]) -> list[str]:
    return [fault.code for fault in found[1].faults]


def test_a_month_comes_back_changed_moved_exchanged_and_called_off(session: Session) -> None:
    scene = a_scene(session, people=3, units=8)
    who = [person.registration_no for person in scene.people]
    windows = [window(day=day) for day in range(3)]
    made = proposed(session, scene, *windows, ids=[scene.people[0].id])
    for one in made:
        service.agree(session, one.id, actor=scene.home, now=NOW)
    begins, ends = "09:00", "11:00"
    rows = [
        (scene.match.id, "2026-11-25", begins, ends, "", who[0], "", made[0].id, ""),
        (scene.match.id, "2026-11-24", begins, ends, "", who[0], "", made[1].id, ""),
        (scene.match.id, "2026-11-26", begins, ends, "", who[1], "", made[2].id, ""),
    ]
    batch, checked = check(session, scene, rows)
    assert checked.faults == [], "two visits change places: each takes the time that the other leaves"
    counts = planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    assert {name: count for name, count in counts.items() if count} == {"homes": 1, "moved": 2, "exchanged": 1}
    assert [(one.state, one.reason_code) for one in made] == [
        (AppointmentState.CANCELLED, "moved"),
        (AppointmentState.CANCELLED, "moved"),
        (AppointmentState.AGREED, ""),
    ]
    assert numbers_of(session, [made[2].id]) == {made[2].id: (who[1],)}
    batch, checked = check(session, scene, rows)
    assert (checked.faults, batch.counts["same"]) == ([], 3), "the same table again changes nothing"
    off = [(*rows[2][:6], "", made[2].id, "天气或交通"), (scene.match.id, "2026-11-26", "10:00", "12:00", "", who[1])]
    batch, checked = check(session, scene, [off[0], (*off[1], "", "", "")])
    assert checked.faults == [], "a new visit takes the hours of one that is called off"
    planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    assert (made[2].state, made[2].reason_code) == (AppointmentState.CANCELLED, "weather")
    batch, checked = check(session, scene, off[:1])
    assert (checked.faults, batch.counts["same"]) == ([], 1)
    assert audit.verify(session).bad_seq == 0


def test_a_change_that_the_page_would_not_take_is_a_fault_of_its_row(session: Session) -> None:
    scene, other = a_scene(session, people=2), a_scene(session)
    first, second = (person.registration_no for person in scene.people)
    stands, begun, gone = proposed(session, scene, window(), window(day=1), window(day=2), ids=[scene.people[0].id])
    begun.state, begun.closed_at = AppointmentState.DONE, NOW
    service.cancel(session, gone.id, reason_code="mistake", actor=scene.manager, now=NOW)
    foreign = proposed(session, other)[0].id
    row = (scene.match.id, "2026-11-24", "09:00", "11:00", "")
    late = (scene.match.id, "2026-11-27", "09:00", "11:00", "", first, "")
    assert codes_of(check(session, scene, [(*row, first, "", "", "weather")])) == ["visit_number_needed"]
    assert codes_of(check(session, scene, [(*late, "", "weather")])) == ["visit_number_needed"]
    assert codes_of(check(session, scene, [(*row, second, "", "", "")])) == ["visit_planned_otherwise"]
    for number, code in ((foreign, "visit_number_unknown"), (begun.id, "visit_closed"), (gone.id, "visit_closed")):
        assert codes_of(check(session, scene, [(*late, number, "")])) == [code]
    again = (scene.match.id, "2026-11-28", *late[2:])
    twice = [(*late, stands.id, ""), (*again, stands.id, "")]
    assert codes_of(check(session, scene, twice)) == ["visit_number_twice"]
    weak = a_volunteer(session, scene.organisation, skills=("COMPANY",)).registration_no
    assert codes_of(check(session, scene, [(*row, weak, "", stands.id, "")])) == ["volunteer_skill"]


def filled(session: Session, scene: Scene, told: dict[str, tuple[str, ...]], *, lang: str = "zh_Hans") -> bytes:
    """The month as it goes out, with the cells behind `call_off` (and who came, if named) filled in by visit number."""
    out = month_file(session, scene.organisation.id, date(2026, 11, 9), lang=lang)
    heads, *rows = CalamineWorkbook.from_filelike(io.BytesIO(out)).get_sheet_by_index(0).to_python()
    for row in rows:
        outcome, minutes, content, *who = told.get(row[7], tuple(row[9:12]))
        row[9:12] = [outcome, minutes, content]
        row[5:6] = who or row[5:6]
    return write_csv([str(head) for head in heads], [[str(cell) for cell in row] for row in rows])


def test_what_became_of_a_month_comes_in_by_its_own_table_and_the_same_again_changes_nothing(session: Session) -> None:
    scene = a_scene(session, people=2, units=9)
    first = scene.people[0].registration_no
    for lang, served, missed, away, content in (
        ("zh_Hans", "已服务", "志愿者未到", "家中无人", "辅导功课"),
        ("en", "Served", "Volunteer did not come", "Nobody was there", "Helped with homework"),
    ):
        base = visits(session, scene)[-1].starts_at + timedelta(days=1) if visits(session, scene) else None
        windows = [window(day=day, **({"base": base} if base else {})) for day in range(3)]
        made = [service.agree(session, one.id, actor=scene.home, now=NOW) for one in proposed(session, scene, *windows)]
        after = made[-1].ends_at + timedelta(hours=1)
        told = {
            made[0].id: (served, "90", content, first),
            made[1].id: (missed, "", ""),
            made[2].id: (away, "", ""),
        }
        data = filled(session, scene, told, lang=lang)
        batch, checked = check(session, scene, [], data=data, now=after)
        assert (checked.faults, {one.state for one in made}) == ([], {AppointmentState.AGREED}), "a dry run"
        counts = planned.confirm_import(session, batch.id, actor=scene.manager, now=after)
        assert [counts[name] for name in ("served", "not_come", "away")] == [1, 1, 1]
        assert [one.state.value for one in made] == ["done", "no_show_volunteer", "no_show_household"]
        records = session.exec(select(ServiceRecord).where(ServiceRecord.appointment_id == made[0].id)).all()
        assert [(one.volunteer_id, one.minutes, one.content) for one in records] == [
            (scene.people[0].id, 90, "HOMEWORK")
        ], "hours for who came, and for nobody else"
        for again in (data, filled(session, scene, {}, lang=lang)):
            batch, checked = check(session, scene, [], data=again, now=after)
            assert (checked.faults, batch.counts["same"]) == ([], len(visits(session, scene)))
    assert audit.verify(session).bad_seq == 0


def test_what_the_page_would_not_take_of_a_visit_the_table_does_not_take_either(session: Session) -> None:
    scene = a_scene(session, people=2)
    one, later = proposed(session, scene, window(), window(day=1), ids=[scene.people[0].id])
    service.agree(session, one.id, actor=scene.home, now=NOW)
    after = one.ends_at + timedelta(hours=2)
    wrong = {
        ("已服务", "", "辅导功课"): ["empty"],
        ("", "60", ""): ["visit_outcome_missing"],
        ("已服务", "30", "辅导功课"): ["minutes_too_few"],
        ("已服务", "200", "辅导功课"): ["minutes_too_many"],
        ("已服务", "900", "辅导功课"): ["minutes_not_possible"],
        ("已服务", "60", "辅导功课", scene.people[1].registration_no): ["visit_not_booked"],
    }
    for cells, codes_told in wrong.items():
        found = check(session, scene, [], data=filled(session, scene, {one.id: cells}), now=after)
        assert codes_of(found) == codes_told
    served = filled(session, scene, {one.id: ("已服务", "60", "辅导功课")})
    assert codes_of(check(session, scene, [], data=served)) == ["not_begun_yet"]
    unanswered = filled(session, scene, {later.id: ("已服务", "60", "辅导功课")})
    assert codes_of(check(session, scene, [], data=unanswered, now=after)) == ["visit_said_otherwise"]
    moved = served.replace(b"11:00", b"12:00", 1)
    assert codes_of(check(session, scene, [], data=moved, now=after)) == ["visit_time_stands"]
    batch, checked = check(session, scene, [], data=served, now=after)
    assert checked.faults == []
    outcomes.household_missed(session, one.id, actor=scene.manager, now=after)
    with pytest.raises(Conflict, match="import_changed"):
        planned.confirm_import(session, batch.id, actor=scene.manager, now=after)
    found = check(session, scene, [], data=served, now=after)[1].faults
    assert [(one.column, one.code) for one in found] == [("outcome", "visit_said_otherwise")]


def test_what_changed_between_the_look_and_the_press_stores_nothing(session: Session) -> None:
    scene = a_scene(session)
    batch, _checked = check(session, scene, [(scene.match.id, *FIRST, scene.people[0].registration_no)])
    holding.hold(session, scene.match.id, cause="correction", actor=OFFICER, now=NOW)
    with pytest.raises(Conflict, match="import_changed"):
        planned.confirm_import(session, batch.id, actor=scene.manager, now=NOW)
    assert visits(session, scene) == []


def test_the_pages_take_the_table_and_give_the_month(settings: Settings, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        starts = (service_no := scene.match.id, scene.people[0].registration_no)
        org_id = scene.organisation.id
    app = create_app(settings, database=sqlite_database)
    giver = client_as(app, Role.CHARITY_WORKER, org_id=org_id)
    page = giver.get("/visits/").text
    assert "/visits/planned/import" in page
    assert "/visits/planned/month.xlsx" in page
    day = local_day(utc_now()).replace(day=15)
    later = day.replace(year=day.year + (day.month == 12), month=day.month % 12 + 1)
    table = write_csv(HEADS, [(service_no, later.isoformat(), "09:00", "10:00", "", starts[1])])
    data = {"file": (io.BytesIO(table), "month.csv")}
    batch = giver.post("/visits/planned/import", data=data, content_type="multipart/form-data").headers["Location"]
    assert f'action="{batch}/confirm"' in giver.get(batch).text
    assert giver.post(f"{batch}/confirm").status_code == 303
    out = giver.get(f"/visits/planned/month.xlsx?month={later:%Y-%m}")
    assert (out.status_code, out.data[:2]) == (200, b"PK")
    assert giver.get("/visits/planned/month.xlsx?month=never").status_code == 200
    giver.set_cookie("lang", "en")
    assert "Bring in a table of planned visits" in giver.get("/visits/planned/import").text
    told = giver.get(batch).text
    assert ("New times to propose" in told, "Visits that are called off" in told) == (True, False), "none is left out"
    assert client_as(app, Role.WORKER).get("/visits/planned/import").status_code == 403
    with sqlite_database.reading() as session:
        assert session.exec(select(Appointment.state)).all() == [AppointmentState.PROPOSED]
