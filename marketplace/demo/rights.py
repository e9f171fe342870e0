"""Households use their rights: requests that wait, answered ones, a correction that brought a match back, a death.

What enters: the city after its deliveries. What leaves: rows on every page of the rights, made by the ordinary services
with the ordinary actors. Called by the story.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.demo.waiting import household_actor, matches_in
from marketplace.households.models import Person
from marketplace.households.service import contact_of
from marketplace.incidents import service as incidents
from marketplace.incidents.models import OperatorKind
from marketplace.rights import corrections, deaths, erasing, service
from marketplace.rights.models import RightKind, RightRequest


def use(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """One household for each right that leaves something to look at, and one death."""
    clerk, approver = roster.staff["demo-verifier"], roster.staff["demo-approver"]
    with database.transaction() as session:
        under_way = matches_in(session, MatchState.IN_DELIVERY)
        waiting = matches_in(session, MatchState.AWAITING_HOUSEHOLD)
        for match, kind in zip(waiting, (RightKind.COMPLAIN, RightKind.EXPLAIN, RightKind.BY_HAND), strict=False):
            _ask(session, match, kind, now=now)
        if len(waiting) > 4:
            answered = _ask(session, waiting[0], RightKind.COPY, now=now)
            service.answer(session, answered.id, text="纸质副本已寄出。", actor=clerk, now=now)
            erased = _ask(session, waiting[3], RightKind.ERASE, now=now)
            erasing.agree(session, erased.id, actor=approver, now=now)
        if len(under_way) > 4:
            fix = _ask(session, under_way[-1], RightKind.CORRECT, now=now, field="household_size", new_value="2")
            corrections.correct(session, fix.id, text="已按户口簿更正。", actor=clerk, now=now)
            _die(session, under_way[-2], actor=clerk, now=now)
            _ask(session, under_way[-3], RightKind.CORRECT, now=now, field="household_size", new_value="3")
        reach = incidents.Reach(
            since=now - timedelta(days=1), until=now, org_id=under_way[0].org_id if under_way else ""
        )
        incidents.open_incident(
            session,
            reach,
            what="一台办公电脑丢失（演示）",
            operator=OperatorKind.STATE,
            found_at=now,
            actor=approver,
            now=now,
        )


def _person(session: Session, match: Match) -> Person:
    person = contact_of(session, match.household_id)
    if person is None:
        raise LookupError("a matched household of the demonstration has no contact")
    return person


def _ask(
    session: Session, match: Match, kind: RightKind, *, now: datetime, field: str = "", new_value: str = ""
) -> RightRequest:
    return service.ask(
        session,
        _person(session, match),
        kind,
        words="请帮我看一看。",
        field=field,
        new_value=new_value,
        actor=household_actor(session, match.household_id),
        now=now,
    )


def _die(session: Session, match: Match, *, actor: Actor, now: datetime) -> None:
    person = _person(session, match)
    deaths.record_death(session, person.id, died_on=local_day(now), evidence="演示证明 1", actor=actor, now=now)
