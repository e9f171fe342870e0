"""Households and people for the other rooms: register, find, mask, reveal.

What enters: facts of a source, or an id and a reason. What leaves: a `Household`, a `Person`, a masked name, or,
through `reveal` alone, one personal field in plain text with its audit row written first. Called by needs, consent,
sharing, decisions, portal and the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace import audit, policy
from marketplace.actors import Actor
from marketplace.errors import BadInput, NotFound
from marketplace.households.guardians import is_minor
from marketplace.households.models import Household, Person
from marketplace.households.reaching import anybody_said, closed_fields, require_open
from marketplace.households.register import (
    SEALED,
    HouseholdFacts,
    PersonFacts,
    register_many,
)
from marketplace.households.resolving import resolve_many
from marketplace.reference.words import list_codes
from marketplace.sealed import number_index, vault_of

__all__ = [
    "SEALED",
    "HouseholdFacts",
    "PersonFacts",
    "contact_of",
    "find_person_by_id_number",
    "find_person_by_phone",
    "get_household",
    "has_own_phone",
    "list_people",
    "mask",
    "masked_name",
    "masked_names",
    "nobody_may_call",
    "opened_by",
    "reachable",
    "register_household",
    "register_many",
    "resolve_many",
    "reveal",
]


def register_household(
    session: Session,
    /,
    *,
    source: str,
    source_ref: str,
    district_code: str,
    people: Iterable[PersonFacts],
    actor: Actor,
    now: datetime,
    street_code: str = "",
    size: int = 0,
    urban: bool = True,
    kind: str = "",
) -> Household:
    """Store one household, or change what differs in it; the caller has asked the policy for its own action."""
    facts = HouseholdFacts(
        source=source,
        source_ref=source_ref,
        district_code=district_code,
        street_code=street_code,
        size=size,
        urban=urban,
        kind=kind,
        people=tuple(people),
    )
    ids = register_many(session, [facts], actor=actor, now=now)
    return get_household(session, ids[facts.key])


def get_household(session: Session, household_id: str, /) -> Household:
    """The household, or NotFound."""
    found = session.get(Household, household_id)
    if found is None:
        raise NotFound("not_found")
    return found


def require_household(session: Session, household_id: str, action: str, /, *, actor: Actor) -> Household:
    """The household, if the policy lets the actor do this in its district; a missing one answers like a foreign one."""
    home = session.get(Household, household_id)
    policy.require(actor, action, district=home.district_code if home is not None else None)
    if home is None:
        raise NotFound("household")
    return home


def list_people(session: Session, household_id: str, /) -> list[Person]:
    """The members who live there, the person whom messages reach first."""
    asked = select(Person).where(col(Person.household_id) == household_id, col(Person.left_on).is_(None))
    people = session.scalars(asked).all()
    return sorted(people, key=lambda person: (not person.contact, person.relation != "HEAD", person.id))


def contact_of(session: Session, household_id: str, /) -> Person | None:
    """The person whom messages reach; None where nobody has a telephone."""
    return next(iter(_on_the_line(session, household_id)), None)


def _on_the_line(session: Session, household_id: str) -> list[Person]:
    """Those whom a telephone reaches, whom messages reach first; of whom a death is on record, none does."""
    return [one for one in list_people(session, household_id) if one.phone is not None and not one.is_silent]


def reachable(
    session: Session, household_id: str, /, *, asked_by: str = "", about: str = "", rather: str = ""
) -> Person | None:
    """Whom a letter or a call to the household may reach; None where nobody has a telephone, or none is safe. Who asked
    for the letter itself gets it; one `about` a person goes to nobody else while it has a telephone; `rather` goes
    before the others where its telephone is safe."""
    if asked_by:
        person = session.get(Person, asked_by)
        return None if person is None or person.is_silent else person
    able = sorted(_on_the_line(session, household_id), key=lambda one: one.id != rather)
    able = [person for person in able if person.id == about] or able
    return next((person for person in able if "phone" not in closed_fields(session, person)), None)


def nobody_may_call(session: Session, household_id: str, /) -> bool:
    """Whether somebody there said how it may be reached, and no telephone is safe since."""
    return reachable(session, household_id) is None and anybody_said(session, household_id)


def find_person_by_id_number(session: Session, number: str, /) -> Person | None:
    """The person with this ID number, found without reading any."""
    index = number_index(vault_of(session), number.strip())
    return session.scalars(select(Person).where(col(Person.id_number_index) == index)).first()


def find_person_by_phone(session: Session, phone: str, /) -> Person | None:
    """The person whom this telephone reaches; where several share it, the one whom messages reach, first come."""
    people = _bearers(session, vault_of(session).index("phone", phone.strip()))
    return next((person for person in people if person.contact), people[0] if people else None)


def opened_by(session: Session, phone_index: str, /, *, now: datetime) -> Person | None:
    """Whose pages a code on this telephone opens: whom messages reach by it, first come, else the one adult who has it.
    A telephone that several share opens nobody else's: the digits do not tell whose hand holds it."""
    people = _bearers(session, phone_index)
    first = next((person for person in people if person.contact), None)
    if first is not None or len(people) != 1:
        return first
    return None if is_minor(people[0], now=now) else people[0]


def _bearers(session: Session, phone_index: str) -> Sequence[Person]:
    """All who have this telephone, first come."""
    asked = select(Person).where(col(Person.phone_index) == phone_index)
    return session.scalars(asked.order_by(col(Person.created_at), col(Person.id))).all()


def has_own_phone(session: Session, person: Person, /, *, now: datetime) -> bool:
    """Whether a code on the person's telephone tells that this very person holds it: whom messages reach by it, or the
    one adult who has it."""
    if person.phone_index is None or person.contact:
        return person.phone_index is not None
    opened = opened_by(session, person.phone_index, now=now)
    return opened is not None and opened.id == person.id


def mask(name: str) -> str:
    """A name of which only the ends are shown.

    >>> mask("王小明"), mask("李四"), mask("Ann Lee"), mask("")
    ('王*明', '李*', 'A*****e', '')
    """
    if len(name) < 3:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


def masked_name(session: Session, person: Person | None, /) -> str:
    """The person's masked name; a dash where there is none or its key was destroyed."""
    if person is None:
        return "—"
    return mask(vault_of(session).open_if_kept(session, person.id, column="person.name", sealed=person.name)) or "—"


def masked_names(session: Session, household_ids: Iterable[str], /) -> dict[str, str]:
    """Household ► masked name of its first person, for one page of a list."""
    wanted = sorted(set(household_ids))
    asked = select(Person).where(col(Person.household_id).in_(wanted), col(Person.left_on).is_(None))
    people = session.scalars(asked).all()
    first: dict[str, Person] = {}
    for person in sorted(people, key=lambda person: (not person.contact, person.relation != "HEAD", person.id)):
        first.setdefault(person.household_id, person)
    return {home: masked_name(session, first.get(home)) for home in wanted}


def reveal(
    session: Session,
    person_id: str,
    /,
    *,
    field: str,
    actor: Actor,
    now: datetime,
    purpose: str,
    reason: str,
) -> str:
    """One personal field in plain text, for staff of the district with a reason; the audit row is written first.

    Raises NotFound for a foreign person or an empty field, BadInput without a reason from the list, WrongState where
    somebody who lives there said that it is not safe to call or to write.
    """
    if field not in SEALED:
        raise BadInput("bad_input", field="field")
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    person = session.get(Person, person_id)
    home = session.get(Household, person.household_id) if person is not None else None
    policy.require(actor, "household:reveal", district=home.district_code if home is not None else None)
    if person is None or getattr(person, field) is None:
        raise NotFound("not_found")
    require_open(session, person, field)
    entry = audit.Entry(
        "household:reveal",
        subject=person.id,
        purpose=purpose,
        decision="revealed",
        rule_id=reason,
        fields=(field,),
    )
    audit.record(session, entry, actor=actor, now=now)
    return vault_of(session).open(session, person.id, column=f"person.{field}", sealed=getattr(person, field))
