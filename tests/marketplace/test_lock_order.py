"""Two people at once on PostgreSQL, each with what the other waits for next: nobody is thrown out (adr/0066).

Each case is a pair: an act that one session is in the middle of, holding one row already, and a rival. In the other
order of locks the rival holds what the act needs and waits for what it holds, until the database ends one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.db import Database
from marketplace.decisions import answers, answers_table, lapsed
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.errors import DomainError
from marketplace.households import place
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.same import lock_homes
from marketplace.ledger.overlap import homes_of
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.payments import results, stopping
from marketplace.proposals import expiry
from marketplace.proposals.models import ProposedLine, RunState
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.marketplace.payment_scene import a_month
from tests.marketplace.test_decisions_answers import brought_in, filled_in, scenes_of
from tests.marketplace.test_proposals import a_run
from tests.marketplace.test_same_households import a_suspicion
from tests.marketplace.test_urgent import Night

CLERK = Actor(id="clerk", role=Role.VERIFIER)
Act = Callable[[Session], object]


@dataclass
class Pair:
    """A row that the first act holds already, how it goes on, and the rival that comes meanwhile."""

    held: tuple[type[Any], str]
    goes_on: Act
    rival: Callable[[Database], object]


@contextmanager
def _beside(database: Database, act: Callable[[Database], object]) -> Iterator[list[BaseException]]:
    """The rival at work in a thread, once it waits for a lock or is done; its faults, complete at the end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act(database)
        except DomainError:
            pass  # the other was first
        except Exception as error:  # noqa: BLE001  a thread's fault is the test's
            failed.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    _until_it_waits(database, thread)
    yield failed
    thread.join(timeout=20)
    assert not thread.is_alive()


@contextmanager
def _to_the_end(session: Session) -> Iterator[None]:
    """What the act holds is free at the end, also where it was the one thrown out."""
    try:
        yield
        session.commit()
    finally:
        session.rollback()


def _until_it_waits(database: Database, thread: Thread) -> None:
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = monotonic() + 5
    while thread.is_alive() and monotonic() < until:
        with database.reading() as session:
            if session.execute(asked).scalar_one():
                return
        sleep(0.01)


def _in_transaction(act: Act) -> Callable[[Database], object]:
    def rival(database: Database) -> None:
        with database.transaction() as session:
            act(session)

    return rival


def _approves(*scenes: Scene, now: datetime) -> Act:
    return lambda s: approval.approve(s, [one.line.id for one in scenes], actor=APPROVER, now=now)


def _two(session: Session) -> tuple[Scene, Scene]:
    """Two households with a line each of one offer."""
    first = a_scene(session)
    return first, a_scene(session, phone="10000000002", organisation=first.organisation, offer=first.offer)


def _what_lapses(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        scene = a_scene(session)
        scene.need.valid_to = date(2026, 11, 1)
        session.add(scene.need)
    rival = _in_transaction(lambda s: lapsed._close(s, scene.need.id, now=now))
    return Pair((ProposedLine, scene.line.id), _approves(scene, now=now), rival)


def _what_a_newer_run_retires(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        later = a_scene(session)
        session.delete(later.line)
        later.line = make.a_line(session, later.need, later.offer, id="z")  # the later one stands first in the table
        scene = a_scene(session, phone="10000000002", organisation=later.organisation, offer=later.offer)

    def rival(own: Database) -> None:
        assert a_run(own, CLERK, now).state is RunState.DONE

    return Pair((ProposedLine, scene.line.id), _approves(later, scene, now=now), rival)


def _what_an_offers_end_frees(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        scene = a_scene(session)
        scene.offer.valid_to = date(2026, 11, 1)
        session.add(scene.offer)
    rival = lambda d: expiry.sweep(d, clock=lambda: now)  # noqa: E731
    return Pair((ProposedLine, scene.line.id), _approves(scene, now=now), rival)


def _a_giver_that_gives_up(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        first, second = _two(session)
        match = first.in_delivery(session, now)
    by = {"reason_code": "gave_up", "actor": first.giver, "now": now}
    rival = _in_transaction(lambda s: decisions.giver_gives_up(s, match.id, **by))  # type: ignore[arg-type]
    return Pair((Offer, first.offer.id), _approves(second, now=now), rival)


def _ticked_answers(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        scenes = scenes_of(session, now, 2)
        ids = sorted(session.exec(select(Match.id)))
    rival = _in_transaction(lambda s: answers.accept_many(s, ids, actor=scenes[0].giver, now=now))
    return Pair((Match, ids[1]), _staff_end(ids[1], now), rival)


def _staff_end(match_id: str, now: datetime) -> Act:
    return lambda s: decisions.cancel(s, match_id, reason_code="duplicate", actor=APPROVER, now=now)


def _a_table_of_answers(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        scene = scenes_of(session, now, 2)[0]
        data = filled_in(session, scene, ("接受", ""), ("婉拒", "人手或余量不足"))
        batch, _checked = brought_in(session, scene, data, now)
        last = max(session.exec(select(Match.id)))
    rival = _in_transaction(lambda s: answers_table.confirm_import(s, batch.id, actor=scene.giver, now=now))
    return Pair((Match, last), _staff_end(last, now), rival)


def _answers_of_the_bank(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        month = a_month(session, now, grants=2)
        lines = month.lines(month.sent())
        batch, _checked = month.check([(line.reference, "paid", "") for line in lines])
    last, manager = lines[-1].match_id, month.manager
    rival = _in_transaction(lambda s: results.confirm_import(s, batch.id, actor=manager, now=now))
    return Pair((Match, last), _staff_end(last, now), rival)


def _a_payment_that_is_stopped(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        month = a_month(session, now, grants=1)
        batch = month.sent()
        (line,) = month.lines(batch)
        stopping.stop_line(session, batch.id, line.id, actor=month.manager, now=now)
    other = Actor(id="manager-2", role=Role.CHARITY_MANAGER, org_id=month.organisation.id)
    rival = _in_transaction(lambda s: stopping.stop_line(s, batch.id, line.id, actor=other, now=now))
    return Pair((Match, line.match_id), _staff_end(line.match_id, now), rival)


def _a_street_put_right(database: Database, now: datetime) -> Pair:
    with database.transaction() as session:
        scene = a_scene(session)
        match = scene.approved(session, now)
        home = scene.household.id
    by = {"street_code": "500103001", "reason": "never_told", "actor": CLERK, "now": now}
    rival = _in_transaction(lambda s: place.correct(s, home, **by))  # type: ignore[arg-type]
    return Pair((Match, match.id), lambda s: _accepts(s, scene, match.id, now), rival)


def _accepts(session: Session, scene: Scene, match_id: str, now: datetime) -> object:
    return decisions.giver_accepts(session, match_id, actor=scene.giver, now=now)


def _a_move_that_a_register_tells(database: Database, now: datetime) -> Pair:
    def tells(session: Session, district: str) -> str:
        person = PersonFacts(name="王小明", phone="10000000001")
        facts = HouseholdFacts("civil", "H1", district, people=(person,))
        return register_many(session, [facts], actor=CLERK, now=now)[facts.key]

    with database.transaction() as session:
        home = session.get_one(Household, tells(session, "500103"))
        organisation = make.an_organisation(session)
        need, offer = make.a_need(session, home), make.an_offer(session, organisation)
        make.auto_match(session, home, now=now)
        person = session.exec(select(Person).where(Person.household_id == home.id)).one()
        scene = Scene(home, person, need, organisation, offer, make.a_line(session, need, offer))
        match = scene.approved(session, now)
    rival = _in_transaction(lambda s: tells(s, "500105"))
    return Pair((Match, match.id), lambda s: _accepts(s, scene, match.id, now), rival)


def _a_night_approval(database: Database, _now: datetime) -> Pair:
    night = Night(database)
    with database.transaction() as session:
        night.verify(session)
    rival = _in_transaction(night.approve)
    return Pair((Need, night.need_id), lambda s: homes_of(s, night.household_id, lock=True), rival)


def _a_match_that_ends(database: Database, now: datetime) -> Pair:
    """An approval of another line holds the household and comes to the log last."""
    with database.transaction() as session:
        scene = a_scene(session)
        match = scene.approved(session, now)
        home = scene.household.id
    by = {"reason_code": "duplicate", "actor": APPROVER, "now": now}
    rival = _in_transaction(lambda s: decisions.cancel(s, match.id, **by))  # type: ignore[arg-type]
    entry = audit.Entry("match:approve", object_ref=match.line_id, subject=home)
    return Pair((Household, home), lambda s: audit.record(s, entry, actor=APPROVER, now=now), rival)


CASES = (
    _what_lapses,
    _what_a_newer_run_retires,
    _what_an_offers_end_frees,
    _a_giver_that_gives_up,
    _ticked_answers,
    _a_table_of_answers,
    _answers_of_the_bank,
    _a_payment_that_is_stopped,
    _a_street_put_right,
    _a_move_that_a_register_tells,
    _a_night_approval,
    _a_match_that_ends,
)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_an_act_and_its_rival_lock_in_one_order(
    database: Database, now: datetime, case: Callable[[Database, datetime], Pair]
) -> None:
    pair = case(database, now)
    with database.session(writes=True) as session:
        session.get(*pair.held, with_for_update=True)
        with _beside(database, pair.rival) as failed, _to_the_end(session):
            pair.goes_on(session)
    assert not failed


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_verdict_that_comes_while_households_are_locked_has_them_all_locked_anew_in_one_order(
    database: Database, now: datetime
) -> None:
    """Two records become one while an approval waits for the later of them: it lets go of that one and begins with the
    first, which somebody else holds and will go on from."""
    with database.transaction() as session:
        low, high = sorted(
            (make.a_household(session, phone=f"1000000000{n}") for n in (1, 2)), key=lambda home: home.id
        )
        pair = a_suspicion(session, low, high, now)

    def approve(own: Database) -> None:
        with own.transaction() as session:
            assert homes_of(session, high.id, lock=True).ids == {low.id, high.id}

    with database.session(writes=True) as first, database.session(writes=True) as second:
        lock_homes(first, [high.id])
        lock_homes(second, [low.id])
        with _beside(database, approve) as failed, _to_the_end(second):
            with database.transaction() as session:
                session.get_one(Suspicion, pair.id).state = SuspicionState.SAME
            first.commit()
            sleep(0.05)
            lock_homes(second, [low.id, high.id])
    assert not failed
