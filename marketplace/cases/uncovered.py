"""What of a closed application stayed uncovered, wish by wish: what a charity may be asked for, with the family's yes.

Enters: a case that is closed, or whose rest was taken back. Leaves: each wish for which nothing was granted, and of an
illness the cost that nobody covered; of what was taken back only that which was decided before; with the kind of need
that fits and the amount where the family named one. Called by `outcome`, `withdrawing`, `handing_on`, by the page of
the application and by `needs.remainder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.cases.rules import FAST
from marketplace.cases.service import list_items
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.reference.tables import codes, rows

STEP = "case_remainder"
OVER = (CaseState.CLOSED, CaseState.WITHDRAWN)


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


def ask(session: Session, case: Case, /, *, now: datetime) -> None:
    """The clock that asks staff for what stayed uncovered, where something did."""
    if uncovered(session, case):
        holder = Holder(district_code=case.district_code)
        clocks.start(session, STEP, ref_of(case.id), holder=holder, now=now)


def uncovered(session: Session, case: Case, /) -> list[Left]:
    """What stayed uncovered of a case that is over; nothing without the family's yes."""
    if case.state not in OVER or not case.hand_on:
        return []
    every = list_items(session, case.id)
    back = {item.code for item in every if item.state is ItemState.WITHDRAWN}
    all_back = case.state is CaseState.WITHDRAWN
    own = [item for item in every if item.decided_at is not None or not (all_back or item.code in back)]
    named = {"illness": illness_left(own), "schooling": int(case.answers.get("schooling_fen") or 0)}
    found = []
    for row in rows("want_needs"):
        behind = codes(row["items"])
        mine = [item for item in own if item.code in behind]
        granted = any(item.state is ItemState.GRANTED for item in _answers(mine))
        part = row["want"] == "illness" and named["illness"] > 0
        decided = any(item.decided_at is not None for item in mine) or not (all_back or back & set(behind))
        if part or (decided and _wished(case, row["want"], mine) and not granted):
            found.append(Left(row["want"], row["category"], row["event"], named.get(row["want"], 0)))
    return found


def _answers(items: list[CaseItem]) -> list[CaseItem]:
    """Without the quick help where a decision about the larger aid followed: that one is the answer."""
    after = {item.code for item in items if item.path != FAST and item.decided_at is not None}
    return [item for item in items if item.path != FAST or item.code not in after]


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
