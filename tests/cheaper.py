"""What thousands of small houses of one process can share: called once by the suite's conftest, before collection.

A test opens a house of its own, so that nothing leaks from one test to the next. What does not depend on the house is
worked out once and kept: compiled templates, catalogues of words, compressed assets, routes, SQL statements, what a
default takes, the schema of an empty embedded database, and a password's hash, as quick here as it can be.
"""

from __future__ import annotations

import atexit
import gzip
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from pydantic._internal import _fields
from sqlalchemy import Engine, event
from werkzeug.routing import Rule

from marketplace import app, backup, db, wiring
from marketplace.accounts import passwords, service
from marketplace.migrations import upgrade
from marketplace.web import assets, catalogues

STATEMENTS = 4000
"""Compiled statements that all houses of one kind of database keep together."""


def make_houses_cheaper() -> None:
    """Put the shared things in place."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    catalogues._compile = _once_for_all_folders(catalogues._compile)
    assets.gzip = SimpleNamespace(compress=cache(gzip.compress))  # type: ignore[assignment]
    app.find_spec, app.import_module = cache(app.find_spec), cache(app.import_module)  # type: ignore[assignment]
    Rule.compile = _once_for_all_apps(Rule.compile)  # type: ignore[method-assign]
    db.create_engine = _with_shared_statements()
    _fields.takes_validated_data_argument = cache(_fields.takes_validated_data_argument)  # type: ignore[assignment]
    wiring.upgrade = backup.upgrade = Schema(Path(tempfile.mkdtemp(prefix="shanqiao-schema-")))
    service.HASHER = passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    service._NOBODY = service.HASHER.hash("nobody has this password")


class Compiled(BytecodeCache):
    """Templates as they were compiled for an earlier app of this process: the next app need not do it again."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hand it back, if there is one."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Schema:
    """Brings an embedded database without a table to the newest version by copying the first one made so."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "empty.db"
        atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def __call__(self, engine: Engine) -> None:
        """As `migrations.upgrade`."""
        file = Path(engine.url.database or ":memory:")
        fresh = engine.dialect.name == "sqlite" and file.parent.is_dir() and _holds_nothing(file)
        if fresh and self._kept.exists():
            if file.exists():  # somebody may hold it open: copied in a transaction
                with closing(sqlite3.connect(self._kept)) as kept, closing(sqlite3.connect(file)) as into:
                    kept.backup(into)
            else:
                shutil.copy(self._kept, file)
            return
        upgrade(engine)
        if fresh and file.exists() and not self._kept.exists():
            engine.dispose()
            with sqlite3.connect(file) as made:
                made.execute("VACUUM INTO ?", (str(self._kept),))
            made.close()


def _holds_nothing(file: Path) -> bool:
    """Is there no table yet? A file that was only looked into is there without any."""
    if not file.exists():
        return True
    with closing(sqlite3.connect(file)) as opened:
        return opened.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _once_for_all_folders(compile_words: Callable[[list[Path], Path], None]) -> Callable[[list[Path], Path], None]:
    """Files of words that have not changed give the catalogue that they gave for the first folder."""
    kept: dict[tuple[Any, ...], bytes] = {}

    def compiled(files: list[Path], out: Path) -> None:
        key = (out.parent.parent.name, *((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))
        if key in kept:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(kept[key])
            return
        compile_words(files, out)
        kept[key] = out.read_bytes()

    return compiled


def _once_for_all_apps(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """What a route's text means hangs on the text alone: it is worked out for the first app that has it."""
    kept: dict[tuple[Any, ...], Rule] = {}

    def compiled(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults), frozenset(rule.arguments))
        if (done := kept.get(key)) is None:
            compile_rule(rule)
            kept[key] = rule
            return
        rule._parts, rule._trace, rule._converters = done._parts, done._trace, done._converters
        rule.arguments = set(done.arguments)
        rule._build = done._build.__func__.__get__(rule, None)  # type: ignore[attr-defined]
        rule._build_unknown = done._build_unknown.__func__.__get__(rule, None)  # type: ignore[attr-defined]

    return compiled


def _with_shared_statements() -> Callable[..., Engine]:
    """`create_engine` whose engines of one kind share the dialect and thereby the statements compiled for it.

    The first engine that reached its database lends both: it knows what the database can do. The server of the tests
    ends no connection by itself: none is tried before each use.
    """
    lent: dict[str, tuple[Any, Any]] = {}

    def create(url: str, **words: Any) -> Engine:
        engine = sqlalchemy.create_engine(url, **{**words, "pool_pre_ping": False})
        kind = f"{engine.dialect.name}+{engine.dialect.driver}"
        if kind in lent:
            engine.dialect, engine._compiled_cache = lent[kind]
            engine.pool._dialect = engine.dialect
        else:
            engine._compiled_cache.capacity = STATEMENTS  # type: ignore[union-attr]
            own = (engine.dialect, engine._compiled_cache)
            event.listen(engine, "engine_connect", lambda _connection: lent.setdefault(kind, own))
        return engine

    return create
