"""Mutation testing of the rooms that trust stands on: a small fault is put into the code, and some test has to fail.

Enters: which rooms, how many mutants of each, how many seconds. Leaves: a score per room on the console and
bench/results/mutation.json with every mutant's fate, so that a later run goes on where this one stopped. Each mutant
runs in a forked child whose functions get the mutated code; no file is changed. Mutants lie inside functions only:
tables at module level are compared by tests of their own. `make mutate` runs it.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ROOT = Path(__file__).parents[1]
STORE = ROOT / "bench" / "results" / "mutation.json"
CPU_LIMIT_S = 120
"""A mutant that runs for so long in an endless loop counts as found."""
ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "policy": (
        ("marketplace/policy.py", "marketplace/guards.py"),
        ("tests/marketplace/test_policy.py", "tests/house/test_access.py", "tests/marketplace/test_consent_changes.py"),
    ),
    "consent": (
        tuple(f"marketplace/consent/{name}.py" for name in ("ask", "capacity", "changes", "service", "versions")),
        tuple(f"tests/marketplace/test_consent_{name}.py" for name in ("changes", "life", "refusals", "pages", "walk")),
    ),
    "sealed": (
        tuple(f"marketplace/{name}.py" for name in ("sealed", "suites", "keyring")),
        ("tests/marketplace/test_sealed.py", "tests/marketplace/test_keys.py"),
    ),
    "audit": (
        ("marketplace/audit.py", *(f"marketplace/trail/{name}.py" for name in ("tree", "notes", "service", "witness"))),
        tuple(f"tests/marketplace/test_{name}.py" for name in ("audit", "trail_tree", "trail")),
    ),
    "sharing": (
        tuple(f"marketplace/sharing/{name}.py" for name in ("pipeline", "service", "papers", "gate", "clients")),
        tuple(
            f"tests/marketplace/test_{name}.py"
            for name in ("pipeline", "sharing_edges", "machines_pages", "partner_papers", "partner_api", "consent_walk")
        ),
    ),
}
COMPARE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


@dataclass(frozen=True)
class Mutant:
    """One fault: the file, the place of the node, and what is done to it."""

    file: str
    line: int
    column: int
    kind: str

    @property
    def key(self) -> str:
        """Its name in the store."""
        return f"{self.file}:{self.line}:{self.column}:{self.kind}"


def kinds_of(node: ast.AST) -> Iterator[str]:
    """What can be done to this node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        yield "compare"
    elif isinstance(node, ast.BoolOp):
        yield "and_or"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not"
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield "arithmetic"
    elif isinstance(node, ast.Constant) and type(node.value) in (bool, int):
        yield "constant"
    elif isinstance(node, ast.If):
        yield from ("if_always", "if_never")
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return_none"
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call_left_out"


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class Change(ast.NodeTransformer):
    """Puts one fault into a tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant, self.done = mutant, False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """The node itself first, then what is in it."""
        super().generic_visit(node)
        here = (getattr(node, "lineno", 0), getattr(node, "col_offset", -1)) == (self.mutant.line, self.mutant.column)
        if self.done or not here or self.mutant.kind not in kinds_of(node):
            return node
        self.done = True
        return ast.copy_location(changed(node, self.mutant.kind), node)


def changed(node: Any, kind: str) -> ast.AST:
    """The faulty node."""
    if kind == "compare":
        node.ops = [COMPARE[type(node.ops[0])]()]
    elif kind == "and_or":
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif kind == "not":
        return ast.copy_location(node.operand, node)
    elif kind == "arithmetic":
        node.op = ARITHMETIC[type(node.op)]()
    elif kind == "constant":
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
    elif kind in ("if_always", "if_never"):
        node.test = ast.copy_location(ast.Constant(kind == "if_always"), node.test)
    elif kind == "return_none":
        node.value = ast.copy_location(ast.Constant(None), node.value)
    else:
        return ast.Pass()
    return node  # type: ignore[no-any-return]


@cache
def mutants_of(file: str) -> list[Mutant]:
    """Every fault that can be put into the functions of a file, in the file's order."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            body = function.body if isinstance(function.body, list) else [function.body]
            inside = [node for statement in body for node in ast.walk(statement)]
            found += [Mutant(file, n.lineno, n.col_offset, k) for n in inside for k in kinds_of(n)]  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))


def codes(code: CodeType) -> Iterator[CodeType]:
    """This code object and every one in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def apply(mutant: Mutant) -> int:
    """Give the living functions of this process the mutated code; return how many."""
    path = str(ROOT / mutant.file)
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    tree = ast.fix_missing_locations(Change(mutant).visit(ast.parse(text)))
    flags = __import__("__future__").annotations.compiler_flag
    new = {_place(code): code for code in codes(compile(tree, path, "exec", flags=flags, dont_inherit=True))}
    put = 0
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename == path:
            fresh = new.get(_place(thing.__code__))
            if fresh is not None and fresh.co_freevars == thing.__code__.co_freevars:
                thing.__code__ = fresh
                put += 1
    return put


def _place(code: CodeType) -> tuple[str, int, int]:
    first = next(iter(code.co_positions()), (0, 0, 0, 0))
    return code.co_qualname, code.co_firstlineno, first[2] or 0 if code.co_name == "<lambda>" else 0


def run(mutant: Mutant | None, tests: tuple[str, ...]) -> str:
    """Fork, mutate, test: `survived`, `killed` or `unreached` (no living function holds the
    code: nothing was proved, so it counts as survived)."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {0: "survived", 77: "unreached"}.get(status, "killed")
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    code = 1
    try:
        import pytest

        if mutant is not None and not apply(mutant):
            os._exit(77)
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not postgres", *tests]))
    finally:
        os._exit(code)


def load() -> dict[str, Any]:
    """What is known from earlier runs; the mutants of a file that has changed since are tried anew."""
    told: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    found = {room: _still_true(room, kept) for room, kept in told.items() if room in ROOMS}
    return {room: kept | summed(room, kept["fates"]) for room, kept in found.items()}


def _still_true(room: str, kept: dict[str, Any]) -> dict[str, Any]:
    now, then = fingerprints(ROOMS[room][0]), kept.get("sources")
    same = {file for file in now if isinstance(then, dict) and then.get(file) == now[file]}
    fates = {key: fate for key, fate in kept["fates"].items() if key.partition(":")[0] in same}
    return {"sources": now, "fates": fates}


def fingerprints(files: tuple[str, ...]) -> dict[str, str]:
    """Of each source of a room."""
    return {file: sha256((ROOT / file).read_bytes()).hexdigest()[:16] for file in files}


def main() -> int:
    """Try a sample of each room's mutants; print and keep the scores."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rooms", nargs="*", default=list(ROOMS), choices=list(ROOMS))
    asked.add_argument("--sample", type=int, default=40, help="mutants of each room in all, earlier runs included")
    asked.add_argument("--seconds", type=float, default=600.0)
    wanted = asked.parse_args()
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    import marketplace.app
    import marketplace.wiring

    assert marketplace.app.ROOMS
    told, until = load(), time.monotonic() + wanted.seconds
    for room in wanted.rooms:
        files, tests = ROOMS[room]
        everything = [mutant for file in files for mutant in mutants_of(file)]
        sample = random.Random(7).sample(everything, min(wanted.sample, len(everything)))
        kept = told.setdefault(room, {"sources": fingerprints(files), "fates": {}})
        todo = [mutant for mutant in sample if mutant.key not in kept["fates"]]
        if todo and run(None, tests) != "survived":
            raise SystemExit(f"the tests of {room} fail without any mutant")
        for mutant in todo:
            if time.monotonic() > until:
                break
            kept["fates"][mutant.key] = run(mutant, tests)
            _write(told, room)
        _write(told, room)
        sys.stdout.write(
            f"{room:8} {kept['killed']} of {kept['tried']} found ({kept['score']} %), {len(everything)} in all\n"
        )
    return 0


def summed(room: str, fates: dict[str, str]) -> dict[str, Any]:
    """The figures of a room; they are kept for rooms that this run does not try, too."""
    tried, killed = len(fates), list(fates.values()).count("killed")
    return {
        "mutants": sum(len(mutants_of(file)) for file in ROOMS[room][0]),
        "tried": tried,
        "killed": killed,
        "score": round(100 * killed / tried, 1) if tried else 0,
        "survivors": sorted(key for key, fate in fates.items() if fate != "killed"),
    }


def _write(told: dict[str, Any], room: str) -> None:
    told[room] |= summed(room, told[room]["fates"])
    STORE.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
