"""Sealed fields: personal values that the database itself cannot read.

Enters: plain text and the person it belongs to. Leaves: a `Sealed` envelope for a column, or a keyed index for a
look-up. Each person has an own data key, wrapped by the key-encryption key that lies outside the database; an
envelope is bound to its table, column and person, so that moving it to another row makes it unreadable. Destroying
the person's key erases the person; older backups still hold the wrapped key (docs/data-protection.md).
Envelope: ``suite(1) ‖ nonce(12) ‖ text ‖ tag(16)``.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, LargeBinary, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Session, SQLModel

from marketplace.errors import NotFound

SUITE = b"\x01"
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
    """Seals, opens and indexes. One per process; its keys come from the settings and never touch the database."""

    def __init__(self, kek: bytes, *, epoch: int = 1) -> None:
        if len(kek) < 32:
            raise ValueError("the key-encryption key is shorter than 32 bytes")
        self._kek = AESGCM(_derive(kek, "kek"))
        self._root = kek
        self._index_keys: dict[str, bytes] = {}
        self.epoch = epoch

    def new_person(self, session: Session, person_id: str) -> None:
        """Make and store the data key of a new person."""
        self._store_key(session, person_id, AESGCM.generate_key(256))

    def new_people(self, session: Session, person_ids: Sequence[str]) -> None:
        """The same for many new people at once, in one statement."""
        if not person_ids:
            return
        rows = []
        for person_id in person_ids:
            key = AESGCM.generate_key(256)
            rows.append({"person_id": person_id, "epoch": self.epoch, "wrapped": self._wrap(person_id, key)})
            self._cache(session)[person_id] = AESGCM(key)
        session.execute(insert(PersonKey), rows)

    def forget(self, session: Session) -> None:
        """Drop the keys that this session has opened, so that bulk work needs no memory for each person."""
        self._cache(session).clear()

    def _wrap(self, person_id: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._kek.encrypt(nonce, key, person_id.encode())

    def _store_key(self, session: Session, person_id: str, key: bytes) -> None:
        session.add(PersonKey(person_id=person_id, epoch=self.epoch, wrapped=self._wrap(person_id, key)))
        self._cache(session)[person_id] = AESGCM(key)

    def seal(self, session: Session, person_id: str, *, column: str, text: str) -> Sealed:
        """The envelope of one value; `column` is ``table.column``."""
        nonce = secrets.token_bytes(12)
        body = self._key(session, person_id).encrypt(nonce, text.encode(), _bound(column, person_id))
        return Sealed(SUITE + nonce + body)

    def open(self, session: Session, person_id: str, *, column: str, sealed: Sealed) -> str:
        """The plain text. Callers in the rooms go through `households.service.reveal`, which writes the audit row.

        Raises
        ------
        Unreadable
            The envelope does not belong to this column and person, was changed, or the key was destroyed.
        """
        envelope = sealed.envelope
        try:
            key = self._key(session, person_id)
            return key.decrypt(_nonce(envelope), envelope[13:], _bound(column, person_id)).decode()
        except (InvalidTag, NotFound, ValueError) as error:
            raise Unreadable(f"{column} cannot be opened") from error

    def seal_blob(self, purpose: str, body: bytes) -> bytes:
        """An envelope under the platform's own key, for short-lived working data such as a checked upload."""
        nonce = secrets.token_bytes(12)
        key = AESGCM(_derive(self._root, f"blob|{purpose}"))
        return SUITE + nonce + key.encrypt(nonce, body, _bound(purpose, PLATFORM))

    def open_blob(self, purpose: str, envelope: bytes) -> bytes:
        """What `seal_blob` closed."""
        key = AESGCM(_derive(self._root, f"blob|{purpose}"))
        try:
            return key.decrypt(_nonce(envelope), envelope[13:], _bound(purpose, PLATFORM))
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"the {purpose} blob cannot be opened") from error

    def index(self, use: str, text: str) -> str:
        """A keyed index of a value (HMAC-SHA256, own key per use), so that equal values can be found unread."""
        return hmac.new(self._index_key(use), text.encode(), sha256).hexdigest()

    def ref(self, use: str, *parts: str) -> str:
        """A stable 26-character id made from natural keys; the same source row always gets the same id."""
        digest = hmac.new(self._index_key(f"ref|{use}"), "\x00".join(parts).encode(), sha256).digest()
        return base64.b32encode(digest[:16]).decode().rstrip("=").lower()

    def erase(self, session: Session, person_id: str) -> None:
        """Destroy the person's key: every envelope of that person is noise from now on."""
        key = session.get(PersonKey, person_id)
        if key is not None:
            session.delete(key)
        self._cache(session).pop(person_id, None)

    def _index_key(self, use: str) -> bytes:
        if use not in self._index_keys:
            self._index_keys[use] = _derive(self._root, f"bidx|{use}")
        return self._index_keys[use]

    def _key(self, session: Session, person_id: str) -> AESGCM:
        cache = self._cache(session)
        if person_id not in cache:
            row = session.get(PersonKey, person_id)
            if row is None:
                raise NotFound("person_key")
            cache[person_id] = AESGCM(self._kek.decrypt(row.wrapped[:12], row.wrapped[12:], person_id.encode()))
        return cache[person_id]

    @staticmethod
    def _cache(session: Session) -> dict[str, AESGCM]:
        cache: dict[str, AESGCM] = session.info.setdefault("person_keys", {})
        return cache


def number_index(vault: Vault, number: str) -> str:
    """The keyed index of an ID number: the same for a member of a household, a volunteer and a related person."""
    return vault.index("id_number", number.upper())


def vault_of(session: Session) -> Vault:
    """The vault that this session was opened with."""
    vault: Vault = session.info["vault"]
    return vault


def _derive(root: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"shanqiao|{label}".encode()).derive(root)


def _nonce(envelope: bytes) -> bytes:
    if envelope[:1] != SUITE:
        raise ValueError("the envelope is of an unknown suite")
    return envelope[1:13]


def _bound(column: str, person_id: str) -> bytes:
    table, _, name = column.partition(".")
    return f"{table}|{name}|{person_id}".encode()
