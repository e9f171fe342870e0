"""A consent keeps the fingerprint of the very words that were shown, in the language in which they were shown."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from flask import Flask
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.consent import notice, service
from marketplace.consent.models import Consent
from marketplace.db import Database
from marketplace.households.models import Person
from tests import factories as make
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def shown_hash(page: str, notice_id: str, lang: str) -> str:
    """The hash of the page's own paragraphs, found by where the notice begins and how long it is."""
    found = [html.unescape(text) for text in re.findall(r"<p>([^<]*)</p>", page)]
    wanted = notice.paragraphs(notice_id, lang=lang)
    start = found.index(wanted[0])
    return sha256("\n".join(found[start : start + len(wanted)]).encode()).hexdigest()


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_a_yes_keeps_the_hash_of_the_words_on_the_page(app, sqlite_database, lang):
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        household_id = household.id
        person_id = session.exec(select(Person.id).where(Person.household_id == household_id)).one()
        token = accounts.open_for_person(session, person_id, household_id, now=datetime.now(UTC))
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.set_cookie("sid", token)
    page = client.get(f"/my-consents/matching?lang={lang}").text
    assert client.post("/my-consents/matching").status_code == 303
    with sqlite_database.reading() as session:
        given = session.exec(select(Consent).where(Consent.household_id == household_id)).one()
        assert (given.lang, given.notice_id) == (lang, notice.MATCH)
        assert given.notice_sha256 == shown_hash(page, notice.MATCH, lang)


def test_the_helper_reads_the_same_notice_aloud(app, sqlite_database):
    with sqlite_database.transaction() as session:
        household_id = make.a_household(session).id
    page = client_as(app, Role.WORKER).get(f"/households/{household_id}/consent?lang=en").text
    assert shown_hash(page, notice.MATCH, "en") == notice.fingerprint(notice.MATCH, lang="en")


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_a_consent_for_one_giver_keeps_the_share_notice(session, now, lang):
    household, giver = make.a_household(session), make.an_organisation(session)
    given = service.give_for_match(
        session,
        household,
        organisation=giver,
        purpose="GOODS",
        match_id="match-1",
        data_fields=["name"],
        actor=make.as_household(household),
        now=now,
        capture=service.Capture(lang=lang),
    )
    text = "\n".join(notice.paragraphs(notice.SHARE, lang=lang))
    assert (given.notice_id, given.notice_sha256) == (notice.SHARE, sha256(text.encode()).hexdigest())
    assert given.withdrawal_ways == ["page", "phone", "counter", "helper"]


def test_every_notice_is_there_in_both_languages_with_its_own_fingerprint():
    insurers = (notice.SHARE_INSURER, notice.SHARE_INSURER_1)
    names = (notice.MATCH, notice.SHARE, *insurers, notice.PAYMENT, notice.PUBLICITY, notice.DONOR, notice.COVER)
    marks = {notice.fingerprint(name, lang=lang) for name in names for lang in ("zh_Hans", "en")}
    assert len(marks) == len(notice.TEXTS) == 16


def test_the_match_notice_says_that_illness_and_disability_are_compared():
    assert "seriously ill, disabled" in notice.paragraphs(notice.MATCH, lang="en")[1]
    assert "大病" in notice.paragraphs(notice.MATCH, lang="zh_Hans")[1]
