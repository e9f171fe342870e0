"""The commands about accounts of people with a password. `marketplace.cli` hangs them up.

Enters: arguments, and a password by the keyboard or standard input. Leaves: one line that says what was done; what
cannot be done is an error with a sentence.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from marketplace import operations
from marketplace.calendar import utc_now
from marketplace.operations import house

account = typer.Typer(no_args_is_help=True, help="Accounts of staff, givers and auditors.")


@account.command("add")
def account_add(
    login: str,
    role: Annotated[str, typer.Option(help="Such as verifier, approver, charity_manager, auditor.")],
    name: Annotated[str, typer.Option(help="The name that colleagues see.")],
    org: Annotated[str, typer.Option(help="The credit code of a giver's organisation.")] = "",
    district: Annotated[list[str] | None, typer.Option(help="A district served; none means the whole city.")] = None,
    street: Annotated[list[str] | None, typer.Option(help="A street where a worker goes first, by its code.")] = None,
) -> None:
    """Add one account; the password is asked, or read from standard input."""
    password = _typed()
    with house() as (_, database), database.transaction() as session:
        made = operations.add_account(
            session,
            login,
            role=role,
            name=name,
            credit_code=org,
            districts=district or [],
            streets=street or [],
            password=password,
            now=utc_now(),
        )
    typer.echo(f"account {made.login} added as {made.role.value}")


@account.command("change")
def account_change(
    login: str,
    renew: Annotated[bool, typer.Option("--renew", help="Ask for another password, take its factors away.")] = False,
    role: Annotated[str, typer.Option(help="Another role; its desk must be empty.")] = "",
    district: Annotated[list[str] | None, typer.Option(help="The districts that it serves from now on.")] = None,
    city: Annotated[bool, typer.Option("--whole-city", help="From now on it serves the whole city.")] = False,
    street: Annotated[list[str] | None, typer.Option(help="The streets where a worker goes first from now on.")] = None,
) -> None:
    """LOGIN stays the same person wherever two are asked for; its sign-ins end. Streets outside of its districts go."""
    if city and district:
        raise operations.OperatorError("give --district or --whole-city, not both")
    area: Any = {"districts": [] if city else district or None, "streets": street or None}
    password = _typed() if renew else None
    with house() as (_, database), database.transaction() as session:
        operations.change_account(session, login, password=password, role=role, **area, now=utc_now())
    typer.echo(f"account {login} is changed")


@account.command("link")
def account_link(login: str, subject: str) -> None:
    """From now on SUBJECT of the identity provider signs in as LOGIN."""
    with house() as (settings, database), database.transaction() as session:
        operations.link_account(session, login, issuer=settings.oidc_issuer, subject=subject, now=utc_now())
    typer.echo(f"account {login} is linked")


@account.command("unlink")
def account_unlink(subject: str) -> None:
    """SUBJECT of the identity provider signs in as nobody any more; who came in by the provider is out."""
    with house() as (settings, database), database.transaction() as session:
        operations.unlink_account(session, subject, issuer=settings.oidc_issuer, now=utc_now())
    typer.echo("the subject is linked no more")


@account.command("end")
def account_end(login: Annotated[str, typer.Argument(help="Leave it out for everybody.")] = "") -> None:
    """End every sign-in of LOGIN, or of everybody; nobody's password or factor changes."""
    with house() as (_, database), database.transaction() as session:
        ended = operations.end_sign_ins(session, login, now=utc_now())
    typer.echo(f"{ended} sign-ins ended")


def _typed() -> str:
    """A password, asked twice, or a line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
