"""Temporary aid after the quick help: it goes on by itself on the ordinary path, in the same application.

Enters: quick help that was granted a moment ago, or refused because nothing was sudden. Leaves: where the table gives
more for what the family paid itself, or who decided asked for it after an accident, or nothing was given, an item on
the ordinary path in the same application, on the answers and papers that lie there, with a letter that says so; what
was given quickly is counted in, and the family can take it back as any other. Nothing begins where the same is asked
for elsewhere already, was had this year, or went on once in this application: then nobody is told that it would.
Called by `outcome`, `withdrawing` and the page of who decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import aided, lateness, once, steps
from marketplace.cases.amounts import by_event
from marketplace.cases.evaluate import unhurried_path
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.cases.rules import FAST
from marketplace.cases.service import facts_of
from marketplace.db import flush, new_id

NOT_SUDDEN = "not_sudden"
"""The reason that says no to the quick help alone."""
QUICK_FIRST = "quick_first"
"""Why it fell while the quick help is decided anew."""
KEPT = {"case_id", "household_id", "code", "department", "once_for", "district_code", "office", "cause", "asked_fen"}
"""What both have in common."""


def begin(session: Session, item: CaseItem, /, *, asked: bool = False, now: datetime) -> CaseItem | None:
    """The item that goes on after this one, if there is one. How heavy an accident was no number tells: there who
    granted the quick help asks for it; what went on once does so again when the quick help was decided anew."""
    goes_on = item.state is ItemState.GRANTED or (item.state is ItemState.REFUSED and item.reason == NOT_SUDDEN)
    if not goes_on or not may_begin(session, item, now=now):
        return None
    case, on = session.get_one(Case, item.case_id), local_day(now)
    facts = facts_of(session, case, on=on)
    here: Any = {"district": item.district_code, "on": on}
    path = unhurried_path(item.code, facts, **here)
    other, events = _other(session, item), by_event(facts, **here)
    asked = asked or (other is not None and other.note == QUICK_FIRST)
    most = max(events.get(one, 0) for one in (("illness", "accident") if asked else ("illness",)))
    if item.state is ItemState.GRANTED and most <= item.amount_fen:
        return None
    found = other or CaseItem(
        **item.model_dump(include=KEPT), id=new_id(), path=path, after=[], state=ItemState.WAITING
    )
    lateness.set_waiting(found)
    session.add(found)
    flush(session)
    steps.begin(session, found, now=now)
    steps.record(session, found, "case:cascade", rule=path, actor=SYSTEM, now=now)
    key = f"larger:{found.id}:{item.turn}"
    notices.post(session, "larger_begun", key=key, household_id=item.household_id, now=now)
    return found


def take_back(session: Session, ended: Iterable[CaseItem], /) -> None:
    """All of an application is taken back, and of it these that were open: what had fallen because its quick help was
    being decided anew goes with it, and was not given up for another reason."""
    for item in ended:
        other = _other(session, item) if item.path == FAST else None
        if other is not None and other.state is ItemState.NOT_NEEDED and other.note == QUICK_FIRST:
            other.state, other.note = ItemState.WITHDRAWN, ""
            session.add(other)


def may_begin(session: Session, item: CaseItem, /, *, now: datetime) -> bool:
    """Whether something could go on after this quick help: what went on once does so anew only where it fell because
    the quick help was decided anew."""
    if item.path != FAST:
        return False
    other = _other(session, item)
    ended = other is not None and other.state is not ItemState.NOT_NEEDED
    return not ended and once.open_besides(session, item) is None and not aided.larger_given(session, item, now=now)


def more_for_event(session: Session, item: CaseItem, /, *, now: datetime) -> int:
    """What the tables give for an accident behind this quick help, where the larger aid could follow; else 0."""
    if not may_begin(session, item, now=now):
        return 0
    on = local_day(now)
    facts = facts_of(session, session.get_one(Case, item.case_id), on=on)
    return by_event(facts, district=item.district_code, on=on).get("accident", 0)


def _other(session: Session, item: CaseItem) -> CaseItem | None:
    """What went on after it in the same application, however it ended."""
    asked = select(CaseItem).where(CaseItem.case_id == item.case_id, CaseItem.code == item.code)
    return session.exec(asked.where(CaseItem.id != item.id).order_by(col(CaseItem.id))).first()
