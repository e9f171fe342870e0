"""One need at a time: who may move it, from where to where, and what is written down."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.decisions import lapsed
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.needs import service
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.service import NeedFacts, NeedFilters
from marketplace.notices import Notice
from marketplace.proposals.models import LineState, ProposedLine
from tests.factories import a_household, a_ledger_entry, a_line, a_need, a_person, an_offer, an_organisation
from tests.marketplace.match_scene import a_scene

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
ELSEWHERE = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500107"}))
CHARITY = Actor(id="charity-1", role=Role.CHARITY_MANAGER, org_id="org-1")


def typed_in(session: Session, now: datetime, **over: Any) -> Need:
    """A need that a worker typed in."""
    values: dict[str, Any] = {"category": "LIVING.FOOD_PACK", "gap_units": 6, "period": "2026"}
    facts = NeedFacts(**{**values, **over})
    home = a_household(session)
    return service.create_need(session, facts, household_id=home.id, actor=WORKER, now=now)


def verified(session: Session, need: Need, *, actor: Actor, now: datetime, **over: Any) -> Need:
    """The need, verified after a home visit."""
    values: dict[str, Any] = {
        "level": 3,
        "evidence": "入户核实",
        "referral_reason": ReferralReason.STILL_IN_NEED,
        "actor": actor,
        "now": now,
    }
    return service.verify_need(session, need.id, **{**values, **over})


def acts(session: Session, need: Need) -> list[str]:
    """What the chain says happened to the need."""
    rows = session.exec(select(audit.AuditRow).where(audit.AuditRow.object_ref == need.id)).all()
    return [row.action for row in rows]


def test_a_typed_in_need_waits_for_verification_and_says_who_verified_it(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = typed_in(session, now)
    assert (need.state, need.unit, need.verification_level) == (NeedState.UNVERIFIED, "PACK", 0)
    verified(session, need, actor=verifier, now=now)
    assert (need.state, need.verifier_id, need.verified_on) == (NeedState.VERIFIED, "verifier-1", date(2026, 11, 23))
    assert acts(session, need) == ["need:create", "need:verify"]
    assert audit.verify(session).bad_seq == 0


def test_an_implausible_need_is_held_until_a_verifier_releases_it_with_the_right_amount(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = typed_in(session, now, gap_units=600)
    assert (need.state, need.state_reason) == (NeedState.HELD, "implausible_amount")
    with pytest.raises(NotAllowed):
        service.release_need(session, need.id, actor=WORKER, now=now)
    service.release_need(session, need.id, actor=verifier, now=now, gap_units=6)
    assert (need.state, need.gap_units, need.state_reason) == (NeedState.UNVERIFIED, 6, "")


def test_an_amount_that_no_run_can_hold_is_released_only_with_a_smaller_one(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = typed_in(session, now, gap_units=10**14)
    with pytest.raises(BadInput):
        service.release_need(session, need.id, actor=verifier, now=now)
    service.release_need(session, need.id, actor=verifier, now=now, gap_units=10)
    assert need.state is NeedState.UNVERIFIED


def test_a_held_need_that_was_verified_is_verified_again_when_released(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = verified(session, typed_in(session, now), actor=verifier, now=now)
    service.hold_need(session, need.id, actor=verifier, now=now, reason="needs_visit")
    assert need.state is NeedState.HELD
    service.release_need(session, need.id, actor=verifier, now=now)
    assert need.state is NeedState.VERIFIED
    assert acts(session, need) == ["need:create", "need:verify", "need:hold", "need:release"]


def test_the_household_is_written_to_once_when_its_need_is_verified(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = verified(session, typed_in(session, now), actor=verifier, now=now)
    service.hold_need(session, need.id, actor=verifier, now=now, reason="needs_visit")
    verified(session, need, actor=verifier, now=now)
    [letter] = session.exec(select(Notice)).all()
    assert (letter.letter, letter.household_id) == ("need_verified", need.household_id)


def test_a_worker_cannot_verify_what_is_held(session: Session, now: datetime) -> None:
    need = typed_in(session, now, gap_units=600)
    with pytest.raises(NotAllowed):
        verified(session, need, actor=WORKER, now=now)


@pytest.mark.parametrize(
    ("over", "code"),
    [({"level": 0}, "bad_level"), ({"level": 5}, "bad_level"), ({"evidence": " "}, "evidence_missing")],
)
def test_verification_needs_a_level_and_evidence(
    session: Session, verifier: Actor, now: datetime, over: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        verified(session, typed_in(session, now), actor=verifier, now=now, **over)
    assert caught.value.code == code


def test_a_refusal_needs_a_reason_from_the_list_and_no_aid_under_way(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = verified(session, typed_in(session, now), actor=verifier, now=now)
    with pytest.raises(BadInput):
        service.refuse_need(session, need.id, actor=verifier, now=now, reason="because")
    entry = a_ledger_entry(session, need, an_offer(session, an_organisation(session)))
    with pytest.raises(Conflict):
        service.refuse_need(session, need.id, actor=verifier, now=now, reason="NOT_TRUE")
    session.delete(entry)
    session.flush()
    service.refuse_need(session, need.id, actor=verifier, now=now, reason="NOT_TRUE")
    assert (need.state, need.state_reason) == (NeedState.REFUSED, "NOT_TRUE")
    with pytest.raises(WrongState):
        verified(session, need, actor=verifier, now=now)


def test_the_same_need_cannot_be_open_twice_but_may_come_again_after_it_closed(
    session: Session, verifier: Actor, now: datetime
) -> None:
    need = typed_in(session, now)
    facts = NeedFacts(category="LIVING.FOOD_PACK", gap_units=3, period="2026")
    with pytest.raises(Conflict):
        service.create_need(session, facts, household_id=need.household_id, actor=WORKER, now=now)
    service.close_need(session, need.id, actor=verifier, now=now)
    again = service.create_need(session, facts, household_id=need.household_id, actor=WORKER, now=now)
    assert again.state is NeedState.UNVERIFIED


def test_whom_a_need_is_for_stays_while_aid_is_under_way_and_a_nameless_twin_is_refused(
    session: Session, verifier: Actor, now: datetime
) -> None:
    home = a_household(session)
    one, two = (a_person(session, home, phone=f"1000000004{n}") for n in range(2))
    need = a_need(session, home, person_id=one.id, state=NeedState.HELD, category="EDU.TERM_SUPPORT", unit="FEN")
    facts = NeedFacts(category=need.category, gap_units=10_000, period=need.period, cause=need.cause)
    with pytest.raises(Conflict, match="need_exists"):
        service.create_need(session, facts, household_id=home.id, actor=WORKER, now=now)
    offer = an_offer(session, an_organisation(session), category=need.category, unit="FEN")
    row = a_ledger_entry(session, need, offer, units=8, person_id=one.id)
    session.refresh(need)
    with pytest.raises(BadInput, match="person_fixed"):
        verified(session, need, actor=verifier, now=now, person_id=two.id)
    assert (need.person_id, row.person_id) == (one.id, one.id)


def test_a_need_of_another_district_looks_like_none(session: Session, now: datetime) -> None:
    need = typed_in(session, now)
    with pytest.raises(NotFound):
        service.get_need(session, need.id, actor=ELSEWHERE)
    with pytest.raises(NotFound):
        verified(session, need, actor=ELSEWHERE, now=now)
    with pytest.raises(NotFound):
        service.get_need(session, "none", actor=WORKER)


def test_givers_never_list_or_see_needs(session: Session, now: datetime) -> None:
    need = typed_in(session, now)
    with pytest.raises(NotAllowed):
        service.get_need(session, need.id, actor=CHARITY)
    with pytest.raises(NotAllowed):
        service.list_needs(session, NeedFilters(), actor=CHARITY)


def test_lists_are_filtered_paged_and_bound_to_the_area(session: Session, verifier: Actor, now: datetime) -> None:
    home, far = a_household(session), a_household(session, district_code="500107")
    mine = [a_need(session, home, state=NeedState.UNVERIFIED) for _ in range(7)]
    a_need(session, home, state=NeedState.VERIFIED)
    a_need(session, far, state=NeedState.UNVERIFIED)
    asked = NeedFilters(state=NeedState.UNVERIFIED)
    first = service.list_needs(session, asked, actor=WORKER, size=5)
    second = service.list_needs(session, asked, actor=WORKER, size=5, page=2)
    assert (first.total, first.pages, len(first.needs), len(second.needs)) == (7, 2, 5, 2)
    assert {need.id for need in (*first.needs, *second.needs)} == {need.id for need in mine}
    assert service.list_needs(session, asked, actor=verifier).total == 8
    assert service.list_needs(session, NeedFilters(district="500107"), actor=WORKER).total == 0
    assert service.list_needs(session, asked, actor=WORKER, page=99, size=5).page == 2
    counts = service.count_by_state(session, actor=WORKER)
    assert (counts[NeedState.UNVERIFIED], counts[NeedState.VERIFIED], counts[NeedState.HELD]) == (7, 1, 0)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"category": "GOLD"}, "unknown_category"),
        ({"gap_units": 0}, "not_positive"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}, "dates_reversed"),
    ],
)
def test_a_need_that_makes_no_sense_is_refused(
    session: Session, now: datetime, over: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        typed_in(session, now, **over)
    assert caught.value.code == code


def test_a_need_whose_time_is_over_is_closed_and_its_household_told_unless_something_is_under_way(
    sqlite_database: Database, now: datetime
) -> None:
    today = local_day(now)
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        scene.approved(session, now)
        scene.need.valid_to = today
        home = a_household(session, phone="10000000061")
        over = {
            state: a_need(session, home, state=state, valid_from=date(2026, 1, 1), valid_to=today).id
            for state in (NeedState.VERIFIED, NeedState.UNVERIFIED, NeedState.HELD)
        }
        lasts = a_need(session, home, valid_to=today + timedelta(days=1)).id
        under_way = scene.need.id
        line_id = a_line(session, session.get_one(Need, over[NeedState.VERIFIED]), scene.offer).id
    assert lapsed.look(sqlite_database, now=now) == 2
    assert lapsed.look(sqlite_database, now=now) == 0
    with sqlite_database.reading() as session:
        states = {one: session.get_one(Need, one).state for one in (*over.values(), lasts, under_way)}
        assert session.get_one(ProposedLine, line_id).state is LineState.STALE, "nobody is asked to approve it"
        assert [states[one] for one in over.values()] == [NeedState.CLOSED, NeedState.CLOSED, NeedState.HELD]
        assert (states[lasts], states[under_way]) == (NeedState.VERIFIED, NeedState.VERIFIED)
        told = session.exec(select(Notice.household_id).where(Notice.letter == "need_lapsed")).all()
        assert told == [home.id] * 2
        assert acts(session, session.get_one(Need, over[NeedState.VERIFIED])) == ["need:close"]
