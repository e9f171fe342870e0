"""The pages of requirements and threats say what the tests say."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("security_pages", ROOT / "scripts" / "security_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_requirements_is_up_to_date(script: ModuleType) -> None:
    written = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    assert written == script.asvs_page(script.known_tests()), "run scripts/security_pages.py"
    assert written.count("\n| ") - 1 == 246


def test_the_page_of_threats_is_up_to_date(script: ModuleType) -> None:
    written = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    assert written == script.threats_page(script.known_tests()), "run scripts/security_pages.py"
    assert written.count("\n| T") == 42
