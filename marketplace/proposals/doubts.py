"""Whether a line that waits still has the household's word.

Enters: a proposed line and its giver. Leaves: the code of what approval would refuse it for, or nothing. Called by the
page of a line; it locks nothing and decides nothing, for approval asks again.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.consent.ask import auto_match_of
from marketplace.proposals.models import LineState, ProposedLine


def doubt_of(session: Session, line: ProposedLine, /, *, org_id: str, now: datetime) -> str:
    """`no_auto_match` or `organisation_excluded`; empty where the word lives and for lines that wait no longer."""
    if line.state is not LineState.PROPOSED:
        return ""
    word = auto_match_of(session, line.household_id, now=now)
    if word is None:
        return "no_auto_match"
    return "organisation_excluded" if org_id in word[2] else ""
