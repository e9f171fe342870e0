"""D21: two kinds of need that may be one thing, for one event, with no papers that tie them: a person is asked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.decisions import approve as approval
from marketplace.households.models import Household
from marketplace.ledger import hit_report, hits, late_ends, overlap, questions
from marketplace.ledger.models import AidState, HitState, OverlapHit
from marketplace.needs.models import NeedState
from tests import factories as make
from tests.marketplace.match_scene import APPROVER
from tests.marketplace.test_overlap_runs import need, offer, past, solved

FLOOD = "FLOOD:2026-08-12/500109"
DAY = date(2026, 11, 20)
OTHER = Actor(id="approver-2", role=Role.APPROVER)


@pytest.fixture
def household(session: Session) -> Household:
    """A household that may be matched."""
    home = make.a_household(session)
    make.auto_match(session, home)
    return home


def test_a_second_kind_for_one_event_is_one_question_and_goes_on_after_the_answer(
    session: Session, household: Household, now: datetime
) -> None:
    row = past(session, household, "HOUSING.REPAIR", 300_000, DAY, cause=FLOOD)
    wanted = need(session, household, "HOUSING.ELDER_ADAPT", 100_000, cause=FLOOD)
    giver = make.an_organisation(session)
    line = make.a_line(
        session,
        wanted,
        make.an_offer(session, giver, category="HOUSING.ELDER_ADAPT", unit="FEN", stock_units=10**7),
        units=100_000,
    )
    built, given = solved(session, now)
    assert (given, [one.code for one in built.stopped]) == ({}, ["D21"])
    hits.keep(session, [_met(built.stopped[0], wanted)], actor=APPROVER, now=now)
    assert [one.code for one in approval.approve(session, [line.id], actor=APPROVER, now=now).excluded] == ["D21"]
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.because, hit.state) == ([row.id], HitState.OPEN), "a run and an approval ask once"
    assert [clock.step for clock in clocks.running_of(session, hit.id)] == [hits.STEP]
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=2, actor=APPROVER, now=now)
    assert approval.approve(session, [line.id], actor=OTHER, now=now).approved == (line.id,)


def _met(stopped: Any, wanted: Any) -> hits.Met:
    told = {"units": stopped.units, "because": stopped.because, "org_id": None}
    return hits.of_need(wanted, code=stopped.code, place=hits.RUN, **told)


@pytest.mark.parametrize(
    "over",
    [{"cause": ""}, {"cause": "FLOOD:2026-06-01/500109"}, {"payer": "TEMPORARY_AID"}, {"category": "CHILD.WISH"}],
)
def test_another_event_an_unknown_one_a_payer_before_charity_and_another_thing_are_no_question(
    session: Session, household: Household, over: dict[str, Any]
) -> None:
    told = {"category": "EMERGENCY.SHELTER", "cause": FLOOD} | over
    past(session, household, told.pop("category"), 3, DAY, **told)
    wanted = need(session, household, "HOUSING.RENT", 100_000, cause=FLOOD)
    assert overlap.verdict(session, wanted, org_id="", units=100_000, on=DAY).allowed == 100_000


def test_papers_of_their_own_tell_an_illness_and_sudden_need_apart_and_without_them_the_rest_of_the_cost_may_be_given(
    session: Session, household: Household
) -> None:
    """Cost 9,000 yuan, nobody else pays; 3,000 of sudden help may be for it: 6,000 are left, with papers all 8,000."""
    sudden = need(session, household, "EMERGENCY.CASH", 300_000, cause="ILLNESS:C50")
    past(session, household, "EMERGENCY.CASH", 300_000, DAY, cause="ILLNESS:C50", need_id=sudden.id)
    drugs = need(session, household, "MEDICAL.LONGTERM_DRUG", 800_000, cause="ILLNESS:C50")
    make.a_cost(session, drugs, fen=900_000)
    assert overlap.verdict(session, drugs, org_id="", units=800_000, on=DAY).allowed == 600_000
    make.a_cost(session, sudden, fen=300_000)
    assert overlap.verdict(session, drugs, org_id="", units=800_000, on=DAY).allowed == 800_000


def test_of_two_such_needs_a_run_plans_one_and_a_question_whose_gift_is_taken_back_ends(
    session: Session, household: Household, now: datetime
) -> None:
    one = need(session, household, "CARE.HOME_CARE", 20, cause=FLOOD, urgency=3)
    two = make.a_need(session, household, category="CARE.RESPITE", unit="DAY", gap_units=5, cause=FLOOD, urgency=2)
    offer(session, "CARE.HOME_CARE")
    giver = make.an_organisation(session)
    make.an_offer(session, giver, category="CARE.RESPITE", unit="DAY", stock_units=100)
    assert solved(session, now)[1] == {one.id: 20}
    row = past(session, household, "CARE.HOME_CARE", 20, DAY, cause=FLOOD, need_id=one.id)
    built, _given = solved(session, now)
    (hit,) = hits.keep(session, [_met(built.stopped[0], two)], actor=APPROVER, now=now)
    assert late_ends.gone(session) == []
    row.state = AidState.RETURNED
    session.flush()
    assert late_ends.gone(session) == [hit.id]
    assert (questions.over(session), hit_report.count_open(session, actor=APPROVER)) == ([], 1)
    two.state = NeedState.CLOSED
    session.flush()
    assert questions.over(session) == [hit.id], "a need that is closed has no open question"
    hits.end_gone(session, hit.id, now=now)
    (again,) = hits.keep(session, [_met(built.stopped[0], two)], actor=APPROVER, now=now)
    assert (again.id != hit.id, again.state) == (True, HitState.OPEN), "what ended by itself was never looked at"
