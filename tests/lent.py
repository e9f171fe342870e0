"""PostgreSQL databases lent to one test after another: emptied in between, which is quicker than a new copy each time.

Enters: a server, and a migrated template in it. Leaves: addresses of databases in which each table holds what it holds
in the template and each sequence begins anew. A database that a test has changed otherwise (a trigger switched off, a
table more) or still holds a lock on is not lent again. Called by the suite's conftest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from marketplace.db import _driver

SHAPE = """
    SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint),
           (SELECT md5(string_agg(tgname || tgenabled::text, ',' ORDER BY oid)) FROM pg_trigger),
           (SELECT md5(string_agg(prosrc, ',' ORDER BY oid)) FROM pg_proc WHERE oid > 16384)
"""
PATIENCE = "SET lock_timeout = '1s'; SET session_replication_role = replica"
"""Rows are taken away past the triggers that keep them; a lock that a test left behind is not waited for."""


class Lent:
    """The databases of one worker."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template, self._numbers = server, template, count()
        self._free: list[_House] = []
        self._admin = create_engine(_driver(server), isolation_level="AUTOCOMMIT")

    @contextmanager
    def house(self) -> Iterator[str]:
        """The address of an empty migrated database, the borrower's own until the end."""
        house = self._free.pop() if self._free else _House(self.new())
        yield house.url
        if house.emptied():
            self._free.append(house)
        else:
            house.close()

    def close(self) -> None:
        """Let go of all connections."""
        for house in self._free:
            house.close()
        self._admin.dispose()

    def new(self) -> str:
        """The address of a new copy of the template, for good."""
        name = f"house_{id(self)}_{next(self._numbers)}"
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY = FILE_COPY")
        return named(self._server, name)


class _House:
    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: Engine = create_engine(_driver(url), isolation_level="AUTOCOMMIT", pool_size=1)
        with self._engine.connect() as connection:
            names = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            tables = connection.exec_driver_sql(names).scalars().all()
            self._look = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in tables)
            self._kept = {table: _rows(connection, table) for table in self._full(connection)}
            self._shape = connection.exec_driver_sql(SHAPE).one()

    def close(self) -> None:
        self._engine.dispose()

    def _full(self, connection: Connection) -> list[str]:
        return list(connection.exec_driver_sql(self._look).scalars())

    def emptied(self) -> bool:
        """Bring the rows back to the template's; False where that cannot be done or something else is changed."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(PATIENCE)
                if connection.exec_driver_sql(SHAPE).one() != self._shape:
                    return False
                self._empty(connection)
                return True
        except DBAPIError:
            return False

    def _empty(self, connection: Connection) -> None:
        for table in self._full(connection):
            kept = self._kept.get(table, [])
            if kept and _rows(connection, table) == kept:
                continue
            connection.exec_driver_sql(f"DELETE FROM {table}")
            for row in kept:
                places = ", ".join(["%s"] * len(row))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})", row)
        begun = "SELECT setval(quote_ident(sequencename)::regclass, start_value, false) FROM pg_sequences"
        connection.exec_driver_sql(f"{begun} WHERE last_value IS NOT NULL")


def _rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]


def named(server: str, name: str) -> str:
    """The address of another database of the same server."""
    head, question, tail = server.partition("?")
    return head.rsplit("/", 1)[0] + "/" + name + question + tail
