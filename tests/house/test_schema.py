"""The migrated database is the one that the models describe, on both engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from marketplace.db import Database
from marketplace.migrations import triggers, upgrade
from marketplace.migrations.tables import metadata
from tests.lent import named

pytestmark = pytest.mark.both_engines

ROOT = Path(__file__).parents[2]


def test_migrations_and_models_describe_the_same_tables(shared_database: Database) -> None:
    with shared_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_constraint_has_a_name_that_an_error_can_carry(shared_database: Database) -> None:
    for table in metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints), table.name
    with shared_database.engine.connect() as connection:
        for table in ("need", "offer"):
            names = {str(found["name"]) for found in inspect(connection).get_check_constraints(table)}
            assert any("committed" in name for name in names), f"{table}: {names}"


def test_the_migration_made_every_trigger(shared_database: Database) -> None:
    dialect = shared_database.engine.dialect.name
    wanted = {
        statement.split()[2] for statement in triggers.statements(dialect) if statement.startswith("CREATE TRIGGER")
    }
    source = "sqlite_master WHERE type = 'trigger'" if dialect == "sqlite" else "pg_trigger WHERE NOT tgisinternal"
    name = "name" if dialect == "sqlite" else "tgname"
    with shared_database.reading() as session:
        found = {row[0] for row in session.execute(text(f"SELECT {name} FROM {source}"))}
    assert wanted <= found


@pytest.mark.postgres
def test_machines_that_start_together_migrate_once_and_all_come_up(postgres_server: str) -> None:
    admin = Database(postgres_server)
    with admin.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE started_together")
    admin.close()
    start = "import sys, marketplace.db as d, marketplace.migrations as m; m.upgrade(d.Database(sys.argv[1]).engine)"
    words = [sys.executable, "-c", start, named(postgres_server, "started_together")]
    machines = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    complaints = [machine.communicate(timeout=300)[1] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0, 0], complaints


def test_migrating_again_changes_nothing(shared_database: Database) -> None:
    upgrade(shared_database.engine)
    upgrade(shared_database.engine)
