"""What staff pinned and banned counts between two runs too, and a kept displacement is a pin of the next run."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.db import Database
from marketplace.errors import WrongState
from marketplace.proposals import making_way, overrides, quotes
from marketplace.proposals.models import Displacement, LineState, OverrideKind
from marketplace.proposals.overrides import Wish
from tests import factories as make
from tests.marketplace.test_overrides import keep
from tests.marketplace.test_proposals import a_run, lines_of
from tests.marketplace.test_quotes import LATER, newcomer, offered, served, swept, told, worked

PIN, BAN = OverrideKind.PIN, OverrideKind.BAN


def kept_displacement(database: Database, approver: Actor, now: datetime) -> tuple[str, str]:
    """Five packs went to a need of urgency 0; a newcomer of urgency 1 is to have one of them: (newcomer, offer)."""
    served(database, urgency=0)
    offer_id = offered(database, stock_units=5)
    a_run(database, Actor("v", Role.VERIFIER), now)
    need_id = newcomer(database, now, urgency=1)
    swept(database, now)
    worked(database, now)
    with database.transaction() as session:
        (row,) = session.exec(select(Displacement)).all()
        making_way.keep(session, row.id, reason="寒潮", actor=approver, now=now)
    return need_id, offer_id


def test_a_kept_displacement_gives_the_newcomer_its_unit_whoever_comes_after(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    need_id, _offer_id = kept_displacement(database, approver, now)
    with database.transaction() as session:
        household = make.a_household(session, phone="10000000022")
        make.auto_match(session, household)
        urgent = make.a_need(session, household, urgency=3).id
    # Without the pin all five packs go to the need of urgency 3: it lacks ten and its fifth level ranks 36.
    second = a_run(database, verifier, now + LATER)
    assert {line.need_id: line.units for line in lines_of(database, second)} == {urgent: 4, need_id: 1}


def test_a_kept_displacement_is_an_override_that_can_be_withdrawn_and_falls_away_when_fulfilled(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    need_id, offer_id = kept_displacement(database, approver, now)
    with database.transaction() as session:
        (row,) = overrides.list_overrides(session, overrides.OverrideState.STANDING, actor=approver, now=now)
        pinned = (row.override.need_id, row.override.offer_id, row.override.units, row.override.reason)
        assert pinned == (need_id, offer_id, 1, "寒潮")
        assert overrides.held(session, need_id, offer_id) == 0
        with pytest.raises(WrongState, match="override_stands"):
            keep(session, Wish(PIN, need_id, offer_id, 2), approver, now)
        overrides.withdraw(session, row.override.id, actor=approver, now=now)
        assert overrides.standing(session, now=now).pins == ()


def test_a_displacement_pins_one_unit_more_than_the_newcomer_has(session: Session) -> None:
    need = make.a_need(session, make.a_household(session))
    offer = make.an_offer(session, make.an_organisation(session))
    make.a_line(session, need, offer, units=3)
    make.a_line(session, need, offer, units=4, state=LineState.STALE)
    assert overrides.held(session, need.id, offer.id) == 3


@pytest.mark.parametrize("sides", ["pair", "need", "offer"])
def test_a_ban_holds_between_the_runs(
    database: Database, verifier: Actor, approver: Actor, now: datetime, sides: str
) -> None:
    offer_id = offered(database, stock_units=10)
    a_run(database, verifier, now)
    need_id = newcomer(database, now)
    assert told(database, need_id, now)["state"] == "free"
    wish = Wish(BAN, "" if sides == "offer" else need_id, "" if sides == "need" else offer_id)
    with database.transaction() as session:
        keep(session, wish, approver, now)
    said = told(database, need_id, now)
    assert (said["state"], said["free"]) == ("nothing_fits", [])
    with database.transaction() as session, pytest.raises(WrongState, match="nothing_free"):
        quotes.take_free_stock(session, need_id, actor=verifier, now=now)


def test_a_ban_of_another_need_closes_nothing_here(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    other, _offer_id = served(database), offered(database, stock_units=20)
    a_run(database, verifier, now)
    with database.transaction() as session:
        keep(session, Wish(BAN, other), approver, now)
    assert told(database, newcomer(database, now), now)["state"] == "free"


def test_what_is_pinned_for_somebody_is_free_for_nobody_else(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    offer_id = offered(database, stock_units=20)
    a_run(database, verifier, now)
    first = newcomer(database, now, gap_units=10, phone="10000000002")
    second = newcomer(database, now, gap_units=20, phone="10000000003")
    with database.transaction() as session:
        keep(session, Wish(PIN, first, offer_id, 8), approver, now)
    # 20 packs, 8 of them pinned for the first need: 12 are free for the second; for the first all are, and it lacks 10.
    assert [row["units"] for row in told(database, second, now)["free"]] == [12]
    assert [row["units"] for row in told(database, first, now)["free"]] == [10]
    with database.transaction() as session:
        (line,) = quotes.take_free_stock(session, first, actor=verifier, now=now)
        assert line.units == 10
    # The pin is met by the proposed line: nothing more is held back, 20 less 10 are left.
    assert [row["units"] for row in told(database, second, now)["free"]] == [10]
