"""How somebody may be reached who is not safe at home: only at the own telephone, or not at all.

Enters: an adult who says so on its own page, staff to whom it said so, or one who moves and said it before. Leaves: a
sealed rule of that person, and for every way by which people are called, written to or visited what may not be opened.
Nobody else reads the rule: no other member, no helper, no page of staff; who wants to call meets a refusal. Called by
`service` and `register`, by sharing and credentials before a value is opened, by lists that leave and by whoever sends
a letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import chunks, flush
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.former import FORMER
from marketplace.households.models import Household, Person, SafeContact, Trace
from marketplace.policy import require
from marketplace.sealed import number_index, vault_of

USUAL, OWN, QUIET = "usual", "own_phone", "quiet"
WAYS = (USUAL, OWN, QUIET)
COLUMN = "safe_contact.way"
_ASKED = 500
WHEN_SAID: list[Callable[[Session, str, datetime], None]] = []
"""Told of a household where somebody has just said so; a room above that sends people to its door registers here."""
WHEN_USUAL: list[Callable[[Session, str, datetime], None]] = []
"""The same where somebody took it back: it is reached as usual, unless another one there said otherwise."""


def rule_of(session: Session, /, *, actor: Actor) -> str:
    """What the one who acts has said for itself."""
    person = _own(session, actor)
    return _said(session, person.household_id).get(person.id, USUAL)


def keep_own(session: Session, way: str, /, *, actor: Actor, now: datetime) -> None:
    """An adult says for itself how it may be reached; only for itself, and no helper for it."""
    _keep(session, _own(session, actor), way, actor=actor, now=now)


def keep_for(session: Session, person_id: str, way: str, /, *, actor: Actor, now: datetime) -> None:
    """Staff of the district write down what somebody told them, at the counter or by a hotline."""
    person = session.get(Person, person_id)
    home = session.get(Household, person.household_id) if person is not None else None
    require(actor, "contact:set", district=home.district_code if home is not None else None)
    if person is None:
        raise NotFound("person")
    _keep(session, person, way, actor=actor, now=now)


def closed_fields(session: Session, person: Person, /) -> frozenset[str]:
    """What of this person may not be opened to reach it or its household: `phone`, `address`, both or nothing."""
    said = _said(session, person.household_id)
    if not said:
        return frozenset()
    only_own = QUIET not in said.values() and said.get(person.id) == OWN
    return frozenset({"address"}) if only_own else frozenset({"phone", "address"})


def anybody_said(session: Session, household_id: str, /) -> bool:
    """Whether anybody who lives there has said something: then nobody goes to the door with a letter either."""
    return bool(_said(session, household_id))


def require_open(session: Session, person: Person, field: str, /) -> None:
    """WrongState where the telephone or the address may not be used."""
    if field in closed_fields(session, person):
        raise WrongState("contact_unsafe")


def has_rule() -> ColumnElement[bool]:
    """Whether anybody who lives in the household of the statement's `Household` has said something: such a home is on
    no list of people to call, to visit or to write to."""
    said = select(Person.household_id).join(SafeContact, col(SafeContact.person_id) == col(Person.id))
    return col(Household.id).in_(said.where(col(Person.left_on).is_(None)))


def _own(session: Session, actor: Actor) -> Person:
    require(actor, "contact:own", household_id=actor.household_id)
    person = session.get(Person, actor.id)
    if actor.role is not Role.HOUSEHOLD or person is None or person.household_id != actor.household_id:
        raise NotFound("person")
    return person


def _keep(session: Session, person: Person, way: str, *, actor: Actor, now: datetime) -> None:
    if way not in WAYS:
        raise BadInput("bad_input", field="way")
    if way == OWN and person.phone is None:
        raise BadInput("own_phone_missing", field="way")
    row = session.get(SafeContact, person.id)
    if way == USUAL and row is not None:
        session.delete(row)
    elif way != USUAL:
        row = row or SafeContact(person_id=person.id, since_at=now)
        row.way = vault_of(session).seal(session, person.id, column=COLUMN, text=way)
        row.since_at = now
        session.add(row)
    _tell(session, person, way, actor=actor, now=now)


def take_along(session: Session, arrived: Iterable[tuple[str, str]], /, *, now: datetime) -> None:
    """Person and ID number of those who were just written down in a household. Who said something where it lived before
    is no safer because it moved: it holds here, until the person says otherwise."""
    vault = vault_of(session)
    here: dict[str, str] = {}
    for person_id, number in arrived:
        if number:
            here.setdefault(number_index(vault, number), person_id)
    for index, before in _said_before(session, here).items():
        way = vault.open_if_kept(session, before.person_id, column=COLUMN, sealed=before.way)
        if not way:
            continue
        session.delete(before)
        person_id = here[index]
        sealed = vault.seal(session, person_id, column=COLUMN, text=way)
        session.add(SafeContact(person_id=person_id, way=sealed, since_at=now))
        _tell(session, session.get_one(Person, person_id), way, actor=SYSTEM, now=now)


def _said_before(session: Session, indexes: Iterable[str]) -> dict[str, SafeContact]:
    """Index of an ID number ► what its bearer said last where it lives no more, by the trace that `members` leaves."""
    found: dict[str, SafeContact] = {}
    asked = select(Trace.value, SafeContact).join(SafeContact, col(SafeContact.person_id) == col(Trace.person_id))
    asked = asked.where(col(Trace.use) == FORMER).order_by(col(SafeContact.since_at))
    for some in chunks(sorted(indexes), _ASKED):
        found |= dict(session.exec(asked.where(col(Trace.value).in_(some))).all())
    return found


def _tell(session: Session, person: Person, way: str, *, actor: Actor, now: datetime) -> None:
    flush(session)
    audit.record(session, audit.Entry("contact:rule", subject=person.id), actor=actor, now=now)
    for tell in WHEN_USUAL if way == USUAL else WHEN_SAID:
        tell(session, person.household_id, now)


def _said(session: Session, household_id: str) -> dict[str, str]:
    """Person ► way, of those who live there; who was erased has said nothing."""
    asked = select(SafeContact).join(Person, col(Person.id) == col(SafeContact.person_id))
    asked = asked.where(col(Person.household_id) == household_id, col(Person.left_on).is_(None))
    vault = vault_of(session)
    said = {
        row.person_id: vault.open_if_kept(session, row.person_id, column=COLUMN, sealed=row.way)
        for row in session.exec(asked)
    }
    return {person_id: way for person_id, way in said.items() if way}
