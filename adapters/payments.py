"""Government payments by feed, and the question who covers a cost, over HTTP.

Enters: a cursor, or a `CoverQuestion`. Leaves: a `PaymentPage` of raw cells under the names of the aid template, so
that a payment is checked by the same rules as one from a file; or `CoverAnswer`s. Both speak JSON (GET /payments,
POST /cover) with a bearer token. Wiring builds them.
"""

from __future__ import annotations

from typing import Literal, cast

from adapters.http import HttpClient
from adapters.ports import (
    AID_COLUMNS,
    Cell,
    CoverAnswer,
    CoverQuestion,
    PaymentPage,
    PaymentRecord,
    WillNeverWork,
)

_STATES = ("paid", "expected", "none")


class PaymentFeedDoor:
    """A department's feed; see `adapters.ports.PaymentFeed`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def pull_payments(self, *, cursor: str | None = None) -> PaymentPage:
        """Fetch the page at the cursor; cells under names we do not know are left behind."""
        params = {"cursor": cursor} if cursor else None
        reply = self._client.get("/payments", call="pull-payments", params=params).json()
        rows, following, more = reply.get("payments"), reply.get("cursor"), reply.get("more", False)
        if not (isinstance(rows, list) and isinstance(following, str) and isinstance(more, bool)):
            raise _not_as_agreed("The feed's page is not as agreed.")
        if more and following == cursor:
            raise _not_as_agreed("The feed's cursor does not move on.")
        return PaymentPage(tuple(_record(row) for row in rows), cursor=following, more=more)


class CoverGateway:
    """The insurers' common door; see `adapters.ports.CoverDoor`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def ask_cover(self, question: CoverQuestion, /) -> tuple[CoverAnswer, ...]:
        """Ask once; what is not a known answer is refused whole."""
        payload = {"subject": question.subject, "cost_fen": question.cost_fen}
        reply = self._client.post("/cover", call="ask-cover", payload=payload, key=question.idempotency_key).json()
        answers = reply.get("answers")
        if not isinstance(answers, list):
            raise _not_as_agreed("The insurers' answer is not as agreed.")
        return tuple(_answer(one) for one in answers)


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")


def _record(row: object) -> PaymentRecord:
    if not isinstance(row, dict) or not isinstance(row.get("source_id"), str):
        raise _not_as_agreed("A payment of the feed has no number.")
    cells: dict[str, Cell] = {}
    for name in AID_COLUMNS:
        value = row.get(name)
        if isinstance(value, (dict, list)):
            raise _not_as_agreed("A field of the feed is not plain.")
        if value is not None and value != "":
            cells[name] = value
    return PaymentRecord(source_id=row["source_id"], cells=cells)


def _answer(one: object) -> CoverAnswer:
    if not isinstance(one, dict):
        raise _not_as_agreed("An insurer's answer is not as agreed.")
    payer, state, fen = one.get("payer"), one.get("state"), one.get("fen", 0)
    if not isinstance(payer, str) or state not in _STATES or type(fen) is not int or fen < 0:
        raise _not_as_agreed("An insurer's answer is not as agreed.")
    return CoverAnswer(payer, cast(Literal["paid", "expected", "none"], state), fen)
