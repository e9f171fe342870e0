"""The language of the rules: one sentence of text, read into a tree of known parts, checked before it is stored.

Enters: text such as ``total("OWN_COST", months=12) > yuan(x) and is_rural()`` and the thresholds it names. Leaves: a
tree of the frozen values of `parts`, or `RuleFault` with the word that is wrong. Python's own parser reads the text;
nothing of it is ever run: each part of the tree must be one that is listed here. Called by `rules` (to check) and
`compiling` (to make SQL).

What a rule may say. Numbers: whole or decimal ones, names of thresholds, ``yuan(n)``, ``+ - *``; of facts ``total
largest count people_with latest days_since silent``; of the household ``people standard rural_income age``. Conditions:
``has(kind)``, ``begins(kind, months=n)``, ``in_category(codes)``, ``is_rural()``, comparisons, ``and or not``;
``anyone(condition)`` in a rule about households: one of its people meets it;
``in_category(codes, days=n)`` asks for those who are in one now and were in one before these days. A fact that nobody
told, or an age that nobody knows, is unknown; a comparison with the unknown is not met, and ``not`` of it is.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from marketplace.reference.facts import fact_kinds
from marketplace.reference.words import list_codes
from marketplace.signals.parts import (
    Aggregate,
    Anyone,
    Attribute,
    Compare,
    Condition,
    Every,
    Has,
    InCategory,
    IsRural,
    Not,
    Number,
    Some,
    Sum,
    Value,
    Window,
    parts_of,
)

LONGEST, DEEPEST = 600, 12
AGGREGATES = ("total", "largest", "count", "people_with", "latest", "days_since", "silent")
ATTRIBUTES = ("people", "standard", "rural_income", "age", "feed_age", "fresh_days")
_SIGNS: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARED: dict[type[ast.AST], str] = {
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
}


class RuleFault(ValueError):
    """The text is no rule; `code` is translated, `word` is what is wrong."""

    def __init__(self, code: str, word: str = "") -> None:
        super().__init__(f"{code}: {word}")
        self.code, self.word = code, word[:40]


def read_rule(text: str, thresholds: Mapping[str, float], /) -> Condition:
    """The tree of a rule.

    >>> read_rule('total("OWN_COST", months=12) > yuan(x)', {"x": 10000}).right
    Value(value=1000000.0)

    Raises
    ------
    RuleFault
        Something in the text is not of this language, names no known kind, category or threshold, or a threshold is
        not used.
    """
    if len(text) > LONGEST:
        raise RuleFault("rule_too_long")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RuleFault("rule_unreadable") from error
    reader = _Reader(thresholds)
    found = reader.condition(body, DEEPEST)
    unused = set(thresholds) - reader.used
    if unused:
        raise RuleFault("threshold_unused", min(unused))
    return found


class _Reader:
    """Walks the parser's tree once; whatever is not listed is a fault."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._thresholds = thresholds
        self.used: set[str] = set()

    def condition(self, node: ast.expr, depth: int) -> Condition:
        if not depth:
            raise RuleFault("rule_too_deep")
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.condition(part, depth - 1) for part in node.values)
            return Every(parts) if isinstance(node.op, ast.And) else Some(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand, depth - 1))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
            sign = _COMPARED[type(node.ops[0])]
            return Compare(sign, self.number(node.left, depth - 1), self.number(node.comparators[0], depth - 1))
        if isinstance(node, ast.Call):
            return self._said(node, depth)
        raise RuleFault("not_a_condition", _shown(node))

    def _said(self, node: ast.Call, depth: int) -> Condition:
        name = _name(node)
        if name == "has":
            return Has(_kind(node), self._window(node))
        if name == "begins":
            kind, window = _kind(node), self._window(node)
            if not window.months:
                raise RuleFault("bad_window", _shown(node))
            return Has(kind, window, first=True)
        if name == "anyone" and len(node.args) == 1 and not node.keywords:
            part = self.condition(node.args[0], depth - 1)
            if any(isinstance(inner, Anyone | IsRural) for inner in parts_of(part)):
                raise RuleFault("not_a_condition", _shown(node))
            return Anyone(part)
        if name == "is_rural" and not node.args and not node.keywords:
            return IsRural()
        if name == "in_category" and node.args:
            codes = tuple(_text(argument) for argument in node.args)
            for code in codes:
                if code not in list_codes("monitoring_category"):
                    raise RuleFault("unknown_category", code)
            return InCategory(codes, self._window(node))
        raise RuleFault("not_a_condition", _shown(node))

    def number(self, node: ast.expr, depth: int) -> Number:
        if not depth:
            raise RuleFault("rule_too_deep")
        if isinstance(node, ast.Constant | ast.Name):
            return Value(self._plain(node))
        if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
            return Sum(_SIGNS[type(node.op)], self.number(node.left, depth - 1), self.number(node.right, depth - 1))
        if isinstance(node, ast.Call):
            return self._counted(node)
        raise RuleFault("not_a_number", _shown(node))

    def _counted(self, node: ast.Call) -> Number:
        name = _name(node)
        if name == "yuan" and len(node.args) == 1 and not node.keywords:
            return Value(100 * self._plain(node.args[0]))
        if name in ATTRIBUTES and not node.args and not node.keywords:
            return Attribute(name)
        if name in AGGREGATES:
            return Aggregate(name, _kind(node), self._window(node))
        raise RuleFault("not_a_number", _shown(node))

    def _window(self, node: ast.Call) -> Window:
        told = {word.arg: word.value for word in node.keywords}
        if len(told) > 1 or set(told) - {"months", "days"}:
            raise RuleFault("bad_window", _shown(node))
        for unit, value in told.items():
            length = self._plain(value)
            if length != int(length) or not 1 <= length <= (120 if unit == "months" else 3660):
                raise RuleFault("bad_window", _shown(node))
            return Window(months=int(length)) if unit == "months" else Window(days=int(length))
        return Window()

    def _plain(self, node: ast.expr) -> float:
        held = node.value if isinstance(node, ast.Constant) else None
        if isinstance(held, int | float) and not isinstance(held, bool) and 0 <= held < 1e12:
            return float(held)
        if isinstance(node, ast.Name):
            if node.id not in self._thresholds:
                raise RuleFault("unknown_threshold", node.id)
            self.used.add(node.id)
            return float(self._thresholds[node.id])
        raise RuleFault("not_a_number", _shown(node))


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise RuleFault("not_a_word", _shown(node))


def _kind(node: ast.Call) -> str:
    if len(node.args) != 1:
        raise RuleFault("unknown_kind", _shown(node))
    kind = _text(node.args[0])
    if kind not in fact_kinds():
        raise RuleFault("unknown_kind", kind)
    return kind


def _shown(node: ast.AST) -> str:
    try:
        return ast.unparse(node)[:40]
    except RecursionError:
        return ""
