"""Nobody acts: reminders, an end that frees everything, a call, a visit; and never a yes from silence."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS, Side
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import calls, moves, officers, service, waiting
from marketplace.decisions.closing import Answers
from marketplace.decisions.models import OPEN, CallOutcome, HouseholdCall, Match, MatchState
from marketplace.errors import BadInput, Conflict, DomainError, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.offers import service as offers
from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proposals.models import LineState, ProposedLine
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
DAY = timedelta(days=1)


@pytest.fixture
def scene(database: Database) -> Scene:
    with database.transaction() as session:
        return a_scene(session)


def reach(database: Database, scene: Scene, stage: str, *, now: datetime) -> str:
    """Bring the scene's match to a stage; return its id."""
    with database.transaction() as session:
        match: Match = getattr(scene, stage)(session, now)
        return match.id


def sweep(database: Database, now: datetime) -> int:
    return waiting.sweep(database, clock=lambda: now)


def pass_days(database: Database, now: datetime, days: int) -> datetime:
    """Sweep twice a day, as a worker that never sleeps would do far more often."""
    for half in range(2 * days):
        sweep(database, now + half * DAY / 2)
    return now + days * DAY


def state_of(database: Database, match_id: str) -> tuple[MatchState, list[str]]:
    """The match's state and the steps that run for it."""
    with database.reading() as session:
        running = select(Clock.step).where(col(Clock.object_ref) == match_id, col(Clock.ended_at).is_(None))
        return session.get_one(Match, match_id).state, list(session.exec(running))


def letters(database: Database, **recipient: str) -> list[str]:
    with database.reading() as session:
        statement = select(Notice.letter).filter_by(**recipient).order_by(col(Notice.created_at), col(Notice.id))
        return list(session.exec(statement))


def call(database: Database, match_id: str, outcome: CallOutcome, *, now: datetime, reason: str = "") -> None:
    with database.transaction() as session:
        calls.record_call(session, match_id, outcome=outcome, reason_code=reason, actor=WORKER, now=now)


def test_a_silent_giver_is_reminded_twice_then_need_and_resource_are_free(
    database: Database, scene: Scene, now: datetime
) -> None:
    match_id = reach(database, scene, "approved", now=now)
    later = pass_days(database, now, 9)
    assert state_of(database, match_id) == (MatchState.EXPIRED_GIVER, [])
    told = ["match_approved", "reminder_giver", "reminder_giver", "match_expired"]
    assert letters(database, org_id=scene.organisation.id) == told
    assert letters(database, household_id=scene.household.id) == [], "it never knew"
    with database.reading() as session:
        match = session.get_one(Match, match_id)
        assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED
        assert session.get_one(Need, scene.need.id).committed_units == 0
        assert session.get_one(Offer, scene.offer.id).committed_units == 0
        assert session.get_one(ProposedLine, match.line_id).state is LineState.STALE, "nobody said no"
    assert sweep(database, later + DAY) == 0


def test_a_letter_names_the_last_day(database: Database, scene: Scene, now: datetime) -> None:
    reach(database, scene, "approved", now=now)
    with database.reading() as session:
        letter = session.exec(select(Notice).where(Notice.letter == "match_approved")).one()
    assert letter.params == {"by": "2026-11-30"}, "five working days after Monday 23 November"


def test_who_was_not_reminded_in_time_gets_a_working_day_more(database: Database, scene: Scene, now: datetime) -> None:
    match_id = reach(database, scene, "approved", now=now)
    woken = now + 30 * DAY
    sweep(database, woken)
    assert state_of(database, match_id)[0] is MatchState.AWAITING_GIVER
    assert letters(database, org_id=scene.organisation.id) == ["match_approved", "reminder_giver"]
    sweep(database, woken + timedelta(hours=1))
    assert state_of(database, match_id)[0] is MatchState.AWAITING_GIVER
    sweep(database, woken + 4 * DAY)
    assert state_of(database, match_id)[0] is MatchState.EXPIRED_GIVER


def test_a_sweep_that_looked_before_the_giver_accepted_changes_nothing(
    database: Database, scene: Scene, now: datetime
) -> None:
    match_id, late = reach(database, scene, "approved", now=now), now + 9 * DAY
    for hours in (100, 160):
        sweep(database, now + timedelta(hours=hours))
    with database.reading() as session:
        seen = session.exec(select(Clock.id).where(Clock.object_ref == match_id, col(Clock.due_at) <= late)).one()
    with database.transaction() as session:
        service.giver_accepts(session, match_id, actor=scene.giver, now=late)
    with database.transaction() as session:
        assert not waiting._settle(session, seen, match_id, waiting.expire_giver, now=late)
    assert state_of(database, match_id) == (MatchState.AWAITING_HOUSEHOLD, ["household_answer"])


def test_an_urgent_need_waits_one_working_day_for_its_giver(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        urgent = a_scene(session, urgency=3)
    match_id = reach(database, urgent, "approved", now=now)
    pass_days(database, now, 1)
    assert state_of(database, match_id)[0] is MatchState.AWAITING_GIVER
    pass_days(database, now + DAY, 2)
    assert state_of(database, match_id)[0] is MatchState.EXPIRED_GIVER


def test_three_silences_pause_what_needs_an_answer_and_nothing_else(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        first = a_scene(session)
        standing = make.an_offer(session, first.organisation, acceptance=Acceptance.STANDING)
        others = [
            a_scene(session, phone=f"1000000001{n}", organisation=first.organisation, offer=first.offer)
            for n in range(3)
        ]
    for at, scene in enumerate((first, *others[:2])):
        reach(database, scene, "approved", now=now + at * timedelta(hours=1))
    later = pass_days(database, now, 9)
    with database.reading() as session:
        paused = session.get_one(Offer, first.offer.id)
        assert (paused.state, paused.state_reason) == (OfferState.PAUSED, "giver_silent")
        assert session.get_one(Offer, standing.id).state is OfferState.OPEN
    assert letters(database, org_id=first.organisation.id).count("offers_paused") == 1
    with database.transaction() as session:
        outcome = approval.approve(session, [others[2].line.id], actor=APPROVER, now=later)
    assert [excluded.code for excluded in outcome.excluded] == ["offer_not_open"]


def test_three_late_deliveries_that_staff_ended_pause_also_a_standing_yes(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        first = a_scene(session)
        scenes = [first] + [
            a_scene(session, phone=f"1000000001{n}", organisation=first.organisation, offer=first.offer)
            for n in range(4)
        ]
        early, came, *rest = [scene.in_delivery(session, now) for scene in scenes]
        first.offer.acceptance = Acceptance.STANDING
        session.add(first.offer)

        def stays_away(match: Match, day: int) -> OfferState:
            at = now + day * DAY
            waiting.ask_staff(session, match, at)
            service.cancel(session, match.id, reason_code="not_suitable", actor=APPROVER, now=at)
            return first.offer.state

        assert stays_away(early, 1) is OfferState.OPEN
        service.deliver(session, came.id, actor=first.giver, now=now + 2 * DAY)
        assert [stays_away(match, 3) for match in rest[:2]] == [OfferState.OPEN] * 2, "counted anew"
        assert stays_away(rest[2], 6) is OfferState.PAUSED
        assert first.offer.state_reason == "giver_idle"
    assert letters(sqlite_database, org_id=first.organisation.id).count("offers_paused") == 1


def test_an_answer_in_between_counts_as_a_voice(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        first = a_scene(session)
        rest = [
            a_scene(session, phone=f"1000000001{n}", organisation=first.organisation, offer=first.offer)
            for n in range(3)
        ]
    for scene in (first, rest[0]):
        reach(database, scene, "approved", now=now)
    later = pass_days(database, now, 9)
    reach(database, rest[1], "taken_on", now=later)
    reach(database, rest[2], "approved", now=later)
    pass_days(database, later, 9)
    with database.reading() as session:
        assert session.get_one(Offer, first.offer.id).state is OfferState.OPEN


def test_a_charity_that_stops_answering_costs_its_households_time_but_no_help(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        first = a_scene(session)
        silent = [first] + [
            a_scene(session, phone=f"1000000001{n}", organisation=first.organisation, offer=first.offer)
            for n in range(2)
        ]
        other = make.an_organisation(session)
        stock = make.an_offer(session, other)
    withheld = first.offer.id
    ended = [reach(database, scene, "approved", now=now) for scene in silent]
    later = pass_days(database, now, 9)
    assert {state_of(database, match_id)[0] for match_id in ended} == {MatchState.EXPIRED_GIVER}
    for scene in silent:
        with database.transaction() as session:
            scene.organisation, scene.offer = other, stock
            scene.line = make.a_line(session, session.get_one(Need, scene.need.id), stock)
            match = scene.confirmed(session, later)
            service.follow_up(session, match.id, Answers(5, "nothing"), actor=WORKER, now=later)
    with database.transaction() as session:
        paused = session.get_one(Offer, withheld)
        assert (paused.state, paused.committed_units) == (OfferState.PAUSED, 0)
        assert session.get_one(Offer, stock.id).committed_units == 30
        assert {match.state for match in session.exec(select(Match).where(Match.org_id == other.id))} == {
            MatchState.CLOSED
        }
        giver = make.as_giver(session.get_one(Organisation, paused.org_id))
        assert offers.reopen_offer(session, withheld, actor=giver, now=later).state is OfferState.OPEN


def test_a_silent_household_is_reminded_twice_then_called(database: Database, scene: Scene, now: datetime) -> None:
    match_id = reach(database, scene, "taken_on", now=now)
    pass_days(database, now, 9)
    assert state_of(database, match_id) == (MatchState.AWAITING_HOUSEHOLD, ["call_household"])
    told = ["offer_waiting", "reminder_household", "reminder_household"]
    assert letters(database, household_id=scene.household.id) == told
    with database.transaction() as session:
        scene.accepts(session, session.get_one(Match, match_id), now + 9 * DAY)
    assert state_of(database, match_id) == (MatchState.IN_DELIVERY, ["deliver"]), "it may still answer itself"


def silent_at(database: Database, scene: Scene, stage: str, now: datetime) -> tuple[str, datetime]:
    """A match whose household has to be called now."""
    match_id = reach(database, scene, stage, now=now)
    return match_id, pass_days(database, now, 9)


def test_a_household_that_wants_it_gets_its_time_again_but_not_for_ever(
    database: Database, scene: Scene, now: datetime
) -> None:
    match_id, later = silent_at(database, scene, "taken_on", now)
    for _round in range(calls.MOST_WANTS):
        call(database, match_id, CallOutcome.WANTS, now=later)
        assert state_of(database, match_id) == (MatchState.AWAITING_HOUSEHOLD, ["household_answer"])
        later = pass_days(database, later, 9)
    with pytest.raises(WrongState, match="wanted_before"):
        call(database, match_id, CallOutcome.WANTS, now=later)


def test_a_household_that_declines_by_telephone_loses_nothing(database: Database, scene: Scene, now: datetime) -> None:
    match_id, later = silent_at(database, scene, "taken_on", now)
    with pytest.raises(BadInput, match="reason_missing"):
        call(database, match_id, CallOutcome.DECLINES, now=later)
    call(database, match_id, CallOutcome.DECLINES, reason="not_needed", now=later)
    assert state_of(database, match_id) == (MatchState.DECLINED_HOUSEHOLD, [])
    assert letters(database, org_id=scene.organisation.id)[-1] == "match_cancelled"


def test_three_tries_on_two_days_end_an_offer_and_all_are_told(database: Database, scene: Scene, now: datetime) -> None:
    match_id, later = silent_at(database, scene, "taken_on", now)
    for _try in range(4):
        call(database, match_id, CallOutcome.NOT_REACHED, now=later)
    assert state_of(database, match_id)[0] is MatchState.AWAITING_HOUSEHOLD, "all on one day"
    call(database, match_id, CallOutcome.NOT_REACHED, now=later + DAY)
    assert state_of(database, match_id) == (MatchState.EXPIRED_HOUSEHOLD, [])
    assert letters(database, household_id=scene.household.id)[-1] == "offer_expired"
    assert letters(database, org_id=scene.organisation.id)[-1] == "match_cancelled"
    with database.reading() as session:
        assert session.get_one(Need, scene.need.id).committed_units == 0


@pytest.mark.both_engines
def test_what_came_of_a_call_cannot_be_changed_afterwards(database: Database, scene: Scene, now: datetime) -> None:
    match_id, later = silent_at(database, scene, "taken_on", now)
    call(database, match_id, CallOutcome.NOT_REACHED, now=later)
    with pytest.raises((Conflict, DBAPIError)), database.transaction() as session:
        session.exec(select(HouseholdCall)).one().outcome = CallOutcome.WANTS


def test_silence_is_never_a_yes(database: Database, scene: Scene, now: datetime) -> None:
    match_id, later = silent_at(database, scene, "delivered", now)
    assert state_of(database, match_id) == (MatchState.DELIVERED, ["call_household"])
    for days in range(3):
        call(database, match_id, CallOutcome.NOT_REACHED, now=later + days * DAY)
    assert state_of(database, match_id) == (MatchState.DELIVERED, ["visit_household"])
    later = pass_days(database, later + 60 * DAY, 3)
    for days in range(3):
        call(database, match_id, CallOutcome.NOT_REACHED, now=later + days * DAY)
    assert state_of(database, match_id) == (MatchState.DELIVERED, ["visit_household"])


@pytest.mark.parametrize(
    ("outcome", "state", "steps"),
    [
        (CallOutcome.RECEIVED, MatchState.CONFIRMED, ["follow_up"]),
        (CallOutcome.NOT_RECEIVED, MatchState.RETURNED, []),
    ],
)
def test_a_worker_writes_down_what_the_household_says(
    database: Database, scene: Scene, now: datetime, outcome: CallOutcome, state: MatchState, steps: list[str]
) -> None:
    match_id, later = silent_at(database, scene, "delivered", now)
    with pytest.raises(BadInput):
        call(database, match_id, CallOutcome.WANTS, now=later)
    call(database, match_id, outcome, now=later)
    assert state_of(database, match_id) == (state, steps)


def test_nobody_is_called_who_still_has_time(database: Database, scene: Scene, now: datetime) -> None:
    match_id = reach(database, scene, "taken_on", now=now)
    with pytest.raises(WrongState, match="no_call_due"):
        call(database, match_id, CallOutcome.NOT_REACHED, now=now)


def test_a_late_delivery_goes_to_staff_who_give_time_once_or_end_it(
    database: Database, scene: Scene, now: datetime
) -> None:
    match_id = reach(database, scene, "in_delivery", now=now)
    later = pass_days(database, now, 23)
    assert state_of(database, match_id) == (MatchState.IN_DELIVERY, ["late_delivery"])
    told = letters(database, org_id=scene.organisation.id)
    assert told[-3:] == ["reminder_giver", "reminder_giver", "delivery_late"]
    with database.transaction() as session:
        waiting.extend_delivery(session, match_id, actor=APPROVER, now=later)
    assert state_of(database, match_id) == (MatchState.IN_DELIVERY, ["deliver"])
    later = pass_days(database, later, 23)
    assert state_of(database, match_id) == (MatchState.IN_DELIVERY, ["late_delivery"])
    with pytest.raises(WrongState, match="no_more_time"), database.transaction() as session:
        waiting.extend_delivery(session, match_id, actor=APPROVER, now=later)
    with database.transaction() as session:
        service.cancel(session, match_id, reason_code="other", actor=APPROVER, now=later)
    assert state_of(database, match_id) == (MatchState.CANCELLED, [])


def test_slow_staff_cost_nobody_anything(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        scene.line.value_fen = 2_000_001
        session.add(scene.line)
    match_id = reach(database, scene, "approved", now=now)
    pass_days(database, now + 20 * DAY, 2)
    assert state_of(database, match_id) == (MatchState.AWAITING_SECOND, ["second_approval"])


def test_one_match_that_cannot_be_settled_does_not_hold_up_the_others(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        scenes = [a_scene(session, phone=f"1000000001{n}") for n in range(3)]
    ids = [reach(database, scene, "approved", now=now) for scene in scenes]
    real = moves.end

    def fails_for_one(session: Session, match: Match, **rest: object) -> None:
        if match.id == ids[1]:
            raise WrongState("match_moved_on")
        real(session, match, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(moves, "end", fails_for_one)
    pass_days(database, now, 9)
    ended = MatchState.EXPIRED_GIVER
    assert [state_of(database, one)[0] for one in ids] == [ended, MatchState.AWAITING_GIVER, ended]


WAITING = {*OPEN, MatchState.CONFIRMED, MatchState.RECLAIMING}


def _acts(scene: Scene, pick: random.Random) -> dict[str, Callable[[Session, str, datetime], object]]:
    """Everything that can be done to a match; most of it is refused in most states."""
    giver, home, manager = scene.giver, scene.household_actor, scene.manager
    answers = Answers(satisfaction=3, remains="part", complaint=pick.random() < 0.5)
    outcome = pick.choice(list(CallOutcome))
    units = pick.choice((None, 4, 10))
    return {
        "second": lambda s, m, t: approval.second_approve(s, m, actor=Actor(id="a-2", role=Role.APPROVER), now=t),
        "take": lambda s, m, t: service.giver_accepts(s, m, actor=giver, now=t),
        "refuse": lambda s, m, t: service.giver_declines(s, m, reason_code="other", actor=giver, now=t),
        "accept": lambda s, m, t: scene.accepts(s, s.get_one(Match, m), t),
        "decline": lambda s, m, t: service.household_declines(s, m, reason_code="other", actor=home, now=t),
        "deliver": lambda s, m, t: service.deliver(s, m, units=units, actor=giver, now=t),
        "give up": lambda s, m, t: service.giver_gives_up(s, m, reason_code="other", actor=giver, now=t),
        "confirm": lambda s, m, t: service.confirm(s, m, actor=home, now=t),
        "not here": lambda s, m, t: service.not_received(s, m, actor=home, now=t),
        "cancel": lambda s, m, t: service.cancel(s, m, reason_code="other", actor=APPROVER, now=t),
        "back": lambda s, m, t: service.give_back(s, m, reason_code="other", actor=home, now=t),
        "ask back": lambda s, m, t: service.reclaim_open(s, m, reason_code="misuse", actor=manager, now=t),
        "got back": lambda s, m, t: service.reclaim_done(s, m, actor=manager, now=t),
        "drop": lambda s, m, t: service.reclaim_drop(s, m, actor=manager, now=t),
        "ask": lambda s, m, t: service.follow_up(s, m, answers, actor=WORKER, now=t),
        "settle": lambda s, m, t: service.settle(s, m, settlement="explained", actor=APPROVER, now=t),
        "extend": lambda s, m, t: waiting.extend_delivery(s, m, actor=APPROVER, now=t),
        "call": lambda s, m, t: calls.record_call(s, m, outcome=outcome, reason_code="other", actor=WORKER, now=t),
    }


FORWARD = ("second", "take", "accept", "deliver", "confirm", "ask")


@pytest.mark.parametrize("seed", range(200 if os.environ.get("TORTURE") else 3))
def test_a_match_has_exactly_one_clock_while_it_waits_and_none_when_it_is_over(
    database: Database, now: datetime, seed: int
) -> None:
    pick = random.Random(seed)
    seen: set[MatchState] = set()
    for walk in range(4):
        with database.transaction() as session:
            scene = a_scene(session, phone=f"1{seed}{walk:09d}")
            scene.line.value_fen = pick.choice((0, 2_000_001))
            session.add(scene.line)
        moment = now
        match_id = reach(database, scene, "approved", now=moment)
        for _step in range(14):
            moment += timedelta(hours=pick.choice((1, 30, 200)))
            acts = _acts(scene, pick)
            name = pick.choice(FORWARD) if pick.random() < 0.6 else pick.choice([*acts, "sweep"])
            try:
                if name == "sweep":
                    sweep(database, moment)
                else:
                    with database.transaction() as session:
                        acts[name](session, match_id, moment)
            except DomainError:
                pass
            state, steps = state_of(database, match_id)
            seen.add(state)
            assert len(steps) == (1 if state in WAITING else 0), f"{name}: {state} with {steps}"
    assert len(seen) > 4


def named_and_told(database: Database, step: str) -> tuple[str | None, int]:
    """Who holds the running step, and how many letters that account has."""
    with database.reading() as session:
        clock = session.exec(select(Clock).where(Clock.step == step, col(Clock.ended_at).is_(None))).one()
        told = select(Notice.id).where(Notice.letter == "reminder_staff", Notice.account_id == clock.account_id)
        return clock.account_id, len(session.exec(told).all())


@pytest.mark.parametrize(
    ("stage", "step", "days"),
    [("taken_on", "call_household", 11), ("in_delivery", "late_delivery", 27)],
)
def test_a_step_of_staff_that_nobody_took_gets_a_holder_by_name_and_a_letter(
    database: Database, scene: Scene, now: datetime, stage: str, step: str, days: int
) -> None:
    with database.transaction() as session:
        people = {
            name: create_account(session, name, display_name=name, role=role, districts=[place], now=now).id
            for name, role, place in (
                ("far-worker", Role.WORKER, "500101"),
                ("near-worker", Role.WORKER, "500103"),
                ("near-approver", Role.APPROVER, "500103"),
            )
        }
    reach(database, scene, stage, now=now)
    pass_days(database, now, days)
    wanted = people["near-worker" if step == "call_household" else "near-approver"]
    holder, letters_of_it = named_and_told(database, step)
    assert holder == wanted
    assert letters_of_it >= 1


PEOPLE = (Role.WORKER, Role.VERIFIER, Role.APPROVER)
STAFF_STEPS = {code: step for code, step in STEPS.items() if step.side is Side.STAFF and code not in officers.BY_LADDER}


def _people(session: Session, now: datetime) -> dict[str, Role]:
    """One of each role in the district, and the protection officer of the city; id ► role."""
    made = [
        create_account(session, role.value, display_name=role.value, role=role, districts=["500103"], now=now)
        for role in PEOPLE
    ]
    officer = Role.PROTECTION_OFFICER
    made.append(create_account(session, "city", display_name="city", role=officer, districts=[], now=now))
    return {one.id: one.role for one in made}


def test_every_step_of_staff_gets_a_holder_of_the_role_that_acts_on_its_page_and_a_letter(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        people = _people(session, now)
        for code in STAFF_STEPS:
            place = "" if code == "favours_answer" else "500103"
            clocks.start(session, code, f"word:{code}", holder=clocks.Holder(district_code=place), now=now)
    for days in (30, 60, 90):
        sweep(database, now + days * DAY)
    with database.reading() as session:
        for clock in session.exec(select(Clock)):
            assert people.get(clock.account_id or "") is officers.TAKEN_BY[clock.step], clock.step
            told = select(Notice.id).where(Notice.letter == "reminder_staff", Notice.key.startswith(clock.id))
            assert session.exec(told).first() is not None, clock.step


def test_every_page_of_a_step_opens_for_the_role_that_is_named_for_it() -> None:
    assert officers.TAKEN_BY.keys() == STAFF_STEPS.keys()
    acts = {"publish": "need:release", "second_call": "reading:second", "urgent_review": "urgent:review"}
    acts |= {"complaint": "match:settle", "match_review": "match:reject", "appeal_answer": "appeal:answer"}
    acts |= {"favours_answer": "appeal:answer", "visit_call": "appointment:call", "payee_check": "payee:decide"}
    acts |= {"papers_call": "claim:papers", "payee_help": "payee:assist", "payout_overlap": "payout:settle"}
    acts |= {"follow_up": "match:follow_up", "overlap_look": "overlap:decide", "power_check": "power:check"}
    acts |= {"feed_late": "fact:take", "feed_look": "aid:place"}
    acts |= {"push_answer": "portrait:answer", "survival_visit": "survival:record", "item_review": "case:handle"}
    acts |= {"right_answer": "right:answer", "source_dispute": "right:answer", "record_consent": "consent:assist"}
    acts |= {"record_cost": "bill:record", "claim_help": "bill:record", "cover_answer": "bill:record"}
    acts |= {"held": "match:reject", "first_approval": "match:approve", "second_approval": "match:approve"}
    for step, action in acts.items():
        role = officers.TAKEN_BY[step]
        actor = Actor(id="x", role=role, districts=frozenset() if role is Role.PROTECTION_OFFICER else WORKER.districts)
        require(actor, action, district="500103")


def test_a_step_for_which_nobody_is_there_counts_no_reminder_and_is_named_when_somebody_comes(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        for step, ref in (("urgent_review", "night"), ("unclaimed", "need"), ("visit_call", "silent:match")):
            clocks.start(session, step, ref, holder=clocks.Holder(district_code="500103"), now=now)
    sweep(database, now + 30 * DAY)
    with database.reading() as session:
        assert {(one.account_id, one.reminders) for one in session.exec(select(Clock))} == {(None, 0)}
    assert sweep(database, now + 30 * DAY) == 0, "not before the next day"
    with database.transaction() as session:
        people = _people(session, now)
    sweep(database, now + 31 * DAY)
    with database.reading() as session:
        named = {one.step: people.get(one.account_id or "") for one in session.exec(select(Clock))}
    assert named == {"urgent_review": Role.APPROVER, "unclaimed": Role.APPROVER, "visit_call": Role.WORKER}


def test_nobody_is_named_for_what_it_had_a_hand_in(database: Database, scene: Scene, now: datetime) -> None:
    with database.transaction() as session:
        one, two = (
            create_account(session, name, display_name=name, role=Role.APPROVER, districts=["500103"], now=now).id
            for name in ("one", "two")
        )
        for step in ("second_approval", "urgent_review"):
            match = scene.approved(session, now) if step == "second_approval" else None
            if match is not None:
                match.approver_id = min(one, two)
                session.add(match)
            ref = match.id if match is not None else "night"
            clocks.start(session, step, ref, holder=clocks.Holder(district_code="500103"), now=now)
    waiting.sweep(database, clock=lambda: now + 30 * DAY, barred={"urgent_review": lambda _s, _r: (min(one, two),)})
    with database.reading() as session:
        wanted = select(Clock.step, Clock.account_id).where(col(Clock.step).in_(("second_approval", "urgent_review")))
        assert set(session.exec(wanted)) == {("second_approval", max(one, two)), ("urgent_review", max(one, two))}
