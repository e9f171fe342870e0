"""A volunteer group's sixty visit-hours: twenty visits planned, one volunteer who did not come, all served and told."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, func, select

from marketplace import audit
from marketplace.appointments import booking, outcomes, records, service
from marketplace.appointments.models import Appointment, AppointmentState, Place, ServiceRecord
from marketplace.decisions import service as decisions
from marketplace.decisions.models import MatchState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.notices import Notice
from tests.marketplace.visiting import NOW, Scene, a_scene, window

HOURS = 60


def _keep(session: Session, scene: Scene, one: Appointment, *, rating: int) -> None:
    outcomes.record_done(session, one.id, minutes=180, content="HOMEWORK", actor=scene.manager, now=one.ends_at)
    later = one.ends_at + timedelta(hours=1)
    outcomes.rate(session, one.id, rating=rating, actor=scene.home, now=later)


def test_sixty_hours_are_planned_missed_once_served_and_certified(session: Session) -> None:
    scene = a_scene(session, units=HOURS, people=2)
    first, second = scene.people
    weekly = tuple(window(day=day, hour=6, hours=3) for day in range(0, 133, 7))
    plan = service.Plan(weekly, (first.id,), Place.HOME)
    made = service.propose(session, scene.match.id, plan, actor=scene.manager, now=NOW)
    assert (len(made), booking.claimed_units(session, scene.match.id)) == (19, 57)
    for number, one in enumerate(made):
        service.agree(session, one.id, actor=scene.home, now=NOW)
        if number == 3:
            outcomes.volunteer_missed(session, one.id, actor=scene.home, now=one.ends_at)
        else:
            _keep(session, scene, one, rating=4 + number % 2)
    assert booking.claimed_units(session, scene.match.id) == 54
    again = service.Plan(
        (window(day=134, hours=3), window(day=135, hours=3), window(day=136, hours=3)),
        (second.id,),
        Place.STATION,
        True,
    )
    now = made[-1].ends_at
    offered = service.propose(session, scene.match.id, again, actor=scene.manager, now=now)
    service.agree(session, offered[2].id, actor=scene.home, now=now)
    _keep(session, scene, offered[2], rating=5)
    last = service.Plan((window(day=138, hours=3),), (second.id,), Place.STATION)
    final = service.propose(session, scene.match.id, last, actor=scene.manager, now=offered[2].ends_at)[0]
    service.agree(session, final.id, actor=scene.home, now=offered[2].ends_at)
    assert scene.match.state is MatchState.IN_DELIVERY
    outcomes.record_done(
        session, final.id, minutes=200, content="HOMEWORK", actor=scene.manager, now=final.ends_at + timedelta(hours=1)
    )
    assert (scene.match.state, scene.match.units) == (MatchState.DELIVERED, HOURS)
    decisions.confirm(session, scene.match.id, actor=scene.home, now=final.ends_at + timedelta(days=1))
    _everything_adds_up(session, scene)


def _everything_adds_up(session: Session, scene: Scene) -> None:
    states = dict(session.execute(select(Appointment.state, func.count()).group_by(Appointment.state)).all())
    assert states == {
        AppointmentState.DONE: 20,
        AppointmentState.NO_SHOW_VOLUNTEER: 1,
        AppointmentState.CANCELLED: 2,
    }
    entry = session.get_one(LedgerEntry, scene.match.ledger_entry_id)
    assert (entry.state, entry.units) == (AidState.DELIVERED, HOURS)
    assert session.exec(select(func.sum(ServiceRecord.minutes))).one() == 19 * 180 + 200
    hours = [records.certificate_of(session, person).hours for person in scene.people]
    assert hours == ["54.0", "6.3"], "what was served beyond the plan is the volunteer's, not the household's, gain"
    session.refresh(scene.people[0])
    assert [person.no_shows for person in scene.people] == [1, 0]
    letters = list(session.exec(select(Notice.letter)))
    assert (letters.count("visit_proposed"), letters.count("visit_agreed")) == (3, 21)
    assert audit.verify(session).bad_seq == 0
