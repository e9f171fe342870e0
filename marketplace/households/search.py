"""Finding a person in the register by name, pinyin, telephone, ID number, birth date and area, without opening any.

Enters: at registration, the facts of a person; at a search, what a member of staff typed. Leaves: keyed indexes, each
under a key of its own use, or the people whose indexes meet all that was typed, within the actor's districts. The
search is written down with the names of the fields that were used, never with their values. Called by
`households.register` and `facts`, and by the register's page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from marketplace import audit, policy
from marketplace.actors import Actor
from marketplace.errors import BadInput
from marketplace.households.models import Household, Person, SearchKey
from marketplace.sealed import Vault, number_index, vault_of

MOST = 50
"""So many people are shown; whoever has more is asked to narrow the search."""
NAME, PINYIN, BIRTH = "search|name", "search|pinyin", "search|birth"
_LATIN = re.compile(r"[^a-z]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed; empty text: not asked for. `name` takes characters or pinyin without tones."""

    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    id_number: str = field(default="", repr=False)
    birth_on: date | None = field(default=None, repr=False)
    district: str = ""
    street: str = ""

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the fields that were filled in."""
        names = ("name", "phone", "id_number", "birth_on", "district", "street")
        return tuple(name for name in names if getattr(self, name))


@lru_cache(maxsize=20_000)
def pinyin_of(name: str) -> str:
    """The name in pinyin, without tones, spaces and capitals.

    >>> pinyin_of("王小明"), pinyin_of("Wang Xiaoming")
    ('wangxiaoming', 'wangxiaoming')
    """
    from pypinyin import Style, lazy_pinyin  # slow to load, and most commands meet no name

    return _LATIN.sub("", "".join(lazy_pinyin(name, style=Style.NORMAL)).lower())


def keys_of(vault: Vault, *, name: str, birth_date: str) -> set[str]:
    """The indexes under which a person is found."""
    plain = "".join(name.split())
    told = {(NAME, plain), (PINYIN, pinyin_of(plain)), (BIRTH, birth_date)}
    return {_key(vault, use, text) for use, text in told if text}


def _key(vault: Vault, use: str, text: str) -> str:
    return vault.index(use, text)[:32]


def new_keys(session: Session, people: Iterable[tuple[str, str, str]], /) -> None:
    """Index many new people, told as (id, name, birth date), in one statement."""
    vault = vault_of(session)
    rows: list[dict[str, Any]] = [
        {"value": value, "person_id": person_id}
        for person_id, name, birth_date in people
        for value in sorted(keys_of(vault, name=name, birth_date=birth_date))
    ]
    if rows:
        session.execute(insert(SearchKey), rows)


def renew_keys(session: Session, person: Person, /) -> None:
    """Index one person again after a change: from its envelopes, which are opened in memory only."""
    vault = vault_of(session)
    told = {
        name: vault.open(session, person.id, column=f"person.{name}", sealed=sealed) if sealed is not None else ""
        for name, sealed in (("name", person.name), ("birth_date", person.birth_date))
    }
    drop_keys(session, person.id)
    new_keys(session, [(person.id, told["name"], told["birth_date"])])


def drop_keys(session: Session, person_id: str, /) -> None:
    """Nobody finds this person by search any more."""
    session.execute(delete(SearchKey).where(col(SearchKey.person_id) == person_id))


def search(session: Session, query: Query, /, *, actor: Actor, now: datetime) -> tuple[list[Person], bool]:
    """At most `MOST` people of the actor's districts, and whether there are more; the search itself is recorded."""
    policy.require(actor, "register:search", district=query.district or next(iter(sorted(actor.districts)), ""))
    if not set(query.used) - {"district", "street"}:
        raise BadInput("search_too_wide", field="name")
    found = list(session.exec(statement(vault_of(session), query, actor)))
    entry = audit.Entry("register:search", fields=query.used, body={"found": min(len(found), MOST)})
    audit.record(session, entry, actor=actor, now=now)
    return found[:MOST], len(found) > MOST


def statement(vault: Vault, query: Query, actor: Actor, /) -> Any:
    """Those who meet all that was typed, one more than are shown; without the record, as the bench measures it."""
    asked = select(Person).join(Household)
    for value in _values(vault, query):
        asked = asked.where(col(Person.id).in_(select(SearchKey.person_id).where(col(SearchKey.value) == value)))
    if query.phone:
        asked = asked.where(col(Person.phone_index) == vault.index("phone", query.phone))
    if query.id_number:
        asked = asked.where(col(Person.id_number_index) == number_index(vault, query.id_number))
    if actor.districts:
        asked = asked.where(col(Household.district_code).in_(sorted(actor.districts)))
    if query.district:
        asked = asked.where(col(Household.district_code) == query.district)
    if query.street:
        asked = asked.where(col(Household.street_code) == query.street)
    return asked.order_by(col(Household.district_code), col(Person.id)).limit(MOST + 1)


def _values(vault: Vault, query: Query) -> Sequence[str]:
    plain = "".join(query.name.split())
    found = []
    if plain:
        found.append(_key(vault, NAME, plain) if _HAN.search(plain) else _key(vault, PINYIN, pinyin_of(plain)))
    if query.birth_on:
        found.append(_key(vault, BIRTH, query.birth_on.isoformat()))
    return found
