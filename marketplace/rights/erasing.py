"""Erasure: on request by two people, and every night where the time to keep has run out.

Enters: a request that two people agree to, or the clock. Leaves: a person whose key, envelopes and indexes are gone;
the audit chain, the receipts and all sums stay whole, because they never held anything but pseudonyms and hashes. What
is the home's own (its street, what it said of itself) goes with the last who lives there. What is open is never erased:
that is asked again at the last moment. The papers behind a yes go in the same night (by `emptying`). Called by this
room's pages, the worker and by `shanqiao erase`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.consent.ask import LIVING, lock_all
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import Database, flush
from marketplace.decisions import service as decisions
from marketplace.decisions.models import RUNNING, Match
from marketplace.errors import NotAllowed, WrongState
from marketplace.held import last_acts, open_homes
from marketplace.households import facts, wechat
from marketplace.households.models import Household, Person
from marketplace.liveness.dead import is_told_dead
from marketplace.needs.models import Need, NeedState
from marketplace.needs.service import LIVE
from marketplace.payments import forgetting as paid
from marketplace.proxies.ending import end_of_subject, hold
from marketplace.rights import emptying, service
from marketplace.rights.held import ROOMS, silent
from marketplace.rights.models import Death, Erasure, RequestState, RightKind, RightRequest
from marketplace.sealed import PersonKey
from marketplace.signals.forgetting import forget, is_watched

log = logging.getLogger("shanqiao.rights")
AT_ONCE = 500
HOUR = 18
"""The eraser works at night: 18:00 UTC is two in the morning in Chongqing."""


def agree(session: Session, request_id: str, /, *, actor: Actor, now: datetime) -> RightRequest:
    """The first person's yes to an erasure; nothing is destroyed before another one agrees."""
    request = service.open_request(session, request_id, "right:answer", actor=actor)
    if request.kind is not RightKind.ERASE or request.state is not RequestState.OPEN:
        raise WrongState("right_answered", state=request.state.value)
    request.state, request.answered_by = RequestState.SECOND, actor.id
    session.add(request)
    service.record(session, request, "right:second", actor=actor, now=now)
    return request


def carry_out(session: Session, request_id: str, /, *, text: str, actor: Actor, now: datetime) -> RightRequest:
    """The second person's yes: what stands on the person ends, the letter is written, the key is destroyed."""
    request = service.open_request(session, request_id, "right:erase", actor=actor)
    if request.kind is not RightKind.ERASE or request.state is not RequestState.SECOND:
        raise WrongState("right_answered", state=request.state.value)
    if request.answered_by in actor.people:
        raise NotAllowed("second_person_needed")
    _refuse_before_others(session, request)
    person = session.get_one(Person, request.person_id)
    _end_all(session, person, actor=actor, now=now)
    request.second_by = actor.id
    service.close(session, request, text=text, actor=actor, now=now)
    _erase(session, person, cause="asked", actor=actor, now=now)
    return request


def _refuse_before_others(session: Session, request: RightRequest) -> None:
    """Whoever was erased can be written to no more: what else the person asked is answered first."""
    others = select(RightRequest.id).where(
        RightRequest.person_id == request.person_id,
        RightRequest.id != request.id,
        col(RightRequest.state).in_(service.OPEN_STATES),
    )
    if session.exec(others.limit(1)).first() is not None:
        raise WrongState("right_others_open")


def _end_all(session: Session, person: Person, *, actor: Actor, now: datetime) -> None:
    """Consents of this person end; with the last person of a household its open needs and matches end too."""
    lock_all(session, person.household_id)  # needs as well, before the first act
    hold(session, person.id)
    alone = _is_alone(session, person)
    heads = select(ConsentHead).where(ConsentHead.household_id == person.household_id)
    for head in session.exec(heads.where(col(ConsentHead.state).in_(LIVING)).order_by(col(ConsentHead.chain_id))).all():
        if alone or session.get_one(Consent, (head.chain_id, head.version)).person_id == person.id:
            decisions.withdraw_consent(session, head.chain_id, actor=actor, now=now)
    running = select(Match.id).where(Match.household_id == person.household_id, col(Match.state).in_(RUNNING))
    if session.exec(running).first() is not None and alone:
        raise WrongState("right_open_matches")
    if alone:
        needs = select(Need).where(Need.household_id == person.household_id, col(Need.state).in_(LIVE))
        for need in session.exec(needs.order_by(col(Need.id)).with_for_update()):
            need.state, need.state_reason, need.updated_at = NeedState.CLOSED, "erased", now
            session.add(need)
            entry = audit.Entry(
                "need:close", object_ref=need.id, subject=need.household_id, decision=need.state.value, rule_id="erased"
            )
            audit.record(session, entry, actor=actor, now=now)
    flush(session)


def _is_alone(session: Session, person: Person) -> bool:
    """Whether nobody else lives there: who moved out, died or was erased does not."""
    others = select(Person.id).where(
        Person.household_id == person.household_id,
        Person.id != person.id,
        col(Person.name).is_not(None),
        col(Person.left_on).is_(None),
    )
    return all(session.get(Death, one) is not None and is_told_dead(session, one) for one in session.exec(others).all())


def _erase(session: Session, person: Person, *, cause: str, actor: Actor, now: datetime) -> None:
    row = session.get(Erasure, person.id) or Erasure(
        person_id=person.id, household_id=person.household_id, erase_at=now, cause=cause
    )
    row.cause, row.erased_at = cause, now
    session.add(row)
    if alone := _is_alone(session, person):
        home = session.get_one(Household, person.household_id)
        home.street_code = home.overruled_street = ""
        session.add(home)
    end_of_subject(session, person.id, reason="erased", actor=actor, now=now)
    forget(session, person, alone=alone)
    wechat.forget(session, person.id)
    paid.forget(session, person.id, now=now)
    facts.erase(session, person, actor=actor, now=now)


def erase_again(session: Session, person_ids: Iterable[str], /, *, now: datetime) -> int:
    """Destroy once more what a backup brought back of people who had been erased since; how many."""
    people = [session.get(Person, person_id) for person_id in sorted(set(person_ids))]
    back = [person for person in people if person is not None and session.get(PersonKey, person.id) is not None]
    hold(session, *(person.id for person in back))
    for person in back:
        _erase(session, person, cause="restored", actor=SYSTEM, now=now)
    return len(back)


def erased_ids(session: Session, /) -> list[str]:
    """The pseudonyms of everybody who was erased: to be kept beside the backups; they tell nothing of anybody."""
    asked = select(Erasure.person_id).where(col(Erasure.erased_at).is_not(None))
    return list(session.exec(asked.order_by(col(Erasure.person_id))))


def schedule(
    session: Session, /, *, keep_days: int, now: datetime, after: str = "", most: int = AT_ONCE
) -> tuple[int, str]:
    """Give people of whom nothing is open the day of their erasure: so many days after the last thing that happened.

    `after`: the last person that was looked at before. Returns how many got a day, and whom to go on after (empty:
    everybody was looked at).
    """
    found = session.exec(_undated(now).where(col(Person.id) > after).order_by(col(Person.id)).limit(most)).all()
    homes = {home for _person, home in found}
    open_still = open_homes(session, ROOMS, homes, now=now)
    last = last_acts(session, ROOMS, homes - open_still)
    free = [(person_id, home) for person_id, home in found if home in last]
    for person_id, home in free:
        at = last[home] + timedelta(days=keep_days)
        session.add(Erasure(person_id=person_id, household_id=home, erase_at=at, cause="kept_long_enough"))
    flush(session)
    return len(free), found[-1][0] if len(found) == most else ""


def _undated(now: datetime) -> Any:
    """People without a day, but for those who are held back by what most households have open."""
    open_need = exists().where(col(Need.household_id) == col(Person.household_id), col(Need.state).in_(LIVE))
    open_match = exists().where(col(Match.household_id) == col(Person.household_id), col(Match.state).in_(RUNNING))
    consented = exists().where(
        col(ConsentHead.household_id) == col(Person.household_id),
        col(ConsentHead.state).in_(LIVING),
        col(ConsentHead.valid_to) > now,
    )
    set_already = exists().where(col(Erasure.person_id) == col(Person.id))
    watched = is_watched(col(Person.household_id), on=local_day(now))
    return select(Person.id, Person.household_id).where(~open_need, ~open_match, ~consented, ~set_already, ~watched)


def is_open(session: Session, household_id: str, /, *, now: datetime) -> bool:
    """Whether anything of the household still waits for somebody, in whatever room."""
    return bool(open_homes(session, ROOMS, {household_id}, now=now))


def erase_due(session: Session, /, *, keep_days: int, now: datetime, most: int = AT_ONCE) -> int:
    """Destroy what is due. A household of which something is open keeps its data, its day is taken back; one to which
    something has happened since gets a later day.

    Raises
    ------
    RuntimeError: a room does not say what is open in it, so nobody can know that nothing is.
    """
    if missing := silent():
        raise RuntimeError(f"nothing is erased: no room says what is open in {', '.join(sorted(missing))}")
    erased = 0
    due = select(Erasure).where(*_is_due(now)).order_by(col(Erasure.erase_at), col(Erasure.person_id))
    rows = session.exec(due.limit(most).with_for_update()).all()
    hold(session, *(row.person_id for row in rows))
    for row in rows:
        session.get_one(Household, row.household_id, with_for_update=True)
        last = last_acts(session, ROOMS, {row.household_id})[row.household_id]
        if is_open(session, row.household_id, now=now):
            session.delete(row)
        elif last + timedelta(days=keep_days) > now:
            row.erase_at = last + timedelta(days=keep_days)
            session.add(row)
        else:
            _erase(session, session.get_one(Person, row.person_id), cause=row.cause, actor=SYSTEM, now=now)
            erased += 1
        flush(session)
    return erased


def _is_due(now: datetime) -> tuple[Any, ...]:
    return col(Erasure.erased_at).is_(None), col(Erasure.erase_at) <= now


def night(database: Database, /, *, clock: Callable[[], datetime]) -> tuple[int, int]:
    """Everything there is to do: how many got a day, how many were erased. Batches are transactions of their own."""
    days = int(database.info["settings"].retention_days)
    if missing := silent():
        log.error("nobody is erased: no room says what is open in %s", ", ".join(sorted(missing)))
    dated = 0 if missing else _date_all(database, days, clock=clock)
    erased = 0
    while not missing:
        with database.transaction() as session:
            if session.exec(select(Erasure.person_id).where(*_is_due(clock())).limit(1)).first() is None:
                break
            erased += erase_due(session, keep_days=days, now=clock())
    while True:
        with database.transaction() as session:
            if not emptying.empty_due(session, keep_days=days, now=clock()):
                break
    return dated, erased


def _date_all(database: Database, days: int, *, clock: Callable[[], datetime]) -> int:
    """Go once through everybody who has no day yet."""
    dated, after = 0, ""
    while True:
        with database.transaction() as session:
            some, after = schedule(session, keep_days=days, now=clock(), after=after)
        dated += some
        if not after:
            return dated


class Nightly:
    """The worker's sweep: once a night, and never in the day."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._done_on: date | None = None

    def __call__(self) -> int:
        """Return how many were erased."""
        now = self._clock()
        if now.hour < HOUR or self._done_on == local_day(now):
            return 0
        self._done_on = local_day(now)
        return night(self._database, clock=self._clock)[1]
