"""Appointments of a service: who may be sent, who is booked when, what is served, and who did not come."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from adapters.tabular_writer import write_csv
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.appointments import limits, lists, lists_city, outcomes, overtaken, records, service, volunteers
from marketplace.appointments.booking import claimed_units, people_of
from marketplace.appointments.calendar_file import calendar_file
from marketplace.appointments.models import (
    Appointment,
    AppointmentState,
    HealthFit,
    Hold,
    Place,
    ServiceRecord,
    Volunteer,
    VolunteerState,
)
from marketplace.calendar import after_working_days, local_day, working_days_between
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import results, waiting
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.results import Told
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.organisations.models import OrganisationState
from marketplace.proofs import evidence, slips, table
from marketplace.proofs.evidence import Piece
from marketplace.proofs.models import ProofKind
from tests import factories as make
from tests.marketplace import visiting
from tests.marketplace.visiting import NOW, a_scene, a_volunteer, agreed, proposed, window
from tests.pages.people import client_as, household_client

AFTER = visiting.TOMORROW + timedelta(days=1)


def done(session: Session, scene: visiting.Scene, one: Appointment, *, minutes: int = 120) -> Appointment:
    return outcomes.record_done(
        session, one.id, minutes=minutes, content="HOMEWORK", actor=scene.manager, now=one.ends_at
    )


def test_a_proposed_time_is_taken_served_rated_and_becomes_a_record(session: Session) -> None:
    scene = a_scene(session)
    one = agreed(session, scene)[0]
    assert done(session, scene, one).state is AppointmentState.DONE
    outcomes.rate(session, one.id, rating=5, actor=scene.home, now=AFTER)
    record = session.exec(select(ServiceRecord)).one()
    assert (record.minutes, record.rating, record.volunteer_id) == (120, 5, scene.people[0].id)
    assert claimed_units(session, scene.match.id, states=outcomes.SERVED) == 2
    letters = set(session.exec(select(Notice.letter)))
    assert {"visit_proposed", "visit_agreed"} <= letters
    assert audit.verify(session).bad_seq == 0


def test_the_last_unit_delivers_the_match(session: Session) -> None:
    scene = a_scene(session, units=4)
    first, second = agreed(session, scene, window(), window(day=1))
    done(session, scene, first)
    assert scene.match.state is MatchState.IN_DELIVERY
    done(session, scene, second)
    assert scene.match.state is MatchState.DELIVERED


def test_a_service_that_is_being_served_is_not_late(session: Session) -> None:
    scene = a_scene(session)
    begun = [clock.started_at for clock in clocks.running_of(session, scene.match.id) if clock.step == "deliver"]
    one = done(session, scene, agreed(session, scene, window(day=12))[0])
    running = [clock for clock in clocks.running_of(session, scene.match.id) if clock.step == "deliver"]
    assert (begun, [clock.started_at for clock in running]) == ([NOW], [one.closed_at])


def steps(session: Session, match_id: str) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, match_id)]


def told(session: Session, letter: str) -> int:
    return len(session.exec(select(Notice.id).where(Notice.letter == letter)).all())


def test_a_service_whose_next_visit_is_agreed_for_later_is_late_only_after_it(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session, units=4)
        match_id, far = scene.match.id, agreed(session, scene, window(day=40))[0]
        (limit,) = (clock.due_at for clock in clocks.running_of(session, match_id) if clock.step == "deliver")
        assert limit == after_working_days(far.ends_at, 1, district="500103")
    for day in (20, 30, 40):
        waiting.sweep(database, clock=lambda day=day: NOW + timedelta(days=day))
    with database.transaction() as session:
        assert (steps(session, match_id), told(session, "reminder_giver")) == (["deliver"], 0)
    after = far.ends_at + timedelta(days=5)
    for moment in (far.ends_at + timedelta(hours=20), after):
        waiting.sweep(database, clock=lambda moment=moment: moment)
    with database.transaction() as session:
        assert (steps(session, match_id), told(session, "delivery_late")) == (["late_delivery"], 1)
        assert told(session, "reminder_giver") == 1, "once, when the visit was over"
        approver = Actor(id="approver-1", role=Role.APPROVER)
        waiting.extend_delivery(session, match_id, actor=approver, now=after)
        said = after + timedelta(hours=1)
        outcomes.record_done(session, far.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=said)
    for day in (40, 45):
        limits_at = after + timedelta(days=day)
        waiting.sweep(database, clock=lambda at=limits_at: at)
    with database.transaction() as session:
        match = session.get_one(Match, match_id)
        assert waiting.may_extend(session, match), (
            "more time is given once for each part, and again after one was served"
        )
        soon = window(base=limits_at + timedelta(hours=6))
        proposed(session, scene, soon, now=limits_at)
        visit = session.exec(select(Appointment).where(Appointment.state == AppointmentState.PROPOSED)).one()
        service.agree(session, visit.id, actor=scene.home, now=limits_at)
        assert steps(session, match_id) == ["deliver"], "what is agreed again is on its way again"
        service.cancel(session, visit.id, reason_code="weather", actor=scene.manager, now=limits_at)
        (running,) = clocks.running_of(session, match_id)
        assert running.due_at == after_working_days(limits_at, 1, district="500103"), "and has no time of its own"


def test_the_limit_goes_back_with_a_visit_that_is_called_off_and_rests_while_one_waits(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        match_id = scene.match.id
        (begun,) = clocks.running_of(session, match_id)
        first = begun.due_at
        mine, theirs = agreed(session, scene, window(day=40), window(day=41))
        service.cancel(session, mine.id, reason_code="weather", actor=scene.manager, now=NOW)
        assert begun.due_at == after_working_days(theirs.ends_at, 1, district="500103")
        service.ask_other_time(session, theirs.id, wish="weekend", actor=scene.home, now=NOW)
        assert begun.due_at == first
        proposed(session, scene, window(day=60))
    late = NOW + timedelta(days=30)
    waiting.sweep(database, clock=lambda: late)
    with database.transaction() as session:
        assert steps(session, match_id) == ["deliver"], "a giver is not late while its household has a time to choose"
        visit = session.exec(select(Appointment).where(Appointment.state == AppointmentState.PROPOSED)).one()
        service.agree(session, visit.id, actor=scene.home, now=late)
        service.ask_other_time(session, visit.id, wish="weekend", actor=scene.home, now=late)
        (running,) = clocks.running_of(session, match_id)
        assert working_days_between(local_day(late), clocks.last_day(running)) == limits.PLAN_ANEW
        asked = late + timedelta(days=6)
        proposed(session, scene, window(base=asked + timedelta(days=3)), now=asked)
        waits = session.exec(select(Appointment).where(Appointment.state == AppointmentState.PROPOSED)).one()
        service.ask_other_time(session, waits.id, wish="weekend", actor=scene.home, now=asked)
        assert working_days_between(local_day(asked), clocks.last_day(running)) == limits.PLAN_ANEW, "never agreed"
        proposed(session, scene, window(base=asked + timedelta(days=3)), now=asked)
    over = asked + timedelta(days=7)
    overtaken.sweep(database, clock=lambda: over)
    with database.transaction() as session:
        (running,) = clocks.running_of(session, match_id)
        assert working_days_between(local_day(over), clocks.last_day(running)) == limits.PLAN_ANEW, "nor answered"


def test_of_alternatives_the_household_takes_one_and_the_others_are_free_again(session: Session) -> None:
    scene = a_scene(session, units=2)
    made = proposed(session, scene, window(), window(day=1), window(day=2), choose_one=True)
    assert claimed_units(session, scene.match.id) == 2
    service.agree(session, made[1].id, actor=scene.home, now=NOW)
    assert [one.state.value for one in made] == ["cancelled", "agreed", "cancelled"]
    assert {hold.appointment_id for hold in session.exec(select(Hold))} == {made[1].id}
    assert clocks.running_of(session, made[0].choice_id) == []


def test_the_household_asks_for_another_time_and_the_giver_is_told_its_wish(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    service.ask_other_time(session, one.id, wish="weekend", actor=scene.home, now=NOW)
    assert (one.state, one.reason_code, one.wish) == (AppointmentState.CANCELLED, "other_time", "weekend")
    assert session.exec(select(Hold)).all() == []
    told = select(Notice).where(Notice.letter == "visit_changed", col(Notice.org_id) == scene.organisation.id)
    assert len(session.exec(told).all()) == 1
    assert proposed(session, scene, window(day=4))[0].state is AppointmentState.PROPOSED


def test_a_worker_of_the_district_answers_for_a_household_and_another_does_not_see_it(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    stranger = Actor(id="worker-9", role=Role.WORKER, districts=frozenset({"500106"}))
    with pytest.raises(NotFound):
        service.agree(session, one.id, actor=stranger, now=NOW)
    worker = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
    assert service.agree(session, one.id, actor=worker, now=NOW).state is AppointmentState.AGREED


def test_more_than_was_matched_is_not_planned(session: Session) -> None:
    scene = a_scene(session, units=3)
    proposed(session, scene)
    with pytest.raises(BadInput, match="more_than_matched"):
        proposed(session, scene, window(day=1))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (window(day=-2), "time_out_of_reach"),
        (window(day=200), "time_out_of_reach"),
        (window(hour=0.2), "not_on_the_half_hour"),
        (window(hours=-1), "window_length"),
        (window(hours=11), "window_length"),
        (window(hours=1.5), "not_whole_hours"),
    ],
)
def test_a_window_must_be_possible(session: Session, wrong: object, code: str) -> None:
    scene = a_scene(session)
    with pytest.raises(BadInput, match=code):
        proposed(session, scene, wrong)  # type: ignore[arg-type]


def test_goods_need_no_appointment(session: Session) -> None:
    scene = a_scene(session, category="LIVING.FOOD_PACK", units=10)
    with pytest.raises(WrongState, match="not_a_service"):
        proposed(session, scene)


def test_one_volunteer_is_never_in_two_places_not_even_for_two_givers(session: Session) -> None:
    one = a_scene(session)
    proposed(session, one)
    other = a_scene(session, people=0)
    same = visiting.facts(number="X-1")
    twin = volunteers.register(session, same, actor=other.manager, now=NOW)
    twin.id_number_index = one.people[0].id_number_index
    session.add(twin)
    session.flush()
    with pytest.raises(BadInput, match="volunteer_busy"):
        proposed(session, other, window(hour=1.5, hours=1), ids=[twin.id])
    assert proposed(session, other, window(hour=2, hours=1), ids=[twin.id])


@pytest.mark.both_engines
def test_the_database_itself_refuses_a_second_hold(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    held = session.exec(select(Hold)).first()
    assert held is not None
    session.expunge(held)
    session.add(Hold(person_index=held.person_index, slot=held.slot, appointment_id=one.id))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_household_is_not_promised_two_visits_at_one_time(session: Session) -> None:
    scene = a_scene(session, people=2)
    proposed(session, scene, ids=[scene.people[0].id])
    with pytest.raises(BadInput, match="household_busy"):
        proposed(session, scene, window(hour=1), ids=[scene.people[1].id])


def test_risky_work_needs_insurance_that_lives_on_the_day(session: Session) -> None:
    scene = a_scene(session, people=0)
    scene.people = [a_volunteer(session, scene.organisation, insured_to=date(2026, 11, 24))]
    assert proposed(session, scene)
    with pytest.raises(BadInput, match="insurance_missing"):
        proposed(session, scene, window(day=1))
    assert proposed(session, scene, window(day=1), place=Place.STATION), "at the station nobody is alone in a home"
    with pytest.raises(BadInput, match="insurance_missing"):
        proposed(session, scene, window(day=2, hour=11), place=Place.STATION)


def test_insurance_that_was_taken_away_is_seen_when_the_household_agrees(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    scene.people[0].insured_to = date(2026, 11, 23)
    session.add(scene.people[0])
    with pytest.raises(WrongState, match="time_no_longer_possible"):
        service.agree(session, one.id, actor=scene.home, now=NOW)


def test_a_risky_visit_is_not_recorded_without_the_insurance_of_its_day(session: Session) -> None:
    scene = a_scene(session)
    one, held = agreed(session, scene)[0], scene.people[0]
    held.insured_to = date(2026, 11, 23)
    session.add(held)
    with pytest.raises(WrongState, match="not_insured_then"):
        done(session, scene, one)
    assert session.exec(select(ServiceRecord)).all() == []
    held.insured_to = date(2026, 11, 24)
    session.add(held)
    assert done(session, scene, one).state is AppointmentState.DONE


def test_insurance_is_not_taken_away_under_a_visit_that_counts_on_it(session: Session) -> None:
    scene = a_scene(session)
    one, held = agreed(session, scene)[0], scene.people[0]
    told = visiting.facts(number=held.registration_no, id_number="")
    none = replace(told, insurance_no="", insured_from=None, insured_to=None)
    for less in (none, replace(told, insured_to=date(2026, 11, 23)), replace(told, insured_from=date(2026, 11, 25))):
        with pytest.raises(BadInput, match="insurance_counted_on"):
            volunteers.change(session, held.id, less, actor=scene.manager, now=NOW)
    volunteers.change(session, held.id, replace(told, insured_to=date(2026, 11, 24)), actor=scene.manager, now=NOW)
    done(session, scene, one)
    volunteers.change(session, held.id, none, actor=scene.manager, now=NOW)
    assert held.insured_to is None


def test_home_care_is_done_by_two(session: Session) -> None:
    scene = a_scene(session, category="CARE.HOME_CARE", people=2)
    with pytest.raises(BadInput, match="two_people"):
        proposed(session, scene, ids=[scene.people[0].id])
    assert len(people_of(session, proposed(session, scene)[0].id)) == 2


@pytest.mark.parametrize(
    ("who", "category", "code"),
    [
        ({"skills": ("COMPANY",)}, "EDU.TUTORING", "volunteer_skill"),
        ({"born": 2009}, "EDU.TUTORING", "youth_alone"),
        ({"health": HealthFit.ORDINARY}, "DISABILITY.REHAB", "volunteer_health"),
        ({"born": 1950}, "DISABILITY.REHAB", "volunteer_age"),
        ({"skills": ("COMPANY",)}, "SOCIAL.INCLUSION", "nobody_drives"),
    ],
)
def test_a_task_must_suit_skill_age_and_health(
    session: Session, who: dict[str, object], category: str, code: str
) -> None:
    scene = a_scene(session, category=category, people=0, units=6)
    scene.people = [a_volunteer(session, scene.organisation, **who)]
    with pytest.raises(BadInput, match=code):
        proposed(session, scene)


def test_who_comes_is_known_only_after_the_yes_and_only_by_given_name(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    assert lists.visits_of_household(session, scene.household.id)[0].who == ()
    service.agree(session, one.id, actor=scene.home, now=NOW)
    number = scene.people[0].registration_no
    assert lists.visits_of_household(session, scene.household.id)[0].who == (("小明", number),)
    assert lists.visits_of_match(session, scene.match.id)[0].who == ()
    week = lists.week_of_giver(session, scene.organisation.id, date(2026, 11, 23))
    assert week[date(2026, 11, 24)][0].who == (("欧阳小明", number),)


def test_a_missed_visit_is_counted_told_and_may_be_planned_again_and_twice_is_a_task(session: Session) -> None:
    scene = a_scene(session, units=2)
    for day in (0, 1):
        one = agreed(session, scene, window(day=day))[0]
        outcomes.volunteer_missed(session, one.id, actor=scene.home, now=one.ends_at)
        assert claimed_units(session, scene.match.id) == 0
    session.refresh(scene.people[0])
    assert scene.people[0].no_shows == 2
    assert [one.id for one in volunteers.to_talk_with(session, scene.organisation.id)] == [scene.people[0].id]
    volunteers.talked(session, scene.people[0].id, actor=scene.manager, now=AFTER)
    assert volunteers.to_talk_with(session, scene.organisation.id) == []
    assert session.exec(select(ServiceRecord)).all() == []


def test_a_household_that_is_away_twice_is_called_by_a_worker(session: Session) -> None:
    scene = a_scene(session)
    worker = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
    for day in (0, 1):
        assert lists_city.calls_waiting(session, actor=worker) == ([], 0)
        one = agreed(session, scene, window(day=day))[0]
        outcomes.household_missed(session, one.id, actor=scene.manager, now=one.ends_at)
    calls, total = lists_city.calls_waiting(session, actor=worker)
    assert ([clock.object_ref for clock in calls], total) == ([outcomes.call_ref(scene.match.id)], 1)
    outcomes.called(session, scene.match.id, outcome="goes_on", actor=worker, now=AFTER)
    assert lists_city.calls_waiting(session, actor=worker) == ([], 0)
    with pytest.raises(NotAllowed):
        outcomes.called(session, scene.match.id, outcome="goes_on", actor=scene.manager, now=AFTER)


def test_a_household_disputes_a_recorded_visit_and_its_record_is_void(session: Session) -> None:
    scene = a_scene(session)
    one = done(session, scene, agreed(session, scene)[0])
    outcomes.volunteer_missed(session, one.id, actor=scene.home, now=AFTER)
    assert (one.state, one.reason_code) == (AppointmentState.NO_SHOW_VOLUNTEER, "disputed")
    assert records.certificate_of(session, scene.people[0]).minutes == 0
    assert claimed_units(session, scene.match.id) == 0


def test_a_visit_is_not_recorded_before_it_began_nor_longer_than_it_can_have_been(session: Session) -> None:
    scene = a_scene(session)
    one = agreed(session, scene)[0]
    with pytest.raises(WrongState, match="not_begun_yet"):
        outcomes.record_done(session, one.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=NOW)
    with pytest.raises(BadInput, match="minutes_not_possible"):
        done(session, scene, one, minutes=121)
    with pytest.raises(BadInput, match="minutes_too_few"):
        done(session, scene, one, minutes=59)
    assert done(session, scene, one, minutes=119).units == 1, "a begun hour does not count"


def test_a_record_is_not_much_longer_than_the_plan_nor_runs_into_the_next_visit(session: Session) -> None:
    scene, later = a_scene(session), visiting.TOMORROW + timedelta(days=3)
    first, second = agreed(session, scene, window(), window(hour=2.5))
    record = partial(outcomes.record_done, content="HOMEWORK", actor=scene.manager, now=later)
    for one, most in ((first, 150), (second, 180)):
        with pytest.raises(BadInput, match="minutes_too_many") as refused:
            record(session, one.id, minutes=most + 1)
        assert refused.value.facts["most"] == most
        record(session, one.id, minutes=most)
    assert records.certificate_of(session, scene.people[0]).minutes == 150 + 180


def test_the_term_ends_what_was_served_is_delivered_and_the_need_is_open_for_the_rest(session: Session) -> None:
    scene = a_scene(session, units=10)
    with pytest.raises(WrongState, match="nothing_served_yet"):
        outcomes.finish(session, scene.match.id, actor=scene.manager, now=NOW)
    first, second = agreed(session, scene, window(), window(day=2))
    done(session, scene, first)
    outcomes.finish(session, scene.match.id, actor=scene.manager, now=AFTER)
    session.refresh(scene.need)
    session.refresh(scene.offer)
    assert (scene.match.state, scene.match.units) == (MatchState.DELIVERED, 2)
    assert (scene.need.committed_units, scene.offer.committed_units) == (2, 2)
    assert (second.state, second.reason_code) == (AppointmentState.CANCELLED, "finished")


def test_another_giver_sees_and_moves_nothing(session: Session) -> None:
    scene = a_scene(session)
    one = proposed(session, scene)[0]
    other = visiting.as_manager(make.an_organisation(session))
    with pytest.raises(NotFound):
        lists.get_appointment(session, one.id, actor=other)
    with pytest.raises(NotFound):
        service.cancel(session, one.id, reason_code="weather", actor=other, now=NOW)
    with pytest.raises(NotFound):
        volunteers.get_volunteer(session, scene.people[0].id, actor=other)


def test_a_volunteer_who_stops_is_taken_out_of_what_was_promised(session: Session) -> None:
    scene = a_scene(session)
    one = agreed(session, scene)[0]
    service.free_volunteer(session, scene.people[0].id, actor=scene.manager, now=NOW)
    volunteers.set_state(
        session, scene.people[0].id, to=VolunteerState.ENDED, reason="own_wish", actor=scene.manager, now=NOW
    )
    assert (one.state, one.reason_code) == (AppointmentState.CANCELLED, "volunteer_stopped")
    with pytest.raises(BadInput, match="volunteer_not_active"):
        proposed(session, scene)
    with pytest.raises(WrongState):
        volunteers.set_state(session, scene.people[0].id, to=VolunteerState.SUSPENDED, actor=scene.manager, now=NOW)


def test_nothing_new_is_planned_without_a_living_consent_and_what_ran_out_is_held_and_asked_again(
    sqlite_database: Database,
) -> None:
    with sqlite_database.transaction() as session:
        scene = visiting.a_scene(session)
        (one,) = visiting.agreed(session, scene)
        later = visiting.window(day=5)
        (waits,) = visiting.proposed(session, scene, later)
        chain, match_id, ids = scene.match.consent_chain_id, scene.match.id, (one.id, waits.id)
        changes.pause(session, chain, actor=scene.home, now=NOW)
        with pytest.raises(WrongState, match="visits_without_consent"):
            visiting.proposed(session, scene, visiting.window(day=7))
        with pytest.raises(WrongState, match="visits_without_consent"):
            service.agree(session, waits.id, actor=scene.home, now=NOW)
        changes.resume(session, chain, actor=scene.home, now=NOW)
        head = session.get_one(ConsentHead, chain)
        since = head.valid_from
        for state, begins in ((ConsentState.PENDING_CHECK, since), (ConsentState.ACTIVE, NOW + timedelta(hours=1))):
            head.state, head.valid_from = state, begins
            with pytest.raises(WrongState, match="visits_wait_for_call"):
                service.agree(session, waits.id, actor=scene.home, now=NOW)
        head.state, head.valid_from = ConsentState.ACTIVE, since
        service.agree(session, waits.id, actor=scene.home, now=NOW)
        end = visiting.TOMORROW + timedelta(hours=3)
        changes.narrow(session, chain, keep=("name",), until=end, actor=scene.home, now=NOW)
    changes.sweep(sqlite_database, clock=lambda: end)
    overtaken.sweep(sqlite_database, clock=lambda: end)
    with sqlite_database.transaction() as session:
        match = session.get_one(Match, match_id)
        assert (match.state, match.reason_code) == (MatchState.HELD, "consent_over")
        states = [session.get_one(Appointment, one_id).state for one_id in ids]
        assert states == [AppointmentState.AGREED, AppointmentState.CANCELLED], "what has begun is still to be said"
        told = set(session.exec(select(Notice.letter)).all())
        assert {"match_held", "offer_waiting", "consent_ended"} <= told
        visiting.accept(session, scene.household, match, now=end)
        assert match.state is MatchState.IN_DELIVERY


def test_the_sweep_closes_what_time_or_the_end_of_a_match_has_overtaken(database: Database) -> None:
    with database.transaction() as session:
        late, over = a_scene(session), a_scene(session)
        unanswered = proposed(session, late)[0].id
        orphan = agreed(session, over, window(day=3))[0].id
        chain = over.match.consent_chain_id
        assert chain is not None
        decisions.withdraw_consent(session, chain, actor=over.home, now=NOW)
    assert overtaken.sweep(database, clock=lambda: visiting.TOMORROW) == 1, "an end calls its visits off by itself"
    assert overtaken.sweep(database, clock=lambda: visiting.TOMORROW) == 0
    with database.reading() as session:
        assert session.get_one(Appointment, unanswered).reason_code == "not_answered"
        assert session.get_one(Appointment, orphan).reason_code == "match_ended"
        assert session.exec(select(Hold)).all() == []


def test_a_certificate_and_a_table_tell_time_and_content_but_no_recipient(session: Session) -> None:
    scene = a_scene(session)
    for day in (0, 1):
        one = done(session, scene, agreed(session, scene, window(day=day))[0])
        outcomes.rate(session, one.id, rating=4 + day, actor=scene.home, now=AFTER)
    found = records.certificate_of(session, scene.people[0])
    assert (found.hours, found.rating, found.by_kind) == ("4.0", "4.50", (("EDU.TUTORING", 240),))
    rows = list(records._rows(session, scene.organisation.id, first=None, last=None, lang="en"))
    assert rows[0][:5] == (scene.people[0].registration_no, "欧阳小明", date(2026, 11, 24), "09:00", 120)
    assert "王小明" not in str(rows)
    assert records.records_file(session, scene.organisation.id, lang="zh_Hans")[:2] == b"PK"


def test_a_calendar_file_names_nobody_and_no_kind_of_help(session: Session) -> None:
    scene = a_scene(session)
    text = calendar_file(agreed(session, scene), title="Shanqiao")
    assert "DTSTART:20261124T010000Z\r\nDTEND:20261124T030000Z\r\nSUMMARY:Shanqiao " in text
    for word in ("小明", "辅导", "TUTOR", "解放碑", scene.household.id, scene.people[0].registration_no):
        assert word not in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")), "longer lines would have to be folded"


@pytest.mark.parametrize("way", ["press", "ticks", "proof"])
def test_no_press_delivers_a_service_whose_visits_nobody_made(session: Session, way: str) -> None:
    scene = a_scene(session)
    giver, match_id = make.as_giver(scene.organisation), scene.match.id
    ways: dict[str, Callable[[], object]] = {
        "press": lambda: decisions.deliver(session, match_id, actor=giver, now=NOW),
        "ticks": lambda: evidence.hand_over_many(session, [match_id], actor=giver, now=NOW),
        "proof": lambda: evidence.hand_over(
            session, match_id, pieces=[Piece(ProofKind.SLIP, text="S-1")], actor=giver, now=NOW
        ),
    }
    with pytest.raises(WrongState, match="needs_visits"):
        ways[way]()
    assert scene.match.state is MatchState.IN_DELIVERY


def test_a_table_of_deliveries_neither_offers_nor_takes_a_service(session: Session) -> None:
    scene = a_scene(session)
    giver, code = make.as_giver(scene.organisation), slips.code_of(session, scene.match)
    data = write_csv(["发放编号"], [(code,)])
    _batch, checked = table.check_file(session, data, file_name="d.csv", actor=giver, now=NOW)
    assert [fault.code for fault in checked.faults] == ["needs_visits"]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(table.open_lines(session, actor=giver, lang="en")))
    assert all(code not in row for row in sheet.get_sheet_by_index(0).to_python())


def test_a_giver_whose_agreement_rests_still_serves_and_records_what_it_owes(session: Session) -> None:
    scene = a_scene(session)
    goods = a_scene(session, category="LIVING.FOOD_PACK", units=10, organisation=scene.organisation)
    scene.organisation.state = OrganisationState.SUSPENDED
    session.add(scene.organisation)
    assert proposed(session, scene)[0].state is AppointmentState.PROPOSED
    code, giver = slips.code_of(session, goods.match), make.as_giver(scene.organisation)
    data = write_csv(["发放编号"], [(code,)])
    batch, _checked = table.check_file(session, data, file_name="d.csv", actor=giver, now=NOW)
    assert table.confirm_import(session, batch.id, actor=giver, now=NOW)["new"] == 1
    assert goods.match.state is MatchState.DELIVERED


@pytest.mark.parametrize("path", ["/our-matches/{}/deliver", "/proofs/grants/{}/hand-over", "/proofs/scan/{code}"])
def test_the_pages_show_no_button_for_a_service_and_refuse_its_form(
    sqlite_database: Database, settings: Settings, path: str
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        match_id, org_id = scene.match.id, scene.organisation.id
        path = path.format(match_id, code=slips.code_of(session, scene.match))
    app = create_app(settings, database=sqlite_database)
    giver = client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    page = giver.get(f"/our-matches/{match_id}").text
    assert path not in page
    assert f"/visits/services/{match_id}" in page
    assert 'name="chosen"' not in giver.get("/proofs/").text
    said = {"units": "60", "slip_number": "S-123456"}
    assert giver.post(path, data=said).status_code == 409


def test_no_slip_is_printed_for_a_service_and_its_code_leads_to_the_visits(
    sqlite_database: Database, settings: Settings
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        goods = a_scene(session, category="LIVING.FOOD_PACK", units=10, organisation=scene.organisation)
        codes = [slips.code_of(session, one.match) for one in (scene, goods)]
        match_id, org_id = scene.match.id, scene.organisation.id
        home_id = scene.household.id
    app = create_app(settings, database=sqlite_database)
    mine = household_client(app, home_id).get(f"/proofs/mine/{match_id}/code")
    assert (mine.status_code, "没有送达码" in mine.text, codes[0] in mine.text) == (409, True, False)
    giver = client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    printed = giver.get("/proofs/slips").text
    assert [slips.shown(code) in printed for code in codes] == [False, True]
    for path in (f"/proofs/scan/{codes[0]}", f"/proofs/grants/{match_id}/hand-over"):
        page = giver.get(path)
        assert page.status_code == 409
        assert f"/visits/services/{match_id}" in page.text
        assert 'name="slip_number"' not in page.text


def _calls(session: Session, match_id: str) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, f"silent:{match_id}")]


def test_the_household_is_still_asked_for_the_other_times_when_one_is_called_off(session: Session) -> None:
    scene = a_scene(session)
    made = proposed(session, scene, window(), window(day=1), choose_one=True)
    left = []
    for one in made:
        service.cancel(session, one.id, reason_code="weather", actor=scene.manager, now=NOW)
        left.append([clock.step for clock in clocks.running_of(session, one.choice_id)])
    assert left == [["visit_answer"], []]


def test_a_household_silent_on_a_time_is_called_and_its_answer_ends_the_call(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        one = proposed(session, scene, window(day=20))[0]
    late = NOW + timedelta(days=8)
    assert overtaken.sweep(database, clock=lambda: late) == 1
    assert overtaken.sweep(database, clock=lambda: late) == 0
    with database.transaction() as session:
        assert _calls(session, scene.match.id) == ["visit_call"]
        assert clocks.running_of(session, one.choice_id) == []
        service.agree(session, one.id, actor=scene.home, now=late)
        assert _calls(session, scene.match.id) == []


def test_a_time_that_came_without_an_answer_is_told_to_the_giver_and_a_worker_calls(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        proposed(session, scene)
    assert overtaken.sweep(database, clock=lambda: AFTER) == 1
    with database.transaction() as session:
        told = session.exec(select(Notice.org_id).where(Notice.letter == "visit_changed"))
        assert sorted(told, key=str) == sorted([None, scene.organisation.id], key=str)
        assert _calls(session, scene.match.id) == ["visit_call"]
        worker = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
        outcomes.called(session, scene.match.id, outcome="goes_on", actor=worker, now=AFTER)
        assert _calls(session, scene.match.id) == []


@pytest.mark.parametrize(("urgency", "days"), [(2, 3), (3, 1)])
def test_only_a_critical_need_shortens_the_time_to_choose_a_visit(session: Session, urgency: int, days: int) -> None:
    scene = a_scene(session, urgency=urgency)
    one = proposed(session, scene, window(day=20))[0]
    (clock,) = clocks.running_of(session, one.choice_id)
    assert working_days_between(local_day(NOW), clocks.last_day(clock)) == days


def together(session: Session, **over: Any) -> tuple[visiting.Scene, Appointment]:
    """A visit at a home that two of the giver's people are to make, agreed."""
    scene = a_scene(session, people=2, **over)
    return scene, agreed(session, scene)[0]


def test_only_who_came_has_served_and_who_did_not_is_counted(session: Session) -> None:
    scene, visit = together(session)
    came, absent = scene.people
    by: dict[str, Any] = {"minutes": 120, "content": "HOMEWORK", "actor": scene.manager, "now": visit.ends_at}
    with pytest.raises(BadInput, match="nobody_came"):
        outcomes.record_done(session, visit.id, came=[], **by)
    outcomes.record_done(session, visit.id, came=[came.id], **by)
    assert records.minutes_of(session, [came.id, absent.id]) == {came.id: 120}
    assert (came.no_shows, absent.no_shows) == (0, 1)
    outcomes.volunteer_missed(session, visit.id, actor=scene.home, now=visit.ends_at)
    assert (came.no_shows, absent.no_shows) == (1, 1), "a dispute is about who was said to have come"
    assert records.minutes_of(session, [came.id, absent.id]) == {}


def test_who_came_alone_to_risky_work_needs_insurance_and_who_stayed_away_does_not(session: Session) -> None:
    scene, visit = together(session)
    bare, insured = scene.people
    bare.insurance_no = None
    session.flush()
    by: dict[str, Any] = {"minutes": 120, "content": "HOMEWORK", "actor": scene.manager, "now": visit.ends_at}
    with pytest.raises(WrongState, match="not_insured_then"):
        outcomes.record_done(session, visit.id, came=[bare.id], **by)
    assert outcomes.record_done(session, visit.id, came=[insured.id], **by).state is AppointmentState.DONE


def test_somebody_else_goes_is_asked_for_the_same_holds_the_time_and_has_the_hours(session: Session) -> None:
    scene = a_scene(session)
    ill, spare = scene.people[0], a_volunteer(session, scene.organisation)
    unfit = a_volunteer(session, scene.organisation, skills=("CARE",))
    visit, later = agreed(session, scene, window(), window(day=1))

    def sent(one: Appointment, out: Volunteer, coming: Volunteer, at: Any = NOW) -> None:
        service.substitute(session, one.id, out.id, coming.id, actor=scene.manager, now=at)

    for out, coming, code in (
        (ill, unfit, "volunteer_skill"),
        (spare, unfit, "not_booked"),
        (ill, ill, "booked_already"),
    ):
        with pytest.raises(BadInput, match=code):
            sent(visit, out, coming)
    sent(visit, ill, spare)
    assert [one.id for one in people_of(session, visit.id)] == [spare.id]
    told = session.exec(select(Notice).where(Notice.key.startswith(f"{visit.id}:who"))).one()
    assert (told.letter, told.household_id) == ("visit_changed", scene.household.id)
    elsewhere = a_scene(session, organisation=scene.organisation, phone="10000000077")
    with pytest.raises(BadInput, match="volunteer_busy"):
        proposed(session, elsewhere, ids=[spare.id])
    proposed(session, elsewhere, ids=[ill.id])
    with pytest.raises(BadInput, match="volunteer_busy"):
        sent(visit, spare, ill)
    sent(later, ill, spare, later.ends_at)
    for one in (visit, later):
        by: dict[str, Any] = {"minutes": 120, "content": "HOMEWORK", "actor": scene.manager}
        outcomes.record_done(session, one.id, now=later.ends_at, **by)
    assert records.minutes_of(session, [ill.id, spare.id]) == {spare.id: 240}
    with pytest.raises(WrongState, match="appointment_moved_on"):
        sent(visit, spare, ill)


def test_minutes_of_recorded_visits_are_not_told_a_second_time(session: Session) -> None:
    scene, visit = together(session, units=2)
    by: dict[str, Any] = {"actor": scene.manager, "now": visit.ends_at}
    outcomes.record_done(session, visit.id, minutes=120, content="HOMEWORK", **by)
    told = results.report(session, scene.match.id, Told("reached"), **by)
    assert told.minutes == 240, "two people, each so long"
