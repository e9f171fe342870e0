"""Agreements with givers: two people, a term, a ceiling of purposes; and at the end the giver rests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.consent import service as consent
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, WrongState
from marketplace.notices import Notice
from marketplace.offers.service import post_offer
from marketplace.organisations import agreements, service
from marketplace.organisations.models import Agreement, Organisation, OrganisationKind, OrganisationState
from marketplace.reference.organisation_number import make_uscc
from tests.factories import NOW, a_household, an_organisation, as_giver, as_household
from tests.marketplace.offer_terms import some_terms

SECOND = Actor(id="approver-2", role=Role.APPROVER)
NEW = service.NewOrganisation(name="山城慈善会", kind=OrganisationKind.CHARITY, credit_code=make_uscc(1))
TODAY = local_day(NOW)
DAY = timedelta(days=1)


def test_who_registers_a_giver_never_approves_it(session: Session, approver, now):
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    with pytest.raises(WrongState, match="registers_and_approves"):
        agreements.approve_organisation(session, made.id, actor=approver, now=now)
    agreements.approve_organisation(session, made.id, actor=SECOND, now=now)
    assert service.require_active(session, made.id).purposes == list(agreements.usual_purposes(NEW.kind))
    assert session.exec(select(AuditRow.action).order_by(col(AuditRow.seq))).all() == [
        "organisation:register",
        "organisation:approve",
    ]


@pytest.mark.both_engines
def test_the_database_itself_refuses_one_person_for_both(session: Session, approver, now):
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    same = update(Agreement).where(col(Agreement.org_id) == made.id)
    with pytest.raises(IntegrityError, match="two_people"):
        session.execute(same.values(state="approved", decided_by=approver.id, decided_at=now))


def test_a_giver_that_is_not_approved_posts_nothing(session: Session, approver, now):
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    giver = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=made.id)
    with pytest.raises(WrongState, match="organisation_not_approved"):
        post_offer(session, some_terms(), org_id=made.id, actor=giver, now=now)


def test_a_giver_that_applied_waits_for_a_proposal_and_may_apply_again_when_refused(session: Session, approver, now):
    made = service.apply(session, NEW, now=now)
    with pytest.raises(Conflict, match="credit_code_taken"):
        service.apply(session, NEW, now=now)
    with pytest.raises(WrongState, match="no_agreement_waits"):
        agreements.approve_organisation(session, made.id, actor=SECOND, now=now)
    terms = agreements.AgreementTerms("协议 1", TODAY, TODAY + 90 * DAY, ("GOODS",))
    agreements.propose_agreement(session, made.id, terms, actor=approver, now=now)
    agreements.refuse_organisation(session, made.id, actor=SECOND, now=now)
    assert made.state is OrganisationState.REFUSED
    again = service.apply(session, replace(NEW, name="山城慈善总会"), now=now)
    assert (again.id, again.name, again.state) == (made.id, "山城慈善总会", OrganisationState.APPLIED)


def test_what_staff_type_counts_more_than_what_somebody_applied_with(session: Session, approver, now):
    applied = service.apply(session, replace(NEW, name="冒名"), now=now)
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    assert (made.id, made.name) == (applied.id, NEW.name)
    with pytest.raises(Conflict, match="credit_code_taken"):
        service.register_organisation(session, NEW, actor=approver, now=now)


def test_a_charitable_trust_names_its_trustee_its_supervisor_and_its_filing(session: Session, approver, now):
    trust = replace(NEW, kind=OrganisationKind.TRUST)
    with pytest.raises(BadInput, match="trust_incomplete"):
        service.register_organisation(session, trust, actor=approver, now=now)
    whole = replace(trust, trustee="某信托公司", supervisor="某律师事务所", filing_ref="备案 3")
    made = service.register_organisation(session, whole, actor=approver, now=now)
    assert (made.trustee, made.supervisor, made.filing_ref) == ("某信托公司", "某律师事务所", "备案 3")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"valid_to": TODAY - DAY, "valid_from": TODAY - 2 * DAY}, "agreement_over"),
        ({"valid_to": TODAY}, "agreement_reversed"),
        ({"purposes": ()}, "agreement_purposes"),
        ({"purposes": ("PUBLICITY",)}, "agreement_purposes"),
    ],
)
def test_an_agreement_without_a_term_or_a_purpose_is_refused(session: Session, approver, now, change, code):
    organisation = an_organisation(session)
    terms = replace(agreements.AgreementTerms("1", TODAY, TODAY + DAY, ("GOODS",)), **change)
    with pytest.raises(BadInput, match=code):
        agreements.propose_agreement(session, organisation.id, terms, actor=approver, now=now)


def test_no_offer_and_no_consent_goes_beyond_the_agreed_purposes(session: Session, now):
    organisation = an_organisation(session, purposes=["MED_AID"])
    giver = as_giver(organisation)
    with pytest.raises(BadInput, match="purpose_above_ceiling"):
        post_offer(session, some_terms(), org_id=organisation.id, actor=giver, now=now)
    household = a_household(session)
    with pytest.raises(BadInput, match="purpose_above_ceiling"):
        consent.give_for_match(
            session,
            household,
            organisation=organisation,
            match_id="m",
            purpose="GOODS",
            data_fields=["name"],
            actor=as_household(household),
            now=now,
        )


def test_a_giver_is_told_a_month_before_its_agreement_ends_and_rests_when_it_has(database: Database, approver):
    end = TODAY + 20 * DAY
    with database.transaction() as session:
        org_id = an_organisation(session, contract_from=TODAY - DAY, contract_to=end).id
        an_organisation(session, contract_from=TODAY - DAY, contract_to=TODAY + 31 * DAY)
    assert agreements.sweep(database, clock=lambda: NOW) == 1
    assert agreements.sweep(database, clock=lambda: NOW) == 0, "a letter is written once for each end"
    assert agreements.sweep(database, clock=lambda: NOW + 20 * DAY) == 2, "one rests, the other is told"
    with database.transaction() as session:
        assert session.exec(select(Notice.letter).where(Notice.org_id == org_id)).all() == ["agreement_ending"]
        found = session.get_one(Organisation, org_id)
        assert (found.state, found.state_reason) == (OrganisationState.SUSPENDED, agreements.ENDED)
        assert not agreements.acting_ids(session, on=end) & {org_id}
        with pytest.raises(WrongState, match="agreement_over"):
            service.reinstate_organisation(session, org_id, actor=approver, now=NOW + 20 * DAY)
        renewed = agreements.AgreementTerms("协议 2", end, end + 365 * DAY, ("GOODS",))
        agreements.propose_agreement(session, org_id, renewed, actor=approver, now=NOW + 20 * DAY)
        agreements.approve_organisation(session, org_id, actor=SECOND, now=NOW + 20 * DAY)
        assert agreements.acting_ids(session, on=end) >= {org_id}


def test_a_suspension_for_another_reason_is_not_lifted_by_a_new_agreement(session: Session, approver, now):
    organisation = an_organisation(session)
    service.suspend_organisation(session, organisation.id, reason="complaint", actor=approver, now=now)
    terms = agreements.AgreementTerms("2", TODAY, TODAY + DAY, ("GOODS",))
    agreements.propose_agreement(session, organisation.id, terms, actor=approver, now=now)
    agreements.approve_organisation(session, organisation.id, actor=SECOND, now=now)
    assert organisation.state is OrganisationState.SUSPENDED


def test_an_agreement_approved_ahead_changes_nothing_until_its_first_day(database: Database, approver):
    first, end = TODAY + 20 * DAY, TODAY + 20 * DAY
    with database.transaction() as session:
        org_id = an_organisation(session, contract_ref="1", contract_from=TODAY, contract_to=end, purposes=["GOODS"]).id
        wider = agreements.AgreementTerms("2", first, first + 365 * DAY, ("GOODS", "MED_AID"))
        agreements.propose_agreement(session, org_id, wider, actor=approver, now=NOW)
        found = agreements.approve_organisation(session, org_id, actor=SECOND, now=NOW)
        assert (found.contract_ref, found.purposes, found.contract_to) == ("1", ["GOODS"], end)
        assert agreements.in_force(found, on=TODAY), "it goes on giving under the agreement it has"
    assert agreements.sweep(database, clock=lambda: NOW) == 0, "nobody is told of an end that is none"
    assert agreements.sweep(database, clock=lambda: NOW + 20 * DAY) == 1
    assert agreements.sweep(database, clock=lambda: NOW + 20 * DAY) == 0
    with database.reading() as session:
        found = session.get_one(Organisation, org_id)
        assert (found.contract_ref, set(found.purposes)) == ("2", {"GOODS", "MED_AID"})
        assert agreements.in_force(found, on=first)


def test_an_agreement_after_a_gap_lets_the_giver_rest_in_between(database: Database, approver):
    end, first = TODAY + 10 * DAY, TODAY + 60 * DAY
    with database.transaction() as session:
        org_id = an_organisation(session, contract_from=TODAY, contract_to=end).id
        later = agreements.AgreementTerms("2", first, first + 365 * DAY, ("GOODS",))
        agreements.propose_agreement(session, org_id, later, actor=approver, now=NOW)
        agreements.approve_organisation(session, org_id, actor=SECOND, now=NOW)
    for days, acts in ((0, True), (10, False), (59, False), (60, True)):
        agreements.sweep(database, clock=lambda days=days: NOW + days * DAY)
        with database.reading() as session:
            assert (org_id in agreements.acting_ids(session, on=TODAY + days * DAY)) is acts, days
