"""Threats tried as they are described: just in case, guessing who is poor, browsing, a wrong clock, a copy kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlmodel import func, select

from marketplace.accounts import service as accounts
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow, Entry, record, refuse_a_clock_set_back
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.errors import NotFound, WrongState
from marketplace.households import service as households
from marketplace.jobs import Worker
from marketplace.needs.models import Need, NeedState
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import vault_of
from marketplace.sharing.models import DeletionOrder, Disclosure
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.marketplace.partner_scene import let_in
from tests.marketplace.test_partner_api import House
from tests.pages.people import household_client


@pytest.fixture
def house(sqlite_database: Database, settings: Settings) -> House:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        match = scene.taken_on(session, utc_now())
        machine = let_in(session, scene.organisation)
    return House(create_app(settings, database=sqlite_database), sqlite_database, scene, machine, match.id)


@pytest.mark.threat("T05")
def test_nothing_is_ticked_beforehand_and_no_is_as_near_as_yes(house: House) -> None:
    client = household_client(house.app, house.scene.household.id)
    page = client.get(f"/offers-to-me/{house.match_id}/accept").text
    assert 'name="agrees_to_share"' in page
    assert page.count('type="checkbox"') >= 3
    assert not re.search(r"<input[^>]*\bchecked\b", page)
    [actions] = re.findall(r'<div class="actions">(.*?)</div>', page, re.DOTALL)
    classes = [set(one.split()) for one in re.findall(r'class="(btn[^"]*)"', actions)]
    assert [{"btn"} <= one and not one & {"btn-sm", "btn-link"} for one in classes] == [True, True]


@pytest.mark.threat("T05")
def test_who_refuses_every_giver_keeps_the_need_and_the_way_to_the_state(house: House) -> None:
    home, now = house.scene.household_actor, utc_now()
    with house.database.transaction() as session:
        decisions.household_declines(session, house.match_id, reason_code="privacy", actor=home, now=now)
    client = household_client(house.app, house.scene.household.id)
    assert client.post("/my-consents/refuse-matching").status_code == 303
    assert client.get("/apply").status_code == 200
    with house.database.reading() as session:
        assert session.exec(select(func.count()).select_from(Disclosure)).one() == 0
        assert session.get_one(Need, house.scene.need.id).state is NeedState.VERIFIED


@pytest.mark.threat("T05")
def test_who_was_never_matched_may_say_no_and_it_is_kept(house: House) -> None:
    with house.database.transaction() as session:
        home = make.a_household(session, phone="10000000555").id
    answer = household_client(house.app, home).post("/my-consents/refuse-matching")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/my-consents")
    with house.database.reading() as session:
        kept = session.exec(select(ConsentHead).where(ConsentHead.household_id == home)).one()
        assert (kept.purpose, kept.state) == (Purpose.AUTO_MATCH, ConsentState.REFUSED)


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    """What the database is asked, values apart, while this is open."""
    asked: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", keep)
    yield asked
    event.remove(database.engine, "before_cursor_execute", keep)


@pytest.mark.threat("T06")
def test_a_foreign_match_and_none_cost_the_same_answer_and_the_same_work(house: House) -> None:
    with house.database.transaction() as session:
        other = let_in(session, make.an_organisation(session))
    api, seen = other.caller(house.app), set()
    assert api.get("/matches/first?purpose=GOODS").status_code == 404  # the day's count of reads begins
    for row in (house.match_id, "nowhere0000000000000000000"):
        for way in ("get", "post"):
            with _statements(house.database) as asked:
                path = f"/matches/{row}"
                answer = (
                    api.get(f"{path}?purpose=GOODS")
                    if way == "get"
                    else api.post(f"{path}/recipient", {"purpose": "GOODS"})
                )
            seen.add((way, answer.status_code, answer.data, tuple(asked)))
    assert len(seen) == 2, "one answer and one way through the house for each address"
    assert {status for _way, status, _body, _asked in seen} == {404}


@pytest.mark.threat("T06")
def test_a_report_with_a_number_does_not_tell_whether_its_holder_is_known(house: House) -> None:
    known, api = [], house.machine.caller(house.app)
    with house.database.transaction() as session:
        for seq in range(10):
            number = make_id_number("509900", date(1950, 1, 1) + timedelta(days=seq), seq=100 + seq)
            home = make.a_household(session, phone=f"100000880{seq:02d}")
            person = make.a_person(session, home, phone=f"100000881{seq:02d}")
            person.id_number_index = vault_of(session).index("id_number", number)
            session.add(person)
            known.append(number)
    strangers = [make_id_number("509900", date(1951, 1, 1) + timedelta(days=seq), seq=300 + seq) for seq in range(10)]
    told = set()
    for seq, number in enumerate(known + strangers):
        aid = {"reference": f"r{seq:03d}", "category": "LIVING.FOOD_PACK", "units": 1, "given_on": "2026-11-20"}
        answer = api.post("/aid", {"aid": [aid | {"id_number": number}]})
        told.add((answer.status_code, answer.data))
    assert told == {(200, b'{"faults":[],"taken":1}\n')}


@pytest.mark.threat("T23")
def test_a_look_needs_the_district_and_a_reason_and_the_household_reads_of_each_one(house: House) -> None:
    scene, now = house.scene, utc_now()
    near = Actor(id="v", role=Role.VERIFIER, districts=frozenset({scene.household.district_code}))
    far = replace(near, id="w", districts=frozenset({"500999"}))
    asked: dict[str, Any] = {"field": "phone", "now": now, "purpose": "staff"}
    with house.database.transaction() as session:
        with pytest.raises(NotFound):
            households.reveal(session, scene.person.id, actor=far, reason="CONTACT", **asked)
        for _ in range(3):
            households.reveal(session, scene.person.id, actor=near, reason="CONTACT", **asked)
    with house.database.reading() as session:
        looks = session.exec(select(AuditRow).where(AuditRow.action == "household:reveal")).all()
    assert [(row.actor_ref, row.purpose) for row in looks] == [("v", "staff")] * 3
    page = household_client(house.app, scene.household.id).get("/who-saw?lang=en").text
    assert page.count("Contact the person") == 3


def _real(database: Database, settings: Settings) -> Flask:
    """The house as it is installed: its clock counts."""
    real = replace(settings, demo=False)
    database.info["settings"], database.info["clock"] = real, utc_now
    app = create_app(real, database=database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.mark.threat("T36")
def test_a_clock_set_back_by_an_hour_writes_nothing_and_says_so(
    sqlite_database: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    now = utc_now()
    app = _real(sqlite_database, settings)
    with sqlite_database.transaction() as session:
        secret, role = "a horse eats green batteries", Role.APPROVER
        account = accounts.create_account(session, "zhou", display_name="z", role=role, password=secret, now=now)
        token = accounts.open_for_account(session, account, now=now)
    client = app.test_client()
    client.set_cookie("sid", token)
    assert client.post("/sessions/end").status_code == 303
    with sqlite_database.transaction() as session:
        token = accounts.open_for_account(session, session.get_one(type(account), account.id), now=now)
        record(session, Entry("account:prove"), actor=SYSTEM, now=now + timedelta(hours=1))
        rows = session.exec(select(func.count()).select_from(AuditRow)).one()
    client.set_cookie("sid", token)
    refused = client.post("/sessions/end")
    assert refused.status_code == 409
    assert "clock was set back" in caplog.text
    signing_in = app.test_client().post("/sign-in", data={"login": "zhou", "password": secret})
    assert signing_in.status_code == 409, "who signs in does not make the wrong hour the right one"
    with pytest.raises(WrongState, match="clock_set_back"), sqlite_database.transaction() as session:
        record(session, Entry("account:prove"), actor=SYSTEM, now=now)
    with sqlite_database.reading() as session:
        assert session.exec(select(func.count()).select_from(AuditRow)).one() == rows
        refuse_a_clock_set_back(session, now=now + timedelta(minutes=59, seconds=1))
        with pytest.raises(WrongState, match="clock_set_back"):
            refuse_a_clock_set_back(session, now=now + timedelta(minutes=58, seconds=59))


@pytest.mark.threat("T36")
def test_the_worker_rests_while_the_clock_is_set_back(sqlite_database: Database, settings: Settings) -> None:
    _real(sqlite_database, settings)
    now, swept = utc_now(), []
    with sqlite_database.transaction() as session:
        record(session, Entry("account:prove"), actor=SYSTEM, now=now + timedelta(hours=1))

    def sweeps_of(clock: Any) -> int:
        swept.clear()
        worker = Worker(sqlite_database, {}, sweeps=[lambda: (swept.append(1), worker._stopping.set())], clock=clock)
        worker._pause_s = 0.01
        worker.start()
        worker.join(timeout=0.3)
        worker.stop()
        return len(swept)

    assert sweeps_of(lambda: now) == 0
    assert sweeps_of(lambda: now + timedelta(hours=1)) == 1


@pytest.mark.threat("T41")
def test_a_machine_of_a_recipient_that_ignores_an_order_opens_nothing_new_until_it_attests(house: House) -> None:
    past = utc_now() - timedelta(days=10)
    with house.database.transaction() as session:
        match = session.get_one(decisions.Match, house.match_id)
        house.scene.accepts(session, match, utc_now())
        order = DeletionOrder(
            id="late", org_id=match.org_id, consent_chain_id="gone", ordered_at=past, due_at=past + timedelta(days=5)
        )
        session.add(order)
    api = house.machine.caller(house.app)
    refused = api.post(f"/matches/{house.match_id}/recipient", {"purpose": "GOODS"})
    assert (refused.status_code, refused.json["error"]) == (403, "recipient_overdue")
    with house.database.reading() as session:
        assert session.exec(select(func.count()).select_from(Disclosure)).one() == 0
    assert api.post("/deletion-orders/late/attest", {}).status_code == 200
    assert api.post(f"/matches/{house.match_id}/recipient", {"purpose": "GOODS"}).status_code == 200


STEPS = ("giver_accepts", "household_accepts", "deliver", "confirm")


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_no_step_of_a_match_is_taken_before_its_turn_or_twice(sqlite_database: Database, done: int) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.approved(session, now)
        acts: dict[str, Any] = {
            "giver_accepts": lambda: decisions.giver_accepts(session, match.id, actor=scene.giver, now=now),
            "household_accepts": lambda: scene.accepts(session, match, now),
            "deliver": lambda: decisions.deliver(session, match.id, actor=scene.giver, now=now),
            "confirm": lambda: decisions.confirm(session, match.id, actor=scene.household_actor, now=now),
        }
        for name in STEPS[:done]:
            acts[name]()
        stood = match.state
        for name in STEPS[:done] + STEPS[done + 1 :]:
            with pytest.raises(WrongState):
                acts[name]()
            assert match.state is stood, name


def test_the_page_that_sends_a_code_says_what_it_risks_and_what_else_there_is(house: House) -> None:
    client = house.app.test_client()
    page = client.get("/enter?lang=en").text
    assert "Whoever holds your phone or your number can read this code" in page
    assert "your street office serves you with your ID card" in page
    assert "街道" in client.get("/enter?lang=zh_Hans").text
