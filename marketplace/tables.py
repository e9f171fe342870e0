"""`shanqiao import …` and `shanqiao pull …`: thin commands over the rooms' own, which check, tell, ask and store.

Enters: arguments. Leaves: what the room's function said, and its exit code. Hung on the command line by
`marketplace.cli`.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from marketplace import operations, wiring
from marketplace.actors import SYSTEM, Role
from marketplace.calendar import utc_now
from marketplace.ledger import commands as aid
from marketplace.ledger import reporting
from marketplace.ledger.given import aid_to_tell
from marketplace.needs import commands as needs
from marketplace.offers import commands as offers
from marketplace.operations import house
from marketplace.visits import commands as places

bring = typer.Typer(no_args_is_help=True, help="Bring in files.")
pull = typer.Typer(no_args_is_help=True, help="Fetch from the systems of departments.")
TableFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Login = Annotated[str, typer.Option("--as", help="Who answers for this list; needless with one verifier.")]
Source = Annotated[str, typer.Option(help="Whose list it is; the same name finds its rows again.")]
Columns = Annotated[Path | None, typer.Option(exists=True, help="TOML: columns, constants, values.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and tell, store nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Store without asking.")]
Lang = Annotated[str, typer.Option(help="zh or en")]


def agreed(yes: bool, /) -> bool:
    """Whether what was told is to be stored: said beforehand, or now."""
    return yes or typer.confirm("保存？ Store this?")


@bring.command("needs")
def import_needs(
    file: TableFile,
    login: Login = "",
    source: Source = "civil-affairs",
    mapping: Columns = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
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
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


@bring.command("offers")
def import_offers(
    file: TableFile,
    org: Annotated[str, typer.Option(help="The giver's unified social credit code.")],
    mapping: Columns = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
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
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


@bring.command("aid")
def import_aid(
    file: TableFile,
    source: Annotated[str, typer.Option(help="Whose aid it is; the same name finds its rows again.")],
    seen_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The file tells all since then.")],
    login: Login = "",
    mapping: Columns = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
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
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


@bring.command("places")
def import_places(
    file: TableFile,
    source: Annotated[str, typer.Option(help="Who drew it, and when: stands beside every shape.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    lang: Lang = "zh",
) -> None:
    """Check a GeoJSON of street points, rivers and ridges or districts' outlines, and keep it when somebody agrees."""
    with house() as (_, database):
        code = places.bring(
            database,
            file,
            source=source,
            dry_run=dry_run,
            actor=SYSTEM,
            now=utc_now(),
            lang=lang,
            say=typer.echo,
            agree=partial(agreed, yes),
        )
    raise typer.Exit(code)


@pull.command("payments")
def pull_payments(
    source: Annotated[str, typer.Option(help="The feed's name in our records.")] = "government",
    afresh: Annotated[bool, typer.Option("--afresh", help="From its beginning, for what is over a year old.")] = False,
) -> None:
    """Pull government payments into the ledger; what a late one contradicts becomes a task for a person."""
    with house() as (settings, database):
        feed = wiring.payments_of(settings)
        done = reporting.pull_payments(database, feed, source=source, actor=SYSTEM, clock=utc_now, afresh=afresh)
    typer.echo(
        f"{done.new} new, {done.changed} changed, {done.same} unchanged, {done.strangers} not of our households, "
        f"{done.contradicted} to look at, {len(done.faults)} faults"
    )
    raise typer.Exit(1 if done.faults else 0)


@pull.command("needs")
def pull_needs(
    source: Annotated[str, typer.Option(help="The registry's name in our records.")] = "civil-affairs",
    lang: Lang = "zh",
) -> None:
    """Pull new needs from the civil-affairs registry, then tell it back states and aid given."""
    with house() as (settings, database):
        code = needs.pull_needs(
            database,
            wiring.registry_of(settings),
            source=source,
            actor=SYSTEM,
            clock=utc_now,
            aid_to_tell=aid_to_tell,
            lang=lang,
            say=typer.echo,
        )
    raise typer.Exit(code)
