"""The other departments' door: items out, results in, over HTTP with JSON and a bearer token.

Enters: an `ItemOut`, or a cursor. Leaves: nothing once the department has it (POST /items with the item's own key: to
push twice is to push once), or `ItemResult`s with the next cursor (GET /results). What is not as agreed is refused
whole. Wiring builds one door for each department.
"""

from __future__ import annotations

from typing import Literal, cast

from adapters.http import HttpClient
from adapters.items import ItemOut, ItemResult
from adapters.ports import WillNeverWork

OUTCOMES = ("received", "granted", "refused")


class DepartmentDoor:
    """One department; see `adapters.items.Department`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def push(self, item: ItemOut, /) -> None:
        """Hand an item over; its reference is the key under which it is known."""
        payload = {"ref": item.ref, "item": item.code, "subject": item.subject, "facts": dict(item.facts)}
        self._client.post("/items", call="push-item", payload=payload, key=item.ref)

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        """What was said since the cursor."""
        params = {"cursor": cursor} if cursor else None
        reply = self._client.get("/results", call="pull-results", params=params).json()
        rows, following = reply.get("results"), reply.get("cursor")
        if not (isinstance(rows, list) and isinstance(following, str)):
            raise _not_as_agreed("The department's page is not as agreed.")
        return tuple(_result(row) for row in rows), following


def _result(row: object) -> ItemResult:
    if not isinstance(row, dict):
        raise _not_as_agreed("A result of the department is not as agreed.")
    ref, seq, outcome = row.get("ref"), row.get("seq"), row.get("outcome")
    fen, reason = row.get("amount_fen", 0), row.get("reason", "")
    plain = isinstance(ref, str) and isinstance(reason, str) and type(seq) is int and type(fen) is int
    if not plain or outcome not in OUTCOMES or fen < 0:
        raise _not_as_agreed("A result of the department is not as agreed.")
    said = cast(Literal["received", "granted", "refused"], outcome)
    return ItemResult(cast(str, ref), cast(int, seq), said, fen, reason)


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")
