"""The worked numbers in the documents on the allocator, certificates and reasons are true."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from matching.explain import CODES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["allocator.md", "certificate.md", "reasons.md"])
def test_the_worked_numbers_are_true(name):
    failed, tried = doctest.testfile(str(DOCS / name), module_relative=False)
    assert tried > 10
    assert failed == 0


def test_every_code_has_an_example():
    text = (DOCS / "reasons.md").read_text("utf-8")
    assert [code for code in CODES if f"## `{code}`" not in text] == []
