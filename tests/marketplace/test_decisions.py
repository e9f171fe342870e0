"""From a proposed line to confirmed aid, and every way in which it may end before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.clocks.models import Clock
from marketplace.consent import service as consent
from marketplace.consent.ask import all_auto_match
from marketplace.consent.models import Consent
from marketplace.decisions import approve as approval
from marketplace.decisions import officers
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, Conflict, ConsentMissing, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.offers.models import Acceptance, Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.proposals.problem import Scope, build_problem, policy_of
from marketplace.sharing import service as sharing
from tests import factories as make


@dataclass
class Scene:
    """One household with a need, one giver with an offer, and the line between them."""

    household: Household
    person: Person
    need: Need
    organisation: Organisation
    offer: Offer
    line: ProposedLine
    consent: Consent


@pytest.fixture
def scene(session: Session) -> Scene:
    household = make.a_household(session)
    person = session.exec(select(Person).where(Person.household_id == household.id)).one()
    need = make.a_need(session, household)
    organisation = make.an_organisation(session)
    offer = make.an_offer(session, organisation)
    given = make.auto_match(session, household)
    return Scene(household, person, need, organisation, offer, make.a_line(session, need, offer), given)


def approved(session: Session, scene: Scene, approver: Actor, now: datetime) -> Match:
    outcome = approval.approve(session, [scene.line.id], actor=approver, now=now)
    assert outcome.approved == (scene.line.id,)
    return session.exec(select(Match).where(Match.line_id == scene.line.id)).one()


def accepted(session: Session, scene: Scene, match: Match, now: datetime, **over: object) -> Match:
    arguments = {"data_fields": ["name", "phone"], "agrees_to_share": True, "agrees_to_terms": True, **over}
    return decisions.household_accepts(
        session, match.id, person_id=scene.person.id, actor=make.as_household(scene.household), now=now, **arguments
    )


def in_delivery(session: Session, scene: Scene, approver: Actor, now: datetime) -> Match:
    match = approved(session, scene, approver, now)
    decisions.giver_accepts(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    return accepted(session, scene, match, now)


def test_a_line_becomes_confirmed_aid_and_every_step_is_in_the_chain(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    giver = make.as_giver(scene.organisation)
    assert decisions.see_recipient(session, match.id, actor=giver, now=now) == {
        "name": "王小明",
        "phone": "10000000001",
    }
    decisions.deliver(session, match.id, actor=giver, now=now)
    decisions.confirm(session, match.id, actor=make.as_household(scene.household), now=now)
    session.refresh(scene.need)
    session.refresh(scene.offer)
    assert (scene.need.committed_units, scene.offer.committed_units) == (10, 10)
    assert match.state is MatchState.CONFIRMED
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.DELIVERED
    letters = set(session.exec(select(Notice.letter)))
    assert letters == {"match_approved", "offer_waiting", "delivery_expected", "confirm_receipt"}
    assert audit.verify(session).bad_seq == 0
    actions = set(session.exec(select(audit.AuditRow.action)))
    assert {"consent:give", "match:approve", "aid:reserved", "match:confirmed", "share:disclose"} <= actions


def test_a_standing_yes_goes_straight_to_the_household(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    scene.offer.acceptance = Acceptance.STANDING
    session.add(scene.offer)
    assert approved(session, scene, approver, now).state is MatchState.AWAITING_HOUSEHOLD


def test_who_verified_a_need_may_not_approve_it(session: Session, scene: Scene, now: datetime) -> None:
    same = Actor(id="verifier-1", role=Role.APPROVER)
    outcome = approval.approve(session, [scene.line.id], actor=same, now=now)
    assert outcome.excluded == (approval.Excluded(scene.line.id, "verifier_is_approver"),)
    assert session.exec(select(Match)).all() == []


def test_a_verifier_may_not_approve_at_all(session: Session, scene: Scene, verifier: Actor, now: datetime) -> None:
    outcome = approval.approve(session, [scene.line.id], actor=verifier, now=now)
    assert [excluded.code for excluded in outcome.excluded] == ["not_allowed"]


def test_an_approver_of_another_district_sees_no_such_line(session: Session, scene: Scene, now: datetime) -> None:
    elsewhere = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500106"}))
    outcome = approval.approve(session, [scene.line.id], actor=elsewhere, now=now)
    assert [excluded.code for excluded in outcome.excluded] == ["not_found"]


def test_an_amount_above_the_limit_waits_for_a_second_person(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    scene.line.value_fen = 2_000_001
    session.add(scene.line)
    match = approved(session, scene, approver, now)
    assert match.state is MatchState.AWAITING_SECOND
    with pytest.raises(WrongState, match="same_person_twice"):
        approval.second_approve(session, match.id, actor=approver, now=now)
    with pytest.raises(WrongState, match="same_person_twice"):
        approval.second_approve(session, match.id, actor=Actor(id="verifier-1", role=Role.APPROVER), now=now)
    approval.second_approve(session, match.id, actor=Actor(id="approver-2", role=Role.APPROVER), now=now)
    assert match.state is MatchState.AWAITING_GIVER


def test_for_whom_a_stand_in_approved_is_not_the_second_person(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    scene.line.value_fen = 2_000_001
    session.add(scene.line)
    match = approved(session, scene, replace(approver, id="deputy", on_behalf_of=approver.id), now)
    clock = session.exec(select(Clock).where(Clock.object_ref == match.id, col(Clock.ended_at).is_(None))).one()
    session.add(Account(id=approver.id, login="a", role=approver.role, display_name="甲", created_at=now))
    assert not officers.name_holder(session, clock, barred={}, now=now), "there is nobody else"
    with pytest.raises(WrongState, match="same_person_twice"):
        approval.second_approve(session, match.id, actor=approver, now=now)


def test_two_charities_cannot_cover_one_need_twice(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    other = make.an_offer(session, make.an_organisation(session))
    second = make.a_line(session, scene.need, other)
    shown = approval.preview(session, [scene.line.id, second.id], actor=approver, now=now)
    assert len(shown.approved) == 2
    outcome = approval.approve(session, [scene.line.id, second.id], actor=approver, now=now)
    assert outcome.approved == (scene.line.id,)
    assert outcome.excluded == (approval.Excluded(second.id, "already_covered"),)


def test_the_database_itself_refuses_a_second_aid_for_the_same_need(
    session: Session, scene: Scene, verifier: Actor, now: datetime
) -> None:
    giver = {"org_id": scene.organisation.id, "giver": "甲", "actor": verifier, "now": now}
    ledger.reserve(session, scene.need, offer_id=scene.offer.id, units=10, **giver)
    other = make.an_offer(session, scene.organisation)
    with pytest.raises(Conflict, match="committed"):
        ledger.reserve(session, scene.need, offer_id=other.id, units=1, **giver)


def test_the_database_itself_refuses_to_spend_a_stock_twice(
    session: Session, scene: Scene, verifier: Actor, now: datetime
) -> None:
    big = make.a_need(session, scene.household, gap_units=200)
    with pytest.raises(Conflict):
        ledger.reserve(
            session,
            big,
            offer_id=scene.offer.id,
            org_id=scene.organisation.id,
            giver="甲",
            units=101,
            actor=verifier,
            now=now,
        )


def test_stock_that_went_elsewhere_excludes_the_line(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    scene.offer.stock_units = 9
    session.add(scene.offer)
    session.flush()
    outcome = approval.approve(session, [scene.line.id], actor=approver, now=now)
    assert outcome.excluded == (approval.Excluded(scene.line.id, "stock_gone"),)


def test_a_rejected_line_is_kept_with_its_reason_and_cannot_be_approved(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    with pytest.raises(BadInput, match="reason_missing"):
        approval.reject(session, [scene.line.id], reason_code="", actor=approver, now=now)
    approval.reject(session, [scene.line.id], reason_code="not_suitable", actor=approver, now=now)
    assert scene.line.state is LineState.REJECTED
    outcome = approval.approve(session, [scene.line.id], actor=approver, now=now)
    assert outcome.excluded == (approval.Excluded(scene.line.id, "line_decided"),)


def test_nothing_identifying_leaves_before_the_household_has_accepted(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = approved(session, scene, approver, now)
    with pytest.raises(WrongState, match="not_accepted_yet"):
        decisions.see_recipient(session, match.id, actor=make.as_giver(scene.organisation), now=now)


@pytest.mark.parametrize("tick", ["agrees_to_share", "agrees_to_terms"])
def test_accepting_needs_both_ticks(session: Session, scene: Scene, approver: Actor, now: datetime, tick: str) -> None:
    match = approved(session, scene, approver, now)
    decisions.giver_accepts(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    with pytest.raises(BadInput, match="tick_missing"):
        accepted(session, scene, match, now, **{tick: False})
    assert match.state is MatchState.AWAITING_HOUSEHOLD


def test_a_field_above_the_purpose_is_refused(session: Session, scene: Scene, approver: Actor, now: datetime) -> None:
    match = approved(session, scene, approver, now)
    decisions.giver_accepts(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    with pytest.raises(BadInput, match="field_above_ceiling"):
        accepted(session, scene, match, now, data_fields=["name", "id_number"])


def test_another_organisation_sees_no_such_match(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    stranger = make.as_giver(make.an_organisation(session))
    with pytest.raises(NotFound):
        decisions.see_recipient(session, match.id, actor=stranger, now=now)
    assert match.consent_chain_id is not None
    with pytest.raises(NotAllowed):
        sharing.disclose(session, match.consent_chain_id, match_id=match.id, purpose="GOODS", actor=stranger, now=now)


def test_declining_frees_need_and_stock_and_loses_nothing(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = approved(session, scene, approver, now)
    decisions.giver_accepts(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    household = make.as_household(scene.household)
    decisions.household_declines(session, match.id, reason_code="not_needed", actor=household, now=now)
    session.refresh(scene.need)
    session.refresh(scene.offer)
    assert (scene.need.committed_units, scene.offer.committed_units) == (0, 0)
    assert scene.line.state is LineState.DECLINED
    assert scene.household.id in all_auto_match(session, now=now)


def test_a_giver_that_declines_frees_the_need(session: Session, scene: Scene, approver: Actor, now: datetime) -> None:
    match = approved(session, scene, approver, now)
    decisions.giver_declines(
        session, match.id, reason_code="no_capacity", actor=make.as_giver(scene.organisation), now=now
    )
    session.refresh(scene.need)
    assert scene.need.committed_units == 0
    assert match.state is MatchState.DECLINED_GIVER


def test_withdrawing_the_base_card_before_approval_leaves_nothing_to_approve(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    household = make.as_household(scene.household)
    decisions.withdraw_consent(session, scene.consent.chain_id, actor=household, now=now)
    session.refresh(scene.line)
    assert scene.line.state is LineState.STALE
    assert scene.household.id not in all_auto_match(session, now=now)


@pytest.mark.parametrize("answered", [False, True])
def test_withdrawing_the_base_card_frees_a_waiting_match_at_once(
    session: Session, scene: Scene, approver: Actor, now: datetime, answered: bool
) -> None:
    match = approved(session, scene, approver, now)
    if answered:
        decisions.giver_accepts(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    household = make.as_household(scene.household)
    decisions.withdraw_consent(session, scene.consent.chain_id, actor=household, now=now)
    session.refresh(scene.need)
    assert match.state is MatchState.CANCELLED
    assert scene.need.committed_units == 0


def test_withdrawing_the_giver_s_consent_closes_identity_and_ends_the_running_match(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    assert match.consent_chain_id is not None
    household = make.as_household(scene.household)
    decisions.withdraw_consent(session, match.consent_chain_id, actor=household, now=now)
    assert match.state is MatchState.CANCELLED
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    session.refresh(scene.need)
    assert scene.need.committed_units == 0


def test_withdrawing_after_delivery_takes_no_aid_back(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    decisions.deliver(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    assert match.consent_chain_id is not None
    household = make.as_household(scene.household)
    decisions.withdraw_consent(session, match.consent_chain_id, actor=household, now=now)
    session.refresh(scene.need)
    assert match.state is MatchState.DELIVERED
    assert scene.need.committed_units == 10


def test_aid_that_did_not_arrive_opens_the_need_again(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    decisions.deliver(session, match.id, actor=make.as_giver(scene.organisation), now=now)
    decisions.not_received(session, match.id, actor=make.as_household(scene.household), now=now)
    session.refresh(scene.need)
    assert match.state is MatchState.RETURNED
    assert scene.need.committed_units == 0


@pytest.mark.parametrize("end", ["confirmed", "not_received"])
def test_identity_closes_when_the_match_is_over(
    session: Session, scene: Scene, approver: Actor, now: datetime, end: str
) -> None:
    match = in_delivery(session, scene, approver, now)
    giver, household = make.as_giver(scene.organisation), make.as_household(scene.household)
    decisions.deliver(session, match.id, actor=giver, now=now)
    act = decisions.confirm if end == "confirmed" else decisions.not_received
    act(session, match.id, actor=household, now=now)
    with pytest.raises(WrongState, match="match_moved_on"):
        decisions.see_recipient(session, match.id, actor=giver, now=now)
    assert match.consent_chain_id is not None
    with pytest.raises(ConsentMissing):
        sharing.disclose(session, match.consent_chain_id, match_id=match.id, purpose="GOODS", actor=giver, now=now)


def test_what_one_match_may_show_is_not_seen_through_another(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    first = approved(session, scene, approver, now)
    giver = make.as_giver(scene.organisation)
    decisions.giver_accepts(session, first.id, actor=giver, now=now)
    accepted(session, scene, first, now, data_fields=["name"])
    counsel = {"category": "PSY.COUNSEL", "unit": "SESSION"}
    offer = make.an_offer(session, scene.organisation, **counsel)
    other = make.a_line(session, make.a_need(session, scene.household, **counsel), offer)
    approval.approve(session, [other.id], actor=approver, now=now)
    second = session.exec(select(Match).where(Match.line_id == other.id)).one()
    decisions.giver_accepts(session, second.id, actor=giver, now=now)
    accepted(session, scene, second, now, data_fields=["name", "phone"])
    assert set(decisions.see_recipient(session, first.id, actor=giver, now=now)) == {"name"}
    assert set(decisions.see_recipient(session, second.id, actor=giver, now=now)) == {"name", "phone"}


def test_a_second_approver_may_say_no_and_frees_the_need(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    scene.line.value_fen = 2_000_001
    session.add(scene.line)
    match = approved(session, scene, approver, now)
    second = Actor(id="approver-2", role=Role.APPROVER)
    with pytest.raises(BadInput, match="reason_missing"):
        decisions.cancel(session, match.id, reason_code="", actor=second, now=now)
    decisions.cancel(session, match.id, reason_code="doubt", actor=second, now=now)
    session.refresh(scene.need)
    assert (match.state, scene.need.committed_units) == (MatchState.REJECTED, 0)


def test_staff_and_givers_can_end_what_cannot_be_delivered(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = in_delivery(session, scene, approver, now)
    with pytest.raises(NotAllowed):
        decisions.cancel(session, match.id, reason_code="doubt", actor=make.as_giver(scene.organisation), now=now)
    decisions.giver_gives_up(
        session, match.id, reason_code="no_capacity", actor=make.as_giver(scene.organisation), now=now
    )
    session.refresh(scene.need)
    assert (match.state, scene.need.committed_units) == (MatchState.CANCELLED, 0)
    with pytest.raises(WrongState):
        decisions.cancel(session, match.id, reason_code="doubt", actor=approver, now=now)


def test_an_excluded_organisation_is_not_matched(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    household = make.as_household(scene.household)
    consent.exclude(session, scene.consent.chain_id, excluded_org_ids=[scene.organisation.id], actor=household, now=now)
    outcome = approval.approve(session, [scene.line.id], actor=approver, now=now)
    assert outcome.excluded == (approval.Excluded(scene.line.id, "organisation_excluded"),)


def test_an_expired_consent_permits_nothing(session: Session, scene: Scene, approver: Actor, now: datetime) -> None:
    later = now + timedelta(days=184)
    outcome = approval.approve(session, [scene.line.id], actor=approver, now=later)
    assert outcome.excluded == (approval.Excluded(scene.line.id, "no_auto_match"),)


def test_a_stranger_cannot_withdraw_another_household_s_consent(session: Session, scene: Scene, now: datetime) -> None:
    stranger = make.as_household(make.a_household(session, phone="10000000002"))
    with pytest.raises(NotFound):
        decisions.withdraw_consent(session, scene.consent.chain_id, actor=stranger, now=now)


def test_an_assisted_consent_waits_for_a_second_person(session: Session, now: datetime) -> None:
    household = make.a_household(session, phone="10000000003")
    worker = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
    capture = consent.Capture(channel="home_visit", evidence="纸质同意书第3号", helper_id=worker.id)
    given = consent.give_auto_match(session, household, actor=worker, now=now, capture=capture)
    assert household.id not in all_auto_match(session, now=now)
    with pytest.raises(BadInput, match="helper_cannot_check"):
        consent.confirm_assisted(session, given.chain_id, actor=worker, now=now)
    second = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500103"}))
    make.proven(session, given, actor=worker, now=now, opened_by=second)
    consent.confirm_assisted(session, given.chain_id, actor=second, now=now)
    assert household.id not in all_auto_match(session, now=now + timedelta(hours=23, minutes=59))
    assert household.id in all_auto_match(session, now=now + timedelta(days=1))


@pytest.mark.both_engines
def test_consent_versions_cannot_be_changed_afterwards(session: Session, scene: Scene) -> None:
    scene.consent.data_fields = ["name", "phone", "address"]
    session.add(scene.consent)
    with pytest.raises(DBAPIError):
        session.flush()


def test_a_pair_the_household_declined_is_not_proposed_again(
    session: Session, scene: Scene, approver: Actor, now: datetime
) -> None:
    match = approved(session, scene, approver, now)
    decisions.giver_declines(session, match.id, reason_code="no", actor=make.as_giver(scene.organisation), now=now)
    policy = policy_of({}, now.date())
    problem = build_problem(session, Scope(), policy=policy, now=now)
    assert [(ban.need_id, ban.resource_id) for ban in problem.bans] == [(scene.need.id, scene.offer.id)]
    assert session.exec(select(col(Need.committed_units)).where(col(Need.id) == scene.need.id)).one() == 0
