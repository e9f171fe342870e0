"""The product's own code as syntax trees, each file parsed once in a process whichever test reads it. Read only."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """The file's tree; nobody changes it."""
    return ast.parse(path.read_text(encoding="utf-8"))
