"""What the page of a run says: who is left at zero, what differs from the run before, what is proven."""

from __future__ import annotations

from datetime import datetime

from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.proposals import results
from marketplace.proposals.results import Share
from tests import factories as make
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run, lines_of


def approve(database: Database, line_ids: list[str], actor: Actor, now: datetime) -> None:
    with database.transaction() as session:
        assert approval.approve(session, line_ids, actor=actor, now=now).approved


def test_at_zero_is_who_has_nothing_from_before_and_nothing_from_the_run(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        _urgent, calm, offer = a_shortage(session, stock=14)
        make.a_ledger_entry(session, calm, offer, units=4)
        household = make.a_household(session, phone="10000000003")
        make.auto_match(session, household)
        empty = make.a_need(session, household, urgency=0)
    first = a_run(database, verifier, now)
    approve(database, [line.id for line in lines_of(database, first)], approver, now)
    second = a_run(database, verifier, now)
    # All 10 packs of the urgent need are reserved, the calm one has 4 from before: only the third has nothing.
    assert [run.zero_count for run in (first, second)] == [1, 1]
    assert second.fairness["plan"]["summary"]["households_zero"] == 1
    with database.reading() as session:
        rows = results.list_unserved(session, second, actor=approver, lang="en", offset=0, limit=9)
        assert [row.need.id for row in rows] == [empty.id]
        assert sum(results.codes_of(session, second, actor=approver).values()) == 1
        # Asked about are the needs with something open: both that lack something, and not the covered one.
        assert results.shares(session, second)[0::3] == [Share(3, 0, 0), Share(0, 2, 0)]
        assert results.shares(session, first)[0::3] == [Share(3, 1, 1), Share(0, 2, 0)]
