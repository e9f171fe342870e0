"""Aid given elsewhere comes in by interface, table and page; what a giver is told depends on its own words only."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import NotAllowed, NotFound
from marketplace.households.register import source_index
from marketplace.ledger import handing_in
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.models_reports import AidReport, ReportDoor, ReportState
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.reference.identity_number import make_id_number
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import let_in
from tests.marketplace.test_all_givers_report import named, packs
from tests.marketplace.test_same_households import called_same
from tests.pages.people import client_as

VERIFIER = Actor(id="v", role=Role.VERIFIER)
STRANGER = make_id_number("509900", date(1961, 5, 6), seq=7)


def hand_in(session: Session, giver: Organisation, now: datetime, *records: dict[str, Any]) -> handing_in.HandedIn:
    return handing_in.hand_in(session, records, door=ReportDoor.PAGE, actor=make.as_giver(giver), now=now)


def test_a_giver_is_told_the_same_whether_the_household_and_the_need_are_known_or_not(
    session: Session, now: datetime
) -> None:
    """Known, stranger, a need of somebody else, the same again: each is one record taken in."""
    scene = a_scene(session)
    named(session, scene)
    giver = make.an_organisation(session)
    other = make.a_need(session, make.a_household(session, phone="10000000009"), source_id="N-2")
    told = [
        hand_in(session, giver, now, packs(source_id="A")),
        hand_in(session, giver, now, packs(source_id="B", household_ref="H-404")),
        hand_in(session, giver, now, packs(source_id="C", need_source_id=other.source_id)),
        hand_in(session, giver, now, packs(source_id="A")),
        hand_in(session, giver, now, packs(source_id="B", household_ref="H-404")),
    ]
    assert told == [handing_in.HandedIn(1)] * 5
    reports = session.exec(select(AidReport).order_by(col(AidReport.reference))).all()
    assert [(one.reference, one.state) for one in reports][:2] == [("A", ReportState.PLACED), ("B", ReportState.LOOK)]
    assert reports[0].payload is None
    assert reports[1].payload is not None
    assert reports[1].cause == handing_in.NOBODY


def test_a_report_of_somebody_unknown_finds_its_household_the_day_after_it_came_in(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        hand_in(session, make.an_organisation(session), now, packs())
    assert handing_in.sweep(database, clock=lambda: now) == 0
    with database.transaction() as session:
        scene = Scene(**{**vars(scene), "household": session.merge(scene.household)})
        named(session, scene)
    assert handing_in.sweep(database, clock=lambda: now + timedelta(days=1)) == 1
    with database.reading() as session:
        report = session.exec(select(AidReport)).one()
        assert (report.state, report.payload, report.cause) == (ReportState.PLACED, None, "")
        assert session.exec(select(LedgerEntry).where(LedgerEntry.source != "platform")).one().units == 3


def test_after_ninety_days_the_number_that_came_with_a_report_is_destroyed(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        hand_in(session, make.an_organisation(session), now, packs(household_ref="", head_id_number=STRANGER))
    handing_in.sweep(database, clock=lambda: now + timedelta(days=89))
    with database.reading() as session:
        assert session.exec(select(AidReport)).one().payload is not None
    handing_in.sweep(database, clock=lambda: now + timedelta(days=91))
    with database.reading() as session:
        report = session.exec(select(AidReport)).one()
        assert (report.state, report.payload, report.decided_by) == (ReportState.ASIDE, None, SYSTEM.id)
        assert session.exec(select(AuditRow).where(AuditRow.action == "aid:aside")).one().rule_id == handing_in.NOBODY


def contradicting(session: Session, giver: Organisation, now: datetime) -> AidReport:
    """The household is here, and the need that the giver names is of another kind."""
    scene = a_scene(session)
    named(session, scene)
    scene.need.source_index = make.vault_of(session).index("need-source", "test\x00N-1")
    session.add(scene.need)
    hand_in(session, giver, now, packs(category="LIVING.GOODS", need_source_id="N-1"))
    return session.exec(select(AidReport)).one()


def test_a_report_that_contradicts_a_need_waits_for_a_person_of_its_district_who_counts_it(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    app = create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        giver = make.an_organisation(session)
        report = contradicting(session, giver, now)
        assert report.cause == "need_of_other_kind"
        ref, far = handing_in.ref_of(report), Actor(id="f", role=Role.VERIFIER, districts=frozenset({"500229"}))
        assert [clock.step for clock in clocks.running_of(session, ref)] == ["feed_look"]
        with pytest.raises(NotFound):
            handing_in.count(session, report.id, actor=far, now=now)
    handing_in.sweep(sqlite_database, clock=lambda: now + timedelta(days=200))
    with sqlite_database.reading() as session:
        assert session.get_one(AidReport, report.id).payload is not None, "it is not destroyed by itself"
    staff = client_as(app, Role.VERIFIER)
    assert "Count it as past aid" in staff.get("/aid/unplaced?lang=en").text
    assert staff.post(f"/aid/unplaced/{report.id}/count").status_code == 303
    with sqlite_database.transaction() as session:
        row = session.exec(select(LedgerEntry).where(LedgerEntry.source != "platform")).one()
        assert (row.category, row.need_id, clocks.running_of(session, ref)) == ("LIVING.GOODS", None, [])
        again = packs(category="LIVING.GOODS", need_source_id="N-1")
        hand_in(session, session.get_one(Organisation, giver.id), now, again)
        assert session.get_one(AidReport, report.id).state is ReportState.PLACED, "what was counted is not asked again"


def test_a_report_for_the_need_of_a_record_that_counts_as_the_same_covers_it(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    other = make.a_household(session, phone="10000000009")
    other.source_index = source_index(make.vault_of(session), "test", "H-1")
    scene.need.source_index = make.vault_of(session).index("need-source", "test\x00N-1")
    session.add_all([other, scene.need])
    called_same(session, scene.household, other, now)
    hand_in(session, make.an_organisation(session), now, packs(need_source_id="N-1"))
    row = session.exec(select(LedgerEntry).where(LedgerEntry.source != "platform")).one()
    assert (row.household_id, row.need_id) == (scene.household.id, scene.need.id)


def test_only_a_verifier_sets_a_report_aside_and_the_giver_may_report_it_again(session: Session, now: datetime) -> None:
    giver = make.an_organisation(session)
    hand_in(session, giver, now, packs())
    report = session.exec(select(AidReport)).one()
    with pytest.raises(NotAllowed):
        handing_in.set_aside(session, report.id, actor=make.as_giver(giver), now=now)
    assert handing_in.set_aside(session, report.id, actor=VERIFIER, now=now).state is ReportState.ASIDE
    hand_in(session, giver, now, packs())
    assert session.exec(select(AidReport)).one().state is ReportState.LOOK


@pytest.mark.parametrize(
    ("kind", "payer"), [(OrganisationKind.INSURER, "COMMERCIAL_SUPPLEMENT"), (OrganisationKind.CHARITY, "CHARITY")]
)
def test_a_giver_pays_as_what_it_is_and_under_its_own_name_whatever_it_writes(
    session: Session, now: datetime, kind: OrganisationKind, payer: str
) -> None:
    named(session, a_scene(session))
    giver = make.an_organisation(session, kind=kind)
    hand_in(session, giver, now, packs(payer="TEMPORARY_AID", giver="民政", programme="TEMPORARY_AID"))
    row = session.exec(select(LedgerEntry).where(LedgerEntry.source != "platform")).one()
    assert (row.payer, row.giver, row.programme) == (payer, giver.name, "")


def test_an_id_number_is_no_reference(session: Session, now: datetime) -> None:
    told = hand_in(session, make.an_organisation(session), now, packs(source_id=STRANGER))
    assert (told.taken, [fault.code for fault in told.faults]) == (0, ["reference_is_id_number"])


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        named(session, scene)
        make.an_organisation(session, id="org-elsewhere", name="另一家基金会")
    return create_app(settings, database=sqlite_database)


def giver_of(app: Flask, role: Role = Role.CHARITY_WORKER, org_id: str = "org-elsewhere") -> Any:
    return client_as(app, role, org_id=org_id)


def test_a_giver_reports_by_table_and_sees_its_own_list_in_which_a_stranger_reads_like_everybody(app: Flask) -> None:
    client = giver_of(app)
    rows = "source_id,household_ref,category,units,given_on\nT-1,H-1,LIVING.FOOD_PACK,3,2026-11-10\n"
    rows += "T-2,H-404,LIVING.FOOD_PACK,3,2026-11-10\n"
    sent = client.post("/aid/given/import", data={"file": (io.BytesIO(rows.encode()), "aid.csv")})
    assert sent.status_code == 303
    page = client.get(sent.location).text
    assert "H-404" not in page
    assert client.post(f"{sent.location}/confirm").status_code == 303
    listed = client.get("/aid/given/").text
    lines = [line.split("</tr>")[0] for line in listed.split("<tr") if "T-1" in line or "T-2" in line]
    assert len(lines) == 2
    assert lines[0].replace("T-1", "T-2") == lines[1].replace("T-1", "T-2")
    assert "T-1" not in giver_of(app, org_id=a_second(app)).get("/aid/given/").text
    staff = client_as(app, Role.VERIFIER)
    waiting = staff.get("/aid/unplaced").text
    assert "T-2" in waiting
    assert "T-1" not in waiting


def a_second(app: Flask) -> str:
    with app.extensions["database"].transaction() as session:
        return make.an_organisation(session).id


@pytest.mark.parametrize("role", [Role.CHARITY_WORKER, Role.CHARITY_MANAGER, Role.INSURER])
def test_each_kind_of_giver_reports_one_piece_of_aid_by_hand_and_reads_what_is_wrong_beside_the_field(
    app: Flask, role: Role
) -> None:
    client = giver_of(app, role)
    form = {"reference": "P-1", "id_number": STRANGER, "category": "LIVING.FOOD_PACK", "units": "2"}
    wrong = client.post("/aid/given/new", data={**form, "given_on": "2999-01-01"})
    assert wrong.status_code == 422
    assert "日期在今天之后" in wrong.text
    done = client.post("/aid/given/new", data={**form, "given_on": "2026-11-10"})
    assert (done.status_code, done.location) == (303, "/aid/given/")
    staff = client_as(app, Role.VERIFIER)
    with app.extensions["database"].reading() as session:
        report = session.exec(select(AidReport)).one()
        assert (report.door, report.units) == (ReportDoor.PAGE, 2)
    assert STRANGER not in staff.get("/aid/unplaced").text
    assert staff.post(f"/aid/unplaced/{report.id}/again").status_code == 303
    assert staff.post(f"/aid/unplaced/{report.id}/aside", data={}).status_code == 303
    assert "P-1" not in staff.get("/aid/unplaced").text


def test_a_machine_reports_and_the_same_call_again_is_one_aid(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        named(session, scene)
        machine = let_in(session, scene.organisation)
    app = create_app(settings, database=sqlite_database)
    api = machine.caller(app)
    known = {"reference": "M-1", "category": "MEDICAL.MAJOR", "units": 12_345, "given_on": "2026-11-10"}
    known["household"] = "H-1"
    stranger = {**known, "reference": "M-2", "household": "H-404"}
    bad = {**known, "reference": "M-3", "given_on": "2999-01-01"}
    first = api.post("/aid", {"aid": [known, stranger, bad]}, key="k")
    told = {"taken": 2, "faults": [{"record": 3, "field": "given_on", "error": "date_in_future"}]}
    assert (first.status_code, first.json) == (200, told)
    assert api.post("/aid", {"aid": [known, stranger, bad]}, key="k").json == told
    for one in (known, stranger):
        assert api.post("/aid", {"aid": [one]}).json == {"taken": 1, "faults": []}
    assert machine.caller(app, "offers:write").post("/aid", {"aid": [known]}).json == {"error": "scope"}
    assert api.post("/aid", {"aid": []}).status_code == 422
    with sqlite_database.reading() as session:
        row = session.exec(select(LedgerEntry).where(LedgerEntry.source != "platform")).one()
        assert (row.units, row.org_id) == (12_345, scene.organisation.id)
