"""Write docs/asvs.md and docs/threats.md: which test proves which requirement and which threat's answer.

Enters: docs/asvs.csv (number, level, our verdict, our words, a test), docs/threats.csv (number, our words, the control
that is not there) and the `threat` markers of the tests. Leaves: two pages. Run it after adding a marker; a test
compares the pages with it. `--run` runs the marked tests first, `--junit FILE` reads what another run of them wrote;
what each came to is kept with its day in docs/threat_results.json, from which the page's results are taken. The
requirements' own sentences are not repeated here: they are OWASP's (ASVS 5.0.0, CC BY-SA 4.0).
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RESULTS = DOCS / "threat_results.json"
WORST = ("failed", "skipped", "passed")
"""Of several runs of one test (its cases) the worst is told."""


def tests_of(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each test function of a file, and the threats that it or its module is marked with."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = [mark for node in tree.body if isinstance(node, ast.Assign) for mark in _threats(node.value)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, module + [mark for one in node.decorator_list for mark in _threats(one)]


def _threats(node: ast.AST) -> list[str]:
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    marks = [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "threat"]
    return [str(word.value) for one in marks for word in one.args if isinstance(word, ast.Constant)]


def known_tests() -> dict[str, list[str]]:
    """Every test of the house by its id, with its threats."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, threats in tests_of(path):
            found[f"{path.relative_to(ROOT).as_posix()}::{name}"] = threats
    return found


def asvs_page(tests: dict[str, list[str]]) -> str:
    """The table of requirements; a verdict `pass` must name a test that exists."""
    rows = _rows(DOCS / "asvs.csv")
    missing = [row["test"] for row in rows if row["verdict"] == "pass" and row["test"] not in tests]
    if missing:
        raise SystemExit(f"docs/asvs.csv names tests that do not exist: {missing}")
    counts = Counter(row["verdict"] for row in rows)
    head = ", ".join(f"{counts[name]} {name}" for name in ("pass", "not applicable", "open"))
    lines = [
        "# OWASP ASVS 5.0.0, levels 1 and 2",
        "",
        f"{len(rows)} requirements (chapter V17 is left out: no WebRTC): {head}. Numbers are ASVS's, words are ours.",
        "A requirement is `open` until a test named here proves it. `scripts/security_pages.py` makes this page.",
        "",
        "| number | level | verdict | in our words | test |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        test = f"`{row['test']}`" if row["test"] else ""
        lines.append(f"| {row['id']} | {row['level']} | {row['verdict']} | {row['words']} | {test} |")
    return "\n".join(lines) + "\n"


def seen_in(junit: Path) -> dict[str, dict[str, str]]:
    """What each test of a JUnit file came to, and on which day; the cases of one test together."""
    found: dict[str, dict[str, str]] = {}
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        on = suite.get("timestamp", "")[:10]
        for case in suite.iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
            kinds = {part.tag for part in case}
            came = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            before = found.get(name, {"result": "passed"})["result"]
            found[name] = {"result": min(came, before, key=WORST.index), "on": on}
    return found


def keep(seen: dict[str, dict[str, str]], tests: dict[str, list[str]]) -> None:
    """Add what was seen of the marked tests to what is kept; a test that is no longer there is forgotten."""
    marked = {name for name, threats in tests.items() if threats}
    kept = {name: row for name, row in {**kept_results(), **seen}.items() if name in marked}
    RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def kept_results() -> dict[str, dict[str, str]]:
    """Test ► what it came to when it was last run for this page, and the day."""
    found: dict[str, dict[str, str]] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def result_of(tests: list[str], kept: dict[str, dict[str, str]]) -> str:
    """One threat's result: passed only if every one of its tests was run and passed; the oldest day counts."""
    rows = [kept.get(test, {"result": "not run", "on": ""}) for test in tests]
    counts = Counter(row["result"] for row in rows)
    told = ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped", "not run") if counts[name])
    days = sorted(row["on"] for row in rows if row["on"])
    return f"{told} ({days[0]})" if days else told


def _told(row: dict[str, str], result: str) -> str:
    """A threat one of whose controls is missing is answered in part, whatever the tests of the others came to."""
    return f"**in part**: {row['missing']}; of what is there: {result}" if row["missing"] else result


def threats_page(tests: dict[str, list[str]]) -> str:
    """The table of threats with the tests that are marked with each, and what these came to."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for test, threats in tests.items():
        for threat in threats:
            proofs[threat].append(test)
    rows = _rows(DOCS / "threats.csv")
    unknown = sorted(proofs.keys() - {row["id"] for row in rows})
    if unknown:
        raise SystemExit(f"tests are marked with threats that docs/threats.csv does not know: {unknown}")
    proved, kept = sum(1 for row in rows if proofs[row["id"]]), kept_results()
    partly = sum(1 for row in rows if row["missing"])
    lines = [
        "# Threats",
        "",
        f"{proved} of {len(rows)} have at least one marked test; {partly} of them are answered in part only: a control",
        "of the threat is not there, and the row says which. Made by `scripts/security_pages.py` from the tests'",
        '`@pytest.mark.threat("Txx")` markers and `threats.csv`; `make test` runs every test named here. The results',
        "are of `scripts/security_pages.py --run` (or `--junit FILE`), with the oldest day; none is typed.",
        "",
        "| threat | what is tried | result | tests |",
        "|---|---|---|---|",
    ]
    for row in rows:
        marked = list(dict.fromkeys(proofs[row["id"]]))
        named = "<br>".join(f"`{test}`" for test in marked) or "none marked yet"
        lines.append(f"| {row['id']} | {row['words']} | {_told(row, result_of(marked, kept))} | {named} |")
    return "\n".join(lines) + "\n"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run_marked(junit: Path) -> None:
    """Run every test that carries a mark; what fails is told by the file, not by an error here."""
    asked = [sys.executable, "-m", "pytest", "-m", "threat", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"]
    subprocess.run([*asked, "tests"], cwd=ROOT, check=False)


def main() -> None:
    """Write both pages, after a run of the marked tests if that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="run the marked tests first")
    parser.add_argument("--junit", type=Path, action="append", default=[], help="what such a run wrote")
    asked, tests = parser.parse_args(), known_tests()
    with tempfile.TemporaryDirectory() as folder:
        files = list(asked.junit)
        if asked.run:
            run_marked(Path(folder) / "junit.xml")
            files.append(Path(folder) / "junit.xml")
        for file in files:
            keep(seen_in(file), tests)
    (DOCS / "asvs.md").write_text(asvs_page(tests), encoding="utf-8")
    (DOCS / "threats.md").write_text(threats_page(tests), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
