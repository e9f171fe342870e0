"""What binds a giver at every match: related people, the donor, the yearly budget, its word that an offer stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, NotAllowed, NotFound
from marketplace.households.models import Person
from marketplace.households.related import is_related, related_pairs
from marketplace.ledger.models import AidState
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.offers import service as offers
from marketplace.offers.donors import DonorPaper, papers_of
from marketplace.offers.models import Acceptance, DonorConsent, Offer, OfferState
from marketplace.offers.terms import terms_of
from marketplace.organisations import related, service
from marketplace.organisations.models import Organisation, OrganisationKind, Relation
from marketplace.proposals import expiry
from marketplace.proposals.boards import _closed
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.proposals.problem import Scope, build_problem
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import vault_of
from matching import allocate
from matching.model import Policy
from tests.factories import (
    NOW,
    a_household,
    a_ledger_entry,
    a_line,
    a_need,
    an_offer,
    an_organisation,
    auto_match,
)
from tests.marketplace.offer_terms import some_terms
from tests.pages.people import client_as

TODAY = local_day(NOW)
DAY = timedelta(days=1)
POLICY = Policy(as_of=TODAY)
NUMBER = make_id_number("509901", date(1960, 5, 1), seq=7)
CASH = {"category": "EMERGENCY.CASH", "unit": "FEN"}


def manager(organisation: Organisation) -> Actor:
    return Actor(id=f"manager-{organisation.id}", role=Role.CHARITY_MANAGER, org_id=organisation.id)


def known_by(session: Session, need: Need, number: str) -> None:
    """Give somebody of the need's household this ID number."""
    person = session.exec(select(Person).where(Person.household_id == need.household_id)).one()
    person.id_number_index = vault_of(session).index("id_number", number)
    session.add(person)
    session.flush()


def a_matchable_need(session: Session, **over: object) -> Need:
    household = a_household(session)
    auto_match(session, household)
    return a_need(session, household, **over)


def plan_of(session: Session) -> set[tuple[str, str, int]]:
    problem = build_problem(session, Scope(), policy=POLICY, now=NOW)
    return {(line.need_id, line.resource_id, line.units) for line in allocate(problem).lines}


def test_a_household_with_a_related_person_is_never_matched_with_that_giver(session, approver):
    theirs, other = an_organisation(session), an_organisation(session)
    need = a_matchable_need(session)
    offer, free = an_offer(session, theirs), an_offer(session, other, stock_units=3)
    known_by(session, need, NUMBER)
    person = related.add_related(
        session, reference="理事 3", relation=Relation.MANAGER, id_number=NUMBER, actor=manager(theirs), now=NOW
    )
    assert related_pairs(session) == {(need.household_id, theirs.id)}
    problem = build_problem(session, Scope(), policy=POLICY, now=NOW)
    assert [(ban.need_id, ban.resource_id, ban.code) for ban in problem.bans] == [(need.id, offer.id, "related_party")]
    assert plan_of(session) == {(need.id, free.id, 3)}
    assert offer.id in set(_closed(session, need, homes=frozenset({need.household_id}), aid=[], held=[])), (
        "nor between two runs"
    )
    line = a_line(session, need, offer)
    told = approval.approve(session, [line.id], actor=approver, now=NOW)
    assert [found.code for found in told.excluded] == ["related_party"]
    related.remove_related(session, person.id, actor=manager(theirs), now=NOW)
    assert not is_related(session, need.household_id, org_id=theirs.id)
    assert approval.approve(session, [line.id], actor=approver, now=NOW).approved == (line.id,)


def test_of_a_related_person_only_the_mark_is_kept_and_another_giver_cannot_remove_it(session):
    theirs, other = an_organisation(session), an_organisation(session)
    data = f"名单编号,关系,身份证号\n理事 3,理事或管理人员,{NUMBER}\n".encode()
    batch, checked = related.check_file(session, data, file_name="a.csv", actor=manager(theirs), now=NOW)
    assert checked.faults == []
    assert NUMBER not in str([row.values for row in checked.rows])
    assert related.confirm_import(session, batch.id, actor=manager(theirs), now=NOW) == {
        "new": 1,
        "changed": 0,
        "same": 0,
    }
    (row,) = related.list_related(session, actor=manager(theirs))
    assert NUMBER not in str(row.model_dump())
    assert related.list_related(session, actor=manager(other)) == []
    with pytest.raises(NotFound):
        related.remove_related(session, row.id, actor=manager(other), now=NOW)
    with pytest.raises(NotAllowed):
        related.list_related(session, actor=Actor(id="w", role=Role.CHARITY_WORKER, org_id=theirs.id))
    again, _ = related.check_file(session, data, file_name="a.csv", actor=manager(theirs), now=NOW)
    assert again.counts["same"] == 1


def test_a_wrong_id_number_in_the_list_is_told_and_not_kept(session):
    organisation = an_organisation(session)
    wrong = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")
    values = {"reference": "1", "relation": Relation.DONOR, "id_number": wrong}
    with pytest.raises(BadInput, match="id_check_digit") as caught:
        related.add_related(session, **values, actor=manager(organisation), now=NOW)
    assert wrong not in str(caught.value)


def test_the_donors_districts_and_tags_hold_beside_the_givers_own_terms(session):
    organisation = an_organisation(session)
    inside = a_matchable_need(session, tags=["child", "ill"])
    a_matchable_need(session, tags=["child"])
    far = a_matchable_need(session, tags=["child", "ill"], district_code="500106")
    offer = an_offer(session, organisation, donor_districts=["500103"], donor_tags=["ill"], tags_any=["child"])
    assert plan_of(session) == {(inside.id, offer.id, 10)}
    offer.donor_districts = []
    session.add(offer)
    assert plan_of(session) == {(inside.id, offer.id, 10), (far.id, offer.id, 10)}


def test_an_approval_asks_again_what_the_donor_bound(session, approver):
    need = a_matchable_need(session)
    line = a_line(session, need, an_offer(session, an_organisation(session), donor_tags=["ill"]))
    assert approval.approve(session, [line.id], actor=approver, now=NOW).excluded[0].code == "donor_bound"


def test_an_approval_asks_again_the_givers_own_terms_and_never_goes_beyond_its_standing_yes(session, approver):
    organisation = an_organisation(session)
    need = a_matchable_need(session, tags=["ill"], urgency=1)
    standing = {"acceptance": Acceptance.STANDING, "valid_to": TODAY + 90 * DAY}
    offer = an_offer(session, organisation, max_per_need=12, **standing)
    line, wide = a_line(session, need, offer), terms_of(offer)
    elsewhere = next(code for code in ("500103", "500106") if code != need.district_code)
    for narrower in (
        {"districts": (elsewhere,)},
        {"tags_any": ("child",)},
        {"tags_all": ("ill", "child")},
        {"tags_none": ("ill",)},
        {"min_urgency": 2},
        {"max_per_need": 9},
        {"min_per_need": 11},
        {"lot": 4},
        {"valid_from": TODAY + DAY},
    ):
        changed = replace(wide, **narrower)
        offers.revise_offer(session, offer.id, terms=changed, actor=manager(organisation), now=NOW)
        told = approval.approve(session, [line.id], actor=approver, now=NOW)
        assert [found.code for found in told.excluded] == ["offer_terms_changed"], narrower
    same = replace(wide, districts=(need.district_code,), tags_any=("ill", "child"), min_per_need=10, lot=5)
    offers.revise_offer(session, offer.id, terms=same, actor=manager(organisation), now=NOW)
    assert approval.approve(session, [line.id], actor=approver, now=NOW).approved == (line.id,)


@pytest.mark.parametrize(
    ("change", "loose"),
    [
        ({"donor_districts": ()}, True),
        ({"donor_districts": ("500103", "500106")}, True),
        ({"donor_tags": ()}, True),
        ({"donor_purpose": "一般用途"}, True),
        ({"donor_tags": ("ill", "child")}, False),
        ({"stock_units": 90}, False),
    ],
)
def test_what_the_donor_bound_is_loosened_only_with_the_donors_paper(session, change, loose):
    organisation = an_organisation(session)
    giver = manager(organisation)
    bound = some_terms(donor_districts=("500103",), donor_tags=("ill",), donor_purpose="冬季慰问")
    offer = offers.post_offer(session, bound, org_id=organisation.id, actor=giver, now=NOW)
    wider = replace(bound, **change)
    if not loose:
        offers.revise_offer(session, offer.id, terms=wider, actor=giver, now=NOW)
        assert papers_of(session, offer.id) == []
        return
    with pytest.raises(BadInput, match="donor_paper_missing"):
        offers.revise_offer(session, offer.id, terms=wider, actor=giver, now=NOW)
    with pytest.raises(BadInput, match="donor_paper_future"):
        offers.revise_offer(
            session, offer.id, terms=wider, paper=DonorPaper("同意 1", TODAY + DAY), actor=giver, now=NOW
        )
    offers.revise_offer(session, offer.id, terms=wider, paper=DonorPaper("同意 1", TODAY), actor=giver, now=NOW)
    (paper,) = papers_of(session, offer.id)
    assert (paper.document, paper.signed_on, paper.before["districts"]) == ("同意 1", TODAY, ["500103"])


@pytest.mark.both_engines
def test_a_donors_paper_cannot_be_rewritten(session):
    offer = an_offer(session, an_organisation(session))
    paper = DonorConsent(
        id="p", offer_id=offer.id, document="1", signed_on=TODAY, recorded_by="a", recorded_at=NOW, before={}, after={}
    )
    session.add(paper)
    session.flush()
    paper.document = "2"
    session.add(paper)
    with pytest.raises((IntegrityError, OperationalError, ProgrammingError), match="written once"):
        session.flush()


def test_a_run_and_an_approval_keep_within_the_givers_yearly_budget_of_money(session, approver):
    organisation = an_organisation(session, yearly_budget_fen=50_000)
    giver = manager(organisation)
    first, second = (a_matchable_need(session, gap_units=40_000, **CASH) for _ in range(2))
    offer = an_offer(session, organisation, stock_units=100_000, **CASH)
    goods = a_matchable_need(session)
    packs = an_offer(session, organisation)
    assert sum(units for need, _, units in plan_of(session) if need != goods.id) == 50_000
    assert (goods.id, packs.id, 10) in plan_of(session), "goods do not count"
    lines = [a_line(session, need, offer, units=30_000) for need in (first, second)]
    told = approval.approve(session, [line.id for line in lines], actor=approver, now=NOW)
    assert told.approved == (lines[0].id,)
    assert [found.code for found in told.excluded] == ["budget_spent"]
    service.keep_budget(session, organisation.id, yearly_budget_fen=60_000, actor=giver, now=NOW)
    assert approval.approve(session, [lines[1].id], actor=approver, now=NOW).approved == (lines[1].id,)


def test_a_budget_begins_anew_with_the_year_and_returned_aid_does_not_count(session):
    organisation = an_organisation(session, yearly_budget_fen=10_000)
    need = a_matchable_need(session, gap_units=10_000, **CASH)
    offer = an_offer(session, organisation, stock_units=90_000, **CASH)
    past = a_need(session, a_household(session), gap_units=90_000, **CASH)
    last_year = TODAY.replace(year=TODAY.year - 1)
    entry = a_ledger_entry(session, past, offer, units=9_000, state=AidState.DELIVERED, given_on=last_year)
    assert plan_of(session) == {(need.id, offer.id, 10_000)}
    entry.state = AidState.RESERVED
    session.add(entry)
    session.flush()
    assert plan_of(session) == {(need.id, offer.id, 1_000)}, "promised last year, given this year at the earliest"
    entry.state, entry.given_on = AidState.DELIVERED, TODAY
    session.add(entry)
    session.flush()
    assert plan_of(session) == {(need.id, offer.id, 1_000)}
    entry.state = AidState.RETURNED
    session.add(entry)
    session.flush()
    assert plan_of(session) == {(need.id, offer.id, 10_000)}


def test_a_worker_may_not_change_the_budget_and_no_giver_changes_anothers(session):
    organisation, other = an_organisation(session), an_organisation(session)
    with pytest.raises(NotFound):
        service.keep_budget(session, other.id, yearly_budget_fen=1, actor=manager(organisation), now=NOW)
    worker = Actor(id="w", role=Role.CHARITY_WORKER, org_id=organisation.id)
    with pytest.raises(NotAllowed):
        service.keep_budget(session, organisation.id, yearly_budget_fen=1, actor=worker, now=NOW)


def test_an_offer_that_nobody_confirms_is_reminded_of_then_expires_and_frees_its_lines(database: Database):
    with database.transaction() as session:
        organisation = an_organisation(session)
        giver = manager(organisation)
        terms = some_terms(valid_to=TODAY + 400 * DAY)
        offer_id = offers.post_offer(session, terms, org_id=organisation.id, actor=giver, now=NOW).id
        need = a_matchable_need(session)
        line_id = a_line(session, need, session.get_one(Offer, offer_id)).id
        need_id = need.id

    def at(days: int) -> int:
        return expiry.sweep(database, clock=lambda: NOW + days * DAY)

    assert at(165) == 0
    assert (at(166), at(167)) == (1, 0), "one letter, two weeks before"
    assert at(180) == 1
    with database.transaction() as session:
        letters = session.exec(select(Notice.letter).order_by(Notice.created_at)).all()  # type: ignore[arg-type]
        assert [letter for letter in letters if letter.startswith("offer_e")] == ["offer_ending", "offer_ended"]
        told = session.exec(select(Notice.params).where(Notice.letter == "offer_ending")).one()
        assert told == {"by": (TODAY + 179 * DAY).isoformat()}, "the last day on which it still stands"
        assert session.get_one(Offer, offer_id).state is OfferState.EXPIRED
        assert session.get_one(ProposedLine, line_id).state is LineState.STALE
        later = replace(POLICY, as_of=TODAY + 180 * DAY)
        problem = build_problem(session, Scope(), policy=later, now=NOW + 180 * DAY)
        assert problem.resources == ()
        offer = offers.reconfirm_offer(session, offer_id, actor=giver, now=NOW + 181 * DAY)
        assert (offer.state, offer.confirm_by) == (OfferState.OPEN, TODAY + 361 * DAY)
        problem = build_problem(session, Scope(), policy=replace(POLICY, as_of=TODAY + 181 * DAY), now=NOW)
        assert [resource.resource_id for resource in problem.resources] == [offer_id]
    assert need_id


def test_an_offer_whose_word_is_too_old_is_not_matched_even_before_the_sweep(session, approver):
    need = a_matchable_need(session)
    offer = an_offer(session, an_organisation(session), confirm_by=TODAY)
    assert build_problem(session, Scope(), policy=POLICY, now=NOW).resources == ()
    line = a_line(session, need, offer)
    assert approval.approve(session, [line.id], actor=approver, now=NOW).excluded[0].code == "offer_not_open"


def test_an_offer_outside_the_agreed_purposes_or_term_is_neither_matched_nor_approved(session, approver):
    need = a_matchable_need(session)
    narrow = an_offer(session, an_organisation(session, purposes=["MED_AID"]))
    ended = an_offer(session, an_organisation(session, contract_from=TODAY - DAY, contract_to=TODAY))
    assert build_problem(session, Scope(), policy=POLICY, now=NOW).resources == ()
    codes = [
        approval.approve(session, [a_line(session, need, offer).id], actor=approver, now=NOW).excluded[0].code
        for offer in (narrow, ended)
    ]
    assert codes == ["purpose_above_ceiling", "offer_not_open"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_foundation_reads_what_the_law_asks_it_to_spend_and_whether_its_budget_lies_below(
    settings: Settings, sqlite_database: Database, asked: bool
) -> None:
    of = OrganisationKind.FOUNDATION if asked else OrganisationKind.VOLUNTEERS
    with sqlite_database.transaction() as session:
        org_id = an_organisation(session, kind=of).id
    app, path = create_app(settings, database=sqlite_database), "/organisations/ours/budget"
    client = client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    assert ("income_fen" in client.get(path).text) is asked
    for budget, below in (("600000", True), ("700000", False), ("", False)):
        assert client.post(path, data={"yearly_budget_fen": budget, "income_fen": "1000000"}).status_code == 303
        page = client.get(path).text
        assert ("¥700,000" in page, "¥77,777.77" in page, "低于" in page) == (asked, asked, asked and below)
    with sqlite_database.transaction() as session:
        organisation = session.get_one(Organisation, org_id)
        assert (organisation.income_fen is not None) is asked
        organisation.income_year = 2020 if asked else None
        session.add(organisation)
    assert "¥700,000" not in client.get(path).text, "an older year's income says nothing of this one"
