"""Runs of two districts over one stock and one yearly budget, and what each leaves between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.proposals import making_way, quotes
from marketplace.proposals.models import LineState, NeedQuote, OverrideKind, ProposedLine, RunState
from marketplace.proposals.overrides import Wish
from marketplace.proposals.problem import Scope
from tests import factories as make
from tests.marketplace.test_overrides import keep
from tests.marketplace.test_proposals import a_run, lines_of
from tests.marketplace.test_quotes import LATER, newcomer, offered, served, worked

WEST, EAST = Scope(("500103",)), Scope(("500106",))
CASH = {"category": "EMERGENCY.CASH", "unit": "FEN"}


def two_districts(database: Database, *, budget: int | None = None, **kind: object) -> tuple[str, str, str]:
    """A need of 10 in each of two districts, and one offer for both: 12 packs, or money under a budget of 12."""
    needs = []
    with database.transaction() as session:
        for i, scope in enumerate((WEST, EAST)):
            household = make.a_household(session, phone=f"1000000000{i}", district_code=scope.districts[0])
            make.auto_match(session, household)
            needs.append(make.a_need(session, household, **kind).id)
        giver = make.an_organisation(session, yearly_budget_fen=budget)
        offer = make.an_offer(session, giver, stock_units=12 if budget is None else 1000, **kind)
        return needs[0], needs[1], offer.id


def waiting(database: Database) -> Iterator[tuple[str, int]]:
    with database.reading() as session:
        for line in session.exec(select(ProposedLine).where(ProposedLine.state == LineState.PROPOSED)):
            yield line.need_id, line.units


@pytest.mark.parametrize("under", ["stock", "budget"])
def test_runs_of_two_districts_never_propose_the_same_units_twice(
    database: Database, verifier: Actor, now: datetime, under: str
) -> None:
    west, east, _offer = two_districts(database, **({} if under == "stock" else {"budget": 12, **CASH}))
    a_run(database, verifier, now, scope=WEST)
    a_run(database, verifier, now + timedelta(hours=1), scope=EAST)
    # Twelve in all: ten wait for a decision in the west, so two are left for the east.
    assert dict(waiting(database)) == {west: 10, east: 2}
    # A run of the west looks at its own undecided lines anew, and at what the east left: the other way round.
    a_run(database, verifier, now + timedelta(hours=2), scope=WEST)
    assert dict(waiting(database)) == {west: 10, east: 2}


def test_a_pin_of_another_district_keeps_its_units_and_a_pin_of_this_one_finds_them(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    west, east, offer_id = two_districts(database)
    with database.transaction() as session:
        keep(session, Wish(OverrideKind.PIN, west, offer_id, 8), approver, now)
    a_run(database, verifier, now, scope=EAST)
    assert dict(waiting(database)) == {east: 4}
    with database.transaction() as session:
        keep(session, Wish(OverrideKind.PIN, east, offer_id, 5), approver, now)
    # Eight are pinned in the west, four wait in the east: of twelve the pin finds its eight.
    run = a_run(database, verifier, now + timedelta(hours=1), scope=WEST)
    assert (run.state, [line.units for line in lines_of(database, run)]) == (RunState.DONE, [8])


def test_a_newcomer_is_held_against_the_last_run_of_its_own_district_and_this_day(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    loser = served(database, urgency=0)
    offered(database, stock_units=5)
    ours = a_run(database, verifier, now, scope=WEST)
    tomorrow = now + timedelta(days=1)
    need_id = newcomer(database, now, urgency=3, verifier_id="approver-0", valid_from=local_day(tomorrow))
    theirs = a_run(database, verifier, now + 2 * LATER, scope=EAST)
    assert theirs.number > ours.number
    assert quotes.sweep(database, clock=lambda: tomorrow) == 1
    worked(database, tomorrow)
    with database.transaction() as session:
        assert session.get(NeedQuote, (ours.id, need_id)) is not None
        (pending,) = making_way.list_pending(session, actor=approver)
        assert (pending.need.id, pending.row.run_id, pending.row.loser_need_id) == (need_id, ours.id, loser)
        assert making_way.count_pending(session, actor=approver) == 1
        making_way.keep(session, pending.row.id, reason="寒潮", actor=approver, now=tomorrow)
