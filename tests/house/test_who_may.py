"""Every route × every role × an own, a foreign and a missing row, made from the address table and the role matrix.

One seeded house serves all cases. A stranger of each role (a new organisation, a district and a household without rows)
asks for rows that exist: where the matrix narrows the role, the answer must equal the one for a row that does not
exist, byte for byte. Who is not in the matrix gets the same refusal for both.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import MetaData, Table, select
from sqlmodel import col
from werkzeug.routing import Rule

from marketplace import policy
from marketplace.accounts import service as accounts
from marketplace.actors import GIVERS, STAFF, Role
from marketplace.app import UNGUARDED
from marketplace.calendar import local_day, utc_now
from marketplace.db import Database, new_id
from marketplace.households.models import CategoryAsk, Guardian, Household, Person
from marketplace.migrations.tables import metadata
from tests import factories as make
from tests.pages.fixtures import demo_app

__all__ = ["demo_app"]
MISSING = "nowhere0000000000000000000"
ROLES = tuple(role for role in Role if role is not Role.SERVICE)
PEOPLE = (Role.HOUSEHOLD,)
EMPTY_DISTRICT = "500999"
SPECIAL = {
    "row_id": ("stand_in", "on_call"),
    "urgent_id": ("urgent_approval",),
    "clock_id": ("clock",),
    "line_id": ("proposed_line", "payment_line"),
    "report_id": ("report", "project_report"),
    "org_id": ("organisation",),
    "reading_id": ("read_back",),
    "row": ("meeting_row",),
    "link_id": ("guardian",),
}
PLAIN = {"month": "2026-11", "from_on": "2026-10-01", "index": "0", "login": "nobody", "to": "on"}
EACH = 2
CHANGING = re.compile(
    rb'(value="[^"]{20,}"|<p class="seen-by">[^<]*</p>|num">[0-9a-f]{8}<|"reference": ?"[0-9a-f]{8}")'
)
SEEN: Counter[str] = Counter()
"""How many cases of each kind were asked; the last test looks at it."""


@dataclass(frozen=True)
class House:
    """The seeded house, one signed-in client for each stranger, and some ids for each name in an address."""

    app: Flask
    strangers: dict[Role, FlaskClient]
    ids: dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def house(demo_app: Flask) -> Iterator[House]:
    demo_app.config["WTF_CSRF_ENABLED"] = False
    database: Database = demo_app.extensions["database"]
    _a_guardian(database)
    _a_category_by_hand(database)
    names = {name for rule, _method, _action in _rules(demo_app) for name in rule.arguments}
    ids = {name: _ids(database, name) for name in names}  # before the strangers come: theirs are not foreign to them
    yield House(demo_app, {role: _stranger(demo_app, database, role) for role in ROLES}, ids)
    demo_app.config["WTF_CSRF_ENABLED"] = True


def _a_guardian(database: Database) -> None:
    """A guardian's link, which the demonstration has none of."""
    with database.transaction() as session:
        child, guardian = session.execute(select(col(Person.id)).order_by(col(Person.id)).limit(2)).scalars()
        link = {"child_id": child, "guardian_id": guardian, "evidence": "paper", "verified_by": "somebody"}
        session.add(Guardian(id=new_id(), verified_at=utc_now(), **link))


def _a_category_by_hand(database: Database) -> None:
    """A category that waits for a second person, which the demonstration has none of."""
    with database.transaction() as session:
        home = session.execute(select(col(Household.id)).order_by(col(Household.id)).limit(1)).scalar_one()
        told = {"category": "IN_REGISTER", "from_on": local_day(utc_now()), "ground": "FOUND", "asked_by": "somebody"}
        session.add(CategoryAsk(id=new_id(), household_id=home, asked_at=utc_now(), **told))


def _stranger(app: Flask, database: Database, role: Role) -> FlaskClient:
    client, now = app.test_client(), utc_now()
    if role is Role.PUBLIC:
        return client
    with database.transaction() as session:
        if role in PEOPLE:
            household = make.a_household(session, phone="10000077777")
            person = make.a_person(session, household, phone="10000077777")
            token = accounts.open_for_person(session, person.id, household.id, now=now)
        else:
            org_id = make.an_organisation(session, name=f"外来 {role.value}").id if role in GIVERS else None
            districts = [EMPTY_DISTRICT] if role in STAFF else []
            facts = {"display_name": "外人", "org_id": org_id, "districts": districts}
            account = accounts.create_account(session, f"stranger-{role.value}", role=role, now=now, **facts)
            token = accounts.open_for_account(session, account, now=now)
    client.set_cookie("sid", token)
    return client


def _ids(database: Database, name: str) -> tuple[str, ...]:
    """Some ids of the tables that a name in an address can mean."""
    if not name.endswith("_id"):
        return ()
    word = name.removesuffix("_id")
    tables = SPECIAL.get(name) or tuple(t for t in _tables() if t == word or t.endswith(f"_{word}"))
    found: list[str] = []
    with database.reading() as session:
        for table in (_tables()[t] for t in tables):
            if "id" in table.c:
                found += [str(value) for value in session.execute(select(table.c.id).limit(EACH)).scalars()]
        for table in _tables().values():
            if not found and name in table.c:
                held = select(table.c[name]).where(table.c[name].is_not(None), table.c[name] != "").limit(EACH)
                found += [str(value) for value in session.execute(held).scalars()]
    return tuple(found)


@cache
def _tables() -> dict[str, Table]:
    known: MetaData = metadata
    return dict(known.tables)


def _address(rule: Rule, chosen: str, name: str) -> str:
    """The rule's address with `chosen` for `name`; other parts get a fitting word, other ids a missing one."""

    def part(match: re.Match[str]) -> str:
        converter, words, argument = match[1] or "", match[2] or "", match[3]
        if argument == name:
            return chosen
        if words:
            return words.split(",")[-1].strip()
        return "1" if converter == "int" else PLAIN.get(argument, MISSING)

    return re.sub(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>", part, rule.rule)


def _names(rule: Rule) -> list[str]:
    """The parts of an address that name a row."""
    return sorted(name for name in rule.arguments if name.endswith("_id"))


def _rules(app: Flask) -> list[tuple[Rule, str, str]]:
    """Rule, method and action of every guarded route of ours."""
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        action = getattr(app.view_functions[rule.endpoint], "guarded_action", None)
        if rule.endpoint in UNGUARDED or action is None or rule.rule.startswith("/api/"):
            continue
        found += [(rule, method, action) for method in ("GET", "POST") if method in (rule.methods or ())]
    return found


def _ask(
    client: FlaskClient, method: str, path: str, chosen: str, *, accept: str = "text/html"
) -> tuple[int, str, bytes]:
    """Status, where it leads and the page, with what differs by nature taken out: the id, tokens, references."""
    answer = client.open(path, method=method, headers={"Accept": accept})
    body, place = CHANGING.sub(b"", answer.data), answer.headers.get("Location", "")
    for name in (chosen, MISSING) if len(chosen) > 4 else (MISSING,):  # a number of a digit or two is in every page
        body, place = body.replace(name.encode(), b"ID"), place.replace(name, "ID")
    answer.close()
    return answer.status_code, place, body


def _refused(rules: list[tuple[Rule, str, str]]) -> Iterator[tuple[Rule, str, list[Role]]]:
    """Each route with the roles that ask for it and that the matrix does not let in.

    One guard stands before both methods of a view: every second role asks by the one, the others by the other; with
    TORTURE=1 every role by both.
    """
    methods = Counter((rule.endpoint, rule.rule) for rule, _method, _action in rules)
    for rule, method, action in rules:
        roles = policy.matrix()[action]
        out = [role for role in ROLES if not {"*", role.value} & roles.keys()]
        if methods[rule.endpoint, rule.rule] == 2 and "TORTURE" not in os.environ:
            out = out[method == "POST" :: 2]
        yield rule, method, out


@pytest.mark.threat("T01")
@pytest.mark.threat("T18")
@pytest.mark.parametrize("role", ROLES)
def test_who_is_not_in_the_matrix_is_refused_alike_for_rows_that_exist_and_that_do_not(
    house: House, role: Role
) -> None:
    """What exists is asked for by every role, a missing row by one role in turn (each day another one), or with
    TORTURE=1 by every."""
    client, wrong, today = house.strangers[role], [], local_day(utc_now()).toordinal()
    refusal, accept = (303, "text/html") if role is Role.PUBLIC else (403, "application/json")  # no page is drawn
    for turn, (rule, method, out) in enumerate(_refused(_rules(house.app))):
        if role not in out:
            continue
        answers = set()
        for name in _names(rule)[:1] or [""]:
            ids = house.ids.get(name, ())[:1]
            in_turn = "TORTURE" in os.environ or out[(turn + today) % len(out)] is role
            for chosen in (*ids, MISSING) if in_turn else ids or (MISSING,):
                SEEN["refused"] += 1
                answers.add(_ask(client, method, _address(rule, chosen, name), chosen, accept=accept)[:2])
        if {status for status, _ in answers} != {refusal} or len(answers) > 1:
            wrong.append((method, rule.rule, sorted(answers)))
    assert not wrong, wrong


@pytest.mark.threat("T01")
@pytest.mark.parametrize("role", [role for role in ROLES if role is not Role.PUBLIC])
def test_a_foreign_row_answers_like_a_missing_one(house: House, role: Role) -> None:
    """One role in turn asks for the page; the others for what a machine gets, where the refusal's own code is compared
    and no page is drawn around it; with TORTURE=1 every role for the page."""
    client, wrong = house.strangers[role], []
    for turn, (rule, method, action) in enumerate(_rules(house.app)):
        narrow = [one for one in ROLES if policy.matrix()[action].get(one.value)]
        if role not in narrow:
            continue
        page = "TORTURE" in os.environ or narrow[turn % len(narrow)] is role
        accept = "text/html" if page else "application/json"
        for name in _names(rule):
            nowhere = _ask(client, method, _address(rule, MISSING, name), MISSING, accept=accept)
            SEEN["missing"] += 1
            for chosen in house.ids.get(name, ()):
                SEEN["foreign"] += 1
                found = _ask(client, method, _address(rule, chosen, name), chosen, accept=accept)
                if found != nowhere or not 300 <= found[0] < 500:
                    wrong.append((method, rule.rule, name, found[0], nowhere[0]))
    assert not wrong, wrong


@pytest.mark.threat("T01")
@pytest.mark.parametrize("role", ROLES)
def test_a_page_that_the_matrix_opens_never_ends_in_a_fault(house: House, role: Role) -> None:
    client = house.strangers[role]
    for rule, method, action in _rules(house.app):
        roles = policy.matrix()[action]
        narrow = bool(roles.get(role.value)) and bool(_names(rule))  # asked above, as a foreign row
        if method == "GET" and ("*" in roles or role.value in roles) and not narrow:
            for name in _names(rule) or [""]:
                for chosen in (*house.ids.get(name, ()), MISSING):
                    SEEN["open"] += 1
                    status = _ask(client, method, _address(rule, chosen, name), chosen)[0]
                    assert status < 500, f"{role.value}: {rule.rule} answers {status}"


@pytest.mark.threat("T01")
def test_a_household_opens_its_own_rows_and_no_other_household_does(house: House) -> None:
    database: Database = house.app.extensions["database"]
    own = _owned(database)
    with database.transaction() as session:
        person = (
            session.exec(select(Person).where(col(Person.household_id) == own.pop("household_id"))).scalars().first()
        )
        assert person is not None
        token = accounts.open_for_person(session, person.id, person.household_id, now=utc_now())
    client, opened = house.app.test_client(), []
    client.set_cookie("sid", token)
    for rule, method, action in _rules(house.app):
        names = _names(rule)
        if method != "GET" or policy.matrix()[action].get(Role.HOUSEHOLD.value) != "own" or len(names) != 1:
            continue
        [name] = names
        for row in own.get(name, ()):
            SEEN["own"] += 1
            mine = _ask(client, method, _address(rule, row, name), row)[0]
            theirs = _ask(house.strangers[Role.HOUSEHOLD], method, _address(rule, row, name), row)[0]
            assert theirs in (303, 403, 404), (rule.rule, theirs)
            assert mine < 500, rule.rule
            opened += [rule.rule] if mine == 200 else []
    assert len(set(opened)) >= 6, sorted(set(opened))


def _owned(database: Database) -> dict[str, Any]:
    """The household with most rows of its own: argument of an address ► ids of its rows; and its own id."""
    tables = {name: table for name, table in _tables().items() if {"id", "household_id"} <= set(table.c.keys())}
    with database.reading() as session:
        holders = Counter(
            home
            for table in tables.values()
            for home in session.execute(select(table.c.household_id).distinct()).scalars()
        )
        [(home, _count)] = holders.most_common(1)
        own: dict[str, Any] = {"household_id": home}
        for name, table in tables.items():
            held = session.execute(select(table.c.id).where(table.c.household_id == home).limit(EACH)).scalars()
            own.setdefault(f"{name.rpartition('_')[2]}_id", []).extend(str(one) for one in held)
    return own


def test_there_were_at_least_a_thousand_cases_and_almost_every_id_is_known(house: House) -> None:
    unknown = sorted(name for name, ids in house.ids.items() if name.endswith("_id") and not ids)
    assert sum(SEEN.values()) >= 1_000
    assert SEEN["foreign"] >= 150, SEEN
    assert len(unknown) <= 8, unknown
