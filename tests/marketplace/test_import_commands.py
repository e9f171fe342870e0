"""`shanqiao import offers` and `import aid`: what they say, what they store, and how they end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database
from marketplace.ledger.commands import import_aid
from marketplace.ledger.models import AidSource, LedgerEntry
from marketplace.offers.commands import import_offers
from marketplace.offers.models import Offer
from marketplace.reference.organisation_number import make_uscc
from tests.factories import NOW, an_organisation
from tests.marketplace.test_ledger_imports import HEAD as AID_HEAD
from tests.marketplace.test_ledger_imports import a_known_household, a_known_need
from tests.marketplace.test_offers_imports import HEAD, ROW

CODE = make_uscc(41)
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def offers_file(sqlite_database: Database, tmp_path: Path) -> Path:
    with sqlite_database.transaction() as session:
        an_organisation(session, credit_code=CODE)
    file = tmp_path / "offers.csv"
    file.write_text("\n".join((HEAD, ROW)), encoding="utf-8")
    return file


def bring_offers(database: Database, file: Path, said: list[str], **over) -> int:
    given = {"org": CODE, "mapping": None, "dry_run": False, "actor": SYSTEM, "now": NOW, "lang": "en"} | over
    return import_offers(database, file, say=said.append, agree=lambda: True, **given)


def number_of(database: Database, table: type) -> int:
    with database.reading() as session:
        return len(session.exec(select(table)).all())


def test_offers_come_in_once_for_the_giver_with_this_code(sqlite_database, offers_file, said):
    assert bring_offers(sqlite_database, offers_file, said, dry_run=True) == 0
    assert number_of(sqlite_database, Offer) == 0
    assert bring_offers(sqlite_database, offers_file, said) == 0
    assert number_of(sqlite_database, Offer) == 1
    assert bring_offers(sqlite_database, offers_file, said) == 0
    assert said[-1] == "Nothing was stored."
    assert "       1  unchanged" in said


def test_faults_end_with_one_and_lie_beside_the_file(sqlite_database, offers_file, said):
    offers_file.write_text("\n".join((HEAD, ROW.replace("渝中区", "渝都区"))), encoding="utf-8")
    assert bring_offers(sqlite_database, offers_file, said) == 1
    assert any("row 2 · 区县" in line for line in said)
    assert offers_file.with_name("offers.errors.csv").exists()
    assert number_of(sqlite_database, Offer) == 0


@pytest.mark.parametrize(("org", "told"), [("123", "18 characters"), (make_uscc(42), "is registered here")])
def test_a_wrong_or_unknown_giver_ends_with_two(sqlite_database, offers_file, said, org, told):
    assert bring_offers(sqlite_database, offers_file, said, org=org) == 2
    assert told in said[0]


def test_a_mapping_file_that_cannot_be_read_ends_with_two(sqlite_database, offers_file, said):
    wrong = offers_file.with_name("wrong.toml")
    wrong.write_text("columns = [", encoding="utf-8")
    assert bring_offers(sqlite_database, offers_file, said, mapping=wrong) == 2
    assert "not readable TOML" in said[0]


def test_past_aid_comes_in_and_its_source_is_seen(sqlite_database, tmp_path, said):
    with sqlite_database.transaction() as session:
        a_known_need(session, a_known_household(session))
    file = tmp_path / "aid.csv"
    file.write_text(AID_HEAD + "A1,,,N-1,LIVING.FOOD_PACK,12,2026-10-01,,\n", encoding="utf-8")
    given = {"source": "redcross", "mapping": None, "dry_run": False, "actor": VERIFIER, "now": NOW, "lang": "zh"}
    day = date(2026, 1, 1)
    assert import_aid(sqlite_database, file, seen_from=day, say=said.append, agree=lambda: False, **given) == 0
    assert number_of(sqlite_database, LedgerEntry) == number_of(sqlite_database, AidSource) == 0
    assert import_aid(sqlite_database, file, seen_from=day, say=said.append, agree=lambda: True, **given) == 0
    assert number_of(sqlite_database, LedgerEntry) == 2
    assert "       1  其中超出缺口，记为历史" in said
    later = date(2099, 1, 1)
    assert import_aid(sqlite_database, file, seen_from=later, say=said.append, agree=lambda: True, **given) == 2
    assert said[-1].startswith("日期在今天之后")
