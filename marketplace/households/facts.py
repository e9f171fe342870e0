"""One fact of a person or a household, changed or destroyed: correction and erasure, which the law gives a right to.

Enters: a person, a field and its new text; or a person whose time has come. Leaves: a new envelope with its indexes in
step, or no key, no envelope and no index at all. The caller has asked the policy and decides what follows for matches.
Called by `rights`.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict
from marketplace.households import search
from marketplace.households.former import FORMER
from marketplace.households.models import Household, Person, Trace
from marketplace.households.register import SEALED, PersonFacts, with_birth
from marketplace.households.resolving import name_index
from marketplace.households.service import find_person_by_id_number
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.sealed import Vault, number_index, vault_of

SIZE = "household_size"
CORRECTABLE = ("name", "phone", "address", "id_number", "birth_date", "health", SIZE)
"""Facts that a correction may change; an account is typed anew on its own page, with its own checks."""
MOST_PEOPLE = 30


def correct(session: Session, person: Person, field: str, text: str, /, *, actor: Actor, now: datetime) -> None:
    """Put the new value in the place of the old one; the chain says which field changed, never what it holds."""
    _checked(session, person, field, text)
    home = session.get_one(Household, person.household_id)
    if field == SIZE:
        home.size = int(text)
        session.add(home)
    else:
        _seal(session, person, field, text)
        if field == "id_number":
            told = with_birth(PersonFacts(id_number=text))
            _seal(session, person, "birth_date", told.birth_date)
            person.sex = told.sex
        if person.left_on is None:
            search.renew_keys(session, person)
    flush(session)
    entry = audit.Entry("household:correct", subject=person.id, fields=(field,))
    audit.record(session, entry, actor=actor, now=now)


def check_new(session: Session, person: Person, field: str, text: str, /) -> None:
    """Refuse what can never be stored, while the household still looks at its form."""
    _checked(session, person, field, text)


def _checked(session: Session, person: Person, field: str, text: str) -> None:
    if field not in CORRECTABLE or not text.strip():
        raise BadInput("bad_input", field="new_value")
    if field == SIZE and not (text.isdecimal() and 1 <= int(text) <= MOST_PEOPLE):
        raise BadInput("bad_number", field="new_value")
    if field == "phone" and not (text.isdecimal() and len(text) == 11):
        raise BadInput("bad_phone", field="new_value")
    try:
        if field == "birth_date":
            date.fromisoformat(text)
        if field == "id_number":
            check_id_number(text)
    except (ValueError, BadIdNumber) as error:
        raise BadInput("bad_day" if field == "birth_date" else "bad_id_number", field="new_value") from error
    if field == "id_number" and person.left_on is None:
        other = find_person_by_id_number(session, text)
        if other is not None and other.id != person.id:
            raise Conflict("id_number_taken")


def _seal(session: Session, person: Person, field: str, text: str) -> None:
    """Whoever tells another fact is compared with everybody anew; what an old telephone opened ends with it. Who lives
    there no more is found by no index (`members`), only its aid by the number as it is told now."""
    vault, person.compared_at = vault_of(session), None
    setattr(person, field, vault.seal(session, person.id, column=f"person.{field}", text=text))
    if field == "phone":
        accounts.end_of_person(session, person.id)
    if field == "birth_date":
        person.birth_year = date.fromisoformat(text).year
    if person.left_on is None:
        _index(vault, person, field, text)
    elif field == "id_number":
        session.execute(delete(Trace).where(col(Trace.person_id) == person.id, col(Trace.use) == FORMER))
        session.add(Trace(person_id=person.id, use=FORMER, value=number_index(vault, text)))
    session.add(person)


def _index(vault: Vault, person: Person, field: str, text: str) -> None:
    if field == "name":
        person.name_index = name_index(vault, text)
    if field == "phone":
        person.phone_index = vault.index("phone", text)
    if field == "id_number":
        person.id_number_index = number_index(vault, text)


def erase(session: Session, person: Person, /, *, actor: Actor, now: datetime) -> None:
    """Destroy the key, the envelopes and the indexes by which the person could be found, also those by which it was
    compared or is known from an earlier home; the pseudonym stays. Nobody is signed in as that person any more."""
    for field in SEALED:
        setattr(person, field, None)
    person.id_number_index = person.phone_index = person.name_index = person.birth_year = None
    person.contact = False
    session.add(person)
    search.drop_keys(session, person.id)
    session.execute(delete(Trace).where(col(Trace.person_id) == person.id))
    accounts.end_of_person(session, person.id)
    flush(session)
    vault_of(session).erase(session, person.id)
    flush(session)
    entry = audit.Entry("household:erase", subject=person.id, fields=SEALED)
    audit.record(session, entry, actor=actor, now=now)
