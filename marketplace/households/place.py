"""Where a household lives within its district, put right by a member of staff: its street, and its village.

Enters: a household of the actor's district, a street of that district, a village of the street, and why. Leaves: the
household's place, whether it counts as town or country, one act with the names of what changed and the reason, and what
waits for somebody gone along (adr/0081). A list that still tells the former street changes nothing. A move to another
district comes by the register's tables.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import BadInput
from marketplace.households import moved
from marketplace.households.models import Household
from marketplace.households.service import require_household
from marketplace.intake.places import is_town, is_village
from marketplace.reference.districts import streets_of
from marketplace.reference.words import list_codes

REASONS = "place_reason"


def correct(
    session: Session,
    household_id: str,
    /,
    *,
    street_code: str,
    village_code: str = "",
    reason: str,
    actor: Actor,
    now: datetime,
) -> Household:
    """The street, and the village where it is known; a village of another street is not kept."""
    home = require_household(session, household_id, "register:enter", actor=actor)
    moved.hold(session, [home.id], [home.id])
    session.refresh(home, with_for_update=True)
    _check(home, street_code, village_code, reason=reason, now=now)
    wanted = {"street_code": street_code, "village_code": village_code, "urban": is_town(street_code)}
    changed = tuple(name for name, value in wanted.items() if getattr(home, name) != value)
    if not changed:
        raise BadInput("place_same", field="street")
    moved.overrule(home, street_code)
    home.village_code, home.urban = village_code, is_town(street_code)
    session.add(home)
    flush(session)
    acts = [audit.Entry("household:place", subject=home.id, rule_id=reason, fields=changed)]
    if "street_code" in changed:
        acts += moved.follow(session, home, was=home.district_code, now=now)
    audit.record_many(session, acts, actor=actor, now=now)
    return home


def _check(home: Household, street_code: str, village_code: str, *, reason: str, now: datetime) -> None:
    if street_code not in {one.code for one in streets_of(home.district_code, on=local_day(now))}:
        raise BadInput("street_not_here", field="street")
    if village_code and not is_village(village_code, street=street_code):
        raise BadInput("village_not_here", field="village")
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
