"""A giver's team: a code works once, the last manager stays, and nobody leaves open work behind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.accounts import closing, desks, team
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account, AccountSession, RateCount
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.app import create_app
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.organisations import service as organisations
from tests.factories import NOW, an_organisation
from tests.pages.people import client_as

SECRET = "long enough to test"


def a_member(session: Session, org_id: str, role: Role = Role.GIVER_ADMIN, login: str = "m") -> Actor:
    account = accounts.create_account(
        session, login, display_name=login, role=role, password=SECRET, org_id=org_id, now=NOW
    )
    return Actor(id=account.id, role=role, org_id=org_id)


assert organisations, "the room of organisations says which roles a team has"


def joined(session: Session, code: str, login: str = "new") -> Account:
    return team.join(session, code, login=login, display_name="新同事", password=SECRET, now=NOW)


def test_a_code_opens_one_account_in_the_team_and_never_another(session):
    org_id = an_organisation(session).id
    manager = a_member(session, org_id)
    invitation, code = team.invite(session, role=Role.CHARITY_WORKER, note="项目部", actor=manager, now=NOW)
    assert re.fullmatch(r"([A-Z2-9]{5}-){3}[A-Z2-9]{5}", code)
    assert code not in str(invitation.model_dump())
    made = joined(session, code.lower().replace("-", " "))
    assert (made.org_id, made.role) == (org_id, Role.CHARITY_WORKER)
    token = accounts.sign_in(session, "new", SECRET, network="n", now=NOW)
    assert accounts.actor_of(session, token, now=NOW).org_id == org_id
    with pytest.raises(BadInput, match="invitation_unknown"):
        joined(session, code, "other")


def test_an_old_a_withdrawn_and_an_invented_code_are_refused_alike(session):
    manager = a_member(session, an_organisation(session).id)
    _, old = team.invite(session, role=Role.CHARITY_WORKER, actor=manager, now=NOW - timedelta(days=7))
    gone, withdrawn = team.invite(session, role=Role.CHARITY_WORKER, actor=manager, now=NOW)
    team.withdraw_invitation(session, gone.id, actor=manager, now=NOW)
    for code in (old, withdrawn, "AAAAA-AAAAA-AAAAA-AAAAA"):
        with pytest.raises(BadInput, match="invitation_unknown"):
            joined(session, code)
    assert team.list_invitations(session, actor=manager, now=NOW) == []


def test_a_taken_name_and_a_short_password_use_up_no_code(session):
    manager = a_member(session, an_organisation(session).id)
    _, code = team.invite(session, role=Role.CHARITY_WORKER, actor=manager, now=NOW)
    with pytest.raises(Conflict, match="login_taken"):
        joined(session, code, "m")
    with pytest.raises(BadInput, match="password_short"):
        team.join(session, code, login="new", display_name="新同事", password="short", now=NOW)
    assert joined(session, code).login == "new"


def test_only_a_manager_invites_and_only_into_the_own_team_and_its_roles(session):
    org_id, other = an_organisation(session).id, an_organisation(session).id
    manager, worker = a_member(session, org_id), a_member(session, org_id, Role.CHARITY_WORKER, "w")
    stranger = a_member(session, other, login="s")
    with pytest.raises(NotAllowed):
        team.invite(session, role=Role.CHARITY_WORKER, actor=worker, now=NOW)
    for role in (Role.APPROVER, Role.INSURER, Role.SECURITY_ADMIN):
        with pytest.raises(BadInput, match="role_not_here"):
            team.invite(session, role=role, actor=manager, now=NOW)
        with pytest.raises(BadInput, match="role_not_here"):
            team.change_role(session, worker.id, role=role, actor=manager, now=NOW)
    with pytest.raises(NotFound):
        closing.close_account(session, worker.id, actor=stranger, now=NOW)
    with pytest.raises(NotFound):
        team.change_role(session, worker.id, role=Role.CHARITY_MANAGER, actor=stranger, now=NOW)


def test_the_last_manager_neither_leaves_nor_steps_down(session):
    role = Role.GIVER_ADMIN
    org_id = an_organisation(session).id
    manager = a_member(session, org_id, role)
    with pytest.raises(WrongState, match="last_manager"):
        closing.close_account(session, manager.id, actor=manager, now=NOW)
    with pytest.raises(WrongState, match="last_manager"):
        team.change_role(session, manager.id, role=Role.CHARITY_WORKER, actor=manager, now=NOW)
    second = a_member(session, org_id, role, "second")
    closing.close_account(session, manager.id, actor=second, now=NOW)
    with pytest.raises(WrongState, match="last_manager"):
        closing.close_account(session, second.id, actor=second, now=NOW)


def test_a_closed_account_is_out_at_once(session):
    org_id = an_organisation(session).id
    manager, worker = a_member(session, org_id), a_member(session, org_id, Role.CHARITY_WORKER, "w")
    token = accounts.sign_in(session, "w", SECRET, network="n", now=NOW)
    closing.close_account(session, worker.id, actor=manager, now=NOW)
    assert accounts.actor_of(session, token, now=NOW) is PUBLIC
    assert session.exec(select(AccountSession).where(AccountSession.account_id == worker.id)).all() == []
    with pytest.raises(NotAllowed):
        accounts.sign_in(session, "w", SECRET, network="n", now=NOW)


def test_an_account_with_open_work_closes_only_when_a_colleague_takes_it_over(session):
    org_id = an_organisation(session).id
    manager, worker = a_member(session, org_id), a_member(session, org_id, Role.CHARITY_WORKER, "w")
    colleague = a_member(session, org_id, Role.CHARITY_MANAGER, "c")
    stranger = a_member(session, an_organisation(session).id, login="s")
    holder = clocks.Holder(org_id=org_id, account_id=worker.id)
    clock_id = clocks.start(session, "deliver", "match-1", holder=holder, now=NOW).id
    account = session.get_one(Account, worker.id)
    assert [piece.kind for piece in desks.pieces_of(session, account, now=NOW)] == ["deliver"]
    for heir in ("", worker.id):
        with pytest.raises(WrongState, match="open_work"):
            closing.close_account(session, worker.id, heir_id=heir, actor=manager, now=NOW)
    with pytest.raises(NotFound):
        closing.close_account(session, worker.id, heir_id=stranger.id, actor=manager, now=NOW)
    closing.close_account(session, worker.id, heir_id=colleague.id, actor=manager, now=NOW)
    assert session.get_one(Clock, clock_id).account_id == colleague.id


def test_another_room_hangs_its_queue_in(session, monkeypatch):
    org_id = an_organisation(session).id
    manager, worker = a_member(session, org_id), a_member(session, org_id, Role.CHARITY_WORKER, "w")
    colleague = a_member(session, org_id, Role.CHARITY_MANAGER, "c")
    passed = []
    queue = desks.Queue(
        lambda _session, desk, _now: [desks.Piece("shift", "one")] * 2 * (desk.account.id == worker.id),
        lambda _session, desk, heir, _now: passed.append((desk.account.id, heir.id)),
    )
    monkeypatch.setitem(desks.QUEUES, "visits", queue)
    with pytest.raises(WrongState, match="open_work"):
        closing.close_account(session, worker.id, actor=manager, now=NOW)
    closing.close_account(session, worker.id, heir_id=colleague.id, actor=manager, now=NOW)
    assert passed == [(worker.id, colleague.id)]


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def org_id(sqlite_database: Database) -> str:
    with sqlite_database.transaction() as session:
        return an_organisation(session).id


def test_a_manager_invites_on_the_page_and_a_colleague_joins_and_leaves(app, org_id):
    manager = client_as(app, Role.GIVER_ADMIN, org_id=org_id)
    assert "没有待使用的邀请" in manager.get("/team/").text
    assert manager.post("/team/invite", data={}).status_code == 422
    page = manager.post("/team/invite", data={"role": "charity_worker", "note": "项目部"})
    code = re.search(r"(?:[A-Z2-9]{5}-){3}[A-Z2-9]{5}", page.text)
    assert code
    assert page.headers["Cache-Control"] == "no-store"
    assert "项目部" in manager.get("/team/").text
    public = app.test_client()
    wrong = {"code": "x", "display_name": "李", "login": "li", "password": SECRET}
    assert "邀请码无效" in public.post("/join", data=wrong).text
    assert public.post("/join", data=wrong | {"code": code[0]}).status_code == 303
    team_page = manager.get("/team/").text
    assert ("李" in team_page, "项目部" in team_page) == (True, False)
    close = re.search(r'href="(/team/\w+/close)"[^>]*>[^<]*<span class="visually-hidden"> 李<', team_page)
    assert close
    assert "未完事项" in manager.get(close[1]).text
    assert manager.post(close[1], data={"confirmed": "yes"}).status_code == 303
    assert "已关闭" in manager.get("/team/").text


@pytest.mark.parametrize("path", ["/join", "/organisations/apply"])
def test_somebody_who_guesses_is_stopped_and_the_lock_stays(app, path):
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    wrong = {"code": "x", "display_name": "李", "login": "li", "password": SECRET}
    answers = [client.post(path, data=wrong) for _ in range(12)]
    assert [one.status_code for one in answers] == [422] * 12
    assert ["次数太多" in one.text for one in answers] == [False] * 10 + [True] * 2, "the form says so"
    with app.extensions["database"].reading() as session:
        row = session.exec(select(RateCount)).one()
        assert (row.count, row.strikes, row.locked_until is not None) == (11, 1, True)


def test_a_worker_sees_the_organisation_but_neither_the_team_nor_related_people(app, org_id):
    worker = client_as(app, Role.CHARITY_WORKER, org_id=org_id)
    page = worker.get("/organisations/ours").text
    assert "本机构" in page
    assert "/team/" not in page
    assert worker.get("/team/").status_code == 403
    assert worker.get("/organisations/ours/related").status_code == 403
