"""An insurer or a household that says nothing until the limit: the place is free, or a named person is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from marketplace.accounts.service import create_account
from marketplace.actors import Role
from marketplace.claims import service as claims
from marketplace.claims import waiting
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions import waiting as matches
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.notices import Notice
from tests.marketplace.claim_scene import CLAIM, PREMIUM, Cover, a_case
from tests.marketplace.match_scene import a_scene

LATE = timedelta(days=60)


def clock_of(session: Session, match_id: str) -> Clock | None:
    wanted = select(Clock).where(col(Clock.object_ref) == match_id, col(Clock.ended_at).is_(None))
    return session.exec(wanted).one_or_none()


def cover(session: Session, now: datetime, stage: str) -> Cover:
    """A case in this stage, and an approver who can be named."""
    create_account(session, "officer", display_name="officer", role=Role.APPROVER, now=now)
    made = a_case(session, now, category=PREMIUM if stage == "enrol" else CLAIM)
    if stage in ("help", "papers", "answer"):
        claims.cover_found(session, made.case.id, scheme="YKB", policy_number="P-1", actor=made.clerk, now=now)
    if stage in ("papers", "answer"):
        papers = ["id_copy"] if stage == "papers" else []
        claims.ask_papers(session, made.case.id, papers=papers, actor=made.clerk, now=now)
    return made


@pytest.mark.parametrize("stage", ["enrol", "find", "help"])
def test_a_silent_insurer_frees_its_place_and_both_sides_are_told(
    database: Database, now: datetime, stage: str
) -> None:
    with database.transaction() as session:
        made = cover(session, now, stage)
        match_id, case_id = made.match.id, made.case.id
    assert waiting.sweep(database, clock=lambda: now + timedelta(days=1)) == 0
    assert waiting.sweep(database, clock=lambda: now + LATE) == 1
    assert waiting.sweep(database, clock=lambda: now + LATE) == 0
    with database.reading() as session:
        match = session.get_one(Match, match_id)
        assert match.state is MatchState.EXPIRED_GIVER
        assert session.get_one(InsuranceCase, case_id).state is CaseState.ENDED
        assert session.get_one(Need, match.need_id).committed_units == 0
        assert clock_of(session, match_id) is None
        told = set(session.exec(select(Notice.letter)).all())
        assert {"match_expired", "match_cancelled"} <= told


def test_papers_that_a_household_has_not_brought_go_to_a_worker_and_are_still_taken(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        made = cover(session, now, "papers")
        match_id, case_id, home = made.match.id, made.case.id, made.home
    waiting.sweep(database, clock=lambda: now + LATE)
    with database.transaction() as session:
        clock = clock_of(session, match_id)
        assert clock is not None
        assert (clock.step, session.get_one(Match, match_id).state) == ("papers_call", MatchState.IN_DELIVERY)
        claims.papers_handed(session, case_id, actor=home, now=now + LATE)
        moved = clock_of(session, match_id)
        assert moved is not None
        assert moved.step == "insure_answer"


def test_an_answer_that_an_insurer_owes_passes_to_a_named_officer_and_the_household_loses_nothing(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        made = cover(session, now, "answer")
        match_id = made.match.id
    waiting.sweep(database, clock=lambda: now + LATE)
    with database.reading() as session:
        clock = clock_of(session, match_id)
        assert clock is not None
        assert clock.step == "insure_late"
        assert clock.account_id
        assert session.get_one(Match, match_id).state is MatchState.IN_DELIVERY


def test_a_reclaim_that_nobody_finishes_passes_to_a_named_officer(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        create_account(session, "officer", display_name="officer", role=Role.APPROVER, now=now)
        scene = a_scene(session)
        match = scene.confirmed(session, now)
        decisions.reclaim_open(session, match.id, reason_code="misuse", actor=scene.manager, now=now)
        match_id, manager = match.id, scene.manager
    matches.sweep(database, clock=lambda: now + LATE)
    matches.sweep(database, clock=lambda: now + LATE + timedelta(days=5))
    with database.transaction() as session:
        clock = clock_of(session, match_id)
        assert clock is not None
        assert clock.step == "reclaim_late"
        assert clock.account_id
        decisions.reclaim_done(session, match_id, actor=manager, now=now + LATE)
        assert clock_of(session, match_id) is None
