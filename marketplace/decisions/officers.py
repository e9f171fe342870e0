"""Naming an officer: who of a district may take a step and holds the fewest of its kind, by name from then on.

Enters: a step and a district. Leaves: an account, or nobody where the house has none of that role for the district.
Called by the sweeps that pass a late or unclaimed thing to a named person, by the reminder of a step that nobody has
taken, and by the review of an urgent night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
"""Everybody who could be named, with the number of steps of the kind that each holds."""
Barred = Callable[[Session, str], Collection[str]]
"""For the object of a step: the accounts that must not take it, because they had a hand in it before."""
TAKEN_BY = {
    **dict.fromkeys(("record_consent", "call_household", "visit_household", "follow_up", "payee_help"), Role.WORKER),
    **dict.fromkeys(("papers_call", "record_cost", "claim_help", "visit_call", "survival_visit"), Role.WORKER),
    **dict.fromkeys(("second_call", "item_review", "case_papers_call"), Role.WORKER),
    **dict.fromkeys(("alert_red", "alert_orange", "alert_yellow", "alert_blue"), Role.WORKER),
    **dict.fromkeys(("publish", "complaint", "payee_check", "right_answer", "source_dispute"), Role.VERIFIER),
    **dict.fromkeys(("cover_answer", "overlap_look", "power_check", "push_answer", "push_result"), Role.VERIFIER),
    **dict.fromkeys(("feed_late", "feed_look", "denied_answer"), Role.VERIFIER),
    **dict.fromkeys(("first_approval", "second_approval", "held", "late_delivery", "reclaim_late"), Role.APPROVER),
    **dict.fromkeys(("paid_missing", "paid_twice", "payout_change", "rule_review"), Role.APPROVER),
    **dict.fromkeys(
        ("payment_late", "paid_after_end", "match_review", "unclaimed", "insure_late", "payout_overlap"), Role.APPROVER
    ),
    **dict.fromkeys(("meeting_duty", "urgent_review", "appeal_answer", "guardian_end"), Role.APPROVER),
    "case_remainder": Role.VERIFIER,
    "favours_answer": Role.PROTECTION_OFFICER,
    "emergency_review": Role.PROTECTION_OFFICER,
}
"""Steps of staff that get a named holder with their first reminder if nobody has taken them, and whose they are."""
BY_LADDER = frozenset({"case_step"})
"""Steps of staff whose reminders name people by rungs of their own (`cases.supervision`)."""


def load(session: Session, step: str, /, *, role: Role = Role.APPROVER) -> Load:
    """Who could be named, and how much each holds already."""
    held = dict(
        session.execute(
            select(Clock.account_id, func.count())
            .where(col(Clock.step) == step, col(Clock.ended_at).is_(None))
            .group_by(col(Clock.account_id))
        ).all()
    )
    able = select(Account).where(col(Account.role) == role, col(Account.active).is_(True))
    return {one.id: (one, held.get(one.id, 0)) for one in session.exec(able.order_by(col(Account.id)))}


def choose(held: Load, district: str, /, *, but: Collection[str] = ()) -> str | None:
    """Whoever serves the district, else the whole city, and holds the fewest, those with streets of their own last;
    None where there is nobody `but` those who must not."""
    able = [one for one in held.values() if one[0].id not in but]
    own = [one for one in able if district in one[0].districts]
    serving = own or [one for one in able if not one[0].districts]
    if not serving:
        return None
    chosen, many = min(serving, key=lambda one: (bool(one[0].streets), one[1], one[0].id))
    held[chosen.id] = (chosen, many + 1)
    return chosen.id


def name_holder(session: Session, clock: Clock, /, *, barred: Mapping[str, Barred], now: datetime) -> bool:
    """A step of staff that nobody has taken gets a holder by name; False if there is nobody whose step it could be."""
    role = TAKEN_BY.get(clock.step)
    if role is None or clock.account_id is not None:
        return True
    ref = object_of(clock)
    match = session.get(Match, ref)
    but = barred[clock.step](session, ref) if clock.step in barred else ()
    if clock.step == "second_approval" and match is not None:
        but = (match.approver_id, match.approver_for)
    clock.account_id = choose(load(session, clock.step, role=role), clock.district_code, but=but)
    if clock.account_id is None:
        return False
    session.add(clock)
    about = match.household_id if match is not None else ""
    entry = audit.Entry("clock:name", object_ref=ref, subject=about, rule_id=clock.step)
    audit.record(session, entry, actor=SYSTEM, now=now)
    return True


def object_of(clock: Clock, /) -> str:
    """The id of what a clock is about: some carry a word before it, because two may run for one match."""
    return clock.object_ref.rpartition(":")[2]


def pass_to(session: Session, match: Match, step: str, /, *, outcome: str, now: datetime) -> Clock | None:
    """End what a match waits for and let a named officer of its district take the step on."""
    named = choose(load(session, step), match.district_code)
    entry = audit.Entry("clock:name", object_ref=match.id, subject=match.household_id, rule_id=step)
    audit.record(session, entry, actor=SYSTEM, now=now)
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    holder = Holder(account_id=named, district_code=match.district_code)
    return clocks.move_on(session, match.id, outcome=outcome, step=step, holder=holder, now=now, urgent=urgent)
