"""One result feeds another: what a family was granted is its label for the amounts, the departments and what begins by
itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

from marketplace.calendar import local_day
from marketplace.cases import outcome, service
from marketplace.cases.amounts import illness_class, proposed
from marketplace.cases.evaluate import Facts
from marketplace.db import Database
from tests.marketplace.test_cases import APPROVER, CITY, ON, send, walk


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.mark.parametrize(
    ("code", "ticks", "label", "amount"),
    [("DIBAO", [], "DIBAO", 2_280_000), ("TEKUN", ["no_kin"], "TEKUN", 5_000_000)],
)
def test_what_was_granted_is_the_label_of_what_waits_and_of_the_amounts(
    session: Session, now: datetime, code: str, ticks: list[str], label: str, amount: int
) -> None:
    case, items = send(session, now, ticks=ticks)
    assert service.facts_of(session, case, on=ON).label == ""
    day = walk(session, items[code], now)
    outcome.decide(session, items[code].id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    facts = service.facts_of(session, case, on=local_day(day))
    assert facts.label == label
    assert proposed("LINSHI", facts, path="LINSHI_GENERAL", district=CITY, on=ON) == amount


@pytest.mark.parametrize(("income", "label"), [(50_000, "DIBIAN"), (250_000, "GANGXING")])
def test_a_borderline_grant_is_borderline_or_rigid_by_its_numbers(
    session: Session, now: datetime, income: int, label: str
) -> None:
    case, items = send(session, now, income_fen=income)
    day = walk(session, items["DIBAO"], now)
    told: dict[str, Any] = {"actor": APPROVER, "late_cause": "backlog"}
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", now=day, **told)
    day = walk(session, items["DIBIAN_GANGXING"], day)
    outcome.decide(session, items["DIBIAN_GANGXING"].id, granted=True, now=day, **told)
    assert service.facts_of(session, case, on=local_day(day)).label == label


@pytest.mark.parametrize(("income", "kind"), [(154_000, "C"), (154_001, "D")])
def test_a_small_income_alone_is_class_c_of_the_illness_table(income: int, kind: str) -> None:
    assert illness_class(Facts(income_fen=income), district=CITY, on=ON) == kind
    assert illness_class(Facts(income_fen=income, label="DIBAO"), district=CITY, on=ON) == "B"
