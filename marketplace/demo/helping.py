"""Households that are asked whether they are well, that have helpers, that appeal; and a report without a name.

What enters: the city after its deliveries. What leaves: rows on every page of these rooms, made by the ordinary
services with the ordinary actors. Called by the story.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from marketplace.actors import PUBLIC
from marketplace.appeals import service as appeals
from marketplace.appeals.models import AppealKind, AppealState
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.demo.waiting import household_actor, matches_in
from marketplace.households.models import Person
from marketplace.households.service import contact_of
from marketplace.liveness import duties
from marketplace.liveness import service as survival
from marketplace.liveness.models import CheckCause, Way
from marketplace.proxies import service as proxies
from marketplace.proxies.models import Signed


def help_and_ask(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """One of each for some households whose match is under way, so that every page has something to show."""
    with database.transaction() as session:
        waiting = matches_in(session, MatchState.AWAITING_HOUSEHOLD)[:6]
        for place, match in enumerate(waiting):
            _ask(session, match, roster, place=place, now=now)
            _name_helpers(session, match, roster, place=place, now=now)
            _appeal(session, match, roster, place=place, now=now)
        appeals.report_favours(
            session,
            district_code="500103",
            office="village",
            words="有人要我请客才肯帮我登记（演示）。",
            network="demonstration",
            actor=PUBLIC,
            now=now,
        )


def _person(session: Session, match: Match) -> Person:
    person = contact_of(session, match.household_id)
    if person is None:
        raise LookupError("a matched household of the demonstration has no contact")
    return person


def _ask(session: Session, match: Match, roster: Roster, *, place: int, now: datetime) -> None:
    person, worker = _person(session, match), roster.staff["demo-verifier"]
    duties.enrol(session, person.id, "TEKUN", actor=worker, now=now)
    due = local_day(now) + timedelta(days=10 + place)
    check = survival.open_check(session, person.id, CheckCause.SCHEDULE, due_on=due, actor=worker, now=now)
    if place == 1:
        survival.record_seen(session, check.id, way=Way.HOME, actor=worker, now=now)
    if place == 2:
        survival.report(session, person.id, CheckCause.DETENTION, evidence="演示名单 1", actor=worker, now=now)


def _name_helpers(session: Session, match: Match, roster: Roster, *, place: int, now: datetime) -> None:
    paper = proxies.Paper(
        name="帮办员（演示）",
        phone=f"1990000000{place // 5}",
        helper_kind="grid_worker",
        matters=("offers", "checks"),
        acts=("see", "answer", "notices"),
        ends_at=now + timedelta(days=180),
        signed=Signed.THUMBPRINT,
        evidence="演示档案 7",
    )
    worker, person = roster.staff["demo-worker"], _person(session, match)
    power = proxies.record_paper(session, person.id, paper, actor=worker, now=now)
    if place:
        proxies.confirm(session, power.id, actor=roster.staff["demo-verifier"], now=now)
    if place == 5:
        proxies.stop(session, power.id, actor=worker, now=now)


def _appeal(session: Session, match: Match, roster: Roster, *, place: int, now: datetime) -> None:
    kind = AppealKind.COMPLAINT if place % 2 else AppealKind.APPEAL
    actor = household_actor(session, match.household_id)
    row = appeals.raise_about(session, match.id, kind, words="请再看一看（演示）。", actor=actor, now=now)
    if place == 3:
        verifier = roster.staff["demo-verifier"]
        appeals.answer(session, row.id, AppealState.ANSWERED, text="已向您说明。", actor=verifier, now=now)
