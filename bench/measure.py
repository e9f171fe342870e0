"""Where, with what and for how long: what every bench writes beside its figures.

What enters: nothing. What leaves: the machine and the versions, the processor time, and a function run in a process of
its own that is killed when its time is up. Called by the scripts of this folder.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

Row = dict[str, Any]
SOLVER = Path(__file__).parent.parent / "matching"


def machine() -> Row:
    """Where and with what this was measured."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "ortools", "highspy", "networkx")},
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "solver": solver(),
    }


def solver(folder: Path = SOLVER) -> str:
    """A short hash over what the allocator's modules do: comments, docstrings and layout change nothing in it."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [one for one in body if not _is_words(one)]  # type: ignore[attr-defined]
        total.update(path.name.encode() + ast.dump(tree).encode())
    return total.hexdigest()[:16]


def _is_words(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def cpu_seconds(*, children_only: bool = False) -> float:
    """Processor time of this process and of its children that have ended: the fair figure on a busy machine."""
    asked = (resource.RUSAGE_CHILDREN,) if children_only else (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, asked))


def peak_mb() -> float:
    """The most memory this process has had, since the mark was last set back, in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_child(work: Callable[[], Row], *, seconds: float) -> Row:
    """What `work` tells, with its seconds, CPU seconds and the memory it took beyond what was there.

    A child that passes `seconds` is killed: the row then has the time it used and a remark.
    """
    here, there = get_context("fork").Pipe(duplex=False)

    def run() -> None:
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the parent's own peak is not this method's
        before, start, used = peak_mb(), perf_counter(), cpu_seconds()
        row = work()
        spent = {"seconds": round(perf_counter() - start, 3), "cpu_seconds": round(cpu_seconds() - used, 3)}
        there.send(spent | {"memory_mb": round(peak_mb() - before, 1)} | row)

    child = get_context("fork").Process(target=run)
    used, start = cpu_seconds(children_only=True), perf_counter()
    child.start()
    there.close()
    found: Row = {"remark": "died"}
    try:
        found = here.recv() if here.poll(max(0.0, seconds)) else {"remark": "cut"}
    except EOFError:
        pass
    finally:
        child.kill()
        child.join()
    spent = round(cpu_seconds(children_only=True) - used, 3)
    return {"seconds": round(perf_counter() - start, 3), "cpu_seconds": spent} | found
