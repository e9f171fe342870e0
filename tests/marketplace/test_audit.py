"""The audit chain: what it accepts, what it refuses, and what `verify` finds."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database

pytestmark = pytest.mark.both_engines

FORGED = (
    "INSERT INTO audit_row SELECT 9, at, actor_ref, actor_role, org_ref, action, object_ref, subject_ref, purpose,"
    " decision, rule_id, fields, consent_ref, request_id, body_commit, prev, hash FROM audit_row WHERE seq = 3"
)


def _append(session: Session, now: datetime, count: int = 3) -> None:
    entries = [
        audit.Entry("need:verify", object_ref=f"need-{i}", subject=f"household-{i}", body={"units": i})
        for i in range(count)
    ]
    audit.record_many(session, entries, actor=SYSTEM, now=now)


def test_a_chain_of_acts_verifies(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        _append(session, now)
        assert audit.record(session, audit.Entry("run:start", object_ref="run-1"), actor=SYSTEM, now=now) == 4
    with database.reading() as session:
        assert audit.verify(session) == audit.Verdict(rows=4)


DEPUTY = Actor(id="deputy", role=Role.APPROVER, on_behalf_of="head")


@pytest.mark.parametrize(
    ("body", "actor", "stored"),
    [
        (None, SYSTEM, None),
        ({}, SYSTEM, "{}"),
        ({"zh": "米", "a": 1}, SYSTEM, '{"a":1,"zh":"米"}'),
        (None, DEPUTY, '{"for":"head"}'),
        ({"units": 3}, DEPUTY, '{"for":"head","units":3}'),
    ],
)
def test_details_are_kept_letter_by_letter_behind_a_salt_of_their_own(
    sqlite_database: Database, now: datetime, body: dict[str, object] | None, actor: Actor, stored: str | None
) -> None:
    with sqlite_database.transaction() as session:
        for _ in range(2):
            audit.record(session, audit.Entry("need:verify", body=body), actor=actor, now=now)
        kept = session.exec(select(audit.AuditBody).order_by(audit.AuditBody.seq)).all()
        rows = session.exec(select(audit.AuditRow).order_by(audit.AuditRow.seq)).all()
        assert audit.verify(session) == audit.Verdict(rows=2)
    assert [one.body for one in kept] == ([] if stored is None else [stored, stored])
    assert [len(one.salt) for one in kept] == [16] * len(kept)
    assert len({row.body_commit for row in rows}) == (1 if stored is None else 2), "equal details look different"
    assert all(bool(row.body_commit) == (stored is not None) for row in rows)


def test_rows_are_counted_paged_and_named_by_their_act(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        assert audit.record_many(session, (), actor=SYSTEM, now=now) == 0
        _append(session, now)
        audit.record(session, audit.Entry("run:start"), actor=SYSTEM, now=now)
        assert audit.actions(session) == ["need:verify", "run:start"]
        assert (audit.count(session), audit.count(session, action="need:verify")) == (4, 3)
        assert [row.seq for row in audit.newest(session, offset=1, limit=2)] == [3, 2]
        assert [row.seq for row in audit.newest(session, action="need:verify", offset=0, limit=9)] == [3, 2, 1]


def test_a_rolled_back_act_leaves_no_row(database: Database, now: datetime) -> None:
    with database.session(writes=True) as session:
        _append(session, now)
        session.rollback()
    with database.reading() as session:
        assert audit.verify(session) == audit.Verdict(rows=0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_row SET action = 'x' WHERE seq = 2",
        "DELETE FROM audit_row WHERE seq = 3",
        "UPDATE audit_head SET seq = 1",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (id, seq, hash) VALUES (2, 0, '')",
        "UPDATE audit_body SET body = '{}' WHERE seq = 1",
        FORGED,
    ],
)
def test_the_database_refuses_to_rewrite_history(database: Database, now: datetime, statement: str) -> None:
    with database.transaction() as session:
        _append(session, now)
    with pytest.raises(DBAPIError), database.session(writes=True) as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE audit_row SET action = 'x' WHERE seq = 2", 2),
        ("UPDATE audit_row SET prev = 'x' WHERE seq = 3", 3),
        ("DELETE FROM audit_row WHERE seq = 2", 2),
        ("DELETE FROM audit_row WHERE seq = 3", 3),
        ("DELETE FROM audit_row WHERE seq = 4", 4),
        ("UPDATE audit_body SET body = '{\"units\":9}' WHERE seq = 2", 2),
        ("DELETE FROM audit_body WHERE seq = 1", 1),
        ("INSERT INTO audit_body VALUES (4, x'00', '{}')", 4),
        ("UPDATE audit_row SET action = x'00' WHERE seq = 2", 2),
        ("UPDATE audit_row SET hash = x'00' WHERE seq = 3", 3),
        ("UPDATE audit_body SET salt = 'x' WHERE seq = 2", 2),
        ("UPDATE audit_head SET hash = 'x'", 5),
    ],
)
def test_verify_names_the_first_bad_row(sqlite_database: Database, now: datetime, statement: str, seq: int) -> None:
    with sqlite_database.transaction() as session:
        _append(session, now)
        audit.record(session, audit.Entry("run:start"), actor=SYSTEM, now=now)
    with sqlite_database.engine.connect() as raw:
        raw.exec_driver_sql("COMMIT")
        raw.exec_driver_sql("PRAGMA foreign_keys=OFF")
        for (name,) in raw.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.exec_driver_sql(f"DROP TRIGGER {name}")
        raw.exec_driver_sql(statement)
        raw.exec_driver_sql("BEGIN")
    with sqlite_database.reading() as session:
        verdict = audit.verify(session)
    assert verdict.bad_seq == seq
    assert verdict.fault


def test_what_is_hashed_is_what_json_says_of_the_fields(sqlite_database: Database, now: datetime) -> None:
    odd = 'a"b\\c/\n\t\x00\x1f\x7f 米 \u2028 😀'
    with sqlite_database.transaction() as session:
        audit.record(session, audit.Entry(odd[:40], object_ref=odd, fields=("a", odd)), actor=SYSTEM, now=now)
        (row,) = audit.stream(session)
        assert audit.verify(session) == audit.Verdict(rows=1)
    said = json.dumps([row[name] for name in audit.FIELDS], ensure_ascii=False, separators=(",", ":"))
    assert row["hash"] == sha256(b"\0" + row["prev"].encode() + said.encode()).hexdigest()


def test_no_subject_stands_in_the_chain_by_its_own_name(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        _append(session, now)
        stored = session.execute(text("SELECT subject_ref FROM audit_row")).scalars().all()
    assert all(len(ref) == 64 and "household" not in ref for ref in stored)
