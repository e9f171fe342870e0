"""Sealed fields: personal values that the database itself cannot read.

Enters: plain text and the person it belongs to. Leaves: a `Sealed` envelope for a column, or a keyed index for a
look-up. Each person has an own data key, wrapped by the key-encryption key that lies outside the database; an
envelope is bound to its table, column and person, so that moving it to another row makes it unreadable. Destroying
the person's key erases the person; older backups still hold the wrapped key (docs/data-protection.md).
Envelope: ``suite(1) ‖ nonce(12) ‖ text ‖ tag(16)``, and wrapped keys look the same.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, LargeBinary, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Session, SQLModel, col, select

from marketplace.errors import NotFound
from marketplace.suites import AES, decrypt, derive, encrypt, keyed_hash

PLATFORM = "platform"
"""The owner of blobs that belong to no single person, such as an import waiting for its confirmation."""


class Unreadable(Exception):
    """An envelope was moved, changed, or its key is gone."""


class Sealed:
    """An envelope; it never shows what is inside."""

    __slots__ = ("envelope",)

    def __init__(self, envelope: bytes) -> None:
        self.envelope = envelope

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.envelope == self.envelope

    def __hash__(self) -> int:
        return hash(self.envelope)


class SealedType(TypeDecorator[Sealed]):
    """A column of envelopes; writing anything else is refused."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        """Only an envelope goes in."""
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError("plain text was written to a sealed column: seal it first")
        return value.envelope

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        """Only an envelope comes out."""
        return None if value is None else Sealed(bytes(value))


def sealed_column() -> Column[Any]:
    """A nullable column of envelopes."""
    return Column(SealedType(), nullable=True)


class PersonKey(SQLModel, table=True):
    """One person's data key, wrapped; `epoch` names the key-encryption key."""

    __tablename__ = "person_key"

    person_id: str = Field(primary_key=True, max_length=32)
    epoch: int = 1
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Vault:
    """Seals, opens and indexes. One per process; its keys come from the settings and never touch the database.

    `older` holds the key-encryption keys of past epochs, until `rewrap` has moved every person on; `root` is the key of
    look-ups and blobs, which no rotation changes; `suite` is what closes new envelopes.
    """

    def __init__(
        self,
        kek: bytes,
        *,
        epoch: int = 1,
        older: Mapping[int, bytes] | None = None,
        root: bytes = b"",
        suite: int = AES,
    ) -> None:
        if len(kek) < 32:
            raise ValueError("the key-encryption key is shorter than 32 bytes")
        self._keks = {number: derive(key, "kek") for number, key in {**(older or {}), epoch: kek}.items()}
        self._root = root or kek
        self._index_keys: dict[str, bytes] = {}
        self.epoch, self.suite = epoch, suite

    def new_person(self, session: Session, person_id: str) -> None:
        """Make and store the data key of a new person."""
        self._store_key(session, person_id, secrets.token_bytes(32))

    def new_people(self, session: Session, person_ids: Sequence[str]) -> None:
        """The same for many new people at once, in one statement."""
        if not person_ids:
            return
        rows = []
        for person_id in person_ids:
            key = secrets.token_bytes(32)
            rows.append({"person_id": person_id, "epoch": self.epoch, "wrapped": self._wrap(person_id, key)})
            self._cache(session)[person_id] = key
        session.execute(insert(PersonKey), rows)

    def fetch(self, session: Session, person_ids: Sequence[str]) -> None:
        """Have the keys of many people at hand, by one question; whose key was destroyed is left out."""
        missing = [person_id for person_id in person_ids if person_id not in self._cache(session)]
        rows = session.exec(select(PersonKey).where(col(PersonKey.person_id).in_(missing)))
        self._cache(session).update({row.person_id: self._unwrapped(row) for row in rows})

    def keeps(self, session: Session, person_id: str) -> bool:
        """Whether the person's key is there; it was destroyed where the person was erased."""
        return person_id in self._cache(session) or session.get(PersonKey, person_id) is not None

    def forget(self, session: Session) -> None:
        """Drop the keys that this session has opened, so that bulk work needs no memory for each person."""
        self._cache(session).clear()

    def _wrap(self, person_id: str, key: bytes) -> bytes:
        return self._close(self._keks[self.epoch], key, person_id.encode())

    def _close(self, key: bytes, text: bytes, bound: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return bytes([self.suite]) + nonce + encrypt(self.suite, key, nonce, text=text, bound=bound)

    def _store_key(self, session: Session, person_id: str, key: bytes) -> None:
        session.add(PersonKey(person_id=person_id, epoch=self.epoch, wrapped=self._wrap(person_id, key)))
        self._cache(session)[person_id] = key

    def seal(self, session: Session, person_id: str, *, column: str, text: str) -> Sealed:
        """The envelope of one value; `column` is ``table.column``."""
        return Sealed(self._close(self._key(session, person_id), text.encode(), _bound(column, person_id)))

    def open(self, session: Session, person_id: str, *, column: str, sealed: Sealed) -> str:
        """The plain text. Callers in the rooms go through `households.service.reveal`, which writes the audit row.

        Raises
        ------
        Unreadable
            The envelope does not belong to this column and person, was changed, or the key was destroyed.
        """
        try:
            return _opened(self._key(session, person_id), sealed.envelope, _bound(column, person_id)).decode()
        except (InvalidTag, NotFound, ValueError) as error:
            raise Unreadable(f"{column} cannot be opened") from error

    def open_if_kept(self, session: Session, person_id: str, *, column: str, sealed: Sealed | None) -> str:
        """The plain text; empty where there is none, or nobody can read it any more."""
        if sealed is None:
            return ""
        try:
            return self.open(session, person_id, column=column, sealed=sealed)
        except Unreadable:
            return ""

    def seal_blob(self, purpose: str, body: bytes) -> bytes:
        """An envelope under the platform's own key, for short-lived working data such as a checked upload."""
        return self._close(derive(self._root, f"blob|{purpose}"), body, _bound(purpose, PLATFORM))

    def open_blob(self, purpose: str, envelope: bytes) -> bytes:
        """What `seal_blob` closed."""
        try:
            return _opened(derive(self._root, f"blob|{purpose}"), envelope, _bound(purpose, PLATFORM))
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"the {purpose} blob cannot be opened") from error

    def index(self, use: str, text: str) -> str:
        """A keyed index of a value (own key per use), so that equal values can be found unread."""
        return keyed_hash(self.suite, self._index_key(use), text.encode()).hex()

    def ref(self, use: str, *parts: str) -> str:
        """A stable 26-character id made from natural keys; the same source row always gets the same id."""
        digest = keyed_hash(self.suite, self._index_key(f"ref|{use}"), "\x00".join(parts).encode())
        return base64.b32encode(digest[:16]).decode().rstrip("=").lower()

    def erase(self, session: Session, person_id: str) -> None:
        """Destroy the person's key: every envelope of that person is noise from now on."""
        key = session.get(PersonKey, person_id)
        if key is not None:
            session.delete(key)
        self._cache(session).pop(person_id, None)

    def rewrap(self, session: Session, *, limit: int = 1000) -> int:
        """Wrap up to `limit` persons' keys, that are still under a past epoch, under the one in use; return how many.

        No value is opened and no envelope changes: only the wrapped keys do.
        """
        behind = select(PersonKey).where(col(PersonKey.epoch) != self.epoch).order_by(col(PersonKey.person_id))
        rows = [(row.person_id, self._unwrapped(row)) for row in session.exec(behind.limit(limit).with_for_update())]
        for person_id, key in rows:
            session.execute(
                update(PersonKey)
                .where(col(PersonKey.person_id) == person_id)
                .values(epoch=self.epoch, wrapped=self._wrap(person_id, key))
            )
        return len(rows)

    def _unwrapped(self, row: PersonKey) -> bytes:
        kek = self._keks.get(row.epoch)
        if kek is None:
            raise Unreadable(f"the key-encryption key of epoch {row.epoch} is not in the ring")
        try:
            return _opened(kek, row.wrapped, row.person_id.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable("a person's key cannot be unwrapped") from error

    def _index_key(self, use: str) -> bytes:
        if use not in self._index_keys:
            self._index_keys[use] = derive(self._root, f"bidx|{use}")
        return self._index_keys[use]

    def _key(self, session: Session, person_id: str) -> bytes:
        cache = self._cache(session)
        if person_id not in cache:
            row = session.get(PersonKey, person_id)
            if row is None:
                raise NotFound("person_key")
            cache[person_id] = self._unwrapped(row)
        return cache[person_id]

    @staticmethod
    def _cache(session: Session) -> dict[str, bytes]:
        cache: dict[str, bytes] = session.info.setdefault("person_keys", {})
        return cache


def number_index(vault: Vault, number: str) -> str:
    """The keyed index of an ID number: the same for a member of a household, a volunteer and a related person."""
    return vault.index("id_number", number.upper())


def vault_of(session: Session) -> Vault:
    """The vault that this session was opened with."""
    vault: Vault = session.info["vault"]
    return vault


def _opened(key: bytes, envelope: bytes, bound: bytes) -> bytes:
    return decrypt(envelope[0] if envelope else 0, key, envelope[1:13], body=envelope[13:], bound=bound)


def _bound(column: str, person_id: str) -> bytes:
    table, _, name = column.partition(".")
    return f"{table}|{name}|{person_id}".encode()
