"""Checkpoints, witnesses and the tool that stands alone: what is rewritten is seen; unwatched, nothing is disclosed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select
from typer.testing import CliRunner

import shanqiao_verify as verifier
from adapters.ports import TryAgainLater, WillNeverWork
from adapters.witness import HttpWitness
from marketplace import audit, cli, keeping
from marketplace.actors import SYSTEM, Role
from marketplace.app import create_app
from marketplace.backup import restore_backup, write_backup
from marketplace.config import Settings
from marketplace.credentials import receipts
from marketplace.credentials.verdicts import keys_of
from marketplace.db import Database
from marketplace.errors import Conflict, NotFound, WrongState
from marketplace.operations import after_restore
from marketplace.sealed import Vault
from marketplace.signing import checkpoint_key, log_name
from marketplace.trail import notes, service, tree
from marketplace.trail.keeper import Keeper
from marketplace.trail.models import AuditAlarm, AuditCheckpoint
from marketplace.trail.service import trust_file
from marketplace.trail.witness import Witness, server
from tests.marketplace import figures
from tests.marketplace.trust_scene import a_scene
from tests.pages.people import client_as

ROOT = Path(__file__).parents[2]
TIMES = figures.count(3, torture=50)
BETWEEN_CHECKPOINTS = 20


class Direct:
    """A door straight into a witness of this process."""

    def __init__(self, witness: Witness) -> None:
        self.witness, self.up = witness, True

    def add_checkpoint(self, old: int, *, proof: Sequence[bytes], note: str) -> str | int:
        """As over HTTP."""
        if not self.up:
            raise TryAgainLater("No reply came.", code="no_reply")
        steps = "".join(base64.b64encode(step).decode() + "\n" for step in proof)
        status, answer = self.witness.add(f"old {old}\n{steps}\n{note}")
        if status == 200:
            return answer
        if status == 409:
            return int(answer)
        raise WillNeverWork("It refuses.", code="fork" if status == 422 else "request_refused")


def _append(database: Database, now: datetime, count: int) -> None:
    with database.transaction() as session:
        entries = [audit.Entry("need:verify", object_ref=f"n{i}", body={"units": i}) for i in range(count)]
        audit.record_many(session, entries, actor=SYSTEM, now=now)


def _witnessed(
    database: Database, settings: Settings, folder: Path, clock: Callable[[], datetime]
) -> tuple[Keeper, list[Direct]]:
    """Two witnesses with keys of their own, and the keeper that shows them what it signs."""
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    doors = [
        Direct(Witness(folder / name, name=name, log=log, clock=lambda: clock().timestamp()))
        for name in ("audit-office", "federation")
    ]
    keys = {door.witness.verifier_key(): door for door in doors}
    settings = replace(settings, witnesses=tuple((key, "http://127.0.0.1") for key in keys))
    database.info["settings"] = settings
    return Keeper(database, keys, clock=clock), doors


@pytest.mark.threat("T35")
@pytest.mark.threat("T21")
def test_after_a_restore_nothing_is_disclosed_until_people_begin_a_new_log_with_new_witnesses(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    keeper, doors = _witnessed(sqlite_database, settings, tmp_path / "old", lambda: now)
    _append(sqlite_database, now, 5)
    write_backup(sqlite_database, tmp_path / "house.backup")
    _append(sqlite_database, now, 5)
    keeper.keep(now)
    with sqlite_database.reading() as session:
        given = service.proof_of_row(session, 1)
    info = dict(sqlite_database.info)
    restored = Database(f"sqlite:///{tmp_path / 'again.db'}", info=info)
    restore_backup(restored, tmp_path / "house.backup", then=lambda session: after_restore(session, now=now))
    Keeper(restored, keeper._witnesses, clock=lambda: now).keep(now)
    with restored.reading() as session:
        assert {alarm.code for alarm in session.exec(select(AuditAlarm))} == {"witness_ahead"}
        assert not service.audit_fresh(session, now)
    fresh, _doors = _witnessed(restored, settings, tmp_path / "new", lambda: now)
    _append(restored, now, 1)
    fresh.keep(now)
    with restored.reading() as session:
        assert service.audit_fresh(session, now)
        assert audit.verify(session).bad_seq == 0
        with pytest.raises(verifier.Refused, match="cosigned by 0 witnesses"):
            verifier.check_row(given, keys_of(session))
    left = tuple(key for key, _address in info["settings"].witnesses)
    restored.info["settings"] = replace(restored.info["settings"], former_witnesses=left)
    with restored.reading() as session:
        assert verifier.check_row(given, keys_of(session))[1].witnesses, "what was given out before still holds"
    newest = doors[0].witness.newest()
    assert newest is not None
    assert newest.size == 10, "the old witness keeps what it saw"
    restored.close()


def test_a_checkpoint_covers_every_row_and_both_witnesses_sign_it(
    database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    keeper, doors = _witnessed(database, settings, tmp_path, lambda: now)
    for count in (1, 299, 700):
        _append(database, now, count)
        keeper.keep(now)
    with database.reading() as session:
        newest = service.newest_checkpoint(session)
        assert newest is not None
        note = service.whole_note(session, newest)
        rows = [bytes.fromhex(row) for row in session.scalars(text("SELECT hash FROM audit_row ORDER BY seq"))]
        proofs = {seq: service.proof_of_row(session, seq) for seq in (1, 256, 257, 512, 999, 1000)}
        assert service.first_false_checkpoint(session) == 0
    found = verifier.check_checkpoint(
        note,
        log=notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG),
        witnesses=[door.witness.verifier_key() for door in doors],
        quorum=2,
    )
    assert (found.size, sorted(found.witnesses)) == (1000, ["audit-office", "federation"])
    assert found.root == tree.root(1000, tree.subtrees([tree.leaf_hash(row) for row in rows]))
    keys = _keys(database)
    for seq, proof in proofs.items():
        assert verifier.check_row(proof, keys)[0]["seq"] == seq


def _keys(database: Database) -> verifier.Keys:
    with database.reading() as session:
        return verifier.Keys.read(json.dumps(trust_file(service.settings_of(session))))


@pytest.mark.threat("T35")
def test_without_witnesses_for_a_quarter_of_an_hour_nothing_counts_as_fresh(
    database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    """T35: fresh at 14:59, stale at 15:00, fresh again once a witness has caught up; one witness is not enough."""
    clock = [now]
    keeper, doors = _witnessed(database, settings, tmp_path, lambda: clock[0])

    def fresh(at: datetime) -> bool:
        with database.reading() as session:
            return service.audit_fresh(session, at)

    assert not fresh(now), "nothing was ever witnessed"
    _append(database, now, 3)
    keeper.keep(now)
    assert fresh(now + timedelta(minutes=14, seconds=59))
    assert not fresh(now + timedelta(minutes=15))
    doors[1].up = False
    clock[0] = now + timedelta(minutes=10)
    keeper.keep(clock[0])
    assert not fresh(now + timedelta(minutes=15)), "one witness of two"
    doors[1].up = True
    clock[0] = now + timedelta(minutes=20)
    keeper.keep(clock[0])
    assert fresh(clock[0])
    assert not fresh(now - timedelta(hours=1)), "a clock that was set back"
    for ahead in (timedelta(days=30).total_seconds(), 2.0**60):
        doors[0].witness._clock = lambda ahead=ahead: clock[0].timestamp() + ahead
        doors[0].up, clock[0] = True, clock[0] + timedelta(minutes=40)
        keeper.keep(clock[0])
        doors[0].up, clock[0] = False, clock[0] + timedelta(minutes=1)
        keeper.keep(clock[0])
        assert not fresh(clock[0]), "one living witness, and the word of one whose clock ran ahead"


def test_with_no_witness_named_the_log_counts_as_fresh(database: Database, now: datetime) -> None:
    with database.reading() as session:
        assert service.audit_fresh(session, now)


def test_a_checkpoint_is_due_each_minute_or_each_thousand_rows(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    clock = [now]
    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: clock[0])

    def sizes() -> list[int]:
        with sqlite_database.reading() as session:
            return list(session.scalars(select(AuditCheckpoint.size).order_by(AuditCheckpoint.size)))  # type: ignore[arg-type]

    for seconds, rows, wanted in ((0, 5, [5]), (10, 5, [5]), (60, 0, [5, 10]), (70, 1000, [5, 10, 1010])):
        _append(sqlite_database, now, rows)
        clock[0] = now + timedelta(seconds=seconds)
        keeper()
        assert sizes() == wanted


def test_a_proof_is_handed_to_whom_the_row_is_about_and_to_nobody_else(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    with sqlite_database.transaction() as session:
        audit.record(session, audit.Entry("need:verify", subject="household-1"), actor=SYSTEM, now=now)
        audit.record(session, audit.Entry("run:start"), actor=SYSTEM, now=now)
        mine, other = (audit.subject_ref(session, f"household-{n}") for n in (1, 2))
    with sqlite_database.reading() as session, pytest.raises(WrongState, match="no_checkpoint_yet"):
        service.own_proof(session, 1, subjects={mine})
    keeper.keep(now)
    with sqlite_database.reading() as session:
        proof = service.own_proof(session, 1, subjects={mine})
        assert (proof["row"][0], len(proof["inclusion"])) == (1, 1)
        for seq, subject in ((1, other), (2, mine), (3, mine), (1, "")):
            with pytest.raises(NotFound):
                service.own_proof(session, seq, subjects={subject})
        with pytest.raises(NotFound):
            service.proof_of_row(session, 3)


def test_where_nothing_was_written_there_is_no_checkpoint_and_two_workers_make_one(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    keeper.keep(now)
    with sqlite_database.reading() as session:
        assert session.exec(select(AuditCheckpoint)).all() == []
    _append(sqlite_database, now, 3)

    def beaten(_session: object, *, now: datetime) -> None:
        raise Conflict("pk_audit_checkpoint")

    monkeypatch.setattr("marketplace.trail.keeper.make_checkpoint", beaten)
    keeper.keep(now)
    with sqlite_database.reading() as session:
        assert session.exec(select(AuditAlarm)).all() == []


@pytest.mark.threat("T21")
@pytest.mark.parametrize("lie", ["ahead", "never agrees", "another key"])
def test_a_witness_that_answers_nonsense_raises_one_alarm_and_signs_nothing(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path, lie: str
) -> None:
    keeper, doors = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    _append(sqlite_database, now, 3)
    honest, other = doors[0].add_checkpoint, doors[1]
    lies = {
        "ahead": lambda old, **shown: 99,
        "never agrees": lambda old, **shown: 1,
        "another key": lambda old, **shown: Direct(other.witness).add_checkpoint(old, **shown),
    }
    doors[0].add_checkpoint = lies[lie]  # type: ignore[assignment, method-assign]
    for _ in range(2):
        keeper.keep(now)
    with sqlite_database.reading() as session:
        alarm = session.exec(select(AuditAlarm)).one()
        assert (alarm.code, alarm.size) == ("witness_ahead" if lie == "ahead" else "bad_answer", 3)
        assert not service.audit_fresh(session, now), "one honest witness is not enough"
    doors[0].add_checkpoint = honest  # type: ignore[method-assign]
    keeper.keep(now)
    with sqlite_database.reading() as session:
        assert service.audit_fresh(session, now)


def test_rows_that_are_gone_give_no_root(sqlite_database: Database, settings: Settings, now: datetime) -> None:
    _append(sqlite_database, now, 3)
    with sqlite_database.reading() as session, pytest.raises(WrongState, match="audit_rows_missing"):
        service.subtree_of(session)(0, 7)


def test_the_public_page_of_a_log_without_a_checkpoint_and_the_auditor_s_of_a_rewritten_one(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    app = create_app(settings, database=sqlite_database)
    auditor = client_as(app, Role.AUDITOR)
    assert app.test_client().get("/trust/checkpoint.txt").status_code == 404
    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    keeper.keep(now)
    assert app.test_client().get("/trust/checkpoint.txt").text.count("\n— ") == 3
    assert "audit-office" in auditor.get("/audit/checkpoints").text
    assert auditor.post("/audit/checkpoints/check").status_code == 303
    raw = _open(Path(str(sqlite_database.engine.url.database)))
    raw.execute("UPDATE audit_checkpoint SET root = ?", ("0" * 64,))
    raw.close()
    asked = auditor.post("/audit/checkpoints/check", follow_redirects=True)
    assert "被改写" in asked.text


# --- rewriting history ------------------------------------------------------------------------------------------


@pytest.fixture
def log(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> tuple[Path, Path, Keeper, list[Direct]]:
    """A file with 60 rows, witnessed after every 20; the keys beside it; its keeper and witnesses."""
    keeper, doors = _witnessed(sqlite_database, settings, tmp_path / "witnesses", lambda: now)
    for _ in range(3):
        _append(sqlite_database, now, BETWEEN_CHECKPOINTS)
        keeper.keep(now)
    keys = tmp_path / "keys.json"
    with sqlite_database.reading() as session:
        keys.write_text(json.dumps(trust_file(service.settings_of(session))))
        newest = service.newest_checkpoint(session)
        assert newest is not None
        (tmp_path / "held.txt").write_text(service.whole_note(session, newest), encoding="utf-8")
    sqlite_database.close()
    file = Path(str(sqlite_database.engine.url.database))
    return file, keys, keeper, doors


def _open(file: Path) -> sqlite3.Connection:
    """What an administrator with the file can do: no trigger, no foreign key."""
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("PRAGMA foreign_keys=OFF")
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    return raw


def _run(*words: str | Path) -> tuple[int, str]:
    """The tool as an auditor runs it: isolated, from another folder, with nothing of the house on its path."""
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "shanqiao_verify.py"), *map(str, words)],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


Tamper = Callable[[sqlite3.Connection, int], int]


def _change_field(raw: sqlite3.Connection, seq: int) -> int:
    raw.execute("UPDATE audit_row SET actor_ref = 'nobody' WHERE seq = ?", (seq,))
    return seq


def _change_body(raw: sqlite3.Connection, seq: int) -> int:
    raw.execute("UPDATE audit_body SET body = '{\"units\":999}' WHERE seq = ?", (seq,))
    return seq


def _drop_body(raw: sqlite3.Connection, seq: int) -> int:
    raw.execute("DELETE FROM audit_body WHERE seq = ?", (seq,))
    return seq


def _drop_row(raw: sqlite3.Connection, seq: int) -> int:
    raw.execute("DELETE FROM audit_row WHERE seq = ?", (seq,))
    return seq


def _swap_rows(raw: sqlite3.Connection, seq: int) -> int:
    for old, new in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
        raw.execute("UPDATE audit_row SET seq = ? WHERE seq = ?", (new, old))
    return seq


def _change_and_rehash_one(raw: sqlite3.Connection, seq: int) -> int:
    """The next row no longer fits; the last row before a checkpoint shows already there, with all rows since the
    checkpoint before."""
    raw.execute("UPDATE audit_row SET action = 'x:y' WHERE seq = ?", (seq,))
    row = raw.execute(f"SELECT {', '.join(verifier.ROW)} FROM audit_row WHERE seq = ?", (seq,)).fetchone()
    raw.execute("UPDATE audit_row SET hash = ? WHERE seq = ?", (verifier.row_hash(row), seq))
    return seq + 1 if seq % BETWEEN_CHECKPOINTS else seq - BETWEEN_CHECKPOINTS + 1


def _forge_at_the_end(raw: sqlite3.Connection, seq: int) -> int:
    names = [name for name in verifier.ROW if name != "seq"]
    raw.execute(
        f"INSERT INTO audit_row (seq, hash, {', '.join(names)}) SELECT 61, hash, {', '.join(names)} "
        "FROM audit_row WHERE seq = ?",
        (seq,),
    )
    return 61


def _move_the_head(raw: sqlite3.Connection, seq: int) -> int:
    raw.execute("UPDATE audit_head SET seq = ?", (seq,))
    return 61


def _cut_the_end(raw: sqlite3.Connection, seq: int) -> int:
    """Truncate and set the head right: the chain alone would not see it."""
    raw.execute("DELETE FROM audit_row WHERE seq > ?", (seq,))
    raw.execute("DELETE FROM audit_body WHERE seq > ?", (seq,))
    raw.execute("UPDATE audit_head SET seq = ?, hash = (SELECT hash FROM audit_row WHERE seq = ?)", (seq, seq))
    return seq + 1


KINDS: tuple[Tamper, ...] = (
    _change_field,
    _change_body,
    _drop_body,
    _drop_row,
    _swap_rows,
    _change_and_rehash_one,
    _forge_at_the_end,
    _move_the_head,
    _cut_the_end,
)


@pytest.mark.threat("T20")
@pytest.mark.parametrize("tamper", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_each_of_nine_kinds_of_tampering_is_named_by_its_first_bad_row(
    log: tuple[Path, Path, Keeper, list[Direct]], tamper: Tamper, tmp_path: Path
) -> None:
    """T20: the tool reads the file as it lies on the disk and prints the first bad row."""
    file, keys, _, _ = log
    dice = random.Random(f"{tamper.__name__}{figures.seed() or ''}")
    for _ in range(TIMES):
        copy = tmp_path / "copy.db"
        shutil.copy(file, copy)
        raw = _open(copy)
        bad = tamper(raw, dice.randrange(2, 58))
        raw.close()
        code, out = _run("log", copy, "--keys", keys)
        assert code == 1, out
        assert f"row {bad}:" in out
    figures.keep(TIMES)


def _rehash(raw: sqlite3.Connection) -> None:
    """Change a row and compute the whole chain anew, head included: the chain verifies again."""
    raw.execute("UPDATE audit_row SET actor_ref = 'nobody' WHERE seq = 7")
    prev = verifier.GENESIS
    for seq, *rest in raw.execute(f"SELECT {', '.join(verifier.ROW)} FROM audit_row ORDER BY seq").fetchall():
        row = [seq, *rest[:-1], prev]
        before, prev = prev, verifier.row_hash(row)
        raw.execute("UPDATE audit_row SET prev = ?, hash = ? WHERE seq = ?", (before, prev, seq))
    raw.execute("UPDATE audit_head SET hash = ?", (prev,))


@pytest.mark.threat("T20")
def test_a_history_hashed_anew_is_seen_only_through_checkpoints_held_elsewhere(
    log: tuple[Path, Path, Keeper, list[Direct]], settings: Settings, tmp_path: Path
) -> None:
    """T20: the attacker has the file and even the log's own key; the chain holds, the held checkpoint does not."""
    file, keys, keeper, doors = log
    raw = _open(file)
    _rehash(raw)
    for table in ("audit_cosignature", "audit_checkpoint", "audit_node"):
        raw.execute(f"DELETE FROM {table}")
    raw.close()
    code, out = _run("log", file, "--keys", keys)
    assert (code, "NOT WITNESSED" in out) == (0, True), "the chain alone is blind to it, and says so"
    code, out = _run("log", file, "--keys", keys, "--checkpoint", tmp_path / "held.txt")
    assert code == 1
    assert "they were rewritten" in out
    info = {"vault": Vault(settings.kek), "settings": keeper._database.info["settings"]}
    rewritten = Database(f"sqlite:///{file}", info=info)
    try:
        later = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
        _append(rewritten, later, 1)
        Keeper(rewritten, keeper._witnesses, clock=lambda: later).keep(later)
        with rewritten.reading() as session:
            assert {alarm.code for alarm in session.exec(select(AuditAlarm))} == {"fork"}
            assert service.newest_checkpoint(session) is None
            assert not service.audit_fresh(session, later)
    finally:
        rewritten.close()
    for door in doors:
        kept = [path.read_text() for path in (tmp_path / "witnesses").glob("*/evidence/*.txt")]
        assert door.witness.newest() is not None
        assert len(kept) == 2
        assert all("seen before:" in found and "shown then:" in found for found in kept)


@pytest.mark.threat("T20")
def test_the_house_itself_sees_a_rewriting_against_the_checkpoints_it_keeps(
    log: tuple[Path, Path, Keeper, list[Direct]], settings: Settings
) -> None:
    file, _, keeper, _ = log
    raw = _open(file)
    _rehash(raw)
    raw.close()
    database = Database(f"sqlite:///{file}", info=dict(keeper._database.info))
    try:
        with database.reading() as session:
            assert audit.verify(session).bad_seq == 0
            assert service.first_false_checkpoint(session) == 20
    finally:
        database.close()


def test_an_export_verifies_and_a_changed_line_does_not(
    log: tuple[Path, Path, Keeper, list[Direct]], tmp_path: Path
) -> None:
    _, keys, keeper, _ = log
    file = tmp_path / "log.jsonl"
    with keeper._database.reading() as session:
        assert keeping.export_log(session, file) == 60
    code, out = _run("log", file, "--keys", keys, "--checkpoint", file.with_suffix(".checkpoint"))
    assert (code, "60 rows, unbroken" in out, "1 checkpoints agree" in out) == (0, True, True)
    assert "witnessed up to row 60" in out
    lines = file.read_text(encoding="utf-8").replace('"need:verify"', '"need:refuse"', 1)
    file.write_text(lines, encoding="utf-8")
    code, out = _run("log", file, "--keys", keys)
    assert (code, "row 1:" in out) == (1, True)


def test_a_row_of_business_without_its_act_is_named(
    log: tuple[Path, Path, Keeper, list[Direct]], tmp_path: Path
) -> None:
    file, keys, _, _ = log
    raw = _open(file)
    raw.execute("INSERT INTO audit_body (seq, salt, body) VALUES (900, x'00', '{}')")
    raw.close()
    code, out = _run("log", file, "--keys", keys)
    assert (code, "audit_body names row 900" in out) == (1, True)


# --- witnesses --------------------------------------------------------------------------------------------------


def _note(settings: Settings, size: int, root: bytes) -> str:
    name, key = log_name(settings), checkpoint_key(settings)
    body = notes.body_of(name, size, root)
    return notes.note(body, notes.signature(name, key, body))


@pytest.mark.threat("T21")
def test_a_second_branch_is_refused_and_kept_as_evidence(settings: Settings, tmp_path: Path) -> None:
    """T21: a log that shows two histories convicts itself with its own signatures."""
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    witness = Witness(tmp_path, name="w", log=log)
    one = tree.subtrees([tree.leaf_hash(bytes([n])) for n in range(9)])
    two = tree.subtrees([tree.leaf_hash(bytes([n, 1])) for n in range(9)])
    assert witness.add(f"old 0\n\n{_note(settings, 5, tree.root(5, one))}")[0] == 200
    assert witness.add(f"old 0\n\n{_note(settings, 5, tree.root(5, one))}") == (409, "5\n")
    assert witness.add(f"old 5\n\n{_note(settings, 5, tree.root(5, two))}")[0] == 422
    steps = "".join(base64.b64encode(step).decode() + "\n" for step in tree.consistency(5, 9, two))
    assert witness.add(f"old 5\n{steps}\n{_note(settings, 9, tree.root(9, two))}")[0] == 422
    assert witness.add(f"old 9\n\n{_note(settings, 3, tree.root(3, one))}")[0] == 400
    assert len(list((tmp_path / "evidence").iterdir())) == 2
    again = Witness(tmp_path, name="w", log=log)
    assert again.verifier_key() == witness.verifier_key()
    steps = "".join(base64.b64encode(step).decode() + "\n" for step in tree.consistency(5, 9, one))
    assert again.add(f"old 5\n{steps}\n{_note(settings, 9, tree.root(9, one))}")[0] == 200


def test_a_witness_keeps_only_so_much_evidence(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that goes on lying must not fill the witness's disk."""
    monkeypatch.setattr("marketplace.trail.witness.MOST_EVIDENCE", 2)
    witness = Witness(
        tmp_path, name="w", log=notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    )
    for number in range(5):
        rows = tree.subtrees([tree.leaf_hash(bytes([n, number])) for n in range(3)])
        answer = witness.add(f"old {3 if number else 0}\n\n{_note(settings, 3, tree.root(3, rows))}")
        assert answer[0] == (422 if number else 200)
    assert len(list((tmp_path / "evidence").iterdir())) == 2


@pytest.mark.parametrize(
    "request_text", ["", "old", "old x\n\nnote", "old 0\nnot base64!\n\nnote", "old -1\n\nx", "new 0\n\nx"]
)
def test_a_witness_answers_nonsense_without_falling_over(settings: Settings, tmp_path: Path, request_text: str) -> None:
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    assert Witness(tmp_path, name="w", log=log).add(request_text)[0] == 400


def test_a_checkpoint_of_another_log_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = replace(settings, checkpoint_key=hashlib.sha256(b"another").digest())
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    assert Witness(tmp_path, name="w", log=log).add(f"old 0\n\n{_note(other, 5, bytes(32))}")[0] == 403


def test_no_changed_letter_of_a_checkpoint_is_accepted(settings: Settings) -> None:
    log, good = (
        notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG),
        _note(settings, 5, bytes(32)),
    )
    verifier.check_checkpoint(good, log=log)
    for at, letter in enumerate(good):
        changed = good[:at] + ("A" if letter != "A" else "B") + good[at + 1 :]
        with pytest.raises(verifier.Refused):
            verifier.check_checkpoint(changed, log=log)


@pytest.fixture
def outside(settings: Settings, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A witness as a process of its own, run by the command; (verifier key, address)."""
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    words = ["witness", "--state", str(tmp_path / "outside"), "--log", log, "--name", "outside", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", f"from marketplace.cli import main; main({words!r})"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    key, _, address = process.stdout.readline().strip().partition(" ")
    yield key, address
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


def test_a_witness_says_under_which_address_the_house_reaches_it(settings: Settings, tmp_path: Path) -> None:
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        raise KeyboardInterrupt

    outer = "https://witness.example"
    for address in ("", outer):
        keeping.run_witness(tmp_path, name="outside", log=log, host="127.0.0.1", port=0, say=say, address=address)
    (key, inner), again = (line.split() for line in lines)
    assert inner.startswith("http://127.0.0.1:")
    assert again == [key, outer]
    words = ["witness", "--state", str(tmp_path), "--log", log, "--name", "outside", "--address", "witness.example"]
    refused = CliRunner().invoke(cli.app, words)
    assert (refused.exit_code, "begins with https://" in refused.output) == (2, True)


def test_a_witness_of_another_process_signs_over_http(
    sqlite_database: Database, settings: Settings, outside: tuple[str, str]
) -> None:
    key, address = outside
    now = datetime.now(UTC)
    _append(sqlite_database, now, 300)
    keeper = Keeper(sqlite_database, {key: HttpWitness(address)}, clock=lambda: now)
    keeper.keep(now)
    _append(sqlite_database, now, 33)
    keeper.keep(now)
    with sqlite_database.reading() as session:
        newest = service.newest_checkpoint(session)
        assert newest is not None
        note = service.whole_note(session, newest)
    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    assert verifier.check_checkpoint(note, log=log, witnesses=[key], quorum=1).size == 333
    door = HttpWitness("http://127.0.0.1:9")
    with pytest.raises(TryAgainLater):
        door.add_checkpoint(0, proof=(), note=note)
    with pytest.raises(WillNeverWork):
        HttpWitness(address).add_checkpoint(0, proof=(), note="no note")


# --- receipts ---------------------------------------------------------------------------------------------------


def test_every_event_of_a_consent_gets_a_receipt_that_the_tool_confirms(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    from marketplace.consent import service as consent

    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now)
        consent.withdraw(session, scene.given.chain_id, actor=scene.own, now=now)
        assert receipts.give_due(session, now=now) == 0, "no checkpoint covers them yet"
    keeper.keep(now)
    desk = receipts.Desk(sqlite_database, clock=lambda: now)
    desk()
    keys = tmp_path / "keys.json"
    with sqlite_database.reading() as session:
        given = receipts.list_of_household(session, scene.household.id)
        keys.write_text(json.dumps(trust_file(service.settings_of(session))))
        assert receipts.due(session) == []
    assert sorted(receipt.event for receipt in given) == ["granted", "revoked"]
    for receipt in given:
        assert "王小明" not in json.dumps(
            verifier.strict_json(verifier.unbase64url(receipt.jws.split(".")[1])), ensure_ascii=False
        )
        file = tmp_path / f"{receipt.event}.jws"
        file.write_text(receipt.jws)
        code, out = _run("receipt", file, "--keys", keys)
        assert (code, f"{receipt.event}: consent {scene.given.chain_id}" in out) == (0, True), out
        assert "witness audit-office" in out
        file.write_text(receipt.jws[:-8] + "AAAAAAAA")
        assert _run("receipt", file, "--keys", keys)[0] == 1


def test_a_receipt_that_tells_of_another_consent_does_not_hold(
    sqlite_database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    """Even the issuer's key cannot make a receipt for an act that the log does not hold."""
    from marketplace.credentials import tokens
    from marketplace.signing import issuer_key

    keeper, _ = _witnessed(sqlite_database, settings, tmp_path, lambda: now)
    with sqlite_database.transaction() as session:
        a_scene(session, now)
    keeper.keep(now)
    with sqlite_database.transaction() as session:
        receipts.give_due(session, now=now)
    with sqlite_database.reading() as session:
        [jws] = session.scalars(text("SELECT jws FROM consent_receipt"))
    keys, payload = _keys(sqlite_database), verifier.strict_json(verifier.unbase64url(jws.split(".")[1]))
    assert verifier.check_receipt(jws, keys)
    other = {**payload["record"]["recipient"], "name": "别的机构"}
    later = {"recipient": other}, {"valid_to": "2099-01-01T00:00:00+00:00"}, {"mode": "store"}, {"excluded": 3}
    first = {"fields": ["name", "phone", "address"]}, {"state": "revoked"}, {"version": 2}, {"purpose": "JOB"}
    for change in (*first, *later):
        record = {**payload["record"], **change}
        lie = {**payload, "record": record, "record_sha256": verifier.record_hash(record)}
        forged = tokens.sign(lie, typ=tokens.RECEIPT, key=issuer_key(settings, "500103"))
        with pytest.raises(verifier.Refused, match="the row"):
            verifier.check_receipt(forged, keys)


def test_the_witness_server_bounds_what_it_reads(settings: Settings, tmp_path: Path) -> None:
    import requests

    log = notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG)
    witness = Witness(tmp_path, name="w", log=log)
    door = server(witness, host="127.0.0.1", port=0)
    thread = threading.Thread(target=door.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{door.server_port}"
    try:
        with requests.Session() as calls:
            assert calls.get(f"{base}/key", timeout=5).text.strip() == witness.verifier_key()
            assert calls.get(f"{base}/other", timeout=5).status_code == 404
            assert calls.post(f"{base}/other", data=b"x", timeout=5).status_code == 404
            assert calls.post(f"{base}/add-checkpoint", data=b"\xff\xfe", timeout=5).status_code == 400
            assert calls.post(f"{base}/add-checkpoint", data=b"", timeout=5).status_code == 413
            assert calls.post(f"{base}/add-checkpoint", data=b"old 0\n\nx", timeout=5).status_code == 403
    finally:
        door.shutdown()
        door.server_close()
        thread.join(timeout=5)
