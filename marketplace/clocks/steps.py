"""The steps that can wait, as data: how long, who holds them, when the holder is reminded.

Source: none in law. No rule that could be read gives days for a referral to charity, so every limit here is this
product's own proposal (mark D of the rules table) and is not to be shown as a legal term. A room that needs another
step adds it here. Called by `clocks.service` and by the pages that name a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Who holds a step: people of a giver, a household, or staff of a district."""

    GIVER = "giver"
    HOUSEHOLD = "household"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Step:
    """One waiting step. `days` are working days; `urgent_days` hold where the need is urgent (0: the same). The holder
    is reminded when each share (per cent) of the time has gone. With `hours` the limit is a number of hours, day
    and night."""

    code: str
    side: Side
    days: int
    urgent_days: int = 0
    remind_at: tuple[int, ...] = (80, 100)
    hours: int = 0


STEPS: dict[str, Step] = {
    step.code: step
    for step in (
        Step("record_consent", Side.STAFF, 1),
        Step("publish", Side.STAFF, 2, urgent_days=1),
        Step("first_approval", Side.STAFF, 3, urgent_days=1),
        Step("second_approval", Side.STAFF, 2, urgent_days=1),
        Step("giver_answer", Side.GIVER, 5, urgent_days=1, remind_at=(40, 80)),
        Step("household_answer", Side.HOUSEHOLD, 5, urgent_days=2, remind_at=(40, 80)),
        Step("deliver", Side.GIVER, 15, urgent_days=5, remind_at=(60, 80)),
        Step("held", Side.STAFF, 5),
        Step("late_delivery", Side.STAFF, 3, urgent_days=1),
        Step("giver_result", Side.GIVER, 5, remind_at=(60, 80)),
        Step("household_confirm", Side.HOUSEHOLD, 5, remind_at=(40, 80)),
        Step("call_household", Side.STAFF, 2, urgent_days=1),
        Step("visit_household", Side.STAFF, 5),
        Step("follow_up", Side.STAFF, 10),
        Step("complaint", Side.STAFF, 5),
        Step("reclaim_asked", Side.GIVER, 5, remind_at=(60, 80)),
        Step("reclaim", Side.GIVER, 20, remind_at=(60, 80)),
        Step("reclaim_late", Side.STAFF, 5),
        Step("paid_missing", Side.STAFF, 3, urgent_days=1),
        Step("payee_check", Side.STAFF, 2, urgent_days=1),
        Step("payment_release", Side.GIVER, 2),
        Step("payment_send", Side.GIVER, 2),
        Step("bank_answer", Side.GIVER, 3),
        Step("payment_late", Side.STAFF, 3),
        Step("paid_after_end", Side.STAFF, 3, urgent_days=1),
        Step("paid_twice", Side.STAFF, 3, urgent_days=1),
        Step("correct_account", Side.HOUSEHOLD, 5, urgent_days=2, remind_at=(40, 80)),
        Step("payee_help", Side.STAFF, 3, urgent_days=1),
        Step("pay_again", Side.GIVER, 5, urgent_days=2),
        Step("project_report", Side.GIVER, 63, remind_at=(80, 100)),
        Step("yearly_report", Side.GIVER, 60, remind_at=(5, 60, 80, 100)),
        Step("right_answer", Side.STAFF, 15, remind_at=(60, 90)),
        Step("source_dispute", Side.STAFF, 10, remind_at=(60, 90)),
        Step("match_review", Side.STAFF, 2, urgent_days=1),
        Step("rule_review", Side.STAFF, 2, urgent_days=1),
        Step("unclaimed", Side.STAFF, 3, urgent_days=1),
        Step("insure_enrol", Side.GIVER, 10),
        Step("insure_find", Side.GIVER, 5, urgent_days=2),
        Step("insure_help", Side.GIVER, 5, urgent_days=2),
        Step("insure_papers", Side.HOUSEHOLD, 15),
        Step("insure_answer", Side.GIVER, 15, urgent_days=5),
        Step("papers_call", Side.STAFF, 3, urgent_days=1),
        Step("insure_late", Side.STAFF, 3, urgent_days=1),
        Step("payout_overlap", Side.STAFF, 3, urgent_days=1),
        Step("payout_change", Side.STAFF, 3, urgent_days=1),
        Step("cover_answer", Side.STAFF, 10, urgent_days=2),
        Step("overlap_look", Side.STAFF, 5),
        Step("feed_look", Side.STAFF, 5),
        Step("record_cost", Side.STAFF, 10, urgent_days=2),
        Step("claim_help", Side.STAFF, 5, urgent_days=2),
        Step("visit_answer", Side.HOUSEHOLD, 3, urgent_days=1, remind_at=(40, 80)),
        Step("visit_call", Side.STAFF, 2, urgent_days=1),
        Step("volunteer_talk", Side.GIVER, 10),
        Step("meeting_duty", Side.STAFF, 10, urgent_days=3),
        Step("urgent_review", Side.STAFF, 1, remind_at=(50, 100)),
        Step("survival_check", Side.HOUSEHOLD, 20, remind_at=(50, 80)),
        Step("survival_visit", Side.STAFF, 5),
        Step("appeal_answer", Side.STAFF, 10, remind_at=(60, 90)),
        Step("favours_answer", Side.STAFF, 10, remind_at=(60, 90)),
        Step("power_check", Side.STAFF, 2),
        Step("guardian_end", Side.STAFF, 2, urgent_days=1),
        Step("emergency_review", Side.STAFF, 1),
        Step("second_call", Side.STAFF, 3, urgent_days=1),
        Step("denied_answer", Side.STAFF, 3, urgent_days=1),
        Step("urgent_answer", Side.GIVER, 0, remind_at=(50,), hours=4),
        Step("case_step", Side.STAFF, 10, remind_at=(80, 100, 120, 150)),
        Step("item_review", Side.STAFF, 20),
        Step("case_papers", Side.HOUSEHOLD, 15, remind_at=(40, 80)),
        Step("case_papers_call", Side.STAFF, 3),
        Step("case_remainder", Side.STAFF, 5),
        Step("alert_red", Side.STAFF, 0, remind_at=(0, 50, 100), hours=24),
        Step("alert_orange", Side.STAFF, 3),
        Step("alert_yellow", Side.STAFF, 10),
        Step("alert_blue", Side.STAFF, 20),
        Step("feed_late", Side.STAFF, 3),
        Step("push_answer", Side.STAFF, 3),
        Step("push_result", Side.STAFF, 15),
    )
}
