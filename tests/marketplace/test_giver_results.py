"""The giver's result after a delivery: asked once, five working days, one word for many, never made up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import moves, results, service, waiting
from marketplace.decisions.closing import find_follow_up
from marketplace.decisions.models import GiverResult, Match
from marketplace.decisions.results import Told
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.organisations.models import OrganisationKind
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.test_decisions_closing import GOOD

DAY = timedelta(days=1)


@pytest.fixture
def scene(session: Session) -> Scene:
    return a_scene(session)


def asked(session: Session, match: Match) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, moves.result_ref(match.id))]


def test_a_delivery_asks_its_giver_for_a_result_beside_the_household_s_word(
    session: Session, scene: Scene, now: datetime
) -> None:
    match = scene.delivered(session, now)
    assert asked(session, match) == ["giver_result"]
    assert [clock.step for clock in clocks.running_of(session, match.id)] == ["household_confirm"]
    # Monday 23 November and five working days: the last of them is Monday the 30th.
    (clock,) = clocks.running_of(session, moves.result_ref(match.id))
    assert (clocks.last_day(clock) - now.date()).days == 7
    assert [one.id for one in results.list_due(session, match.org_id)] == [match.id]
    results.report(session, match.id, Told("partly", 35), actor=scene.giver, now=now)
    assert asked(session, match) == []
    assert results.count_due(session, match.org_id) == 0
    row = results.find_result(session, match.id)
    assert row is not None
    assert (row.outcome, row.minutes) == ("partly", 35)
    with pytest.raises(WrongState, match="result_known"):
        results.report(session, match.id, Told("reached"), actor=scene.giver, now=now)


def test_many_results_are_one_press_and_what_is_known_stays(session: Session, now: datetime) -> None:
    scenes = [a_scene(session) for _ in range(3)]
    organisation = scenes[0].organisation
    matches = [scene.delivered(session, now) for scene in scenes]
    for match in matches[1:]:
        match.org_id = organisation.id
        session.add(match)
    session.flush()
    results.report(session, matches[0].id, Told("not_reached", 5), actor=scenes[0].giver, now=now)
    ids = [match.id for match in matches]
    assert results.report_many(session, ids, Told("reached"), actor=scenes[0].giver, now=now) == 2
    outcomes = {match_id: results.find_result(session, match_id) for match_id in ids}
    assert [row.outcome for row in outcomes.values() if row] == ["not_reached", "reached", "reached"]
    assert [row.minutes for row in outcomes.values() if row] == [5, None, None]
    with pytest.raises(BadInput, match="nothing_chosen"):
        results.report_many(session, [], Told("reached"), actor=scenes[0].giver, now=now)


@pytest.mark.parametrize("told", [Told("well"), Told(""), Told("reached", -1), Told("reached", 6001)])
def test_a_result_is_a_code_and_minutes_that_can_be(session: Session, scene: Scene, now: datetime, told: Told) -> None:
    match = scene.delivered(session, now)
    with pytest.raises(BadInput):
        results.report(session, match.id, told, actor=scene.giver, now=now)


def test_nobody_else_reports_and_nothing_before_the_delivery(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.in_delivery(session, now)
    with pytest.raises(WrongState):
        results.report(session, match.id, Told("reached"), actor=scene.giver, now=now)
    service.deliver(session, match.id, actor=scene.giver, now=now)
    with pytest.raises(NotFound):
        results.report(session, match.id, Told("reached"), actor=a_scene(session).giver, now=now)
    with pytest.raises(NotAllowed):
        results.report(session, match.id, Told("reached"), actor=scene.household_actor, now=now)


def test_a_late_result_stands_as_missing_and_can_still_come(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        match_id = scene.delivered(session, now).id
    for days in range(1, 11):
        waiting.sweep(database, clock=lambda days=days: now + days * DAY)
    with database.transaction() as session:
        clock = session.exec(select(Clock).where(Clock.object_ref == moves.result_ref(match_id))).one()
        assert clock.outcome == "late"
        told = session.exec(select(Notice).where(col(Notice.letter) == "result_missing")).all()
        assert [notice.org_id for notice in told] == [scene.organisation.id]
        assert results.count_due(session, scene.organisation.id) == 1
        results.report(session, match_id, Told("reached", 10), actor=scene.giver, now=now + 11 * DAY)
        assert results.count_due(session, scene.organisation.id) == 0


def test_aid_that_did_not_stay_asks_for_no_result(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.delivered(session, now)
    service.not_received(session, match.id, actor=scene.household_actor, now=now)
    assert asked(session, match) == []
    assert results.count_due(session, match.org_id) == 0


def test_an_insurer_is_not_asked_again_for_what_its_answer_said(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    scene.organisation.kind = OrganisationKind.INSURER
    session.add(scene.organisation)
    session.flush()
    service.deliver(session, match.id, actor=scene.giver, now=now)
    assert asked(session, match) == []


def test_aid_asked_back_and_let_be_does_not_ask_for_its_result_again(
    session: Session, scene: Scene, now: datetime
) -> None:
    match = scene.delivered(session, now)
    results.report(session, match.id, Told("reached"), actor=scene.giver, now=now)
    service.reclaim_open(session, match.id, reason_code="misuse", actor=scene.manager, now=now)
    assert service.reclaim_drop(session, match.id, actor=scene.manager, now=now).state.value == "delivered"
    assert asked(session, match) == []
    assert len(session.exec(select(GiverResult)).all()) == 1


def test_minutes_that_nobody_told_are_unknown(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.confirmed(session, now)
    service.follow_up(session, match.id, GOOD, actor=scene.household_actor, now=now)
    row = find_follow_up(session, match.id)
    assert row is not None
    assert (row.staff_minutes, row.helper_minutes) == (None, None)
