"""An urgent case whose stock has no standing yes: its giver has hours; then the case is the next giver's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from marketplace.actors import Actor, Role
from marketplace.addressing import compose
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.meetings import cap, critical, night, roster
from marketplace.meetings.models import UrgentApproval
from marketplace.notices import Notice
from marketplace.offers.models import Acceptance
from marketplace.organisations import service as organisations
from tests import factories as make
from tests.marketplace.test_urgent import NIGHT, PHONES, Night

HOURS = timedelta(hours=1)


def a_night(database: Database, *, others: int = 1, **over: Any) -> tuple[Night, list[str]]:
    """A night whose first giver is cheapest, with more givers behind it; returns their ids."""
    ids = []
    with database.transaction() as session:
        for _ in range(others):
            giver = make.an_organisation(session)
            make.an_offer(session, giver, id=f"spare-{giver.id[-24:]}", unit_cost_fen=12_000, **over)
            ids.append(giver.id)
    return Night(database), ids


def cases(database: Database) -> list[tuple[str, MatchState, str]]:
    """(giver, state of the match, where the case went) of every urgent approval, the first first."""
    with database.reading() as session:
        rows = session.exec(select(UrgentApproval, Match).join(Match).order_by(UrgentApproval.approved_at)).all()
        return [(match.org_id, match.state, row.passed_on) for row, match in rows]


def test_a_giver_without_a_standing_yes_is_asked_at_once_and_has_four_hours(database: Database) -> None:
    house, _others = a_night(database, others=0)
    with database.transaction() as session:
        house.verify(session)
        (case,) = house.approve(session)
        clock = session.exec(select(Clock).where(Clock.object_ref == case.match_id, Clock.ended_at.is_(None))).one()
        assert (clock.step, clock.due_at) == ("urgent_answer", case.approved_at + 4 * HOURS)
        assert "urgent_asked" in session.exec(select(Notice.letter).where(Notice.org_id == house.org_id)).all()


def test_a_standing_yes_is_asked_nothing(database: Database) -> None:
    house = Night(database, acceptance=Acceptance.STANDING)
    with database.transaction() as session:
        house.verify(session)
        (case,) = house.approve(session)
        assert (case.asked, session.get_one(Match, case.match_id).state) == (False, MatchState.AWAITING_HOUSEHOLD)
    assert night.sweep(database, clock=lambda: NIGHT + 9 * HOURS) == 0


@pytest.mark.parametrize("how", ["silent", "declines"])
def test_the_case_of_a_giver_that_gives_no_yes_goes_to_the_next_free_stock(database: Database, how: str) -> None:
    house, _others = a_night(database)
    with database.transaction() as session:
        house.verify(session)
        (case,) = house.approve(session)
        first, match_id = session.get_one(Match, case.match_id).org_id, case.match_id
    assert night.sweep(database, clock=lambda: NIGHT + 3 * HOURS) == 0
    if how == "declines":
        with database.transaction() as session:
            giver = Actor(id="g", role=Role.CHARITY_MANAGER, org_id=first)
            decisions.giver_declines(session, match_id, reason_code="other", actor=giver, now=NIGHT + HOURS)
    assert night.sweep(database, clock=lambda: NIGHT + 5 * HOURS) > 0
    assert night.sweep(database, clock=lambda: NIGHT + 5 * HOURS) == 0, "to sweep twice changes nothing"
    ended = MatchState.EXPIRED_GIVER if how == "silent" else MatchState.DECLINED_GIVER
    (one, two) = cases(database)
    assert one == (first, ended, "next")
    assert two[0] != first
    assert two[1:] == (MatchState.AWAITING_GIVER, "")
    with database.reading() as session:
        rows = session.exec(select(UrgentApproval).order_by(UrgentApproval.approved_at)).all()
        assert (rows[1].follows_id, rows[1].approver_id) == (rows[0].id, house.approver.id)
        assert cap.room_for(session, house.household_id, night=cap.night_of(NIGHT)).used_fen == 120_000, "counted once"


@pytest.mark.parametrize("hours", [(5, 10, 15, 20), (13, 18, 20, 23)], ids=["in the morning", "after noon"])
def test_a_case_for_which_nothing_else_is_free_says_so_and_never_returns_to_a_silent_giver(
    database: Database, hours: tuple[int, ...]
) -> None:
    house, _others = a_night(database, others=1)
    with database.transaction() as session:
        house.verify(session)
        house.approve(session)
        span = (NIGHT + 10 * HOURS, NIGHT + 24 * HOURS)
        shift = roster.Shift(house.verifier.id, house.reviewer.id, *span, *PHONES)
        roster.plan(session, shift, actor=house.reviewer, now=NIGHT)
    for at in hours:
        night.sweep(database, clock=lambda at=at: NIGHT + at * HOURS)
    told = cases(database)
    assert [(state, where) for _org, state, where in told] == [
        (MatchState.EXPIRED_GIVER, "next"),
        (MatchState.EXPIRED_GIVER, "nothing"),
    ]
    assert len({org for org, _state, _where in told}) == 2
    with database.reading() as session:
        assert len(set(session.exec(select(UrgentApproval.night_on)))) == 1, "all of one night, under its one cap"
        assert [need.id for need in critical.list_needs(session, actor=house.reviewer, now=NIGHT)] == [house.need_id]
        fell = select(Notice.letter, Notice.household_id, Notice.account_id).where(Notice.key.contains(":fell"))
        letters = session.exec(fell).all()
        homes = [home for letter, home, _account in letters if letter == "match_cancelled"]
        on_call = {account for letter, _home, account in letters if letter == "urgent_fell"}
        assert homes == [house.household_id], "once, and only when nothing is left"
        assert on_call
        assert None not in on_call
        letters = session.exec(select(Notice).where(Notice.letter == "urgent_fell")).all()
        reached = {message.address for one in letters if (message := compose(session.info["settings"], session, one))}
        assert reached == set(PHONES), "the pair on call is called, not only written to on a page"


def test_a_case_that_could_not_be_passed_on_for_three_days_is_told_as_fallen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: object, **_kwargs: object) -> None:
        raise WrongState("run_busy")

    house, _others = a_night(database)
    with database.transaction() as session:
        house.verify(session)
        house.approve(session)
    monkeypatch.setattr(night, "_approve_next", busy)
    night.sweep(database, clock=lambda: NIGHT + 71 * HOURS)
    assert [where for _org, _state, where in cases(database)] == [""], "it is tried again"
    assert night.sweep(database, clock=lambda: NIGHT + 73 * HOURS) == 1
    assert night.sweep(database, clock=lambda: NIGHT + 74 * HOURS) == 0
    assert [where for _org, _state, where in cases(database)] == ["nothing"]
    with database.reading() as session:
        fell = select(Notice.letter).where(Notice.key.contains(":fell"))
        assert {"match_cancelled", "urgent_fell"} == set(session.exec(fell))


def test_the_contact_on_call_is_written_to_by_mail_or_by_telephone_else_the_usual_address(database: Database) -> None:
    with database.transaction() as session:
        giver = make.an_organisation(session, contact="office@example.org")
        manager = Actor(id="m", role=Role.CHARITY_MANAGER, org_id=giver.id)
        letter = Notice(id="n", key="n", letter="urgent_asked", org_id=giver.id, next_try_at=NIGHT, created_at=NIGHT)
        settings = session.info["settings"]
        reached = []
        for contact in ("", "night@example.org", "13900000000"):
            organisations.keep_on_call(session, giver.id, contact=contact, actor=manager, now=NIGHT)
            message = compose(settings, session, letter)
            assert message is not None
            reached.append((message.channel, message.address))
        assert reached == [
            ("email", "office@example.org"),
            ("email", "night@example.org"),
            ("sms", "13900000000"),
        ]
        with pytest.raises(BadInput):
            organisations.keep_on_call(session, giver.id, contact="call me", actor=manager, now=NIGHT)
        with pytest.raises(NotFound):
            organisations.keep_on_call(
                session, giver.id, contact="", actor=Actor(id="x", role=Role.CHARITY_MANAGER, org_id="other"), now=NIGHT
            )
