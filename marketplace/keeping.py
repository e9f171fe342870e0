"""What an operator does for the keys and the log: move to a new key, write the log out, run a witness.

Enters: plain values that a command read. Leaves: a ring with one epoch more and every person's key under it, a file
with the whole log, a serving witness. Called by `marketplace.cli` only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.config import ConfigError
from marketplace.db import Database
from marketplace.keyring import Ring, new_key, read_ring, write_ring
from marketplace.sealed import PersonKey, Vault
from marketplace.trail.models import AuditCheckpoint
from marketplace.trail.service import newest_checkpoint, whole_note
from marketplace.trail.witness import Witness, server

BATCH = 1000


def add_epoch(file: Path, /) -> Ring:
    """A fresh key for the next epoch, written into the ring; the older ones stay until nothing is under them."""
    ring = read_ring(file)
    moved = Ring({**ring.keys, ring.epoch + 1: new_key()}, index=ring.index)
    write_ring(file, moved)
    return moved


def rewrap(database: Database, ring: Ring, /, *, suite: int, now: datetime) -> int:
    """Wrap every person's key under the ring's newest key, in small transactions; return how many were moved."""
    vault = Vault(ring.newest, epoch=ring.epoch, older=ring.keys, root=ring.index, suite=suite)
    moved = 0
    while True:
        with database.transaction() as session:
            session.info["vault"] = vault
            some = vault.rewrap(session, limit=BATCH)
            if some:
                entry = audit.Entry("key:rewrap", rule_id=f"epoch-{ring.epoch}", body={"keys": some})
                audit.record(session, entry, actor=SYSTEM, now=now)
        moved += some
        if not some:
            return moved


def drop_old(database: Database, file: Path, /) -> Ring:
    """Take the older epochs out of the ring. Refused while any person's key is still under one of them."""
    ring = read_ring(file)
    with database.reading() as session:
        behind = session.exec(select(PersonKey.epoch).where(col(PersonKey.epoch) != ring.epoch)).first()
    if behind is not None:
        raise ConfigError(f"a person's key is still under epoch {behind}: run `shanqiao keys rotate --resume` first")
    kept = Ring({ring.epoch: ring.newest}, index=ring.index)
    write_ring(file, kept)
    return kept


def export_log(session: Session, file: Path, /) -> int:
    """Write every row of the chain, one a line, and the head last; beside it the checkpoints. Returns the rows.

    `shanqiao-verify log` reads it. The rows name nobody; bodies hold codes and whole numbers.
    """
    rows = 0
    with file.open("x", encoding="utf-8") as stream:
        for row in audit.stream(session):
            rows += 1
            salt = None if row["salt"] is None else bytes(row["salt"]).hex()
            line = [*(row[name] for name in audit.FIELDS), row["hash"], salt, row["body"]]
            stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        head = session.exec(select(audit.AuditHead.seq, audit.AuditHead.hash)).one()
        stream.write(json.dumps({"seq": head[0], "hash": head[1]}) + "\n")
    newest = session.exec(select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)).first()
    checkpoint = newest_checkpoint(session) or newest  # the newest that enough witnesses have seen, if there is one
    if checkpoint is not None:
        file.with_suffix(".checkpoint").write_text(whole_note(session, checkpoint), encoding="utf-8")
    return rows


def run_witness(
    folder: Path, /, *, name: str, log: str, host: str, port: int, say: Callable[[str], None], address: str = ""
) -> None:
    """Serve one witness until it is stopped; first it says what to write into SHANQIAO_WITNESSES: its key and the
    address under which the house reaches it, or, without one, where it listens."""
    witness = Witness(folder, name=name, log=log)
    door = server(witness, host=host, port=port)
    try:
        say(f"{witness.verifier_key()} {address or f'http://{host}:{door.server_port}'}")
        door.serve_forever()
    except KeyboardInterrupt:
        door.server_close()
