"""Several processes plan and agree at once, on each engine: nobody is booked twice, no match holds more than it may."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.appointments import booking, service
from marketplace.appointments.models import OPEN, Appointment, AppointmentState, Booking, Hold, Place, Volunteer
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import Match
from tests.marketplace import visiting
from tests.marketplace.test_races import _in_processes, _try

pytestmark = pytest.mark.both_engines

MATCHES, PEOPLE = 2, 4
TIGHT = 100 if os.environ.get("TORTURE") else 12
TURNS = 400 if os.environ.get("TORTURE") else 25


def _answer(session: Session, appointment_id: str, home: Actor, *, yes: bool) -> object:
    if yes:
        return service.agree(session, appointment_id, actor=home, now=visiting.NOW)
    return service.ask_other_time(session, appointment_id, wish="weekend", actor=home, now=visiting.NOW)


def _once(rng: random.Random, ids: list[str]) -> service.Plan:
    """Two hours on some day: all that a small match has room for, so that only one of the rivals may win."""
    window = visiting.window(day=rng.randint(10, 90), hour=rng.randint(0, 6))
    return service.Plan((window,), (rng.choice(ids),), Place.STATION)


def _plan(rng: random.Random, ids: list[str]) -> service.Plan:
    windows = tuple(visiting.window(day=day, hour=rng.randint(0, 6), hours=2) for day in rng.sample(range(4), 2))
    return service.Plan(windows, (rng.choice(ids),), Place.STATION, choose_one=rng.random() < 0.5)


def test_rival_plans_never_book_a_volunteer_twice_or_more_than_was_matched(
    database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        first = visiting.a_scene(session, units=8, people=PEOPLE)
        scenes = [first] + [
            visiting.a_scene(session, units=8, people=0, organisation=first.organisation) for _ in range(MATCHES - 1)
        ]
        tight = [
            visiting.a_scene(session, units=2, people=0, organisation=first.organisation).match.id for _ in range(TIGHT)
        ]
        ids = [person.id for person in first.people]
        matches, homes = [one.match.id for one in scenes], {one.match.id: one.home for one in scenes}
        manager = first.manager
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()

    def act(own: Database, rng: random.Random, _number: int) -> None:
        for match_id in tight:
            plan = _once(rng, ids)
            _try(own, lambda s, m=match_id, p=plan: service.propose(s, m, p, actor=manager, now=visiting.NOW))  # type: ignore[misc]
        for _turn in range(TURNS):
            match_id = rng.choice(matches)
            if rng.random() < 0.6:
                plan = _plan(rng, ids)
                _try(own, lambda s, m=match_id, p=plan: service.propose(s, m, p, actor=manager, now=visiting.NOW))  # type: ignore[misc]
                continue
            with own.reading() as session:
                waiting = select(Appointment.id).where(col(Appointment.match_id) == match_id)
                waiting = waiting.where(col(Appointment.state) == AppointmentState.PROPOSED)
                found = list(session.exec(waiting))
            if found:
                one, home, yes = rng.choice(found), homes[match_id], rng.random() < 0.3
                _try(own, lambda s, a=one, h=home, y=yes: _answer(s, a, h, yes=y))  # type: ignore[misc]

    _in_processes(url, settings, act)
    with database.reading() as session:
        _nobody_is_booked_twice(session)
        for match in session.exec(select(Match)):
            assert booking.claimed_units(session, match.id) <= match.units
        states = Counter(session.exec(select(Appointment.state)))
        assert states[AppointmentState.AGREED] > 0


def _nobody_is_booked_twice(session: Session) -> None:
    held = {(hold.person_index, hold.slot): hold.appointment_id for hold in session.exec(select(Hold))}
    taken = Counter[tuple[str, int]]()
    rows = (
        select(Appointment, Volunteer)
        .join(Booking, col(Booking.appointment_id) == col(Appointment.id))
        .join(Volunteer, col(Volunteer.id) == col(Booking.volunteer_id))
        .where(col(Appointment.state).in_(OPEN))
    )
    for one, person in session.execute(rows):
        for slot in booking.slots_of(service.Window(one.starts_at, one.ends_at)):
            assert held[person.id_number_index, slot] == one.id
            taken[person.id_number_index, slot] += 1
    assert taken
    assert max(taken.values()) == 1
    assert len(taken) == len(held), "what was called off is free again"
