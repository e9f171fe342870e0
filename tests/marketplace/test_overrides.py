"""Overrides: what staff pin or ban counts in the next run, falls away with its need or offer, and may contradict."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.proposals import overrides
from marketplace.proposals.models import LineState, OverrideKind, OverrideState, RunState
from marketplace.proposals.overrides import Wish
from tests import factories as make
from tests.marketplace.test_proposals import a_run, lines_of

PIN, BAN = OverrideKind.PIN, OverrideKind.BAN


def a_shortage(session: Session, *, stock: int = 10) -> tuple[Need, Need, Offer]:
    """An urgent need and a calm one of 10 units each, and one offer that is enough for only one of them."""
    needs = []
    for i, urgency in ((1, 3), (2, 0)):
        household = make.a_household(session, phone=f"1000000000{i}")
        make.auto_match(session, household)
        needs.append(make.a_need(session, household, urgency=urgency))
    offer = make.an_offer(session, make.an_organisation(session), stock_units=stock)
    return needs[0], needs[1], offer


def keep(session: Session, wish: Wish, actor: Actor, now: datetime) -> str:
    return overrides.keep(session, wish, reason="街道走访后提出", actor=actor, now=now).id


def test_a_pin_counts_in_the_next_run_and_no_more_when_it_is_withdrawn(
    database: Database, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        pin = keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
    # Ten units: the pin takes four for the calm need, the urgent one gets the other six.
    assert {x.need_id: x.units for x in lines_of(database, a_run(database, approver, now))} == {
        urgent.id: 6,
        calm.id: 4,
    }
    with database.transaction() as session:
        overrides.withdraw(session, pin, actor=approver, now=now)
        with pytest.raises(WrongState, match="override_over"):
            overrides.withdraw(session, pin, actor=approver, now=now)
    later = a_run(database, approver, now + timedelta(hours=1))
    assert {x.need_id: x.units for x in lines_of(database, later)} == {urgent.id: 10}
    with database.reading() as session:
        assert audit.verify(session).bad_seq == 0


@pytest.mark.parametrize("sides", ["pair", "need", "offer"])
def test_a_ban_keeps_a_need_and_an_offer_apart(database: Database, approver: Actor, now: datetime, sides: str) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        wish = Wish(BAN, "" if sides == "offer" else urgent.id, "" if sides == "need" else offer.id)
        keep(session, wish, approver, now)
    served = {line.need_id for line in lines_of(database, a_run(database, approver, now))}
    assert served == (set() if sides == "offer" else {calm.id})


def test_a_pin_that_was_carried_out_falls_away_instead_of_asking_for_more(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        _urgent, calm, offer = a_shortage(session, stock=30)
        pin = keep(session, Wish(PIN, calm.id, offer.id, 10), Actor(id="verifier-2", role=Role.VERIFIER), now)
    (line,) = (line for line in lines_of(database, a_run(database, verifier, now)) if line.need_id == calm.id)
    with database.transaction() as session:
        assert approval.approve(session, [line.id], actor=approver, now=now).approved
    later = now + timedelta(hours=1)
    assert a_run(database, verifier, later).state is RunState.DONE
    with database.reading() as session:
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=verifier, now=later)
        assert (row.override.id, row.rest) == (pin, "fulfilled")


@pytest.mark.parametrize("gone", ["need_closed", "offer_closed"])
def test_an_override_of_something_gone_falls_away_and_is_listed_so(
    database: Database, approver: Actor, now: datetime, gone: str
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
        if gone == "need_closed":
            calm.state = NeedState.CLOSED
        else:
            offer.state = OfferState.PAUSED
    run = a_run(database, approver, now)
    assert (run.state, run.lines_count) == (RunState.DONE, 1 if gone == "need_closed" else 0)
    with database.reading() as session:
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert row.rest == gone
    assert urgent.id


def test_a_staff_ban_of_a_pair_that_was_refused_before_does_not_stop_the_run(
    database: Database, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        urgent, _calm, offer = a_shortage(session)
        make.a_line(session, urgent, offer, state=LineState.REJECTED)
        keep(session, Wish(BAN, urgent.id, offer.id), approver, now)
    assert a_run(database, approver, now).state is RunState.DONE


@pytest.mark.parametrize("why", ["suspended", "ended", "purpose"])
def test_a_pin_of_a_giver_that_may_not_act_is_listed_so_until_it_may(
    database: Database, approver: Actor, now: datetime, why: str
) -> None:
    rests: dict[str, Any] = {
        "suspended": {"state": OrganisationState.SUSPENDED},
        "ended": {"contract_to": now.date()},
        "purpose": {"purposes": []},
    }[why]
    with database.transaction() as session:
        _urgent, calm, offer = a_shortage(session)
        keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
        giver = session.get_one(Organisation, offer.org_id)
        before = {name: getattr(giver, name) for name in rests}
        for name, value in rests.items():
            setattr(giver, name, value)
    run = a_run(database, approver, now)
    assert (run.state, run.lines_count) == (RunState.DONE, 0)
    with database.transaction() as session:
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert row.rest == "giver_rests"
        giver = session.get_one(Organisation, offer.org_id)
        for name, value in before.items():
            setattr(giver, name, value)
        session.flush()
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert row.rest == ""


@pytest.mark.parametrize("no", [LineState.REJECTED, LineState.DECLINED])
def test_a_pin_of_a_pair_that_somebody_said_no_to_falls_away_and_stops_nobody(
    database: Database, approver: Actor, now: datetime, no: LineState
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
        make.a_line(session, calm, offer, state=no)
    run = a_run(database, approver, now)
    assert (run.state, [line.need_id for line in lines_of(database, run)]) == (RunState.DONE, [urgent.id])
    with database.reading() as session:
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert row.rest == "refused"


def test_pins_that_contradict_end_the_run_name_the_least_set_and_leave_earlier_lines(
    database: Database, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
    before = a_run(database, approver, now)
    with database.transaction() as session:
        # 6 + 6 > 10 in stock: either alone could be met, both cannot.
        wanted = {need.id: keep(session, Wish(PIN, need.id, offer.id, 6), approver, now) for need in (urgent, calm)}
    run = a_run(database, approver, now + timedelta(hours=1))
    assert (run.state, run.lines_count) == (RunState.INFEASIBLE, 0)
    assert [line.state for line in lines_of(database, before)] == [LineState.PROPOSED]
    with database.reading() as session:
        named = list(overrides.named_in(session, run.certificate["conflict"], actor=approver))
    assert {row.override.id for _pair, row in named if row} == set(wanted.values())
    with database.transaction() as session:
        overrides.withdraw(session, wanted[calm.id], actor=approver, now=now)
    assert a_run(database, approver, now + timedelta(hours=2)).state is RunState.DONE


def test_who_verified_a_need_may_not_override_for_it(session: Session, now: datetime) -> None:
    _urgent, calm, offer = a_shortage(session)
    calm.verifier_id = "verifier-1"
    one, other = (Actor(id=f"verifier-{i}", role=Role.VERIFIER) for i in (1, 2))
    for wish in (Wish(PIN, calm.id, offer.id, 1), Wish(BAN, calm.id, offer.id), Wish(BAN, calm.id)):
        with pytest.raises(WrongState, match="verifier_overrides"):
            keep(session, wish, one, now)
    assert keep(session, Wish(PIN, calm.id, offer.id, 1), other, now)
    with pytest.raises(WrongState, match="override_stands"):
        keep(session, Wish(BAN, calm.id, offer.id), other, now)


def test_overrides_stay_within_the_actors_districts(session: Session, approver: Actor, now: datetime) -> None:
    _urgent, calm, offer = a_shortage(session)
    far = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500106"}))
    for wish in (Wish(PIN, calm.id, offer.id, 1), Wish(BAN, "", offer.id)):
        with pytest.raises(NotFound):
            keep(session, wish, far, now)
    pin = keep(session, Wish(PIN, calm.id, offer.id, 1), approver, now)
    with pytest.raises(NotFound):
        overrides.withdraw(session, pin, actor=far, now=now)
    assert overrides.count_overrides(session, OverrideState.STANDING, actor=far) == 0
    with pytest.raises(NotAllowed):
        keep(session, Wish(PIN, calm.id, offer.id, 1), Actor(id="g", role=Role.CHARITY_MANAGER, org_id="o"), now)


@pytest.mark.parametrize("wish", [Wish(BAN), Wish(PIN, "need", "", 1), Wish(PIN, "need", "offer", 0)])
def test_a_wish_that_is_not_whole_is_refused(session: Session, approver: Actor, now: datetime, wish: Wish) -> None:
    _urgent, calm, offer = a_shortage(session)
    given = Wish(wish.kind, calm.id if wish.need_id else "", offer.id if wish.offer_id else "", wish.units)
    with pytest.raises(BadInput):
        keep(session, given, approver, now)


@pytest.mark.parametrize("why", ["less_open", "household_had", "rule_forbids"])
def test_a_pin_that_nobody_may_carry_out_falls_away_and_leaves_the_others_their_plan(
    database: Database, approver: Actor, now: datetime, why: str
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session, stock=11)
        keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
        before = make.a_need(session, session.get_one(Household, calm.household_id))
        if why == "less_open":
            calm.committed_units = 7
        elif why == "household_had":
            offer.max_per_household = 10
            make.a_ledger_entry(session, before, offer, units=1, given_on=now.date() - timedelta(days=400))
        else:
            other = make.an_offer(session, session.get_one(Organisation, offer.org_id))
            make.a_ledger_entry(session, before, other, units=1, given_on=now.date() - timedelta(days=9))
        before.state = NeedState.CLOSED
    run = a_run(database, approver, now)
    assert (run.state, run.certificate["status"]) == (RunState.DONE, "optimal")
    assert {line.need_id: line.units for line in lines_of(database, run)}[urgent.id] == 10
    with database.reading() as session:
        (row,) = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert row.rest == why


HOPELESS = ("no_consent", "terms", "not_begun", "stock", "banned", "no_plan")


def spoil(session: Session, why: str, need: Need, offer: Offer, actor: Actor, now: datetime) -> None:
    """What happens to a pair after staff pinned 4 units of it, so that no plan can meet the pin any more."""
    if why == "no_consent":
        (head,) = session.exec(select(ConsentHead).where(ConsentHead.household_id == need.household_id))
        head.state = ConsentState.REVOKED
    elif why == "terms":
        offer.districts = ["500106"]
    elif why == "not_begun":
        offer.valid_from = now.date() + timedelta(days=1)
    elif why == "stock":
        offer.stock_units = 3
    elif why == "banned":
        keep(session, Wish(BAN, "", offer.id), actor, now)
    else:
        # All or nothing of 10, and nobody has more than 8: only the run can know.
        need.all_or_nothing, offer.stock_units = True, 8
        need.category = offer.category = "LIVING.GOODS"
        need.unit = offer.unit = "ITEM"


def test_each_pin_that_no_plan_can_meet_falls_away_with_its_reason_and_everybody_else_has_a_plan(
    database: Database, approver: Actor, now: datetime
) -> None:
    pins: dict[str, str] = {}
    with database.transaction() as session:
        urgent, _calm, _offer = a_shortage(session)
        giver = make.an_organisation(session)
        for at, why in enumerate(HOPELESS):
            household = make.a_household(session, phone=f"1000000010{at}")
            make.auto_match(session, household)
            need, offer = make.a_need(session, household, urgency=0), make.an_offer(session, giver, stock_units=9)
            pins[keep(session, Wish(PIN, need.id, offer.id, 4), approver, now)] = why
            spoil(session, why, need, offer, approver, now)
    run = a_run(database, approver, now)
    assert (run.state, run.certificate["conflict"]) == (RunState.DONE, [])
    assert urgent.id in {line.need_id for line in lines_of(database, run)}
    with database.transaction() as session:
        rows = overrides.list_overrides(session, OverrideState.STANDING, actor=approver, now=now)
        assert {row.override.id: row.rest for row in rows if row.override.kind is PIN} == pins
        for row in [row for row in rows if row.override.kind is PIN and row.rest != "no_plan"]:
            overrides.withdraw(session, row.override.id, actor=approver, now=now)
            wish = Wish(PIN, row.override.need_id or "", row.override.offer_id or "", 4)
            with pytest.raises(WrongState, match="pin_hopeless"):
                keep(session, wish, approver, now)
