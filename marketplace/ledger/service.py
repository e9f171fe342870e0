"""The ledger's acts: reserve, approve, deliver, return; and what it knows of past aid.

Enters: a decision about one need and one offer. Leaves: a ledger row whose state only moves along `STEPS`. The sums and
the guard against a second aid live in the database (see `ledger.models`); a broken guard surfaces as Conflict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger.models import LIVE, AidSource, AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.organisations.programmes import NAMES
from marketplace.sealed import vault_of

STEPS = {
    AidState.RESERVED: (AidState.APPROVED, AidState.RETURNED),
    AidState.APPROVED: (AidState.DELIVERED, AidState.RETURNED),
    AidState.DELIVERED: (AidState.RETURNED,),
    AidState.RETURNED: (),
    AidState.REPEAT: (),
}
PLATFORM = "platform"


def reserve(
    session: Session,
    need: Need,
    /,
    *,
    offer_id: str | None,
    org_id: str,
    giver: str,
    units: int,
    project: str = "",
    actor: Actor,
    now: datetime,
    covers: bool = True,
    recorded: bool = True,
) -> LedgerEntry:
    """Set `units` of an offer aside for a need. Conflict if the need's gap or the offer's stock is exceeded. Aid beside
    what the need still wants does not cover it, and what the stock no longer holds names no offer. Where it is not
    `recorded`, the caller records `act_of` it together with its own act."""
    entry = LedgerEntry(
        id=new_id(),
        source=PLATFORM,
        source_index=vault_of(session).index("ledger-source", f"{need.id}|{offer_id}|{now.isoformat()}|{new_id()}"),
        household_id=need.household_id,
        person_id=need.person_id,
        need_id=need.id if covers else None,
        offer_id=offer_id,
        org_id=org_id,
        giver=giver,
        category=need.category,
        project=project,
        cause=need.cause,
        period=need.period,
        units=units,
        given_on=local_day(now),
        state=AidState.RESERVED,
        created_at=now,
        updated_at=now,
    )
    session.add(entry)
    flush(session)
    if recorded:
        _record(session, entry, actor=actor, now=now)
    return entry


def lower(
    session: Session, entry_id: str, /, *, units: int, of: AidState | None = None, actor: Actor, now: datetime
) -> LedgerEntry:
    """Fewer units are given than were set aside: the rest of the need and of the offer is free at once. `of` delivered:
    part of what was booked as given never came."""
    entry = _locked(session, entry_id)
    if entry.state not in ((of,) if of else (AidState.RESERVED, AidState.APPROVED)):
        raise WrongState("ledger_step", have=entry.state.value, want="lowered")
    if not 0 < units < entry.units:
        raise BadInput("units_outside", field="units")
    entry.units, entry.updated_at = units, now
    session.add(entry)
    flush(session)
    act = audit.Entry("aid:lowered", object_ref=entry.id, subject=entry.household_id, body={"units": units})
    audit.record(session, act, actor=actor, now=now)
    return entry


def raise_to(session: Session, entry_id: str, /, *, units: int, actor: Actor, now: datetime) -> LedgerEntry:
    """More was given than was booked as delivered. Conflict if the need's gap or the offer's stock is exceeded."""
    entry = _locked(session, entry_id)
    if entry.state is not AidState.DELIVERED:
        raise WrongState("ledger_step", have=entry.state.value, want="raised")
    if units <= entry.units:
        raise BadInput("units_outside", field="units")
    entry.units, entry.updated_at = units, now
    session.add(entry)
    flush(session)
    act = audit.Entry("aid:raised", object_ref=entry.id, subject=entry.household_id, body={"units": units})
    audit.record(session, act, actor=actor, now=now)
    return entry


def move(session: Session, entry_id: str, /, *, to: AidState, actor: Actor, now: datetime) -> LedgerEntry:
    """Take one ledger row a step further; a step that is not in `STEPS` is refused."""
    entry = _locked(session, entry_id)
    if to not in STEPS[entry.state]:
        raise WrongState("ledger_step", have=entry.state.value, want=to.value)
    entry.state = to
    entry.updated_at = now
    if to is AidState.DELIVERED:
        entry.given_on = local_day(now)
    session.add(entry)
    flush(session)
    _record(session, entry, actor=actor, now=now)
    return entry


def _locked(session: Session, entry_id: str) -> LedgerEntry:
    statement = select(LedgerEntry).where(col(LedgerEntry.id) == entry_id).with_for_update()
    entry = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if entry is None:
        raise NotFound("ledger_entry")
    return entry


def _record(session: Session, entry: LedgerEntry, *, actor: Actor, now: datetime) -> None:
    audit.record(session, act_of(entry), actor=actor, now=now)


def act_of(entry: LedgerEntry, /) -> audit.Entry:
    """The audit row of a step that a ledger row has taken."""
    body = {"units": entry.units}
    return audit.Entry(f"aid:{entry.state.value}", object_ref=entry.id, subject=entry.household_id, body=body)


def live_aid(session: Session, *, household_ids: Collection[str] | None = None) -> Iterator[LedgerEntry]:
    """Every reserved, approved or delivered row, or only those of some households, in the order of their ids."""
    statement = select(LedgerEntry).where(col(LedgerEntry.state).in_(LIVE)).order_by(col(LedgerEntry.id))
    if household_ids is not None:
        statement = statement.where(col(LedgerEntry.household_id).in_(household_ids))
    yield from session.exec(statement)


def aid_of_household(session: Session, household_id: str, /) -> list[LedgerEntry]:
    """All aid of one household, newest first."""
    statement = (
        select(LedgerEntry)
        .where(col(LedgerEntry.household_id) == household_id)
        .order_by(col(LedgerEntry.given_on).desc(), col(LedgerEntry.id))
    )
    return list(session.exec(statement))


def seen_from(session: Session) -> dict[str, date]:
    """Source ► the day from which its past aid is loaded; a source never loaded is missing here."""
    return {row.source: row.seen_from for row in session.exec(select(AidSource).order_by(col(AidSource.source)))}


def _projects(session: Session, org_id: str | None) -> Iterable[str]:
    """The charities' programmes of all aid, for staff; of its own aid for a giver."""
    wanted = select(LedgerEntry.project).where(col(LedgerEntry.project) != "")
    if org_id is not None:
        wanted = wanted.where(col(LedgerEntry.org_id) == org_id)
    return session.exec(wanted.distinct())


NAMES["ledger"] = _projects
