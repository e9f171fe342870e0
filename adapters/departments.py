"""Facts of the other departments over HTTP: what happened to people of the register, page by page.

Enters: the code of a feed and a cursor, or a few ID numbers. Leaves: a `FactPage` of raw cells under the names of the
facts' table, so that a pulled fact is checked by the same rules as one from a file. The exchange speaks JSON (GET
/facts/{feed}, POST /facts/{feed}/people) with a bearer token; a page names the day until which the department's own
records told. Wiring builds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from adapters.http import HttpClient
from adapters.ports import FACT_COLUMNS, Cell, FactPage, Row, WillNeverWork


class DepartmentExchange:
    """The departments' exchange; see `adapters.ports.DepartmentFeed`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def pull_facts(self, feed: str, /, *, cursor: str | None = None) -> FactPage:
        """Fetch the page at the cursor; cells under names we do not know are left behind."""
        path = f"/facts/{quote(feed, safe='')}"
        reply = self._client.get(path, call="pull-facts", params={"cursor": cursor} if cursor else None).json()
        page = _page(reply)
        if page.more and page.cursor == cursor:
            raise _not_as_agreed("The department's cursor does not move on.")
        return page

    def facts_of(self, feed: str, id_numbers: Sequence[str], /) -> FactPage:
        """Fetch all facts of a few people; their numbers stand in the body, never in an address."""
        path = f"/facts/{quote(feed, safe='')}/people"
        page = _page(self._client.post(path, call="facts-of", payload={"id_numbers": list(id_numbers)}).json())
        if page.more:
            raise _not_as_agreed("The department tells a part of what was asked.")
        return page


def _page(reply: Mapping[str, Any]) -> FactPage:
    rows, following, more = reply.get("facts"), reply.get("cursor"), reply.get("more", False)
    if not (isinstance(rows, list) and isinstance(following, str) and isinstance(more, bool)):
        raise _not_as_agreed("The department's page is not as agreed.")
    return FactPage(tuple(_row(row) for row in rows), _day(reply.get("as_of")), cursor=following, more=more)


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise _not_as_agreed("The department's page does not say until when it tells.") from None


def _row(row: object) -> Row:
    if not isinstance(row, dict):
        raise _not_as_agreed("A fact of the department is no row.")
    cells: dict[str, Cell] = {}
    for name in FACT_COLUMNS:
        value = row.get(name)
        if isinstance(value, (dict, list)):
            raise _not_as_agreed("A field of the department is not plain.")
        if value is not None and value != "":
            cells[name] = value
    return cells
