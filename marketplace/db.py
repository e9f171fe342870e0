"""The database door: engine, sessions, transactions, and the few column types that both engines need.

Enters: a database address (embedded SQLite or PostgreSQL). Leaves: a `Database` that hands out sessions. A reading
session starts a deferred transaction; a writing one takes SQLite's write lock at once (BEGIN IMMEDIATE), so that what
is checked in a transaction is still true when it commits. Edges commit; rooms only flush.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Engine,
    Index,
    MetaData,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy import Enum as SaEnum
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel

from marketplace.errors import Conflict, DomainError

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata
T = TypeVar("T")
R = TypeVar("R")
_ASKED = 500


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on both engines; a naive one is refused, because nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time, store the rest in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was written: hand in an aware UTC time")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone: give it back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(kind: type[Enum], *, index: bool = False, nullable: bool = False) -> Column[Any]:
    """A column that stores an enum by its value, with a CHECK behind it."""
    stored = SaEnum(
        kind,
        values_callable=lambda values: [item.value for item in values],
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
    )
    return Column(stored, index=index, nullable=nullable)


def moment(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """A column for an aware UTC time."""
    return Column(UtcDateTime(), nullable=nullable, index=index)


def check(name: str, condition: str) -> CheckConstraint:
    """A named CHECK; its full name is ``ck_<table>_<name>``."""
    return CheckConstraint(condition, name=name)


def unique_where(name: str, *columns: str, where: str) -> Index:
    """A unique index over the rows that fulfil `where`, on both engines."""
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


def new_id() -> str:
    """A random 128-bit id, 26 characters."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Database:
    """One engine and what its sessions carry (`info`: the vault of sealed fields, settings of the rooms)."""

    def __init__(self, url: str, *, info: Mapping[str, Any] | None = None) -> None:
        self.engine: Engine = create_engine(
            _driver(url), hide_parameters=True, pool_pre_ping=not url.startswith("sqlite")
        )
        self.info: dict[str, Any] = dict(info or {})
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _on_sqlite_connect)
            event.listen(self.engine, "begin", _on_sqlite_begin)
        self._writer = self.engine.execution_options(writes=True)

    def session(self, *, writes: bool = False) -> Session:
        """A new session; the caller closes it, and commits if it writes."""
        session = Session(self._writer if writes else self.engine, expire_on_commit=False)
        session.info.update(self.info)
        return session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One writing transaction: commit at the end, roll back on any error; a broken constraint is a Conflict."""
        with self.session(writes=True) as session:
            try:
                yield session
                session.commit()
            except IntegrityError as error:
                session.rollback()
                raise conflict_of(error) from error
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that never commits."""
        with self.session() as session:
            yield session

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, `size` at a time: what one statement or one transaction takes."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def lock_rows(
    session: Session, kind: type[SQLModel], *where: ColumnElement[bool], shared: bool = False, keyless: bool = False
) -> None:
    """Lock the rows of one table that fulfil all conditions, in the order of their ids, until the transaction ends;
    `shared`: only against being deleted or locked, as a row that refers to them does; `keyless`: against another lock,
    but rows that refer to them may be written meanwhile. The embedded database lets one writer in at a time: nothing is
    asked there."""
    if session.get_bind().dialect.name != "sqlite":
        key = inspect(kind).primary_key[0]
        locked = select(key).where(*where).order_by(key).with_for_update(read=shared, key_share=shared or keyless)
        session.execute(locked).all()


def lock_keys(
    session: Session, kind: type[SQLModel], ids: Iterable[str], /, *, shared: bool = False, keyless: bool = False
) -> None:
    """The same for rows by their ids."""
    for some in chunks(sorted(set(ids)), _ASKED):
        lock_rows(session, kind, inspect(kind).primary_key[0].in_(some), shared=shared, keyless=keyless)


def locked_rows(session: Session, kind: type[T], ids: Iterable[str], /, *, keyless: bool = False) -> list[T]:
    """These rows in the order of their ids, read anew and locked until the transaction ends; `keyless` as above."""
    key: Any = inspect(kind).primary_key[0]
    rows = select(kind).order_by(key).with_for_update(key_share=keyless).execution_options(populate_existing=True)
    return [row for some in chunks(sorted(set(ids)), _ASKED) for row in session.scalars(rows.where(key.in_(some)))]


@contextmanager
def remembering(session: Session) -> Iterator[None]:
    """While it lasts, `remembered` asks each question of the database once: for one act over many rows, about what that
    act does not change itself. An act within another remembers for itself, and what the outer one knew before is asked
    again after it: the inner one may have changed it."""
    outer: dict[Hashable, Any] | None = session.info.get("remembered")
    session.info["remembered"] = {}
    try:
        yield
    finally:
        if outer is None:
            del session.info["remembered"]
        else:
            outer.clear()
            session.info["remembered"] = outer


def remembered(session: Session, key: Hashable, ask: Callable[[], T], /, *, fresh: bool = False) -> T:
    """The answer to a question, from memory where it was asked before in the same act; `fresh` asks it anew. Outside
    such an act every question is asked."""
    kept: dict[Hashable, Any] | None = session.info.get("remembered")
    if kept is None:
        return ask()
    if fresh or key not in kept:
        kept[key] = ask()
    found: T = kept[key]
    return found


def flush(session: Session) -> None:
    """Send the pending changes to the database; a broken constraint is a Conflict, named."""
    try:
        session.flush()
    except IntegrityError as error:
        raise conflict_of(error) from error


def one_by_one(
    database: Database, refs: Iterable[R], act: Callable[[Session, R], int], /, *, failed: Callable[[R, str], None]
) -> int:
    """Do something with each, in a transaction of its own; how many times it did something. What a rule or the database
    refuses now is told to `failed` with the name of the error, and the others go on."""
    done = 0
    for ref in refs:
        try:
            with database.transaction() as session:
                done += act(session, ref)
        except (DomainError, OperationalError) as error:
            failed(ref, type(error).__name__)
    return done


def conflict_of(error: IntegrityError) -> Conflict:
    """The domain error of a broken constraint: its name if the engine tells it, never the values."""
    diagnostics = getattr(error.orig, "diag", None)
    name = getattr(diagnostics, "constraint_name", None) or str(error.orig).split("\n")[0]
    return Conflict("conflict", constraint=name.removeprefix("CHECK constraint failed: ")[:120])


def _driver(url: str) -> str:
    """PostgreSQL is reached by psycopg 3 whatever spelling the address uses."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
