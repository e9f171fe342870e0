"""A survival check answered by digits: six of them go to the telephone, and the last four of the ID number are asked.

Enters: a check of the household, then the digits that came and the tail of the number. Leaves: a check answered by this
way, or one more try counted. For a child the digits go to its guardian. Called by the household's pages.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from sqlmodel import Session

from marketplace import notices
from marketplace.accounts import codes
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import NotFound, WrongState
from marketplace.households import guardians
from marketplace.households.models import Person
from marketplace.households.service import has_own_phone
from marketplace.liveness.dead import require_scheduled
from marketplace.liveness.models import Way
from marketplace.liveness.service import mark_seen, own_check
from marketplace.sealed import Unreadable, vault_of


def send_code(session: Session, check_id: str, /, *, network: str, actor: Actor, now: datetime) -> str:
    """Send six digits to the person's own telephone; return the code's id."""
    found, person = own_check(session, check_id, actor=actor)
    require_scheduled(found)
    holder = phone_holder(session, person, actor=actor, now=now)
    if holder.phone_index is None or not has_own_phone(session, holder, now=now):
        raise WrongState("no_own_phone")
    code = codes.new_code(session, holder.phone_index, network=network, now=now)
    params = {"code_id": code.id, "person_id": holder.id}
    notices.post(
        session, "sign_in_code", key=f"code:{code.id}", household_id=found.household_id, params=params, now=now
    )
    return code.id


def code_and_tail_fit(session: Session, check_id: str, /, *, code: str, tail: str, actor: Actor, now: datetime) -> bool:
    """Whether the digits are the telephone's and the last four signs are those of the ID number. The caller commits in
    any case, so that wrong tries count."""
    found, person = own_check(session, check_id, actor=actor)
    require_scheduled(found)
    phone = phone_holder(session, person, actor=actor, now=now).phone_index
    right = phone is not None and codes.code_fits(session, phone, code, now=now)
    if not right or not _tail_fits(session, person, tail):
        found.tries += 1
        session.add(found)
        flush(session)
        return False
    mark_seen(session, found, Way.CODE, actor=actor, now=now)
    return True


def has_phone(session: Session, person: Person, /, *, actor: Actor, now: datetime) -> bool:
    """Whether there is a telephone to which the digits of this person can go."""
    try:
        holder = phone_holder(session, person, actor=actor, now=now)
    except (NotFound, WrongState):
        return False
    return has_own_phone(session, holder, now=now)


def phone_holder(session: Session, person: Person, *, actor: Actor, now: datetime) -> Person:
    """To whose telephone the digits go: the person's own, for a child the guardian's. The number is always the
    child's."""
    return session.get_one(Person, guardians.signer_for(session, person, actor=actor, now=now))


def _tail_fits(session: Session, person: Person, tail: str) -> bool:
    if person.id_number is None:
        return False
    try:
        number = vault_of(session).open(session, person.id, column="person.id_number", sealed=person.id_number)
    except Unreadable:
        return False
    return hmac.compare_digest(number[-4:].upper().encode(), tail.strip().upper().encode())
