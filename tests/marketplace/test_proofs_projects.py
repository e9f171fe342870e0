"""Project reports: figures equal hand-counted rows, frozen when filed, and no photo without a living consent."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.db import new_id
from marketplace.decisions import service as decisions
from marketplace.decisions import waiting
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.proofs import evidence, papers, project_changes, project_figures, projects, publicity
from marketplace.proofs.models import PaperKind, Proof, ProofKind
from marketplace.proofs.papers import PaperFacts
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

STARTS = date(2026, 11, 1)
LATER = datetime(2027, 2, 2, 2, 0, tzinfo=UTC)
"""The day after the first three months."""


def a_project(session, scene: Scene, now, **over):
    values = {"offer_ids": [scene.offer.id], "starts_on": STARTS, "ends_on": date(2027, 4, 30)}
    return projects.plan_project(session, "冬季食品包", actor=scene.manager, now=now, **{**values, **over})


def counted(session, project, now):
    due = projects.dues(session, project, now=now)[0]
    return due, project_figures.count(session, project.id, due.period, now=now)


def a_giver_of(session, now, *, homes: int) -> Scene:
    """One giver whose offer reached so many households: 6 packs each of 10 that were matched, ¥10 a pack."""
    organisation = make.an_organisation(session)
    offer = make.an_offer(session, organisation, stock_units=1000)
    for number in range(homes):
        scene = a_scene(session, phone=f"1{number:010}", organisation=organisation, offer=offer)
        scene.line.value_fen = 1_000 * scene.line.units
        match = scene.in_delivery(session, now)
        evidence.hand_over(session, match.id, pieces=[], units=6, actor=scene.giver, now=now)
    return scene


def test_the_figures_equal_rows_counted_by_hand(session, now):
    last = a_giver_of(session, now, homes=11)
    project = a_project(session, last, now)
    for kind, fen in ((PaperKind.DONATION_RECEIPT, 5_000), (PaperKind.INVOICE, 7)):
        facts = PaperFacts(kind, "CQ-0001", fen, now.date(), last.offer.id)
        papers.store(session, facts, actor=last.giver, now=now)
    _due, figures = counted(session, project, now)
    assert figures["totals"] == {
        "deliveries": 11,
        "households": 11,
        "out_fen": 11 * 6 * 1_000,
        "receipts": 1,
        "in_fen": 5_000,
        "returned": 0,
    }
    (cell,) = figures["cells"]
    assert (cell["units"], cell["households"], cell["fen"]) == (66, 11, 66_000)
    own = session.exec(select(Match).where(Match.household_id == last.household.id)).one()
    decisions.not_received(session, own.id, actor=last.household_actor, now=now)
    _due, figures = counted(session, project, now)
    assert (figures["totals"]["deliveries"], figures["totals"]["returned"]) == (10, 1)


def test_what_arrives_after_the_last_day_is_told_apart_in_the_final_report(session, now):
    last = a_giver_of(session, now, homes=11)
    project = a_project(session, last, now, ends_on=local_day(now) - timedelta(days=1))
    dues = projects.dues(session, project, now=now)
    found = {due.period.kind.value: project_figures.count(session, project.id, due.period, now=now) for due in dues}
    assert (found["final"]["totals"]["deliveries"], "late" in found["quarter"]) == (0, False)
    assert found["final"]["late"] == {"deliveries": 11, "households": 11, "out_fen": 66_000}


def test_a_small_cell_is_hidden_and_cannot_be_worked_out(session, now):
    last = a_giver_of(session, now, homes=12)
    project = a_project(session, last, now)
    matches = session.exec(select(Match).where(Match.offer_id == last.offer.id).order_by(Match.id)).all()
    matches[0].district_code = "500101"
    session.flush()
    _due, figures = counted(session, project, now)
    assert [cell.get("hidden") for cell in figures["cells"]] == [True, True]
    assert all("households" not in cell and "fen" not in cell for cell in figures["cells"])


def test_a_filed_report_never_changes_and_a_later_change_is_a_new_version(session, now):
    last = a_giver_of(session, now, homes=2)
    project = a_project(session, last, now)
    due = projects.dues(session, project, now=now)[0]
    with pytest.raises(WrongState):
        projects.file_report(session, project, due, actor=last.manager, now=now)
    due = projects.dues(session, project, now=LATER)[0]
    with pytest.raises(NotAllowed):
        projects.file_report(session, project, due, actor=last.giver, now=LATER)
    first = projects.file_report(session, project, due, actor=last.manager, now=LATER)
    assert projects.holds(first)
    with pytest.raises(WrongState):
        projects.file_report(
            session, project, projects.dues(session, project, now=LATER)[0], actor=last.manager, now=LATER
        )
    facts = PaperFacts(PaperKind.DONATION_RECEIPT, "CQ-0002", 100, date(2026, 12, 1), last.offer.id)
    papers.store(session, facts, actor=last.giver, now=LATER)
    again = projects.dues(session, project, now=LATER)[0]
    second = projects.file_report(session, project, again, actor=last.manager, now=LATER)
    assert (first.version, second.version) == (1, 2)
    assert json.loads(first.content)["totals"]["in_fen"] == 0
    assert json.loads(second.content)["totals"]["in_fen"] == 100


def test_the_clock_names_the_next_report_until_the_final_one_is_filed(session, now):
    last = a_giver_of(session, now, homes=1)
    project = a_project(session, last, now)

    def last_day() -> date | None:
        running = clocks.running_of(session, project.id)
        return clocks.last_day(running[0]) if running else None

    assert last_day() == date(2027, 2, 1)
    end = datetime(2027, 5, 3, 2, 0, tzinfo=UTC)
    wanted = [("quarter", date(2027, 5, 1)), ("quarter", date(2027, 7, 30)), ("final", None)]
    for kind, then in wanted:
        due = next(one for one in projects.dues(session, project, now=end) if not one.filed)
        assert due.period.kind.value == kind
        projects.file_report(session, project, due, actor=last.manager, now=end)
        if then is None or then > end.date():
            assert last_day() == then


def test_a_project_that_answers_an_emergency_is_reported_every_five_days(session, now):
    # Sunday 1 November; the emergency is announced on the 12th and ends on the 23rd: five, five and two days.
    last = a_giver_of(session, now, homes=1)
    project = a_project(session, last, now)
    said = projects.Emergency(date(2026, 11, 12), None, "渝府发〔2026〕1号")
    for wrong, code in (
        (projects.Emergency(date(2026, 10, 31), None, "x"), "emergency_from"),
        (projects.Emergency(date(2026, 12, 31), None, "x"), "emergency_from"),
        (projects.Emergency(date(2026, 11, 12), date(2026, 11, 11), "x"), "ends_before"),
        (projects.Emergency(date(2026, 11, 12), None, " "), "emergency_ref"),
    ):
        with pytest.raises(BadInput, match=code):
            projects.set_emergency(session, project.id, wrong, actor=last.manager, now=now)
    with pytest.raises(NotAllowed):
        projects.set_emergency(session, project.id, said, actor=last.giver, now=now)
    projects.set_emergency(session, project.id, said, actor=last.manager, now=now)
    (clock,) = clocks.running_of(session, project.id)
    assert clock.due_at <= now, "the first five days are over and unreported: it is late at once"
    at = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    over = projects.Emergency(said.from_on, date(2026, 11, 23), said.ref)
    projects.set_emergency(session, project.id, over, actor=last.manager, now=at)
    dues = [due for due in projects.dues(session, project, now=at) if due.period.kind.value == "emergency"]
    days = [(due.period.from_on.day, due.period.to_on.day, due.period.due_on.day) for due in dues]
    assert days == [(12, 16, 17), (17, 21, 22), (22, 23, 24)]
    for due in dues:
        projects.file_report(session, project, due, actor=last.manager, now=at)
    (clock,) = clocks.running_of(session, project.id)
    assert clocks.last_day(clock) == date(2027, 2, 1), "after the emergency each three months again"
    earlier = projects.Emergency(date(2026, 11, 10), None, said.ref)
    with pytest.raises(WrongState, match="emergency_filed"):
        projects.set_emergency(session, project.id, earlier, actor=last.manager, now=at)


def test_a_due_report_is_asked_for_by_a_letter_before_and_on_its_last_day(database, now):
    with database.transaction() as session:
        scene = a_scene(session)
        project = a_project(session, scene, now)
        (clock,) = clocks.running_of(session, project.id)
        first, due = clock.remind_at, clock.due_at
    assert waiting.sweep(database, clock=lambda: first - timedelta(hours=1)) == 0
    for at, number in ((first, 1), (due, 2), (due + timedelta(hours=1), 2)):
        waiting.sweep(database, clock=lambda at=at: at)
        with database.reading() as session:
            letters = session.exec(select(Notice).where(Notice.letter == "report_due")).all()
            assert len(letters) == number
            assert {letter.org_id for letter in letters} == {scene.organisation.id}
            assert all(letter.params["by"] >= "2027-02-01" for letter in letters)


def test_an_offer_is_reported_in_one_project_and_a_project_seen_by_its_giver_only(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    project = a_project(session, scene, now)
    for over, error in (
        ({}, BadInput),
        ({"offer_ids": []}, BadInput),
        ({"ends_on": STARTS}, BadInput),
        ({"offer_ids": [other.offer.id]}, NotFound),
    ):
        with pytest.raises(error):
            a_project(session, scene, now, **over)
    with pytest.raises(NotFound):
        projects.get_project(session, project.id, actor=other.manager)


def test_a_withdrawal_takes_the_photo_out_of_what_is_not_filed_and_lists_what_is(session, now):
    scene = a_giver_of(session, now, homes=1)
    project = a_project(session, scene, now)
    match = session.exec(select(Match).where(Match.offer_id == scene.offer.id)).one()
    proof = Proof(
        id=new_id(),
        match_id=match.id,
        org_id=match.org_id,
        kind=ProofKind.PHOTO,
        person_id=scene.person.id,
        recorded_by="x",
        recorded_at=now,
    )
    session.add(proof)
    session.flush()
    given = publicity.allow(session, match.id, data_fields=["photo"], actor=scene.household_actor, now=now)
    publicity.mark(session, proof.id, wanted=True, actor=scene.manager, now=now)
    due, figures = counted(session, project, LATER)
    assert figures["photos"] == [proof.id]
    filed = projects.file_report(session, project, due, actor=scene.manager, now=LATER)
    decisions.withdraw_consent(session, given.chain_id, actor=scene.household_actor, now=LATER)
    assert counted(session, project, LATER)[1]["photos"] == []
    assert projects.filed_with_photos_of(session, match.id) == [filed]
    assert json.loads(filed.content)["photos"] == [proof.id]


def test_a_project_is_begun_read_filed_and_taken_along(settings, sqlite_database, now):
    with sqlite_database.transaction() as session:
        scene = a_giver_of(session, now, homes=10)
    app = create_app(settings, database=sqlite_database)
    manager = client_as(app, Role.CHARITY_MANAGER, org_id=scene.organisation.id)
    assert "还没有项目" in manager.get("/proofs/projects/").text
    long_ago = (datetime.now(UTC) - timedelta(days=200)).date()
    data = {"title": "冬季食品包", "starts_on": long_ago.isoformat(), "offer_ids": [scene.offer.id]}
    assert manager.post("/proofs/projects/new", data={**data, "offer_ids": []}).status_code == 422
    where = manager.post("/proofs/projects/new", data=data).headers["Location"]
    assert "三个月报告" in manager.get(where).text
    draft = f"{where}/quarter/{long_ago.isoformat()}"
    assert "提交后才会固定" in manager.get(draft).text
    filed = manager.post(draft).headers["Location"]
    assert "SHA-256" in manager.get(filed).text
    assert manager.post(draft).status_code == 409
    paper = manager.get(f"{filed}/print").text
    for shown in ("data-print", "SHA-256", "负责人（签字、盖章）"):
        assert shown in paper
    file = manager.get(f"{filed}/report.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == "冬季食品包"
    assert rows[-1][0] == "SHA-256"
    phase = {"from_on": (long_ago + timedelta(days=9)).isoformat(), "ref": "渝府发〔2026〕1号"}
    assert manager.post(f"{where}/emergency", data=phase | {"ref": ""}).status_code == 422
    assert manager.post(f"{where}/emergency", data=phase).status_code == 303
    assert "五天报告" in manager.get(where).text
    assert "提交后才会固定" in manager.get(f"{where}/emergency/{phase['from_on']}").text
    worker = client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    assert worker.post(draft).status_code == 403
    assert worker.get(where).status_code == 200


@pytest.mark.both_engines
@pytest.mark.parametrize("act", ["UPDATE project_report SET content = '{}'", "DELETE FROM project_report"])
def test_the_database_itself_refuses_to_change_a_filed_report(database, now, act):
    with database.transaction() as session:
        last = a_giver_of(session, now, homes=1)
        project = a_project(session, last, now)
        due = projects.dues(session, project, now=LATER)[0]
        projects.file_report(session, project, due, actor=last.manager, now=LATER)
    with pytest.raises((DatabaseError, Conflict), match="written once"), database.transaction() as session:
        session.connection().exec_driver_sql(act)


def test_an_open_project_is_ended_and_then_its_final_report_falls_due(session, now):
    scene = a_giver_of(session, now, homes=1)
    project = a_project(session, scene, now, ends_on=None)
    at = datetime(2027, 2, 5, 2, 0, tzinfo=UTC)
    due = projects.dues(session, project, now=at)[0]
    projects.file_report(session, project, due, actor=scene.manager, now=at)
    for day, error, code in (
        (STARTS, BadInput, "ends_before"),
        (date(2027, 1, 30), BadInput, "end_reported"),
    ):
        with pytest.raises(error, match=code):
            project_changes.end_project(session, project.id, day, actor=scene.manager, now=at)
    with pytest.raises(NotAllowed):
        project_changes.end_project(session, project.id, date(2027, 1, 31), actor=scene.giver, now=at)
    project_changes.end_project(session, project.id, date(2027, 1, 31), actor=scene.manager, now=at)
    (clock,) = clocks.running_of(session, project.id)
    assert clocks.last_day(clock) == date(2027, 4, 30), "three months after the end"
    with pytest.raises(BadInput, match="end_reported"):
        project_changes.end_project(session, project.id, date(2027, 3, 1), actor=scene.manager, now=at)
    final = projects.dues(session, project, now=at)[-1]
    assert final.period.kind.value == "final"
    projects.file_report(session, project, final, actor=scene.manager, now=at)
    assert clocks.running_of(session, project.id) == []
    with pytest.raises(WrongState, match="final_filed"):
        project_changes.end_project(session, project.id, date(2027, 3, 1), actor=scene.manager, now=at)


def test_resources_join_a_project_later_once_each_and_of_its_own_giver_only(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    project = a_project(session, scene, now)
    late = make.an_offer(session, scene.organisation)
    for wrong, error in (([], BadInput), ([other.offer.id], NotFound), ([scene.offer.id], BadInput)):
        with pytest.raises(error):
            project_changes.add_offers(session, project.id, wrong, actor=scene.manager, now=now)
    project_changes.add_offers(session, project.id, [late.id], actor=scene.manager, now=now)
    facts = PaperFacts(PaperKind.DONATION_RECEIPT, "CQ-0009", 900, local_day(now), late.id)
    papers.store(session, facts, actor=scene.giver, now=now)
    assert counted(session, project, now)[1]["totals"]["in_fen"] == 900


def test_every_resource_can_join_a_project_page_by_page(settings, sqlite_database, now):
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        project = a_project(session, scene, now, ends_on=None)
        late = [make.an_offer(session, scene.organisation, title=f"第{n}批食品包").id for n in range(101)]
    app = create_app(settings, database=sqlite_database)
    client = client_as(app, Role.CHARITY_MANAGER, org_id=scene.organisation.id)
    new = client.get("/proofs/projects/new").text
    assert "共101条" in new
    assert "项目建立后再加入" in new
    where = f"/proofs/projects/{project.id}"
    shown = {one for one in late if one in client.get(f"{where}/resources?page=2").text}
    assert len(shown) == 1
    assert client.post(f"{where}/resources", data={}).status_code == 422
    assert client.post(f"{where}/resources?page=2", data={"offer_ids": list(shown)}).status_code == 303
    assert "共100条" in client.get(f"{where}/resources").text
    assert client.post(f"{where}/end", data={"ends_on": STARTS.isoformat()}).status_code == 422
    ended = {"ends_on": (STARTS + timedelta(days=1)).isoformat()}
    assert client.post(f"{where}/end", data=ended).status_code == 303
    assert "终期报告" in client.get(where).text


def test_staff_see_which_giver_owes_which_project_report(settings, sqlite_database):
    now = utc_now()
    today = local_day(now)
    with sqlite_database.transaction() as session:
        scene = a_giver_of(session, now, homes=1)
        project = a_project(session, scene, now, starts_on=today - timedelta(days=20), ends_on=None)
        project.emergency_from_on, project.emergency_ref = today - timedelta(days=12), "渝应急〔2026〕1号"
        session.add(project)
        first, org_id, name = project.emergency_from_on, scene.organisation.id, scene.organisation.name
    app = create_app(settings, database=sqlite_database)
    staff, manager = client_as(app, Role.APPROVER), client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    assert "/proofs/projects/owed" in staff.get("/reports/").text
    assert manager.get("/proofs/projects/owed").status_code == 404
    page = staff.get("/proofs/projects/owed?lang=en").text
    assert name in page
    assert "five-day report" in page
    assert "late: 2" in page, "two periods of five days are over, the third runs"
    with sqlite_database.transaction() as session:
        found = session.get_one(type(project), project.id)
        for due in projects.dues(session, found, now=now)[:2]:
            projects.file_report(session, found, due, actor=scene.manager, now=now)
    page = staff.get("/proofs/projects/owed?lang=en").text
    assert ("not due yet" in page, "late:" in page) == (True, False)
    assert f"{first:%Y-%m-%d}" not in page
