"""What every room does by itself between two runs: the sweeps that need no door to the outside.

Enters: an open database and a clock. Leaves: functions that the background worker calls in turn, each of which finds
its own work and does nothing where there is none. Called by `wiring.worker_of`; sweeps that speak with other systems
are added there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from marketplace.accounts import limits, ties
from marketplace.appeals import service as appeals
from marketplace.appointments import overtaken as appointments
from marketplace.boards import keeping, own_facts
from marketplace.cases import by_label, reviews, supervision, uploads
from marketplace.claims import after_end as late_payouts
from marketplace.claims import cases, corrections
from marketplace.claims import waiting as insurers
from marketplace.consent import changes as consent_changes
from marketplace.consent import custody
from marketplace.credentials import receipts
from marketplace.credentials.ending import end_of_facts
from marketplace.db import Database
from marketplace.decisions import asking, beginning, lapsed, unclaimed, waiting
from marketplace.decisions.at_once import hold_changing
from marketplace.households import comparing
from marketplace.households.changed import WHEN_CHANGED
from marketplace.households.moved import HOLDING, WHEN_MOVED
from marketplace.ledger import claiming, granted_aid, handing_in, late, promised, repeats, reporting
from marketplace.liveness import listed as listed_survival
from marketplace.liveness import schedule as survival
from marketplace.meetings import calling, night, urgent
from marketplace.offers.demand import publish_when_due
from marketplace.organisations import agreements
from marketplace.payments import after_end
from marketplace.payments import late as late_payments
from marketplace.payments import waiting as payments
from marketplace.portraits import ranking
from marketplace.proposals import expiry, quotes
from marketplace.proxies import agents
from marketplace.readback import service as readings
from marketplace.reports import yearly
from marketplace.rights import erasing, moving, told
from marketplace.sharing import deletions, replies
from marketplace.signals import sweeping
from marketplace.visits import quota

Sweeps = tuple[Callable[[], object], ...]
BARRED = {
    "appeal_answer": appeals.deciders,
    "second_call": readings.readers,
    "denied_answer": readings.readers,
    "urgent_review": urgent.pair_of,
    "payout_change": corrections.who_asked,
    "guardian_end": custody.who_asked,
}
"""Step ► the accounts that must not be named for it, because they had a hand in what is looked at."""
WHEN_MOVED.append(moving.follow)
HOLDING.append(hold_changing)
WHEN_CHANGED.append(end_of_facts)


def sweeps_of(database: Database, /, *, clock: Callable[[], datetime]) -> Sweeps:
    """The sweeps in their order; what the house knows itself is told before the rules of the watch are asked."""

    def each_time(*acts: Callable[..., object]) -> Sweeps:
        return tuple(partial(act, database, clock=clock) for act in acts)

    def now_and_then(*looks: Callable[..., int]) -> Sweeps:
        return tuple(unclaimed.Watch(database, clock=clock, looking=look) for look in looks)

    def with_memory(*kinds: Callable[..., Callable[[], object]]) -> Sweeps:
        return tuple(kind(database, clock=clock) for kind in kinds)

    return (
        *each_time(publish_when_due, quotes.sweep, cases.sweep, partial(waiting.sweep, barred=BARRED)),
        *each_time(supervision.sweep, uploads.sweep, reviews.sweep, insurers.sweep, payments.sweep),
        *now_and_then(payments.look),
        *each_time(late_payments.sweep, after_end.sweep, late_payouts.sweep, night.sweep, calling.sweep),
        *now_and_then(unclaimed.look, by_label.look, lapsed.look, beginning.look, ranking.look),
        *now_and_then(supervision.publish_due, listed_survival.look, told.look),
        *each_time(appointments.sweep, survival.sweep, agents.sweep, agreements.sweep, expiry.sweep),
        *with_memory(receipts.Desk, erasing.Nightly),
        *each_time(comparing.sweep, late.sweep_same),
        *now_and_then(repeats.looks, ties.forget, limits.forget),
        *each_time(granted_aid.sweep, promised.sweep, asking.sweep, claiming.sweep, handing_in.sweep),
        *each_time(reporting.sweep_strangers),
        *with_memory(own_facts.Daily, sweeping.Nightly, quota.Nightly, keeping.Hourly),
        *each_time(consent_changes.sweep),
        *now_and_then(deletions.look),
        *each_time(replies.sweep, consent_changes.remind, yearly.sweep),
    )
