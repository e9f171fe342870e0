"""Hours that were served stay served however their match ends; a visit that did not take place counts no longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.appointments import disputes, outcomes, overtaken, records
from marketplace.appointments import service as visits
from marketplace.appointments.models import Appointment, AppointmentState, ServiceRecord
from marketplace.db import Database
from marketplace.decisions import calls, service, waiting
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.withdrawing import Then
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.notices import Notice
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.reports import sources, standing_aid
from marketplace.reports.months import month_of
from tests import factories as make
from tests.marketplace import visiting
from tests.marketplace.visiting import Scene, a_scene, agreed, window

AFTER = visiting.TOMORROW + timedelta(hours=8)
APPROVER = Actor(id="approver-1", role=Role.APPROVER)
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER)


def _serve(session: Session, scene: Scene, one: Appointment) -> Appointment:
    return outcomes.record_done(
        session, one.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=one.ends_at + timedelta(minutes=1)
    )


def _faults(session: Session) -> list[str]:
    """Matches that are not what the last act on them said."""
    found = chain.from_iterable(finding(session) for finding in standing_aid.FINDINGS)
    return [fault for _seq, fault in found if "match" in fault]


def _gives_up(session: Session, scene: Scene) -> None:
    service.giver_gives_up(session, scene.match.id, reason_code="cannot", actor=scene.manager, now=AFTER)


def _staff_cancel(session: Session, scene: Scene) -> None:
    service.cancel(session, scene.match.id, reason_code="other", actor=APPROVER, now=AFTER)


def _withdraws(session: Session, scene: Scene) -> None:
    assert scene.match.consent_chain_id is not None
    service.withdraw_consent(session, scene.match.consent_chain_id, actor=scene.home, now=AFTER)


def _held(session: Session, scene: Scene) -> None:
    assert scene.match.consent_chain_id is not None
    service.withdraw_consent(session, scene.match.consent_chain_id, actor=scene.home, now=AFTER, then=Then.HOLD)
    assert scene.match.state is MatchState.HELD


def _held_too_long(session: Session, scene: Scene) -> None:
    _held(session, scene)
    waiting.CONSEQUENCES["held"](session, scene.match, AFTER)


def _held_and_declined(session: Session, scene: Scene) -> None:
    _held(session, scene)
    service.household_declines(session, scene.match.id, reason_code="not_needed", actor=scene.home, now=AFTER)


def _gives_back(session: Session, scene: Scene) -> None:
    service.give_back(session, scene.match.id, reason_code="not_fitting", actor=scene.home, now=AFTER)


ENDINGS = (_gives_up, _staff_cancel, _withdraws, _held_too_long, _held_and_declined, _gives_back)


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__.strip("_"))
def test_hours_that_were_served_stay_served_however_the_match_ends(
    session: Session, ending: Callable[[Session, Scene], None]
) -> None:
    scene = a_scene(session, units=10)
    first, second = agreed(session, scene, window(), window(day=2))
    _serve(session, scene, first)
    ending(session, scene)
    for row in (scene.match, scene.need, scene.offer):
        session.refresh(row)
    assert (scene.match.state, scene.match.units, scene.match.short_units) == (MatchState.DELIVERED, 2, 8)
    entry = session.get_one(LedgerEntry, scene.match.ledger_entry_id)
    assert (entry.state, entry.units) == (AidState.DELIVERED, 2)
    assert (scene.need.committed_units, scene.offer.committed_units) == (2, 2), "the rest is open again"
    assert second.state is AppointmentState.CANCELLED, "what was only promised does not come"
    assert records.certificate_of(session, scene.people[0]).minutes == 120
    told = list(sources.rows_of_month(session, month_of(AFTER), org_id=scene.organisation.id, now=AFTER))
    assert [row["units"] for row in told if row["figure"].value == "given"] == [2]
    service.confirm(session, scene.match.id, actor=scene.home, now=AFTER)
    assert _faults(session) == []
    line = session.get_one(ProposedLine, scene.match.line_id)
    assert (line.state is LineState.DECLINED) == (ending in (_held_and_declined, _gives_back))


def test_a_match_of_which_nothing_was_served_ends_as_before(session: Session) -> None:
    scene = a_scene(session, units=10)
    agreed(session, scene, window(day=2))
    _staff_cancel(session, scene)
    session.refresh(scene.need)
    assert (scene.match.state, scene.need.committed_units) == (MatchState.CANCELLED, 0)


def test_a_giver_records_what_has_passed_before_it_ends_a_match(session: Session) -> None:
    scene = a_scene(session, units=10)
    first, second = agreed(session, scene, window(), window(day=2))
    with pytest.raises(WrongState, match="visits_to_record"):
        _gives_up(session, scene)
    _serve(session, scene, first)
    _gives_up(session, scene)
    letters = {notice.letter for notice in session.exec(select(Notice).where(Notice.household_id.is_not(None)))}  # type: ignore[union-attr]
    assert {"match_part", "confirm_receipt"} <= letters
    assert second.reason_code == "match_ended"


def test_an_hour_that_was_served_can_neither_be_handed_back_nor_asked_back(session: Session) -> None:
    scene = a_scene(session, units=2)
    _serve(session, scene, agreed(session, scene)[0])
    for act in (service.give_back, service.reclaim_open):
        reason = "not_fitting" if act is service.give_back else "not_entitled"
        with pytest.raises(WrongState, match="served_already"):
            act(session, scene.match.id, reason_code=reason, actor=scene.manager, now=AFTER)


def _is_void(session: Session, scene: Scene, one: Appointment, *, reason: str) -> None:
    found = session.exec(select(ServiceRecord).where(ServiceRecord.appointment_id == one.id)).all()
    assert {(record.void, record.void_reason, record.minutes) for record in found} == {(True, reason, 120)}
    assert (one.state, one.reason_code) == (AppointmentState.NO_SHOW_VOLUNTEER, reason)
    for row in (scene.match, scene.need, scene.offer):
        session.refresh(row)


def test_the_only_visit_of_a_service_is_disputed_after_it_delivered_the_match(session: Session) -> None:
    scene = a_scene(session, units=2)
    one = _serve(session, scene, agreed(session, scene)[0])
    assert scene.match.state is MatchState.DELIVERED
    outcomes.volunteer_missed(session, one.id, actor=scene.home, now=AFTER)
    _is_void(session, scene, one, reason="disputed")
    entry = session.get_one(LedgerEntry, scene.match.ledger_entry_id)
    assert (scene.match.state, entry.state) == (MatchState.RETURNED, AidState.RETURNED)
    assert (scene.need.committed_units, scene.offer.committed_units) == (0, 0)
    assert records.certificate_of(session, scene.people[0]).minutes == 0
    assert _faults(session) == []


@pytest.mark.parametrize("confirmed", [False, True])
def test_the_last_of_two_visits_is_disputed_and_the_first_stays_given(session: Session, confirmed: bool) -> None:
    scene = a_scene(session, units=4)
    for one in agreed(session, scene, window(), window(day=2)):
        last = _serve(session, scene, one)
    now = last.ends_at + timedelta(hours=1)
    if confirmed:
        service.confirm(session, scene.match.id, actor=scene.home, now=now)
    outcomes.volunteer_missed(session, last.id, actor=scene.home, now=now)
    _is_void(session, scene, last, reason="disputed")
    assert scene.match.state is (MatchState.CONFIRMED if confirmed else MatchState.DELIVERED)
    assert (scene.match.units, scene.match.short_units, scene.need.committed_units) == (2, 2, 2)
    told = list(sources.rows_of_month(session, month_of(now), org_id=scene.organisation.id, now=now))
    assert [row["units"] for row in told if row["figure"].value == "given"] == [2]
    assert _faults(session) == []


def test_not_received_voids_the_visits_and_leaves_those_whose_time_has_passed(session: Session) -> None:
    scene = a_scene(session, units=4)
    first, second = agreed(session, scene, window(), window(day=20))
    _serve(session, scene, first)
    _serve(session, scene, second)
    late = second.ends_at + disputes.TIME + timedelta(days=1)
    service.not_received(session, scene.match.id, actor=scene.home, now=late)
    _is_void(session, scene, second, reason="disputed")
    assert (scene.match.state, scene.match.units, scene.need.committed_units) == (MatchState.DELIVERED, 2, 2)
    with pytest.raises(WrongState, match="too_late_to_dispute"):
        service.not_received(session, scene.match.id, actor=scene.home, now=late)
    assert _faults(session) == []


def test_a_worker_that_is_told_on_the_telephone_voids_the_visit_too(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session, units=2)
        one = _serve(session, scene, agreed(session, scene)[0])
        match_id, visit_id = scene.match.id, one.id
    for days in (10, 15):
        waiting.sweep(database, clock=partial(AFTER.__add__, timedelta(days=days)))
    late = AFTER + timedelta(days=20)
    with database.transaction() as session:
        worker = Actor(id="worker-1", role=Role.WORKER)
        calls.record_call(session, match_id, outcome=calls.CallOutcome.NOT_RECEIVED, actor=worker, now=late)
        assert session.get_one(Appointment, visit_id).reason_code == "disputed"


def test_after_its_time_staff_strike_a_visit_with_a_reason(session: Session) -> None:
    scene = a_scene(session, units=2)
    one = _serve(session, scene, agreed(session, scene)[0])
    service.confirm(session, scene.match.id, actor=scene.home, now=AFTER)
    late = AFTER + disputes.TIME + timedelta(days=1)
    with pytest.raises(WrongState, match="too_late_to_dispute"):
        outcomes.volunteer_missed(session, one.id, actor=scene.home, now=late)
    with pytest.raises(NotAllowed):
        disputes.strike(session, one.id, reason="nobody_came", actor=scene.home, now=late)
    elsewhere = Actor(id="verifier-2", role=Role.VERIFIER, districts=frozenset({"500112"}))
    with pytest.raises(NotFound):
        disputes.strike(session, one.id, reason="nobody_came", actor=elsewhere, now=late)
    disputes.strike(session, one.id, reason="nobody_came", actor=VERIFIER, now=late)
    _is_void(session, scene, one, reason="nobody_came")
    session.refresh(scene.people[0])
    assert scene.people[0].no_shows == 1
    assert (scene.match.state, scene.need.committed_units) == (MatchState.RETURNED, 0)
    assert _faults(session) == []


def test_what_was_recorded_twice_is_struck_and_nobody_counts_as_not_come(session: Session) -> None:
    scene = a_scene(session, units=4)
    one = _serve(session, scene, agreed(session, scene)[0])
    disputes.strike(session, one.id, reason="twice", actor=VERIFIER, now=AFTER)
    session.refresh(scene.people[0])
    assert (scene.people[0].no_shows, scene.match.state) == (0, MatchState.IN_DELIVERY)
    assert records.certificate_of(session, scene.people[0]).void[0].void_reason == "twice"


def _record_late(session: Session, scene: Scene, one: Appointment) -> Appointment:
    return outcomes.record_done(
        session, one.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=AFTER + timedelta(days=1)
    )


LATE_ENDINGS = (_staff_cancel, _withdraws, _held_too_long, _held_and_declined, _gives_back)


@pytest.mark.parametrize("recorded_before", [False, True], ids=["first", "more"])
@pytest.mark.parametrize("ending", LATE_ENDINGS, ids=lambda ending: ending.__name__.strip("_"))
def test_a_visit_that_took_place_is_recorded_after_the_end_too(
    session: Session, ending: Callable[[Session, Scene], None], recorded_before: bool
) -> None:
    scene = a_scene(session, units=10)
    first, second, third = agreed(session, scene, window(), window(hour=3), window(day=2))
    if recorded_before:
        _serve(session, scene, first)
    ending(session, scene)
    assert (second.state, third.state) == (AppointmentState.AGREED, AppointmentState.CANCELLED)
    _record_late(session, scene, second)
    units = 4 if recorded_before else 2
    for row in (scene.match, scene.need, scene.offer):
        session.refresh(row)
    assert (scene.match.state, scene.match.units, scene.match.short_units) == (MatchState.DELIVERED, units, 10 - units)
    assert (scene.need.committed_units, scene.offer.committed_units) == (units, units)
    assert records.certificate_of(session, scene.people[0]).minutes == 60 * units
    service.confirm(session, scene.match.id, actor=scene.home, now=AFTER + timedelta(days=2))
    disputes.strike(session, second.id, reason="nobody_came", actor=APPROVER, now=AFTER + timedelta(days=3))
    session.refresh(scene.need)
    assert (scene.need.committed_units, _faults(session)) == (units - 2, [])


def test_hours_are_the_volunteers_own_where_the_need_was_met_otherwise_meanwhile(session: Session) -> None:
    scene = a_scene(session, units=2)
    one = agreed(session, scene)[0]
    _staff_cancel(session, scene)
    other = make.an_organisation(session)
    offer = make.an_offer(session, other, category="EDU.TUTORING", unit="H", stock_units=9)
    ledger.reserve(
        session, scene.need, offer_id=offer.id, org_id=other.id, giver="x", units=2, actor=APPROVER, now=AFTER
    )
    _record_late(session, scene, one)
    assert (one.state, scene.match.state) == (AppointmentState.DONE, MatchState.CANCELLED)
    assert records.certificate_of(session, scene.people[0]).minutes == 120
    disputes.strike(session, one.id, reason="nobody_came", actor=APPROVER, now=AFTER)
    session.refresh(scene.need)
    assert (records.certificate_of(session, scene.people[0]).minutes, scene.need.committed_units) == (0, 2)
    assert _faults(session) == []


def test_what_has_begun_is_not_called_off_when_its_volunteer_stops_nor_by_its_giver(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        past, later = agreed(session, scene, window(), window(day=3))
        assert visits.free_volunteer(session, scene.people[0].id, actor=scene.manager, now=AFTER) == 1
        assert (past.state, later.reason_code) == (AppointmentState.AGREED, "volunteer_stopped")
        with pytest.raises(WrongState, match="visit_to_record"):
            visits.cancel(session, past.id, reason_code="weather", actor=scene.manager, now=AFTER)
        _staff_cancel(session, scene)
        kept = past.id
    assert overtaken.sweep(database, clock=lambda: AFTER) == 0
    with database.transaction() as session:
        _record_late(session, scene, session.get_one(Appointment, kept))
        assert records.certificate_of(session, scene.people[0]).minutes == 120


def test_a_visit_of_help_on_hold_is_called_off_as_such_and_one_that_took_place_waits(database: Database) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        past, later = (one.id for one in agreed(session, scene, window(), window(day=3)))
        _held(session, scene)
    assert overtaken.sweep(database, clock=lambda: AFTER) == 1
    with database.transaction() as session:
        assert session.get_one(Appointment, later).reason_code == "match_on_hold"
        with pytest.raises(WrongState, match="match_held"):
            _record_late(session, scene, session.get_one(Appointment, past))
        waiting.CONSEQUENCES["held"](session, session.get_one(Match, scene.match.id), AFTER)
        assert _record_late(session, scene, session.get_one(Appointment, past)).state is AppointmentState.DONE
