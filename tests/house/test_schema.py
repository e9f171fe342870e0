"""The migrated database is the one that the models describe, on both engines."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from marketplace.db import Database
from marketplace.migrations import triggers, upgrade
from marketplace.migrations.tables import metadata


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


def test_migrating_again_changes_nothing(shared_database: Database) -> None:
    upgrade(shared_database.engine)
    upgrade(shared_database.engine)
