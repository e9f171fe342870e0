"""Write the one migration anew from the models (docs/adr/0006). Called by hand after a table changed: `make tables`.

Enters: every room's models. Leaves: marketplace/migrations/versions/0001_first_tables.py: Alembic's own rendering of
an empty SQLite database against the models, followed by the audit chain's head and the triggers.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from marketplace.migrations.tables import metadata

TARGET = Path(__file__).parent.parent / "marketplace" / "migrations" / "versions" / "0001_first_tables.py"
HEAD = re.compile(r"\A.*?def upgrade\(\) -> None:\n", re.DOTALL)
TAIL = re.compile(r"    op\.execute\(\"INSERT INTO audit_head.*\Z", re.DOTALL)


def main() -> None:
    """Keep what stands before the first table and after the last one; write the tables between them."""
    old = TARGET.read_text(encoding="utf-8")
    head, tail = HEAD.search(old), TAIL.search(old)
    if head is None or tail is None:
        raise SystemExit(f"{TARGET.name} has no upgrade() or no audit head: restore it first")
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection)
        ops = produce_migrations(context, metadata).upgrade_ops
        assert ops is not None
        body = render_python_code(ops, render_as_batch=True, migration_context=context)
    body = "\n".join(line.rstrip() for line in body.splitlines() if "# ###" not in line)
    TARGET.write_text(f"{head.group()}    {body.strip()}\n{tail.group()}", encoding="utf-8")
    subprocess.run(["git", "diff", "--stat", "--", str(TARGET)], check=False)


if __name__ == "__main__":
    main()
