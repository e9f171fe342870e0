"""The pages of requirements and threats say what the tests say, the bill of materials what the lock file says."""

from __future__ import annotations

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _script(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return _script("security_pages")


@pytest.fixture(scope="module")
def known(script: ModuleType) -> dict[str, list[str]]:
    """Every test with its threats, read once."""
    return dict(script.known_tests())


def test_the_page_of_requirements_is_up_to_date(script: ModuleType, known: dict[str, list[str]]) -> None:
    written = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    assert written == script.asvs_page(known), "run scripts/security_pages.py"
    assert written.count("\n| ") - 1 == 246


def test_the_page_of_threats_is_up_to_date(script: ModuleType, known: dict[str, list[str]]) -> None:
    written = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    assert written == script.threats_page(known), "run scripts/security_pages.py"
    assert written.count("\n| T") == 43


def test_a_threat_of_which_a_control_is_missing_is_answered_in_part(script: ModuleType) -> None:
    lines = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8").splitlines()
    partly = {line.split(" ")[1] for line in lines if "| **in part**: " in line}
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    missing = security.partition("## What the list of threats asks for and is not here")[2].partition("\n## ")[0]
    assert partly == set(re.findall(r"\((T\d\d)\)", missing)) != set()


def test_every_marked_test_was_run_for_the_page_and_the_page_names_none_that_is_gone(
    script: ModuleType, known: dict[str, list[str]]
) -> None:
    marked = {name for name, threats in known.items() if threats}
    assert _out_of_step(marked, script.kept_results()) == [], "run scripts/security_pages.py --run"
    assert "not run" not in (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")


def _out_of_step(marked: set[str], kept: dict[str, dict[str, str]]) -> list[str]:
    """Marked tests without a result that counts, and results of tests that are there no more."""
    told = {name for name, row in kept.items() if row["result"] == "passed" and row["on"]}
    return sorted((marked - told) | (kept.keys() - marked))


def test_a_test_that_was_not_run_or_failed_or_is_gone_is_out_of_step() -> None:
    passed, failed = {"result": "passed", "on": "2026-11-26"}, {"result": "failed", "on": "2026-11-26"}
    assert _out_of_step({"a", "b"}, {"a": passed, "b": passed}) == []
    assert _out_of_step({"a", "b"}, {"a": passed}) == ["b"]
    assert _out_of_step({"a", "b"}, {"a": passed, "b": failed}) == ["b"]
    assert _out_of_step({"a"}, {"a": passed, "gone": passed}) == ["gone"]


@pytest.mark.threat("T39")
def test_the_bill_of_materials_names_every_locked_library_with_its_digests() -> None:
    sbom, lock = _script("sbom"), (ROOT / "requirements.lock").read_text(encoding="utf-8")
    written = json.loads((ROOT / "docs" / "sbom.json").read_text(encoding="utf-8"))
    assert written == sbom.document(), "run make sbom"
    pinned = re.findall(r"^([\w.-]+)(?:\[\w,]+\])?==", lock, re.MULTILINE)
    parts = written["components"]
    assert [part["name"] for part in parts if part["purl"].startswith("pkg:pypi/")] == [name.lower() for name in pinned]
    assert sum(len(part["hashes"]) for part in parts[: len(pinned)]) == lock.count("--hash=sha256:")
    with pytest.raises(SystemExit, match="no digest"):
        sbom.libraries("flask==3.1.3\n")


@pytest.mark.threat("T39")
def test_every_library_is_installed_only_with_a_known_digest() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block.split()[0]
    assert "--require-hashes" in (ROOT / "scripts" / "install.sh").read_text(encoding="utf-8")


def test_a_threat_has_passed_only_if_every_test_of_it_was_run_and_passed(script: ModuleType, tmp_path: Path) -> None:
    cases = (
        '<testcase classname="tests.house.test_a" name="test_one[x]"/>',
        '<testcase classname="tests.house.test_a" name="test_one[y]"><failure/></testcase>',
        '<testcase classname="tests.house.test_a" name="test_two"/>',
    )
    junit = tmp_path / "junit.xml"
    junit.write_text(
        f'<testsuites><testsuite timestamp="2026-11-26T14:00:00">{"".join(cases)}</testsuite></testsuites>'
    )
    kept = script.seen_in(junit)
    one, two, three = (f"tests/house/test_a.py::test_{name}" for name in ("one", "two", "three"))
    assert script.result_of([one, two], kept) == "1 passed, 1 failed (2026-11-26)"
    assert script.result_of([two], kept) == "1 passed (2026-11-26)"
    assert script.result_of([two, three], kept) == "1 passed, 1 not run (2026-11-26)"
    assert script.result_of([three], kept) == "1 not run"
