"""Write docs/asvs.md and docs/threats.md: which test proves which requirement and which threat's answer.

Enters: docs/asvs.csv (number, level, our verdict, our words, a test), docs/threats.csv (number, our words) and the
`threat` markers of the tests. Leaves: two pages. Run it after adding a marker; a test compares the pages with it. The
requirements' own sentences are not repeated here: they are OWASP's (ASVS 5.0.0, CC BY-SA 4.0).
"""

from __future__ import annotations

import ast
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


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


def threats_page(tests: dict[str, list[str]]) -> str:
    """The table of threats with the tests that are marked with each."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for test, threats in tests.items():
        for threat in threats:
            proofs[threat].append(test)
    rows = _rows(DOCS / "threats.csv")
    unknown = sorted(proofs.keys() - {row["id"] for row in rows})
    if unknown:
        raise SystemExit(f"tests are marked with threats that docs/threats.csv does not know: {unknown}")
    proved = sum(1 for row in rows if proofs[row["id"]])
    lines = [
        "# Threats",
        "",
        f"{proved} of {len(rows)} have at least one marked test. Made by `scripts/security_pages.py` from the tests'",
        '`@pytest.mark.threat("Txx")` markers and `threats.csv`; `make test` runs every test named here.',
        "",
        "| threat | what is tried | tests |",
        "|---|---|---|",
    ]
    for row in rows:
        named = "<br>".join(f"`{test}`" for test in dict.fromkeys(proofs[row["id"]])) or "none marked yet"
        lines.append(f"| {row['id']} | {row['words']} | {named} |")
    return "\n".join(lines) + "\n"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Write both pages."""
    tests = known_tests()
    (DOCS / "asvs.md").write_text(asvs_page(tests), encoding="utf-8")
    (DOCS / "threats.md").write_text(threats_page(tests), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
