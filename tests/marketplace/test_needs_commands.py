"""The two commands: what they print, what they store, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from adapters.fakes import FakeRegistry
from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.ledger.given import aid_to_tell
from marketplace.needs import commands
from marketplace.needs.models import Need
from tests.marketplace.test_needs_imports import a_file, a_row
from tests.marketplace.test_needs_registry import a_record


@pytest.fixture
def run(sqlite_database: Database, verifier: Actor, now: datetime) -> Callable[..., tuple[int, str]]:
    """The import command: exit code and what was printed."""

    def runs(file: Path, **over: Any) -> tuple[int, str]:
        lines: list[str] = []
        values: dict[str, Any] = {
            "source": "yuzhong",
            "mapping": None,
            "dry_run": False,
            "actor": verifier,
            "now": now,
            "lang": "en",
            "say": lines.append,
            "agree": lambda: True,
        }
        return commands.import_needs(sqlite_database, file, **{**values, **over}), "\n".join(lines)

    return runs


def stored(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(Need)).all())


def test_a_dry_run_tells_the_counts_and_stores_nothing(run: Any, sqlite_database: Database, tmp_path: Path) -> None:
    file = tmp_path / "needs.csv"
    file.write_bytes(a_file(a_row(), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=900)))
    code, told = run(file, dry_run=True)
    assert code == 0
    assert "2  new" in told
    assert "1  of these held for a person" in told
    assert stored(sqlite_database) == 0
    assert run(file, agree=lambda: False)[0] == 0
    assert stored(sqlite_database) == 0
    assert run(file)[0] == 0
    assert stored(sqlite_database) == 2


def test_faults_are_told_with_row_column_value_and_mend_and_kept_in_a_file(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "needs.csv"
    file.write_bytes(a_file(*[a_row(source_id=f"N{n}", household_ref=f"H{n}", gap="x") for n in range(20)]))
    code, told = run(file)
    assert code == 1
    assert "row 2 · gap [x]: This is not a number. Write digits only." in told
    assert told.count("row ") == 15
    assert (tmp_path / "needs.errors.csv").read_text(encoding="utf-8-sig").count("\n") == 21


def test_a_file_with_other_columns_ends_with_two_until_a_mapping_names_them(run: Any, tmp_path: Path) -> None:
    file, mapping = tmp_path / "list.csv", tmp_path / "map.toml"
    file.write_text("流水,家,区县,类别,缺口\n1,H1,渝中区,助餐,30\n", encoding="gb18030")
    assert run(file)[0] == 2
    mapping.write_text('[columns]\nsource_id = "流水"\nhousehold_ref = "家"\n', encoding="utf-8")
    code, told = run(file, mapping=mapping, lang="zh")
    assert code == 0
    assert "新需求" in told
    mapping.write_text("[other]\nx = 1\n", encoding="utf-8")
    assert run(file, mapping=mapping)[0] == 2


def test_a_pull_tells_what_came_and_what_was_told_back(
    sqlite_database: Database, verifier: Actor, now: datetime
) -> None:
    lines: list[str] = []

    def pull(door: FakeRegistry) -> int:
        return commands.pull_needs(
            sqlite_database,
            door,
            source="civil-affairs",
            actor=verifier,
            clock=lambda: now,
            aid_to_tell=aid_to_tell,
            lang="en",
            say=lines.append,
        )

    door = FakeRegistry([a_record(1), a_record(2, gap=900)])
    assert pull(door) == 0
    assert any("2  new" in line for line in lines)
    assert any("1  states told back" in line for line in lines)
    door.faults.play("lost reply")
    assert pull(door) == 1
