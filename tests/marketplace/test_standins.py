"""Stand-ins: a dated colleague of the same house does a head's work under its own name, and four eyes stay four."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.accounts import standins, team
from marketplace.accounts.models import Account, AccountSession, StandIn
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.clocks import board
from marketplace.clocks import service as clocks
from marketplace.clocks.board import ClockFilter
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import waiting
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.notices import Notice
from tests import factories as make
from tests.factories import NOW
from tests.marketplace.match_scene import a_scene
from tests.pages.people import client_as

TODAY = date(2026, 11, 23)
SECRET = "long enough to test"


def an_account(session: Session, name: str, role: Role, *districts: str, org_id: str | None = None) -> Account:
    return accounts.create_account(
        session, name, display_name=name, role=role, password=SECRET, districts=districts, org_id=org_id, now=NOW
    )


def actor_of(account: Account) -> Actor:
    return Actor(id=account.id, role=account.role, org_id=account.org_id, districts=frozenset(account.districts))


def named(session: Session, head: Account, deputy: Account, first: date = TODAY, days: int = 3) -> StandIn:
    last = first + timedelta(days=days)
    return standins.name(session, deputy.id, first_on=first, last_on=last, actor=actor_of(head), now=NOW)


def acting(session: Session, head: Account, deputy: Account, *, at: datetime = NOW) -> tuple[str, Actor]:
    """The deputy in the head's seat, through a real sign-in."""
    row, token = named(session, head, deputy), accounts.sign_in(session, deputy.login, SECRET, network="n", now=at)
    standins.step_in(session, token, row.id, actor=actor_of(deputy), now=at)
    return token, accounts.actor_of(session, token, now=at)


def test_a_deputy_acts_under_its_own_id_with_the_heads_role_and_area_until_the_period_ends(session: Session) -> None:
    head = an_account(session, "head", Role.APPROVER, "500101")
    deputy = an_account(session, "deputy", Role.VERIFIER, "500101", "500102")
    token, actor = acting(session, head, deputy)
    assert (actor.id, actor.on_behalf_of) == (deputy.id, head.id)
    assert (actor.role, actor.districts) == (Role.APPROVER, frozenset({"500101"}))
    for held in session.exec(select(AccountSession)).all():
        held.seen_at, held.expires_at = NOW + timedelta(days=4), NOW + timedelta(days=9)
        session.add(held)
    after = accounts.actor_of(session, token, now=NOW + timedelta(days=4))
    assert (after.role, after.on_behalf_of) == (Role.VERIFIER, None)


def test_every_act_of_a_stand_in_says_for_whom_in_its_audit_row_and_the_chain_holds(session: Session) -> None:
    head, deputy = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy"))
    _token, actor = acting(session, head, deputy)
    seq = audit.record(session, audit.Entry("clock:take", object_ref="x"), actor=actor, now=NOW)
    assert json.loads(session.get_one(audit.AuditBody, seq).body) == {"for": head.id}
    assert session.get_one(audit.AuditRow, seq).actor_ref == deputy.id
    assert audit.verify(session).bad_seq == 0


def test_whoever_verified_a_need_does_not_approve_it_for_the_head(session: Session) -> None:
    head, deputy = an_account(session, "head", Role.APPROVER), an_account(session, "deputy", Role.VERIFIER)
    scene = a_scene(session)
    scene.need.verifier_id = deputy.id
    session.add(scene.need)
    _token, actor = acting(session, head, deputy)
    outcome = approval.approve(session, [scene.line.id], actor=actor, now=NOW)
    assert [excluded.code for excluded in outcome.excluded] == ["verifier_is_approver"]
    scene.need.verifier_id = "somebody-else"
    session.add(scene.need)
    assert approval.approve(session, [scene.line.id], actor=actor, now=NOW).approved == (scene.line.id,)


def test_a_deputy_gives_no_second_yes_to_what_its_head_approved_first(session: Session) -> None:
    head, deputy = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy"))
    scene = a_scene(session)
    scene.line.value_fen = 10**9
    session.add(scene.line)
    assert approval.approve(session, [scene.line.id], actor=actor_of(head), now=NOW).needs_second == 1
    match = session.exec(select(approval.Match).where(approval.Match.line_id == scene.line.id)).one()
    _token, actor = acting(session, head, deputy)
    with pytest.raises(WrongState, match="same_person_twice"):
        approval.second_approve(session, match.id, actor=actor, now=NOW)
    approval.second_approve(session, match.id, actor=actor_of(deputy), now=NOW)


def test_only_a_colleague_of_the_same_house_with_the_whole_area_and_a_fitting_role_stands_in(session: Session) -> None:
    head = an_account(session, "head", Role.APPROVER, "500101", "500102")
    far = an_account(session, "far", Role.APPROVER, "500101")
    worker = an_account(session, "worker", Role.WORKER)
    city = an_account(session, "city", Role.APPROVER)
    keeper = an_account(session, "keeper", Role.SECURITY_ADMIN)
    assert [one.id for one in standins.colleagues(session, head)] == [city.id]
    for other in (far, worker, keeper, head):
        with pytest.raises(BadInput, match="not_of_this_house"):
            named(session, head, other)
    one, two = (make.an_organisation(session).id for _ in range(2))
    manager = an_account(session, "m", Role.CHARITY_MANAGER, org_id=one)
    mate = an_account(session, "w", Role.CHARITY_WORKER, org_id=one)
    an_account(session, "s", Role.CHARITY_MANAGER, org_id=two)
    assert [row.id for row in standins.colleagues(session, manager)] == [mate.id]


def test_a_seat_has_one_stand_in_at_a_time_and_nobody_away_stands_in(session: Session) -> None:
    head, one, two = (an_account(session, name, Role.APPROVER) for name in ("head", "one", "two"))
    named(session, head, one)
    with pytest.raises(BadInput, match="stand_in_overlap"):
        named(session, head, two)
    with pytest.raises(BadInput, match="stands_in_itself"):
        named(session, one, two)
    with pytest.raises(BadInput, match="deputy_away"):
        named(session, two, head)
    named(session, one, two, TODAY + timedelta(days=4))
    with pytest.raises(BadInput, match="span_backwards"):
        named(session, two, one, TODAY - timedelta(days=1))
    with pytest.raises(BadInput, match="span_too_long"):
        named(session, two, one, TODAY + timedelta(days=30), days=100)


def test_ending_a_period_takes_the_seat_away_at_once_and_a_stranger_ends_nothing(session: Session) -> None:
    head, deputy, other = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy", "other"))
    token, _actor = acting(session, head, deputy)
    row = session.exec(select(StandIn)).one()
    with pytest.raises(NotFound):
        standins.end(session, row.id, actor=actor_of(other), now=NOW)
    with pytest.raises(NotFound):
        standins.step_in(session, token, row.id, actor=actor_of(other), now=NOW)
    standins.end(session, row.id, actor=actor_of(head), now=NOW + timedelta(minutes=1))
    assert accounts.actor_of(session, token, now=NOW + timedelta(minutes=2)).on_behalf_of is None
    with pytest.raises(WrongState, match="stand_in_over"):
        standins.step_in(session, token, row.id, actor=actor_of(deputy), now=NOW + timedelta(minutes=2))


def test_somebody_who_acts_for_a_colleague_names_no_stand_in(session: Session) -> None:
    head, deputy, third = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy", "third"))
    _token, actor = acting(session, head, deputy)
    with pytest.raises(WrongState, match="acts_for_another"):
        standins.name(session, third.id, first_on=TODAY, last_on=TODAY, actor=actor, now=NOW)


def test_a_changed_role_leaves_its_stand_in_behind(session: Session) -> None:
    org = make.an_organisation(session).id
    head, deputy, keeper = (
        an_account(session, name, role, org_id=org)
        for name, role in (("x", Role.CHARITY_WORKER), ("y", Role.CHARITY_WORKER), ("k", Role.GIVER_ADMIN))
    )
    token, acts = acting(session, head, deputy)
    assert acts.on_behalf_of == head.id
    head.role = Role.GIVER_ADMIN  # as a row that was written without asking would be
    assert accounts.actor_of(session, token, now=NOW).on_behalf_of is None
    head.role = Role.CHARITY_WORKER
    team.change_role(session, head.id, role=Role.GIVER_ADMIN, actor=actor_of(keeper), now=NOW + timedelta(hours=1))
    assert standins.rows_of(session, deputy.id, now=NOW + timedelta(hours=1)) == []


def test_the_clocks_of_a_head_lie_on_the_deputys_list_and_the_reminder_goes_to_the_deputy(database: Database) -> None:
    with database.transaction() as session:
        head, deputy = (an_account(session, name, Role.APPROVER) for name in ("head", "deputy"))
        clock = clocks.start(session, "unclaimed", "need-1", holder=clocks.Holder(account_id=head.id), now=NOW)
        reminded, deputy_id, ref = clock.remind_at, deputy.id, clock.id
        seats = standins.seats_of(session, actor_of(deputy), now=NOW)
        mine = ClockFilter(account_ids=seats)
        assert board.count_clocks(session, mine, actor=actor_of(deputy), now=NOW) == 0
        named(session, head, deputy, days=5)
        mine = ClockFilter(account_ids=standins.seats_of(session, actor_of(deputy), now=NOW))
        assert [row.id for row in board.list_clocks(session, mine, actor=actor_of(deputy), now=NOW, offset=0, limit=9)]
    assert reminded is not None
    waiting.sweep(database, clock=lambda: reminded)
    with database.reading() as session:
        (letter,) = session.exec(select(Notice).where(Notice.letter == "reminder_staff")).all()
        assert (letter.account_id, letter.key) == (deputy_id, f"{ref}:1:named")


def test_a_manager_names_for_its_team_and_the_security_administrator_for_staff_and_nobody_else(
    session: Session,
) -> None:
    org_id, other = (make.an_organisation(session).id for _ in range(2))
    manager = an_account(session, "m", Role.CHARITY_MANAGER, org_id=org_id)
    admin = an_account(session, "a", Role.GIVER_ADMIN, org_id=org_id)
    ill = an_account(session, "w", Role.CHARITY_WORKER, org_id=org_id)
    stranger = an_account(session, "s", Role.GIVER_ADMIN, org_id=other)
    staff, mate = (an_account(session, name, Role.APPROVER) for name in ("staff", "mate"))
    keeper = an_account(session, "keeper", Role.SECURITY_ADMIN)
    days = {"first_on": TODAY, "last_on": TODAY}
    for actor, head, deputy in ((stranger, ill, manager), (keeper, ill, manager), (mate, staff, mate)):
        with pytest.raises((NotFound, NotAllowed)):
            standins.name(session, deputy.id, **days, head_id=head.id, actor=actor_of(actor), now=NOW)
    for actor, head, deputy in ((admin, ill, manager), (keeper, staff, mate)):
        row = standins.name(session, deputy.id, **days, head_id=head.id, actor=actor_of(actor), now=NOW)
        assert (row.head_id, row.deputy_id, row.set_by) == (head.id, deputy.id, actor.id)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def test_a_head_names_a_stand_in_on_the_page_who_steps_in_and_back(app: Flask, sqlite_database: Database) -> None:
    head, deputy = client_as(app, Role.APPROVER), client_as(app, Role.VERIFIER)
    with sqlite_database.reading() as session:
        ids = {one.role: one.id for one in session.exec(select(Account)).all()}
    today = datetime.now(standins.HERE).date()
    days = {"first_on": today.isoformat(), "last_on": (today + timedelta(days=2)).isoformat()}
    assert head.post("/stand-in/", data=days | {"deputy": "nobody"}).status_code == 422
    assert head.post("/stand-in/", data=days | {"deputy": ids[Role.VERIFIER]}).status_code == 303
    assert "verifier代我值岗" in head.get("/stand-in/").text
    assert deputy.get("/matches/").status_code == 200
    with sqlite_database.reading() as session:
        row_id = session.exec(select(StandIn.id)).one()
    assert deputy.post(f"/stand-in/{row_id}/step-in").status_code == 303
    page = deputy.get("/deadlines/").text
    assert "verifier（代 approver）" in page
    assert deputy.post("/stand-in/step-back").status_code == 303
    assert "（代 approver）" not in deputy.get("/deadlines/").text
    english = deputy.get("/stand-in/?lang=en").text
    assert "I stand in for approver" in english
    assert head.post(f"/stand-in/{row_id}/end").status_code == 303
    assert "目前无人代您值岗" in head.get("/stand-in/").text


def test_a_stand_in_is_named_on_the_page_for_a_colleague_who_cannot(app: Flask, sqlite_database: Database) -> None:
    keeper = client_as(app, Role.SECURITY_ADMIN)
    with sqlite_database.transaction() as session:
        ill, mate = (an_account(session, name, Role.APPROVER).id for name in ("ill", "mate"))
    assert f"/stand-in/for/{ill}" in keeper.get("/accounts/").text
    path, today = f"/stand-in/for/{ill}", datetime.now(standins.HERE).date().isoformat()
    assert "为 ill 指定代班人" in keeper.get(path).text
    wrong = {"confirmed": "yes", "deputy": mate, "first_on": today, "last_on": "2020-01-01"}
    assert keeper.post(path, data=wrong).status_code == 422
    assert keeper.post(path, data=wrong | {"last_on": today}).status_code == 303
    assert "mate" in keeper.get("/accounts/").text
    assert client_as(app, Role.VERIFIER).get(path).status_code in (403, 404)
