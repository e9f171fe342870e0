"""The rows of the board of deadlines in words: what waits, for whom, and where a member of staff acts on it.

Enters: one page of clocks. Leaves: rows with the need, the giver or the named person behind each, seven queries
however many there are. A clock of a room above this one is shown by its step and number. Called by the board's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.accounts.standins import deputies, seats_of
from marketplace.actors import Actor
from marketplace.clocks.models import Clock
from marketplace.decisions.models import Match
from marketplace.decisions.officers import object_of
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation

ACTS: dict[str, tuple[str, str]] = {
    "record_consent": ("consent.assist", "household_id"),
    "publish": ("needs.one", "need_id"),
    "first_approval": ("decisions.queue", "run"),
    "second_approval": ("decisions.second", ""),
    "call_household": ("decisions.call", "match_id"),
    "visit_household": ("decisions.call", "match_id"),
    "follow_up": ("decisions.ask", "match_id"),
    "complaint": ("decisions.settle", "match_id"),
    "late_delivery": ("decisions.late_delivery", "match_id"),
    "reclaim": ("decisions.drop_reclaim", "match_id"),
    "reclaim_late": ("decisions.drop_reclaim", "match_id"),
    "paid_missing": ("decisions.drop_reclaim", "match_id"),
    "unclaimed": ("needs.one", "need_id"),
    "payee_check": ("payments.account", "payee_id"),
    "payment_late": ("payments.late_batch", "batch_id"),
    "paid_after_end": ("payments.paid_after_end", "match_id"),
    "paid_twice": ("payments.paid_twice", "line_id"),
    "payee_help": ("payments.assist_account", "household_id"),
    "papers_call": ("needs.one", "need_id"),
    "insure_late": ("decisions.cancel", "match_id"),
    "payout_overlap": ("claims.overlap", "overlap_id"),
    "payout_change": ("claims.change", "change_id"),
    "visit_call": ("appointments.call", "match_id"),
    "meeting_duty": ("meetings.duty", "duty_id"),
    "urgent_review": ("meetings.urgent_case", "urgent_id"),
    "match_review": ("rights.review", "match_id"),
    "rule_review": ("decisions.rule_review", "match_id"),
    "right_answer": ("rights.task", "request_id"),
    "source_dispute": ("rights.dispute", "dispute_id"),
    "survival_visit": ("liveness.one", "check_id"),
    "appeal_answer": ("appeals.one", "appeal_id"),
    "favours_answer": ("appeals.one", "appeal_id"),
    "emergency_review": ("sharing.review", "emergency_id"),
    "power_check": ("proxies.power", "power_id"),
    "guardian_end": ("consent.end_guardian", "link_id"),
    "second_call": ("answers.second", "reading_id"),
    "denied_answer": ("answers.denied", "reading_id"),
    "held": ("decisions.cancel", "match_id"),
    "cover_answer": ("ledger.bill", "need_id"),
    "overlap_look": ("ledger.duplicate", "hit_id"),
    "feed_look": ("ledger.unplaced", ""),
    "record_cost": ("ledger.bill", "need_id"),
    "claim_help": ("ledger.bill", "need_id"),
    "case_step": ("cases.item", "item_id"),
    "case_remainder": ("cases.one", "case_id"),
    "case_papers_call": ("cases.item", "item_id"),
    "item_review": ("cases.review", "item_id"),
    "alert_red": ("signals.home", "household_id"),
    "alert_orange": ("signals.home", "household_id"),
    "alert_yellow": ("signals.home", "household_id"),
    "alert_blue": ("signals.home", "household_id"),
    "feed_late": ("signals.feed", "code"),
    "push_answer": ("portraits.one", "push_id"),
    "push_result": ("portraits.one", "push_id"),
}
"""Step ► the page on which somebody of the staff acts on it, and what its address needs."""
BY_NAME = ("meeting_duty",)
"""Steps whose page opens for the named officer, or who stands in for it, and for nobody else."""


@dataclass(frozen=True, slots=True)
class Row:
    """One running clock: `need` and `units` say what it is about, where that is known here; `deputy` is who stands in
    for its named holder at this moment."""

    clock: Clock
    need: Need | None = None
    units: int = 0
    organisation: Organisation | None = None
    officer: Account | None = None
    deputy: Account | None = None
    household_id: str = ""
    closed_to_us: bool = False

    @property
    def endpoint(self) -> str:
        """The page to act on; empty where only somebody else can act."""
        return "" if self.closed_to_us else ACTS.get(self.clock.step, ("", ""))[0]

    @property
    def number(self) -> str:
        """The first characters of the id of what it is about, as people read them."""
        return object_of(self.clock)[:8].upper()

    @property
    def address(self) -> dict[str, str]:
        """What that page's address needs."""
        argument, ref = ACTS[self.clock.step][1], object_of(self.clock)
        if argument == "run":
            return {"run": ref, "district": self.clock.district_code}
        if argument == "household_id":
            return {argument: self.household_id}
        if argument == "need_id" and self.need is not None:
            return {argument: self.need.id}
        return {argument: ref} if argument else {}


def rows_of(session: Session, clocks: Sequence[Clock], /, *, actor: Actor, now: datetime) -> list[Row]:
    """The clocks with what is behind them, in the same order."""
    refs = [object_of(clock) for clock in clocks]
    matches = _by_id(session, Match, refs)
    needs = _by_id(session, Need, [*refs, *(match.need_id for match in matches.values())])
    givers = _by_id(session, Organisation, [clock.org_id for clock in clocks])
    people = _by_id(session, Account, [clock.account_id for clock in clocks])
    away = deputies(session, people, now=now)
    seats = seats_of(session, actor, now=now)
    built = []
    for clock, ref in zip(clocks, refs, strict=True):
        match = matches.get(ref)
        need = needs.get(match.need_id if match else ref)
        units = match.units if match else need.gap_units - need.committed_units if need else 0
        named, home = clock.account_id, match.household_id if match else ref
        shut = clock.step in BY_NAME and named not in seats
        row = Row(clock, need, units, givers.get(clock.org_id), people.get(named), away.get(named or ""), home, shut)
        built.append(row)
    return built


def _by_id(session: Session, kind: Any, ids: Iterable[str | None]) -> dict[str | None, Any]:
    wanted = {one for one in ids if one}
    return {row.id: row for row in session.exec(select(kind).where(col(kind.id).in_(wanted)))} if wanted else {}
