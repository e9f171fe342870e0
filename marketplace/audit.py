"""The audit chain: one row for every state change, in the same transaction, each bound to the row before it.

Enters: who did what to which object, under which rule. Leaves: an append-only chain that `verify` recomputes. The row
holds no personal data: persons appear as keyed references, the details as a commitment to a body kept apart. Triggers
of the first migration forbid update and delete and let the head move only with an append.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any

from sqlalchemy import Column, LargeBinary, Text, func, insert, select, update
from sqlmodel import Field, Session, SQLModel, col

from marketplace.actors import Actor
from marketplace.errors import WrongState
from marketplace.sealed import vault_of

log = logging.getLogger("shanqiao.audit")
GENESIS = "0" * 64
BACK = timedelta(minutes=1)
"""So far the machines' clocks may lie apart before a clock counts as set back."""
FIELDS = (
    "seq",
    "at",
    "actor_ref",
    "actor_role",
    "org_ref",
    "action",
    "object_ref",
    "subject_ref",
    "purpose",
    "decision",
    "rule_id",
    "fields",
    "consent_ref",
    "request_id",
    "body_commit",
    "prev",
)


class AuditRow(SQLModel, table=True):
    """One act. `at` is text in UTC with microseconds, so that the hashed bytes are the stored bytes."""

    __tablename__ = "audit_row"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = Field(max_length=32)
    actor_ref: str = Field(max_length=64, index=True)
    actor_role: str = Field(max_length=32)
    org_ref: str = Field(default="", max_length=64)
    action: str = Field(max_length=64, index=True)
    object_ref: str = Field(default="", max_length=80, index=True)
    subject_ref: str = Field(default="", max_length=64, index=True)
    purpose: str = Field(default="", max_length=64)
    decision: str = Field(default="", max_length=16)
    rule_id: str = Field(default="", max_length=64)
    fields: str = Field(default="", sa_column=Column(Text, nullable=False))
    consent_ref: str = Field(default="", max_length=64)
    request_id: str = Field(default="", max_length=64)
    body_commit: str = Field(default="", max_length=64)
    prev: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AuditHead(SQLModel, table=True):
    """The newest row's number and hash, and the latest moment of any row, which never falls; one row, locked by every
    append."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    seq: int = 0
    hash: str = Field(default=GENESIS, max_length=64)
    at: str = Field(default="", max_length=32)


class AuditBody(SQLModel, table=True):
    """The details behind one commitment: codes and whole numbers as JSON, with the salt that hides them."""

    __tablename__ = "audit_body"

    seq: int = Field(primary_key=True, foreign_key="audit_row.seq", sa_column_kwargs={"autoincrement": False})
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))


_rows, _bodies, _head = (SQLModel.metadata.tables[name] for name in ("audit_row", "audit_body", "audit_head"))
_READ_HEAD = select(_head.c.seq, _head.c.hash, _head.c.at).with_for_update()
_INSERT_ROW, _INSERT_BODY = insert(_rows), insert(_bodies)
_MOVE_HEAD = update(_head).where(_head.c.id == 1)
"""Plain statements on the tables, built once and put to the connection itself: every act writes one, mapped objects
would cost twice as much, and the session's own questions about each statement a third more."""
READ = (*FIELDS, "hash", "salt", "body")
_READ_ALL = (
    select(*(_rows.c[name] for name in (*FIELDS, "hash")), _bodies.c.salt, _bodies.c.body)
    .outerjoin(_bodies, _bodies.c.seq == _rows.c.seq)
    .order_by(_rows.c.seq)
    .execution_options(yield_per=5000)
)
"""The whole chain as plain rows of `READ`: a million of them are checked in one go."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act to be recorded. `subject` is a household or person id; it is stored as a keyed reference."""

    action: str
    object_ref: str = ""
    subject: str = ""
    purpose: str = ""
    decision: str = ""
    rule_id: str = ""
    fields: Sequence[str] = ()
    consent_ref: str = ""
    body: Mapping[str, Any] | None = None


def subject_ref(session: Session, subject: str) -> str:
    """The keyed reference under which a household or person stands in the chain."""
    return vault_of(session).index("audit-subject", subject) if subject else ""


def record(session: Session, entry: Entry, /, *, actor: Actor, now: datetime) -> int:
    """Append one act in the caller's transaction; return its number."""
    return record_many(session, (entry,), actor=actor, now=now)


def record_many(session: Session, entries: Iterable[Entry], /, *, actor: Actor, now: datetime) -> int:
    """Append many acts at once; return the number of the last. The head stays locked until the transaction ends.

    Every act passes here, so here the clock of the house is asked whether it was set back; the act itself may be older
    than the latest one, for a long piece of work says when it began."""
    session.flush()
    connection = session.connection()
    locked = connection.execute(_READ_HEAD).one()
    seq, prev = int(locked[0]), str(locked[1])
    if (clock := session.info.get("clock")) is not None:
        _refuse_if_behind(session, str(locked[2]), clock())
    rows, bodies = [], []
    stamp = now.astimezone(UTC).isoformat(timespec="microseconds")
    for entry in entries:
        seq += 1
        salt, text = _body(entry, actor)
        row = _row(session, entry, actor=actor, seq=seq, stamp=stamp, prev=prev)
        if text:
            row["body_commit"] = sha256(salt + text.encode()).hexdigest()
            bodies.append({"seq": seq, "salt": salt, "body": text})
        prev = row["hash"] = row_hash(row)
        rows.append(row)
    if not rows:
        return seq
    connection.execute(_INSERT_ROW, rows)
    if bodies:
        connection.execute(_INSERT_BODY, bodies)
    connection.execute(_MOVE_HEAD, {"seq": seq, "hash": prev, "at": max(str(locked[2]), stamp)})
    return seq


def refuse_a_clock_set_back(session: Session, /, *, now: datetime) -> None:
    """WrongState if the latest act lies more than `BACK` ahead of `now`: our clock was set back, and acts written now
    would stand before what happened earlier. The played days of a demonstration are exempt."""
    _refuse_if_behind(session, session.scalar(select(_head.c.at)) or "", now)


def _refuse_if_behind(session: Session, latest: str, now: datetime) -> None:
    settings = session.info.get("settings")
    played = settings is None or settings.demo
    if not played and latest > (now + BACK).astimezone(UTC).isoformat(timespec="microseconds"):
        log.error("the clock was set back: the latest act is of %s, the clock says %s", latest, now.isoformat())
        raise WrongState("clock_set_back")


def _body(entry: Entry, actor: Actor) -> tuple[bytes, str]:
    """The details; of a stand-in's act also for whom it acted."""
    body = dict(entry.body or {}) | ({"for": actor.on_behalf_of} if actor.on_behalf_of else {})
    if entry.body is None and not body:
        return b"", ""
    return secrets.token_bytes(16), json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _row(session: Session, entry: Entry, *, actor: Actor, seq: int, stamp: str, prev: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": stamp,
        "actor_ref": actor.id,
        "actor_role": actor.role.value,
        "org_ref": actor.org_id or "",
        "action": entry.action,
        "object_ref": entry.object_ref,
        "subject_ref": subject_ref(session, entry.subject),
        "purpose": entry.purpose,
        "decision": entry.decision,
        "rule_id": entry.rule_id,
        "fields": ",".join(entry.fields),
        "consent_ref": entry.consent_ref,
        "request_id": actor.request_id,
        "body_commit": "",
        "prev": prev,
    }


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of ``0x00 ‖ prev ‖ canonical JSON array of the fields``."""
    return _hash_of(tuple(row[name] for name in FIELDS))


def _hash_of(values: Sequence[Any]) -> str:
    """The same of the values of `FIELDS`: the number, then texts only. One joined text is what `json.dumps` would say
    of the list, at a third of its cost; anything but a text, which no row of ours holds, raises TypeError."""
    canonical = f"[{values[0]:d},{','.join(map(encode_basestring, values[1:]))}]"
    return sha256(f"\x00{values[-1]}{canonical}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: `bad_seq` is the first bad row (0: none), `fault` says what is wrong with it."""

    rows: int
    bad_seq: int = 0
    fault: str = ""


def verify(session: Session) -> Verdict:
    """Recompute the whole chain, the commitments and the head; O(rows), constant memory.

    Stops at the first bad row: a gap in the numbers, a broken link, a changed field, a body that no longer fits its
    commitment, a missing body, a head that does not name the last row.
    """
    expected, prev = 0, GENESIS
    for row in session.execute(_READ_ALL):
        expected += 1
        fault = _fault(row, expected=expected, prev=prev)
        if fault:
            return Verdict(rows=expected, bad_seq=expected, fault=fault)
        prev = row[_HASH]
    head = session.execute(select(_head.c.seq, _head.c.hash)).one_or_none()
    if head is None or (head[0], head[1]) != (expected, prev):
        return Verdict(rows=expected, bad_seq=expected + 1, fault="the head does not name the last row")
    return Verdict(rows=expected)


def stream(session: Session) -> Iterator[Mapping[str, Any]]:
    """Every row in order, with the salt and body behind its commitment; constant memory."""
    for row in session.execute(_READ_ALL):
        yield dict(zip(READ, row, strict=True))


_PREV, _COMMIT, _HASH = len(FIELDS) - 1, len(FIELDS) - 2, len(FIELDS)


def _fault(row: Sequence[Any], *, expected: int, prev: str) -> str:
    """What is wrong with one row of `READ`."""
    if row[0] != expected:
        return f"row {expected} is missing"
    if row[_PREV] != prev:
        return "the row does not continue the chain"
    try:
        if _hash_of(row[:_HASH]) != row[_HASH]:
            return "a field of the row was changed"
        return _fault_of_body(row[_COMMIT], row[-2], row[-1])
    except TypeError:
        return "a field of the row is of another kind"


def _fault_of_body(commit: str, salt: bytes, body: str | None) -> str:
    if bool(commit) != (body is not None):
        return "the body behind the row is missing or was added"
    if body is not None and sha256(bytes(salt) + body.encode()).hexdigest() != commit:
        return "the body behind the row was changed"
    return ""


def newest(session: Session, *, action: str = "", offset: int, limit: int) -> list[AuditRow]:
    """A page of the chain, the newest rows first; `action` narrows it."""
    statement = select(AuditRow).order_by(col(AuditRow.seq).desc()).offset(offset).limit(limit)
    if action:
        statement = statement.where(col(AuditRow.action) == action)
    return list(session.scalars(statement))


def count(session: Session, *, action: str = "") -> int:
    """How many rows there are; without `action` the head knows."""
    if not action:
        return int(session.execute(select(col(AuditHead.seq))).scalar_one())
    return int(session.execute(select(func.count()).where(col(AuditRow.action) == action)).scalar_one())


def actions(session: Session) -> list[str]:
    """The kinds of act in the chain."""
    return list(session.scalars(select(col(AuditRow.action)).distinct().order_by(col(AuditRow.action))))
