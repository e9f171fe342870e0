"""The shapes of what partners send and get, as JSON Schema: one source for the checks and for the description.

Enters: a JSON value and a shape. Leaves: nothing, or BadInput that names the member. Called by `door` for every body;
`description` prints the same shapes as OpenAPI. Only the few words of JSON Schema used here are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marketplace.consent.models import Mode, Purpose
from marketplace.errors import BadInput
from marketplace.ledger.models import AidState
from marketplace.offers.models import Acceptance
from marketplace.reference.needs import list_need_kinds

Shape = Mapping[str, Any]
LARGEST = 2**53 - 1


def word(longest: int = 64, **more: Any) -> dict[str, Any]:
    """A string without control characters."""
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[^\\u0000-\\u001f\\u007f]*$", **more}


def whole(least: int = 0, most: int = LARGEST) -> dict[str, Any]:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most}


def one_of(*codes: str) -> dict[str, Any]:
    """One code of a table."""
    return {"type": "string", "enum": list(codes)}


def many(shape: Shape, most: int = 60) -> dict[str, Any]:
    """A list without repeats."""
    return {"type": "array", "items": shape, "maxItems": most, "uniqueItems": True}


def rows(shape: Shape, most: int) -> dict[str, Any]:
    """A list of records, at least one."""
    return {"type": "array", "items": shape, "minItems": 1, "maxItems": most}


def record(needed: Mapping[str, Shape], free: Mapping[str, Shape] | None = None) -> dict[str, Any]:
    """An object of exactly these members."""
    members = {**needed, **(free or {})}
    return {"type": "object", "properties": members, "required": list(needed), "additionalProperties": False}


PURPOSE = one_of(*(purpose.value for purpose in Purpose))
DAY = {"type": "string", "format": "date", "minLength": 10, "maxLength": 10}
PLACE = word(6)
OFFER = record(
    {
        "reference": word(),
        "title": word(120),
        "category": one_of(*(kind.code for kind in list_need_kinds())),
        "stock_units": whole(1),
        "valid_to": DAY,
        "standard": word(400),
        "steps": word(400),
        "rules": word(400),
    },
    {
        "lot": whole(1),
        "min_per_need": whole(0),
        "max_per_need": whole(1),
        "max_per_household": whole(1),
        "districts": many(PLACE),
        "min_urgency": whole(0, 3),
        "valid_from": DAY,
        "unit_cost_fen": whole(0),
        "acceptance": one_of(*(answer.value for answer in Acceptance)),
        "project": word(80),
        "other_project": one_of("yes"),
    },
)
AID = record(
    {
        "reference": word(),
        "category": one_of(*(kind.code for kind in list_need_kinds())),
        "units": whole(1),
        "given_on": DAY,
    },
    {
        "id_number": word(18),
        "household": word(),
        "need": word(),
        "state": one_of(*(state.value for state in AidState)),
        "cause": word(32),
        "person_id_number": word(18),
        "project": word(80),
        "other_project": one_of("yes"),
    },
)
REPORT = record({"aid": rows(AID, 500)})
ACT = record({"purpose": PURPOSE})
DECLINE = record({"purpose": PURPOSE, "reason": word(48)})
DELIVER = record({"purpose": PURPOSE}, {"units": whole(1), "note": word(200)})
LOOK = record({"purpose": PURPOSE}, {"fields": many(word(32), 20), "mode": one_of(*(mode.value for mode in Mode))})
PAPER = record({"purpose": PURPOSE}, {"fields": many(word(32), 20), "kid": word()})
FAULT = record({"error": word()}, {"field": word(), "message": word(400), "reference": word()})


def check(value: Any, shape: Shape, /, *, name: str = "body") -> None:
    """Raise BadInput at the first member that does not have its shape."""
    kind = shape["type"]
    if kind == "object" and type(value) is dict:
        _check_members(value, shape, name=name)
    elif kind == "array" and type(value) is list:
        _check_items(value, shape, name=name)
    elif kind not in ("string", "integer") or not _fits(value, shape):
        raise BadInput("bad_input", field=name)


def _check_items(value: list[Any], shape: Shape, *, name: str) -> None:
    if not shape.get("minItems", 0) <= len(value) <= shape["maxItems"]:
        raise BadInput("bad_input", field=name)
    for item in value:
        check(item, shape["items"], name=name)
    if shape.get("uniqueItems") and len(set(value)) != len(value):
        raise BadInput("bad_input", field=name)


def _check_members(value: dict[str, Any], shape: Shape, *, name: str) -> None:
    known = shape["properties"]
    if not set(value) <= set(known):
        raise BadInput("unknown_member", field=name)
    for wanted in shape["required"]:
        if wanted not in value:
            raise BadInput("purpose_missing" if wanted == "purpose" else "member_missing", field=wanted)
    for member, inner in value.items():
        check(inner, known[member], name=member)


def _fits(value: Any, shape: Shape) -> bool:
    if shape["type"] == "integer":
        return type(value) is int and bool(shape["minimum"] <= value <= shape["maximum"])
    if type(value) is not str:
        return False
    if "enum" in shape:
        return bool(value in shape["enum"])
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        return False
    if not shape["minLength"] <= len(value) <= shape["maxLength"]:
        return False
    if shape.get("format") == "date":
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return re.fullmatch(shape["pattern"], value) is not None
