"""Needs pulled from a registry and told back: each once, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from adapters.fakes import FakeRegistry
from adapters.http import Patience
from adapters.ports import NeedRecord, TryAgainLater
from adapters.registry import connect
from marketplace import audit, intake
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.ledger.given import aid_to_tell
from marketplace.ledger.models import AidState
from marketplace.needs import registry, service
from marketplace.needs.models import Need, NeedState, RegistryFeed
from tests.adapters.civil_affairs_server import CivilAffairsServer
from tests.factories import a_ledger_entry, an_offer, an_organisation
from tests.marketplace.test_needs_imports import a_row

SOURCE = "civil-affairs"


def a_record(number: int, **over: Any) -> NeedRecord:
    """A sound record of a household of its own, without an ID number."""
    cells = a_row(household_ref=f"H{number}", head_id_number=None, members=2, **over)
    return NeedRecord(f"CA-{number}", {name: cell for name, cell in cells.items() if cell is not None})


@pytest.fixture
def clock(now: datetime) -> Callable[[], datetime]:
    """A clock that moves on by a second whenever it is asked."""
    ticks = iter(range(10_000))
    return lambda: now + timedelta(seconds=next(ticks))


def pull(database: Database, door: FakeRegistry, clock: Callable[[], datetime]) -> registry.Pulled:
    """Pull as the background does."""
    return registry.pull_needs(database, door, source=SOURCE, actor=SYSTEM, clock=clock)


def tell(database: Database, door: FakeRegistry, clock: Callable[[], datetime]) -> registry.Told:
    """Tell back states and aid."""
    return registry.report_back(
        database, door, source=SOURCE, actor=SYSTEM, clock=clock, aid_to_tell=aid_to_tell
    )  # fmt: skip


def all_needs(session: Session) -> list[Need]:
    """Needs by number."""
    return list(session.exec(select(Need).order_by(col(Need.source_id))).all())


def test_all_pages_come_in_and_a_second_pull_brings_nothing(database: Database, clock: Callable[[], datetime]) -> None:
    door = FakeRegistry([a_record(number) for number in range(1, 6)], page_size=2)
    assert pull(database, door, clock).new == 5
    again = pull(database, door, clock)
    assert (again.new, again.same, again.changed) == (0, 0, 0)
    with database.reading() as session:
        assert [need.state for need in all_needs(session)] == [NeedState.VERIFIED] * 5
        assert audit.verify(session).bad_seq == 0


def test_a_pull_from_the_beginning_changes_nothing(database: Database, clock: Callable[[], datetime]) -> None:
    door = FakeRegistry([a_record(number) for number in range(1, 4)])
    pull(database, door, clock)
    with database.transaction() as session:
        session.delete(session.get(RegistryFeed, SOURCE))
    again = pull(database, door, clock)
    assert (again.same, again.new, again.changed) == (3, 0, 0)


def test_a_reply_lost_half_way_costs_nothing_and_doubles_nothing(
    database: Database, clock: Callable[[], datetime]
) -> None:
    door = FakeRegistry([a_record(number) for number in range(1, 6)], page_size=2)
    door.faults.play("ok", "lost reply")
    with pytest.raises(TryAgainLater):
        pull(database, door, clock)
    with database.reading() as session:
        assert len(all_needs(session)) == 2
    assert pull(database, door, clock).new == 3


def test_faulty_records_are_set_aside_with_their_number_and_the_rest_comes_in(
    database: Database, clock: Callable[[], datetime]
) -> None:
    records = [a_record(1), a_record(2, category="GOLD"), a_record(3, gap=900)]
    got = pull(database, FakeRegistry(records), clock)
    assert (got.new, got.faulty, got.held) == (2, 1, 1)
    with database.reading() as session:
        [batch] = session.exec(select(intake.ImportBatch)).all()
        [fault] = intake.faults_of(session, batch)
        assert (fault.column, fault.code) == ("CA-2: category", "unknown_category")
        assert [need.state for need in all_needs(session)] == [NeedState.VERIFIED, NeedState.HELD]


def test_states_that_moved_are_told_once(database: Database, clock: Callable[[], datetime], verifier: Actor) -> None:
    door = FakeRegistry([a_record(1), a_record(2), a_record(3, gap=900)])
    pull(database, door, clock)
    with database.transaction() as session:
        first = all_needs(session)[0]
        service.refuse_need(session, first.id, actor=verifier, now=clock(), reason="NOT_TRUE")
    assert tell(database, door, clock).states == 2
    assert [(told.need_source_id, told.state) for told in door.states] == [("CA-3", "held"), ("CA-1", "refused")]
    assert tell(database, door, clock).states == 0
    assert len(door.states) == 2


def test_a_state_that_comes_back_is_told_again(
    database: Database, clock: Callable[[], datetime], verifier: Actor
) -> None:
    door = FakeRegistry([a_record(1)])
    pull(database, door, clock)
    for move in (
        lambda s, n: service.hold_need(s, n, actor=verifier, now=clock(), reason="needs_visit"),
        lambda s, n: service.release_need(s, n, actor=verifier, now=clock()),
        lambda s, n: service.hold_need(s, n, actor=verifier, now=clock(), reason="needs_visit"),
    ):
        with database.transaction() as session:
            move(session, all_needs(session)[0].id)
        tell(database, door, clock)
    assert [told.state for told in door.states] == ["held", "verified", "held"]


def test_delivered_aid_is_told_once_and_a_lost_reply_does_not_double_it(
    database: Database, clock: Callable[[], datetime]
) -> None:
    door = FakeRegistry([a_record(1)])
    pull(database, door, clock)
    with database.transaction() as session:
        need = all_needs(session)[0]
        offer = an_offer(session, an_organisation(session))
        a_ledger_entry(session, need, offer, units=4, state=AidState.DELIVERED, giver="善桥基金会")
        a_ledger_entry(session, need, an_offer(session, an_organisation(session)), units=2)
    door.faults.play("lost reply")
    assert tell(database, door, clock).later
    assert tell(database, door, clock).aid == 1
    assert [(aid.need_source_id, aid.units) for aid in door.aid] == [("CA-1", 4)]
    assert tell(database, door, clock).aid == 0


def test_a_need_the_registry_does_not_know_is_remembered_as_refused(
    database: Database, clock: Callable[[], datetime], verifier: Actor
) -> None:
    door = FakeRegistry([a_record(1)])
    pull(database, door, clock)
    with database.transaction() as session:
        service.close_need(session, all_needs(session)[0].id, actor=verifier, now=clock())
    forgetful = FakeRegistry([])
    assert tell(database, forgetful, clock).refused == 1
    assert tell(database, forgetful, clock).refused == 0


def test_only_the_background_and_verifiers_pull(database: Database, clock: Callable[[], datetime]) -> None:
    charity = Actor(id="c", role=Role.CHARITY_MANAGER, org_id="o")
    with pytest.raises(NotAllowed):
        registry.pull_needs(database, FakeRegistry([]), source=SOURCE, actor=charity, clock=clock)


def test_the_real_door_brings_needs_in_and_tells_back_over_http(
    sqlite_database: Database, clock: Callable[[], datetime], verifier: Actor
) -> None:
    samples = [{**a_record(number).cells, "source_id": f"CA/2026 {number}"} for number in range(1, 6)]
    with CivilAffairsServer(samples) as server:
        door = connect(server.settings, patience=Patience(attempts=3, connect=2, read=0.5, first_wait=0))
        server.web.play("lost reply")
        got = registry.pull_needs(sqlite_database, door, source=SOURCE, actor=SYSTEM, clock=clock)
        assert (got.new, got.faulty) == (5, 0)
        with sqlite_database.transaction() as session:
            service.refuse_need(session, all_needs(session)[0].id, actor=verifier, now=clock(), reason="NOT_TRUE")
        server.web.play("lost reply")
        told = registry.report_back(sqlite_database, door, source=SOURCE, actor=SYSTEM, clock=clock)
        assert (told.states, told.later) == (1, False)
        assert [(state["need_source_id"], state["state"]) for state in server.states] == [("CA/2026 1", "refused")]
