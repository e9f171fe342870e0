"""Whatever staff open of what is sealed stands on the household's own page, with the reason, and in its copy."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from flask import Flask

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import Entry, record
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households import service as households
from marketplace.meetings import household_file
from marketplace.portraits import service as portraits
from marketplace.reference.words import list_codes
from marketplace.sharing.looks import STAFF_LOOKS, staff_looks
from marketplace.trail.service import make_checkpoint
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import household_client

CLERK = Actor(id="verifier-1", role=Role.VERIFIER)


@pytest.fixture
def scene(sqlite_database: Database) -> Scene:
    """A household that staff looked at in three ways, and another that they looked at once."""
    now = utc_now()
    with sqlite_database.transaction() as session:
        found = a_scene(session, now=now)
        households.reveal(
            session, found.person.id, field="phone", actor=CLERK, now=now, purpose="staff", reason="CONTACT"
        )
        household_file.write_look(session, found.household.id, purpose="complaint", actor=CLERK, now=now)
        portraits.write_look(session, found.household.id, rule="portrait:view", purpose="VISIT", actor=CLERK, now=now)
        other = make.a_household(session, phone="10000000009")
        household_file.write_look(session, other.id, purpose="supervision", actor=CLERK, now=now)
        return found


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, scene: Scene) -> Flask:
    return create_app(settings, database=sqlite_database)


def test_every_look_of_staff_is_on_some_page_and_in_the_copy(app: Flask, sqlite_database: Database, scene: Scene):
    with sqlite_database.transaction() as session:
        for _ in range(203):
            record(session, Entry("visit:note_look", subject=scene.household.id), actor=CLERK, now=utc_now())
    client = household_client(app, scene.household.id)
    pages = [client.get(f"/who-saw?lang=en&page={number}").text for number in range(1, 10)]
    assert sum(page.count("The note of a visit") for page in pages) == 203
    assert "The whole file" in pages[8]
    assert "Rows 1 to 25 of 206" in pages[0]
    assert len(json.loads(client.get("/my-rights/copy.json").data)["looks_of_staff"]) == 206


@pytest.mark.threat("T23")
def test_the_household_reads_what_staff_opened_of_it_and_why(app: Flask, scene: Scene) -> None:
    client = household_client(app, scene.household.id)
    page = client.get("/who-saw?lang=en").text
    for told in ("Verifier", "A personal detail", "Contact the person", "The whole file", "A complaint or an appeal"):
        assert told in page
    assert "To prepare a visit or call" in page
    assert "Supervision" not in page, "that was another household"
    assert "一项个人信息" in client.get("/who-saw?lang=zh_Hans").text


def test_the_copy_of_everything_on_record_holds_them_too(app: Flask, scene: Scene) -> None:
    client = household_client(app, scene.household.id)
    kept = json.loads(client.get("/my-rights/copy.json").data)["looks_of_staff"]
    assert [(row["act"], row["why"]) for row in kept] == [
        ("portrait:view", "VISIT"),
        ("household:file", "complaint"),
        ("household:reveal", "CONTACT"),
    ]
    assert "The whole file" in client.get("/my-rights/record?lang=en").text


def test_a_look_of_a_giver_is_no_look_of_staff(sqlite_database: Database, scene: Scene) -> None:
    giver = replace(scene.giver, id="giver-9")
    with sqlite_database.transaction() as session:
        before = len(staff_looks(session, scene.household.id))
        entry = Entry("proof:look", subject=scene.household.id)
        record(session, entry, actor=giver, now=utc_now())
        assert len(staff_looks(session, scene.household.id)) == before == 3
        record(session, entry, actor=CLERK, now=utc_now())
        assert len(staff_looks(session, scene.household.id)) == 4


def test_every_look_of_staff_has_its_words() -> None:
    assert set(list_codes("staff_look")) == set(STAFF_LOOKS)


def test_the_proof_of_a_look_is_offered_as_soon_as_there_is_one(
    app: Flask, sqlite_database: Database, scene: Scene
) -> None:
    client = household_client(app, scene.household.id)
    early = client.get("/who-saw?lang=en").text
    assert (early.count("The proof follows shortly"), "/my-trail/" in early) == (3, False)
    with sqlite_database.transaction() as session:
        make_checkpoint(session, now=utc_now())
    later = client.get("/who-saw?lang=en").text
    assert "The proof follows shortly" not in later
    proofs = [client.get(address) for address in set(re.findall(r"/my-trail/\d+\.json", later))]
    assert [proof.status_code for proof in proofs] == [200, 200, 200]
