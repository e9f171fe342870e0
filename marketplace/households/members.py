"""Who lives in a household: somebody more, or somebody who lives there no more.

Enters: a household of the actor's district and a person. Leaves: one more row, or a row with its last day, whose
indexes are free for the household where the person lives now; the number of people moves with it. Somebody who died is
no case for this: a death is recorded as one. Called by the pages of the register and by its tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households import search
from marketplace.households.categories import leave
from marketplace.households.former import FORMER
from marketplace.households.models import Household, Person, Spell, Trace
from marketplace.households.register import PersonFacts, add_person, opened
from marketplace.households.service import find_person_by_id_number, list_people, require_household
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

REASONS = "member_left"
Left = Callable[..., object]
WHEN_LEFT: list[Left] = []
"""Called with a person who lives in the household no more; filled by the rooms that keep facts of people, and powers
for them."""


def add(session: Session, household_id: str, facts: PersonFacts, /, *, actor: Actor, now: datetime) -> Person:
    """One more person. Whoever is on record in another household is ended there first."""
    home = require_household(session, household_id, "register:enter", actor=actor)
    if not facts.name.strip() or facts.relation not in list_codes("relation"):
        raise BadInput("bad_input", field="name" if not facts.name.strip() else "relation")
    if facts.id_number:
        try:
            check_id_number(facts.id_number)
        except BadIdNumber as error:
            raise BadInput("bad_id_number", field="id_number") from error
        known = find_person_by_id_number(session, facts.id_number)
        if known is not None:
            raise Conflict("member_here" if known.household_id == home.id else "member_elsewhere", field="id_number")
    return put_in(session, home, replace(facts, ref=f"member:{new_id()}", contact=False), actor=actor, now=now)


def put_in(session: Session, home: Household, facts: PersonFacts, /, *, actor: Actor, now: datetime) -> Person:
    """Write one more person down; the caller has asked the policy and looked whether the number is free."""
    person_id = add_person(session, home, facts, now=now)
    home.size = max(home.size, len(list_people(session, home.id)))
    session.add(home)
    flush(session)
    entry = audit.Entry("household:member_comes", subject=person_id, object_ref=home.id)
    audit.record(session, entry, actor=actor, now=now)
    return session.get_one(Person, person_id)


def end(session: Session, person_id: str, /, *, on: date, reason: str, actor: Actor, now: datetime) -> Person:
    """A person lives there no more; the last one of a household stays, for a household is somebody's."""
    person = session.get(Person, person_id, with_for_update=True, populate_existing=True)
    home = require_household(session, person.household_id if person else "", "register:enter", actor=actor)
    if person is None:
        raise NotFound("person")
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    if on > local_day(now):
        raise BadInput("date_in_future", field="on")
    rest = [one for one in list_people(session, home.id) if one.id != person.id]
    if person.left_on is not None or not rest:
        raise WrongState("member_left" if person.left_on is not None else "last_member")
    _let_go(session, person, rest, on=on)
    home.size = max(home.size - 1, len(rest))
    session.add(home)
    for follow in WHEN_LEFT:  # before the first act: a follower may lock rows of its own (adr/0066)
        follow(session, person, on=on, actor=actor, now=now)
    _end_spells(session, person, on=on, reason=reason, actor=actor, now=now)
    entry = audit.Entry("household:member_goes", subject=person.id, object_ref=home.id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return person


def _let_go(session: Session, person: Person, rest: list[Person], *, on: date) -> None:
    """Free what finds the person, but for the trace by which its aid stays its own, and let messages reach somebody who
    lives there."""
    number = Trace(person_id=person.id, use=FORMER, value=person.id_number_index) if person.id_number_index else None
    person.left_on, person.id_number_index, person.name_index = on, None, None
    silence(session, person, rest)
    search.drop_keys(session, person.id)
    session.execute(delete(Trace).where(col(Trace.person_id) == person.id))
    if number is not None:
        session.add(number)
    flush(session)


def silence(session: Session, person: Person, rest: list[Person], /) -> None:
    """Nobody comes in as this person any more, and messages reach somebody of the rest, rather one with a telephone.
    Called for who left, and by the room that records a death."""
    person.phone_index = None
    if person.contact and rest:
        person.contact = False
        heir = next((one for one in rest if one.phone is not None and not one.is_silent), rest[0])
        heir.contact = True
        session.add(heir)
    session.add(person)
    accounts.end_of_person(session, person.id)
    flush(session)


def speak_again(session: Session, person: Person, /) -> None:
    """Staff have seen whoever was said to be dead: the telephone finds the person again."""
    if person.is_silent and person.phone is not None:
        person.phone_index = vault_of(session).index("phone", opened(session, person, "phone"))
        session.add(person)
        flush(session)


def _end_spells(session: Session, person: Person, *, on: date, reason: str, actor: Actor, now: datetime) -> None:
    asked = select(Spell).where(Spell.person_id == person.id, col(Spell.to_on).is_(None))
    for spell in session.exec(asked).all():
        leave(session, spell.id, on=max(on, spell.from_on), reason=reason, actor=actor, now=now)
