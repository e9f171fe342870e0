"""Temporary aid for an accident, a disaster or the first year at university: dated data, else a written reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.cases import outcome, rules
from marketplace.cases.amounts import for_event, proposed
from marketplace.cases.evaluate import Facts, plan
from marketplace.cases.models import ItemState
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, CITY, ON, send, walk
from tests.marketplace.test_cases_pages import staff

HERE: dict[str, Any] = {"path": "LINSHI_GENERAL", "district": CITY, "on": ON}
MONTH = 77_000
"""The city's standard of that day."""


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.mark.parametrize(
    ("facts", "fen"),
    [
        (Facts(label="TEKUN", wants=("accident",)), 36 * MONTH),
        (Facts(label="DIBAO", wants=("accident",), urban=False), 18 * MONTH),
        (Facts(income_fen=2 * MONTH, wants=("accident",)), 6 * MONTH),
        (Facts(income_fen=2 * MONTH + 1, wants=("accident",)), 0),
        (Facts(label="DIBAO", wants=("accident", "illness"), medical_fen=4_300_000), 1_600_000),
        (Facts(label="DIBAO", wants=("schooling",), ticks=("freshman",)), 500_000),
        (Facts(label="DIBIAN", wants=("schooling",), ticks=("freshman",)), 0),
        (Facts(label="DIBAO", wants=("schooling",)), 0),
        (Facts(label="DIBAO", wants=("illness",)), 0),
    ],
)
def test_each_event_gives_what_its_table_says_and_of_several_the_highest(facts: Facts, fen: int) -> None:
    assert proposed("LINSHI", facts, **HERE) == fen


def test_a_district_says_for_a_class_what_holds_there_and_before_the_tables_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = rules.rows
    own = {
        "event": "accident",
        "class": "B",
        "district": "500101",
        "valid_from": f"{ON}",
        "valid_to": "",
        "months": "2",
    }
    monkeypatch.setattr(rules, "rows", lambda table: (*known(table), *((own,) if table == "event_aid" else ())))
    assert for_event("accident", "B", district="500101", on=ON) == 2 * MONTH
    assert for_event("accident", "A", district="500101", on=ON) == 36 * MONTH
    assert for_event("accident", "B", district=CITY, on=ON) == 18 * MONTH
    assert for_event("accident", "B", district="500101", on=date(2026, 11, 22)) == 18 * MONTH
    assert rules.event_aid("accident", "B", district=CITY, on=date(2016, 1, 1)) == {}


def test_whoever_begins_university_is_asked_for_temporary_aid_before_a_fee_is_paid() -> None:
    facts = Facts(income_fen=900_000, wants=("schooling",), ticks=("freshman",), savings_fen=10**9)
    assert "LINSHI" in [one.code for one in plan(facts, district=CITY, on=ON)]


def test_an_amount_that_no_table_gives_has_its_reason(session: Session, now: datetime) -> None:
    rich: dict[str, Any] = {"income_fen": 900_000, "medical_fen": 0}
    _case, items = send(session, now, wants=["accident"], **rich)
    item = items["LINSHI"]
    day = walk(session, item, now)
    told: dict[str, Any] = {"granted": True, "amount_fen": 90_000, "actor": APPROVER, "now": day}
    with pytest.raises(BadInput, match="amount_reason_missing"):
        outcome.decide(session, item.id, note=" ", **told)
    outcome.decide(session, item.id, note="火灾后三个月的租金", **told)
    assert (item.state, item.note) == (ItemState.GRANTED, "火灾后三个月的租金")


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"income_fen": 900_000}, "No table gives an amount"),
        ({"income_fen": 50_000}, "Accident or disaster: the table gives"),
        ({"income_fen": 50_000, "wants": ["illness"]}, "treated at home for a long time"),
    ],
)
def test_the_page_of_who_decides_says_what_the_tables_give(
    settings: Settings, sqlite_database: Database, over: dict[str, Any], sentence: str
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        told = {"wants": ["accident"], "medical_fen": 0, **over}
        _case, items = send(session, datetime.now(UTC), make.a_household(session), **told)
        item_id = items["LINSHI"].id
        walk(session, items["LINSHI"], datetime.now(UTC))
    desk = staff(app, "a-table", Role.APPROVER)
    assert sentence in desk.get(f"/cases/items/{item_id}?lang=en").text
    if "No table" in sentence:
        answer = desk.post(f"/cases/items/{item_id}/decide?lang=en", data={"verdict": "granted", "amount_fen": "900"})
        assert answer.status_code == 200 or answer.status_code == 422
        assert "write how you found yours" in answer.text
