"""Closing an account: its desk is shown, passes whole to one colleague, and for a last person holds the house's too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts import closing, desks, standins, team
from marketplace.accounts.models import Account, StandIn
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.meetings import desk as meetings
from marketplace.meetings import duties, roster
from marketplace.meetings.models import OnCall
from marketplace.notices import Notice
from tests import factories as make
from tests.factories import NOW
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_standins import actor_of, an_account
from tests.marketplace.test_urgent import PHONES
from tests.pages.people import client_as

assert meetings  # hangs the rooms' queues in


def the_keeper(session: Session) -> Actor:
    return actor_of(an_account(session, "keeper", Role.SECURITY_ADMIN))


def kinds(session: Session, account: Account) -> list[str]:
    return [piece.kind for piece in desks.pieces_of(session, account, now=NOW)]


def test_the_last_person_of_an_organisation_holds_what_waits_for_it_and_a_colleague_relieves_it(
    session: Session,
) -> None:
    scene = a_scene(session)
    match = scene.approved(session, NOW)
    org_id = scene.organisation.id
    manager = an_account(session, "m", Role.CHARITY_MANAGER, org_id=org_id)
    assert kinds(session, manager) == ["giver_answer"]
    assert desks.pieces_of(session, manager, now=NOW)[0].ref == match.id
    admin = an_account(session, "admin", Role.GIVER_ADMIN, org_id=org_id)
    assert kinds(session, manager) == ["giver_answer"], "who keeps accounts takes no work over"
    second = an_account(session, "m2", Role.CHARITY_MANAGER, org_id=org_id)
    assert kinds(session, manager) == [], "the organisation's work stays with the colleague"
    closing.close_account(session, second.id, actor=actor_of(admin), now=NOW)
    with pytest.raises(WrongState, match="nobody_takes_over"):
        closing.close_account(session, manager.id, actor=the_keeper(session), now=NOW)
    assert session.get_one(Account, manager.id).active
    with pytest.raises(WrongState, match="work_on_desk"):
        team.change_role(session, manager.id, role=Role.GIVER_ADMIN, actor=actor_of(admin), now=NOW)
    an_account(session, "m3", Role.CHARITY_WORKER, org_id=org_id)
    assert team.change_role(session, manager.id, role=Role.GIVER_ADMIN, actor=actor_of(admin), now=NOW) is manager


def test_the_last_person_of_an_organisation_for_which_nothing_waits_is_closed_by_the_security_administrator(
    session: Session,
) -> None:
    admin = an_account(session, "m", Role.GIVER_ADMIN, org_id=make.an_organisation(session).id)
    with pytest.raises(WrongState, match="last_manager"):
        closing.close_account(session, admin.id, actor=actor_of(admin), now=NOW)
    closing.close_account(session, admin.id, actor=the_keeper(session), now=NOW)
    assert not admin.active


def test_the_last_person_of_a_districts_office_hands_its_unnamed_steps_to_a_colleague_of_the_city(
    session: Session,
) -> None:
    local = an_account(session, "local", Role.APPROVER, "500103")
    city = an_account(session, "city", Role.APPROVER)
    for ref, district in (("here", "500103"), ("elsewhere", "500101")):
        clocks.start(session, "late_delivery", ref, holder=Holder(district_code=district), now=NOW)
    assert [piece.ref for piece in desks.pieces_of(session, local, now=NOW)] == ["here"]
    closing.close_account(session, local.id, heir_id=city.id, actor=the_keeper(session), now=NOW)
    held = dict(session.exec(select(Clock.object_ref, Clock.account_id)).all())
    assert held == {"here": city.id, "elsewhere": None}
    handed = select(audit.AuditRow).where(audit.AuditRow.action == "account:hand_over")
    assert session.exec(handed).one().object_ref == local.id


def test_another_person_of_the_district_keeps_the_office_open(session: Session) -> None:
    local = an_account(session, "local", Role.APPROVER, "500103")
    an_account(session, "worker", Role.WORKER, "500103", "500101")
    clocks.start(session, "late_delivery", "here", holder=Holder(district_code="500103"), now=NOW)
    assert kinds(session, local) == []


def test_duties_shifts_and_periods_of_standing_in_pass_with_the_desk(session: Session) -> None:
    leaver, heir, head = (an_account(session, name, Role.APPROVER) for name in ("leaver", "heir", "head"))
    verifier, spare = (an_account(session, name, Role.VERIFIER) for name in ("verifier", "spare"))
    scene = a_scene(session)
    duty = duties.give(session, duties.Task(scene.need.id, leaver.id, "补材料"), actor=actor_of(head), now=NOW)
    planned = roster.Shift(verifier.id, leaver.id, NOW, NOW + timedelta(hours=9), *PHONES)
    roster.plan(session, planned, actor=actor_of(head), now=NOW)
    today = date(2026, 11, 23)
    standins.name(session, leaver.id, first_on=today, last_on=today, actor=actor_of(head), now=NOW)
    assert sorted(kinds(session, leaver)) == ["meeting_duty", "shift", "stand_in"]
    for unfit in (verifier.id, spare.id):
        with pytest.raises(WrongState, match="heir_unfit"), session.begin_nested():
            closing.close_account(session, leaver.id, heir_id=unfit, actor=the_keeper(session), now=NOW)
    session.expire_all()
    keeper = session.exec(select(Account).where(Account.role == Role.SECURITY_ADMIN)).first()
    actor = actor_of(keeper) if keeper else the_keeper(session)
    closing.close_account(session, leaver.id, heir_id=heir.id, actor=actor, now=NOW)
    assert duty.officer_id == heir.id
    shift = session.exec(select(OnCall)).one()
    assert shift.approver_id == heir.id
    reached = [roster.phone_of(session, shift.id, seat) for seat in roster.SEATS]
    assert reached == [PHONES[0], ""], "who takes the desk is not reached under the other's number"
    assert session.exec(select(StandIn)).one().deputy_id == heir.id
    assert kinds(session, leaver) == []


def test_a_seat_passes_only_to_who_could_have_been_named_for_it(session: Session) -> None:
    head, deputy = an_account(session, "head", Role.APPROVER), an_account(session, "deputy", Role.VERIFIER)
    worker, away = an_account(session, "worker", Role.WORKER), an_account(session, "away", Role.VERIFIER)
    keeper, today = the_keeper(session), date(2026, 11, 23)
    row = standins.name(session, deputy.id, first_on=today, last_on=today, actor=actor_of(head), now=NOW)
    with session.begin_nested() as trial:
        standins.name(session, deputy.id, first_on=today, last_on=today, actor=actor_of(away), now=NOW)
        assert not standins.may_sit(session, row, away), "who is away itself sits nowhere"
        trial.rollback()
    assert standins.may_sit(session, row, away)
    closing.close_account(session, deputy.id, heir_id=worker.id, actor=keeper, now=NOW)
    assert standins.rows_of(session, head.id, now=NOW) == [], "a worker never sits on an approver's seat"
    assert session.exec(select(Notice.account_id).where(Notice.letter == "stand_in_ended")).all() == [head.id]


def test_nobody_stands_in_any_more_for_an_account_that_is_closed(session: Session) -> None:
    head, deputy = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy"))
    today = date(2026, 11, 23)
    standins.name(session, deputy.id, first_on=today, last_on=today, actor=actor_of(head), now=NOW)
    closing.close_account(session, head.id, actor=the_keeper(session), now=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    assert standins.seats_of(session, actor_of(deputy), now=later) == {deputy.id}


def test_only_the_security_administrator_closes_staff_and_never_itself(session: Session) -> None:
    staff = an_account(session, "staff", Role.WORKER)
    keeper = the_keeper(session)
    for role in (Role.APPROVER, Role.CHARITY_MANAGER, Role.OPERATOR):
        with pytest.raises((NotAllowed, NotFound)):
            closing.close_account(session, staff.id, actor=Actor(id="x", role=role, org_id="o"), now=NOW)
    with pytest.raises(WrongState, match="own_account"):
        closing.close_account(session, keeper.id, actor=keeper, now=NOW)
    closing.close_account(session, staff.id, actor=keeper, now=NOW)
    with pytest.raises(NotFound):
        closing.close_account(session, staff.id, actor=keeper, now=NOW)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def test_every_room_hangs_its_queue_in_when_the_house_opens(app: Flask) -> None:
    assert app.view_functions
    assert {"clocks", "stand_ins", "duties", "shifts", "visits"} <= set(desks.QUEUES)


def test_the_page_shows_the_desk_and_hands_it_over_in_one_press(app: Flask, sqlite_database: Database) -> None:
    keeper = client_as(app, Role.SECURITY_ADMIN)
    with sqlite_database.transaction() as session:
        local = an_account(session, "local", Role.APPROVER, "500103").id
        city = an_account(session, "city", Role.APPROVER).id
        clocks.start(session, "late_delivery", "match-1", holder=Holder(account_id=local), now=NOW)
    assert f"/accounts/{local}/close" in keeper.get("/accounts/").text
    page = keeper.get(f"/accounts/{local}/close").text
    assert "送达逾期，请处理" in page
    assert "交接并关闭" in page
    assert keeper.post(f"/accounts/{local}/close", data={"confirmed": "yes"}).status_code == 422
    done = keeper.post(f"/accounts/{local}/close", data={"confirmed": "yes", "heir": city})
    assert done.status_code == 303
    with sqlite_database.reading() as session:
        assert session.exec(select(Clock.account_id)).one() == city
        assert not session.get_one(Account, local).active
    assert "Close the account" in keeper.get("/accounts/?lang=en").text
    assert client_as(app, Role.APPROVER).get("/accounts/").status_code == 403
