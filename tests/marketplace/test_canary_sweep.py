"""Fifty marked people go through the house and its error paths; afterwards their marks are searched for everywhere.

Searched: the log, answers to strangers and to faults, addresses, the database with its write-ahead log, the backup, the
exported audit log, and every text message. A recipient under a living consent is the only one who sees a mark: the
giver on its page, the insurer in its list, the foundation in its file for the bank; and for half an hour whom two
people let look in an emergency.
"""

from __future__ import annotations

import gzip
import io
import logging
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from adapters.fakes import FakeMessenger
from marketplace import backup, keeping, notices
from marketplace.actors import GIVERS, Actor, Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.guards import guard
from marketplace.households.models import Person
from marketplace.operations import SIGN_IN_ROLES
from marketplace.payments import payees
from marketplace.policy import may
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import vault_of
from marketplace.sharing import emergency
from marketplace.web.desk import XLSX
from tests import factories as make
from tests.marketplace import claim_scene, figures, payment_scene
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as, household_client
from tests.searching import found_in

PEOPLE = 50
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
APPROVER = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500103"}))


@dataclass
class Marked:
    """One marked person: what may be found nowhere, and its match."""

    scene: Scene
    match_id: str
    chain_id: str
    values: tuple[str, ...]


def _mark(session: Session, person: Person, number: int, dice: random.Random) -> tuple[str, ...]:
    """Seal values that exist nowhere else in place of the usual ones."""
    vault = vault_of(session)
    values = {
        "name": "".join(chr(dice.randint(0x4E00, 0x9FA5)) for _ in range(4)),
        "address": f"金丝雀巷{dice.randint(10**5, 10**6)}号",
        "id_number": make_id_number("509900", date(1950 + number, 3, 4), seq=number),
        "payee_account": str(dice.randint(10**18, 10**19 - 1)),
        "health": f"金丝雀病史{dice.randint(10**6, 10**7)}",
    }
    for column, text in values.items():
        setattr(person, column, vault.seal(session, person.id, column=f"person.{column}", text=text))
    session.add(person)
    phone = f"19{number:03d}{dice.randint(10**5, 10**6 - 1)}"
    person.phone = vault.seal(session, person.id, column="person.phone", text=phone)
    person.phone_index = vault.index("phone", phone)
    return (*values.values(), phone)


@pytest.fixture
def marked(sqlite_database: Database) -> list[Marked]:
    dice, found, now = random.Random(50), [], utc_now() - timedelta(days=1)
    with sqlite_database.transaction() as session:
        first: Scene | None = None
        for number in range(PEOPLE):
            known = {} if first is None else {"organisation": first.organisation, "offer": first.offer}
            scene = a_scene(session, phone=f"1{number:010d}", now=now, **known)
            if first is None:
                scene.offer.stock_units = 10 * PEOPLE
                session.add(scene.offer)
            first = first or scene
            values = _mark(session, scene.person, number, dice)
            match = scene.in_delivery(session, now)
            found.append(Marked(scene, match.id, match.consent_chain_id or "", values))
    return found


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, marked: list[Marked]) -> Flask:
    """With one view more, which breaks with a mark in its hand."""
    made = create_app(settings, database=sqlite_database)

    @guard("start:view")
    def broken() -> str:
        try:
            raise ValueError(marked[1].values[0])
        except ValueError as error:
            raise RuntimeError(f"cannot write {marked[0].values[0]} {marked[0].values[-1]}") from error

    made.add_url_rule("/broken", "broken", broken)
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


def _live(database: Database, marked: list[Marked]) -> int:
    """Looks, deliveries, withdrawals, wrong askers: what a month does to people; returns how many looks showed one."""
    shown = 0
    for number, one in enumerate(marked):
        with database.transaction() as session:
            seen = decisions.see_recipient(session, one.match_id, actor=one.scene.giver, now=utc_now())
            shown += seen["name"] == one.values[0]
        with database.transaction() as session:
            match = session.get_one(Match, one.match_id)
            if number % 3 == 0:
                chain = match.consent_chain_id or ""
                decisions.withdraw_consent(session, chain, actor=one.scene.household_actor, now=utc_now())
            else:
                decisions.deliver(session, match.id, actor=one.scene.giver, now=utc_now())
    return shown


def _insured(app: Flask, dice: random.Random) -> tuple[str, ...]:
    """An insurer takes its list along and answers; returns the marks of whom it insures."""
    with app.extensions["database"].transaction() as session:
        home = claim_scene.a_home(session, phone="10000000091")
        values = _mark(session, home[1], 91, dice)
        cover = claim_scene.a_case(session, utc_now(), category=claim_scene.PREMIUM, home=home)
        case_id, insurer = cover.case.id, cover.insurer.id
    clerk = client_as(app, Role.INSURER, org_id=insurer)
    listed = _text_of(clerk.post("/insurance/enrol/list.xlsx"))
    assert values[0] in listed
    assert values[2] in listed, "the insurer enrols by the number"
    policy = f"POL{dice.randint(10**11, 10**12)}"
    typed = {"scheme": "YKB", "policy_number": policy}
    assert clerk.post(f"/insurance/cases/{case_id}/enrolled", data=typed).status_code == 303
    return (*values, policy)


def _paid(database: Database, dice: random.Random) -> tuple[str, ...]:
    """A foundation pays: the account is typed, released by a second person, taken to the bank and answered."""
    with database.transaction() as session:
        month = payment_scene.a_month(session, utc_now())
        grant = month.grant(number=92, account=False)
        values = _mark(session, grant.person, 92, dice)
        month.type_account(grant, holder=values[0])
        payees.permit(session, grant.household.id, [grant.match.id], actor=grant.actor, now=month.now)
        batch = month.release(month.prepare())
        file = month.file(batch).data.decode("utf-8-sig")
        assert values[0] in file
        assert payment_scene.card(92) in file
        today = local_day(utc_now()).isoformat()
        assert month.answer([(line.reference, "paid", "") for line in month.lines(batch)], day=today)["paid"] == 1
    return (*values, payment_scene.card(92))


def _in_danger(database: Database, one: Marked) -> None:
    """Two people open what one marked person's record says, and the organisation looks."""
    now, org = utc_now(), one.scene.organisation.id
    asked = {"org_id": org, "data_fields": ["name", "phone"], "reason_code": "life_in_danger"}
    with database.transaction() as session:
        row = emergency.ask(session, one.scene.person.id, **asked, actor=WORKER, now=now)
        emergency.open_up(session, row.id, actor=APPROVER, now=now)
        seen = emergency.look(session, row.id, actor=one.scene.giver, now=now)
    assert seen["name"] == one.values[0]
    assert seen["phone"] == one.values[-1]


def _text_of(answer: TestResponse) -> str:
    """What a page says, or a table holds."""
    if answer.mimetype != XLSX:
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "\n".join(parts.read(name).decode(errors="replace") for name in parts.namelist())


def _people(app: Flask, marked: list[Marked]) -> dict[Role, FlaskClient]:
    """Somebody of every role that signs in: of the recipient where the role is a giver's, and of another household."""
    org = marked[0].scene.organisation.id
    with app.extensions["database"].transaction() as session:
        outsider = make.a_household(session, phone="10000000000").id
    found = {role: client_as(app, role, org_id=org if role in GIVERS else None) for role in SIGN_IN_ROLES}
    return {**found, Role.HOUSEHOLD: household_client(app, outsider), Role.PUBLIC: app.test_client()}


def _paths(app: Flask, one: Marked, method: str) -> Iterator[tuple[str, list[Role]]]:
    """Every address, with this person's ids wherever one is wanted, and the roles that may ask it."""
    ids = {"match_id": one.match_id, "household_id": one.scene.household.id, "person_id": one.scene.person.id}
    ids |= {"need_id": one.scene.need.id, "chain_id": one.chain_id, "line_id": one.scene.line.id}
    ids |= {"offer_id": one.scene.offer.id, "org_id": one.scene.organisation.id}
    for rule in app.url_map.iter_rules():
        if method not in (rule.methods or ()) or "static" in rule.endpoint:
            continue
        path, action = rule.rule, getattr(app.view_functions[rule.endpoint], "guarded_action", "")
        for name in rule.arguments:
            path = path.replace(f"<{name}>", ids.get(name, one.match_id)).replace(f"<int:{name}>", "7")
        if "<" not in path:
            yield path, [role for role in Role if action and may(Actor(id="x", role=role), action).allow]


def _ask_everything(app: Flask, marked: list[Marked]) -> list[str]:
    """What a stranger and somebody who may, in turn of every role, get for each address, and what marks typed into the
    open forms bring; all of it as text."""
    people, told, seen = _people(app, marked), [], Counter[Role]()
    for path, roles in _paths(app, marked[1], "GET"):
        able = sorted(people.keys() & set(roles) - {Role.PUBLIC}, key=lambda role: (seen[role], role))
        for role in (*able[:1], Role.PUBLIC):
            answer = people[role].get(path)
            seen[role] += answer.status_code == 200
            told.append(_text_of(answer))
    assert all(seen[role] > 3 for role in people), seen
    told += _press_everything(app, people, marked[2])
    stranger = people[Role.PUBLIC]
    for one in marked:
        stranger.post("/sign-in", data={"login": one.values[0], "password": one.values[2]})
        stranger.post("/enter", data={"phone": one.values[-1]})
        stranger.post("/verify", data={"text": one.values[3]})
        stranger.post("/api/v1/token", data={"client_assertion": one.values[2], "scope": one.values[0]})
        told.append(stranger.post(f"/matches/{one.match_id}/deliver", data={"note": one.values[1]}).text)
        told.append(stranger.post("/api/v1/offers", json={"title": one.values[0]}).text)
    return told


def _press_everything(app: Flask, people: dict[Role, FlaskClient], one: Marked) -> list[str]:
    """Every door that changes something, pressed with this person's ids and nothing filled in, by a stranger and by
    somebody who may, in turn of every role. Where a worker is to call, a press shows the telephone alone."""
    told, shown, pressed = list[str](), list[str](), Counter[Role]()
    shows = [f"/{list_}/{one.match_id}/phone" for list_ in ("calls", "follow-ups")]
    for path, roles in _paths(app, one, "POST"):
        able = sorted(people.keys() & set(roles) - {Role.PUBLIC}, key=lambda role: (pressed[role], role))
        for role in (*able[:1], Role.PUBLIC):
            pressed[role] += 1
            answer = people[role].post(path)
            text = _text_of(answer)
            if text.count(one.values[-1]) and path in shows:
                shown.append(path)
            else:
                told.append(text)
    assert min(pressed[role] for role in people) > 5, pressed
    assert shown == shows
    return told


@pytest.mark.threat("T37")
@pytest.mark.threat("T38")
@pytest.mark.threat("T22")
def test_no_mark_of_fifty_people_is_found_outside_the_sealed_columns(
    app: Flask, sqlite_database: Database, settings: Settings, marked: list[Marked], tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    assert _live(sqlite_database, marked) == PEOPLE
    dice = random.Random(51)
    more = (*_insured(app, dice), *_paid(sqlite_database, dice))
    _in_danger(sqlite_database, marked[0])
    pages = "\n".join(_ask_everything(app, marked))
    broken = app.test_client().get("/broken")
    assert broken.status_code == 500
    messenger = FakeMessenger()
    while notices.send_due(sqlite_database, messenger, compose=partial(compose, settings), clock=utc_now):
        pass
    backup.write_backup(sqlite_database, tmp_path / "house.backup")
    with sqlite_database.reading() as session:
        keeping.export_log(session, tmp_path / "log.jsonl")
        assert len(session.exec(select(Person)).all()) == PEOPLE + 3
    texts = "\n".join(f"{sent.subject} {sent.body}" for sent in messenger.sent)
    files = {path.name: _bytes(path) for path in tmp_path.iterdir() if path.is_file()}
    assert {"house.db", "house.backup", "log.jsonl"} <= set(files)
    assert len(messenger.sent) > PEOPLE
    assert len(caplog.records) > 50
    assert "in broken" in caplog.text, "where it broke is told"
    values = [value for one in marked for value in one.values] + list(more)
    hits = [
        (place, value)
        for value in values
        for place, text in (("log", caplog.text), ("pages", pages), ("fault", broken.text), ("messages", texts))
        if value in text
    ]
    assert found_in(values[0].encode(), values) == [values[0]], "what is there is found"
    hits += [(name, value) for name, raw in files.items() for value in found_in(raw, values)]
    assert hits == []
    figures.keep(PEOPLE, values=len(values), places=len(files) + 4)


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
