"""The shape of the code: small modules that say what they are for, short functions, no machine's paths in any file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.source import nodes_of, tree_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "marketplace", "matching")
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts
)
FOLDERS = (*PACKAGES, ".ci", "bench", "docs", "scripts", "templates", "tests")
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
SHORTEST_PARAGRAPH = 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
PERSONAL = {"full_name", "surname", "phone", "address", "id_number", "birth_date", "birthday", "payee", "contact"}
MACHINE = re.compile(r"(?<![\w.:/])/(work|root|Users|mnt)/\w")
REGISTRY = re.compile(r"\b(pypi|pythonhosted|npmjs|anaconda)\.(org|com)\b|://mirrors?\.")


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what a function does, without its signature and docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_every_module_is_short() -> None:
    lines = {_named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}
    assert len(lines) > 900


def test_every_module_says_what_it_is_for() -> None:
    words = {_named(path): ast.get_docstring(tree_of(path)) or "" for path in MODULES}
    silent = [name for name, said in words.items() if len(said) < SHORTEST_PARAGRAPH]
    assert silent == [], "open the module with a paragraph: what enters, what leaves, who calls it"


def test_every_function_is_short() -> None:
    lines = {f"{_named(path)}: {f.name}": _body_lines(f) for path in MODULES for f in _functions(path)}
    assert {name: count for name, count in lines.items() if count > LONGEST_FUNCTION} == {}
    assert len(lines) > 5_000


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [_named(path) for path in MODULES if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_matching_has_no_field_for_anything_personal() -> None:
    found = []
    for path in (path for path in MODULES if path.is_relative_to(ROOT / "matching")):
        for node in nodes_of(path):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in PERSONAL:
                found.append(f"{_named(path)}: {node.target.id}")
            if isinstance(node, ast.Attribute) and node.attr in PERSONAL:
                found.append(f"{_named(path)}: .{node.attr}")
    assert found == []


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for path in _texts():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{_named(path)}: {m.group()}" for pattern in (MACHINE, REGISTRY) for m in pattern.finditer(text)]
    assert found == []


def _texts() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and path.suffix not in (".png", ".mo", ".xlsx", ".pyc")
            ):
                yield path
