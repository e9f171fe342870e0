"""The product's own code as syntax trees, each file parsed once in a process whichever test reads it. Read only."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """The file's tree; nobody changes it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of the file, each after the one it stands in."""
    return tuple(ast.walk(tree_of(path)))


def code_of(node: ast.expr) -> str:
    """The code of an expression, as `ast.unparse` writes it: names and their members, which most are, more quickly.

    >>> code_of(ast.parse("a.b.c").body[0].value), code_of(ast.parse("a(1).b").body[0].value)
    ('a.b.c', 'a(1).b')
    """
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name() | ast.Attribute()):
            return f"{code_of(node.value)}.{node.attr}"
    return ast.unparse(node)
