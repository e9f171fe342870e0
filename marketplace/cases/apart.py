"""What an application asks for, and what it leaves to another one that has it already.

Enters: an application and its facts. Leaves: the items that are begun, and the items of others that stand in the way.
Called by `service` when it is sent, and by the page before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.cases import once
from marketplace.cases.evaluate import Facts, Planned, may_be_owed, plan
from marketplace.cases.known import facts_of
from marketplace.cases.models import OPEN, Case, CaseItem, CaseState, ItemState
from marketplace.cases.rules import papers_of

CAUSES = ("illness", "accident", "schooling", "housing", "work")
"""What aid is asked for ► the cause that is aided once a year."""


def left_out(session: Session, case: Case, /, *, now: datetime) -> dict[str, CaseItem]:
    """What this draft would ask for a second time: code ► the item of the other application."""
    return left_to_others(session, case, facts_of(session, case, on=local_day(now)), now=now)


def left_to_others(session: Session, case: Case, facts: Facts, *, now: datetime) -> dict[str, CaseItem]:
    """Of what runs or is granted by other applications, what this one would ask for, or what it has to wait for."""
    found = once.elsewhere(session, case, cause=cause_of(facts), on=local_day(now))
    asked = case.answers.get("only") or ()
    wanted = may_be_owed(facts, district=case.district_code, on=local_day(now), only=asked)
    wanted |= {code for one in planned_for(case, facts, found, now=now) for code in one.after}
    if not wanted:
        wanted = {"DIBAO"}
    return {code: item for code, item in found.items() if code in wanted}


def planned_for(case: Case, facts: Facts, apart: Mapping[str, CaseItem], *, now: datetime) -> list[Planned]:
    granted = {code for code, item in apart.items() if item.state is ItemState.GRANTED}
    only, running = case.answers.get("only") or (), set(apart) - granted
    return plan(facts, district=case.district_code, on=local_day(now), only=only, granted=granted, running=running)


def papers_for(session: Session, case: Case, /, *, now: datetime) -> list[str]:
    """The papers that help with what the application asks for; of a draft what it would ask for. What is decided wants
    none."""
    on = local_day(now)
    if case.state is CaseState.DRAFT:
        facts = facts_of(session, case, on=on)
        found = planned_for(case, facts, left_to_others(session, case, facts, now=now), now=now)
        items = [one.code for one in found]
    else:
        asked = select(CaseItem.code).where(CaseItem.case_id == case.id, col(CaseItem.state).in_(OPEN))
        items = list(session.exec(asked))
    return papers_of(items, district=case.district_code, on=on)


def cause_of(facts: Facts, /) -> str:
    """The event that temporary aid is asked for."""
    return next((want for want in CAUSES if want in facts.wants), "sudden" if "sudden" in facts.ticks else "")
