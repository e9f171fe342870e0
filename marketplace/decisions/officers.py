"""Naming an officer: the approver of a district who holds the fewest steps of a kind, by name from then on.

Enters: a step and a district. Leaves: an account, or nobody where the house has no approver for that district. Called
by the sweeps that pass a late or unclaimed thing to a named person.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.actors import SYSTEM, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.decisions.models import Match
from marketplace.decisions.moves import URGENT
from marketplace.needs.models import Need

Load = dict[str, tuple[Account, int]]
"""Every approver with the number of steps of the kind that it holds."""


def load(session: Session, step: str, /) -> Load:
    """Who could be named, and how much each holds already."""
    held = dict(
        session.execute(
            select(Clock.account_id, func.count())
            .where(col(Clock.step) == step, col(Clock.ended_at).is_(None))
            .group_by(col(Clock.account_id))
        ).all()
    )
    approvers = select(Account).where(col(Account.role) == Role.APPROVER, col(Account.active).is_(True))
    return {one.id: (one, held.get(one.id, 0)) for one in session.exec(approvers.order_by(col(Account.id)))}


def choose(held: Load, district: str, /) -> str | None:
    """The approver of the district, else of the whole city, who holds the fewest; None where there is nobody."""
    own = [one for one in held.values() if district in one[0].districts]
    serving = own or [one for one in held.values() if not one[0].districts]
    if not serving:
        return None
    chosen, many = min(serving, key=lambda one: (one[1], one[0].id))
    held[chosen.id] = (chosen, many + 1)
    return chosen.id


def pass_to(session: Session, match: Match, step: str, /, *, outcome: str, now: datetime) -> Clock | None:
    """End what a match waits for and let a named officer of its district take the step on."""
    named = choose(load(session, step), match.district_code)
    entry = audit.Entry("clock:name", object_ref=match.id, subject=match.household_id, rule_id=step)
    audit.record(session, entry, actor=SYSTEM, now=now)
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    holder = Holder(account_id=named, district_code=match.district_code)
    return clocks.move_on(session, match.id, outcome=outcome, step=step, holder=holder, now=now, urgent=urgent)
