"""Offers: posted by their own organisation only, changed for later matches only, held when an amount is odd."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from marketplace.audit import AuditRow, verify
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.ledger.service import move, reserve
from marketplace.offers import drafts, expiry, service
from marketplace.offers.models import OfferDraft, OfferState
from marketplace.offers.pausing import SILENT
from marketplace.offers.terms import terms_of
from marketplace.organisations.models import OrganisationState
from tests.factories import NOW as AT
from tests.factories import a_household, a_need, an_offer, an_organisation, as_giver
from tests.marketplace.offer_terms import some_terms


@pytest.fixture
def organisation(session):
    return an_organisation(session)


@pytest.fixture
def giver(organisation):
    return as_giver(organisation)


def commit_units(session, offer, *, units: int) -> None:
    need = a_need(session, a_household(session), gap_units=units)
    session.add(
        LedgerEntry(
            id=f"entry-{units}",
            source="platform",
            source_index=f"entry-{units}",
            household_id=need.household_id,
            need_id=need.id,
            offer_id=offer.id,
            category=need.category,
            units=units,
            given_on=AT.date(),
            state=AidState.RESERVED,
            created_at=AT,
            updated_at=AT,
        )
    )
    session.flush()
    session.refresh(offer)


def test_a_posted_offer_keeps_its_terms_and_leaves_a_trace(session, organisation, giver, now):
    terms = some_terms(districts=("500106", "500103"), tags_any=("elder",))
    offer = service.post_offer(session, terms, org_id=organisation.id, actor=giver, now=now)
    session.expire(offer)
    assert (offer.state, offer.unit, offer.districts) == (OfferState.OPEN, "PACK", ["500103", "500106"])
    assert terms_of(offer) == some_terms(districts=("500103", "500106"), tags_any=("elder",))
    assert session.exec(select(AuditRow.action)).all() == ["offer:post"]
    assert verify(session).bad_seq == 0


def test_nobody_posts_for_another_organisation(session, giver, now):
    with pytest.raises(NotFound):
        service.post_offer(session, some_terms(), org_id=an_organisation(session).id, actor=giver, now=now)


def test_staff_never_post_or_change_an_offer(session, verifier, now):
    offer = an_offer(session, an_organisation(session))
    with pytest.raises(NotAllowed):
        service.post_offer(session, some_terms(), org_id=offer.org_id, actor=verifier, now=now)
    with pytest.raises(NotAllowed):
        service.pause_offer(session, offer.id, actor=verifier, now=now)


def test_a_suspended_organisation_posts_nothing(session, organisation, giver, now):
    organisation.state = OrganisationState.SUSPENDED
    session.flush()
    with pytest.raises(WrongState, match="organisation_suspended"):
        service.post_offer(session, some_terms(), org_id=organisation.id, actor=giver, now=now)


def test_wrong_terms_are_refused_with_their_field(session, organisation, giver, now):
    with pytest.raises(BadInput, match="end_past") as caught:
        service.post_offer(session, some_terms(valid_to=now.date()), org_id=organisation.id, actor=giver, now=now)
    assert caught.value.facts["field"] == "valid_to"


def test_an_implausible_stock_is_held_until_staff_release_it(session, organisation, giver, verifier, now):
    offer = service.post_offer(session, some_terms(stock_units=10**9), org_id=organisation.id, actor=giver, now=now)
    assert (offer.state, offer.state_reason) == (OfferState.HELD, "stock_implausible")
    with pytest.raises(NotAllowed):
        service.release_offer(session, offer.id, actor=giver, now=now)
    assert service.release_offer(session, offer.id, actor=verifier, now=now).state is OfferState.OPEN


def test_the_stock_never_falls_below_what_is_committed(session, organisation, giver, now):
    offer = an_offer(session, organisation)
    commit_units(session, offer, units=8)
    with pytest.raises(BadInput, match="stock_below_committed"):
        service.revise_offer(session, offer.id, terms=some_terms(stock_units=7), actor=giver, now=now)
    changed = service.revise_offer(session, offer.id, terms=some_terms(stock_units=8), actor=giver, now=now)
    assert (changed.stock_units, changed.committed_units) == (8, 8)


@pytest.mark.both_engines
def test_the_database_itself_refuses_more_commitment_than_stock(session, organisation):
    offer = an_offer(session, organisation, stock_units=5)
    with pytest.raises(Exception, match="ck_offer_committed"):
        commit_units(session, offer, units=6)


def test_the_kind_of_a_posted_offer_stays(session, organisation, giver, now):
    offer = an_offer(session, organisation)
    with pytest.raises(BadInput, match="category_fixed"):
        service.revise_offer(session, offer.id, terms=some_terms(category="LIVING.GOODS"), actor=giver, now=now)


def test_a_change_to_a_paused_offer_leaves_it_paused(session, organisation, giver, now):
    offer = an_offer(session, organisation)
    service.pause_offer(session, offer.id, actor=giver, now=now)
    offer.state_reason = SILENT
    changed = service.revise_offer(session, offer.id, terms=some_terms(title="新名"), actor=giver, now=now)
    assert (changed.title, changed.state, changed.state_reason) == ("新名", OfferState.PAUSED, SILENT)


def test_pause_reopen_and_close_follow_their_order(session, organisation, giver, now):
    offer = an_offer(session, organisation)
    with pytest.raises(WrongState):
        service.reopen_offer(session, offer.id, actor=giver, now=now)
    assert service.pause_offer(session, offer.id, actor=giver, now=now).state is OfferState.PAUSED
    assert service.reopen_offer(session, offer.id, actor=giver, now=now).state is OfferState.OPEN
    assert service.close_offer(session, offer.id, actor=giver, now=now).state is OfferState.CLOSED
    for act in (service.pause_offer, service.reopen_offer, service.close_offer, service.reconfirm_offer):
        with pytest.raises(WrongState):
            act(session, offer.id, actor=giver, now=now)


def test_an_offer_that_has_run_out_opens_again_only_after_it_is_confirmed(session, organisation, giver, now):
    offer = an_offer(session, organisation, valid_to=now.date(), state=OfferState.PAUSED)
    with pytest.raises(WrongState, match="offer_run_out"):
        service.reopen_offer(session, offer.id, actor=giver, now=now)
    service.reconfirm_offer(session, offer.id, actor=giver, now=now)
    assert offer.valid_to == now.date() + timedelta(days=180)
    assert service.reopen_offer(session, offer.id, actor=giver, now=now).state is OfferState.OPEN


@pytest.mark.parametrize(
    ("terms", "act", "comes_back"),
    [
        ({"stock_units": 10**9}, None, (OfferState.HELD, "stock_implausible")),
        ({}, service.pause_offer, (OfferState.PAUSED, "")),
        ({}, None, (OfferState.OPEN, "")),
    ],
)
def test_an_expired_offer_comes_back_as_what_it_was(session, organisation, giver, now, terms, act, comes_back):
    offer = service.post_offer(session, some_terms(**terms), org_id=organisation.id, actor=giver, now=now)
    if act is not None:
        act(session, offer.id, actor=giver, now=now)
    later = now + timedelta(days=200)
    assert expiry.expire(session, now=later) == [offer.id]
    assert offer.state is OfferState.EXPIRED
    service.reconfirm_offer(session, offer.id, actor=giver, now=later)
    assert (offer.state, offer.state_reason) == comes_back, "nobody has asked, opened or released it meanwhile"


def test_confirming_never_shortens_an_offer(session, organisation, giver, now):
    offer = an_offer(session, organisation, valid_to=date(2028, 1, 1))
    assert service.reconfirm_offer(session, offer.id, actor=giver, now=now).valid_to == date(2028, 1, 1)


def test_a_giver_lists_and_sees_its_own_offers_only(session, organisation, giver, verifier):
    mine, other = an_offer(session, organisation), an_offer(session, an_organisation(session))
    assert service.list_offers(session, service.OfferFilter(), actor=giver) == ([mine], 1)
    with pytest.raises(NotFound):
        service.list_offers(session, service.OfferFilter(org_id=other.org_id), actor=giver)
    with pytest.raises(NotFound):
        service.get_offer(session, other.id, actor=giver)
    assert service.list_offers(session, service.OfferFilter(), actor=verifier)[1] == 2


def test_the_list_is_narrowed_by_state_kind_and_end(session, organisation, giver):
    an_offer(session, organisation, state=OfferState.PAUSED)
    soon = an_offer(session, organisation, category="CARE.MEAL", valid_to=date(2026, 12, 1))
    found = service.list_offers(session, service.OfferFilter(states=(OfferState.OPEN,)), actor=giver)
    assert found == ([soon], 1)
    assert service.list_offers(session, service.OfferFilter(category="CARE.MEAL"), actor=giver)[1] == 1
    assert service.list_offers(session, service.OfferFilter(ends_by=date(2026, 12, 7)), actor=giver) == ([soon], 1)


def test_a_draft_becomes_an_offer_and_ends(session, organisation, giver, now):
    draft = drafts.start_draft(session, org_id=organisation.id, actor=giver, now=now)
    terms = some_terms(tags_any=("elder",), valid_from=date(2026, 12, 1))
    drafts.save_answers(session, draft, answers=drafts.answers_of(terms), now=now)
    session.flush()
    session.expire(draft)
    assert drafts.terms_in(draft) == terms
    offer = drafts.finish_draft(session, draft, actor=giver, now=now)
    assert terms_of(offer) == terms
    assert session.exec(select(OfferDraft)).all() == []


def test_another_kind_of_need_forgets_the_amounts_of_the_old_one(session, organisation, giver, now):
    draft = drafts.start_draft(session, org_id=organisation.id, actor=giver, now=now)
    drafts.save_answers(session, draft, answers=drafts.answers_of(some_terms()), now=now)
    drafts.save_answers(session, draft, answers={"category": "EMERGENCY.CASH"}, now=now)
    assert (drafts.terms_in(draft).stock_units, drafts.terms_in(draft).title) == (0, "冬季食品包")


def test_a_copy_is_a_new_offer_and_a_change_is_the_old_one(session, organisation, giver, now):
    offer = an_offer(session, organisation, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 1))
    copy = drafts.draft_copy(session, offer.id, actor=giver, now=now)
    assert drafts.terms_in(copy).valid_to == now.date() + timedelta(days=180)
    assert drafts.finish_draft(session, copy, actor=giver, now=now).id != offer.id
    change = drafts.draft_change(session, offer.id, actor=giver, now=now)
    drafts.save_answers(session, change, answers={"title": "新名"}, now=now)
    assert drafts.finish_draft(session, change, actor=giver, now=now).id == offer.id
    assert offer.title == "新名"


def test_a_change_writes_only_what_it_answered_over_what_others_did_meanwhile(session, organisation, giver, now):
    offer = an_offer(session, organisation, valid_to=date(2026, 12, 1))
    change = drafts.draft_change(session, offer.id, actor=giver, now=now)
    drafts.save_answers(session, change, answers={"title": "新名", "lot": 2}, now=now)
    meanwhile = replace(terms_of(offer), stock_units=500, lot=5, districts=("500106", "500103"))
    service.revise_offer(session, offer.id, terms=meanwhile, actor=giver, now=now)
    service.reconfirm_offer(session, offer.id, actor=giver, now=now)
    assert drafts.changed_meanwhile(session, change) == ["lot"]
    with pytest.raises(BadInput, match="changed_meanwhile"):
        drafts.finish_draft(session, change, actor=giver, now=now)
    drafts.save_answers(session, change, answers={"lot": 2}, now=now)
    assert drafts.changed_meanwhile(session, change) == [], "looked at again"
    drafts.finish_draft(session, change, actor=giver, now=now)
    assert (offer.title, offer.lot, offer.stock_units, offer.districts) == ("新名", 2, 500, ["500103", "500106"])
    assert offer.valid_to == now.date() + timedelta(days=180)


def test_another_organisations_draft_looks_like_none(session, organisation, giver, now):
    draft = drafts.start_draft(session, org_id=organisation.id, actor=giver, now=now)
    other = as_giver(an_organisation(session))
    with pytest.raises(NotFound):
        drafts.get_draft(session, draft.id, actor=other)
    assert drafts.list_drafts(session, actor=other) == []
    assert drafts.list_drafts(session, actor=giver) == [draft]


def test_the_same_number_of_one_giver_is_posted_once(session, organisation, giver, now):
    given = {"org_id": organisation.id, "actor": giver, "now": now, "source_id": "A-1"}
    service.post_offer(session, some_terms(), **given)
    with pytest.raises(Conflict):
        service.post_offer(session, some_terms(), **given)


def test_a_stock_that_no_run_can_hold_is_held_and_not_released(session, verifier, now):
    org = an_organisation(session)
    offer = an_offer(session, org, stock_units=10**14, state=OfferState.HELD)
    with pytest.raises(WrongState, match="offer_too_large"):
        service.release_offer(session, offer.id, actor=verifier, now=now)


def test_what_waits_for_a_giver_is_counted_for_its_own_offers_only(session, organisation, giver, now):
    an_offer(session, organisation, valid_to=now.date() + timedelta(days=14))
    an_offer(session, organisation, valid_to=now.date() + timedelta(days=15))
    an_offer(session, organisation, valid_to=now.date(), state=OfferState.CLOSED)
    an_offer(session, organisation, state=OfferState.HELD)
    an_offer(session, an_organisation(session), valid_to=now.date())
    drafts.start_draft(session, org_id=organisation.id, actor=giver, now=now)
    assert service.to_do(session, organisation.id, on=now.date()) == {"ending": 1, "held": 1, "drafts": 1}


def test_at_one_in_the_morning_it_is_today_in_china(session, organisation, giver):
    night = datetime(2025, 12, 31, 17, 0, tzinfo=UTC)
    today = date(2026, 1, 1)
    offer = an_offer(session, organisation, valid_to=today + timedelta(days=30))
    with pytest.raises(BadInput, match="end_past"):
        service.post_offer(session, some_terms(valid_to=today), org_id=organisation.id, actor=giver, now=night)
    need = a_need(session, a_household(session))
    row = {"offer_id": offer.id, "org_id": organisation.id, "giver": organisation.name}
    entry = reserve(session, need, **row, units=1, actor=giver, now=night)
    assert entry.given_on == today, "it counts in the new year's budget"
    for to in (AidState.APPROVED, AidState.DELIVERED):
        move(session, entry.id, to=to, actor=giver, now=night + timedelta(days=2))
    assert entry.given_on == today + timedelta(days=2)
