"""Backup and restore: the whole database as one compressed file of JSON lines, the same for both engines.

Enters: an open database and a path. Leaves: a file that either engine can restore, or a restored database whose row
counts, counters and audit chain were checked before the commit. Sealed fields stay sealed and no key of the settings
is in the file: keep the keys apart from it. Called by the commands `shanqiao backup` and `shanqiao restore`.

The file: a header (format, schema revision, rows of each table, columns), chunks ``[table, rows]`` in an order that
foreign keys accept, and an end line, without which the file counts as torn.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import IO, Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Date, LargeBinary, Table, delete, func, insert, inspect, select, update
from sqlalchemy import Enum as SaEnum
from sqlmodel import Session

from marketplace.db import Database, UtcDateTime
from marketplace.migrations import config_for, upgrade
from marketplace.migrations.tables import metadata
from marketplace.migrations.triggers import COUNTED
from marketplace.reports import standing
from marketplace.sealed import Sealed, SealedType

FORMAT = 1
CHUNK = 1000
HEAD = "audit_head"
"""The one table that the migration fills: restored by an update."""
KEPT_BY_TRIGGERS = "need_standing"
"""Rows that triggers write while others are restored: they give way to those of the backup."""


class BackupError(ValueError):
    """A file or a database is not fit for what was asked; the sentence says why."""


def write_backup(database: Database, file: Path, /) -> dict[str, int]:
    """Write everything as of one moment; return the rows of each table. An existing file is refused."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BackupError(f"{file} exists: name a new file") from error
    with os.fdopen(handle, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as out, _snapshot(database) as view:
        counts = {table.name: _count(view, table) for table in metadata.sorted_tables}
        columns = {table.name: [column.name for column in table.columns] for table in metadata.sorted_tables}
        _put(out, {"format": FORMAT, "revision": _revision(database), "rows": counts, "columns": columns})
        for table in metadata.sorted_tables:
            for rows in _chunks(view, table):
                _put(out, [table.name, rows])
        _put(out, {"end": True})
    return counts


def restore_backup(
    database: Database, file: Path, /, *, then: Callable[[Session], object] | None = None
) -> dict[str, int]:
    """Fill an empty database; return the rows of each table. `then` is what must be done before anybody comes in: it
    shares the one commit.

    Everything is checked before the one commit: each table's rows, the counters that the ledger's triggers made anew,
    and the audit chain.
    """
    _refuse_filled(database)
    upgrade(database.engine)
    lines = _lines(file)
    header: Any = next(lines, None)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BackupError(f"{file} is not a backup of this product")
    if header["revision"] != _revision(database):
        raise BackupError(f"{file} was made at schema {header['revision']}: restore it with that version, then upgrade")
    with database.transaction() as session:
        _fill(session, lines, header=header)
        _check(session, header["rows"])
        if then is not None:
            then(session)
    counts: dict[str, int] = header["rows"]
    return counts


def _fill(session: Session, lines: Iterator[Any], *, header: dict[str, Any]) -> None:
    counted: dict[str, dict[str, int]] = {table: {} for table, _ in COUNTED}
    standing: list[list[dict[str, Any]]] = []
    ended = False
    for line in lines:
        if isinstance(line, dict):
            ended = True
            continue
        name, values = line
        rows = _rows(metadata.tables[name], header["columns"][name], values)
        if name == HEAD:
            head = rows[0]
        elif name in counted:
            counted[name].update({row["id"]: row["committed_units"] for row in rows if row["committed_units"]})
            rows = [{**row, "committed_units": 0} for row in rows]
        if name == KEPT_BY_TRIGGERS:
            standing.append(rows)
        elif name != HEAD:
            session.execute(insert(metadata.tables[name]), rows)
    if not ended:
        raise BackupError("the backup is torn: its end is missing")
    if head["seq"]:
        session.execute(update(metadata.tables[HEAD]).values(**{name: head[name] for name in ("seq", "hash", "at")}))
    _stand_as_then(session, standing)
    for name, wanted in counted.items():
        _check_counters(session, metadata.tables[name], wanted)


def _stand_as_then(session: Session, chunks: list[list[dict[str, Any]]]) -> None:
    """How needs stood, as the backup has it, and the next number after it (PostgreSQL counts by a sequence)."""
    table = metadata.tables[KEPT_BY_TRIGGERS]
    session.execute(delete(table))
    for rows in chunks:
        session.execute(insert(table), rows)
    if session.get_bind().dialect.name == "postgresql":
        newest = select(func.coalesce(func.max(table.c.seq), 0) + 1)
        sequence = func.pg_get_serial_sequence(KEPT_BY_TRIGGERS, "seq")
        session.execute(select(func.setval(sequence, newest.scalar_subquery(), False)))


def _check_counters(session: Session, table: Table, wanted: dict[str, int]) -> None:
    """The triggers counted every ledger row anew: they must come to what the backup says."""
    statement = select(table.c.id, table.c.committed_units).where(table.c.committed_units != 0)
    if {row[0]: row[1] for row in session.execute(statement)} != wanted:
        raise BackupError(f"the ledger of the backup does not add up to the units committed in {table.name}")


def _check(session: Session, counts: dict[str, int]) -> None:
    for name, wanted in counts.items():
        found = _count(session.connection(), metadata.tables[name])
        if found != wanted:
            raise BackupError(f"{name}: {found} rows restored, {wanted} in the backup")
    verdict = standing.verify(session)
    if verdict.bad_seq:
        raise BackupError(f"the history of the backup breaks at row {verdict.bad_seq}: {verdict.fault}")


def _refuse_filled(database: Database) -> None:
    with database.engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        filled = [
            table.name
            for table in metadata.sorted_tables
            if table.name in present and table.name != HEAD and _count(connection, table)
        ]
    if filled:
        raise BackupError(f"the database is not empty ({filled[0]} has rows): restore into a new one")


def _snapshot(database: Database) -> Connection:
    """A connection that sees one moment: SQLite's reading transaction does, PostgreSQL's must be told."""
    if database.engine.dialect.name == "sqlite":
        return database.engine.connect()
    return database.engine.connect().execution_options(isolation_level="REPEATABLE READ")


def _revision(database: Database) -> str:
    return ScriptDirectory.from_config(config_for(database.engine)).get_current_head() or ""


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _chunks(view: Connection, table: Table) -> Iterator[list[list[Any]]]:
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=CHUNK)
    for part in view.execute(statement).partitions(CHUNK):
        yield [[_plain(value) for value in row] for row in part]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Sealed | bytes):
        return base64.b64encode(value.envelope if isinstance(value, Sealed) else value).decode()
    return value


def _rows(table: Table, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    readers = [(name, _reader(table.c[name].type)) for name in columns]
    return [
        {name: None if value is None else read(value) for (name, read), value in zip(readers, row, strict=True)}
        for row in values
    ]


def _reader(kind: Any) -> Callable[[Any], Any]:
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, SealedType):
        return lambda text: Sealed(base64.b64decode(text))
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    if isinstance(kind, SaEnum) and kind.enum_class is not None:
        return kind.enum_class
    return lambda value: value


def _put(out: IO[str], line: Any) -> None:
    out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def _lines(file: Path) -> Iterator[Any]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)
    except FileNotFoundError as error:
        raise BackupError(f"{file} does not exist") from error
    except (EOFError, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BackupError(f"{file} is torn or is not a backup") from error
