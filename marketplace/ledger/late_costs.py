"""A cost, or what a payer before charity says of it, that is told after charity has given.

Enters: a bill just written. Leaves: for each piece of charity's aid that is more than what the bill leaves a task, like
a late report's; a task that an answer put right no longer founds ends. Money already given is left alone. Called by
`bills`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col

from marketplace.actors import Actor
from marketplace.db import lock_rows
from marketplace.households.same import same_as
from marketplace.ledger import service as ledger
from marketplace.ledger.claiming import reckons_with_cost
from marketplace.ledger.hits import OPEN_REPORT
from marketplace.ledger.late import look_again
from marketplace.ledger.models import AidState, CostBill, OverlapHit
from marketplace.ledger.shared import shared_bills
from marketplace.reference.needs import need_kind
from matching.overlap_rules import CHARITY


def hold(session: Session, household_ids: Collection[str], /) -> None:
    """Lock the tasks that may end or be renewed, before the first act is written."""
    lock_rows(session, OverlapHit, col(OverlapHit.household_id).in_(sorted(household_ids)), *OPEN_REPORT)


def look(session: Session, bill: CostBill, /, *, actor: Actor, now: datetime) -> int:
    """Hold what charity had given of this cost, ours and what others told of, against the bill as it stands now;
    returns how many tasks that makes. What is reserved and not handed over yet is asked about by its match."""
    homes = same_as(session, [bill.household_id]).of(bill.household_id)
    shared = [one.needs for one in shared_bills(session, [homes]).values() if bill.need_id in one.needs]
    about = frozenset({bill.need_id}).union(*shared)
    rows = [
        row.id
        for row in ledger.live_aid(session, household_ids=sorted(homes))
        if row.payer == CHARITY and (row.state is AidState.DELIVERED or row.source != ledger.PLATFORM)
        if row.need_id in about or (not row.need_id and reckons_with_cost(need_kind(row.category)))
    ]
    return look_again(session, rows, actor=actor, now=now, all_rows=True, by_cost=True)
