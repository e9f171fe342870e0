"""The commands about trust: keys, the audit log, and a witness. `marketplace.cli` hangs them up.

Enters: arguments, and the settings from the environment (a witness needs none). Leaves: what was done, in one or a few
lines; exit 1 when a check found a fault.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marketplace import keeping, operations, wiring
from marketplace.calendar import utc_now
from marketplace.config import KEY_VARIABLES, ring_file
from marketplace.keyring import read_ring
from marketplace.operations import house
from marketplace.reports import standing
from marketplace.suites import NAMES
from marketplace.trail.service import first_false_checkpoint, newest_checkpoint, whole_note

keys = typer.Typer(no_args_is_help=True, help="Keys of an installation.")
chain = typer.Typer(no_args_is_help=True, help="The audit chain.")


@keys.command("new")
def keys_new(folder: Path) -> None:
    """Write fresh key files into FOLDER and say which variables name them."""
    for name, file in zip(KEY_VARIABLES, operations.new_keys(folder), strict=True):
        typer.echo(f"{name}={file.resolve()}")
    typer.echo("Keep a copy of all apart from the backups: without them no sealed field can be opened.", err=True)


@keys.command("rotate")
def keys_rotate(
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest key of the ring.")] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Take older keys out of the ring, if none needs one.")
    ] = False,
) -> None:
    """Add a key-encryption key and wrap every person's key under it; no sealed value is opened. Stop `serve` first."""
    file = Path(ring_file())
    with house() as (settings, database):
        if drop_old:
            kept = keeping.drop_old(database, file)
            typer.echo(f"the ring holds epoch {kept.epoch} alone")
            return
        ring = read_ring(file) if resume else keeping.add_epoch(file)
        moved = keeping.rewrap(database, ring, suite=NAMES[settings.suite], now=utc_now())
    typer.echo(f"epoch {ring.epoch}: {moved} keys wrapped anew")


@chain.command("verify")
def audit_verify() -> None:
    """Recompute the audit chain, and every consent, match and need against it; exit 1 at the first bad row."""
    with house() as (_, database), database.reading() as session:
        verdict = standing.verify(session)
        rewritten = 0 if verdict.bad_seq else first_false_checkpoint(session)
    if verdict.bad_seq:
        typer.echo(f"row {verdict.bad_seq}: {verdict.fault}")
        raise typer.Exit(1)
    if rewritten:
        typer.echo(f"the rows up to {rewritten} are not those of the checkpoint: they were rewritten")
        raise typer.Exit(1)
    typer.echo(f"{verdict.rows} rows, unbroken")


@chain.command("export")
def audit_export(file: Path) -> None:
    """Write the whole log into FILE for `shanqiao-verify log`, and its newest checkpoint beside it."""
    with house() as (_, database), database.reading() as session:
        typer.echo(f"{keeping.export_log(session, file)} rows in {file}")


@chain.command("checkpoint")
def audit_checkpoint() -> None:
    """Make a checkpoint now, show it to the witnesses, and print it."""
    with house() as (settings, database):
        wiring.keeper_of(database, settings).keep(utc_now())
        with database.reading() as session:
            newest = newest_checkpoint(session)
            typer.echo(whole_note(session, newest) if newest else "no checkpoint that enough witnesses have seen")
    if newest is None:
        raise typer.Exit(1)


def witness(
    state: Annotated[Path, typer.Option(help="Folder of this witness: its key, what it saw, evidence.")],
    log: Annotated[str, typer.Option(help="The log's verifier key, from /trust/keys.json.")],
    name: Annotated[str, typer.Option(help="This witness's name, such as audit-office.example/witness.")],
    port: int = 8100,
    host: str = "127.0.0.1",
    address: Annotated[str, typer.Option(help="Where the watched house reaches this witness: its https address.")] = "",
) -> None:
    """Be a witness of another installation's log. Needs no settings and no database: run it on a machine of others."""
    if address and (not address.startswith("https://") or " " in address or "," in address):
        raise typer.BadParameter("name an address that begins with https://", param_hint="--address")
    if not address:
        typer.echo("No --address: the line names where this witness listens, not where the house reaches it.", err=True)
    keeping.run_witness(state, name=name, log=log, host=host, port=port, say=typer.echo, address=address)
