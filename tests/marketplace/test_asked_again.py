"""Aid that is reserved is asked about again: a late report or a new year holds it for a person before it is given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import asking, holding, news
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import WrongState
from marketplace.households import suspicions
from marketplace.households.models import Household, Person
from marketplace.ledger import bills, hits, late
from marketplace.ledger.models import HitState, LedgerEntry, OverlapHit
from marketplace.ledger.overlap import OverlapFound
from marketplace.needs.models import NeedState
from marketplace.organisations.models import Organisation, OrganisationState, RelatedPerson, Relation
from marketplace.payments import files
from marketplace.proposals.models import Run
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.marketplace.payment_scene import a_month
from tests.marketplace.test_bills import WORKER
from tests.marketplace.test_bills import told as payers
from tests.marketplace.test_overlap_runs import past
from tests.marketplace.test_same_households import called_same
from tests.pages.people import client_as

FOOD, YESTERDAY = "LIVING.FOOD_PACK", date(2026, 11, 22)
OTHER = Actor(id="approver-2", role=Role.APPROVER)
SECOND = timedelta(seconds=1)


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def told(session: Session, scene: Scene, now: datetime, **over: object) -> LedgerEntry:
    """Food packs that another source tells of after the promise."""
    return past(session, scene.household, FOOD, 2, YESTERDAY, updated_at=now + SECOND, **over)


def swept(session: Session, now: datetime) -> list[str]:
    """What the sweep would hold, in this transaction."""
    found = news.due(session, now=now)
    return [one for one in found if asking.hold_broken(session, session.get_one(Match, one), actor=OTHER, now=now)]


def test_a_late_report_holds_what_was_promised_until_the_rules_say_yes_again(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    assert swept(session, now) == []
    row = told(session, scene, now)
    assert swept(session, now + 2 * SECOND) == [match.id]
    assert (match.held_for, match.state) == (holding.RULE, MatchState.IN_DELIVERY)
    assert [clock.step for clock in clocks.running_of(session, match.id)] == ["rule_review"]
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.place, hit.because) == ("D08", "held", [row.id])
    with pytest.raises(WrongState, match="match_held"):
        decisions.deliver(session, match.id, actor=scene.giver, now=now)
    with pytest.raises(OverlapFound):
        asking.go_on(session, match.id, actor=APPROVER, now=now)
    hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=3, actor=OTHER, now=now)
    asking.go_on(session, match.id, actor=APPROVER, now=now + 3 * SECOND)
    assert (match.held_for, swept(session, now + 4 * SECOND)) == ("", [])
    assert audit.verify(session).bad_seq == 0


def test_a_match_held_again_is_a_question_of_its_own_and_what_was_found_before_stands(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    first = told(session, scene, now)
    swept(session, now + 2 * SECOND)
    hits.decide(session, hit_of(session, match), state=HitState.FALSE_ALARM, minutes=1, actor=OTHER, now=now)
    asking.go_on(session, match.id, actor=APPROVER, now=now + 3 * SECOND)
    second = past(session, scene.household, FOOD, 3, YESTERDAY, updated_at=now + 4 * SECOND)
    assert swept(session, now + 5 * SECOND) == [match.id]
    with pytest.raises(OverlapFound):
        asking.go_on(session, match.id, actor=APPROVER, now=now + 5 * SECOND)
    hits.decide(session, hit_of(session, match), state=HitState.FALSE_ALARM, minutes=1, actor=OTHER, now=now)
    asking.go_on(session, match.id, actor=APPROVER, now=now + 6 * SECOND)
    assert (match.held_for, swept(session, now + 7 * SECOND)) == ("", [])
    found = session.exec(select(OverlapHit).order_by(OverlapHit.created_at)).all()
    assert [(hit.state, hit.because) for hit in found] == [(HitState.FALSE_ALARM, [row.id]) for row in (first, second)]


def hit_of(session: Session, match: Match) -> str:
    found = asking.behind(session, match)
    assert found is not None
    return found.id


def test_an_approval_stopped_again_by_other_rows_is_asked_again_and_its_judges_do_not_approve(session, now):
    scene, third = a_scene(session), Actor(id="approver-3", role=Role.APPROVER)
    past(session, scene.household, FOOD, 2, YESTERDAY)
    for units, judge in ((3, OTHER), (4, third)):
        assert approval.approve(session, [scene.line.id], actor=APPROVER, now=now).excluded[0].code == "D08"
        hit = session.exec(select(OverlapHit).where(OverlapHit.state == HitState.OPEN)).one()
        if judge is OTHER:
            assert approval.approve(session, [scene.line.id], actor=APPROVER, now=now).excluded
            also = past(session, scene.household, FOOD, 1, YESTERDAY)
            assert approval.approve(session, [scene.line.id], actor=APPROVER, now=now).excluded
            assert also.id in hit.because, "an open question hears of more"
        hits.decide(session, hit.id, state=HitState.FALSE_ALARM, minutes=1, actor=judge, now=now)
        if judge is OTHER:
            past(session, scene.household, FOOD, units, YESTERDAY)
    assert approval.approve(session, [scene.line.id], actor=OTHER, now=now).excluded[0].code == "hit_judge_is_approver"
    assert approval.approve(session, [scene.line.id], actor=APPROVER, now=now).approved


def test_the_second_approver_is_told_what_another_source_gave_meanwhile(session, now):
    month = a_month(session, now)
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="EMERGENCY.CASH", unit="FEN", gap_units=200_000)
    offer = make.an_offer(
        session, month.organisation, id="cash", category="EMERGENCY.CASH", unit="FEN", stock_units=10**7
    )
    line = make.a_line(session, need, offer, units=200_000, value_fen=10**9)
    assert approval.approve(session, [line.id], actor=APPROVER, now=now).approved
    match = session.exec(select(Match).where(Match.line_id == line.id)).one()
    assert match.state is MatchState.AWAITING_SECOND
    organisation = month.organisation
    for row, name, value, code in (
        (organisation, "state", OrganisationState.SUSPENDED, "offer_not_open"),
        (organisation, "purposes", [], "purpose_above_ceiling"),
        (need, "state", NeedState.HELD, "need_changed"),
        (offer, "max_per_household", 100_000, "already_given"),
    ):
        before = getattr(row, name)
        setattr(row, name, value)
        with pytest.raises(WrongState, match=code):
            approval.second_approve(session, match.id, actor=OTHER, now=now)
        setattr(row, name, before)
    past(session, home, "EMERGENCY.CASH", 50_000, YESTERDAY)
    with pytest.raises(OverlapFound, match="D13"):
        approval.second_approve(session, match.id, actor=OTHER, now=now)


def test_what_was_promised_in_one_year_is_asked_about_in_the_next(session):
    """Temporary aid is given once a year for one event: promised in December, a second one is given in January."""
    december, january = datetime(2026, 12, 30, 2, tzinfo=UTC), datetime(2027, 1, 5, 2, tzinfo=UTC)
    home = make.a_household(session)
    make.auto_match(session, home, now=december)
    matches = []
    for giver, moment in (("2026", december), ("2027", january)):
        need = make.a_need(
            session, home, category="EMERGENCY.CASH", unit="FEN", gap_units=50_000, cause="FIRE", period=giver
        )
        organisation = make.an_organisation(session)
        offer = make.an_offer(session, organisation, id=giver, category="EMERGENCY.CASH", unit="FEN", stock_units=10**7)
        line = make.a_line(session, need, offer, units=50_000)
        done = approval.approve(session, [line.id], actor=APPROVER, now=moment)
        assert done.approved, done.excluded
        matches.append(session.exec(select(Match).where(Match.line_id == line.id)).one())
    assert swept(session, january) == [matches[0].id]
    assert [match.held_for for match in matches] == [holding.RULE, ""]


def test_a_grant_is_asked_about_before_it_goes_to_the_bank(session, now):
    month = a_month(session, now, grants=1)
    batch = month.release(month.prepare())
    row = past(session, month.grants[0].household, "EDU.TERM_SUPPORT", 10_000, YESTERDAY, updated_at=now + SECOND)
    gone = files.settle(session, batch.id, actor=month.clerk, now=now + 2 * SECOND)
    assert [(line.match_id, code) for line, code in gone] == [(month.grants[0].match.id, "held")]
    assert session.exec(select(OverlapHit)).one().because == [row.id]


@pytest.mark.parametrize("handed_over", [False, True])
def test_of_two_promises_to_one_person_the_later_is_held_or_the_one_not_yet_given(session, now, handed_over):
    """Two records of one person, both promised food packs; only then somebody sees that they are one."""
    one, two = a_scene(session), a_scene(session, phone="10000000002")
    first, second = one.in_delivery(session, now), two.in_delivery(session, now + SECOND)
    late.look_at_same(session, now=now + 2 * SECOND)
    assert swept(session, now + 2 * SECOND) == []
    pair = called_same(session, one.household, two.household, now + 3 * SECOND)
    late.look_at_same(session, now=now + 3 * SECOND)
    kept, held = (first, second) if not handed_over else (second, first)
    if handed_over:
        decisions.deliver(session, second.id, actor=two.giver, now=now + 4 * SECOND)
        session.flush()
    assert swept(session, now + 5 * SECOND) == [held.id]
    assert (kept.held_for, held.held_for) == ("", holding.RULE)
    hit = asking.behind(session, held)
    assert hit is not None
    assert (hit.code, hit.because) == ("D08", [kept.ledger_entry_id])
    assert [clock.step for clock in clocks.running_of(session, held.id)] == ["rule_review"]
    with pytest.raises(OverlapFound):
        asking.go_on(session, held.id, actor=APPROVER, now=now + 6 * SECOND)
    suspicions.undo(
        session, pair.id, reason="MISTAKE", actor=Actor(id="verifier-9", role=Role.VERIFIER), now=now + 7 * SECOND
    )
    asking.go_on(session, held.id, actor=APPROVER, now=now + 8 * SECOND)
    assert (held.held_for, swept(session, now + 9 * SECOND)) == ("", [])


def test_a_grant_to_a_person_called_the_same_as_one_who_was_promised_is_not_paid(session, now):
    month = a_month(session, now, grants=2)
    batch = month.release(month.prepare())
    one, two = month.grants
    for grant in month.grants:
        session.get_one(LedgerEntry, grant.match.ledger_entry_id).cause = ""
    called_same(session, one.household, two.household, now + SECOND)
    gone = files.settle(session, batch.id, actor=month.clerk, now=now + 2 * SECOND)
    later = max(one.match, two.match, key=lambda match: (match.created_at, match.ledger_entry_id))
    assert [(line.match_id, code) for line, code in gone] == [(later.id, "held")]


def test_a_cost_corrected_or_a_payer_heard_after_the_promise_holds_what_charity_may_no_longer_pay(session, now):
    """10,000 yuan of 10,000; then the papers show 8,000, of which the insurance has paid 6,000: 2,000 are left."""
    home = make.a_household(session)
    make.auto_match(session, home)
    need = make.a_need(session, home, category="MEDICAL.MAJOR", unit="FEN", gap_units=1_000_000)
    bill = bills.record(session, need.id, cost_fen=1_000_000, paper="S-1", actor=WORKER, now=now)
    payers(session, bill, now)
    offer = make.an_offer(
        session, make.an_organisation(session), id="ill", category="MEDICAL.MAJOR", unit="FEN", stock_units=10**8
    )
    line = make.a_line(session, need, offer, units=1_000_000, value_fen=1_000_000)
    assert approval.approve(session, [line.id], actor=APPROVER, now=now).approved
    match = session.exec(select(Match)).one()
    assert swept(session, now + SECOND) == []
    bills.record(session, need.id, cost_fen=800_000, paper="S-1", actor=WORKER, now=now + 2 * SECOND)
    assert swept(session, now + 3 * SECOND) == [match.id]
    hit = asking.behind(session, match)
    assert hit is not None
    assert (hit.code, hit.units, asking.ask(session, match, now=now).allowed) == ("D01", 200_000, 800_000)
    bills.record(session, need.id, cost_fen=1_000_000, paper="S-1", actor=WORKER, now=now + 4 * SECOND)
    payers(session, bill, now + 4 * SECOND)
    asking.go_on(session, match.id, actor=APPROVER, now=now + 5 * SECOND)
    assert hit.state is HitState.GONE, "what goes on was not prevented"
    payers(session, bill, now + 6 * SECOND, BASIC_INSURANCE=600_000)
    asking.before_payment(session, [match.id], actor=OTHER, now=now + 7 * SECOND)
    assert (match.held_for, asking.ask(session, match, now=now).allowed) == (holding.RULE, 400_000)


def related(session: Session, organisation: Organisation, household: Household, now: datetime) -> RelatedPerson:
    """Somebody of the household is put on the giver's list after the promise."""
    person = session.exec(select(Person).where(Person.household_id == household.id)).one()
    person.id_number_index = person.id_number_index or f"index-{person.id}"
    row = RelatedPerson(
        id="related-1",
        org_id=organisation.id,
        reference="S-7",
        relation=Relation.STAFF,
        id_number_index=person.id_number_index,
        added_by="x",
        added_at=now,
    )
    session.add_all([person, row])
    session.flush()
    return row


def test_a_grant_to_somebody_put_on_the_givers_list_since_is_held_and_not_paid(session, now):
    month = a_month(session, now, grants=2)
    batch = month.release(month.prepare())
    grant = month.grants[0]
    row = related(session, month.organisation, grant.household, now)
    gone = files.settle(session, batch.id, actor=month.clerk, now=now + SECOND)
    assert [(line.match_id, code) for line, code in gone] == [(grant.match.id, "held")]
    assert session.exec(select(OverlapHit)).one().code == "D20"
    with pytest.raises(OverlapFound):
        asking.go_on(session, grant.match.id, actor=APPROVER, now=now)
    session.delete(row)
    session.flush()
    asking.go_on(session, grant.match.id, actor=APPROVER, now=now + 2 * SECOND)
    assert (grant.match.held_for, swept(session, now + 3 * SECOND)) == ("", [])


def test_neither_side_accepts_for_somebody_related_and_the_sweep_holds_it(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    match, calm = scene.approved(session, now), other.approved(session, now)
    related(session, scene.organisation, scene.household, now)
    with pytest.raises(WrongState, match="match_held"):
        decisions.giver_accepts(session, match.id, actor=scene.giver, now=now)
    match.state = MatchState.AWAITING_HOUSEHOLD
    with pytest.raises(WrongState, match="match_held"):
        scene.accepts(session, match, now)
    assert swept(session, now + SECOND) == [match.id]
    assert (match.held_for, calm.held_for) == (holding.RULE, "")


def test_what_a_related_giver_handed_over_is_looked_at_afterwards(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    related(session, scene.organisation, scene.household, now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now)
    hit = session.exec(select(OverlapHit)).one()
    assert (match.state, hit.code, hit.place) == (MatchState.DELIVERED, "D20", "report")


def test_what_was_handed_over_is_kept_and_a_person_looks_afterwards(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    row = told(session, scene, now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now + 2 * SECOND)
    hit = session.exec(select(OverlapHit)).one()
    assert (match.state, hit.place, hit.because) == (MatchState.DELIVERED, "report", [row.id, match.ledger_entry_id])
    assert [clock.step for clock in clocks.running_of(session, hit.id)] == ["overlap_look"]


def test_the_worker_holds_it_and_the_page_shows_the_rule_and_where_to_decide(sqlite_database, settings):
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match_id = scene.in_delivery(session, now).id
        past(session, scene.household, FOOD, 2, now.date() - timedelta(days=1), updated_at=now + SECOND)
    assert asking.sweep(sqlite_database, clock=lambda: now + 2 * SECOND) == 1
    assert asking.sweep(sqlite_database, clock=lambda: now + 2 * SECOND) == 0
    client = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    page = client.get(f"/matches/{match_id}/rule?lang=en").get_data(as_text=True)
    assert "given once in 180 days" in page
    assert "it is the same gift told twice" in page
    assert "End this match" in page
    with sqlite_database.transaction() as session:
        session.exec(select(OverlapHit)).one().code = "D09"
    page = client.get(f"/matches/{match_id}/rule?lang=en").get_data(as_text=True)
    assert "what one person finds of a row does not lift it" in page
    assert "End this match" in page
    refused = client.post(f"/matches/{match_id}/rule", follow_redirects=True).get_data(as_text=True)
    assert "等待期内已有同类物资" in refused or "Same goods within the waiting time" in refused


def test_an_undecided_line_is_marked_once_another_source_tells_of_the_help(sqlite_database: Database, settings):
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene, calm = a_scene(session, now=now), a_scene(session, phone="10000000002", now=now)
        for one in (scene, calm):
            make.auto_match(session, one.household, now=now)
            run = session.get_one(Run, one.line.run_id)
            run.created_at = now - timedelta(hours=1)
            past(session, one.household, "EDU.TUTORING", 2, now.date(), updated_at=now)
    staff = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    assert "Reported since" not in staff.get("/matches/?lang=en").text, "news that no rule minds marks nothing"
    with sqlite_database.transaction() as session:
        past(session, scene.household, FOOD, 2, now.date() - timedelta(days=3), updated_at=now)
    page = staff.get("/matches/?lang=en").text
    assert page.count("Reported since: no longer allowed") == 1
    assert "The same kind of goods is given once in 180 days" in page
    assert "此后有新登记" in staff.get("/matches/?lang=zh_Hans").text
