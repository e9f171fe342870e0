"""Refused or withdrawn is not the end: the family is watched as a category of its own, is told, and may object.

Enters: a case that ended without help. Leaves: its spell in the low-income register, and the letter that says so.
Called by `outcome` and `service`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases.models import Case
from marketplace.households import categories

REJECTED = "REJECTED"
WITHDRAWN = "WITHDRAWN"
"""Why a family stands there that took its application back."""


def enter_refused(session: Session, case: Case, /, *, reason: str = "", now: datetime) -> None:
    """The spell of a family whose application ended without help, and its letter."""
    on = local_day(now)
    entry = categories.Entry(case.household_id, REJECTED, on, source="case", source_ref=case.id, reason=reason)
    spell = categories.enter(session, entry, actor=SYSTEM, now=now)
    notices.post(session, "register_told", key=f"register:{case.id}", household_id=spell.household_id, now=now)
