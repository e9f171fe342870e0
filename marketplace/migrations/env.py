"""Alembic's entry: run the migrations on the engine that `upgrade` hands in."""

from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript

from marketplace.migrations.tables import metadata

LOCK = 5001


def _drop_empty(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    script = directives[0]
    if script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    """One transaction for all steps; of several machines that start at once, one migrates and the others wait."""
    engine = context.config.attributes["engine"]
    with engine.execution_options(writes=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            process_revision_directives=_drop_empty if context.config.cmd_opts else None,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
