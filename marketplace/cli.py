"""The command line: thin commands over the functions of the rooms.

Enters: arguments, and the settings from the environment. Leaves: what the function did, in one or a few lines; exit 0
when all is well, 1 when a check found a fault, 2 with one line when something is missing or unsafe.
"""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from marketplace import law, logins, operations, serving, trust, wiring
from marketplace.backup import BackupError, restore_backup, write_backup
from marketplace.calendar import local_day, utc_now
from marketplace.config import ConfigError, from_environment, refuse_demo
from marketplace.demo import command as demonstration
from marketplace.errors import DomainError
from marketplace.keyring import KeyFileError
from marketplace.ledger.explain import explain
from marketplace.operations import after_restore, house
from marketplace.proposals.replay import hand_out, replay
from marketplace.tables import bring, pull
from marketplace.watching import warning

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Shanqiao 善桥: verified needs meet charitable resources.",
)
out = Console(highlight=False)
runs = typer.Typer(no_args_is_help=True, help="Runs of the allocator.")
rules = typer.Typer(no_args_is_help=True, help="Rules against helping twice.")
for name, group in (
    ("keys", trust.keys),
    ("account", logins.account),
    ("audit", trust.chain),
    ("import", bring),
    ("pull", pull),
    ("run", runs),
    ("overlap", rules),
    ("incident", law.incident),
    ("warning", warning),
):
    app.add_typer(group, name=name)
trust.chain.command("report")(law.audit_report)
app.command("erase")(law.erase)


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
        application = create_app(settings, database=database, **wiring.readers_doors(settings))
        helper = wiring.worker_of(database, settings) if worker else None
        server = serving.listen(application, host=host, port=port, trusted_proxy=settings.trusted_proxy)
        typer.echo(f"http://{host}:{port}")
        serving.serve(server, worker=helper)


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
        if not once:
            demonstration.refuse_taken_port(port)
        with demonstration.folder(None if once else instance) as place:
            settings = demonstration.settings_for(place, seed=seed, port=port)
            report = demonstration.play(settings, size=size, seed=seed, now=demonstration.now_utc())
            demonstration.print_report(report, out)
            if not once:
                for machine in report.machines:
                    said = f"{settings.base_url} {machine.client_id} {machine.key_file} {machine.purpose}"
                    out.print(f"伙伴接口 partner API: python scripts/partner_example.py {said}", soft_wrap=True)
                out.print(f"善桥 Shanqiao: {settings.base_url}  (Ctrl+C 结束 · to stop)")
                demonstration.serve(settings, port=port)
    except demonstration.NotADemoFolder as error:
        raise typer.BadParameter(str(error), param_hint="--instance") from error
    except demonstration.PortTaken as error:
        raise typer.BadParameter(str(error), param_hint="--port") from error


app.command()(trust.witness)


@runs.callback()
@rules.callback()
def _group() -> None:
    """Keeps the only command of a group a word of its own."""


@runs.command("replay")
def run_replay(
    run: Annotated[str, typer.Argument(help="The id or the number of a run.")],
    out: Annotated[Path | None, typer.Option(help="A new folder for its input and its plan, for an auditor.")] = None,
) -> None:
    """Solve a stored run again; exit 1 and name what differs if another plan comes out, or nothing could be written."""
    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} exists: name a new folder", param_hint="--out")
    with house() as (_, database):
        found = replay(database, run)
    typer.echo(f"计算 run {found.number}")
    typer.echo(f"所存 stored {found.stored}\n重算 again  {found.fresh or '无 none'}")
    for difference in found.differs:
        typer.echo(f"{difference.zh} · {difference.en}")
    if found.exempt:
        typer.echo("原计算曾被中断：不作比较 · the run was interrupted: it is exempt")
    elif found.holds:
        typer.echo("结果一致 · reproduced")
    if out is not None:
        typer.echo(hand_out(found, out))
    if not found.holds or (out is not None and not out.exists()):
        raise typer.Exit(1)


@rules.command("explain")
def overlap_explain(household: str, category: str) -> None:
    """Print the rules, the facts without names, and what may still be given to HOUSEHOLD in CATEGORY."""
    with house() as (_, database), database.reading() as session:
        for line in explain(session, household, category, on=local_day(utc_now())):
            typer.echo(line)


@app.command()
def backup(file: Path) -> None:
    """Write the whole database into FILE, as of this moment; the keys are not in it."""
    with house() as (_, database):
        counts = write_backup(database, file)
    typer.echo(f"{sum(counts.values())} rows of {len(counts)} tables in {file}")


@app.command()
def erased(file: Path) -> None:
    """Write the pseudonyms of who was erased and of closed accounts into FILE: keep it beside the backups, newer."""
    with house() as (_, database), database.reading() as session:
        ids = operations.gone_since(session)
    file.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    typer.echo(f"{len(ids)} in {file}")


@app.command()
def restore(
    file: Path,
    erased: Annotated[Path | None, typer.Option(help="The newest list of `shanqiao erased`.")] = None,
    moved: Annotated[bool, typer.Option(help="Nothing was decided after the backup: the house stood still.")] = False,
) -> None:
    """Fill an empty database from FILE, and check rows, counters and the audit chain before the commit. What permits a
    look rests until its household lets it hold again, unless the house only moved."""
    database, rest = wiring.database_of(from_environment()), dict[str, int]()
    ids = erased.read_text(encoding="utf-8").split() if erased is not None else []

    def then(session: Session) -> None:
        nonlocal rest
        rest = after_restore(session, erased=ids, now=utc_now())

    try:
        counts = restore_backup(database, file, then=None if moved else then)
    finally:
        database.close()
    typer.echo(f"{sum(counts.values())} rows of {len(counts)} tables restored; the audit chain is unbroken")
    if not moved:
        typer.echo(f"{rest['resting']} consents rest, {rest['erased']} people erased again")
        waits = f"{rest['guardians']} guardians, {rest['helpers']} helpers and {rest['keys']} keys"
        typer.echo(f"{waits} wait for staff; see docs/operations.md")
        typer.echo(f"{rest['accounts']} accounts are open: compare them with who works here now")


def _log() -> None:
    """Services write their log to standard error; who keeps it is the host's matter."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger().handlers[0].setFormatter(serving.OneEntry())
    logging.getLogger("alembic").setLevel(logging.WARNING)


def main(arguments: list[str] | None = None) -> None:
    """The console script: known faults become one line."""
    try:
        app(args=arguments)
    except (ConfigError, KeyFileError, operations.OperatorError, BackupError, DomainError) as error:
        _refuse(str(error))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        _refuse("the port is in use: name another one by --port")
    except OperationalError as error:
        _refuse(f"the database does not answer: {type(error.orig).__name__}")


def _refuse(sentence: str) -> None:
    typer.echo(f"shanqiao: {sentence}", err=True)
    raise SystemExit(2)
