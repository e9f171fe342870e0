"""Households and their people coming in, one or many thousands, each person sealed under an own key.

What enters: `HouseholdFacts` of one source. What leaves: household ids by reference. The same facts again change
nothing; other facts change only the fields that differ. A person whose ID number is already known is not made twice:
the need goes to the household where that person lives. Where the number is known under another name nothing is joined:
one of the two was written down wrongly, so both stand and a person looks. Called by needs, cases and the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from marketplace.accounts import service as accounts
from marketplace.actors import Actor
from marketplace.db import chunks
from marketplace.households import reaching, search
from marketplace.households.changed import Change, Changed, hold_differing, record, values_told
from marketplace.households.models import Household, Person, Sex
from marketplace.households.resolving import holders, name_index, resolve_many
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.sealed import Sealed, Vault, number_index, vault_of

SEALED = ("name", "phone", "id_number", "address", "birth_date", "payee_account", "health")
"""The personal fields, each an envelope of its own."""

REFERRAL = "referral"
"""The source of households that a charity referred in: a register may correct it, it never changes what is known."""

CHUNK = 2000
"""So many households at a time: keys in memory stay few, and questions to the database stay short."""

_ASKED = 500


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """One person as a source tells it; `ref` tells people of a household apart. Empty text: not told."""

    ref: str = "head"
    relation: str = "HEAD"
    contact: bool = True
    sex: Sex = Sex.UNKNOWN
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    id_number: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    payee_account: str = field(default="", repr=False)
    health: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HouseholdFacts:
    """One household as a source tells it; `size` counts its people, also those without a row."""

    source: str
    source_ref: str
    district_code: str
    street_code: str = ""
    village_code: str = ""
    size: int = 0
    urban: bool = True
    kind: str = ""
    people: tuple[PersonFacts, ...] = field(default=(), repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What tells households apart."""
        return self.source, self.source_ref


def source_index(vault: Vault, source: str, source_ref: str) -> str:
    """The keyed index under which a source's household is found again."""
    return vault.index("household-source", f"{source}\x00{source_ref}")


def register_many(
    session: Session, facts: Sequence[HouseholdFacts], /, *, actor: Actor, now: datetime
) -> dict[tuple[str, str], str]:
    """Store new households, change what differs in known ones of the same source; the log is written last."""
    ids: dict[tuple[str, str], str] = {}
    came, arrived, changes = list[str](), list[tuple[str, str]](), list[Change]()
    for some in chunks(facts, CHUNK):
        homes = resolve_many(session, some)
        ids.update(homes)
        known = known_homes(session, homes.values())
        new: dict[str, HouseholdFacts] = {}
        for item in some:
            if homes[item.key] not in known:
                new.setdefault(homes[item.key], item)
        arrived += _insert(session, new, now=now)
        came += new
        told = [(home, item) for item in some if (home := known.get(homes[item.key])) and _may_tell(item, home)]
        hold_differing(session, told)
        differ = (_update(session, *one, arrived=arrived, now=now) for one in told)
        changes += [change for change in differ if change.fields]
        session.flush()
        vault_of(session).forget(session)
    record(session, came, changes, actor=actor, now=now)
    reaching.take_along(session, arrived, now=now)
    return ids


def known_homes(session: Session, ids: Iterable[str], /) -> dict[str, Household]:
    """Those of these households that are stored."""
    found: dict[str, Household] = {}
    for some in chunks(sorted(set(ids)), _ASKED):
        found.update((home.id, home) for home in session.scalars(select(Household).where(col(Household.id).in_(some))))
    return found


def _insert(session: Session, new: Mapping[str, HouseholdFacts], *, now: datetime) -> list[tuple[str, str]]:
    if not new:
        return []
    vault = vault_of(session)
    session.execute(insert(Household), [_household_row(vault, home, item, now) for home, item in new.items()])
    people = [(home, item, person) for home, item in new.items() for person in item.people]
    numbers = _free_numbers(session, (person for _, _, person in people))
    ids = [vault.ref("person", *item.key, person.ref) for _, item, person in people]
    vault.new_people(session, ids)
    rows = [
        _person_row(session, person, person_id=person_id, home=home, free=numbers, now=now)
        for person_id, (home, _, person) in zip(ids, people, strict=True)
    ]
    if rows:
        session.execute(insert(Person), rows)
        told = ((person_id, with_birth(person)) for person_id, (_, _, person) in zip(ids, people, strict=True))
        search.new_keys(session, ((person_id, facts.name, facts.birth_date) for person_id, facts in told))
    return list(zip(ids, (person.id_number for _, _, person in people), strict=True))


def _household_row(vault: Vault, home: str, item: HouseholdFacts, now: datetime) -> dict[str, Any]:
    return {
        "id": home,
        "source": item.source,
        "source_index": source_index(vault, *item.key),
        "district_code": item.district_code,
        "street_code": item.street_code,
        "village_code": item.village_code,
        "size": max(item.size, len(item.people)),
        "urban": item.urban,
        "kind": item.kind,
        "created_at": now,
    }


def _free_numbers(session: Session, people: Iterable[PersonFacts]) -> set[str]:
    """Indexes of ID numbers that nobody carries yet; each is handed out once."""
    vault = vault_of(session)
    wanted = {number_index(vault, person.id_number) for person in people if person.id_number}
    return wanted - set(holders(session, wanted))


def _person_row(
    session: Session, person: PersonFacts, *, person_id: str, home: str, free: set[str], now: datetime
) -> dict[str, Any]:
    vault = vault_of(session)
    facts = with_birth(person)
    index = number_index(vault, facts.id_number) if facts.id_number else None
    if index in free:
        free.discard(index)
    else:
        index = None
    row: dict[str, Any] = {
        "id": person_id,
        "household_id": home,
        "relation": facts.relation,
        "contact": facts.contact,
        "sex": facts.sex,
        "birth_year": int(facts.birth_date[:4]) if facts.birth_date else None,
        "id_number_index": index,
        "phone_index": vault.index("phone", facts.phone) if facts.phone else None,
        "name_index": name_index(vault, facts.name),
        "created_at": now,
    }
    for name in SEALED:
        text = getattr(facts, name)
        row[name] = vault.seal(session, person_id, column=f"person.{name}", text=text) if text else None
    return row


def with_birth(person: PersonFacts) -> PersonFacts:
    """Birth date and sex as the ID number tells them, where they were not told."""
    if not person.id_number or (person.birth_date and person.sex is not Sex.UNKNOWN):
        return person
    try:
        number = check_id_number(person.id_number)
    except BadIdNumber:
        return person
    told = Sex.FEMALE if number.sex == "F" else Sex.MALE
    return replace(
        person,
        birth_date=person.birth_date or number.birth_on.isoformat(),
        sex=told if person.sex is Sex.UNKNOWN else person.sex,
    )


def _update(
    session: Session, home: Household, item: HouseholdFacts, *, arrived: list[tuple[str, str]], now: datetime
) -> Change:
    fields, was = [], home.district_code
    for name, value in values_told(home, item).items():
        if getattr(home, name) != value:
            setattr(home, name, value)
            fields.append(name)
    facts = [Changed(home.id, None, "household_size" if name == "size" else name) for name in fields]
    for person in item.people:
        person_id, theirs = _update_person(session, home, with_birth(person), item=item, now=now)
        fields += theirs
        facts += [Changed(home.id, person_id, name) for name in theirs if name in SEALED]
        arrived += [(person_id, person.id_number)] if "people" in theirs else []
    return Change(home, was, tuple(dict.fromkeys(fields)), tuple(facts))


def _may_tell(item: HouseholdFacts, home: Household) -> bool:
    """A register corrects its own household and one that a charity referred in; a referral never changes what is
    known."""
    return item.source != REFERRAL and home.source in (item.source, REFERRAL)


def _update_person(
    session: Session, home: Household, facts: PersonFacts, *, item: HouseholdFacts, now: datetime
) -> tuple[str, list[str]]:
    """Who that is, and which fields differ: none of who lives there no more, or was erased (adr/0096)."""
    vault = vault_of(session)
    row = _same_person(session, home, facts, item=item)
    free = _free_numbers(session, [facts])
    if row is None:
        person_id = vault.ref("person", *item.key, facts.ref)
        _add(session, home, facts, person_id, free=free, now=now)
        return person_id, ["people"]
    if row.left_on is not None or not vault.keeps(session, row.id):
        return row.id, []
    changed = [name for name in SEALED if getattr(facts, name) and opened(session, row, name) != getattr(facts, name)]
    silent = row.is_silent
    for name in changed:
        setattr(row, name, vault.seal(session, row.id, column=f"person.{name}", text=getattr(facts, name)))
    if "name" in changed:
        row.name_index = name_index(vault, facts.name)
    if "phone" in changed:
        row.phone_index = None if silent else vault.index("phone", facts.phone)
        accounts.end_of_person(session, row.id)
    if "id_number" in changed:
        index = number_index(vault, facts.id_number)
        row.id_number_index = index if index in free else None
    row.compared_at = None if changed else row.compared_at
    if "birth_date" in changed:
        row.birth_year, row.sex = date.fromisoformat(facts.birth_date).year, facts.sex
    if {"name", "birth_date"} & set(changed):
        search.renew_keys(session, row)
    return row.id, changed


def _add(
    session: Session, home: Household, facts: PersonFacts, person_id: str, *, free: set[str], now: datetime
) -> None:
    vault_of(session).new_people(session, [person_id])
    values = _person_row(session, facts, person_id=person_id, home=home.id, free=free, now=now)
    session.execute(insert(Person), [values])
    search.new_keys(session, [(person_id, facts.name, facts.birth_date)])


def add_person(session: Session, home: Household, facts: PersonFacts, /, *, now: datetime) -> str:
    """One more person, by its own reference; a number has one bearer. The caller writes the audit row."""
    person_id = vault_of(session).ref("person", home.id, facts.ref)
    _add(session, home, with_birth(facts), person_id, free=_free_numbers(session, [facts]), now=now)
    reaching.take_along(session, [(person_id, facts.id_number)], now=now)
    return person_id


def _same_person(session: Session, home: Household, facts: PersonFacts, *, item: HouseholdFacts) -> Person | None:
    """By ID number within the household, else by the source's own reference."""
    vault = vault_of(session)
    if facts.id_number:
        index = number_index(vault, facts.id_number)
        found = session.scalars(
            select(Person).where(col(Person.id_number_index) == index, col(Person.household_id) == home.id)
        ).first()
        if found is not None:
            return found
    row = session.get(Person, vault.ref("person", *item.key, facts.ref))
    return row if row is not None and row.household_id == home.id else None


def opened(session: Session, row: Person, name: str, /) -> str:
    """A sealed field of a person in the open; empty where there is none."""
    sealed: Sealed | None = getattr(row, name)
    vault, column = vault_of(session), f"person.{name}"
    return vault.open(session, row.id, column=column, sealed=sealed) if sealed is not None else ""
