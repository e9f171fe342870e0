"""The policy.json of a problem folder.

What enters: the path of the file, or a policy. What leaves: the `Policy`, or `BadInput` naming the setting and its
mend; and the canonical text, which is also what the input hash covers. Called by `matching.folder`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from matching.columns import parse_day
from matching.model import Policy, levels_first, urgency_first
from matching.tables import Wrong
from matching.wellformed import BadInput, Misfit

ORDERS = {"urgency_first": urgency_first, "levels_first": levels_first}


def read_policy(path: Path) -> Policy:
    """Read and check the policy.

    Raises
    ------
    BadInput
        If the file is missing, is not JSON, or a setting is unknown or wrong.
    """
    content = _content(path)
    given: dict[str, Any] = {}
    for key, read in SETTINGS.items():
        try:
            if key in content or key == "as_of":
                given[key] = read(content.get(key), given)
        except Wrong as error:
            misfit = Misfit(path.name, -1, key, str(content.get(key, "")), error.wrong, error.mend)
            raise BadInput([misfit]) from error
    for key in content.keys() - SETTINGS.keys():
        mend = f"remove it, or name it one of {', '.join(SETTINGS)}"
        raise BadInput([Misfit(path.name, -1, key, str(content[key]), "belongs to no setting of a policy", mend)])
    return Policy(**given)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = strict_json(path.read_text("utf-8-sig"))
        if isinstance(content, dict):
            return content
        raise BadInput([Misfit(path.name, -1, "", path.name, "is no JSON object", 'write {"as_of": "YYYY-MM-DD"}')])
    except FileNotFoundError as error:
        mend = 'add it, at least {"as_of": "YYYY-MM-DD"}'
        raise BadInput([Misfit(path.name, -1, "", path.name, "is missing", mend)]) from error
    except UnicodeDecodeError as error:
        raise BadInput([Misfit(path.name, -1, "", path.name, "is not UTF-8", "save it as UTF-8")]) from error
    except json.JSONDecodeError as error:
        misfit = Misfit(path.name, error.lineno - 2, "", error.msg, "is not JSON", "correct this line")
        raise BadInput([misfit]) from error
    except Unclear as error:
        raise BadInput([Misfit(path.name, -1, error.key, error.key or path.name, error.wrong, error.mend)]) from error


class Unclear(Wrong):
    """JSON that does not say one thing: the `key` that stands twice, or an empty one."""

    def __init__(self, key: str, wrong: str, mend: str) -> None:
        super().__init__(wrong, mend)
        self.key = key


def strict_json(text: str) -> Any:
    """What the text says, if every key of an object stands there once and it can be held.

    Raises
    ------
    ValueError
        A `JSONDecodeError` where it is no JSON, else `Unclear`.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise Unclear("", "is nested too deeply", "leave out the inner brackets") from error
    except (json.JSONDecodeError, Unclear):
        raise
    except ValueError as error:  # Python reads no number of thousands of digits
        raise Unclear("", "holds a number that is too long", "write a shorter number") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        key = next(key for at, (key, _) in enumerate(pairs) if key in [name for name, _ in pairs[:at]])
        raise Unclear(key, "stands there twice", "keep one of the two")
    return content


def _as_of(value: object, _: Mapping[str, Any]) -> date:
    return parse_day(value if isinstance(value, str) else "")


def _levels(value: object, _: Mapping[str, Any]) -> int:
    if type(value) is int and 1 <= value <= 100:
        return value
    raise Wrong("is no number of levels", "write a whole number from 1 to 100")


def _order(value: object, given: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    levels = given.get("levels", 10)
    if isinstance(value, str) and value in ORDERS:
        return ORDERS[value](levels)
    if not isinstance(value, list) or not all(_is_cell(cell) for cell in value) or not value:
        raise Wrong("is no order", f"write {', '.join(ORDERS)} or a list of [urgency, level]")
    order = tuple((urgency, level) for urgency, level in value)
    try:
        Policy(as_of=given["as_of"], levels=levels, order=order)
    except ValueError as error:
        mend = f"{error}"
        raise Wrong("is no order of all cells", mend) from error
    return order


def _is_cell(cell: object) -> bool:
    return isinstance(cell, list) and len(cell) == 2 and all(type(part) is int for part in cell)


def _objective(value: object, _: Mapping[str, Any]) -> str:
    if isinstance(value, str) and value in ("coverage", "value"):
        return value
    raise Wrong("is no objective", "write coverage or value")


def _salt(value: object, _: Mapping[str, Any]) -> str:
    if isinstance(value, str) and value.isprintable():
        return value
    raise Wrong("is no salt", "write printable text")


def _budget(value: object, _: Mapping[str, Any]) -> float:
    if not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < 10**9:
        return float(value)
    raise Wrong("is no number of seconds", "write a number above 0")


SETTINGS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "as_of": _as_of,
    "levels": _levels,
    "order": _order,
    "objective": _objective,
    "salt": _salt,
    "budget_s": _budget,
}
"""Every setting and its reader; a later one may look at what the earlier ones gave."""


def policy_text(policy: Policy) -> str:
    """The canonical content of policy.json: keys sorted, a named order by its name."""
    given = {key: getattr(policy, key) for key in SETTINGS}
    given["as_of"] = policy.as_of.isoformat()
    given["order"] = [list(cell) for cell in policy.order]
    for name, order in ORDERS.items():
        if order(policy.levels) == policy.order:
            given["order"] = name
            break
    return json.dumps(given, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
