"""Temporary aid after the quick help: it goes on by itself on the ordinary path, in the same application.

Enters: quick help that was granted a moment ago, or refused because nothing was sudden. Leaves: where the table gives
more for what the family paid itself, or nothing was given, an item on the ordinary path in the same application, on the
answers and papers that lie there, with a letter that says so; what was given quickly is counted in, and the family can
take it back as any other. Nothing begins where the same is asked for
elsewhere already, or was had this year. Called by `outcome`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import aided, lateness, once, steps
from marketplace.cases.amounts import proposed
from marketplace.cases.evaluate import unhurried_path
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.cases.rules import FAST
from marketplace.cases.service import facts_of
from marketplace.db import flush, new_id

NOT_SUDDEN = "not_sudden"
"""The reason that says no to the quick help alone."""
KEPT = {"case_id", "household_id", "code", "department", "once_for", "district_code", "office", "cause", "asked_fen"}
"""What both have in common."""


def begin(session: Session, item: CaseItem, /, *, now: datetime) -> CaseItem | None:
    """The item that goes on after this one, if there is one."""
    if item.path != FAST or (item.state is ItemState.REFUSED and item.reason != NOT_SUDDEN):
        return None
    case, on = session.get_one(Case, item.case_id), local_day(now)
    facts = facts_of(session, case, on=on)
    here: Any = {"district": item.district_code, "on": on}
    path = unhurried_path(item.code, facts, **here)
    if item.state is ItemState.GRANTED and proposed(item.code, facts, path=path, **here) <= item.amount_fen:
        return None
    found = _fallen(session, item) or CaseItem(
        **item.model_dump(include=KEPT), id=new_id(), path=path, after=[], state=ItemState.WAITING
    )
    if once.open_besides(session, found) is not None or aided.aided_already(session, found, now=now):
        return None
    lateness.set_waiting(found)
    session.add(found)
    flush(session)
    steps.begin(session, found, now=now)
    steps.record(session, found, "case:cascade", rule=path, actor=SYSTEM, now=now)
    key = f"larger:{found.id}:{item.turn}"
    notices.post(session, "larger_begun", key=key, household_id=item.household_id, now=now)
    return found


def _fallen(session: Session, item: CaseItem) -> CaseItem | None:
    """The one that had begun and fell, because the quick help was decided anew."""
    asked = select(CaseItem).where(CaseItem.case_id == item.case_id, CaseItem.code == item.code)
    asked = asked.where(CaseItem.id != item.id, CaseItem.state == ItemState.NOT_NEEDED)
    return session.exec(asked.order_by(col(CaseItem.id))).first()
