"""The yes to writing down what stays uncovered, said or taken back after the application was sent.

Enters: the household's own word about a case that runs or is decided: a yes is the signer's, a no anybody's at home.
Leaves: the switch as it stands now with its act; of a decided case the clock that asks staff for what stayed uncovered,
or its end. A need that was written down already stays; matching it is a consent of its own. Called by the page,
by `appeals.said` for a no that staff heard, and by `answers` for a yes that two of them heard.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.cases.models import Case, CaseState
from marketplace.cases.papers import signer_of
from marketplace.cases.service import get_case, list_items
from marketplace.cases.uncovered import STEP, ask, ref_of
from marketplace.clocks import service as clocks
from marketplace.db import flush
from marketplace.errors import WrongState


def is_sayable(session: Session, case_id: str, /) -> bool:
    """Whether the case runs, or something of it was decided."""
    case = session.get_one(Case, case_id)
    if case.state is CaseState.WITHDRAWN:
        return any(item.decided_at is not None for item in list_items(session, case.id))
    return case.state in (CaseState.OPEN, CaseState.CLOSED)


def say(
    session: Session,
    case_id: str,
    /,
    *,
    yes: bool,
    said_by: str = "",
    asks: str = "case:withdraw",
    actor: Actor,
    now: datetime,
) -> Case:
    """The same word again changes nothing. Staff who heard it name who `said_by` voice or signature."""
    case = get_case(session, case_id, actor=actor, asks=asks)
    session.refresh(case, with_for_update=True)
    if not is_sayable(session, case.id):
        raise WrongState("case_closed")
    if yes and (said_by or actor.id) != signer_of(session, case, now=now):
        raise WrongState("not_the_signer")
    if case.hand_on is yes:
        return case
    case.hand_on = yes
    session.add(case)
    flush(session)
    entry = audit.Entry("case:hand_on", object_ref=case.id, subject=case.household_id, rule_id="yes" if yes else "no")
    audit.record(session, entry, actor=actor, now=now)
    if not yes:
        clocks.end(session, ref_of(case.id), step=STEP, outcome="taken_back", now=now)
    else:
        ask(session, case, now=now)
    return case
