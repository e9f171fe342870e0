"""A checked upload between its check and its confirmation: rows and faults in one sealed blob.

What enters: a `Checked` and the room's counts of what confirming it would do. What leaves: an `ImportBatch` row, and
later its rows again. The rooms' imports call it; each step is an audit row. The blob goes when the batch is closed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import new_id
from marketplace.errors import NotFound, WrongState
from marketplace.intake.checking import Checked, CheckedRow
from marketplace.intake.models import ImportBatch, ImportKind, ImportState
from marketplace.intake.values import Fault, Stage
from marketplace.sealed import vault_of

_BLOB = "import"


def keep_batch(
    session: Session,
    checked: Checked,
    /,
    *,
    kind: ImportKind,
    file_name: str,
    data: bytes,
    source: str,
    counts: Mapping[str, int],
    actor: Actor,
    now: datetime,
) -> ImportBatch:
    """Keep a checked upload, faulty or not, until a person decides; `counts` says what confirming would do."""
    content = {
        "rows": [(row.number, dict(row.values), list(row.held)) for row in checked.rows],
        "faults": [(f.row, f.column, f.shown, f.code, dict(f.params), int(f.stage)) for f in checked.faults],
    }
    packed = zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), level=1)
    batch = ImportBatch(
        id=new_id(),
        kind=kind,
        file_name=file_name.replace("\\", "/").rsplit("/", 1)[-1][:120],
        file_sha256=sha256(data).hexdigest(),
        source=source,
        org_id=actor.org_id,
        counts={**counts, "rows": checked.total, "faults": len(checked.faults)},
        payload=vault_of(session).seal_blob(_BLOB, packed),
        created_by=actor.id,
        created_at=now,
    )
    session.add(batch)
    session.flush()
    _record(session, batch, "import:check", actor=actor, now=now)
    return batch


def get_batch(session: Session, batch_id: str, /, *, kind: ImportKind, actor: Actor) -> ImportBatch:
    """The actor's batch of this kind; another organisation's looks like none."""
    batch = session.get(ImportBatch, batch_id)
    if batch is None or batch.kind is not kind or batch.org_id != actor.org_id:
        raise NotFound("not_found")
    return batch


def rows_of(session: Session, batch: ImportBatch) -> list[CheckedRow]:
    """The rows of an open batch without faults, ready to be stored; WrongState otherwise."""
    if batch.state is not ImportState.CHECKED or batch.payload is None:
        raise WrongState("import_closed")
    if batch.counts.get("faults"):
        raise WrongState("import_faulty")
    return [CheckedRow(number, values, tuple(held)) for number, values, held in _content(session, batch)["rows"]]


def faults_of(session: Session, batch: ImportBatch) -> list[Fault]:
    """The faults of an open batch; empty once it is closed."""
    if batch.payload is None:
        return []
    found = _content(session, batch)["faults"]
    return [Fault(row, column, value, code, params, Stage(stage)) for row, column, value, code, params, stage in found]


def close_batch(
    session: Session,
    batch: ImportBatch,
    /,
    *,
    state: ImportState,
    actor: Actor,
    now: datetime,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Mark an open batch as confirmed (with what was really done) or dropped, and destroy its blob."""
    if batch.state is not ImportState.CHECKED:
        raise WrongState("import_closed")
    batch.state, batch.payload, batch.done_at = state, None, now
    if counts is not None:
        batch.counts = {**batch.counts, **counts}
    session.flush()
    _record(session, batch, "import:confirm" if state is ImportState.CONFIRMED else "import:drop", actor=actor, now=now)


def counts_of(batch: ImportBatch) -> dict[str, int]:
    """The counts that a person confirms: without the totals of the file."""
    return {name: count for name, count in batch.counts.items() if name not in ("rows", "faults")}


def _content(session: Session, batch: ImportBatch) -> dict[str, list[list[Any]]]:
    packed = vault_of(session).open_blob(_BLOB, batch.payload or b"")
    content: dict[str, list[list[Any]]] = json.loads(zlib.decompress(packed))
    return content


def _record(session: Session, batch: ImportBatch, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"kind": batch.kind.value, **batch.counts}
    audit.record(session, audit.Entry(action, object_ref=batch.id, body=body), actor=actor, now=now)
