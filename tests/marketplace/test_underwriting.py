"""Nothing flows to underwriting: a database full of marks, and everything that an insurer's clerk can reach.

Every personal field of every household holds a mark of its own. The clerk asks every route of the house, with every id
there is, downloads every file, sends every form and reads every letter; only the marks of fields that a household gave
to this very insurer, for the one purpose, may come back.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.routing import Rule

from marketplace.actors import Actor, Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.claims import cases, service
from marketplace.config import Settings
from marketplace.consent import notice
from marketplace.consent import service as consent
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import LineDecision, Match
from marketplace.errors import BadInput
from marketplace.households.models import Household, Person
from marketplace.migrations.tables import metadata
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.organisations.models import Organisation
from marketplace.policy import may
from marketplace.reference import purposes
from marketplace.reference.needs import list_need_kinds
from marketplace.reports import service as reports
from marketplace.reports.months import month_of
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace import claim_scene as scene
from tests.pages.people import client_as

SEALED = ("name", "phone", "id_number", "address", "birth_date", "payee_account", "health")
WRITTEN = ("source_id", "evidence", "state_reason", "government_decision", "cause")
FIXED = ("what", "given", "reported", "unmet", "declined", "ended", "returned", "followed")
"""What stands in an address where no id does: a step of the wizard, the figures of a report."""
TABLES = {"batch_id": "import_batch", "case_id": "insurance_case", "draft_id": "offer_draft"}
"""Ids in addresses that are not called after their table."""
TORTURE = os.environ.get("TORTURE") == "1"
NOW = datetime.now(UTC)
_number = itertools.count(1)


@dataclass
class World:
    """The marked house: every mark by where it was put, and the insurer whose clerk looks around."""

    insurer: Organisation
    marks: dict[str, str] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)

    def mark(self, place: str) -> str:
        text = f"MARK{next(_number):04d}x"
        self.marks[text] = place
        return text


def seal_marks(session: Session, world: World, person: Person) -> None:
    vault = vault_of(session)
    for column in SEALED:
        text = world.mark(f"{column} of {person.household_id}")
        setattr(person, column, vault.seal(session, person.id, column=f"person.{column}", text=text))
    session.add(person)
    session.flush()


def mark_need(session: Session, world: World, need: Need) -> None:
    for column in WRITTEN:
        setattr(need, column, world.mark(f"{column} of {need.id}"))
    session.add(need)
    session.flush()


def a_marked_home(session: Session, world: World, *, hidden: bool = True) -> tuple[Household, Person]:
    """A household of two, both marked all over; `hidden`: not even its pseudonym may be seen."""
    household, person = scene.a_home(session, phone=f"1000000{next(_number):04d}")
    seal_marks(session, world, person)
    other = make.a_person(session, household, phone=f"1000001{next(_number):04d}")
    other.contact = False
    seal_marks(session, world, other)
    if hidden:
        world.marks[household.id] = "the pseudonym of a household that gave nothing"
    for category, unit in (("MEDICAL.MAJOR", "FEN"), ("CARE.VISIT", "VISIT")):
        need = make.a_need(session, household, category=category, unit=unit, gap_units=500_000)
        mark_need(session, world, need)
        world.marks[need.id] = "a need that the insurer has nothing to do with"
    return household, person


def build(session: Session) -> World:
    """Our insurer with a case in each stage and a match nobody has answered; another insurer; a charity; a stranger."""
    world = World(scene.an_insurer(session, contact="desk@insurer.test"))
    rival = scene.an_insurer(session, name="普惠保险乙", contact="rival@insurer.test")
    for category in (scene.CLAIM, scene.PREMIUM):
        home = a_marked_home(session, world, hidden=False)
        cover = scene.a_case(session, NOW, category=category, home=home, insurer=world.insurer)
        allow(session, world, cover.person)
        mark_need(session, world, session.get_one(Need, cover.match.need_id))
    late = a_marked_home(session, world, hidden=False)
    done = scene.a_case(session, NOW, home=late, insurer=world.insurer)
    service.no_cover(session, done.case.id, actor=done.clerk, now=NOW)
    rivals = scene.a_case(session, NOW, home=a_marked_home(session, world), insurer=rival)
    for text in (rivals.case.reference, rivals.case.id, rivals.match.id):
        world.marks[text] = "a case of another insurer"
    unanswered = a_marked_home(session, world)
    match = scene.a_match(session, unanswered[0], world.insurer, category=scene.CLAIM, unit="CLAIM", units=1).approved(
        session, NOW
    )
    mark_need(session, world, session.get_one(Need, match.need_id))
    helped = a_marked_home(session, world)
    _need, charity = scene.charity_money(session, helped[0], NOW, gap=900_000, fen=300_000)
    charity.delivery_note = world.mark("a charity's note")
    for decision in session.exec(select(LineDecision)):
        assert decision.reason_text == ""
    a_marked_home(session, world)
    session.flush()
    reports.prepare(session, month_of(NOW), org_id=world.insurer.id, actor=done.clerk, now=NOW)
    return world


def allow(session: Session, world: World, person: Person) -> None:
    """What `claim_scene.accept` gave to this insurer."""
    vault = vault_of(session)
    for code in scene.FIELDS:
        sealed = getattr(person, code)
        world.allowed.add(vault.open(session, person.id, column=f"person.{code}", sealed=sealed))


@pytest.fixture
def world(sqlite_database: Database) -> World:
    with sqlite_database.transaction() as session:
        return build(session)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, world: World) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def clerk(app: Flask, world: World) -> FlaskClient:
    return client_as(app, Role.INSURER, org_id=world.insurer.id)


def every_id(session: Session) -> dict[str, list[str]]:
    """Table ► the key of every row that a route could be asked for."""
    found: dict[str, list[str]] = {}
    for table in metadata.sorted_tables:
        for name in ("id", "chain_id", "reference"):
            if (column := table.columns.get(name)) is not None and table.name != "account_session":
                rows = session.execute(table.select().with_only_columns(column)).scalars()
                found.setdefault(table.name, []).extend(sorted(str(value) for value in rows))
    return found


def keys_for(name: str, ids: dict[str, list[str]]) -> list[str]:
    """The ids to ask a route for: all of its own table and one that is none of them; where its table is not told by
    its name, one of every table. The long campaign asks for all."""
    if TORTURE:
        return sorted({key for keys in ids.values() for key in keys})
    own = own_keys(name, ids)
    return sorted({*own, ids["need"][0]}) if own else sorted({keys[0] for keys in ids.values() if keys})


def own_keys(name: str, ids: dict[str, list[str]]) -> list[str]:
    """The ids of the table that this name tells; none where it tells none, or one without rows."""
    return ids.get(TABLES.get(name, name.removesuffix("_id")), [])


def addresses(rule: Rule, ids: dict[str, list[str]]) -> list[str]:
    """Every address of a rule: fixed words in all their ways, and every id for whatever is not fixed. Where an address
    takes two ids they go side by side, for the second is asked only when the first was the clerk's own; so do an id of
    which the house has no row and what stands beside it, each at least once. The long campaign asks for every pair."""
    choices: list[list[str]] = []
    for name, converter in rule._converters.items():
        words = re.findall(r"[\w-]+", converter.regex) if "(?:" in converter.regex else []
        words = words or ([] if name.endswith("_id") else list(FIXED))
        choices.append([f"{name}={one}" for one in words or keys_for(name, ids)])
    wide = sorted(choices, key=len, reverse=True)[1:] if len(choices) > 1 else []
    rowless = any(name.endswith("_id") and not own_keys(name, ids) for name in rule._converters)
    if any(len(choice) > 10 for choice in wide):
        together: Iterable[tuple[str, ...]] = zip(*choices, strict=False)
    elif rowless and not TORTURE:
        longest = max(map(len, choices))
        together = zip(*(itertools.islice(itertools.cycle(choice), longest) for choice in choices), strict=True)
    else:
        together = itertools.product(*choices)
    found = []
    for values in together:
        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"<\1>", re.sub(r"\([^)]*\)", "", rule.rule))
        for pair in values:
            name, _, value = pair.partition("=")
            path = path.replace(f"<{name}>", value)
        found.append(path)
    return found


def text_of(answer: Any) -> str:
    """The whole of an answer: headers, words, and what a spreadsheet holds inside."""
    parts = [str(answer.headers)]
    if answer.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            parts += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    else:
        parts.append(answer.data.decode("utf-8", "replace"))
    return "\n".join(parts)


def reachable(app: Flask, org_id: str, method: str) -> list[Rule]:
    """The rules that the policy lets an insurer's clerk call; reads first, and of the acts those that show most."""
    actor = Actor(id="clerk", role=Role.INSURER, org_id=org_id)
    found = [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ())
        and rule.endpoint != "accounts.sign_out"
        and may(actor, getattr(app.view_functions[rule.endpoint], "guarded_action", "start:view")).allow
    ]
    first = ("claims.list_file", "decisions.recipient")
    return sorted(found, key=lambda rule: (rule.endpoint not in first, rule.endpoint, rule.rule))


def leaks(world: World, text: str) -> list[str]:
    return [f"{mark}: {place}" for mark, place in world.marks.items() if mark in text and mark not in world.allowed]


def test_nothing_that_an_insurer_can_reach_holds_more_than_its_households_gave_it(app, clerk, world, sqlite_database):
    with sqlite_database.reading() as session:
        ids = every_id(session)
    asked, seen = 0, ""
    for method in ("GET", "POST"):
        for rule in reachable(app, world.insurer.id, method):
            for path in addresses(rule, ids):
                # What was asked for by its id comes back in the address itself; only more than that is a leak.
                answer = clerk.open(path, method=method, data={"confirmed": "yes"} if method == "POST" else None)
                assert answer.status_code != 500, path
                text = text_of(answer).replace(path, "")
                given = {part for part in path.split("/") if part in world.marks}
                found = [
                    leak
                    for leak in leaks(world, text)
                    if leak.partition(":")[0] not in given or answer.status_code < 300
                ]
                assert found == [], f"{method} {path}"
                asked, seen = asked + 1, seen + "".join(mark for mark in world.allowed if mark in text)
    # The walk can see: each consented field came back somewhere, and it was no short walk.
    assert all(mark in seen for mark in world.allowed)
    assert len(world.allowed) == 4
    assert asked > 200


def test_a_table_of_answers_tells_an_insurer_nothing_of_another_ones_cases(clerk, world):
    rivals = [mark for mark, place in world.marks.items() if place == "a case of another insurer" and mark[:2] == "BX"]
    data = "\n".join(["事项编号,答复", *(f"{mark},未查到保单" for mark in rivals), "BXNOTHERE,未查到保单"])
    answer = clerk.post("/insurance/import", data={"file": (io.BytesIO(data.encode()), "answers.csv")})
    page = clerk.get(answer.headers["Location"]).text
    assert page.count("没有这个事项编号") == 2
    assert leaks(world, page.replace(rivals[0], "")) == []


def test_no_letter_to_an_insurer_names_anybody(settings, sqlite_database, world):
    with sqlite_database.reading() as session:
        letters = session.exec(select(Notice).where(Notice.org_id == world.insurer.id)).all()
        texts = [compose(settings, session, letter) for letter in letters]
    assert len(texts) > 3
    assert leaks(world, "\n".join(f"{one.subject} {one.body} {one.params}" for one in texts if one)) == []
    assert [mark for mark in world.allowed if mark in str(texts)] == []


def test_after_the_match_is_over_an_insurer_sees_nothing_more(clerk, world, sqlite_database):
    with sqlite_database.transaction() as session:
        case = session.exec(select(cases.InsuranceCase).where(cases.InsuranceCase.org_id == world.insurer.id)).all()
        for one in case:
            match = session.get_one(Match, one.match_id)
            if one.state.value in ("find", "enrol"):
                home = Actor(id="home", role=Role.HOUSEHOLD, household_id=match.household_id)
                decisions.withdraw_consent(session, match.consent_chain_id, actor=home, now=NOW)
    for tab in ("enrol", "find", "claim", "answer", "over"):
        text = text_of(clerk.post(f"/insurance/{tab}/list.xlsx"))
        assert not any(mark in text for mark in (*world.allowed, *world.marks)), tab


INSURERS_FIELDS = {"name", "id_number", "birth_date", "phone"}


def test_an_insurers_purposes_are_these_three_and_none_is_for_underwriting():
    listed = {purpose.code for purpose in purposes.list_purposes()}
    assert set(purposes.INSURER_PURPOSES) == {"INSURE_ENROL", "INSURE_CLAIM", "INSURE_CLAIM_QUERY"}
    assert {code for code in listed if code.startswith("INSUR")} == set(purposes.INSURER_PURPOSES)
    fields = {code for one in purposes.INSURER_PURPOSES for code in purposes.purpose(one).fields}
    assert fields <= INSURERS_FIELDS
    forbidden = re.compile(
        r"underwrit|pricing|actuar|risk|rating|premium_rate|核保|定价|承保|精算|风险|费率", re.IGNORECASE
    )
    for purpose in purposes.list_purposes():
        assert not forbidden.search(f"{purpose.code} {purpose.zh} {purpose.en}"), purpose.code


def test_whatever_an_insurer_may_provide_is_for_one_of_its_purposes():
    kinds = [kind for kind in list_need_kinds() if "insurer" in kind.provider_kinds]
    assert {kind.code for kind in kinds} == {"INSURANCE.CLAIM", "INSURANCE.PREMIUM"}
    assert {kind.purpose for kind in kinds} <= set(purposes.INSURER_PURPOSES)


def test_no_household_can_give_an_insurer_data_for_anything_else(session, now):
    household, person = scene.a_home(session)
    for purpose in purposes.list_purposes():
        if purpose.code in (*purposes.INSURER_PURPOSES, "AUTO_MATCH"):
            continue
        with pytest.raises(BadInput, match="not_for_insurers"):
            consent.give_for_match(
                session,
                household,
                organisation=scene.an_insurer(session),
                match_id="m",
                purpose=purpose.code,
                data_fields=[],
                person_id=person.id,
                actor=make.as_household(household),
                now=now,
            )


def test_what_the_household_reads_before_it_says_yes_to_an_insurer_forbids_pricing_and_acceptance():
    assert notice.share_with("insurer") == notice.SHARE_INSURER
    assert "不得用于保险的核保、定价或决定是否承保" in "".join(notice.paragraphs(notice.SHARE_INSURER, lang="zh_Hans"))
    assert "not for pricing or acceptance of insurance" in " ".join(notice.paragraphs(notice.SHARE_INSURER, lang="en"))
    assert notice.share_with("charity") == notice.SHARE
