"""The pages of partners' machines, from asking to the last key out of use, and what `sharing.clients` refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.operations import after_restore
from marketplace.organisations.models import OrganisationKind
from marketplace.sharing import clients
from marketplace.sharing.models_api import ApiClient, ApiKey, ClientState, KeyState
from tests import factories as make
from tests.marketplace.partner_scene import FIRST, SECOND, Machine, let_in
from tests.pages.people import client_as


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    return create_app(settings, database=sqlite_database)


def _states(database: Database) -> tuple[list[ClientState], list[KeyState]]:
    with database.reading() as session:
        rows, keys = session.exec(select(ApiClient)).all(), session.exec(select(ApiKey)).all()
        return [row.state for row in rows], sorted(key.state for key in keys)


def test_a_machine_is_asked_for_let_in_by_two_gets_another_key_and_is_shut_out(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        org_id = make.an_organisation(session).id
    manager = client_as(app, Role.GIVER_ADMIN, org_id=org_id)
    first, second = client_as(app, Role.APPROVER), client_as(app, Role.SECURITY_ADMIN)
    machine, other = Machine(org_id), Machine(org_id)
    asked = {"title": "Stock", "scopes": ["needs:read"], "jwk": machine.public()}
    assert 'name="jwk"' in manager.get("/our-machines/new").text
    assert "jwk-error" in manager.post("/our-machines/new", data=asked | {"jwk": "no key"}).text
    elsewhere = asked | {"webhook_url": "https://other.example/x"}
    assert manager.post("/our-machines/new", data=elsewhere).status_code == 422, (
        "no page mends what the operator allows"
    )
    assert _states(sqlite_database) == ([], [])
    assert manager.post("/our-machines/new", data=asked).status_code == 303
    with sqlite_database.reading() as session:
        client_id = session.exec(select(ApiClient.id)).one()
    assert "Stock" in first.get("/machines/").text
    for staff in (first, second):
        assert staff.post(f"/machines/{client_id}/approve").status_code == 303
    assert _states(sqlite_database) == ([ClientState.ACTIVE], [KeyState.ACTIVE])
    assert "Stock" in manager.get(f"/our-machines/{client_id}/key").text
    assert "jwk-error" in manager.post(f"/our-machines/{client_id}/key", data={"jwk": machine.public()}).text
    assert manager.post(f"/our-machines/{client_id}/key", data={"jwk": other.public()}).status_code == 303
    for staff in (first, second):
        assert staff.post(f"/machine-keys/{other.key.thumbprint()}/approve").status_code == 303
    assert other.key.thumbprint()[:8] in manager.get("/our-machines/").text
    retired = [
        staff.post(f"/machine-keys/{one.key.thumbprint()}/retire").headers["Location"]
        for staff, one in ((manager, machine), (second, other))
    ]
    assert retired == ["/our-machines/", "/machines/"]
    assert second.post(f"/machines/{client_id}/suspend").status_code == 303
    assert _states(sqlite_database) == ([ClientState.SUSPENDED], [KeyState.RETIRED] * 2)
    assert manager.post("/our-machines/new", data=asked | {"jwk": Machine(org_id).public()}).status_code == 303
    with sqlite_database.reading() as session:
        waiting = session.exec(select(ApiClient.id).where(ApiClient.state == ClientState.ASKED)).one()
    assert first.post(f"/machines/{waiting}/refuse").status_code == 303
    assert ClientState.REFUSED in _states(sqlite_database)[0]
    assert "/api/v1/matches" in app.test_client().get("/partner-api").text


def test_an_error_that_no_field_can_mend_is_a_page_of_its_own(
    app: Flask, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_database.transaction() as session:
        machine = let_in(session, make.an_organisation(session))

    def broken(*_given: object, **_named: object) -> None:
        raise BadInput("something_else", field="elsewhere")

    monkeypatch.setattr(clients, "add_key", broken)
    manager = client_as(app, Role.GIVER_ADMIN, org_id=machine.org_id)
    answer = manager.post(f"/our-machines/{machine.client_id}/key", data={"jwk": "x"})
    assert (answer.status_code, "jwk-error" in answer.text) == (422, False)


@pytest.fixture
def writing(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session(writes=True) as session:
        yield session
        session.rollback()


@pytest.mark.threat("T22")
def test_after_a_restore_each_key_waits_for_two_people_again(writing: Session) -> None:
    now = utc_now()
    machine = let_in(writing, make.an_organisation(writing))
    kid = machine.key.thumbprint()
    assert after_restore(writing, now=now)["keys"] == 1
    for person in (FIRST, SECOND):
        assert clients.find_key(writing, kid, client_id=machine.client_id, now=now) is None
        clients.approve_key(writing, kid, actor=person, now=now)
    assert clients.find_key(writing, kid, client_id=machine.client_id, now=now) is not None
    later = Machine(machine.org_id)
    admin = Actor(id="m", role=Role.GIVER_ADMIN, org_id=machine.org_id)
    clients.add_key(writing, machine.client_id, jwk=later.public(), actor=admin, now=now + timedelta(seconds=1))
    for person in (FIRST, SECOND):
        clients.approve_key(writing, later.key.thumbprint(), actor=person, now=now)
    after_restore(writing, now=now)
    assert [key.state.value for key in clients.keys_of(writing, machine.client_id)] == ["retired", "asked"]


def test_what_is_decided_is_decided_once(writing: Session) -> None:
    now = utc_now()
    machine = let_in(writing, make.an_organisation(writing))
    manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=machine.org_id)
    own: dict[str, object] = {"actor": SECOND, "now": now}
    kid, later = machine.key.thumbprint(), Machine(machine.org_id)
    for act, name in ((clients.approve_client, machine.client_id), (clients.approve_key, kid)):
        with pytest.raises(WrongState, match="client_decided"):
            act(writing, name, **own)
    with pytest.raises(WrongState, match="client_decided"):
        clients.refuse_client(writing, machine.client_id, **own)
    with pytest.raises(BadInput, match="key_known"):
        clients.add_key(writing, machine.client_id, jwk=machine.public(), actor=manager, now=now)
    clients.add_key(writing, machine.client_id, jwk=later.public(), actor=manager, now=now)
    with pytest.raises(BadInput, match="key_unknown"):
        clients.working_key(writing, machine.client_id, kid=later.key.thumbprint(), now=now)
    assert clients.working_key(writing, machine.client_id, now=now).kid == kid
    clients.approve_key(writing, later.key.thumbprint(), actor=FIRST, now=now)
    with pytest.raises(WrongState, match="same_person_twice"):
        clients.approve_key(writing, later.key.thumbprint(), actor=FIRST, now=now)
    clients.suspend_client(writing, machine.client_id, **own)
    with pytest.raises(WrongState, match="client_decided"):
        clients.approve_key(writing, later.key.thumbprint(), **own)
    clients.retire_key(writing, kid, **own)
    with pytest.raises(WrongState, match="client_decided"):
        clients.retire_key(writing, kid, **own)


def test_a_key_asked_for_later_waits_for_its_own_two_and_an_ending_one_keeps_its_day(writing: Session) -> None:
    """Letting the client in lets in the key it came with, not one that somebody else put beside it meanwhile."""
    now = utc_now()
    machine, beside, last = (Machine(make.an_organisation(writing).id) for _ in range(3))
    manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=machine.org_id)
    colleague = Actor(id="n", role=Role.GIVER_ADMIN, org_id=machine.org_id)
    asked = {"title": "x", "scopes": ["needs:read"], "jwk": machine.public(), "actor": manager, "now": now}
    client = clients.ask_client(writing, machine.org_id, **asked)
    clients.add_key(writing, client.id, jwk=beside.public(), actor=colleague, now=now)
    clients.approve_client(writing, client.id, actor=FIRST, now=now)
    between = Machine(machine.org_id)
    clients.add_key(writing, client.id, jwk=between.public(), actor=manager, now=now)
    clients.approve_client(writing, client.id, actor=SECOND, now=now)
    unseen = writing.get_one(ApiKey, between.key.thumbprint())
    assert (unseen.state, unseen.first_by) == (KeyState.ASKED, None), "the first never saw it"
    clients.retire_key(writing, unseen.kid, actor=FIRST, now=now)
    assert [key.state for key in clients.keys_of(writing, client.id)].count(KeyState.ACTIVE) == 1
    for person in (FIRST, SECOND):
        clients.approve_key(writing, beside.key.thumbprint(), actor=person, now=now)
    ends = writing.get_one(ApiKey, machine.key.thumbprint()).ends_at
    clients.add_key(writing, client.id, jwk=last.public(), actor=colleague, now=now)
    for person in (FIRST, SECOND):
        clients.approve_key(writing, last.key.thumbprint(), actor=person, now=now + clients.OVERLAP / 2)
    assert writing.get_one(ApiKey, machine.key.thumbprint()).ends_at == ends == now + clients.OVERLAP


def test_what_is_not_there_is_not_found(writing: Session) -> None:
    own: dict[str, object] = {"actor": SECOND, "now": utc_now()}
    for act in (clients.approve_key, clients.retire_key, clients.approve_client, clients.suspend_client):
        with pytest.raises(NotFound):
            act(writing, "nobody", **own)
    org = make.an_organisation(writing)
    manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=org.id)
    with pytest.raises(BadInput, match="scope_missing"):
        clients.ask_client(writing, org.id, title="x", scopes=[], jwk="", actor=manager, now=utc_now())


def test_an_insurer_s_machine_acts_as_an_insurer(writing: Session) -> None:
    machine = let_in(writing, make.an_organisation(writing, kind=OrganisationKind.INSURER))
    client = writing.get_one(ApiClient, machine.client_id)
    assert clients.actor_of(writing, client).role is Role.INSURER
