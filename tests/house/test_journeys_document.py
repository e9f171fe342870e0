"""The table of journeys says what is so: its tests exist, and every walk of a household stands in it once."""

from __future__ import annotations

import re
from pathlib import Path

from tests.marketplace.household_walks import WALKS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "::" in line]


def test_every_row_has_five_cells_and_names_tests_that_exist() -> None:
    assert ROWS
    for row in ROWS:
        title, tests, *ways = (cell.strip() for cell in row.strip("|").split("|"))
        named = re.findall(r"`([^`]+)::([^`]+)`", tests)
        assert (len(ways), bool(named)) == (3, True), title
        for name, test in named:
            assert f"def {test}(" in (ROOT / name).read_text(encoding="utf-8"), f"{title}: {name}::{test}"


def test_every_walk_of_a_household_stands_in_the_table_once() -> None:
    told = [name for row in ROWS for name in re.findall(r"\| `(\w+)` of ", row)]
    assert sorted(told) == sorted(WALKS)
