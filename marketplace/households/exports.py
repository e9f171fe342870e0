"""A list of people that leaves the house as a file: one asks, another agrees, who asked takes it once within a day.

Enters: what it is for, one district and one category of the register. Leaves: at most `MOST` rows with the fields that
this purpose needs; each household reads on its own page that it stood in such a file. Called by the register's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.categories import runs_on
from marketplace.households.models import ExportState, Household, Person, RegisterExport, Spell
from marketplace.households.reaching import has_rule
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

MOST = 200
"""Rows of one file; a larger list is no list of people to call or visit."""
AGREE_WITHIN, TAKE_WITHIN = timedelta(days=7), timedelta(days=1)
FIELDS = {"CALL": ("name", "phone"), "VISIT": ("name", "phone", "address"), "LETTER": ("name", "address")}
"""What it is for ► the columns; nothing sensitive leaves in a list."""


def ask(
    session: Session, /, *, purpose: str, district: str, category: str, actor: Actor, now: datetime
) -> RegisterExport:
    """One member of staff says what is wanted and for what; nothing leaves yet."""
    require(actor, "export:ask", district=district)
    if purpose not in FIELDS:
        raise BadInput("reason_missing", field="purpose")
    if category not in list_codes("monitoring_category"):
        raise BadInput("bad_category", field="category")
    row = RegisterExport(
        id=new_id(),
        purpose=purpose,
        district_code=district,
        category=category,
        asked_by=actor.id,
        asked_for=actor.stood_for,
        asked_at=now,
    )
    _bounded(count(session, row, now=now))
    return _saved(session, row, "export:ask", actor=actor, now=now)


def decide(session: Session, export_id: str, /, *, agrees: bool, actor: Actor, now: datetime) -> RegisterExport:
    """Somebody who neither asked nor stands in for who did says yes or no, within a week."""
    row = _locked(session, export_id, "export:agree", actor=actor)
    if state_of(row, now=now) is not ExportState.ASKED:
        raise WrongState("export_decided")
    if actor.people & {row.asked_by, row.asked_for}:
        raise NotAllowed("export_own")
    row.state = ExportState.AGREED if agrees else ExportState.REFUSED
    row.decided_by, row.decided_at = actor.id, now
    return _saved(session, row, "export:agree" if agrees else "export:refuse", actor=actor, now=now)


def take(
    session: Session, export_id: str, /, *, actor: Actor, now: datetime
) -> tuple[tuple[str, ...], list[list[str]]]:
    """The columns and rows, for who asked, once. Each household's row of the log is written first."""
    row = _locked(session, export_id, "export:take", actor=actor)
    if row.asked_by != actor.id or row.decided_by in actor.people:
        raise NotAllowed("export_not_yours")
    if state_of(row, now=now) is not ExportState.AGREED:
        raise WrongState("export_not_open")
    people = session.exec(_people(row, now=now).limit(MOST + 1)).all()
    _bounded(len(people))
    fields = FIELDS[row.purpose]
    entries = [
        audit.Entry("export:row", object_ref=row.id, subject=one.household_id, purpose=row.purpose, fields=fields)
        for one in people
    ]
    audit.record_many(session, entries, actor=actor, now=now)
    row.state, row.taken_at, row.row_count = ExportState.TAKEN, now, len(people)
    _saved(session, row, "export:take", actor=actor, now=now)
    return fields, [[_plain(session, one, name) for name in fields] for one in people]


def state_of(row: RegisterExport, /, *, now: datetime) -> ExportState:
    """The state as it is now: what nobody agreed to in time, or nobody took in time, is refused."""
    since = {ExportState.ASKED: (row.asked_at, AGREE_WITHIN), ExportState.AGREED: (row.decided_at, TAKE_WITHIN)}
    begun, lasts = since.get(row.state, (None, TAKE_WITHIN))
    return ExportState.REFUSED if begun is not None and now >= begun + lasts else row.state


def count(session: Session, row: RegisterExport, /, *, now: datetime) -> int:
    """How many rows it would have today."""
    return session.exec(select(func.count()).select_from(_people(row, now=now).subquery())).one()


def list_exports(session: Session, /, *, actor: Actor, limit: int = 50) -> Sequence[RegisterExport]:
    """Of the actor's districts, the newest first."""
    require(actor, "export:ask", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(RegisterExport).order_by(col(RegisterExport.asked_at).desc(), col(RegisterExport.id))
    if actor.districts:
        wanted = wanted.where(col(RegisterExport.district_code).in_(sorted(actor.districts)))
    return session.exec(wanted.limit(limit)).all()


def get_export(session: Session, export_id: str, action: str, /, *, actor: Actor) -> RegisterExport:
    """One of the actor's districts; any other looks missing."""
    row = session.get(RegisterExport, export_id)
    require(actor, action, district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("export")
    return row


def _locked(session: Session, export_id: str, action: str, /, *, actor: Actor) -> RegisterExport:
    row = get_export(session, export_id, action, actor=actor)
    session.refresh(row, with_for_update=True)
    return row


def _people(row: RegisterExport, *, now: datetime) -> Any:
    """Those of the district who are in the category today: of a household's category the contact of each household."""
    inside = select(Spell).where(col(Spell.category) == row.category, runs_on(local_day(now)))
    homes = inside.with_only_columns(col(Spell.household_id)).where(col(Spell.person_id).is_(None))
    own = inside.with_only_columns(col(Spell.person_id)).where(col(Spell.person_id).is_not(None))
    asked = select(Person).join(Household, col(Household.id) == col(Person.household_id))
    asked = asked.where(col(Household.district_code) == row.district_code)
    asked = asked.where(~has_rule())
    who = and_(col(Person.contact), col(Household.id).in_(homes)) | col(Person.id).in_(own)
    return asked.where(who).order_by(col(Household.street_code), col(Person.id))


def _bounded(rows: int) -> None:
    if rows == 0:
        raise BadInput("export_empty", field="category")
    if rows > MOST:
        raise BadInput("export_too_long", field="category")


def _plain(session: Session, person: Person, name: str) -> str:
    """One field in plain text; empty where there is none, or the person was erased."""
    sealed = getattr(person, name)
    return vault_of(session).open_if_kept(session, person.id, column=f"person.{name}", sealed=sealed)


def _saved(session: Session, row: RegisterExport, action: str, *, actor: Actor, now: datetime) -> RegisterExport:
    session.add(row)
    flush(session)
    body = {"rows": row.row_count} if row.state is ExportState.TAKEN else None
    entry = audit.Entry(
        action, object_ref=row.id, purpose=row.purpose, rule_id=row.category, fields=FIELDS[row.purpose], body=body
    )
    audit.record(session, entry, actor=actor, now=now)
    return row
