"""The walls of the house: every import contract holds, and every one of them catches a planted violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("marketplace", "matching", "adapters")
PLANTS = {
    "The marketplace stands on matching and adapters, which never meet": ("adapters/ports.py", "import matching.model"),
    "matching is arithmetic: no web, no database, no network": ("matching/overlap_judge.py", "import requests"),
    "adapters are doors: no database, no solver, no web framework": ("adapters/http.py", "import sqlalchemy"),
    "Rooms, top to bottom": ("marketplace/audit.py", "import marketplace.needs.models"),
    "The judge imports nothing of the solvers": ("matching/checker_case.py", "import ortools"),
    "Services and models never import Flask": ("marketplace/ledger/service.py", "import flask"),
    "Partners see a need only through consent": ("marketplace/sharing/service.py", "import marketplace.needs.models"),
    "Only wiring names a concrete adapter": ("marketplace/needs/registry.py", "import adapters.fakes"),
}
OPEN_ADAPTERS = {"face", "hsds", "items", "openid", "pictures", "ports", "sms_in"}
"""Value types and pure readers: these may be imported anywhere in the marketplace."""


def _contracts() -> list[dict[str, object]]:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, object]] = tables["tool"]["importlinter"]["contracts"]
    return found


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_import_keeps_the_contracts() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_each_contract_catches_a_planted_violation(tmp_path: Path) -> None:
    assert {contract["name"] for contract in _contracts()} == set(PLANTS)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("static", "__pycache__"))
    for place, statement in PLANTS.values():
        file = tmp_path / place
        file.write_text(file.read_text(encoding="utf-8") + f"\n{statement}\n", encoding="utf-8")
    result = _lint(tmp_path)
    assert result.returncode == 1
    caught = {name for name in PLANTS if f"{name} BROKEN" in result.stdout}
    assert caught == set(PLANTS), result.stdout


def test_a_new_adapter_is_concrete_unless_it_is_named_here() -> None:
    contract = next(c for c in _contracts() if c["name"] == "Only wiring names a concrete adapter")
    modules = {path.stem for path in (ROOT / "adapters").glob("*.py")} - {"__init__"}
    open_ones = {name for name in modules if name in OPEN_ADAPTERS or name.startswith("tabular")}
    assert contract["forbidden_modules"] == [f"adapters.{name}" for name in sorted(modules - open_ones)]
