"""The table of the rules of referral and charity says what is so: each row once, its files and its tests exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = 33
LINE = re.compile(r"^\| (R1\.\d\d) \|(.*)\|$", re.MULTILINE)


def test_every_rule_has_one_row_with_code_and_a_test_that_exist() -> None:
    rows = LINE.findall((ROOT / "docs" / "charity-rules.md").read_text(encoding="utf-8"))
    assert [code for code, _rest in rows] == [f"R1.{number:02}" for number in range(1, ROWS + 1)]
    for code, rest in rows:
        _asks, _does, written, shown = (cell.strip() for cell in rest.split("|"))
        files, tests = re.findall(r"`([^`]+)`", written), re.findall(r"`([^`]+)::([^`]+)`", shown)
        assert files, code
        assert tests, code
        assert [name for name in files if not (ROOT / name).is_file()] == [], code
        for name, test in tests:
            assert f"def {test}(" in (ROOT / name).read_text(encoding="utf-8"), f"{code}: {name}::{test}"
