"""A checked upload between its check and its confirmation: rows and faults in one sealed blob.

What enters: a `Checked` and the room's counts of what confirming it would do. What leaves: an `ImportBatch` row, and
later its rows again. The rooms' imports call it; each step is an audit row. The blob goes when the batch is closed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.intake.checking import Checked, CheckedRow
from marketplace.intake.models import ImportBatch, ImportKind, ImportState
from marketplace.intake.values import Fault, Stage
from marketplace.sealed import vault_of

_BLOB = "import"
MOST_NAMED = 15
NOTHING_MORE: Mapping[str, int] = {}


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


class Found(Protocol):
    """What a room found by comparing rows with what it knows: what confirming would do, and rows that do not fit."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The exact counts that a person confirms."""

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows that contradict what is known; with one of them nothing can be confirmed."""


def source_name(name: str, /) -> str:
    """The short name under which whoever sends a list is known. BadInput names its mend."""
    if not name or len(name) > 32 or not name.replace("-", "").replace("_", "").isalnum():
        raise BadInput("bad_source", field="source")
    return name


def keep_found(
    session: Session,
    checked: Checked,
    found: Found,
    /,
    *,
    kind: ImportKind,
    file_name: str,
    data: bytes,
    source: str,
    actor: Actor,
    now: datetime,
    more: Mapping[str, int] = NOTHING_MORE,
) -> tuple[ImportBatch, Checked]:
    """Keep a table that a room has compared with what it knows; faults of that take the place of the rows. `more` are
    counts of the room's own beside those of `found`."""
    if found.faults:
        checked = Checked(total=checked.total, rows=[], faults=list(found.faults), ignored=checked.ignored)
    batch = keep_batch(
        session,
        checked,
        kind=kind,
        file_name=file_name,
        data=data,
        source=source,
        counts={**found.counts, **more},
        actor=actor,
        now=now,
    )
    return batch, checked


def refuse_changes(batch: ImportBatch, found: Found, /, *, more: Mapping[str, int] = NOTHING_MORE) -> None:
    """Raise Conflict unless confirming would still do exactly what was shown; rows that no longer fit are named."""
    numbers = sorted({fault.row for fault in found.faults})
    if numbers:
        raise Conflict("import_changed", rows=" / ".join(map(str, numbers[:MOST_NAMED])))
    if {**found.counts, **more} != counts_of(batch):
        raise Conflict("import_changed")


def drop_upload(session: Session, batch_id: str, /, *, kind: ImportKind, actor: Actor, now: datetime) -> None:
    """Forget a checked upload of the actor's; the caller has asked the policy."""
    batch = get_batch(session, batch_id, kind=kind, actor=actor)
    close_batch(session, batch, state=ImportState.DROPPED, actor=actor, now=now)


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
