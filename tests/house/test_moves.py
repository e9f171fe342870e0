"""What waits of a household moves with it: every table with a district of its own says whether it does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.errors import NotFound
from marketplace.held import unplaced
from marketplace.households.models import Household
from marketplace.households.moved import WHEN_MOVED
from marketplace.migrations import tables
from marketplace.rights import moving, service
from marketplace.rights.held import ABOVE, ROOMS
from marketplace.rights.models import RightKind
from tests import factories as make
from tests.marketplace import match_scene

CLERK = Actor(id="clerk", role=Role.VERIFIER)
HERE, THERE = "500103", "500106"


def test_every_table_with_a_district_says_whether_it_moves_with_the_household() -> None:
    assert unplaced(ROOMS, tables.metadata) <= ABOVE


def test_a_new_table_with_a_district_is_found_until_its_room_has_spoken() -> None:
    other = sa.MetaData()
    sa.Table("household", other, sa.Column("id", sa.String, primary_key=True), sa.Column("district_code", sa.String))
    sa.Table("fresh", other, sa.Column("household_id", sa.String), sa.Column("district_code", sa.String))
    sa.Table("of_a_place", other, sa.Column("district_code", sa.String))
    assert unplaced(ROOMS, other) == {"fresh"}


def left_behind(session: Session, home: Household, now: datetime) -> list[str]:
    """Rows and clocks of a household that wait in another district than its own."""
    found, ids = [], {home.id}
    for held in ROOMS:
        if held.home is None or held.follows is False:
            continue
        ids |= {str(key) for _home, key in session.execute(held.of([home.id], held.key))}
        goes = held.goes(now)
        if goes is not None:
            place: Any = held.table.district_code  # type: ignore[attr-defined]
            rows = session.execute(held.of([home.id], place).where(goes, place != home.district_code))
            found += [str(held.table.__tablename__) for _row in rows]
    running = select(Clock).where(col(Clock.ended_at).is_(None), Clock.district_code != home.district_code)
    running = running.where(Clock.side == Side.STAFF)
    return found + [one.step for one in session.exec(running) if one.object_ref.rpartition(":")[2] in ids]


def test_what_waits_goes_along_and_what_is_over_stays_where_it_was_answered(session: Session, now: datetime) -> None:
    scene = match_scene.a_scene(session, now=now)
    match = scene.confirmed(session, now)
    need = make.a_need(session, scene.household, category="EDU.STATIONERY")
    offer = make.an_offer(session, scene.organisation, category="EDU.STATIONERY", unit=need.unit)
    line, home = make.a_line(session, need, offer), scene.household
    over = service.ask(session, scene.person, RightKind.COPY, actor=scene.household_actor, now=now)
    service.answer(session, over.id, text="x", actor=CLERK, now=now)
    asked = service.ask(session, scene.person, RightKind.COMPLAIN, words="请看", actor=scene.household_actor, now=now)
    accounts = {
        code: create_account(session, f"w{code}", display_name="w", role=Role.VERIFIER, districts=[code], now=now)
        for code in (HERE, THERE)
    }
    [clock] = clocks.running_of(session, asked.id)
    clock.account_id, due = accounts[HERE].id, clock.due_at
    home.district_code = THERE
    session.add(home)
    session.flush()
    assert left_behind(session, home, now)
    for follow in WHEN_MOVED:
        follow(session, home, was=HERE, now=now)
    assert left_behind(session, home, now) == []
    assert {one.district_code for one in (line, need, match, asked)} == {THERE}
    assert over.district_code == HERE, "what is over counts where it was answered"
    assert (clock.district_code, clock.account_id, clock.due_at) == (THERE, None, due)
    here, there = (Actor(id=one.id, role=Role.VERIFIER, districts=frozenset({code})) for code, one in accounts.items())
    with pytest.raises(NotFound):
        service.answer(session, asked.id, text="x", actor=here, now=now)
    assert service.answer(session, asked.id, text="x", actor=there, now=now).answered_by == there.id
    assert audit.verify(session).bad_seq == 0


def test_who_serves_both_districts_keeps_what_it_holds_and_a_giver_is_not_reminded(
    session: Session, now: datetime
) -> None:
    scene = match_scene.a_scene(session, now=now)
    match = scene.approved(session, now)
    asked = service.ask(session, scene.person, RightKind.COMPLAIN, words="请看", actor=scene.household_actor, now=now)
    both = create_account(session, "both", display_name="b", role=Role.VERIFIER, districts=[HERE, THERE], now=now)
    [ours], [giver] = clocks.running_of(session, asked.id), clocks.running_of(session, match.id)
    ours.account_id, before = both.id, (ours.remind_at, giver.remind_at)
    scene.household.district_code = THERE
    moving.follow(session, scene.household, was=HERE, now=now)
    assert (ours.account_id, ours.remind_at, giver.remind_at) == (both.id, *before)
    assert {ours.district_code, giver.district_code, match.district_code} == {THERE}
