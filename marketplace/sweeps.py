"""What every room does by itself between two runs: the sweeps that need no door to the outside.

Enters: an open database and a clock. Leaves: functions that the background worker calls in turn, each of which finds
its own work and does nothing where there is none. Called by `wiring.worker_of`; sweeps that speak with other systems
are added there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from marketplace.appeals import service as appeals
from marketplace.appointments import overtaken as appointments
from marketplace.boards import keeping, own_facts
from marketplace.cases import by_label, reviews, supervision, uploads
from marketplace.claims import after_end as late_payouts
from marketplace.claims import cases, corrections
from marketplace.claims import waiting as insurers
from marketplace.consent import changes as consent_changes
from marketplace.credentials import receipts
from marketplace.db import Database
from marketplace.decisions import asking, beginning, lapsed, unclaimed, waiting
from marketplace.households import comparing
from marketplace.households.register import WHEN_MOVED
from marketplace.ledger import claiming, granted_aid, handing_in, late, promised, repeats, reporting
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
from marketplace.rights import erasing, moving
from marketplace.sharing import deletions, replies
from marketplace.signals import sweeping
from marketplace.visits import quota

BARRED = {
    "appeal_answer": appeals.deciders,
    "second_call": readings.readers,
    "denied_answer": readings.readers,
    "urgent_review": urgent.pair_of,
    "payout_change": corrections.who_asked,
}
"""Step ► the accounts that must not be named for it, because they had a hand in what is looked at."""
WHEN_MOVED.append(moving.follow)


def sweeps_of(database: Database, /, *, clock: Callable[[], datetime]) -> tuple[Callable[[], object], ...]:
    """The sweeps in their order; what the house knows itself is told before the rules of the watch are asked."""
    return (
        partial(publish_when_due, database, clock=clock),
        partial(quotes.sweep, database, clock=clock),
        partial(cases.sweep, database, clock=clock),
        partial(waiting.sweep, database, clock=clock, barred=BARRED),
        *(partial(act.sweep, database, clock=clock) for act in (supervision, uploads, reviews)),
        partial(insurers.sweep, database, clock=clock),
        partial(payments.sweep, database, clock=clock),
        unclaimed.Watch(database, clock=clock, looking=payments.look),
        partial(late_payments.sweep, database, clock=clock),
        *(partial(room.sweep, database, clock=clock) for room in (after_end, late_payouts, night, calling)),
        unclaimed.Watch(database, clock=clock),
        *(unclaimed.Watch(database, clock=clock, looking=room.look) for room in (by_label, lapsed, beginning, ranking)),
        partial(appointments.sweep, database, clock=clock),
        partial(survival.sweep, database, clock=clock),
        partial(agents.sweep, database, clock=clock),
        partial(agreements.sweep, database, clock=clock),
        partial(expiry.sweep, database, clock=clock),
        receipts.Desk(database, clock=clock),
        erasing.Nightly(database, clock=clock),
        partial(comparing.sweep, database, clock=clock),
        partial(late.sweep_same, database, clock=clock),
        unclaimed.Watch(database, clock=clock, looking=repeats.looks),
        partial(granted_aid.sweep, database, clock=clock),
        partial(promised.sweep, database, clock=clock),
        partial(asking.sweep, database, clock=clock),
        partial(claiming.sweep, database, clock=clock),
        partial(handing_in.sweep, database, clock=clock),
        partial(reporting.sweep_strangers, database, clock=clock),
        own_facts.Daily(database, clock=clock),
        sweeping.Nightly(database, clock=clock),
        quota.Nightly(database, clock=clock),
        keeping.Hourly(database, clock=clock),
        partial(consent_changes.sweep, database, clock=clock),
        unclaimed.Watch(database, clock=clock, looking=deletions.look),
        partial(replies.sweep, database, clock=clock),
        partial(consent_changes.remind, database, clock=clock),
        partial(yearly.sweep, database, clock=clock),
    )
