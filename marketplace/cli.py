"""The command line: thin commands over the functions of the rooms.

Enters: arguments, and the settings from the environment. Leaves: what the function did, in one or a few lines; exit 0
when all is well, 1 when a check found a fault, 2 with one line when something is missing or unsafe.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from marketplace import audit, operations, serving, wiring
from marketplace.actors import SYSTEM, Role
from marketplace.backup import BackupError, restore_backup, write_backup
from marketplace.config import ConfigError, Settings, from_environment, refuse_demo
from marketplace.db import Database
from marketplace.demo import command as demonstration
from marketplace.errors import DomainError
from marketplace.ledger import commands as aid
from marketplace.ledger.given import aid_to_tell
from marketplace.needs import commands as needs
from marketplace.offers import commands as offers

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Shanqiao 善桥: verified needs meet charitable resources.",
)
out = Console(highlight=False)
keys = typer.Typer(no_args_is_help=True, help="Keys of an installation.")
account = typer.Typer(no_args_is_help=True, help="Accounts of staff, givers and auditors.")
chain = typer.Typer(no_args_is_help=True, help="The audit chain.")
bring = typer.Typer(no_args_is_help=True, help="Bring in files.")
pull = typer.Typer(no_args_is_help=True, help="Fetch from the systems of departments.")
for name, group in (("keys", keys), ("account", account), ("audit", chain), ("import", bring), ("pull", pull)):
    app.add_typer(group, name=name)


@contextmanager
def house() -> Iterator[tuple[Settings, Database]]:
    """The settings of the environment and their database, open and at the newest version."""
    settings = from_environment()
    database = wiring.open_database(settings)
    try:
        yield settings, database
    finally:
        database.close()


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    worker: Annotated[bool, typer.Option(help="Do background work in this process too.")] = True,
) -> None:
    """Serve the pages."""
    from marketplace.app import create_app

    _log()
    with house() as (settings, database):
        application = create_app(settings, database=database)
        helper = wiring.worker_of(database, settings) if worker else None
        typer.echo(f"http://{host}:{port}")
        serving.serve(application, host=host, port=port, worker=helper, trusted_proxy=settings.trusted_proxy)


@app.command()
def work() -> None:
    """Do background work only: runs of the allocator and the sending of notices."""
    _log()
    with house() as (settings, database):
        serving.work(wiring.worker_of(database, settings))


@app.command()
def migrate() -> None:
    """Bring the database to the newest version."""
    with house():
        typer.echo("the database is at the newest version")


@keys.command("new")
def keys_new(folder: Path) -> None:
    """Write two fresh key files into FOLDER and say which variables name them."""
    secret, kek = operations.new_keys(folder)
    typer.echo(f"SHANQIAO_SECRET_KEY_FILE={secret.resolve()}\nSHANQIAO_KEK_FILE={kek.resolve()}")
    typer.echo("Keep a copy of both apart from the backups: without them no sealed field can be opened.", err=True)


@account.command("add")
def account_add(
    login: str,
    role: Annotated[str, typer.Option(help="Such as verifier, approver, charity_manager, auditor.")],
    name: Annotated[str, typer.Option(help="The name that colleagues see.")],
    org: Annotated[str, typer.Option(help="The credit code of a giver's organisation.")] = "",
    district: Annotated[list[str] | None, typer.Option(help="A district served; none means the whole city.")] = None,
) -> None:
    """Add one account; the password is asked, or read from standard input."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    with house() as (_, database), database.transaction() as session:
        made = operations.add_account(
            session,
            login,
            role=role,
            name=name,
            credit_code=org,
            districts=district or [],
            password=password,
            now=wiring.utc_now(),
        )
    typer.echo(f"account {made.login} added as {made.role.value}")


@app.command()
def demo(
    size: Annotated[str, typer.Option(help="small (2,000 households) or city (100,000 needs)")] = "small",
    seed: Annotated[int, typer.Option(help="The same seed makes the same city and the same plan")] = 7,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Print the result and stop")] = False,
    instance: Annotated[Path, typer.Option(help="Folder of the demo that is served")] = Path("instance/demo"),
) -> None:
    """Make a synthetic city, run the whole job on it, print the result, and serve it."""
    if size not in demonstration.SIZES:
        raise typer.BadParameter(f"{size} is not a size: write small or city", param_hint="--size")
    refuse_demo()
    try:
        with demonstration.folder(None if once else instance) as place:
            settings = demonstration.settings_for(place, seed=seed, port=port)
            report = demonstration.play(settings, size=size, seed=seed, now=demonstration.now_utc())
            _print_demo(report)
            if not once:
                out.print(f"善桥 Shanqiao: {settings.base_url}  (Ctrl+C 结束 · to stop)")
                demonstration.serve(settings, port=port)
    except demonstration.NotADemoFolder as error:
        raise typer.BadParameter(str(error), param_hint="--instance") from error


@chain.command("verify")
def audit_verify() -> None:
    """Recompute the audit chain; name the first bad row and exit 1 if there is one."""
    with house() as (_, database), database.reading() as session:
        verdict = audit.verify(session)
    if verdict.bad_seq:
        typer.echo(f"row {verdict.bad_seq}: {verdict.fault}")
        raise typer.Exit(1)
    typer.echo(f"{verdict.rows} rows, unbroken")


@bring.command("needs")
def import_needs(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    login: Annotated[str, typer.Option("--as", help="Who answers for this list; needless with one verifier.")] = "",
    source: Annotated[
        str, typer.Option(help="Whose list it is; the same name finds its rows again.")
    ] = "civil-affairs",
    mapping: Annotated[Path | None, typer.Option(exists=True, help="TOML: columns, constants, values.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and tell, store nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Store without asking.")] = False,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Check a table of needs, tell exactly what storing it would do, and store it when somebody agrees."""
    with house() as (_, database):
        with database.reading() as session:
            actor = operations.acting(session, login, role=Role.VERIFIER)
        code = needs.import_needs(
            database,
            file,
            source=source,
            mapping=mapping,
            dry_run=dry_run,
            actor=actor,
            now=wiring.utc_now(),
            lang=lang,
            say=typer.echo,
            agree=lambda: yes or typer.confirm("保存？ Store this?"),
        )
    raise typer.Exit(code)


@bring.command("offers")
def import_offers(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    org: Annotated[str, typer.Option(help="The giver's unified social credit code.")],
    mapping: Annotated[Path | None, typer.Option(exists=True, help="TOML: columns, constants, values.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and tell, store nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Store without asking.")] = False,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Check a giver's table of resources, tell exactly what storing it would do, and store it when somebody agrees."""
    with house() as (_, database):
        code = offers.import_offers(
            database,
            file,
            org=org,
            mapping=mapping,
            dry_run=dry_run,
            actor=SYSTEM,
            now=wiring.utc_now(),
            lang=lang,
            say=typer.echo,
            agree=lambda: yes or typer.confirm("保存？ Store this?"),
        )
    raise typer.Exit(code)


@bring.command("aid")
def import_aid(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="Whose aid it is; the same name finds its rows again.")],
    seen_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The file tells all since then.")],
    login: Annotated[str, typer.Option("--as", help="Who answers for this list; needless with one verifier.")] = "",
    mapping: Annotated[Path | None, typer.Option(exists=True, help="TOML: columns, constants, values.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and tell, store nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Store without asking.")] = False,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Check a table of past aid, tell what it covers, and store it when somebody agrees."""
    with house() as (_, database):
        with database.reading() as session:
            actor = operations.acting(session, login, role=Role.VERIFIER)
        code = aid.import_aid(
            database,
            file,
            source=source,
            seen_from=seen_from.date(),
            mapping=mapping,
            dry_run=dry_run,
            actor=actor,
            now=wiring.utc_now(),
            lang=lang,
            say=typer.echo,
            agree=lambda: yes or typer.confirm("保存？ Store this?"),
        )
    raise typer.Exit(code)


@pull.command("needs")
def pull_needs(
    source: Annotated[str, typer.Option(help="The registry's name in our records.")] = "civil-affairs",
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Pull new needs from the civil-affairs registry, then tell it back states and aid given."""
    with house() as (settings, database):
        code = needs.pull_needs(
            database,
            wiring.registry_of(settings),
            source=source,
            actor=SYSTEM,
            clock=wiring.utc_now,
            aid_to_tell=aid_to_tell,
            lang=lang,
            say=typer.echo,
        )
    raise typer.Exit(code)


@app.command()
def backup(file: Path) -> None:
    """Write the whole database into FILE, as of this moment; the keys are not in it."""
    with house() as (_, database):
        counts = write_backup(database, file)
    typer.echo(f"{sum(counts.values())} rows of {len(counts)} tables in {file}")


@app.command()
def restore(file: Path) -> None:
    """Fill an empty database from FILE, and check rows, counters and the audit chain before the commit."""
    database = wiring.database_of(from_environment())
    try:
        counts = restore_backup(database, file)
    finally:
        database.close()
    typer.echo(f"{sum(counts.values())} rows of {len(counts)} tables restored; the audit chain is unbroken")


def _log() -> None:
    """Services write their log to standard error; who keeps it is the host's matter."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


def main(arguments: list[str] | None = None) -> None:
    """The console script: known faults become one line."""
    try:
        app(args=arguments)
    except (ConfigError, operations.OperatorError, BackupError, DomainError) as error:
        _refuse(str(error))
    except OperationalError as error:
        _refuse(f"the database does not answer: {type(error.orig).__name__}")


def _print_demo(report: demonstration.Report) -> None:
    found = report.result
    table = Table("", "结果 Result", title="善桥 Shanqiao")
    table.columns[1].justify = "right"
    for words, value in (
        ("需求 needs", found.needs),
        ("资源 resources", found.resources),
        ("建议 proposed", found.proposed),
        ("批准 approved", found.approved),
        ("送达 delivered", found.delivered),
        ("家庭确认 confirmed", found.confirmed),
        ("通知 notices", found.notices),
        ("暂未得到 still at zero", found.unserved),
        ("审计记录 audit rows", found.audit_rows),
    ):
        table.add_row(words, f"{value:,}")
    table.add_row("证明 certificate", found.status)
    table.add_row("证明差距 certificate gap", f"{found.gap:.6%}" if found.gap else "0")
    table.add_row("方案 plan", found.plan_sha256[:16])
    out.print(table)
    spent = "  ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    out.print(f"秒 seconds: {spent}  合计 total {sum(report.seconds.values()):.1f}")
    out.print(f"内存峰值 peak memory: {report.peak_mb:,} MB")


def _refuse(sentence: str) -> None:
    typer.echo(f"shanqiao: {sentence}", err=True)
    raise SystemExit(2)
