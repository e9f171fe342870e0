"""What of a closed application stayed uncovered, wish by wish: what a charity may be asked for, with the family's yes.

Enters: a closed case. Leaves: each wish for which nothing was granted, and of an illness the cost that nobody covered;
with the kind of need that fits and the amount where the family named one. Called by `outcome`, by the page of the
application and by `needs.remainder`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.cases.service import list_items
from marketplace.reference.tables import codes, rows


@dataclass(frozen=True, slots=True)
class Left:
    """One wish: the kind of need, its event, and units of that kind; 0 where staff ask how much."""

    want: str
    category: str
    event: str
    units: int


def ref_of(case_id: str, /) -> str:
    """Under which the clock is found that asks for what stayed uncovered."""
    return f"case:{case_id}"


def uncovered(session: Session, case: Case, /) -> list[Left]:
    """What stayed uncovered of a closed case; nothing without the family's yes."""
    if case.state is not CaseState.CLOSED or not case.hand_on:
        return []
    items = {item.code: item for item in list_items(session, case.id)}
    named = {"illness": illness_left(list(items.values())), "schooling": int(case.answers.get("schooling_fen") or 0)}
    found = []
    for row in rows("want_needs"):
        mine = [items[code] for code in codes(row["items"]) if code in items]
        granted = any(item.state is ItemState.GRANTED for item in mine)
        part = row["want"] == "illness" and named["illness"] > 0
        if part or (_wished(case, row["want"], mine) and not granted):
            found.append(Left(row["want"], row["category"], row["event"], named.get(row["want"], 0)))
    return found


def _wished(case: Case, want: str, items: list[CaseItem]) -> bool:
    """Whether the family asked for it: by a tile, or by the code of an item that was refused."""
    only = set(case.answers.get("only") or ())
    refused = any(item.code in only and item.state is ItemState.REFUSED for item in items)
    return want in (case.answers.get("wants") or ()) or refused


def illness_left(items: list[CaseItem], /) -> int:
    """What of the illness cost nobody covered, in fen."""
    of_illness = [item for item in items if item.asked_fen]
    asked = max((item.asked_fen for item in of_illness), default=0)
    return max(0, asked - sum(item.covered_fen for item in of_illness))
