"""`shanqiao warning …`, `import households`, `facts`, `categories`, `pull facts`: thin commands over the register and
the watch.

Enters: arguments. Leaves: what the room's function said, in one line. Hung on the command line by `marketplace.cli`.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from marketplace import operations, wiring
from marketplace.actors import SYSTEM, Role
from marketplace.calendar import utc_now
from marketplace.households import commands
from marketplace.operations import house
from marketplace.reference.facts import feeds
from marketplace.signals import pulling, rules, sweeping, taking
from marketplace.signals.models import Delivery
from marketplace.tables import Columns, DryRun, Lang, Login, Source, TableFile, Yes, agreed, bring, pull

warning = typer.Typer(no_args_is_help=True, help="Rules that watch over the register, and their alerts.")
Feed = Annotated[str, typer.Argument(help="Code of the feed, such as MEDICAL_BILLS.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        help="For which day the list tells: then it also corrects ends that a list told until then.",
    ),
]


@warning.command("draft")
def draft() -> None:
    """Draft every rule of the table that is not there yet; people try them and switch them on."""
    with house() as (_, database), database.transaction() as session:
        made = rules.draft_table(session, actor=SYSTEM, now=utc_now())
    typer.echo(f"{len(made)} rules drafted")


@warning.command("sweep")
def sweep() -> None:
    """Ask every rule at work about everybody now; the worker does this each night by itself."""
    with house() as (_, database), database.transaction() as session:
        found = sweeping.sweep(session, actor=SYSTEM, now=utc_now())
    typer.echo(f"{found.met} met, {found.raised} new alerts")


@bring.command("facts")
def import_facts(
    feed: Feed,
    file: TableFile,
    as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Until which day the file tells.")],
    login: Login = "",
    part: Annotated[bool, typer.Option("--part", help="More files of this day follow.")] = False,
) -> None:
    """Take a department's file in: good rows are stored, bad ones are held back for a person."""
    with house() as (_, database), database.transaction() as session:
        actor = operations.acting(session, login, role=Role.VERIFIER)
        data, day = file.read_bytes(), as_of.date()
        found = taking.take_file(session, feed, data, as_of=day, whole=not part, actor=actor, now=utc_now())
    _tell(found)
    raise typer.Exit(1 if found.held else 0)


@pull.command("facts")
def pull_facts(
    feed: Annotated[str, typer.Argument(help="Code of the feed; all with a rhythm of their own if left out.")] = "",
) -> None:
    """Fetch new facts from the departments' exchange, each feed from where it was left. A feed that is refused keeps no
    other from its turn; the command then ends with 1."""
    codes = [feed] if feed else [one.code for one in feeds().values() if one.fresh_days]
    with house() as (settings, database):
        door = wiring.departments_of(settings)
        found, refused = pulling.pull_all(database, door, codes, actor=SYSTEM, clock=utc_now)
    for delivery in found:
        _tell(delivery)
    for code, error in refused.items():
        typer.echo(f"{code}: {error} ({error.code})", err=True)
    raise typer.Exit(1 if refused else 0)


@bring.command("households")
def import_households(
    file: TableFile,
    login: Login = "",
    source: Source = "civil-affairs",
    mapping: Columns = None,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
) -> None:
    """Bring households and people into the register: check, tell exactly what storing would do, store when agreed."""
    with house() as (_, database):
        with database.reading() as session:
            actor = operations.acting(session, login, role=Role.VERIFIER)
        code = commands.import_households(
            database,
            file,
            source=source,
            mapping=mapping,
            as_of=as_of.date() if as_of else None,
            dry_run=dry_run,
            actor=actor,
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


@bring.command("categories")
def import_categories(
    file: TableFile,
    login: Login = "",
    source: Annotated[str, typer.Option(help="Whose list it is.")] = "civil-affairs",
    as_of: AsOf = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
) -> None:
    """Take a department's list of the register in: who is in a category from when, and who has left it. It is checked
    and told first. A long list is stored piece by piece; after a fault in the middle give the same file again, what is
    stored changes nothing."""
    with house() as (_, database):
        with database.reading() as session:
            actor = operations.acting(session, login, role=Role.VERIFIER)
        code = commands.import_categories(
            database,
            file,
            source=source,
            as_of=as_of.date() if as_of else None,
            dry_run=dry_run,
            actor=actor,
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


def _tell(found: Delivery) -> None:
    typer.echo(
        f"{found.feed}: {found.new} new, {found.changed} changed, {found.same} known, "
        f"{found.strangers} not of the register, {found.held} held back"
    )
