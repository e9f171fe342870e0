"""Two records called one person: what each was given counts for both, until the verdict is taken back."""

from __future__ import annotations

import threading
from datetime import date, datetime

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import WrongState
from marketplace.households import same, suspicions
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.households.verdicts import against
from marketplace.ledger import bills, late, overlap
from marketplace.ledger.explain import explain
from marketplace.ledger.models import LayerState, OverlapHit
from marketplace.organisations.models import RelatedPerson, Relation
from marketplace.proposals.boards import _newcomer
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.marketplace.test_overlap_runs import TODAY, WORKER, need, offer, past, solved

RICE = "LIVING.FOOD_PACK"
DECIDER = Actor(id="decider-1", role=Role.WORKER)


def a_suspicion(session: Session, one: Household, two: Household, now: datetime) -> Suspicion:
    """An open pair of one person of each household."""
    ids = sorted(session.exec(select(Person.id).where(Person.household_id == home.id)).one() for home in (one, two))
    row = Suspicion(
        id=f"{one.id[:16]}{two.id[:16]}",
        one_id=ids[0],
        two_id=ids[1],
        one_district=one.district_code,
        two_district=two.district_code,
        agreement="phone:same",
        facts_index="",
        raised_at=now,
    )
    session.add(row)
    session.flush()
    return row


def called_same(session: Session, one: Household, two: Household, now: datetime) -> Suspicion:
    pair = a_suspicion(session, one, two, now)
    return suspicions.decide(
        session, pair.id, verdict=SuspicionState.SAME, reason="PAPERS", actor=_staff(session), now=now
    )


def _staff(_session: Session) -> Actor:
    return Actor(id="verifier-9", role=Role.VERIFIER)


def two_homes(session: Session, now: datetime) -> tuple[Household, Household]:
    homes = [make.a_household(session, phone=f"1380000000{n}") for n in range(2)]
    for home in homes:
        make.auto_match(session, home, now=now)
    return homes[0], homes[1]


def approved(session: Session, scene: Scene, now: datetime) -> list[str]:
    return [one.code for one in approval.preview(session, [scene.line.id], actor=APPROVER, now=now).excluded]


def test_aid_of_the_other_record_stops_the_approval_until_the_verdict_is_taken_back(
    session: Session, now: datetime
) -> None:
    scene, other = a_scene(session), make.a_household(session, phone="13900000001")
    past(session, other, RICE, 2, date(2026, 11, 20))
    pair = a_suspicion(session, scene.household, other, now)
    assert approved(session, scene, now) == [], "while nobody has decided, aid goes on"
    staff = _staff(session)
    suspicions.decide(session, pair.id, verdict=SuspicionState.SAME, reason="PAPERS", actor=staff, now=now)
    assert approved(session, scene, now) == ["D08"]
    suspicions.undo(session, pair.id, reason="MISTAKE", actor=staff, now=now)
    assert approved(session, scene, now) == []


def test_a_verdict_of_different_has_no_effect(session: Session, now: datetime) -> None:
    scene, other = a_scene(session), make.a_household(session, phone="13900000001")
    past(session, other, RICE, 2, date(2026, 11, 20))
    pair = a_suspicion(session, scene.household, other, now)
    suspicions.decide(
        session, pair.id, verdict=SuspicionState.DIFFERENT, reason="NAMESAKE", actor=_staff(session), now=now
    )
    assert approved(session, scene, now) == []


def test_three_records_of_one_person_count_as_one_however_they_are_linked(session: Session, now: datetime) -> None:
    homes = [make.a_household(session, phone=f"1370000000{n}") for n in range(3)]
    called_same(session, homes[0], homes[1], now)
    called_same(session, homes[1], homes[2], now)
    found = same.same_as(session, [homes[2].id])
    assert found.of(homes[2].id) == {home.id for home in homes}
    assert (found.one(homes[2].id), found.twice(homes[0].id)) == (min(home.id for home in homes), 2)
    assert same.all_same(session).several() == [found.of(homes[0].id)]


def test_a_run_serves_the_more_urgent_of_two_records_needs_and_keeps_the_waiting_time_of_both(
    session: Session, now: datetime
) -> None:
    one, two = two_homes(session, now)
    first, second = need(session, one, RICE, 5, urgency=3), need(session, two, RICE, 5)
    offer(session, RICE)
    assert solved(session, now)[1] == {first.id: 5, second.id: 5}
    called_same(session, one, two, now)
    assert solved(session, now)[1] == {first.id: 5}
    past(session, two, RICE, 1, TODAY)
    assert solved(session, now)[1] == {}


def test_a_programmes_lifetime_cap_counts_what_both_records_had(session: Session, now: datetime) -> None:
    """Cap 30,000 yuan; the other record had 29,000 of this giver: 1,000 are left."""
    one, two = two_homes(session, now)
    giver = offer(session, "MEDICAL.MAJOR")
    wanted = need(session, one, "MEDICAL.MAJOR", 500_000, cause="C50")
    make.a_cost(session, wanted)
    past(session, two, "MEDICAL.MAJOR", 2_900_000, date(2024, 5, 1), org_id=giver.id, giver="", cause="C50")
    assert overlap.verdict(session, wanted, org_id=giver.id, units=500_000, on=TODAY).allowed == 500_000
    called_same(session, one, two, now)
    assert overlap.verdict(session, wanted, org_id=giver.id, units=500_000, on=TODAY).allowed == 100_000
    assert solved(session, now)[1] == {wanted.id: 100_000}


def test_the_waterfall_of_one_person_is_one_bill(session: Session, now: datetime) -> None:
    """Cost 8,000 yuan on both records; basic insurance paid 5,000, told on one of them only: 3,000 are left, once."""
    one, two = two_homes(session, now)
    wanted = [need(session, home, "MEDICAL.MAJOR", 300_000, cause="C50") for home in (one, two)]
    for row in wanted:
        bill = bills.record(session, row.id, cost_fen=800_000, paper="结算单", actor=WORKER, now=now)
    for payer in bills.BEFORE_CHARITY:
        state, fen = (LayerState.PAID, 500_000) if payer == "BASIC_INSURANCE" else (LayerState.NONE, 0)
        bills.answer(session, bill.id, payer, state=state, fen=fen, actor=WORKER, now=now)
    offer(session, "MEDICAL.MAJOR")
    said = overlap.verdict(session, wanted[0], org_id="", units=300_000, on=TODAY)
    assert (said.code, said.allowed) == ("D01", 0), "alone its payers have not answered"
    called_same(session, one, two, now)
    said = overlap.verdict(session, wanted[0], org_id="", units=300_000, on=TODAY)
    assert said.allowed == 300_000
    assert sum(solved(session, now)[1].values()) == 300_000, "one of the two, not both"
    past(session, two, "MEDICAL.MAJOR", 200_000, TODAY, need_id=wanted[1].id, cause="C50")
    assert overlap.verdict(session, wanted[0], org_id="", units=300_000, on=TODAY).allowed == 100_000


def test_a_giver_related_to_one_record_helps_neither(session: Session, now: datetime) -> None:
    scene, other = a_scene(session), make.a_household(session, phone="13900000001")
    person = session.exec(select(Person).where(Person.household_id == other.id)).one()
    person.id_number_index = "f" * 64
    session.add(person)
    session.add(
        RelatedPerson(
            id="rel-1",
            org_id=scene.organisation.id,
            reference="R-1",
            relation=Relation.STAFF,
            id_number_index="f" * 64,
            added_by="x",
            added_at=now,
        )
    )
    session.flush()
    assert approved(session, scene, now) == []
    called_same(session, scene.household, other, now)
    assert approved(session, scene, now) == ["related_party"]


def test_one_policy_a_person_counts_each_person_once(session: Session, now: datetime) -> None:
    """Two households of one record each are one person: one policy a year, not two."""
    one, two = two_homes(session, now)
    wanted = need(session, one, "INSURANCE.PREMIUM", 2)
    past(session, two, "INSURANCE.PREMIUM", 1, TODAY)
    assert overlap.verdict(session, wanted, org_id="", units=1, on=TODAY).allowed == 1
    called_same(session, one, two, now)
    assert overlap.verdict(session, wanted, org_id="", units=1, on=TODAY).code == "D15"


def test_a_quote_between_runs_knows_the_aid_of_both(session: Session, now: datetime) -> None:
    one, two = two_homes(session, now)
    wanted = need(session, two, RICE, 5)
    past(session, one, RICE, 1, TODAY)
    called_same(session, one, two, now)
    newcomer = _newcomer(session, wanted, None, bans=(), left=5, on=TODAY, anew=False)
    assert {row.household_id for row in newcomer.past} == {newcomer.need.household_id} == {min(one.id, two.id)}


def test_aid_that_both_records_had_becomes_a_task_once_they_are_called_the_same(
    session: Session, now: datetime
) -> None:
    one, two = two_homes(session, now)
    past(session, one, RICE, 2, date(2026, 10, 1))
    past(session, two, RICE, 2, date(2026, 11, 1))
    pair = called_same(session, one, two, now)
    assert late.look_at_same(session, now=now) == 1
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.place, len(hit.because)) == ("D08", "report", 2)
    assert late.look_at_same(session, now=now) == 0, "once"
    suspicions.undo(session, pair.id, reason="MISTAKE", actor=_staff(session), now=now)
    assert pair.aid_seen_at is None


def test_the_command_names_the_households_that_count_as_one(session: Session, now: datetime) -> None:
    one, two = two_homes(session, now)
    need(session, one, RICE, 5)
    past(session, two, RICE, 2, TODAY)
    called_same(session, one, two, now)
    told = list(explain(session, one.id, RICE, on=TODAY))
    assert f"same person in household {two.id}" in told
    assert any("D08 allows 0" in line for line in told)


def test_an_offer_for_one_household_is_not_given_to_both_records(session: Session, now: datetime) -> None:
    one, two = two_homes(session, now)
    giver = make.an_organisation(session)
    gift = make.an_offer(session, giver, category="EDU.TUTORING", unit="HOUR", stock_units=100, max_per_household=10)
    lines = [make.a_line(session, need(session, home, "EDU.TUTORING", 10), gift, units=10) for home in (one, two)]
    called_same(session, one, two, now)
    done = approval.approve(session, [line.id for line in lines], actor=APPROVER, now=now)
    assert (done.approved, [one.code for one in done.excluded]) == ((lines[0].id,), ["already_given"])


@pytest.mark.both_engines
def test_deciding_waits_for_an_approval_under_way(database: Database, now: datetime) -> None:
    """Whoever approves holds the households: the verdict comes after it, and the next approval sees it."""
    with database.transaction() as session:
        scene, other = a_scene(session), a_scene(session, phone="13900000001")
        pair_id = a_suspicion(session, scene.household, other.household, now).id
        lines, staff = (scene.line.id, other.line.id), _staff(session)

    def decide() -> None:
        with database.transaction() as own:
            suspicions.decide(own, pair_id, verdict=SuspicionState.SAME, reason="PAPERS", actor=staff, now=now)

    with database.session(writes=True) as first:
        assert approval.approve(first, [lines[0]], actor=APPROVER, now=now).approved
        thread = threading.Thread(target=decide)
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive()
        first.commit()
    thread.join(timeout=30)
    with database.transaction() as session:
        done = approval.approve(session, [lines[1]], actor=APPROVER, now=now)
    assert [one.code for one in done.excluded] == ["D08"]


def test_a_decided_pair_cannot_be_decided_again(session: Session, now: datetime) -> None:
    one, two = two_homes(session, now)
    pair = called_same(session, one, two, now)
    with pytest.raises(WrongState, match="suspicion_decided"):
        suspicions.decide(
            session, pair.id, verdict=SuspicionState.SAME, reason="PAPERS", actor=_staff(session), now=now
        )


def test_two_verdicts_that_contradict_each_other_are_not_kept(session: Session, now: datetime) -> None:
    """A is B, and A is not C: then B is not C. And what is one by other verdicts is not called two."""
    homes = [make.a_household(session, phone=f"1360000000{n}") for n in range(3)]
    told = {"reason": "PAPERS", "actor": _staff(session), "now": now}
    first = called_same(session, homes[0], homes[1], now)
    apart, last = a_suspicion(session, homes[0], homes[2], now), a_suspicion(session, homes[1], homes[2], now)
    suspicions.decide(session, apart.id, verdict=SuspicionState.DIFFERENT, **told)
    assert against(session, last, SuspicionState.SAME) == [apart]
    with pytest.raises(WrongState, match="verdicts_contrary"):
        suspicions.decide(session, last.id, verdict=SuspicionState.SAME, **told)
    suspicions.undo(session, apart.id, **told)
    suspicions.decide(session, last.id, verdict=SuspicionState.SAME, **told)
    assert {one.id for one in against(session, apart, SuspicionState.DIFFERENT)} == {first.id, last.id}
    with pytest.raises(WrongState, match="verdicts_contrary"):
        suspicions.decide(session, apart.id, verdict=SuspicionState.DIFFERENT, **told)
    suspicions.undo(session, first.id, **told)
    suspicions.decide(session, apart.id, verdict=SuspicionState.DIFFERENT, **told)
