"""`shanqiao audit report`, `shanqiao erase` and `shanqiao incident …`: thin commands over the rooms of the law.

Enters: arguments. Leaves: what the room's function said, and its exit code. Hung on the command line by
`marketplace.cli`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session, select

from marketplace import operations
from marketplace.actors import Actor, Role
from marketplace.calendar import utc_now
from marketplace.incidents import service as incidents
from marketplace.incidents.models import Incident, OperatorKind
from marketplace.operations import OperatorError, house
from marketplace.organisations.models import Organisation
from marketplace.reports.compliance import as_text, compliance
from marketplace.rights import erasing

incident = typer.Typer(no_args_is_help=True, help="Incidents with personal data: who is affected, who is told by when.")
AS = Annotated[str, typer.Option("--as", help="Who answers for it; needless with one protection officer.")]


def audit_report(
    since: Annotated[str, typer.Option("--from", help="First day, such as 2026-01-01; empty: a year ago.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day; empty: today.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write into this file.")] = None,
) -> None:
    """The compliance report, without any person in it; exit 1 if the chain is broken."""
    now = utc_now()
    last = _day(until) + timedelta(days=1) if until else now
    first = _day(since) if since else last - timedelta(days=365)
    with house() as (_, database), database.reading() as session:
        told = compliance(session, since=first, until=last, now=now)
    text = json.dumps(told, ensure_ascii=False, indent=1) if as_json else as_text(told)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"{out}")
    if not told["chain"]["unbroken"]:
        raise typer.Exit(1)


def erase() -> None:
    """Do the nightly erasure now: give people a day, and destroy what is due. The worker does it every night."""
    with house() as (_, database):
        dated, erased = erasing.night(database, clock=utc_now)
    typer.echo(f"{dated} people got a day, {erased} were erased")


@incident.command("open")
def incident_open(
    what: Annotated[str, typer.Option(help="What happened, without any personal data.")],
    since: Annotated[str, typer.Option("--from", help="Begin, such as 2026-11-01 or 2026-11-01T08:00.")],
    until: Annotated[str, typer.Option("--to", help="End; empty: now.")] = "",
    org: Annotated[str, typer.Option(help="The recipient's unified social credit code.")] = "",
    key: Annotated[str, typer.Option(help="Or the client or account whose key or password is gone.")] = "",
    operator: Annotated[OperatorKind, typer.Option(help="Who runs the house: 1, 2 or 4 hours.")] = OperatorKind.STATE,
    found: Annotated[str, typer.Option(help="When it was found; empty: now.")] = "",
    login: AS = "",
) -> None:
    """Write an incident down, list who is affected, and say until when the authority and the people are told."""
    now = utc_now()
    with house() as (_, database), database.transaction() as session:
        reach = incidents.Reach(
            since=_moment(since), until=_moment(until) if until else now, org_id=_org(session, org), actor_id=key
        )
        row = incidents.open_incident(
            session,
            reach,
            what=what,
            operator=operator,
            found_at=_moment(found) if found else now,
            actor=_actor(session, login),
            now=now,
        )
        number = incidents.count_affected(session, row.id)
        typer.echo(f"incident {row.id}: {number} households")
        _clocks(session, row, now=now)


@incident.command("list")
def incident_list(
    number: Annotated[str, typer.Argument(help="An incident: its households. None: all incidents.")] = "",
) -> None:
    """All incidents with their clocks, or the households of one, each with its looks and whether it was told."""
    now = utc_now()
    with house() as (_, database), database.reading() as session:
        if number:
            for one in incidents.affected(session, incidents.get_incident(session, number).id):
                told = one.told_at.isoformat() if one.told_at else "-"
                typer.echo(f"{one.household_id} {one.looks} {one.last_at.isoformat()} {told}")
            return
        for row in incidents.list_incidents(session):
            typer.echo(f"incident {row.id}: {row.what}{' (closed)' if row.closed_at else ''}")
            _clocks(session, row, now=now)


@incident.command("letters")
def incident_letters(number: str, login: AS = "") -> None:
    """Write to every household of the list that has not been told."""
    written = 0
    with house() as (_, database):
        while True:
            with database.transaction() as session:
                some = incidents.write_letters(session, number, actor=_actor(session, login), now=utc_now())
            written += some
            if not some:
                break
    typer.echo(f"{written} letters are in the outbox")


@incident.command("told")
def incident_told(number: str, login: AS = "") -> None:
    """The authority has the report."""
    with house() as (_, database), database.transaction() as session:
        row = incidents.authority_told(session, number, actor=_actor(session, login), now=utc_now())
        _clocks(session, row, now=utc_now())


@incident.command("close")
def incident_close(number: str, login: AS = "") -> None:
    """Close it, when the authority and every household have been told."""
    with house() as (_, database), database.transaction() as session:
        incidents.close_incident(session, number, actor=_actor(session, login), now=utc_now())
    typer.echo("closed")


def _clocks(session: Session, row: Incident, *, now: datetime) -> None:
    late = incidents.lateness(session, row, now=now)
    told = f"told {row.authority_told_at.isoformat()}" if row.authority_told_at else "not told yet"
    for name, due, words in (("authority", row.authority_due_at, told), ("people", row.people_due_at, "")):
        typer.echo(f"  {name}: until {due.isoformat()} {'LATE ' if late[name] else ''}{words}".rstrip())


def _actor(session: Session, login: str) -> Actor:
    return operations.acting(session, login, role=Role.PROTECTION_OFFICER)


def _org(session: Session, code: str) -> str:
    if not code:
        return ""
    asked = select(Organisation.id).where(Organisation.credit_code == code, Organisation.part == 0)
    found = session.exec(asked).one_or_none()
    if found is None:
        raise OperatorError(f"no organisation has the credit code {code}")
    return found


def _day(text: str) -> datetime:
    return _moment(text[:10])


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise OperatorError(f"{text} is not a day or a moment: write it such as 2026-11-01T08:00") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)
