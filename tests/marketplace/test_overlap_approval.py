"""Approval asks the rules again: what somebody else gave in the meantime stops it, and leaves evidence."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.db import remembered, remembering
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import bills, hit_report, hits, overlap, rules
from marketplace.ledger.explain import explain
from marketplace.ledger.models import HitState, LayerState, LedgerEntry, OverlapException, OverlapHit
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.test_overlap_runs import WORKER, past

DAY = date(2026, 11, 23)
FOR_VERIFIER = Actor(id="deputy-1", role=Role.APPROVER, on_behalf_of="verifier-1")


def test_aid_of_another_giver_since_the_run_stops_the_approval_and_leaves_the_evidence(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    row = past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    done = approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    assert (done.approved, [one.code for one in done.excluded]) == ((), ["D08"])
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.place, hit.units, hit.giver, hit.because) == ("D08", "approval", 10, "红十字会", [row.id])
    assert (hit.org_id, hit.value_fen) == (scene.organisation.id, 10 * 10_000)
    assert audit.verify(session).bad_seq == 0


def test_an_act_within_another_remembers_for_itself_and_the_outer_one_asks_again_after_it(session: Session) -> None:
    asked: list[int] = []

    def times() -> int:
        return remembered(session, "times", lambda: asked.append(1) or len(asked))

    with remembering(session):
        assert (times(), times()) == (1, 1)
        with remembering(session):
            assert (times(), times()) == (2, 2)
        assert (times(), times()) == (3, 3)
    assert (times(), times()) == (4, 5), "outside every question is asked"


def test_the_preview_tells_it_and_writes_nothing(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    told = approval.preview(session, [scene.line.id], actor=APPROVER, now=now)
    assert [one.code for one in told.excluded] == ["D08"]
    assert session.exec(select(OverlapHit)).all() == []


def test_two_needs_of_one_household_for_the_same_goods_are_not_both_approved(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    other = make.a_line(session, make.a_need(session, scene.household), scene.offer)
    done = approval.approve(session, [scene.line.id, other.id], actor=APPROVER, now=now)
    assert (done.approved, [one.code for one in done.excluded]) == ((scene.line.id,), ["D08"])


def test_charity_waits_at_approval_while_a_payer_before_it_has_not_answered(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=50_000)
    giver = make.an_organisation(session)
    offer = make.an_offer(session, giver, category="MEDICAL.MAJOR", unit="FEN", stock_units=10**7)
    line = make.a_line(session, need, offer, units=50_000)
    bills.record(session, need.id, cost_fen=100_000, paper="结算单", actor=WORKER, now=now)
    done = approval.approve(session, [line.id], actor=APPROVER, now=now)
    assert [one.code for one in done.excluded] == ["D01"]


def test_who_approves_is_told_before_that_charity_paid_first_lowers_temporary_aid(
    session: Session, now: datetime
) -> None:
    """Temporary aid has promised and not paid: the warning stands beside the line and stops nothing."""
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=50_000)
    bill = make.a_cost(session, need, fen=90_000)
    promised = {"state": LayerState.EXPECTED, "fen": 40_000}
    bills.answer(session, bill.id, "TEMPORARY_AID", **promised, actor=WORKER, now=now)
    offer = make.an_offer(
        session, make.an_organisation(session), category="MEDICAL.MAJOR", unit="FEN", stock_units=10**7
    )
    line = make.a_line(session, need, offer, units=50_000)
    told = approval.preview(session, [line.id], actor=APPROVER, now=now)
    assert [(one.line_id, one.code) for one in told.warned] == [(line.id, "D03")]
    goods = a_scene(session, phone="10000000002")
    assert approval.preview(session, [goods.line.id], actor=APPROVER, now=now).warned == ()
    assert approval.approve(session, [line.id], actor=APPROVER, now=now).approved == (line.id,)


def test_a_person_says_whether_it_was_a_duplicate_and_the_report_counts_money_households_and_false_alarms(
    session: Session, now: datetime
) -> None:
    """Two households, 10 packs of 100 yuan each = 2,000 yuan; one is found to be none, after 7 minutes = 7 yuan."""
    scenes = [a_scene(session, phone=f"1000000000{n}") for n in range(2)]
    for scene in scenes:
        past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    for scene in scenes:
        approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    line = hit_report.totals(session, by="code", actor=APPROVER)[0]
    assert (line.key, line.hits, line.households, line.value_fen) == ("D08", 2, 2, 200_000)
    hit = session.exec(select(OverlapHit).where(OverlapHit.household_id == scenes[0].household.id)).one()
    with pytest.raises(WrongState, match="verifier_is_approver"):
        hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=7, actor=FOR_VERIFIER, now=now)
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=7, actor=APPROVER, now=now)
    by_giver = hit_report.totals(session, by="giver", actor=APPROVER)
    assert [(one.key, one.hits, one.households, one.value_fen) for one in by_giver] == [("红十字会", 1, 1, 100_000)]
    assert [(one.false_alarms, one.cost_fen) for one in by_giver] == [(1, 700)]
    with pytest.raises(WrongState, match="hit_decided"):
        hits.decide(session, hit.id, state=HitState.DUPLICATE, minutes=1, actor=APPROVER, now=now)


def test_whoever_called_a_hit_no_duplicate_does_not_approve_the_help(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    hit = session.exec(select(OverlapHit)).one()
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=APPROVER, now=now)
    done = approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    assert [one.code for one in done.excluded] == ["hit_judge_is_approver"]
    other = Actor(id="approver-2", role=Role.APPROVER)
    assert approval.approve(session, [scene.line.id], actor=other, now=now).approved == (scene.line.id,)


def test_nobody_lifts_a_sum_by_calling_its_rows_no_duplicate(session: Session, now: datetime) -> None:
    """One policy for one person is given already: another stays refused whatever one person calls the hit."""
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="INSURANCE.PREMIUM", unit="POLICY", gap_units=1)
    past(session, home, "INSURANCE.PREMIUM", 1, date(2026, 11, 20))
    offer = make.an_offer(session, make.an_organisation(session), category="INSURANCE.PREMIUM", unit="POLICY")
    line = make.a_line(session, need, offer, units=1)
    approval.approve(session, [line.id], actor=APPROVER, now=now)
    hit = session.exec(select(OverlapHit)).one()
    assert hit.code == "D15"
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=APPROVER, now=now)
    other = Actor(id="approver-2", role=Role.APPROVER)
    assert approval.approve(session, [line.id], actor=other, now=now).excluded[0].code == "D15"


def test_temporary_aid_once_for_a_cause_is_lifted_by_an_exception_only(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    make.auto_match(session, home)
    aid = {"payer": "TEMPORARY_AID", "programme": "TEMPORARY_AID", "cause": "FIRE"}
    past(session, home, "EMERGENCY.CASH", 50_000, date(2026, 11, 1), **aid)
    need = make.a_need(session, home, category="EMERGENCY.CASH", unit="FEN", gap_units=50_000, cause="FIRE")
    money = {"category": "EMERGENCY.CASH", "unit": "FEN", "stock_units": 10**7}
    offer = make.an_offer(session, make.an_organisation(session), **money)
    line = make.a_line(session, need, offer, units=50_000, value_fen=50_000)
    assert approval.approve(session, [line.id], actor=APPROVER, now=now).excluded[0].code == "D13"
    hit = session.exec(select(OverlapHit)).one()
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=APPROVER, now=now)
    other = Actor(id="approver-2", role=Role.APPROVER)
    assert approval.approve(session, [line.id], actor=other, now=now).excluded[0].code == "D13"


@pytest.mark.parametrize(
    ("category", "unit", "programme", "code"),
    [
        ("CARE.HOME_CARE", "HOUR", "LTC_INSURANCE", "D09"),
        ("MEDICAL.LONGTERM_DRUG", "FEN", "MEDICAL_ASSISTANCE_DIBAO", "D16"),
    ],
)
def test_hours_and_the_highest_of_several_add_up_whoever_calls_their_rows_no_duplicate(
    session: Session, now: datetime, category: str, unit: str, programme: str, code: str
) -> None:
    home = make.a_household(session)
    past(session, home, category, 30, date(2026, 11, 1), programme=programme, cause="ILLNESS:C50")
    tags = [programme.replace("DIBAO", "TEKUN")] if code == "D16" else []
    need = make.a_need(session, home, category=category, unit=unit, gap_units=30, tags=tags, cause="ILLNESS:C50")
    said = overlap.verdict(session, need, org_id="", units=30, on=date(2026, 11, 23))
    found = next(finding for finding in said.findings if finding.code == code)
    met = hits.of_need(
        need, code=code, place=hits.APPROVAL, units=30, because=[row.ref for row in found.because], org_id=None
    )
    (hit,) = hits.keep(session, [met], actor=APPROVER, now=now)
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=APPROVER, now=now)
    again = overlap.verdict(session, need, org_id="", units=30, on=date(2026, 11, 23))
    assert found in again.findings


def test_another_district_s_staff_neither_see_nor_count_a_hit(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    far = Actor(id="a-9", role=Role.APPROVER, districts=frozenset({"500229"}))
    assert hit_report.totals(session, by="code", actor=far) == []
    with pytest.raises(NotFound):
        hits.get_hit(session, session.exec(select(OverlapHit)).one().id, actor=far)


def test_an_exception_needs_a_reason_a_rule_that_allows_it_and_somebody_who_did_not_verify(
    session: Session, now: datetime
) -> None:
    need = make.a_need(session, make.a_household(session))
    for code, reason, error in (("D08", "x", "no_exception"), ("D13", " ", "reason_missing")):
        with pytest.raises(BadInput, match=error):
            overlap.allow(session, need.id, code, reason=reason, actor=APPROVER, now=now)
    for verifier in (Actor(id="verifier-1", role=Role.APPROVER), FOR_VERIFIER):
        with pytest.raises(WrongState, match="verifier_is_approver"):
            overlap.allow(session, need.id, "D13", reason="x", actor=verifier, now=now)
    overlap.allow(session, need.id, "D13", reason="x", actor=APPROVER, now=now)
    assert overlap.exceptions_of(session, need.id, on=date(2027, 2, 20)) == {"D13"}
    assert overlap.exceptions_of(session, need.id, on=date(2027, 2, 21)) == frozenset()
    with pytest.raises(WrongState, match="exception_stands"):
        overlap.allow(session, need.id, "D13", reason="again", actor=APPROVER, now=now)
    later = now + timedelta(days=91)
    overlap.allow(session, need.id, "D13", reason="again", actor=APPROVER, now=later)
    assert len(session.exec(select(OverlapException)).all()) == 2, "the first one stays as history"


def test_explain_prints_rules_facts_and_verdict_and_no_name(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    row = past(session, scene.household, "LIVING.FOOD_PACK", 2, date(2026, 11, 20))
    told = "\n".join(explain(session, scene.household.id, "LIVING.FOOD_PACK", on=DAY))
    assert "rule D08 COOLDOWN [DESIGN, D, 2026-11-23]" in told
    assert f"fact 2026-11-20 LIVING.FOOD_PACK 2 CHARITY - {row.id}" in told
    assert f"need {scene.need.id} D08 allows 0 until 2027-05-19 because of {row.id}" in told
    assert told.endswith(f"need {scene.need.id} verdict 0 of 10")
    assert "王" not in told


def test_a_rule_of_a_person_stops_the_one_who_had_it_at_approval_and_in_the_explanation(
    session: Session, now: datetime
) -> None:
    home = make.a_household(session)
    make.auto_match(session, home)
    one, two = (make.a_person(session, home, name=name) for name in ("小一", "小二"))
    wanted: dict[str, Any] = {"category": "EDU.TERM_SUPPORT", "unit": "FEN", "gap_units": 200_000}
    mine, hers = (make.a_need(session, home, person_id=pupil.id, **wanted) for pupil in (one, two))
    row = past(session, home, "EDU.TERM_SUPPORT", 100_000, date(2026, 9, 1), person_id=one.id)
    giver = make.an_organisation(session)
    offer = make.an_offer(session, giver, category="EDU.TERM_SUPPORT", unit="FEN", stock_units=10**7)
    lines = [make.a_line(session, need, offer, units=200_000) for need in (mine, hers)]
    done = approval.approve(session, [line.id for line in lines], actor=APPROVER, now=now)
    assert (done.approved, [one.code for one in done.excluded]) == ((lines[1].id,), ["D06"])
    assert session.exec(select(LedgerEntry.person_id).where(LedgerEntry.need_id == hers.id)).one() == two.id
    told = list(explain(session, home.id, "EDU.TERM_SUPPORT", on=DAY))
    assert f"fact 2026-09-01 EDU.TERM_SUPPORT 100000 CHARITY - {row.id} for {one.id}" in told
    assert f"need {mine.id} for {one.id}" in told
    assert f"need {mine.id} D06 allows 0 because of {row.id}" in told
    assert "小一" not in "".join(told)


def test_explain_names_a_rule_that_rests_and_a_change_with_day_and_source(session: Session, now: datetime) -> None:
    """D08 rests in this district, D11 was changed for the city, and neither is silent."""
    scene = a_scene(session)
    first, second = (Actor(id=name, role=Role.APPROVER) for name in ("a-1", "a-2"))
    home = scene.household
    for over in ({"days": 90}, {"off": True, "district_code": home.district_code}):
        values = {"district_code": "", "valid_from": DAY, "source": "渝民发〔2026〕7号", **over}
        change = rules.draft(session, rules.Draft("D08", **values), actor=first, now=now)
        rules.approve(session, change.id, actor=second, now=now)
    told = list(explain(session, home.id, "LIVING.FOOD_PACK", on=DAY))
    (rests,) = [line for line in told if line.startswith("rests ")]
    assert rests.startswith("rests D08 COOLDOWN [DESIGN, D, 2026-11-23; changed 2026-11-23 city: 渝民发〔2026〕7号; ")
    assert f"changed 2026-11-23 {home.district_code}: 渝民发〔2026〕7号" in rests
    assert not any(line.startswith("rule D08") for line in told)
    elsewhere = make.a_household(session, district_code="500109")
    (goods,) = [line for line in explain(session, elsewhere.id, "LIVING.FOOD_PACK", on=DAY) if "rule D08" in line]
    assert "changed 2026-11-23 city: 渝民发〔2026〕7号] " in goods
    assert "90 days" in goods
